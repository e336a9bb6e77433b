//! A patient finds a time, keeps it while typing, and confirms it.
//!
//! Choose (treatment, who, when) → hold (the time is occupied for ten minutes) → details (a draft
//! on the server) → check → confirm (the hold becomes one appointment, however often it is asked).
//! The database's occupancy table refuses an overlap; nothing here or on a page decides that.
//!
//! - [`model`]: the things that cross the wire
//! - [`rules`]: what is free, and what may be held: pure, `now` is an argument
//! - [`api`]: [`BookingService`](api::BookingService) and its server functions
//! - [`page`]: the patient's pages
//! - [`series`]: several visits in one go

pub mod api;
pub mod model;
pub mod page;
pub mod rules;
pub mod series;
