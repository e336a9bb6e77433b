//! What a clinic says about itself to anyone who asks.

use std::sync::Arc;

use app::clinic::api::ClinicService;
use app::clinic::model::{CategoryCard, ClinicCard, ClinicHome};
use app::error::PortalError;
use app::ids::ClinicSlug;
use app::request::Caller;
use async_trait::async_trait;

use super::cards;
use super::registry::{Clinics, Current};

/// The clinics' public side; everybody may read it.
pub struct Fronts {
    clinics: Arc<Clinics>,
    /// Letters land in a folder that a page shows.
    demo: bool,
}

impl Fronts {
    pub const fn new(clinics: Arc<Clinics>, demo: bool) -> Self {
        Self { clinics, demo }
    }

    fn current(&self, clinic: &ClinicSlug) -> Result<Current, PortalError> {
        self.clinics.get(clinic).ok_or(PortalError::NotFound)
    }
}

#[async_trait]
impl ClinicService for Fronts {
    async fn clinics(&self, caller: &Caller) -> Result<Vec<ClinicCard>, PortalError> {
        let mut all: Vec<ClinicCard> =
            self.clinics.all().iter().map(|current| cards::clinic(&current.clinic, caller.language, self.demo)).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }

    async fn card(&self, caller: &Caller, clinic: &ClinicSlug) -> Result<ClinicCard, PortalError> {
        Ok(cards::clinic(&self.current(clinic)?.clinic, caller.language, self.demo))
    }

    async fn home(&self, caller: &Caller, clinic: &ClinicSlug) -> Result<ClinicHome, PortalError> {
        let clinic = self.current(clinic)?.clinic;
        Ok(ClinicHome {
            card: cards::clinic(&clinic, caller.language, self.demo),
            categories: cards::categories(&clinic, caller.language),
            locations: clinic.locations.iter().map(|location| cards::location(&clinic, location, caller.language)).collect(),
            practitioners: clinic.practitioners.iter().map(|person| cards::practitioner(person, caller.language)).collect(),
        })
    }

    async fn treatments(&self, caller: &Caller, clinic: &ClinicSlug) -> Result<Vec<CategoryCard>, PortalError> {
        Ok(cards::categories(&self.current(clinic)?.clinic, caller.language))
    }
}
