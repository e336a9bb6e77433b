//! Rows of `zone`, and visits that keep their time on the wall.

use app::ids::{AppointmentId, ClinicSlug};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Place;
use crate::store::{Json, StoreError, Tx};

/// How far the wall of a zone is ahead of UTC, as one edition of the rules says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offsets {
    /// In order; each holds until the next one begins.
    pub spans: Vec<Offset>,
    /// Unix time until which the rules were asked.
    pub until_s: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offset {
    /// Unix time.
    pub from_s: i64,
    pub offset_s: i64,
}

impl Offsets {
    /// How far the wall is ahead at an instant; `None` outside of what was asked.
    pub fn at(&self, instant: DateTime<Utc>) -> Option<i64> {
        let at = instant.timestamp();
        let known = self.spans.iter().rfind(|span| span.from_s <= at).filter(|_| at < self.until_s);
        known.map(|span| span.offset_s)
    }
}

/// The edition and the offsets that were noted last.
pub async fn get(tx: &mut Tx, clinic: &ClinicSlug, name: &str) -> Result<Option<(String, Offsets)>, StoreError> {
    let found = tx
        .query("SELECT edition, offsets FROM zone WHERE clinic = $1 AND name = $2")
        .bind(clinic.as_str())
        .bind(name)
        .fetch_optional()
        .await?;
    found.map(|row| Ok((row.get("edition")?, row.get::<Json<Offsets>>("offsets")?.0))).transpose()
}

pub async fn put(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    (name, edition): (&str, &str),
    offsets: &Offsets,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO zone (clinic, name, edition, offsets, noted_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (clinic, name) DO UPDATE SET edition = $3, offsets = $4, noted_at = $5",
    )
    .bind(clinic.as_str())
    .bind(name)
    .bind(edition)
    .bind(Json(offsets))
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Writes where a visit is by the new rules; `from` is when it would have begun before.
pub async fn keep(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    id: AppointmentId,
    (place, sequence): (&Place, i64),
    from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    tx.query(
        "UPDATE appointment SET session = $3, start_at = $4, end_at = $5, busy_from = $6, busy_until = $7, sequence = $8,
             changed_at = $9, clock_from = $10, clock_sequence = $8
         WHERE clinic = $1 AND id = $2",
    )
    .bind(clinic.as_str())
    .bind(id.0)
    .bind(place.session)
    .bind(place.start)
    .bind(place.end)
    .bind(place.busy.from)
    .bind(place.busy.until)
    .bind(sequence)
    .bind(now)
    .bind(from)
    .execute()
    .await?;
    Ok(())
}

/// Visits to come that kept their time on the wall and were not changed since: the booking number,
/// and when they would have begun and do begin.
pub async fn kept(tx: &mut Tx, now: DateTime<Utc>) -> Result<Vec<(String, DateTime<Utc>, DateTime<Utc>)>, StoreError> {
    let rows = tx
        .query(
            "SELECT number, clock_from, start_at FROM appointment
             WHERE clock_sequence = sequence AND clock_from IS NOT NULL AND start_at > $1 AND status <> 'cancelled' ORDER BY start_at, id",
        )
        .bind(now)
        .fetch_all()
        .await?;
    rows.iter().map(|row| Ok((row.get("number")?, row.get("clock_from")?, row.get("start_at")?))).collect()
}
