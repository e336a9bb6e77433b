//! Series as long random sequences, against an oracle that knows nothing of ticks, rows or guards:
//! a list of who has which hours until when. Both databases must answer what it answers.
//!
//! The seed is printed; `PERENNIAL_TEST_SEED` runs one again.

use app::booking::model::CancelDraft;
use app::booking::series::api::SeriesService as _;
use app::booking::series::model::{OtherState, SeriesVisitState, SeriesWish};
use app::error::{PortalError, Reason};
use app::ids::LinkToken;
use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc, Weekday};
use chrono_tz::Europe::London;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::harness::{TestPortal, Visitor, noon, rowan, seed};

/// One thing somebody does.
#[derive(Clone, Debug)]
enum Step {
    Hold { who: &'static str, start: DateTime<Utc> },
    Plan { hold: usize, every: &'static str, visits: u32 },
    Confirm { hold: usize },
    Release { hold: usize },
    CancelAll { hold: usize },
    Shift { hold: usize, days: i32, minutes: i32 },
    Wait { minutes: i64 },
}

fn step(random: &mut StdRng) -> Step {
    let hold = random.random_range(0..1_000);
    match random.random_range(0..24) {
        0..=6 => {
            let start =
                noon() + TimeDelta::days(random.random_range(0..16)) + TimeDelta::minutes(15 * random.random_range(-13..16));
            Step::Hold { who: ["tom", "priya"][random.random_range(0..2)], start }
        }
        7..=12 => {
            let every = ["week", "twice", "fortnight"][random.random_range(0..3)];
            Step::Plan { hold, every, visits: random.random_range(1..10) }
        }
        13..=17 => Step::Confirm { hold },
        18 => Step::Release { hold },
        19 => Step::CancelAll { hold },
        20..=21 => {
            let minutes = [0, 15, 60, -30, 7][random.random_range(0..5)];
            Step::Shift { hold, days: random.random_range(-2..9), minutes }
        }
        _ => Step::Wait { minutes: random.random_range(1..40) },
    }
}

/// Somebody's hours with somebody.
#[derive(Clone, Debug)]
struct Claim {
    start: DateTime<Utc>,
    /// `None`: nothing is claimed; for a booked visit the end of time.
    until: Option<DateTime<Utc>>,
}

/// A hold, and what became of it.
#[derive(Clone, Debug)]
struct Holding {
    who: &'static str,
    created: DateTime<Utc>,
    claims: Vec<Claim>,
    is_booked: bool,
    is_cancelled: bool,
}

#[derive(Default)]
struct Oracle {
    holdings: Vec<Holding>,
}

fn wall(local: NaiveDateTime) -> DateTime<Utc> {
    London.from_local_datetime(&local).unwrap().to_utc()
}

/// Tom and Priya work on weekdays from nine to five; a visit takes 45 minutes and begins at a quarter.
fn is_offered(start: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    let local = start.with_timezone(&London);
    let minute = local.hour() * 60 + local.minute();
    let last = now.with_timezone(&London).date_naive() + TimeDelta::days(60);
    !matches!(local.weekday(), Weekday::Sat | Weekday::Sun)
        && (540..=17 * 60 - 45).contains(&minute)
        && minute.is_multiple_of(15)
        && start >= now + TimeDelta::minutes(60)
        && local.date_naive() <= last
}

impl Oracle {
    /// Whether nobody has the hour from there on; `except` is not in its own way.
    fn is_free(&self, who: &str, start: DateTime<Utc>, now: DateTime<Utc>, except: usize) -> bool {
        let hour = TimeDelta::minutes(60);
        !self.holdings.iter().enumerate().any(|(index, holding)| {
            index != except
                && holding.who == who
                && holding.claims.iter().any(|claim| {
                    claim.until.is_some_and(|until| until > now) && claim.start < start + hour && start < claim.start + hour
                })
        })
    }

    /// Claims what can be had of the visits until then; true if that is all of them.
    fn secure(&mut self, index: usize, until: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        let mut whole = true;
        for place in 0..self.holdings[index].claims.len() {
            let Holding { who, claims, .. } = &self.holdings[index];
            let claim = &claims[place];
            let is_kept = claim.until.is_some_and(|until| until > now);
            let can = is_kept || (is_offered(claim.start, now) && self.is_free(who, claim.start, now, index));
            self.holdings[index].claims[place].until = can.then_some(until);
            whole &= can;
        }
        whole
    }

    /// Answers a step as the portal should.
    fn answer(&mut self, step: &Step, now: DateTime<Utc>) -> String {
        let conflict = |reason| format!("{:?}", PortalError::Conflict(reason));
        let pick = |hold: usize, count: usize| if count == 0 { None } else { Some(hold % count) };
        let count = self.holdings.len();
        match step {
            Step::Wait { .. } => String::new(),
            Step::Hold { who, start } => {
                if !is_offered(*start, now) {
                    return conflict(Reason::SlotNotOffered);
                }
                if !self.is_free(who, *start, now, usize::MAX) {
                    return conflict(Reason::SlotTaken);
                }
                let claims = vec![Claim { start: *start, until: Some(now + TimeDelta::minutes(10)) }];
                self.holdings.push(Holding { who, created: now, claims, is_booked: false, is_cancelled: false });
                "held".to_owned()
            }
            Step::Plan { hold, every, visits } => {
                let Some(index) = pick(*hold, count) else { return String::new() };
                if self.holdings[index].is_booked {
                    return "booked before".to_owned();
                }
                if !(2..=8).contains(visits) {
                    return "not so many".to_owned();
                }
                self.plan(index, every, *visits, now)
            }
            Step::Confirm { hold } => {
                let Some(index) = pick(*hold, count) else { return String::new() };
                if self.holdings[index].is_booked {
                    return "booked before".to_owned();
                }
                let until = (now + TimeDelta::minutes(10)).min(self.holdings[index].created + TimeDelta::minutes(40));
                if until > now {
                    self.secure(index, until, now);
                }
                let before = self.holdings[index].clone();
                if !self.secure(index, DateTime::<Utc>::MAX_UTC, now) {
                    self.holdings[index] = before;
                    return conflict(Reason::SlotTaken);
                }
                self.holdings[index].is_booked = true;
                format!("booked {}", self.holdings[index].claims.len())
            }
            Step::Release { hold } => {
                let Some(index) = pick(*hold, count) else { return String::new() };
                let holding = &mut self.holdings[index];
                if holding.is_booked {
                    return "booked before".to_owned();
                }
                holding.claims.iter_mut().for_each(|claim| claim.until = None);
                "released".to_owned()
            }
            Step::CancelAll { hold } => {
                let Some(index) = self.series(pick(*hold, count)) else { return String::new() };
                let holding = &mut self.holdings[index];
                let mut ahead = 0;
                for claim in holding.claims.iter_mut().filter(|claim| claim.start > now && claim.until.is_some()) {
                    claim.until = None;
                    ahead += 1;
                }
                let done = ahead > 0 || holding.is_cancelled;
                holding.is_cancelled |= ahead > 0;
                if done { "cancelled".to_owned() } else { conflict(Reason::TooLate) }
            }
            Step::Shift { hold, days, minutes } => {
                let Some(index) = self.series(pick(*hold, count)) else { return String::new() };
                self.shift(index, (*days, *minutes), now)
            }
        }
    }

    /// The index, if several visits are booked there.
    fn series(&self, index: Option<usize>) -> Option<usize> {
        index.filter(|index| self.holdings[*index].is_booked && self.holdings[*index].claims.len() > 1)
    }

    fn plan(&mut self, index: usize, every: &str, visits: u32, now: DateTime<Utc>) -> String {
        let Holding { who, created, .. } = self.holdings[index];
        self.holdings[index].claims.truncate(1);
        let until = (now + TimeDelta::minutes(10)).min(created + TimeDelta::minutes(40));
        let is_kept = until > now && self.secure(index, until, now);
        let first = self.holdings[index].claims[0].start;
        let local = first.with_timezone(&London).naive_local();
        let mut starts: Vec<NaiveDateTime> = Vec::new();
        for week in 0..30 {
            match every {
                "fortnight" => starts.push(local + TimeDelta::days(14 * week)),
                _ => starts.push(local + TimeDelta::days(7 * week)),
            }
            if every == "twice" {
                // The day after, at the same time.
                starts.push(local + TimeDelta::days(7 * week + 1));
            }
        }
        let mut answer = Vec::new();
        for start in starts.into_iter().skip(1).take(visits as usize - 1).map(wall) {
            let can = is_offered(start, now) && self.is_free(who, start, now, index);
            let state = if !can {
                "gone"
            } else if is_kept {
                "kept"
            } else {
                "free"
            };
            answer.push(format!("{start} {state}"));
            self.holdings[index].claims.push(Claim { start, until: (is_kept && can).then_some(until) });
        }
        answer.join("; ")
    }

    fn shift(&mut self, index: usize, (days, minutes): (i32, i32), now: DateTime<Utc>) -> String {
        let conflict = |reason| format!("{:?}", PortalError::Conflict(reason));
        let Holding { who, claims, .. } = self.holdings[index].clone();
        let is_ahead = |claim: &Claim| claim.start > now && claim.until.is_some();
        if !claims.iter().any(is_ahead) {
            return conflict(Reason::TooLate);
        }
        if (days, minutes) == (0, 0) || minutes % 5 != 0 {
            return "no step".to_owned();
        }
        let moved = |claim: &Claim| {
            let local = claim.start.with_timezone(&London).naive_local();
            wall(local + TimeDelta::days(days.into()) + TimeDelta::minutes(minutes.into()))
        };
        let wanted: Vec<(usize, DateTime<Utc>)> =
            claims.iter().enumerate().filter(|(_, claim)| is_ahead(claim)).map(|(place, claim)| (place, moved(claim))).collect();
        if !wanted.iter().all(|(_, start)| is_offered(*start, now)) {
            return conflict(Reason::SlotNotOffered);
        }
        // What has begun stays where it is, and may be in the way.
        let begun = |start: DateTime<Utc>| {
            let hour = TimeDelta::minutes(60);
            claims.iter().any(|claim| {
                claim.until.is_some() && claim.start <= now && claim.start < start + hour && start < claim.start + hour
            })
        };
        if !wanted.iter().all(|(_, start)| self.is_free(who, *start, now, index) && !begun(*start)) {
            return conflict(Reason::SlotTaken);
        }
        for (place, start) in wanted {
            self.holdings[index].claims[place].start = start;
        }
        "moved".to_owned()
    }
}

/// What somebody has: the hold's link, then the first visit's.
struct Link {
    hold: LinkToken,
    visit: Option<LinkToken>,
}

fn name(state: &OtherState) -> &'static str {
    match state {
        OtherState::Kept => "kept",
        OtherState::Free => "free",
        OtherState::Gone { .. } => "gone",
    }
}

/// What the portal answers, without ids.
async fn run(portal: &TestPortal, links: &mut Vec<Link>, step: &Step) -> String {
    let told = |error: PortalError| format!("{error:?}");
    let index = |hold: usize| if links.is_empty() { None } else { Some(hold % links.len()) };
    // Everybody has a browser of their own.
    let visitor = |index: usize| portal.visitor(u8::try_from(index).unwrap());
    match step {
        Step::Wait { minutes } => {
            portal.clock.advance(TimeDelta::minutes(*minutes));
            String::new()
        }
        Step::Hold { who, start } => match visitor(links.len()).hold("physio", Some(who), &start.to_rfc3339()).await {
            Ok(hold) => {
                links.push(Link { hold, visit: None });
                "held".to_owned()
            }
            Err(error) => told(error),
        },
        Step::Plan { hold, every, visits } => {
            let Some(index) = index(*hold) else { return String::new() };
            let (who, link) = (visitor(index), &links[index]);
            if link.visit.is_some() {
                return "booked before".to_owned();
            }
            let first = who.held(&link.hold).await.visit.start.instant.with_timezone(&London);
            let day = first.weekday().succ().to_string().to_lowercase();
            let wish = SeriesWish { every: (*every).to_owned(), visits: visits.to_string(), day, time: String::new() };
            match portal.booking.plan(&who.caller, &rowan(), &link.hold, wish).await {
                Err(PortalError::Invalid(_)) => "not so many".to_owned(),
                Err(error) => told(error),
                Ok(()) => {
                    let others = who.held(&link.hold).await.others;
                    let lines = others.iter().map(|other| format!("{} {}", other.start.instant, name(&other.state)));
                    lines.collect::<Vec<_>>().join("; ")
                }
            }
        }
        Step::Confirm { hold } => {
            let Some(index) = index(*hold) else { return String::new() };
            let who = visitor(index);
            if links[index].visit.is_some() {
                return "booked before".to_owned();
            }
            let hold = links[index].hold.clone();
            who.describe(&hold, who.draft()).await.unwrap();
            match who.confirm(&hold).await {
                Err(error) => told(error),
                Ok(visit) => {
                    let count = who.visit(&visit).await.series.len().max(1);
                    links[index].visit = Some(visit);
                    format!("booked {count}")
                }
            }
        }
        Step::Release { hold } => {
            let Some(index) = index(*hold) else { return String::new() };
            if links[index].visit.is_some() {
                return "booked before".to_owned();
            }
            visitor(index).release(&links[index].hold).await.map_or_else(told, |()| "released".to_owned())
        }
        Step::CancelAll { hold } | Step::Shift { hold, .. } => {
            let Some(index) = index(*hold) else { return String::new() };
            let Some(visit) = &links[index].visit else { return String::new() };
            change(portal, &visitor(index), visit, step).await
        }
    }
}

/// All visits that are ahead are moved or cancelled, if there are several.
async fn change(portal: &TestPortal, who: &Visitor, visit: &LinkToken, step: &Step) -> String {
    let told = |error: PortalError| format!("{error:?}");
    if who.visit(visit).await.series.is_empty() {
        return String::new();
    }
    if let Step::Shift { days, minutes, .. } = step {
        let page = portal.booking.shifting(&who.caller, &rowan(), visit, *days, *minutes).await.unwrap();
        let moved = portal.booking.shift(&who.caller, &rowan(), visit, (*days, *minutes), &page.version).await;
        let is_free = page.ahead.iter().all(|one| one.is_free);
        assert!(moved.is_ok() == is_free || page.ahead.is_empty(), "the page says what the button does: {page:?} {moved:?}");
        return match moved {
            Ok(()) => "moved".to_owned(),
            Err(PortalError::Invalid(_)) => "no step".to_owned(),
            Err(error) => told(error),
        };
    }
    let page = portal.booking.together(&who.caller, &rowan(), visit).await.unwrap();
    assert!(page.ahead.iter().all(|one| one.state == SeriesVisitState::Ahead));
    let cancelled = portal.booking.cancel_all(&who.caller, &rowan(), visit, &page.version, CancelDraft::default()).await;
    cancelled.map_or_else(told, |()| "cancelled".to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_random_series_are_answered_as_by_a_list_of_hours() {
    const HOLDS_MAX: usize = 250;
    let seed = seed();
    let (one, other) = (TestPortal::sqlite().await, TestPortal::postgres().await);
    for portal in [&one, &other] {
        // Two rooms do for two people only while nobody changes rooms; the list of hours knows no rooms.
        portal.reload(|clinic| clinic.treatments[0].room_kind = None).await;
    }
    let (mut links, mut other_links) = (Vec::new(), Vec::new());
    let (mut random, mut oracle) = (StdRng::seed_from_u64(seed), Oracle::default());
    let (mut booked, mut refused) = (0, 0);
    for number in 0..700 {
        let step = step(&mut random);
        if oracle.holdings.len() == HOLDS_MAX && matches!(step, Step::Hold { .. }) {
            continue;
        }
        let expected = oracle.answer(&step, one.clock.now());
        let place = || format!("step {number} of seed {seed}: {step:?}");
        assert_eq!(run(&one, &mut links, &step).await, expected, "{}", place());
        assert_eq!(run(&other, &mut other_links, &step).await, expected, "{}", place());
        booked += i32::from(matches!(step, Step::Confirm { .. }) && expected.starts_with("booked ") && !expected.ends_with(" 1"));
        refused += i32::from(expected.contains("gone") || expected.contains("SlotTaken"));
        if number % 50 == 0 {
            assert_eq!((one.overlaps().await, other.overlaps().await), (0, 0), "{}", place());
        }
    }
    assert_eq!((one.overlaps().await, other.overlaps().await), (0, 0), "seed {seed}");
    let claimed = oracle.holdings.iter().filter(|holding| holding.is_booked);
    let visits: usize = claimed.map(|holding| holding.claims.iter().filter(|claim| claim.until.is_some()).count()).sum();
    assert_eq!(one.appointments().await, i64::try_from(visits).unwrap(), "seed {seed}");
    assert!(booked > 5 && refused > 5, "seed {seed}: hardly anything happened: {booked} {refused}");
}
