//! The job that writes to a patient about their visit.
//!
//! Everything is decided when it runs, from the state of that moment: whether there is anything
//! to say, which letter it is, to whom, in which language.
//!
//! The letter's row is there before the letter goes out. A run after a crash finds it: a letter
//! that was sent is not sent again; one whose sending never came to an end goes out once more,
//! with the same Message-ID, and not a third time.

use std::sync::Arc;

use anyhow::anyhow;
use app::clinic::model::Clinic;
use app::ids::{AppointmentId, ClinicSlug};
use app::request::Caller;
use async_trait::async_trait;
use serde::Deserialize;

use super::channel::{Channels, NotTaken};
use super::letter::Letter;
use super::store::{self, Outcome, Standing};
use super::visit::VisitLetter;
use crate::audit;
use crate::booking::letter::letter_facts;
use crate::clinic::Clinics;
use crate::clock::Clock;
use crate::jobs::{Job, JobError, JobRun};
use crate::link::{Links, Purpose};
use crate::store::{Database, StoreError};
use crate::telemetry;

/// Runs the jobs of the kind `letter.confirmation`.
pub struct VisitLetters {
    pub database: Database,
    pub clock: Clock,
    pub clinics: Arc<Clinics>,
    pub links: Arc<Links>,
    /// By which people reach the server: `https://portal.example`.
    pub origin: String,
    pub channels: Channels,
}

/// What the job's row says.
#[derive(Deserialize)]
struct Subject {
    appointment: AppointmentId,
}

#[async_trait]
impl JobRun for VisitLetters {
    async fn run(&self, job: &Job) -> Result<(), JobError> {
        let subject: Subject = job.subject().map_err(|error| JobError::Fail(anyhow!(error)))?;
        let clinic: ClinicSlug = job.clinic.parse().map_err(|error| JobError::Fail(anyhow!("the clinic's slug: {error}")))?;
        let letter = self.letter(&clinic, subject.appointment).await?;
        self.send(&clinic, subject.appointment, letter, job).await
    }
}

impl VisitLetters {
    /// The letter to send now, unless there is nothing to say, or it has been said.
    async fn letter(&self, slug: &ClinicSlug, id: AppointmentId) -> Result<Letter, JobError> {
        let clinic = self.clinic(slug).await?;
        let mut tx = self.database.read().await?;
        let facts = letter_facts(&mut tx, slug, id).await?.ok_or(JobError::Moot("there is no such visit"))?;
        let link = self.links.make(Purpose::Visit, id.0);
        let letter = VisitLetter { facts: &facts, clinic: &clinic, link: &link, origin: &self.origin, now: self.clock.now() }
            .write()
            .map_err(|error| JobError::Fail(anyhow!(error)))?;
        let letter = letter.ok_or(JobError::Moot("there is nothing to say any more"))?;
        if store::is_settled(&mut tx, slug, &letter).await? { Err(JobError::Moot("it has been said")) } else { Ok(letter) }
    }

    async fn clinic(&self, slug: &ClinicSlug) -> Result<Arc<Clinic>, JobError> {
        if self.clinics.get(slug).is_none() {
            // Another process has just loaded it.
            self.clinics.refresh().await?;
        }
        let current = self.clinics.get(slug).ok_or_else(|| JobError::Fail(anyhow!("there is no such clinic")))?;
        Ok(current.clinic)
    }

    async fn send(&self, slug: &ClinicSlug, about: AppointmentId, letter: Letter, job: &Job) -> Result<(), JobError> {
        let (clinic, beginning, id, now) = (slug.clone(), letter.clone(), self.clock.new_id(), self.clock.now());
        let begun = self.database.write(async move |tx| store::begin(tx, &clinic, about, &beginning, id, now).await).await?;
        let delivered = match begun {
            Standing::Settled => return Err(JobError::Moot("it has been said")),
            Standing::Go => self.channels.deliver(&letter, now, self.clock.new_id()).await,
            Standing::Unknown => {
                Err(NotTaken::Never("it was handed over twice without an answer, so it may have arrived".to_owned()))
            }
        };
        let (outcome, answer) = match delivered {
            Ok(()) => (Outcome::Sent, Ok(())),
            Err(NotTaken::Later(why)) if !job.is_last() => (Outcome::Waiting(why.clone()), Err(JobError::Retry(anyhow!(why)))),
            Err(NotTaken::Unanswered(why)) => (Outcome::Unanswered(why.clone()), Err(JobError::Retry(anyhow!(why)))),
            Err(NotTaken::Later(why) | NotTaken::Never(why)) => (Outcome::Failed(why.clone()), Err(JobError::Fail(anyhow!(why)))),
        };
        let labels = [("channel", letter.recipient.channel()), ("outcome", outcome.name())];
        metrics::counter!(telemetry::LETTERS, &labels).increment(1);
        self.note(slug, about, letter, outcome, begun).await?;
        answer
    }

    /// What cannot be sent is a fact about the patient's care, so it is in the audit as well.
    async fn note(
        &self,
        slug: &ClinicSlug,
        about: AppointmentId,
        letter: Letter,
        outcome: Outcome,
        begun: Standing,
    ) -> Result<(), StoreError> {
        let (clinic, now) = (slug.clone(), self.clock.now());
        self.database
            .write(async move |tx| {
                if begun != Standing::Unknown {
                    store::end(tx, &clinic, &letter, &outcome, now).await?;
                }
                let Outcome::Failed(why) = &outcome else { return Ok(()) };
                let caller = Caller::system(letter.language);
                let entry = audit::Entry::new(clinic.as_str(), &caller, "letter.fail", about)
                    .with("letter", letter.kind.name())
                    .with("reason", why);
                audit::record(tx, &entry, now).await
            })
            .await
    }
}

#[cfg(test)]
mod tests;
