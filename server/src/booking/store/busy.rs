//! What is taken, for the search: appointments, and holds that have not ended.
//!
//! It reads spans, not ticks: a row for each visit. What it answers may be old by the time a
//! patient chooses; the guard decides.

use std::collections::HashMap;

use app::booking::rules::{Busy, Span};
use app::ids::{AppointmentId, ClinicSlug, PractitionerSlug, RoomSlug};
use chrono::{DateTime, Utc};

use super::Place;
use crate::store::{Row, StoreError, Tx};

/// No visit, with its buffers, is longer: so one that reaches into a span began at most this much earlier.
const VISIT_TICKS_MAX: i64 = 2 * 288;

/// What is not in the way of whoever looks for a time.
#[derive(Clone, Copy, Default)]
pub struct Own<'a> {
    /// This visitor's holds.
    pub visitor: Option<&'a str>,
    /// The visits that would move.
    pub visits: &'a [AppointmentId],
}

/// Everything that could be in the way of these people and rooms, except for what is one's own.
pub async fn read(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    practitioners: &[PractitionerSlug],
    rooms: &[RoomSlug],
    within: Span,
    own: Own<'_>,
    now: DateTime<Utc>,
) -> Result<Busy, StoreError> {
    let first = within.from - VISIT_TICKS_MAX;
    let mut rows: HashMap<uuid::Uuid, Place> = HashMap::new();
    for practitioner in practitioners {
        let found = tx
            .query(
                "SELECT id, treatment, practitioner, practitioner_chosen, location, room, session, start_at, end_at, busy_from, busy_until
                 FROM appointment
                 WHERE clinic = $1 AND practitioner = $2 AND busy_from >= $3 AND busy_from < $4 AND status <> 'cancelled'",
            )
            .bind(clinic.as_str())
            .bind(practitioner.as_str())
            .bind(first)
            .bind(within.until)
            .fetch_all()
            .await?;
        collect(&mut rows, &found)?;
    }
    for room in rooms {
        let found = tx
            .query(
                "SELECT id, treatment, practitioner, practitioner_chosen, location, room, session, start_at, end_at, busy_from, busy_until
                 FROM appointment
                 WHERE clinic = $1 AND room = $2 AND busy_from >= $3 AND busy_from < $4 AND status <> 'cancelled'",
            )
            .bind(clinic.as_str())
            .bind(room.as_str())
            .bind(first)
            .bind(within.until)
            .fetch_all()
            .await?;
        collect(&mut rows, &found)?;
    }
    let held = tx
        .query(
            "SELECT id, treatment, practitioner, practitioner_chosen, location, room, session, start_at, end_at, busy_from, busy_until
             FROM hold
             WHERE clinic = $1 AND expires_at > $2 AND (visitor IS NULL OR visitor <> $3)",
        )
        .bind(clinic.as_str())
        .bind(now)
        .bind(own.visitor.unwrap_or_default())
        .fetch_all()
        .await?;
    collect(&mut rows, &held)?;
    for visit in own.visits {
        rows.remove(&visit.0);
    }
    Ok(busy(rows.into_values()))
}

fn collect(rows: &mut HashMap<uuid::Uuid, Place>, found: &[Row]) -> Result<(), StoreError> {
    for row in found {
        rows.insert(row.get("id")?, Place::read(row)?);
    }
    Ok(())
}

fn busy(places: impl Iterator<Item = Place>) -> Busy {
    let mut busy = Busy::default();
    for place in places {
        if place.session.is_some() {
            *busy.sessions.entry(place.session_key()).or_default() += 1;
        }
        if let Some(room) = place.room {
            busy.rooms.entry(room).or_default().push(place.busy);
        }
        busy.practitioners.entry(place.practitioner).or_default().push(place.busy);
    }
    busy
}
