//! Several visits in one go: how often, then every date with whether it is free.
//!
//! The server keeps what is free as soon as it is laid out; what is ticked here stays kept.

use leptos::prelude::*;
use leptos_meta::Meta;

use super::held::{not_kept, when};
use super::private_link;
use super::slots::start_value;
use crate::booking::api::Hold;
use crate::booking::model::{Held, HoldState, Slot};
use crate::booking::series::api::{self, Choose, Plan};
use crate::booking::series::model::{EVERY, OtherState, OtherVisit, Planning, SeriesWish};
use crate::error::PortalError;
use crate::fields::FieldErrors;
use crate::ids::ClinicSlug;
use crate::routes;
use crate::ui::ask::ask;
use crate::ui::field::Choice;
use crate::ui::focus::{Heading, TITLE, focus_next, focus_now};
use crate::ui::form::{Sending, busy, form};
use crate::ui::frame::{PageTitle, PhoneLine};
use crate::ui::notice::{ANSWER, Notice};
use crate::ui::problems::{ErrorSummary, SUMMARY};
use crate::ui::refused::{Said, refused};
use crate::ui::steps::BackLink;
use crate::ui::text::stressed;
use crate::words::words;

pub fn series_page() -> AnyView {
    let link = private_link("hold");
    let planning = ask(move || link().map(|(clinic, hold)| api::Planning { clinic, hold }));
    let (hold, plan, choose) = (Sending::new::<Hold>(), Sending::new::<Plan>(), Sending::new::<Choose>());
    Effect::new(move |was_pending: Option<bool>| {
        let is_pending = plan.is_pending();
        if was_pending == Some(true) && !is_pending {
            match plan.refused_now() {
                Some(PortalError::Invalid(errors)) if !errors.is_empty() => request_animation_frame(|| focus_now(SUMMARY)),
                Some(_) => focus_next(ANSWER),
                None => {
                    focus_next(TITLE);
                    planning.again();
                }
            }
        }
        is_pending
    });
    Effect::new(move |_| {
        if let Some(error) = choose.refused_now() {
            focus_next(ANSWER);
            if matches!(error, PortalError::Conflict(_)) {
                planning.again();
            }
        }
    });
    planning.show(move |now: Planning| {
        let Some((clinic, _)) = untrack(link) else { return ().into_any() };
        not_kept(&clinic, &now.held, hold, move || planning.again()).unwrap_or_else(|| series_view(&clinic, &now, plan, choose))
    })
}

fn series_view(clinic: &ClinicSlug, planning: &Planning, plan: Sending, choose: Sending) -> AnyView {
    let w = words();
    let held = &planning.held;
    let errors = Signal::derive(move || match plan.refused() {
        Some(PortalError::Invalid(errors)) => errors,
        _ => FieldErrors::default(),
    });
    let title = Signal::derive(move || {
        let title = w.booking_page(w.series_title());
        if errors.with(FieldErrors::is_empty) { title } else { w.frame_error_title(&title) }
    });
    let asked = plan_form(clinic, planning, plan);
    let body = if held.others.is_empty() {
        asked
    } else {
        view! {
            {not_whole(held)}
            {choose_form(clinic, held, choose)}
            <details class="pick">
                <summary class="item"><span class="grow"><b>{w.series_anew()}</b></span></summary>
                <div class="inset">{asked}</div>
            </details>
        }
        .into_any()
    };
    view! {
        <PageTitle text=title/>
        <Meta name="robots" content="noindex"/>
        <div class="narrow stack g6">
            <ErrorSummary errors=errors/>
            {failed(plan)}
            {failed(choose)}
            <div class="stack g3">
                <BackLink href=routes::details(clinic, &held.token)/>
                <Heading text=w.series_title()/>
                <p>{stressed(&w.series_lead(&when(&held.visit)))}</p>
            </div>
            {body}
            <PhoneLine/>
        </div>
    }
    .into_any()
}

/// Says that some visits cannot be had.
pub fn not_whole(held: &Held) -> AnyView {
    let w = words();
    (!held.is_whole())
        .then(|| {
            view! {
                <Notice tone="warn" icon="info">
                    <h2>{w.series_lost()}</h2>
                    <p>{w.series_lost_text()}</p>
                </Notice>
            }
        })
        .into_any()
}

/// What came of sending, where the page itself does not say it.
pub fn failed(sending: Sending) -> AnyView {
    refused(sending, |error| {
        let w = words();
        match error {
            PortalError::Conflict(_) => Some(Said::warn(w.series_taken(), w.series_taken_text())),
            PortalError::Invalid(errors) if !errors.is_empty() => None,
            _ => Some(Said::wrong()),
        }
    })
}

fn plan_form(clinic: &ClinicSlug, planning: &Planning, plan: Sending) -> AnyView {
    let w = words();
    let wish = &planning.wish;
    let labels = [w.series_every_week(), w.series_every_twice(), w.series_every_fortnight()];
    let every = EVERY.into_iter().zip(["every", "every_twice", "every_fortnight"]).zip(labels).map(|((value, id), label)| {
        view! { <Choice id=id field="every" kind="radio" value=value checked=wish.every == value label=label/> }
    });
    let visits = (2..=planning.visits_max).map(|count| (count.to_string(), count.to_string())).collect::<Vec<_>>();
    let inside = view! {
        <fieldset class="field series">
            <legend>{w.series_every()}</legend>
            <div class="choices">{every.collect::<Vec<_>>()}</div>
            {second_day(planning, wish)}
        </fieldset>
        <div class="field">{select("visits", w.series_visits(), &visits, &wish.visits)}</div>
        <div class="actions">
            <button class="btn" aria-busy=busy(plan)>
                {move || if plan.is_pending() { w.series_planning() } else { w.series_plan() }}
            </button>
            <a class="btn text" href=routes::details(clinic, &planning.held.token)>{w.frame_back()}</a>
        </div>
    };
    form(plan, None, fields(clinic, &planning.held), inside)
}

/// The second day shows only with twice a week, if the browser can tell; else it says when it counts.
fn second_day(planning: &Planning, wish: &SeriesWish) -> AnyView {
    let w = words();
    let mut times = vec![(String::new(), w.series_time_same().to_owned())];
    times.extend(planning.times.iter().cloned());
    view! {
        <fieldset class="field second" aria-describedby="second-hint">
            <legend>{w.series_second()}</legend>
            <p class="hint" id="second-hint">{w.series_second_hint()}</p>
            <div class="stack">
                <div>{select("day", w.series_day(), &planning.days, &wish.day)}</div>
                <div>{select("time", w.series_time(), &times, &wish.time)}</div>
            </div>
        </fieldset>
    }
    .into_any()
}

fn select(field: &'static str, label: &'static str, options: &[(String, String)], chosen: &str) -> AnyView {
    let options = options.iter().map(|(value, label)| {
        view! { <option value=value.clone() selected=value == chosen>{label.clone()}</option> }
    });
    view! {
        <label for=field>{label}</label>
        <select class="input w10" id=field name=format!("draft[{field}]")>{options.collect::<Vec<_>>()}</select>
    }
    .into_any()
}

fn fields(clinic: &ClinicSlug, held: &Held) -> Vec<(&'static str, String)> {
    vec![("clinic", clinic.to_string()), ("hold", held.token.to_string())]
}

/// Every visit with its state: a tick where it is free, other times where it is not.
pub fn choose_form(clinic: &ClinicSlug, held: &Held, choose: Sending) -> AnyView {
    let w = words();
    let until = match &held.state {
        HoldState::Kept { until, .. } => Some(view! { <p>{stressed(&w.series_yours_text(&until.time))}</p> }),
        _ => None,
    };
    let others = held.others.iter().enumerate().map(|(n, other)| other_view(n + 2, other)).collect::<Vec<_>>();
    let inside = view! {
        <section class="stack g3" aria-labelledby="visits-of-series">
            <h2 id="visits-of-series">{w.series_yours()}</h2>
            {until}
            <p><strong>{when(&held.visit)}</strong> <br/> <span class="quiet">{w.series_first()}</span></p>
            <div class="stack g3">{others}</div>
        </section>
        <div class="actions">
            <button class="btn" aria-busy=busy(choose)>
                {move || if choose.is_pending() { w.series_keeping() } else { w.series_keep() }}
            </button>
        </div>
    };
    form(choose, None, fields(clinic, held), inside)
}

/// What the choice of a time sends.
fn value(slot: &Slot) -> String {
    format!("{}~{}", start_value(slot), slot.practitioner)
}

/// `number` counts the visits of the series from one.
fn other_view(number: usize, other: &OtherVisit) -> AnyView {
    let w = words();
    let own = Slot {
        start: other.start.clone(),
        practitioner: other.practitioner.clone(),
        practitioner_name: other.practitioner_name.clone(),
        seats: None,
    };
    let state = match &other.state {
        OtherState::Kept => w.series_kept(),
        OtherState::Free => w.series_free(),
        OtherState::Gone { nearest } => return gone_view(number, &own, nearest),
    };
    choice(
        number,
        "checkbox",
        value(&own),
        true,
        slot_label(&own),
        format!("{}. {state}.", w.booking_with(&own.practitioner_name)),
    )
}

fn gone_view(number: usize, own: &Slot, nearest: &[Slot]) -> AnyView {
    let w = words();
    let hint = if nearest.is_empty() { w.series_gone_none() } else { w.series_gone() };
    let others = nearest
        .iter()
        .enumerate()
        .map(|(n, slot)| choice(number, "radio", value(slot), n == 0, slot_label(slot), w.booking_with(&slot.practitioner_name)));
    let hint_id = format!("gone-{number}");
    let described = hint_id.clone();
    view! {
        <fieldset class="field" aria-describedby=described>
            <legend>{slot_label(own)}</legend>
            <p class="hint" id=hint_id>{hint}</p>
            <div class="choices">
                {others.collect::<Vec<_>>()}
                {choice(number, "radio", String::new(), nearest.is_empty(), w.series_leave_out().to_owned(), String::new())}
            </div>
        </fieldset>
    }
    .into_any()
}

fn slot_label(slot: &Slot) -> String {
    words().booking_when(&slot.start.day, &slot.start.time)
}

fn choice(number: usize, kind: &'static str, value: String, checked: bool, label: String, more: String) -> AnyView {
    let more = (!more.is_empty()).then(|| view! { <small>{more}</small> });
    view! {
        <label class="choice">
            <input type=kind name=format!("starts[{number}]") value=value checked=checked/>
            <span>{label}{more}</span>
        </label>
    }
    .into_any()
}

/// The further visits in lines, for a summary.
pub fn lines(held: &Held) -> AnyView {
    let w = words();
    let first = &held.visit.practitioner.slug;
    let lines = held.others.iter().map(|other| {
        let who = (other.practitioner != *first)
            .then(|| view! { <br/><span class="quiet">{w.booking_with(&other.practitioner_name)}</span> });
        view! { <li>{w.booking_when(&other.start.day, &other.start.time)}{who}</li> }
    });
    view! { <ul class="stack g1" role="list">{lines.collect::<Vec<_>>()}</ul> }.into_any()
}

/// The way to several visits, where the treatment has one; and what they are.
pub fn so_far(clinic: &ClinicSlug, held: &Held) -> AnyView {
    let w = words();
    if held.series_max.is_none() {
        return ().into_any();
    }
    let count = u32::try_from(held.others.len()).unwrap_or(u32::MAX);
    let text = if count == 0 { w.series_link() } else { w.series_change() };
    let more = (count > 0).then(|| view! { <p><strong>{w.series_more(count)}</strong></p> {lines(held)} });
    view! {
        {more}
        <p><a class="more" href=routes::series(clinic, &held.token)>{text}</a></p>
    }
    .into_any()
}
