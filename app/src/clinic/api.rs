//! What the front page asks of the server.

use async_trait::async_trait;
use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use super::model::{CategoryCard, ClinicCard, ClinicHome};
use crate::error::PortalError;
use crate::ids::ClinicSlug;
use crate::request::Caller;
#[cfg(feature = "ssr")]
use crate::request::service;

/// What a clinic says about itself; public.
#[async_trait]
pub trait ClinicService: Send + Sync {
    /// Every clinic on this server, by name.
    async fn clinics(&self, caller: &Caller) -> Result<Vec<ClinicCard>, PortalError>;
    /// What every page of the clinic shows around its content. `NotFound` for an unknown one.
    async fn card(&self, caller: &Caller, clinic: &ClinicSlug) -> Result<ClinicCard, PortalError>;
    async fn home(&self, caller: &Caller, clinic: &ClinicSlug) -> Result<ClinicHome, PortalError>;
    /// Everything that can be booked, grouped, in the clinic's order.
    async fn treatments(&self, caller: &Caller, clinic: &ClinicSlug) -> Result<Vec<CategoryCard>, PortalError>;
}

#[server(endpoint = "clinic/clinics", input = Json)]
pub async fn clinics() -> Result<Vec<ClinicCard>, PortalError> {
    let (clinics, caller, reply) = service::<dyn ClinicService>()?;
    reply.with(clinics.clinics(&caller).await)
}

#[server(endpoint = "clinic/card", input = Json)]
pub async fn card(clinic: ClinicSlug) -> Result<ClinicCard, PortalError> {
    let (clinics, caller, reply) = service::<dyn ClinicService>()?;
    reply.with(clinics.card(&caller, &clinic).await)
}

#[server(endpoint = "clinic/home", input = Json)]
pub async fn home(clinic: ClinicSlug) -> Result<ClinicHome, PortalError> {
    let (clinics, caller, reply) = service::<dyn ClinicService>()?;
    reply.with(clinics.home(&caller, &clinic).await)
}

#[server(endpoint = "clinic/treatments", input = Json)]
pub async fn treatments(clinic: ClinicSlug) -> Result<Vec<CategoryCard>, PortalError> {
    let (clinics, caller, reply) = service::<dyn ClinicService>()?;
    reply.with(clinics.treatments(&caller, &clinic).await)
}
