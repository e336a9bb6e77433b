//! How a time is found, kept and booked.
//!
//! [`Booking`] implements `app`'s [`BookingService`]; its methods authorise, open the link that
//! the caller holds, and hand over to:
//!
//! - [`find`]: what is free (reads only)
//! - [`hold`]: keeping a time while someone types; [`held`]: what has become of it
//! - [`details`]: the draft parsed, who may book
//! - [`confirm`]: the hold becomes an appointment, once
//! - [`series`]: several visits in one go
//! - [`visit`]: the booked visit by its private link; [`relocate`] moves it, [`cancel`] ends it,
//!   [`late`] and [`contact`] note what else its patient says; [`links`] is for who lost it
//! - [`answer`]: staff say yes or no to a request
//! - [`unsettled`]: the clinic moves or cancels a visit, and the patient answers
//! - [`zone`]: rules of zones change, and visits keep their time on the wall
//! - [`view`]: rows turned into labels
//! - [`store`]: the SQL, with the guard
//!
//! Every write first asks whether the clinic in memory is the one in the database: prices, shifts
//! and closures that decide a booking are never older than the transaction.

pub mod answer;
mod cancel;
pub(crate) mod confirm;
mod contact;
pub(crate) mod details;
pub(crate) mod find;
mod held;
pub(crate) mod hold;
mod late;
pub mod letter;
pub mod links;
pub(crate) mod relocate;
mod series;
pub mod store;
pub mod unsettled;
pub(crate) mod view;
pub(crate) mod visit;
pub mod zone;

use std::sync::Arc;

use app::booking::api::BookingService;
use app::booking::model::{
    CancelDraft, ContactDraft, Draft, Held, HoldRequest, HoldState, MoveRequest, MoveWish, Moving, Settlement, Times, TimesFor,
    TimesQuery, Visit,
};
use app::booking::rules::local_date;
use app::clinic::model::Clinic;
use app::error::PortalError;
use app::fields::FieldErrors;
use app::ids::{AppointmentId, ClinicSlug, HoldId, LinkToken, PatientId};
use app::request::Caller;
use async_trait::async_trait;

use self::confirm::Confirming;
use self::find::Finder;
use self::held::held;
pub use self::hold::DRAFT_KEPT;
use self::hold::Wanted;
pub use self::late::LATE_LETTER_JOB;
pub use self::links::LINKS_LETTER_JOB;
use self::store::Place;
use self::store::appointment::{self, AppointmentRow};
use self::store::patient;
use self::view::{View, zone_of};
use crate::clinic::{self, Clinics};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::link::{Links, Purpose};
use crate::store::{Database, StoreError, Tx};
use crate::telemetry;

/// How often a change is tried anew: against a clinic that was just reloaded, or after another
/// process took the very row.
const TRIES_MAX: u32 = 4;
/// Other times shown when the wanted one is gone.
const NEAREST: usize = 3;

/// The booking service over the store.
pub struct Booking {
    database: Database,
    clock: Clock,
    links: Arc<Links>,
    clinics: Arc<Clinics>,
}

impl Booking {
    pub const fn new(database: Database, clock: Clock, links: Arc<Links>, clinics: Arc<Clinics>) -> Self {
        Self { database, clock, links, clinics }
    }

    fn clinic(&self, slug: &ClinicSlug) -> Result<clinic::Current, Failure> {
        self.clinics.get(slug).ok_or_else(|| PortalError::NotFound.into())
    }

    fn open(&self, link: &LinkToken) -> Result<HoldId, Failure> {
        self.links.open(Purpose::Hold, link).map(HoldId).ok_or_else(|| PortalError::NotFound.into())
    }

    /// Ends what ended: expired occupancy, and drafts that nobody came back to.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.database
            .write(async move |tx| {
                store::guard::sweep(tx, now).await?;
                store::hold::forget(tx, now - DRAFT_KEPT).await
            })
            .await
            .map(drop)
    }

    /// Runs a change against the clinic as it is in the database, again if either moved meanwhile.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        slug: &ClinicSlug,
        change: impl AsyncFn(&mut Tx, Arc<Clinic>, u32) -> Result<T, Failure> + Clone + Send + Sync + 'static,
    ) -> Result<T, Failure> {
        let mut tries = 0;
        loop {
            let clinic::Current { clinic, revision } = self.clinic(slug)?;
            let change = change.clone();
            let outcome = self
                .database
                .write(async move |tx| {
                    if clinic::store::revision(tx, &clinic.slug).await? != Some(revision) {
                        return Err(Failure::Stale);
                    }
                    change(tx, clinic.clone(), tries).await
                })
                .await;
            tries += 1;
            match outcome {
                Err(Failure::Stale) if tries < TRIES_MAX => self.clinics.refresh().await?,
                Err(Failure::Store(error)) if error.is_unique() && tries < TRIES_MAX => {}
                outcome => return outcome,
            }
        }
    }

    async fn find_times(&self, caller: &Caller, query: TimesQuery) -> Result<Times, Failure> {
        let visit = match &query.what {
            TimesFor::Treatment(_) => None,
            TimesFor::Visit(link) => Some((self.open_visit(link)?, link)),
        };
        let clinic = self.clinic(&query.clinic)?.clinic;
        let view = View::new(clinic, caller, query.zone.as_deref(), self.clock.now());
        let mut tx = self.database.read().await?;
        let visitor = visitor(caller);
        let Some((id, link)) = visit else {
            return find::times(&mut tx, &view, &query, visitor.as_deref(), None).await;
        };
        let row = appointment::get(&mut tx, &query.clinic, id).await?.ok_or(PortalError::NotFound)?;
        let name = patient::name(&mut tx, &query.clinic, row.patient).await?.unwrap_or_default();
        let mut times = find::times(&mut tx, &view, &query, visitor.as_deref(), Some(&row)).await?;
        times.moves = Some(Box::new(visit::shown(&view, link, &row, name)?));
        Ok(times)
    }

    async fn take_hold(&self, caller: &Caller, request: HoldRequest) -> Result<LinkToken, Failure> {
        let replaces = request.replaces.as_ref().and_then(|link| self.open(link).ok());
        let slug = request.clinic.clone();
        let (id, now, caller) = (HoldId(self.clock.new_id()), self.clock.now(), caller.clone());
        let held = self
            .change(&slug, async move |tx, clinic, _| {
                let treatment = clinic.treatment(&request.treatment).ok_or(PortalError::NotFound)?;
                let location = clinic.location(&request.location).ok_or(PortalError::NotFound)?;
                let visitor = visitor(&caller);
                let view = View::new(clinic.clone(), &caller, None, now);
                let finder = Finder {
                    view: &view,
                    treatment,
                    location,
                    zone: zone_of(location)?,
                    practitioners: find::practitioners(&clinic, treatment, request.practitioner.as_ref())?,
                    visitor: visitor.as_deref(),
                    moves: None,
                };
                let wanted =
                    Wanted { clinic: clinic.clone(), request: request.clone(), visitor: visitor.clone(), replaces, id, now };
                hold::take(tx, &finder, &wanted).await
            })
            .await?;
        Ok(self.links.make(Purpose::Hold, held.0))
    }

    async fn show_hold(&self, caller: &Caller, slug: &ClinicSlug, link: &LinkToken) -> Result<Held, Failure> {
        let id = self.open(link)?;
        let clinic = self.clinic(slug)?.clinic;
        let view = View::new(clinic, caller, None, self.clock.now());
        let mut tx = self.database.read().await?;
        if let Some(booked) = appointment::get(&mut tx, slug, AppointmentId(id.0)).await? {
            return self.booked(&view, link, &booked);
        }
        let row = store::hold::get(&mut tx, slug, id).await?.ok_or(PortalError::NotFound)?;
        held(&mut tx, caller, &view, link, &row).await
    }

    fn booked(&self, view: &View, link: &LinkToken, booked: &AppointmentRow) -> Result<Held, Failure> {
        Ok(Held {
            token: link.clone(),
            state: HoldState::Booked { visit: self.links.make(Purpose::Visit, booked.id.0) },
            visit: view.summary(&booked.place, booked.answer_by)?,
            draft: Draft::default(),
            errors: FieldErrors::default(),
            ready: false,
            version: booked.version.clone(),
            others: Vec::new(),
            total: None,
            series_max: None,
        })
    }

    /// Writes a draft; `submitted` if the form's own button sent it.
    async fn write_draft(
        &self,
        caller: &Caller,
        slug: &ClinicSlug,
        link: &LinkToken,
        draft: Draft,
        submitted: bool,
    ) -> Result<Held, Failure> {
        let id = self.open(link)?;
        let (draft, now, who) = (details::bounded(draft), self.clock.now(), caller.clone());
        let wrong = self
            .change(slug, async move |tx, clinic, _| {
                if appointment::get(tx, &clinic.slug, AppointmentId(id.0)).await?.is_some() {
                    return Ok(None);
                }
                let row = store::hold::get(tx, &clinic.slug, id).await?.ok_or(PortalError::NotFound)?;
                let view = View::new(clinic.clone(), &who, None, now);
                let visitor = row.visitor.clone();
                let finder = finder(&view, &row.place, visitor.as_deref())?;
                let parsed = details::parse(&draft, local_date(&finder.zone, now), who.language);
                hold::keep(tx, &finder, row, draft.clone(), submitted, now).await?;
                match parsed {
                    Err(errors) => Ok(Some(PortalError::Invalid(errors))),
                    Ok(details) => {
                        let found = patient::find(tx, &clinic.slug, &details.person).await?;
                        let eligible = details::is_eligible(tx, &clinic.slug, finder.treatment, found.as_ref(), now).await?;
                        Ok((!eligible).then_some(PortalError::Conflict(app::error::Reason::NotEligible)))
                    }
                }
            })
            .await?;
        // The draft is kept whatever is wrong with it; only the form's own button asks what.
        match wrong {
            Some(error) if submitted => Err(error.into()),
            _ => self.show_hold(caller, slug, link).await,
        }
    }

    async fn book(&self, caller: &Caller, slug: &ClinicSlug, link: &LinkToken, version: &str) -> Result<LinkToken, Failure> {
        let id = self.open(link)?;
        let fresh = || self.clock.new_id();
        let (patient, consents, job) = (PatientId(fresh()), [fresh(), fresh(), fresh(), fresh()], fresh());
        let (now, caller, version) = (self.clock.now(), caller.clone(), version.to_owned());
        let (booked, first) = self
            .change(slug, async move |tx, clinic, tries| {
                let confirming = Confirming {
                    clinic: clinic.clone(),
                    caller: caller.clone(),
                    hold: id,
                    version: version.clone(),
                    patient,
                    consents,
                    job,
                    number_salt: tries,
                    now,
                };
                if let Some(same) = confirm::repeated(tx, &confirming).await? {
                    return Ok((same, false));
                }
                let row = store::hold::get(tx, &clinic.slug, id).await?.ok_or(PortalError::NotFound)?;
                let view = View::new(clinic.clone(), &caller, None, now);
                let visitor = row.visitor.clone();
                let finder = finder(&view, &row.place, visitor.as_deref())?;
                confirm::book(tx, &finder, &confirming, row).await.map(|booked| (booked, true))
            })
            .await?;
        if first {
            metrics::counter!(telemetry::BOOKINGS).increment(1);
        }
        Ok(self.links.make(Purpose::Visit, booked.0))
    }

    async fn end_hold(&self, slug: &ClinicSlug, link: &LinkToken) -> Result<(), Failure> {
        let (id, now) = (self.open(link)?, self.clock.now());
        self.change(slug, async move |tx, clinic, _| match store::hold::get(tx, &clinic.slug, id).await? {
            Some(row) => hold::end(tx, &clinic.slug, &row, now).await,
            None => Ok(()),
        })
        .await
    }
}

/// A search with exactly the person of this place.
fn finder<'a>(view: &'a View, place: &Place, visitor: Option<&'a str>) -> Result<Finder<'a>, Failure> {
    let location = view.location(&place.location)?;
    Ok(Finder {
        view,
        treatment: hold::treatment(&view.clinic, place)?,
        location,
        zone: zone_of(location)?,
        practitioners: vec![place.practitioner.clone()],
        visitor,
        moves: None,
    })
}

/// Whether another browser began it: a link that somebody sends around must not let them read what
/// others type behind it. Where either keeps no cookies, nobody can tell.
pub(crate) fn is_anothers(caller: &Caller, began: Option<&str>) -> bool {
    visitor(caller).zip(began).is_some_and(|(visitor, began)| visitor != began)
}

/// The visitor's key as it stands in the table.
pub(crate) fn visitor(caller: &Caller) -> Option<String> {
    use std::fmt::Write as _;
    caller.visitor().map(|key| {
        key.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    })
}

#[async_trait]
impl BookingService for Booking {
    async fn times(&self, caller: &Caller, query: TimesQuery) -> Result<Times, PortalError> {
        self.find_times(caller, query).await.map_err(|failure| failure.answer("booking.times"))
    }

    async fn hold(&self, caller: &Caller, request: HoldRequest) -> Result<LinkToken, PortalError> {
        self.take_hold(caller, request).await.map_err(|failure| failure.answer("booking.hold"))
    }

    async fn held(&self, caller: &Caller, clinic: &ClinicSlug, hold: &LinkToken) -> Result<Held, PortalError> {
        self.show_hold(caller, clinic, hold).await.map_err(|failure| failure.answer("booking.held"))
    }

    async fn keep(&self, caller: &Caller, clinic: &ClinicSlug, hold: &LinkToken, draft: Draft) -> Result<Held, PortalError> {
        self.write_draft(caller, clinic, hold, draft, false).await.map_err(|failure| failure.answer("booking.keep"))
    }

    async fn describe(&self, caller: &Caller, clinic: &ClinicSlug, hold: &LinkToken, draft: Draft) -> Result<Held, PortalError> {
        self.write_draft(caller, clinic, hold, draft, true).await.map_err(|failure| failure.answer("booking.describe"))
    }

    async fn confirm(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        hold: &LinkToken,
        version: &str,
    ) -> Result<LinkToken, PortalError> {
        self.book(caller, clinic, hold, version).await.map_err(|failure| failure.answer("booking.confirm"))
    }

    async fn release(&self, _caller: &Caller, clinic: &ClinicSlug, hold: &LinkToken) -> Result<(), PortalError> {
        self.end_hold(clinic, hold).await.map_err(|failure| failure.answer("booking.release"))
    }

    async fn visit(&self, caller: &Caller, clinic: &ClinicSlug, visit: &LinkToken) -> Result<Visit, PortalError> {
        self.show_visit(caller, clinic, visit).await.map_err(|failure| failure.answer("booking.visit"))
    }

    async fn cancel(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        visit: &LinkToken,
        version: &str,
        draft: CancelDraft,
    ) -> Result<(), PortalError> {
        self.cancel_visit(caller, clinic, visit, version, draft).await.map_err(|failure| failure.answer("booking.cancel"))
    }

    async fn late(&self, caller: &Caller, clinic: &ClinicSlug, visit: &LinkToken, minutes: u32) -> Result<(), PortalError> {
        self.say_late(caller, clinic, visit, minutes).await.map_err(|failure| failure.answer("booking.late"))
    }

    async fn contact(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        visit: &LinkToken,
        draft: ContactDraft,
    ) -> Result<(), PortalError> {
        self.change_contact(caller, clinic, visit, draft).await.map_err(|failure| failure.answer("booking.contact"))
    }

    async fn links(&self, _caller: &Caller, clinic: &ClinicSlug, contact: &str) -> Result<(), PortalError> {
        self.ask_for_links(clinic, contact).await.map_err(|failure| failure.answer("booking.links"))
    }

    async fn moving(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        visit: &LinkToken,
        wish: MoveWish,
    ) -> Result<Moving, PortalError> {
        self.show_move(caller, clinic, visit, &wish).await.map_err(|failure| failure.answer("booking.moving"))
    }

    async fn relocate(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        visit: &LinkToken,
        request: MoveRequest,
    ) -> Result<(), PortalError> {
        self.move_visit(caller, clinic, visit, request).await.map_err(|failure| failure.answer("booking.move"))
    }

    async fn settle(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        visit: &LinkToken,
        settlement: Settlement,
    ) -> Result<(), PortalError> {
        self.settle_visit(caller, clinic, visit, settlement).await.map_err(|failure| failure.answer("booking.settle"))
    }
}
