//! Moving all visits of a series that are ahead by one step: first the step, then old and new.
//!
//! The step is in the address, so the comparison needs no script and can be looked at again.

use leptos::prelude::*;
use leptos_meta::Meta;
use leptos_router::hooks::use_query_map;

use super::links::lost;
use super::private_link;
use super::together::none;
use crate::booking::series::api::{self, Shift};
use crate::booking::series::model::{Shifted, Shifting};
use crate::error::{PortalError, Reason};
use crate::ids::ClinicSlug;
use crate::moment::Moment;
use crate::routes;
use crate::ui::ask::ask;
use crate::ui::focus::{Heading, focus_next};
use crate::ui::form::{Sending, busy, form};
use crate::ui::frame::{PageTitle, PhoneLine};
use crate::ui::notice::{ANSWER, Notice};
use crate::ui::refused::{Said, refused};
use crate::ui::steps::BackLink;
use crate::ui::text::stressed;
use crate::words::words;

pub fn move_all_page() -> AnyView {
    let link = private_link("visit");
    let query = use_query_map();
    let shifting = ask(move || {
        let (clinic, visit) = link()?;
        let number = |name: &str| query.with(|query| query.get(name).and_then(|text| text.parse().ok()).unwrap_or_default());
        Some(api::Shifting { clinic, visit, days: number("days"), minutes: number("minutes") })
    });
    let shift = Sending::new::<Shift>();
    Effect::new(move |_| {
        if shift.refused_now().is_some() {
            focus_next(ANSWER);
            shifting.again();
        }
    });
    shifting.show_or(lost, move |shifting: Shifting| {
        let Some((clinic, _)) = untrack(link) else { return ().into_any() };
        if shifting.ahead.is_empty() { none(&clinic, &shifting.visit.token) } else { shift_view(&clinic, &shifting, shift) }
    })
}

fn shift_view(clinic: &ClinicSlug, shifting: &Shifting, shift: Sending) -> AnyView {
    let w = words();
    let is_chosen = shifting.ahead.iter().all(|visit| visit.to.is_some());
    let is_free = shifting.ahead.iter().all(|visit| visit.is_free);
    let lost = (is_chosen && !is_free).then(|| {
        view! {
            <Notice tone="warn" icon="info">
                <h2>{w.together_move_lost()}</h2>
                <p>{w.together_move_lost_text()}</p>
            </Notice>
        }
    });
    view! {
        <PageTitle text=w.together_move_title().to_owned()/>
        <Meta name="robots" content="noindex"/>
        <div class="narrow stack g6">
            {answer(shift)}
            <div class="stack g3">
                <BackLink href=routes::visit(clinic, &shifting.visit.token)/>
                <Heading text=w.together_move_title()/>
                <p class="lead">{w.together_move_lead()}</p>
            </div>
            {lost}
            <ol class="stack g3" role="list">{shifting.ahead.iter().map(line).collect::<Vec<_>>()}</ol>
            {(is_chosen && is_free).then(|| confirm_form(clinic, shifting, shift))}
            {step_form(clinic, shifting)}
            <PhoneLine/>
        </div>
    }
    .into_any()
}

fn when(moment: &Moment) -> String {
    words().booking_when(&moment.day, &moment.time)
}

fn line(visit: &Shifted) -> AnyView {
    let w = words();
    let new = visit.to.as_ref().map(|to| {
        let gone = (!visit.is_free).then(|| view! { " " <span class="error">{w.together_move_gone()}</span> });
        view! { <br/> {stressed(&w.together_move_new(&when(to)))} {gone} }
    });
    view! { <li>{when(&visit.from)}{new}</li> }.into_any()
}

/// By how much: a question to the page itself.
fn step_form(clinic: &ClinicSlug, shifting: &Shifting) -> AnyView {
    let w = words();
    let days = (1..=6_u32).chain([7, 14]);
    let mut by_day: Vec<(i32, String)> = (1..=6_u32).rev().map(|n| (-n.cast_signed(), w.together_move_days_earlier(n))).collect();
    by_day.push((0, w.together_move_day_same().to_owned()));
    by_day.extend(days.map(|n| (n.cast_signed(), w.together_move_days_later(n))));
    let mut by_time: Vec<(i32, String)> =
        shifting.steps.iter().rev().map(|(minutes, label)| (-minutes, w.together_move_earlier(label))).collect();
    by_time.push((0, w.together_move_time_same().to_owned()));
    by_time.extend(shifting.steps.iter().map(|(minutes, label)| (*minutes, w.together_move_later(label))));
    view! {
        <form class="stack g5" method="get" action=routes::move_all(clinic, &shifting.visit.token)>
            <div class="field">{select("days", w.together_move_days(), by_day, shifting.days)}</div>
            <div class="field">{select("minutes", w.together_move_time(), by_time, shifting.minutes)}</div>
            <div class="actions">
                <button class="btn plain">{w.together_move_show()}</button>
                <a class="btn text" href=routes::visit(clinic, &shifting.visit.token)>{w.together_keep()}</a>
            </div>
        </form>
    }
    .into_any()
}

fn select(name: &'static str, label: &'static str, options: Vec<(i32, String)>, chosen: i32) -> AnyView {
    let options = options.into_iter().map(|(value, label)| {
        view! { <option value=value.to_string() selected=value == chosen>{label}</option> }
    });
    view! {
        <label for=name>{label}</label>
        <select class="input w10" id=name name=name>{options.collect::<Vec<_>>()}</select>
    }
    .into_any()
}

fn confirm_form(clinic: &ClinicSlug, shifting: &Shifting, shift: Sending) -> AnyView {
    let w = words();
    let count = u32::try_from(shifting.ahead.len()).unwrap_or(u32::MAX);
    let say = w.together_move_confirm(count);
    let fields = vec![
        ("clinic", clinic.to_string()),
        ("visit", shifting.visit.token.to_string()),
        ("days", shifting.days.to_string()),
        ("minutes", shifting.minutes.to_string()),
        ("version", shifting.version.clone()),
    ];
    let buttons = view! {
        <p>{w.move_free()}</p>
        <div class="actions">
            <button class="btn" aria-busy=busy(shift)>
                {move || if shift.is_pending() { w.move_confirming().to_owned() } else { say.clone() }}
            </button>
        </div>
    };
    form(shift, None, fields, buttons)
}

/// What came of moving.
fn answer(shift: Sending) -> AnyView {
    refused(shift, |error| {
        let w = words();
        Some(match error {
            PortalError::Conflict(Reason::NotEligible) => Said::not_eligible(),
            PortalError::Conflict(Reason::SlotTaken | Reason::SlotNotOffered) => {
                Said::warn(w.together_move_lost(), w.together_move_lost_text())
            }
            PortalError::Conflict(_) => Said::warn(w.together_changed(), w.together_move_changed_text()),
            _ => Said::bad(w.check_failed(), w.together_move_failed_text()).again(w.together_move_failed_again()),
        })
    })
}
