//! The commands as somebody at a shell meets them: what they say when they are asked for
//! something that makes no sense, or at a wrong moment. How `serve` starts is in `serving`.

use std::fs;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::harness::Folder;
use crate::program::{Ended, Program, perennial, run};

async fn order(folder: &Folder, arguments: &[&str]) -> Ended {
    let mut command = perennial(&folder.0, &[]);
    command.args(arguments);
    run(command).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setting_that_makes_no_sense_is_one_sentence_with_its_name() {
    let folder = Folder::new();
    fs::write(folder.0.join("perennial.toml"), "[limits]\nstreams = \"many\"\n").unwrap();
    let ended = order(&folder, &["serve"]).await;
    let sentence = "perennial: limits.streams in perennial.toml is `many`, but it must be a whole number above zero.\n";
    assert_eq!((ended.status.code(), ended.complained.as_str()), (Some(2), sentence));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clinic_file_with_mistakes_is_told_line_by_line() {
    let folder = Folder::new();
    fs::write(folder.0.join("clinic.toml"), "nonsense = 1\n").unwrap();
    for command in ["check", "load"] {
        let ended = order(&folder, &["clinic", command, "clinic.toml"]).await;
        let lines: Vec<&str> = ended.complained.lines().collect();
        assert!(lines[0].starts_with("clinic.toml:1: "), "{ended:?}");
        let last = lines.last().unwrap();
        assert!(last.starts_with("perennial: clinic.toml has ") && last.ends_with(" to mend."), "{ended:?}");
        assert_eq!(ended.status.code(), Some(1));
    }
    assert!(!folder.0.join("data").exists(), "a file that is wrong is no reason to make a database");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_patients_is_taken_over_whole_or_its_mistakes_are_told_line_by_line() {
    let folder = Folder::new();
    fs::write(folder.0.join("patients.csv"), "name,birth_date,email\nMaya Haddad,1984-03-27,maya@example.org\n").unwrap();
    let nobody = order(&folder, &["patient", "load", "rowan-street", "patients.csv"]).await;
    let sentence = "perennial: There is no clinic \"rowan-street\"; `perennial clinic load` brings one\n";
    assert_eq!((nobody.status.code(), nobody.complained.as_str()), (Some(1), sentence));
    let mut program = Program::serve(&folder.0, &[]).await;
    let loaded = order(&folder, &["patient", "load", "rowan-street", "patients.csv"]).await;
    assert_eq!(loaded.said, "0 patients were added and 1 updated.\n", "the demo knows her");
    fs::write(folder.0.join("patients.csv"), "name,birth_date,email\nTom,1990-01-01,tom@example.org\nAnn,soon,\n").unwrap();
    let wrong = order(&folder, &["patient", "load", "rowan-street", "patients.csv"]).await;
    let lines: Vec<&str> = wrong.complained.lines().collect();
    assert!(lines[0].starts_with("patients.csv:3: `birth_date` is \"soon\"."), "{wrong:?}");
    assert_eq!(lines.last(), Some(&"perennial: patients.csv has 2 mistakes to mend."));
    assert!(program.end().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_answer_requests_at_a_shell() {
    let folder = Folder::new();
    let mut program = Program::serve(&folder.0, &[]).await;
    let none = order(&folder, &["appointment", "requests", "rowan-street"]).await;
    assert_eq!(none.said, "No request waits for an answer.\n");
    let unknown = order(&folder, &["appointment", "confirm", "rowan-street", "RS-000000"]).await;
    let sentence = "perennial: There is no visit with the number RS-000000 at rowan-street.\n";
    assert_eq!((unknown.status.code(), unknown.complained.as_str()), (Some(1), sentence));
    let settled = order(&folder, &["appointment", "unsettled", "rowan-street"]).await;
    assert_eq!(settled.said, "Everything is settled.\n");
    for arguments in [&["cancel", "rowan-street", "RS-000000"][..], &["move", "rowan-street", "RS-000000", "2026-03-16T10:00"]] {
        let nothing = order(&folder, &[&["appointment"], arguments].concat()).await;
        let sentence = "perennial: There is no such visit or practitioner at rowan-street; nothing was changed.\n";
        assert_eq!((nothing.status.code(), nothing.complained.as_str()), (Some(1), sentence));
    }
    let nothing = order(&folder, &["appointment", "settle", "rowan-street", "RS-000000"]).await;
    assert_eq!((nothing.status.code(), nothing.complained.as_str()), (Some(1), sentence));
    let untimely = order(&folder, &["appointment", "move", "rowan-street", "RS-000000", "soon"]).await;
    assert!(untimely.complained.contains("write it like 2026-03-16T10:00"), "{untimely:?}");
    let odd = order(&folder, &["appointment", "move", "rowan-street", "RS-000000", "2026-03-16T10:02"]).await;
    assert!(odd.complained.contains("visits begin at full five minutes"), "{odd:?}");
    let nowhere = order(&folder, &["appointment", "requests", "elm"]).await;
    assert!(nowhere.complained.starts_with("perennial: There is no clinic \"elm\""), "{nowhere:?}");
    assert!(program.end().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_replaces_no_file_and_a_restore_no_database_in_use() {
    let folder = Folder::new();
    let mut program = Program::serve(&folder.0, &[]).await;
    assert!(order(&folder, &["backup", "copy.db"]).await.status.success());
    let again = order(&folder, &["backup", "copy.db"]).await;
    assert_eq!(again.complained, "perennial: The file copy.db is there already.\n");
    let in_use = order(&folder, &["restore", "copy.db", "--replace"]).await;
    assert_eq!(in_use.complained, "perennial: The database data/perennial.db is in use: stop the server first.\n");
    assert!(program.end().await.success());
    let not_asked = order(&folder, &["restore", "copy.db"]).await;
    assert!(not_asked.complained.contains("--replace"), "{not_asked:?}");
    assert!(order(&folder, &["restore", "copy.db", "--replace"]).await.status.success());
    let mut misspelt = perennial(&folder.0, &[("PERENNIAL_MAIL_SERVR", "smtp://x")]);
    misspelt.arg("doctor");
    let misspelt = run(misspelt).await;
    assert!(misspelt.said.contains("note   PERENNIAL_MAIL_SERVR sets nothing"), "{misspelt:?}");
    let doctor = order(&folder, &["doctor"]).await;
    assert!(!doctor.said.contains("sets nothing"), "{doctor:?}");
    assert!(doctor.status.success() && doctor.said.contains("the audit of rowan-street is whole"), "{doctor:?}");
    let listed = order(&folder, &["doctor", "--embed", "https://www.rowanstreet.example"]).await;
    assert!(listed.status.success() && listed.said.contains("may show the booking of rowan-street"), "{listed:?}");
    let other = order(&folder, &["doctor", "--embed", "https://evil.example"]).await;
    assert!(!other.status.success() && other.said.contains("not on the list of rowan-street"), "{other:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_not_utf8_is_told_with_its_line_and_how_to_save_it() {
    let folder = Folder::new();
    fs::write(folder.0.join("patients.csv"), b"name;birth_date;phone\nMaya M\xfcller;1984-03-27;07700 900461\n").unwrap();
    let loaded = order(&folder, &["patient", "load", "rowan-street", "patients.csv"]).await;
    assert!(!loaded.status.success());
    assert!(loaded.complained.starts_with("patients.csv:2: This is not UTF-8 text."), "{loaded:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_request_to_end_is_obeyed_at_once() {
    let folder = Folder::new();
    let mut program = Program::serve(&folder.0, &[]).await;
    // A request that never ends keeps the server waiting for it.
    let mut open = TcpStream::connect(("127.0.0.1", program.port)).await.unwrap();
    let head = "POST /api/booking/times HTTP/1.1\r\nhost: localhost\r\nsec-fetch-site: same-origin\r\ncontent-length: 9\r\n\r\n";
    open.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    program.signal("-INT");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(program.child.try_wait().unwrap().is_none(), "it waits for the request");
    let asked = Instant::now();
    program.signal("-INT");
    assert_eq!(program.child.wait().await.unwrap().code(), Some(130));
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
}
