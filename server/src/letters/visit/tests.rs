//! Letters about a visit, as a patient reads them.

use app::fields::Phone;

use super::super::segments::segments;
use super::super::testing::{clinic, facts, utc};
use super::*;
use crate::booking::store::appointment::{Cancelled, Moved};
use crate::booking::store::unsettled::UnsettledRow;

fn write_at(facts: &LetterFacts, now: &str) -> Option<Letter> {
    let clinic = clinic();
    let link = LinkToken("SECRET".to_owned());
    VisitLetter { facts, clinic: &clinic, link: &link, origin: "https://portal.example:8443", now: utc(now) }.write().unwrap()
}

fn write(facts: &LetterFacts) -> Letter {
    write_at(facts, "2026-03-11T08:00:00Z").unwrap()
}

fn assert_has_lines(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|found| found == *line), "{line} is missing in\n{text}");
    }
}

const LINK: &str = "https://portal.example:8443/rowan-street/visit/SECRET";

#[test]
fn the_letter_says_when_where_with_whom_and_where_the_rest_is() {
    let letter = write(&facts(Language::En));
    assert_eq!(letter.subject, "You are booked: Thursday 12 March, 9:20 am");
    assert_has_lines(
        &letter.text,
        &[
            "Hello Maya Haddad,",
            "You are booked.",
            "Thursday 12 March, 9:20 am",
            "London time (GMT)",
            "With Tom Ferreira",
            "At Rowan Street, 14 Rowan Street, London N1 7QP",
            "Getting here: Five minutes on foot from Old Street station.",
            LINK,
            "Your booking number is RS-4K7Q2M. The attached file puts the visit into your calendar.",
            "Can’t come, or need help? Call 020 7946 0123, Monday to Friday, 8 am to 6 pm.",
        ],
    );
    assert!(!letter.text.contains("\n\n\n") && !letter.text.contains("For Maya"), "{}", letter.text);
}

#[test]
fn the_letter_speaks_the_patients_language() {
    for (language, subject, line) in [
        (Language::Es, "Cita reservada: jueves 12 de marzo, 9:20", "Su cita está reservada."),
        (Language::De, "Ihr Termin steht fest: Donnerstag, 12. März, 9:20 Uhr", "Ihr Termin ist gebucht."),
        (Language::Ar, "تم حجز موعدك: الخميس 12 مارس، 9:20 ص", "تم حجز موعدك."),
    ] {
        let letter = write(&facts(language));
        assert_eq!((letter.language, letter.subject.as_str()), (language, subject));
        assert_has_lines(&letter.text, &[line, LINK]);
        let html = letter.html.unwrap();
        assert!(html.contains(&format!("<html lang=\"{}\" dir=\"{}\">", language.tag(), language.direction())), "{html}");
    }
}

#[test]
fn arabic_runs_from_right_to_left_and_names_keep_their_own_direction() {
    let letter = write(&facts(Language::Ar));
    assert!(letter.html.unwrap().contains("dir=\"rtl\""));
    assert_has_lines(&letter.text, &["مع \u{2068}Tom Ferreira\u{2069}"]);
}

#[test]
fn a_clinic_that_does_not_write_the_language_writes_its_first() {
    let mut clinic = clinic();
    clinic.languages = vec![Language::De, Language::En];
    let (facts, link) = (facts(Language::Ar), LinkToken(String::new()));
    let letter = VisitLetter {
        facts: &facts,
        clinic: &clinic,
        link: &link,
        origin: "https://portal.example",
        now: utc("2026-03-11T08:00:00Z"),
    };
    assert_eq!(letter.write().unwrap().unwrap().language, Language::De);
}

#[test]
fn nothing_that_leaves_the_server_tells_about_health() {
    for language in Language::ALL {
        let mut request = facts(language);
        request.appointment.status = VisitStatus::Pending;
        let mut overdue = request.clone();
        overdue.appointment.answer_by = Some(utc("2026-03-11T07:00:00Z"));
        let mut declined = cancelled(language, 0);
        let why = Some(crate::booking::store::appointment::DECLINED.to_owned());
        declined.appointment.since.cancelled.as_mut().unwrap().why = why;
        let letters = [facts(language), request, overdue, declined, cancelled(language, 2_000), moved(language)];
        let changes = [UnsettledKind::Moved, UnsettledKind::Cancelled, UnsettledKind::Unfit].map(|kind| changed(language, kind));
        for (mut facts, email) in letters.into_iter().chain(changes).flat_map(|facts| [(facts.clone(), true), (facts, false)]) {
            facts.appointment.email = facts.appointment.email.filter(|_| email);
            let letter = write(&facts);
            let calendars = letter.attachments.iter().map(|attachment| attachment.content.clone());
            let everything = [letter.subject, letter.text, letter.html.unwrap_or_default()].into_iter().chain(calendars);
            for text in everything {
                let text = text.to_lowercase();
                for secret in ["physio", "knee", "backs", "£65"] {
                    assert!(!text.contains(secret), "{secret} in\n{text}");
                }
            }
        }
    }
}

#[test]
fn a_letter_says_the_same_in_html_and_makes_the_link_a_button() {
    let letter = write(&facts(Language::En));
    let html = letter.html.unwrap();
    assert!(html.contains(">Thursday 12\u{a0}March, 9:20\u{a0}am</h1>"), "{html}");
    assert!(html.contains(&format!(" href=\"{}\">See your visit", LINK.replace('/', "&#x2f;"))), "{html}");
    assert!(html.contains("Call 020\u{a0}7946\u{a0}0123, Monday"), "{html}");
    assert!(html.contains("With Tom Ferreira<br>At Rowan Street"), "{html}");
    assert!(!html.contains("<script") && !html.contains("http://") && !html.contains("src="));
}

#[test]
fn a_name_cannot_bring_markup_or_lines_of_its_own() {
    let mut facts = facts(Language::En);
    facts.patient_name = "<img src=x onerror=alert(1)>\r\nYou owe us money\r\n{{ link }}".to_owned();
    let letter = write(&facts);
    assert!(!letter.html.unwrap().contains("<img"));
    assert_has_lines(&letter.text, &["Hello <img src=x onerror=alert(1)> You owe us money {{ link }},"]);
    let Recipient::Mail { name, .. } = letter.recipient else { panic!("it goes by mail") };
    assert_eq!(name, facts.patient_name, "the message makes one line of it");
}

#[test]
fn whoever_booked_for_someone_else_is_greeted_and_told_for_whom() {
    let mut facts = facts(Language::En);
    facts.appointment.booker_name = Some("Sami Haddad".to_owned());
    let letter = write(&facts);
    assert_has_lines(&letter.text, &["Hello Sami Haddad,", "For Maya Haddad", "With Tom Ferreira"]);
}

#[test]
fn a_request_is_never_called_a_booking() {
    for language in Language::ALL {
        let mut facts = facts(language);
        facts.appointment.status = VisitStatus::Pending;
        facts.appointment.answer_by = Some(utc("2026-03-11T18:00:00Z"));
        let letter = write(&facts);
        assert_eq!(letter.kind, LetterKind::RequestReceived);
        assert!(letter.attachments.is_empty(), "nothing for the calendar yet");
        let booked = write(&super::super::testing::facts(language));
        assert_ne!(letter.subject, booked.subject);
        assert_ne!(letter.id, booked.id);
    }
    let mut facts = facts(Language::En);
    facts.appointment.status = VisitStatus::Pending;
    facts.appointment.answer_by = Some(utc("2026-03-11T18:00:00Z"));
    let letter = write(&facts);
    assert_eq!(letter.subject, "Not booked yet: your request for Thursday 12 March, 9:20 am");
    assert_has_lines(&letter.text, &["We answer by Wednesday 11 March, 6:00 pm. You do not need to do anything until then."]);
}

#[test]
fn an_answer_that_is_late_and_one_that_is_no_each_have_their_letter() {
    for language in Language::ALL {
        let mut asked = facts(language);
        asked.appointment.status = VisitStatus::Pending;
        asked.appointment.answer_by = Some(utc("2026-03-11T08:00:00Z"));
        let overdue = write(&asked);
        assert_eq!(overdue.kind, LetterKind::Overdue, "it is eight");
        let mut declined = cancelled(language, 0);
        let why = Some(crate::booking::store::appointment::DECLINED.to_owned());
        declined.appointment.since.cancelled.as_mut().unwrap().why = why;
        let declined = write(&declined);
        assert_eq!(declined.kind, LetterKind::Declined);
        assert!(overdue.attachments.is_empty() && declined.attachments.is_empty(), "it was in no calendar");
        assert_ne!(overdue.subject, declined.subject);
    }
}

#[test]
fn a_visit_that_became_a_request_by_moving_follows_in_the_calendar_and_leaves_it_by_a_no() {
    let mut asked = moved(Language::En);
    asked.appointment.status = VisitStatus::Pending;
    let received = write(&asked);
    assert_eq!(received.kind, LetterKind::RequestReceived);
    let file = &received.attachments[0].content;
    assert!(file.contains("METHOD:REQUEST") && file.contains("STATUS:TENTATIVE"), "{file}");
    let mut declined = cancelled(Language::En, 0);
    declined.appointment.sequence = asked.appointment.sequence + 1;
    declined.appointment.since.cancelled.as_mut().unwrap().why = Some(crate::booking::store::appointment::DECLINED.to_owned());
    let declined = write(&declined);
    assert_eq!(declined.kind, LetterKind::Declined);
    assert!(declined.attachments[0].content.contains("METHOD:CANCEL"));
}

/// A visit that the clinic changed.
fn changed(language: Language, kind: UnsettledKind) -> LetterFacts {
    let mut facts = match kind {
        UnsettledKind::Moved => moved(language),
        UnsettledKind::Cancelled => cancelled(language, 0),
        UnsettledKind::Unfit => facts(language),
    };
    let moved_from = facts.appointment.moved_from();
    let (appointment, since) = (facts.appointment.id, utc("2026-03-11T07:00:00Z"));
    facts.unsettled = Some(UnsettledRow { appointment, kind, moved_from, wants_call: false, since });
    facts
}

#[test]
fn what_the_clinic_changed_is_told_with_what_the_patient_can_do() {
    let moved = write(&changed(Language::En, UnsettledKind::Moved));
    assert_eq!(moved.kind, LetterKind::MovedByClinic);
    let lines = [
        "We are sorry: we had to move your visit. It was: Friday 13 March, 3:00 pm. It is now:",
        "Say that this works, choose another time, or ask for a call:",
        LINK,
    ];
    assert_has_lines(&moved.text, &lines);
    assert!(moved.attachments[0].content.contains("METHOD:REQUEST"), "it moves in the calendar");
    let withdrawn = write(&changed(Language::En, UnsettledKind::Cancelled));
    assert_eq!(withdrawn.kind, LetterKind::Withdrawn);
    assert!(withdrawn.attachments[0].content.contains("METHOD:CANCEL"), "it leaves the calendar");
    let unfit = write(&changed(Language::En, UnsettledKind::Unfit));
    assert_eq!((unfit.kind, unfit.attachments.len()), (LetterKind::Unfit, 0));
    assert_has_lines(&unfit.text, &["Choose another time, or ask for a call:", LINK]);
}

#[test]
fn who_gave_only_a_number_gets_a_text_message() {
    let mut facts = facts(Language::En);
    facts.appointment.email = None;
    let letter = write(&facts);
    assert_eq!(letter.recipient, Recipient::Text { phone: Phone::parse("+447700900461").unwrap().unwrap() });
    assert_eq!(
        letter.text,
        format!(
            "Rowan Street Clinic: You are booked for Thursday 12 March, 9:20 am, London time (GMT). \
             Your visit and how to prepare: {LINK}"
        )
    );
    assert_eq!((letter.html, letter.attachments), (None, Vec::new()));
}

#[test]
fn every_text_message_has_two_parts_at_most_and_ends_in_its_link() {
    let clinic = clinic();
    let link = LinkToken("AaIE41FGd1GqePP5igOzfn9Enn_o_yZfoHfA0lQll7s".to_owned());
    for language in Language::ALL {
        let mut waiting = facts(language);
        waiting.appointment.status = VisitStatus::Pending;
        waiting.appointment.answer_by = Some(utc("2026-03-11T18:00:00Z"));
        let mut all = vec![facts(language), waiting, cancelled(language, 2_000), moved(language)];
        all.extend([UnsettledKind::Moved, UnsettledKind::Cancelled, UnsettledKind::Unfit].map(|kind| changed(language, kind)));
        for mut facts in all {
            facts.appointment.email = None;
            for now in ["2026-03-11T08:00:00Z", "2026-03-11T19:00:00Z"] {
                let letter =
                    VisitLetter { facts: &facts, clinic: &clinic, link: &link, origin: "https://portal.example", now: utc(now) };
                let text = letter.write().unwrap().unwrap().text;
                assert!(segments(&text) <= 2, "{} parts: {text}", segments(&text));
                assert!(text.split(' ').next_back().unwrap().starts_with("https://portal.example/rowan-street"), "{text}");
                // In Arabic, where a part has less than half the room, what happened may be all that fits.
                assert!(text.contains("9:20") || language == Language::Ar, "{text}");
            }
        }
    }
}

#[test]
fn nothing_goes_out_after_the_visit() {
    let facts = facts(Language::En);
    assert!(write_at(&facts, "2026-03-12T10:04:59Z").is_some());
    assert_eq!(write_at(&facts, "2026-03-12T10:05:00Z"), None);
    assert_eq!(write_at(&cancelled(Language::En, 0), "2026-03-12T10:05:00Z"), None);
}

fn cancelled(language: Language, fee: u32) -> LetterFacts {
    let mut facts = facts(language);
    facts.appointment.status = VisitStatus::Cancelled;
    facts.appointment.sequence = 1;
    facts.appointment.since.changed_at = Some(utc("2026-03-11T07:00:00Z"));
    facts.appointment.since.cancelled = Some(Cancelled { fee, why: Some("cost".into()), reason: Some("My knee hurts".into()) });
    facts
}

fn moved(language: Language) -> LetterFacts {
    let mut facts = facts(language);
    facts.appointment.sequence = 2;
    facts.appointment.since.changed_at = Some(utc("2026-03-11T07:00:00Z"));
    facts.appointment.since.moved = Some(Moved { from: utc("2026-03-13T15:00:00Z"), sequence: 2 });
    facts
}

#[test]
fn a_cancellation_is_confirmed_and_takes_the_visit_out_of_the_calendar() {
    let letter = write(&cancelled(Language::En, 0));
    assert_eq!(letter.kind, LetterKind::Cancellation);
    assert_eq!(letter.subject, "Cancelled: Thursday 12 March, 9:20 am");
    let lines = ["There is nothing to pay for cancelling.", "https://portal.example:8443/rowan-street/booking"];
    assert_has_lines(&letter.text, &lines);
    let file = &letter.attachments[0];
    assert_eq!(file.media_type, "text/calendar; charset=utf-8; method=CANCEL");
    let uid = "UID:00000000-0000-0000-0000-000000000007@portal.example";
    assert_has_lines(
        &file.content.replace("\r\n ", ""),
        &["METHOD:CANCEL", "STATUS:CANCELLED", "SEQUENCE:1", "DTSTAMP:20260311T070000Z", uid],
    );
    assert_has_lines(
        &write(&cancelled(Language::En, 2_000)).text,
        &["Cancelling this close to the visit costs £20. We will tell you how to pay."],
    );
}

#[test]
fn a_moved_visit_says_what_it_was_and_moves_in_the_calendar() {
    let letter = write(&moved(Language::En));
    assert_eq!(letter.kind, LetterKind::Change);
    assert_eq!(letter.subject, "Your visit has moved: Thursday 12 March, 9:20 am");
    assert_has_lines(&letter.text, &["It was: Friday 13 March, 3:00 pm", "Your visit has a new time.", LINK]);
    let file = &letter.attachments[0];
    assert_eq!(file.media_type, "text/calendar; charset=utf-8; method=REQUEST");
    let uid = "UID:00000000-0000-0000-0000-000000000007@portal.example";
    let start = "DTSTART;TZID=Europe/London:20260312T092000";
    assert_has_lines(
        &file.content.replace("\r\n ", ""),
        &["METHOD:REQUEST", "STATUS:CONFIRMED", "SEQUENCE:2", "DTSTAMP:20260311T070000Z", uid, start],
    );
}

#[test]
fn a_move_that_is_no_news_any_more_is_not_told_again() {
    let mut facts = moved(Language::En);
    facts.appointment.sequence = 3;
    let letter = write(&facts);
    assert_eq!(letter.kind, LetterKind::Confirmation);
    assert!(!letter.text.contains("It was"));
}

#[test]
fn changes_are_told_in_every_language_and_as_text_messages() {
    for language in Language::ALL {
        for facts in [cancelled(language, 2_000), moved(language)] {
            let letter = write(&facts);
            let mut by_text = facts.clone();
            by_text.appointment.email = None;
            let message = write(&by_text);
            assert_ne!(letter.subject, write(&super::super::testing::facts(language)).subject);
            assert!(message.text.contains(facts.appointment.place.start.format("%-I:%M").to_string().trim()), "{}", message.text);
            assert!(letter.text.contains("RS-4K7Q2M") && !message.text.contains('\n'));
        }
    }
}

#[test]
fn the_same_letter_keeps_its_id_and_a_changed_visit_gets_another() {
    let mut facts = facts(Language::En);
    let first = write_at(&facts, "2026-03-11T08:00:00Z").unwrap();
    let later = write_at(&facts, "2026-03-11T20:00:00Z").unwrap();
    assert_eq!(first.id, later.id);
    assert_eq!(first.id.to_string(), "confirmation.00000000-0000-0000-0000-000000000007.0@portal.example");
    facts.appointment.sequence = 1;
    assert_ne!(write(&facts).id, first.id);
}

#[test]
fn the_calendar_file_has_the_visits_own_id_and_page() {
    let letter = write(&facts(Language::En));
    let calendar = &letter.attachments[0].content.replace("\r\n ", "");
    assert_has_lines(
        calendar,
        &[
            "UID:00000000-0000-0000-0000-000000000007@portal.example",
            "SUMMARY:Visit at Rowan Street Clinic",
            "LOCATION:Rowan Street\\, 14 Rowan Street\\, London N1 7QP",
            &format!("URL:{LINK}"),
            "DTSTART;TZID=Europe/London:20260312T092000",
        ],
    );
}

#[test]
fn the_clinic_reads_who_is_late_and_by_how_much_and_nothing_about_health() {
    for language in Language::ALL {
        let mut clinic = clinic();
        clinic.languages = vec![language];
        let (mut facts, link) = (facts(Language::De), LinkToken("SECRET".to_owned()));
        facts.appointment.since.late_min = Some(15);
        let now = utc("2026-03-12T09:00:00Z");
        let letter = VisitLetter { facts: &facts, clinic: &clinic, link: &link, origin: "https://portal.example", now };
        let letter = letter.write_late(now).unwrap();
        assert_eq!(letter.recipient, Recipient::Mail { name: clinic.name.clone(), email: clinic.email.clone() });
        assert!(letter.text.contains("15") && letter.text.contains("Maya Haddad") && letter.subject.contains("RS-4K7Q2M"));
        let all = format!("{}{}{}", letter.subject, letter.text, letter.html.unwrap()).to_lowercase();
        for secret in ["physio", "knee", "/visit/"] {
            assert!(!all.contains(secret), "{secret} in\n{all}");
        }
    }
}
