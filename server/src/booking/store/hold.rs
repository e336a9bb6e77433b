//! Rows of `hold`: a time kept, and the draft of what was typed.

use app::booking::model::Draft;
use app::ids::{ClinicSlug, HoldId};
use chrono::{DateTime, Utc};

use super::Place;
use crate::store::{Json, Row, StoreError, Tx};

#[derive(Clone, Debug)]
pub struct HoldRow {
    pub id: HoldId,
    /// SHA-256 of the visitor's cookie in hexadecimal.
    pub visitor: Option<String>,
    pub place: Place,
    pub draft: Draft,
    pub submitted: bool,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

impl HoldRow {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: HoldId(row.get("id")?),
            visitor: row.get("visitor")?,
            place: Place::read(row)?,
            draft: row.get::<Json<Draft>>("draft")?.0,
            submitted: row.get("submitted")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

pub async fn insert(tx: &mut Tx, clinic: &ClinicSlug, hold: &HoldRow) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO hold (clinic, id, visitor, treatment, practitioner, practitioner_chosen, location, room, session,
             start_at, end_at, busy_from, busy_until, draft, submitted, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(clinic.as_str())
    .bind(hold.id.0)
    .bind(hold.visitor.as_deref())
    .bind(hold.place.treatment.as_str())
    .bind(hold.place.practitioner.as_str())
    .bind(hold.place.practitioner_chosen)
    .bind(hold.place.location.as_str())
    .bind(hold.place.room.as_ref().map(|room| room.as_str().to_owned()))
    .bind(hold.place.session)
    .bind(hold.place.start)
    .bind(hold.place.end)
    .bind(hold.place.busy.from)
    .bind(hold.place.busy.until)
    .bind(Json(&hold.draft))
    .bind(hold.submitted)
    .bind(hold.created_at)
    .bind(hold.expires_at)
    .execute()
    .await?;
    Ok(())
}

pub async fn get(tx: &mut Tx, clinic: &ClinicSlug, id: HoldId) -> Result<Option<HoldRow>, StoreError> {
    let row =
        tx.query("SELECT * FROM hold WHERE clinic = $1 AND id = $2").bind(clinic.as_str()).bind(id.0).fetch_optional().await?;
    row.as_ref().map(HoldRow::read).transpose()
}

/// A visitor's holds that have not ended, oldest first.
pub async fn of_visitor(tx: &mut Tx, clinic: &ClinicSlug, visitor: &str, now: DateTime<Utc>) -> Result<Vec<HoldRow>, StoreError> {
    tx.query("SELECT * FROM hold WHERE clinic = $1 AND visitor = $2 AND expires_at > $3 ORDER BY created_at, id")
        .bind(clinic.as_str())
        .bind(visitor)
        .bind(now)
        .fetch_all()
        .await?
        .iter()
        .map(HoldRow::read)
        .collect()
}

/// Writes what may change while someone types: the draft, its end, and the room after a retake.
pub async fn update(tx: &mut Tx, clinic: &ClinicSlug, hold: &HoldRow) -> Result<(), StoreError> {
    tx.query("UPDATE hold SET draft = $3, submitted = $4, expires_at = $5, room = $6 WHERE clinic = $1 AND id = $2")
        .bind(clinic.as_str())
        .bind(hold.id.0)
        .bind(Json(&hold.draft))
        .bind(hold.submitted)
        .bind(hold.expires_at)
        .bind(hold.place.room.as_ref().map(|room| room.as_str().to_owned()))
        .execute()
        .await?;
    Ok(())
}

/// Ends a hold's claim and keeps its draft, so that nothing typed is lost.
pub async fn end(tx: &mut Tx, clinic: &ClinicSlug, id: HoldId, now: DateTime<Utc>) -> Result<(), StoreError> {
    tx.query("UPDATE hold SET expires_at = $3 WHERE clinic = $1 AND id = $2 AND expires_at > $3")
        .bind(clinic.as_str())
        .bind(id.0)
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

pub async fn delete(tx: &mut Tx, clinic: &ClinicSlug, id: HoldId) -> Result<(), StoreError> {
    tx.query("DELETE FROM hold WHERE clinic = $1 AND id = $2").bind(clinic.as_str()).bind(id.0).execute().await?;
    Ok(())
}

/// Forgets holds that ended before this instant, with what was typed into them.
pub async fn forget(tx: &mut Tx, before: DateTime<Utc>) -> Result<u64, StoreError> {
    tx.query("DELETE FROM hold WHERE expires_at <= $1").bind(before).execute().await
}
