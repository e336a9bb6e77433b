//! Choose, hold, describe, confirm: what each step promises.

use app::booking::api::BookingService as _;
use app::booking::model::{Draft, HoldState, VisitStatus};
use app::clinic::model::{Audience, Texts};
use app::error::{PortalError, Reason};
use app::fields::FieldError;
use app::ids::LinkToken;
use chrono::TimeDelta;

use crate::harness::{Visitor, at, rowan};
use crate::on_both;

const TEN: &str = "2026-03-12T10:00:00Z";

on_both! {
    async fn a_visitor_books_from_the_list_to_the_private_link(portal: TestPortal) {
        let maya = portal.visitor(1);
        let times = maya.times("physio", |_| {}).await.unwrap();
        let soonest = times.soonest.unwrap();
        assert_eq!(soonest.start.instant, at("2026-03-11T13:00:00Z"), "an hour's notice from noon");

        let visit = maya.book("physio", None, TEN).await.unwrap();
        let visit = maya.visit(&visit).await;
        assert_eq!(visit.status, VisitStatus::Booked);
        assert_eq!(visit.summary.start.instant, at(TEN));
        assert!(visit.number.starts_with("RS-"), "{}", visit.number);
        assert_eq!(visit.sent_to, "v…@example.org");
        assert_eq!(visit.before, "wear loose clothes");
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM job WHERE kind = 'letter.confirmation'").await, 1);
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM audit WHERE action = 'appointment.book'").await, 1);
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM hold").await, 0, "what was typed does not lie about");
    }

    async fn the_time_on_the_list_is_the_time_on_the_check_page_and_on_the_visit(portal: TestPortal) {
        let maya = portal.visitor(1);
        let times = maya.times("physio", |query| query.from = Some("2026-03-30".parse().unwrap())).await.unwrap();
        let slot = &times.days[0].morning[0];
        assert_eq!(slot.start.instant, at("2026-03-30T08:00:00Z"), "nine in London after the clocks changed");
        let hold = maya.hold("physio", None, "2026-03-30T08:00:00Z").await.unwrap();
        assert_eq!(maya.held(&hold).await.visit.start, slot.start);
        maya.describe(&hold, maya.draft()).await.unwrap();
        let visit = maya.confirm(&hold).await.unwrap();
        assert_eq!(maya.visit(&visit).await.summary.start, slot.start);
    }

    async fn nothing_is_offered_that_cannot_be_booked(portal: TestPortal) {
        // Every time of three days on the list, booked one after the other by somebody new, works.
        let mut number = 1;
        for day in ["2026-03-11", "2026-03-12", "2026-03-13"] {
            for start in portal.visitor(0).starts("short", "tom", day).await {
                let visitor = portal.visitor(number);
                number += 1;
                let still_offered = visitor.starts("short", "tom", day).await.contains(&start);
                let held = visitor.hold("short", Some("tom"), &start.to_rfc3339()).await;
                assert_eq!(held.is_ok(), still_offered, "{start}: {held:?}");
                if let Ok(hold) = held {
                    visitor.describe(&hold, visitor.draft()).await.unwrap();
                    visitor.confirm(&hold).await.unwrap();
                }
            }
        }
        assert!(portal.appointments().await > 20);
        assert_eq!(portal.overlaps().await, 0);
    }

    async fn a_taken_slot_is_refused_and_disappears_from_the_list(portal: TestPortal) {
        portal.visitor(1).book("physio", Some("tom"), TEN).await.unwrap();
        let other = portal.visitor(2);
        assert_eq!(other.hold("physio", Some("tom"), TEN).await, Err(PortalError::Conflict(Reason::SlotTaken)));
        let starts = other.starts("physio", "tom", "2026-03-12").await;
        // 45 minutes and 15 of buffer after: nothing may begin from 9:15 to 10:45.
        assert!(starts.contains(&at("2026-03-12T09:00:00Z")) && starts.contains(&at("2026-03-12T11:00:00Z")));
        assert!(!starts.iter().any(|start| (at("2026-03-12T09:15:00Z")..at("2026-03-12T11:00:00Z")).contains(start)), "{starts:?}");
    }

    async fn anyone_means_whoever_is_free_and_the_least_busy_first(portal: TestPortal) {
        let first = portal.visitor(1).book("physio", None, TEN).await.unwrap();
        let second = portal.visitor(2).book("physio", None, TEN).await.unwrap();
        let who = |visit: app::booking::model::Visit| visit.summary.practitioner.slug;
        let (first, second) = (who(portal.visitor(1).visit(&first).await), who(portal.visitor(2).visit(&second).await));
        assert_ne!(first, second);
        assert_eq!(portal.visitor(3).hold("physio", None, TEN).await, Err(PortalError::Conflict(Reason::SlotTaken)));
    }

    async fn times_that_the_rules_refuse_are_refused_whatever_the_page_showed(portal: TestPortal) {
        let maya = portal.visitor(1);
        let not_offered = Err(PortalError::Conflict(Reason::SlotNotOffered));
        for (what, start) in [
            ("past", "2026-03-11T09:00:00Z"),
            ("begun", "2026-03-11T12:00:00Z"),
            ("inside the notice", "2026-03-11T12:45:00Z"),
            ("before the shift", "2026-03-12T08:45:00Z"),
            ("would end after the shift", "2026-03-12T16:30:00Z"),
            ("a Sunday", "2026-03-15T10:00:00Z"),
            ("off the grid", "2026-03-12T10:05:00Z"),
            ("not on a tick", "2026-03-12T10:00:01Z"),
            ("past the horizon", "2026-05-12T10:00:00Z"),
            ("another age", "9999-01-01T00:00:00Z"),
        ] {
            assert_eq!(maya.hold("physio", Some("tom"), start).await, not_offered, "{what}");
        }
        for (what, change) in [
            ("practitioner", (|request| request.practitioner = "nobody".parse().ok()) as fn(&mut app::booking::model::HoldRequest)),
            ("practitioner of another treatment", |request| {
                request.treatment = "short".parse().unwrap();
                request.practitioner = "priya".parse().ok();
            }),
            ("location", |request| request.location = "elsewhere".parse().unwrap()),
            ("treatment", |request| request.treatment = "surgery".parse().unwrap()),
            ("clinic", |request| request.clinic = "other".parse().unwrap()),
        ] {
            let mut request = Visitor::request("physio", Some("tom"), TEN);
            change(&mut request);
            let refused = app::booking::api::BookingService::hold(&*portal.booking, &maya.caller, request).await;
            assert_eq!(refused, Err(PortalError::NotFound), "{what}");
        }
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM occupancy").await, 0, "nothing is half-written");
    }

    async fn a_closure_loaded_after_the_page_was_shown_refuses_the_time(portal: TestPortal) {
        let maya = portal.visitor(1);
        let hold = maya.hold("physio", Some("tom"), TEN).await.unwrap();
        maya.describe(&hold, maya.draft()).await.unwrap();
        portal.reload(|clinic| {
            clinic.closures.push(app::clinic::model::Closure {
                location: None,
                first: "2026-03-12".parse().unwrap(),
                last: "2026-03-12".parse().unwrap(),
                hours: None,
                reason: Texts::default(),
            });
        }).await;
        let other = portal.visitor(2);
        assert_eq!(other.hold("physio", Some("priya"), TEN).await, Err(PortalError::Conflict(Reason::SlotNotOffered)));
        assert!(other.starts("physio", "priya", "2026-03-12").await.is_empty());
        // Nor does it help to have held the time before.
        assert_eq!(maya.confirm(&hold).await, Err(PortalError::Conflict(Reason::SlotTaken)));
        assert!(matches!(maya.held(&hold).await.state, HoldState::Gone { .. }));
        assert_eq!(portal.appointments().await, 0);
    }

    async fn a_changed_price_is_shown_again_before_it_is_agreed_to(portal: TestPortal) {
        let maya = portal.visitor(1);
        let hold = maya.hold("physio", Some("tom"), TEN).await.unwrap();
        let version = maya.describe(&hold, maya.draft()).await.unwrap().version;
        portal.reload(|clinic| clinic.treatments[0].price = 9900).await;
        assert_eq!(maya.confirm_version(&hold, &version).await, Err(PortalError::Conflict(Reason::Changed)));
        assert_eq!(portal.appointments().await, 0);
        let held = maya.held(&hold).await;
        assert_eq!(held.visit.treatment.price, "£99");
        maya.confirm_version(&hold, &held.version).await.unwrap();
    }

    async fn a_hold_lasts_ten_minutes_and_typing_renews_it_up_to_forty(portal: TestPortal) {
        let maya = portal.visitor(1);
        let hold = maya.hold("physio", Some("tom"), TEN).await.unwrap();
        portal.clock.advance(TimeDelta::minutes(9));
        assert!(matches!(maya.held(&hold).await.state, HoldState::Kept { left_s: 60, last: false, .. }));
        for _ in 0..4 {
            maya.keep(&hold, maya.draft()).await.unwrap();
            portal.clock.advance(TimeDelta::minutes(9));
        }
        // 45 minutes after it began: typing no longer helps, and the time is anybody's.
        assert_eq!(maya.held(&hold).await.state, HoldState::Ended);
        portal.visitor(2).book("physio", Some("tom"), TEN).await.unwrap();
    }

    async fn a_hold_that_ran_out_keeps_what_was_typed_and_can_be_taken_again(portal: TestPortal) {
        let maya = portal.visitor(1);
        let hold = maya.hold("physio", Some("tom"), TEN).await.unwrap();
        maya.keep(&hold, Draft { reason: "my knee".into(), ..maya.draft() }).await.unwrap();
        portal.clock.advance(TimeDelta::minutes(41));
        assert_eq!(maya.held(&hold).await.state, HoldState::Ended);
        let again = maya.hold_instead(&hold, "physio", TEN).await.unwrap();
        let held = maya.held(&again).await;
        assert!(matches!(held.state, HoldState::Kept { .. }));
        assert_eq!(held.draft.reason, "my knee");
    }

    async fn a_hold_that_ran_out_is_confirmed_if_nobody_else_came(portal: TestPortal) {
        let maya = portal.visitor(1);
        let hold = maya.hold("physio", Some("tom"), TEN).await.unwrap();
        maya.describe(&hold, maya.draft()).await.unwrap();
        portal.clock.advance(TimeDelta::minutes(41));
        portal.booking.sweep().await.unwrap();
        maya.confirm(&hold).await.unwrap();
        assert_eq!(portal.visitor(2).hold("physio", Some("tom"), TEN).await, Err(PortalError::Conflict(Reason::SlotTaken)));
    }

    async fn a_hold_that_ran_out_is_not_confirmed_once_it_is_too_late_to_book(portal: TestPortal) {
        let maya = portal.visitor(1);
        let hold = maya.hold("physio", Some("tom"), "2026-03-11T13:30:00Z").await.unwrap();
        maya.describe(&hold, maya.draft()).await.unwrap();
        // 49 minutes before it would begin, and an hour's notice is needed.
        portal.clock.advance(TimeDelta::minutes(41));
        assert_eq!(maya.confirm(&hold).await, Err(PortalError::Conflict(Reason::SlotTaken)));
        assert!(matches!(maya.held(&hold).await.state, HoldState::Gone { .. }));
        assert_eq!(portal.appointments().await, 0);
    }

    async fn a_hold_keeps_its_time_from_others_until_it_runs_out(portal: TestPortal) {
        portal.visitor(1).hold("physio", Some("tom"), TEN).await.unwrap();
        assert!(!portal.visitor(2).starts("physio", "tom", "2026-03-12").await.contains(&at(TEN)));
        portal.clock.advance(TimeDelta::minutes(10));
        assert!(portal.visitor(2).starts("physio", "tom", "2026-03-12").await.contains(&at(TEN)));
        portal.visitor(2).hold("physio", Some("tom"), TEN).await.unwrap();
    }

    async fn when_the_time_is_gone_everything_typed_is_kept_and_three_others_are_near(portal: TestPortal) {
        let maya = portal.visitor(1);
        let hold = maya.hold("physio", Some("tom"), TEN).await.unwrap();
        let version = maya.describe(&hold, Draft { reason: "my knee".into(), ..maya.draft() }).await.unwrap().version;
        portal.clock.advance(TimeDelta::minutes(41));
        portal.visitor(2).book("physio", Some("tom"), TEN).await.unwrap();
        assert_eq!(maya.confirm_version(&hold, &version).await, Err(PortalError::Conflict(Reason::SlotTaken)));
        let held = maya.held(&hold).await;
        assert_eq!(held.draft.reason, "my knee");
        let HoldState::Gone { nearest } = held.state else { panic!("{:?}", held.state) };
        assert_eq!(nearest.len(), 3);
        assert!(nearest.iter().all(|slot| slot.start.date == "2026-03-12".parse().unwrap()), "{nearest:?}");
        let taken = maya.hold_instead(&hold, "physio", &nearest[0].start.instant.to_rfc3339()).await.unwrap();
        assert_eq!(maya.held(&taken).await.draft.reason, "my knee");
        maya.confirm(&taken).await.unwrap();
    }

    async fn ones_own_hold_never_blocks_oneself_in_two_tabs_neither(portal: TestPortal) {
        let maya = portal.visitor(1);
        let hold = maya.hold("physio", Some("tom"), TEN).await.unwrap();
        assert_eq!(maya.hold("physio", Some("tom"), TEN).await.unwrap(), hold, "the second tab gets the same hold");
        assert!(maya.starts("physio", "tom", "2026-03-12").await.contains(&at(TEN)), "it is still on one's own list");
        assert!(!portal.visitor(2).starts("physio", "tom", "2026-03-12").await.contains(&at(TEN)));
        let moved = maya.hold("physio", Some("tom"), "2026-03-12T10:15:00Z").await.unwrap();
        assert_ne!(moved, hold);
        assert!(matches!(maya.held(&moved).await.state, HoldState::Kept { .. }));
    }

    async fn a_third_hold_ends_the_oldest(portal: TestPortal) {
        let maya = portal.visitor(1);
        let mut holds = Vec::new();
        for start in [TEN, "2026-03-13T10:00:00Z", "2026-03-16T10:00:00Z"] {
            holds.push(maya.hold("physio", Some("tom"), start).await.unwrap());
            portal.clock.advance(TimeDelta::seconds(1));
        }
        assert_eq!(maya.held(&holds[0]).await.state, HoldState::Ended);
        assert!(matches!(maya.held(&holds[1]).await.state, HoldState::Kept { .. }));
        assert!(matches!(maya.held(&holds[2]).await.state, HoldState::Kept { .. }));
        portal.visitor(2).hold("physio", Some("tom"), TEN).await.unwrap();
    }

    async fn a_browser_without_cookies_books_by_its_link_alone(portal: TestPortal) {
        let stranger = portal.stranger();
        let hold = stranger.hold("physio", Some("tom"), TEN).await.unwrap();
        let moved = stranger.hold_instead(&hold, "physio", "2026-03-12T10:15:00Z").await.unwrap();
        stranger.describe(&moved, stranger.draft()).await.unwrap();
        stranger.confirm(&moved).await.unwrap();
        assert_eq!(portal.appointments().await, 1);
    }

    async fn every_mistake_of_the_form_is_named_and_what_was_typed_is_kept(portal: TestPortal) {
        let maya = portal.visitor(1);
        let hold = maya.hold("physio", Some("tom"), TEN).await.unwrap();
        let typed = Draft { name: String::new(), birth_month: "13".into(), email: "maya@".into(), reason: "my knee".into(), ..maya.draft() };
        let Err(PortalError::Invalid(errors)) = maya.describe(&hold, typed.clone()).await else { panic!("accepted") };
        assert_eq!(errors.get("name"), Some(FieldError::Missing));
        assert_eq!(errors.get("birth_month"), Some(FieldError::NoSuchMonth));
        assert_eq!(errors.get("email"), Some(FieldError::Malformed));
        let held = maya.held(&hold).await;
        assert_eq!(held.draft, typed);
        assert_eq!(held.errors, errors, "a page without scripts shows the same");
        assert!(!held.ready);
        assert!(matches!(maya.confirm(&hold).await, Err(PortalError::Invalid(_))));
    }

    async fn typing_alone_shows_no_mistakes(portal: TestPortal) {
        let maya = portal.visitor(1);
        let hold = maya.hold("physio", Some("tom"), TEN).await.unwrap();
        let held = maya.keep(&hold, Draft { name: "Ma".into(), ..Draft::default() }).await.unwrap();
        assert!(held.errors.is_empty() && !held.ready);
    }

    async fn a_request_occupies_its_time_and_says_when_it_is_answered(portal: TestPortal) {
        let visit = portal.visitor(1).book("request", Some("priya"), TEN).await.unwrap();
        let visit = portal.visitor(1).visit(&visit).await;
        assert_eq!(visit.status, VisitStatus::Pending);
        assert_eq!(visit.summary.answer_by.unwrap().instant, at("2026-03-11T16:00:00Z"));
        assert_eq!(portal.visitor(2).hold("physio", Some("priya"), TEN).await, Err(PortalError::Conflict(Reason::SlotTaken)));
    }

    async fn whom_the_clinics_list_knows_may_book_what_strangers_may_not(portal: TestPortal) {
        let maya = portal.visitor(1);
        let not_eligible = PortalError::Conflict(Reason::NotEligible);
        assert_eq!(maya.book("after-physio", Some("tom"), TEN).await.unwrap_err(), not_eligible);
        let loaded = portal.load_patients("name,birth_date,email,had\nVisitor NumberB,1984-03-27,visitor1@example.org,physio\n").await;
        assert_eq!((loaded.added, loaded.updated), (1, 0));
        maya.book("after-physio", Some("tom"), TEN).await.unwrap();
        maya.book("follow-up", Some("tom"), "2026-03-16T10:00:00Z").await.unwrap();
        assert_eq!(maya.book("first", Some("tom"), "2026-03-16T13:00:00Z").await.unwrap_err(), not_eligible, "she is not new");
        let namesake = portal.visitor(27);
        assert_eq!(namesake.draft().name, maya.draft().name);
        assert_eq!(namesake.book("follow-up", Some("tom"), "2026-03-16T15:00:00Z").await.unwrap_err(), not_eligible);
    }

    async fn by_invitation_means_whom_the_list_names_and_for_as_long_as_it_does(portal: TestPortal) {
        portal.reload(|clinic| clinic.treatments[1].audience = Audience::Invited).await;
        let (maya, omar) = (portal.visitor(1), portal.visitor(2));
        let not_eligible = PortalError::Conflict(Reason::NotEligible);
        let list = |invited| format!("name,birth_date,email,invited\nVisitor NumberB,1984-03-27,visitor1@example.org,{invited}\n");
        portal.load_patients("name,birth_date,email\nVisitor NumberB,1984-03-27,visitor1@example.org\n").await;
        assert_eq!(maya.book("short", Some("tom"), TEN).await.unwrap_err(), not_eligible, "known is not invited");
        portal.load_patients(&list("short")).await;
        maya.book("short", Some("tom"), TEN).await.unwrap();
        assert_eq!(omar.book("short", Some("tom"), "2026-03-16T10:00:00Z").await.unwrap_err(), not_eligible);
        // A list that does not speak of invitations takes none back; one that does, does.
        portal.load_patients("name,birth_date,email\nVisitor NumberB,1984-03-27,visitor1@example.org\n").await;
        maya.book("short", Some("tom"), "2026-03-16T11:00:00Z").await.unwrap();
        portal.load_patients(&list("")).await;
        assert_eq!(maya.book("short", Some("tom"), "2026-03-16T13:00:00Z").await.unwrap_err(), not_eligible);
    }

    async fn whom_the_clinic_asks_to_call_books_nothing_online_until_the_list_says_so(portal: TestPortal) {
        let maya = portal.visitor(1);
        maya.book("physio", Some("tom"), TEN).await.unwrap();
        let list = |online| format!("name,birth_date,email,books_online\nvisitor numberb,1984-03-27,visitor1@example.org,{online}\n");
        let loaded = portal.load_patients(&list("no")).await;
        assert_eq!((loaded.added, loaded.updated), (0, 1), "found again by name, birth date and e-mail");
        let hold = maya.hold("physio", Some("tom"), "2026-03-16T10:00:00Z").await.unwrap();
        let not_eligible = PortalError::Conflict(Reason::NotEligible);
        assert_eq!(maya.describe(&hold, maya.draft()).await.unwrap_err(), not_eligible);
        assert_eq!(maya.confirm(&hold).await.unwrap_err(), not_eligible);
        assert_eq!(maya.held(&hold).await.draft.name, maya.draft().name, "what was typed is kept");
        portal.load_patients(&list("yes")).await;
        maya.confirm(&hold).await.unwrap();
    }

    async fn a_treatment_for_known_patients_is_refused_to_strangers_and_opens_after_a_visit(portal: TestPortal) {
        let maya = portal.visitor(1);
        let not_eligible = PortalError::Conflict(Reason::NotEligible);
        for treatment in ["follow-up", "after-physio"] {
            let hold = maya.hold(treatment, Some("tom"), TEN).await.unwrap();
            assert_eq!(maya.describe(&hold, maya.draft()).await.unwrap_err(), not_eligible);
            assert_eq!(maya.confirm(&hold).await.unwrap_err(), not_eligible, "the button is no way around it");
            maya.release(&hold).await.unwrap();
        }
        maya.book("physio", Some("tom"), TEN).await.unwrap();
        assert_eq!(maya.book("follow-up", Some("tom"), "2026-03-16T10:00:00Z").await.unwrap_err(), not_eligible, "not before the visit took place");
        portal.clock.advance(TimeDelta::days(2));
        maya.book("follow-up", Some("tom"), "2026-03-16T11:00:00Z").await.unwrap();
        maya.book("after-physio", Some("tom"), "2026-03-16T13:00:00Z").await.unwrap();
        assert_eq!(maya.book("first", Some("tom"), "2026-03-16T15:00:00Z").await.unwrap_err(), not_eligible);
        portal.visitor(2).book("first", Some("tom"), "2026-03-17T15:00:00Z").await.unwrap();
    }

    async fn a_class_fills_seat_by_seat_and_then_is_full(portal: TestPortal) {
        for number in 1..=4 {
            portal.visitor(number).book("class", Some("tom"), TEN).await.unwrap();
        }
        assert_eq!(portal.visitor(5).hold("class", Some("tom"), TEN).await, Err(PortalError::Conflict(Reason::SlotTaken)));
        assert!(!portal.visitor(5).starts("class", "tom", "2026-03-12").await.contains(&at(TEN)));
        assert_eq!(portal.visitor(5).hold("physio", Some("tom"), TEN).await, Err(PortalError::Conflict(Reason::SlotTaken)));
        assert_eq!(portal.overlaps().await, 0);
    }

    async fn everyone_in_a_class_is_in_its_room_although_another_became_free(portal: TestPortal) {
        let other = portal.visitor(9).hold("physio", Some("priya"), TEN).await.unwrap();
        portal.visitor(1).book("class", Some("tom"), TEN).await.unwrap();
        portal.visitor(9).release(&other).await.unwrap();
        portal.visitor(2).book("class", Some("tom"), TEN).await.unwrap();
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM appointment WHERE room = 'two'").await, 2);
        assert_eq!(portal.overlaps().await, 0);
    }

    async fn a_seat_that_was_only_held_comes_back_and_so_does_an_empty_class(portal: TestPortal) {
        let hold = portal.visitor(1).hold("class", Some("tom"), TEN).await.unwrap();
        assert_eq!(portal.visitor(2).hold("physio", Some("tom"), TEN).await, Err(PortalError::Conflict(Reason::SlotTaken)));
        portal.visitor(1).release(&hold).await.unwrap();
        portal.visitor(2).hold("physio", Some("tom"), TEN).await.unwrap();
    }

    async fn what_was_agreed_to_is_noted_purpose_by_purpose(portal: TestPortal) {
        let maya = portal.visitor(1);
        let hold = maya.hold("physio", Some("tom"), TEN).await.unwrap();
        maya.describe(&hold, Draft { reminders: "on".into(), ..maya.draft() }).await.unwrap();
        maya.confirm(&hold).await.unwrap();
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM consent").await, 4);
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM consent WHERE given AND purpose = 'reminders'").await, 1);
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM consent WHERE given").await, 1);
    }

    async fn the_same_person_is_the_same_patient_and_a_namesake_is_not(portal: TestPortal) {
        let maya = portal.visitor(1);
        maya.book("physio", Some("tom"), TEN).await.unwrap();
        maya.book("physio", Some("tom"), "2026-03-13T10:00:00Z").await.unwrap();
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM patient").await, 1);
        let twin = Draft { email: "other@example.org".into(), ..maya.draft() };
        let hold = portal.visitor(2).hold("physio", Some("tom"), "2026-03-16T10:00:00Z").await.unwrap();
        portal.visitor(2).describe(&hold, twin).await.unwrap();
        portal.visitor(2).confirm(&hold).await.unwrap();
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM patient").await, 2);
    }

    async fn a_link_that_is_none_finds_nothing(portal: TestPortal) {
        let maya = portal.visitor(1);
        let visit = maya.book("physio", Some("tom"), TEN).await.unwrap();
        let hold = maya.hold("physio", Some("tom"), "2026-03-13T10:00:00Z").await.unwrap();
        let mut other = visit.0.clone().into_bytes();
        other[30] = if other[30] == b'A' { b'B' } else { b'A' };
        let wrong = [String::from_utf8(other).unwrap(), String::new(), "x".repeat(1000), hold.0.clone(), "ü".into()];
        for token in wrong {
            let answer = portal.booking.visit(&maya.caller, &rowan(), &LinkToken(token.clone())).await;
            assert_eq!(answer.unwrap_err(), PortalError::NotFound, "{token}");
        }
        let answer = portal.booking.held(&maya.caller, &rowan(), &visit).await;
        assert_eq!(answer.unwrap_err(), PortalError::NotFound, "a visit's link opens no hold");
    }

    async fn the_calendar_counts_what_the_list_shows(portal: TestPortal) {
        let maya = portal.visitor(1);
        portal.visitor(2).book("physio", Some("tom"), TEN).await.unwrap();
        let day = "2026-03-12".parse().unwrap();
        let times = maya.times("physio", |query| {
            query.month = Some(day);
            query.from = Some(day);
            query.practitioner = "tom".parse().ok();
        }).await.unwrap();
        let grid = times.calendar.unwrap();
        let cell = grid.weeks.iter().flatten().flatten().find(|cell| cell.date == day).unwrap();
        let listed = maya.starts("physio", "tom", "2026-03-12").await;
        assert_eq!(cell.free as usize, listed.len());
        assert_eq!(times.days[0].morning.len() + times.days[0].afternoon.len(), listed.len());
        let sunday = grid.weeks.iter().flatten().flatten().find(|cell| cell.date == "2026-03-15".parse().unwrap()).unwrap();
        assert_eq!(sunday.free, 0);
        assert!(grid.previous.is_none() && grid.next.is_some());
    }

    async fn the_last_night_of_a_month_leaves_out_what_the_next_month_has_taken(portal: TestPortal) {
        portal.reload(|clinic| clinic.shifts = vec![crate::clinic::shift("tom", "london", 0, 24)]).await;
        let portal = portal.again().await;
        let (maya, day) = (portal.visitor(1), "2026-03-31".parse().unwrap());
        let last = async || {
            let times = maya.times("physio", |query| (query.month, query.from) = (Some(day), Some(day))).await.unwrap();
            times.days[0].afternoon.last().unwrap().start.instant
        };
        assert_eq!(last().await, at("2026-03-31T22:45:00Z"), "a quarter to midnight in London");
        portal.visitor(2).book("physio", Some("tom"), "2026-03-31T23:15:00Z").await.unwrap();
        assert_eq!(last().await, at("2026-03-31T22:15:00Z"), "they would overlap");
    }

    async fn show_more_days_goes_on_where_the_list_ended(portal: TestPortal) {
        let maya = portal.visitor(1);
        let (mut from, mut seen) = (None, Vec::new());
        loop {
            let times = maya.times("physio", |query| query.from = from).await.unwrap();
            seen.extend(times.days.iter().map(|day| day.day.date));
            from = times.more_from;
            if from.is_none() {
                break;
            }
        }
        let mut sorted = seen.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(seen, sorted, "every day once, in order");
        assert_eq!(seen.len(), 43, "weekdays from 11 March to 10 May");
    }
}
