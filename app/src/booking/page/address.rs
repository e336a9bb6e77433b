//! What the address of the times page says: every link on it is this address with one thing changed.
//!
//! Values that do not parse are left out: an address typed by hand still shows times.

use chrono::{DateTime, NaiveDate, Utc};
use leptos_router::params::ParamsMap;
use serde::{Deserialize, Serialize};

use crate::booking::model::{TimesFor, TimesQuery};
use crate::embed;
use crate::ids::{ClinicSlug, LinkToken, LocationSlug, PractitionerSlug, TreatmentSlug};
use crate::routes;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimesAddress {
    pub clinic: ClinicSlug,
    pub way: Way,
    pub practitioner: Option<PractitionerSlug>,
    pub location: Option<LocationSlug>,
    /// An IANA zone that the reader chose.
    pub zone: Option<String>,
    pub part: Part,
    /// The time that a link from elsewhere picks out. No link on the page says it again.
    pub wanted: Option<DateTime<Utc>>,
}

/// What the times are for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    Book {
        treatment: TreatmentSlug,
        /// The hold that the time chosen here takes the place of.
        replaces: Option<LinkToken>,
    },
    Move {
        visit: LinkToken,
    },
}

/// Which part of the free times is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// Days from here on; `None`: from now.
    List(Option<NaiveDate>),
    Calendar {
        /// Any day of the month.
        month: Option<NaiveDate>,
        /// The day whose times are shown.
        day: Option<NaiveDate>,
    },
}

impl TimesAddress {
    pub fn to_book(clinic: ClinicSlug, treatment: TreatmentSlug, query: &ParamsMap) -> Self {
        let replaces = query.get("replaces").filter(|token| is_token(token)).map(LinkToken);
        Self::read(clinic, Way::Book { treatment, replaces }, query)
    }

    pub fn to_move(clinic: ClinicSlug, visit: LinkToken, query: &ParamsMap) -> Self {
        Self::read(clinic, Way::Move { visit }, query)
    }

    fn read(clinic: ClinicSlug, way: Way, query: &ParamsMap) -> Self {
        let date = |name: &str| query.get(name).and_then(|text| text.parse().ok());
        let part = match query.get("view").as_deref() {
            Some("calendar") => Part::Calendar { month: date("month"), day: date("day") },
            _ => Part::List(date("from")),
        };
        Self {
            clinic,
            way,
            practitioner: query.get("practitioner").and_then(|text| text.parse().ok()),
            location: query.get("location").and_then(|text| text.parse().ok()),
            zone: query.get("zone").filter(|zone| is_zone(zone)),
            part,
            wanted: query.get("start").and_then(|text| text.parse().ok()),
        }
    }

    /// The page without anything chosen on it.
    pub fn page(&self) -> String {
        match &self.way {
            Way::Book { treatment, .. } => routes::bare_times(&self.clinic, treatment),
            Way::Move { visit } => routes::relocate(&self.clinic, visit),
        }
    }

    /// The hold that the chosen time takes the place of.
    pub const fn replaces(&self) -> Option<&LinkToken> {
        match &self.way {
            Way::Book { replaces, .. } => replaces.as_ref(),
            Way::Move { .. } => None,
        }
    }

    pub fn href(&self) -> String {
        let mut address = self.page();
        let mut mark = '?';
        let mut add = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                address.extend([&*mark.to_string(), name, "=", &value.replace('+', "%2B")]);
                mark = '&';
            }
        };
        add("practitioner", self.practitioner.as_ref().map(PractitionerSlug::as_str));
        add("location", self.location.as_ref().map(LocationSlug::as_str));
        add("zone", self.zone.as_deref());
        add("replaces", self.replaces().map(|token| token.0.as_str()));
        let text = |date: &Option<NaiveDate>| date.map(|date| date.to_string());
        match &self.part {
            Part::List(from) => add("from", text(from).as_deref()),
            Part::Calendar { month, day } => {
                add("view", Some("calendar"));
                add("month", text(month).as_deref());
                add("day", text(day).as_deref());
            }
        }
        embed::carry(address)
    }

    /// This address with another part of the times.
    pub fn with_part(&self, part: Part) -> String {
        Self { part, ..self.clone() }.href()
    }

    /// With someone else; the list starts anew, because their days are others.
    pub fn with_practitioner(&self, practitioner: Option<PractitionerSlug>) -> String {
        Self { practitioner, part: self.part.at_start(), ..self.clone() }.href()
    }

    pub fn at_location(&self, location: LocationSlug) -> String {
        Self { location: Some(location), part: self.part.at_start(), ..self.clone() }.href()
    }

    /// What the server is asked. `zone` is what the browser knows of itself, if it was asked.
    pub fn query(&self, zone: Option<String>) -> TimesQuery {
        let (from, month) = match self.part {
            Part::List(from) => (from, None),
            // A day before all that can be booked: the server shows the first month there is.
            Part::Calendar { month, day } => (day, Some(month.or(day).unwrap_or_default())),
        };
        TimesQuery {
            clinic: self.clinic.clone(),
            what: match &self.way {
                Way::Book { treatment, .. } => TimesFor::Treatment(treatment.clone()),
                Way::Move { visit } => TimesFor::Visit(visit.clone()),
            },
            practitioner: self.practitioner.clone(),
            location: self.location.clone(),
            from,
            month,
            zone: self.zone.clone().or(zone),
        }
    }
}

impl Part {
    const fn at_start(&self) -> Self {
        match self {
            Self::List(_) => Self::List(None),
            Self::Calendar { month, .. } => Self::Calendar { month: *month, day: None },
        }
    }
}

/// The characters of IANA names; the server knows which names exist.
fn is_zone(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_/+-".contains(&byte))
}

/// The characters of private links.
fn is_token(text: &str) -> bool {
    (1..=400).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&'static str, &str)]) -> TimesAddress {
        let query: ParamsMap = pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        TimesAddress::to_book("rowan".parse().unwrap(), "physio".parse().unwrap(), &query)
    }

    #[test]
    fn an_address_says_the_same_after_being_read_and_written() {
        for pairs in [
            vec![],
            vec![("practitioner", "tom"), ("location", "main"), ("from", "2026-03-16")],
            vec![("replaces", "abc-_.9"), ("view", "calendar"), ("month", "2026-03-01"), ("day", "2026-03-16")],
            vec![("zone", "Etc/GMT+5")],
        ] {
            let address = read(&pairs);
            let query = address.href();
            let query = query.split_once('?').map_or("", |(_, query)| query);
            let again: Vec<(String, String)> = query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.replace("%2B", "+")))
                .collect();
            let expected: Vec<(String, String)> =
                pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(again, expected);
        }
    }

    #[test]
    fn what_does_not_parse_is_left_out() {
        let address = read(&[("practitioner", "Tom!"), ("from", "soon"), ("zone", "<b>"), ("replaces", "a b")]);
        assert_eq!(address.href(), "/rowan/booking/physio");
    }

    #[test]
    fn a_link_from_elsewhere_picks_out_a_time_and_what_it_adds_is_not_kept() {
        let pairs = [("from", "2026-03-16"), ("start", "2026-03-16T09:20:00Z"), ("source", "abc"), ("booking-referral", "7")];
        let address = read(&pairs);
        assert_eq!(address.wanted, "2026-03-16T09:20:00Z".parse().ok());
        assert_eq!(address.href(), "/rowan/booking/physio?from=2026-03-16");
        assert_eq!(read(&[("start", "soon")]).wanted, None);
    }

    #[test]
    fn the_times_for_a_visit_are_on_a_page_of_its_own() {
        let query: ParamsMap = [("practitioner", "tom".to_owned()), ("replaces", "abc".to_owned())].into_iter().collect();
        let address = TimesAddress::to_move("rowan".parse().unwrap(), LinkToken("xyz".to_owned()), &query);
        assert_eq!(address.href(), "/rowan/visit/xyz/move?practitioner=tom");
    }

    #[test]
    fn another_person_starts_the_list_anew_and_keeps_the_rest() {
        let address = read(&[("from", "2026-03-16"), ("replaces", "abc")]);
        assert_eq!(address.with_practitioner("tom".parse().ok()), "/rowan/booking/physio?practitioner=tom&replaces=abc");
    }
}
