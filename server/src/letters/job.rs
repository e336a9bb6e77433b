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
use app::booking::model::VisitStatus;
use app::clinic::model::Clinic;
use app::ids::{AppointmentId, ClinicSlug};
use app::request::Caller;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::channel::{Channels, NotTaken};
use super::letter::Letter;
use super::store::{self, Attempt, Outcome, Standing};
use super::tell::{self, CHANGE_LETTER_JOB};
use super::visit::VisitLetter;
use crate::audit;
use crate::booking::letter::letter_facts;
use crate::clinic::Clinics;
use crate::clock::Clock;
use crate::jobs::{Job, JobError, JobRun};
use crate::link::{Links, Purpose};
use crate::store::{Database, StoreError};
use crate::telemetry;

/// Runs the jobs that [`tell`](tell::tell) adds.
pub struct VisitLetters {
    pub database: Database,
    pub clock: Clock,
    pub clinics: Arc<Clinics>,
    pub links: Arc<Links>,
    /// By which people reach the server: `https://portal.example`.
    pub origin: String,
    pub channels: Channels,
    /// How long a change waits before it is told.
    pub undo: TimeDelta,
}

/// What the job's row says.
#[derive(Deserialize)]
struct Subject {
    appointment: AppointmentId,
    /// The visit's, after the change that this is about.
    sequence: Option<i64>,
}

/// A letter, and the state of the visit that it tells.
pub(super) struct News {
    pub about: AppointmentId,
    pub letter: Letter,
    /// `None`: it tells the patient nothing new about the visit.
    pub told: Option<String>,
}

#[async_trait]
impl JobRun for VisitLetters {
    async fn run(&self, job: &Job) -> Result<(), JobError> {
        let subject: Subject = job.subject().map_err(|error| JobError::Fail(anyhow!(error)))?;
        let clinic: ClinicSlug = job.clinic.parse().map_err(|error| JobError::Fail(anyhow!("the clinic's slug: {error}")))?;
        let early = job.created_at + self.undo;
        if job.kind == CHANGE_LETTER_JOB && self.clock.now() < early {
            return Err(JobError::NotYet(early));
        }
        let news = self.news(&clinic, &subject, job).await;
        if let Err(JobError::Moot(why)) = &news {
            self.withdraw(&clinic, subject.appointment, job, why).await?;
        }
        self.send(&clinic, news?, job).await
    }
}

impl VisitLetters {
    /// What there is to tell now, unless there is nothing, or it has been told.
    async fn news(&self, slug: &ClinicSlug, subject: &Subject, job: &Job) -> Result<News, JobError> {
        let id = subject.appointment;
        let clinic = self.clinic(slug).await?;
        let mut tx = self.database.read().await?;
        let facts = letter_facts(&mut tx, slug, id, Some(job.id)).await?.ok_or(JobError::Moot("there is no such visit"))?;
        let (visit, told) = (&facts.appointment, tell::told(&facts));
        if tell::is_superseded(&mut tx, slug, visit, subject.sequence).await? {
            return Err(JobError::Moot("a later change is told instead"));
        }
        if job.kind == CHANGE_LETTER_JOB && facts.told.as_ref() == Some(&told) {
            return Err(JobError::Moot("the change was undone"));
        }
        // What the clinic did is told to somebody who cannot know of it.
        let by_clinic = visit.is_declined() || facts.unsettled.is_some();
        if visit.status == VisitStatus::Cancelled && facts.told.is_none() && !by_clinic {
            return Err(JobError::Moot("nobody was told of the visit"));
        }
        let link = self.links.make(Purpose::Visit, id.0);
        let letter = VisitLetter { facts: &facts, clinic: &clinic, link: &link, origin: &self.origin, now: self.clock.now() }
            .write()
            .map_err(|error| JobError::Fail(anyhow!(error)))?;
        let letter = letter.ok_or(JobError::Moot("there is nothing to say any more"))?;
        if store::is_settled(&mut tx, slug, &letter).await? {
            return Err(JobError::Moot("it has been said"));
        }
        Ok(News { about: id, letter, told: Some(told) })
    }

    pub(super) async fn clinic(&self, slug: &ClinicSlug) -> Result<Arc<Clinic>, JobError> {
        if self.clinics.get(slug).is_none() {
            // Another process has just loaded it.
            self.clinics.refresh().await?;
        }
        let current = self.clinics.get(slug).ok_or_else(|| JobError::Fail(anyhow!("there is no such clinic")))?;
        Ok(current.clinic)
    }

    /// Takes back what the job had tried to send and need not send any more.
    pub(super) async fn withdraw(
        &self,
        slug: &ClinicSlug,
        about: AppointmentId,
        job: &Job,
        why: &'static str,
    ) -> Result<(), StoreError> {
        let (clinic, job) = (slug.clone(), job.id);
        self.database.write(async move |tx| store::withdraw(tx, &clinic, about, job, "", why).await).await
    }

    /// Sends each, whatever becomes of the others: one bad address is no reason to keep a letter from
    /// a good one. What went out is left out by the next run, so that answers the most hopeful.
    pub(super) async fn send_all(&self, slug: &ClinicSlug, news: Vec<News>, job: &Job) -> Result<(), JobError> {
        let hope = |error: &JobError| match error {
            JobError::NotYet(_) => 3,
            JobError::Retry(_) => 2,
            JobError::Fail(_) => 1,
            JobError::Moot(_) => 0,
        };
        let beside = news.iter().map(|news| news.letter.id.to_string()).collect::<Vec<_>>().join(" ");
        let mut worst: Option<JobError> = None;
        for news in news {
            if let Err(error) = self.send_beside(slug, news, &beside, job).await
                && worst.as_ref().is_none_or(|worst| hope(worst) < hope(&error))
            {
                worst = Some(error);
            }
        }
        worst.map_or(Ok(()), Err)
    }

    pub(super) async fn send(&self, slug: &ClinicSlug, news: News, job: &Job) -> Result<(), JobError> {
        self.send_all(slug, vec![news], job).await
    }

    /// Sends one of the letters that this run of the job sends.
    async fn send_beside(&self, slug: &ClinicSlug, news: News, beside: &str, job: &Job) -> Result<(), JobError> {
        let now = self.clock.now();
        let begun = self.begin(slug, &news, beside, job, now).await?;
        let News { about, letter, .. } = news;
        let delivered = match begun {
            // Between our look and now; the next run sees what it is now.
            Standing::Changed => return Err(JobError::NotYet(now)),
            Standing::Settled => return Err(JobError::Moot("it has been said")),
            Standing::Go => self.channels.deliver(slug, &letter, now, self.clock.new_id()).await,
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

    /// Notes that the letter is about to go out, if the visit is still what the letter says.
    async fn begin(
        &self,
        slug: &ClinicSlug,
        news: &News,
        beside: &str,
        job: &Job,
        now: DateTime<Utc>,
    ) -> Result<Standing, StoreError> {
        let (clinic, letter, told, about) = (slug.clone(), news.letter.clone(), news.told.clone(), news.about);
        let attempt = Attempt { id: self.clock.new_id(), about, job: job.id, beside: beside.to_owned(), told, now };
        self.database
            .write(async move |tx| {
                if let Some(told) = &attempt.told
                    && tell::told_now(tx, &clinic, about, letter.kind, told).await?.as_ref() != Some(told)
                {
                    return Ok(Standing::Changed);
                }
                store::begin(tx, &clinic, &letter, &attempt).await
            })
            .await
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
