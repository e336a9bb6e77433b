//! The calendar entries that letters bring, read by two libraries that know nothing of each other:
//! a calendar program must move and remove the entry that it has, and never make a second one.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use ical::IcalParser;
use icalendar::parser::{read_calendar, unfold};
use mail_parser::{MessageParser, MimeHeaders as _};

use crate::harness::at;
use crate::letters::{post, worker};
use crate::on_both;
use crate::smtp::{MailServer, Manner, Received};

/// What a program makes of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    method: String,
    uid: String,
    sequence: i64,
    status: String,
    /// By the clock on the wall.
    start: String,
    zone: String,
    attendee: String,
}

/// As the library reads it that also writes it.
fn first_reading(file: &str) -> Entry {
    let text = unfold(file);
    let calendar = read_calendar(&text).unwrap();
    let event = calendar.components.iter().find(|component| component.name == "VEVENT").unwrap();
    let value = |name: &str| event.find_prop(name).unwrap().val.as_str().to_owned();
    let start = event.find_prop("DTSTART").unwrap();
    Entry {
        method: calendar.properties.iter().find(|property| property.name == "METHOD").unwrap().val.as_str().to_owned(),
        uid: value("UID"),
        sequence: value("SEQUENCE").parse().unwrap(),
        status: value("STATUS"),
        start: value("DTSTART"),
        zone: start.params[0].val.as_ref().unwrap().as_str().to_owned(),
        attendee: value("ATTENDEE"),
    }
}

/// As another library reads it.
fn second_reading(file: &str) -> Entry {
    let calendar = IcalParser::new(file.as_bytes()).next().unwrap().unwrap();
    let event = &calendar.events[0];
    let property = |name: &str| event.properties.iter().find(|property| property.name == name).unwrap();
    let value = |name: &str| property(name).value.clone().unwrap();
    let parameters = property("DTSTART").params.clone().unwrap();
    Entry {
        method: calendar.properties.iter().find(|property| property.name == "METHOD").unwrap().value.clone().unwrap(),
        uid: value("UID"),
        sequence: value("SEQUENCE").parse().unwrap(),
        status: value("STATUS"),
        start: value("DTSTART"),
        zone: parameters[0].1[0].clone(),
        attendee: value("ATTENDEE"),
    }
}

impl Entry {
    /// Both readings of the entry that a letter brings: as a part that mail programs take over, and
    /// as a file. All of them agree.
    fn of(letter: &Received) -> Self {
        let message = MessageParser::default().parse(&letter.message).unwrap();
        let calendars: Vec<_> = message.parts.iter().filter(|part| part.is_content_type("text", "calendar")).collect();
        assert_eq!(calendars.len(), 2);
        assert!(calendars.iter().any(|part| part.attachment_name() == Some("visit.ics")));
        let file = String::from_utf8(calendars[0].contents().to_vec()).unwrap();
        assert_eq!(calendars[1].contents(), file.as_bytes());
        let entry = first_reading(&file);
        assert_eq!(entry, second_reading(&file));
        for part in calendars {
            let method = part.content_type().unwrap().attribute("method").unwrap();
            assert_eq!(method, entry.method);
        }
        entry
    }

    fn instant(&self) -> DateTime<Utc> {
        let zone: chrono_tz::Tz = self.zone.parse().unwrap();
        let wall = NaiveDateTime::parse_from_str(&self.start, "%Y%m%dT%H%M%S").unwrap();
        wall.and_local_timezone(zone).unwrap().with_timezone(&Utc)
    }
}

on_both! {
    async fn the_entry_of_a_visit_moves_and_goes_and_is_always_the_same(portal: TestPortal) {
        let server = MailServer::start(Manner::Accepting).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        let visitor = portal.visitor(1);
        let (thursday, friday) = ("2026-03-12T09:00:00Z", "2026-04-03T09:00:00Z");
        let link = visitor.book("physio", Some("tom"), thursday).await.unwrap();
        worker.run_due().await.unwrap();
        visitor.move_to(&link, Some("tom"), friday).await.unwrap();
        portal.clock.advance(TimeDelta::minutes(3));
        worker.run_due().await.unwrap();
        visitor.cancel(&link).await.unwrap();
        portal.clock.advance(TimeDelta::minutes(3));
        worker.run_due().await.unwrap();

        let entries: Vec<Entry> = server.received().iter().map(Entry::of).collect();
        let [booked, moved, cancelled] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((booked.method.as_str(), booked.status.as_str()), ("REQUEST", "CONFIRMED"));
        assert_eq!((moved.method.as_str(), moved.status.as_str()), ("REQUEST", "CONFIRMED"));
        assert_eq!((cancelled.method.as_str(), cancelled.status.as_str()), ("CANCEL", "CANCELLED"));
        assert!(booked.uid == moved.uid && moved.uid == cancelled.uid, "{entries:?}");
        assert!(booked.sequence < moved.sequence && moved.sequence < cancelled.sequence, "{entries:?}");
        // The clocks change in between.
        assert_eq!((booked.instant(), moved.instant(), cancelled.instant()), (at(thursday), at(friday), at(friday)));
        assert!(entries.iter().all(|entry| entry.attendee == "mailto:visitor1@example.org"), "{entries:?}");
    }
}
