//! A patient cancels a visit: once, whoever asks how often. The time is free with the commit.

use app::booking::model::{CANCEL_WHYS, CancelDraft, VisitDraft, VisitStatus};
use app::booking::rules::is_ahead;
use app::clinic::model::Clinic;
use app::error::{PortalError, Reason};
use app::fields::{self, FieldErrors};
use app::ids::AppointmentId;
use app::request::Caller;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::details::{cut, cut_note};
use super::store::appointment::{self, AppointmentRow, Cancelled};
use super::store::{guard, unsettled};
use super::visit::{fee_now, version};
use crate::audit;
use crate::failure::Failure;
use crate::letters::tell::tell;
use crate::store::Tx;
use crate::waitlist::hooks as waitlist;

/// What cancelling needs to know.
#[derive(Clone)]
pub struct Cancelling {
    pub caller: Caller,
    pub visit: AppointmentId,
    /// What the page showed.
    pub version: String,
    pub draft: CancelDraft,
    /// A fresh id for the letter's job.
    pub job: Uuid,
    pub now: DateTime<Utc>,
}

/// Cuts what no person typed.
pub fn bounded(mut draft: CancelDraft) -> CancelDraft {
    cut(&mut draft.why);
    cut_note(&mut draft.reason);
    draft
}

/// Cancels in the caller's transaction. A refusal that leaves something to mend or to look at
/// again is a value and not an error: what was typed is kept with it.
pub async fn cancel(tx: &mut Tx, clinic: &Clinic, cancelling: &Cancelling) -> Result<Option<PortalError>, Failure> {
    let Cancelling { visit, draft, job, now, .. } = cancelling;
    let row = appointment::get(tx, &clinic.slug, *visit).await?.ok_or(PortalError::NotFound)?;
    if row.status == VisitStatus::Cancelled {
        return Ok(None);
    }
    if !is_ahead(row.place.start, *now) {
        return Err(Reason::TooLate.into());
    }
    let mut errors = FieldErrors::default();
    let reason = errors.take("reason", fields::note(&draft.reason));
    let refusal = if version(clinic, &row, *now) != cancelling.version {
        Some(PortalError::Conflict(Reason::Changed))
    } else if errors.is_empty() {
        None
    } else {
        Some(PortalError::Invalid(errors))
    };
    if let Some(refusal) = refusal {
        let kept = VisitDraft { cancel: Some(draft.clone()), ..row.since.draft };
        appointment::keep_draft(tx, &clinic.slug, *visit, &kept).await?;
        return Ok(Some(refusal));
    }

    end(tx, clinic, cancelling, &row, reason.flatten()).await?;
    tell(tx, &clinic.slug, *visit, row.sequence + 1, *job, *now).await?;
    Ok(None)
}

/// Ends one visit, in the caller's transaction: its time is free, and what it costs is noted. The
/// caller tells the patient.
pub(super) async fn end(
    tx: &mut Tx,
    clinic: &Clinic,
    cancelling: &Cancelling,
    row: &AppointmentRow,
    reason: Option<String>,
) -> Result<(), Failure> {
    let Cancelling { caller, draft, job, now, .. } = cancelling;
    let why = CANCEL_WHYS.contains(&draft.why.as_str()).then(|| draft.why.clone());
    let cancelled = Cancelled { fee: fee_now(clinic, row, *now), why, reason };
    guard::vacate(tx, &clinic.slug, row.id.0, &row.place, *now).await?;
    appointment::cancel(tx, &clinic.slug, row, &cancelled, *now).await?;
    unsettled::settle(tx, &clinic.slug, row.id).await?;
    // Of each visit of a series that ends, the time is another one.
    let cause = Uuid::new_v5(job, row.id.0.as_bytes());
    waitlist::ended(tx, &clinic.slug, row.id, &row.place, cause, *now).await?;
    let entry = audit::Entry::new(clinic.slug.as_str(), caller, "appointment.cancel", row.id).with("fee", cancelled.fee);
    audit::record(tx, &entry, *now).await?;
    Ok(())
}
