//! Long random series of waiting, against a slow and obvious list: nobody is asked out of turn,
//! about what does not suit, about two times at once, or about a time that somebody else has.
//!
//! One job runs after the other, each in another second: what came first is never a matter of chance.
//!
//! The seed is printed; `PERENNIAL_TEST_SEED` runs one again.

use app::error::PortalError;
use app::ids::LinkToken;
use app::waitlist::model::{EntryState, OfferState, WaitFor, WishDraft};
use chrono::{DateTime, Datelike as _, TimeDelta, Timelike as _, Utc};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use server::jobs::queue::{Ending, claim, end};
use server::jobs::{JobError, JobRun as _};
use server::waitlist::jobs::WaitlistJobs;

use crate::harness::{TestPortal, seed};
use crate::on_both;
use crate::waitlist::{Waiter, physio, waiter};

/// By UTC, which is London's clock then.
const HOURS: [u32; 4] = [9, 11, 13, 15];

#[derive(Clone, Debug)]
enum Step {
    /// Somebody books a time, whoever waits.
    Book {
        person: usize,
        day: i64,
        hour: usize,
    },
    Cancel {
        visit: usize,
    },
    Join {
        morning: bool,
        thursday: bool,
        person: usize,
    },
    /// For a visit of one's own.
    Earlier {
        visit: usize,
        any: bool,
    },
    Leave {
        entry: usize,
    },
    Take {
        entry: usize,
    },
    Decline {
        entry: usize,
    },
    Wait {
        minutes: i64,
    },
}

fn step(random: &mut StdRng) -> Step {
    match random.random_range(0..24) {
        0..=5 => {
            Step::Book { person: random.random_range(0..2), day: random.random_range(1..3), hour: random.random_range(0..4) }
        }
        6..=9 => Step::Cancel { visit: random.random_range(0..100) },
        10..=12 => Step::Join { morning: random.random(), thursday: random.random(), person: random.random_range(0..3) },
        13..=14 => Step::Earlier { visit: random.random_range(0..100), any: random.random() },
        15 => Step::Leave { entry: random.random_range(0..100) },
        16..=18 => Step::Take { entry: random.random_range(0..100) },
        19..=20 => Step::Decline { entry: random.random_range(0..100) },
        _ => Step::Wait { minutes: random.random_range(1..40) },
    }
}

/// One who waits, as the obvious list keeps them.
#[derive(Clone, Debug)]
struct Kept {
    entry: LinkToken,
    visitor: u8,
    wish: WishDraft,
    practitioner: Option<&'static str>,
    visit: Option<LinkToken>,
    joined: usize,
    /// When they were asked last.
    asked: Option<DateTime<Utc>>,
    /// Offers so far, newest last.
    offers: Vec<(LinkToken, DateTime<Utc>)>,
}

struct World {
    portal: TestPortal,
    visits: Vec<(u8, LinkToken)>,
    kept: Vec<Kept>,
    visitors: u8,
    steps: usize,
}

const PEOPLE: [&str; 2] = ["tom", "priya"];

impl World {
    async fn new(portal: TestPortal) -> Self {
        // A short horizon: most times are taken soon.
        portal.reload(|clinic| clinic.treatments[0].horizon_days = 2).await;
        Self { portal, visits: Vec::new(), kept: Vec::new(), visitors: 0, steps: 0 }
    }

    fn waiter(&self, visitor: u8) -> Waiter<'_> {
        waiter(&self.portal, visitor)
    }

    fn someone(&mut self) -> u8 {
        self.visitors = self.visitors.wrapping_add(1);
        self.visitors
    }

    async fn run(&mut self, step: &Step) -> String {
        self.steps += 1;
        let told = |error: PortalError| format!("{error:?}");
        let answer = match step {
            Step::Book { person, day, hour } => {
                let visitor = self.someone();
                let date = self.portal.clock.now().date_naive() + TimeDelta::days(*day);
                let start = format!("{date}T{:02}:00:00Z", HOURS[*hour]);
                match self.portal.visitor(visitor).book("physio", Some(PEOPLE[*person]), &start).await {
                    Ok(visit) => {
                        self.visits.push((visitor, visit));
                        "booked".to_owned()
                    }
                    Err(error) => told(error),
                }
            }
            Step::Cancel { visit } => match self.visits.get(visit % self.visits.len().max(1)).cloned() {
                Some((visitor, visit)) => {
                    self.portal.visitor(visitor).cancel(&visit).await.map_or_else(told, |()| "cancelled".into())
                }
                None => String::new(),
            },
            Step::Join { morning, thursday, person } => {
                let visitor = self.someone();
                let on = |is: bool| if is { "on".to_owned() } else { String::new() };
                let wish = WishDraft { morning: on(*morning), thu: on(*thursday), ..WishDraft::default() };
                let practitioner = PEOPLE.get(*person).copied();
                let wait = WaitFor { practitioner: practitioner.unwrap_or_default().into(), ..physio() };
                let entry = self.waiter(visitor).join(wait, wish.clone()).await;
                self.keep(entry, visitor, wish, practitioner, None);
                "joined".to_owned()
            }
            Step::Earlier { visit, any } => self.earlier(*visit, *any).await,
            Step::Leave { entry } => {
                let Some(kept) = self.pick(*entry) else { return String::new() };
                self.waiter(kept.visitor).leave(&kept.entry).await;
                "left".to_owned()
            }
            Step::Take { entry } => self.take(*entry).await,
            Step::Decline { entry } => match self.offered(*entry).await {
                Some((visitor, offer)) => {
                    self.waiter(visitor).decline(&offer).await;
                    "declined".to_owned()
                }
                None => String::new(),
            },
            Step::Wait { minutes } => {
                self.wait(TimeDelta::minutes(*minutes)).await;
                String::new()
            }
        };
        self.portal.clock.advance(TimeDelta::seconds(1));
        answer
    }

    fn keep(
        &mut self,
        entry: LinkToken,
        visitor: u8,
        wish: WishDraft,
        practitioner: Option<&'static str>,
        visit: Option<LinkToken>,
    ) {
        let joined = self.steps;
        self.kept.push(Kept { entry, visitor, wish, practitioner, visit, joined, asked: None, offers: Vec::new() });
    }

    async fn earlier(&mut self, visit: usize, any: bool) -> String {
        let Some((visitor, visit)) = self.visits.get(visit % self.visits.len().max(1)).cloned() else { return String::new() };
        let wait = WaitFor { visit: visit.to_string(), ..WaitFor::default() };
        let summary = self.portal.visitor(visitor).visit(&visit).await.summary;
        let person = summary.practitioner_chosen.then(|| summary.practitioner.slug.to_string());
        match self.waiter(visitor).begin(wait).await {
            Ok(entry) => {
                let wish = WishDraft { which: if any { "any".into() } else { String::new() }, ..WishDraft::default() };
                let filled = self.waiter(visitor).fill(&entry, app::booking::model::Draft::default(), wish.clone()).await;
                if let Err(error) = filled {
                    return format!("{error:?}");
                }
                if let Some(known) = self.kept.iter_mut().find(|kept| kept.entry == entry) {
                    known.wish = wish;
                } else {
                    let practitioner = PEOPLE.into_iter().find(|known| person.as_deref() == Some(*known));
                    self.keep(entry, visitor, wish, practitioner, Some(visit));
                }
                "waits".to_owned()
            }
            Err(error) => format!("{error:?}"),
        }
    }

    fn pick(&self, entry: usize) -> Option<Kept> {
        self.kept.get(entry % self.kept.len().max(1)).cloned()
    }

    async fn offered(&self, entry: usize) -> Option<(u8, LinkToken)> {
        let kept = self.pick(entry)?;
        let offer = self.waiter(kept.visitor).offered(&kept.entry).await?;
        Some((kept.visitor, offer))
    }

    async fn take(&mut self, entry: usize) -> String {
        let Some((visitor, offer)) = self.offered(entry).await else { return String::new() };
        match self.waiter(visitor).take(&offer).await {
            Ok(visit) => {
                if !self.visits.iter().any(|(_, known)| *known == visit) {
                    self.visits.push((visitor, visit));
                }
                "taken".to_owned()
            }
            Err(error) => format!("{error:?}"),
        }
    }

    /// Lets time go by, from one offer's end to the next.
    async fn wait(&mut self, time: TimeDelta) {
        let until = self.portal.clock.now() + time;
        while self.portal.clock.now() < until {
            let mut tx = self.portal.database.read().await.unwrap();
            let next = tx.query("SELECT MIN(expires_at) AS next FROM offer WHERE state = 'open'").fetch_one().await.unwrap();
            let next: Option<DateTime<Utc>> = next.get("next").unwrap();
            drop(tx);
            let next = next.map_or(until, |next| next.clamp(self.portal.clock.now() + TimeDelta::seconds(1), until));
            self.portal.clock.advance(next - self.portal.clock.now());
            self.settle().await;
        }
    }

    /// Does what is due, one job after the other, and checks every offer that comes of it.
    async fn settle(&mut self) {
        let jobs = WaitlistJobs(self.portal.waitlist.clone());
        while let Some(job) = claim(&self.portal.database, self.portal.clock.now(), 1).await.unwrap().pop() {
            let ran = if job.kind.starts_with("waitlist.") { jobs.run(&job).await } else { Ok(()) };
            let ending = match ran {
                Err(JobError::NotYet(until)) => Ending::NotYet { until },
                ran => ran.map(|()| Ending::Done).unwrap(),
            };
            end(&self.portal.database, &job, ending, self.portal.clock.now()).await.unwrap();
            if self.portal.count("SELECT COUNT(*) AS n FROM offer").await != i64::try_from(self.offers()).unwrap() {
                self.check().await;
            }
            self.portal.clock.advance(TimeDelta::seconds(1));
        }
    }

    fn offers(&self) -> usize {
        self.kept.iter().map(|kept| kept.offers.len()).sum()
    }

    async fn check(&mut self) {
        let mut open = Vec::new();
        let mut waiting = Vec::new();
        for (at, kept) in self.kept.iter().enumerate() {
            match self.waiter(kept.visitor).entry(&kept.entry).await.state {
                EntryState::Waiting { offer: Some(offer), asked, .. } => open.push((at, offer, asked)),
                EntryState::Waiting { offer: None, .. } => waiting.push(at),
                _ => {}
            }
        }
        open.retain(|(at, offer, _)| self.kept[*at].offers.last().is_none_or(|(last, _)| last != offer));
        for (at, offer, asked) in open {
            let kept = &self.kept[at];
            let shown = self.waiter(kept.visitor).offer(&offer).await;
            let OfferState::Open { .. } = shown.state else { panic!("{:?}", shown.state) };
            let (start, who) = (shown.to.start.instant, shown.to.practitioner.slug.to_string());
            assert!(self.suits(kept, start, &who).await, "{kept:?} was offered {start} with {who}");
            assert!(kept.offers.iter().all(|(_, before)| *before != start), "{kept:?} was asked twice about {start}");
            for other in &waiting {
                let other = &self.kept[*other];
                let sooner = turn(other) < turn(kept);
                let knows = other.offers.iter().any(|(_, before)| *before == start);
                assert!(
                    !sooner || knows || !self.suits(other, start, &who).await,
                    "step {}: {other:?} should have been asked about {start} with {who}, not {kept:?}",
                    self.steps
                );
            }
            let kept = &mut self.kept[at];
            kept.offers.push((offer, start));
            kept.asked = asked.map(|asked| asked.instant);
        }
    }

    /// By hand: what was ticked, who was wanted, and whether a visit would be better off.
    async fn suits(&self, kept: &Kept, start: DateTime<Utc>, who: &str) -> bool {
        let hours = kept.wish.morning.is_empty() || start.hour() < 12;
        let days = kept.wish.thu.is_empty() || start.weekday().to_string() == "Thu";
        let person = kept.practitioner.is_none_or(|wanted| wanted == who);
        let better = match &kept.visit {
            None => true,
            Some(visit) => {
                let now = self.portal.visitor(kept.visitor).visit(visit).await.summary.start.instant;
                if kept.wish.which == "any" { now != start } else { start < now }
            }
        };
        hours && days && person && better
    }

    /// Open offers that share a time with a visit or with each other.
    async fn clashes(&self) -> i64 {
        let offers = self
            .portal
            .count(
                "SELECT COUNT(*) AS n FROM offer o JOIN offer p ON o.clinic = p.clinic AND o.id < p.id
                 AND o.practitioner = p.practitioner AND o.busy_from < p.busy_until AND p.busy_from < o.busy_until
                 AND o.state = 'open' AND p.state = 'open'",
            )
            .await;
        let visits = self
            .portal
            .count(
                "SELECT COUNT(*) AS n FROM offer o JOIN appointment a ON o.clinic = a.clinic AND o.practitioner = a.practitioner
                 AND o.busy_from < a.busy_until AND a.busy_from < o.busy_until AND a.status <> 'cancelled' AND o.state = 'open'",
            )
            .await;
        offers + visits + self.portal.overlaps().await
    }
}

/// Whose turn is first: whoever was never asked by when they came, then the least recently asked.
fn turn(kept: &Kept) -> (bool, Option<DateTime<Utc>>, usize) {
    (kept.asked.is_some(), kept.asked, kept.joined)
}

on_both! {
    async fn nobody_is_asked_out_of_turn_in_a_long_random_series(portal: TestPortal) {
        let days = if std::env::var("PERENNIAL_TEST_SIZE").as_deref() == Ok("nightly") { 60 } else { 1 };
        let seed = seed();
        let mut random = StdRng::seed_from_u64(seed);
        let mut world = World::new(portal).await;
        let mut taken = 0;
        for number in 0..days * 160 {
            let step = step(&mut random);
            taken += usize::from(world.run(&step).await == "taken");
            world.settle().await;
            assert_eq!(world.clashes().await, 0, "step {number} of seed {seed}: {step:?}");
            // Nights are another test's matter.
            if world.portal.clock.now().hour() >= 19 {
                world.wait(TimeDelta::hours(14)).await;
                if days == 1 {
                    break;
                }
            }
        }
        let asked = world.offers();
        assert!(asked > 5 && taken > 0, "seed {seed}: hardly anybody was asked ({asked}, {taken} taken)");
    }
}
