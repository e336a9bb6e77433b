//! The commands that have words of their own after the first, and what they share.

pub mod appointment;
pub mod clinic;
pub mod patient;

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use app::ids::ClinicSlug;
use server::Portal;
use server::clinic::file::Mistake;

/// A line of what the command is for, on standard output.
pub fn say(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("The output cannot be written")
}

/// The text of a file that somebody wrote, perhaps with a spreadsheet.
pub fn text_of(path: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    String::from_utf8(bytes).map_err(|error| {
        let readable = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..readable].split(|byte| *byte == b'\n').count();
        let reason = "This is not UTF-8 text. Save the file as UTF-8; spreadsheets call it \"CSV UTF-8\".".to_owned();
        to_mend(path, &[Mistake { line, reason }])
    })
}

/// Tells each mistake of a file, one a line, on standard error.
pub fn to_mend(path: &Path, mistakes: &[Mistake]) -> anyhow::Error {
    for mistake in mistakes {
        let _ = writeln!(std::io::stderr(), "{}:{}: {}", path.display(), mistake.line, mistake.reason);
    }
    let count = if mistakes.len() == 1 { "a mistake".to_owned() } else { format!("{} mistakes", mistakes.len()) };
    anyhow::anyhow!("{} has {count} to mend.", path.display())
}

/// The slug of a clinic that is there.
pub fn known(portal: &Portal, clinic: &str) -> anyhow::Result<ClinicSlug> {
    let found = clinic.parse().ok().filter(|slug| portal.clinic(slug).is_some());
    found.with_context(|| format!("There is no clinic \"{clinic}\"; `perennial clinic load` brings one"))
}
