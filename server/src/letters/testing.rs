//! A clinic, a visit and a moment for the tests of letters.

use std::collections::BTreeMap;

use app::booking::model::VisitStatus;
use app::booking::rules::Span;
use app::clinic::model::{Clinic, Location, Practitioner, Texts, WaitlistTerms};
use app::fields::{Email, Phone};
use app::ids::{AppointmentId, PatientId};
use app::words::Language;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::booking::letter::LetterFacts;
use crate::booking::store::Place;
use crate::booking::store::appointment::{AppointmentRow, Since};

pub fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn texts(pairs: &[(&str, &str)]) -> Texts {
    Texts(pairs.iter().map(|(tag, text)| ((*tag).to_owned(), (*text).to_owned())).collect::<BTreeMap<_, _>>())
}

/// A clinic with one of everything that a letter could name.
pub fn clinic() -> Clinic {
    Clinic {
        slug: "rowan-street".parse().unwrap(),
        name: "Rowan Street Clinic".to_owned(),
        about: Texts::default(),
        phone: Phone::parse("+442079460123").unwrap().unwrap(),
        phone_label: "020 7946 0123".to_owned(),
        phone_hours: texts(&[("en", "Monday to Friday, 8 am to 6 pm"), ("ar", "من الاثنين إلى الجمعة")]),
        email: Email::parse("hello@rowanstreet.example").unwrap().unwrap(),
        emergency: Texts::default(),
        emergency_phone: "999".to_owned(),
        hue: 164,
        currency: "GBP".to_owned(),
        languages: Language::ALL.to_vec(),
        sites: Vec::new(),
        horizon_days: 120,
        waitlist: WaitlistTerms::default(),
        locations: vec![Location {
            slug: "rowan-street".parse().unwrap(),
            name: "Rowan Street".to_owned(),
            address: "14 Rowan Street, London N1 7QP".to_owned(),
            postal: None,
            zone: "Europe/London".to_owned(),
            directions: texts(&[("en", "Five minutes on foot from Old Street station.")]),
        }],
        practitioners: vec![Practitioner {
            slug: "tom-ferreira".parse().unwrap(),
            name: "Tom Ferreira".to_owned(),
            role: texts(&[("en", "Physiotherapist")]),
            about: texts(&[("en", "Backs and knees.")]),
            languages: Vec::new(),
        }],
        rooms: Vec::new(),
        categories: Vec::new(),
        treatments: Vec::new(),
        questionnaires: Vec::new(),
        shifts: Vec::new(),
        exceptions: Vec::new(),
        closures: Vec::new(),
    }
}

pub fn facts(language: Language) -> LetterFacts {
    let (start, end) = (utc("2026-03-12T09:20:00Z"), utc("2026-03-12T10:05:00Z"));
    let place = Place {
        treatment: "first-physiotherapy".parse().unwrap(),
        practitioner: "tom-ferreira".parse().unwrap(),
        practitioner_chosen: true,
        location: "rowan-street".parse().unwrap(),
        room: None,
        session: None,
        start,
        end,
        busy: Span { from: 0, until: 9 },
    };
    LetterFacts {
        unsettled: None,
        appointment: AppointmentRow {
            id: AppointmentId(Uuid::from_u128(7)),
            number: "RS-4K7Q2M".to_owned(),
            patient: PatientId(Uuid::from_u128(8)),
            status: VisitStatus::Booked,
            place,
            price: 6_500,
            reason: Some("My knee hurts".to_owned()),
            booker_name: None,
            email: Some("maya@example.org".to_owned()),
            phone: Some("+447700900461".to_owned()),
            language,
            answer_by: None,
            version: String::new(),
            sequence: 0,
            created_at: utc("2026-03-11T08:00:00Z"),
            series: None,
            since: Since::default(),
        },
        patient_name: "Maya Haddad".to_owned(),
        told: Some(String::new()),
    }
}
