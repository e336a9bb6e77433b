//! For people working on it: rebuilds on every change and restarts the server.
//!
//! Quick builds: not optimised, not compressed. It looks at the files twice a second, which works
//! the same on every file system.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

use crate::program::{self, root};
use crate::report;
use crate::site::{self, Finish};
use crate::stop::{self, Tended};

const WATCHED: [&str; 5] = ["app", "server", "style", "public", "Cargo.toml"];
const PAUSE: Duration = Duration::from_millis(500);

/// Until someone stops it. A build that fails is shown, and tried again after the next change.
///
/// # Errors
/// The sources cannot be read.
pub fn watch(arguments: &[OsString]) -> Result<()> {
    stop::listen()?;
    let mut server = None;
    loop {
        let seen = state()?;
        let built = rebuild().and_then(|()| {
            // The old one serves until here, and has let go of its port before the new one wants it.
            drop(server.take());
            server = Some(start(arguments)?);
            Ok(())
        });
        match built {
            Ok(()) => report::step("waiting for a change"),
            Err(error) => report::step(format!("{error:#}; waiting for a change")),
        }
        while state()? == seen {
            if stop::check().is_err() {
                return Ok(());
            }
            sleep(PAUSE);
        }
    }
}

fn rebuild() -> Result<()> {
    site::build(Finish::Quick)?;
    report::step("compiling the server");
    program::run(&mut program::cargo(&["build", "--package", "server", "--bin", "perennial"]))
}

fn start(arguments: &[OsString]) -> Result<Tended> {
    let binary = root().join("target/debug/perennial");
    let mut command = Command::new(&binary);
    Tended::start(command.arg("serve").args(arguments).current_dir(root()))
        .with_context(|| format!("{} cannot be started", binary.display()))
}

/// How many files there are and when the last was written: different after every change.
fn state() -> Result<(usize, Option<SystemTime>)> {
    WATCHED.iter().try_fold((0, None), |state, name| look(&root().join(name), state))
}

fn look(path: &Path, (count, last): (usize, Option<SystemTime>)) -> Result<(usize, Option<SystemTime>)> {
    // An editor may have put it away a moment ago.
    let Ok(metadata) = fs::metadata(path) else { return Ok((count, last)) };
    let state = (count + 1, last.max(metadata.modified().ok()));
    if !metadata.is_dir() {
        return Ok(state);
    }
    let entries = fs::read_dir(path).with_context(|| format!("{} cannot be read", path.display()))?;
    entries.flatten().try_fold(state, |state, entry| look(&entry.path(), state))
}
