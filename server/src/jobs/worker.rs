//! Runs what is due: inside `serve`, or alone with `work`; as many workers as one likes.
//!
//! A run that fails or panics is tried again later, with growing waits; in the end the job has
//! failed, with the reason in its row. A job must be idempotent: a worker can be killed after it
//! did the work and before it noted that.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};

use super::queue::{self, Ending, Job};
use super::schedule::Chore;
use crate::clock::Clock;
use crate::store::{Database, StoreError};
use crate::telemetry;

/// Jobs run at the same time. No more are leased: a lease is too short to wait in it.
const RUN_AT_ONCE: usize = 8;
/// How often the worker looks by itself: another process's jobs don't ring here.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A run that takes longer is tried again; well below the lease, so that nobody else has the job.
const RUN_TIME_MAX: Duration = Duration::from_secs(90);
/// How long the jobs in hand may take to finish once it is told to stop.
const FINISH_WITHIN: Duration = Duration::from_secs(5);

/// Why a run did not do the work. The text is kept in the job's row and may be logged: ids and
/// codes, no patient's words.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// It may go better later.
    #[error("{0:#}")]
    Retry(anyhow::Error),
    /// It never will.
    #[error("{0:#}")]
    Fail(anyhow::Error),
    /// Too early: again at that time, and this run does not count.
    #[error("not before {0}")]
    NotYet(DateTime<Utc>),
    /// It need not be done any more: the job is done, with that reason.
    #[error("{0}")]
    Moot(&'static str),
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        Self::Retry(error.into())
    }
}

/// What runs the jobs of one kind.
#[async_trait]
pub trait JobRun: Send + Sync {
    async fn run(&self, job: &Job) -> Result<(), JobError>;
}

/// Who runs which kind, and what is done regularly.
#[derive(Default)]
pub struct Registry {
    kinds: BTreeMap<&'static str, Arc<dyn JobRun>>,
    chores: Vec<Chore>,
}

impl Registry {
    #[must_use]
    pub fn job(mut self, kind: &'static str, run: Arc<dyn JobRun>) -> Self {
        self.kinds.insert(kind, run);
        self
    }

    #[must_use]
    pub fn chore(mut self, chore: Chore) -> Self {
        self.chores.push(chore);
        self
    }
}

/// Runs jobs until it is told to stop.
pub struct Worker {
    database: Database,
    clock: Clock,
    registry: Registry,
}

impl Worker {
    pub const fn new(database: Database, clock: Clock, registry: Registry) -> Self {
        Self { database, clock, registry }
    }

    /// Runs until `shutdown` is there, then finishes the jobs in hand.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) {
        let chores = async {
            join_all(self.registry.chores.iter().map(Chore::repeat)).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = self.run_jobs(shutdown) => {}
            () = chores => {}
        }
    }

    async fn run_jobs(&self, shutdown: impl Future<Output = ()> + Send) {
        let bell = self.database.job_bell();
        let mut running = FuturesUnordered::new();
        tokio::pin!(shutdown);
        loop {
            // Those that run may hold all the readers that this needs, so they go on meanwhile.
            let claiming = self.claim(RUN_AT_ONCE - running.len());
            tokio::pin!(claiming);
            let claimed = loop {
                tokio::select! {
                    claimed = &mut claiming => break claimed,
                    Some(()) = running.next() => {}
                }
            };
            let claimed = claimed.unwrap_or_else(|error| {
                tracing::warn!(%error, "jobs can't be read");
                Vec::new()
            });
            // There may be more where these came from.
            let wait = if claimed.is_empty() { LOOK_EVERY } else { Duration::ZERO };
            running.extend(claimed.into_iter().map(|job| self.run_one(job)));
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(()) = running.next() => {}
                _ = tokio::time::timeout(wait, bell.notified()) => {}
            }
        }
        // What is not done by then is done again once its lease has run out.
        if tokio::time::timeout(FINISH_WITHIN, running.collect::<()>()).await.is_err() {
            tracing::warn!("jobs were left unfinished");
        }
    }

    /// Runs everything that is due now, and what becomes due by that; answers how many runs.
    pub async fn run_due(&self) -> Result<usize, StoreError> {
        let mut runs = 0;
        loop {
            let claimed = self.claim(RUN_AT_ONCE).await?;
            if claimed.is_empty() {
                return Ok(runs);
            }
            runs += claimed.len();
            join_all(claimed.into_iter().map(|job| self.run_one(job))).await;
        }
    }

    async fn claim(&self, limit: usize) -> Result<Vec<Job>, StoreError> {
        let now = self.clock.now();
        // A look costs the writer nothing.
        let due = queue::due(&mut self.database.read().await?, now).await?;
        metrics::gauge!(telemetry::JOBS_DUE).set(f64::from(i32::try_from(due).unwrap_or(i32::MAX)));
        if due == 0 || limit == 0 {
            return Ok(Vec::new());
        }
        queue::claim(&self.database, now, i64::try_from(limit).unwrap_or(i64::MAX)).await
    }

    async fn run_one(&self, job: Job) {
        let ending = self.attempt(&job).await;
        let outcome = match &ending {
            Ending::Done => "done",
            Ending::Moot { .. } => "moot",
            Ending::NotYet { .. } => "early",
            Ending::Retry { reason } => {
                tracing::warn!(job = %job.id, kind = job.kind, attempt = job.attempt, reason, "a job did not succeed");
                "retry"
            }
            Ending::Failed { reason } => {
                tracing::error!(job = %job.id, kind = job.kind, reason, "a job failed");
                "failed"
            }
        };
        metrics::counter!(telemetry::JOBS, "kind" => job.kind.clone(), "outcome" => outcome).increment(1);
        match queue::end(&self.database, &job, ending, self.clock.now()).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(job = %job.id, kind = job.kind, "a job outlived its lease"),
            // The lease runs out and the job is run again.
            Err(error) => tracing::warn!(job = %job.id, kind = job.kind, %error, "a job's end was not noted"),
        }
    }

    async fn attempt(&self, job: &Job) -> Ending {
        if job.attempt > queue::ATTEMPTS_MAX {
            return Ending::Failed { reason: "every attempt ended without an answer".to_owned() };
        }
        let Some(run) = self.registry.kinds.get(job.kind.as_str()) else {
            return Ending::Failed { reason: format!("no worker knows the kind {}", job.kind) };
        };
        let run = AssertUnwindSafe(run.run(job)).catch_unwind();
        match tokio::time::timeout(RUN_TIME_MAX, run).await {
            Ok(Ok(Ok(()))) => Ending::Done,
            Ok(Ok(Err(JobError::NotYet(until)))) => Ending::NotYet { until },
            Ok(Ok(Err(JobError::Moot(reason)))) => Ending::Moot { reason },
            Ok(Ok(Err(JobError::Retry(error)))) => Ending::Retry { reason: format!("{error:#}") },
            Ok(Ok(Err(JobError::Fail(error)))) => Ending::Failed { reason: format!("{error:#}") },
            Ok(Err(_panic)) => Ending::Retry { reason: "it panicked".to_owned() },
            Err(_elapsed) => Ending::Retry { reason: "it took too long".to_owned() },
        }
    }
}
