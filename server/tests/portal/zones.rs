//! The rules of a zone change after visits were booked in it (F17): what was promised is the time on
//! the wall.
//!
//! Mexico gave up daylight saving in 2022. A database that was last served by the edition before
//! that has noted clocks that go forward in April; this program's own do not.

use app::booking::model::UnsettledKind;
use chrono::{DateTime, Utc, Weekday};
use mail_parser::MessageParser;
use server::booking::answer::staff;
use server::booking::store::zone::{Offset, Offsets, put};
use server::booking::zone;
use server::clinic::Clinics;

use crate::clinic::shift;
use crate::harness::{TestPortal, at, noon, rowan};
use crate::letters::{post, worker};
use crate::on_both;
use crate::smtp::{MailServer, Manner};

const MEXICO: &str = "America/Mexico_City";
/// Ten in the morning by the rules of today; eleven by the old ones.
const TEN: &str = "2026-05-04T16:00:00Z";
const ELEVEN: &str = "2026-05-04T17:00:00Z";

/// The clinic's first location is in Mexico.
async fn move_to_mexico(portal: &TestPortal) {
    portal
        .reload(|clinic| {
            clinic.locations[0].zone = MEXICO.into();
            let priya = shift("priya", "london", 9, 20);
            clinic.shifts.push(app::clinic::model::Shift { days: vec![Weekday::Sat], ..priya });
        })
        .await;
}

/// As the edition 2022e would have noted it.
async fn note_old_rules(portal: &TestPortal) {
    let spans = [("2026-03-10T12:00:00Z", -6), ("2026-04-05T08:00:00Z", -5), ("2026-10-25T07:00:00Z", -6)];
    let spans = spans.map(|(from, hours)| Offset { from_s: at(from).timestamp(), offset_s: hours * 3600 }).to_vec();
    let old = Offsets { spans, until_s: at("2029-03-10T12:00:00Z").timestamp() };
    let noted = portal.database.write(async move |tx| put(tx, &rowan(), (MEXICO, "2022e"), &old, noon()).await).await;
    noted.unwrap();
}

/// What a start of the server does; answers how many visits begin at another instant.
async fn start(portal: &TestPortal) -> usize {
    let clinics = Clinics::open(portal.database.clone()).await.unwrap();
    zone::keep(&portal.database, &portal.clock, &clinics).await.unwrap()
}

async fn doctor(portal: &TestPortal) -> Vec<String> {
    zone::examine(&portal.database, portal.clock.now()).await.unwrap()
}

async fn begins(portal: &TestPortal, visitor: u8, link: &app::ids::LinkToken) -> DateTime<Utc> {
    portal.visitor(visitor).visit(link).await.summary.start.instant
}

on_both! {
    async fn a_visit_keeps_the_time_on_the_wall_that_was_promised(portal: TestPortal) {
        move_to_mexico(&portal).await;
        start(&portal).await;
        let before = portal.visitor(1).book("physio", Some("tom"), "2026-03-16T16:00:00Z").await.unwrap();
        let ten = portal.visitor(2).book("physio", Some("tom"), TEN).await.unwrap();
        let eleven = portal.visitor(3).book("physio", Some("tom"), ELEVEN).await.unwrap();
        let class = portal.visitor(4).book("class", Some("tom"), "2026-05-05T16:00:00Z").await.unwrap();
        portal.visitor(5).book("class", Some("tom"), "2026-05-05T16:00:00Z").await.unwrap();
        assert_eq!(start(&portal).await, 0, "the rules are the same");
        note_old_rules(&portal).await;
        let number = portal.visitor(2).visit(&ten).await.number;
        let foretold = doctor(&portal).await;
        assert!(foretold.iter().any(|line| line.contains(&number) && line.contains("2022e")), "{foretold:?}");
        assert_eq!(start(&portal).await, 4);
        assert_eq!(begins(&portal, 1, &before).await, at("2026-03-16T16:00:00Z"), "in winter nothing changed");
        // Each onto where the next one was: all of them or none.
        assert_eq!((begins(&portal, 2, &ten).await, begins(&portal, 3, &eleven).await), (at(ELEVEN), at("2026-05-04T18:00:00Z")));
        assert_eq!(portal.visitor(2).visit(&ten).await.summary.start.time.replace('\u{a0}', " "), "11:00 am");
        assert_eq!(begins(&portal, 4, &class).await, at("2026-05-05T17:00:00Z"));
        assert_eq!(portal.overlaps().await, 0);
        portal.visitor(6).book("physio", Some("tom"), TEN).await.unwrap();
        assert!(portal.visitor(7).hold("physio", Some("tom"), ELEVEN).await.is_err(), "the new time is occupied");
        portal.visitor(8).book("class", Some("tom"), "2026-05-05T17:00:00Z").await.unwrap();
        let told = doctor(&portal).await;
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(told.iter().any(|line| line.contains(&number) && line.contains("17:00:00")), "{told:?}");
        assert_eq!(start(&portal).await, 0, "once");
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM audit WHERE action = 'appointment.clock'").await, 4);
    }

    async fn its_patient_is_told_once_with_a_calendar_file_that_puts_it_right(portal: TestPortal) {
        move_to_mexico(&portal).await;
        let ten = portal.visitor(1).book("physio", Some("tom"), TEN).await.unwrap();
        let server = MailServer::start(Manner::Accepting).await;
        let worker = worker(&portal, &post(&server), &[("PERENNIAL_LETTERS_UNDO_S", "0")]).await;
        worker.run_due().await.unwrap();
        note_old_rules(&portal).await;
        start(&portal).await;
        start(&portal).await;
        worker.run_due().await.unwrap();
        let received = server.received();
        assert_eq!(received.len(), 2);
        let letter = MessageParser::default().parse(&received[1].message).unwrap();
        assert_eq!(letter.subject().unwrap(), "The clocks have changed, your visit has not: Monday 4 May, 11:00 am");
        let whole = &received[1].message;
        assert!(whole.contains("method=REQUEST") || whole.contains("method=\"REQUEST\""), "{whole}");
        // Moved by the patient since, it is news of another kind.
        portal.visitor(1).move_to(&ten, Some("tom"), "2026-05-04T19:00:00Z").await.unwrap();
        assert!(doctor(&portal).await.is_empty());
        worker.run_due().await.unwrap();
        let last = server.received().pop().unwrap();
        assert!(MessageParser::default().parse(&last.message).unwrap().subject().unwrap().starts_with("Your visit has moved"));
    }

    async fn where_somebody_is_in_the_way_the_visit_stands_in_staffs_list(portal: TestPortal) {
        move_to_mexico(&portal).await;
        // A Saturday: one in the afternoon in Mexico, and four in New York, which is two hours ahead.
        let priya = portal.visitor(1);
        let here = priya.book("physio", Some("priya"), "2026-05-09T19:00:00Z").await.unwrap();
        let mut elsewhere = crate::harness::Visitor::request("physio", Some("priya"), "2026-05-09T20:00:00Z");
        elsewhere.location = "new-york".parse().unwrap();
        let hold = app::booking::api::BookingService::hold(&*portal.booking, &portal.visitor(2).caller, elsewhere).await.unwrap();
        portal.visitor(2).describe(&hold, portal.visitor(2).draft()).await.unwrap();
        portal.visitor(2).confirm(&hold).await.unwrap();
        note_old_rules(&portal).await;
        start(&portal).await;
        assert_eq!(begins(&portal, 1, &here).await, at("2026-05-09T19:00:00Z"));
        let list = portal.booking.unsettled(&staff(), &rowan()).await.unwrap();
        assert_eq!(list.iter().map(|one| one.kind).collect::<Vec<_>>(), [UnsettledKind::Unfit]);
        assert_eq!(portal.overlaps().await, 0);
        assert!(portal.visitor(3).hold("physio", Some("priya"), "2026-05-09T19:00:00Z").await.is_err(), "its time is still its own");
    }
}
