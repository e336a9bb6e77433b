//! Several visits in one go: all or nothing, whoever comes in between (F5).

use std::collections::BTreeMap;

use app::booking::model::{Held, HoldState};
use app::booking::series::api::SeriesService as _;
use app::booking::series::model::{OtherState, Planning, SeriesWish};
use app::clinic::model::Closure;
use app::error::{PortalError, Reason};
use app::fields::FieldErrors;
use app::ids::LinkToken;
use chrono::{DateTime, TimeDelta, Utc};

use crate::browser::details;
use crate::clinic::texts;
use crate::harness::{TestPortal, Visitor, at, rowan};
use crate::on_both;
use crate::plain::{Plain, served};

/// A Thursday; the clocks go forward on the third Sunday after it.
pub const TEN: &str = "2026-03-12T10:00:00Z";

pub fn wish(every: &str, visits: u32) -> SeriesWish {
    SeriesWish { every: every.to_owned(), visits: visits.to_string(), day: "mon".to_owned(), time: String::new() }
}

pub async fn plan(portal: &TestPortal, who: &Visitor, hold: &LinkToken, wish: SeriesWish) -> Result<(), PortalError> {
    portal.booking.plan(&who.caller, &rowan(), hold, wish).await
}

async fn planning(portal: &TestPortal, who: &Visitor, hold: &LinkToken) -> Planning {
    portal.booking.planning(&who.caller, &rowan(), hold).await.unwrap()
}

async fn choose(portal: &TestPortal, who: &Visitor, hold: &LinkToken, starts: &[String]) -> Result<Held, PortalError> {
    let starts: BTreeMap<String, String> =
        starts.iter().enumerate().map(|(place, start)| (place.to_string(), start.clone())).collect();
    portal.booking.choose(&who.caller, &rowan(), hold, starts).await
}

/// What the page would send if its button were pressed: what is kept or free, and the first of the
/// times near what is gone.
fn proposed(held: &Held) -> Vec<String> {
    let value = |start: DateTime<Utc>, who: &str| format!("{}~{who}", start.to_rfc3339());
    let chosen = held.others.iter().map(|other| match &other.state {
        OtherState::Kept | OtherState::Free => value(other.start.instant, other.practitioner.as_str()),
        OtherState::Gone { nearest } => value(nearest[0].start.instant, nearest[0].practitioner.as_str()),
    });
    chosen.collect()
}

fn starts(held: &Held) -> Vec<DateTime<Utc>> {
    held.others.iter().map(|other| other.start.instant).collect()
}

fn are_gone(held: &Held) -> Vec<bool> {
    held.others.iter().map(|other| matches!(other.state, OtherState::Gone { .. })).collect()
}

/// Holds the first time and lays out the rest.
async fn held(portal: &TestPortal, who: &Visitor, wish: SeriesWish) -> LinkToken {
    let hold = who.hold("physio", Some("tom"), TEN).await.unwrap();
    plan(portal, who, &hold, wish).await.unwrap();
    hold
}

/// The whole way.
pub async fn book(portal: &TestPortal, who: &Visitor, wish: SeriesWish) -> LinkToken {
    let hold = held(portal, who, wish).await;
    who.describe(&hold, who.draft()).await.unwrap();
    who.confirm(&hold).await.unwrap()
}

async fn occupied(portal: &TestPortal) -> i64 {
    portal.count("SELECT COUNT(*) AS n FROM occupancy").await
}

pub async fn series(portal: &TestPortal) -> i64 {
    portal.count("SELECT COUNT(DISTINCT series) AS n FROM appointment WHERE series IS NOT NULL").await
}

on_both! {
    async fn a_series_is_kept_and_booked_as_one(portal: TestPortal) {
        let maya = portal.visitor(1);
        let hold = held(&portal, &maya, wish("week", 4)).await;
        let shown = maya.held(&hold).await;
        let weeks = ["2026-03-19T10:00:00Z", "2026-03-26T10:00:00Z", "2026-04-02T09:00:00Z"].map(at);
        assert_eq!(starts(&shown), weeks, "ten o'clock stays ten o'clock when the clocks change");
        assert!(shown.others.iter().all(|other| other.state == OtherState::Kept && other.start.time == "10:00\u{a0}am"));
        assert_eq!((shown.total.as_deref(), shown.series_max), (Some("£260"), Some(8)));
        for start in weeks {
            let taken = portal.visitor(2).hold("physio", Some("tom"), &start.to_rfc3339()).await;
            assert_eq!(taken, Err(PortalError::Conflict(Reason::SlotTaken)));
        }

        maya.describe(&hold, maya.draft()).await.unwrap();
        let visit = maya.confirm(&hold).await.unwrap();
        assert_eq!((portal.appointments().await, series(&portal).await), (4, 1));
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM patient").await, 1);
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM hold").await, 0);
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM occupancy WHERE expires_at IS NOT NULL").await, 0);
        assert_eq!(maya.confirm(&hold).await.unwrap(), visit, "once, however often it is asked");
        assert_eq!((portal.appointments().await, portal.overlaps().await), (4, 0));
        assert!(matches!(planning(&portal, &maya, &hold).await.held.state, HoldState::Booked { .. }));
    }

    async fn twice_a_week_may_be_at_another_time(portal: TestPortal) {
        let maya = portal.visitor(1);
        let hold = held(&portal, &maya, SeriesWish { time: "14:30".to_owned(), ..wish("twice", 5) }).await;
        let expected =
            ["2026-03-16T14:30:00Z", "2026-03-19T10:00:00Z", "2026-03-23T14:30:00Z", "2026-03-26T10:00:00Z"].map(at);
        assert_eq!(starts(&maya.held(&hold).await), expected);
        let page = planning(&portal, &maya, &hold).await;
        assert_eq!((page.visits_max, page.days.len(), page.days[0].0.as_str()), (8, 6, "fri"));
        assert!(page.times.contains(&("14:30".to_owned(), "2:30\u{a0}pm".to_owned())), "{:?}", page.times);
        assert_eq!(page.wish.time, "14:30", "what was typed is still there");
    }

    async fn what_is_taken_before_it_is_laid_out_comes_with_times_near_it(portal: TestPortal) {
        let maya = portal.visitor(1);
        for start in ["2026-03-19T10:00:00Z", "2026-04-02T09:00:00Z"] {
            portal.visitor(2).book("physio", Some("tom"), start).await.unwrap();
        }
        let hold = held(&portal, &maya, wish("week", 5)).await;
        let shown = maya.held(&hold).await;
        assert_eq!(are_gone(&shown), [true, false, true, false]);
        assert!(!shown.is_whole());
        let OtherState::Gone { nearest } = &shown.others[0].state else { panic!() };
        assert!(nearest.iter().all(|slot| slot.practitioner.as_str() == "tom"), "they asked for Tom");
        assert_eq!(nearest[0].start.date.to_string(), "2026-03-19", "the same day before others");

        maya.describe(&hold, maya.draft()).await.unwrap();
        assert_eq!(maya.confirm(&hold).await, Err(PortalError::Conflict(Reason::SlotTaken)), "nobody is booked by half");
        assert_eq!(portal.appointments().await, 2);
        let whole = choose(&portal, &maya, &hold, &proposed(&shown)).await.unwrap();
        assert!(whole.is_whole());
        maya.confirm(&hold).await.unwrap();
        assert_eq!((portal.appointments().await, series(&portal).await, portal.overlaps().await), (7, 1, 0));
    }

    async fn a_conflict_at_any_visit_books_none_and_loses_nothing(portal: TestPortal) {
        const VISITS: u32 = 4;
        for k in 0..VISITS {
            let maya = portal.visitor(1);
            let before = (portal.appointments().await, occupied(&portal).await);
            let hold = held(&portal, &maya, wish("week", VISITS)).await;
            maya.describe(&hold, maya.draft()).await.unwrap();
            let shown = maya.held(&hold).await;
            // They take too long, and somebody else has exactly one of the times.
            portal.clock.advance(TimeDelta::minutes(11));
            let wanted: Vec<DateTime<Utc>> = std::iter::once(at(TEN)).chain(starts(&shown)).collect();
            let eve = portal.visitor(2);
            eve.book("physio", Some("tom"), &wanted[k as usize].to_rfc3339()).await.unwrap();
            let refused = maya.confirm_version(&hold, &shown.version).await;
            assert_eq!(refused, Err(PortalError::Conflict(Reason::SlotTaken)), "visit {k}");
            assert_eq!(portal.appointments().await, before.0 + 1, "visit {k}: nothing of it is booked");

            let after = maya.held(&hold).await;
            assert_eq!(after.draft, maya.draft(), "visit {k}: everything typed is there");
            let hold = if k == 0 {
                let HoldState::Gone { nearest } = &after.state else { panic!("{:?}", after.state) };
                maya.hold_instead(&hold, "physio", &nearest[0].start.instant.to_rfc3339()).await.unwrap()
            } else {
                let expected: Vec<bool> = (1..VISITS).map(|other| other == k).collect();
                assert_eq!((are_gone(&after), &after.state), (expected, &HoldState::Ended), "visit {k}");
                // The first is taken again, and the rest comes along.
                maya.hold_instead(&hold, "physio", TEN).await.unwrap()
            };
            let after = maya.held(&hold).await;
            assert_eq!((after.others.len(), after.draft == maya.draft()), (3, true), "visit {k}");
            choose(&portal, &maya, &hold, &proposed(&after)).await.unwrap();
            let visit = maya.confirm(&hold).await.unwrap();
            assert_eq!((portal.appointments().await, portal.overlaps().await), (before.0 + 5, 0), "visit {k}");
            // Everybody leaves, for the next round.
            portal.database.write(async |tx| {
                tx.query("DELETE FROM appointment WHERE clinic = 'rowan'").execute().await?;
                tx.query("DELETE FROM occupancy WHERE clinic = 'rowan'").execute().await
            }).await.unwrap();
            drop(visit);
        }
    }

    async fn someone_who_comes_between_looking_and_choosing_leaves_the_rest_kept(portal: TestPortal) {
        let maya = portal.visitor(1);
        portal.visitor(2).book("physio", Some("tom"), "2026-03-19T10:00:00Z").await.unwrap();
        let hold = held(&portal, &maya, wish("week", 4)).await;
        let proposed = proposed(&maya.held(&hold).await);
        let first = proposed[0].split_once('~').unwrap().0;
        portal.visitor(3).book("physio", Some("tom"), first).await.unwrap();
        assert_eq!(choose(&portal, &maya, &hold, &proposed).await.map(drop), Err(PortalError::Conflict(Reason::SlotTaken)));
        let shown = maya.held(&hold).await;
        assert_eq!(are_gone(&shown), [true, false, false]);
        assert!(matches!(shown.state, HoldState::Kept { .. }));
    }

    async fn visits_may_be_left_out_down_to_a_single_one(portal: TestPortal) {
        let maya = portal.visitor(1);
        let hold = held(&portal, &maya, wish("week", 4)).await;
        let mut kept = proposed(&maya.held(&hold).await);
        kept[1] = String::new();
        assert_eq!(starts(&choose(&portal, &maya, &hold, &kept).await.unwrap()).len(), 2);
        portal.visitor(2).hold("physio", Some("tom"), "2026-03-26T10:00:00Z").await.unwrap();
        let single = choose(&portal, &maya, &hold, &[]).await.unwrap();
        assert_eq!((single.others.len(), single.total), (0, None));
        maya.describe(&hold, maya.draft()).await.unwrap();
        maya.confirm(&hold).await.unwrap();
        assert_eq!((portal.appointments().await, series(&portal).await), (1, 0));
    }

    async fn a_series_is_one_hold_and_goes_as_one(portal: TestPortal) {
        let maya = portal.visitor(1);
        let hold = held(&portal, &maya, wish("week", 8)).await;
        let all = occupied(&portal).await;
        maya.release(&hold).await.unwrap();
        assert_eq!(occupied(&portal).await, 0);
        let hold = held(&portal, &maya, wish("week", 8)).await;
        let second = maya.hold("physio", Some("priya"), "2026-03-13T10:00:00Z").await.unwrap();
        assert!(maya.held(&hold).await.others.iter().all(|other| other.state == OtherState::Kept));
        maya.hold("physio", Some("priya"), "2026-03-17T10:00:00Z").await.unwrap();
        assert_eq!(maya.held(&hold).await.state, HoldState::Ended, "the third hold ends the oldest");
        assert_eq!(occupied(&portal).await, all / 4, "and all of its visits");
        assert!(matches!(maya.held(&second).await.state, HoldState::Kept { .. }));

        // Typing keeps all of it; the sweep takes all of it.
        let hold = held(&portal, &maya, wish("week", 8)).await;
        portal.clock.advance(TimeDelta::minutes(9));
        maya.keep(&hold, maya.draft()).await.unwrap();
        portal.clock.advance(TimeDelta::minutes(9));
        assert!(maya.held(&hold).await.others.iter().all(|other| other.state == OtherState::Kept));
        portal.clock.advance(TimeDelta::hours(25));
        portal.booking.sweep().await.unwrap();
        assert_eq!((occupied(&portal).await, portal.count("SELECT COUNT(*) AS n FROM hold").await), (0, 0));
    }

    async fn what_no_page_offers_is_refused_and_leaves_no_row(portal: TestPortal) {
        let maya = portal.visitor(1);
        let hold = maya.hold("physio", Some("tom"), TEN).await.unwrap();
        let before = (occupied(&portal).await, portal.count("SELECT COUNT(*) AS n FROM hold").await);
        let invalid = |fields: &[&str]| {
            let mut errors = FieldErrors::default();
            for field in fields {
                errors.add(field, app::fields::FieldError::Malformed);
            }
            Err(PortalError::Invalid(errors))
        };
        assert_eq!(plan(&portal, &maya, &hold, wish("week", 9)).await, invalid(&["visits"]));
        assert_eq!(plan(&portal, &maya, &hold, wish("week", 1)).await, invalid(&["visits"]));
        let thursday = SeriesWish { day: "thu".to_owned(), time: "10:01".to_owned(), ..wish("twice", 4) };
        assert_eq!(plan(&portal, &maya, &hold, thursday.clone()).await, invalid(&["day", "time"]));
        assert_eq!(planning(&portal, &maya, &hold).await.wish, thursday, "what was typed is kept");

        let not_offered = Err(PortalError::Conflict(Reason::SlotNotOffered));
        let unreadable = Err(PortalError::Invalid(FieldErrors::default()));
        let (past, late) = ("2026-03-10T10:00:00Z~tom", "2026-06-11T09:00:00Z~tom");
        let (night, between) = ("2026-03-19T22:00:00Z~tom", "2026-03-19T10:01:00Z~tom");
        for start in [past, late, night, between, "2026-03-21T10:00:00Z~tom"] {
            assert_eq!(choose(&portal, &maya, &hold, &[start.to_owned()]).await.map(drop), not_offered, "{start}");
        }
        for start in ["soon~tom", "2026-03-19T10:00:00Z", "2026-03-19T10:00:00Z~Tom!", "~"] {
            assert_eq!(choose(&portal, &maya, &hold, &[start.to_owned()]).await.map(drop), unreadable, "{start}");
        }
        let nobody = choose(&portal, &maya, &hold, &["2026-03-19T10:00:00Z~eve".to_owned()]).await.map(drop);
        assert_eq!(nobody, Err(PortalError::NotFound));
        let overlapping = ["2026-03-19T10:00:00Z~tom", "2026-03-19T10:30:00Z~priya"].map(str::to_owned);
        assert_eq!(choose(&portal, &maya, &hold, &overlapping).await.map(drop), unreadable);
        let itself = choose(&portal, &maya, &hold, &[format!("{TEN}~priya")]).await.map(drop);
        assert_eq!(itself, unreadable);
        let many: Vec<String> = (13..=27).filter(|day| ![14, 15, 21, 22].contains(day)).map(|day| format!("2026-03-{day}T10:00:00Z~tom")).collect();
        assert_eq!(choose(&portal, &maya, &hold, &many).await.map(drop), unreadable);
        assert_eq!((occupied(&portal).await, portal.count("SELECT COUNT(*) AS n FROM hold").await), before);

        // A treatment that is booked one visit at a time, and a link that opens nothing.
        let single = portal.visitor(2).hold("short", None, "2026-03-13T11:00:00Z").await.unwrap();
        let not_for_it = plan(&portal, &portal.visitor(2), &single, wish("week", 2)).await;
        assert_eq!(not_for_it, Err(PortalError::Conflict(Reason::NotEligible)));
        let forged = LinkToken("forged".to_owned());
        assert_eq!(plan(&portal, &maya, &forged, wish("week", 2)).await, Err(PortalError::NotFound));
    }

    async fn beyond_the_horizon_there_is_nothing_to_keep(portal: TestPortal) {
        let maya = portal.visitor(1);
        let hold = maya.hold("physio", Some("tom"), "2026-05-07T09:00:00Z").await.unwrap();
        plan(&portal, &maya, &hold, wish("week", 3)).await.unwrap();
        let shown = maya.held(&hold).await;
        assert_eq!(are_gone(&shown), [true, true], "10 May is the last day");
        let OtherState::Gone { nearest } = &shown.others[0].state else { panic!() };
        assert!(nearest.iter().all(|slot| slot.start.instant < at("2026-05-11T00:00:00Z")));
    }

    async fn a_day_that_the_clinic_closes_meanwhile_is_gone_by_confirming(portal: TestPortal) {
        let maya = portal.visitor(1);
        let hold = held(&portal, &maya, wish("week", 3)).await;
        maya.describe(&hold, maya.draft()).await.unwrap();
        let version = maya.held(&hold).await.version;
        let day = "2026-03-19".parse().unwrap();
        portal
            .reload(|clinic| {
                clinic.closures.push(Closure { location: None, first: day, last: day, hours: None, reason: texts("painting") });
            })
            .await;
        assert_eq!(maya.confirm_version(&hold, &version).await, Err(PortalError::Conflict(Reason::SlotTaken)));
        assert_eq!(portal.appointments().await, 0);
        assert_eq!(are_gone(&maya.held(&hold).await), [true, false]);
    }

    async fn seats_of_group_sessions_are_kept_in_a_row(portal: TestPortal) {
        for number in 1..=4 {
            let who = portal.visitor(number);
            let hold = who.hold("class", None, TEN).await.unwrap();
            plan(&portal, &who, &hold, wish("week", 4)).await.unwrap();
            assert!(who.held(&hold).await.is_whole());
            who.describe(&hold, who.draft()).await.unwrap();
            who.confirm(&hold).await.unwrap();
        }
        assert_eq!((portal.appointments().await, series(&portal).await), (16, 4));
        let late = portal.visitor(5).hold("class", None, "2026-03-19T10:00:00Z").await;
        assert_eq!(late, Err(PortalError::Conflict(Reason::SlotTaken)));
    }

    async fn a_visitor_without_a_cookie_books_a_series_too(portal: TestPortal) {
        let nobody = portal.stranger();
        let visit = book(&portal, &nobody, wish("twice", 4)).await;
        assert_eq!(nobody.visit(&visit).await.summary.start.instant, at(TEN));
        assert_eq!((portal.appointments().await, portal.overlaps().await), (4, 0));
    }

    async fn a_slow_clock_at_the_button_books_once(portal: TestPortal) {
        let maya = portal.visitor(1);
        let hold = held(&portal, &maya, wish("week", 4)).await;
        maya.describe(&hold, maya.draft()).await.unwrap();
        let version = maya.held(&hold).await.version;
        let presses: Vec<_> = (0..10)
            .map(|_| {
                let (maya, hold, version) = (maya.clone(), hold.clone(), version.clone());
                tokio::spawn(async move { maya.confirm_version(&hold, &version).await })
            })
            .collect();
        let mut answers = Vec::new();
        for press in presses {
            answers.push(press.await.unwrap().unwrap());
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!((portal.appointments().await, series(&portal).await), (4, 1));
    }
}

on_both! {
    async fn the_way_to_several_visits_needs_no_scripts(portal: TestPortal) {
        portal.visitor(2).book("physio", Some("tom"), "2026-03-19T10:00:00Z").await.unwrap();
        let served = served(&portal).await;
        let mut plain = Plain::new(&served);
        let wanted = [("clinic", "rowan"), ("treatment", "physio"), ("location", "london"), ("practitioner", "tom"), ("start", TEN)];
        plain.send("booking/hold", &wanted).await;
        let hold = plain.address.rsplit('/').next().unwrap().to_owned();
        let link = [("clinic", "rowan"), ("hold", hold.as_str())];
        assert!(plain.page.contains(&format!("/rowan/booking/hold/{hold}/series")), "the details lead there");
        assert_eq!(plain.go(&format!("/rowan/booking/hold/{hold}/series")).await, 200);

        let day = [("draft[every]", "twice"), ("draft[visits]", "4"), ("draft[day]", "thu"), ("draft[time]", "")];
        plain.send("booking/plan", &[link.as_slice(), &day].concat()).await;
        assert!(plain.page.contains("There is 1 thing to fix"), "{}", plain.page);
        let twice = [("draft[every]", "twice"), ("draft[visits]", "4"), ("draft[day]", "mon"), ("draft[time]", "14:30")];
        plain.send("booking/plan", &[link.as_slice(), &twice].concat()).await;
        assert!(plain.page.contains("Not every visit is free"), "{}", plain.page);
        assert_eq!(plain.chosen("draft[every]"), ["twice"], "what was chosen is still chosen");
        let chosen: Vec<(String, String)> =
            (2..=4).map(|n| format!("starts[{n}]")).map(|name| (name.clone(), plain.chosen(&name).remove(0))).collect();
        assert_eq!(chosen[0].1, "2026-03-16T14:30:00Z~tom");
        assert!(chosen[1].1.starts_with("2026-03-19T"), "{chosen:?}");

        // Before the details are complete it goes on with them; and with a visit left out.
        let all: Vec<(&str, &str)> =
            link.into_iter().chain(chosen.iter().map(|(name, value)| (name.as_str(), value.as_str()))).collect();
        plain.send("booking/series", &all[..4]).await;
        assert_eq!(plain.address, format!("/rowan/booking/hold/{hold}"));
        assert!(plain.page.contains("And 2 more visits"), "{}", plain.page);
        plain.send("booking/describe", &details(("hold", &hold), "Maya Haddad", "maya@example.org").into_iter().map(|(name, value)| (name, if name == "clinic" { "rowan" } else { value })).collect::<Vec<_>>()).await;
        assert!(plain.address.ends_with("/check") && plain.page.contains("£195 together"), "{}", plain.page);

        // Somebody takes one of them while nobody presses: the check page says which, and offers others.
        portal.clock.advance(TimeDelta::minutes(11));
        portal.visitor(3).book("physio", Some("tom"), "2026-03-16T14:30:00Z").await.unwrap();
        plain.go(&format!("/rowan/booking/hold/{hold}/check")).await;
        plain.send("booking/hold", &[wanted.as_slice(), &[("replaces", &hold)]].concat()).await;
        let hold = plain.address.rsplit('/').next().unwrap().to_owned();
        plain.go(&format!("/rowan/booking/hold/{hold}/check")).await;
        assert!(plain.page.contains("Not every visit is free") && !plain.page.contains("booking/confirm"), "{}", plain.page);
        let chosen: Vec<(String, String)> =
            (2..=3).map(|n| format!("starts[{n}]")).map(|name| (name.clone(), plain.chosen(&name).remove(0))).collect();
        let link = [("clinic", "rowan"), ("hold", hold.as_str())];
        let all: Vec<(&str, &str)> =
            link.into_iter().chain(chosen.iter().map(|(name, value)| (name.as_str(), value.as_str()))).collect();
        plain.send("booking/series", &all).await;
        assert!(plain.address.ends_with("/check"), "the details are complete: {}", plain.address);
        let version = plain.hidden("version");
        plain.send("booking/confirm", &[link.as_slice(), &[("version", &version)]].concat()).await;
        assert!(plain.address.starts_with("/rowan/visit/") && plain.page.contains("You’re booked"), "{}", plain.page);
        assert_eq!((portal.appointments().await, series(&portal).await, portal.overlaps().await), (5, 1, 0));
        served.close().await;
    }
}
