//! Measures the product as it is delivered, and says which figures hold.
//!
//! # Layout
//!
//! - [`figure`]: a measured value and the bar it has to clear
//! - `measured`: what is measured with the server's own code at hand (`server/examples/measure`)
//! - `weight`, `lighthouse`: what a browser gets; `embed`: what it gets on a clinic's website
//!
//! A figure that misses its bar is reported as it is; only one that cannot be measured is a
//! failure. Figures without a bar say where the time or the bytes of another one go.

mod embed;
mod figure;
mod lighthouse;
mod measured;
mod weight;

use std::path::Path;

use anyhow::{Result, bail};
use clap::ValueEnum;

use self::figure::{Figure, Measured, judge, table};
use crate::{report, serve, stop};

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Name {
    /// 100 clients for one time, 200 times, over HTTP.
    Race,
    /// 10 clients who move their visits around each other on a full day, over HTTP.
    Move,
    /// Durable bookings a second by 64 clients, against one commit each.
    Bookings,
    /// How long "you are booked" takes while the mail server is away or silent, against while it is well.
    #[value(name = "booking_ack")]
    BookingAck,
    /// 10,000 due letters through a mail server, with the worker killed five times.
    Letters,
    /// 1,000 people who wait while 200 visits are cancelled.
    Waitlist,
    /// Finding what is free in a month of 20 practitioners.
    Availability,
    /// The booking page at 200 requests a second.
    Http,
    /// Resident memory, after start and after 100,000 requests.
    Memory,
    /// From the process's start to the first page.
    Start,
    /// What a first visit downloads.
    Weight,
    /// What a website loads to show the booking.
    #[value(name = "embed_loader")]
    EmbedLoader,
    /// What it all weighs until the booking is seen on a website.
    #[value(name = "embed_first_view")]
    EmbedFirstView,
    /// What the booking costs the page around it.
    #[value(name = "embed_host")]
    EmbedHost,
    /// Lighthouse's scores of the booking pages, on a phone.
    Lighthouse,
}

impl Name {
    /// As it is typed: "race".
    fn text(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn measure(self, binary: &Path) -> Result<Vec<Measured>> {
        match self {
            Self::Weight => weight::measure(binary),
            Self::EmbedLoader => embed::loader(),
            Self::EmbedFirstView | Self::EmbedHost => embed::measure(&self.text(), binary),
            Self::Lighthouse => lighthouse::measure(binary),
            _ => measured::measure(&self.text(), binary),
        }
    }
}

/// Measures everything, or one name; whether every figure could be measured. With `json` each
/// figure is one line as soon as it is known, otherwise all are a table at the end.
///
/// # Errors
/// The product does not build, or someone asked to stop.
pub fn bench(only: Option<Name>, json: bool) -> Result<bool> {
    stop::listen()?;
    let binary = serve::build()?;
    let names = Name::value_variants().iter().filter(|name| only.is_none_or(|only| only == **name));
    let (mut figures, mut complete) = (Vec::new(), true);
    for name in names {
        report::step(format!("measuring {}", name.text()));
        let found = name.measure(&binary).and_then(|found| judge(&name.text(), found));
        stop::check()?;
        match found {
            Ok(found) => {
                if json {
                    print(&found)?;
                }
                figures.extend(found);
            }
            Err(error) => {
                report::detail(format!("{} cannot be measured: {error:#}", name.text()));
                complete = false;
            }
        }
    }
    if figures.is_empty() {
        bail!("nothing could be measured");
    }
    if !json {
        report::result(table(&figures));
    }
    Ok(complete)
}

fn print(figures: &[Figure]) -> Result<()> {
    for figure in figures {
        report::result(serde_json::to_string(figure)?);
    }
    Ok(())
}
