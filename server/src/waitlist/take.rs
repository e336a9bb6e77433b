//! The answer to an offer: yes books it or moves the visit, in one transaction with its end.

use std::sync::Arc;

use app::booking::model::MoveRequest;
use app::clinic::model::Clinic;
use app::error::{PortalError, Reason};
use app::ids::{AppointmentId, ClinicSlug, HoldId, LinkToken, PatientId};
use app::request::Caller;
use app::waitlist::model::{self, Offer};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::store::{self, EntryRow, OfferRow, OfferState, State};
use super::{Waitlist, hooks};
use crate::audit;
use crate::booking::confirm::{self, Confirming};
use crate::booking::find::{self, Finder};
use crate::booking::relocate::{self, Relocating};
use crate::booking::store::appointment::{self, AppointmentRow};
use crate::booking::store::hold::HoldRow;
use crate::booking::store::{Place, guard, hold, patient, session_id};
use crate::booking::view::{View, zone_of};
use crate::booking::{details, visit};
use crate::failure::Failure;
use crate::link::Purpose;
use crate::store::Tx;

/// What taking an offer needs to know.
#[derive(Clone)]
struct Taking {
    caller: Caller,
    offer: Uuid,
    version: String,
    patient: PatientId,
    consents: [Uuid; 4],
    /// A fresh id for the letter's job.
    job: Uuid,
    now: DateTime<Utc>,
}

impl Waitlist {
    pub(super) async fn show_offer(&self, caller: &Caller, slug: &ClinicSlug, link: &LinkToken) -> Result<Offer, Failure> {
        let id = self.open_offer(link)?;
        let clinic = self.clinic(slug)?.clinic;
        let view = View::new(Arc::clone(&clinic), caller, None, self.clock.now());
        let mut tx = self.database.read().await?;
        let row = store::offer(&mut tx, slug, id).await?.ok_or(PortalError::NotFound)?;
        let entry = store::get(&mut tx, slug, row.entry).await?.ok_or(PortalError::NotFound)?;
        let place = place(&clinic, &entry, &row)?;
        let zone = zone_of(view.location(&place.location)?)?;
        let moves = match entry.appointment {
            Some(visit) => appointment::get(&mut tx, slug, visit).await?,
            None => None,
        };
        let taken = || self.links.make(Purpose::Visit, moves.as_ref().map_or(row.id, |visit| visit.id.0));
        let state = match row.state {
            OfferState::Open if row.is_open(view.now) && stands(&view, &place)? => {
                model::OfferState::Open { until: view.moment(row.expires_at, zone) }
            }
            OfferState::Open if row.is_open(view.now) => model::OfferState::Withdrawn,
            OfferState::Open | OfferState::Lapsed => model::OfferState::Lapsed,
            OfferState::Taken => model::OfferState::Taken { visit: taken() },
            OfferState::Declined => model::OfferState::Declined,
            OfferState::Withdrawn => model::OfferState::Withdrawn,
        };
        let treatment = view.treatment(&place.treatment)?;
        let visit = match &moves {
            Some(visit) => Some(visit::shown_by_id(&mut tx, &view, &self.links, visit).await?),
            None => None,
        };
        let patient_name = visit.as_ref().map_or_else(|| entry.draft.name.clone(), |visit| visit.patient_name.clone());
        Ok(Offer {
            token: link.clone(),
            entry: self.links.make(Purpose::Entry, entry.id.0),
            state,
            waits: entry.is_waiting(view.now),
            to: view.summary(&place, view.answer_by(treatment, place.start))?,
            version: version(&clinic, &entry, &place, moves.as_ref())?,
            visit,
            patient_name,
        })
    }

    pub(super) async fn take_offer(
        &self,
        caller: &Caller,
        slug: &ClinicSlug,
        link: &LinkToken,
        version: &str,
    ) -> Result<LinkToken, Failure> {
        let fresh = || self.clock.new_id();
        let taking = Taking {
            caller: caller.clone(),
            offer: self.open_offer(link)?,
            version: version.to_owned(),
            patient: PatientId(fresh()),
            consents: [fresh(), fresh(), fresh(), fresh()],
            job: fresh(),
            now: self.clock.now(),
        };
        let visit = self.booking.change(slug, async move |tx, clinic, tries| take(tx, clinic, &taking, tries).await).await?;
        Ok(self.links.make(Purpose::Visit, visit.0))
    }

    pub(super) async fn decline_offer(&self, caller: &Caller, slug: &ClinicSlug, link: &LinkToken) -> Result<(), Failure> {
        let (id, now, caller) = (self.open_offer(link)?, self.clock.now(), caller.clone());
        self.booking
            .change(slug, async move |tx, clinic, _| {
                let row = store::offer(tx, &clinic.slug, id).await?.ok_or(PortalError::NotFound)?;
                if row.is_open(now) {
                    hooks::hand_on(tx, &clinic.slug, &row, OfferState::Declined, now).await?;
                    let entry = audit::Entry::new(clinic.slug.as_str(), &caller, "waitlist.decline", row.entry).with("offer", id);
                    audit::record(tx, &entry, now).await?;
                }
                Ok(())
            })
            .await
    }
}

/// The place that an offer is about.
fn place(clinic: &Clinic, entry: &EntryRow, offer: &OfferRow) -> Result<Place, Failure> {
    let treatment = clinic.treatment(&entry.treatment).ok_or(PortalError::NotFound)?;
    let mut place = Place {
        treatment: treatment.slug.clone(),
        practitioner: offer.practitioner.clone(),
        practitioner_chosen: entry.practitioner.is_some(),
        location: offer.location.clone(),
        room: None,
        session: None,
        start: offer.start,
        end: offer.start + find::duration(treatment),
        busy: offer.busy,
    };
    if treatment.capacity > 1 {
        place.session = Some(session_id(clinic.slug.as_str(), &place.session_key()));
    }
    Ok(place)
}

/// Whether the clinic still gives it: it may have closed since it was offered.
fn stands(view: &View, place: &Place) -> Result<bool, Failure> {
    Ok(finder(view, place, None)?.still_gives(place))
}

fn finder<'a>(view: &'a View, place: &Place, moves: Option<&'a AppointmentRow>) -> Result<Finder<'a>, Failure> {
    let location = view.location(&place.location)?;
    Ok(Finder {
        view,
        treatment: view.treatment(&place.treatment)?,
        location,
        zone: zone_of(location)?,
        practitioners: vec![place.practitioner.clone()],
        visitor: None,
        moves,
    })
}

/// What the page shows of the offer: its terms, and the visit that it would move.
fn version(clinic: &Clinic, entry: &EntryRow, place: &Place, moves: Option<&AppointmentRow>) -> Result<String, Failure> {
    let treatment = clinic.treatment(&place.treatment).ok_or(PortalError::NotFound)?;
    let seen = HoldRow::offered(HoldId(Uuid::nil()), place.clone(), entry.draft.clone(), (entry.created_at, entry.created_at));
    let terms = details::version(clinic, treatment, &seen);
    let visit = moves.map(|visit| relocate::version(visit, treatment)).unwrap_or_default();
    Ok(URL_SAFE_NO_PAD.encode(&Sha256::digest(format!("{terms} {visit}"))[..15]))
}

async fn take(tx: &mut Tx, clinic: Arc<Clinic>, taking: &Taking, tries: u32) -> Result<AppointmentId, Failure> {
    let Taking { caller, offer, now, .. } = taking;
    let slug = &clinic.slug;
    let row = store::offer(tx, slug, *offer).await?.ok_or(PortalError::NotFound)?;
    let mut entry = store::get(tx, slug, row.entry).await?.ok_or(PortalError::NotFound)?;
    // A second tap, a lost answer, another tab.
    if row.state == OfferState::Taken {
        return Ok(entry.appointment.unwrap_or(AppointmentId(row.id)));
    }
    if !row.is_open(*now) {
        return Err(Reason::SlotTaken.into());
    }
    let moves = match entry.appointment {
        Some(visit) => Some(appointment::get(tx, slug, visit).await?.ok_or(PortalError::NotFound)?),
        None => None,
    };
    let place = place(&clinic, &entry, &row)?;
    if version(&clinic, &entry, &place, moves.as_ref())? != taking.version {
        return Err(Reason::Changed.into());
    }
    let view = View::new(Arc::clone(&clinic), caller, None, *now);
    // The offer ends first: what follows frees a time, and nobody is asked while one is open.
    store::end_offer(tx, slug, row.id, OfferState::Taken).await?;
    entry.state = State::Done;
    store::update(tx, slug, &entry).await?;
    let visit = match moves {
        Some(visit) => move_onto(tx, &view, taking, &place, visit).await?,
        None => book(tx, &view, taking, &place, tries).await?,
    };
    let noted = audit::Entry::new(slug.as_str(), caller, "waitlist.take", entry.id).with("offer", row.id);
    audit::record(tx, &noted, *now).await?;
    Ok(visit)
}

/// Books the offer's hold.
async fn book(tx: &mut Tx, view: &View, taking: &Taking, place: &Place, tries: u32) -> Result<AppointmentId, Failure> {
    let held = hold::get(tx, &view.clinic.slug, HoldId(taking.offer)).await?.ok_or(Reason::SlotTaken)?;
    let finder = finder(view, place, None)?;
    let confirming = Confirming {
        clinic: Arc::clone(&view.clinic),
        caller: taking.caller.clone(),
        hold: held.id,
        version: details::version(&view.clinic, finder.treatment, &held),
        patient: taking.patient,
        consents: taking.consents,
        job: taking.job,
        number_salt: tries,
        now: taking.now,
    };
    confirm::book(tx, &finder, &confirming, held).await
}

/// Moves the visit onto the offer's time: the lease is given back and taken for good at once.
async fn move_onto(
    tx: &mut Tx,
    view: &View,
    taking: &Taking,
    place: &Place,
    visit: AppointmentRow,
) -> Result<AppointmentId, Failure> {
    let (slug, now) = (&view.clinic.slug, taking.now);
    if !visit::is_open(&visit, now) {
        return Err(Reason::TooLate.into());
    }
    let found = patient::known(tx, slug, visit.patient).await?;
    if !details::is_eligible(tx, slug, view.treatment(&place.treatment)?, found.as_ref(), now).await? {
        return Err(Reason::NotEligible.into());
    }
    let finder = finder(view, place, Some(&visit))?;
    if !finder.still_gives(place) {
        return Err(Reason::SlotTaken.into());
    }
    guard::vacate(tx, slug, taking.offer, place, now).await?;
    if let Some(held) = hold::get(tx, slug, HoldId(taking.offer)).await? {
        hold::delete(tx, slug, &held).await?;
    }
    let moving = Relocating {
        clinic: Arc::clone(&view.clinic),
        caller: taking.caller.clone(),
        visitor: None,
        visit: visit.id,
        request: MoveRequest {
            location: place.location.clone(),
            practitioner: place.practitioner.clone(),
            anyone: !place.practitioner_chosen,
            start: place.start,
            version: String::new(),
        },
        job: taking.job,
        now,
    };
    relocate::take(tx, &moving, &finder, visit.clone()).await?;
    Ok(visit.id)
}
