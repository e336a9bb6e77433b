//! A patient moves a visit: the old time is given back if and only if the new one is taken.
//!
//! Both happen in one transaction, so the guard needs no exception: the visit's own ticks are gone
//! before the new ones are asked for, and come back with the transaction if somebody has those.
//! The appointment stays the same one, with its id, its number and its link.

use std::sync::Arc;

use app::booking::model::{MoveRequest, MoveState, MoveWish, Moving, Visit, VisitStatus};
use app::booking::rules::{instant, is_ahead, occupied, tick};
use app::clinic::model::{Clinic, Treatment};
use app::error::{PortalError, Reason};
use app::ids::AppointmentId;
use app::request::{Caller, Who};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::find::{self, Finder};
use super::hold::{self, Occupant};
use super::store::appointment::{self, AppointmentRow};
use super::store::{Place, guard, patient, unsettled};
use super::view::{View, zone_of};
use super::{NEAREST, answer, confirm, details};
use crate::audit;
use crate::failure::Failure;
use crate::letters::tell::tell;
use crate::store::Tx;
use crate::waitlist::hooks as waitlist;

/// What moving needs to know.
#[derive(Clone)]
pub struct Relocating {
    pub clinic: Arc<Clinic>,
    pub caller: Caller,
    /// As it stands in the table of holds.
    pub visitor: Option<String>,
    pub visit: AppointmentId,
    pub request: MoveRequest,
    /// A fresh id for the letter's job.
    pub job: Uuid,
    pub now: DateTime<Utc>,
}

/// Far beyond what any clinic offers, and near enough to count days from.
const BOOKABLE_MAX: TimeDelta = TimeDelta::days(10 * 366);

/// What the page of a move shows: the visit as it is, and what the new time is agreed to under.
pub fn version(row: &AppointmentRow, treatment: &Treatment) -> String {
    let status = appointment::status_text(row.status);
    let terms = treatment.cancellation;
    format!("{status}.{}.{}.{}.{}", row.sequence, treatment.duration_min, terms.fee, terms.free_until_min)
}

/// The visit beside the time to which it could move, as far as the calendar shows.
pub async fn preview(
    tx: &mut Tx,
    view: &View,
    visitor: Option<&str>,
    visit: Visit,
    row: &AppointmentRow,
    wish: &MoveWish,
) -> Result<Moving, Failure> {
    let treatment = view.treatment(&row.place.treatment)?;
    let location = view.clinic.location(&wish.location).ok_or(PortalError::NotFound)?;
    let practitioners = find::practitioners(&view.clinic, treatment, wish.practitioner.as_ref())?;
    let mut finder = Finder { view, treatment, location, zone: zone_of(location)?, practitioners, visitor, moves: Some(row) };
    // Only an address that somebody made up asks for a time outside of what anyone could book.
    if (wish.start - view.now).abs() > BOOKABLE_MAX {
        return Err(PortalError::NotFound.into());
    }
    let start = tick(wish.start);
    let is_same = row.place.start == wish.start
        && row.place.location == wish.location
        && wish.practitioner.as_ref().is_none_or(|practitioner| *practitioner == row.place.practitioner);
    let (practitioner, state) = if is_same {
        (row.place.practitioner.clone(), MoveState::Same)
    } else if let Some(free) = finder.free_at(tx, start).await?.into_iter().next().filter(|_| instant(start) == wish.start) {
        (free, MoveState::Free)
    } else {
        let wanted = finder.practitioners.first().unwrap_or(&row.place.practitioner).clone();
        // The nearest are with whoever is free.
        finder.practitioners = find::practitioners(&view.clinic, treatment, None)?;
        (wanted, MoveState::Gone { nearest: finder.nearest(tx, start, NEAREST).await? })
    };
    let place = Place {
        practitioner,
        practitioner_chosen: wish.practitioner.is_some(),
        location: wish.location.clone(),
        room: None,
        session: None,
        start: wish.start,
        end: wish.start + find::duration(treatment),
        busy: occupied(treatment, start),
        ..row.place.clone()
    };
    let to = view.summary(&place, view.answer_by(treatment, wish.start))?;
    Ok(Moving { visit, to, state, version: version(row, treatment) })
}

/// Moves in the caller's transaction; an error undoes all of it.
pub async fn relocate(tx: &mut Tx, moving: &Relocating) -> Result<(), Failure> {
    let Relocating { clinic, caller, visit, request, now, .. } = moving;
    let row = appointment::get(tx, &clinic.slug, *visit).await?.ok_or(PortalError::NotFound)?;
    if row.status == VisitStatus::Cancelled {
        return Err(Reason::Changed.into());
    }
    // A second tap, a lost answer, another tab: it is there already.
    if is_there(&row, request) {
        return Ok(());
    }
    if !is_ahead(row.place.start, *now) {
        return Err(Reason::TooLate.into());
    }
    let treatment = clinic.treatment(&row.place.treatment).ok_or(Reason::NotEligible)?;
    if version(&row, treatment) != request.version {
        return Err(Reason::Changed.into());
    }
    let location = clinic.location(&request.location).ok_or(PortalError::NotFound)?;
    let view = View::new(clinic.clone(), caller, None, *now);
    let finder = Finder {
        view: &view,
        treatment,
        location,
        zone: zone_of(location)?,
        practitioners: find::practitioners(clinic, treatment, Some(&request.practitioner))?,
        visitor: moving.visitor.as_deref(),
        moves: Some(&row),
    };
    let start = tick(request.start);
    if instant(start) != request.start || finder.offered_by(start).is_empty() {
        return Err(Reason::SlotNotOffered.into());
    }
    let found = patient::known(tx, &clinic.slug, row.patient).await?;
    if !details::is_eligible(tx, &clinic.slug, treatment, found.as_ref(), *now).await? {
        return Err(Reason::NotEligible.into());
    }
    // What the patient was about to book is not in the way of what they have booked.
    let span = occupied(treatment, start);
    for mine in hold::own(tx, &clinic.slug, moving.visitor.as_deref(), *now).await? {
        if mine.places().any(|(_, place)| place.busy.overlaps(span) && place.practitioner == request.practitioner) {
            hold::end(tx, &clinic.slug, &mine, *now).await?;
        }
    }
    take(tx, moving, &finder, row.clone()).await
}

/// Gives the old time back and takes the new one.
pub(crate) async fn take(tx: &mut Tx, moving: &Relocating, finder: &Finder<'_>, mut row: AppointmentRow) -> Result<(), Failure> {
    let Relocating { clinic, caller, visit, request, job, now, .. } = moving;
    let from = row.place.clone();
    guard::vacate(tx, &clinic.slug, visit.0, &from, *now).await?;
    let occupant = Occupant { holder: visit.0, expires_at: None, practitioner_chosen: !request.anyone, now: *now };
    let offered = vec![request.practitioner.clone()];
    row.place = hold::occupy(tx, finder, &occupant, offered, tick(request.start)).await?.ok_or(Reason::SlotTaken)?;
    let row = settle_in(tx, caller, finder, row, &from, *job).await?;
    tell(tx, &clinic.slug, *visit, row.sequence, *job, *now).await.map_err(Failure::from)
}

/// Notes that the visit is where its place says, in the caller's transaction; `from` is where it
/// was before. The caller tells the patient.
pub(super) async fn settle_in(
    tx: &mut Tx,
    caller: &Caller,
    finder: &Finder<'_>,
    mut row: AppointmentRow,
    from: &Place,
    job: Uuid,
) -> Result<AppointmentRow, Failure> {
    let (clinic, now) = (&finder.view.clinic.slug, finder.view.now);
    // What staff move themselves needs no answer of staff.
    if caller.who != Who::System {
        row.status = confirm::first_status(finder.treatment);
        row.answer_by = finder.view.answer_by(finder.treatment, row.place.start);
        unsettled::settle(tx, clinic, row.id).await?;
    }
    row.sequence += 1;
    appointment::relocate(tx, clinic, &row, from.start, now).await?;
    waitlist::moved(tx, clinic, row.id, (from, row.place.start), job, now).await?;
    answer::look_later(tx, clinic, &row, job, now).await?;
    let entry = audit::Entry::new(clinic.as_str(), caller, "appointment.move", row.id)
        .with("from", from.start.to_rfc3339())
        .with("to", row.place.start.to_rfc3339());
    audit::record(tx, &entry, now).await?;
    Ok(row)
}

/// Whether the visit is at the place already that it should move to.
fn is_there(row: &AppointmentRow, request: &MoveRequest) -> bool {
    row.place.start == request.start && row.place.location == request.location && row.place.practitioner == request.practitioner
}
