//! What the text gateway reports of a message that it took.
//!
//! Nobody but the gateway can sign such a report, so it needs no other permission; a report about
//! a letter that does not exist changes nothing and is answered like any other.

use std::sync::Arc;

use app::ids::ClinicSlug;
use app::request::Caller;
use app::words::Language;
use axum::Form;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::refusal::Refusal;
use super::router::Web;
use crate::audit;
use crate::clock::Clock;
use crate::letters::sms::{Sms, meaning};
use crate::letters::store;
use crate::store::{Database, StoreError};

/// Takes reports.
pub struct Reports {
    pub database: Database,
    pub clock: Clock,
    pub sms: Sms,
}

/// Whether an address takes reports: it has a guard of its own, and its callers are no browsers.
pub fn is_report(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(parts[..], ["", _, "letters", _, "report"])
}

/// Answers `POST /{clinic}/letters/{letter}/report`.
pub async fn report(
    State(web): State<Web>,
    OriginalUri(address): OriginalUri,
    Path((clinic, letter)): Path<(String, String)>,
    headers: HeaderMap,
    Form(form): Form<Vec<(String, String)>>,
) -> Response {
    let (Some(reports), Ok(clinic)) = (web.reports, clinic.parse()) else { return Refusal::NotFound.into_response() };
    let signature = headers.get("x-twilio-signature").and_then(|signature| signature.to_str().ok()).unwrap_or_default();
    let path = address.path_and_query().map_or("", |path| path.as_str());
    if !reports.sms.is_signed(path, &form, signature) {
        return Refusal::Foreign.into_response();
    }
    let value = |name: &str| form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let failed = match value("MessageStatus") {
        "delivered" | "read" => None,
        "undelivered" | "failed" => {
            let code = value("ErrorCode").parse().unwrap_or_default();
            Some(format!("the text message did not arrive: {}", meaning(code)))
        }
        // On its way.
        _ => return StatusCode::NO_CONTENT.into_response(),
    };
    match note(&reports, clinic, letter, failed).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            tracing::error!(%error, "a report was not noted");
            Refusal::Broken.into_response()
        }
    }
}

async fn note(reports: &Arc<Reports>, clinic: ClinicSlug, letter: String, failed: Option<String>) -> Result<(), StoreError> {
    let now = reports.clock.now();
    reports
        .database
        .write(async move |tx| {
            let Some((about, kind)) = store::report(tx, &clinic, &letter, failed.as_deref()).await? else { return Ok(()) };
            let caller = Caller::system(Language::default());
            let entry = audit::Entry::new(clinic.as_str(), &caller, "letter.fail", about)
                .with("letter", kind)
                .with("reason", failed.as_deref().unwrap_or_default());
            audit::record(tx, &entry, now).await
        })
        .await
}
