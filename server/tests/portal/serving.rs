//! Starting and going on where the machine does not help: the real program in folders that are
//! empty, read-only, full, or hold something else. Each failure is one sentence, and none loses
//! what was acknowledged.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use axum::http::StatusCode;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use server::clock::Clock;
use server::store::{Address, Database};

use crate::browser::borrowed;
use crate::harness::{Folder, TestPortal, seed};
use crate::program::{Ended, Program, UNHURRIED, perennial, run, wrapped};

/// What stopped the program: one line, for a person.
#[track_caller]
fn sentence(ended: &Ended) -> &str {
    let lines: Vec<&str> = ended.complained.lines().collect();
    let &[line] = lines.as_slice() else { panic!("not one line: {ended:?}") };
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_eq!(ended.said, "", "it greets although it does not serve");
    let sentence = line.strip_prefix("perennial: ").unwrap_or_else(|| panic!("who says that? {line}"));
    assert!(sentence.ends_with('.') && !sentence.contains("panicked") && !sentence.contains('{'), "{sentence}");
    sentence
}

async fn serve(folder: &Path) -> Ended {
    let mut command = perennial(folder, &UNHURRIED);
    command.arg("serve");
    run(command).await
}

fn random() -> StdRng {
    StdRng::seed_from_u64(seed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_an_empty_folder_it_serves_and_says_where() {
    let folder = Folder::new();
    let program = Program::serve(&folder.0, &[]).await;
    let greeting = format!("Rowan Street Clinic is open at http://localhost:{}/rowan-street\n", program.port);
    assert!(program.said().starts_with(&greeting), "{}", program.said());
    let page = program.browser().page("/rowan-street").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("Rowan Street Clinic"));
    assert!(folder.0.join("data/perennial.db").is_file());
    assert!(!program.log().contains("WARN") && !program.log().contains("ERROR"), "{}", program.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_start_finds_everything_that_was_there() {
    let (folder, mut random) = (Folder::new(), random());
    let mut program = Program::serve(&folder.0, &[]).await;
    let visit = program.browser().some_visit(&mut random).await;
    let hold = program.browser().some_hold(&mut random).await;
    assert!(program.end().await.success());
    let program = Program::serve(&folder.0, &[]).await;
    assert!(program.said().starts_with("Rowan Street Clinic is open"), "{}", program.said());
    assert!(program.browser().has_visit(&visit).await);
    let held = program.browser().held(&hold).await.unwrap();
    assert_eq!(held.status, StatusCode::OK, "a link made before the start opens after it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_may_not_be_written_is_named() {
    let folder = Folder::new();
    fs::set_permissions(&folder.0, Permissions::from_mode(0o555)).unwrap();
    // Root may write everywhere, unless it gives up exactly that.
    let is_root = fs::metadata(&folder.0).unwrap().uid() == 0;
    let mut command = if is_root {
        wrapped(&["setpriv", "--bounding-set=-dac_override"], &folder.0, &UNHURRIED)
    } else {
        perennial(&folder.0, &UNHURRIED)
    };
    command.arg("serve");
    let ended = run(command).await;
    assert!(sentence(&ended).starts_with("The folder data can't be made: Permission denied"), "{ended:?}");

    fs::set_permissions(&folder.0, Permissions::from_mode(0o755)).unwrap();
    let mut command = perennial(&folder.0, &UNHURRIED);
    command.arg("migrate");
    assert!(run(command).await.status.success());
    fs::set_permissions(folder.0.join("data/perennial.db"), Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(folder.0.join("data"), Permissions::from_mode(0o555)).unwrap();
    let mut command = if is_root {
        wrapped(&["setpriv", "--bounding-set=-dac_override"], &folder.0, &UNHURRIED)
    } else {
        perennial(&folder.0, &UNHURRIED)
    };
    command.arg("serve");
    let ended = run(command).await;
    assert!(sentence(&ended).contains("data/perennial.db can't be opened for writing"), "{ended:?}");
    fs::set_permissions(folder.0.join("data"), Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_port_is_named_and_the_database_is_not_touched() {
    let folder = Folder::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = perennial(&folder.0, &[("PERENNIAL_LISTEN", &address)]);
    command.arg("serve");
    let ended = run(command).await;
    let expected = format!("{address} is taken by another program; PERENNIAL_LISTEN chooses another address.");
    assert_eq!(sentence(&ended), expected);
    assert!(!folder.0.join("data").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_a_newer_program_is_left_alone() {
    let folder = Folder::new();
    let mut command = perennial(&folder.0, &[]);
    command.arg("migrate");
    assert!(run(command).await.status.success());
    let database = Database::open(&Address::Sqlite(folder.0.join("data/perennial.db"))).await.unwrap();
    let now = Clock::system().now();
    let from_the_future = database.write(async move |tx| {
        tx.query("INSERT INTO migration (number, name, sha256, applied_at) VALUES (999, '0999_later', '', $1)")
            .bind(now)
            .execute()
            .await
    });
    assert_eq!(from_the_future.await, Ok(1));
    database.close().await;
    let before = fs::read(folder.0.join("data/perennial.db")).unwrap();
    let ended = serve(&folder.0).await;
    let expected = "The database was written by a newer perennial: it has migration 999";
    assert!(sentence(&ended).starts_with(expected), "{ended:?}");
    assert!(fs::read(folder.0.join("data/perennial.db")).unwrap() == before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_no_database_is_left_alone() {
    let folder = Folder::new();
    fs::create_dir(folder.0.join("data")).unwrap();
    let path = folder.0.join("data/perennial.db");
    let letter = "Dear Sir or Madam, this is no database. ".repeat(50);
    fs::write(&path, &letter).unwrap();
    let ended = serve(&folder.0).await;
    assert_eq!(sentence(&ended), "The file data/perennial.db is not a database.");
    assert_eq!(fs::read_to_string(&path).unwrap(), letter);
}

/// A disk that can be filled: a small one of its own where mounting is allowed. Where it is not,
/// as in most containers, the program may write no byte further, which it meets in the same places.
struct Disk {
    folder: Folder,
    mounted: bool,
}

/// Runs what follows it, which then gets an error instead of a signal where it may not write on.
const CAREFUL: &str = r#"trap "" XFSZ; exec "$0" "$@""#;
const CAREFUL_AND_FULL: &str = r#"trap "" XFSZ; ulimit -S -f 0; exec "$0" "$@""#;

impl Disk {
    fn new() -> Self {
        let folder = Folder::new();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=12m", "tmpfs"]).arg(&folder.0).output();
        Self { mounted: mount.is_ok_and(|ended| ended.status.success()), folder }
    }

    fn filler(&self) -> std::path::PathBuf {
        self.folder.0.join("filler")
    }

    /// Leaves no room, for a program that is to be started or for one that runs.
    fn fill(&self, running: Option<&Program>) {
        if self.mounted {
            let mut filler = fs::File::create(self.filler()).unwrap();
            while filler.write_all(&[0; 4096]).is_ok() {}
        } else if let Some(program) = running {
            limit(program, "0");
        }
    }

    fn clear(&self, running: &Program) {
        if self.mounted { fs::remove_file(self.filler()).unwrap() } else { limit(running, "unlimited") }
    }

    fn program(&self, full: bool) -> tokio::process::Command {
        let full = full && !self.mounted;
        wrapped(&["sh", "-c", if full { CAREFUL_AND_FULL } else { CAREFUL }], &self.folder.0, &UNHURRIED)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            let _ = Command::new("umount").arg("--lazy").arg(&self.folder.0).status();
        }
    }
}

/// How far into a file the program may write.
fn limit(program: &Program, bytes: &str) {
    let id = program.child.id().unwrap().to_string();
    let status = Command::new("prlimit").args(["--pid", &id, &format!("--fsize={bytes}:")]).status().unwrap();
    assert!(status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_it_says_so_and_does_not_start() {
    let disk = Disk::new();
    disk.fill(None);
    let mut command = disk.program(true);
    command.arg("serve");
    let ended = run(command).await;
    let expected = if disk.mounted { "the disk is full" } else { "data/perennial.db can't be" };
    assert!(sentence(&ended).contains(expected), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_disk_is_full_nothing_is_booked_or_lost_and_reading_goes_on() {
    let (disk, mut random) = (Disk::new(), random());
    let mut program = Program::start(disk.program(false)).await;
    let browser = program.browser();
    let mut acknowledged = vec![browser.some_visit(&mut random).await];
    let held = browser.some_hold(&mut random).await;
    for _ in 0..2 {
        disk.fill(Some(&program));
        let wish = browser.some_wish(&mut random).await;
        let refused = browser.post("booking/hold", &borrowed(&wish)).await.unwrap();
        assert_eq!((refused.status, refused.text.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "\"Unavailable\""));
        assert_eq!(browser.page("/rowan-street/booking/physio-first").await.status, StatusCode::OK);
        assert!(browser.has_visit(&acknowledged[0]).await);
        assert!(browser.is_ready().await);
        disk.clear(&program);
        acknowledged.push(browser.some_visit(&mut random).await);
    }
    let kept = browser.held(&held).await.unwrap();
    assert_eq!(kept.status, StatusCode::OK);
    // Killed, so that the next start reads what the full disk left behind.
    program.kill().await;
    let mut program = Program::start(disk.program(false)).await;
    for visit in &acknowledged {
        assert!(program.browser().has_visit(visit).await, "an acknowledged visit is gone");
    }
    assert!(program.end().await.success());
    let portal = TestPortal::open(&Address::Sqlite(disk.folder.0.join("data/perennial.db")), Clock::system(), None).await;
    portal.database.check().await.unwrap();
    assert_eq!(portal.overlaps().await, 0);
    assert_eq!(portal.appointments().await, i64::try_from(acknowledged.len()).unwrap());
    portal.database.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_does_not_answer_is_named_without_its_password() {
    let folder = Folder::new();
    let mut command =
        perennial(&folder.0, &[("PERENNIAL_LISTEN", "127.0.0.1:0"), ("DATABASE_URL", "postgres://me:hush@127.0.0.1:1/x")]);
    command.arg("serve");
    let ended = run(command).await;
    assert!(sentence(&ended).starts_with("The database postgres://127.0.0.1:1/x does not answer"), "{ended:?}");
    assert!(!ended.complained.contains("hush"));
}
