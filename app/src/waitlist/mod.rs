//! Waiting for a time: for an earlier one than one has, for any one that suits, or for a seat of a
//! full group session.
//!
//! - [`model`]: the things
//! - [`rules`]: which times suit, and how long one is offered
//! - [`api`]: what the pages ask of the server
//! - [`page`]: the patient's place on the list, and a time on offer

pub mod api;
pub mod model;
pub mod page;
pub mod rules;
