//! What is measured with the server's own code at hand: the example `measure` of the package
//! `server`. This tool does not depend on that package, so that it compiles quickly itself.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::figure::Measured;
use crate::program::{self, cargo, root};
use crate::stop::{self, Tended};

/// Runs one benchmark in a folder of its own below `target`: on the disk that the product is on.
///
/// # Errors
/// It does not build, or cannot measure.
pub fn measure(name: &str, binary: &Path) -> Result<Vec<Measured>> {
    program::run(&mut cargo(&["build", "--release", "--package", "server", "--example", "measure"]))?;
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(root().join("target"))?;
    let mut command = Command::new(root().join("target/release/examples/measure"));
    command.arg(name).arg("--program").arg(binary).arg("--folder").arg(folder.path());
    lines(&mut command)
}

/// The figures that a program writes to standard output, once it has ended well.
///
/// # Errors
/// It did not end well.
pub fn lines(command: &mut Command) -> Result<Vec<Measured>> {
    let mut child = Tended::start(command.stdin(Stdio::null()).stdout(Stdio::piped())).context("it cannot be started")?;
    let mut text = String::new();
    child.stdout().context("it has no output")?.read_to_string(&mut text)?;
    let status = child.wait()?;
    stop::check()?;
    if !status.success() {
        bail!("the measuring program ended with {status}");
    }
    Measured::read(&text)
}
