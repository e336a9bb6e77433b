//! Ten thousand letters that are due, through a real mail server, while the server is killed five
//! times in the middle of its work.
//!
//! What arrived is counted by the mail server. A process that dies leaves letters behind that it
//! had handed over and not noted; each of them may arrive once more, and none a third time.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use app::ids::AppointmentId;
use server::clock::Clock;
use server::jobs;
use server::letters::tell::tell;
use server::store::{Database, StoreError};
use tokio::time::{Instant, sleep, timeout};

use crate::crowd::Crowd;
use crate::program::{Program, database};
use crate::say;
use crate::smtp::{MailServer, Manner};

const LETTERS: usize = 10_000;
const KILLS: usize = 5;
/// Jobs that a worker has in hand at once.
const IN_HAND: usize = 8;
/// Kills come after so many letters each; what is left at the end is measured.
const LETTERS_PER_LIFE: usize = 1_000;
/// Longer than the leases of the dead.
const PATIENCE: Duration = Duration::from_mins(10);

pub async fn measure(program: &Path, folder: &Path) -> anyhow::Result<()> {
    make_due(folder).await?;
    let mail = MailServer::start(Manner::Accepting).await;
    let address = format!("smtp://127.0.0.1:{}", mail.port);
    let start = || Program::start_with(program, folder, &[("PERENNIAL_MAIL_SERVER", &address)]);
    for life in 1..=KILLS {
        let portal = start()?;
        arrived(&mail, life * LETTERS_PER_LIFE).await?;
        portal.kill().await?;
    }
    let portal = start()?;
    // From the first letter of this life; the last ones wait for the leases of the dead to end.
    let before = mail.count();
    arrived(&mail, before + 1).await?;
    let began = Instant::now();
    let measured = LETTERS - IN_HAND * KILLS - before;
    arrived(&mail, before + measured).await?;
    let rate = rate(measured, began.elapsed());
    let copies = all_arrived(&mail).await?;
    portal.stop().await?;

    let lost = LETTERS - copies.len();
    let duplicates: usize = copies.values().map(|copies| copies - 1).sum();
    let too_often = copies.values().filter(|copies| **copies > 2).count();
    let figure = |count: usize| u32::try_from(count).map(f64::from);
    say("letters lost", figure(lost)?, "letters")?;
    say("letters that arrived more than twice", figure(too_often)?, "letters")?;
    say("duplicates beyond the letters in hand at a kill", figure(duplicates.saturating_sub(KILLS * IN_HAND))?, "letters")?;
    say("duplicates, all with the same Message-ID", figure(duplicates)?, "letters")?;
    say("letters through a mail server", rate, "1/s")
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
fn rate(letters: usize, took: Duration) -> f64 {
    letters as f64 / took.as_secs_f64()
}

/// A clinic with that many visits, and a letter due about each.
async fn make_due(folder: &Path) -> anyhow::Result<()> {
    let (clock, database) = (Clock::system(), Database::open(&database(folder)).await?);
    let crowd = Crowd::of(1, 20)?;
    crowd.move_in(&database, &clock).await?;
    let first = clock.now().date_naive() + chrono::Days::new(2);
    crowd.book(&database, first, LETTERS, &clock).await?;
    let now = clock.now();
    let clinic = crowd.clinic.slug.clone();
    let added = database
        .write(async move |tx| {
            let visits = tx.query("SELECT id FROM appointment WHERE clinic = $1").bind(clinic.as_str()).fetch_all().await?;
            for visit in &visits {
                let visit = visit.get("id")?;
                tell(tx, &clinic, AppointmentId(visit), 0, visit, now).await?;
            }
            Ok::<_, StoreError>(visits.len())
        })
        .await?;
    database.close().await;
    ensure!(added == LETTERS, "{added} visits were booked");
    Ok(())
}

/// Waits until the mail server has so many letters.
async fn arrived(mail: &MailServer, count: usize) -> anyhow::Result<()> {
    let waiting = async {
        while mail.count() < count {
            sleep(Duration::from_millis(2)).await;
        }
    };
    let in_time = timeout(PATIENCE, waiting).await;
    ensure!(in_time.is_ok(), "only {} of {count} letters have arrived", mail.count());
    Ok(())
}

/// Waits until every letter is there, or nothing has come for longer than a lease; how many
/// copies of each there are.
async fn all_arrived(mail: &MailServer) -> anyhow::Result<HashMap<String, usize>> {
    let lease = jobs::queue::LEASE.to_std()? + Duration::from_secs(10);
    let (mut count, mut since) = (0, Instant::now());
    loop {
        if mail.count() > count {
            (count, since) = (mail.count(), Instant::now());
        }
        let mut copies = HashMap::new();
        for letter in mail.received() {
            *copies.entry(letter.message_id().to_owned()).or_insert(0) += 1;
        }
        // The letters in hand at the last kill are the last to come.
        if since.elapsed() > lease {
            return Ok(copies);
        }
        sleep(Duration::from_secs(1)).await;
    }
}
