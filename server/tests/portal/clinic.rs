//! A small clinic to test with: two people, two rooms, a group class, a request, a returning visit.

use app::clinic::model::*;
use app::fields::{Email, Phone};
use app::words::Language;
use chrono::{NaiveTime, Weekday};

pub fn texts(text: &str) -> Texts {
    Texts([("en".to_owned(), text.to_owned())].into())
}

pub fn treatment(slug: &str, practitioners: &[&str]) -> Treatment {
    Treatment {
        slug: slug.parse().unwrap(),
        category: "all".into(),
        name: texts(slug),
        description: texts("what it is"),
        duration_min: 45,
        buffer_before_min: 0,
        buffer_after_min: 15,
        every_min: 15,
        price: 6500,
        practitioners: practitioners.iter().map(|slug| slug.parse().unwrap()).collect(),
        room_kind: Some("room".into()),
        capacity: 1,
        confirmation: Confirmation::Instant,
        audience: Audience::Anyone,
        notice_min: 60,
        horizon_days: 60,
        cancellation: Cancellation { free_until_min: 1440, fee: 2000 },
        before: texts("wear loose clothes"),
        after: texts("rest"),
        questionnaires: vec![],
        recall_days: None,
        series_max: None,
    }
}

fn practitioner(slug: &str, name: &str) -> Practitioner {
    Practitioner {
        slug: slug.parse().unwrap(),
        name: name.into(),
        role: texts("physiotherapist"),
        about: texts("kind"),
        languages: vec!["en".into()],
    }
}

fn location(slug: &str, zone: &str) -> Location {
    Location {
        slug: slug.parse().unwrap(),
        name: slug.into(),
        address: "14 Rowan Street".into(),
        postal: None,
        zone: zone.into(),
        directions: texts("by bus"),
    }
}

fn room(slug: &str, location: &str, kind: &str) -> Room {
    Room { slug: slug.parse().unwrap(), name: slug.into(), location: location.parse().unwrap(), kind: kind.into() }
}

pub fn shift(who: &str, location: &str, from: u32, until: u32) -> Shift {
    let hour = |hour: u32| NaiveTime::from_hms_opt(hour % 24, 0, 0).unwrap();
    Shift {
        practitioner: who.parse().unwrap(),
        location: location.parse().unwrap(),
        days: vec![Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri],
        hours: Hours { from: hour(from), until: hour(until) },
        first: None,
        last: None,
        treatments: None,
    }
}

/// Tom and Priya work on weekdays from nine to five in London, Priya on Saturdays in New York.
pub fn small() -> Clinic {
    let saturday = Shift { days: vec![Weekday::Sat], ..shift("priya", "new-york", 9, 17) };
    Clinic {
        slug: "rowan".parse().unwrap(),
        name: "Rowan Street Clinic".into(),
        about: texts("care"),
        phone: Phone::parse("020 7946 0123").unwrap().unwrap(),
        phone_label: "020 7946 0123".into(),
        phone_hours: texts("Monday to Friday"),
        email: Email::parse("hello@rowan.example").unwrap().unwrap(),
        emergency: texts("call"),
        emergency_phone: "999".into(),
        hue: 164,
        currency: "GBP".into(),
        languages: Language::ALL.to_vec(),
        sites: vec![],
        horizon_days: 90,
        waitlist: WaitlistTerms::default(),
        locations: vec![location("london", "Europe/London"), location("new-york", "America/New_York")],
        practitioners: vec![practitioner("tom", "Tom Ferreira"), practitioner("priya", "Priya Nair")],
        rooms: vec![room("one", "london", "room"), room("two", "london", "room"), room("ny", "new-york", "room")],
        questionnaires: vec![],
        categories: vec![Category { slug: "all".into(), name: texts("All") }],
        treatments: vec![
            Treatment { series_max: Some(8), ..treatment("physio", &["tom", "priya"]) },
            Treatment { duration_min: 30, buffer_before_min: 5, buffer_after_min: 0, ..treatment("short", &["tom"]) },
            Treatment { capacity: 4, series_max: Some(4), ..treatment("class", &["tom"]) },
            Treatment { confirmation: Confirmation::OnRequest { answer_within_min: 240 }, ..treatment("request", &["priya"]) },
            Treatment { audience: Audience::Existing, ..treatment("follow-up", &["tom"]) },
            Treatment { audience: Audience::New, ..treatment("first", &["tom"]) },
            Treatment { audience: Audience::Had(vec!["physio".parse().unwrap()]), ..treatment("after-physio", &["tom"]) },
        ],
        shifts: vec![shift("tom", "london", 9, 17), shift("priya", "london", 9, 17), saturday],
        exceptions: vec![],
        closures: vec![],
    }
}
