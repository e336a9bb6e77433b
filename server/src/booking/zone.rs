//! The rules of a zone change after visits were booked in it (a government moves the clocks): a
//! visit keeps the time on the wall that was promised, so its instant moves, and the patient is told.
//!
//! What the rules were is noted per clinic and zone. At each start the program compares that with
//! what its own edition of the rules says; where they differ, every visit that is still to come is
//! put where the wall says it is, all of them or none.

use std::collections::BTreeSet;
use std::sync::Arc;

use app::booking::rules::{TICK_S, tick};
use app::clinic::model::Clinic;
use app::request::Caller;
use app::words::Language;
use chrono::{DateTime, Duration, MappedLocalTime, NaiveDateTime, Offset as _, TimeDelta, TimeZone, Utc};
use chrono_tz::{IANA_TZDB_VERSION, Tz};
use uuid::Uuid;

use super::store::appointment::{self, AppointmentRow};
use super::store::guard::{self, Claim, Taken};
use super::store::zone::{self, Offset, Offsets};
use super::store::{Place, session_id};
use super::unsettled;
use super::view::zone_of;
use crate::audit;
use crate::clinic::Clinics;
use crate::clock::Clock;
use crate::failure::Failure;
use crate::letters::tell::tell;
use crate::store::{Database, StoreError, Tx};
use crate::waitlist::hooks as waitlist;

/// How far ahead the rules are noted: a year further than anything can be booked, for a server may run long.
const KNOWN: TimeDelta = TimeDelta::days(3 * 366);
/// How much of that may be gone before they are noted anew.
const STALE: TimeDelta = TimeDelta::days(30);
/// Steps in which changes are looked for: no zone has changed its clocks twice within one.
const STEP: TimeDelta = TimeDelta::hours(6);

/// A visit that begins at another instant, so that it begins at the same time on the wall.
#[derive(Clone, Debug)]
pub struct Shift {
    pub visit: AppointmentRow,
    pub start: DateTime<Utc>,
}

/// What this program's rules say of a zone from a day ago on.
pub fn offsets(zone: Tz, now: DateTime<Utc>) -> Offsets {
    let ahead = |at: DateTime<Utc>| i64::from(zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc());
    let first = now - TimeDelta::days(1);
    let until = first + KNOWN;
    let mut spans = vec![Offset { from_s: first.timestamp(), offset_s: ahead(first) }];
    let mut at = first;
    while at < until {
        let next = at + STEP;
        if ahead(next) != ahead(at) {
            let (mut before, mut after) = (at.timestamp(), next.timestamp());
            while after - before > 1 {
                let middle = before.midpoint(after);
                let is_before = DateTime::from_timestamp(middle, 0).is_some_and(|middle| ahead(middle) == ahead(at));
                if is_before { before = middle } else { after = middle }
            }
            spans.push(Offset { from_s: after, offset_s: ahead(next) });
        }
        at = next;
    }
    Offsets { spans, until_s: until.timestamp() }
}

/// The visits of a zone that would begin at another time on the wall than was promised.
pub async fn shifts(tx: &mut Tx, clinic: &Clinic, zone: Tz, old: &Offsets, now: DateTime<Utc>) -> Result<Vec<Shift>, Failure> {
    let mut shifts = Vec::new();
    for visit in appointment::upcoming(tx, &clinic.slug, now).await? {
        let place = &visit.place;
        let Some(location) = clinic.location(&place.location) else { continue };
        if place.start <= now || zone_of(location)? != zone {
            continue;
        }
        let Some(ahead) = old.at(place.start) else { continue };
        let wall = place.start.naive_utc() + TimeDelta::seconds(ahead);
        let start = on_wall(zone, wall, place.start);
        if start != place.start {
            shifts.push(Shift { visit, start });
        }
    }
    Ok(shifts)
}

/// The instant of a time on the wall; where it comes twice, the one nearer to what it was, and
/// where it is skipped, as much later as the clocks go forward.
fn on_wall(zone: Tz, wall: NaiveDateTime, before: DateTime<Utc>) -> DateTime<Utc> {
    match zone.from_local_datetime(&wall) {
        MappedLocalTime::Single(at) => at.to_utc(),
        MappedLocalTime::Ambiguous(first, second) => {
            let (first, second) = (first.to_utc(), second.to_utc());
            if (second - before).abs() < (first - before).abs() { second } else { first }
        }
        MappedLocalTime::None => {
            let hour = Duration::hours(1);
            // The offset before the gap counts on into it.
            zone.from_local_datetime(&(wall - hour)).earliest().map_or(before, |at| at.to_utc() + hour)
        }
    }
}

/// Compares what was noted with this program's rules, keeps what was promised, and notes the rules.
/// Answers how many visits begin at another instant now.
///
/// # Errors
/// If it can't be read or written; then nothing has changed.
pub async fn keep(database: &Database, clock: &Clock, clinics: &Clinics) -> Result<usize, StoreError> {
    let mut kept = 0;
    for current in clinics.all() {
        for zone in zones(&current.clinic) {
            let (clinic, now) = (Arc::clone(&current.clinic), clock.now());
            // The same edition has the same rules.
            let mut tx = database.read().await?;
            let noted = zone::get(&mut tx, &clinic.slug, zone.name()).await?;
            drop(tx);
            let is_known = |(edition, offsets): &(String, Offsets)| {
                edition == IANA_TZDB_VERSION && offsets.until_s >= (now + KNOWN - STALE).timestamp()
            };
            if noted.as_ref().is_some_and(is_known) {
                continue;
            }
            kept += database.write(async move |tx| keep_in(tx, &clinic, zone, now).await).await.map_err(plain)?;
        }
    }
    Ok(kept)
}

/// The zones of a clinic's locations, each once.
fn zones(clinic: &Clinic) -> Vec<Tz> {
    let names: BTreeSet<&str> = clinic.locations.iter().map(|location| location.zone.as_str()).collect();
    names.into_iter().filter_map(|name| name.parse().ok()).collect()
}

/// Nobody is asking: what a caller would be refused is a fault here.
fn plain(failure: Failure) -> StoreError {
    match failure {
        Failure::Store(error) => error,
        other => StoreError::Shape(other.to_string()),
    }
}

async fn keep_in(tx: &mut Tx, clinic: &Clinic, zone: Tz, now: DateTime<Utc>) -> Result<usize, Failure> {
    let rules = offsets(zone, now);
    let noted = zone::get(tx, &clinic.slug, zone.name()).await?;
    let edition = IANA_TZDB_VERSION;
    let shifts = match &noted {
        Some((_, old)) => self::shifts(tx, clinic, zone, old, now).await?,
        None => Vec::new(),
    };
    for shift in &shifts {
        guard::vacate(tx, &clinic.slug, shift.visit.id.0, &shift.visit.place, now).await?;
        waitlist::withdraw_at(tx, &clinic.slug, &shift.visit.place.location, now).await?;
    }
    for shift in &shifts {
        put(tx, clinic, shift, now).await?;
    }
    zone::put(tx, &clinic.slug, (zone.name(), edition), &rules, now).await?;
    if !shifts.is_empty() {
        tracing::warn!(
            zone = zone.name(),
            edition,
            visits = shifts.len(),
            "the rules of a zone have changed: visits keep their time on the wall"
        );
    }
    Ok(shifts.len())
}

/// Takes the new instant. Where somebody is in the way, as in a second zone, staff and patient are told.
async fn put(tx: &mut Tx, clinic: &Clinic, shift: &Shift, now: DateTime<Utc>) -> Result<(), Failure> {
    let Shift { visit, start } = shift;
    let slug = &clinic.slug;
    let moved = moved(clinic, &visit.place, *start);
    let claim =
        |place| Claim { clinic: slug, place, capacity: capacity(clinic, visit), holder: visit.id.0, expires_at: None, now };
    if guard::take(tx, &claim(&moved)).await? == Taken::No {
        guard::take(tx, &claim(&visit.place)).await?;
        return Ok(unsettled::unfit(tx, slug, visit, now).await?);
    }
    let sequence = visit.sequence + 1;
    zone::keep(tx, slug, visit.id, (&moved, sequence), visit.place.start, now).await?;
    let job = Uuid::new_v5(&visit.id.0, format!("clock {sequence}").as_bytes());
    tell(tx, slug, visit.id, sequence, job, now).await?;
    let caller = Caller::system(Language::default());
    let entry = audit::Entry::new(slug.as_str(), &caller, "appointment.clock", visit.id)
        .with("from", visit.place.start.to_rfc3339())
        .with("to", start.to_rfc3339());
    Ok(audit::record(tx, &entry, now).await?)
}

fn capacity(clinic: &Clinic, visit: &AppointmentRow) -> u32 {
    clinic.treatment(&visit.place.treatment).map_or(1, |treatment| treatment.capacity)
}

/// The same place at another instant: as long, with the same buffers.
fn moved(clinic: &Clinic, place: &Place, start: DateTime<Utc>) -> Place {
    let by = start - place.start;
    let ticks = tick(start) - tick(place.start);
    debug_assert_eq!(by.num_seconds() % TICK_S, 0, "zones differ by whole ticks");
    let mut place = Place { start, end: place.end + by, ..place.clone() };
    place.busy.from += ticks;
    place.busy.until += ticks;
    if place.session.is_some() {
        place.session = Some(session_id(clinic.slug.as_str(), &place.session_key()));
    }
    place
}

/// For the doctor, in a sentence each: visits that have kept their time on the wall, and those that
/// will when the server starts.
///
/// # Errors
/// If it can't be read.
pub async fn told(tx: &mut Tx, clinics: &Clinics, now: DateTime<Utc>) -> Result<Vec<String>, Failure> {
    let mut told = Vec::new();
    for (number, from, to) in zone::kept(tx, now).await? {
        told.push(format!(
            "{number} kept its time on the wall when the rules of its zone changed: it begins at {to}, not at {from}"
        ));
    }
    for current in clinics.all() {
        let clinic = &current.clinic;
        for zone in zones(clinic) {
            let Some((edition, old)) = zone::get(tx, &clinic.slug, zone.name()).await? else { continue };
            for Shift { visit, start } in shifts(tx, clinic, zone, &old, now).await? {
                let (number, from) = (&visit.number, visit.place.start);
                told.push(format!(
                    "{number} was booked by the rules of {edition} for {zone}, which have changed: at the next start it is put from {from} to {start}"
                ));
            }
        }
    }
    Ok(told)
}

/// The same, where the caller has a database only.
///
/// # Errors
/// If it can't be read.
pub async fn examine(database: &Database, now: DateTime<Utc>) -> Result<Vec<String>, StoreError> {
    let clinics = Clinics::open(database.clone()).await?;
    let mut tx = database.read().await?;
    told(&mut tx, &clinics, now).await.map_err(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_offsets_of_a_zone_change_at_the_second_at_which_its_clocks_do() {
        let known = offsets(Tz::Europe__London, at("2026-03-11T12:00:00Z"));
        let changes: Vec<(i64, i64)> = known.spans.iter().skip(1).take(2).map(|span| (span.from_s, span.offset_s)).collect();
        let (spring, autumn) = (at("2026-03-29T01:00:00Z").timestamp(), at("2026-10-25T01:00:00Z").timestamp());
        assert_eq!(changes, [(spring, 3600), (autumn, 0)]);
        assert_eq!(known.at(at("2026-03-29T00:59:59Z")), Some(0));
        assert_eq!(known.at(at("2026-03-29T01:00:00Z")), Some(3600));
        assert_eq!(known.at(at("2026-03-09T12:00:00Z")), None, "before what was asked");
    }

    #[test]
    fn a_time_that_comes_twice_stays_the_one_it_was_and_a_skipped_one_comes_later() {
        let wall = |text: &str| text.parse::<NaiveDateTime>().unwrap();
        let (first, second) = (at("2026-10-25T00:30:00Z"), at("2026-10-25T01:30:00Z"));
        for before in [first, second] {
            assert_eq!(on_wall(Tz::Europe__London, wall("2026-10-25T01:30:00"), before), before);
        }
        let skipped = on_wall(Tz::Europe__London, wall("2026-03-29T01:30:00"), first);
        assert_eq!(skipped, at("2026-03-29T01:30:00Z"), "half past two by the new clock");
    }
}
