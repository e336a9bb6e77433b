//! The job that writes to whoever lost the private link of a visit.
//!
//! Who asked is unknown, so the letter goes to the contact on file and nowhere else; where nobody
//! has such a contact, nothing goes out and nothing says so.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use app::clinic::model::Clinic;
use app::ids::ClinicSlug;
use app::routes;
use app::words::Language;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::job::{News, VisitLetters};
use super::letter::{Letter, LetterKind, MessageId, Recipient};
use super::render::{self, Envelope};
use super::store;
use super::visit::{comma, host};
use crate::booking::links::contact_with;
use crate::booking::store::appointment::{self, AppointmentRow};
use crate::jobs::{Job, JobError, JobRun};
use crate::labels;
use crate::link::Purpose;

/// Text messages that one request for links sends to a number.
const TEXTS_MAX: usize = 3;

/// Runs the jobs of the kind `letter.links`.
pub struct LinkLetters(pub Arc<VisitLetters>);

/// What the job's row says.
#[derive(Deserialize)]
struct Subject {
    /// The fingerprint of what was typed.
    contact: String,
}

/// What the template knows.
#[derive(Serialize)]
struct Values {
    clinic: String,
    phone: String,
    phone_hours: String,
    visits: Vec<Line>,
}

/// One visit of the letter.
#[derive(Serialize)]
struct Line {
    when: String,
    link: String,
}

#[async_trait]
impl JobRun for LinkLetters {
    async fn run(&self, job: &Job) -> Result<(), JobError> {
        let Self(letters) = self;
        let Subject { contact } = job.subject().map_err(|error| JobError::Fail(anyhow!(error)))?;
        let slug: ClinicSlug = job.clinic.parse().map_err(|error| JobError::Fail(anyhow!("the clinic's slug: {error}")))?;
        let clinic = letters.clinic(&slug).await?;
        let mut tx = letters.database.read().await?;
        // Two contacts on file may be written alike; each is told of its own visits only.
        let mut found: BTreeMap<String, Vec<AppointmentRow>> = BTreeMap::new();
        for visit in appointment::upcoming(&mut tx, &slug, letters.clock.now()).await? {
            if let Some(own) = contact_with(&letters.links, &visit, &contact) {
                found.entry(own).or_default().push(visit);
            }
        }
        let mut news = Vec::new();
        for written in self.write_all(&clinic, &found, job).map_err(JobError::Fail)? {
            if !store::is_settled(&mut tx, &slug, &written.letter).await? {
                news.push(written);
            }
        }
        drop(tx);
        letters.send_all(&slug, news, job).await
    }
}

impl LinkLetters {
    /// To each contact: a mail holds all of its visits, a text message has room for one. Each of
    /// those costs the clinic, and anybody may ask for them: the next few have to do.
    fn write_all(&self, clinic: &Clinic, found: &BTreeMap<String, Vec<AppointmentRow>>, job: &Job) -> anyhow::Result<Vec<News>> {
        let mut news = Vec::new();
        for (own, visits) in found {
            let (at_once, letters) = if own.contains('@') { (visits.len(), 1) } else { (1, TEXTS_MAX) };
            for part in visits.chunks(at_once.max(1)).take(letters) {
                let Some(first) = part.first() else { continue };
                let number = i64::try_from(news.len())?;
                news.push(News { about: first.id, letter: self.write(clinic, own, part, (job, number))?, told: None });
            }
        }
        Ok(news)
    }

    /// `of`: the job and the letter's number in it, which tell it from every other.
    fn write(&self, clinic: &Clinic, contact: &str, visits: &[AppointmentRow], of: (&Job, i64)) -> anyhow::Result<Letter> {
        let Self(letters) = self;
        let language = render::language(clinic, visits.first().map(|visit| visit.language));
        let values = Values {
            clinic: clinic.name.clone(),
            phone: clinic.phone_label.replace(' ', &labels::NBSP.to_string()),
            phone_hours: clinic.phone_hours.get(language).to_owned(),
            visits: visits.iter().filter_map(|visit| self.line(clinic, visit, language)).collect(),
        };
        let kind = LetterKind::Links;
        let id = MessageId::new(kind, &of.0.id, of.1, host(&letters.origin));
        let recipient = recipient(contact).context("the contact on file is none")?;
        Ok(render::write(Envelope { id, kind, language, clinic, recipient }, "", &values)?)
    }

    /// When it is and where it is to be seen; `None` for a visit whose location the clinic has given up.
    fn line(&self, clinic: &Clinic, visit: &AppointmentRow, language: Language) -> Option<Line> {
        let Self(letters) = self;
        let zone = clinic.location(&visit.place.location)?.zone.parse().ok()?;
        let moment = labels::moment(visit.place.start, zone, language, letters.clock.now(), None);
        let link = letters.links.make(Purpose::Visit, visit.id.0);
        Some(Line {
            when: format!("{}{} {}", moment.day, comma(language), moment.time),
            link: format!("{}{}", letters.origin, routes::visit(&clinic.slug, &link)),
        })
    }
}

fn recipient(contact: &str) -> Option<Recipient> {
    let is_mail = contact.contains('@');
    Recipient::of("", is_mail.then_some(contact), (!is_mail).then_some(contact))
}

#[cfg(test)]
mod tests;
