//! Every mistake with its line and its message: edits of the demo's file.

mod parts;
mod values;

use app::booking::rules::{Busy, Search, Span, search, tick};
use app::clinic::model::{Audience, Confirmation, Location, Treatment};
use app::ids::LocationSlug;
use chrono::{Datelike, Days, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::*;

const DEMO: &str = include_str!("../../../demo/clinic.toml");

/// An edit of the demo and the one mistake that it makes.
struct Case {
    /// What is replaced, where it stands for the first time.
    from: String,
    to: String,
    /// The mistake is on the line where this stands for the first time after the edit.
    at: String,
    /// `LINE` stands for the line of `other`. `None`: the edit is right.
    reason: Option<String>,
    other: Option<String>,
}

/// The mistake is where the edit is.
fn case(from: &str, to: &str, reason: &str) -> Case {
    Case { from: from.to_owned(), to: to.to_owned(), at: to.to_owned(), reason: Some(reason.to_owned()), other: None }
}

fn right(from: &str, to: &str) -> Case {
    Case { reason: None, ..case(from, to, "") }
}

impl Case {
    /// The mistake is elsewhere.
    fn on(self, at: &str) -> Self {
        Self { at: at.to_owned(), ..self }
    }

    fn about(self, other: &str) -> Self {
        Self { other: Some(other.to_owned()), ..self }
    }
}

fn edit(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "the demo has no {from:?} any more");
    text.replacen(from, to, 1)
}

fn check(cases: &[Case]) {
    let mut wrong = Vec::new();
    for Case { from, to, at, reason, other } in cases {
        let text = edit(DEMO, from, to);
        let line_of = |part: &str| {
            let place = text.find(part).unwrap_or_else(|| panic!("{part:?} is not in the edited file"));
            1 + text[..place].matches('\n').count()
        };
        let other = other.as_deref().map(|other| line_of(other).to_string()).unwrap_or_default();
        let expected: Vec<Mistake> =
            reason.iter().map(|reason| Mistake { line: line_of(at), reason: reason.replace("LINE", &other) }).collect();
        let found = read(&text).err().unwrap_or_default();
        if found != expected {
            wrong.push(format!("{to:?}\n  expected {expected:#?}\n  found {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_demo_is_a_clinic_without_a_mistake() {
    let clinic = read(DEMO).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    assert_eq!(clinic.practitioners.len(), 6);
    assert!(clinic.treatments.len() >= 10);
    assert!(clinic.treatments.iter().any(|treatment| treatment.capacity == 8));
    assert!(clinic.treatments.iter().any(|treatment| treatment.price == 0));
    assert!(clinic.treatments.iter().any(|treatment| treatment.series_max == Some(12)));
    assert!(clinic.treatments.iter().any(|treatment| matches!(treatment.confirmation, Confirmation::OnRequest { .. })));
    for wanted in [Audience::New, Audience::Existing] {
        assert!(clinic.treatments.iter().any(|treatment| treatment.audience == wanted), "{wanted:?}");
    }
    let zones: BTreeSet<&str> = clinic.locations.iter().map(|location| location.zone.as_str()).collect();
    assert_eq!(zones.len(), 2);
    let split_day = clinic.shifts.iter().filter(|shift| shift.practitioner.as_str() == "jonas-weber");
    assert_eq!(split_day.count(), 2, "one rule for each of the hours");
    let away = clinic.exceptions.iter().filter(|one| one.practitioner.as_str() == "tom-ferreira");
    assert_eq!(away.count(), 3, "one exception for each day");
}

/// Whether the treatment can be booked at the location on this day, asked a week before.
fn is_offered(clinic: &Clinic, treatment: &Treatment, location: &Location, date: NaiveDate) -> bool {
    let midnight = date.and_time(NaiveTime::MIN).and_utc();
    let within = Span { from: tick(midnight), until: tick(midnight + Days::new(1)) };
    let zone: Tz = location.zone.parse().expect("checked while reading");
    let (practitioners, now) = (&treatment.practitioners[..], midnight - Days::new(7));
    !search(&Search { clinic, treatment, location, zone: &zone, practitioners, now, within }, &Busy::default()).is_empty()
}

#[test]
fn the_demo_has_free_times_on_every_working_day_for_years() {
    let clinic = read(DEMO).expect("the demo");
    let (treatment, location) = (&clinic.treatments[0], &clinic.locations[0]);
    let days = || NaiveDate::from_ymd_opt(2026, 3, 2).expect("a date").iter_days();
    let closed = |date: NaiveDate| {
        clinic.closures.iter().any(|one| {
            one.location.as_ref().is_none_or(|at| *at == location.slug)
                && one.first <= date
                && date <= one.last
                && one.hours.is_none()
        })
    };
    for date in days().take(4 * 365).filter(|date| date.weekday().num_days_from_monday() < 5 && !closed(*date)) {
        assert!(is_offered(&clinic, treatment, location, date), "{date}");
    }
    for treatment in &clinic.treatments {
        let fortnight = || days().skip(3 * 365).take(14);
        let somewhere =
            clinic.locations.iter().any(|location| fortnight().any(|date| is_offered(&clinic, treatment, location, date)));
        assert!(somewhere, "{}", treatment.slug);
    }
}

#[test]
fn a_shift_without_a_list_gives_all_but_group_sessions() {
    let clinic = read(DEMO).expect("the demo");
    let of = |name: &str| clinic.shifts.iter().find(|shift| shift.practitioner.as_str() == name).map(|shift| &shift.treatments);
    let listed = of("tom-ferreira").cloned().flatten().expect("Tom leads a class");
    assert!(!listed.is_empty() && listed.iter().all(|slug| slug.as_str() != "back-class"));
    assert_eq!(of("lina-saleh"), Some(&None));
}

#[test]
fn hours_of_an_exception_are_at_the_practitioners_only_location() {
    let clinic = read(DEMO).expect("the demo");
    let extra = clinic.exceptions.iter().find(|one| one.practitioner.as_str() == "priya-nair").expect("her Saturday");
    assert_eq!(extra.location.as_ref().map(LocationSlug::as_str), Some("rowan-street"));
}

#[test]
fn one_language_needs_no_tables_of_texts() {
    let text = edit(DEMO, r#"languages = ["en", "es", "de", "ar"]"#, r#"languages = ["en"]"#);
    let text: String = text
        .lines()
        .filter(|line| [".es = ", ".de = ", ".ar = "].iter().all(|other| !line.contains(other)))
        .map(|line| line.replace(".en = ", " = "))
        .map(|line| {
            line.split_once("{ en = ")
                .map_or(line.clone(), |(key, rest)| format!("{key}{}", rest.split(", es").next().unwrap_or(rest)))
                + "\n"
        })
        .collect();
    let clinic = read(&text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    assert_eq!(clinic.categories[0].name.get(Language::En), "Physiotherapy");
}

#[test]
fn all_mistakes_are_found_at_once_and_in_order() {
    let mut text = DEMO.to_owned();
    for (from, to) in [
        ("hue = 164", "hue = 400"),
        ("zone = \"Europe/London\"", "zone = \"Europe/Londn\""),
        ("languages = [\"en\", \"pt\"]", "languages = [\"english\", \"PT\"]"),
        ("price = \"65\"", "price = \"-65\""),
        ("days = \"mon-fri\"", "days = \"mo-fri\""),
        ("date = 2027-06-04", "date = \"4 June\""),
    ] {
        text = edit(&text, from, to);
    }
    let mistakes = read(&text).expect_err("seven mistakes");
    assert_eq!(mistakes.len(), 7, "{mistakes:#?}");
    assert!(mistakes.is_sorted_by_key(|mistake| mistake.line));
    assert!(mistakes[0].to_string().ends_with(": `hue`: 400 is out of range. Write a number from 0 to 359."));
}

#[test]
fn a_file_that_is_not_toml_says_where_and_how_to_write_it() {
    for (text, line, reason) in [
        ("\n[clinic", 2, "The header of a section does not end. Write: [clinic] or [[shifts]]"),
        ("a = \"x\nb = 1", 1, "A text does not end, or has a control character in it. Write: key = \"text\""),
        ("a = x", 1, "Text needs quotes. Write: key = \"text\""),
        ("a", 1, "Here should be a key and its value. Write: key = \"value\""),
        ("a b = 1", 1, "Here should be a key and its value. Write: key = \"value\""),
        ("a = [\"x\" \"y\"]", 1, "A list does not end, or a comma is missing in it. Write: [\"one\", \"two\"]"),
        ("a = { b = 1 c = 2 }", 1, "A table does not end, or a comma is missing in it. Write: { en = \"one\", es = \"two\" }"),
        (
            "a = 1\n\na = 2",
            3,
            "This key or section is here for the second time. Keep one of them. Sections of which there are several have two brackets: [[shifts]]",
        ),
        (
            "[clinic]\n[clinic]",
            2,
            "This key or section is here for the second time. Keep one of them. Sections of which there are several have two brackets: [[shifts]]",
        ),
        (
            "a = 2026-02-30",
            1,
            "There is no such date. Write year, month and day: 2026-12-25. Hours need quotes: \"09:00-17:30\".",
        ),
        (
            "a = 09:00-17:00",
            1,
            "There is no such date. Write year, month and day: 2026-12-25. Hours need quotes: \"09:00-17:30\".",
        ),
        ("a = \"x\\q\"", 1, "A backslash in a text needs another one before it: \\\\"),
        ("a = 1 b = 2", 1, "There is something behind the value. Give each key a line of its own."),
        ("a = 24.12.2026", 1, "This is no number. Write dates as 2026-12-25, and text in quotes: key = \"text\""),
        ("a = 012", 1, "This is not TOML: unexpected leading zero, expected nothing."),
    ] {
        assert_eq!(read(text), Err(vec![Mistake { line, reason: reason.to_owned() }]), "{text:?}");
    }
}

#[test]
fn a_file_without_its_sections_says_which_ones_are_missing() {
    let reasons = |text: &str| -> Vec<String> { read(text).expect_err(text).into_iter().map(|mistake| mistake.reason).collect() };
    assert_eq!(reasons(""), ["There is no [clinic] in this file. Begin with it: [clinic] and its keys below."]);
    assert_eq!(reasons("[[clinic]]"), ["`clinic`: write [clinic] in single brackets, and only once."]);
    let found = reasons("[clinic]\n[shifts]");
    assert!(found.contains(&"`shifts`: write [[shifts]] in double brackets, once for every shift.".to_owned()), "{found:#?}");
    assert!(found.contains(&"There is no [[treatments]] in this file. Add at least one treatment.".to_owned()), "{found:#?}");
    let found = reasons("rooms = [1]\n[clinic]");
    assert!(found.contains(&"`rooms`: write [[rooms]] in double brackets, once for every room.".to_owned()), "{found:#?}");
    let found = reasons("[clinic]\n[[shift]]");
    assert!(found.iter().any(|reason| reason.ends_with("Did you mean \"shifts\"?")), "{found:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is cut out of the demo: the answer is a clinic, or mistakes on lines that exist.
    #[test]
    fn a_damaged_file_is_answered_with_mistakes_and_never_with_a_crash(
        cut in prop::sample::select(DEMO.char_indices().map(|(at, _)| at).collect::<Vec<_>>()),
        length in 1_usize..200,
    ) {
        let rest: String = DEMO[cut..].chars().skip(length).collect();
        let text = format!("{}{rest}", &DEMO[..cut]);
        if let Err(mistakes) = read(&text) {
            prop_assert!(!mistakes.is_empty());
            let lines = text.lines().count() + 1;
            prop_assert!(mistakes.iter().all(|mistake| (1..=lines).contains(&mistake.line)), "{mistakes:?}");
        }
    }
}
