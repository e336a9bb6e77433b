//! The portal's services, on both databases, with actors who book in it.
//!
//! One binary: [`harness`] opens a portal of its own for every test; then a file per feature.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test that stops says so")]

mod answer;
mod begun;
mod booking;
mod browser;
mod calendar;
mod clinic;
mod commands;
mod crash;
mod doors;
mod embed;
mod gateway;
mod harness;
mod letters;
mod links;
mod loading;
mod moving;
mod oracle;
mod plain;
mod program;
mod races;
mod random;
mod relocate;
mod scheduling;
mod series;
mod serving;
mod smtp;
mod texts;
mod tidy;
mod together;
mod unsettled;
mod visit;
mod waitlist;
mod waitlist_random;
mod zones;
