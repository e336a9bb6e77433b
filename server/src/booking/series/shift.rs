//! All visits of a series that are ahead move by one step: all of them or none.
//!
//! Every old time is given back before the first new one is asked for, in one transaction: so a
//! week later each may take the place of the next.

use std::sync::Arc;

use app::booking::rules::{instant, occupied, shifted, tick};
use app::booking::series::model::{Shifted, Shifting};
use app::clinic::model::{Clinic, Treatment};
use app::error::{PortalError, Reason};
use app::fields::FieldErrors;
use app::ids::{AppointmentId, ClinicSlug, LinkToken};
use app::request::Caller;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::super::find::{self, Finder};
use super::super::hold::{self, Occupant};
use super::super::store::appointment::AppointmentRow;
use super::super::store::{guard, patient};
use super::super::view::{View, zone_of};
use super::super::{Booking, details, relocate, visitor};
use super::together::{ahead, rows};
use crate::failure::Failure;
use crate::labels;
use crate::letters::tell::tell_together;
use crate::store::Tx;

/// How far the steps of time go that the page offers.
const STEPS_MIN: u32 = 6 * 60;
const STEPS_MAX: usize = 24;

/// What moving them needs to know.
#[derive(Clone)]
struct Moving {
    clinic: Arc<Clinic>,
    caller: Caller,
    visit: AppointmentId,
    /// Days and minutes.
    step: (i32, i32),
    version: String,
    /// A fresh id for the letter's job.
    job: Uuid,
    now: DateTime<Utc>,
}

impl Booking {
    pub(super) async fn show_shift(
        &self,
        caller: &Caller,
        slug: &ClinicSlug,
        link: &LinkToken,
        step: (i32, i32),
    ) -> Result<Shifting, Failure> {
        let id = self.open_visit(link)?;
        let visit = self.show_visit(caller, slug, link).await?;
        let view = View::new(self.clinic(slug)?.clinic, caller, None, self.clock.now());
        let mut tx = self.database.read().await?;
        let ahead = ahead(rows(&mut tx, slug, id).await?, view.now);
        let ids: Vec<AppointmentId> = ahead.iter().map(|row| row.id).collect();
        let visitor = visitor(caller);
        let mut shown = Vec::new();
        for row in &ahead {
            let finder = finder(&view, row, visitor.as_deref())?;
            let to = shifted(&finder.zone, row.place.start, step.0, step.1);
            let is_free = match to {
                Some(to) => !finder.free_at_without(&mut tx, to, &ids).await?.is_empty(),
                None => false,
            };
            shown.push(Shifted {
                from: view.moment(row.place.start, finder.zone),
                to: to.map(|to| view.moment(instant(to), finder.zone)),
                is_free,
            });
        }
        let every =
            ahead.first().map_or(Ok(30), |row| view.treatment(&row.place.treatment).map(|treatment| treatment.every_min))?;
        let steps = (1..).map(|n| n * every.max(1)).take_while(|minutes| *minutes <= STEPS_MIN).take(STEPS_MAX);
        Ok(Shifting {
            visit,
            version: version(&view.clinic, &ahead, 0)?,
            ahead: shown,
            days: step.0,
            minutes: step.1,
            steps: steps.map(|minutes| (minutes.cast_signed(), labels::duration(minutes, view.language))).collect(),
        })
    }

    pub(super) async fn shift_series(
        &self,
        caller: &Caller,
        slug: &ClinicSlug,
        link: &LinkToken,
        step: (i32, i32),
        version: &str,
    ) -> Result<(), Failure> {
        let visit = self.open_visit(link)?;
        let (caller, version, job, now) = (caller.clone(), version.to_owned(), self.clock.new_id(), self.clock.now());
        self.change(slug, async move |tx, clinic, _| {
            let moving = Moving { clinic, caller: caller.clone(), visit, step, version: version.clone(), job, now };
            shift(tx, &moving).await
        })
        .await
    }
}

/// A search for the visit's new time: with whom it is, or with anyone if nobody was asked for.
fn finder<'a>(view: &'a View, row: &'a AppointmentRow, visitor: Option<&'a str>) -> Result<Finder<'a>, Failure> {
    let location = view.location(&row.place.location)?;
    let treatment = view.clinic.treatment(&row.place.treatment).ok_or(Reason::NotEligible)?;
    let only = row.place.practitioner_chosen.then_some(&row.place.practitioner);
    let practitioners = find::practitioners(&view.clinic, treatment, only)?;
    Ok(Finder { view, treatment, location, zone: zone_of(location)?, practitioners, visitor, moves: Some(row) })
}

/// What the page shows of them; `later` counts the changes since, of each.
fn version(clinic: &Clinic, ahead: &[AppointmentRow], later: i64) -> Result<String, Failure> {
    let mut seen = Sha256::new();
    for row in ahead {
        let treatment = clinic.treatment(&row.place.treatment).ok_or(Reason::NotEligible)?;
        let then = AppointmentRow { sequence: row.sequence - later, ..row.clone() };
        seen.update(format!("{}.{}\n", row.id, relocate::version(&then, treatment)));
    }
    Ok(URL_SAFE_NO_PAD.encode(&seen.finalize()[..15]))
}

/// Moves them in the caller's transaction; an error undoes all of it.
async fn shift(tx: &mut Tx, moving: &Moving) -> Result<(), Failure> {
    let Moving { clinic, caller, visit, step, job, now, .. } = moving;
    let ahead = ahead(rows(tx, &clinic.slug, *visit).await?, *now);
    if ahead.is_empty() {
        return Err(Reason::TooLate.into());
    }
    let view = View::new(clinic.clone(), caller, None, *now);
    if is_repeated(&view, moving, &ahead)? {
        return Ok(());
    }
    if version(clinic, &ahead, 0)? != moving.version {
        return Err(Reason::Changed.into());
    }
    let visitor = visitor(caller);
    let mut wanted = Vec::new();
    for row in &ahead {
        let finder = finder(&view, row, visitor.as_deref())?;
        let to = shifted(&finder.zone, row.place.start, step.0, step.1);
        let to = to.ok_or_else(|| PortalError::Invalid(FieldErrors::default()))?;
        let offered = finder.offered_by(to);
        if offered.is_empty() {
            return Err(Reason::SlotNotOffered.into());
        }
        check_eligible(tx, clinic, finder.treatment, row, *now).await?;
        wanted.push((row, finder, to, offered));
    }
    // What the patient was about to book is not in the way of what they have booked.
    for mine in hold::own(tx, &clinic.slug, visitor.as_deref(), *now).await? {
        let spans = || wanted.iter().map(|(_, finder, to, _)| occupied(finder.treatment, *to));
        if mine.places().any(|(_, place)| spans().any(|span| span.overlaps(place.busy))) {
            hold::end(tx, &clinic.slug, &mine, *now).await?;
        }
    }
    for row in &ahead {
        guard::vacate(tx, &clinic.slug, row.id.0, &row.place, *now).await?;
    }
    let mut told = Vec::new();
    for (row, finder, to, offered) in wanted {
        let practitioner_chosen = row.place.practitioner_chosen;
        let occupant = Occupant { holder: row.id.0, expires_at: None, practitioner_chosen, now: *now };
        // The same person if they can, and else whoever is free.
        let (same, others): (Vec<_>, Vec<_>) = offered.into_iter().partition(|who| *who == row.place.practitioner);
        let mut place = None;
        for people in [same, others] {
            if place.is_none() && !people.is_empty() {
                place = hold::occupy(tx, &finder, &occupant, people, to).await?;
            }
        }
        let moved = AppointmentRow { place: place.ok_or(Reason::SlotTaken)?, ..row.clone() };
        let own_job = Uuid::new_v5(job, row.id.0.as_bytes());
        let moved = relocate::settle_in(tx, caller, &finder, moved, &row.place, own_job).await?;
        told.push((moved.id, moved.sequence));
    }
    let series = ahead.iter().find_map(|row| row.series).unwrap_or(visit.0);
    Ok(tell_together(tx, &clinic.slug, series, &told, *job, *now).await?)
}

/// A second tap, a lost answer: this very step is the last that happened to each of them.
fn is_repeated(view: &View, moving: &Moving, ahead: &[AppointmentRow]) -> Result<bool, Failure> {
    if version(&view.clinic, ahead, 1)? != moving.version {
        return Ok(false);
    }
    for row in ahead {
        let zone = zone_of(view.location(&row.place.location)?)?;
        let to = row.moved_from().and_then(|from| shifted(&zone, from, moving.step.0, moving.step.1));
        if to != Some(tick(row.place.start)) {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn check_eligible(
    tx: &mut Tx,
    clinic: &Clinic,
    treatment: &Treatment,
    row: &AppointmentRow,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let found = patient::known(tx, &clinic.slug, row.patient).await?;
    if details::is_eligible(tx, &clinic.slug, treatment, found.as_ref(), now).await? {
        Ok(())
    } else {
        Err(Reason::NotEligible.into())
    }
}
