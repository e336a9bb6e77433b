//! A visit as a file for calendars, by the visit's private link.
//!
//! Whoever has the link may have the file; a link that opens nothing is not found. What the file
//! says is decided in [`crate::letters::visit`], because it follows the same rule as letters.

use std::sync::Arc;

use app::ids::{AppointmentId, ClinicSlug, LinkToken};
use app::request::Caller;
use app::words::Language;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::refusal::Refusal;
use super::router::Web;
use crate::booking::letter::letter_facts;
use crate::clinic::Clinics;
use crate::clock::Clock;
use crate::failure::Failure;
use crate::letters::ics::CalendarEntry;
use crate::letters::visit::VisitLetter;
use crate::link::{Links, Purpose};
use crate::store::Database;

/// Makes calendar files.
pub struct Calendars {
    pub database: Database,
    pub clock: Clock,
    pub clinics: Arc<Clinics>,
    pub links: Arc<Links>,
    /// By which people reach the server.
    pub origin: String,
}

impl Calendars {
    /// The visit's entry; `None` for a link that is none.
    async fn entry(&self, slug: &ClinicSlug, link: &LinkToken, language: Language) -> Result<Option<CalendarEntry>, Failure> {
        let Some(id) = self.links.open(Purpose::Visit, link) else { return Ok(None) };
        let Some(current) = self.clinics.get(slug) else { return Ok(None) };
        let mut tx = self.database.read().await?;
        let Some(facts) = letter_facts(&mut tx, slug, AppointmentId(id), None).await? else { return Ok(None) };
        let letter = VisitLetter { facts: &facts, clinic: &current.clinic, link, origin: &self.origin, now: self.clock.now() };
        letter.calendar(language).map(Some).map_err(|error| Failure::Broken(error.to_string()))
    }
}

/// Answers `/{clinic}/visit/{visit}/calendar.ics`.
pub async fn calendar(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    Path((clinic, visit)): Path<(String, String)>,
) -> Response {
    let Ok(clinic) = clinic.parse::<ClinicSlug>() else { return Refusal::NotFound.into_response() };
    match web.calendars.entry(&clinic, &LinkToken(visit), caller.language).await {
        Ok(Some(entry)) => {
            let name = "attachment; filename=\"visit.ics\"";
            ([(CONTENT_TYPE, entry.media_type()), (CONTENT_DISPOSITION, name)], entry.file()).into_response()
        }
        Ok(None) => Refusal::NotFound.into_response(),
        Err(failure) => {
            failure.answer("visit.calendar");
            Refusal::Broken.into_response()
        }
    }
}
