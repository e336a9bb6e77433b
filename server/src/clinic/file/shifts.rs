//! `[[shifts]]`, `[[exceptions]]`, `[[closures]]`: when somebody works, by the clock on the wall.

use app::clinic::model::{Closure, Shift, ShiftException};
use app::ids::{LocationSlug, PractitionerSlug, TreatmentSlug};
use chrono::{NaiveDate, Weekday};

use super::lists::texts;
use super::report::Reported;
use super::section::{Section, Value};
use super::treatments::Given;
use super::{Known, values};

/// The longest time away, or closed, in one entry.
const SPAN_DAYS_MAX: usize = 366;

/// One rule for each of the shift's hours.
pub(super) fn shift(section: &Section<'_>, known: &Known<'_>, given: &Given) -> Result<Vec<Shift>, Reported> {
    let practitioner =
        section.required("practitioner", "\"tom-ferreira\"", |value| known.practitioners.refer::<PractitionerSlug>(value));
    let location = section.required("location", "\"rowan-street\"", |value| known.locations.refer::<LocationSlug>(value));
    let days = section.required("days", "\"mon-fri\"", days);
    let hours = section.required("hours", "\"09:00-17:30\"", |value| {
        let hours = value.one_or_more(|item| item.parsed(values::hours))?;
        if hours.is_empty() {
            Err(value.wrong("this list is empty. Write for example: hours = \"09:00-17:30\""))
        } else {
            Ok(hours)
        }
    });
    let first = section.optional("first", "2026-01-05", Value::date);
    let last = section.optional("last", "2026-12-31", |value| Ok((value, value.date()?)));
    let treatments = listed_treatments(section, practitioner.as_ref(), known, given);
    let (first, last) = (first?, last?);
    if let (Some(first), Some((value, last))) = (first, last) {
        in_order(first, last, value)?;
    }
    let (practitioner, location, days, treatments) = (practitioner?, location?, days?, treatments?);
    let rule = |hours| Shift {
        practitioner: practitioner.clone(),
        location: location.clone(),
        days: days.clone(),
        hours,
        first,
        last: last.map(|(_, last)| last),
        treatments: treatments.clone(),
    };
    Ok(hours?.into_iter().map(rule).collect())
}

fn listed_treatments(
    section: &Section<'_>,
    practitioner: Result<&PractitionerSlug, &Reported>,
    known: &Known<'_>,
    given: &Given,
) -> Result<Option<Vec<TreatmentSlug>>, Reported> {
    let listed = section.optional("treatments", "[\"physio-first\"]", |value| Ok((value, known.treatments.refer_all(value)?)))?;
    given.in_shift(section, practitioner.map_err(|reported| *reported)?, listed)
}

/// `"mon-fri"` or `["mon", "wed-fri"]`, in the order of the week.
fn days(value: Value<'_>) -> Result<Vec<Weekday>, Reported> {
    let mut days = value.one_or_more(|item| item.parsed(values::days))?.concat();
    let count = days.len();
    days.sort_by_key(Weekday::num_days_from_monday);
    days.dedup();
    match days.len() {
        0 => Err(value.wrong("this list is empty. Write for example: days = \"mon-fri\"")),
        different if different < count => Err(value.wrong("a day is in the list twice. Name each day once.")),
        _ => Ok(days),
    }
}

fn in_order(first: NaiveDate, last: NaiveDate, value: Value<'_>) -> Result<(), Reported> {
    if last < first { Err(value.wrong(format!("the last day is before the first. Write {first} or later."))) } else { Ok(()) }
}

/// `date`, or `first` and `last`; at most a year.
fn span(section: &Section<'_>) -> Result<(NaiveDate, NaiveDate), Reported> {
    let date = section.optional("date", "2026-12-25", Value::date);
    let first = section.optional("first", "2026-12-24", Value::date);
    let last = section.optional("last", "2026-12-26", |value| Ok((value, value.date()?)));
    match (date?, first?, last?) {
        (Some(date), None, None) => Ok((date, date)),
        (None, Some(first), Some((value, last))) => {
            in_order(first, last, value)?;
            if first.iter_days().take(SPAN_DAYS_MAX).any(|day| day == last) {
                Ok((first, last))
            } else {
                Err(value.wrong("this is more than a year after the first day. Write an entry for each year."))
            }
        }
        _ => Err(section
            .wrong("This needs its days. Write either: date = 2026-12-25, or both: first = 2026-12-24 and last = 2026-12-26")),
    }
}

/// One exception for each day of its span.
pub(super) fn exception(section: &Section<'_>, known: &Known<'_>, given: &Given) -> Result<Vec<ShiftException>, Reported> {
    let practitioner =
        section.required("practitioner", "\"tom-ferreira\"", |value| known.practitioners.refer::<PractitionerSlug>(value));
    let location = section.optional("location", "\"rowan-street\"", |value| known.locations.refer::<LocationSlug>(value));
    let span = span(section);
    let hours =
        section.required("hours", "[] (away), or \"10:00-14:00\"", |value| value.one_or_more(|item| item.parsed(values::hours)));
    let treatments = match &hours {
        // Who is away gives nothing.
        Ok(hours) if hours.is_empty() => Ok(None),
        _ => listed_treatments(section, practitioner.as_ref(), known, given),
    };
    let (first, last) = span?;
    let (practitioner, location, hours, treatments) = (practitioner?, location?, hours?, treatments?);
    let on = |date| ShiftException {
        practitioner: practitioner.clone(),
        location: location.clone(),
        date,
        hours: hours.clone(),
        treatments: treatments.clone(),
    };
    Ok(first.iter_days().take_while(|date| *date <= last).map(on).collect())
}

pub(super) fn closure(section: &Section<'_>, known: &Known<'_>) -> Result<Closure, Reported> {
    let location = section.optional("location", "\"rowan-street\"", |value| known.locations.refer::<LocationSlug>(value));
    let span = span(section);
    let hours = section.optional("hours", "\"12:00-24:00\"", |value| value.parsed(values::hours));
    let reason = texts(section, "reason", known);
    let (first, last) = span?;
    Ok(Closure { location: location?, first, last, hours: hours?, reason: reason? })
}
