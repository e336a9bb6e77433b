//! Until when a patient may change a visit, and what cancelling costs.

use chrono::{DateTime, TimeDelta, Utc};

use crate::clinic::model::Cancellation;

/// A visit can be moved and cancelled until the moment it begins.
pub fn is_ahead(start: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now < start
}

/// Before this instant cancelling is free; `None` if it always is.
pub fn free_until(terms: Cancellation, start: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (terms.fee > 0).then(|| start - TimeDelta::minutes(i64::from(terms.free_until_min)))
}

/// What cancelling costs at an instant, in the smallest unit of the clinic's currency.
pub fn fee_at(terms: Cancellation, start: DateTime<Utc>, now: DateTime<Utc>) -> u32 {
    match free_until(terms, start) {
        Some(until) if until <= now => terms.fee,
        _ => 0,
    }
}

/// How long before a visit it makes sense to say that one is running late.
const LATE_FROM: TimeDelta = TimeDelta::hours(2);

/// Whether "I am running late" means anything now: the visit begins soon, or has not ended.
pub fn may_be_late(start: DateTime<Utc>, end: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    start - LATE_FROM <= now && now < end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_late_from_two_hours_before_the_visit_until_its_end() {
        let (start, end) = (at("2026-03-12T10:00:00Z"), at("2026-03-12T10:45:00Z"));
        let late = |now| may_be_late(start, end, at(now));
        assert!(!late("2026-03-12T07:59:59Z") && late("2026-03-12T08:00:00Z"));
        assert!(late("2026-03-12T10:44:59Z") && !late("2026-03-12T10:45:00Z"));
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn cancelling_is_free_up_to_the_last_moment_of_the_window_and_not_in_the_next() {
        let terms = Cancellation { free_until_min: 1440, fee: 2000 };
        let start = at("2026-03-12T10:00:00Z");
        assert_eq!(fee_at(terms, start, at("2026-03-11T09:59:59Z")), 0);
        assert_eq!(fee_at(terms, start, at("2026-03-11T10:00:00Z")), 2000);
        assert_eq!(fee_at(Cancellation { fee: 0, ..terms }, start, at("2026-03-12T09:59:00Z")), 0);
        assert_eq!(free_until(Cancellation { fee: 0, ..terms }, start), None, "never costs anything");
    }

    #[test]
    fn a_visit_that_begins_now_has_begun() {
        let start = at("2026-03-12T10:00:00Z");
        assert!(is_ahead(start, at("2026-03-12T09:59:59Z")));
        assert!(!is_ahead(start, start));
    }
}
