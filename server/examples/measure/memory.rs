//! What the server keeps in memory: when it has started, and after a day's worth of requests.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{Days, NaiveDate};
use server::clock::Clock;
use tokio::task::JoinSet;

use crate::program::Program;
use crate::say;
use crate::visitor::{TIMES_PAGE, Visitor, Wanted};

const CLIENTS: usize = 16;
const REQUESTS: u32 = 100_000;
/// By then everything that is filled once is filled; what still grows after that may never end.
const REQUESTS_FIRST: u32 = 10_000;
/// What a client asks for in one turn: six pages and files, two questions, and a hold given back.
const REQUESTS_A_TURN: u32 = 10;
const SETTLING: Duration = Duration::from_secs(2);
const PAGES: [&str; 5] = [
    "/rowan-street",
    "/rowan-street/booking",
    TIMES_PAGE,
    "/rowan-street/booking/physio-first?view=calendar",
    "/rowan-street/booking/flu-vaccine",
];

pub async fn measure(program: &Path, folder: &Path) -> anyhow::Result<()> {
    let mut server = Program::start(program, folder)?;
    server.answers("/ready").await?;
    tokio::time::sleep(SETTLING).await;
    let started = server.resident_mb()?;
    ask(&server, REQUESTS_FIRST).await?;
    let warm = server.resident_mb()?;
    ask(&server, REQUESTS - REQUESTS_FIRST).await?;
    let after = server.resident_mb()?;
    server.stop().await?;
    say("resident after start", started, "MB")?;
    say("growth after 100,000 requests", (after / started - 1.0) * 100.0, "%")?;
    say("resident after 10,000 requests", warm, "MB")?;
    say("resident after 100,000 requests", after, "MB")
}

/// So many requests by all clients, then a moment of rest.
async fn ask(server: &Program, requests: u32) -> anyhow::Result<()> {
    let day = Clock::system().now().date_naive() + Days::new(3);
    let wanted: Arc<[Wanted]> = Wanted::of(&server.visitor().times(day).await?).collect();
    let turns = Arc::new(AtomicU32::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (visitor, wanted, turns) = (server.visitor(), Arc::clone(&wanted), Arc::clone(&turns));
        clients.spawn(async move {
            loop {
                let turn = turns.fetch_add(1, Ordering::Relaxed);
                if turn >= requests / REQUESTS_A_TURN {
                    return anyhow::Ok(());
                }
                take_turn(&visitor, day, &wanted[usize::try_from(turn)? % wanted.len()]).await?;
            }
        });
    }
    while let Some(done) = clients.join_next().await {
        done??;
    }
    tokio::time::sleep(SETTLING).await;
    Ok(())
}

async fn take_turn(visitor: &Visitor, day: NaiveDate, wanted: &Wanted) -> anyhow::Result<()> {
    for page in PAGES {
        visitor.page(page).await?;
    }
    visitor.times(day).await?;
    visitor.times(day + Days::new(14)).await?;
    match visitor.hold(wanted).await? {
        Some(hold) => visitor.release(&hold).await,
        // Another client has the time just now; a page instead, so that a turn has its number.
        None => visitor.page("/health").await,
    }
}
