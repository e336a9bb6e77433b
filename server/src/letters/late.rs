//! The jobs that write to a clinic: a patient is running late, a request waits for its answer.
//!
//! What counts is the moment of sending: who corrects themselves by then sends one letter more, and
//! an earlier one that is still waiting stays unsent unless it has come true again; so does one about
//! a request that was answered.

use std::sync::Arc;

use anyhow::anyhow;
use app::booking::model::VisitStatus;
use app::ids::{AppointmentId, ClinicSlug};
use async_trait::async_trait;
use serde::Deserialize;

use super::job::{News, VisitLetters};
use super::visit::VisitLetter;
use crate::booking::letter::letter_facts;
use crate::jobs::{Job, JobError, JobRun};
use crate::link::Purpose;

/// Runs the jobs `letter.late` and `letter.unanswered`.
pub struct LateLetters(pub Arc<VisitLetters>);

/// What the job's row says.
#[derive(Deserialize)]
struct Subject {
    appointment: AppointmentId,
    /// By which the patient is late.
    minutes: Option<u32>,
}

#[async_trait]
impl JobRun for LateLetters {
    async fn run(&self, job: &Job) -> Result<(), JobError> {
        let Self(visits) = self;
        let Subject { appointment, minutes } = job.subject().map_err(|error| JobError::Fail(anyhow!(error)))?;
        let slug: ClinicSlug = job.clinic.parse().map_err(|error| JobError::Fail(anyhow!("the clinic's slug: {error}")))?;
        let clinic = visits.clinic(&slug).await?;
        let mut tx = visits.database.read().await?;
        let facts = letter_facts(&mut tx, &slug, appointment, None).await?.ok_or(JobError::Moot("there is no such visit"))?;
        let visit = &facts.appointment;
        let now = visits.clock.now();
        match minutes {
            Some(_) if visit.status != VisitStatus::Booked || visit.since.late_min != minutes => {
                return Err(JobError::Moot("the patient said something else since"));
            }
            None if !visit.is_overdue(now) => return Err(JobError::Moot("it was answered")),
            _ => {}
        }
        let link = visits.links.make(Purpose::Visit, appointment.0);
        let writing = VisitLetter { facts: &facts, clinic: &clinic, link: &link, origin: &visits.origin, now };
        let letter = minutes
            .map_or_else(|| writing.write_unanswered(), |_| writing.write_late(job.created_at))
            .map_err(|error| JobError::Fail(anyhow!(error)))?;
        drop(tx);
        visits.send(&slug, News { about: appointment, letter, told: None }, job).await
    }
}

#[cfg(test)]
mod tests;
