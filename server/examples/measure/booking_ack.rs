//! How long "you are booked" takes while the mail server is well, away, or silent: a letter is
//! never waited for.
//!
//! Bookings come at a constant rate, and a delay counts from the instant at which the last button
//! was due. The passes take turns, so that whatever else the machine does is in all of them.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use chrono::Days;
use server::clock::Clock;
use server::store::Database;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::crowd::Crowd;
use crate::program::{Program, database, folder};
use crate::sample::Sample;
use crate::say;
use crate::smtp::{MailServer, Manner};
use crate::visitor::{Described, TIMES_PAGE, Visitor, Wanted};

const TURNS: u32 = 3;
const WARM_UP: usize = 20;
const BOOKINGS: usize = 400;
const PER_SECOND: u32 = 40;

pub async fn measure(program: &Path, inside: &Path) -> anyhow::Result<()> {
    let (mut well, mut away, mut silent) = (Sample::default(), Sample::default(), Sample::default());
    for turn in 0..TURNS {
        let server = MailServer::start(Manner::Accepting).await;
        pass(program, &folder(inside, &format!("well-{turn}"))?, server.port, &mut well).await?;
        ensure!(!server.received().is_empty(), "the mail server got no letter");
        server.behave(Manner::Slow(Duration::from_hours(1)));
        pass(program, &folder(inside, &format!("silent-{turn}"))?, server.port, &mut silent).await?;
        let port = server.port;
        server.end().await;
        pass(program, &folder(inside, &format!("away-{turn}"))?, port, &mut away).await?;
    }
    let (well, away, silent) = (well.percentile(99), away.percentile(99), silent.percentile(99));
    say("p99 with the mail server down beyond p99 with it up", away.max(silent) - well, "ms")?;
    say("acknowledgement, mail server up, p99", well, "ms")?;
    say("acknowledgement, mail server away, p99", away, "ms")?;
    say("acknowledgement, mail server silent, p99", silent, "ms")
}

async fn pass(program: &Path, folder: &Path, port: u16, sample: &mut Sample) -> anyhow::Result<()> {
    let (clock, server) = (Clock::system(), format!("smtp://127.0.0.1:{port}"));
    let database = Database::open(&database(folder)).await?;
    let crowd = Crowd::of(1, 20)?;
    crowd.move_in(&database, &clock).await?;
    database.close().await;
    let mut portal = Program::start_with(program, folder, &[("PERENNIAL_MAIL_SERVER", &server)])?;
    portal.answers(TIMES_PAGE).await?;
    let visitor = portal.visitor();
    let mut described = Vec::new();
    let day = clock.now().date_naive() + Days::new(2);
    let times = crowd.clinic.shifts.iter().flat_map(|shift| crowd.starts(day).map(|start| Wanted::at(shift, start)));
    for wanted in times.take(WARM_UP + BOOKINGS) {
        let email = format!("maya{}@example.org", described.len());
        described.push(visitor.describe(&wanted, &email).await?.context("a free time was taken by somebody else")?);
    }
    for took in confirm_all(&visitor, described).await?.into_iter().skip(WARM_UP) {
        sample.add(took);
    }
    portal.kill().await
}

/// Presses the last button of all of them at the rate; how long each took, in order.
async fn confirm_all(visitor: &Visitor, described: Vec<Described>) -> anyhow::Result<Vec<Duration>> {
    let (began, mut asked) = (Instant::now(), JoinSet::new());
    for (number, described) in (0_u32..).zip(described) {
        let due = began + Duration::from_secs(1) * number / PER_SECOND;
        sleep_until(due).await;
        let visitor = visitor.clone();
        asked.spawn(async move { (number, visitor.confirm(&described).await, due.elapsed()) });
    }
    let mut all = Vec::new();
    while let Some(answer) = asked.join_next().await {
        let (number, booked, took) = answer?;
        booked?.context("a held time was taken by somebody else")?;
        all.push((number, took));
    }
    all.sort_unstable_by_key(|(number, _)| *number);
    Ok(all.into_iter().map(|(_, took)| took).collect())
}
