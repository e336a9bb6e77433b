//! Whoever lost the link of a visit asks for it, and learns nothing by asking.

use app::booking::api::BookingService as _;
use app::error::PortalError;
use app::fields::FieldError;
use chrono::TimeDelta;

use crate::harness::{TestPortal, rowan};
use crate::on_both;

const TEN: &str = "2026-03-12T10:00:00Z";

async fn asked(portal: &TestPortal) -> i64 {
    portal.count("SELECT COUNT(*) AS n FROM job WHERE kind = 'letter.links'").await
}

on_both! {
    async fn asking_answers_the_same_for_a_patient_and_for_nobody(portal: TestPortal) {
        let maya = portal.visitor(1);
        maya.book("physio", Some("tom"), TEN).await.unwrap();
        let ask = async |contact: &str| portal.booking.links(&portal.stranger().caller, &rowan(), contact).await;
        for (contact, jobs) in [("visitor1@example.org", 1), ("nobody@example.org", 2), ("07700 900461", 3)] {
            ask(contact).await.unwrap();
            assert_eq!(asked(&portal).await, jobs, "{contact}: a job in any case");
        }
        let typed = portal.count("SELECT COUNT(*) AS n FROM job WHERE CAST(subject AS TEXT) LIKE '%example%' OR unique_key LIKE '%example%'").await;
        assert_eq!(typed, 0, "nobody reads an address in the table of jobs");
        for wrong in ["", "maya", "maya@", "12", "' OR 1=1 --"] {
            let Err(PortalError::Invalid(errors)) = ask(wrong).await else { panic!("{wrong} was taken") };
            assert_eq!(errors.get("contact"), Some(FieldError::Malformed), "{wrong}");
        }
        let elsewhere = portal.booking.links(&maya.caller, &"elsewhere".parse().unwrap(), "visitor1@example.org").await;
        assert_eq!(elsewhere, Err(PortalError::NotFound));
    }

    async fn one_address_is_written_to_once_in_ten_minutes_whoever_asks_how_often(portal: TestPortal) {
        for number in 0..50 {
            let caller = portal.visitor(number).caller;
            portal.booking.links(&caller, &rowan(), if number % 2 == 0 { "maya@example.org" } else { " MAYA@Example.org" }).await.unwrap();
        }
        assert_eq!(asked(&portal).await, 1);
        portal.clock.advance(TimeDelta::minutes(10));
        portal.booking.links(&portal.stranger().caller, &rowan(), "maya@example.org").await.unwrap();
        assert_eq!(asked(&portal).await, 2);
    }
}
