//! What changes of visits mean to those who wait: called in the transaction of the change.

use app::booking::rules::Span;
use app::ids::{AppointmentId, ClinicSlug, HoldId, LocationSlug, PractitionerSlug};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::jobs::FREED_JOB;
use super::offers::Freed;
use super::store::{self, EntryRow, OfferRow, OfferState, State};
use crate::booking::store::{Place, guard, hold};
use crate::jobs::{self, NewJob, queue};
use crate::store::{StoreError, Tx};

/// A time has come free: has somebody look who wants it, if anyone waits. `cause` tells this time
/// from every other that came free.
pub async fn freed(tx: &mut Tx, clinic: &ClinicSlug, freed: &Freed, cause: Uuid, now: DateTime<Utc>) -> Result<(), StoreError> {
    if freed.start <= now || !store::is_anyone(tx, clinic, now).await? {
        return Ok(());
    }
    let job = NewJob {
        clinic: clinic.as_str(),
        kind: FREED_JOB,
        subject: serde_json::json!(freed),
        unique_key: format!("{FREED_JOB}/{cause}"),
        due_at: now,
    };
    jobs::enqueue(tx, &job, now, Uuid::new_v5(&cause, b"freed")).await.map(drop)
}

/// A visit left its place for another time: whoever waits for that place is asked, and the visit's
/// own wait lasts until it begins.
pub async fn moved(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    visit: AppointmentId,
    (from, to): (&Place, DateTime<Utc>),
    cause: Uuid,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if let Some(mut entry) = store::of_visit(tx, clinic, visit).await? {
        entry.until_at = to;
        store::update(tx, clinic, &entry).await?;
    }
    freed(tx, clinic, &Freed::of(from), cause, now).await
}

/// A visit will not take place: it waits for nothing any more, and others may have its time.
pub async fn ended(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    visit: AppointmentId,
    place: &Place,
    cause: Uuid,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if let Some(entry) = store::of_visit(tx, clinic, visit).await? {
        leave(tx, clinic, entry, now).await?;
    }
    freed(tx, clinic, &Freed::of(place), cause, now).await
}

/// Takes somebody off the list; what was on offer to them goes on to the next.
pub async fn leave(tx: &mut Tx, clinic: &ClinicSlug, mut entry: EntryRow, now: DateTime<Utc>) -> Result<(), StoreError> {
    entry.state = State::Left;
    store::update(tx, clinic, &entry).await?;
    for offer in store::offers(tx, clinic, entry.id).await? {
        if offer.state == OfferState::Open {
            hand_on(tx, clinic, &offer, OfferState::Declined, now).await?;
        }
    }
    Ok(())
}

/// Ends an open offer, and has the next one asked.
pub async fn hand_on(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    offer: &OfferRow,
    state: OfferState,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if end(tx, clinic, offer, state, now).await? {
        let time = Freed::new(&offer.practitioner, &offer.location, offer.start, offer.busy);
        freed(tx, clinic, &time, offer.id, now).await?;
    }
    Ok(())
}

/// Gives the time of an open offer back. False if it was over before.
async fn end(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    offer: &OfferRow,
    state: OfferState,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    if !store::end_offer(tx, clinic, offer.id, state).await? {
        return Ok(false);
    }
    if let Some(held) = hold::get(tx, clinic, HoldId(offer.id)).await? {
        guard::vacate(tx, clinic, offer.id, &held.place, now).await?;
        hold::delete(tx, clinic, &held).await?;
    }
    // A time may have waited for this one's answer.
    queue::hasten(tx, clinic.as_str(), FREED_JOB, now).await?;
    Ok(true)
}

/// Nothing that is on offer at a location stands any more.
pub async fn withdraw_at(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    location: &LocationSlug,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let ever = Span { from: i64::MIN, until: i64::MAX };
    for offer in store::open_offers(tx, clinic, location, ever).await? {
        withdraw(tx, clinic, &offer, now).await?;
    }
    Ok(())
}

/// Takes an offer back, as if it had never been made.
async fn withdraw(tx: &mut Tx, clinic: &ClinicSlug, offer: &OfferRow, now: DateTime<Utc>) -> Result<(), StoreError> {
    if end(tx, clinic, offer, OfferState::Withdrawn, now).await?
        && let Some(mut entry) = store::get(tx, clinic, offer.entry).await?
    {
        let asked = store::offers(tx, clinic, entry.id).await?;
        let kept = asked.iter().filter(|offer| offer.state != OfferState::Withdrawn);
        entry.asked_at = kept.map(|offer| offer.offered_at).max();
        store::update(tx, clinic, &entry).await?;
    }
    Ok(())
}

/// The clinic needs a time: offers on it end, and whoever had one is asked as if they never were.
pub async fn make_room(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    (location, practitioner): (&LocationSlug, &PractitionerSlug),
    ticks: Span,
    needs_room: bool,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    for offer in store::open_offers(tx, clinic, location, ticks).await? {
        // In a room's way only where there is no other; to ask again costs less than to find out.
        if offer.practitioner != *practitioner && !needs_room {
            continue;
        }
        withdraw(tx, clinic, &offer, now).await?;
    }
    Ok(())
}
