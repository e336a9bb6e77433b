//! The example website of the demo: another origin, with the three shapes of the booking on it.
//!
//! It has a listener of its own, beside the portal's, and is served only where somebody tries the
//! program out: the demo clinic is there and the portal is reached on this machine. Only then does
//! the demo clinic's list of sites have one more.

use std::net::SocketAddr;

use app::ids::ClinicSlug;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::get;

const PAGE: &str = include_str!("../../demo/site.html");

/// Where the example website is, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    pub clinic: ClinicSlug,
    /// As a browser says it.
    pub origin: String,
}

impl Example {
    /// By its number, because browsers take `localhost` with another port for the same site.
    pub fn at(clinic: ClinicSlug, address: SocketAddr) -> Self {
        Self { clinic, origin: format!("http://{address}") }
    }
}

/// The website, showing the booking of a portal with this origin.
pub fn router(portal: &str) -> Router {
    let page = PAGE.replace("{portal}", portal);
    let missing =
        (StatusCode::NOT_FOUND, Html("<!DOCTYPE html><html lang=\"en\"><title>Nothing here</title><a href=\"/\">Back</a>"));
    Router::new().route("/", get(async move || Html(page))).fallback(async move || missing)
}
