//! A hundred people who want one time at the same moment, two hundred times, over HTTP.
//!
//! Overlaps are counted from what the visits themselves say, not from the guard that is on trial.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use chrono::Days;
use server::clock::Clock;
use server::store::Database;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::program::{Program, database};
use crate::sample::Sample;
use crate::say;
use crate::visitor::{TIMES_PAGE, Visitor, Wanted};

const CLIENTS: usize = 100;
const ROUNDS: u32 = 200;
/// Rounds are spread over so many days, to leave some times free on each.
const DAYS: u32 = 60;

pub async fn measure(program: &Path, folder: &Path) -> anyhow::Result<()> {
    let mut server = Program::start(program, folder)?;
    server.answers(TIMES_PAGE).await?;
    let visitors: Vec<Visitor> = (0..CLIENTS).map(|_| server.visitor()).collect();
    let (mut winners, mut took) = (Vec::new(), Sample::default());
    for round in 0..ROUNDS {
        let wanted = free_time(&visitors[0], round).await?;
        let began = Instant::now();
        winners.push(race(&visitors, &wanted, round).await?);
        took.add(began.elapsed());
    }
    server.stop().await?;
    let (visits, overlaps) = counted(folder).await?;
    let booked: u32 = winners.iter().sum();
    ensure!(visits == i64::from(booked), "{booked} bookings were acknowledged, and {visits} are in the database");
    say("fewest winners of one time", f64::from(winners.iter().min().copied().unwrap_or_default()), "clients")?;
    say("most winners of one time", f64::from(winners.iter().max().copied().unwrap_or_default()), "clients")?;
    say("overlaps", f64::from(i32::try_from(overlaps)?), "pairs of visits")?;
    say("one race, p50", took.median(), "ms")
}

/// One that is days away, so that it is still on offer when it is asked for.
async fn free_time(visitor: &Visitor, round: u32) -> anyhow::Result<Wanted> {
    let from = Clock::system().now().date_naive() + Days::new(2 + u64::from(round % DAYS));
    let times = visitor.times(from).await?;
    Wanted::of(&times).next().context("the demo has no free time left")
}

/// How many of all visitors got it.
async fn race(visitors: &[Visitor], wanted: &Wanted, round: u32) -> anyhow::Result<u32> {
    let barrier = Arc::new(Barrier::new(visitors.len()));
    let mut tries = JoinSet::new();
    for (number, visitor) in visitors.iter().enumerate() {
        let (visitor, wanted, barrier) = (visitor.clone(), wanted.clone(), Arc::clone(&barrier));
        tries.spawn(async move {
            barrier.wait().await;
            visitor.book(&wanted, &format!("client{number}-{round}@example.org")).await
        });
    }
    let mut winners = 0;
    while let Some(outcome) = tries.join_next().await {
        winners += u32::from(outcome??.is_some());
    }
    Ok(winners)
}

/// Visits, and pairs of them that share a practitioner or a room at the same time.
pub async fn counted(folder: &Path) -> anyhow::Result<(i64, i64)> {
    let database = Database::open(&database(folder)).await?;
    let mut tx = database.read().await?;
    let visits = tx.query("SELECT COUNT(*) AS n FROM appointment WHERE status <> 'cancelled'").fetch_one().await?.get("n")?;
    let overlaps = tx
        .query(
            "SELECT COUNT(*) AS n FROM appointment a JOIN appointment b
             ON a.clinic = b.clinic AND a.id < b.id AND (a.practitioner = b.practitioner OR a.room = b.room)
             AND a.busy_from < b.busy_until AND b.busy_from < a.busy_until
             WHERE a.status <> 'cancelled' AND b.status <> 'cancelled'",
        )
        .fetch_one()
        .await?
        .get("n")?;
    drop(tx);
    database.close().await;
    Ok((visits, overlaps))
}
