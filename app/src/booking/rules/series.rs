//! The times of several visits in one go: the same time by the clock on the wall, week after week.

use chrono::{DateTime, Datelike, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc, Weekday};

use super::{TICK_MIN, Tick, tick};
use crate::booking::series::model::SeriesWish;
use crate::fields::{FieldError, FieldErrors};

/// How often, and how many in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    pub every: Every,
    /// The first included; at least two.
    pub visits: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    Week,
    /// Also on this other day of the week, at this time.
    Twice(Weekday, NaiveTime),
    Fortnight,
}

impl Rhythm {
    /// What was wished, for a first visit at this time on the wall; every mistake at once.
    pub fn parse(wish: &SeriesWish, first: NaiveDateTime, visits_max: u32) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let visits = wish.visits.trim().parse().ok().filter(|visits| (2..=visits_max).contains(visits));
        let visits = errors.take("visits", visits.ok_or(FieldError::Malformed));
        let every = match wish.every.as_str() {
            "week" => Some(Every::Week),
            "fortnight" => Some(Every::Fortnight),
            "twice" => {
                let day = wish.day.parse().ok().filter(|day: &Weekday| *day != first.weekday());
                let day = errors.take("day", day.ok_or(FieldError::Malformed));
                let time = if wish.time.is_empty() { Some(first.time()) } else { time(&wish.time) };
                let time = errors.take("time", time.ok_or(FieldError::Malformed));
                day.zip(time).map(|(day, time)| Every::Twice(day, time))
            }
            "" => errors.take("every", Err(FieldError::Missing)),
            _ => errors.take("every", Err(FieldError::Malformed)),
        };
        match (every, visits) {
            (Some(every), Some(visits)) => Ok(Self { every, visits }),
            _ => Err(errors),
        }
    }
}

fn time(text: &str) -> Option<NaiveTime> {
    use chrono::Timelike as _;
    let time = NaiveTime::parse_from_str(text, "%H:%M").ok()?;
    time.minute().is_multiple_of(TICK_MIN).then_some(time)
}

/// The visits after the first, in their order. Summer and winter time move no visit on the wall.
pub fn lay_out<Z: TimeZone>(zone: &Z, first: DateTime<Utc>, rhythm: Rhythm) -> Vec<Tick> {
    let first = first.with_timezone(zone).naive_local();
    let (step, second) = match rhythm.every {
        Every::Week => (7, None),
        Every::Fortnight => (14, None),
        Every::Twice(day, time) => (7, Some(after(first.date(), day).and_time(time))),
    };
    let weeks = (0..).map(|week| TimeDelta::days(step * week));
    let all = weeks.flat_map(|later| std::iter::once(first + later).chain(second.map(|second| second + later)));
    let others = usize::try_from(rhythm.visits.saturating_sub(1)).unwrap_or_default();
    all.skip(1).take(others).map(|local| at_wall(zone, local)).collect()
}

/// The next such day of the week.
fn after(date: NaiveDate, day: Weekday) -> NaiveDate {
    let days = (i64::from(day.num_days_from_monday()) - i64::from(date.weekday().num_days_from_monday())).rem_euclid(7);
    date + TimeDelta::days(days)
}

/// When the wall shows this time: the first of two, and for a time that is skipped as long after
/// the skip as it would have been.
pub fn at_wall<Z: TimeZone>(zone: &Z, local: NaiveDateTime) -> Tick {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(only) => tick(only.to_utc()),
        LocalResult::Ambiguous(first, _) => tick(first.to_utc()),
        LocalResult::None => {
            let before = zone.offset_from_utc_datetime(&(local - TimeDelta::days(1))).fix();
            tick((local - before).and_utc())
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Europe::London;
    use chrono_tz::Tz;
    use proptest::prelude::*;

    use super::super::instant;
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn wish(every: &str, visits: &str, day: &str, time: &str) -> SeriesWish {
        SeriesWish { every: every.into(), visits: visits.into(), day: day.into(), time: time.into() }
    }

    /// On the wall in London, in days and times.
    fn walls(first: &str, wish: &SeriesWish) -> Vec<String> {
        let first = at(first);
        let rhythm = Rhythm::parse(wish, first.with_timezone(&London).naive_local(), 12).unwrap();
        let wall = |start: Tick| instant(start).with_timezone(&London).format("%a %d %H:%M").to_string();
        lay_out(&London, first, rhythm).into_iter().map(wall).collect()
    }

    #[test]
    fn every_week_it_is_the_same_time_on_the_wall_when_the_clocks_change_too() {
        // Thursday at nine; the clocks go forward on 29 March.
        let week = wish("week", "4", "", "");
        assert_eq!(walls("2026-03-12T09:00:00Z", &week), ["Thu 19 09:00", "Thu 26 09:00", "Thu 02 09:00"]);
        let fortnight = wish("fortnight", "3", "mon", "");
        assert_eq!(walls("2026-03-12T09:00:00Z", &fortnight), ["Thu 26 09:00", "Thu 09 09:00"]);
    }

    #[test]
    fn twice_a_week_the_second_day_may_have_a_time_of_its_own() {
        let twice = wish("twice", "5", "mon", "14:30");
        assert_eq!(walls("2026-03-12T09:00:00Z", &twice), ["Mon 16 14:30", "Thu 19 09:00", "Mon 23 14:30", "Thu 26 09:00"]);
        assert_eq!(walls("2026-03-12T09:00:00Z", &wish("twice", "2", "fri", "")), ["Fri 13 09:00"]);
    }

    #[test]
    fn a_time_that_is_skipped_comes_as_long_after_and_one_that_repeats_is_the_first() {
        let local = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
        assert_eq!(instant(at_wall(&London, local("2026-03-29 01:30"))), at("2026-03-29T01:30:00Z"));
        assert_eq!(instant(at_wall(&London, local("2026-10-25 01:30"))), at("2026-10-25T00:30:00Z"));
    }

    #[test]
    fn every_mistake_of_a_wish_is_found_at_once() {
        let first = at("2026-03-12T09:00:00Z").naive_utc();
        let fields = |wish: &SeriesWish| Rhythm::parse(wish, first, 12).unwrap_err().0.into_keys().collect::<Vec<_>>();
        assert_eq!(fields(&SeriesWish::default()), ["every", "visits"]);
        assert_eq!(fields(&wish("twice", "13", "thu", "9.30")), ["day", "time", "visits"]);
        assert_eq!(fields(&wish("twice", "1", "someday", "09:31")), ["day", "time", "visits"]);
        assert_eq!(fields(&wish("daily", "4294967296", "", "")), ["every", "visits"]);
    }

    proptest! {
        #[test]
        fn in_any_zone_the_wall_shows_what_was_promised(
            zone in 0..chrono_tz::TZ_VARIANTS.len(), start in 5_900_000_i64..6_200_000, visits in 2_u32..24, every in 0..3_usize,
        ) {
            let zone: Tz = chrono_tz::TZ_VARIANTS[zone];
            let first = instant(start);
            let local = first.with_timezone(&zone).naive_local();
            let every = [Every::Week, Every::Fortnight, Every::Twice(local.weekday().succ(), local.time())][every];
            let others = lay_out(&zone, first, Rhythm { every, visits });
            prop_assert_eq!(others.len() + 1, visits as usize);
            let mut before = start;
            for other in others {
                prop_assert!(other > before, "{} {}", zone, first);
                before = other;
                let wall = instant(other).with_timezone(&zone).naive_local();
                let promised = wall.date().and_time(local.time());
                prop_assert!(wall == promised || zone.from_local_datetime(&promised) == LocalResult::None, "{} {} {}", zone, first, wall);
            }
        }
    }
}
