//! What the booking pages ask of the server.
//!
//! Forms work without scripts, so each of these also ends in a redirect: to the next page, or
//! back to the form, which renders from the draft that the server keeps.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use super::model::{self, CancelDraft, ContactDraft, Draft, HoldRequest, MoveRequest, MoveWish, Settlement, TimesQuery};
use crate::error::PortalError;
use crate::ids::{ClinicSlug, LinkToken, LocationSlug, PractitionerSlug, TreatmentSlug};
use crate::request::Caller;
#[cfg(feature = "ssr")]
use crate::request::service;
#[cfg(feature = "ssr")]
use crate::routes;

/// Finding, keeping and booking a time. Every method checks the caller first.
#[async_trait]
pub trait BookingService: Send + Sync {
    /// What is free. May be a moment old; only [`hold`](Self::hold) and [`confirm`](Self::confirm) decide.
    async fn times(&self, caller: &Caller, query: TimesQuery) -> Result<model::Times, PortalError>;

    /// Occupies a time for ten minutes. Asking again for a time one already holds answers with
    /// that same hold; a third hold of a visitor ends their oldest.
    /// `Conflict` if it is taken or not offered.
    async fn hold(&self, caller: &Caller, request: HoldRequest) -> Result<LinkToken, PortalError>;

    /// The hold as it stands. `NotFound` for a link that is none.
    async fn held(&self, caller: &Caller, clinic: &ClinicSlug, hold: &LinkToken) -> Result<model::Held, PortalError>;

    /// Keeps what was typed so far, right or wrong, and renews the hold within its limit.
    async fn keep(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        hold: &LinkToken,
        draft: Draft,
    ) -> Result<model::Held, PortalError>;

    /// Like [`keep`](Self::keep), for the form's own button: `Invalid` says what to mend.
    async fn describe(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        hold: &LinkToken,
        draft: Draft,
    ) -> Result<model::Held, PortalError>;

    /// Makes the hold an appointment, once, and answers with its private link; every repetition
    /// gets the same answer. `Conflict(Changed)` if `version` is not what the check page showed.
    async fn confirm(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        hold: &LinkToken,
        version: &str,
    ) -> Result<LinkToken, PortalError>;

    /// Gives the time back at once.
    async fn release(&self, caller: &Caller, clinic: &ClinicSlug, hold: &LinkToken) -> Result<(), PortalError>;

    /// A booked visit by its private link. `NotFound` for a link that is none.
    async fn visit(&self, caller: &Caller, clinic: &ClinicSlug, visit: &LinkToken) -> Result<model::Visit, PortalError>;

    /// Cancels a visit, once; every repetition gets the same answer. Its time is free at once.
    /// `Conflict(Changed)` if `version` is not what the page showed: moved meanwhile, or no longer
    /// free of charge. `Conflict(TooLate)` once it has begun. What was typed is kept if it fails.
    async fn cancel(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        visit: &LinkToken,
        version: &str,
        draft: CancelDraft,
    ) -> Result<(), PortalError>;

    /// Tells the clinic that the patient comes so many minutes late: one of
    /// [`LATE_MINS`](model::LATE_MINS). `Conflict(TooLate)` where that means nothing.
    async fn late(&self, caller: &Caller, clinic: &ClinicSlug, visit: &LinkToken, minutes: u32) -> Result<(), PortalError>;

    /// Changes where this visit's letters go, and no other visit's. `Invalid` says what to mend;
    /// what was typed is kept. `Conflict(TooLate)` once it is over or cancelled.
    async fn contact(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        visit: &LinkToken,
        draft: ContactDraft,
    ) -> Result<(), PortalError>;

    /// Sends the links of upcoming visits to the address on file that this one is, if there is one;
    /// answers the same if there is none. `Invalid` only for what is no address at all.
    async fn links(&self, caller: &Caller, clinic: &ClinicSlug, contact: &str) -> Result<(), PortalError>;

    /// A visit beside the time to which it could move; changes nothing.
    async fn moving(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        visit: &LinkToken,
        wish: MoveWish,
    ) -> Result<model::Moving, PortalError>;

    /// Moves a visit, once: the old time is free if and only if the new one is taken. Asking again
    /// for where it is already answers the same. `Conflict(SlotTaken)` or `Conflict(SlotNotOffered)`
    /// leave it as it was; so do `Conflict(Changed)`, if the page was of an older state, and
    /// `Conflict(TooLate)`.
    async fn relocate(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        visit: &LinkToken,
        request: MoveRequest,
    ) -> Result<(), PortalError>;

    /// Answers what the clinic changed about a visit; where nothing is to be settled, nothing happens.
    async fn settle(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        visit: &LinkToken,
        settlement: Settlement,
    ) -> Result<(), PortalError>;
}

#[server(endpoint = "booking/times", input = Json)]
pub async fn times(query: TimesQuery) -> Result<model::Times, PortalError> {
    let (booking, caller, reply) = service::<dyn BookingService>()?;
    reply.with(booking.times(&caller, query).await)
}

/// `practitioner` and `replaces` may be empty: a form cannot leave a field out.
#[server(endpoint = "booking/hold")]
pub async fn hold(
    clinic: ClinicSlug,
    treatment: TreatmentSlug,
    location: LocationSlug,
    #[server(default)] practitioner: String,
    start: DateTime<Utc>,
    #[server(default)] replaces: String,
) -> Result<LinkToken, PortalError> {
    let (booking, caller, reply) = service::<dyn BookingService>()?;
    let replaces = (!replaces.is_empty()).then_some(LinkToken(replaces));
    let request =
        HoldRequest { clinic: clinic.clone(), treatment, location, practitioner: practitioner.parse().ok(), start, replaces };
    let token = reply.with(booking.hold(&caller, request).await)?;
    reply.redirect(&routes::details(&clinic, &token));
    Ok(token)
}

#[server(endpoint = "booking/held", input = Json)]
pub async fn held(clinic: ClinicSlug, hold: LinkToken) -> Result<model::Held, PortalError> {
    let (booking, caller, reply) = service::<dyn BookingService>()?;
    reply.with(booking.held(&caller, &clinic, &hold).await)
}

#[server(endpoint = "booking/keep")]
pub async fn keep(clinic: ClinicSlug, hold: LinkToken, draft: Draft) -> Result<model::Held, PortalError> {
    let (booking, caller, reply) = service::<dyn BookingService>()?;
    reply.with(booking.keep(&caller, &clinic, &hold, draft).await)
}

#[server(endpoint = "booking/describe")]
pub async fn describe(clinic: ClinicSlug, hold: LinkToken, #[server(default)] draft: Draft) -> Result<model::Held, PortalError> {
    let (booking, caller, reply) = service::<dyn BookingService>()?;
    let held = reply.with(booking.describe(&caller, &clinic, &hold, draft).await)?;
    reply.redirect(&routes::check(&clinic, &hold));
    Ok(held)
}

#[server(endpoint = "booking/confirm")]
pub async fn confirm(clinic: ClinicSlug, hold: LinkToken, version: String) -> Result<LinkToken, PortalError> {
    let (booking, caller, reply) = service::<dyn BookingService>()?;
    let visit = reply.with(booking.confirm(&caller, &clinic, &hold, &version).await)?;
    reply.redirect(&routes::booked(&clinic, &visit));
    Ok(visit)
}

#[server(endpoint = "booking/release")]
pub async fn release(clinic: ClinicSlug, hold: LinkToken) -> Result<(), PortalError> {
    let (booking, caller, reply) = service::<dyn BookingService>()?;
    reply.with(booking.release(&caller, &clinic, &hold).await)?;
    reply.redirect(&routes::booking(&clinic));
    Ok(())
}

#[server(endpoint = "booking/visit", input = Json)]
pub async fn visit(clinic: ClinicSlug, visit: LinkToken) -> Result<model::Visit, PortalError> {
    let (booking, caller, reply) = service::<dyn BookingService>()?;
    reply.with(booking.visit(&caller, &clinic, &visit).await)
}

#[server(endpoint = "booking/cancel")]
pub async fn cancel(
    clinic: ClinicSlug,
    visit: LinkToken,
    version: String,
    #[server(default)] draft: CancelDraft,
) -> Result<(), PortalError> {
    let (booking, caller, reply) = service::<dyn BookingService>()?;
    reply.with(booking.cancel(&caller, &clinic, &visit, &version, draft).await)?;
    reply.redirect(&routes::visit(&clinic, &visit));
    Ok(())
}

#[server(endpoint = "booking/moving", input = Json)]
pub async fn moving(
    clinic: ClinicSlug,
    visit: LinkToken,
    location: LocationSlug,
    practitioner: Option<PractitionerSlug>,
    start: DateTime<Utc>,
) -> Result<model::Moving, PortalError> {
    let (booking, caller, reply) = service::<dyn BookingService>()?;
    reply.with(booking.moving(&caller, &clinic, &visit, MoveWish { location, practitioner, start }).await)
}

/// `anyone` is "on" or empty.
#[server(endpoint = "booking/move")]
pub async fn relocate(
    clinic: ClinicSlug,
    visit: LinkToken,
    location: LocationSlug,
    practitioner: PractitionerSlug,
    #[server(default)] anyone: String,
    start: DateTime<Utc>,
    version: String,
) -> Result<(), PortalError> {
    let (booking, caller, reply) = service::<dyn BookingService>()?;
    let request = MoveRequest { location, practitioner, anyone: anyone == "on", start, version };
    reply.with(booking.relocate(&caller, &clinic, &visit, request).await)?;
    reply.redirect(&routes::visit(&clinic, &visit));
    Ok(())
}

#[server(endpoint = "booking/settle")]
pub async fn settle(clinic: ClinicSlug, visit: LinkToken, settlement: Settlement) -> Result<(), PortalError> {
    let (booking, caller, reply) = service::<dyn BookingService>()?;
    reply.with(booking.settle(&caller, &clinic, &visit, settlement).await)?;
    reply.redirect(&routes::visit(&clinic, &visit));
    Ok(())
}

#[server(endpoint = "booking/late")]
pub async fn late(clinic: ClinicSlug, visit: LinkToken, minutes: u32) -> Result<(), PortalError> {
    let (booking, caller, reply) = service::<dyn BookingService>()?;
    reply.with(booking.late(&caller, &clinic, &visit, minutes).await)?;
    reply.redirect(&routes::visit(&clinic, &visit));
    Ok(())
}

#[server(endpoint = "booking/contact")]
pub async fn contact(clinic: ClinicSlug, visit: LinkToken, #[server(default)] draft: ContactDraft) -> Result<(), PortalError> {
    let (booking, caller, reply) = service::<dyn BookingService>()?;
    reply.with(booking.contact(&caller, &clinic, &visit, draft).await)?;
    reply.redirect(&routes::contact_saved(&clinic, &visit));
    Ok(())
}

#[server(endpoint = "booking/links")]
pub async fn links(clinic: ClinicSlug, #[server(default)] contact: String) -> Result<(), PortalError> {
    let (booking, caller, reply) = service::<dyn BookingService>()?;
    let sent = booking.links(&caller, &clinic, &contact).await;
    reply.give_back(&routes::links(&clinic), &contact, &sent);
    reply.with(sent)?;
    reply.redirect(&routes::links_sent(&clinic));
    Ok(())
}
