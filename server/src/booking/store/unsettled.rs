//! Rows of `unsettled`.

use app::booking::model::UnsettledKind;
use app::ids::{AppointmentId, ClinicSlug};
use chrono::{DateTime, Utc};

use crate::store::{Row, StoreError, Tx};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsettledRow {
    pub appointment: AppointmentId,
    pub kind: UnsettledKind,
    /// When it would have begun before it was moved.
    pub moved_from: Option<DateTime<Utc>>,
    /// The patient asks for a call.
    pub wants_call: bool,
    pub since: DateTime<Utc>,
}

const fn kind_text(kind: UnsettledKind) -> &'static str {
    match kind {
        UnsettledKind::Moved => "moved",
        UnsettledKind::Cancelled => "cancelled",
        UnsettledKind::Unfit => "unfit",
    }
}

impl UnsettledRow {
    fn read(row: &Row) -> Result<Self, StoreError> {
        let text = row.get::<String>("kind")?;
        let kind = [UnsettledKind::Moved, UnsettledKind::Cancelled, UnsettledKind::Unfit]
            .into_iter()
            .find(|kind| kind_text(*kind) == text)
            .ok_or_else(|| StoreError::Shape("a visit is unsettled for no known reason".to_owned()))?;
        Ok(Self {
            appointment: AppointmentId(row.get("appointment")?),
            kind,
            moved_from: row.get("moved_from")?,
            wants_call: row.get("wants_call")?,
            since: row.get("since")?,
        })
    }
}

/// Notes what the clinic did last; what it did before that is no longer the question. A visit that
/// was moved twice was first where the patient last knew it.
pub async fn put(tx: &mut Tx, clinic: &ClinicSlug, unsettled: &UnsettledRow) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO unsettled (clinic, appointment, kind, moved_from, wants_call, since) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (clinic, appointment) DO UPDATE SET kind = excluded.kind,
             moved_from = COALESCE(unsettled.moved_from, excluded.moved_from), wants_call = excluded.wants_call, since = excluded.since",
    )
    .bind(clinic.as_str())
    .bind(unsettled.appointment.0)
    .bind(kind_text(unsettled.kind))
    .bind(unsettled.moved_from)
    .bind(unsettled.wants_call)
    .bind(unsettled.since)
    .execute()
    .await?;
    Ok(())
}

pub async fn get(tx: &mut Tx, clinic: &ClinicSlug, id: AppointmentId) -> Result<Option<UnsettledRow>, StoreError> {
    let sql = "SELECT * FROM unsettled WHERE clinic = $1 AND appointment = $2";
    let row = tx.query(sql).bind(clinic.as_str()).bind(id.0).fetch_optional().await?;
    row.as_ref().map(UnsettledRow::read).transpose()
}

/// Of visits that are still to come; who asks for a call first, then the nearest visit.
pub async fn ahead(tx: &mut Tx, clinic: &ClinicSlug, now: DateTime<Utc>) -> Result<Vec<UnsettledRow>, StoreError> {
    let sql = "SELECT unsettled.* FROM unsettled
               JOIN appointment ON appointment.clinic = unsettled.clinic AND appointment.id = unsettled.appointment
               WHERE unsettled.clinic = $1 AND appointment.end_at > $2
               ORDER BY unsettled.wants_call DESC, appointment.start_at, appointment.id";
    let rows = tx.query(sql).bind(clinic.as_str()).bind(now).fetch_all().await?;
    rows.iter().map(UnsettledRow::read).collect()
}

/// Notes that the patient asks for a call; answers whether anything is unsettled at all.
pub async fn call(tx: &mut Tx, clinic: &ClinicSlug, id: AppointmentId) -> Result<bool, StoreError> {
    let sql = "UPDATE unsettled SET wants_call = TRUE WHERE clinic = $1 AND appointment = $2";
    Ok(tx.query(sql).bind(clinic.as_str()).bind(id.0).execute().await? > 0)
}

/// Nothing is to be settled any more; answers whether anything was.
pub async fn settle(tx: &mut Tx, clinic: &ClinicSlug, id: AppointmentId) -> Result<bool, StoreError> {
    let sql = "DELETE FROM unsettled WHERE clinic = $1 AND appointment = $2";
    Ok(tx.query(sql).bind(clinic.as_str()).bind(id.0).execute().await? > 0)
}
