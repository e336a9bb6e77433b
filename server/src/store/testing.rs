//! Databases for tests: a fresh SQLite file or a fresh PostgreSQL schema, migrated.
//!
//! Each test that touches the store runs on both: [`on_both!`](on_both) makes two of it.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::{Address, Database, StoreError};
use crate::clock::Clock;

/// Two tests, `sqlite` and `postgres`, in a module with the sentence's name.
macro_rules! on_both {
    ($(async fn $name:ident($scratch:ident: Scratch) $body:block)*) => {$(
        async fn $name($scratch: $crate::store::testing::Scratch) $body

        mod $name {
            use $crate::store::testing::Scratch;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(Scratch::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(Scratch::postgres().await).await;
            }
        }
    )*};
}
pub(crate) use on_both;

/// A database of its own, and what is left of it to clear away.
pub(crate) struct Scratch {
    pub database: Database,
    folder: Option<Folder>,
}

impl Scratch {
    pub async fn sqlite() -> Self {
        let folder = Folder::new();
        let database = migrated(&Address::Sqlite(folder.path().join("perennial.db"))).await;
        Self { database, folder: Some(folder) }
    }

    pub async fn postgres() -> Self {
        Self { database: migrated(&empty_postgres().await).await, folder: None }
    }

    /// Another handle on the same database, as a second process would have it.
    pub async fn again(&self) -> Database {
        Database::open(self.database.address()).await.unwrap()
    }

    /// Where the SQLite file is.
    pub fn folder(&self) -> &Path {
        self.folder.as_ref().unwrap().path()
    }
}

async fn migrated(address: &Address) -> Database {
    let database = Database::open(address).await.unwrap();
    database.migrate(noon()).await.unwrap();
    database
}

/// A schema of its own in the server that `PERENNIAL_TEST_POSTGRES` names.
pub(crate) async fn empty_postgres() -> Address {
    let url = std::env::var("PERENNIAL_TEST_POSTGRES")
        .expect("no PostgreSQL to test with: run `cargo portal test`, which starts one, or set PERENNIAL_TEST_POSTGRES");
    let schema = format!("test_{}", new_id().simple());
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let joint = if url.contains('?') { '&' } else { '?' };
    Address::Postgres(format!("{url}{joint}options[search_path]={schema}"))
}

/// A folder that goes away with the value.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("perennial-{}", new_id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn new_id() -> Uuid {
    Clock::system().new_id()
}

/// A moment with microseconds.
pub(crate) fn noon() -> DateTime<Utc> {
    "2026-03-11T12:00:00.000123Z".parse().unwrap()
}

/// Writes a secret, which is the smallest row there is.
pub(crate) async fn keep(database: &Database, name: impl Into<String>) -> Result<(), StoreError> {
    let name = name.into();
    database.write(async move |tx| insert(tx, &name).await).await
}

pub(crate) async fn insert(tx: &mut super::Tx, name: &str) -> Result<(), StoreError> {
    tx.query("INSERT INTO secret (name, value) VALUES ($1, '')").bind(name).execute().await.map(drop)
}

/// How many secrets a reader sees.
pub(crate) async fn kept(database: &Database) -> i64 {
    count(&mut database.read().await.unwrap()).await
}

pub(crate) async fn count(tx: &mut super::Tx) -> i64 {
    tx.query("SELECT COUNT(*) AS n FROM secret").fetch_one().await.unwrap().get("n").unwrap()
}
