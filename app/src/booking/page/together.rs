//! The visits of a series on the page of one of them, and cancelling all that are ahead.

use leptos::prelude::*;
use leptos_meta::Meta;

use super::cancel::reasons;
use super::links::lost;
use super::private_link;
use crate::booking::model::Visit;
use crate::booking::series::api::{self, CancelAll};
use crate::booking::series::model::{SeriesVisit, SeriesVisitState, Together};
use crate::error::{PortalError, Reason};
use crate::fields::{FieldErrors, note};
use crate::ids::{ClinicSlug, LinkToken};
use crate::routes;
use crate::ui::ask::ask;
use crate::ui::focus::{Heading, focus_next, focus_now};
use crate::ui::form::{Sending, busy, form};
use crate::ui::frame::{CallUs, PageTitle, PhoneLine};
use crate::ui::icon::Icon;
use crate::ui::notice::{ANSWER, Notice};
use crate::ui::problems::{ErrorSummary, SUMMARY};
use crate::ui::refused::{Said, refused, title};
use crate::ui::steps::BackLink;
use crate::ui::text::stressed;
use crate::words::words;

fn when(visit: &SeriesVisit) -> String {
    words().booking_when(&visit.start.day, &visit.start.time)
}

/// All visits that were booked with this one, each with the way to its page.
pub fn visits(clinic: &ClinicSlug, visit: &Visit) -> AnyView {
    let w = words();
    if visit.series.is_empty() {
        return ().into_any();
    }
    let ahead = visit.series.iter().filter(|other| other.state == SeriesVisitState::Ahead).count();
    let items = visit.series.iter().map(|other| {
        let state = match other.state {
            _ if other.is_this => format!("{}. ", w.together_this()),
            SeriesVisitState::Cancelled => format!("{}. ", w.together_cancelled()),
            SeriesVisitState::Over => format!("{}. ", w.together_over()),
            SeriesVisitState::Ahead => String::new(),
        };
        let label = view! {
            <span class="disc"><Icon name="calendar"/></span>
            <span class="grow">
                <b>{when(other)}</b>
                <span class="fine">{state}{w.booking_with(&other.practitioner_name)}</span>
            </span>
        };
        if other.is_this {
            return view! { <li><span class="item" aria-current="page">{label}</span></li> }.into_any();
        }
        let href = routes::visit(clinic, &other.token);
        view! { <li><a class="item" href=href>{label}<Icon name="next" class="flip"/></a></li> }.into_any()
    });
    let all = (ahead > 1).then(|| {
        view! {
            <div class="actions">
                <a class="btn plain" href=routes::move_all(clinic, &visit.token)>{w.together_move()}</a>
                <a class="btn plain" href=routes::cancel_all(clinic, &visit.token)>{w.together_cancel()}</a>
            </div>
        }
    });
    view! {
        <section class="stack" aria-labelledby="visits">
            <h2 id="visits">{w.together_title()}</h2>
            <ul class="list" role="list">{items.collect::<Vec<_>>()}</ul>
            {all}
        </section>
    }
    .into_any()
}

pub fn cancel_all_page() -> AnyView {
    let link = private_link("visit");
    let together = ask(move || link().map(|(clinic, visit)| api::Together { clinic, visit }));
    let cancel = Sending::new::<CancelAll>();
    Effect::new(move |_| match cancel.refused_now() {
        Some(PortalError::Conflict(_)) => {
            focus_next(ANSWER);
            together.again();
        }
        Some(PortalError::Invalid(_)) => request_animation_frame(|| focus_now(SUMMARY)),
        Some(_) => focus_next(ANSWER),
        None => {}
    });
    together.show_or(lost, move |together: Together| {
        let Some((clinic, _)) = untrack(link) else { return ().into_any() };
        if together.ahead.is_empty() { none(&clinic, &together.visit.token) } else { cancel_view(&clinic, &together, cancel) }
    })
}

/// There is nothing left to change.
pub fn none(clinic: &ClinicSlug, visit: &LinkToken) -> AnyView {
    let w = words();
    view! {
        <PageTitle text=w.together_none().to_owned()/>
        <Meta name="robots" content="noindex"/>
        <div class="narrow stack g6">
            <div class="stack g3">
                <BackLink href=routes::visit(clinic, visit)/>
                <Heading text=w.together_none()/>
                <p class="lead">{w.together_none_text()}</p>
            </div>
            <Notice tone="plain" icon="phone"><CallUs/></Notice>
        </div>
    }
    .into_any()
}

fn cancel_view(clinic: &ClinicSlug, together: &Together, cancel: Sending) -> AnyView {
    let w = words();
    let heading = w.together_cancel_title();
    let draft = together.visit.draft.cancel.clone().unwrap_or_default();
    let mut kept = FieldErrors::default();
    kept.take("reason", note(&draft.reason));
    let errors = Signal::derive(move || match cancel.refused() {
        Some(PortalError::Invalid(errors)) if !errors.is_empty() => errors,
        _ => kept.clone(),
    });
    let title = title(heading.to_owned(), errors);
    let lines = together.ahead.iter().map(|visit| {
        let fee = visit.fee_now.as_ref().map(|fee| view! { <br/><span class="quiet">{w.together_cancel_costs_one(fee)}</span> });
        view! { <li><strong>{when(visit)}</strong>{fee}</li> }
    });
    let (tone, cost) = match &together.fee {
        Some(fee) => ("warn", w.together_cancel_costs(fee)),
        None => ("", w.cancel_free().to_owned()),
    };
    let count = u32::try_from(together.ahead.len()).unwrap_or(u32::MAX);
    let say = match &together.fee {
        Some(fee) => w.together_cancel_confirm_fee(count, fee),
        None => w.together_cancel_confirm(count),
    };
    let inside = view! {
        {reasons(&draft, errors)}
        <div class="actions">
            <button class="btn bad" aria-busy=busy(cancel)>
                {move || if cancel.is_pending() { w.cancel_confirming().to_owned() } else { say.clone() }}
            </button>
            <a class="btn plain" href=routes::visit(clinic, &together.visit.token)>{w.together_keep()}</a>
        </div>
    };
    let fields =
        vec![("clinic", clinic.to_string()), ("visit", together.visit.token.to_string()), ("version", together.version.clone())];
    view! {
        <PageTitle text=title/>
        <Meta name="robots" content="noindex"/>
        <div class="narrow stack g6">
            <ErrorSummary errors=errors/>
            {answer(cancel)}
            <div class="stack g3">
                <BackLink href=routes::visit(clinic, &together.visit.token)/>
                <Heading text=heading/>
                <p class="lead">{w.together_cancel_lead()}</p>
                <ol class="stack g2" role="list">{lines.collect::<Vec<_>>()}</ol>
            </div>
            <Notice tone=tone icon="info"><p>{stressed(&cost)}</p></Notice>
            <p>{w.together_cancel_single()}</p>
            {form(cancel, None, fields, inside)}
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
            PortalError::Conflict(Reason::Changed) => Some(Said::warn(w.together_changed(), w.together_changed_text())),
            PortalError::Invalid(errors) if !errors.is_empty() => None,
            PortalError::Conflict(_) => None,
            _ => Some(Said::bad(w.cancel_failed(), w.together_failed_text()).again(w.together_failed_again())),
        }
    })
}
