//! "I am running late": noted with the visit, and told to the clinic.

use app::booking::model::{LATE_MINS, VisitStatus};
use app::booking::rules::may_be_late;
use app::error::{PortalError, Reason};
use app::fields::FieldErrors;
use app::ids::{AppointmentId, ClinicSlug};
use app::request::Caller;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::store::appointment::{self, AppointmentRow};
use crate::audit;
use crate::failure::Failure;
use crate::jobs::{self, NewJob};
use crate::store::Tx;

/// The job that tells the clinic.
pub const LATE_LETTER_JOB: &str = "letter.late";

/// What saying so needs to know.
#[derive(Clone)]
pub struct Late {
    pub caller: Caller,
    pub visit: AppointmentId,
    pub minutes: u32,
    /// A fresh id for the letter's job.
    pub job: Uuid,
    pub now: DateTime<Utc>,
}

/// Whether being late for this visit means anything now.
pub fn is_near(row: &AppointmentRow, now: DateTime<Utc>) -> bool {
    row.status == VisitStatus::Booked && may_be_late(row.place.start, row.place.end, now)
}

/// Notes it in the caller's transaction. Saying the same again changes nothing.
pub async fn late(tx: &mut Tx, clinic: &ClinicSlug, late: &Late) -> Result<(), Failure> {
    let Late { caller, visit, minutes, job, now } = late;
    let row = appointment::get(tx, clinic, *visit).await?.ok_or(PortalError::NotFound)?;
    if !LATE_MINS.contains(minutes) {
        return Err(PortalError::Invalid(FieldErrors::default()).into());
    }
    if !is_near(&row, *now) {
        return Err(Reason::TooLate.into());
    }
    if row.since.late_min == Some(*minutes) {
        return Ok(());
    }
    appointment::note_late(tx, clinic, *visit, *minutes).await?;
    let letter = NewJob {
        clinic: clinic.as_str(),
        kind: LATE_LETTER_JOB,
        subject: serde_json::json!({ "appointment": visit, "minutes": minutes }),
        // Whoever says one and the other in turns is heard a few times and not for ever.
        unique_key: format!("{LATE_LETTER_JOB}/{visit}/{}/{}-{minutes}", row.sequence, row.since.late_min.unwrap_or_default()),
        due_at: *now,
    };
    jobs::enqueue(tx, &letter, *now, *job).await?;
    let entry = audit::Entry::new(clinic.as_str(), caller, "appointment.late", visit).with("minutes", minutes);
    audit::record(tx, &entry, *now).await?;
    Ok(())
}
