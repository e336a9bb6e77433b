//! Asks other servers over HTTP.

use std::time::Duration;

use axum::body::Body;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

const IDLE_MAX: Duration = Duration::from_secs(20);

/// Clones share its connections.
pub type Client = legacy::Client<HttpsConnector<HttpConnector>, Body>;

/// A client that has no connection yet; it believes the authorities that browsers believe.
pub fn client() -> Client {
    let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
    legacy::Client::builder(TokioExecutor::new()).pool_idle_timeout(IDLE_MAX).build(connector)
}
