//! Rows turned into what a page shows: labels in the caller's language, in the location's zone.

use std::sync::Arc;

use app::booking::model::{Slot, VisitSummary};
use app::booking::rules::{Tick, free_until, instant};
use app::clinic::model::{Clinic, Confirmation, Location, Treatment};
use app::ids::{LocationSlug, PractitionerSlug, TreatmentSlug};
use app::moment::Moment;
use app::request::Caller;
use app::words::Language;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::store::Place;
use crate::clinic::cards;
use crate::failure::Failure;
use crate::labels;

/// Everything a label depends on.
pub struct View {
    pub clinic: Arc<Clinic>,
    pub language: Language,
    /// Where the reader is, if they said so.
    pub reader: Option<Tz>,
    pub now: DateTime<Utc>,
}

impl View {
    pub fn new(clinic: Arc<Clinic>, caller: &Caller, zone: Option<&str>, now: DateTime<Utc>) -> Self {
        let reader = zone.or(caller.zone.as_deref()).and_then(|zone| zone.parse().ok());
        Self { clinic, language: caller.language, reader, now }
    }

    pub fn treatment(&self, slug: &TreatmentSlug) -> Result<&Treatment, Failure> {
        self.clinic.treatment(slug).ok_or_else(|| Failure::Broken(format!("the clinic no longer has the treatment {slug}")))
    }

    pub fn location(&self, slug: &LocationSlug) -> Result<&Location, Failure> {
        self.clinic.location(slug).ok_or_else(|| Failure::Broken(format!("the clinic no longer has the location {slug}")))
    }

    pub fn moment(&self, at: DateTime<Utc>, zone: Tz) -> Moment {
        labels::moment(at, zone, self.language, self.now, self.reader)
    }

    /// A time on offer.
    pub fn slot(&self, start: Tick, zone: Tz, practitioner: &PractitionerSlug, seats: Option<u32>) -> Slot {
        let name = self.clinic.practitioner(practitioner).map_or_else(String::new, |practitioner| practitioner.name.clone());
        Slot { start: self.moment(instant(start), zone), practitioner: practitioner.clone(), practitioner_name: name, seats }
    }

    /// The visit at a place, with what it costs to cancel it.
    pub fn summary(&self, place: &Place, answer_by: Option<DateTime<Utc>>) -> Result<VisitSummary, Failure> {
        let treatment = self.treatment(&place.treatment)?;
        let location = self.location(&place.location)?;
        let zone = zone_of(location)?;
        let practitioner = self
            .clinic
            .practitioner(&place.practitioner)
            .ok_or_else(|| Failure::Broken(format!("the clinic no longer has the practitioner {}", place.practitioner)))?;
        let fee = treatment.cancellation.fee;
        let free_until = free_until(treatment.cancellation, place.start).filter(|until| *until > self.now);
        Ok(VisitSummary {
            treatment: cards::treatment(&self.clinic, treatment, self.language),
            start: self.moment(place.start, zone),
            end: self.moment(place.end, zone),
            practitioner: cards::practitioner(practitioner, self.language),
            practitioner_chosen: place.practitioner_chosen,
            location: cards::location(&self.clinic, location, self.language),
            free_until: free_until.map(|until| self.moment(until, zone)),
            cancel_fee: (fee > 0).then(|| labels::money(fee, &self.clinic.currency, self.language)),
            answer_by: answer_by.map(|at| self.moment(at, zone)),
        })
    }

    /// When staff answer at the latest, for a request made now; never after the visit begins.
    pub fn answer_by(&self, treatment: &Treatment, start: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match treatment.confirmation {
            Confirmation::Instant => None,
            Confirmation::OnRequest { answer_within_min } => {
                Some((self.now + TimeDelta::minutes(i64::from(answer_within_min))).min(start))
            }
        }
    }
}

pub fn zone_of(location: &Location) -> Result<Tz, Failure> {
    location.zone.parse().map_err(|_| Failure::Broken(format!("the zone of the location {} does not exist", location.slug)))
}
