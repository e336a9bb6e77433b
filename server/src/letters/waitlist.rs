//! The jobs that write to whoever waits for a time: that they are on the list, and that one is
//! theirs to take.

use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use app::clinic::model::Clinic;
use app::ids::{AppointmentId, ClinicSlug, EntryId};
use app::routes;
use app::words::Language;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::job::{News, VisitLetters};
use super::letter::{LetterKind, MessageId, Recipient};
use super::render::{self, Envelope};
use super::visit::{comma, host, isolated};
use crate::jobs::{Job, JobError, JobRun};
use crate::labels;
use crate::link::Purpose;
use crate::waitlist::jobs::{OFFER_LETTER_JOB, OfOffer};
use crate::waitlist::letter::{WaitFacts, of_entry, of_offer};
use crate::waitlist::store::OfferRow;

/// Runs the jobs `letter.offer` and `letter.waiting`.
pub struct WaitlistLetters(pub Arc<VisitLetters>);

#[derive(Deserialize)]
struct OfEntry {
    entry: EntryId,
}

/// What the templates know. Nothing about health may be added here.
#[derive(Serialize)]
struct Values {
    reader: String,
    clinic: String,
    phone: String,
    phone_hours: String,
    /// Where the reader answers, or sees where they stand.
    link: String,
    day: String,
    time: String,
    zone: String,
    practitioner: String,
    location: String,
    /// Until when the time is theirs, or they are asked.
    until: String,
    /// A visit would move.
    moves: bool,
}

#[async_trait]
impl JobRun for WaitlistLetters {
    async fn run(&self, job: &Job) -> Result<(), JobError> {
        let Self(letters) = self;
        let slug: ClinicSlug = job.clinic.parse().map_err(|error| JobError::Fail(anyhow!("the clinic's slug: {error}")))?;
        let clinic = letters.clinic(&slug).await?;
        let now = letters.clock.now();
        let mut tx = letters.database.read().await?;
        let broken = |error| JobError::Fail(anyhow!("{error}"));
        let facts = if job.kind == OFFER_LETTER_JOB {
            let OfOffer { offer } = job.subject().map_err(broken)?;
            let facts = of_offer(&mut tx, &slug, offer).await?;
            facts.filter(|facts| facts.offer.as_ref().is_some_and(|offer| offer.is_open(now)))
        } else {
            let OfEntry { entry } = job.subject().map_err(broken)?;
            of_entry(&mut tx, &slug, entry).await?.filter(|facts| facts.entry.is_waiting(now))
        };
        drop(tx);
        let facts = facts.ok_or(JobError::Moot("there is nothing to say any more"))?;
        let news = self.write(&clinic, &facts, now).map_err(JobError::Fail)?;
        letters.send(&slug, news, job).await
    }
}

impl WaitlistLetters {
    fn write(&self, clinic: &Clinic, facts: &WaitFacts, now: DateTime<Utc>) -> anyhow::Result<News> {
        let Self(letters) = self;
        let kind = if facts.offer.is_some() { LetterKind::Offer } else { LetterKind::Waiting };
        let language = render::language(clinic, facts.language);
        // An offer's hold becomes the visit with the same id.
        let about = facts.offer.as_ref().map_or(facts.entry.id.0, |offer| offer.id);
        let values = self.values(clinic, facts, language, now)?;
        let headline = format!("{}{} {}", values.day, comma(language), values.time);
        let recipient = Recipient::of(&facts.reader, facts.email.as_deref(), facts.phone.as_deref());
        let recipient = recipient.context("whoever waits left no address")?;
        let id = MessageId::new(kind, &about, 0, host(&letters.origin));
        let letter = render::write(Envelope { id, kind, language, clinic, recipient }, &headline, &values)?;
        Ok(News { about: AppointmentId(about), letter, told: None })
    }

    fn values(&self, clinic: &Clinic, facts: &WaitFacts, language: Language, now: DateTime<Utc>) -> anyhow::Result<Values> {
        let Self(letters) = self;
        let own = |text: &str| isolated(text, language);
        let zone = zone(clinic, facts)?;
        let moment = |at| labels::moment(at, zone, language, now, None);
        let (path, until) = if let Some(offer) = &facts.offer {
            let until = moment(offer.expires_at);
            let today = moment(now).date == until.date;
            let until = if today { until.time } else { format!("{}{} {}", until.day, comma(language), until.time) };
            (routes::offer(&clinic.slug, &letters.links.make(Purpose::Offer, offer.id)), until)
        } else {
            let link = letters.links.make(Purpose::Entry, facts.entry.id.0);
            (routes::waitlist(&clinic.slug, &link), moment(facts.entry.until_at).day)
        };
        let (start, practitioner, location) = match &facts.offer {
            Some(OfferRow { start, practitioner, location, .. }) => (
                Some(moment(*start)),
                clinic.practitioner(practitioner).map(|one| own(&one.name)).unwrap_or_default(),
                clinic.location(location).map(|one| own(&one.name)).unwrap_or_default(),
            ),
            None => (None, String::new(), String::new()),
        };
        let (day, time, zone) = start.map(|start| (start.day, start.time, start.zone)).unwrap_or_default();
        Ok(Values {
            reader: own(facts.reader.trim()),
            clinic: own(&clinic.name),
            phone: own(&clinic.phone_label).replace(' ', &labels::NBSP.to_string()),
            phone_hours: clinic.phone_hours.get(language).to_owned(),
            link: format!("{}{path}", letters.origin),
            moves: facts.entry.appointment.is_some(),
            day,
            time,
            zone,
            practitioner,
            location,
            until,
        })
    }
}

/// Where the times of the letter are by the clock.
fn zone(clinic: &Clinic, facts: &WaitFacts) -> anyhow::Result<Tz> {
    let slug = facts.offer.as_ref().map(|offer| &offer.location).or(facts.entry.location.as_ref());
    let location = slug.and_then(|slug| clinic.location(slug)).or_else(|| clinic.locations.first());
    let location = location.context("the clinic has no location")?;
    location.zone.parse().map_err(|_| anyhow!("the zone of the location {} does not exist", location.slug))
}
