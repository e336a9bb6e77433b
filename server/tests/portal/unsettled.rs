//! The clinic changes something about a visit, and the patient answers.

use app::booking::api::BookingService as _;
use app::booking::model::{Settlement, UnsettledKind, VisitStatus};
use app::error::{PortalError, Reason};
use app::ids::LinkToken;
use chrono::TimeDelta;
use server::booking::answer::staff;
use server::booking::unsettled::{Change, Unsettled};
use server::jobs::Worker;

use crate::harness::{TestPortal, Visitor, at, rowan};
use crate::letters::{post, worker};
use crate::on_both;
use crate::smtp::{MailServer, Manner};

const TEN: &str = "2026-03-12T10:00:00Z";
const SETTLED: &str = "SELECT COUNT(*) AS n FROM audit WHERE action = 'appointment.settle'";

async fn booked(visitor: &Visitor, start: &str) -> (LinkToken, String) {
    let link = visitor.book("physio", Some("tom"), start).await.unwrap();
    let number = visitor.visit(&link).await.number;
    (link, number)
}

fn to(start: &str, practitioner: Option<&str>) -> Change {
    Change::Move { start: format!("{start}:00").parse().unwrap(), practitioner: practitioner.map(|slug| slug.parse().unwrap()) }
}

async fn change(portal: &TestPortal, number: &str, change: Change) -> Result<(), PortalError> {
    portal.booking.change_for_clinic(&staff(), &rowan(), number, change).await
}

async fn unsettled(portal: &TestPortal) -> Vec<Unsettled> {
    portal.booking.unsettled(&staff(), &rowan()).await.unwrap()
}

async fn letters(portal: &TestPortal) -> i64 {
    portal.count("SELECT COUNT(*) AS n FROM job WHERE kind = 'letter.change'").await
}

/// The worker, and the mail server to which it sends.
async fn mailed(portal: &TestPortal) -> (MailServer, Worker) {
    let server = MailServer::start(Manner::Accepting).await;
    let worker = worker(portal, &post(&server), &[]).await;
    (server, worker)
}

on_both! {
    async fn a_visit_that_the_clinic_moves_is_unsettled_until_the_patient_says_it_works(portal: TestPortal) {
        let maya = portal.visitor(1);
        let (link, number) = booked(&maya, TEN).await;
        change(&portal, &number, to("2026-03-12T10:20", Some("priya"))).await.unwrap();
        let visit = maya.visit(&link).await;
        assert_eq!(visit.summary.start.instant, at("2026-03-12T10:20:00Z"), "off the steps, which are for patients");
        assert_eq!((visit.status, visit.summary.practitioner.slug.as_str()), (VisitStatus::Booked, "priya"));
        let open = visit.unsettled.unwrap();
        assert_eq!((open.kind, open.before.unwrap().instant, open.wants_call), (UnsettledKind::Moved, at(TEN), false));
        assert_eq!((letters(&portal).await, unsettled(&portal).await.len()), (1, 1));
        portal.booking.settle(&maya.caller, &rowan(), &link, Settlement::Works).await.unwrap();
        portal.booking.settle(&maya.caller, &rowan(), &link, Settlement::Works).await.unwrap();
        assert_eq!(maya.visit(&link).await.unsettled, None);
        assert!(unsettled(&portal).await.is_empty());
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM audit WHERE action = 'appointment.settle'").await, 1);
        portal.visitor(2).book("physio", Some("tom"), TEN).await.unwrap();
        assert_eq!(portal.overlaps().await, 0);
    }

    async fn who_asks_for_a_call_is_first_in_the_list_and_stays_there(portal: TestPortal) {
        let (_, first) = booked(&portal.visitor(1), TEN).await;
        let late = portal.visitor(2);
        let (link, second) = booked(&late, "2026-03-13T10:00:00Z").await;
        change(&portal, &first, to("2026-03-12T12:00", None)).await.unwrap();
        change(&portal, &second, Change::Cancel).await.unwrap();
        assert_eq!(unsettled(&portal).await[0].number, first);
        portal.booking.settle(&late.caller, &rowan(), &link, Settlement::Call).await.unwrap();
        let list = unsettled(&portal).await;
        assert_eq!((list[0].number.as_str(), list[0].wants_call, list[1].wants_call), (second.as_str(), true, false));
        assert!(list[0].to_string().ends_with("; ASKS FOR A CALL"), "{}", list[0]);
    }

    async fn a_visit_that_the_clinic_cancels_costs_nothing_and_frees_its_time(portal: TestPortal) {
        let maya = portal.visitor(1);
        let (link, number) = booked(&maya, TEN).await;
        assert!(maya.visit(&link).await.fee_now.is_some(), "the patient would pay");
        change(&portal, &number, Change::Cancel).await.unwrap();
        let visit = maya.visit(&link).await;
        assert_eq!((visit.status, visit.fee_due, visit.unsettled.unwrap().kind), (VisitStatus::Cancelled, None, UnsettledKind::Cancelled));
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM occupancy").await, 0);
        for again in [Change::Cancel, to("2026-03-12T12:00", None)] {
            assert_eq!(change(&portal, &number, again).await, Err(PortalError::Conflict(Reason::Changed)));
        }
        assert_eq!(letters(&portal).await, 1);
    }

    async fn staff_cannot_move_a_visit_to_where_nobody_works_or_somebody_is(portal: TestPortal) {
        let maya = portal.visitor(1);
        let (link, number) = booked(&maya, TEN).await;
        booked(&portal.visitor(2), "2026-03-12T14:00:00Z").await;
        for (start, practitioner, error) in [
            ("2026-03-12T14:30", None, PortalError::Conflict(Reason::SlotTaken)),
            ("2026-03-12T20:00", None, PortalError::Conflict(Reason::SlotNotOffered)),
            ("2026-03-11T10:00", None, PortalError::Conflict(Reason::SlotNotOffered)),
            ("2026-03-15T10:00", None, PortalError::Conflict(Reason::SlotNotOffered)),
            ("2026-03-12T12:02", None, PortalError::Conflict(Reason::SlotNotOffered)),
            ("2026-03-12T12:00", Some("nobody"), PortalError::NotFound),
        ] {
            assert_eq!(change(&portal, &number, to(start, practitioner)).await, Err(error), "{start} {practitioner:?}");
        }
        let visit = maya.visit(&link).await;
        assert_eq!((visit.summary.start.instant, visit.unsettled), (at(TEN), None), "nothing is half-written");
        assert_eq!((letters(&portal).await, portal.overlaps().await), (0, 0));
        portal.clock.advance(TimeDelta::days(1));
        assert_eq!(change(&portal, &number, Change::Cancel).await, Err(PortalError::Conflict(Reason::TooLate)));
        assert_eq!(change(&portal, "RS-000000", Change::Cancel).await, Err(PortalError::NotFound));
    }

    async fn moving_or_cancelling_it_settles_what_the_clinic_changed(portal: TestPortal) {
        let maya = portal.visitor(1);
        let (link, number) = booked(&maya, TEN).await;
        change(&portal, &number, to("2026-03-12T12:00", None)).await.unwrap();
        maya.move_to(&link, Some("tom"), "2026-03-16T10:00:00Z").await.unwrap();
        assert!(unsettled(&portal).await.is_empty());
        change(&portal, &number, to("2026-03-16T12:00", None)).await.unwrap();
        change(&portal, &number, to("2026-03-16T13:00", None)).await.unwrap();
        let before = maya.visit(&link).await.unsettled.unwrap().before.unwrap();
        assert_eq!(before.instant, at("2026-03-16T10:00:00Z"), "where the patient last knew it");
        maya.cancel(&link).await.unwrap();
        assert!(unsettled(&portal).await.is_empty());
    }

    async fn a_closure_loaded_by_force_asks_each_patient_once_for_another_time(portal: TestPortal) {
        let (link, _) = booked(&portal.visitor(1), TEN).await;
        booked(&portal.visitor(2), "2026-03-13T10:00:00Z").await;
        let clinic = || {
            let mut clinic = crate::clinic::small();
            clinic.shifts[0].first = chrono::NaiveDate::from_ymd_opt(2026, 3, 13);
            clinic
        };
        for hue in [10, 20] {
            let changed = app::clinic::model::Clinic { hue, ..clinic() };
            server::clinic::load::load(&portal.database, &portal.clock, changed, true).await.unwrap();
        }
        assert_eq!(letters(&portal).await, 1, "one letter however often the file is loaded");
        let list = unsettled(&portal).await;
        assert_eq!((list.len(), list[0].kind), (1, UnsettledKind::Unfit));
        let visit = portal.again().await.visitor(1).visit(&link).await;
        assert_eq!((visit.status, visit.unsettled.unwrap().kind), (VisitStatus::Booked, UnsettledKind::Unfit));
    }

    async fn a_visit_that_fits_again_is_told_to_whoever_heard_otherwise_and_to_nobody_else(portal: TestPortal) {
        let (server, worker) = mailed(&portal).await;
        let (link, number) = booked(&portal.visitor(1), TEN).await;
        let load = async |is_shut: bool, hue| {
            let mut clinic = app::clinic::model::Clinic { hue, ..crate::clinic::small() };
            clinic.shifts[0].first = is_shut.then(|| "2026-03-13".parse().unwrap());
            server::clinic::load::load(&portal.database, &portal.clock, clinic, is_shut).await.unwrap()
        };
        let told = async || {
            portal.clock.advance(TimeDelta::minutes(3));
            worker.run_due().await.unwrap();
            server.count()
        };
        assert_eq!(told().await, 1, "the booking");
        assert_eq!(load(true, 10).await.misfits.len(), 1);
        load(false, 10).await;
        assert_eq!((told().await, unsettled(&portal).await.len()), (1, 0), "put right at once");

        load(true, 10).await;
        assert_eq!((told().await, unsettled(&portal).await.len()), (2, 1), "another time, please");
        portal.booking.settle(&portal.visitor(1).caller, &rowan(), &link, Settlement::Call).await.unwrap();
        assert_eq!(load(true, 20).await.misfits, vec![], "that is known");
        assert!(unsettled(&portal).await[0].wants_call, "and they still ask for a call");
        load(false, 20).await;
        assert_eq!((told().await, unsettled(&portal).await.len()), (3, 0), "it takes place after all");
        load(true, 20).await;
        assert_eq!((told().await, unsettled(&portal).await.len()), (4, 1), "and then it does not");
        portal.booking.settle_for_clinic(&staff(), &rowan(), &number).await.unwrap();
        load(false, 20).await;
        assert_eq!(told().await, 5, "it does, whoever told them otherwise");
        load(true, 20).await;
        assert_eq!((told().await, unsettled(&portal).await.len()), (6, 1));
        let ids: Vec<_> = server.received().iter().map(|letter| letter.message_id().to_owned()).collect();
        assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), 6, "{ids:?}");
    }

    async fn a_visit_that_staff_put_back_before_anybody_heard_of_it_is_settled(portal: TestPortal) {
        let (_server, worker) = mailed(&portal).await;
        let (_, number) = booked(&portal.visitor(1), TEN).await;
        worker.run_due().await.unwrap();
        change(&portal, &number, to("2026-03-12T12:00", None)).await.unwrap();
        change(&portal, &number, to("2026-03-12T10:00", None)).await.unwrap();
        assert!(unsettled(&portal).await.is_empty());
        change(&portal, &number, to("2026-03-12T12:00", None)).await.unwrap();
        portal.clock.advance(TimeDelta::minutes(3));
        worker.run_due().await.unwrap();
        change(&portal, &number, to("2026-03-12T10:00", None)).await.unwrap();
        assert_eq!(unsettled(&portal).await.len(), 1, "they were told of noon");
    }

    async fn what_the_patient_has_not_answered_stays_open_whatever_happens_to_the_visit_meanwhile(portal: TestPortal) {
        let (_server, worker) = mailed(&portal).await;
        let (_, number) = booked(&portal.visitor(1), TEN).await;
        worker.run_due().await.unwrap();
        change(&portal, &number, to("2026-03-12T12:00", None)).await.unwrap();
        portal.clock.advance(TimeDelta::minutes(3));
        worker.run_due().await.unwrap();
        for start in ["2026-03-12T13:00", "2026-03-12T12:00"] {
            change(&portal, &number, to(start, None)).await.unwrap();
        }
        assert_eq!(unsettled(&portal).await.len(), 1, "they were told of noon and have not said that it works");
        for shut in [true, false] {
            let mut clinic = crate::clinic::small();
            clinic.shifts[0].first = shut.then(|| "2026-03-13".parse().unwrap());
            server::clinic::load::load(&portal.database, &portal.clock, clinic, shut).await.unwrap();
        }
        assert_eq!(unsettled(&portal).await[0].kind, UnsettledKind::Moved);
    }

    async fn who_was_reached_another_way_leaves_the_list_by_staffs_hand(portal: TestPortal) {
        let maya = portal.visitor(1);
        let (link, number) = booked(&maya, TEN).await;
        let settle = async || portal.booking.settle_for_clinic(&staff(), &rowan(), &number).await;
        assert_eq!(settle().await, Ok(false), "nothing was open");
        portal.booking.change_for_clinic(&staff(), &rowan(), &number, Change::Cancel).await.unwrap();
        portal.booking.settle(&maya.caller, &rowan(), &link, Settlement::Call).await.unwrap();
        assert!(unsettled(&portal).await[0].wants_call);
        assert_eq!((settle().await, unsettled(&portal).await), (Ok(true), vec![]));
        assert_eq!(maya.visit(&link).await.unsettled, None);
        assert_eq!((settle().await, portal.count(SETTLED).await), (Ok(false), 1), "once in the audit");
        let nobody = portal.booking.settle_for_clinic(&staff(), &rowan(), "RS-000000").await;
        assert_eq!(nobody, Err(PortalError::NotFound));
    }

    async fn patients_change_nothing_on_the_clinics_behalf(portal: TestPortal) {
        let maya = portal.visitor(1);
        let (_, number) = booked(&maya, TEN).await;
        let changed = portal.booking.change_for_clinic(&maya.caller, &rowan(), &number, Change::Cancel).await;
        assert_eq!(changed, Err(PortalError::NotFound));
        assert_eq!(portal.booking.unsettled(&maya.caller, &rowan()).await, Err(PortalError::NotFound));
        assert_eq!(portal.booking.settle_for_clinic(&maya.caller, &rowan(), &number).await, Err(PortalError::NotFound));
        let forged = LinkToken("forged".into());
        assert_eq!(portal.booking.settle(&maya.caller, &rowan(), &forged, Settlement::Works).await, Err(PortalError::NotFound));
    }
}
