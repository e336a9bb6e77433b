//! Statements and what they answer: the same calls on either database.
//!
//! `tx.query("SELECT … WHERE clinic = $1").bind(clinic).fetch_optional().await?` and then
//! `row.get::<Uuid>("id")?`. Placeholders are `$1`, `$2`, … Statements are prepared once per
//! connection.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{
    Arguments as _, AssertSqlSafe, ColumnIndex, Decode, Encode, Executor as _, PgConnection, Postgres, Sqlite, SqliteConnection,
    Transaction, Type, ValueRef as _,
};
use uuid::Uuid;

use super::{Dialect, Json, StoreError};

/// A transaction: the writer's, or a reader's view of one moment.
///
/// After a statement failed every later one answers the same error and nothing is kept: PostgreSQL
/// is like that, so SQLite is too. Where a row may be there already, say `ON CONFLICT DO NOTHING`
/// and look at the number of rows.
pub struct Tx {
    session: Session,
    /// The first error since the last savepoint.
    trouble: Option<StoreError>,
    /// Jobs were added: wake the worker after the commit.
    rings: bool,
}

pub(super) enum Session {
    SqliteWriter(Box<SqliteConnection>),
    SqliteReader(Transaction<'static, Sqlite>),
    PostgresWriter(Box<PgConnection>),
    PostgresReader(Transaction<'static, Postgres>),
}

enum Line<'t> {
    Sqlite(&'t mut SqliteConnection),
    Postgres(&'t mut PgConnection),
}

impl Session {
    fn line(&mut self) -> Line<'_> {
        match self {
            Self::SqliteWriter(connection) => Line::Sqlite(connection),
            Self::SqliteReader(transaction) => Line::Sqlite(transaction),
            Self::PostgresWriter(connection) => Line::Postgres(connection),
            Self::PostgresReader(transaction) => Line::Postgres(transaction),
        }
    }
}

impl Tx {
    pub(super) const fn new(session: Session) -> Self {
        Self { session, trouble: None, rings: false }
    }

    pub const fn dialect(&self) -> Dialect {
        match self.session {
            Session::SqliteWriter(_) | Session::SqliteReader(_) => Dialect::Sqlite,
            Session::PostgresWriter(_) | Session::PostgresReader(_) => Dialect::Postgres,
        }
    }

    /// A statement; bind its values in order, then execute or fetch.
    pub fn query(&mut self, sql: &'static str) -> Query<'_> {
        let arguments = match self.dialect() {
            Dialect::Sqlite => Values::Sqlite(SqliteArguments::default()),
            Dialect::Postgres => Values::Postgres(PgArguments::default()),
        };
        Query { tx: self, sql, values: Ok(arguments) }
    }

    /// Wakes the job worker once this change is committed.
    pub(crate) const fn ring(&mut self) {
        self.rings = true;
    }

    pub(super) const fn take_ring(&mut self) -> bool {
        std::mem::replace(&mut self.rings, false)
    }

    pub(super) const fn trouble(&self) -> Option<&StoreError> {
        self.trouble.as_ref()
    }

    pub(super) fn forget_trouble(&mut self) {
        self.trouble = None;
    }

    /// `BEGIN`, `COMMIT` and their like: runs whatever happened before.
    pub(super) async fn command(&mut self, sql: &'static str) -> Result<(), StoreError> {
        match self.session.line() {
            Line::Sqlite(line) => sqlx::query(sql).execute(line).await.map(drop)?,
            // Without preparing: PostgreSQL prepares nothing in a transaction that has failed.
            Line::Postgres(line) => line.execute(sql).await.map(drop)?,
        }
        Ok(())
    }

    /// Several statements at once, from a migration's text.
    pub(super) async fn script(&mut self, text: String) -> Result<(), StoreError> {
        let script = sqlx::raw_sql(AssertSqlSafe(text));
        match self.session.line() {
            Line::Sqlite(line) => line.execute(script).await.map(drop)?,
            Line::Postgres(line) => line.execute(script).await.map(drop)?,
        }
        Ok(())
    }

    /// Says goodbye to the database; only for the writer's own connection.
    pub(super) async fn close(self) -> Result<(), StoreError> {
        use sqlx::Connection as _;
        match self.session {
            Session::SqliteWriter(connection) => connection.close().await?,
            Session::PostgresWriter(connection) => connection.close().await?,
            Session::SqliteReader(transaction) => transaction.rollback().await?,
            Session::PostgresReader(transaction) => transaction.rollback().await?,
        }
        Ok(())
    }
}

/// What can be bound: it has a form in both databases. `Json` for JSONB columns.
pub trait Bind<'q>: Encode<'q, Sqlite> + Type<Sqlite> + Encode<'q, Postgres> + Type<Postgres> {}
impl<'q, T: Encode<'q, Sqlite> + Type<Sqlite> + Encode<'q, Postgres> + Type<Postgres>> Bind<'q> for T {}

/// What can be read from a column: the types that stand in our tables, and each as an `Option`
/// where the column may be NULL.
pub trait Column: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres> {
    /// SQLite's driver reads NULL as 0 or as an empty text where nobody asked for an `Option`.
    const MAY_BE_NULL: bool = false;
}
impl Column for bool {}
impl Column for i64 {}
impl Column for String {}
impl Column for Uuid {}
impl Column for DateTime<Utc> {}
impl<T: DeserializeOwned + 'static> Column for Json<T> {}
impl<T: Column> Column for Option<T> {
    const MAY_BE_NULL: bool = true;
}

enum Values {
    Sqlite(SqliteArguments),
    Postgres(PgArguments),
}

/// A statement with its values.
#[must_use = "a query does nothing until it is executed or fetched"]
pub struct Query<'t> {
    tx: &'t mut Tx,
    sql: &'static str,
    values: Result<Values, StoreError>,
}

/// Runs the query by one of sqlx's methods on whichever database it is for.
macro_rules! run {
    ($query:ident, $method:ident) => {{
        let Query { tx, sql, values } = $query;
        if let Some(trouble) = &tx.trouble {
            return Err(trouble.clone());
        }
        let outcome = match (values, tx.session.line()) {
            (Ok(Values::Sqlite(values)), Line::Sqlite(line)) => {
                sqlx::query_with::<Sqlite, _>(sql, values).$method(line).await.map(Answer::Sqlite).map_err(StoreError::from)
            }
            (Ok(Values::Postgres(values)), Line::Postgres(line)) => {
                sqlx::query_with::<Postgres, _>(sql, values).$method(line).await.map(Answer::Postgres).map_err(StoreError::from)
            }
            (Ok(_), _) => Err(StoreError::Shape("values of the other database".to_owned())),
            (Err(error), _) => Err(error),
        };
        outcome.inspect_err(|error| tx.trouble = Some(error.clone()))
    }};
}

enum Answer<S, P> {
    Sqlite(S),
    Postgres(P),
}

impl Query<'_> {
    /// The next `$n`.
    pub fn bind<'q>(mut self, value: impl Bind<'q>) -> Self {
        let added = match &mut self.values {
            Ok(Values::Sqlite(values)) => values.add(value),
            Ok(Values::Postgres(values)) => values.add(value),
            Err(_) => return self,
        };
        if let Err(error) = added {
            self.values = Err(StoreError::Shape(format!("a value can't be encoded: {error}")));
        }
        self
    }

    /// The number of rows it changed.
    pub async fn execute(self) -> Result<u64, StoreError> {
        Ok(match run!(self, execute)? {
            Answer::Sqlite(done) => done.rows_affected(),
            Answer::Postgres(done) => done.rows_affected(),
        })
    }

    pub async fn fetch_all(self) -> Result<Vec<Row>, StoreError> {
        Ok(match run!(self, fetch_all)? {
            Answer::Sqlite(rows) => rows.into_iter().map(|row| Row(Cells::Sqlite(row))).collect(),
            Answer::Postgres(rows) => rows.into_iter().map(|row| Row(Cells::Postgres(row))).collect(),
        })
    }

    pub async fn fetch_optional(self) -> Result<Option<Row>, StoreError> {
        Ok(match run!(self, fetch_optional)? {
            Answer::Sqlite(row) => row.map(|row| Row(Cells::Sqlite(row))),
            Answer::Postgres(row) => row.map(|row| Row(Cells::Postgres(row))),
        })
    }

    /// The one row; none is an error of shape, so use it where there must be one, as for a count.
    pub async fn fetch_one(self) -> Result<Row, StoreError> {
        self.fetch_optional().await?.ok_or_else(|| StoreError::Shape("a row that must be there is not".to_owned()))
    }
}

/// One row of an answer.
pub struct Row(Cells);

enum Cells {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// The column of that name. `Shape` if there is none or it holds another type; a column that
    /// may be NULL is read as an `Option`.
    pub fn get<T: Column>(&self, column: &str) -> Result<T, StoreError> {
        fn read<'r, T, R>(row: &'r R, column: &str) -> Result<T, StoreError>
        where
            T: Column + Decode<'r, R::Database> + Type<R::Database>,
            R: sqlx::Row,
            for<'c> &'c str: ColumnIndex<R>,
        {
            let shape = |error: sqlx::Error| StoreError::Shape(error.to_string());
            if !T::MAY_BE_NULL && row.try_get_raw(column).map_err(shape)?.is_null() {
                return Err(StoreError::Shape(format!("the column {column} is NULL")));
            }
            row.try_get(column).map_err(shape)
        }
        match &self.0 {
            Cells::Sqlite(row) => read(row, column),
            Cells::Postgres(row) => read(row, column),
        }
    }
}
