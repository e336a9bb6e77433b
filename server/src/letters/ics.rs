//! The calendar file of a visit (RFC 5545): one event, and the time zone rules that it needs.
//!
//! The same visit keeps its UID for ever and its SEQUENCE rises with every change, so a calendar
//! that knows the visit moves or removes it instead of showing it twice. The file carries its own
//! `VTIMEZONE`: the reader's program need not know the zone, nor our version of its rules.
//!
//! In a letter it is a request of the clinic to the patient (RFC 5546, iTIP), because that is what
//! mail programs put into the calendar and take out of it by themselves; nobody is asked for an
//! answer. As a file to download it is published: the same event, without the two parties.

use app::fields::Email;
use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{OffsetComponents, OffsetName, Tz, TzOffset};
use icalendar::parser::{Calendar, Component, Parameter, Property};

/// A visit as a calendar keeps it. Texts are for the patient, in their language, and say nothing
/// about health: calendars are shared with families and colleagues.
#[derive(Clone, Debug)]
pub struct CalendarEntry {
    /// The same for ever: the appointment's id, `@`, our host.
    pub uid: String,
    /// Rises with every change of the visit.
    pub sequence: i64,
    /// When the visit was last changed.
    pub changed_at: DateTime<Utc>,
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
    /// Where the visit takes place.
    pub zone: Tz,
    pub summary: String,
    /// The address in one line.
    pub location: String,
    pub description: String,
    /// The visit's own page.
    pub url: String,
    pub status: EntryStatus,
    /// Who sends it to whom; `None` for a file that anybody may load.
    pub parties: Option<Parties>,
    /// Who publishes it, for a file of several.
    pub publisher: Option<Party>,
}

/// The two ends of a letter, as calendars name them.
#[derive(Clone, Debug)]
pub struct Parties {
    pub organizer: Party,
    pub attendee: Party,
}

#[derive(Clone, Debug)]
pub struct Party {
    pub name: String,
    pub email: Email,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryStatus {
    Confirmed,
    /// Waits for the clinic's answer.
    Tentative,
    Cancelled,
}

impl CalendarEntry {
    /// What a calendar program is to do with the file (RFC 5546, 1.4).
    const fn method(&self) -> &'static str {
        match (self.status, &self.parties) {
            (EntryStatus::Cancelled, _) => "CANCEL",
            (_, Some(_)) => "REQUEST",
            (_, None) => "PUBLISH",
        }
    }

    /// What the file is, for mail and for browsers.
    pub fn media_type(&self) -> &'static str {
        match self.method() {
            "CANCEL" => "text/calendar; charset=utf-8; method=CANCEL",
            "REQUEST" => "text/calendar; charset=utf-8; method=REQUEST",
            _ => "text/calendar; charset=utf-8; method=PUBLISH",
        }
    }

    /// The text of the file, with CRLF at the end of each line and long lines folded.
    pub fn file(&self) -> String {
        file(self.method(), std::slice::from_ref(self))
    }

    /// Start and end by the clock on the wall; `None` if the wall shows one of them a second time
    /// that day, because a local time in a calendar file always means the first.
    fn local_times(&self) -> Option<(NaiveDateTime, NaiveDateTime)> {
        let first_reading = |instant: DateTime<Utc>| {
            let local = instant.with_timezone(&self.zone).naive_local();
            match self.zone.from_local_datetime(&local) {
                LocalResult::Single(only) => (only == instant).then_some(local),
                LocalResult::Ambiguous(first, _) => (first == instant).then_some(local),
                LocalResult::None => None,
            }
        };
        Some((first_reading(self.start)?, first_reading(self.end)?))
    }

    fn event(&self) -> Component<'static> {
        let (start, end) = match self.local_times() {
            Some((start, end)) => (in_zone("DTSTART", start, self.zone), in_zone("DTEND", end, self.zone)),
            None => (property("DTSTART", utc_text(self.start)), property("DTEND", utc_text(self.end))),
        };
        let status = match self.status {
            EntryStatus::Confirmed => "CONFIRMED",
            EntryStatus::Tentative => "TENTATIVE",
            EntryStatus::Cancelled => "CANCELLED",
        };
        let mut properties = vec![
            property("UID", escaped(&self.uid)),
            property("SEQUENCE", self.sequence.to_string()),
            property("DTSTAMP", utc_text(self.changed_at)),
            start,
            end,
            property("SUMMARY", escaped(&self.summary)),
            property("LOCATION", escaped(&self.location)),
            property("DESCRIPTION", escaped(&self.description)),
            property("URL", self.url.replace(|c: char| c.is_control() || c.is_whitespace(), "")),
            property("STATUS", status),
            property("CLASS", "PRIVATE"),
        ];
        properties.extend(self.publisher.as_ref().map(|publisher| party("ORGANIZER", publisher, &[])));
        if let Some(Parties { organizer, attendee }) = &self.parties {
            properties.push(party("ORGANIZER", organizer, &[]));
            properties.push(party("ATTENDEE", attendee, &[("PARTSTAT", "ACCEPTED"), ("RSVP", "FALSE")]));
        }
        component("VEVENT", properties, Vec::new())
    }
}

/// What [`published`] files are.
pub const PUBLISHED: &str = "text/calendar; charset=utf-8; method=PUBLISH";

/// Several visits in one file. They are published, whatever their state: a request and a
/// cancellation are about one UID only (RFC 5546, 3.2.2 and 3.2.5), and a published event that is
/// cancelled says so in its STATUS (3.2.1). The sender is named, for what becomes of each later.
pub fn published(entries: &[CalendarEntry]) -> String {
    file("PUBLISH", entries)
}

/// The zones of the events, each once, and the events.
fn file(method: &'static str, entries: &[CalendarEntry]) -> String {
    let mut zones: Vec<(Tz, DateTime<Utc>, DateTime<Utc>)> = Vec::new();
    for entry in entries.iter().filter(|entry| entry.local_times().is_some()) {
        match zones.iter_mut().find(|(zone, ..)| *zone == entry.zone) {
            Some((_, start, end)) => (*start, *end) = ((*start).min(entry.start), (*end).max(entry.end)),
            None => zones.push((entry.zone, entry.start, entry.end)),
        }
    }
    let mut components: Vec<_> = zones.into_iter().map(|(zone, start, end)| time_zone(zone, start, end)).collect();
    components.extend(entries.iter().map(CalendarEntry::event));
    let properties = vec![
        property("VERSION", "2.0"),
        property("PRODID", "-//Perennial//Visits//EN"),
        property("CALSCALE", "GREGORIAN"),
        property("METHOD", method),
    ];
    Calendar { properties, components }.to_string()
}

/// A name between quotes may hold anything but quotes and control characters (RFC 5545, 3.2).
fn party(name: &'static str, party: &Party, parameters: &[(&'static str, &'static str)]) -> Property<'static> {
    let common: String = party.name.chars().filter(|c| !c.is_control() && *c != '"').collect();
    let mut property = property(name, format!("mailto:{}", party.email.as_str()));
    property.params.push(Parameter { key: "CN".into(), val: Some(format!("\"{common}\"").into()) });
    property.params.extend(parameters.iter().map(|(key, value)| Parameter::new_ref(key, Some(value))));
    property
}

/// A moment at which the zone's clocks or their name change.
struct Transition {
    at: DateTime<Utc>,
    from: TzOffset,
    to: TzOffset,
}

/// How far around the visit the zone's rules are written out: a visit that the reader moves by
/// hand stays right too.
const RULES_AROUND: TimeDelta = TimeDelta::days(366);

/// The rules from the last change before the visit to a year after it, each as a date of its own.
fn time_zone(zone: Tz, start: DateTime<Utc>, end: DateTime<Utc>) -> Component<'static> {
    let transitions = transitions(zone, start - RULES_AROUND, end + RULES_AROUND);
    let mut observances: Vec<Component<'static>> = transitions.iter().map(observance).collect();
    if transitions.first().is_none_or(|first| first.at > start) {
        observances.insert(0, since_ever(zone, start));
    }
    component("VTIMEZONE", vec![property("TZID", zone.name())], observances)
}

/// Every change in `[from, until]`, found day by day: no zone changes twice in one.
fn transitions(zone: Tz, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<Transition> {
    let offset_at = |instant: DateTime<Utc>| *instant.with_timezone(&zone).offset();
    let mut found = Vec::new();
    let (mut day, mut before) = (from, offset_at(from));
    while day < until {
        let next = day + TimeDelta::days(1);
        let after = offset_at(next);
        if before != after {
            let (mut low, mut high) = (day.timestamp(), next.timestamp());
            while high - low > 1 {
                let middle = low.midpoint(high);
                let is_before = DateTime::from_timestamp(middle, 0).is_some_and(|instant| offset_at(instant) == before);
                if is_before { low = middle } else { high = middle }
            }
            found.extend(DateTime::from_timestamp(high, 0).map(|at| Transition { at, from: before, to: after }));
        }
        (day, before) = (next, after);
    }
    found
}

fn observance(transition: &Transition) -> Component<'static> {
    // The onset is written by the clock as it was before the change (RFC 5545, 3.6.5).
    let onset = (transition.at + transition.from.fix()).naive_utc();
    rule(onset, &transition.from, &transition.to)
}

/// What holds at the visit, in a zone whose clocks did not change for a year before it.
fn since_ever(zone: Tz, start: DateTime<Utc>) -> Component<'static> {
    let offset = *start.with_timezone(&zone).offset();
    rule(DateTime::UNIX_EPOCH.naive_utc(), &offset, &offset)
}

fn rule(onset: NaiveDateTime, from: &TzOffset, to: &TzOffset) -> Component<'static> {
    let kind = if to.dst_offset() > TimeDelta::zero() { "DAYLIGHT" } else { "STANDARD" };
    let mut properties = vec![
        property("DTSTART", local_text(onset)),
        property("TZOFFSETFROM", offset_text(from)),
        property("TZOFFSETTO", offset_text(to)),
    ];
    properties.extend(to.abbreviation().map(|name| property("TZNAME", escaped(name))));
    component(kind, properties, Vec::new())
}

/// "+0100"; with seconds where a zone of the past has them.
fn offset_text(offset: &TzOffset) -> String {
    let seconds = offset.fix().local_minus_utc();
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes, rest) = (seconds.abs() / 3600, seconds.abs() / 60 % 60, seconds.abs() % 60);
    if rest == 0 { format!("{sign}{hours:02}{minutes:02}") } else { format!("{sign}{hours:02}{minutes:02}{rest:02}") }
}

fn in_zone(name: &'static str, local: NaiveDateTime, zone: Tz) -> Property<'static> {
    let mut property = property(name, local_text(local));
    property.params.push(Parameter::new_ref("TZID", Some(zone.name())));
    property
}

fn local_text(local: NaiveDateTime) -> String {
    local.format("%Y%m%dT%H%M%S").to_string()
}

fn utc_text(instant: DateTime<Utc>) -> String {
    instant.format("%Y%m%dT%H%M%SZ").to_string()
}

fn property(name: &'static str, value: impl Into<String>) -> Property<'static> {
    Property { name: name.into(), val: value.into().into(), params: Vec::new() }
}

fn component(name: &'static str, properties: Vec<Property<'static>>, components: Vec<Component<'static>>) -> Component<'static> {
    Component { name: name.into(), properties, components }
}

/// A TEXT value (RFC 5545, 3.3.11). No control character survives, so no text can start a line.
fn escaped(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => value.extend(['\\', c]),
            '\n' => value.push_str("\\n"),
            c if c.is_control() => {}
            c => value.push(c),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use chrono_tz::Europe::{Berlin, London};
    use icalendar::parser::{read_calendar, unfold};
    use proptest::prelude::*;

    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn entry(start: DateTime<Utc>, zone: Tz) -> CalendarEntry {
        CalendarEntry {
            uid: "0198c0de-0000-7000-8000-000000000001@portal.example".to_owned(),
            sequence: 0,
            changed_at: utc("2026-03-11T08:00:00Z"),
            start,
            end: start + TimeDelta::minutes(45),
            zone,
            summary: "Visit at Rowan Street Clinic".to_owned(),
            location: "14 Rowan Street, London N1 7QP".to_owned(),
            description: "Your visit: https://portal.example/rowan-street/visit/abc".to_owned(),
            url: "https://portal.example/rowan-street/visit/abc".to_owned(),
            status: EntryStatus::Confirmed,
            parties: None,
            publisher: None,
        }
    }

    fn party(name: &str, email: &str) -> Party {
        Party { name: name.to_owned(), email: Email::parse(email).unwrap().unwrap() }
    }

    fn value<'c>(component: &'c Component<'_>, name: &str) -> &'c str {
        component.find_prop(name).unwrap().val.as_str()
    }

    /// What a calendar program makes of the file: the instants at which the event starts and
    /// ends, by the rules of RFC 5545 and nothing but the file.
    fn understood(file: &str) -> (DateTime<Utc>, DateTime<Utc>) {
        let text = unfold(file);
        let calendar = read_calendar(&text).unwrap();
        let named = |name: &str| calendar.components.iter().find(|component| component.name == name);
        let event = named("VEVENT").unwrap();
        let instant = |name: &str| {
            let text = value(event, name);
            if let Some(utc) = text.strip_suffix('Z') {
                return NaiveDateTime::parse_from_str(utc, "%Y%m%dT%H%M%S").unwrap().and_utc();
            }
            let zone = named("VTIMEZONE").unwrap();
            let parameters = &event.find_prop(name).unwrap().params;
            assert!(parameters.iter().any(|parameter| parameter.val.as_ref().unwrap().as_str() == value(zone, "TZID")));
            first_instant(NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S").unwrap(), zone)
        };
        (instant("DTSTART"), instant("DTEND"))
    }

    /// The first instant at which a wall with these rules shows that time.
    fn first_instant(local: NaiveDateTime, zone: &Component<'_>) -> DateTime<Utc> {
        let offset = |text: &str| {
            let digits: i64 = text[1..].parse().unwrap();
            let minutes = digits / 100 * 60 + digits % 100;
            TimeDelta::minutes(if text.starts_with('-') { -minutes } else { minutes })
        };
        let mut rules: Vec<(DateTime<Utc>, TimeDelta)> = zone
            .components
            .iter()
            .map(|rule| {
                let onset = NaiveDateTime::parse_from_str(value(rule, "DTSTART"), "%Y%m%dT%H%M%S").unwrap();
                ((onset - offset(value(rule, "TZOFFSETFROM"))).and_utc(), offset(value(rule, "TZOFFSETTO")))
            })
            .collect();
        rules.sort();
        let ends = rules.iter().skip(1).map(|rule| rule.0).chain([DateTime::<Utc>::MAX_UTC]).collect::<Vec<_>>();
        let holds = rules.iter().zip(ends).filter_map(|((onset, offset), end)| {
            let instant = (local - *offset).and_utc();
            (*onset <= instant && instant < end).then_some(instant)
        });
        holds.min().unwrap()
    }

    #[test]
    fn the_file_says_when_and_where_and_little_else() {
        let file = entry(utc("2026-03-12T09:20:00Z"), London).file();
        for line in [
            "METHOD:PUBLISH",
            "UID:0198c0de-0000-7000-8000-000000000001@portal.example",
            "DTSTAMP:20260311T080000Z",
            "DTSTART;TZID=Europe/London:20260312T092000",
            "DTEND;TZID=Europe/London:20260312T100500",
            "SUMMARY:Visit at Rowan Street Clinic",
            "LOCATION:14 Rowan Street\\, London N1 7QP",
            "STATUS:CONFIRMED",
            "BEGIN:VTIMEZONE",
            "TZOFFSETTO:+0100",
        ] {
            assert!(file.lines().any(|found| found == line), "{line} is missing in\n{file}");
        }
        assert!(file.starts_with("BEGIN:VCALENDAR\r\n") && file.ends_with("END:VCALENDAR\r\n"));
    }

    #[test]
    fn a_cancelled_visit_is_taken_out_of_the_calendar() {
        let cancelled =
            CalendarEntry { status: EntryStatus::Cancelled, sequence: 1, ..entry(utc("2026-03-12T09:20:00Z"), Berlin) };
        let file = cancelled.file();
        assert!(file.contains("METHOD:CANCEL\r\n") && file.contains("STATUS:CANCELLED\r\n") && file.contains("SEQUENCE:1\r\n"));
        assert!(file.contains("UID:0198c0de"));
    }

    #[test]
    fn in_a_letter_it_is_the_clinics_request_and_nobody_is_asked_for_an_answer() {
        let parties = Parties {
            organizer: party("Rowan; Street \"Clinic\"\r\nX:y", "hello@rowan.example"),
            attendee: party("Maya", "maya@example.org"),
        };
        let mut sent = CalendarEntry { parties: Some(parties), ..entry(utc("2026-03-12T09:20:00Z"), London) };
        let file = sent.file().replace("\r\n ", "");
        for line in [
            "METHOD:REQUEST",
            "ORGANIZER;CN=\"Rowan; Street ClinicX:y\":mailto:hello@rowan.example",
            "ATTENDEE;CN=\"Maya\";PARTSTAT=ACCEPTED;RSVP=FALSE:mailto:maya@example.org",
        ] {
            assert!(file.lines().any(|found| found == line), "{line} is missing in\n{file}");
        }
        sent.status = EntryStatus::Cancelled;
        assert!(sent.file().contains("METHOD:CANCEL\r\n"));
    }

    #[test]
    fn a_text_cannot_start_a_line_of_its_own() {
        let attack = "x\r\nATTENDEE:mailto:eve@example.org\rBEGIN:VALARM\u{2028};,\\";
        let tricked = CalendarEntry {
            summary: attack.to_owned(),
            location: attack.to_owned(),
            url: format!("https://portal.example/{attack}"),
            ..entry(utc("2026-03-12T09:20:00Z"), London)
        };
        let file = tricked.file();
        assert!(!file.lines().any(|line| line.starts_with("ATTENDEE") || line.starts_with("BEGIN:VALARM")), "{file}");
        assert_eq!(file.matches('\r').count(), file.matches("\r\n").count());
        assert_eq!(file.matches('\n').count(), file.matches("\r\n").count());
        let text = unfold(&file);
        let calendar = read_calendar(&text).unwrap();
        let event = calendar.components.iter().find(|component| component.name == "VEVENT").unwrap();
        assert_eq!(value(event, "SUMMARY"), attack.replace('\r', ""));
    }

    #[test]
    fn lines_are_folded_and_unfold_to_the_same_text() {
        for description in ["عيادة شارع روان، الطابق الثاني. ".repeat(20), "Wörter über Wörter; ".repeat(20), "x".repeat(500)]
        {
            let long = CalendarEntry { description: description.clone(), ..entry(utc("2026-03-12T09:20:00Z"), London) };
            let file = long.file();
            // 75 octets and the space that marks a folded line.
            assert!(file.split("\r\n").all(|line| line.len() <= 76), "{file}");
            let text = unfold(&file);
            let calendar = read_calendar(&text).unwrap();
            let event = calendar.components.iter().find(|component| component.name == "VEVENT").unwrap();
            assert_eq!(value(event, "DESCRIPTION"), description);
        }
    }

    #[test]
    fn a_repeated_hour_is_told_apart() {
        let (first, second) = (utc("2026-10-25T00:30:00Z"), utc("2026-10-25T01:30:00Z"));
        assert_eq!(understood(&entry(first, London).file()).0, first);
        assert_eq!(understood(&entry(second, London).file()).0, second);
    }

    #[test]
    fn every_zones_changes_for_ten_years_are_told_right() {
        let (from, until) = (utc("2026-01-01T00:00:00Z"), utc("2036-01-01T00:00:00Z"));
        let mut checked = 0;
        for zone in chrono_tz::TZ_VARIANTS {
            for transition in transitions(zone, from, until) {
                for minutes in [-65, -60, -5, 0, 30, 60] {
                    let entry = entry(transition.at + TimeDelta::minutes(minutes), zone);
                    assert_eq!(understood(&entry.file()), (entry.start, entry.end), "{zone} {}", entry.start);
                    checked += 1;
                }
            }
        }
        assert!(checked > 10_000, "only {checked} times were checked");
    }

    proptest! {
        #[test]
        fn any_time_in_any_zone_comes_back(zone in 0..chrono_tz::TZ_VARIANTS.len(), tick in 5_900_000_i64..7_000_000) {
            let start = DateTime::from_timestamp(tick * 300, 0).unwrap();
            let entry = entry(start, chrono_tz::TZ_VARIANTS[zone]);
            prop_assert_eq!(understood(&entry.file()), (entry.start, entry.end));
        }
    }
}
