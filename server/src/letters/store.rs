//! Rows of `letter`: what is sent, to whom in outline, why, and how far it came.

use std::fmt;

use app::ids::{AppointmentId, ClinicSlug};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::letter::Letter;
use crate::store::{Row, StoreError, Tx};

/// How often a letter is handed over without an answer: the second time may make a duplicate.
const UNANSWERED_MAX: i64 = 2;
/// Longer than any attempt lasts: whoever was sending it then has ended since.
const SENDING_MAX: TimeDelta = TimeDelta::minutes(5);

/// Whether a letter may be handed to its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Go,
    /// The visit is not what the letter says any more.
    Changed,
    /// It was sent, or failed for good.
    Settled,
    /// It was handed over as often as it may be, and nobody knows whether it arrived.
    Unknown,
}

/// An attempt to send a letter.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Fresh, for the letter's row.
    pub id: Uuid,
    pub about: AppointmentId,
    pub job: Uuid,
    /// The ids of all letters that this run of the job sends, with spaces between.
    pub beside: String,
    /// `None`: the letter tells the patient nothing new about the visit.
    pub told: Option<String>,
    pub now: DateTime<Utc>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Sent,
    Waiting(String),
    /// The next attempt may be the last.
    Unanswered(String),
    Failed(String),
}

impl Outcome {
    /// The state's name in tables and figures.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Waiting(_) => "waiting",
            Self::Unanswered(_) => "sending",
            Self::Failed(_) => "failed",
        }
    }

    fn why(&self) -> Option<&str> {
        match self {
            Self::Sent => None,
            Self::Waiting(why) | Self::Unanswered(why) | Self::Failed(why) => Some(why),
        }
    }
}

/// Whether this very letter is done with.
pub async fn is_settled(tx: &mut Tx, clinic: &ClinicSlug, letter: &Letter) -> Result<bool, StoreError> {
    let state = state(tx, clinic, letter).await?;
    Ok(state.is_some_and(|(state, _)| matches!(state.as_str(), "sent" | "delivered" | "failed" | "unknown")))
}

async fn state(tx: &mut Tx, clinic: &ClinicSlug, letter: &Letter) -> Result<Option<(String, i64)>, StoreError> {
    let found = tx
        .query("SELECT state, unanswered FROM letter WHERE clinic = $1 AND message_id = $2")
        .bind(clinic.as_str())
        .bind(letter.id.to_string())
        .fetch_optional()
        .await?;
    found.map(|row| Ok((row.get("state")?, row.get("unanswered")?))).transpose()
}

/// Notes that the letter is about to be handed over: before it is, so that a program that ends in
/// between leaves a trace. An earlier attempt without an end counts as one without an answer.
pub async fn begin(tx: &mut Tx, clinic: &ClinicSlug, letter: &Letter, attempt: &Attempt) -> Result<Standing, StoreError> {
    let Attempt { id, about, job, beside, told, now } = attempt;
    // The same job may have tried to send another letter before the visit changed.
    withdraw(tx, clinic, *about, *job, beside, "a later change is told instead").await?;
    let added = tx
        .query(
            "INSERT INTO letter (id, clinic, kind, appointment, channel, recipient_hint, reason, language, message_id, sent_at, state, told, job)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'sending', $11, $12) ON CONFLICT DO NOTHING",
        )
        .bind(*id)
        .bind(clinic.as_str())
        .bind(letter.kind.name())
        .bind(about.0)
        .bind(letter.recipient.channel())
        .bind(letter.recipient.hint())
        .bind(letter.kind.reason())
        .bind(letter.language.tag())
        .bind(letter.id.to_string())
        .bind(*now)
        .bind(told.as_deref())
        .bind(*job)
        .execute()
        .await?;
    if added > 0 {
        return Ok(Standing::Go);
    }
    let (before, unanswered) = state(tx, clinic, letter).await?.unwrap_or_default();
    let unanswered = unanswered + i64::from(before == "sending");
    let standing = match before.as_str() {
        "sent" | "delivered" | "failed" | "unknown" => return Ok(Standing::Settled),
        _ if unanswered >= UNANSWERED_MAX => Standing::Unknown,
        _ => Standing::Go,
    };
    let state = if standing == Standing::Go { "sending" } else { "unknown" };
    // The address may be another one by now, and with it the channel.
    tx.query(
        "UPDATE letter SET state = $1, unanswered = $2, channel = $3, recipient_hint = $4, sent_at = $5, told = $6,
             job = $7 WHERE clinic = $8 AND message_id = $9",
    )
    .bind(state)
    .bind(unanswered)
    .bind(letter.recipient.channel())
    .bind(letter.recipient.hint())
    .bind(*now)
    .bind(told.as_deref())
    .bind(*job)
    .bind(clinic.as_str())
    .bind(letter.id.to_string())
    .execute()
    .await?;
    Ok(standing)
}

/// Takes back the letters about a visit that a job did not get out, but for those whose ids `except` has.
pub async fn withdraw(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    about: AppointmentId,
    job: Uuid,
    except: &str,
    why: &str,
) -> Result<(), StoreError> {
    tx.query(
        "UPDATE letter SET state = 'withdrawn', detail = $1
         WHERE clinic = $2 AND appointment = $3 AND job = $4 AND $5 NOT LIKE '%' || message_id || '%'
         AND state IN ('waiting', 'sending')",
    )
    .bind(why)
    .bind(clinic.as_str())
    .bind(about.0)
    .bind(job)
    .bind(except)
    .execute()
    .await
    .map(drop)
}

/// What the last letter about a visit said of it, as far as letters went out. A letter about
/// several is about the first of their series, and has a line for each. A `job` that asks does not
/// count what it has begun to send itself: nobody knows whether that arrived.
pub async fn last_told(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    about: AppointmentId,
    series: Option<Uuid>,
    job: Option<Uuid>,
) -> Result<Option<String>, StoreError> {
    let letters = tx
        .query(
            "SELECT kind, told FROM letter WHERE clinic = $1 AND told IS NOT NULL
             AND state IN ('sending', 'sent', 'delivered', 'unknown')
             AND (appointment = $2 AND kind NOT LIKE 'series%' OR appointment = $3 AND kind LIKE 'series%')
             AND (state <> 'sending' OR job IS NULL OR job <> $4)
             ORDER BY sent_at DESC, id DESC",
        )
        .bind(clinic.as_str())
        .bind(about.0)
        .bind(series)
        .bind(job.unwrap_or_default())
        .fetch_all()
        .await?;
    for row in &letters {
        let told: String = row.get("told")?;
        if !row.get::<String>("kind")?.starts_with("series") {
            return Ok(Some(told));
        }
        let own = told.lines().find_map(|line| line.strip_prefix(&about.to_string())?.strip_prefix(' '));
        if let Some(own) = own {
            return Ok(Some(own.to_owned()));
        }
    }
    Ok(None)
}

/// Notes how the attempt ended.
pub async fn end(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    letter: &Letter,
    outcome: &Outcome,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    // A report may be faster than the answer, and knows more.
    tx.query(
        "UPDATE letter SET state = $1, detail = $2, sent_at = $3
         WHERE clinic = $4 AND message_id = $5 AND state = 'sending'",
    )
    .bind(outcome.name())
    .bind(outcome.why())
    .bind(now)
    .bind(clinic.as_str())
    .bind(letter.id.to_string())
    .execute()
    .await?;
    Ok(())
}

/// Notes what the channel reports of a letter that it took: that it has arrived, or why it never
/// will. Answers the visit and kind of a letter that failed by that.
pub async fn report(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    message_id: &str,
    failed: Option<&str>,
) -> Result<Option<(AppointmentId, String)>, StoreError> {
    let changed = tx
        .query(
            "UPDATE letter SET state = $1, detail = $2 WHERE clinic = $3 AND message_id = $4 AND channel = 'text'
             AND state IN ('sending', 'sent', 'unknown') RETURNING appointment, kind",
        )
        .bind(if failed.is_some() { "failed" } else { "delivered" })
        .bind(failed)
        .bind(clinic.as_str())
        .bind(message_id)
        .fetch_optional()
        .await?;
    let Some(row) = changed.filter(|_| failed.is_some()) else { return Ok(None) };
    let about: Option<Uuid> = row.get("appointment")?;
    Ok(about.map(AppointmentId).zip(Some(row.get("kind")?)))
}

/// A letter that did not go out, for the clinic to see: nothing in it is about health, and it
/// names nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSent {
    pub clinic: String,
    pub kind: String,
    /// The visit's number, by which staff find the patient.
    pub number: String,
    pub channel: String,
    pub recipient_hint: String,
    pub state: String,
    pub detail: String,
    /// Of the last attempt.
    pub at: DateTime<Utc>,
}

/// One line of the list that operators read.
impl fmt::Display for NotSent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clinic, kind, number, channel, recipient_hint, state, detail, at } = self;
        let at = at.format("%Y-%m-%d %H:%M UTC");
        // With a channel, or with one when the program ended: nobody knows.
        let state = if state == "sending" { "unknown" } else { state };
        write!(out, "{at}  {state:7}  {clinic}  {number}  {kind}  by {channel} to {recipient_hint}")?;
        if detail.is_empty() { Ok(()) } else { write!(out, ": {detail}") }
    }
}

impl NotSent {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            clinic: row.get("clinic")?,
            kind: row.get("kind")?,
            number: row.get::<Option<String>>("number")?.unwrap_or_default(),
            channel: row.get("channel")?,
            recipient_hint: row.get("recipient_hint")?,
            state: row.get("state")?,
            detail: row.get::<Option<String>>("detail")?.unwrap_or_default(),
            at: row.get("sent_at")?,
        })
    }
}

/// Letters that failed, wait for another attempt, or may have arrived, and that staff have not
/// settled another way; the latest first.
pub async fn not_sent(tx: &mut Tx, now: DateTime<Utc>, limit: i64) -> Result<Vec<NotSent>, StoreError> {
    let rows = tx
        .query(
            "SELECT letter.clinic, letter.kind, appointment.number, letter.channel, letter.recipient_hint, letter.state,
                 letter.detail, letter.sent_at
             FROM letter LEFT JOIN appointment ON appointment.clinic = letter.clinic AND appointment.id = letter.appointment
             WHERE letter.state IN ('waiting', 'sending', 'failed', 'unknown') AND (letter.state <> 'sending' OR letter.sent_at < $1)
                 AND letter.settled_at IS NULL
             ORDER BY letter.sent_at DESC, letter.id LIMIT $2",
        )
        .bind(now - SENDING_MAX)
        .bind(limit)
        .fetch_all()
        .await?;
    rows.iter().map(NotSent::read).collect()
}

/// How many letters have failed for good or may not have arrived since that moment, of all clinics,
/// and how many before it. What staff settled does not count.
pub async fn lost(tx: &mut Tx, since: DateTime<Utc>) -> Result<(i64, i64), StoreError> {
    let sql = "SELECT COUNT(CASE WHEN sent_at >= $1 THEN 1 END) AS lately, COUNT(CASE WHEN sent_at < $1 THEN 1 END) AS before
               FROM letter WHERE state IN ('failed', 'unknown') AND settled_at IS NULL";
    let row = tx.query(sql).bind(since).fetch_one().await?;
    Ok((row.get("lately")?, row.get("before")?))
}

/// Staff have settled what the letters about this visit that did not arrive were about; answers
/// whether there were any.
pub async fn settle(tx: &mut Tx, clinic: &ClinicSlug, about: AppointmentId, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let sql = "UPDATE letter SET settled_at = $3
               WHERE clinic = $1 AND appointment = $2 AND state IN ('failed', 'unknown') AND settled_at IS NULL";
    Ok(tx.query(sql).bind(clinic.as_str()).bind(about.0).bind(now).execute().await? > 0)
}
