//! Bookings that are on the disk when they are acknowledged, by 64 people at once, each the whole
//! way: hold, details, confirmation. Against the same with one commit for every change.
//!
//! Both run the same code on the same disk; only the writer's limit of changes in one commit
//! differs. They take turns, so that whatever else the machine does is in both.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use app::booking::api::BookingService as _;
use app::booking::model::{Draft, HoldRequest};
use app::request::{Caller, VisitorKey, Who};
use app::words::Language;
use chrono::{DateTime, Days, Utc};
use server::booking::Booking;
use server::clinic::Clinics;
use server::clock::Clock;
use server::link::Links;
use server::store::{Address, Database};
use tokio::task::JoinSet;

use crate::crowd::Crowd;
use crate::program::folder;
use crate::sample::Sample;
use crate::say;

/// Two people at each of 32 locations, so that everyone books a time of their own.
const LOCATIONS: usize = 32;
const PEOPLE: usize = 2;
const WARM_UP: Duration = Duration::from_secs(1);
const MEASURED: Duration = Duration::from_secs(6);
const TURNS: u32 = 2;
const FLUSHES: u32 = 100;

pub async fn measure(inside: &Path) -> anyhow::Result<()> {
    let (mut together, mut alone) = (0.0, 0.0);
    for turn in 0..TURNS {
        alone += pass(&folder(inside, &format!("alone-{turn}"))?, Commits::One).await? / f64::from(TURNS);
        together += pass(&folder(inside, &format!("together-{turn}"))?, Commits::Many).await? / f64::from(TURNS);
    }
    say("bookings by 64 clients", together, "1/s")?;
    say("bookings by 64 clients, one commit each", alone, "1/s")?;
    say("many in one commit against one commit each", together / alone, "×")?;
    say("one flush to this disk, p50", flush(inside)?, "ms")
}

/// How many changes go into one commit.
#[derive(Clone, Copy)]
enum Commits {
    Many,
    One,
}

/// Bookings a second.
async fn pass(folder: &Path, commits: Commits) -> anyhow::Result<f64> {
    let clock = Clock::frozen("2026-03-11T12:00:00Z".parse()?);
    let address = Address::Sqlite(folder.join("perennial.db"));
    let database = match commits {
        Commits::Many => Database::open(&address).await?,
        Commits::One => Database::open_with_batch(&address, 1).await?,
    };
    let crowd = Arc::new(Crowd::of(LOCATIONS, PEOPLE)?);
    crowd.move_in(&database, &clock).await?;
    let links = Arc::new(Links::load(&database).await?);
    let clinics = Arc::new(Clinics::open(database.clone()).await?);
    let booking = Arc::new(Booking::new(database.clone(), clock, links, clinics));
    let counted = Arc::new(AtomicU32::new(0));
    let from = Instant::now() + WARM_UP;
    let until = from + MEASURED;
    let mut clients = JoinSet::new();
    for number in 0..LOCATIONS * PEOPLE {
        let client = Client { booking: Arc::clone(&booking), crowd: Arc::clone(&crowd), number };
        let counted = Arc::clone(&counted);
        clients.spawn(async move {
            for start in client.starts() {
                client.book(start).await?;
                let now = Instant::now();
                if now >= until {
                    return Ok(());
                }
                counted.fetch_add(u32::from(now >= from), Ordering::Relaxed);
            }
            anyhow::bail!("a client has booked every time there is")
        });
    }
    while let Some(done) = clients.join_next().await {
        done??;
    }
    database.close().await;
    Ok(f64::from(counted.load(Ordering::Relaxed)) / MEASURED.as_secs_f64())
}

/// Someone who books one visit after the other with the same practitioner.
struct Client {
    booking: Arc<Booking>,
    crowd: Arc<Crowd>,
    number: usize,
}

impl Client {
    fn starts(&self) -> impl Iterator<Item = DateTime<Utc>> {
        let first = chrono::NaiveDate::from_ymd_opt(2026, 3, 12).unwrap_or_default();
        (0..80).flat_map(move |day| self.crowd.starts(first + Days::new(day)))
    }

    async fn book(&self, start: DateTime<Utc>) -> anyhow::Result<()> {
        let clinic = &self.crowd.clinic;
        let shift = &clinic.shifts[self.number];
        let key = VisitorKey([u8::try_from(self.number)?; 32]);
        let caller = Caller { who: Who::Visitor(Some(key)), language: Language::En, zone: None };
        let request = HoldRequest {
            clinic: clinic.slug.clone(),
            treatment: self.crowd.treatment().slug.clone(),
            location: shift.location.clone(),
            practitioner: Some(shift.practitioner.clone()),
            start,
            replaces: None,
        };
        let draft = Draft {
            who_for: "self".to_owned(),
            name: "Maya Example".to_owned(),
            birth_day: "27".to_owned(),
            birth_month: "3".to_owned(),
            birth_year: "1984".to_owned(),
            email: format!("client{}@example.org", self.number),
            ..Draft::default()
        };
        let hold = self.booking.hold(&caller, request).await?;
        let held = self.booking.describe(&caller, &clinic.slug, &hold, draft).await?;
        self.booking.confirm(&caller, &clinic.slug, &hold, &held.version).await?;
        Ok(())
    }
}

/// How long this disk takes to keep four kilobytes for good.
fn flush(folder: &Path) -> anyhow::Result<f64> {
    let mut file = File::create(folder.join("flush"))?;
    let mut sample = Sample::default();
    for _ in 0..FLUSHES {
        file.write_all(&[0; 4096])?;
        let began = Instant::now();
        file.sync_data()?;
        sample.add(began.elapsed());
    }
    Ok(sample.median())
}
