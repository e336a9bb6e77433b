//! Stopping well: a server that this tool started never outlives it.
//!
//! On Ctrl-C or SIGTERM every program it runs gets SIGINT; then the stages end, and what they
//! hold (databases, folders) is put away as on any other failure.

use std::process::{Child, Command, ExitStatus};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Long enough for a database to write what it holds.
const PATIENCE: Duration = Duration::from_secs(15);

static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());
static ASKED: AtomicBool = AtomicBool::new(false);

/// From now on this tool is not ended by a signal, but ends by itself; see [`check`].
///
/// # Errors
/// The system gives no signals to this process.
pub fn listen() -> Result<()> {
    ctrlc::set_handler(|| {
        ASKED.store(true, Ordering::SeqCst);
        for pid in RUNNING.lock().iter().flat_map(|running| running.iter()) {
            // It may have ended a moment ago.
            let _ = kill(*pid, Signal::SIGINT);
        }
    })
    .context("signals cannot be listened to")
}

/// # Errors
/// Someone asked this tool to stop.
pub fn check() -> Result<()> {
    if ASKED.load(Ordering::SeqCst) {
        bail!("stopped");
    }
    Ok(())
}

/// A running program that ends with this value.
pub struct Tended(Child);

impl Tended {
    /// # Errors
    /// It cannot be started.
    pub fn start(command: &mut Command) -> std::io::Result<Self> {
        let child = command.spawn()?;
        if let Ok(mut running) = RUNNING.lock() {
            running.push(pid(&child));
        }
        Ok(Self(child))
    }

    /// Its end, awaited.
    ///
    /// # Errors
    /// The system cannot tell.
    pub fn wait(&mut self) -> std::io::Result<ExitStatus> {
        self.0.wait()
    }

    /// Its end, if it has ended by itself.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().ok().flatten()
    }

    /// What it writes, where that is a pipe.
    pub fn stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.0.stdout.take()
    }
}

impl Drop for Tended {
    fn drop(&mut self) {
        if self.ended().is_none() {
            let _ = kill(pid(&self.0), Signal::SIGINT);
            let asked = Instant::now();
            while self.ended().is_none() && asked.elapsed() < PATIENCE {
                sleep(Duration::from_millis(20));
            }
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
        if let Ok(mut running) = RUNNING.lock() {
            let ended = pid(&self.0);
            running.retain(|pid| *pid != ended);
        }
    }
}

fn pid(child: &Child) -> Pid {
    // Linux counts processes far below the limit of the signed number.
    Pid::from_raw(child.id().cast_signed())
}

/// Asks again and again until it is there, a fifth of a second apart.
///
/// # Errors
/// It did not come in time, or someone asked this tool to stop.
pub fn wait_for(what: &str, limit: Duration, mut is_there: impl FnMut() -> Result<bool>) -> Result<()> {
    let began = Instant::now();
    while !is_there()? {
        check()?;
        if began.elapsed() > limit {
            bail!("{what} did not answer within {} seconds", limit.as_secs());
        }
        sleep(Duration::from_millis(200));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_does_not_outlive_the_value_that_holds_it() {
        let tended = Tended::start(Command::new("sleep").arg("60")).unwrap();
        let pid = pid(&tended.0);
        assert!(kill(pid, None).is_ok());
        drop(tended);
        assert!(kill(pid, None).is_err());
    }
}
