//! A month of twenty people: how long it takes to find what is free, with ten thousand visits in
//! that month, and again with ninety thousand more in the months around it.
//!
//! The search itself is pure; what it is given is what the store reads of each database. The
//! whole question, as a page asks it, is measured beside it.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use app::booking::api::BookingService as _;
use app::booking::model::{TimesFor, TimesQuery};
use app::booking::rules::{Busy, Search, Span, search, tick};
use app::ids::{PractitionerSlug, RoomSlug};
use app::request::{Caller, Who};
use app::words::Language;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use server::booking::Booking;
use server::booking::store::busy::{self, Own};
use server::clinic::Clinics;
use server::clock::Clock;
use server::link::Links;
use server::store::{Address, Database};

use crate::crowd::Crowd;
use crate::program::folder;
use crate::sample::Sample;
use crate::say;

const PEOPLE: usize = 20;
const IN_THE_MONTH: usize = 10_000;
const BEFORE: usize = 60_000;
const AFTER: usize = 30_000;
/// As many days as `BEFORE` visits fill, and some.
const DAYS_BEFORE: u64 = 180;
const SEARCHES: u32 = 500;
const QUESTIONS: u32 = 60;

/// A clinic at work, and what is taken in the month.
struct Calendar {
    crowd: Crowd,
    booking: Booking,
    busy: Busy,
    people: Vec<PractitionerSlug>,
    zone: Tz,
    now: DateTime<Utc>,
    within: Span,
    month: NaiveDate,
}

pub async fn measure(inside: &Path) -> anyhow::Result<()> {
    let few = Calendar::open(&folder(inside, "few")?, false).await?;
    let many = Calendar::open(&folder(inside, "many")?, true).await?;
    let (mut few_searched, mut many_searched) = (Sample::default(), Sample::default());
    // One after the other, so that whatever else the machine does is in both.
    for _ in 0..SEARCHES {
        few_searched.add(few.search());
        many_searched.add(many.search());
    }
    let (mut few_asked, mut many_asked) = (Sample::default(), Sample::default());
    for _ in 0..QUESTIONS {
        few_asked.add(few.ask().await?);
        many_asked.add(many.ask().await?);
    }
    say("search of a month, 10,000 visits, p50", few_searched.median(), "ms")?;
    say("search of a month, 100,000 visits, p50", many_searched.median(), "ms")?;
    say("search with 100,000 visits against 10,000", many_searched.median() / few_searched.median(), "×")?;
    say("page's question with its reading, 10,000 visits, p50", few_asked.median(), "ms")?;
    say("page's question with its reading, 100,000 visits, p50", many_asked.median(), "ms")
}

impl Calendar {
    async fn open(folder: &Path, crowded: bool) -> anyhow::Result<Self> {
        let now: DateTime<Utc> = "2026-03-11T12:00:00Z".parse()?;
        let month = NaiveDate::from_ymd_opt(2026, 4, 1).context("a first of April")?;
        let clock = Clock::frozen(now);
        let database = Database::open(&Address::Sqlite(folder.join("perennial.db"))).await?;
        let crowd = Crowd::of(1, PEOPLE)?;
        crowd.move_in(&database, &clock).await?;
        crowd.book(&database, month, IN_THE_MONTH, &clock).await?;
        if crowded {
            crowd.book(&database, month - Days::new(DAYS_BEFORE), BEFORE, &clock).await?;
            crowd.book(&database, month + Days::new(31), AFTER, &clock).await?;
        }
        let at = |date: NaiveDate| tick(date.and_time(NaiveTime::MIN).and_utc());
        let within = Span { from: at(month), until: at(month + Days::new(30)) };
        let people: Vec<PractitionerSlug> = crowd.clinic.practitioners.iter().map(|it| it.slug.clone()).collect();
        let rooms: Vec<RoomSlug> = crowd.clinic.rooms.iter().map(|it| it.slug.clone()).collect();
        let mut tx = database.read().await?;
        let busy = busy::read(&mut tx, &crowd.clinic.slug, &people, &rooms, within, Own::default(), now).await?;
        drop(tx);
        let links = Arc::new(Links::load(&database).await?);
        let clinics = Arc::new(Clinics::open(database.clone()).await?);
        let booking = Booking::new(database, clock, links, clinics);
        let zone = crowd.clinic.locations[0].zone.parse()?;
        Ok(Self { crowd, booking, busy, people, zone, now, within, month })
    }

    fn search(&self) -> Duration {
        let wanted = Search {
            clinic: &self.crowd.clinic,
            treatment: self.crowd.treatment(),
            location: &self.crowd.clinic.locations[0],
            zone: &self.zone,
            practitioners: &self.people,
            now: self.now,
            within: self.within,
        };
        let began = Instant::now();
        let found = black_box(search(black_box(&wanted), black_box(&self.busy)));
        let took = began.elapsed();
        drop(found);
        took
    }

    async fn ask(&self) -> anyhow::Result<Duration> {
        let caller = Caller { who: Who::Visitor(None), language: Language::En, zone: None };
        let query = TimesQuery {
            clinic: self.crowd.clinic.slug.clone(),
            what: TimesFor::Treatment(self.crowd.treatment().slug.clone()),
            practitioner: None,
            location: Some(self.crowd.clinic.locations[0].slug.clone()),
            from: None,
            month: Some(self.month),
            zone: None,
        };
        let began = Instant::now();
        black_box(self.booking.times(&caller, query).await?);
        Ok(began.elapsed())
    }
}
