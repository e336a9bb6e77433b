//! Who did what: a chain of hashes per clinic, written in the transaction of the change itself.
//!
//! Each row's hash covers the row and the hash before it, so an edit, a missing row or another
//! order shows. A chain that was cut off at its end is a valid chain: that shows only against a
//! [`Head`] kept elsewhere, as `doctor` prints it and every backup holds it.
//!
//! Not here: a patient's words. Details are ids, codes and counts.

use std::collections::BTreeMap;
use std::fmt;

use app::request::{Caller, Who};
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use crate::store::{Json, Row, StoreError, Tx};

/// Rows that `verify` holds in memory at a time.
const PAGE_ROWS: i64 = 1_000;

/// One thing that somebody did.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    clinic: &'a str,
    caller: &'a Caller,
    action: &'static str,
    subject: String,
    detail: BTreeMap<String, String>,
}

impl<'a> Entry<'a> {
    /// `action` like `"appointment.book"`; `subject` is the id of what it was done to.
    pub fn new(clinic: &'a str, caller: &'a Caller, action: &'static str, subject: impl fmt::Display) -> Self {
        Self { clinic, caller, action, subject: subject.to_string(), detail: BTreeMap::new() }
    }

    /// A circumstance: an id, a code, a count.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.detail.insert(name.to_owned(), value.to_string());
        self
    }
}

/// The end of a clinic's chain. Number 0 is the empty one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub number: i64,
    pub hash: String,
}

/// The first row at which the chain does not hold.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error("row {number} of the audit of {clinic} {why}")]
    At { clinic: String, number: i64, why: &'static str },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Adds the entry to its clinic's chain.
pub async fn record(tx: &mut Tx, entry: &Entry<'_>, now: DateTime<Utc>) -> Result<(), StoreError> {
    let head = head(tx, entry.clinic).await?;
    let line = Line {
        number: head.number + 1,
        at: now,
        caller: caller_text(entry.caller),
        action: entry.action.to_owned(),
        subject: entry.subject.clone(),
        detail: entry.detail.clone(),
        previous: head.hash,
    };
    let hash = line.hash(entry.clinic);
    tx.query(
        "INSERT INTO audit (clinic, number, at, caller, action, subject, detail, previous, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(entry.clinic)
    .bind(line.number)
    .bind(line.at)
    .bind(line.caller)
    .bind(line.action)
    .bind(line.subject)
    .bind(Json(line.detail))
    .bind(line.previous)
    .bind(hash)
    .execute()
    .await?;
    Ok(())
}

/// Where the clinic's chain ends now.
pub async fn head(tx: &mut Tx, clinic: &str) -> Result<Head, StoreError> {
    let last = tx
        .query("SELECT number, hash FROM audit WHERE clinic = $1 ORDER BY number DESC LIMIT 1")
        .bind(clinic)
        .fetch_optional()
        .await?;
    Ok(match last {
        Some(row) => Head { number: row.get("number")?, hash: row.get("hash")? },
        None => Head { number: 0, hash: String::new() },
    })
}

/// Reads the whole chain of a clinic and answers where it ends. With an earlier head it also shows
/// whether the end was cut off since.
pub async fn verify(tx: &mut Tx, clinic: &str, earlier: Option<&Head>) -> Result<Head, Broken> {
    let broken = |number, why| Broken::At { clinic: clinic.to_owned(), number, why };
    let mut head = Head { number: 0, hash: String::new() };
    loop {
        let rows = tx
            .query(
                "SELECT number, at, caller, action, subject, detail, previous, hash FROM audit \
                 WHERE clinic = $1 AND number > $2 ORDER BY number LIMIT $3",
            )
            .bind(clinic)
            .bind(head.number)
            .bind(PAGE_ROWS)
            .fetch_all()
            .await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let line = Line::from_row(row)?;
            let hash: String = row.get("hash")?;
            if line.number != head.number + 1 {
                return Err(broken(head.number + 1, "is missing"));
            }
            if line.previous != head.hash {
                return Err(broken(line.number, "does not follow the one before it"));
            }
            if line.hash(clinic) != hash {
                return Err(broken(line.number, "was changed"));
            }
            if earlier.is_some_and(|earlier| earlier.number == line.number && earlier.hash != hash) {
                return Err(broken(line.number, "is not the one that was there before"));
            }
            head = Head { number: line.number, hash };
        }
    }
    match earlier {
        Some(earlier) if earlier.number > head.number => Err(broken(head.number + 1, "was cut off")),
        _ => Ok(head),
    }
}

/// Which caller, as far as it may be kept: enough of a visitor's key to tell two apart.
fn caller_text(caller: &Caller) -> String {
    match &caller.who {
        Who::Visitor(None) => "visitor".to_owned(),
        Who::Visitor(Some(key)) => key.0.iter().take(8).fold("visitor:".to_owned(), |text, byte| text + &format!("{byte:02x}")),
        Who::System => "system".to_owned(),
    }
}

/// A row without its own hash.
struct Line {
    number: i64,
    at: DateTime<Utc>,
    caller: String,
    action: String,
    subject: String,
    detail: BTreeMap<String, String>,
    previous: String,
}

impl Line {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            number: row.get("number")?,
            at: row.get("at")?,
            caller: row.get("caller")?,
            action: row.get("action")?,
            subject: row.get("subject")?,
            detail: row.get::<Json<_>>("detail")?.0,
            previous: row.get("previous")?,
        })
    }

    /// SHA-256 over every field, each with its length before it, so that no two rows have the same
    /// bytes. Details are sorted by name: a database may keep JSON in an order of its own.
    fn hash(&self, clinic: &str) -> String {
        let mut hasher = Sha256::new();
        let mut add = |field: &[u8]| {
            hasher.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(field);
        };
        add(b"perennial audit 1");
        add(self.previous.as_bytes());
        add(clinic.as_bytes());
        add(&self.number.to_be_bytes());
        add(&self.at.timestamp_micros().to_be_bytes());
        add(self.caller.as_bytes());
        add(self.action.as_bytes());
        add(self.subject.as_bytes());
        for (name, value) in &self.detail {
            add(name.as_bytes());
            add(value.as_bytes());
        }
        format!("{:x}", hasher.finalize())
    }
}

#[cfg(test)]
mod tests {
    use app::request::VisitorKey;
    use app::words::Language;

    use super::*;
    use crate::store::testing::{noon, on_both};
    use crate::store::{Database, Dialect};

    async fn record_some(database: &Database, clinic: &'static str, count: usize) {
        for n in 0..count {
            let who = if n % 2 == 0 { Who::System } else { Who::Visitor(Some(VisitorKey([7; 32]))) };
            let caller = Caller { who, language: Language::default(), zone: None };
            database
                .write(async move |tx| {
                    let entry = Entry::new(clinic, &caller, "appointment.book", n).with("z", n).with("reason", "ä \" \\");
                    record(tx, &entry, noon()).await
                })
                .await
                .unwrap();
        }
    }

    async fn verdict(database: &Database, earlier: Option<&Head>) -> Result<i64, String> {
        let mut tx = database.read().await.unwrap();
        verify(&mut tx, "rowan", earlier).await.map(|head| head.number).map_err(|broken| broken.to_string())
    }

    /// What somebody with the database in their hands could do: the guard is off, then a statement.
    async fn tamper(database: &Database, statement: &'static str) {
        let guards: &[&str] = match database.dialect() {
            Dialect::Sqlite => &["DROP TRIGGER audit_is_not_edited", "DROP TRIGGER audit_is_not_deleted"],
            Dialect::Postgres => &["DROP TRIGGER audit_is_append_only ON audit"],
        };
        database
            .write(async move |tx| {
                for guard in guards {
                    tx.query(guard).execute().await?;
                }
                assert!(tx.query(statement).execute().await? > 0);
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
    }

    on_both! {
        async fn a_chain_that_nobody_touched_holds(scratch: Scratch) {
            let database = &scratch.database;
            assert_eq!(verdict(database, None).await, Ok(0));
            record_some(database, "rowan", 5).await;
            record_some(database, "other", 2).await;
            let head = head(&mut database.read().await.unwrap(), "rowan").await.unwrap();
            assert_eq!(verdict(database, Some(&head)).await, Ok(5));
            record_some(database, "rowan", 1).await;
            assert_eq!(verdict(database, Some(&head)).await, Ok(6));
        }

        async fn an_edit_shows(scratch: Scratch) {
            record_some(&scratch.database, "rowan", 5).await;
            tamper(&scratch.database, "UPDATE audit SET subject = '9' WHERE number = 3").await;
            assert_eq!(verdict(&scratch.database, None).await, Err("row 3 of the audit of rowan was changed".to_owned()));
        }

        async fn an_edit_of_a_detail_shows(scratch: Scratch) {
            record_some(&scratch.database, "rowan", 5).await;
            tamper(&scratch.database, "UPDATE audit SET detail = '{\"reason\": \"none\"}' WHERE number = 2").await;
            assert_eq!(verdict(&scratch.database, None).await, Err("row 2 of the audit of rowan was changed".to_owned()));
        }

        async fn a_missing_row_shows(scratch: Scratch) {
            record_some(&scratch.database, "rowan", 5).await;
            tamper(&scratch.database, "DELETE FROM audit WHERE number = 2").await;
            assert_eq!(verdict(&scratch.database, None).await, Err("row 2 of the audit of rowan is missing".to_owned()));
        }

        async fn a_missing_first_row_shows_even_if_the_rest_moves_up(scratch: Scratch) {
            record_some(&scratch.database, "rowan", 2).await;
            tamper(&scratch.database, "DELETE FROM audit WHERE number = 1").await;
            scratch.database.write(async |tx| {
                tx.query("UPDATE audit SET number = 1").execute().await.map(drop)
            }).await.unwrap();
            assert!(verdict(&scratch.database, None).await.unwrap_err().contains("does not follow"));
        }

        async fn another_order_shows(scratch: Scratch) {
            record_some(&scratch.database, "rowan", 5).await;
            tamper(&scratch.database, "UPDATE audit SET number = 100 WHERE number = 2").await;
            scratch.database.write(async |tx| {
                tx.query("UPDATE audit SET number = 2 WHERE number = 3").execute().await?;
                tx.query("UPDATE audit SET number = 3 WHERE number = 100").execute().await.map(drop)
            }).await.unwrap();
            assert!(verdict(&scratch.database, None).await.unwrap_err().contains("row 2 of the audit of rowan does not follow"));
        }

        async fn a_cut_off_end_shows_against_an_earlier_head(scratch: Scratch) {
            let database = &scratch.database;
            record_some(database, "rowan", 5).await;
            let head = head(&mut database.read().await.unwrap(), "rowan").await.unwrap();
            tamper(database, "DELETE FROM audit WHERE number > 3").await;
            assert_eq!(verdict(database, None).await, Ok(3), "by itself a shorter chain is a chain");
            assert!(verdict(database, Some(&head)).await.unwrap_err().contains("row 4 of the audit of rowan was cut off"));
            record_some(database, "rowan", 4).await;
            assert!(verdict(database, Some(&head)).await.unwrap_err().contains("is not the one that was there before"));
        }

        async fn the_database_itself_refuses_to_edit_or_delete(scratch: Scratch) {
            record_some(&scratch.database, "rowan", 1).await;
            for statement in ["UPDATE audit SET caller = 'x'", "DELETE FROM audit"] {
                let refused = scratch.database.write(async move |tx| tx.query(statement).execute().await).await;
                assert!(matches!(refused, Err(StoreError::Rule(_))), "{refused:?}");
            }
            assert_eq!(verdict(&scratch.database, None).await, Ok(1));
        }

        async fn an_entry_of_a_change_that_failed_is_not_in_the_chain(scratch: Scratch) {
            let database = &scratch.database;
            record_some(database, "rowan", 1).await;
            let failed = database.write(async |tx| {
                let caller = Caller::system(Language::default());
                record(tx, &Entry::new("rowan", &caller, "hold.make", 1), noon()).await?;
                Err::<(), _>(StoreError::Rule("no".to_owned()))
            }).await;
            assert!(failed.is_err());
            record_some(database, "rowan", 1).await;
            assert_eq!(verdict(database, None).await, Ok(2));
        }
    }
}
