//! Rows of `appointment`.

use app::booking::model::{VisitDraft, VisitStatus};
use app::ids::{AppointmentId, ClinicSlug, PatientId};
use app::words::Language;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Place;
use crate::store::{Json, Row, StoreError, Tx};

#[derive(Clone, Debug)]
pub struct AppointmentRow {
    pub id: AppointmentId,
    pub number: String,
    pub patient: PatientId,
    pub status: VisitStatus,
    pub place: Place,
    pub price: u32,
    pub reason: Option<String>,
    pub booker_name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub language: Language,
    pub answer_by: Option<DateTime<Utc>>,
    pub version: String,
    pub sequence: i64,
    pub created_at: DateTime<Utc>,
    /// What ties the visits that were booked in one go: the id of the first.
    pub series: Option<Uuid>,
    pub since: Since,
}

/// What happened to a visit after it was booked.
#[derive(Clone, Debug, Default)]
pub struct Since {
    /// When it was last moved or cancelled.
    pub changed_at: Option<DateTime<Utc>>,
    pub moved: Option<Moved>,
    /// The sequence that it got when the rules of its zone changed; a visit with another one was
    /// changed since.
    pub clock_sequence: Option<i64>,
    pub cancelled: Option<Cancelled>,
    /// Minutes by which the patient says they will be late.
    pub late_min: Option<u32>,
    /// What was typed on its pages and could not be taken over yet.
    pub draft: VisitDraft,
}

/// A visit's last move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// When it would have begun.
    pub from: DateTime<Utc>,
    /// The sequence that the move gave it; a visit with another one was changed since.
    pub sequence: i64,
}

/// The code of a request to which staff said no; patients choose among other codes.
pub const DECLINED: &str = "declined";

/// The code of a visit that the clinic cancelled.
pub const WITHDRAWN: &str = "withdrawn";

/// Why a visit was cancelled, and what that cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cancelled {
    /// In the smallest unit of the clinic's currency.
    pub fee: u32,
    /// A code of ours; `None` if the patient chose none.
    pub why: Option<String>,
    /// In the patient's own words.
    pub reason: Option<String>,
}

pub const fn status_text(status: VisitStatus) -> &'static str {
    match status {
        VisitStatus::Pending => "pending",
        VisitStatus::Booked => "booked",
        VisitStatus::Cancelled => "cancelled",
    }
}

fn status(text: &str) -> Result<VisitStatus, StoreError> {
    [VisitStatus::Pending, VisitStatus::Booked, VisitStatus::Cancelled]
        .into_iter()
        .find(|status| status_text(*status) == text)
        .ok_or_else(|| StoreError::Shape("an appointment's status is none".to_owned()))
}

impl AppointmentRow {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: AppointmentId(row.get("id")?),
            number: row.get("number")?,
            patient: PatientId(row.get("patient")?),
            status: status(&row.get::<String>("status")?)?,
            place: Place::read(row)?,
            price: u32::try_from(row.get::<i64>("price")?).unwrap_or_default(),
            reason: row.get("reason")?,
            booker_name: row.get("booker_name")?,
            email: row.get("email")?,
            phone: row.get("phone")?,
            language: Language::parse(&row.get::<String>("language")?).unwrap_or_default(),
            answer_by: row.get("answer_by")?,
            version: row.get("version")?,
            sequence: row.get("sequence")?,
            created_at: row.get("created_at")?,
            series: row.get("series")?,
            since: Since::read(row)?,
        })
    }

    /// When a calendar must take over what it says.
    pub fn changed_at(&self) -> DateTime<Utc> {
        self.since.changed_at.unwrap_or(self.created_at)
    }

    /// Whether staff said no to it.
    pub fn is_declined(&self) -> bool {
        self.since.cancelled.as_ref().is_some_and(|cancelled| cancelled.why.as_deref() == Some(DECLINED))
    }

    /// Whether staff should have answered by now and did not.
    pub fn is_overdue(&self, now: DateTime<Utc>) -> bool {
        self.status == VisitStatus::Pending && self.answer_by.is_some_and(|by| by <= now)
    }

    /// Whether keeping its time on the wall is the last that happened to it.
    pub fn kept_by_clock(&self) -> bool {
        self.since.clock_sequence == Some(self.sequence)
    }

    /// Where the visit was before, if being moved is the last that happened to it.
    pub fn moved_from(&self) -> Option<DateTime<Utc>> {
        self.since.moved.filter(|moved| moved.sequence == self.sequence).map(|moved| moved.from)
    }
}

impl Since {
    fn read(row: &Row) -> Result<Self, StoreError> {
        let moved = row.get::<Option<DateTime<Utc>>>("moved_from")?.zip(row.get::<Option<i64>>("moved_sequence")?);
        let fee = row.get::<Option<i64>>("cancel_fee")?.map(|fee| u32::try_from(fee).unwrap_or_default());
        let (why, reason) = (row.get("cancel_why")?, row.get("cancel_reason")?);
        Ok(Self {
            clock_sequence: row.get("clock_sequence")?,
            changed_at: row.get("changed_at")?,
            moved: moved.map(|(from, sequence)| Moved { from, sequence }),
            cancelled: fee.map(|fee| Cancelled { fee, why, reason }),
            late_min: row.get::<Option<i64>>("late_min")?.and_then(|minutes| u32::try_from(minutes).ok()),
            draft: row.get::<Option<Json<VisitDraft>>>("draft")?.map(|draft| draft.0).unwrap_or_default(),
        })
    }
}

pub async fn insert(tx: &mut Tx, clinic: &ClinicSlug, appointment: &AppointmentRow) -> Result<(), StoreError> {
    let place = &appointment.place;
    tx.query(
        "INSERT INTO appointment (clinic, id, number, patient, status, treatment, practitioner, practitioner_chosen, location, room,
             session, start_at, end_at, busy_from, busy_until, price, reason, booker_name, email, phone, language, answer_by,
             version, sequence, created_at, series)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
             $26)",
    )
    .bind(clinic.as_str())
    .bind(appointment.id.0)
    .bind(appointment.number.as_str())
    .bind(appointment.patient.0)
    .bind(status_text(appointment.status))
    .bind(place.treatment.as_str())
    .bind(place.practitioner.as_str())
    .bind(place.practitioner_chosen)
    .bind(place.location.as_str())
    .bind(place.room.as_ref().map(|room| room.as_str().to_owned()))
    .bind(place.session)
    .bind(place.start)
    .bind(place.end)
    .bind(place.busy.from)
    .bind(place.busy.until)
    .bind(i64::from(appointment.price))
    .bind(appointment.reason.as_deref())
    .bind(appointment.booker_name.as_deref())
    .bind(appointment.email.as_deref())
    .bind(appointment.phone.as_deref())
    .bind(appointment.language.tag())
    .bind(appointment.answer_by)
    .bind(appointment.version.as_str())
    .bind(appointment.sequence)
    .bind(appointment.created_at)
    .bind(appointment.series)
    .execute()
    .await?;
    Ok(())
}

pub async fn get(tx: &mut Tx, clinic: &ClinicSlug, id: AppointmentId) -> Result<Option<AppointmentRow>, StoreError> {
    let row = tx
        .query("SELECT * FROM appointment WHERE clinic = $1 AND id = $2")
        .bind(clinic.as_str())
        .bind(id.0)
        .fetch_optional()
        .await?;
    row.as_ref().map(AppointmentRow::read).transpose()
}

/// The visits that were booked in one go, in the order of their beginning, cancelled ones too.
pub async fn of_series(tx: &mut Tx, clinic: &ClinicSlug, series: Uuid) -> Result<Vec<AppointmentRow>, StoreError> {
    let sql = "SELECT * FROM appointment WHERE clinic = $1 AND series = $2 ORDER BY start_at, id";
    let rows = tx.query(sql).bind(clinic.as_str()).bind(series).fetch_all().await?;
    rows.iter().map(AppointmentRow::read).collect()
}

/// The visit with a booking number.
pub async fn numbered(tx: &mut Tx, clinic: &ClinicSlug, number: &str) -> Result<Option<AppointmentRow>, StoreError> {
    let sql = "SELECT * FROM appointment WHERE clinic = $1 AND number = $2";
    let row = tx.query(sql).bind(clinic.as_str()).bind(number).fetch_optional().await?;
    row.as_ref().map(AppointmentRow::read).transpose()
}

/// Requests for visits to come that nobody has answered; those that should be answered first are first.
pub async fn pending(tx: &mut Tx, clinic: &ClinicSlug, now: DateTime<Utc>) -> Result<Vec<AppointmentRow>, StoreError> {
    let sql = "SELECT * FROM appointment WHERE clinic = $1 AND status = 'pending' AND start_at > $2
               ORDER BY answer_by, start_at, id";
    let rows = tx.query(sql).bind(clinic.as_str()).bind(now).fetch_all().await?;
    rows.iter().map(AppointmentRow::read).collect()
}

/// Gives a visit that is as `visit` says this status, or the same again as news: its next sequence.
pub async fn restate(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    visit: &AppointmentRow,
    status: VisitStatus,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    tx.query("UPDATE appointment SET status = $3, sequence = $4, changed_at = $5 WHERE clinic = $1 AND id = $2")
        .bind(clinic.as_str())
        .bind(visit.id.0)
        .bind(status_text(status))
        .bind(visit.sequence + 1)
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

/// Cancels a visit that is as `visit` says; its next sequence is the calendars' news.
pub async fn cancel(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    visit: &AppointmentRow,
    cancelled: &Cancelled,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    tx.query(
        "UPDATE appointment SET status = 'cancelled', sequence = $3, changed_at = $4, cancel_fee = $5, cancel_why = $6,
             cancel_reason = $7, draft = NULL
         WHERE clinic = $1 AND id = $2",
    )
    .bind(clinic.as_str())
    .bind(visit.id.0)
    .bind(visit.sequence + 1)
    .bind(now)
    .bind(i64::from(cancelled.fee))
    .bind(cancelled.why.as_deref())
    .bind(cancelled.reason.as_deref())
    .execute()
    .await?;
    Ok(())
}

/// Writes where a visit is after its move; `from` is when it would have begun before.
pub async fn relocate(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    visit: &AppointmentRow,
    from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let place = &visit.place;
    tx.query(
        "UPDATE appointment SET status = $3, practitioner = $4, practitioner_chosen = $5, location = $6, room = $7, session = $8,
             start_at = $9, end_at = $10, busy_from = $11, busy_until = $12, answer_by = $13, sequence = $14, changed_at = $15,
             moved_from = $16, moved_sequence = $14, late_min = NULL, draft = NULL
         WHERE clinic = $1 AND id = $2",
    )
    .bind(clinic.as_str())
    .bind(visit.id.0)
    .bind(status_text(visit.status))
    .bind(place.practitioner.as_str())
    .bind(place.practitioner_chosen)
    .bind(place.location.as_str())
    .bind(place.room.as_ref().map(|room| room.as_str().to_owned()))
    .bind(place.session)
    .bind(place.start)
    .bind(place.end)
    .bind(place.busy.from)
    .bind(place.busy.until)
    .bind(visit.answer_by)
    .bind(visit.sequence)
    .bind(now)
    .bind(from)
    .execute()
    .await?;
    Ok(())
}

/// Notes by how many minutes the patient will be late.
pub async fn note_late(tx: &mut Tx, clinic: &ClinicSlug, id: AppointmentId, minutes: u32) -> Result<(), StoreError> {
    tx.query("UPDATE appointment SET late_min = $3 WHERE clinic = $1 AND id = $2")
        .bind(clinic.as_str())
        .bind(id.0)
        .bind(i64::from(minutes))
        .execute()
        .await?;
    Ok(())
}

/// Writes where a visit's letters go, and what is kept of its drafts.
pub async fn set_contact(tx: &mut Tx, clinic: &ClinicSlug, visit: &AppointmentRow) -> Result<(), StoreError> {
    tx.query("UPDATE appointment SET email = $3, phone = $4, language = $5, draft = $6 WHERE clinic = $1 AND id = $2")
        .bind(clinic.as_str())
        .bind(visit.id.0)
        .bind(visit.email.as_deref())
        .bind(visit.phone.as_deref())
        .bind(visit.language.tag())
        .bind(Json(&visit.since.draft))
        .execute()
        .await?;
    Ok(())
}

/// Keeps what was typed on a visit's pages.
pub async fn keep_draft(tx: &mut Tx, clinic: &ClinicSlug, id: AppointmentId, draft: &VisitDraft) -> Result<(), StoreError> {
    tx.query("UPDATE appointment SET draft = $3 WHERE clinic = $1 AND id = $2")
        .bind(clinic.as_str())
        .bind(id.0)
        .bind(Json(draft))
        .execute()
        .await?;
    Ok(())
}

/// Visits that have not ended and are not cancelled, in the order of their beginning.
pub async fn upcoming(tx: &mut Tx, clinic: &ClinicSlug, now: DateTime<Utc>) -> Result<Vec<AppointmentRow>, StoreError> {
    let rows = tx
        .query("SELECT * FROM appointment WHERE clinic = $1 AND status <> 'cancelled' AND end_at > $2 ORDER BY start_at, created_at, id")
        .bind(clinic.as_str())
        .bind(now)
        .fetch_all()
        .await?;
    rows.iter().map(AppointmentRow::read).collect()
}

/// The patient's earlier visits that took place, as far as the calendar knows: their treatments.
pub async fn had(tx: &mut Tx, clinic: &ClinicSlug, patient: PatientId, now: DateTime<Utc>) -> Result<Vec<String>, StoreError> {
    tx.query(
        "SELECT treatment FROM appointment WHERE clinic = $1 AND patient = $2 AND status = 'booked' AND end_at <= $3
         UNION SELECT treatment FROM treated WHERE clinic = $1 AND patient = $2",
    )
    .bind(clinic.as_str())
    .bind(patient.0)
    .bind(now)
    .fetch_all()
    .await?
    .iter()
    .map(|row| row.get("treatment"))
    .collect()
}
