//! The clinic changes something about a visit: it is moved, cancelled, or has no place any more.
//! Until that is settled with the patient it stands in staff's list.
//!
//! The patient gets one letter and settles it on the visit's page: that works, another time, or
//! a call. Moving or cancelling the visit settles it too, and so does staff who reached them.

use std::fmt;
use std::sync::Arc;

use app::booking::model::{MoveRequest, Settlement, UnsettledKind, VisitStatus};
use app::booking::rules::{instant, is_ahead, occupied, tick};
use app::clinic::model::Clinic;
use app::error::{PortalError, Reason};
use app::ids::{AppointmentId, ClinicSlug, LinkToken, PractitionerSlug};
use app::request::Caller;
use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use uuid::Uuid;

use super::Booking;
use super::answer::staff_only;
use super::find::{self, Finder};
use super::relocate::{self, Relocating};
use super::store::appointment::{self, AppointmentRow, Cancelled, WITHDRAWN};
use super::store::unsettled::{self, UnsettledRow};
use super::store::{Place, guard, patient};
use super::view::{View, zone_of};
use crate::audit;
use crate::failure::Failure;
use crate::labels;
use crate::letters;
use crate::letters::tell::{Beside, CHANGE_LETTER_JOB, is_known, tell, tell_beside};
use crate::store::{StoreError, Tx};
use crate::waitlist::hooks as waitlist;

/// What staff do to a visit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Cancel,
    /// To this time by the clock on the location's wall, with this practitioner or the same one.
    Move {
        start: NaiveDateTime,
        practitioner: Option<PractitionerSlug>,
    },
}

/// A visit that is not settled, worded for staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsettled {
    /// The booking number: "RS-4K7Q2M".
    pub number: String,
    /// "Thursday 12 March, 9:20 am, London time (GMT)".
    pub when: String,
    pub patient: String,
    /// Where to reach them, as they said.
    pub contact: String,
    pub kind: UnsettledKind,
    pub wants_call: bool,
}

impl fmt::Display for Unsettled {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            UnsettledKind::Moved => "moved to",
            UnsettledKind::Cancelled => "cancelled on",
            UnsettledKind::Unfit => "no longer possible on",
        };
        let Self { number, when, patient, contact, .. } = self;
        let call = if self.wants_call { "; ASKS FOR A CALL" } else { "" };
        write!(out, "{number}, {what} {when}: {patient}, {contact}{call}")
    }
}

/// What changing a visit for the clinic needs to know.
#[derive(Clone)]
struct Changing {
    caller: Caller,
    number: String,
    change: Change,
    /// A fresh id for the letter's job.
    job: Uuid,
    now: DateTime<Utc>,
}

impl Booking {
    /// Moves or cancels the visit with this booking number on the clinic's behalf; the patient is told.
    ///
    /// # Errors
    /// `NotFound` if there is no such visit, practitioner or time, or to whoever is not the clinic
    /// itself; `Conflict` if it is cancelled, has begun, or the time is not free.
    pub async fn change_for_clinic(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        number: &str,
        change: Change,
    ) -> Result<(), PortalError> {
        let changing = Changing {
            caller: caller.clone(),
            number: number.trim().to_uppercase(),
            change,
            job: self.clock.new_id(),
            now: self.clock.now(),
        };
        let changed = async {
            staff_only(caller)?;
            self.change(clinic, async move |tx, clinic, _| self::change(tx, &clinic, &changing).await).await
        };
        changed.await.map_err(|failure| failure.answer("booking.change_for_clinic"))
    }

    /// What is not settled of visits to come; who asks for a call comes first.
    ///
    /// # Errors
    /// `NotFound` if there is no such clinic, or to whoever is not the clinic itself.
    pub async fn unsettled(&self, caller: &Caller, clinic: &ClinicSlug) -> Result<Vec<Unsettled>, PortalError> {
        self.read_unsettled(caller, clinic).await.map_err(|failure| failure.answer("booking.unsettled"))
    }

    async fn read_unsettled(&self, caller: &Caller, slug: &ClinicSlug) -> Result<Vec<Unsettled>, Failure> {
        staff_only(caller)?;
        let clinic = self.clinic(slug)?.clinic;
        let language = clinic.languages.first().copied().unwrap_or_default();
        let now = self.clock.now();
        let mut tx = self.database.read().await?;
        let mut list = Vec::new();
        for UnsettledRow { appointment, kind, wants_call, .. } in unsettled::ahead(&mut tx, slug, now).await? {
            let Some(row) = appointment::get(&mut tx, slug, appointment).await? else { continue };
            let zone = clinic.location(&row.place.location).and_then(|location| zone_of(location).ok()).unwrap_or(chrono_tz::UTC);
            let moment = labels::moment(row.place.start, zone, language, now, None);
            list.push(Unsettled {
                when: format!("{}, {}, {}", moment.day, moment.time, moment.zone),
                patient: patient::name(&mut tx, slug, row.patient).await?.unwrap_or_default(),
                contact: row.phone.or(row.email).unwrap_or_default(),
                kind,
                wants_call,
                number: row.number,
            });
        }
        Ok(list)
    }

    /// Staff reached the patient another way: the visit leaves their list, and letters about it that
    /// did not arrive count no longer. Answers whether anything was open.
    ///
    /// # Errors
    /// `NotFound` if there is no such visit, or to whoever is not the clinic itself.
    pub async fn settle_for_clinic(&self, caller: &Caller, clinic: &ClinicSlug, number: &str) -> Result<bool, PortalError> {
        let (staff, number, now) = (caller.clone(), number.trim().to_uppercase(), self.clock.now());
        let settled = async {
            staff_only(caller)?;
            let settle = async move |tx: &mut Tx, clinic: Arc<Clinic>, _| settle(tx, &clinic.slug, &staff, &number, now).await;
            self.change(clinic, settle).await
        };
        settled.await.map_err(|failure| failure.answer("booking.settle_for_clinic"))
    }

    pub(super) async fn settle_visit(
        &self,
        caller: &Caller,
        slug: &ClinicSlug,
        link: &LinkToken,
        settlement: Settlement,
    ) -> Result<(), Failure> {
        let visit = self.open_visit(link)?;
        let (caller, now) = (caller.clone(), self.clock.now());
        self.change(slug, async move |tx, clinic, _| {
            let (settled, action) = match settlement {
                Settlement::Works => (unsettled::settle(tx, &clinic.slug, visit).await?, "appointment.settle"),
                Settlement::Call => (unsettled::call(tx, &clinic.slug, visit).await?, "appointment.ask_call"),
            };
            if settled {
                audit::record(tx, &audit::Entry::new(clinic.slug.as_str(), &caller, action, visit), now).await?;
            }
            Ok(())
        })
        .await
    }
}

async fn settle(tx: &mut Tx, clinic: &ClinicSlug, staff: &Caller, number: &str, now: DateTime<Utc>) -> Result<bool, Failure> {
    let visit = appointment::numbered(tx, clinic, number).await?.ok_or(PortalError::NotFound)?.id;
    let listed = unsettled::settle(tx, clinic, visit).await?;
    let lost = letters::store::settle(tx, clinic, visit, now).await?;
    if listed || lost {
        audit::record(tx, &audit::Entry::new(clinic.as_str(), staff, "appointment.settle", visit), now).await?;
    }
    Ok(listed || lost)
}

async fn change(tx: &mut Tx, clinic: &Arc<Clinic>, changing: &Changing) -> Result<(), Failure> {
    let Changing { number, change, now, .. } = changing;
    let row = appointment::numbered(tx, &clinic.slug, number).await?.ok_or(PortalError::NotFound)?;
    if row.status == VisitStatus::Cancelled {
        return Err(Reason::Changed.into());
    }
    if !is_ahead(row.place.start, *now) {
        return Err(Reason::TooLate.into());
    }
    match change {
        Change::Cancel => withdraw(tx, clinic, changing, &row).await,
        Change::Move { start, practitioner } => shift(tx, clinic, changing, row, *start, practitioner.as_ref()).await,
    }
}

async fn withdraw(tx: &mut Tx, clinic: &Clinic, changing: &Changing, row: &AppointmentRow) -> Result<(), Failure> {
    let Changing { caller, job, now, .. } = changing;
    let withdrawn = Cancelled { fee: 0, why: Some(WITHDRAWN.to_owned()), reason: None };
    guard::vacate(tx, &clinic.slug, row.id.0, &row.place, *now).await?;
    appointment::cancel(tx, &clinic.slug, row, &withdrawn, *now).await?;
    waitlist::ended(tx, &clinic.slug, row.id, &row.place, *job, *now).await?;
    note(tx, &clinic.slug, row.id, UnsettledKind::Cancelled, None, *now).await?;
    tell(tx, &clinic.slug, row.id, row.sequence + 1, *job, *now).await?;
    audit::record(tx, &audit::Entry::new(clinic.slug.as_str(), caller, "appointment.withdraw", row.id), *now).await?;
    Ok(())
}

/// Staff are not bound by notice and steps, but nobody works in two places or in a closed house.
async fn shift(
    tx: &mut Tx,
    clinic: &Arc<Clinic>,
    changing: &Changing,
    row: AppointmentRow,
    start: NaiveDateTime,
    practitioner: Option<&PractitionerSlug>,
) -> Result<(), Failure> {
    let Changing { caller, job, now, .. } = changing;
    let view = View::new(Arc::clone(clinic), caller, None, *now);
    let treatment = view.treatment(&row.place.treatment)?;
    let location = view.location(&row.place.location)?;
    let zone = zone_of(location)?;
    let practitioner = practitioner.unwrap_or(&row.place.practitioner);
    let practitioners = find::practitioners(clinic, treatment, Some(practitioner))?;
    // A time that daylight saving skips is none; of one that it repeats, the first is meant.
    let start = zone.from_local_datetime(&start).earliest().ok_or(Reason::SlotNotOffered)?.to_utc();
    let finder = Finder { view: &view, treatment, location, zone, practitioners, visitor: None, moves: Some(&row) };
    let wanted = Place { practitioner: practitioner.clone(), start, end: start + find::duration(treatment), ..row.place.clone() };
    if instant(tick(start)) != start || !is_ahead(start, *now) || !finder.still_gives(&wanted) {
        return Err(Reason::SlotNotOffered.into());
    }
    // Staff come first: whoever was asked about this time is told that it is gone.
    let ticks = occupied(treatment, tick(start));
    let here = (&row.place.location, practitioner);
    waitlist::make_room(tx, &clinic.slug, here, ticks, treatment.room_kind.is_some(), *now).await?;
    let (visit, from) = (row.id, row.place.start);
    let request = MoveRequest {
        location: row.place.location.clone(),
        practitioner: practitioner.clone(),
        anyone: !row.place.practitioner_chosen,
        start,
        version: String::new(),
    };
    let moving =
        Relocating { clinic: Arc::clone(clinic), caller: caller.clone(), visitor: None, visit, request, job: *job, now: *now };
    note(tx, &clinic.slug, visit, UnsettledKind::Moved, Some(from), *now).await?;
    relocate::take(tx, &moving, &finder, row.clone()).await?;
    let first_known = unsettled::get(tx, &clinic.slug, visit).await?.and_then(|noted| noted.moved_from);
    if first_known == Some(start) && is_known(tx, &clinic.slug, visit).await? {
        // Put back before the patient heard of it.
        unsettled::settle(tx, &clinic.slug, visit).await?;
    }
    Ok(())
}

async fn note(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    appointment: AppointmentId,
    kind: UnsettledKind,
    moved_from: Option<DateTime<Utc>>,
    since: DateTime<Utc>,
) -> Result<(), StoreError> {
    unsettled::put(tx, clinic, &UnsettledRow { appointment, kind, moved_from, wants_call: false, since }).await
}

/// Notes that the clinic's file has no place for a visit any more, and has the patient told.
pub async fn unfit(tx: &mut Tx, clinic: &ClinicSlug, visit: &AppointmentRow, now: DateTime<Utc>) -> Result<(), StoreError> {
    note(tx, clinic, visit.id, UnsettledKind::Unfit, None, now).await?;
    let job = Uuid::new_v5(&visit.id.0, format!("unfit {}", visit.sequence).as_bytes());
    let beside = Beside { job: CHANGE_LETTER_JOB, what: "unfit", due_at: now };
    tell_beside(tx, clinic, visit, &beside, job, now).await
}

/// The clinic's file has a place again for a visit that had none: it takes place after all, which is
/// told to whoever heard otherwise.
pub async fn fits_again(tx: &mut Tx, clinic: &ClinicSlug, visit: &AppointmentRow, now: DateTime<Utc>) -> Result<(), StoreError> {
    match unsettled::get(tx, clinic, visit.id).await? {
        // Changed since, which is told and asked about by itself.
        Some(noted) if noted.kind != UnsettledKind::Unfit => return Ok(()),
        // It had been moved before, and nobody has said that this works.
        Some(noted) if noted.moved_from.is_some() => {
            unsettled::put(tx, clinic, &UnsettledRow { kind: UnsettledKind::Moved, ..noted }).await?;
        }
        Some(_) => drop(unsettled::settle(tx, clinic, visit.id).await?),
        // Staff settled it by telling them.
        None => {}
    }
    appointment::restate(tx, clinic, visit, visit.status, now).await?;
    let job = Uuid::new_v5(&visit.id.0, format!("fits {}", visit.sequence).as_bytes());
    tell(tx, clinic, visit.id, visit.sequence + 1, job, now).await
}
