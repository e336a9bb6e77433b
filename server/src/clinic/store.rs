//! Rows of `clinic`: the whole definition as one document, with the number of its load.

use std::sync::Arc;

use app::clinic::model::Clinic;
use app::ids::ClinicSlug;
use chrono::{DateTime, Utc};

use super::registry::Current;
use crate::store::{Json, StoreError, Tx};

fn slug(text: &str) -> Result<ClinicSlug, StoreError> {
    text.parse().map_err(|_| StoreError::Shape("a clinic's slug in the database is none".to_owned()))
}

pub async fn revisions(tx: &mut Tx) -> Result<Vec<(ClinicSlug, i64)>, StoreError> {
    let rows = tx.query("SELECT slug, revision FROM clinic ORDER BY slug").fetch_all().await?;
    rows.iter().map(|row| Ok((slug(&row.get::<String>("slug")?)?, row.get("revision")?))).collect()
}

/// The number of the last load; `None` for a clinic that there is not.
pub async fn revision(tx: &mut Tx, clinic: &ClinicSlug) -> Result<Option<i64>, StoreError> {
    let row = tx.query("SELECT revision FROM clinic WHERE slug = $1").bind(clinic.as_str()).fetch_optional().await?;
    row.map(|row| row.get("revision")).transpose()
}

pub async fn get(tx: &mut Tx, clinic: &ClinicSlug) -> Result<Option<Current>, StoreError> {
    let row = tx.query("SELECT revision, definition FROM clinic WHERE slug = $1").bind(clinic.as_str()).fetch_optional().await?;
    row.map(|row| Ok(Current { clinic: Arc::new(row.get::<Json<Clinic>>("definition")?.0), revision: row.get("revision")? }))
        .transpose()
}

/// Stores a definition as the next revision, and answers its number.
pub async fn put(tx: &mut Tx, clinic: &Clinic, now: DateTime<Utc>) -> Result<i64, StoreError> {
    let revision = revision(tx, &clinic.slug).await?.unwrap_or_default() + 1;
    tx.query(
        "INSERT INTO clinic (slug, revision, definition, loaded_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (slug) DO UPDATE SET revision = excluded.revision, definition = excluded.definition, loaded_at = excluded.loaded_at",
    )
    .bind(clinic.slug.as_str())
    .bind(revision)
    .bind(Json(clinic))
    .bind(now)
    .execute()
    .await?;
    Ok(revision)
}
