//! The server is killed in the middle of bookings, again and again (F9): what was acknowledged is
//! there, nothing overlaps, it starts within a second or so, and a polite end drains.
//!
//! Here the real program runs, over HTTP, on its own clock. `PERENNIAL_TEST_SIZE=nightly` kills
//! it 200 times instead of 20. The seed is printed.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::browser::Browser;
use crate::harness::{Folder, TestPortal, empty_postgres, seed};
use crate::program::Program;
use server::clock::Clock;
use server::store::Address;

async fn serve(folder: &Path, database: &str) -> Program {
    Program::serve(folder, &[("DATABASE_URL", database), ("PERENNIAL_LOG_FILTER", "error")]).await
}

/// Visits that were acknowledged: their private links.
type Ledger = Arc<Mutex<Vec<String>>>;

/// Books one random time after the other until the server is gone.
async fn book_until_it_dies(browser: Browser, ledger: Ledger, seed: u64, number: usize) {
    let mut random = StdRng::seed_from_u64(seed);
    for round in 0.. {
        let person = format!("Person {}", ["Anna", "Ben", "Carla", "Dan"][number % 4]);
        match browser.book(&mut random, &person, &format!("p{number}-{round}@example.org")).await {
            Ok(Some(visit)) => ledger.lock().unwrap().push(visit),
            Ok(None) => {}
            Err(_) => return,
        }
    }
}

async fn killed_again_and_again(database: &str, address: &Address) {
    let rounds = if std::env::var("PERENNIAL_TEST_SIZE").as_deref() == Ok("nightly") { 200 } else { 20 };
    let folder = Folder::new();
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let ledger = Ledger::default();
    let mut slowest = Duration::ZERO;
    for _ in 0..rounds {
        let mut program = serve(&folder.0, database).await;
        slowest = slowest.max(program.took);
        let clients =
            (0..6).map(|number| tokio::spawn(book_until_it_dies(program.browser(), ledger.clone(), random.random(), number)));
        let clients: Vec<_> = clients.collect();
        tokio::time::sleep(Duration::from_millis(random.random_range(150..700))).await;
        program.kill().await;
        for client in clients {
            client.await.unwrap();
        }
    }

    let program = serve(&folder.0, database).await;
    println!("the slowest of {rounds} restarts took {slowest:?}");
    let acknowledged = ledger.lock().unwrap().clone();
    for visit in &acknowledged {
        assert!(program.browser().has_visit(visit).await, "an acknowledged visit is gone; seed {seed}");
    }
    assert!(acknowledged.len() > rounds, "only {} bookings in {rounds} rounds: nothing was tested", acknowledged.len());
    let portal = TestPortal::open(address, Clock::system(), None).await;
    assert_eq!(portal.overlaps().await, 0, "seed {seed}");
    assert!(portal.appointments().await >= i64::try_from(acknowledged.len()).unwrap());
    let unexplained = portal
        .count(
            "SELECT COUNT(*) AS n FROM appointment a WHERE NOT EXISTS
             (SELECT 1 FROM occupancy o WHERE o.clinic = a.clinic AND o.holder = a.id AND o.expires_at IS NULL)",
        )
        .await;
    assert_eq!(unexplained, 0, "a visit without its time; seed {seed}");
    let mut tx = portal.database.read().await.unwrap();
    server::audit::verify(&mut tx, "rowan-street", None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill_on_sqlite() {
    let folder = Folder::new();
    let path = folder.0.join("perennial.db");
    killed_again_and_again(&format!("sqlite:{}", path.display()), &Address::Sqlite(path)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill_on_postgres() {
    let address = empty_postgres().await;
    let Address::Postgres(url) = &address else { unreachable!() };
    killed_again_and_again(url, &address).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_polite_end_finishes_what_has_begun() {
    let folder = Folder::new();
    let database = format!("sqlite:{}", folder.0.join("perennial.db").display());
    let mut program = serve(&folder.0, &database).await;
    let ledger = Ledger::default();
    let clients: Vec<_> =
        (0..6).map(|number| tokio::spawn(book_until_it_dies(program.browser(), ledger.clone(), 7, number))).collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let asked = Instant::now();
    let status = program.end().await;
    assert!(status.success(), "{status}");
    assert!(asked.elapsed() < Duration::from_secs(6), "{:?}", asked.elapsed());
    for client in clients {
        client.await.unwrap();
    }
    let program = serve(&folder.0, &database).await;
    let acknowledged = ledger.lock().unwrap().clone();
    for visit in acknowledged {
        assert!(program.browser().has_visit(&visit).await);
    }
}
