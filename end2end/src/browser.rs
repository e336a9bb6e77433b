//! The tests that drive a browser: Playwright against the real server, in an empty folder.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use tempfile::TempDir;

use crate::program::{free_port, output, root};
use crate::stop::{self, Tended, wait_for};
use crate::test::Count;
use crate::{provision, report, serve};

const NIGHT: &str = include_str!("../night.toml");

const START_LIMIT: Duration = Duration::from_mins(1);

/// The sums in Playwright's JSON report.
#[derive(Deserialize)]
struct Report {
    stats: Stats,
}

#[derive(Deserialize)]
struct Stats {
    expected: u32,
    unexpected: u32,
    flaky: u32,
    skipped: u32,
}

/// The release server with its demo clinic, on a port of its own; everything it keeps goes with it.
pub struct Server {
    process: Tended,
    folder: TempDir,
    port: u16,
    site_port: u16,
}

impl Server {
    /// # Errors
    /// It does not start; with the end of its log.
    pub fn start(binary: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("perennial-browser-").tempdir()?;
        let (port, site_port) = (free_port()?, free_port()?);
        fs::create_dir_all(out())?;
        let log = out().join("server.log");
        let mut command = Command::new(binary);
        command.arg("serve").current_dir(folder.path()).stdin(Stdio::null());
        command.stdout(fs::File::create(&log)?).stderr(fs::File::options().append(true).open(&log)?);
        command.env("PERENNIAL_LISTEN", format!("127.0.0.1:{port}")).env_remove("DATABASE_URL");
        // All tests come from one address, which a patient would not.
        command.env("PERENNIAL_LIMITS_BOOKINGS_PER_MIN", "6000").env("PERENNIAL_LIMITS_BOOKINGS_BURST", "6000");
        command.env("PERENNIAL_LIMITS_HOLDS_PER_MIN", "6000").env("PERENNIAL_LIMITS_HOLDS_BURST", "6000");
        // The example website is a site that may show the booking: specs put pages of their own there.
        command.env("PERENNIAL_DEMO_SITE", format!("127.0.0.1:{site_port}"));
        // Whoever waits for a letter about a change does not wait three minutes.
        command.env("PERENNIAL_LETTERS_UNDO_S", "0");
        let process = Tended::start(&mut command).with_context(|| format!("{} cannot be started", binary.display()))?;
        let mut server = Self { process, folder, port, site_port };
        wait_for("the server", START_LIMIT, || server.is_ready())?;
        server.open_at_any_hour(binary)?;
        Ok(server)
    }

    /// The demo asks nobody at night whether they want a time, and sees nobody then; tests run at any hour.
    fn open_at_any_hour(&self, binary: &Path) -> Result<()> {
        const HOURS: &str = "hours = \"08:00-21:00\" }";
        let demo = fs::read_to_string(root().join("server/demo/clinic.toml")).context("the demo's file cannot be read")?;
        ensure!(demo.contains(HOURS), "the demo's file no longer says {HOURS}");
        let file = self.folder.path().join("clinic.toml");
        fs::write(&file, demo.replace(HOURS, "hours = \"00:00-24:00\" }") + NIGHT)?;
        output(
            Command::new(binary).args(["clinic", "load"]).arg(&file).current_dir(self.folder.path()).env_remove("DATABASE_URL"),
        )?;
        Ok(())
    }

    /// As a browser writes it, without a slash at the end.
    pub fn address(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// The example website, which browsers take for another site.
    pub fn site(&self) -> String {
        format!("http://127.0.0.1:{}", self.site_port)
    }

    fn is_ready(&mut self) -> Result<bool> {
        if let Some(status) = self.process.ended() {
            let log = fs::read_to_string(out().join("server.log")).unwrap_or_default();
            bail!("the server ended with {status}: {}", log.trim());
        }
        Ok(TcpStream::connect(("127.0.0.1", self.port)).is_ok())
    }
}

/// Runs the specs; `arguments` go to Playwright.
///
/// # Errors
/// A tool is missing, something does not build, or Playwright itself breaks.
pub fn test(arguments: &[String]) -> Result<Count> {
    let packages = provision::node_packages()?;
    let chromium = provision::chromium()?;
    let firefox = provision::firefox()?;
    let (webkit_driver, webkit) = provision::webkit()?;
    let binary = serve::build()?;
    let server = Server::start(&binary)?;
    report::step(format!("testing {}", server.address()));
    let file = out().join("report.json");
    // Last time's must not be taken for this one's.
    let _ = fs::remove_file(&file);
    let mut playwright = Command::new("node");
    playwright.arg(packages.join("@playwright/test/cli.js")).arg("test").args(arguments).current_dir(root().join("end2end"));
    playwright
        .env("PERENNIAL_ADDRESS", server.address())
        .env("PERENNIAL_SITE", server.site())
        .env("PERENNIAL_REPORT", &file)
        .env("CHROMIUM", chromium)
        .env("FIREFOX", firefox)
        .env("WEBKIT_DRIVER", webkit_driver)
        .env("WEBKIT", webkit)
        // Some specs are staff at the command line.
        .env("PERENNIAL_PROGRAM", &binary)
        .env("PERENNIAL_FOLDER", server.folder.path());
    let status = Tended::start(&mut playwright).context("node could not be started")?.wait()?;
    stop::check()?;
    let text = fs::read_to_string(&file).with_context(|| format!("Playwright ended with {status} and wrote no report"))?;
    let count = sum(&text)?;
    if !status.success() && count.failed == 0 {
        bail!("Playwright ended with {status}");
    }
    if count == Count::default() {
        bail!("no test was found");
    }
    Ok(count)
}

/// What is worth a look after a failure: the server's log, screenshots, traces.
fn out() -> PathBuf {
    root().join("end2end/out")
}

/// A test that was skipped, or passed only sometimes, has not passed.
fn sum(report: &str) -> Result<Count> {
    let Report { stats } = serde_json::from_str(report).context("Playwright's report cannot be read")?;
    Ok(Count { passed: stats.expected, failed: stats.unexpected + stats.flaky + stats.skipped })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skipped_or_flaky_browser_test_counts_as_failed() {
        let report = r#"{"stats": {"expected": 5, "unexpected": 1, "flaky": 2, "skipped": 3, "duration": 1.5}}"#;
        assert_eq!(sum(report).unwrap(), Count { passed: 5, failed: 6 });
    }
}
