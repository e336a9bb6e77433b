//! The few answers that are neither a page nor a file of the site.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::router::Web;

/// How long the database may take to show that it is there.
const READY_WITHIN: std::time::Duration = std::time::Duration::from_secs(2);

/// The process answers.
pub async fn health() -> &'static str {
    "alive\n"
}

/// The database answers too, with the tables that this binary knows: send people here.
pub async fn ready(State(web): State<Web>) -> Response {
    match timeout(READY_WITHIN, (web.ready)()).await {
        Ok(true) => "ready\n".into_response(),
        Ok(false) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response(),
    }
}
