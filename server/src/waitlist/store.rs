//! Rows of `waitlist` and `offer`.

use app::booking::model::Draft;
use app::booking::rules::Span;
use app::ids::{AppointmentId, ClinicSlug, EntryId, LocationSlug, PractitionerSlug, TreatmentSlug};
use app::waitlist::model::WishDraft;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::booking::store::{parse, slug};
use crate::store::{Json, Row, StoreError, Tx};

/// A place on the list.
#[derive(Clone, Debug)]
pub struct EntryRow {
    pub id: EntryId,
    /// Whose browser began it; `None` where a visit says who waits.
    pub visitor: Option<String>,
    /// The visit that a time would move; `None`: a time would be booked.
    pub appointment: Option<AppointmentId>,
    pub treatment: TreatmentSlug,
    pub practitioner: Option<PractitionerSlug>,
    pub location: Option<LocationSlug>,
    /// A full group session that they want a seat of, and no other time.
    pub only_start: Option<DateTime<Utc>>,
    pub wish: WishDraft,
    pub draft: Draft,
    pub submitted: bool,
    pub state: State,
    pub joined_at: Option<DateTime<Utc>>,
    pub asked_at: Option<DateTime<Utc>>,
    /// Nothing is offered from here on.
    pub until_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not on the list yet.
    Typing,
    Waiting,
    /// Has a time.
    Done,
    /// Took themselves off it, or the visit is no more.
    Left,
}

impl State {
    const ALL: [Self; 4] = [Self::Typing, Self::Waiting, Self::Done, Self::Left];

    const fn text(self) -> &'static str {
        match self {
            Self::Typing => "typing",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Left => "left",
        }
    }
}

impl EntryRow {
    /// A place that nobody has filled in yet.
    pub fn typing(id: EntryId, treatment: TreatmentSlug, until_at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self {
            id,
            visitor: None,
            appointment: None,
            treatment,
            practitioner: None,
            location: None,
            only_start: None,
            wish: WishDraft::default(),
            draft: Draft::default(),
            submitted: false,
            state: State::Typing,
            joined_at: None,
            asked_at: None,
            until_at,
            created_at: now,
        }
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let state: String = row.get("state")?;
        let optional = |column| row.get::<Option<String>>(column);
        Ok(Self {
            id: EntryId(row.get("id")?),
            visitor: row.get("visitor")?,
            appointment: row.get::<Option<Uuid>>("appointment")?.map(AppointmentId),
            treatment: slug(row, "treatment")?,
            practitioner: optional("practitioner")?.map(|text| parse(&text)).transpose()?,
            location: optional("location")?.map(|text| parse(&text)).transpose()?,
            only_start: row.get("only_start")?,
            wish: row.get::<Json<WishDraft>>("wish")?.0,
            draft: row.get::<Json<Draft>>("draft")?.0,
            submitted: row.get("submitted")?,
            state: State::ALL.into_iter().find(|known| known.text() == state).ok_or_else(|| shape("a place on the list"))?,
            joined_at: row.get("joined_at")?,
            asked_at: row.get("asked_at")?,
            until_at: row.get("until_at")?,
            created_at: row.get("created_at")?,
        })
    }

    /// Whether times may be offered to them.
    pub fn is_waiting(&self, now: DateTime<Utc>) -> bool {
        self.state == State::Waiting && now < self.until_at
    }
}

fn shape(what: &str) -> StoreError {
    StoreError::Shape(format!("the state of {what} is none"))
}

/// A time offered to one who waits. Its hold has the same id.
#[derive(Clone, Debug)]
pub struct OfferRow {
    pub id: Uuid,
    pub entry: EntryId,
    pub practitioner: PractitionerSlug,
    pub location: LocationSlug,
    pub start: DateTime<Utc>,
    /// Buffers included.
    pub busy: Span,
    pub state: OfferState,
    pub offered_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// What has become of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferState {
    Open,
    Taken,
    Declined,
    Lapsed,
    /// The clinic took it back.
    Withdrawn,
}

impl OfferState {
    const ALL: [Self; 5] = [Self::Open, Self::Taken, Self::Declined, Self::Lapsed, Self::Withdrawn];

    pub const fn text(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Taken => "taken",
            Self::Declined => "declined",
            Self::Lapsed => "lapsed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl OfferRow {
    fn read(row: &Row) -> Result<Self, StoreError> {
        let state: String = row.get("state")?;
        Ok(Self {
            id: row.get("id")?,
            entry: EntryId(row.get("entry")?),
            practitioner: slug(row, "practitioner")?,
            location: slug(row, "location")?,
            start: row.get("start_at")?,
            busy: Span { from: row.get("busy_from")?, until: row.get("busy_until")? },
            state: OfferState::ALL.into_iter().find(|known| known.text() == state).ok_or_else(|| shape("an offer"))?,
            offered_at: row.get("offered_at")?,
            expires_at: row.get("expires_at")?,
        })
    }

    /// Whether the time is theirs to take.
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        self.state == OfferState::Open && now < self.expires_at
    }
}

pub async fn insert(tx: &mut Tx, clinic: &ClinicSlug, entry: &EntryRow) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO waitlist (clinic, id, appointment, treatment, practitioner, location, only_start, wish, draft, submitted,
             state, joined_at, asked_at, until_at, created_at, visitor)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(clinic.as_str())
    .bind(entry.id.0)
    .bind(entry.appointment.map(|visit| visit.0))
    .bind(entry.treatment.as_str())
    .bind(entry.practitioner.as_ref().map(|slug| slug.as_str().to_owned()))
    .bind(entry.location.as_ref().map(|slug| slug.as_str().to_owned()))
    .bind(entry.only_start)
    .bind(Json(&entry.wish))
    .bind(Json(&entry.draft))
    .bind(entry.submitted)
    .bind(entry.state.text())
    .bind(entry.joined_at)
    .bind(entry.asked_at)
    .bind(entry.until_at)
    .bind(entry.created_at)
    .bind(entry.visitor.clone())
    .execute()
    .await?;
    Ok(())
}

/// Writes what may change: what was typed, where they stand, and when they were asked.
pub async fn update(tx: &mut Tx, clinic: &ClinicSlug, entry: &EntryRow) -> Result<(), StoreError> {
    tx.query(
        "UPDATE waitlist SET wish = $3, draft = $4, submitted = $5, state = $6, joined_at = $7, asked_at = $8, until_at = $9
         WHERE clinic = $1 AND id = $2",
    )
    .bind(clinic.as_str())
    .bind(entry.id.0)
    .bind(Json(&entry.wish))
    .bind(Json(&entry.draft))
    .bind(entry.submitted)
    .bind(entry.state.text())
    .bind(entry.joined_at)
    .bind(entry.asked_at)
    .bind(entry.until_at)
    .execute()
    .await?;
    Ok(())
}

pub async fn get(tx: &mut Tx, clinic: &ClinicSlug, id: EntryId) -> Result<Option<EntryRow>, StoreError> {
    let row = tx
        .query("SELECT * FROM waitlist WHERE clinic = $1 AND id = $2")
        .bind(clinic.as_str())
        .bind(id.0)
        .fetch_optional()
        .await?;
    row.as_ref().map(EntryRow::read).transpose()
}

/// The place of a visit on the list, if it has one that has not ended.
pub async fn of_visit(tx: &mut Tx, clinic: &ClinicSlug, visit: AppointmentId) -> Result<Option<EntryRow>, StoreError> {
    let row = tx
        .query("SELECT * FROM waitlist WHERE clinic = $1 AND appointment = $2 AND state IN ('typing', 'waiting')")
        .bind(clinic.as_str())
        .bind(visit.0)
        .fetch_optional()
        .await?;
    row.as_ref().map(EntryRow::read).transpose()
}

/// Whether anyone waits.
pub async fn is_anyone(tx: &mut Tx, clinic: &ClinicSlug, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let row = tx
        .query("SELECT id FROM waitlist WHERE clinic = $1 AND state = 'waiting' AND until_at > $2 LIMIT 1")
        .bind(clinic.as_str())
        .bind(now)
        .fetch_optional()
        .await?;
    Ok(row.is_some())
}

/// Those who wait, in the order in which they are asked: whoever was never asked by when they came,
/// then the least recently asked.
pub async fn in_turn(tx: &mut Tx, clinic: &ClinicSlug, now: DateTime<Utc>) -> Result<Vec<EntryRow>, StoreError> {
    tx.query(
        "SELECT * FROM waitlist WHERE clinic = $1 AND state = 'waiting' AND until_at > $2
         ORDER BY CASE WHEN asked_at IS NULL THEN 0 ELSE 1 END, asked_at, joined_at, id",
    )
    .bind(clinic.as_str())
    .bind(now)
    .fetch_all()
    .await?
    .iter()
    .map(EntryRow::read)
    .collect()
}

/// How many who wait for the same treatment are asked before this one.
pub async fn before(tx: &mut Tx, clinic: &ClinicSlug, entry: &EntryRow, now: DateTime<Utc>) -> Result<u32, StoreError> {
    let count: i64 = tx
        .query(
            "SELECT COUNT(*) AS n FROM waitlist WHERE clinic = $1 AND treatment = $2 AND state = 'waiting' AND until_at > $3
             AND id <> $4 AND (
                 CASE WHEN $5 THEN asked_at IS NULL OR asked_at < $6 OR (asked_at = $6 AND joined_at < $7)
                 ELSE asked_at IS NULL AND joined_at < $7 END)",
        )
        .bind(clinic.as_str())
        .bind(entry.treatment.as_str())
        .bind(now)
        .bind(entry.id.0)
        .bind(entry.asked_at.is_some())
        .bind(entry.asked_at)
        .bind(entry.joined_at)
        .fetch_one()
        .await?
        .get("n")?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Forgets places on the list that never came to be, and those that ended long ago, with all that
/// was offered to them.
pub async fn forget(tx: &mut Tx, typing: DateTime<Utc>, ended: DateTime<Utc>) -> Result<u64, StoreError> {
    let forgotten = tx
        .query("DELETE FROM waitlist WHERE (state = 'typing' AND created_at <= $1) OR (state <> 'typing' AND until_at <= $2)")
        .bind(typing)
        .bind(ended)
        .execute()
        .await?;
    if forgotten > 0 {
        tx.query("DELETE FROM offer WHERE NOT EXISTS (SELECT 1 FROM waitlist WHERE waitlist.clinic = offer.clinic AND waitlist.id = offer.entry)")
            .execute()
            .await?;
    }
    Ok(forgotten)
}

pub async fn insert_offer(tx: &mut Tx, clinic: &ClinicSlug, offer: &OfferRow) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO offer (clinic, id, entry, practitioner, location, start_at, busy_from, busy_until, state, offered_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(clinic.as_str())
    .bind(offer.id)
    .bind(offer.entry.0)
    .bind(offer.practitioner.as_str())
    .bind(offer.location.as_str())
    .bind(offer.start)
    .bind(offer.busy.from)
    .bind(offer.busy.until)
    .bind(offer.state.text())
    .bind(offer.offered_at)
    .bind(offer.expires_at)
    .execute()
    .await?;
    Ok(())
}

pub async fn offer(tx: &mut Tx, clinic: &ClinicSlug, id: Uuid) -> Result<Option<OfferRow>, StoreError> {
    let row =
        tx.query("SELECT * FROM offer WHERE clinic = $1 AND id = $2").bind(clinic.as_str()).bind(id).fetch_optional().await?;
    row.as_ref().map(OfferRow::read).transpose()
}

/// All that was offered to one who waits, in order.
pub async fn offers(tx: &mut Tx, clinic: &ClinicSlug, entry: EntryId) -> Result<Vec<OfferRow>, StoreError> {
    tx.query("SELECT * FROM offer WHERE clinic = $1 AND entry = $2 ORDER BY offered_at, id")
        .bind(clinic.as_str())
        .bind(entry.0)
        .fetch_all()
        .await?
        .iter()
        .map(OfferRow::read)
        .collect()
}

/// How many of those who wait for a treatment have a time on offer.
pub async fn open_count(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    treatment: &TreatmentSlug,
    now: DateTime<Utc>,
) -> Result<u32, StoreError> {
    let count: i64 = tx
        .query(
            "SELECT COUNT(*) AS n FROM offer JOIN waitlist ON waitlist.clinic = offer.clinic AND waitlist.id = offer.entry
             WHERE offer.clinic = $1 AND waitlist.treatment = $2 AND offer.state = 'open' AND offer.expires_at > $3",
        )
        .bind(clinic.as_str())
        .bind(treatment.as_str())
        .bind(now)
        .fetch_one()
        .await?
        .get("n")?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Open offers at a location that overlap these ticks.
pub async fn open_offers(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    location: &LocationSlug,
    ticks: Span,
) -> Result<Vec<OfferRow>, StoreError> {
    tx.query(
        "SELECT * FROM offer WHERE clinic = $1 AND location = $2 AND busy_from < $4 AND busy_until > $3 AND state = 'open'
         ORDER BY offered_at, id",
    )
    .bind(clinic.as_str())
    .bind(location.as_str())
    .bind(ticks.from)
    .bind(ticks.until)
    .fetch_all()
    .await?
    .iter()
    .map(OfferRow::read)
    .collect()
}

/// Ends an open offer. False if it had ended before.
pub async fn end_offer(tx: &mut Tx, clinic: &ClinicSlug, id: Uuid, state: OfferState) -> Result<bool, StoreError> {
    let ended = tx
        .query("UPDATE offer SET state = $3 WHERE clinic = $1 AND id = $2 AND state = 'open'")
        .bind(clinic.as_str())
        .bind(id)
        .bind(state.text())
        .execute()
        .await?;
    Ok(ended > 0)
}
