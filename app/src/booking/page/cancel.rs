//! Cancelling a visit: what it costs now, moving offered first, a reason if one likes.

use leptos::prelude::*;
use leptos_meta::Meta;

use super::held::when;
use super::links::lost;
use super::private_link;
use super::visit::to_move;
use crate::booking::api::{self, Cancel};
use crate::booking::model::{CANCEL_WHYS, CancelDraft, Visit, VisitStatus};
use crate::error::{PortalError, Reason};
use crate::fields::{FieldErrors, note};
use crate::ids::ClinicSlug;
use crate::routes;
use crate::ui::ask::ask;
use crate::ui::field::{Choice, NoteField};
use crate::ui::focus::{Heading, focus_next, focus_now};
use crate::ui::form::{Sending, busy, form};
use crate::ui::frame::{CallUs, PageTitle, PhoneLine};
use crate::ui::notice::{ANSWER, Notice};
use crate::ui::problems::{ErrorSummary, SUMMARY};
use crate::ui::refused::{Said, refused, title};
use crate::ui::steps::BackLink;
use crate::ui::text::stressed;
use crate::words::words;

pub fn cancel_page() -> AnyView {
    let link = private_link("visit");
    let visit = ask(move || link().map(|(clinic, visit)| api::Visit { clinic, visit }));
    let cancel = Sending::new::<Cancel>();
    Effect::new(move |_| match cancel.refused_now() {
        Some(PortalError::Conflict(_)) => {
            // It is another visit by now, or another fee: look again before deciding.
            focus_next(ANSWER);
            visit.again();
        }
        Some(PortalError::Invalid(_)) => request_animation_frame(|| focus_now(SUMMARY)),
        Some(_) => focus_next(ANSWER),
        None => {}
    });
    visit.show_or(lost, move |visit: Visit| {
        let Some((clinic, _)) = untrack(link) else { return ().into_any() };
        if visit.open { cancel_view(&clinic, &visit, cancel) } else { closed(&clinic, &visit) }
    })
}

/// It is cancelled already, or it has begun.
pub fn closed(clinic: &ClinicSlug, visit: &Visit) -> AnyView {
    let w = words();
    let (title, text) = if visit.status == VisitStatus::Cancelled {
        (w.visit_cancelled(), w.cancel_done_text())
    } else {
        (w.cancel_too_late(), w.cancel_too_late_text())
    };
    view! {
        <PageTitle text=title.to_owned()/>
        <Meta name="robots" content="noindex"/>
        <div class="narrow stack g6">
            <div class="stack g3">
                <BackLink href=routes::visit(clinic, &visit.token)/>
                <Heading text=title/>
                <p><strong>{when(&visit.summary)}</strong></p>
                <p class="lead">{text}</p>
            </div>
            <Notice tone="plain" icon="phone"><CallUs/></Notice>
            <div class="actions">
                <a class="btn plain" href=routes::visit(clinic, &visit.token)>{w.held_see_visit()}</a>
            </div>
        </div>
    }
    .into_any()
}

fn cancel_view(clinic: &ClinicSlug, visit: &Visit, cancel: Sending) -> AnyView {
    let w = words();
    let pending = visit.status == VisitStatus::Pending;
    let heading = if pending { w.cancel_title_request() } else { w.cancel_title() };
    let draft = visit.draft.cancel.clone().unwrap_or_default();
    // What was kept with a mistake in it shows the mistake, with scripts or without.
    let mut kept = FieldErrors::default();
    kept.take("reason", note(&draft.reason));
    let errors = Signal::derive(move || match cancel.refused() {
        Some(PortalError::Invalid(errors)) if !errors.is_empty() => errors,
        _ => kept.clone(),
    });
    let title = title(heading.to_owned(), errors);
    let summary = &visit.summary;
    view! {
        <PageTitle text=title/>
        <Meta name="robots" content="noindex"/>
        <div class="narrow stack g6">
            <ErrorSummary errors=errors/>
            {answer(cancel)}
            <div class="stack g3">
                <BackLink href=routes::visit(clinic, &visit.token)/>
                <Heading text=heading/>
                <p>
                    <strong>{when(summary)}</strong>
                    <br/>
                    <span class="quiet">{summary.treatment.name.clone()} ". " {w.booking_with(&summary.practitioner.name)}</span>
                </p>
            </div>
            {cost(visit)}
            <div class="stack g2">
                <p>{stressed(w.cancel_move_free())}</p>
                <div class="actions">
                    <a class="btn" href=to_move(clinic, visit)>{w.cancel_move()}</a>
                </div>
            </div>
            {cancel_form(clinic, visit, &draft, errors, cancel)}
            <PhoneLine/>
        </div>
    }
    .into_any()
}

/// What came of cancelling, where the page itself does not say it.
fn answer(cancel: Sending) -> AnyView {
    refused(cancel, |error| {
        let w = words();
        match error {
            PortalError::Conflict(Reason::Changed) => Some(Said::warn(w.cancel_changed(), w.cancel_changed_text())),
            PortalError::Invalid(errors) if !errors.is_empty() => None,
            PortalError::Conflict(_) => None,
            _ => Some(Said::bad(w.cancel_failed(), w.cancel_failed_text()).again(w.cancel_failed_again())),
        }
    })
}

/// What cancelling costs now and later.
fn cost(visit: &Visit) -> AnyView {
    let w = words();
    let (tone, sentence) = match (&visit.fee_now, &visit.summary.free_until, &visit.summary.cancel_fee) {
        (Some(fee), _, _) => ("warn", w.cancel_costs(fee)),
        (None, Some(until), Some(fee)) if visit.status == VisitStatus::Booked => {
            ("", w.cancel_free_until(&w.booking_when(&until.day, &until.time), fee))
        }
        _ => ("", w.cancel_free().to_owned()),
    };
    view! { <Notice tone=tone icon="info"><p>{stressed(&sentence)}</p></Notice> }.into_any()
}

fn cancel_form(clinic: &ClinicSlug, visit: &Visit, draft: &CancelDraft, errors: Signal<FieldErrors>, cancel: Sending) -> AnyView {
    let w = words();
    let say = match (&visit.fee_now, visit.status) {
        (Some(fee), _) => w.cancel_confirm_fee(fee),
        (None, VisitStatus::Pending) => w.cancel_confirm_request().to_owned(),
        (None, _) => w.cancel_confirm().to_owned(),
    };
    let inside = view! {
        {reasons(draft, errors)}
        <div class="actions">
            <button class="btn bad" aria-busy=busy(cancel)>
                {move || if cancel.is_pending() { w.cancel_confirming().to_owned() } else { say.clone() }}
            </button>
            <a class="btn plain" href=routes::visit(clinic, &visit.token)>{w.cancel_keep()}</a>
        </div>
    };
    let fields = vec![("clinic", clinic.to_string()), ("visit", visit.token.to_string()), ("version", visit.version.clone())];
    form(cancel, None, fields, inside)
}

/// Why, if they like to say it.
pub fn reasons(draft: &CancelDraft, errors: Signal<FieldErrors>) -> AnyView {
    let w = words();
    let labels =
        [w.cancel_why_not_needed(), w.cancel_why_time(), w.cancel_why_elsewhere(), w.cancel_why_cost(), w.cancel_why_other()];
    let whys = CANCEL_WHYS.into_iter().zip(labels).map(|(why, label)| {
        view! { <Choice id=why field="why" kind="radio" value=why checked=draft.why == why label=label/> }
    });
    view! {
        <fieldset class="field" aria-describedby="why-hint">
            <legend>{w.cancel_why()}</legend>
            <p class="hint" id="why-hint">{w.cancel_why_hint()}</p>
            <div class="choices">{whys.collect::<Vec<_>>()}</div>
        </fieldset>
        <NoteField
            field="reason"
            label=w.cancel_reason()
            hint=w.cancel_reason_hint()
            value=draft.reason.clone()
            errors=errors
        />
    }
    .into_any()
}
