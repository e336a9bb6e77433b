//! For whoever has lost the private link of a visit, or has one that leads nowhere.
//!
//! The answer is the same whether we know the address or not: it tells nobody who is a patient.

use leptos::prelude::*;
use leptos_meta::Meta;
use leptos_router::hooks::use_query_map;

use super::segment;
use crate::booking::api::Links;
use crate::error::PortalError;
use crate::fields::FieldErrors;
use crate::ids::ClinicSlug;
use crate::ui::focus::{Heading, TITLE, focus_next, focus_now};
use crate::ui::form::{Sending, busy, form};
use crate::ui::frame::{CallUs, PageTitle, PhoneLine, clinic_slug};
use crate::ui::icon::Icon;
use crate::ui::notice::{ANSWER, Notice};
use crate::ui::problems::{ErrorSummary, SUMMARY};
use crate::ui::refused::{Said, refused, title};
use crate::ui::state::trouble;
use crate::words::words;
use crate::{request, routes};

/// The page instead of a visit whose link opens nothing: what to do about it.
pub fn lost(error: &PortalError) -> AnyView {
    let Some(clinic) = clinic_slug().filter(|_| *error == PortalError::NotFound) else { return trouble(error) };
    #[cfg(feature = "ssr")]
    request::page_status(error.status());
    let w = words();
    view! {
        <PageTitle text=w.links_lost().to_owned()/>
        <Meta name="robots" content="noindex"/>
        <div class="narrow stack g6">
            <div class="stack g5">
                <span class="disc big warn"><Icon name="link"/></span>
                <div class="stack g3">
                    <Heading text=w.links_lost()/>
                    <p class="lead">{w.state_not_found_text()}</p>
                </div>
            </div>
            <div class="actions">
                <a class="btn" href=routes::links(&clinic)>{w.links_title()}</a>
                <a class="btn plain" href=routes::booking(&clinic)>{w.booking_title()}</a>
            </div>
            <PhoneLine/>
        </div>
    }
    .into_any()
}

pub fn links_page() -> AnyView {
    let clinic = segment("clinic");
    let query = use_query_map();
    let links = Sending::new::<Links>();
    Effect::new(move |_| match links.refused_now() {
        Some(PortalError::Invalid(_)) => request_animation_frame(|| focus_now(SUMMARY)),
        Some(_) => focus_next(ANSWER),
        None => {}
    });
    let page = move || {
        let Some(clinic) = clinic().and_then(|slug| slug.parse().ok()) else { return trouble(&PortalError::NotFound) };
        if query.with(|query| query.get_str("sent").is_some()) {
            focus_next(TITLE);
            return sent(&clinic);
        }
        asking(&clinic, links)
    };
    page.into_any()
}

/// What is said to everybody who asked.
fn sent(clinic: &ClinicSlug) -> AnyView {
    let w = words();
    view! {
        <PageTitle text=w.links_sent().to_owned()/>
        <Meta name="robots" content="noindex"/>
        <div class="narrow stack g6">
            <div class="stack g3">
                <Heading text=w.links_sent()/>
                <p class="lead">{w.links_sent_text()}</p>
                <p>{w.links_sent_none()}</p>
            </div>
            <div class="actions">
                <a class="btn plain" href=routes::links(clinic)>{w.links_again()}</a>
            </div>
            <Notice tone="plain" icon="phone"><CallUs/></Notice>
        </div>
    }
    .into_any()
}

fn asking(clinic: &ClinicSlug, links: Sending) -> AnyView {
    let w = words();
    let heading = w.links_title();
    let errors = Signal::derive(move || match links.refused() {
        Some(PortalError::Invalid(errors)) => errors,
        _ => FieldErrors::default(),
    });
    let title = title(heading.to_owned(), errors);
    let failed = refused(links, |error| match error {
        PortalError::Invalid(errors) if !errors.is_empty() => None,
        _ => Some(Said::wrong()),
    });
    let wrong = move || errors.with(|errors| errors.get("contact")).map(|_| "true");
    let line = move || {
        errors.with(|errors| errors.get("contact")).map(|_| {
            view! {
                <p class="error" id="contact-error">
                    <Icon name="alert"/>
                    <span><span class="vh">{w.frame_error()}</span>{w.mend_contact_either()}</span>
                </p>
            }
        })
    };
    let inside = view! {
        <div class="field">
            <label for="contact">{w.links_contact()}</label>
            <p class="hint" id="contact-hint">{w.links_contact_hint()}</p>
            {line}
            <input
                class="input"
                id="contact"
                name="contact"
                autocomplete="email"
                value=request::typed()
                aria-describedby=move || if wrong().is_some() { "contact-hint contact-error" } else { "contact-hint" }
                aria-invalid=wrong
            />
        </div>
        <div class="actions">
            <button class="btn" aria-busy=busy(links)>
                {move || if links.is_pending() { w.links_sending() } else { w.links_send() }}
            </button>
        </div>
    };
    view! {
        <PageTitle text=title/>
        <Meta name="robots" content="noindex"/>
        <div class="narrow stack g6">
            <ErrorSummary errors=errors/>
            {failed}
            <div class="stack g3">
                <Heading text=heading/>
                <p class="lead">{w.links_lead()}</p>
            </div>
            {form(links, None, vec![("clinic", clinic.to_string())], inside)}
            <PhoneLine/>
        </div>
    }
    .into_any()
}
