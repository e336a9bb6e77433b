//! The database on the move, by the real commands: migrated by a program that is killed (F15),
//! copied while bookings run and put back elsewhere (F14), and served by machines in other zones
//! (F19).

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use app::booking::model::{Times, Visit};
use axum::http::StatusCode;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use server::clock::Clock;
use server::store::Address;

use crate::browser::{Browser, CLINIC};
use crate::harness::{Folder, TestPortal, empty_postgres, seed};
use crate::program::{Ended, Program, perennial, run};

async fn order(folder: &Path, database: &str, arguments: &[&str]) -> Ended {
    let mut command = perennial(folder, &[("DATABASE_URL", database)]);
    command.args(arguments);
    run(command).await
}

fn sqlite(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

/// Kills `migrate` at a random moment of its life, on one empty database after the other; the
/// next one always finishes, and what it leaves is whole.
async fn killed_while_migrating(database: impl AsyncFn(&Folder) -> String) {
    let folder = Folder::new();
    let mut random = StdRng::seed_from_u64(seed());
    let mut life = Duration::MAX;
    let (mut early, mut half, mut done) = (0, 0, 0);
    for round in 0..20 {
        let database = database(&folder).await;
        let mut command = perennial(&folder.0, &[("DATABASE_URL", &database)]);
        let began = Instant::now();
        let mut child = command.arg("migrate").spawn().unwrap();
        if round == 0 {
            assert!(child.wait().await.unwrap().success());
            life = began.elapsed();
        } else {
            tokio::time::sleep(random.random_range(Duration::ZERO..life)).await;
            child.kill().await.unwrap();
        }
        let next = order(&folder.0, &database, &["migrate"]).await;
        assert!(next.status.success() && next.complained.is_empty(), "{next:?}");
        match next.said.as_str() {
            "The database is up to date.\n" => done += 1,
            "1 migration was applied.\n" => half += 1,
            _ => early += 1,
        }
        let address = Address::parse(&database).unwrap();
        let portal = TestPortal::open(&address, Clock::frozen(crate::harness::noon()), Some(crate::clinic::small())).await;
        portal.visitor(1).book("physio", Some("tom"), "2026-03-12T10:00:00Z").await.unwrap();
        portal.database.check().await.unwrap();
        portal.database.close().await;
    }
    println!("killed before {early}, between {half} and after {done} of the migrations");
    assert!(early > 0, "every migration was over before it was killed: nothing was tested");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_is_killed_is_finished_by_the_next_start_on_sqlite() {
    killed_while_migrating(async |folder| sqlite(&folder.0.join(format!("{}.db", Clock::system().new_id())))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_is_killed_is_finished_by_the_next_start_on_postgres() {
    killed_while_migrating(async |_| {
        let Address::Postgres(url) = empty_postgres().await else { unreachable!() };
        url
    })
    .await;
}

/// Books until it is told to stop; every acknowledged visit is in the ledger.
async fn book(browser: Browser, number: u64, ledger: Arc<Mutex<Vec<String>>>, stop: Arc<AtomicBool>) {
    let mut random = StdRng::seed_from_u64(number);
    let mut round = 0;
    while !stop.load(Ordering::Relaxed) {
        round += 1;
        let email = format!("p{number}-{round}@example.org");
        if let Some(visit) = browser.book(&mut random, "Maya Haddad", &email).await.unwrap() {
            ledger.lock().unwrap().push(visit);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_made_while_bookings_run_is_of_one_moment_and_serves_elsewhere() {
    let (here, seed) = (Folder::new(), seed());
    let database = sqlite(&here.0.join("perennial.db"));
    let program = Program::serve(&here.0, &[("DATABASE_URL", &database)]).await;
    let (ledger, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> =
        (0..4).map(|number| tokio::spawn(book(program.browser(), seed ^ number, ledger.clone(), stop.clone()))).collect();
    for copy in ["one", "two", "three"] {
        let before = ledger.lock().unwrap().len();
        let waiting = Instant::now();
        while ledger.lock().unwrap().len() < before + 5 {
            assert!(waiting.elapsed() < Duration::from_secs(30), "nobody books any more");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let acknowledged = ledger.lock().unwrap().clone();
        let file = here.0.join(copy).display().to_string();
        let copied = order(&here.0, &database, &["backup", &file]).await;
        assert_eq!((copied.status.code(), copied.complained.as_str()), (Some(0), ""));

        let there = Folder::new();
        let restored = sqlite(&there.0.join("perennial.db"));
        let ended = order(&there.0, &restored, &["restore", &file]).await;
        assert!(ended.status.success(), "{ended:?}");
        is_of_one_moment(&Address::parse(&restored).unwrap(), acknowledged.len(), seed).await;
        let elsewhere = Program::serve(&there.0, &[("DATABASE_URL", &restored)]).await;
        for visit in &acknowledged {
            assert!(elsewhere.browser().has_visit(visit).await, "acknowledged before the copy began; seed {seed}");
        }
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
}

/// Every visit with its time, its patient and its letter, and the audit without a gap.
async fn is_of_one_moment(address: &Address, acknowledged: usize, seed: u64) {
    let portal = TestPortal::open(address, Clock::system(), None).await;
    portal.database.check().await.unwrap();
    assert_eq!(portal.overlaps().await, 0, "seed {seed}");
    let appointments = portal.appointments().await;
    assert!(appointments >= i64::try_from(acknowledged).unwrap(), "{appointments} of {acknowledged}; seed {seed}");
    let incomplete = portal
        .count(
            "SELECT COUNT(*) AS n FROM appointment a WHERE
             NOT EXISTS (SELECT 1 FROM occupancy o WHERE o.clinic = a.clinic AND o.holder = a.id AND o.expires_at IS NULL)
             OR NOT EXISTS (SELECT 1 FROM patient p WHERE p.clinic = a.clinic AND p.id = a.patient)
             OR EXISTS (SELECT 1 FROM hold h WHERE h.clinic = a.clinic AND h.id = a.id)",
        )
        .await;
    assert_eq!(incomplete, 0, "half a booking; seed {seed}");
    assert_eq!(portal.count("SELECT COUNT(*) AS n FROM job WHERE kind = 'letter.confirmation'").await, appointments);
    assert_eq!(portal.count("SELECT COUNT(*) AS n FROM audit WHERE action = 'appointment.book'").await, appointments);
    let mut tx = portal.database.read().await.unwrap();
    server::audit::verify(&mut tx, "rowan-street", None).await.unwrap();
    drop(tx);
    portal.database.close().await;
}

/// Around the world, with half hours, daylight saving of half an hour, and both sides of the date line.
const ZONES: [&str; 6] = ["UTC", "Pacific/Apia", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Honolulu"];

/// What a server says about one visit and the times around it, without what says when it was asked.
#[derive(Debug, PartialEq)]
struct Told {
    list: Times,
    month: Times,
    visit: Visit,
    file: String,
    page: String,
}

async fn told(program: &Program, visit: &str) -> Told {
    let browser = program.browser();
    let elsewhere = |text: &str| text.replace(&format!("localhost:{}", program.port), "localhost");
    let day = (Clock::system().now() + chrono::TimeDelta::days(20)).date_naive().to_string();
    let times = async |month: Option<&str>| {
        let query = json!({
            "clinic": CLINIC.1, "treatment": "physio-first", "zone": "Asia/Tokyo", "from": day, "month": month,
        });
        let answer = browser.question("booking/times", &json!({ "query": query })).await.unwrap();
        // The soonest moves on while the servers are asked one after the other.
        Times { soonest: None, ..answer.value() }
    };
    let visit_page = format!("/rowan-street/visit/{visit}");
    let file = browser.page(&format!("{visit_page}/calendar.ics")).await;
    assert_eq!(file.status, StatusCode::OK);
    let page = browser.page(&visit_page).await;
    assert_eq!(page.status, StatusCode::OK);
    let body = page.text.split_once("<main").unwrap().1.split("</main>").next().unwrap();
    Told {
        list: times(None).await,
        month: times(Some(&day)).await,
        visit: browser.visit(visit).await.unwrap().value(),
        file: elsewhere(&file.text),
        page: elsewhere(body),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_zone_of_the_machine_means_nothing() {
    let folder = Folder::new();
    let mut program = Program::serve(&folder.0, &[("TZ", ZONES[0])]).await;
    let mut random = StdRng::seed_from_u64(seed());
    let visit = program.browser().some_visit(&mut random).await;
    assert!(program.end().await.success());
    let copy = |zone: &str| {
        let elsewhere = Folder::new();
        fs::create_dir(elsewhere.0.join("data")).unwrap();
        fs::copy(folder.0.join("data/perennial.db"), elsewhere.0.join("data/perennial.db")).unwrap();
        (zone.to_owned(), elsewhere)
    };
    let mut first: Option<Told> = None;
    for (zone, elsewhere) in ZONES.map(copy) {
        let mut program = Program::serve(&elsewhere.0, &[("TZ", &zone)]).await;
        let told = told(&program, &visit).await;
        assert!(!told.list.days.is_empty() && told.month.calendar.is_some());
        assert!(told.file.contains("BEGIN:VTIMEZONE"));
        match &first {
            Some(first) => assert_eq!(told, *first, "{zone}"),
            None => first = Some(told),
        }
        program.kill().await;
    }
}
