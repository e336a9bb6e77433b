//! The jobs of the waiting list, and how often it is looked over.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use app::ids::ClinicSlug;
use async_trait::async_trait;
use serde::Deserialize;
use uuid::Uuid;

use super::{Freed, Looked, Looking, Waitlist};
use crate::failure::Failure;
use crate::jobs::schedule::{Chore, every};
use crate::jobs::{Job, JobError, JobRun};

/// A time has come free.
pub const FREED_JOB: &str = "waitlist.freed";
/// Somebody has joined.
pub const JOINED_JOB: &str = "waitlist.joined";
/// An offer may have lapsed.
pub const LAPSE_JOB: &str = "waitlist.lapse";
/// Tells somebody of an offer.
pub const OFFER_LETTER_JOB: &str = "letter.offer";
/// Tells somebody that they are on the list.
pub const WAITING_LETTER_JOB: &str = "letter.waiting";

/// How often it is looked whether times are free that nobody gave up: a new day in reach, a new shift.
const LOOKED_EVERY: Duration = Duration::from_mins(15);

/// Runs [`FREED_JOB`], [`JOINED_JOB`] and [`LAPSE_JOB`].
pub struct WaitlistJobs(pub Arc<Waitlist>);

/// What the row of a job about an offer says.
#[derive(Deserialize)]
pub struct OfOffer {
    pub offer: Uuid,
}

#[async_trait]
impl JobRun for WaitlistJobs {
    async fn run(&self, job: &Job) -> Result<(), JobError> {
        let Self(waitlist) = self;
        let broken = |error| JobError::Fail(anyhow!("{error}"));
        let clinic: ClinicSlug = job.clinic.parse().map_err(|_| JobError::Fail(anyhow!("the clinic's slug is none")))?;
        let looking = match job.kind.as_str() {
            FREED_JOB => Looking::Freed(job.subject::<Freed>().map_err(broken)?),
            JOINED_JOB => Looking::NeverAsked,
            _ => {
                let OfOffer { offer } = job.subject().map_err(broken)?;
                return waitlist.lapse(&clinic, offer).await.map_err(failed);
            }
        };
        match waitlist.look(&clinic, &looking).await.map_err(failed)? {
            Looked::NotYet(at) => Err(JobError::NotYet(at)),
            Looked::Asked(_) => Ok(()),
        }
    }
}

fn failed(failure: Failure) -> JobError {
    JobError::Retry(anyhow!(failure))
}

/// Looks the whole list over, again and again.
pub fn chore(waitlist: Arc<Waitlist>) -> Chore {
    every(LOOKED_EVERY, "waitlist.look", move || {
        let waitlist = Arc::clone(&waitlist);
        async move {
            for current in waitlist.clinics.all() {
                waitlist.look(&current.clinic.slug, &Looking::NeverAsked).await?;
            }
            waitlist.forget().await?;
            Ok(())
        }
    })
}
