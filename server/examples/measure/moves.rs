//! Ten patients who move their visits around each other on a day that is nearly full, over HTTP.
//!
//! A visit is lost if its own page does not show the time that was acknowledged last; overlaps
//! are counted from what the visits themselves say, not from the guard that is on trial.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use app::booking::model::{MoveState, VisitStatus};
use chrono::{DateTime, Days, NaiveDate, Utc};
use server::clock::Clock;
use tokio::task::JoinSet;

use crate::program::Program;
use crate::race::counted;
use crate::sample::Sample;
use crate::say;
use crate::visitor::{TIMES_PAGE, Visitor, Wanted};

const CLIENTS: usize = 10;
const TRIES_EACH: usize = 100;
/// Starts that stay free at first: without any nobody could move but by a quarter of an hour.
const LEFT_FREE: usize = 4;

/// A visit, its link, and when it was last acknowledged to begin.
struct Mine {
    link: String,
    start: DateTime<Utc>,
}

/// What one client did.
struct Moved {
    mine: Mine,
    moves: u32,
    took: Vec<std::time::Duration>,
}

pub async fn measure(program: &Path, folder: &Path) -> anyhow::Result<()> {
    let mut server = Program::start(program, folder)?;
    server.answers(TIMES_PAGE).await?;
    let visitor = server.visitor();
    let from = Clock::system().now().date_naive() + Days::new(7);
    let day = visitor.times(from).await?.days.first().context("the demo has no free day")?.day.date;
    let starts: Arc<Vec<Wanted>> = Arc::new(on(&visitor, day).await?);
    let (mine, booked) = fill(&visitor, day).await?;
    ensure!(mine.len() == CLIENTS, "only {} visits fit on the day", mine.len());

    let mut clients = JoinSet::new();
    for visit in mine {
        clients.spawn(client(server.visitor(), visit, Arc::clone(&starts)));
    }
    let (mut moves, mut lost, mut sample) = (0, 0, Sample::default());
    while let Some(done) = clients.join_next().await {
        let Moved { mine, moves: made, took } = done??;
        moves += made;
        for took in took {
            sample.add(took);
        }
        let visit = visitor.visit(&mine.link).await?;
        lost += u32::from(visit.status != VisitStatus::Booked || visit.summary.start.instant != mine.start);
    }
    server.stop().await?;
    let (visits, overlaps) = counted(folder).await?;
    ensure!(visits == booked, "{booked} visits were booked, and {visits} are in the database");
    ensure!(moves > 0, "nobody could move, so nothing was tried");
    say("overlaps", f64::from(i32::try_from(overlaps)?), "pairs of visits")?;
    say("visits lost", f64::from(lost), "visits")?;
    say("moves made", f64::from(moves), "moves")?;
    say("one move, p50", sample.median(), "ms")
}

/// The day's free times, with anyone.
async fn on(visitor: &Visitor, day: NaiveDate) -> anyhow::Result<Vec<Wanted>> {
    let mut times = visitor.times(day).await?;
    times.days.retain(|shown| shown.day.date == day);
    Ok(Wanted::of(&times).collect())
}

/// Books the day until few starts are left: the visits that will move, and how many there are in all.
async fn fill(visitor: &Visitor, day: NaiveDate) -> anyhow::Result<(Vec<Mine>, i64)> {
    let (mut mine, mut booked) = (Vec::new(), 0);
    loop {
        let free = on(visitor, day).await?;
        if free.len() <= LEFT_FREE {
            return Ok((mine, booked));
        }
        let wanted = &free[rand::random_range(0..free.len())];
        if let Some(link) = visitor.book(wanted, &format!("client{booked}@example.org")).await? {
            booked += 1;
            if mine.len() < CLIENTS {
                mine.push(Mine { link, start: wanted.start()? });
            }
        }
    }
}

/// Tries one time of the day after the other.
async fn client(visitor: Visitor, mut mine: Mine, starts: Arc<Vec<Wanted>>) -> anyhow::Result<Moved> {
    let (mut moves, mut took) = (0, Vec::new());
    for _ in 0..TRIES_EACH {
        let wanted = &starts[rand::random_range(0..starts.len())];
        let moving = visitor.moving(&mine.link, wanted).await?;
        if moving.state != MoveState::Free {
            continue;
        }
        let began = Instant::now();
        if visitor.relocate(&mine.link, &moving).await? {
            mine.start = moving.to.start.instant;
            moves += 1;
        }
        took.push(began.elapsed());
    }
    Ok(Moved { mine, moves, took })
}
