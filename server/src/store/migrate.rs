//! Brings the tables to what this binary knows, one migration at a time.
//!
//! A migration and its row in `migration` are one transaction: whatever ends the process, it is
//! done or not done. It does not go back: an old binary refuses a newer database instead.

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::database::{Database, dedicated};
use super::{Dialect, StoreError, Tx};

/// One file of `server/migrations/`; never edited once it has landed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Migration {
    number: i64,
    name: &'static str,
    text: &'static str,
}

macro_rules! migrations {
    ($($number:literal $name:literal),* $(,)?) => {
        &[$(Migration {
            number: $number,
            name: $name,
            text: include_str!(concat!("../../migrations/", $name, ".sql")),
        }),*]
    };
}

/// In order, without gaps.
pub(super) const MIGRATIONS: &[Migration] = migrations![1 "0001_ground", 2 "0002_booking", 3 "0003_visit", 4 "0004_patient", 5 "0005_unsettled", 6 "0006_letters", 7 "0007_waitlist", 8 "0008_series", 9 "0009_zones", 10 "0010_invited", 11 "0011_settled", 12 "0012_begun", 13 "0013_seats"];

/// PostgreSQL's lock for whoever migrates; any number that nobody else uses.
const LOCK: &str = "SELECT pg_advisory_lock(7205759403792794)";

/// The number of the last migration that this program knows.
pub fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |last| last.number)
}

impl Migration {
    fn sha256(&self) -> String {
        // A checkout with other line ends has the same text.
        format!("{:x}", Sha256::digest(self.text.replace("\r\n", "\n")))
    }
}

impl Database {
    /// Applies what is missing and answers how many that were.
    ///
    /// # Errors
    /// `Refused` with a sentence if the database is newer than this binary, or if a migration that
    /// was applied has another text now.
    pub async fn migrate(&self, now: DateTime<Utc>) -> Result<u32, StoreError> {
        let mut tx = dedicated(self.address()).await?;
        let applied = migrate(&mut tx, MIGRATIONS, now).await;
        tx.close().await?;
        applied
    }
}

/// Works on a connection of its own: PostgreSQL's lock belongs to the connection and ends with it.
async fn migrate(tx: &mut Tx, known: &[Migration], now: DateTime<Utc>) -> Result<u32, StoreError> {
    if tx.dialect() == Dialect::Postgres {
        tx.command("SET statement_timeout = 0").await?;
        tx.command(LOCK).await?;
    }
    tx.command(
        "CREATE TABLE IF NOT EXISTS migration \
         (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at TIMESTAMPTZ NOT NULL)",
    )
    .await?;
    let mut count = 0;
    loop {
        tx.command(tx.dialect().begin_write()).await?;
        match step(tx, known, now).await {
            Ok(true) => tx.command("COMMIT").await?,
            Ok(false) => {
                tx.command("ROLLBACK").await?;
                return Ok(count);
            }
            Err(error) => {
                tx.forget_trouble();
                tx.command("ROLLBACK").await?;
                return Err(error);
            }
        }
        count += 1;
    }
}

/// Applies the first migration that is missing; false if none is.
async fn step(tx: &mut Tx, known: &[Migration], now: DateTime<Utc>) -> Result<bool, StoreError> {
    let applied = tx.query("SELECT number, sha256 FROM migration ORDER BY number").fetch_all().await?;
    for row in &applied {
        let number: i64 = row.get("number")?;
        let Some(migration) = known.iter().find(|migration| migration.number == number) else {
            return Err(StoreError::Refused(format!(
                "The database was written by a newer perennial: it has migration {number}, and this program knows none after {}.",
                known.last().map_or(0, |last| last.number)
            )));
        };
        if row.get::<String>("sha256")? != migration.sha256() {
            return Err(StoreError::Refused(format!("The migration {} was changed after it had been applied.", migration.name)));
        }
    }
    let Some(next) = known.get(applied.len()) else { return Ok(false) };
    tx.script(tx.dialect().script(next.text))
        .await
        .map_err(|error| StoreError::Refused(format!("The migration {} can't be applied: {error}.", next.name)))?;
    tx.query("INSERT INTO migration (number, name, sha256, applied_at) VALUES ($1, $2, $3, $4)")
        .bind(next.number)
        .bind(next.name)
        .bind(next.sha256())
        .bind(now)
        .execute()
        .await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::super::Address;
    use super::super::testing::{Folder, empty_postgres, noon};
    use super::*;

    const GOOD: Migration = Migration { number: 1, name: "0001_good", text: "CREATE TABLE a (id BIGINT);" };
    const NEXT: Migration =
        Migration { number: 2, name: "0002_next", text: "CREATE TABLE b (id BIGINT); INSERT INTO b VALUES (1);" };
    const BROKEN: Migration =
        Migration { number: 2, name: "0002_next", text: "CREATE TABLE b (id BIGINT); INSERT INTO nowhere VALUES (1);" };

    async fn tables(tx: &mut Tx) -> Result<i64, StoreError> {
        tx.forget_trouble();
        tx.query("SELECT COUNT(*) AS n FROM b").fetch_one().await?.get("n")
    }

    /// Runs the check on both: an address without any table.
    async fn on_empty(check: impl AsyncFn(&Address)) {
        let folder = Folder::new();
        check(&Address::Sqlite(folder.path().join("x.db"))).await;
        check(&empty_postgres().await).await;
    }

    #[tokio::test]
    async fn what_is_missing_is_applied_once() {
        on_empty(async |address| {
            let mut tx = dedicated(address).await.unwrap();
            assert_eq!(migrate(&mut tx, &[GOOD], noon()).await, Ok(1));
            assert_eq!(migrate(&mut tx, &[GOOD, NEXT], noon()).await, Ok(1));
            assert_eq!(migrate(&mut tx, &[GOOD, NEXT], noon()).await, Ok(0));
            assert_eq!(tables(&mut tx).await, Ok(1));
        })
        .await;
    }

    #[tokio::test]
    async fn a_migration_that_fails_leaves_nothing_and_the_next_start_finishes() {
        on_empty(async |address| {
            let mut tx = dedicated(address).await.unwrap();
            let error = migrate(&mut tx, &[GOOD, BROKEN], noon()).await.unwrap_err().to_string();
            assert!(error.contains("0002_next"), "{error}");
            assert!(tables(&mut tx).await.is_err(), "the first half stayed");
            tx.close().await.unwrap();
            let mut tx = dedicated(address).await.unwrap();
            assert_eq!(migrate(&mut tx, &[GOOD, NEXT], noon()).await, Ok(1));
            assert_eq!(tables(&mut tx).await, Ok(1));
        })
        .await;
    }

    #[tokio::test]
    async fn a_process_that_dies_between_the_statements_leaves_nothing() {
        on_empty(async |address| {
            let mut tx = dedicated(address).await.unwrap();
            assert_eq!(migrate(&mut tx, &[GOOD], noon()).await, Ok(1));
            tx.command(tx.dialect().begin_write()).await.unwrap();
            tx.script("CREATE TABLE b (id BIGINT);".to_owned()).await.unwrap();
            drop(tx);
            let mut tx = dedicated(address).await.unwrap();
            assert_eq!(migrate(&mut tx, &[GOOD, NEXT], noon()).await, Ok(1));
            assert_eq!(tables(&mut tx).await, Ok(1));
        })
        .await;
    }

    #[tokio::test]
    async fn an_old_program_refuses_a_newer_database_and_an_edited_migration() {
        on_empty(async |address| {
            let mut tx = dedicated(address).await.unwrap();
            assert_eq!(migrate(&mut tx, &[GOOD, NEXT], noon()).await, Ok(2));
            let newer = migrate(&mut tx, &[GOOD], noon()).await.unwrap_err().to_string();
            assert!(newer.contains("newer perennial"), "{newer}");
            let edited = migrate(&mut tx, &[GOOD, BROKEN], noon()).await.unwrap_err().to_string();
            assert!(edited.contains("0002_next was changed"), "{edited}");
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn several_processes_that_start_at_once_migrate_once() {
        on_empty(async |address| {
            let starts = (0..6).map(|_| {
                let address = address.clone();
                tokio::spawn(async move {
                    let mut tx = dedicated(&address).await.unwrap();
                    migrate(&mut tx, &[GOOD, NEXT], noon()).await.unwrap()
                })
            });
            let applied: u32 = futures::future::join_all(starts).await.into_iter().map(Result::unwrap).sum();
            assert_eq!(applied, 2);
        })
        .await;
    }

    #[test]
    fn every_file_in_the_folder_is_in_the_list_in_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut files: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        let listed: Vec<String> = MIGRATIONS.iter().map(|migration| format!("{}.sql", migration.name)).collect();
        assert_eq!(files, listed);
        for (position, migration) in (1_i64..).zip(MIGRATIONS) {
            assert_eq!(migration.number, position);
            assert!(migration.name.starts_with(&format!("{position:04}_")));
        }
    }
}
