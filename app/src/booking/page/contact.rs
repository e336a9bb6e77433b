//! Where a visit's letters go, and in which language.
//!
//! What is on file is not shown in full: whoever has the link could read it.

use leptos::prelude::*;
use leptos_meta::Meta;

use super::details::language;
use super::links::lost;
use super::private_link;
use crate::booking::api::{self, Contact};
use crate::booking::model::{ContactDraft, Visit, VisitStatus};
use crate::error::PortalError;
use crate::fields::{Email, FieldErrors, Phone};
use crate::ids::ClinicSlug;
use crate::routes;
use crate::ui::ask::ask;
use crate::ui::field::TextField;
use crate::ui::focus::{Heading, focus_next, focus_now};
use crate::ui::form::{Sending, busy, form};
use crate::ui::frame::{PageTitle, PhoneLine};
use crate::ui::notice::ANSWER;
use crate::ui::problems::{ErrorSummary, SUMMARY};
use crate::ui::refused::{Said, refused, title};
use crate::ui::steps::BackLink;
use crate::ui::text::stressed;
use crate::words::words;

pub fn contact_page() -> AnyView {
    let link = private_link("visit");
    let visit = ask(move || link().map(|(clinic, visit)| api::Visit { clinic, visit }));
    let contact = Sending::new::<Contact>();
    Effect::new(move |_| match contact.refused_now() {
        Some(PortalError::Conflict(_)) => visit.again(),
        Some(PortalError::Invalid(_)) => request_animation_frame(|| focus_now(SUMMARY)),
        Some(_) => focus_next(ANSWER),
        None => {}
    });
    visit.show_or(lost, move |visit: Visit| {
        let Some((clinic, _)) = untrack(link) else { return ().into_any() };
        if visit.in_past || visit.status == VisitStatus::Cancelled {
            return super::cancel::closed(&clinic, &visit);
        }
        contact_view(&clinic, &visit, contact)
    })
}

/// What is wrong with what was kept: a page without scripts shows it, too.
fn mistakes(draft: &ContactDraft) -> FieldErrors {
    let mut errors = FieldErrors::default();
    errors.take("email", Email::parse(&draft.email));
    errors.take("phone", Phone::parse(&draft.phone));
    errors
}

fn contact_view(clinic: &ClinicSlug, visit: &Visit, contact: Sending) -> AnyView {
    let w = words();
    let draft = visit.draft.contact.clone().unwrap_or_default();
    let kept = mistakes(&draft);
    let errors = Signal::derive(move || match contact.refused() {
        Some(PortalError::Invalid(errors)) if !errors.is_empty() => errors,
        _ => kept.clone(),
    });
    let heading = w.contact_title();
    let title = title(heading.to_owned(), errors);
    let failed = refused(contact, |error| match error {
        PortalError::Invalid(errors) if !errors.is_empty() => None,
        _ => Some(Said::wrong()),
    });
    let now = (!visit.sent_to.is_empty()).then(|| view! { <p>{stressed(&w.contact_now(&visit.sent_to))}</p> });
    let inside = view! {
        <TextField
            field="email"
            label=w.contact_email()
            hint=w.contact_keep()
            kind="email"
            autocomplete="email"
            value=draft.email
            errors=errors
        />
        <TextField
            field="phone"
            label=w.contact_phone()
            hint=w.contact_keep()
            kind="tel"
            autocomplete="tel"
            class="w10"
            value=draft.phone
            errors=errors
        />
        {language(&draft.language, visit.language)}
        <div class="actions">
            <button class="btn" aria-busy=busy(contact)>
                {move || if contact.is_pending() { w.details_saving() } else { w.contact_save() }}
            </button>
            <a class="btn plain" href=routes::visit(clinic, &visit.token)>{w.contact_leave()}</a>
        </div>
    };
    let fields = vec![("clinic", clinic.to_string()), ("visit", visit.token.to_string())];
    view! {
        <PageTitle text=title/>
        <Meta name="robots" content="noindex"/>
        <div class="narrow stack g6">
            <ErrorSummary errors=errors/>
            {failed}
            <div class="stack g3">
                <BackLink href=routes::visit(clinic, &visit.token)/>
                <Heading text=heading/>
                {now}
                <p class="quiet">{w.contact_only()}</p>
            </div>
            {form(contact, None, fields, inside)}
            <PhoneLine/>
        </div>
    }
    .into_any()
}
