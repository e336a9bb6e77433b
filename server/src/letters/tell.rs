//! What is new about a visit, and that it has to be told: the seam between a change and its letter.
//!
//! A change adds a job by [`tell`], in its own transaction. A new booking is told at once. A change
//! waits for as long as it may still be undone (three minutes unless set otherwise): then the state
//! of that moment is told, once, however many changes led to it; and nothing at all if the patient
//! knows that state already.

use app::booking::model::UnsettledKind;
use app::ids::{AppointmentId, ClinicSlug};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::letter::LetterKind;
use crate::booking::letter::{LetterFacts, letter_facts};
use crate::booking::store::appointment::{AppointmentRow, status_text};
use crate::jobs::{self, NewJob, queue};
use crate::store::{StoreError, Tx};

/// The job that writes to the patient after a booking.
pub const LETTER_JOB: &str = "letter.confirmation";
/// The job that writes to the patient after a visit was changed.
pub const CHANGE_LETTER_JOB: &str = "letter.change";
/// The job that writes once about several visits that were booked or changed together.
pub const SERIES_LETTER_JOB: &str = "letter.series";

/// Adds the letter about a visit to the change that causes it. `sequence` is the visit's after the
/// change, 0 for a new one; `job` is a fresh id.
pub async fn tell(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    visit: AppointmentId,
    sequence: i64,
    job: Uuid,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let added = NewJob {
        clinic: clinic.as_str(),
        kind: kind(sequence),
        subject: serde_json::json!({ "appointment": visit, "sequence": sequence }),
        unique_key: key(visit, sequence),
        due_at: now,
    };
    jobs::enqueue(tx, &added, now, job).await.map(drop)
}

/// Adds the one letter about visits of a series that a change is about: each with its sequence
/// after the change, 0 for new ones; `job` is a fresh id. A single one gets its usual letter.
pub async fn tell_together(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    series: Uuid,
    visits: &[(AppointmentId, i64)],
    job: Uuid,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    match visits {
        [] => Ok(()),
        [(only, sequence)] => tell(tx, clinic, *only, *sequence, job, now).await,
        [(first, sequence), ..] => {
            let added = NewJob {
                clinic: clinic.as_str(),
                kind: SERIES_LETTER_JOB,
                subject: serde_json::json!({ "series": series, "visits": visits }),
                unique_key: format!("{SERIES_LETTER_JOB}/{first}/{sequence}"),
                due_at: now,
            };
            jobs::enqueue(tx, &added, now, job).await.map(drop)
        }
    }
}

/// A letter beside the one about a change.
pub struct Beside {
    /// [`LETTER_JOB`], or [`CHANGE_LETTER_JOB`] for one that waits.
    pub job: &'static str,
    /// Tells it from other letters about the same state.
    pub what: &'static str,
    pub due_at: DateTime<Utc>,
}

/// Adds a letter about a visit as it will be then, if there is anything to say; `id` is a fresh one.
pub async fn tell_beside(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    visit: &AppointmentRow,
    beside: &Beside,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Beside { job, what, due_at } = beside;
    let added = NewJob {
        clinic: clinic.as_str(),
        kind: job,
        subject: serde_json::json!({ "appointment": visit.id, "sequence": visit.sequence }),
        unique_key: format!("{job}/{}/{}/{what}", visit.id, visit.sequence),
        due_at: *due_at,
    };
    jobs::enqueue(tx, &added, now, id).await.map(drop)
}

const fn kind(sequence: i64) -> &'static str {
    if sequence == 0 { LETTER_JOB } else { CHANGE_LETTER_JOB }
}

fn key(visit: AppointmentId, sequence: i64) -> String {
    format!("{}/{visit}/{sequence}", kind(sequence))
}

/// Whether a later change is going to be told, and with it the latest state.
pub(super) async fn is_superseded(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    visit: &AppointmentRow,
    sequence: Option<i64>,
) -> Result<bool, StoreError> {
    let is_later = sequence.is_some_and(|sequence| sequence < visit.sequence);
    Ok(is_later && queue::is_pending(tx, clinic.as_str(), &key(visit.id, visit.sequence)).await?)
}

/// What a letter says of a visit, as far as another letter would be news: ids and times, no words.
pub(super) fn told(facts: &LetterFacts) -> String {
    let (visit, place) = (&facts.appointment, &facts.appointment.place);
    let is_unfit = facts.unsettled.is_some_and(|unsettled| unsettled.kind == UnsettledKind::Unfit);
    let unfit = if is_unfit { " unfit" } else { "" };
    format!(
        "{} {} {} {} {}{unfit}",
        status_text(visit.status),
        place.start.to_rfc3339(),
        place.end.to_rfc3339(),
        place.practitioner,
        place.location
    )
}

/// Whether the last letter that went out about a visit said of it what is so now.
pub async fn is_known(tx: &mut Tx, clinic: &ClinicSlug, visit: AppointmentId) -> Result<bool, StoreError> {
    let facts = letter_facts(tx, clinic, visit, None).await?;
    Ok(facts.is_some_and(|facts| facts.told.as_ref() == Some(&told(&facts))))
}

/// The same for several visits, a line for each.
pub(super) fn told_together(visits: &[LetterFacts]) -> String {
    let lines = visits.iter().map(|facts| format!("{} {}", facts.appointment.id, told(facts)));
    lines.collect::<Vec<_>>().join("\n")
}

/// What a letter that said `before` would say now, of the same visits; `None` if one is not there.
pub(super) async fn told_now(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    about: AppointmentId,
    kind: LetterKind,
    before: &str,
) -> Result<Option<String>, StoreError> {
    if !kind.is_series() {
        return Ok(letter_facts(tx, clinic, about, None).await?.as_ref().map(told));
    }
    let mut visits = Vec::new();
    for line in before.lines() {
        let id = line.split(' ').next().and_then(|id| id.parse().ok()).map(AppointmentId);
        let Some(id) = id else { return Ok(None) };
        let Some(facts) = letter_facts(tx, clinic, id, None).await? else { return Ok(None) };
        visits.push(facts);
    }
    Ok(Some(told_together(&visits)))
}
