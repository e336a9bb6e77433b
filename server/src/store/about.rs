//! What the database says about itself.

use super::{Dialect, StoreError, Tx};

impl Tx {
    /// "SQLite 3.51.3", or the sentence that PostgreSQL has for it.
    pub async fn engine(&mut self) -> Result<String, StoreError> {
        match self.dialect() {
            Dialect::Sqlite => {
                let version: String = self.query("SELECT sqlite_version() AS version").fetch_one().await?.get("version")?;
                Ok(format!("SQLite {version}"))
            }
            Dialect::Postgres => self.query("SELECT version() AS version").fetch_one().await?.get("version"),
        }
    }

    /// The number of the last migration that was applied; `None` before the first.
    pub async fn schema(&mut self) -> Result<Option<i64>, StoreError> {
        let there = match self.dialect() {
            Dialect::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'migration'",
            Dialect::Postgres => "SELECT to_regclass('migration')::TEXT AS name WHERE to_regclass('migration') IS NOT NULL",
        };
        if self.query(there).fetch_optional().await?.is_none() {
            return Ok(None);
        }
        self.query("SELECT MAX(number) AS number FROM migration").fetch_one().await?.get("number")
    }
}
