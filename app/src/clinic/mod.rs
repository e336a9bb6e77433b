//! What a clinic is, and its front page.
//!
//! - [`model`]: the whole clinic as its file describes it, and what the pages show of it
//! - [`api`]: [`ClinicService`](api::ClinicService) and its server functions
//! - [`page`]: the home page

pub mod api;
pub mod model;
pub mod page;
