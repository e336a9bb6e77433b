//! `cargo portal`: everything around the product. It builds, serves, watches, tests and measures it.
//!
//! # Layout
//!
//! - [`site`]: what browsers get
//! - [`serve`]: the server with that inside; [`watch`]: the same again after every change
//! - [`test`]: all tests, stage by stage; [`browser`]: those that drive a browser
//! - [`bench`]: figures, and which of them hold
//! - [`provision`]: the tools that this needs, [`postgres`]: a database of its own for the tests
//! - [`program`], [`stop`], [`report`]: running other programs, ending them, saying what is going on

mod bench;
mod browser;
mod postgres;
mod program;
mod provision;
mod report;
mod serve;
mod site;
mod stop;
mod test;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Everything around the product.
#[derive(Parser)]
#[command(name = "cargo portal", bin_name = "cargo portal")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the site and the server that carries it.
    Build,
    /// Build, then run the server with its demo clinic.
    Serve {
        /// Handed on to `perennial serve`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Rebuild and restart on every change.
    Watch {
        /// Handed on to `perennial serve`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Run all tests, from formatting to browsers.
    Test {
        /// Run this stage alone.
        #[arg(long)]
        only: Option<test::Stage>,
        /// Handed on to the tool of that stage, such as the name of a test.
        #[arg(last = true, requires = "only")]
        arguments: Vec<String>,
    },
    /// Measure, and say which figures hold.
    Bench {
        /// Measure this alone.
        name: Option<bench::Name>,
        /// One object a line instead of a table.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    report::start();
    let outcome = match Arguments::parse().command {
        Command::Build => serve::build().map(|binary| report::result(binary.display())).map(|()| true),
        Command::Serve { arguments } => serve::serve(&arguments).map(|()| true),
        Command::Watch { arguments } => watch::watch(&arguments).map(|()| true),
        Command::Test { only, arguments } => test::test(only, &arguments),
        Command::Bench { name, json } => bench::bench(name, json),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            report::step(format!("failed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
