//! All tests, stage by stage, and one line with the sum.
//!
//! A stage that cannot run counts as failed, with one sentence why; so does a test that is
//! ignored or skipped, and a stage in which no test is found. Nothing passes by not being there.

use std::io::{BufRead, BufReader};
use std::ops::AddAssign;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::postgres::Postgres;
use crate::program::{self, cargo};
use crate::stop::{self, Tended};
use crate::{browser, provision, report};

/// In the order in which they run: the quick ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    Formatting,
    Lints,
    Rules,
    Tools,
    Services,
    Browsers,
}

impl Stage {
    fn headline(self) -> &'static str {
        match self {
            Self::Formatting => "formatting",
            Self::Lints => "lints, for the server's side and the browser's",
            Self::Rules => "rules that both sides share",
            Self::Tools => "the tools around the product",
            Self::Services => "services, on SQLite and on PostgreSQL",
            Self::Browsers => "pages in a browser, with WebAssembly and without JavaScript",
        }
    }

    fn run(self, arguments: &[String]) -> Result<Count> {
        match self {
            Self::Formatting => format(),
            Self::Lints => lint(),
            Self::Rules => libtest(cargo(&["test", "--package", "app", "--features", "ssr"]), arguments),
            Self::Tools => libtest(cargo(&["test", "--package", "end2end"]), arguments),
            Self::Services => services(arguments),
            Self::Browsers => browser::test(arguments),
        }
    }
}

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub passed: u32,
    pub failed: u32,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// Runs all stages, or one; whether everything passed. The last line of the output is the sum.
///
/// # Errors
/// Someone asked to stop.
pub fn test(only: Option<Stage>, arguments: &[String]) -> Result<bool> {
    stop::listen()?;
    let mut sum = Count::default();
    for stage in Stage::value_variants().iter().filter(|stage| only.is_none_or(|only| only == **stage)) {
        report::step(stage.headline());
        let count = stage.run(arguments);
        stop::check()?;
        let count = count.unwrap_or_else(|error| {
            report::detail(format!("cannot run: {error:#}"));
            Count { passed: 0, failed: 1 }
        });
        report::detail(count);
        sum += count;
    }
    report::result(sum);
    Ok(sum.failed == 0)
}

/// A program that only passes or fails.
fn check(command: &mut Command) -> Count {
    match program::run(command) {
        Ok(()) => Count { passed: 1, failed: 0 },
        Err(error) => {
            report::detail(format!("{error:#}"));
            Count { passed: 0, failed: 1 }
        }
    }
}

fn format() -> Result<Count> {
    provision::component("fmt")?;
    Ok(check(&mut cargo(&["fmt", "--all", "--check"])))
}

fn lint() -> Result<Count> {
    provision::component("clippy")?;
    provision::wasm_target()?;
    let mut count = check(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]));
    let mut browser = cargo(&["clippy", "--package", "app", "--lib", "--target", "wasm32-unknown-unknown"]);
    count += check(browser.args(["--no-default-features", "--features", "hydrate", "--", "--deny", "warnings"]));
    Ok(count)
}

/// Each of these tests runs on both databases by itself, given the address of one PostgreSQL.
fn services(arguments: &[String]) -> Result<Count> {
    let postgres = Postgres::start()?;
    report::step("testing the services");
    let mut command = cargo(&["test", "--package", "server"]);
    command.env("PERENNIAL_TEST_POSTGRES", postgres.url());
    libtest(command, arguments)
}

/// `cargo test`, its output shown and counted.
fn libtest(mut command: Command, arguments: &[String]) -> Result<Count> {
    command.args(["--no-fail-fast", "--"]).args(arguments).stdout(Stdio::piped());
    let mut cargo = Tended::start(&mut command).context("cargo could not be started")?;
    let mut count = Count::default();
    for line in BufReader::new(cargo.stdout().context("cargo has no output")?).lines() {
        let line = line?;
        report::result(&line);
        count += outcome(&line).unwrap_or_default();
    }
    let status = cargo.wait()?;
    stop::check()?;
    if !status.success() && count.failed == 0 {
        bail!("cargo test ended with {status}");
    }
    if count == Count::default() {
        bail!("no test was found");
    }
    Ok(count)
}

/// Reads `test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; …`; ignored is not passed.
fn outcome(line: &str) -> Option<Count> {
    let (_, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |name: &str| {
        let part = numbers.split(';').find_map(|part| part.trim().strip_suffix(name))?;
        part.trim().parse::<u32>().ok()
    };
    Some(Count { passed: number("passed")?, failed: number("failed")? + number("ignored")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_test_counts_as_failed() {
        let line = "test result: ok. 12 passed; 0 failed; 2 ignored; 0 measured; 3 filtered out; finished in 0.01s";
        assert_eq!(outcome(line), Some(Count { passed: 12, failed: 2 }));
    }

    #[test]
    fn failures_are_counted_and_other_lines_are_not() {
        let line = "test result: FAILED. 3 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s";
        assert_eq!(outcome(line), Some(Count { passed: 3, failed: 4 }));
        assert_eq!(outcome("test booking::a_taken_slot ... ok"), None);
        assert_eq!(outcome("running 3 tests"), None);
    }
}
