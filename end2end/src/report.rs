//! What this tool says while it works: one line a step, with the seconds since it was started.
//!
//! Results go to standard output, progress to standard error, so that a result can be piped.
//! Not a log: nothing here is kept.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::sync::LazyLock;
use std::time::Instant;

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Starts the clock that [`step`] shows; to be called first.
pub fn start() {
    LazyLock::force(&STARTED);
}

/// One line of progress: what begins now.
pub fn step(what: impl Display) {
    let elapsed_s = STARTED.elapsed().as_secs();
    // A closed terminal is no reason to stop a build.
    let _ = writeln!(std::io::stderr(), "[{elapsed_s:>4} s] {what}");
}

/// A line below the step that it belongs to.
pub fn detail(what: impl Display) {
    let _ = writeln!(std::io::stderr(), "         {what}");
}

/// A line of the result.
pub fn result(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Whether someone watches: then cargo may draw its progress bar.
pub fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}
