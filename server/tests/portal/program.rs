//! The real program in a folder of its own, started as somebody would start it.
//!
//! Nothing of the tester's environment reaches it, and what it says is kept for the test to read.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use crate::browser::Browser;

/// How long a start may take here. The promise is a second on an idle machine; tests run beside
/// each other on a busy one, with a program that is not optimised.
const START_MAX: Duration = Duration::from_secs(20);

/// `perennial`, about to be started in a folder with these variables and no others.
pub fn perennial(folder: &Path, variables: &[(&str, &str)]) -> Command {
    program(env!("CARGO_BIN_EXE_perennial"), folder, variables)
}

/// A wrapper that ends by running `perennial`, which it gets as its last argument.
pub fn wrapped(wrapper: &[&str], folder: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = program(wrapper[0], folder, variables);
    command.args(&wrapper[1..]).arg(env!("CARGO_BIN_EXE_perennial"));
    command
}

fn program(name: &str, folder: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(name);
    command
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// A command that came to its end.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub said: String,
    pub complained: String,
}

/// Runs a command to its end.
pub async fn run(mut command: Command) -> Ended {
    let output = tokio::time::timeout(START_MAX, command.output()).await.expect("it did not end").unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { status: output.status, said: text(output.stdout), complained: text(output.stderr) }
}

/// A free port, no website beside it, and limits that no test reaches, for tests about something else.
pub const UNHURRIED: [(&str, &str); 8] = [
    ("PERENNIAL_LISTEN", "127.0.0.1:0"),
    ("PERENNIAL_DEMO_SITE", "off"),
    ("PERENNIAL_LIMITS_BOOKINGS_PER_MIN", "1000000"),
    ("PERENNIAL_LIMITS_BOOKINGS_BURST", "100000"),
    ("PERENNIAL_LIMITS_HOLDS_PER_MIN", "1000000"),
    ("PERENNIAL_LIMITS_HOLDS_BURST", "100000"),
    ("PERENNIAL_LIMITS_CHANGES_PER_MIN", "1000000"),
    ("PERENNIAL_LIMITS_CHANGES_BURST", "100000"),
];

/// A program that serves.
pub struct Program {
    pub child: Child,
    pub port: u16,
    /// From the start to the first answer.
    pub took: Duration,
    said: Lines,
    complained: Lines,
}

impl Program {
    /// Serves from a folder, on a port of the system's choice.
    pub async fn serve(folder: &Path, variables: &[(&str, &str)]) -> Self {
        let all: Vec<_> = UNHURRIED.iter().chain(variables).copied().collect();
        Self::start(perennial(folder, &all)).await
    }

    /// Starts `command serve` and waits until it answers.
    pub async fn start(mut command: Command) -> Self {
        let began = Instant::now();
        let mut child = command.arg("serve").spawn().unwrap();
        let (said, complained) = (Lines::of(child.stdout.take().unwrap()), Lines::of(child.stderr.take().unwrap()));
        let mut program = Self { child, port: 0, took: Duration::ZERO, said, complained };
        loop {
            program.port = program.said.text().split("http://localhost:").nth(1).map_or(0, port);
            if program.port != 0 && program.browser().is_ready().await {
                break;
            }
            let gone = program.child.try_wait().unwrap();
            assert!(gone.is_none() && began.elapsed() < START_MAX, "it did not start: {gone:?} {}", program.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        program.took = began.elapsed();
        program
    }

    pub fn browser(&self) -> Browser {
        Browser::new(self.port)
    }

    /// What it wrote to standard output so far.
    pub fn said(&self) -> String {
        self.said.text()
    }

    /// What it wrote to standard error so far.
    pub fn log(&self) -> String {
        self.complained.text()
    }

    /// As the kernel would when it needs the memory.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to end, as a service manager does.
    pub async fn end(&mut self) -> ExitStatus {
        self.signal("-TERM");
        self.child.wait().await.unwrap()
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([name, &id]).status().unwrap().success());
    }
}

/// The number at the beginning of a text.
fn port(text: &str) -> u16 {
    let end = text.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(0);
    text[..end].parse().unwrap_or(0)
}

/// What a stream brought so far.
struct Lines(Arc<Mutex<String>>);

impl Lines {
    fn of(stream: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&text);
        tokio::spawn(async move {
            let mut lines = BufReader::new(stream).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let mut text = kept.lock().unwrap();
                text.push_str(&line);
                text.push('\n');
            }
        });
        Self(text)
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}
