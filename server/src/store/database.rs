//! Opens the database, hands out readers, passes changes to the writer.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, PgPool, SqliteConnection, SqlitePool};
use tokio::sync::Notify;

use super::tx::Session;
use super::writer::{BATCH_MAX, Opener, Writer};
use super::{Dialect, StoreError, Tx};
use crate::private;

/// Older ones can corrupt a database in WAL mode: <https://www.sqlite.org/wal.html#walresetbug>.
const SQLITE_VERSION_MIN: [u32; 3] = [3, 51, 3];
/// Between two attempts to open a database that somebody else has to themselves.
const OPEN_AGAIN: Duration = Duration::from_millis(50);
/// How long a statement waits for another process that holds the lock. The writer says it too.
const LOCK_WAIT: Duration = Duration::from_secs(5);
/// How long a reader waits for a connection of the pool.
const READER_WAIT: Duration = Duration::from_secs(5);
const SQLITE_READERS_MAX: u32 = 4;
const POSTGRES_READERS_MAX: u32 = 8;
/// Statements are few and fixed: all of them stay prepared.
const STATEMENTS_MAX: usize = 512;
/// What SQLite keeps of the write-ahead log once it is empty again.
pub(super) const WAL_KEPT_BYTES: &str = "16777216";

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// A file; it is made if it is missing.
    Sqlite(PathBuf),
    /// A `postgres://` address, password and all.
    Postgres(String),
}

impl Address {
    /// `sqlite:data/perennial.db` or `postgres://user@host/database`.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if !path.is_empty() {
                return Ok(Self::Sqlite(PathBuf::from(path)));
            }
        } else if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        Err(StoreError::Refused(
            "The database address must look like sqlite:data/perennial.db or postgres://host/name.".to_owned(),
        ))
    }
}

/// Without the password.
impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(out, "sqlite:{}", path.display()),
            Self::Postgres(url) => match PgConnectOptions::from_str(url) {
                Ok(options) => {
                    let name = options.get_database().unwrap_or_else(|| options.get_username());
                    write!(out, "postgres://{}:{}/{name}", options.get_host(), options.get_port())
                }
                Err(_) => out.write_str("postgres://"),
            },
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// The open database. Clones share it.
#[derive(Clone)]
pub struct Database(Arc<Parts>);

struct Parts {
    address: Address,
    readers: Readers,
    writer: Writer,
}

enum Readers {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Database {
    /// Opens it, makes the file and its folder if they are missing, and sees that it can be written.
    ///
    /// # Errors
    /// `Refused` with a sentence for whoever starts the server.
    pub async fn open(address: &Address) -> Result<Self, StoreError> {
        Self::open_with_batch(address, BATCH_MAX).await
    }

    /// As [`open`](Self::open), with at most so many changes in one commit: for measuring what it
    /// is worth to commit many at once.
    #[doc(hidden)]
    pub async fn open_with_batch(address: &Address, batch_max: usize) -> Result<Self, StoreError> {
        let (readers, opener) = match address {
            Address::Sqlite(path) => {
                let options = open_sqlite(path).await?;
                let pool = SqlitePoolOptions::new()
                    .max_connections(SQLITE_READERS_MAX)
                    .acquire_timeout(READER_WAIT)
                    .test_before_acquire(false)
                    .connect_lazy_with(options.clone().read_only(true).create_if_missing(false));
                // Journal mode and sync are the writer's to set: a reader has nothing to write.
                (Readers::Sqlite(pool), Opener::Sqlite { options: writing(options), path: path.clone() })
            }
            Address::Postgres(url) => {
                let options = open_postgres(url, address).await?;
                let pool = PgPoolOptions::new()
                    .max_connections(POSTGRES_READERS_MAX)
                    .acquire_timeout(READER_WAIT)
                    .connect_lazy_with(options.clone());
                (Readers::Postgres(pool), Opener::Postgres(options))
            }
        };
        let database = Self(Arc::new(Parts { address: address.clone(), readers, writer: Writer::start(opener, batch_max)? }));
        database
            .write(async |_| Ok::<_, StoreError>(()))
            .await
            .map_err(|error| StoreError::Refused(format!("The database {address} can't be written: {error}.")))?;
        Ok(database)
    }

    pub fn address(&self) -> &Address {
        &self.0.address
    }

    pub fn dialect(&self) -> Dialect {
        match self.0.readers {
            Readers::Sqlite(_) => Dialect::Sqlite,
            Readers::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs the change in a transaction and answers once it is on the disk. If the closure answers
    /// an error, nothing of it is kept.
    ///
    /// The closure may run more than once, and beside others in one commit: nothing in it but SQL
    /// and what follows from it. It goes on if the caller stops waiting.
    ///
    /// ```no_run
    /// # async fn forget(database: server::store::Database, clinic: String) -> Result<u64, server::store::StoreError> {
    /// database.write(async move |tx| tx.query("DELETE FROM clinic WHERE slug = $1").bind(&clinic).execute().await).await
    /// # }
    /// ```
    ///
    /// # Errors
    /// What the closure answers; `Busy` if too many wait; `Unavailable` if disk, connection or
    /// server fail, or if the closure panics.
    pub async fn write<T, E, F>(&self, change: F) -> Result<T, E>
    where
        F: AsyncFnMut(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.0.writer.write(change).await
    }

    /// A view of this moment: everything read through it is of one state. Keep it short: SQLite's
    /// log can't be emptied past the oldest view.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        let begin = self.dialect().begin_read();
        Ok(Tx::new(match &self.0.readers {
            Readers::Sqlite(pool) => Session::SqliteReader(pool.begin_with(begin).await?),
            Readers::Postgres(pool) => Session::PostgresReader(pool.begin_with(begin).await?),
        }))
    }

    /// Rings after every commit that added jobs.
    pub fn job_bell(&self) -> Arc<Notify> {
        self.0.writer.bell()
    }

    /// Finishes what waits, then closes; later changes are `Unavailable`.
    pub async fn close(&self) {
        self.0.writer.close().await;
        match &self.0.readers {
            Readers::Sqlite(pool) => pool.close().await,
            Readers::Postgres(pool) => pool.close().await,
        }
    }
}

/// A writing connection beside the pool and the writer, for work that needs one of its own.
pub(super) async fn dedicated(address: &Address) -> Result<Tx, StoreError> {
    let opener = match address {
        Address::Sqlite(path) => Opener::Sqlite { options: writing(sqlite_options(path)), path: path.clone() },
        Address::Postgres(url) => Opener::Postgres(postgres_options(url)?),
    };
    // Where several processes make the database at once, each wants it in WAL mode: for that SQLite
    // needs it alone and does not wait by itself.
    let until = tokio::time::Instant::now() + LOCK_WAIT;
    loop {
        match opener.open().await {
            Err(StoreError::Busy) if tokio::time::Instant::now() < until => tokio::time::sleep(OPEN_AGAIN).await,
            opened => return opened,
        }
    }
}

/// What every SQLite connection of ours is set to.
pub(super) fn sqlite_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(LOCK_WAIT)
        .statement_cache_capacity(STATEMENTS_MAX)
        .disable_statement_logging()
}

fn writing(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("journal_size_limit", WAL_KEPT_BYTES)
}

async fn open_sqlite(path: &Path) -> Result<SqliteConnectOptions, StoreError> {
    let shown = path.display();
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        private::create_folder(folder)
            .map_err(|error| StoreError::Refused(format!("The folder {} can't be made: {error}.", folder.display())))?;
    }
    // SQLite would let everybody read it. What hinders this hinders SQLite, which says it better.
    let _ = private::file().create_new(true).open(path);
    let options = sqlite_options(path);
    let check = async {
        let mut connection = SqliteConnection::connect_with(&writing(options.clone())).await?;
        let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok::<_, sqlx::Error>(version)
    };
    let version = check.await.map_err(|error| refusal(&shown.to_string(), error))?;
    if is_too_old(&version) {
        let needed = SQLITE_VERSION_MIN.map(|part| part.to_string()).join(".");
        return Err(StoreError::Refused(format!(
            "SQLite {version} can damage the database; this program needs {needed} or newer."
        )));
    }
    Ok(options)
}

/// One sentence for a file that does not open.
fn refusal(path: &str, error: sqlx::Error) -> StoreError {
    let code = error.as_database_error().and_then(DatabaseError::code).and_then(|code| code.parse::<i32>().ok());
    StoreError::Refused(match code.map(|code| code & 0xff) {
        Some(8 | 14) => {
            format!("The database {path} can't be opened for writing: check that the folder and the file may be written.")
        }
        Some(13) => format!("The database {path} can't be written: the disk is full."),
        Some(26) => format!("The file {path} is not a database."),
        Some(5 | 6) => format!("The database {path} is held by another program."),
        _ => format!("The database {path} can't be opened: {}.", StoreError::from(error)),
    })
}

fn is_too_old(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or_default());
    let found = [(); 3].map(|()| parts.next().unwrap_or_default());
    found < SQLITE_VERSION_MIN
}

fn postgres_options(url: &str) -> Result<PgConnectOptions, StoreError> {
    Ok(PgConnectOptions::from_str(url)
        .map_err(|error| StoreError::Refused(format!("The database address is not usable: {error}.")))?
        .application_name("perennial")
        .statement_cache_capacity(STATEMENTS_MAX)
        // Notices, such as that a table is there already, are nothing for our log.
        .options([
            ("statement_timeout", "30s"),
            ("idle_in_transaction_session_timeout", "60s"),
            ("client_min_messages", "warning"),
        ])
        .disable_statement_logging())
}

async fn open_postgres(url: &str, address: &Address) -> Result<PgConnectOptions, StoreError> {
    let options = postgres_options(url)?;
    let connection = PgConnection::connect_with(&options)
        .await
        .map_err(|error| StoreError::Refused(format!("The database {address} does not answer: {error}.")))?;
    connection.close().await?;
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sqlite_that_can_damage_a_database_is_too_old() {
        for old in ["3.51.2", "3.50.9", "3.7.17", "2.99.99", "", "nonsense"] {
            assert!(is_too_old(old), "{old}");
        }
        for good in ["3.51.3", "3.51.10", "3.52.0", "4.0.0"] {
            assert!(!is_too_old(good), "{good}");
        }
    }
}
