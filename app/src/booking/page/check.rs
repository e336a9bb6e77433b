//! Step 4: is this right? Everything on one page, with a way to change each thing.
//!
//! Confirming is safe to repeat: the hold becomes one appointment however often it is asked, so a
//! lost answer costs a second press and nothing else.

use leptos::prelude::*;
use leptos_meta::Meta;

use super::held::{not_kept, when};
use super::private_link;
use super::series::{choose_form, failed, lines, not_whole};
use crate::booking::api::{self, Confirm, Hold};
use crate::booking::model::{Draft, Held, HoldState, VisitSummary};
use crate::booking::series::api::Choose;
use crate::error::{PortalError, Reason};
use crate::ids::ClinicSlug;
use crate::routes;
use crate::ui::ask::ask;
use crate::ui::facts::answered;
use crate::ui::focus::{Heading, TITLE, focus_next};
use crate::ui::form::{Sending, busy, form};
use crate::ui::frame::{PageTitle, PhoneLine};
use crate::ui::notice::{ANSWER, Notice};
use crate::ui::refused::{Said, refused};
use crate::ui::steps::StepHead;
use crate::ui::text::stressed;
use crate::words::words;

pub fn check_page() -> AnyView {
    let link = private_link("hold");
    let held = ask(move || link().map(|(clinic, hold)| api::Held { clinic, hold }));
    let (hold, confirm, choose) = (Sending::new::<Hold>(), Sending::new::<Confirm>(), Sending::new::<Choose>());
    Effect::new(move |_| {
        // The answer may have changed what the page has to show: the time is gone, the price
        // is another. Then the page is asked for anew.
        match confirm.refused_now() {
            Some(PortalError::Conflict(Reason::Changed | Reason::NotEligible)) => focus_next(ANSWER),
            Some(PortalError::Conflict(_) | PortalError::Invalid(_)) => focus_next(TITLE),
            Some(_) => return focus_next(ANSWER),
            None => return,
        }
        held.again();
    });
    Effect::new(move |was_pending: Option<bool>| {
        let is_pending = choose.is_pending();
        // Other times for some of the visits are a page to check anew.
        if was_pending == Some(true) && !is_pending {
            focus_next(if choose.refused_now().is_some() { ANSWER } else { TITLE });
            held.again();
        }
        is_pending
    });
    held.show(move |now: Held| {
        let Some((clinic, _)) = untrack(link) else { return ().into_any() };
        not_kept(&clinic, &now, hold, move || held.again())
            .unwrap_or_else(|| if now.ready { check_view(&clinic, &now, confirm, choose) } else { not_ready(&clinic, &now) })
    })
}

/// Somebody came here before the form was complete.
fn not_ready(clinic: &ClinicSlug, held: &Held) -> AnyView {
    let w = words();
    view! {
        <PageTitle text=w.booking_page(w.held_missing())/>
        <Meta name="robots" content="noindex"/>
        <div class="narrow stack g6">
            <Heading text=w.held_missing()/>
            <p class="lead">{w.held_missing_text()}</p>
            <div class="actions">
                <a class="btn" href=routes::details(clinic, &held.token)>{w.details_title()}</a>
            </div>
            <PhoneLine/>
        </div>
    }
    .into_any()
}

fn check_view(clinic: &ClinicSlug, held: &Held, confirm: Sending, choose: Sending) -> AnyView {
    let w = words();
    let request = held.visit.treatment.on_request;
    let (title, lead) =
        if request { (w.check_title_request(), w.check_lead_request()) } else { (w.check_title(), w.check_lead()) };
    view! {
        <PageTitle text=w.booking_page(title)/>
        <Meta name="robots" content="noindex"/>
        <div class="narrow stack g6">
            {answer(confirm)}
            <div class="stack">
                <StepHead step=4 title=title back=routes::details(clinic, &held.token)/>
                <p class="lead">{lead}</p>
            </div>
            {(!held.is_whole()).then(|| view! { {failed(choose)} {not_whole(held)} {choose_form(clinic, held, choose)} })}
            {answers(clinic, held)}
            {cost(held)}
            {held.visit.answer_by.as_ref().filter(|_| request).map(|by| {
                let sentence = w.check_request_text(&w.booking_when(&by.day, &by.time));
                view! {
                    <section class="stack g2">
                        <h2 class="eyebrow">{w.check_request()}</h2>
                        <p>{stressed(&sentence)}</p>
                    </section>
                }
            })}
            {held.is_whole().then(|| confirm_form(clinic, held, confirm))}
            <PhoneLine/>
        </div>
    }
    .into_any()
}

/// What came of confirming, where the page itself does not say it.
fn answer(confirm: Sending) -> AnyView {
    refused(confirm, |error| {
        let w = words();
        match error {
            PortalError::Conflict(Reason::Changed) => Some(Said::warn(w.check_changed(), w.check_changed_text())),
            PortalError::Conflict(Reason::NotEligible) => Some(Said::not_eligible()),
            PortalError::Conflict(_) | PortalError::Invalid(_) => None,
            _ => Some(Said::bad(w.check_failed(), w.check_failed_text()).again(w.check_failed_again())),
        }
    })
}

fn answers(clinic: &ClinicSlug, held: &Held) -> AnyView {
    let w = words();
    let (visit, draft) = (&held.visit, &held.draft);
    let times = routes::times_instead(clinic, &visit.treatment.slug, &held.token);
    let box_of = |field: &str| format!("{}#{field}", routes::details(clinic, &held.token));
    let typed = |term, change, field: &str, text: &str| {
        let text = text.trim().to_owned();
        (!text.is_empty()).then(|| answered(term, change, box_of(field), view! { <bdi>{text}</bdi> }))
    };
    let two_lines = |first: &str, second: String| {
        let first = first.to_owned();
        view! { {first} <br/> <span class="quiet"><bdi>{second}</bdi></span> }
    };
    let zone = w.visit_length(&visit.treatment.duration, &visit.start.zone);
    let elsewhere =
        visit.start.elsewhere.as_ref().map(|time| view! { <br/><span class="quiet">{w.booking_elsewhere(time)}</span> });
    let time = view! { <strong>{when(visit)}</strong> <br/> <span class="quiet">{zone}</span> {elsewhere} };
    let who = two_lines(&visit.practitioner.name, visit.practitioner.role.clone());
    let place = two_lines(&visit.location.name, visit.location.address.clone());
    let booker = if draft.who_for == "other" { draft.booker_name.as_str() } else { "" };
    view! {
        <section class="card" aria-label=w.check_answers()>
            <dl class="summary">
                {answered(w.check_when(), w.check_change_time(), times.clone(), time)}
                {(!held.others.is_empty())
                    .then(|| answered(w.series_others(), w.series_change_others(), routes::series(clinic, &held.token), lines(held)))}
                {answered(w.check_what(), w.check_change_what(), routes::booking(clinic), visit.treatment.name.clone())}
                {answered(w.check_who(), w.check_change_who(), times.clone(), who)}
                {answered(w.check_where(), w.check_change_where(), times, place)}
                {typed(w.check_patient(), w.check_change_patient(), "name", &draft.name)}
                {typed(w.check_booker(), w.check_change_booker(), "booker_name", booker)}
                {typed(w.check_birth(), w.check_change_birth(), "birth_day", &birth(draft))}
                {typed(w.check_email(), w.check_change_email(), "email", &draft.email)}
                {typed(w.check_phone(), w.check_change_phone(), "phone", &draft.phone)}
                {typed(w.check_reason(), w.check_change_reason(), "reason", &draft.reason)}
                {answered(w.check_contact(), w.check_change_contact(), box_of("contact"), purposes(draft))}
            </dl>
        </section>
    }
    .into_any()
}

/// As it was typed.
fn birth(draft: &Draft) -> String {
    [&draft.birth_day, &draft.birth_month, &draft.birth_year].map(|part| part.trim()).join(" ")
}

fn purposes(draft: &Draft) -> String {
    let w = words();
    let chosen: Vec<&str> = [
        (&draft.reminders, w.details_reminders()),
        (&draft.recalls, w.details_recalls()),
        (&draft.surveys, w.details_surveys()),
        (&draft.news, w.details_news()),
    ]
    .into_iter()
    .filter(|(value, _)| *value == "on")
    .map(|(_, purpose)| purpose)
    .collect();
    if chosen.is_empty() { w.check_contact_none().to_owned() } else { chosen.join(". ") }
}

fn cost(held: &Held) -> AnyView {
    let w = words();
    let visit = &held.visit;
    let price = match &held.total {
        _ if visit.treatment.free => w.check_cost_none().to_owned(),
        Some(total) => w.series_total(&visit.treatment.price, total),
        None => w.check_cost_line(&visit.treatment.price),
    };
    let each = (held.total.is_some() && visit.cancel_fee.is_some()).then(|| view! { " " {w.series_rule()} });
    view! {
        <section class="stack g2">
            <h2 class="eyebrow">{w.check_cost()}</h2>
            <p>{price} " " {cancelling(visit)} {each}</p>
        </section>
    }
    .into_any()
}

/// The rule for changing and cancelling, for this visit and from now on.
fn cancelling(visit: &VisitSummary) -> AnyView {
    let w = words();
    match (&visit.cancel_fee, &visit.free_until) {
        (None, _) => w.check_cancel_never().into_any(),
        (Some(fee), None) => stressed(&w.check_cancel_late(fee)),
        (Some(fee), Some(until)) => {
            let until = w.booking_when(&until.day, &until.time);
            stressed(&format!("{} {}", w.check_cancel_free(&until), w.check_cancel_fee(fee)))
        }
    }
}

fn confirm_form(clinic: &ClinicSlug, held: &Held, confirm: Sending) -> AnyView {
    let w = words();
    let (say, saying) = if held.visit.treatment.on_request {
        (w.check_send(), w.check_sending())
    } else {
        (w.check_confirm(), w.check_confirming())
    };
    let until = match &held.state {
        HoldState::Kept { until, .. } => Some(stressed(&w.check_keeping(&until.time))),
        _ => None,
    };
    let button = view! {
        <div class="actions">
            <button class="btn" aria-busy=busy(confirm)>{move || if confirm.is_pending() { saying } else { say }}</button>
        </div>
    };
    let fields = vec![("clinic", clinic.to_string()), ("hold", held.token.to_string()), ("version", held.version.clone())];
    view! {
        {until.map(|until| view! { <Notice icon="clock"><p>{until}</p></Notice> })}
        {form(confirm, None, fields, button)}
    }
    .into_any()
}
