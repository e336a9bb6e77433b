//! The booking feature's SQL; nothing else in it talks to the database.
//!
//! - [`guard`]: the occupancy table, which refuses an overlap
//! - [`hold`], [`appointment`]: rows in and out
//! - [`unsettled`]: what the clinic changed, until the patient has answered
//! - [`zone`]: what the rules of zones were
//! - [`busy`]: what the search reads

pub mod appointment;
pub mod busy;
pub mod guard;
pub mod hold;
pub mod patient;
pub mod unsettled;
pub mod zone;

use std::str::FromStr;

use app::booking::rules::{Session, Span, tick};
use app::ids::{LocationSlug, PractitionerSlug, RoomSlug, TreatmentSlug};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::store::{Row, StoreError};

/// What a hold and an appointment have in common: what, with whom, where and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub treatment: TreatmentSlug,
    pub practitioner: PractitionerSlug,
    /// The patient asked for this person, not for anyone.
    pub practitioner_chosen: bool,
    pub location: LocationSlug,
    pub room: Option<RoomSlug>,
    /// The group session it is a seat of; see [`session_id`].
    pub session: Option<Uuid>,
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
    /// Buffers included.
    pub busy: Span,
}

impl Place {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            treatment: slug(row, "treatment")?,
            practitioner: slug(row, "practitioner")?,
            practitioner_chosen: row.get("practitioner_chosen")?,
            location: slug(row, "location")?,
            room: row.get::<Option<String>>("room")?.map(|text| parse(&text)).transpose()?,
            session: row.get("session")?,
            start: row.get("start_at")?,
            end: row.get("end_at")?,
            busy: Span { from: row.get("busy_from")?, until: row.get("busy_until")? },
        })
    }

    pub fn session_key(&self) -> Session {
        Session {
            treatment: self.treatment.clone(),
            practitioner: self.practitioner.clone(),
            location: self.location.clone(),
            start: tick(self.start),
        }
    }
}

pub fn slug<T: FromStr>(row: &Row, column: &str) -> Result<T, StoreError> {
    parse(&row.get::<String>(column)?)
}

pub fn parse<T: FromStr>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Shape("a slug in the database is none".to_owned()))
}

/// The id of a group session: the same for everyone who joins it, without asking anyone.
pub fn session_id(clinic: &str, session: &Session) -> Uuid {
    let name = format!("{clinic}/{}/{}/{}/{}", session.treatment, session.practitioner, session.location, session.start);
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())
}
