//! "Tell me when a time comes free": a button on the pages where one misses such a time.

use leptos::prelude::*;

use crate::error::PortalError;
use crate::ids::ClinicSlug;
use crate::ui::form::{Sending, busy, form};
use crate::ui::frame::CallUs;
use crate::ui::notice::Answer;
use crate::waitlist::api::Begin;
use crate::waitlist::model::WaitFor;
use crate::words::words;

/// The form's state; made once for the page and not for each answer that it shows.
#[derive(Clone, Copy)]
pub struct Asking(Sending);

impl Asking {
    pub fn new() -> Self {
        Self(Sending::new::<Begin>())
    }
}

impl Default for Asking {
    fn default() -> Self {
        Self::new()
    }
}

/// The button, and what came of pressing it where that is not another page.
pub fn asking(wait: Asking, clinic: &ClinicSlug, wanted: WaitFor, label: &'static str) -> AnyView {
    let w = words();
    let failed = move || {
        wait.0.refused().map(|error| {
            let (title, text) = match error {
                PortalError::TooMany => (w.state_too_many(), w.state_too_many_text()),
                _ => (w.state_wrong(), w.state_wrong_text()),
            };
            view! { <Answer tone="warn" title=title><p>{text}</p><CallUs/></Answer> }
        })
    };
    view! {
        {failed}
        {button(wait, clinic, wanted, label)}
    }
    .into_any()
}

/// The button alone, where the page has an [`asking`] already that says what came of it.
pub fn button(Asking(begin): Asking, clinic: &ClinicSlug, wanted: WaitFor, label: &'static str) -> AnyView {
    let WaitFor { visit, treatment, practitioner, location, session } = wanted;
    // A place on the list has a page of its own, which is nobody's frame.
    #[cfg(feature = "ssr")]
    if crate::embed::is_framed() {
        let href = format!("{}/{treatment}#none-suit", crate::routes::booking_outside(clinic));
        return view! { <div><crate::embed::NewWindow class="btn plain" href=href text=label/></div> }.into_any();
    }
    let fields = vec![
        ("clinic", clinic.to_string()),
        ("wait[visit]", visit),
        ("wait[treatment]", treatment),
        ("wait[practitioner]", practitioner),
        ("wait[location]", location),
        ("wait[session]", session),
    ];
    let button = view! { <div><button class="btn plain" aria-busy=busy(begin)>{label}</button></div> };
    form(begin, None, fields, button)
}
