//! The clinic's home page.

use leptos::prelude::*;
use leptos_router::{LazyRoute, lazy_route};

#[component]
pub fn ClinicsPage() -> impl IntoView {
    view! { <h1 tabindex="-1">"Clinics"</h1> }
}

pub struct ClinicPage;

#[lazy_route]
impl LazyRoute for ClinicPage {
    fn data() -> Self {
        Self
    }

    fn view(this: Self) -> AnyView {
        let ClinicPage = this;
        view! { <h1 tabindex="-1">"Clinic"</h1> }.into_any()
    }
}
