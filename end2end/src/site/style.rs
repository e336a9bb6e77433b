//! The style sheets as one, lowered for the browsers that patients still have, and minified.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use lightningcss::stylesheet::{MinifyOptions, ParserOptions, PrinterOptions, StyleSheet};
use lightningcss::targets::{Browsers, Targets};

/// These come first and in this order, for the layers are declared in the first; the others follow by name.
const FIRST: [&str; 3] = ["tokens.css", "base.css", "components.css"];

/// The oldest of each that knows `@layer`, which cannot be lowered: all of early 2022.
const OLDEST: Browsers = Browsers {
    android: None,
    chrome: Some(version(99, 0)),
    edge: Some(version(99, 0)),
    firefox: Some(version(97, 0)),
    ie: None,
    ios_saf: Some(version(15, 4)),
    opera: None,
    safari: Some(version(15, 4)),
    samsung: Some(version(18, 0)),
};

const fn version(major: u32, minor: u32) -> u32 {
    major << 16 | minor << 8
}

/// All sheets of the folder.
///
/// # Errors
/// A sheet that cannot be read or understood, with its name and line.
pub fn bundle(folder: &Path) -> Result<String> {
    let mut names: Vec<String> = super::read_folder(folder)?.into_keys().filter(|name| super::kind(name) == "css").collect();
    names.sort_by_key(|name| place(name));
    names.iter().map(|name| lower(&folder.join(name))).collect()
}

fn place(name: &str) -> (usize, String) {
    (FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len()), name.to_owned())
}

fn lower(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let filename = path.display().to_string();
    let targets = Targets::from(OLDEST);
    let mut sheet = StyleSheet::parse(&text, ParserOptions { filename, ..ParserOptions::default() })
        .map_err(|error| anyhow!("{error}"))
        .with_context(|| format!("{} is not CSS", path.display()))?;
    sheet
        .minify(MinifyOptions { targets, ..MinifyOptions::default() })
        .map_err(|error| anyhow!("{}: {error}", path.display()))?;
    let printed = sheet.to_css(PrinterOptions { minify: true, targets, ..PrinterOptions::default() });
    Ok(printed.map_err(|error| anyhow!("{}: {error}", path.display()))?.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sheet_that_declares_the_layers_comes_first_and_features_follow_by_name() {
        let mut names = ["booking.css", "components.css", "base.css", "account.css", "tokens.css"];
        names.sort_by_key(|name| place(name));
        assert_eq!(names, ["tokens.css", "base.css", "components.css", "account.css", "booking.css"]);
    }

    #[test]
    fn nested_rules_are_lowered_because_older_safari_drops_them() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("base.css"), ".card { color: red; & b { color: blue } }").unwrap();
        assert_eq!(bundle(folder.path()).unwrap(), ".card{color:red}.card b{color:#00f}");
    }

    #[test]
    fn a_broken_sheet_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("base.css"), "a { color: red }\n}").unwrap();
        let complaint = format!("{:#}", bundle(folder.path()).unwrap_err());
        assert!(complaint.contains("base.css") && complaint.contains(":1"), "{complaint}");
    }
}
