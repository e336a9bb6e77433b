//! Several visits in one go: booked together or not at all, changed one by one or together.
//!
//! A hold of one time becomes a series: the server lays out the other visits by the clock on the
//! wall, keeps those that are free, and offers times near the others. Confirming books all of them
//! or none. Afterwards each is a visit like any other, with its own link, and knows the rest.
//!
//! - [`model`]: the things that cross the wire
//! - [`api`]: [`SeriesService`](api::SeriesService) and its server functions
//!
//! How often and when is decided in [`rules`](super::rules); the pages are with the other
//! [pages](super::page) of booking.

pub mod api;
pub mod model;
