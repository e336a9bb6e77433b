//! The few answers that are neither a page nor a file of the site.

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::find;
use super::refusal::Refusal;
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

/// A clinic's colour, for the style sheet's `clinic` layer. The policy allows no style inside a page.
pub async fn clinic_style(State(web): State<Web>, Path(slug): Path<String>, headers: HeaderMap) -> Response {
    let Some(clinic) = find(&web.clinics, &slug) else { return Refusal::NotFound.into_response() };
    let tag = format!("\"{}\"", clinic.hue);
    let keep = [(CACHE_CONTROL, "public, max-age=300".to_owned()), (ETAG, tag.clone())];
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, keep).into_response();
    }
    let style = format!("@layer clinic{{:root{{--hue:{}}}}}\n", clinic.hue);
    (keep, [(CONTENT_TYPE, "text/css; charset=utf-8")], style).into_response()
}
