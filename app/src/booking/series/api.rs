//! What the pages of a series ask of the server.

use std::collections::BTreeMap;

use async_trait::async_trait;
use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use super::model::{self, SeriesWish};
use crate::booking::model::{CancelDraft, Held};
use crate::error::PortalError;
use crate::ids::{ClinicSlug, LinkToken};
use crate::request::Caller;
#[cfg(feature = "ssr")]
use crate::request::service;
#[cfg(feature = "ssr")]
use crate::routes;

/// Several visits in one go. Every method checks the caller first.
#[async_trait]
pub trait SeriesService: Send + Sync {
    /// A hold and what can be asked of its series. `NotFound` for a link that is none, and where
    /// the treatment is booked one visit at a time.
    async fn planning(&self, caller: &Caller, clinic: &ClinicSlug, hold: &LinkToken) -> Result<model::Planning, PortalError>;

    /// Lays the other visits out anew and keeps those that are free; the others wait for another
    /// time. `Invalid` says what to mend; what was typed is kept.
    async fn plan(&self, caller: &Caller, clinic: &ClinicSlug, hold: &LinkToken, wish: SeriesWish) -> Result<(), PortalError>;

    /// Makes these the other visits and keeps them: by place in the series, the instant and who it
    /// is with (`2026-03-19T09:20:00Z~tom`); empty leaves the visit out. `Conflict(SlotTaken)` if
    /// one of them is somebody else's by now: the rest is kept all the same.
    /// `Conflict(SlotNotOffered)` and `Invalid` change nothing.
    async fn choose(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        hold: &LinkToken,
        starts: BTreeMap<String, String>,
    ) -> Result<Held, PortalError>;

    /// What is still ahead of the series that this visit is of. `NotFound` for a single visit.
    async fn together(&self, caller: &Caller, clinic: &ClinicSlug, visit: &LinkToken) -> Result<model::Together, PortalError>;

    /// Cancels all of them or none; every repetition gets the same answer. `Conflict(Changed)` if
    /// `version` is not what the page showed. What was typed is kept if it fails.
    async fn cancel_all(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        visit: &LinkToken,
        version: &str,
        draft: CancelDraft,
    ) -> Result<(), PortalError>;
}

#[server(endpoint = "booking/planning", input = Json)]
pub async fn planning(clinic: ClinicSlug, hold: LinkToken) -> Result<model::Planning, PortalError> {
    let (series, caller, reply) = service::<dyn SeriesService>()?;
    reply.with(series.planning(&caller, &clinic, &hold).await)
}

#[server(endpoint = "booking/plan")]
pub async fn plan(clinic: ClinicSlug, hold: LinkToken, #[server(default)] draft: SeriesWish) -> Result<(), PortalError> {
    let (series, caller, reply) = service::<dyn SeriesService>()?;
    reply.with(series.plan(&caller, &clinic, &hold, draft).await)?;
    reply.redirect(&routes::series(&clinic, &hold));
    Ok(())
}

#[server(endpoint = "booking/series")]
pub async fn choose(
    clinic: ClinicSlug,
    hold: LinkToken,
    #[server(default)] starts: BTreeMap<String, String>,
) -> Result<(), PortalError> {
    let (series, caller, reply) = service::<dyn SeriesService>()?;
    let held = reply.with(series.choose(&caller, &clinic, &hold, starts).await)?;
    reply.redirect(&routes::next(&clinic, &held));
    Ok(())
}

#[server(endpoint = "booking/together", input = Json)]
pub async fn together(clinic: ClinicSlug, visit: LinkToken) -> Result<model::Together, PortalError> {
    let (series, caller, reply) = service::<dyn SeriesService>()?;
    reply.with(series.together(&caller, &clinic, &visit).await)
}

#[server(endpoint = "booking/cancel_all")]
pub async fn cancel_all(
    clinic: ClinicSlug,
    visit: LinkToken,
    version: String,
    #[server(default)] draft: CancelDraft,
) -> Result<(), PortalError> {
    let (series, caller, reply) = service::<dyn SeriesService>()?;
    reply.with(series.cancel_all(&caller, &clinic, &visit, &version, draft).await)?;
    reply.redirect(&routes::visit(&clinic, &visit));
    Ok(())
}
