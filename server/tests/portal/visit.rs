//! A booked visit by its private link: cancelling it, and who may not.

use app::booking::api::BookingService as _;
use app::booking::model::{CancelDraft, ContactDraft, VisitStatus};
use app::error::{PortalError, Reason};
use app::fields::{FieldError, FieldErrors};
use app::ids::LinkToken;
use app::words::Language;
use chrono::TimeDelta;
use server::store::{Json, Tx};

use crate::harness::{TestPortal, at, rowan};
use crate::on_both;

/// Tomorrow: cancelling is free until the same hour of today, two hours ago.
const TEN: &str = "2026-03-12T10:00:00Z";
/// In two days: cancelling is free for another 22 hours.
const FRIDAY: &str = "2026-03-13T10:00:00Z";

fn because(why: &str, reason: &str) -> CancelDraft {
    CancelDraft { why: why.into(), reason: reason.into() }
}

/// What is noted about a cancelled visit: fee, code, words.
async fn noted(portal: &TestPortal) -> (i64, Option<String>, Option<String>) {
    let mut tx: Tx = portal.database.read().await.unwrap();
    let sql = "SELECT cancel_fee, cancel_why, cancel_reason FROM appointment WHERE status = 'cancelled'";
    let row = tx.query(sql).fetch_one().await.unwrap();
    (row.get("cancel_fee").unwrap(), row.get("cancel_why").unwrap(), row.get("cancel_reason").unwrap())
}

async fn letters(portal: &TestPortal) -> i64 {
    portal.count("SELECT COUNT(*) AS n FROM job WHERE kind = 'letter.change'").await
}

async fn audited(portal: &TestPortal) -> i64 {
    portal.count("SELECT COUNT(*) AS n FROM audit WHERE action = 'appointment.cancel'").await
}

on_both! {
    async fn a_cancelled_visit_gives_its_time_back_at_once_and_says_so(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("physio", Some("tom"), FRIDAY).await.unwrap();
        let before = maya.visit(&link).await;
        assert!(before.open && before.fee_now.is_none(), "free for 22 hours");
        maya.cancel_version(&link, &before.version, because("time", " my train  ")).await.unwrap();

        let visit = maya.visit(&link).await;
        assert_eq!((visit.status, visit.open, visit.fee_due), (VisitStatus::Cancelled, false, None));
        assert_eq!(noted(&portal).await, (0, Some("time".into()), Some("my train".into())));
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM occupancy").await, 0);
        assert_eq!(portal.count("SELECT sequence AS n FROM appointment").await, 1);
        assert_eq!((letters(&portal).await, audited(&portal).await), (1, 1));
        assert!(portal.visitor(2).starts("physio", "tom", "2026-03-13").await.contains(&at(FRIDAY)));
        portal.visitor(2).book("physio", Some("tom"), FRIDAY).await.unwrap();
        assert_eq!(portal.overlaps().await, 0);
    }

    async fn cancelling_again_from_another_tab_changes_nothing(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("physio", Some("tom"), FRIDAY).await.unwrap();
        let seen = maya.visit(&link).await.version;
        maya.cancel_version(&link, &seen, because("cost", "")).await.unwrap();
        maya.cancel_version(&link, &seen, because("other", "again")).await.unwrap();
        portal.clock.advance(TimeDelta::days(3));
        maya.cancel_version(&link, &seen, CancelDraft::default()).await.unwrap();
        assert_eq!(noted(&portal).await, (0, Some("cost".into()), None), "the first one counts");
        assert_eq!((letters(&portal).await, audited(&portal).await), (1, 1));
        assert_eq!(portal.count("SELECT sequence AS n FROM appointment").await, 1);
    }

    async fn twenty_presses_at_once_and_a_rival_make_one_cancellation_and_one_booking(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("physio", Some("tom"), FRIDAY).await.unwrap();
        let seen = maya.visit(&link).await.version;
        let presses: Vec<_> = (0..20)
            .map(|_| {
                let (maya, link, seen) = (maya.clone(), link.clone(), seen.clone());
                tokio::spawn(async move { maya.cancel_version(&link, &seen, CancelDraft::default()).await })
            })
            .collect();
        let rival = portal.visitor(2);
        let rival = tokio::spawn(async move {
            for _ in 0..2_000 {
                match rival.book("physio", Some("tom"), FRIDAY).await {
                    Err(PortalError::Conflict(Reason::SlotTaken)) => tokio::task::yield_now().await,
                    booked => return booked,
                }
            }
            Err(PortalError::Conflict(Reason::SlotTaken))
        });
        for press in presses {
            press.await.unwrap().unwrap();
        }
        rival.await.unwrap().unwrap();
        assert_eq!((letters(&portal).await, audited(&portal).await), (1, 1));
        assert_eq!((portal.appointments().await, portal.overlaps().await), (1, 0));
    }

    async fn a_fee_that_began_meanwhile_is_shown_before_it_is_agreed_to(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("physio", Some("tom"), FRIDAY).await.unwrap();
        let seen = maya.visit(&link).await.version;
        portal.clock.advance(TimeDelta::hours(22));
        let refused = maya.cancel_version(&link, &seen, because("time", "my train")).await;
        assert_eq!(refused, Err(PortalError::Conflict(Reason::Changed)));
        let visit = maya.visit(&link).await;
        assert_eq!((visit.status, visit.fee_now.as_deref()), (VisitStatus::Booked, Some("£20")));
        assert_eq!(visit.draft.cancel, Some(because("time", "my train")), "what was typed is still there");
        assert_eq!((letters(&portal).await, audited(&portal).await), (0, 0));
        assert_eq!(portal.visitor(2).hold("physio", Some("tom"), FRIDAY).await, Err(PortalError::Conflict(Reason::SlotTaken)));

        maya.cancel_version(&link, &visit.version, because("time", "my train")).await.unwrap();
        let visit = maya.visit(&link).await;
        assert_eq!((visit.fee_due.as_deref(), visit.fee_now), (Some("£20"), None));
        assert_eq!(noted(&portal).await.0, 2000);
    }

    async fn a_reason_that_is_too_long_is_kept_and_nothing_is_cancelled(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("physio", Some("tom"), FRIDAY).await.unwrap();
        let seen = maya.visit(&link).await.version;
        let long = because("other", &"ä".repeat(2001));
        let Err(PortalError::Invalid(errors)) = maya.cancel_version(&link, &seen, long.clone()).await else { panic!("accepted") };
        assert_eq!(errors.get("reason"), Some(FieldError::TooLong));
        let visit = maya.visit(&link).await;
        assert_eq!((visit.status, visit.draft.cancel), (VisitStatus::Booked, Some(long)));
        // An endless text is cut, a NUL is dropped, a code that is none of ours is no reason.
        maya.cancel_version(&link, &seen, because("<b>", "\0ok")).await.unwrap();
        assert_eq!(noted(&portal).await, (0, None, Some("ok".into())));
    }

    async fn a_visit_that_has_begun_is_not_cancelled_any_more(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("physio", Some("tom"), TEN).await.unwrap();
        portal.clock.advance(at(TEN) - portal.clock.now());
        let visit = maya.visit(&link).await;
        assert!(!visit.open && !visit.in_past);
        assert_eq!(maya.cancel(&link).await, Err(PortalError::Conflict(Reason::TooLate)));
        assert_eq!((portal.appointments().await, letters(&portal).await), (1, 0));
    }

    async fn taking_back_a_request_costs_nothing(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("request", Some("priya"), TEN).await.unwrap();
        let visit = maya.visit(&link).await;
        assert_eq!((visit.status, visit.fee_now), (VisitStatus::Pending, None), "inside the window, but nobody has agreed yet");
        maya.cancel_version(&link, &visit.version, CancelDraft::default()).await.unwrap();
        assert_eq!(noted(&portal).await, (0, None, None));
        portal.visitor(2).book("physio", Some("priya"), TEN).await.unwrap();
    }

    async fn a_seat_of_a_class_comes_back_and_with_the_last_one_the_whole_hour(portal: TestPortal) {
        let mut links = Vec::new();
        for number in 1..=4 {
            links.push(portal.visitor(number).book("class", Some("tom"), FRIDAY).await.unwrap());
        }
        portal.visitor(1).cancel(&links[0]).await.unwrap();
        links[0] = portal.visitor(5).book("class", Some("tom"), FRIDAY).await.unwrap();
        assert_eq!(portal.visitor(6).hold("class", Some("tom"), FRIDAY).await, Err(PortalError::Conflict(Reason::SlotTaken)));
        for (number, link) in [5, 2, 3, 4].into_iter().zip(&links) {
            assert_eq!(portal.visitor(7).hold("physio", Some("tom"), FRIDAY).await, Err(PortalError::Conflict(Reason::SlotTaken)));
            portal.visitor(number).cancel(link).await.unwrap();
        }
        portal.visitor(7).book("physio", Some("tom"), FRIDAY).await.unwrap();
        assert_eq!(portal.overlaps().await, 0);
    }

    async fn a_link_that_is_none_cancels_nothing(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("physio", Some("tom"), FRIDAY).await.unwrap();
        let hold = maya.hold("physio", Some("tom"), "2026-03-16T10:00:00Z").await.unwrap();
        let version = maya.visit(&link).await.version;
        let mut forged = link.0.clone().into_bytes();
        forged[30] = if forged[30] == b'A' { b'B' } else { b'A' };
        let number = maya.visit(&link).await.number;
        let others = [String::from_utf8(forged).unwrap(), hold.0, String::new(), number, "1".into(), "x".repeat(2000)];
        for token in others {
            let answer = maya.cancel_version(&LinkToken(token.clone()), &version, CancelDraft::default()).await;
            assert_eq!(answer, Err(PortalError::NotFound), "{token}");
        }
        // The same link under another clinic's name.
        let elsewhere = "elsewhere".parse().unwrap();
        let answer = portal.booking.cancel(&maya.caller, &elsewhere, &link, &version, CancelDraft::default()).await;
        assert_eq!(answer, Err(PortalError::NotFound));
        let answer = portal.booking.cancel(&maya.caller, &rowan(), &link, "", CancelDraft::default()).await;
        assert_eq!(answer, Err(PortalError::Conflict(Reason::Changed)), "a made-up version is no look at the page");
        assert_eq!((portal.appointments().await, letters(&portal).await), (1, 0));
    }

    async fn what_is_kept_of_a_refused_form_survives_another_server(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("physio", Some("tom"), FRIDAY).await.unwrap();
        maya.cancel_version(&link, "old", because("cost", "ü")).await.unwrap_err();
        let again = portal.again().await;
        assert_eq!(again.visitor(1).visit(&link).await.draft.cancel, Some(because("cost", "ü")));
        let mut tx = portal.database.read().await.unwrap();
        let row = tx.query("SELECT draft FROM appointment").fetch_one().await.unwrap();
        assert!(row.get::<Option<Json<serde_json::Value>>>("draft").unwrap().is_some());
    }

    async fn running_late_is_noted_once_and_told_to_the_clinic(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("physio", Some("tom"), TEN).await.unwrap();
        let too_late = Err(PortalError::Conflict(Reason::TooLate));
        assert!(maya.visit(&link).await.late.is_none());
        assert_eq!(maya.late(&link, 10).await, too_late, "a day before");
        portal.clock.advance(at("2026-03-12T09:00:00Z") - portal.clock.now());
        assert_eq!(maya.visit(&link).await.late.unwrap().said, None);
        assert_eq!(maya.late(&link, 999).await, Err(PortalError::Invalid(FieldErrors::default())));
        for minutes in [10, 10, 20, 10, 20, 10] {
            maya.late(&link, minutes).await.unwrap();
        }
        assert_eq!(maya.visit(&link).await.late.unwrap().said.as_deref(), Some("10\u{a0}minutes"));
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM job WHERE kind = 'letter.late'").await, 3, "and not in turns for ever");
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM audit WHERE action = 'appointment.late'").await, 5);
        portal.clock.advance(TimeDelta::hours(2));
        assert_eq!(maya.late(&link, 10).await, too_late, "it is over");
    }

    async fn letters_of_one_visit_go_elsewhere_and_those_of_another_do_not(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("physio", Some("tom"), TEN).await.unwrap();
        let other = maya.book("physio", Some("tom"), FRIDAY).await.unwrap();
        let draft = ContactDraft { email: " Maya@New.example ".into(), phone: String::new(), language: "de".into() };
        maya.contact(&link, draft.clone()).await.unwrap();
        maya.contact(&link, draft).await.unwrap();
        let visit = maya.visit(&link).await;
        assert_eq!((visit.sent_to.as_str(), visit.language), ("M…@new.example", Language::De));
        assert_eq!(maya.visit(&other).await.sent_to, "v…@example.org");
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM patient WHERE email LIKE 'visitor%'").await, 1);
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM audit WHERE action = 'appointment.contact'").await, 1);

        let wrong = ContactDraft { email: "maya@".into(), phone: "12".into(), language: String::new() };
        let Err(PortalError::Invalid(errors)) = maya.contact(&link, wrong.clone()).await else { panic!("accepted") };
        assert_eq!((errors.get("email"), errors.get("phone")), (Some(FieldError::Malformed), Some(FieldError::Malformed)));
        let visit = maya.visit(&link).await;
        assert_eq!((visit.draft.contact, visit.sent_to.as_str()), (Some(wrong), "M…@new.example"));
        maya.contact(&link, ContactDraft { phone: "07700 900461".into(), ..ContactDraft::default() }).await.unwrap();
        assert_eq!(maya.visit(&link).await.draft.contact, None);
        maya.cancel(&link).await.unwrap();
        assert_eq!(maya.contact(&link, ContactDraft::default()).await, Err(PortalError::Conflict(Reason::TooLate)));
    }
}
