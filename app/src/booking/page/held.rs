//! What has become of a hold, wherever its pages are opened: ended, taken by someone else, booked.

use leptos::prelude::*;
use leptos_meta::Meta;

use super::slots::{Choosing, HoldFor, hold_form, is_asked, nearest_list, start_value};
use crate::booking::model::{Held, HoldState, Slot, VisitSummary};
use crate::error::PortalError;
use crate::ids::{ClinicSlug, LinkToken};
use crate::routes;
use crate::ui::facts::Fact;
use crate::ui::focus::{Heading, focus_next};
use crate::ui::form::Sending;
use crate::ui::frame::{PageTitle, PhoneLine};
use crate::ui::notice::{ANSWER, Notice};
use crate::ui::refused::{Said, refused};
use crate::ui::text::stressed;
use crate::words::words;

/// The time of a visit in one line: "Thursday 12 March, 9:20 am".
pub fn when(visit: &VisitSummary) -> String {
    words().booking_when(&visit.start.day, &visit.start.time)
}

/// Takes another time, or the same again, in place of this hold; what was typed moves along.
fn instead(clinic: &ClinicSlug, held: &LinkToken, visit: &VisitSummary) -> HoldFor {
    HoldFor {
        clinic: clinic.clone(),
        treatment: visit.treatment.slug.clone(),
        location: visit.location.slug.clone(),
        practitioner: visit.practitioner_chosen.then(|| visit.practitioner.slug.clone()),
        replaces: Some(held.clone()),
    }
}

/// The page instead of the one that was asked for, unless the time is still kept. `look` asks anew.
pub fn not_kept(clinic: &ClinicSlug, held: &Held, hold: Sending, look: impl Fn() + 'static) -> Option<AnyView> {
    let w = words();
    let (title, body) = match &held.state {
        HoldState::Kept { .. } => return None,
        HoldState::Ended => (w.held_ended(&held.visit.start.time), ended(clinic, &held.token, &held.visit, hold)),
        HoldState::Gone { nearest } => (w.held_gone().to_owned(), gone(clinic, &held.token, &held.visit, nearest, hold)),
        HoldState::Booked { visit } => (w.held_booked().to_owned(), booked(clinic, visit)),
        HoldState::Elsewhere => (w.held_elsewhere().to_owned(), elsewhere(clinic, &held.token, &held.visit, hold)),
    };
    look_when_refused(hold, look);
    let page = view! {
        <PageTitle text=w.booking_page(&title)/>
        <Meta name="robots" content="noindex"/>
        <div class="narrow stack g6">
            <Heading text=title/>
            {body}
            <PhoneLine/>
        </div>
    };
    Some(page.into_any())
}

/// Whoever could not have a time is told so, and what the page shows is asked anew: somebody else
/// has it by now.
pub fn look_when_refused(hold: Sending, look: impl Fn() + 'static) {
    Effect::new(move |was_pending: Option<bool>| {
        let is_pending = hold.is_pending();
        if was_pending == Some(true)
            && !is_pending
            && let Some(refusal) = hold.refused_now()
        {
            focus_next(ANSWER);
            if let PortalError::Conflict(_) = refusal {
                look();
            }
        }
        is_pending
    });
}

/// Why the time that was pressed is not theirs.
fn refusal(hold: Sending) -> AnyView {
    refused(hold, |error| {
        let w = words();
        Some(match error {
            PortalError::Conflict(_) => Said::warn(w.times_gone(), w.times_gone_text()),
            _ => Said::bad(w.times_failed(), w.times_failed_text()),
        })
    })
}

/// The time is still free: taking it again is one tap.
pub fn ended(clinic: &ClinicSlug, held: &LinkToken, visit: &VisitSummary, hold: Sending) -> AnyView {
    let w = words();
    let said = view! { <Notice tone="warn" icon="clock"><p>{w.held_ended_text()}</p></Notice> };
    view! { {refusal(hold)} {said} {again(w.held_ended_again(), clinic, held, visit, hold)} }.into_any()
}

/// Another browser has it: going on here is one tap.
pub fn elsewhere(clinic: &ClinicSlug, held: &LinkToken, visit: &VisitSummary, hold: Sending) -> AnyView {
    let w = words();
    let sentence = stressed(&w.held_elsewhere_text(&when(visit)));
    let said = view! { <Notice icon="lock"><p>{sentence}</p></Notice> };
    view! { {refusal(hold)} {said} {again(w.held_elsewhere_continue(), clinic, held, visit, hold)} }.into_any()
}

/// The same time once more, or another one.
fn again(label: &'static str, clinic: &ClinicSlug, held: &LinkToken, visit: &VisitSummary, hold: Sending) -> AnyView {
    let w = words();
    let same = Slot {
        start: visit.start.clone(),
        practitioner: visit.practitioner.slug.clone(),
        practitioner_name: visit.practitioner.name.clone(),
        seats: None,
    };
    let buttons = view! {
        <div class="actions">
            <button class="btn" name="start" value=start_value(&same) aria-busy=is_asked(hold, &same)>
                {label}
                <span class="vh">{format!(": {}", when(visit))}</span>
            </button>
            <a class="btn plain" href=routes::times_instead(clinic, &visit.treatment.slug, held)>{w.held_see_other()}</a>
        </div>
    };
    hold_form(hold, instead(clinic, held, visit), buttons)
}

/// Someone else has the time: the nearest others, each one tap away.
pub fn gone(clinic: &ClinicSlug, held: &LinkToken, visit: &VisitSummary, nearest: &[Slot], hold: Sending) -> AnyView {
    let w = words();
    // The nearest are with whoever is free.
    let what = HoldFor { practitioner: None, ..instead(clinic, held, visit) };
    let others = nearest_list(&Choosing::Hold(hold, what), nearest);
    let lost = stressed(&w.held_gone_text(&when(visit)));
    view! {
        {refusal(hold)}
        <Notice tone="warn" icon="info"><p>{lost}</p></Notice>
        <section class="stack g5" aria-labelledby="nearest">
            <h2 id="nearest">{w.held_nearest()}</h2>
            {others}
            <div class="actions">
                <a class="btn plain" href=routes::times_instead(clinic, &visit.treatment.slug, held)>{w.held_see_all()}</a>
            </div>
        </section>
    }
    .into_any()
}

fn booked(clinic: &ClinicSlug, visit: &LinkToken) -> AnyView {
    let w = words();
    view! {
        <p class="lead">{w.held_booked_text()}</p>
        <div class="actions">
            <a class="btn" href=routes::booked(clinic, visit)>{w.held_see_visit()}</a>
        </div>
    }
    .into_any()
}

/// "Your visit so far", beside the form.
pub fn so_far(clinic: &ClinicSlug, held: &Held) -> AnyView {
    let w = words();
    let visit = &held.visit;
    let zone = visit
        .start
        .elsewhere
        .as_ref()
        .map_or_else(|| visit.start.zone.clone(), |time| format!("{}. {}", visit.start.zone, w.booking_elsewhere(time)));
    view! {
        <aside aria-labelledby="so-far">
            <div class="card stack">
                <h2 id="so-far" class="eyebrow">{w.booking_so_far()}</h2>
                <ul class="facts" role="list">
                    <Fact icon="calendar" main=when(visit) more=zone bold=true/>
                    <Fact
                        icon="user"
                        main=visit.treatment.name.clone()
                        more=w.booking_price_line(&visit.treatment.duration, &visit.treatment.price)
                    />
                    <Fact icon="users" main=visit.practitioner.name.clone() more=visit.practitioner.role.clone()/>
                    <Fact icon="pin" main=visit.location.name.clone() more=visit.location.address.clone()/>
                </ul>
                <p>
                    <a class="more" href=routes::times_instead(clinic, &visit.treatment.slug, &held.token)>{w.details_change_time()}</a>
                </p>
                {super::series::so_far(clinic, held)}
            </div>
        </aside>
    }
    .into_any()
}
