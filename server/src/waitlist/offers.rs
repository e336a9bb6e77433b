//! Who is asked next when a time comes free.
//!
//! The list is gone through in turn; for each the times that suit are looked for, and the first
//! that can be had is offered. Looking reads what may be a moment old; each offer is a transaction
//! of its own, in which the guard decides.

use std::collections::HashMap;
use std::sync::Arc;

use app::booking::model::Draft;
use app::booking::rules::{self, Span, Starts, Tick, instant, occupied, tick};
use app::clinic::model::{Clinic, Location, Treatment};
use app::ids::{ClinicSlug, EntryId, HoldId, LocationSlug, PractitionerSlug, TreatmentSlug};
use app::request::Caller;
use app::waitlist::rules::{offered_until, quiet_until, suits};
use app::words::Language;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::jobs::{LAPSE_JOB, OFFER_LETTER_JOB};
use super::store::{self, EntryRow, OfferRow, OfferState};
use super::{Waitlist, hooks};
use crate::audit;
use crate::booking::details;
use crate::booking::find::{self, Finder};
use crate::booking::hold::{self, Occupant};
use crate::booking::store::appointment::{self, AppointmentRow};
use crate::booking::store::hold::{self as held, HoldRow};
use crate::booking::store::{Place, patient};
use crate::booking::view::{View, zone_of};
use crate::booking::visit::is_open;
use crate::failure::Failure;
use crate::jobs::{self, NewJob};
use crate::store::{StoreError, Tx};

/// Times tried for one who waits, before the next is asked: others may be faster.
const TRIES_MAX: usize = 3;
/// With so many times of a treatment on offer, nobody is asked about one that was free anyway: whoever
/// puts a crowd on the list keeps no more from everybody else.
const UNASKED_MAX: u32 = 5;
/// A place on the list that was never filled is forgotten after this long.
const TYPING_KEPT: TimeDelta = TimeDelta::hours(24);
/// A place on the list is forgotten this long after it ended, with what was offered to it.
const ENDED_KEPT: TimeDelta = TimeDelta::days(60);

/// A time that came free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freed {
    pub practitioner: PractitionerSlug,
    pub location: LocationSlug,
    pub start: DateTime<Utc>,
    /// In ticks, buffers included.
    pub from: Tick,
    pub until: Tick,
}

impl Freed {
    pub fn new(practitioner: &PractitionerSlug, location: &LocationSlug, start: DateTime<Utc>, busy: Span) -> Self {
        Self { practitioner: practitioner.clone(), location: location.clone(), start, from: busy.from, until: busy.until }
    }

    pub fn of(place: &Place) -> Self {
        Self::new(&place.practitioner, &place.location, place.start, place.busy)
    }
}

/// Why the list is gone through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looking {
    /// Somebody gave this time up: everyone is asked in turn.
    Freed(Freed),
    /// Whoever was never asked, such as one who has just joined: what is free by now may suit. Who
    /// said no once is asked about times that others give up, and not about every free one.
    NeverAsked,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// So many were asked.
    Asked(u32),
    /// Nobody is asked before then: it is night, or whoever it would suit is answering about
    /// another time.
    NotYet(DateTime<Utc>),
}

/// Times that could be offered of one treatment at one location.
struct Chances<'a> {
    location: &'a Location,
    zone: Tz,
    starts: Starts,
}

/// A time for one who waits.
#[derive(Clone, Debug)]
struct Chance {
    location: LocationSlug,
    start: Tick,
    practitioners: Vec<PractitionerSlug>,
}

impl Waitlist {
    /// Offers what is free to those who wait.
    ///
    /// # Errors
    /// If it can't be read or written.
    pub async fn look(&self, slug: &ClinicSlug, looking: &Looking) -> Result<Looked, Failure> {
        let clinic = self.clinic(slug)?.clinic;
        let now = self.clock.now();
        if let Looking::Freed(freed) = looking {
            let Some(location) = clinic.location(&freed.location) else { return Ok(Looked::Asked(0)) };
            if let Some(at) = quiet(&clinic, zone_of(location)?, now) {
                return Ok(Looked::NotYet(at));
            }
        }
        let view = View::new(clinic, &Caller::system(Language::default()), None, now);
        let mut tx = self.database.read().await?;
        let waiting = store::in_turn(&mut tx, slug, now).await?;
        drop(tx);
        let mut known: HashMap<TreatmentSlug, Vec<Chances<'_>>> = HashMap::new();
        let (mut asked, mut answered_by) = (0, None::<DateTime<Utc>>);
        for entry in waiting.iter().filter(|entry| concerns(looking, entry)) {
            if !known.contains_key(&entry.treatment) {
                let mut tx = self.database.read().await?;
                let chances = chances(&mut tx, &view, &entry.treatment, looking).await?;
                known.insert(entry.treatment.clone(), chances);
            }
            let suiting = suiting(&view, entry, known.get(&entry.treatment).map(Vec::as_slice).unwrap_or_default());
            if suiting.is_empty() {
                continue;
            }
            let mut tx = self.database.read().await?;
            let offers = store::offers(&mut tx, slug, entry.id).await?;
            let fitting = fitting(&mut tx, &view, entry, &offers, suiting, looking).await?;
            let is_too_much =
                *looking == Looking::NeverAsked && store::open_count(&mut tx, slug, &entry.treatment, now).await? >= UNASKED_MAX;
            drop(tx);
            if fitting.is_empty() || is_too_much {
                continue;
            }
            if let Some(open) = offers.iter().find(|offer| offer.is_open(now)) {
                answered_by = Some(answered_by.map_or(open.expires_at, |at| at.min(open.expires_at)));
                continue;
            }
            for chance in fitting.into_iter().take(TRIES_MAX) {
                if self.ask(slug, entry.id, chance).await? {
                    asked += 1;
                    // What is free is another matter now, for every treatment.
                    known.clear();
                    break;
                }
            }
        }
        Ok(answered_by.filter(|_| asked == 0).map_or(Looked::Asked(asked), Looked::NotYet))
    }

    /// Offers one time to one who waits, if both are still what they were. False if not.
    async fn ask(&self, slug: &ClinicSlug, entry: EntryId, chance: Chance) -> Result<bool, Failure> {
        let asking = Asking { id: self.clock.new_id(), entry, chance, now: self.clock.now() };
        self.booking.change(slug, async move |tx, clinic, _| ask(tx, &clinic, &asking).await).await
    }

    /// Ends an offer that was not answered in time, and asks the next.
    ///
    /// # Errors
    /// If it can't be written.
    pub async fn lapse(&self, slug: &ClinicSlug, offer: Uuid) -> Result<(), Failure> {
        let (slug, now) = (slug.clone(), self.clock.now());
        self.database
            .write(async move |tx| match store::offer(tx, &slug, offer).await? {
                Some(row) if now >= row.expires_at => hooks::hand_on(tx, &slug, &row, OfferState::Lapsed, now).await,
                _ => Ok(()),
            })
            .await
            .map_err(Failure::Store)
    }

    /// Forgets places on the list that ended.
    ///
    /// # Errors
    /// If it can't be written.
    pub async fn forget(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.database.write(async move |tx| store::forget(tx, now - TYPING_KEPT, now - ENDED_KEPT).await).await.map(drop)
    }
}

/// From when on somebody at this location may be asked; `None`: now.
fn quiet(clinic: &Clinic, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let local = quiet_until(clinic.waitlist, now.with_timezone(&zone).naive_local())?;
    // Skipped by daylight saving: an hour later it is there.
    let at = zone.from_local_datetime(&local).earliest();
    at.or_else(|| zone.from_local_datetime(&(local + TimeDelta::hours(1))).earliest()).map(|at| at.to_utc())
}

fn concerns(looking: &Looking, entry: &EntryRow) -> bool {
    match looking {
        Looking::Freed(freed) => {
            entry.practitioner.as_ref().is_none_or(|wanted| *wanted == freed.practitioner)
                && entry.location.as_ref().is_none_or(|wanted| *wanted == freed.location)
        }
        Looking::NeverAsked => entry.asked_at.is_none(),
    }
}

/// Every time of a treatment that is free and comes into question.
async fn chances<'a>(
    tx: &mut Tx,
    view: &'a View,
    treatment: &TreatmentSlug,
    looking: &Looking,
) -> Result<Vec<Chances<'a>>, Failure> {
    let clinic = &view.clinic;
    // The clinic no longer gives it: nothing comes free.
    let Some(treatment) = clinic.treatment(treatment) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for location in rules::locations_of(clinic, treatment) {
        let zone = zone_of(location)?;
        let mut practitioners = find::practitioners(clinic, treatment, None)?;
        let length = occupied(treatment, 0);
        let within = match looking {
            Looking::Freed(freed) => {
                if freed.location != location.slug {
                    continue;
                }
                practitioners.retain(|practitioner| *practitioner == freed.practitioner);
                Span { from: freed.from - length.until, until: freed.until - length.from }
            }
            Looking::NeverAsked if quiet(clinic, zone, view.now).is_some() => continue,
            Looking::NeverAsked => rules::bookable(treatment, &zone, view.now),
        };
        if practitioners.is_empty() {
            continue;
        }
        let finder = Finder { view, treatment, location, zone, practitioners, visitor: None, moves: None };
        let mut starts = finder.starts(tx, within).await?;
        if let Looking::Freed(freed) = looking {
            let freed = Span { from: freed.from, until: freed.until };
            starts.retain(|start, _| occupied(treatment, *start).overlaps(freed));
        }
        found.push(Chances { location, zone, starts });
    }
    Ok(found)
}

/// The times of these on the days and hours, and with the people, that suit one who waits.
fn suiting(view: &View, entry: &EntryRow, chances: &[Chances<'_>]) -> Vec<Chance> {
    let mut suiting: Vec<Chance> = Vec::new();
    for Chances { location, zone, starts } in chances {
        if entry.location.as_ref().is_some_and(|wanted| *wanted != location.slug) {
            continue;
        }
        for (start, free) in starts {
            let at = instant(*start);
            let suits = suits(&entry.wish, at.with_timezone(zone).naive_local())
                && entry.only_start.is_none_or(|only| only == at)
                && offered_until(view.clinic.waitlist, at, view.now).is_some();
            if !suits {
                continue;
            }
            let practitioners: Vec<PractitionerSlug> = free
                .iter()
                .map(|(practitioner, _)| practitioner.clone())
                .filter(|practitioner| entry.practitioner.as_ref().is_none_or(|wanted| wanted == practitioner))
                .collect();
            if !practitioners.is_empty() {
                suiting.push(Chance { location: location.slug.clone(), start: *start, practitioners });
            }
        }
    }
    suiting
}

/// Those of them that they would be asked about, the best first: the very one that came free, then
/// the earliest.
async fn fitting(
    tx: &mut Tx,
    view: &View,
    entry: &EntryRow,
    asked: &[OfferRow],
    mut fitting: Vec<Chance>,
    looking: &Looking,
) -> Result<Vec<Chance>, Failure> {
    let clinic = &view.clinic;
    if let Some(visit) = entry.appointment {
        let visit = appointment::get(tx, &clinic.slug, visit).await?;
        fitting.retain(|chance| visit.as_ref().is_some_and(|visit| is_better(entry, visit, chance.start, view.now)));
    }
    // Nobody is asked twice about one time, except if the clinic took it back.
    fitting.retain(|chance| {
        !asked.iter().any(|offer| {
            offer.state != OfferState::Withdrawn && tick(offer.start) == chance.start && offer.location == chance.location
        })
    });
    if let Looking::Freed(freed) = looking {
        fitting.sort_by_key(|chance| (instant(chance.start) != freed.start, chance.start));
    } else {
        fitting.sort_by_key(|chance| chance.start);
    }
    Ok(fitting)
}

/// Whether a visit may move and would rather be at this time.
fn is_better(entry: &EntryRow, visit: &AppointmentRow, start: Tick, now: DateTime<Utc>) -> bool {
    let current = tick(visit.place.start);
    is_open(visit, now) && if entry.wish.which == "any" { start != current } else { start < current }
}

/// What offering needs to know; cloned for every run of the transaction.
#[derive(Clone)]
struct Asking {
    /// Of the offer, its hold, and the visit that comes of it.
    id: Uuid,
    entry: EntryId,
    chance: Chance,
    now: DateTime<Utc>,
}

async fn ask(tx: &mut Tx, clinic: &Arc<Clinic>, asking: &Asking) -> Result<bool, Failure> {
    let Asking { id, entry, chance, now } = asking;
    let slug = &clinic.slug;
    let Some(mut entry) = store::get(tx, slug, *entry).await?.filter(|entry| entry.is_waiting(*now)) else { return Ok(false) };
    for offer in store::offers(tx, slug, entry.id).await?.iter().filter(|offer| offer.state == OfferState::Open) {
        if offer.is_open(*now) {
            return Ok(false);
        }
        // Over, though the job that says so has not run yet.
        hooks::hand_on(tx, slug, offer, OfferState::Lapsed, *now).await?;
    }
    let caller = Caller::system(Language::default());
    let view = View::new(Arc::clone(clinic), &caller, None, *now);
    let (Some(treatment), Some(location)) = (clinic.treatment(&entry.treatment), clinic.location(&chance.location)) else {
        return Ok(false);
    };
    let zone = zone_of(location)?;
    if !may_have(tx, clinic, &entry, treatment, (chance.start, zone), *now).await? {
        return Ok(false);
    }
    let practitioners = chance.practitioners.clone();
    let finder = Finder { view: &view, treatment, location, zone, practitioners, visitor: None, moves: None };
    let offered = finder.offered_by(chance.start);
    let Some(until) = offered_until(clinic.waitlist, instant(chance.start), *now) else { return Ok(false) };
    let occupant =
        Occupant { holder: *id, expires_at: Some(until), practitioner_chosen: entry.practitioner.is_some(), now: *now };
    let Some(place) = hold::occupy(tx, &finder, &occupant, offered, chance.start).await? else { return Ok(false) };

    let offer = OfferRow {
        id: *id,
        entry: entry.id,
        practitioner: place.practitioner.clone(),
        location: place.location.clone(),
        start: place.start,
        busy: place.busy,
        state: OfferState::Open,
        offered_at: *now,
        expires_at: until,
    };
    let draft = if entry.appointment.is_some() { Draft::default() } else { entry.draft.clone() };
    held::insert(tx, slug, &HoldRow::offered(HoldId(*id), place, draft, (*now, until))).await?;
    store::insert_offer(tx, slug, &offer).await?;
    entry.asked_at = Some(*now);
    store::update(tx, slug, &entry).await?;
    for (kind, due_at) in [(OFFER_LETTER_JOB, *now), (LAPSE_JOB, until)] {
        let job = NewJob {
            clinic: slug.as_str(),
            kind,
            subject: serde_json::json!({ "offer": id }),
            unique_key: format!("{kind}/{id}"),
            due_at,
        };
        jobs::enqueue(tx, &job, *now, Uuid::new_v5(id, kind.as_bytes())).await?;
    }
    let noted = audit::Entry::new(slug.as_str(), &caller, "waitlist.offer", entry.id).with("offer", id);
    audit::record(tx, &noted, *now).await?;
    Ok(true)
}

/// Whether the one who waits may have the treatment, and a visit of theirs would rather be then.
async fn may_have(
    tx: &mut Tx,
    clinic: &Clinic,
    entry: &EntryRow,
    treatment: &Treatment,
    (start, zone): (Tick, Tz),
    now: DateTime<Utc>,
) -> Result<bool, Failure> {
    let found = if let Some(visit) = entry.appointment {
        let row = appointment::get(tx, &clinic.slug, visit).await?;
        let Some(row) = row.filter(|row| is_better(entry, row, start, now)) else { return Ok(false) };
        patient::known(tx, &clinic.slug, row.patient).await?
    } else {
        let today = rules::local_date(&zone, now);
        let Ok(details) = details::parse(&entry.draft, today, Language::default()) else { return Ok(false) };
        patient::find(tx, &clinic.slug, &details.person).await?
    };
    Ok(details::is_eligible(tx, &clinic.slug, treatment, found.as_ref(), now).await?)
}
