//! The job that writes to a patient about their visit.
//!
//! Everything is decided when it runs, from the state of that moment: whether there is anything
//! to say, which letter it is, to whom, in which language. A run after a crash finds the letter's
//! row and does nothing, or writes the same letter over itself.

use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use app::clinic::model::Clinic;
use app::ids::{AppointmentId, ClinicSlug};
use async_trait::async_trait;
use serde::Deserialize;

use super::letter::Letter;
use super::mailbox::Mailbox;
use super::message::message;
use super::store;
use super::visit::VisitLetter;
use crate::booking::letter::letter_facts;
use crate::clinic::Clinics;
use crate::clock::Clock;
use crate::jobs::{Job, JobError, JobRun};
use crate::link::{Links, Purpose};
use crate::store::Database;

/// Runs the jobs of the kind `letter.confirmation`.
pub struct VisitLetters {
    pub database: Database,
    pub clock: Clock,
    pub clinics: Arc<Clinics>,
    pub links: Arc<Links>,
    /// By which people reach the server: `https://portal.example`.
    pub origin: String,
    pub mailbox: Mailbox,
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
        match self.letter(&clinic, subject.appointment).await? {
            Some(letter) => self.send(&clinic, subject.appointment, &letter).await,
            None => Ok(()),
        }
    }
}

impl VisitLetters {
    /// The letter to send now; `None` if there is nothing to say, or it has been said.
    async fn letter(&self, slug: &ClinicSlug, id: AppointmentId) -> Result<Option<Letter>, JobError> {
        let clinic = self.clinic(slug).await?;
        let mut tx = self.database.read().await?;
        let Some(facts) = letter_facts(&mut tx, slug, id).await? else { return Ok(None) };
        let link = self.links.make(Purpose::Visit, id.0);
        let letter = VisitLetter { facts: &facts, clinic: &clinic, link: &link, origin: &self.origin, now: self.clock.now() }
            .write()
            .map_err(|error| JobError::Fail(anyhow!(error)))?;
        match letter {
            Some(letter) if !store::was_sent(&mut tx, slug.as_str(), &letter).await? => Ok(Some(letter)),
            _ => Ok(None),
        }
    }

    async fn clinic(&self, slug: &ClinicSlug) -> Result<Arc<Clinic>, JobError> {
        if self.clinics.get(slug).is_none() {
            // Another process has just loaded it.
            self.clinics.refresh().await?;
        }
        let current = self.clinics.get(slug).ok_or_else(|| JobError::Fail(anyhow!("there is no such clinic")))?;
        Ok(current.clinic)
    }

    async fn send(&self, slug: &ClinicSlug, about: AppointmentId, letter: &Letter) -> Result<(), JobError> {
        let now = self.clock.now();
        let message = message(letter, now).map_err(JobError::Fail)?;
        let delivery = self.mailbox.deliver(&letter.id, message, self.clock.new_id()).await;
        delivery.context("the mailbox folder does not take the letter").map_err(JobError::Retry)?;
        let (clinic, letter, id) = (slug.clone(), letter.clone(), self.clock.new_id());
        self.database.write(async move |tx| store::note(tx, clinic.as_str(), about.0, &letter, id, now).await).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
