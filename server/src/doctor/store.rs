//! What the doctor reads.

use crate::store::{Dialect, StoreError, Tx};

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

/// Kinds with failed jobs: how many, and why the last one did.
pub async fn jobs_failed(tx: &mut Tx) -> Result<Vec<(String, i64, String)>, StoreError> {
    let rows = tx
        .query(
            "SELECT kind, COUNT(*) AS count, (SELECT reason FROM job AS last WHERE last.kind = job.kind AND last.state = 'failed' \
             ORDER BY last.finished_at DESC LIMIT 1) AS reason \
             FROM job WHERE state = 'failed' GROUP BY kind ORDER BY kind",
        )
        .fetch_all()
        .await?;
    rows.iter()
        .map(|row| Ok((row.get("kind")?, row.get("count")?, row.get::<Option<String>>("reason")?.unwrap_or_default())))
        .collect()
}
