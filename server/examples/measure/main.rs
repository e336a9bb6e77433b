//! What `cargo portal bench` measures with the server's own code at hand: one line of JSON a figure.
//!
//! It knows no bars and draws no conclusions; `end2end/src/bench.rs` does.
//!
//! # Layout
//!
//! - [`race`], [`moves`], [`bookings`], [`booking_ack`], [`letters`], [`availability`], [`http`], [`memory`],
//!   [`start`], [`waitlist`]: the benchmarks
//! - [`program`]: the server's program, running; [`visitor`]: someone who asks it over HTTP
//! - [`crowd`]: a clinic of any size, with visits; [`sample`]: many measurements of one thing
//! - [`smtp`]: the mail server of the tests

mod availability;
mod booking_ack;
mod bookings;
mod crowd;
mod http;
mod letters;
mod memory;
mod moves;
mod program;
mod race;
mod sample;
#[path = "../../tests/portal/smtp.rs"]
#[expect(dead_code, clippy::unwrap_used, clippy::expect_used, reason = "the tests use more of it, and it stops as tests do")]
mod smtp;
mod start;
mod visitor;
mod waitlist;

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

#[derive(Parser)]
struct Arguments {
    what: What,
    /// The server's program, built for release; absolute.
    #[arg(long)]
    program: PathBuf,
    /// Where databases may be put: on the disk that is to be measured, and empty.
    #[arg(long)]
    folder: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    Race,
    Move,
    Bookings,
    /// `booking_ack`
    #[value(name = "booking_ack")]
    BookingAck,
    Letters,
    Availability,
    Http,
    Memory,
    Start,
    Waitlist,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { what, program, folder } = Arguments::parse();
    match what {
        What::Race => race::measure(&program, &folder).await,
        What::Move => moves::measure(&program, &folder).await,
        What::Bookings => bookings::measure(&folder).await,
        What::BookingAck => booking_ack::measure(&program, &folder).await,
        What::Letters => letters::measure(&program, &folder).await,
        What::Availability => availability::measure(&folder).await,
        What::Http => http::measure(&program, &folder).await,
        What::Memory => memory::measure(&program, &folder).await,
        What::Start => start::measure(&program, &folder).await,
        What::Waitlist => waitlist::measure(&folder).await,
    }
}

/// One figure, as a line on standard output.
fn say(figure: &str, value: f64, unit: &str) -> anyhow::Result<()> {
    let line = serde_json::json!({ "figure": figure, "value": value, "unit": unit });
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
