//! What is free, and what may be held. Pure: `now` and the zone are arguments.
//!
//! A practitioner works at an instant if the clock on the location's wall shows a time inside one
//! of their rules. That one sentence settles daylight saving: a wall time that is skipped has no
//! instant, so it is never offered; one that repeats has two, so both are.
//!
//! Everything is counted in ticks of five minutes of Unix time, and a stretch of ticks is a row
//! of bits ([`Bits`]), so a month of twenty practitioners is a few thousand word operations.
//!
//! What it is *not*: it does not decide a booking. A search may be stale; the occupancy table decides.

mod bits;
mod change;
mod series;
mod wall;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};

pub use self::bits::{Bits, Span};
pub use self::change::{fee_at, free_until, is_ahead, may_be_late};
pub use self::series::{Every, Rhythm, at_wall, lay_out};
pub use self::wall::{Stretch, local_date, stretches};
use crate::clinic::model::{Clinic, Closure, Hours, Location, Treatment};
use crate::ids::{LocationSlug, PractitionerSlug, RoomSlug, TreatmentSlug};

/// Five minutes: every duration, buffer and start is a whole number of them.
pub const TICK_S: i64 = 300;
/// The same, in minutes.
pub const TICK_MIN: u32 = 5;

/// Five minutes of Unix time, counted from the epoch.
pub type Tick = i64;

/// The tick that an instant lies in.
pub fn tick(instant: DateTime<Utc>) -> Tick {
    instant.timestamp().div_euclid(TICK_S)
}

/// The instant at which a tick begins.
pub fn instant(tick: Tick) -> DateTime<Utc> {
    DateTime::from_timestamp(tick * TICK_S, 0).unwrap_or_default()
}

/// The ticks that a visit occupies: buffers included.
pub fn occupied(treatment: &Treatment, start: Tick) -> Span {
    Span {
        from: start - ticks(treatment.buffer_before_min),
        until: start + ticks(treatment.duration_min) + ticks(treatment.buffer_after_min),
    }
}

fn ticks(minutes: u32) -> i64 {
    i64::from(minutes / TICK_MIN)
}

/// What is taken already, as far as the search has read it.
#[derive(Clone, Debug, Default)]
pub struct Busy {
    pub practitioners: HashMap<PractitionerSlug, Vec<Span>>,
    pub rooms: HashMap<RoomSlug, Vec<Span>>,
    /// Group sessions with at least one seat taken.
    pub sessions: HashMap<Session, u32>,
}

/// One group session; its practitioner and room are busy because of it, its seats may be free.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Session {
    pub treatment: TreatmentSlug,
    pub practitioner: PractitionerSlug,
    pub location: LocationSlug,
    pub start: Tick,
}

/// What is asked: a treatment at a location, with any of these practitioners.
pub struct Search<'a, Z> {
    pub clinic: &'a Clinic,
    pub treatment: &'a Treatment,
    pub location: &'a Location,
    pub zone: &'a Z,
    pub practitioners: &'a [PractitionerSlug],
    pub now: DateTime<Utc>,
    /// Starts are looked for in these ticks.
    pub within: Span,
}

/// Who could begin a visit at one tick: the practitioners who are free, in the order of the
/// search, each with the seats that are left (1 for a visit of one's own).
pub type Starts = BTreeMap<Tick, Vec<(PractitionerSlug, u32)>>;

/// The first and last tick at which this treatment may begin at all, by notice and horizon.
pub fn bookable<Z: TimeZone>(treatment: &Treatment, zone: &Z, now: DateTime<Utc>) -> Span {
    let earliest = now + TimeDelta::minutes(i64::from(treatment.notice_min));
    // A start exactly at the earliest instant is allowed; one that has begun is not.
    let from = (earliest.timestamp() + TICK_S - 1).div_euclid(TICK_S).max(tick(now) + 1);
    let last = last_day(treatment, zone, now);
    let after = last.succ_opt().unwrap_or(last);
    let until = stretches(zone, Span { from: tick(now), until: tick(now) + (i64::from(treatment.horizon_days) + 3) * DAY_TICKS })
        .iter()
        .filter_map(|stretch| {
            let span = stretch.day(after);
            (span.until > span.from).then_some(span.from)
        })
        .min()
        .unwrap_or(from);
    Span { from, until }
}

/// The last calendar day, in the location's zone, on which the treatment may begin.
pub fn last_day<Z: TimeZone>(treatment: &Treatment, zone: &Z, now: DateTime<Utc>) -> NaiveDate {
    local_date(zone, now) + TimeDelta::days(i64::from(treatment.horizon_days))
}

const DAY_TICKS: i64 = 24 * 60 * 60 / TICK_S;

/// Every start that can be offered. Nothing in here that the rules would refuse.
pub fn search<Z: TimeZone>(search: &Search<'_, Z>, busy: &Busy) -> Starts {
    let treatment = search.treatment;
    let limits = bookable(treatment, search.zone, search.now);
    let within = Span { from: search.within.from.max(limits.from), until: search.within.until.min(limits.until) };
    if within.from >= within.until {
        return Starts::new();
    }
    // Bits reach as far as a visit beginning inside can: its buffers before, its end after.
    let reach = Span { from: occupied(treatment, within.from).from, until: occupied(treatment, within.until).until };
    let stretches = stretches(search.zone, reach);
    let rooms = free_rooms(search, busy, reach);
    let closed = closed(search, &stretches, reach);

    let mut starts = Starts::new();
    for practitioner in search.practitioners {
        let (mut working, mut candidates) = working(search, practitioner, &stretches, reach);
        working.subtract(&closed);
        candidates.keep_only(&working.runs(ticks(treatment.duration_min)));
        let mut offered = candidates.clone();
        offered.keep_only(&free(busy.practitioners.get(practitioner), treatment, reach));
        if let Some(rooms) = &rooms {
            offered.keep_only(rooms);
        }
        for start in offered.iter_within(within) {
            starts.entry(start).or_default().push((practitioner.clone(), treatment.capacity));
        }
        if treatment.capacity > 1 {
            join_sessions(search, practitioner, busy, &candidates, within, &mut starts);
        }
    }
    starts
}

/// Adds the group sessions of this practitioner that have begun to fill and have seats left.
fn join_sessions<Z>(
    search: &Search<'_, Z>,
    practitioner: &PractitionerSlug,
    busy: &Busy,
    candidates: &Bits,
    within: Span,
    starts: &mut Starts,
) {
    for (session, taken) in &busy.sessions {
        let left = search.treatment.capacity.saturating_sub(*taken);
        let ours = session.practitioner == *practitioner
            && session.treatment == search.treatment.slug
            && session.location == search.location.slug;
        if ours && left > 0 && within.contains(session.start) && candidates.has(session.start) {
            starts.entry(session.start).or_default().push((practitioner.clone(), left));
        }
    }
}

/// Group sessions that would be offered if they were not full, in order.
pub fn full_sessions<Z: TimeZone>(search: &Search<'_, Z>, busy: &Busy) -> Vec<(Tick, PractitionerSlug)> {
    let mut full: Vec<(Tick, PractitionerSlug)> = busy
        .sessions
        .iter()
        .filter(|(session, taken)| {
            **taken >= search.treatment.capacity
                && session.treatment == search.treatment.slug
                && session.location == search.location.slug
                && search.within.contains(session.start)
                && offered_by(search, session.start).contains(&session.practitioner)
        })
        .map(|(session, _)| (session.start, session.practitioner.clone()))
        .collect();
    full.sort();
    full
}

/// Whether the rules offer this start at all, whoever may have it already.
pub fn offered_by<Z: TimeZone>(search: &Search<'_, Z>, start: Tick) -> Vec<PractitionerSlug> {
    let only = Search { within: Span { from: start, until: start + 1 }, practitioners: search.practitioners, ..*search };
    let nothing_taken = Busy::default();
    self::search(&only, &nothing_taken)
        .remove(&start)
        .map(|found| found.into_iter().map(|(practitioner, _)| practitioner).collect())
        .unwrap_or_default()
}

/// What the rules say today of a visit that was booked by the rules of its day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The practitioner gives the treatment here then.
    Fits,
    Closed,
    /// The practitioner does not work here then, or gives something else.
    Off,
}

/// Whether a booked visit still lies in working hours; its notice and its step are of the past.
pub fn standing<Z: TimeZone>(search: &Search<'_, Z>, practitioner: &PractitionerSlug, visit: Span) -> Standing {
    let stretches = stretches(search.zone, visit);
    let (working, _) = working(search, practitioner, &stretches, visit);
    let closed = closed(search, &stretches, visit);
    if (visit.from..visit.until).any(|tick| closed.has(tick)) {
        Standing::Closed
    } else if (visit.from..visit.until).all(|tick| working.has(tick)) {
        Standing::Fits
    } else {
        Standing::Off
    }
}

/// Where a visit may begin, counting only what is busy: its buffers and its duration are free.
fn free(busy: Option<&Vec<Span>>, treatment: &Treatment, reach: Span) -> Bits {
    let mut free = Bits::full(reach);
    for span in busy.into_iter().flatten() {
        free.clear(*span);
    }
    let before = ticks(treatment.buffer_before_min);
    let all = before + ticks(treatment.duration_min) + ticks(treatment.buffer_after_min);
    free.runs(all).later(before)
}

/// Where at least one suitable room is free; `None` if the treatment needs none.
fn free_rooms<Z>(search: &Search<'_, Z>, busy: &Busy, reach: Span) -> Option<Bits> {
    search.treatment.room_kind.as_ref()?;
    let mut any = Bits::empty(reach);
    for room in search.clinic.rooms_for(search.treatment, &search.location.slug) {
        any.add(&free(busy.rooms.get(&room.slug), search.treatment, reach));
    }
    Some(any)
}

/// When the location is closed.
fn closed<Z>(search: &Search<'_, Z>, stretches: &[Stretch], reach: Span) -> Bits {
    let mut closed = Bits::empty(reach);
    let here = |closure: &&Closure| closure.location.as_ref().is_none_or(|location| *location == search.location.slug);
    for closure in search.clinic.closures.iter().filter(here) {
        for stretch in stretches {
            for date in stretch.dates().filter(|date| (closure.first..=closure.last).contains(date)) {
                closed.set(match closure.hours {
                    Some(hours) => stretch.hours(date, hours),
                    None => stretch.day(date),
                });
            }
        }
    }
    closed
}

/// When a practitioner works here and gives this treatment, and where the visits may begin.
fn working<Z>(search: &Search<'_, Z>, practitioner: &PractitionerSlug, stretches: &[Stretch], reach: Span) -> (Bits, Bits) {
    let mut working = Bits::empty(reach);
    let mut candidates = Bits::empty(reach);
    let every = ticks(search.treatment.every_min).max(1);
    for stretch in stretches {
        for date in stretch.dates() {
            for hours in hours_on(search, practitioner, date) {
                let span = stretch.hours(date, hours);
                working.set(span);
                // Counted from the start of the rule by the clock on the wall, so that a shift
                // from nine offers whole steps from nine on every day of the year.
                let anchor = stretch.tick_of(date, hours.minutes().0);
                let first = span.from + (anchor - span.from).rem_euclid(every);
                let mut start = first;
                while start < span.until {
                    candidates.set(Span { from: start, until: start + 1 });
                    start += every;
                }
            }
        }
    }
    (working, candidates)
}

/// The hours of one date: an exception for it takes the place of the weekly rules.
fn hours_on<Z>(search: &Search<'_, Z>, practitioner: &PractitionerSlug, date: NaiveDate) -> Vec<Hours> {
    use chrono::Datelike;
    if !search.treatment.practitioners.contains(practitioner) {
        return Vec::new();
    }
    let here = &search.location.slug;
    let mut exceptions = search
        .clinic
        .exceptions
        .iter()
        .filter(|exception| {
            exception.practitioner == *practitioner
                && exception.date == date
                && exception.location.as_ref().is_none_or(|location| location == here)
        })
        .peekable();
    if exceptions.peek().is_some() {
        return exceptions
            .filter(|exception| exception.treatments.as_ref().is_none_or(|some| some.contains(&search.treatment.slug)))
            .flat_map(|exception| exception.hours.iter().copied())
            .collect();
    }
    search
        .clinic
        .shifts
        .iter()
        .filter(|shift| {
            shift.practitioner == *practitioner
                && shift.location == *here
                && shift.days.contains(&date.weekday())
                && shift.first.is_none_or(|first| first <= date)
                && shift.last.is_none_or(|last| date <= last)
                && shift.treatments.as_ref().is_none_or(|some| some.contains(&search.treatment.slug))
        })
        .map(|shift| shift.hours)
        .collect()
}

/// The locations at which a treatment is given, in the clinic's order.
pub fn locations_of<'a>(clinic: &'a Clinic, treatment: &'a Treatment) -> impl Iterator<Item = &'a Location> {
    clinic.locations.iter().filter(move |location| {
        let rooms = treatment.room_kind.is_none() || clinic.rooms_for(treatment, &location.slug).next().is_some();
        rooms
            && clinic.shifts.iter().any(|shift| {
                shift.location == location.slug
                    && treatment.practitioners.contains(&shift.practitioner)
                    && shift.treatments.as_ref().is_none_or(|some| some.contains(&treatment.slug))
            })
    })
}

#[cfg(test)]
mod tests;
