//! The rows of `job`: added in a change's own transaction, leased by one worker at a time, ended
//! as done or failed.
//!
//! A lease that runs out is up for anyone again: a worker that was killed loses nothing. The
//! number of the attempt fences it off, should it only have been slow.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::store::{Database, Json, Row, StoreError, Tx};

/// How long a worker may keep a job to itself.
pub const LEASE: TimeDelta = TimeDelta::minutes(2);
/// Runs in all before a job has failed: spread over two and a half days, so that a weekend without
/// a mail server loses nothing.
pub const ATTEMPTS_MAX: i64 = 60;
/// The wait after the first attempt; it doubles with each, up to an hour: what is well again should
/// not be waited for. To each wait comes up to a quarter of it, so that what failed together does
/// not come back together.
const BACKOFF_FIRST: TimeDelta = TimeDelta::seconds(30);
const BACKOFF_LONGEST: TimeDelta = TimeDelta::hours(1);
/// Of a reason for failing, in characters.
const REASON_CHARS_MAX: usize = 500;

/// A job to add.
#[derive(Clone, Debug)]
pub struct NewJob<'a> {
    pub clinic: &'a str,
    /// Which [`JobRun`](super::JobRun) runs it: `"booking.confirm"`.
    pub kind: &'static str,
    /// Ids, never what a patient said: a JSON object.
    pub subject: serde_json::Value,
    /// A second job of the clinic with this key is not added: `"booking.confirm:{appointment}"`.
    pub unique_key: String,
    pub due_at: DateTime<Utc>,
}

/// A job in the hands of a worker.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub id: Uuid,
    pub clinic: String,
    pub kind: String,
    pub subject: serde_json::Value,
    /// 1 for the first run.
    pub attempt: i64,
    /// When the change was made that added it.
    pub created_at: DateTime<Utc>,
}

impl Job {
    /// The subject as the type that was put in.
    pub fn subject<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_value(self.subject.clone())
    }

    /// Whether there is no attempt after this one.
    pub const fn is_last(&self) -> bool {
        self.attempt >= ATTEMPTS_MAX
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            clinic: row.get("clinic")?,
            kind: row.get("kind")?,
            subject: row.get::<Json<_>>("subject")?.0,
            attempt: row.get("attempts")?,
            created_at: row.get("created_at")?,
        })
    }
}

/// Adds the job to the change: it exists if and only if the change does. True if it is new.
pub async fn enqueue(tx: &mut Tx, job: &NewJob<'_>, now: DateTime<Utc>, id: Uuid) -> Result<bool, StoreError> {
    let added = tx
        .query(
            "INSERT INTO job (id, clinic, kind, subject, unique_key, due_at, state, attempts, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, 'waiting', 0, $7) ON CONFLICT DO NOTHING",
        )
        .bind(id)
        .bind(job.clinic)
        .bind(job.kind)
        .bind(Json(&job.subject))
        .bind(&job.unique_key)
        .bind(job.due_at)
        .bind(now)
        .execute()
        .await?;
    if added > 0 {
        tx.ring();
    }
    Ok(added > 0)
}

/// Leases up to `limit` jobs that are due, the longest waiting first, to the caller alone.
pub async fn claim(database: &Database, now: DateTime<Utc>, limit: i64) -> Result<Vec<Job>, StoreError> {
    database
        .write(async move |tx| {
            let sql = tx.dialect().pick(
                "UPDATE job SET state = 'running', attempts = attempts + 1, leased_until = $1 WHERE id IN (\
                 SELECT id FROM job WHERE state IN ('waiting', 'running') AND due_at <= $2 \
                 AND (leased_until IS NULL OR leased_until <= $2) ORDER BY due_at, id LIMIT $3) \
                 RETURNING id, clinic, kind, subject, attempts, created_at",
                "UPDATE job SET state = 'running', attempts = attempts + 1, leased_until = $1 WHERE id IN (\
                 SELECT id FROM job WHERE state IN ('waiting', 'running') AND due_at <= $2 \
                 AND (leased_until IS NULL OR leased_until <= $2) ORDER BY due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED) \
                 RETURNING id, clinic, kind, subject, attempts, created_at",
            );
            let rows = tx.query(sql).bind(now + LEASE).bind(now).bind(limit).fetch_all().await?;
            rows.iter().map(Job::from_row).collect()
        })
        .await
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    Done,
    /// Done without doing anything, because of that.
    Moot {
        reason: &'static str,
    },
    /// At that time, as if this run had not been.
    NotYet {
        until: DateTime<Utc>,
    },
    /// Later again, or failed if this was the last attempt.
    Retry {
        reason: String,
    },
    Failed {
        reason: String,
    },
}

/// Notes how the run ended. False if the lease had run out and someone else has the job by now.
pub async fn end(database: &Database, job: &Job, ending: Ending, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let (id, attempt) = (job.id, job.attempt);
    let counted = if matches!(ending, Ending::NotYet { .. }) { attempt - 1 } else { attempt };
    let (state, reason, due_at) = match ending {
        Ending::Done => ("done", None, None),
        Ending::Moot { reason } => ("done", Some(reason.to_owned()), None),
        Ending::NotYet { until } => ("waiting", None, Some(until)),
        Ending::Retry { reason } if !job.is_last() => {
            ("waiting", Some(reason), Some(now + backoff(attempt) + jitter(id, attempt)))
        }
        Ending::Retry { reason } | Ending::Failed { reason } => ("failed", Some(reason), None),
    };
    let reason: Option<String> = reason.map(|reason| reason.chars().take(REASON_CHARS_MAX).collect());
    let finished_at = due_at.is_none().then_some(now);
    database
        .write(async move |tx| {
            let changed = tx
                .query(
                    "UPDATE job SET state = $1, reason = $2, due_at = COALESCE($3, due_at), finished_at = $4, \
                     leased_until = NULL, attempts = $5 WHERE id = $6 AND state = 'running' AND attempts = $7",
                )
                .bind(state)
                .bind(&reason)
                .bind(due_at)
                .bind(finished_at)
                .bind(counted)
                .bind(id)
                .bind(attempt)
                .execute()
                .await?;
            Ok(changed > 0)
        })
        .await
}

/// The wait after that many attempts: 30 s, 1 min, 2 min, … 1 h.
fn backoff(attempts: i64) -> TimeDelta {
    let doublings = u32::try_from(attempts.clamp(1, 16) - 1).unwrap_or_default();
    (BACKOFF_FIRST * 2_i32.pow(doublings)).min(BACKOFF_LONGEST)
}

/// Between nothing and a quarter of the wait; by the job's id, so that chance needs no source.
fn jitter(id: Uuid, attempt: i64) -> TimeDelta {
    let sign = id.as_bytes().iter().fold(attempt.unsigned_abs(), |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    let share = i32::try_from(sign % 256).unwrap_or_default();
    backoff(attempt) / 4 * share / 256
}

/// How many jobs [`claim`] would find, counted up to a thousand.
pub async fn due(tx: &mut Tx, now: DateTime<Utc>) -> Result<i64, StoreError> {
    tx.query(
        "SELECT COUNT(*) AS due FROM (SELECT id FROM job WHERE state IN ('waiting', 'running') AND due_at <= $1 \
         AND (leased_until IS NULL OR leased_until <= $1) LIMIT 1000) AS found",
    )
    .bind(now)
    .fetch_one()
    .await?
    .get("due")
}

/// Whether a job with that key is there and not over.
pub async fn is_pending(tx: &mut Tx, clinic: &str, unique_key: &str) -> Result<bool, StoreError> {
    let found = tx
        .query("SELECT id FROM job WHERE clinic = $1 AND unique_key = $2 AND state IN ('waiting', 'running')")
        .bind(clinic)
        .bind(unique_key)
        .fetch_optional()
        .await?;
    Ok(found.is_some())
}

/// Makes jobs of a kind due that wait for something: it has come.
pub async fn hasten(tx: &mut Tx, clinic: &str, kind: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    let hastened = tx
        .query("UPDATE job SET due_at = $3 WHERE clinic = $1 AND kind = $2 AND state = 'waiting' AND due_at > $3")
        .bind(clinic)
        .bind(kind)
        .bind(now)
        .execute()
        .await?;
    if hastened > 0 {
        tx.ring();
    }
    Ok(())
}

/// A job that was given up, for the clinic to see.
#[derive(Clone, Debug, PartialEq)]
pub struct FailedJob {
    pub id: Uuid,
    pub clinic: String,
    pub kind: String,
    pub reason: String,
    pub finished_at: DateTime<Utc>,
}

/// The jobs that failed, the latest first.
pub async fn failed(tx: &mut Tx, limit: i64) -> Result<Vec<FailedJob>, StoreError> {
    let rows = tx
        .query(
            "SELECT id, clinic, kind, reason, finished_at FROM job WHERE state = 'failed' \
             ORDER BY finished_at DESC, id DESC LIMIT $1",
        )
        .bind(limit)
        .fetch_all()
        .await?;
    let read = |row: &Row| {
        Ok(FailedJob {
            id: row.get("id")?,
            clinic: row.get("clinic")?,
            kind: row.get("kind")?,
            reason: row.get("reason")?,
            finished_at: row.get("finished_at")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Removes what was done before that moment; what failed stays. Later a job with the same key
/// would be added again, so leave it a month or more. A chore for [`every`](super::schedule::every).
pub async fn forget_done(database: &Database, before: DateTime<Utc>) -> Result<u64, StoreError> {
    database
        .write(async move |tx| tx.query("DELETE FROM job WHERE state = 'done' AND finished_at < $1").bind(before).execute().await)
        .await
}

/// A subject from anything that serialises to an object.
pub fn subject(ids: &impl Serialize) -> Result<serde_json::Value, StoreError> {
    match serde_json::to_value(ids) {
        Ok(value) if value.is_object() => Ok(value),
        _ => Err(StoreError::Shape("a job's subject is an object of ids".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_an_hour_and_all_of_them_outlast_a_weekend() {
        let seconds: Vec<i64> = (1..=9).map(|attempt| backoff(attempt).num_seconds()).collect();
        assert_eq!(seconds, [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        let all: TimeDelta = (1..ATTEMPTS_MAX).map(backoff).sum();
        assert!(all > TimeDelta::hours(48), "{all}");
    }

    #[test]
    fn what_failed_together_does_not_come_back_together() {
        let waits: std::collections::BTreeSet<TimeDelta> = (0..1_000).map(|n| jitter(Uuid::from_u128(n << 64), 4)).collect();
        assert!(waits.len() > 100, "{waits:?}");
        assert!(waits.iter().all(|wait| *wait >= TimeDelta::zero() && *wait <= backoff(4) / 4));
    }
}
