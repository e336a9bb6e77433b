//! Every page address in one table, lazy per page group, and the functions that write them.
//!
//! The first segment is the clinic's slug. A treatment's slug is the third, so the words that
//! stand there for something else are [`RESERVED`].

use leptos::prelude::*;
use leptos_router::components::{Route, Routes};
use leptos_router::{Lazy, SsrMode, path};

use crate::booking::page::{BookPage, CheckPage, DetailsPage, TimesPage, VisitPage};
use crate::clinic::page::{ClinicPage, ClinicsPage};
use crate::ids::{ClinicSlug, LinkToken, TreatmentSlug};
use crate::ui::state::NotFoundPage;

/// Slugs that no clinic and no treatment may have, because an address needs them.
pub const RESERVED: [&str; 14] = [
    "api", "pkg", "assets", "health", "ready", "metrics", "mailbox", "embed", "booking", "hold", "visit", "console", "account",
    "fhir",
];

#[component]
pub fn PageRoutes() -> impl IntoView {
    view! {
        <Routes fallback=NotFoundPage>
            <Route path=path!("/") view=ClinicsPage ssr=SsrMode::Async/>
            <Route path=path!("/:clinic") view={Lazy::<ClinicPage>::new()} ssr=SsrMode::Async/>
            <Route path=path!("/:clinic/booking") view={Lazy::<BookPage>::new()} ssr=SsrMode::Async/>
            <Route path=path!("/:clinic/booking/:treatment") view={Lazy::<TimesPage>::new()} ssr=SsrMode::Async/>
            <Route path=path!("/:clinic/booking/hold/:hold") view={Lazy::<DetailsPage>::new()} ssr=SsrMode::Async/>
            <Route path=path!("/:clinic/booking/hold/:hold/check") view={Lazy::<CheckPage>::new()} ssr=SsrMode::Async/>
            <Route path=path!("/:clinic/visit/:visit") view={Lazy::<VisitPage>::new()} ssr=SsrMode::Async/>
        </Routes>
    }
}

pub fn home(clinic: &ClinicSlug) -> String {
    format!("/{clinic}")
}

pub fn booking(clinic: &ClinicSlug) -> String {
    format!("/{clinic}/booking")
}

pub fn times(clinic: &ClinicSlug, treatment: &TreatmentSlug) -> String {
    format!("/{clinic}/booking/{treatment}")
}

pub fn details(clinic: &ClinicSlug, hold: &LinkToken) -> String {
    format!("/{clinic}/booking/hold/{hold}")
}

pub fn check(clinic: &ClinicSlug, hold: &LinkToken) -> String {
    format!("/{clinic}/booking/hold/{hold}/check")
}

pub fn visit(clinic: &ClinicSlug, visit: &LinkToken) -> String {
    format!("/{clinic}/visit/{visit}")
}

/// The calendar file of a visit; the server answers it outside the page router.
pub fn calendar(clinic: &ClinicSlug, visit: &LinkToken) -> String {
    format!("/{clinic}/visit/{visit}/calendar.ics")
}
