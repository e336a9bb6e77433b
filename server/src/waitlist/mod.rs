//! Who waits for a time, and how one that comes free reaches them.
//!
//! An offer is a hold with a longer lease: it occupies its time through the same guard, so while it
//! is open nobody else can have it, and taking it is confirming that hold or moving a visit onto it.
//!
//! - [`join`]: getting on the list and off it
//! - [`offers`]: who is asked next when a time comes free
//! - [`take`]: the answer to an offer
//! - [`hooks`]: what changes of visits mean to those who wait
//! - [`jobs`]: what runs it
//! - [`store`]: the SQL

pub(crate) mod hooks;
pub mod jobs;
mod join;
pub(crate) mod letter;
mod offers;
pub mod store;
mod take;

use std::sync::Arc;

use app::booking::model::Draft;
use app::error::PortalError;
use app::ids::{ClinicSlug, EntryId, LinkToken};
use app::request::Caller;
use app::waitlist::api::WaitlistService;
use app::waitlist::model::{self, WaitFor, WishDraft};
use async_trait::async_trait;
use uuid::Uuid;

pub use self::offers::{Freed, Looked, Looking};
use crate::booking::Booking;
use crate::clinic::{self, Clinics};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::link::{Links, Purpose};
use crate::store::Database;

/// The waiting list over the store.
pub struct Waitlist {
    booking: Arc<Booking>,
    database: Database,
    clock: Clock,
    links: Arc<Links>,
    clinics: Arc<Clinics>,
}

impl Waitlist {
    pub const fn new(booking: Arc<Booking>, database: Database, clock: Clock, links: Arc<Links>, clinics: Arc<Clinics>) -> Self {
        Self { booking, database, clock, links, clinics }
    }

    fn clinic(&self, slug: &ClinicSlug) -> Result<clinic::Current, Failure> {
        self.clinics.get(slug).ok_or_else(|| PortalError::NotFound.into())
    }

    fn open_entry(&self, link: &LinkToken) -> Result<EntryId, Failure> {
        self.links.open(Purpose::Entry, link).map(EntryId).ok_or_else(|| PortalError::NotFound.into())
    }

    fn open_offer(&self, link: &LinkToken) -> Result<Uuid, Failure> {
        self.links.open(Purpose::Offer, link).ok_or_else(|| PortalError::NotFound.into())
    }
}

#[async_trait]
impl WaitlistService for Waitlist {
    async fn begin(&self, caller: &Caller, clinic: &ClinicSlug, wait: WaitFor) -> Result<LinkToken, PortalError> {
        self.begin_entry(caller, clinic, wait).await.map_err(|failure| failure.answer("waitlist.begin"))
    }

    async fn entry(&self, caller: &Caller, clinic: &ClinicSlug, entry: &LinkToken) -> Result<model::Entry, PortalError> {
        self.show_entry(caller, clinic, entry).await.map_err(|failure| failure.answer("waitlist.entry"))
    }

    async fn join(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        entry: &LinkToken,
        draft: Draft,
        wish: WishDraft,
    ) -> Result<(), PortalError> {
        self.join_list(caller, clinic, entry, draft, wish).await.map_err(|failure| failure.answer("waitlist.join"))
    }

    async fn keep(
        &self,
        _: &Caller,
        clinic: &ClinicSlug,
        entry: &LinkToken,
        draft: Draft,
        wish: WishDraft,
    ) -> Result<(), PortalError> {
        self.keep_typed(clinic, entry, draft, wish).await.map_err(|failure| failure.answer("waitlist.keep"))
    }

    async fn leave(&self, caller: &Caller, clinic: &ClinicSlug, entry: &LinkToken) -> Result<(), PortalError> {
        self.leave_list(caller, clinic, entry).await.map_err(|failure| failure.answer("waitlist.leave"))
    }

    async fn offer(&self, caller: &Caller, clinic: &ClinicSlug, offer: &LinkToken) -> Result<model::Offer, PortalError> {
        self.show_offer(caller, clinic, offer).await.map_err(|failure| failure.answer("waitlist.offer"))
    }

    async fn take(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        offer: &LinkToken,
        version: &str,
    ) -> Result<LinkToken, PortalError> {
        self.take_offer(caller, clinic, offer, version).await.map_err(|failure| failure.answer("waitlist.take"))
    }

    async fn decline(&self, caller: &Caller, clinic: &ClinicSlug, offer: &LinkToken) -> Result<(), PortalError> {
        self.decline_offer(caller, clinic, offer).await.map_err(|failure| failure.answer("waitlist.decline"))
    }
}
