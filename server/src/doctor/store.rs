//! What the doctor reads.

use chrono::{DateTime, Utc};

use crate::store::{Dialect, Row, StoreError, Tx};

/// "SQLite 3.51.3", or what PostgreSQL says of itself.
pub async fn version(tx: &mut Tx) -> Result<String, StoreError> {
    match tx.dialect() {
        Dialect::Sqlite => {
            let version: String = tx.query("SELECT sqlite_version() AS version").fetch_one().await?.get("version")?;
            Ok(format!("SQLite {version}"))
        }
        Dialect::Postgres => tx.query("SELECT version() AS version").fetch_one().await?.get("version"),
    }
}

/// The number of the last migration; `None` if there are no tables at all.
pub async fn schema(tx: &mut Tx) -> Result<Option<i64>, StoreError> {
    tx.query("SELECT MAX(number) AS number FROM migration").fetch_one().await?.get("number")
}

pub async fn clinics(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    tx.query("SELECT slug FROM clinic ORDER BY slug").fetch_all().await?.iter().map(|row| row.get("slug")).collect()
}

/// Jobs that are not done.
pub async fn jobs_due(tx: &mut Tx) -> Result<i64, StoreError> {
    tx.query("SELECT COUNT(*) AS count FROM job WHERE state IN ('waiting', 'running')").fetch_one().await?.get("count")
}

/// The failed jobs of a kind. Those of letters are counted as letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedJobs {
    pub kind: String,
    pub count: i64,
    /// Why the last one did, and when.
    pub reason: String,
    pub last: DateTime<Utc>,
}

pub async fn jobs_failed(tx: &mut Tx) -> Result<Vec<FailedJobs>, StoreError> {
    let rows = tx
        .query(
            "WITH failed AS (
                 SELECT kind, reason, finished_at FROM job
                 WHERE state = 'failed' AND NOT EXISTS (
                     SELECT 1 FROM letter WHERE letter.state IN ('waiting', 'sending', 'failed', 'unknown') AND letter.job = job.id
                 )
             )
             SELECT kind, COUNT(*) AS count, MAX(finished_at) AS last,
                 (SELECT reason FROM failed AS last WHERE last.kind = failed.kind ORDER BY last.finished_at DESC LIMIT 1) AS reason
             FROM failed GROUP BY kind ORDER BY kind",
        )
        .fetch_all()
        .await?;
    let read = |row: &Row| {
        Ok(FailedJobs {
            kind: row.get("kind")?,
            count: row.get("count")?,
            reason: row.get::<Option<String>>("reason")?.unwrap_or_default(),
            last: row.get("last")?,
        })
    };
    rows.iter().map(read).collect()
}
