//! What can go wrong between a statement and the disk, as far as somebody decides by it.
//!
//! No variant carries a value from a row: the text of an error may be logged.

use sqlx::error::{DatabaseError, ErrorKind};

/// Why the store did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A row with that key is there already.
    #[error("a row with that key is already in the table {table}")]
    Unique { table: String },
    /// A check, a foreign key, a missing value, or a table that is append-only.
    #[error("a rule of the table refuses the row: {0}")]
    Rule(String),
    /// Someone else's change came first. The writer tries again; nobody else sees this often.
    #[error("another change came first")]
    Conflict,
    /// More changes wait than are worth waiting for, or another process holds the database.
    #[error("the database is busy")]
    Busy,
    /// The disk, the connection or the server fails. Whether the change stands is not known; a
    /// caller that must know asks again with the same key.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// It can't be opened. One sentence for whoever starts the server.
    #[error("{0}")]
    Refused(String),
    /// Our mistake: the statement is wrong, or the column is of another type.
    #[error("a statement and the tables do not fit: {0}")]
    Shape(String),
    /// What is on the disk is not what was written.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// A row with that key is there already, in whatever table.
    pub const fn is_unique(&self) -> bool {
        matches!(self, Self::Unique { .. })
    }

    /// A row with that key is there already, in this table.
    pub fn is_unique_in(&self, name: &str) -> bool {
        matches!(self, Self::Unique { table } if table == name)
    }

    /// The statement failed by itself; others of the same batch may stand.
    pub(super) const fn is_own_fault(&self) -> bool {
        matches!(self, Self::Unique { .. } | Self::Rule(_) | Self::Shape(_))
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error;
        match error {
            Error::Database(error) => from_database(error.as_ref()),
            Error::Io(error) => Self::Unavailable(error.to_string()),
            Error::Tls(error) => Self::Unavailable(error.to_string()),
            Error::Protocol(text) => Self::Unavailable(text),
            Error::PoolTimedOut => Self::Busy,
            Error::PoolClosed => Self::Unavailable("it is closed".to_owned()),
            Error::WorkerCrashed => Self::Unavailable("the connection ended".to_owned()),
            Error::Configuration(error) => Self::Refused(format!("The database address is not usable: {error}.")),
            error => Self::Shape(error.to_string()),
        }
    }
}

fn from_database(error: &dyn DatabaseError) -> StoreError {
    let message = error.message().to_owned();
    match error.kind() {
        ErrorKind::UniqueViolation => return StoreError::Unique { table: table_of(error) },
        ErrorKind::ForeignKeyViolation | ErrorKind::NotNullViolation | ErrorKind::CheckViolation => {
            return StoreError::Rule(message);
        }
        _ => {}
    }
    let code = error.code().unwrap_or_default();
    if error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
        from_postgres(&code, message)
    } else {
        from_sqlite(code.parse().unwrap_or_default(), message)
    }
}

/// SQLite names the columns in its sentence: `UNIQUE constraint failed: hold.clinic, hold.id`.
fn table_of(error: &dyn DatabaseError) -> String {
    error.table().map_or_else(
        || {
            let columns = error.message().rsplit(": ").next().unwrap_or_default();
            columns.split('.').next().unwrap_or_default().to_owned()
        },
        str::to_owned,
    )
}

/// SQLSTATE, <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn from_postgres(code: &str, message: String) -> StoreError {
    match code {
        "40001" | "40P01" => StoreError::Conflict,
        "55P03" | "53300" => StoreError::Busy,
        "23P01" | "P0001" => StoreError::Rule(message),
        "XX001" | "XX002" => StoreError::Corrupt(message),
        _ => match code.get(..2) {
            Some("08" | "25" | "28" | "53" | "57" | "58" | "3D") => StoreError::Unavailable(message),
            _ => StoreError::Shape(message),
        },
    }
}

/// Result codes, <https://www.sqlite.org/rescode.html>; the low byte is the primary one.
fn from_sqlite(code: i32, message: String) -> StoreError {
    const CONSTRAINT_TRIGGER: i32 = 1811;
    if code == CONSTRAINT_TRIGGER {
        return StoreError::Rule(message);
    }
    match code & 0xff {
        5 | 6 => StoreError::Busy,
        7 | 8 | 10 | 13 | 14 | 15 | 23 => StoreError::Unavailable(message),
        11 | 26 => StoreError::Corrupt(message),
        19 => StoreError::Rule(message),
        _ => StoreError::Shape(message),
    }
}
