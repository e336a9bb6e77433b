//! Running other programs, and one sentence when one fails.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::report;
use crate::stop::{self, Tended};

/// The folder that holds `Cargo.toml` of the whole workspace.
pub fn root() -> PathBuf {
    // Cargo says it anew at every start, which stays right when the checkout has been moved.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map_or_else(|| PathBuf::from("."), PathBuf::from)
}

/// The same cargo that started this tool, at the root of the workspace.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Wherever someone keeps their builds, the site and the server find one another below `target`.
    command.args(arguments).current_dir(root()).env("CARGO_TARGET_DIR", root().join("target"));
    if !report::is_watched() {
        command.env("CARGO_TERM_QUIET", "true");
    }
    command
}

/// Runs it to its end and lets it talk to the terminal.
///
/// # Errors
/// It could not be started, ended with anything but success, or someone asked to stop.
pub fn run(command: &mut Command) -> Result<()> {
    let mut child = Tended::start(command).with_context(|| format!("{} could not be started", shown(command)))?;
    let status = child.wait()?;
    stop::check()?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs it silently; what it wrote to standard output.
///
/// # Errors
/// As [`run`]; the sentence then carries what it wrote to standard error.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{} could not be started", shown(command)))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("{} ended with {}: {}", shown(command), output.status, complaint.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Where a program is, if one of this name is on the path.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// A port of this machine that is free at this moment.
///
/// # Errors
/// The machine has no network at all.
pub fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).context("no port of 127.0.0.1 is free")?;
    Ok(listener.local_addr()?.port())
}

/// The command as one would type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
