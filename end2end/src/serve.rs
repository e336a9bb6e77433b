//! The server's binary, with the site inside it; and running that.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::program::{self, root};
use crate::report;
use crate::site::{self, Finish};

/// Builds everything that is not up to date; where the binary is.
///
/// # Errors
/// One sentence with the part that does not build.
pub fn build() -> Result<PathBuf> {
    site::build(Finish::Small)?;
    report::step("compiling the server");
    let compile = || program::run(&mut program::cargo(&["build", "--release", "--package", "server", "--bin", "perennial"]));
    compile()?;
    let binary = root().join("target/release/perennial");
    if is_older(&binary)? {
        // Cargo notices a changed file, but not one that was not there before.
        program::output(&mut program::cargo(&["clean", "--quiet", "--release", "--package", "server"]))?;
        compile()?;
    }
    Ok(binary)
}

/// Whether it cannot have the present site inside.
fn is_older(binary: &PathBuf) -> Result<bool> {
    let written = |file: &PathBuf| {
        fs::metadata(file).and_then(|it| it.modified()).with_context(|| format!("{} is missing", file.display()))
    };
    Ok(written(binary)? < written(&root().join("target/site/site.json"))?)
}

/// Builds, then becomes the server: signals reach it as if it had been started by hand.
///
/// # Errors
/// It does not build or start; otherwise this does not return.
pub fn serve(arguments: &[OsString]) -> Result<()> {
    let binary = build()?;
    report::step("starting");
    let error = Command::new(&binary).arg("serve").args(arguments).current_dir(root()).exec();
    Err(error).with_context(|| format!("{} cannot be started", binary.display()))
}
