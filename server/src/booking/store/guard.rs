//! The guard: whatever holds or books a time inserts its ticks into `occupancy`, whose primary
//! key lets nobody else have them. Every write path comes through here.
//!
//! An expired row is nobody's; it is removed in the transaction that wants its place. A look
//! before the insert only chooses among several rooms or people; the key decides.

use app::booking::rules::Span;
use app::ids::{ClinicSlug, PractitionerSlug, RoomSlug};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Place;
use crate::store::{StoreError, Tx};

/// One holder's wish for ticks of one resource.
struct Wish<'a> {
    clinic: &'a ClinicSlug,
    resource: &'a str,
    /// A seat of this group session.
    session: Option<Uuid>,
    ticks: Span,
    holder: Uuid,
    /// `None`: for good.
    expires_at: Option<DateTime<Utc>>,
}

pub fn practitioner_resource(practitioner: &PractitionerSlug) -> String {
    format!("practitioner/{practitioner}")
}

pub fn room_resource(room: &RoomSlug) -> String {
    format!("room/{room}")
}

/// Who has any of these ticks now, and how many.
async fn holders(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    resource: &str,
    ticks: Span,
    now: DateTime<Utc>,
) -> Result<Vec<(Uuid, i64)>, StoreError> {
    tx.query(
        "SELECT holder, COUNT(*) AS ticks FROM occupancy
         WHERE clinic = $1 AND resource = $2 AND tick >= $3 AND tick < $4 AND (expires_at IS NULL OR expires_at > $5)
         GROUP BY holder",
    )
    .bind(clinic.as_str())
    .bind(resource)
    .bind(ticks.from)
    .bind(ticks.until)
    .bind(now)
    .fetch_all()
    .await?
    .iter()
    .map(|row| Ok((row.get("holder")?, row.get("ticks")?)))
    .collect()
}

/// Whether nobody has any of these ticks of a resource.
pub async fn is_free(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    resource: &str,
    ticks: Span,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    Ok(holders(tx, clinic, resource, ticks, now).await?.is_empty())
}

/// Takes the ticks, or fails with `Unique` if someone has one of them.
async fn insert(tx: &mut Tx, wish: &Wish<'_>, now: DateTime<Utc>) -> Result<(), StoreError> {
    tx.query("DELETE FROM occupancy WHERE clinic = $1 AND resource = $2 AND tick >= $3 AND tick < $4 AND expires_at <= $5")
        .bind(wish.clinic.as_str())
        .bind(wish.resource)
        .bind(wish.ticks.from)
        .bind(wish.ticks.until)
        .bind(now)
        .execute()
        .await?;
    tx.query(
        "WITH RECURSIVE span(tick) AS (
             SELECT CAST($3 AS BIGINT) UNION ALL SELECT tick + 1 FROM span WHERE tick + 1 < CAST($4 AS BIGINT))
         INSERT INTO occupancy (clinic, resource, tick, holder, expires_at, session) SELECT $1, $2, tick, $5, $6, $7 FROM span",
    )
    .bind(wish.clinic.as_str())
    .bind(wish.resource)
    .bind(wish.ticks.from)
    .bind(wish.ticks.until)
    .bind(wish.holder)
    .bind(wish.expires_at)
    .bind(wish.session.map(|session| session.to_string()))
    .execute()
    .await?;
    Ok(())
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Yes,
    No,
}

/// Somebody wants a place: a visit of their own, or a seat where the place names a session.
pub struct Claim<'a> {
    pub clinic: &'a ClinicSlug,
    pub place: &'a Place,
    /// Seats of the group session; 1 for a visit of one's own.
    pub capacity: u32,
    pub holder: Uuid,
    /// `None`: for good.
    pub expires_at: Option<DateTime<Utc>>,
    pub now: DateTime<Utc>,
}

/// Occupies what is claimed, or nothing.
///
/// # Errors
/// `Unique` if another transaction took a tick since it was looked at.
pub async fn take(tx: &mut Tx, claim: &Claim<'_>) -> Result<Taken, StoreError> {
    match claim.place.session {
        None => take_visit(tx, claim).await,
        Some(session) => take_seat(tx, claim, session).await,
    }
}

/// The practitioner and the room, for the claim's holder.
async fn take_visit(tx: &mut Tx, claim: &Claim<'_>) -> Result<Taken, StoreError> {
    let Claim { clinic, place, holder, expires_at, now, .. } = *claim;
    let mut resources = vec![practitioner_resource(&place.practitioner)];
    resources.extend(place.room.as_ref().map(room_resource));
    for resource in &resources {
        if !is_free(tx, clinic, resource, place.busy, now).await? {
            return Ok(Taken::No);
        }
    }
    for resource in &resources {
        insert(tx, &Wish { clinic, resource, session: None, ticks: place.busy, holder, expires_at }, now).await?;
    }
    Ok(Taken::Yes)
}

/// One seat of a group session. The first seat occupies the practitioner and the room in the
/// session's name; they stay occupied as long as any seat is.
async fn take_seat(tx: &mut Tx, claim: &Claim<'_>, session: Uuid) -> Result<Taken, StoreError> {
    let Claim { clinic, place, capacity, holder, expires_at, now } = *claim;
    if holders(tx, clinic, &practitioner_resource(&place.practitioner), place.busy, now).await?.is_empty() {
        release(tx, clinic, session).await?;
        let whole = Claim { holder: session, ..*claim };
        if take_visit(tx, &whole).await? == Taken::No {
            return Ok(Taken::No);
        }
    } else if widen(tx, claim, session).await? == Taken::No {
        return Ok(Taken::No);
    }
    // A seat is one of its session, at whichever tick that began when the seat was taken.
    let (ever, start) = (Span { from: i64::MIN, until: i64::MAX }, Span { from: place.busy.from, until: place.busy.from + 1 });
    for seat in 1..=capacity {
        let resource = seat_resource(session, seat);
        if is_free(tx, clinic, &resource, ever, now).await? {
            let session_of = Some(session);
            insert(tx, &Wish { clinic, resource: &resource, session: session_of, ticks: start, holder, expires_at }, now).await?;
            keep_session(tx, clinic, session, now).await?;
            return Ok(Taken::Yes);
        }
    }
    Ok(Taken::No)
}

/// Sees that a session has all of the ticks that a seat in it claims: its treatment may take longer
/// than when its first seat was taken. Everyone in a session is in its room, whichever the claim names.
async fn widen(tx: &mut Tx, claim: &Claim<'_>, session: Uuid) -> Result<Taken, StoreError> {
    let Claim { clinic, place, now, .. } = *claim;
    let practitioner = practitioner_resource(&place.practitioner);
    for resource in std::iter::once(practitioner).chain(place.room.as_ref().map(room_resource)) {
        match holders(tx, clinic, &resource, place.busy, now).await?.as_slice() {
            [(id, ticks)] if *id == session && *ticks == place.busy.until - place.busy.from => {}
            [(id, _)] if *id == session => {
                tx.query("DELETE FROM occupancy WHERE clinic = $1 AND resource = $2 AND holder = $3")
                    .bind(clinic.as_str())
                    .bind(resource.as_str())
                    .bind(session)
                    .execute()
                    .await?;
                let (ticks, expires_at) = (place.busy, claim.expires_at);
                insert(tx, &Wish { clinic, resource: &resource, session: None, ticks, holder: session, expires_at }, now).await?;
            }
            _ => return Ok(Taken::No),
        }
    }
    Ok(Taken::Yes)
}

fn seat_resource(session: Uuid, seat: u32) -> String {
    format!("seat/{session}/{seat}")
}

/// Lets a session's own ticks last exactly as long as its longest seat, or end with its last.
pub async fn keep_session(tx: &mut Tx, clinic: &ClinicSlug, session: Uuid, now: DateTime<Utc>) -> Result<(), StoreError> {
    let seats = tx
        .query(
            "SELECT expires_at FROM occupancy
             WHERE clinic = $1 AND session = $2 AND (expires_at IS NULL OR expires_at > $3)",
        )
        .bind(clinic.as_str())
        .bind(session.to_string())
        .bind(now)
        .fetch_all()
        .await?;
    let ends = seats.iter().map(|row| row.get::<Option<DateTime<Utc>>>("expires_at")).collect::<Result<Vec<_>, _>>()?;
    if ends.is_empty() {
        release(tx, clinic, session).await?;
        return Ok(());
    }
    let until = if ends.contains(&None) { None } else { ends.into_iter().flatten().max() };
    keep(tx, clinic, session, until).await?;
    Ok(())
}

/// Sets until when a holder has its ticks; `None` is for good. Answers how many ticks it has.
pub async fn keep(tx: &mut Tx, clinic: &ClinicSlug, holder: Uuid, until: Option<DateTime<Utc>>) -> Result<u64, StoreError> {
    tx.query("UPDATE occupancy SET expires_at = $3 WHERE clinic = $1 AND holder = $2")
        .bind(clinic.as_str())
        .bind(holder)
        .bind(until)
        .execute()
        .await
}

/// Gives all ticks of a holder back.
pub async fn release(tx: &mut Tx, clinic: &ClinicSlug, holder: Uuid) -> Result<(), StoreError> {
    tx.query("DELETE FROM occupancy WHERE clinic = $1 AND holder = $2").bind(clinic.as_str()).bind(holder).execute().await?;
    Ok(())
}

/// Gives a place back: the holder's ticks, and those of its group session with its last seat.
pub async fn vacate(tx: &mut Tx, clinic: &ClinicSlug, holder: Uuid, place: &Place, now: DateTime<Utc>) -> Result<(), StoreError> {
    release(tx, clinic, holder).await?;
    match place.session {
        Some(session) => keep_session(tx, clinic, session, now).await,
        None => Ok(()),
    }
}

/// Removes what expired, for good measure: nobody waits for it.
pub async fn sweep(tx: &mut Tx, now: DateTime<Utc>) -> Result<u64, StoreError> {
    tx.query("DELETE FROM occupancy WHERE expires_at <= $1").bind(now).execute().await
}
