//! A visit moves: the old time is given back if and only if the new one is taken.

use app::booking::model::{CancelDraft, MoveRequest, MoveState, TimesFor, VisitStatus};
use app::clinic::model::{Audience, Closure};
use app::error::{PortalError, Reason};
use app::ids::LinkToken;
use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::clinic::texts;
use crate::harness::{TestPortal, Visitor, at, seed};
use crate::on_both;

const TEN: &str = "2026-03-12T10:00:00Z";
const QUARTER_PAST: &str = "2026-03-12T10:15:00Z";
const FRIDAY: &str = "2026-03-13T10:00:00Z";

async fn letters(portal: &TestPortal) -> i64 {
    portal.count("SELECT COUNT(*) AS n FROM job WHERE kind = 'letter.change'").await
}

async fn audited(portal: &TestPortal) -> i64 {
    portal.count("SELECT COUNT(*) AS n FROM audit WHERE action = 'appointment.move'").await
}

async fn sequence(portal: &TestPortal) -> i64 {
    portal.count("SELECT MAX(sequence) AS n FROM appointment").await
}

/// Visits whose ticks in the guard are not exactly those of their place.
async fn astray(portal: &TestPortal) -> i64 {
    portal
        .count(
            "SELECT COUNT(*) AS n FROM appointment a WHERE a.session IS NULL AND a.status <> 'cancelled' AND
             (SELECT COUNT(*) FROM occupancy o WHERE o.clinic = a.clinic AND o.holder = a.id AND o.expires_at IS NULL
              AND o.tick >= a.busy_from AND o.tick < a.busy_until)
             <> (a.busy_until - a.busy_from) * (CASE WHEN a.room IS NULL THEN 1 ELSE 2 END)
             OR EXISTS (SELECT 1 FROM occupancy o WHERE o.clinic = a.clinic AND o.holder = a.id
              AND (o.tick < a.busy_from OR o.tick >= a.busy_until))",
        )
        .await
}

on_both! {
    async fn a_moved_visit_is_the_same_visit_at_another_time(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("physio", Some("tom"), TEN).await.unwrap();
        let before = maya.visit(&link).await;
        let moving = maya.moving(&link, Visitor::wish(Some("priya"), FRIDAY)).await.unwrap();
        assert_eq!(moving.state, MoveState::Free);
        assert_eq!((moving.visit.summary.start.instant, moving.to.start.instant), (at(TEN), at(FRIDAY)));
        assert_eq!(moving.to.cancel_fee.as_deref(), Some("£20"));
        assert_eq!(moving.to.free_until.as_ref().unwrap().instant, at("2026-03-12T10:00:00Z"), "the new time's own window");
        assert_eq!(maya.visit(&link).await, before, "looking changes nothing");

        maya.relocate(&link, Visitor::request_of(&moving)).await.unwrap();
        let visit = maya.visit(&link).await;
        assert_eq!(visit.number, before.number);
        assert_eq!((visit.status, visit.summary.start.instant), (VisitStatus::Booked, at(FRIDAY)));
        assert_eq!((visit.summary.practitioner.slug.as_str(), visit.summary.practitioner_chosen), ("priya", true));
        assert_eq!((sequence(&portal).await, letters(&portal).await, audited(&portal).await), (1, 1, 1));
        portal.visitor(2).book("physio", Some("tom"), TEN).await.unwrap();
        assert_eq!(portal.visitor(3).hold("physio", Some("priya"), FRIDAY).await, Err(PortalError::Conflict(Reason::SlotTaken)));
        assert_eq!((portal.overlaps().await, astray(&portal).await), (0, 0));
    }

    async fn a_move_by_a_quarter_of_an_hour_is_not_in_its_own_way(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("physio", Some("tom"), TEN).await.unwrap();
        // The only room but one is taken, so that not even a room helps.
        portal.visitor(2).book("physio", Some("priya"), TEN).await.unwrap();
        assert_eq!(portal.visitor(3).hold("physio", Some("tom"), QUARTER_PAST).await, Err(PortalError::Conflict(Reason::SlotTaken)));
        let listed = maya.starts_for(&link, "tom", "2026-03-12").await;
        assert!(listed.contains(&at(QUARTER_PAST)) && !listed.contains(&at(TEN)), "{listed:?}");
        assert_eq!(maya.move_to(&link, Some("tom"), QUARTER_PAST).await.unwrap(), MoveState::Free);
        assert_eq!(maya.move_to(&link, Some("tom"), "2026-03-12T09:45:00Z").await.unwrap(), MoveState::Free);
        assert_eq!((portal.overlaps().await, astray(&portal).await), (0, 0));
    }

    async fn pressing_twice_and_the_lost_answer_move_once(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("physio", Some("tom"), TEN).await.unwrap();
        let request = Visitor::request_of(&maya.moving(&link, Visitor::wish(None, FRIDAY)).await.unwrap());
        let presses: Vec<_> = (0..20)
            .map(|_| {
                let (maya, link, request) = (maya.clone(), link.clone(), request.clone());
                tokio::spawn(async move { maya.relocate(&link, request).await })
            })
            .collect();
        for press in presses {
            press.await.unwrap().unwrap();
        }
        portal.clock.advance(TimeDelta::days(5));
        maya.relocate(&link, request).await.unwrap();
        assert_eq!((sequence(&portal).await, letters(&portal).await, audited(&portal).await), (1, 1, 1));
        assert_eq!(astray(&portal).await, 0);
    }

    async fn a_cancelled_visit_is_not_moved_whatever_the_form_says(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("physio", Some("tom"), TEN).await.unwrap();
        maya.cancel(&link).await.unwrap();
        let moving = maya.moving(&link, Visitor::wish(Some("priya"), FRIDAY)).await.unwrap();
        let moved = maya.relocate(&link, Visitor::request_of(&moving)).await;
        assert_eq!(moved, Err(PortalError::Conflict(Reason::Changed)));
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM occupancy").await, 0);
    }

    async fn a_page_of_an_older_state_is_told_and_moves_nothing(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("physio", Some("tom"), TEN).await.unwrap();
        let old = Visitor::request_of(&maya.moving(&link, Visitor::wish(Some("tom"), "2026-03-16T10:00:00Z")).await.unwrap());
        let cancel_page = maya.visit(&link).await.version;
        maya.move_to(&link, Some("tom"), FRIDAY).await.unwrap();
        let changed = Err(PortalError::Conflict(Reason::Changed));
        assert_eq!(maya.relocate(&link, old.clone()).await, changed);
        assert_eq!(maya.cancel_version(&link, &cancel_page, CancelDraft::default()).await, changed, "a cancel page of before the move");
        assert_eq!(maya.visit(&link).await.summary.start.instant, at(FRIDAY));

        // The terms of the new time are others by now.
        let seen = Visitor::request_of(&maya.moving(&link, Visitor::wish(Some("tom"), "2026-03-16T10:00:00Z")).await.unwrap());
        portal.reload(|clinic| clinic.treatments[0].cancellation.fee = 9900).await;
        assert_eq!(maya.relocate(&link, seen).await, changed);

        maya.cancel(&link).await.unwrap();
        assert_eq!(maya.relocate(&link, old).await, changed, "a cancelled visit does not come back");
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM occupancy").await, 0);
    }

    async fn a_time_that_is_gone_leaves_the_visit_where_it_is(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("physio", Some("tom"), TEN).await.unwrap();
        let request = Visitor::request_of(&maya.moving(&link, Visitor::wish(Some("tom"), FRIDAY)).await.unwrap());
        portal.visitor(2).book("physio", Some("tom"), FRIDAY).await.unwrap();
        assert_eq!(maya.relocate(&link, request).await, Err(PortalError::Conflict(Reason::SlotTaken)));
        assert_eq!(maya.visit(&link).await.summary.start.instant, at(TEN));
        assert_eq!((sequence(&portal).await, letters(&portal).await, astray(&portal).await), (0, 0, 0));
        let moving = maya.moving(&link, Visitor::wish(Some("tom"), FRIDAY)).await.unwrap();
        let MoveState::Gone { nearest } = moving.state else { panic!("{:?}", moving.state) };
        assert_eq!(nearest.len(), 3);
        let other = nearest[0].start.instant.to_rfc3339();
        assert_eq!(maya.move_to(&link, None, &other).await.unwrap(), MoveState::Free);
    }

    async fn the_rules_hold_for_the_new_time_whatever_the_form_says(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("physio", Some("tom"), FRIDAY).await.unwrap();
        let good = Visitor::request_of(&maya.moving(&link, Visitor::wish(Some("tom"), TEN)).await.unwrap());
        let to = |start: &str| MoveRequest { start: at(start), ..good.clone() };
        for (start, why) in [
            ("2026-03-10T10:00:00Z", "yesterday"),
            ("2026-03-11T12:45:00Z", "under an hour's notice"),
            ("2026-06-11T10:00:00Z", "after the horizon"),
            ("2026-03-12T10:07:00Z", "not on a step"),
            ("2026-03-12T10:05:00Z", "between two steps"),
            ("2026-03-14T10:00:00Z", "a Saturday"),
            ("2026-03-12T16:45:00Z", "would end after the shift"),
        ] {
            assert_eq!(maya.relocate(&link, to(start)).await, Err(PortalError::Conflict(Reason::SlotNotOffered)), "{why}");
            let shown = maya.moving(&link, Visitor::wish(Some("tom"), start)).await.unwrap();
            assert!(matches!(shown.state, MoveState::Gone { .. }), "{why}");
        }
        let elsewhere = MoveRequest { location: "new-york".parse().unwrap(), ..good.clone() };
        assert_eq!(maya.relocate(&link, elsewhere).await, Err(PortalError::Conflict(Reason::SlotNotOffered)));
        let nowhere = MoveRequest { location: "mars".parse().unwrap(), ..good.clone() };
        assert_eq!(maya.relocate(&link, nowhere).await, Err(PortalError::NotFound));
        let nobody = MoveRequest { practitioner: "eve".parse().unwrap(), ..good.clone() };
        assert_eq!(maya.relocate(&link, nobody).await, Err(PortalError::NotFound));
        portal.reload(|clinic| {
            let day = "2026-03-12".parse().unwrap();
            clinic.closures.push(Closure { location: None, first: day, last: day, hours: None, reason: texts("holiday") });
        }).await;
        assert_eq!(maya.relocate(&link, good.clone()).await, Err(PortalError::Conflict(Reason::SlotNotOffered)), "closed since");
        portal.reload(|clinic| clinic.treatments[0].audience = Audience::Existing).await;
        assert_eq!(maya.relocate(&link, good).await, Err(PortalError::Conflict(Reason::NotEligible)));
        assert_eq!((sequence(&portal).await, astray(&portal).await), (0, 0));
    }

    async fn a_visit_that_has_begun_is_not_moved_any_more(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("physio", Some("tom"), TEN).await.unwrap();
        portal.clock.advance(at(TEN) - portal.clock.now());
        let moving = maya.moving(&link, Visitor::wish(Some("tom"), FRIDAY)).await.unwrap();
        assert!(!moving.visit.open);
        assert_eq!(maya.relocate(&link, Visitor::request_of(&moving)).await, Err(PortalError::Conflict(Reason::TooLate)));
        assert!(!maya.times_for(&link).await.moves.unwrap().open, "the page of times says so, too");
    }

    async fn moving_to_where_it_is_changes_nothing(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("physio", Some("tom"), TEN).await.unwrap();
        for practitioner in [None, Some("tom")] {
            assert_eq!(maya.move_to(&link, practitioner, TEN).await.unwrap(), MoveState::Same);
        }
        assert_eq!((sequence(&portal).await, letters(&portal).await), (0, 0));
        // With somebody else at the same hour it is another visit.
        assert_eq!(maya.move_to(&link, Some("priya"), TEN).await.unwrap(), MoveState::Free);
        assert_eq!((sequence(&portal).await, astray(&portal).await), (1, 0));
    }

    async fn a_request_that_moves_is_asked_anew(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("request", Some("priya"), TEN).await.unwrap();
        portal.clock.advance(TimeDelta::hours(1));
        let moving = maya.moving(&link, Visitor::wish(Some("priya"), FRIDAY)).await.unwrap();
        assert_eq!(moving.to.answer_by.as_ref().unwrap().instant, at("2026-03-11T17:00:00Z"));
        maya.relocate(&link, Visitor::request_of(&moving)).await.unwrap();
        let visit = maya.visit(&link).await;
        assert_eq!((visit.status, visit.summary.answer_by), (VisitStatus::Pending, moving.to.answer_by));
    }

    async fn a_seat_of_a_class_moves_and_neither_class_is_ever_too_full(portal: TestPortal) {
        let mut links = Vec::new();
        for number in 1..=4 {
            links.push(portal.visitor(number).book("class", Some("tom"), TEN).await.unwrap());
        }
        let full = portal.visitor(5).book("class", Some("tom"), FRIDAY).await.unwrap();
        assert_eq!(portal.visitor(5).move_to(&full, Some("tom"), TEN).await.unwrap_err(), PortalError::Conflict(Reason::SlotTaken));
        for (number, link) in (1..).zip(&links[..3]) {
            assert_eq!(portal.visitor(number).move_to(link, Some("tom"), FRIDAY).await.unwrap(), MoveState::Free);
        }
        let refused = portal.visitor(4).move_to(&links[3], Some("tom"), FRIDAY).await;
        assert_eq!(refused.unwrap_err(), PortalError::Conflict(Reason::SlotTaken), "four seats are four seats");
        assert_eq!(portal.visitor(4).visit(&links[3]).await.summary.start.instant, at(TEN));
        // The last one leaves, and with them the hour.
        portal.visitor(4).move_to(&links[3], Some("tom"), "2026-03-16T10:00:00Z").await.unwrap();
        portal.visitor(6).book("physio", Some("tom"), TEN).await.unwrap();
        assert_eq!(portal.overlaps().await, 0);
    }

    async fn ones_own_hold_is_not_in_the_way_of_ones_own_visit(portal: TestPortal) {
        let maya = portal.visitor(1);
        let link = maya.book("physio", Some("tom"), TEN).await.unwrap();
        maya.hold("physio", Some("tom"), FRIDAY).await.unwrap();
        assert_eq!(maya.move_to(&link, Some("tom"), FRIDAY).await.unwrap(), MoveState::Free);
        assert_eq!((portal.overlaps().await, astray(&portal).await), (0, 0));
    }

    async fn two_who_want_each_others_time_both_keep_theirs(portal: TestPortal) {
        let (maya, tariq) = (portal.visitor(1), portal.visitor(2));
        let mine = maya.book("physio", Some("tom"), TEN).await.unwrap();
        let his = tariq.book("physio", Some("tom"), FRIDAY).await.unwrap();
        for _ in 0..3 {
            let (a, b) = tokio::join!(maya.move_to(&mine, Some("tom"), FRIDAY), tariq.move_to(&his, Some("tom"), TEN));
            assert_eq!((a.unwrap_err(), b.unwrap_err()), (PortalError::Conflict(Reason::SlotTaken), PortalError::Conflict(Reason::SlotTaken)));
        }
        assert_eq!(maya.visit(&mine).await.summary.start.instant, at(TEN));
        assert_eq!(tariq.visit(&his).await.summary.start.instant, at(FRIDAY));
    }

    async fn ten_who_move_around_each_other_on_a_full_day_lose_nothing(portal: TestPortal) {
        let seed = seed();
        let mut random = StdRng::seed_from_u64(seed);
        let day: Vec<DateTime<Utc>> = (0..28).map(|quarter| at("2026-03-12T09:00:00Z") + TimeDelta::minutes(15 * quarter)).collect();
        let mut visits: Vec<(Visitor, LinkToken)> = Vec::new();
        for number in 1..=40 {
            let visitor = portal.visitor(number);
            let start = day[random.random_range(0..day.len())].to_rfc3339();
            if let Ok(link) = visitor.book("physio", None, &start).await {
                visits.push((visitor, link));
            }
            if visits.len() == 10 {
                break;
            }
        }
        let booked = i64::try_from(visits.len()).unwrap();
        let runs: Vec<_> = visits
            .into_iter()
            .enumerate()
            .map(|(n, (visitor, link))| {
                let (day, mut random) = (day.clone(), StdRng::seed_from_u64(seed ^ n as u64));
                tokio::spawn(async move {
                    let mut moves = 0;
                    for _ in 0..15 {
                        let start = day[random.random_range(0..day.len())].to_rfc3339();
                        match visitor.move_to(&link, None, &start).await {
                            Ok(MoveState::Same) | Err(PortalError::Conflict(Reason::SlotTaken)) => {}
                            // What looked taken may be free by the time the button is pressed.
                            Ok(MoveState::Free | MoveState::Gone { .. }) => moves += 1,
                            Err(error) => panic!("{error}"),
                        }
                        assert!(visitor.visit(&link).await.open);
                    }
                    moves
                })
            })
            .collect();
        let mut moves = 0;
        for run in runs {
            moves += run.await.unwrap();
        }
        println!("{booked} visits made {moves} moves");
        assert!(moves > 10, "nobody moved: nothing was tested; seed {seed}");
        assert_eq!((portal.appointments().await, portal.overlaps().await, astray(&portal).await), (booked, 0, 0), "seed {seed}");
        assert_eq!((letters(&portal).await, audited(&portal).await), (moves, moves), "seed {seed}");
    }

    async fn a_link_that_is_none_moves_nothing(portal: TestPortal) {
        let (maya, eve) = (portal.visitor(1), portal.visitor(2));
        let link = maya.book("physio", Some("tom"), TEN).await.unwrap();
        let hers = eve.book("physio", Some("priya"), TEN).await.unwrap();
        let request = Visitor::request_of(&maya.moving(&link, Visitor::wish(Some("tom"), FRIDAY)).await.unwrap());
        let hold = eve.hold("physio", Some("tom"), "2026-03-16T10:00:00Z").await.unwrap();
        for token in [hold, LinkToken(String::new()), LinkToken(maya.visit(&link).await.number), LinkToken("0".repeat(43))] {
            assert_eq!(eve.relocate(&token, request.clone()).await, Err(PortalError::NotFound));
            assert_eq!(eve.moving(&token, Visitor::wish(None, FRIDAY)).await, Err(PortalError::NotFound));
            let times = eve.times("physio", |query| query.what = TimesFor::Visit(token.clone())).await;
            assert_eq!(times.unwrap_err(), PortalError::NotFound);
        }
        // Her own link with what his page says moves her own visit, and never his.
        eve.relocate(&hers, request).await.unwrap();
        assert_eq!(maya.visit(&link).await.summary.start.instant, at(TEN));
    }
}
