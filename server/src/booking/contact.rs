//! Where the letters of one visit go. Only this visit's: its link opens no other, so it must not
//! lead other visits' letters elsewhere either.

use app::booking::model::{ContactDraft, VisitDraft, VisitStatus};
use app::error::{PortalError, Reason};
use app::fields::{Email, FieldErrors, Phone};
use app::ids::{AppointmentId, ClinicSlug};
use app::request::Caller;
use app::words::Language;
use chrono::{DateTime, Utc};

use super::details::cut;
use super::store::appointment;
use crate::audit;
use crate::failure::Failure;
use crate::store::Tx;

/// What changing it needs to know.
#[derive(Clone)]
pub struct Change {
    pub caller: Caller,
    pub visit: AppointmentId,
    pub draft: ContactDraft,
    pub now: DateTime<Utc>,
}

/// Cuts what no person typed.
pub fn bounded(mut draft: ContactDraft) -> ContactDraft {
    for field in [&mut draft.email, &mut draft.phone, &mut draft.language] {
        cut(field);
    }
    draft
}

/// Changes it in the caller's transaction. What is empty stays as it is. Mistakes are a value and
/// not an error: what was typed is kept with them.
pub async fn change(tx: &mut Tx, clinic: &ClinicSlug, change: &Change) -> Result<Option<PortalError>, Failure> {
    let Change { caller, visit, draft, now } = change;
    let mut row = appointment::get(tx, clinic, *visit).await?.ok_or(PortalError::NotFound)?;
    if row.status == VisitStatus::Cancelled || row.place.end <= *now {
        return Err(Reason::TooLate.into());
    }
    let mut errors = FieldErrors::default();
    let email = errors.take("email", Email::parse(&draft.email)).flatten();
    let phone = errors.take("phone", Phone::parse(&draft.phone)).flatten();
    if !errors.is_empty() {
        let kept = VisitDraft { contact: Some(draft.clone()), ..row.since.draft };
        appointment::keep_draft(tx, clinic, *visit, &kept).await?;
        return Ok(Some(PortalError::Invalid(errors)));
    }
    let language = Language::parse(&draft.language).unwrap_or(row.language);
    let mut changed = Vec::new();
    if let Some(email) = email.map(|email| email.as_str().to_owned()).filter(|email| row.email.as_ref() != Some(email)) {
        row.email = Some(email);
        changed.push("email");
    }
    if let Some(phone) = phone.map(|phone| phone.as_str().to_owned()).filter(|phone| row.phone.as_ref() != Some(phone)) {
        row.phone = Some(phone);
        changed.push("phone");
    }
    if language != row.language {
        row.language = language;
        changed.push("language");
    }
    row.since.draft.contact = None;
    appointment::set_contact(tx, clinic, &row).await?;
    if !changed.is_empty() {
        let entry = audit::Entry::new(clinic.as_str(), caller, "appointment.contact", visit).with("changed", changed.join(" "));
        audit::record(tx, &entry, *now).await?;
    }
    Ok(None)
}
