//! The server's program as a clinic runs it, in a folder of its own.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use server::store::Address;
use tokio::process::{Child, Command};

use crate::visitor::Visitor;

/// All of our visitors come from one address, which patients do not.
const LIMITS: [(&str, &str); 6] = [
    ("PERENNIAL_LIMITS_BOOKINGS_PER_MIN", "1000000"),
    ("PERENNIAL_LIMITS_BOOKINGS_BURST", "100000"),
    ("PERENNIAL_LIMITS_HOLDS_PER_MIN", "1000000"),
    ("PERENNIAL_LIMITS_HOLDS_BURST", "100000"),
    ("PERENNIAL_LIMITS_CHANGES_PER_MIN", "1000000"),
    ("PERENNIAL_LIMITS_CHANGES_BURST", "100000"),
];
const START_LIMIT: Duration = Duration::from_secs(30);
/// How exactly the first answer is timed.
const ASKED_EVERY: Duration = Duration::from_millis(1);

/// A running server; it ends with this value.
pub struct Program {
    child: Child,
    port: u16,
}

impl Program {
    /// Starts it on a free port, and waits for nothing.
    pub fn start(program: &Path, folder: &Path) -> anyhow::Result<Self> {
        Self::start_with(program, folder, &[])
    }

    /// The same with more settings.
    pub fn start_with(program: &Path, folder: &Path, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Command::new(program)
            .arg("serve")
            .current_dir(folder)
            .env_remove("DATABASE_URL")
            .env("PERENNIAL_LISTEN", format!("127.0.0.1:{port}"))
            .env("PERENNIAL_LOG_FILTER", "error")
            .envs(LIMITS)
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        Ok(Self { child, port })
    }

    pub fn visitor(&self) -> Visitor {
        Visitor::new(self.port)
    }

    /// Waits for the first whole answer to `path`.
    pub async fn answers(&mut self, path: &str) -> anyhow::Result<()> {
        let (visitor, began) = (self.visitor(), Instant::now());
        while visitor.page(path).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status}");
            }
            ensure!(began.elapsed() < START_LIMIT, "the server did not answer within {} s", START_LIMIT.as_secs());
            tokio::time::sleep(ASKED_EVERY).await;
        }
        Ok(())
    }

    /// Resident memory, in millions of bytes; as Linux counts it.
    pub fn resident_mb(&self) -> anyhow::Result<f64> {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.id()?)).context("memory is read from Linux's /proc")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("/proc says nothing about memory")?;
        let kib: u32 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(f64::from(kib) * 1024.0 / 1e6)
    }

    fn id(&self) -> anyhow::Result<u32> {
        self.child.id().context("the server has ended")
    }

    /// Ends it as the kernel would, in the middle of whatever it does.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Ends it as a service manager would: it finishes what it does and closes its database.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let asked = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &self.id()?.to_string()]).status().await?;
        let ended = self.child.wait().await?;
        ensure!(asked.success() && ended.success(), "the server ended with {ended}");
        Ok(())
    }
}

/// Where a server that runs in this folder keeps everything.
pub fn database(folder: &Path) -> Address {
    Address::Sqlite(folder.join("data/perennial.db"))
}

/// A folder inside another, made now.
pub fn folder(inside: &Path, name: &str) -> anyhow::Result<std::path::PathBuf> {
    let folder = inside.join(name);
    std::fs::create_dir(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    Ok(folder)
}
