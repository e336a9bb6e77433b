//! What the booking costs on a clinic's own website: the loader, the first view of the frame, and
//! the page around it. `end2end/bench.mjs` visits the demo's example website.

use std::path::Path;

use anyhow::Result;

use super::figure::Measured;
use super::lighthouse::script;
use super::measured::lines;
use super::weight::kilobytes;
use crate::browser::Server;

/// The one file that a website loads.
///
/// # Errors
/// The site is not built.
pub fn loader() -> Result<Vec<Measured>> {
    Ok(vec![Measured::new("the loader", kilobytes(&["assets/embed.js"])?, "KB")])
}

/// # Errors
/// There is no node or no Chromium to visit the website with.
pub fn measure(name: &str, binary: &Path) -> Result<Vec<Measured>> {
    lines(&mut script(name, &Server::start(binary)?)?)
}
