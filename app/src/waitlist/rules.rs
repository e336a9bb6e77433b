//! Which times suit somebody who waits, and how long one is theirs: pure, `now` is an argument.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Timelike, Utc};

use super::model::WishDraft;
use crate::clinic::model::WaitlistTerms;

/// An offer shorter than this could hardly be read in time.
const OFFER_MIN: TimeDelta = TimeDelta::minutes(15);

/// Where the parts of a day begin, by the hour on the wall.
const AFTERNOON_FROM: u32 = 12;
const EVENING_FROM: u32 = 17;

/// Whether a time on this wall clock is one of the days and hours that were ticked.
pub fn suits(wish: &WishDraft, local: NaiveDateTime) -> bool {
    let day = usize::try_from(local.weekday().num_days_from_monday()).unwrap_or_default();
    let part = match local.hour() {
        0..AFTERNOON_FROM => 0,
        AFTERNOON_FROM..EVENING_FROM => 1,
        _ => 2,
    };
    ticked(&wish.days(), day) && ticked(&wish.hours(), part)
}

/// Whether this choice was ticked, or none was.
fn ticked(choices: &[(&'static str, &str)], at: usize) -> bool {
    let on = |(_, value): &(&str, &str)| *value == "on";
    choices.get(at).is_some_and(on) || !choices.iter().any(on)
}

/// Until when a time is offered: as long as the clinic says, but never longer than half of what is
/// left, so that the next one has a chance. `None` if that is too short to answer.
pub fn offered_until(terms: WaitlistTerms, start: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let lease = TimeDelta::minutes(i64::from(terms.offer_min)).min((start - now) / 2);
    // To the second, so that what a page says is what holds.
    let lease = TimeDelta::seconds(lease.num_seconds());
    (lease >= OFFER_MIN).then(|| now + lease)
}

/// From when on offers may go out: `None` if they may now, by this wall clock.
pub fn quiet_until(terms: WaitlistTerms, local: NaiveDateTime) -> Option<NaiveDateTime> {
    let (from, until) = terms.hours.minutes();
    let minute = local.hour() * 60 + local.minute();
    if (from..until).contains(&minute) {
        return None;
    }
    let date = if minute < from { local.date() } else { local.date().succ_opt()? };
    Some(date.and_time(terms.hours.from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clinic::model::Hours;

    fn local(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn terms() -> WaitlistTerms {
        let hours = Hours { from: "08:00:00".parse().unwrap(), until: "21:00:00".parse().unwrap() };
        WaitlistTerms { offer_min: 60, hours }
    }

    #[test]
    fn nothing_ticked_is_any_day_and_any_hour() {
        assert!(suits(&WishDraft::default(), local("2026-03-15T06:00:00")));
    }

    #[test]
    fn only_ticked_days_and_hours_suit() {
        let wish = WishDraft { tue: "on".into(), thu: "on".into(), evening: "on".into(), ..WishDraft::default() };
        let cases = [
            ("2026-03-10T17:00:00", true),
            ("2026-03-12T23:55:00", true),
            ("2026-03-10T16:55:00", false),
            ("2026-03-11T17:00:00", false),
        ];
        for (time, expected) in cases {
            assert_eq!(suits(&wish, local(time)), expected, "{time}");
        }
        let noon = WishDraft { morning: "on".into(), ..WishDraft::default() };
        assert!(suits(&noon, local("2026-03-10T11:55:00")) && !suits(&noon, local("2026-03-10T12:00:00")));
    }

    #[test]
    fn an_offer_lasts_as_the_clinic_says_but_at_most_half_of_what_is_left() {
        let now = at("2026-03-11T12:00:00Z");
        let until = |start| offered_until(terms(), at(start), now);
        assert_eq!(until("2026-03-12T12:00:00Z"), Some(at("2026-03-11T13:00:00Z")));
        assert_eq!(until("2026-03-11T13:00:00Z"), Some(at("2026-03-11T12:30:00Z")));
        assert_eq!(until("2026-03-11T12:30:00Z"), Some(at("2026-03-11T12:15:00Z")));
        assert_eq!(until("2026-03-11T12:29:00Z"), None, "nobody can answer that fast");
        assert_eq!(until("2026-03-11T11:00:00Z"), None, "over");
    }

    #[test]
    fn offers_go_out_in_the_clinics_hours_and_wait_for_them_otherwise() {
        let cases = [
            ("2026-03-11T08:00:00", None),
            ("2026-03-11T20:59:00", None),
            ("2026-03-11T21:00:00", Some("2026-03-12T08:00:00")),
            ("2026-03-11T00:30:00", Some("2026-03-11T08:00:00")),
        ];
        for (now, expected) in cases {
            assert_eq!(quiet_until(terms(), local(now)), expected.map(local), "{now}");
        }
    }
}
