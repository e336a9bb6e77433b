//! Pages for hard moments: what happened, whose fault it is (never the reader's), what is safe,
//! what to do next.

use leptos::prelude::*;
use leptos_meta::{Meta, Title};

use super::focus::{Heading, focus_instead};
use super::frame::{PhoneLine, clinic_home};
use super::icon::Icon;
use crate::embed::is_framed;
use crate::error::PortalError;
use crate::words::words;

/// No page has this address.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! { <Suspense>{trouble(&PortalError::NotFound)}</Suspense> }
}

/// The page instead of what the server could not answer. Sets the status of the response.
pub fn trouble(error: &PortalError) -> AnyView {
    #[cfg(feature = "ssr")]
    crate::request::page_status(error.status());
    focus_instead();
    let w = words();
    let (icon, title, text, again) = match error {
        PortalError::NotFound | PortalError::Forbidden | PortalError::SignedOut => {
            ("link", w.state_not_found(), w.state_not_found_text(), false)
        }
        PortalError::TooMany => ("clock", w.state_too_many(), w.state_too_many_text(), true),
        PortalError::Invalid(_) | PortalError::Conflict(_) | PortalError::Unavailable => {
            ("alert", w.state_wrong(), w.state_wrong_text(), true)
        }
    };
    let ways = if again {
        // An empty address is this page again, asked anew.
        view! { <a class="btn" href="" rel="external">{w.state_again()}</a> }.into_any()
    } else {
        let label = if is_framed() { w.booking_title() } else { w.frame_home() };
        view! { <a class="btn" href=clinic_home()>{label}</a> }.into_any()
    };
    view! {
        <Title text=title/>
        <Meta name="robots" content="noindex"/>
        <div class="narrow stack g6">
            <div class="stack g5">
                <span class="disc big warn"><Icon name=icon/></span>
                <div class="stack g3">
                    <Heading text=title/>
                    <p class="lead">{text}</p>
                </div>
            </div>
            <div class="actions">{ways}</div>
            <PhoneLine/>
        </div>
    }
    .into_any()
}
