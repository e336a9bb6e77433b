//! Rows of `letter`: what was sent, to whom in outline, and why.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::letter::Letter;
use crate::store::{StoreError, Tx};

/// Whether this very letter has gone out already.
pub async fn was_sent(tx: &mut Tx, clinic: &str, letter: &Letter) -> Result<bool, StoreError> {
    let found = tx
        .query("SELECT id FROM letter WHERE clinic = $1 AND message_id = $2")
        .bind(clinic)
        .bind(letter.id.to_string())
        .fetch_optional()
        .await?;
    Ok(found.is_some())
}

/// Notes that it went out; noting it twice leaves one row.
pub async fn note(
    tx: &mut Tx,
    clinic: &str,
    about: Uuid,
    letter: &Letter,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO letter (id, clinic, kind, appointment, channel, recipient_hint, reason, language, message_id, sent_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
    )
    .bind(id)
    .bind(clinic)
    .bind(letter.kind.name())
    .bind(about)
    .bind(letter.recipient.channel())
    .bind(letter.recipient.hint())
    .bind(letter.kind.reason())
    .bind(letter.language.tag())
    .bind(letter.id.to_string())
    .bind(now)
    .execute()
    .await?;
    Ok(())
}
