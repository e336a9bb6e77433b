//! Rows of `hold`: a time kept, and the draft of what was typed. A series is kept by a row for
//! each visit: the first has the draft, the others hang on it.

use app::booking::model::Draft;
use app::booking::series::model::SeriesWish;
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
    /// How often they want to come, if they said so.
    pub wish: Option<SeriesWish>,
    /// The visits of the series after this one, in their order; each in the name of its own id.
    pub others: Vec<Other>,
}

/// A visit of a series besides the first.
#[derive(Clone, Debug)]
pub struct Other {
    pub id: HoldId,
    pub place: Place,
    /// In the past for a time that is not kept.
    pub expires_at: DateTime<Utc>,
}

impl HoldRow {
    /// A time that is kept for somebody who waits for one.
    pub fn offered(id: HoldId, place: Place, draft: Draft, (now, until): (DateTime<Utc>, DateTime<Utc>)) -> Self {
        let (wish, others) = (None, Vec::new());
        Self { id, visitor: None, place, draft, submitted: true, created_at: now, expires_at: until, wish, others }
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: HoldId(row.get("id")?),
            visitor: row.get("visitor")?,
            place: Place::read(row)?,
            draft: row.get::<Json<Draft>>("draft")?.0,
            submitted: row.get("submitted")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            wish: row.get::<Option<Json<SeriesWish>>>("wish")?.map(|wish| wish.0),
            others: Vec::new(),
        })
    }

    /// The same with its others, if it has any.
    async fn complete(tx: &mut Tx, clinic: &ClinicSlug, row: &Row) -> Result<Self, StoreError> {
        let mut hold = Self::read(row)?;
        if row.get::<Option<uuid::Uuid>>("series")?.is_some() {
            hold.others = others(tx, clinic, hold.id).await?;
        }
        Ok(hold)
    }

    /// Everything it keeps, and in whose name.
    pub fn places(&self) -> impl Iterator<Item = (HoldId, &Place)> {
        std::iter::once((self.id, &self.place)).chain(self.others.iter().map(|other| (other.id, &other.place)))
    }

    /// What ties its visits, if it is a series.
    pub fn series(&self) -> Option<uuid::Uuid> {
        (!self.others.is_empty()).then_some(self.id.0)
    }
}

async fn others(tx: &mut Tx, clinic: &ClinicSlug, first: HoldId) -> Result<Vec<Other>, StoreError> {
    let sql = "SELECT * FROM hold WHERE clinic = $1 AND series = $2 AND id <> $2 ORDER BY start_at, id";
    let rows = tx.query(sql).bind(clinic.as_str()).bind(first.0).fetch_all().await?;
    let read = |row: &Row| Ok(Other { id: HoldId(row.get("id")?), place: Place::read(row)?, expires_at: row.get("expires_at")? });
    rows.iter().map(read).collect()
}

/// Adds a hold; its others are added by [`set_others`].
pub async fn insert(tx: &mut Tx, clinic: &ClinicSlug, hold: &HoldRow) -> Result<(), StoreError> {
    add(tx, clinic, hold, None).await
}

async fn add(tx: &mut Tx, clinic: &ClinicSlug, hold: &HoldRow, series: Option<HoldId>) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO hold (clinic, id, visitor, treatment, practitioner, practitioner_chosen, location, room, session,
             start_at, end_at, busy_from, busy_until, draft, submitted, created_at, expires_at, series, wish)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
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
    .bind(series.map(|series| series.0))
    .bind(hold.wish.as_ref().map(Json))
    .execute()
    .await?;
    Ok(())
}

/// Writes the others of a series, and how often they were wished, in place of those before. What
/// those occupied is the caller's to give back.
pub async fn set_others(tx: &mut Tx, clinic: &ClinicSlug, first: &HoldRow) -> Result<(), StoreError> {
    tx.query("DELETE FROM hold WHERE clinic = $1 AND series = $2 AND id <> $2")
        .bind(clinic.as_str())
        .bind(first.id.0)
        .execute()
        .await?;
    tx.query("UPDATE hold SET series = $3, wish = $4 WHERE clinic = $1 AND id = $2")
        .bind(clinic.as_str())
        .bind(first.id.0)
        .bind(first.series())
        .bind(first.wish.as_ref().map(Json))
        .execute()
        .await?;
    for other in &first.others {
        let row = HoldRow {
            id: other.id,
            place: other.place.clone(),
            expires_at: other.expires_at,
            draft: Draft::default(),
            wish: None,
            others: Vec::new(),
            ..first.clone()
        };
        add(tx, clinic, &row, Some(first.id)).await?;
    }
    Ok(())
}

pub async fn get(tx: &mut Tx, clinic: &ClinicSlug, id: HoldId) -> Result<Option<HoldRow>, StoreError> {
    let row =
        tx.query("SELECT * FROM hold WHERE clinic = $1 AND id = $2").bind(clinic.as_str()).bind(id.0).fetch_optional().await?;
    match row {
        Some(row) => HoldRow::complete(tx, clinic, &row).await.map(Some),
        None => Ok(None),
    }
}

/// A visitor's holds that have not ended, oldest first; a series is one.
pub async fn of_visitor(tx: &mut Tx, clinic: &ClinicSlug, visitor: &str, now: DateTime<Utc>) -> Result<Vec<HoldRow>, StoreError> {
    let rows = tx
        .query(
            "SELECT * FROM hold WHERE clinic = $1 AND visitor = $2 AND expires_at > $3 AND (series IS NULL OR series = id)
             ORDER BY created_at, id",
        )
        .bind(clinic.as_str())
        .bind(visitor)
        .bind(now)
        .fetch_all()
        .await?;
    let mut holds = Vec::with_capacity(rows.len());
    for row in &rows {
        holds.push(HoldRow::complete(tx, clinic, row).await?);
    }
    Ok(holds)
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
    for other in &hold.others {
        tx.query("UPDATE hold SET expires_at = $3, room = $4 WHERE clinic = $1 AND id = $2")
            .bind(clinic.as_str())
            .bind(other.id.0)
            .bind(other.expires_at)
            .bind(other.place.room.as_ref().map(|room| room.as_str().to_owned()))
            .execute()
            .await?;
    }
    Ok(())
}

/// Ends a hold's claim and keeps its draft, so that nothing typed is lost.
pub async fn end(tx: &mut Tx, clinic: &ClinicSlug, hold: &HoldRow, now: DateTime<Utc>) -> Result<(), StoreError> {
    for (id, _) in hold.places() {
        tx.query("UPDATE hold SET expires_at = $3 WHERE clinic = $1 AND id = $2 AND expires_at > $3")
            .bind(clinic.as_str())
            .bind(id.0)
            .bind(now)
            .execute()
            .await?;
    }
    Ok(())
}

pub async fn delete(tx: &mut Tx, clinic: &ClinicSlug, hold: &HoldRow) -> Result<(), StoreError> {
    for (id, _) in hold.places() {
        tx.query("DELETE FROM hold WHERE clinic = $1 AND id = $2").bind(clinic.as_str()).bind(id.0).execute().await?;
    }
    Ok(())
}

/// Forgets holds that ended before this instant, with what was typed into them.
pub async fn forget(tx: &mut Tx, before: DateTime<Utc>) -> Result<u64, StoreError> {
    tx.query("DELETE FROM hold WHERE expires_at <= $1").bind(before).execute().await
}
