//! Clinics: from the file that describes one to the cards that pages show.
//!
//! - [`file`]: reads `clinic.toml` and finds every mistake in it at once
//! - [`currency`]: the currencies there are
//! - [`load`]: takes a file into use, unless booked visits would no longer fit
//! - [`registry`]: the clinics in memory
//! - [`cards`]: small views in the reader's language
//! - [`service`]: what a clinic says about itself
//! - [`store`]: the SQL

pub mod cards;
pub mod currency;
pub mod file;
pub mod load;
pub mod registry;
pub mod service;
pub mod store;

pub use registry::{Clinics, Current};
