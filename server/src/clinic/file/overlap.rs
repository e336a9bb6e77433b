//! Nobody is in two places at once: the working hours of one practitioner must not overlap, at one
//! location or at two, in one zone or in two.
//!
//! Hours at one location are compared by the clock on its wall. Hours at two are compared as
//! instants, day by day over two years, because two zones do not change their clocks together.

use app::clinic::model::{Hours, Location, Shift, ShiftException};
use app::ids::LocationSlug;
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::section::Section;
use super::{Items, Placed};

/// Rules without a first day are compared from here on.
const OPEN_START: NaiveDate = match NaiveDate::from_ymd_opt(2026, 1, 1) {
    Some(date) => date,
    None => NaiveDate::MIN,
};
/// Every pair of summer times meets within a year; the second is for a zone that is about to change.
const DAYS_COMPARED: usize = 731;

pub(super) fn check(
    root: &Section<'_>,
    locations: &Items<Location>,
    shifts: &Items<Vec<Shift>>,
    exceptions: &Items<Vec<ShiftException>>,
) {
    let zones = Zones(locations);
    let shifts: Vec<Rule<'_>> = placed(shifts).collect();
    for (at, (line, shift)) in shifts.iter().enumerate() {
        for (earlier_line, earlier) in &shifts[..at] {
            if let Some(date) = rules_overlap(&zones, earlier, shift) {
                let (who, place) = (&shift.practitioner, &earlier.location);
                let where_else = if earlier_line == line {
                    "themselves".to_owned()
                } else {
                    format!("the shift of line {earlier_line} at \"{place}\"")
                };
                root.wrong_at(
                    *line,
                    format!("The hours of \"{who}\" overlap {where_else}, for example on {date}. Change the days or the hours."),
                );
            }
        }
    }
    let exceptions: Vec<(usize, &ShiftException)> = placed(exceptions).collect();
    for (at, (line, exception)) in exceptions.iter().enumerate() {
        against_earlier(root, &exceptions[..at], *line, exception);
        against_rules(root, &zones, &shifts, &exceptions, *line, exception);
    }
}

type Rule<'i> = (usize, &'i Shift);

fn placed<T>(items: &Items<Vec<T>>) -> impl Iterator<Item = (usize, &T)> {
    items.items.iter().flat_map(|Placed { line, item }| item.iter().map(|one| (*line, one)))
}

/// The first date of the second rule on which both hold and overlap.
fn rules_overlap(zones: &Zones<'_>, one: &Shift, other: &Shift) -> Option<NaiveDate> {
    if one.practitioner != other.practitioner {
        return None;
    }
    let start = [one.first, other.first].into_iter().flatten().max().unwrap_or(OPEN_START);
    if zones.of(&one.location) == zones.of(&other.location) {
        // Every week is like the first.
        let both_hold = |date: &NaiveDate| holds(one, *date) && holds(other, *date);
        return start.iter_days().take(7).find(both_hold).filter(|_| by_the_clock(one.hours, other.hours));
    }
    // The first may lie a day earlier or later on the other side of the world.
    let before = start.pred_opt().unwrap_or(start);
    before.iter_days().take(DAYS_COMPARED).filter(|date| holds(other, *date)).find(|date| {
        let here = zones.instants(&other.location, *date, other.hours);
        around(*date).filter(|date| holds(one, *date)).any(|date| meet(here, zones.instants(&one.location, date, one.hours)))
    })
}

fn holds(rule: &Shift, date: NaiveDate) -> bool {
    rule.days.contains(&date.weekday())
        && rule.first.is_none_or(|first| first <= date)
        && rule.last.is_none_or(|last| date <= last)
}

fn by_the_clock(one: Hours, other: Hours) -> bool {
    let ((from, until), (other_from, other_until)) = (one.minutes(), other.minutes());
    from < other_until && other_from < until
}

/// The day before, the day, the day after.
fn around(date: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    [date.pred_opt(), Some(date), date.succ_opt()].into_iter().flatten()
}

type Instants = Option<(DateTime<Utc>, DateTime<Utc>)>;

fn meet(one: Instants, other: Instants) -> bool {
    one.zip(other).is_some_and(|((from, until), (other_from, other_until))| from < other_until && other_from < until)
}

/// An exception for a day that an earlier one speaks of, or whose own hours overlap.
fn against_earlier(root: &Section<'_>, earlier: &[(usize, &ShiftException)], line: usize, exception: &ShiftException) {
    let same = earlier.iter().find(|(_, other)| {
        other.practitioner == exception.practitioner
            && other.date == exception.date
            && (other.location == exception.location || other.location.is_none() || exception.location.is_none())
    });
    if let Some((other, _)) = same {
        let (who, date) = (&exception.practitioner, exception.date);
        root.wrong_at(line, format!("Line {other} already says when \"{who}\" works on {date}. Keep one of the two."));
    }
    let hours = &exception.hours;
    if (0..hours.len()).any(|at| hours[..at].iter().any(|other| by_the_clock(hours[at], *other))) {
        root.wrong_at(line, "The hours of this exception overlap themselves. Change one of them.");
    }
}

/// An exception whose hours overlap work at another location.
fn against_rules(
    root: &Section<'_>,
    zones: &Zones<'_>,
    shifts: &[Rule<'_>],
    exceptions: &[(usize, &ShiftException)],
    line: usize,
    exception: &ShiftException,
) {
    let Some(location) = exception.location.as_ref().filter(|_| !exception.hours.is_empty()) else { return };
    let mine: Vec<Instants> = exception.hours.iter().map(|hours| zones.instants(location, exception.date, *hours)).collect();
    let same_person = |other: &ShiftException| other.practitioner == exception.practitioner;
    let replaced = |place: &LocationSlug, date: NaiveDate| {
        exceptions.iter().any(|(_, other)| {
            same_person(other) && other.date == date && other.location.as_ref().is_none_or(|other| other == place)
        })
    };
    let collides = |place: &LocationSlug, date: NaiveDate, hours: Hours| {
        let theirs = zones.instants(place, date, hours);
        mine.iter().any(|mine| meet(*mine, theirs))
    };
    let rule = shifts.iter().filter(|(_, rule)| rule.practitioner == exception.practitioner && rule.location != *location).find(
        |(_, rule)| {
            around(exception.date)
                .any(|date| holds(rule, date) && !replaced(&rule.location, date) && collides(&rule.location, date, rule.hours))
        },
    );
    let earlier = exceptions.iter().take_while(|(_, other)| !std::ptr::eq(*other, exception)).find(|(_, other)| {
        let place = other.location.as_ref().filter(|place| *place != location);
        same_person(other) && place.is_some_and(|place| other.hours.iter().any(|hours| collides(place, other.date, *hours)))
    });
    if let Some(other) = rule.map(|(line, _)| line).or(earlier.map(|(line, _)| line)) {
        let (who, date) = (&exception.practitioner, exception.date);
        root.wrong_at(line, format!("On {date}, \"{who}\" works elsewhere at the same time (line {other}). Change the hours, or add an exception there."));
    }
}

/// The zone of every location that could be read.
struct Zones<'i>(&'i Items<Location>);

impl Zones<'_> {
    fn of(&self, location: &LocationSlug) -> Option<Tz> {
        self.0.iter().find(|known| known.slug == *location)?.zone.parse().ok()
    }

    /// These hours on this date as instants; `None` where the location could not be read.
    fn instants(&self, location: &LocationSlug, date: NaiveDate, hours: Hours) -> Instants {
        let zone = self.of(location)?;
        let (from, until) = hours.minutes();
        let instant = |minute: u32| {
            let wall = date.and_time(chrono::NaiveTime::MIN) + TimeDelta::minutes(minute.into());
            // A time that the change to summer skips is taken an hour later.
            let found = zone.from_local_datetime(&wall).earliest();
            found.or_else(|| zone.from_local_datetime(&(wall + TimeDelta::hours(1))).earliest()).map(|at| at.to_utc())
        };
        Some((instant(from)?, instant(until)?))
    }
}
