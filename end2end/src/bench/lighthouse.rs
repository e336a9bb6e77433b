//! Lighthouse's scores; `end2end/bench.mjs` runs it.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::figure::Measured;
use super::measured::lines;
use crate::browser::Server;
use crate::program::root;
use crate::provision;

/// The lowest score of each category over the booking pages.
///
/// # Errors
/// There is no node or no Chromium, or Lighthouse itself breaks.
pub fn measure(binary: &Path) -> Result<Vec<Measured>> {
    lines(&mut script("lighthouse", &Server::start(binary)?)?)
}

/// The script that measures a running server in Chromium.
pub fn script(name: &str, server: &Server) -> Result<Command> {
    provision::node_packages()?;
    let mut node = Command::new("node");
    node.args(["bench.mjs", name, &server.address()])
        .arg(provision::chromium()?)
        .arg(server.site())
        .current_dir(root().join("end2end"));
    Ok(node)
}
