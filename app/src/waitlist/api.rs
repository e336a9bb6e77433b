//! What the pages of the waiting list ask of the server.

use async_trait::async_trait;
use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use super::model::{self, WaitFor, WishDraft};
use crate::booking::model::Draft;
use crate::error::PortalError;
use crate::ids::{ClinicSlug, LinkToken};
use crate::request::Caller;
#[cfg(feature = "ssr")]
use crate::request::service;
#[cfg(feature = "ssr")]
use crate::routes;

/// Waiting for a time. Every method checks the caller first.
#[async_trait]
pub trait WaitlistService: Send + Sync {
    /// Begins a place on the list, which counts once [`join`](Self::join) has filled it. For a visit
    /// that has one already, that one. `NotFound` for what the clinic does not have,
    /// `Conflict(TooLate)` for what nobody can wait for any more.
    async fn begin(&self, caller: &Caller, clinic: &ClinicSlug, wait: WaitFor) -> Result<LinkToken, PortalError>;

    /// The place on the list as it stands. `NotFound` for a link that is none.
    async fn entry(&self, caller: &Caller, clinic: &ClinicSlug, entry: &LinkToken) -> Result<model::Entry, PortalError>;

    /// Puts them on the list, or changes what suits them; their place in it stays. `Invalid` says
    /// what to mend and keeps what was typed.
    async fn join(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        entry: &LinkToken,
        draft: Draft,
        wish: WishDraft,
    ) -> Result<(), PortalError>;

    /// Keeps what was typed so far, right or wrong, until [`join`](Self::join). Who is on the list
    /// already changes nothing by it.
    async fn keep(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        entry: &LinkToken,
        draft: Draft,
        wish: WishDraft,
    ) -> Result<(), PortalError>;

    /// Takes them off the list. A time on offer goes to the next.
    async fn leave(&self, caller: &Caller, clinic: &ClinicSlug, entry: &LinkToken) -> Result<(), PortalError>;

    /// A time on offer. `NotFound` for a link that is none.
    async fn offer(&self, caller: &Caller, clinic: &ClinicSlug, offer: &LinkToken) -> Result<model::Offer, PortalError>;

    /// Books the time on offer, or moves the visit to it, once; every repetition gets the same
    /// answer: the visit's private link. `Conflict(SlotTaken)` once the offer is over,
    /// `Conflict(Changed)` if the page was of an older state.
    async fn take(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        offer: &LinkToken,
        version: &str,
    ) -> Result<LinkToken, PortalError>;

    /// Says no to this time; it goes to the next, and they stay on the list.
    async fn decline(&self, caller: &Caller, clinic: &ClinicSlug, offer: &LinkToken) -> Result<(), PortalError>;
}

#[server(endpoint = "waitlist/begin")]
pub async fn begin(clinic: ClinicSlug, #[server(default)] wait: WaitFor) -> Result<LinkToken, PortalError> {
    let (waitlist, caller, reply) = service::<dyn WaitlistService>()?;
    let entry = reply.with(waitlist.begin(&caller, &clinic, wait).await)?;
    reply.redirect(&routes::waitlist(&clinic, &entry));
    Ok(entry)
}

#[server(endpoint = "waitlist/entry", input = Json)]
pub async fn entry(clinic: ClinicSlug, entry: LinkToken) -> Result<model::Entry, PortalError> {
    let (waitlist, caller, reply) = service::<dyn WaitlistService>()?;
    reply.with(waitlist.entry(&caller, &clinic, &entry).await)
}

#[server(endpoint = "waitlist/join")]
pub async fn join(
    clinic: ClinicSlug,
    entry: LinkToken,
    #[server(default)] draft: Draft,
    #[server(default)] wish: WishDraft,
) -> Result<(), PortalError> {
    let (waitlist, caller, reply) = service::<dyn WaitlistService>()?;
    reply.with(waitlist.join(&caller, &clinic, &entry, draft, wish).await)?;
    reply.redirect(&routes::waitlist(&clinic, &entry));
    Ok(())
}

#[server(endpoint = "waitlist/keep")]
pub async fn keep(
    clinic: ClinicSlug,
    entry: LinkToken,
    #[server(default)] draft: Draft,
    #[server(default)] wish: WishDraft,
) -> Result<(), PortalError> {
    let (waitlist, caller, reply) = service::<dyn WaitlistService>()?;
    reply.with(waitlist.keep(&caller, &clinic, &entry, draft, wish).await)
}

#[server(endpoint = "waitlist/leave")]
pub async fn leave(clinic: ClinicSlug, entry: LinkToken) -> Result<(), PortalError> {
    let (waitlist, caller, reply) = service::<dyn WaitlistService>()?;
    reply.with(waitlist.leave(&caller, &clinic, &entry).await)?;
    reply.redirect(&routes::waitlist(&clinic, &entry));
    Ok(())
}

#[server(endpoint = "waitlist/offer", input = Json)]
pub async fn offer(clinic: ClinicSlug, offer: LinkToken) -> Result<model::Offer, PortalError> {
    let (waitlist, caller, reply) = service::<dyn WaitlistService>()?;
    reply.with(waitlist.offer(&caller, &clinic, &offer).await)
}

#[server(endpoint = "waitlist/take")]
pub async fn take(clinic: ClinicSlug, offer: LinkToken, version: String) -> Result<LinkToken, PortalError> {
    let (waitlist, caller, reply) = service::<dyn WaitlistService>()?;
    let visit = reply.with(waitlist.take(&caller, &clinic, &offer, &version).await)?;
    reply.redirect(&routes::visit(&clinic, &visit));
    Ok(visit)
}

#[server(endpoint = "waitlist/decline")]
pub async fn decline(clinic: ClinicSlug, offer: LinkToken) -> Result<(), PortalError> {
    let (waitlist, caller, reply) = service::<dyn WaitlistService>()?;
    reply.with(waitlist.decline(&caller, &clinic, &offer).await)?;
    reply.redirect(&routes::offer(&clinic, &offer));
    Ok(())
}
