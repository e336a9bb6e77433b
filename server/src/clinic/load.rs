//! Takes a clinic's file into use, without silently breaking what patients have booked.
//!
//! The comparison and the change are one transaction: a visit that is booked meanwhile either is
//! compared too, or is booked by the new file's rules. What it is *not*: it moves or cancels
//! nothing. A visit that is kept against the new file stays as it was, and its patient is asked for
//! another time.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use app::booking::rules::{Search, Span, Standing, standing, tick};
use app::clinic::model::{Clinic, Location, Treatment};
use app::request::Caller;
use app::words::Language;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use super::{file, store};
use crate::audit;
use crate::booking::store::appointment::{self, AppointmentRow};
use crate::booking::unsettled;
use crate::clock::Clock;
use crate::labels;
use crate::store::{Database, StoreError, Tx};

/// The demo's file, as it lies beside its format's description.
const DEMO: &str = include_str!("../../demo/clinic.toml");

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The number of this load; the same as before if the file says nothing new.
    pub revision: i64,
    /// Visits that stay booked although they no longer fit, as they did before; only ever some by force.
    pub misfits: Vec<Misfit>,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Booked visits no longer fit; in the order of their beginning.
    #[error("{} that {} booked would no longer fit", count(.0.len()), if .0.len() == 1 { "is" } else { "are" })]
    Misfits(Vec<Misfit>),
    /// Booked visits need what the file no longer has, which no force can make good.
    #[error("{} what the file no longer has; keep it there, without shifts, until the last is over", need(.0.len()))]
    Gone(Vec<Misfit>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn need(visits: usize) -> String {
    if visits == 1 { "1 booked visit needs".to_owned() } else { format!("{visits} booked visits need") }
}

fn count(visits: usize) -> String {
    if visits == 1 { "1 visit".to_owned() } else { format!("{visits} visits") }
}

/// A booked visit that the new file does not allow for. Says nothing about the patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The booking number: "RS-4K7Q2M".
    pub number: String,
    /// "Thursday 12 March, 9:20 am, London time (GMT)", in the visit's zone if the location is still there.
    pub when: String,
    pub why: Why,
}

impl fmt::Display for Misfit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}, {}: {}", self.number, self.when, self.why)
    }
}

/// What stands in a visit's way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    #[error("there is no treatment \"{0}\" any more")]
    NoTreatment(String),
    #[error("there is no location \"{0}\" any more")]
    NoLocation(String),
    #[error("there is no practitioner \"{0}\" any more")]
    NoPractitioner(String),
    #[error("\"{practitioner}\" no longer gives \"{treatment}\"")]
    NotGiven { practitioner: String, treatment: String },
    #[error("its room \"{0}\" is no longer there for it")]
    NoRoom(String),
    #[error("it has no room, and \"{0}\" needs one now")]
    NeedsRoom(String),
    #[error("the clinic is closed then")]
    Closed,
    #[error("\"{practitioner}\" does not give \"{treatment}\" at \"{location}\" then")]
    Off { practitioner: String, treatment: String, location: String },
    #[error("the group has {0} seats now, and more are taken")]
    Full(u32),
}

impl Why {
    /// Whether the file no longer has what the visit's own page speaks of.
    const fn is_gone(&self) -> bool {
        matches!(self, Self::NoTreatment(_) | Self::NoLocation(_) | Self::NoPractitioner(_))
    }
}

/// Stores the clinic as its next revision, and notes it in the audit. What is in memory is
/// refreshed by whoever holds it. With `force`, visits that no longer fit are kept as they are.
///
/// # Errors
/// [`Refused`]; nothing is changed then.
pub async fn load(database: &Database, clock: &Clock, clinic: Clinic, force: bool) -> Result<Loaded, Refused> {
    let now = clock.now();
    database.write(async move |tx| exchange(tx, &clinic, force, now).await).await
}

/// The demo clinic.
///
/// # Errors
/// If its file has a mistake, which a test rules out.
pub fn demo() -> Result<Clinic, StoreError> {
    file::read(DEMO).map_err(|mistakes| {
        let first = mistakes.first().map(ToString::to_string).unwrap_or_default();
        StoreError::Refused(format!("The demo clinic has mistakes, the first on {first}"))
    })
}

async fn exchange(tx: &mut Tx, clinic: &Clinic, force: bool, now: DateTime<Utc>) -> Result<Loaded, Refused> {
    let current = store::get(tx, &clinic.slug).await?;
    if let Some(same) = current.as_ref().filter(|current| *current.clinic == *clinic) {
        return Ok(Loaded { revision: same.revision, misfits: Vec::new() });
    }
    let visits = appointment::upcoming(tx, &clinic.slug, now).await?;
    // What the file in use has no place for is no news.
    let before = current.map(|current| self::misfits(&current.clinic, visits.clone(), now)).unwrap_or_default();
    let mut found = self::misfits(clinic, visits, now);
    let ids = |list: &[(AppointmentRow, Misfit)]| list.iter().map(|(visit, _)| visit.id).collect::<BTreeSet<_>>();
    let (before_ids, found_ids) = (ids(&before), ids(&found));
    let again = before.into_iter().map(|(visit, _)| visit).filter(|visit| !found_ids.contains(&visit.id));
    let gone: Vec<_> = found.iter().filter(|(_, misfit)| misfit.why.is_gone()).map(|(_, misfit)| misfit.clone()).collect();
    found.retain(|(visit, _)| !before_ids.contains(&visit.id));
    let (unfit, misfits): (Vec<AppointmentRow>, Vec<Misfit>) = found.into_iter().unzip();
    if !misfits.is_empty() && !force {
        return Err(Refused::Misfits(misfits));
    }
    if !gone.is_empty() {
        return Err(Refused::Gone(gone));
    }
    let revision = store::put(tx, clinic, now).await?;
    let system = Caller::system(Language::En);
    let entry = audit::Entry::new(clinic.slug.as_str(), &system, "clinic.load", &clinic.slug)
        .with("revision", revision)
        .with("misfits", misfits.len());
    audit::record(tx, &entry, now).await?;
    for visit in &unfit {
        unsettled::unfit(tx, &clinic.slug, visit, now).await?;
    }
    for visit in again {
        unsettled::fits_again(tx, &clinic.slug, &visit, now).await?;
    }
    Ok(Loaded { revision, misfits })
}

fn misfits(clinic: &Clinic, visits: Vec<AppointmentRow>, now: DateTime<Utc>) -> Vec<(AppointmentRow, Misfit)> {
    let mut seats: HashMap<Uuid, u32> = HashMap::new();
    let mut found = Vec::new();
    for visit in visits {
        let taken = visit.place.session.map_or(1, |session| {
            let seat = seats.entry(session).or_default();
            *seat += 1;
            *seat
        });
        if let Err(why) = fits(clinic, &visit, taken, now) {
            let misfit = Misfit { number: visit.number.clone(), when: when(clinic, &visit, now), why };
            found.push((visit, misfit));
        }
    }
    found
}

/// `seat` is the visit's place among those of its session, in the order of booking.
fn fits(clinic: &Clinic, visit: &AppointmentRow, seat: u32, now: DateTime<Utc>) -> Result<(), Why> {
    let place = &visit.place;
    let treatment = clinic.treatment(&place.treatment).ok_or_else(|| Why::NoTreatment(place.treatment.to_string()))?;
    let location = clinic.location(&place.location).ok_or_else(|| Why::NoLocation(place.location.to_string()))?;
    clinic.practitioner(&place.practitioner).ok_or_else(|| Why::NoPractitioner(place.practitioner.to_string()))?;
    let practitioner = || place.practitioner.to_string();
    if !treatment.practitioners.contains(&place.practitioner) {
        return Err(Why::NotGiven { practitioner: practitioner(), treatment: place.treatment.to_string() });
    }
    room_is_there(clinic, visit, treatment, location)?;
    if seat > treatment.capacity {
        return Err(Why::Full(treatment.capacity));
    }
    let off = || Why::Off {
        practitioner: practitioner(),
        treatment: place.treatment.to_string(),
        location: place.location.to_string(),
    };
    let zone: Tz = location.zone.parse().map_err(|_| off())?;
    let span = Span { from: tick(place.start), until: tick(place.end) };
    let practitioners = std::slice::from_ref(&place.practitioner);
    let search = Search { clinic, treatment, location, zone: &zone, practitioners, now, within: span };
    match standing(&search, &place.practitioner, span) {
        Standing::Fits => Ok(()),
        Standing::Closed => Err(Why::Closed),
        Standing::Off => Err(off()),
    }
}

fn room_is_there(clinic: &Clinic, visit: &AppointmentRow, treatment: &Treatment, location: &Location) -> Result<(), Why> {
    match &visit.place.room {
        _ if treatment.room_kind.is_none() => Ok(()),
        None => Err(Why::NeedsRoom(treatment.slug.to_string())),
        Some(room) if clinic.rooms_for(treatment, &location.slug).any(|known| known.slug == *room) => Ok(()),
        Some(room) => Err(Why::NoRoom(room.to_string())),
    }
}

/// The visit's time as the clinic's staff say it.
fn when(clinic: &Clinic, visit: &AppointmentRow, now: DateTime<Utc>) -> String {
    let zone = clinic.location(&visit.place.location).and_then(|location| location.zone.parse::<Tz>().ok()).unwrap_or(Tz::UTC);
    let moment = labels::moment(visit.place.start, zone, Language::En, now, None);
    format!("{}, {}, {}", moment.day, moment.time, moment.zone)
}
