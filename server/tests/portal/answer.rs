//! Staff answer a visit that was asked for.

use app::booking::model::Answered::{Late, No};
use app::booking::model::VisitStatus;
use app::error::{PortalError, Reason};
use app::ids::LinkToken;
use chrono::TimeDelta;
use server::booking::answer::{Answer, Answered, staff};

use crate::harness::{TestPortal, Visitor, at, rowan};
use crate::on_both;

const TEN: &str = "2026-03-12T10:00:00Z";

/// A request of this visitor, and its booking number.
async fn asked(visitor: &Visitor, start: &str) -> (LinkToken, String) {
    let link = visitor.book("request", Some("priya"), start).await.unwrap();
    let number = visitor.visit(&link).await.number;
    (link, number)
}

async fn letters(portal: &TestPortal) -> i64 {
    portal.count("SELECT COUNT(*) AS n FROM job WHERE kind = 'letter.change'").await
}

on_both! {
    async fn a_confirmed_request_is_a_booked_visit_and_the_patient_is_told_once(portal: TestPortal) {
        let maya = portal.visitor(1);
        let (link, number) = asked(&maya, TEN).await;
        let waiting = portal.booking.waiting(&staff(), &rowan()).await.unwrap();
        assert_eq!((waiting.len(), waiting[0].number.as_str(), waiting[0].is_overdue), (1, number.as_str(), false));
        let typed = format!(" {} ", number.to_lowercase());
        assert_eq!(portal.booking.answer(&staff(), &rowan(), &typed, Answer::Confirm).await, Ok(Answered::Now));
        let visit = maya.visit(&link).await;
        assert_eq!((visit.status, visit.summary.answer_by), (VisitStatus::Booked, None));
        assert_eq!((letters(&portal).await, portal.count("SELECT sequence AS n FROM appointment").await), (1, 1));
        for answer in [Answer::Confirm, Answer::Decline] {
            let again = portal.booking.answer(&staff(), &rowan(), &number, answer).await;
            assert_eq!(again, Ok(Answered::Already(VisitStatus::Booked)), "an answer stands");
        }
        assert_eq!(letters(&portal).await, 1);
        assert!(portal.booking.waiting(&staff(), &rowan()).await.unwrap().is_empty());
        assert_eq!(portal.visitor(2).hold("physio", Some("priya"), TEN).await, Err(PortalError::Conflict(Reason::SlotTaken)));
    }

    async fn a_declined_request_gives_its_time_back_and_costs_nothing(portal: TestPortal) {
        let maya = portal.visitor(1);
        let (link, number) = asked(&maya, TEN).await;
        assert_eq!(portal.booking.answer(&staff(), &rowan(), &number, Answer::Decline).await, Ok(Answered::Now));
        let visit = maya.visit(&link).await;
        assert_eq!((visit.status, visit.answered, visit.open, visit.fee_due), (VisitStatus::Cancelled, Some(No), false, None));
        assert_eq!((letters(&portal).await, portal.count("SELECT COUNT(*) AS n FROM occupancy").await), (1, 0));
        portal.visitor(2).book("physio", Some("priya"), TEN).await.unwrap();
        let late = portal.booking.answer(&staff(), &rowan(), &number, Answer::Confirm).await;
        assert_eq!(late, Ok(Answered::Already(VisitStatus::Cancelled)), "the time is somebody else's");
        assert_eq!(portal.overlaps().await, 0);
    }

    async fn of_two_who_answer_at_once_one_wins_and_the_other_is_told(portal: TestPortal) {
        let other = portal.again().await;
        for round in 0..12 {
            let start = at(TEN) + TimeDelta::days(7 * (round / 6)) + TimeDelta::hours(round % 6);
            let (link, number) = asked(&portal.visitor(1), &start.to_rfc3339()).await;
            let (yes, no) = tokio::join!(
                async { portal.booking.answer(&staff(), &rowan(), &number, Answer::Confirm).await },
                async { other.booking.answer(&staff(), &rowan(), &number, Answer::Decline).await },
            );
            let status = portal.visitor(1).visit(&link).await.status;
            let told = Answered::Already(status);
            match status {
                VisitStatus::Booked => assert_eq!((yes, no), (Ok(Answered::Now), Ok(told))),
                VisitStatus::Cancelled => assert_eq!((yes, no), (Ok(told), Ok(Answered::Now))),
                VisitStatus::Pending => panic!("nobody answered"),
            }
            assert_eq!(letters(&portal).await, i64::from(i32::try_from(round).unwrap()) + 1, "one letter for one answer");
        }
        assert_eq!(portal.overlaps().await, 0);
    }

    async fn a_request_taken_back_by_the_patient_cannot_be_confirmed(portal: TestPortal) {
        let maya = portal.visitor(1);
        let (link, number) = asked(&maya, TEN).await;
        let version = maya.visit(&link).await.version;
        maya.cancel_version(&link, &version, app::booking::model::CancelDraft::default()).await.unwrap();
        let answered = portal.booking.answer(&staff(), &rowan(), &number, Answer::Confirm).await;
        assert_eq!(answered, Ok(Answered::Already(VisitStatus::Cancelled)));
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM occupancy").await, 0);
    }

    async fn past_its_time_a_request_is_overdue_for_staff_and_patient_and_a_letter_is_due(portal: TestPortal) {
        let maya = portal.visitor(1);
        let (link, _) = asked(&maya, TEN).await;
        let due = "SELECT COUNT(*) AS n FROM job WHERE unique_key LIKE 'letter.confirmation/%/answer'";
        assert_eq!(portal.count(due).await, 1);
        assert_eq!(maya.visit(&link).await.answered, None);
        portal.clock.advance(TimeDelta::hours(4));
        assert_eq!(maya.visit(&link).await.answered, Some(Late));
        assert!(portal.booking.waiting(&staff(), &rowan()).await.unwrap()[0].is_overdue);
        assert_eq!(portal.visitor(2).hold("physio", Some("priya"), TEN).await, Err(PortalError::Conflict(Reason::SlotTaken)), "its time is kept");
    }

    async fn a_request_that_is_moved_is_to_be_answered_by_another_time(portal: TestPortal) {
        let maya = portal.visitor(1);
        let (link, _) = asked(&maya, TEN).await;
        maya.move_to(&link, Some("priya"), "2026-03-16T15:00:00Z").await.unwrap();
        let due = "SELECT COUNT(*) AS n FROM job WHERE unique_key LIKE 'letter.confirmation/%/answer'";
        assert_eq!(portal.count(due).await, 2, "the first finds nothing to say");
        assert_eq!(maya.visit(&link).await.status, VisitStatus::Pending);
    }

    async fn patients_do_not_answer_requests_and_do_not_see_who_asks(portal: TestPortal) {
        let maya = portal.visitor(1);
        let (_, number) = asked(&maya, TEN).await;
        for caller in [&maya.caller, &portal.stranger().caller] {
            let answered = portal.booking.answer(caller, &rowan(), &number, Answer::Confirm).await;
            assert_eq!(answered, Err(PortalError::NotFound));
            assert_eq!(portal.booking.waiting(caller, &rowan()).await, Err(PortalError::NotFound));
        }
        assert_eq!(portal.booking.answer(&staff(), &rowan(), "RS-000000", Answer::Confirm).await, Err(PortalError::NotFound));
    }
}
