//! From the clock on the wall to instants.
//!
//! Time in a zone is a row of stretches with one offset each. Inside a stretch a wall time is
//! plain arithmetic; a wall time that daylight saving skips lies in no stretch, one that repeats
//! lies in two. So there is no special case for either.

use chrono::{DateTime, NaiveDate, Offset, TimeDelta, TimeZone, Utc};

use super::{Span, TICK_S, Tick, instant};
use crate::clinic::model::Hours;

/// Ticks during which the zone's offset does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    span: Span,
    /// Local time minus UTC.
    offset_ticks: i64,
}

/// The calendar day in a zone.
pub fn local_date<Z: TimeZone>(zone: &Z, at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(zone).date_naive()
}

fn offset_ticks<Z: TimeZone>(zone: &Z, tick: Tick) -> i64 {
    i64::from(zone.offset_from_utc_datetime(&instant(tick).naive_utc()).fix().local_minus_utc()).div_euclid(TICK_S)
}

/// The stretches that make up a span.
///
/// Offsets are compared once a day, and a change is then found to the tick. A zone that changed
/// twice within one day would be read wrong; no zone in the database does.
pub fn stretches<Z: TimeZone>(zone: &Z, span: Span) -> Vec<Stretch> {
    const DAY: i64 = 24 * 60 * 60 / TICK_S;
    let mut stretches = Vec::new();
    let (mut from, mut known, mut offset) = (span.from, span.from, offset_ticks(zone, span.from));
    while known < span.until {
        let next = (known + DAY).min(span.until);
        let next_offset = offset_ticks(zone, next);
        if next_offset != offset {
            let (mut before, mut after) = (known, next);
            while after - before > 1 {
                let middle = before + (after - before) / 2;
                if offset_ticks(zone, middle) == offset { before = middle } else { after = middle }
            }
            stretches.push(Stretch { span: Span { from, until: after }, offset_ticks: offset });
            (from, offset) = (after, next_offset);
        }
        known = next;
    }
    if from < span.until {
        stretches.push(Stretch { span: Span { from, until: span.until }, offset_ticks: offset });
    }
    stretches
}

impl Stretch {
    /// The calendar days that the stretch touches.
    pub fn dates(&self) -> impl Iterator<Item = NaiveDate> + use<> {
        let local = |tick: Tick| instant(tick + self.offset_ticks).date_naive();
        let (first, last) = (local(self.span.from), local(self.span.until - 1));
        first.iter_days().take_while(move |date| *date <= last)
    }

    /// The tick at which the wall would show this minute of the day, inside the stretch or not.
    pub fn tick_of(&self, date: NaiveDate, minute: u32) -> Tick {
        let local = date.and_time(chrono::NaiveTime::MIN) + TimeDelta::minutes(i64::from(minute));
        local.and_utc().timestamp().div_euclid(TICK_S) - self.offset_ticks
    }

    /// The part of the stretch in which the wall shows a time inside these hours of the date.
    pub fn hours(&self, date: NaiveDate, hours: Hours) -> Span {
        let (from, until) = hours.minutes();
        self.cut(Span { from: self.tick_of(date, from), until: self.tick_of(date, until) })
    }

    /// The part of the stretch that lies on this date; empty (`from >= until`) if none does.
    pub fn day(&self, date: NaiveDate) -> Span {
        self.cut(Span { from: self.tick_of(date, 0), until: self.tick_of(date, 24 * 60) })
    }

    fn cut(&self, span: Span) -> Span {
        let from = span.from.max(self.span.from);
        Span { from, until: span.until.min(self.span.until).max(from) }
    }
}
