//! Moving a visit: the times page for another time, then the old and the new one side by side.
//!
//! The visit stays as it is until the button is pressed, and also if the new time has gone by then.

use leptos::prelude::*;
use leptos_meta::Meta;
use leptos_router::hooks::use_query_map;

use super::cancel::closed;
use super::held::when;
use super::links::lost;
use super::private_link;
use super::slots::{Choosing, nearest_list};
use crate::booking::api::{self, Relocate};
use crate::booking::model::{MoveState, Moving, VisitStatus, VisitSummary};
use crate::error::{PortalError, Reason};
use crate::ids::{ClinicSlug, LinkToken};
use crate::routes;
use crate::ui::ask::ask;
use crate::ui::focus::{Heading, TITLE, focus_next};
use crate::ui::form::{Sending, busy, form};
use crate::ui::frame::{PageTitle, PhoneLine};
use crate::ui::notice::{ANSWER, Notice};
use crate::ui::refused::{Said, refused};
use crate::ui::steps::BackLink;
use crate::ui::text::stressed;
use crate::words::words;

pub fn relocate_page() -> AnyView {
    let link = private_link("visit");
    let query = use_query_map();
    let moving = ask(move || {
        let (clinic, visit) = link()?;
        query.with(|query| {
            Some(api::Moving {
                clinic,
                visit,
                location: query.get("location")?.parse().ok()?,
                practitioner: query.get("practitioner").and_then(|slug| slug.parse().ok()),
                start: query.get("start")?.parse().ok()?,
            })
        })
    });
    let relocate = Sending::new::<Relocate>();
    Effect::new(move |_| {
        match relocate.refused_now() {
            Some(PortalError::Conflict(Reason::Changed | Reason::NotEligible)) => focus_next(ANSWER),
            Some(PortalError::Conflict(_)) => focus_next(TITLE),
            Some(_) => return focus_next(ANSWER),
            None => return,
        }
        moving.again();
    });
    moving.show_or(lost, move |moving: Moving| {
        let Some((clinic, _)) = untrack(link) else { return ().into_any() };
        if !moving.visit.open {
            return closed(&clinic, &moving.visit);
        }
        match &moving.state {
            MoveState::Free => free(&clinic, &moving, relocate),
            MoveState::Same => same(&clinic, &moving),
            MoveState::Gone { nearest } => {
                let choosing = Choosing::Move {
                    clinic: clinic.clone(),
                    visit: moving.visit.token.clone(),
                    location: moving.to.location.slug.clone(),
                    practitioner: None,
                };
                let list = nearest_list(&choosing, nearest);
                gone(&clinic, &moving, list)
            }
        }
    })
}

/// The page around what is said of a move.
fn page(title: &'static str, back: String, body: impl IntoAny) -> AnyView {
    view! {
        <PageTitle text=title.to_owned()/>
        <Meta name="robots" content="noindex"/>
        <div class="narrow stack g6">
            <div class="stack g3">
                <BackLink href=back/>
                <Heading text=title/>
            </div>
            {body.into_any()}
            <PhoneLine/>
        </div>
    }
    .into_any()
}

fn free(clinic: &ClinicSlug, moving: &Moving, relocate: Sending) -> AnyView {
    let w = words();
    let back = routes::relocate(clinic, &moving.visit.token);
    let request = moving.to.answer_by.as_ref().map(|by| {
        let sentence = w.move_request(&w.booking_when(&by.day, &by.time));
        view! { <Notice tone="warn" icon="clock"><p>{stressed(&sentence)}</p></Notice> }
    });
    let body = view! {
        {answer(relocate)}
        <p class="lead">{w.move_lead()}</p>
        <section class="card" aria-label=w.move_compare()>
            <dl class="summary">
                {row(w.move_old(), &moving.visit.summary, false)}
                {row(w.move_new(), &moving.to, true)}
            </dl>
        </section>
        <section class="stack g2">
            <h2 class="eyebrow">{w.check_cost()}</h2>
            <p>{w.move_free()} " " {cancelling(&moving.to)}</p>
        </section>
        {request}
        {move_form(clinic, moving, relocate)}
    };
    page(w.move_title(), back, body)
}

/// A time as it was or will be.
pub fn row(term: &'static str, visit: &VisitSummary, new: bool) -> AnyView {
    let w = words();
    let time = when(visit);
    let time = if new { view! { <strong>{time}</strong> }.into_any() } else { time.into_any() };
    let elsewhere =
        visit.start.elsewhere.as_ref().map(|time| view! { <br/><span class="quiet">{w.booking_elsewhere(time)}</span> });
    view! {
        <div>
            <dt>{term}</dt>
            <dd>
                {time}
                <br/>
                <span class="quiet">{w.visit_length(&visit.treatment.duration, &visit.start.zone)}</span>
                {elsewhere}
                <br/>
                <span class="quiet">{w.booking_with(&visit.practitioner.name)} ", " <bdi>{visit.location.name.clone()}</bdi></span>
            </dd>
        </div>
    }
    .into_any()
}

/// Until when the new time could be cancelled.
pub fn cancelling(visit: &VisitSummary) -> AnyView {
    let w = words();
    match (&visit.cancel_fee, &visit.free_until) {
        (None, _) => w.move_cancel_never().into_any(),
        (Some(fee), None) => stressed(&w.move_cancel_late(fee)),
        (Some(fee), Some(until)) => stressed(&w.move_cancel_free(&w.booking_when(&until.day, &until.time), fee)),
    }
}

/// What came of moving, where the page itself does not say it.
fn answer(relocate: Sending) -> AnyView {
    refused(relocate, |error| {
        let w = words();
        match error {
            PortalError::Conflict(Reason::Changed) => Some(Said::warn(w.move_changed(), w.move_changed_text())),
            PortalError::Conflict(Reason::NotEligible) => Some(Said::not_eligible()),
            PortalError::Conflict(_) => None,
            _ => Some(Said::bad(w.check_failed(), w.move_failed_text()).again(w.move_failed_again())),
        }
    })
}

fn move_form(clinic: &ClinicSlug, moving: &Moving, relocate: Sending) -> AnyView {
    let w = words();
    let say = if moving.to.answer_by.is_some() { w.move_confirm_request() } else { w.move_confirm() };
    let to = &moving.to;
    let fields = vec![
        ("clinic", clinic.to_string()),
        ("visit", moving.visit.token.to_string()),
        ("location", to.location.slug.to_string()),
        ("practitioner", to.practitioner.slug.to_string()),
        ("anyone", if to.practitioner_chosen { String::new() } else { "on".to_owned() }),
        ("start", to.start.instant.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        ("version", moving.version.clone()),
    ];
    let buttons = view! {
        <div class="actions">
            <button class="btn" aria-busy=busy(relocate)>
                {move || if relocate.is_pending() { w.move_confirming() } else { say }}
            </button>
            <a class="btn plain" href=routes::relocate(clinic, &moving.visit.token)>{w.move_other()}</a>
            <a class="btn text" href=routes::visit(clinic, &moving.visit.token)>{w.move_keep()}</a>
        </div>
    };
    form(relocate, None, fields, buttons)
}

/// The visit is at this time already.
fn same(clinic: &ClinicSlug, moving: &Moving) -> AnyView {
    let w = words();
    let title = if moving.visit.status == VisitStatus::Pending { w.move_same_request() } else { w.move_same() };
    let body = view! {
        <p><strong>{when(&moving.to)}</strong></p>
        {ways(clinic, &moving.visit.token)}
    };
    page(title, routes::relocate(clinic, &moving.visit.token), body)
}

/// Somebody has the new time; the old one is still the patient's.
fn gone(clinic: &ClinicSlug, moving: &Moving, nearest: AnyView) -> AnyView {
    let w = words();
    let text = stressed(&w.move_gone_text(&when(&moving.to), &when(&moving.visit.summary)));
    let body = view! {
        <Notice tone="warn" icon="info"><p>{text}</p></Notice>
        <section class="stack g5" aria-labelledby="nearest">
            <h2 id="nearest">{w.held_nearest()}</h2>
            {nearest}
            {ways(clinic, &moving.visit.token)}
        </section>
    };
    page(w.move_gone(), routes::relocate(clinic, &moving.visit.token), body)
}

fn ways(clinic: &ClinicSlug, visit: &LinkToken) -> AnyView {
    let w = words();
    view! {
        <div class="actions">
            <a class="btn plain" href=routes::relocate(clinic, visit)>{w.held_see_all()}</a>
            <a class="btn text" href=routes::visit(clinic, visit)>{w.move_keep()}</a>
        </div>
    }
    .into_any()
}
