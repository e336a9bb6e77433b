//! The private page of a booked visit; right after booking it is the confirmation.

use leptos::prelude::*;
use leptos_meta::Meta;
use leptos_router::hooks::use_query_map;

use super::held::when;
use super::links::lost;
use super::private_link;
use super::together::visits;
use crate::booking::api::{self, Late, Settle};
use crate::booking::model::{Answered, LATE_MINS, Lateness, Unsettled, UnsettledKind, Visit, VisitStatus};
use crate::embed::outward;
use crate::error::PortalError;
use crate::ids::ClinicSlug;
use crate::routes;
use crate::ui::ask::ask;
use crate::ui::focus::{Heading, focus_next, takes_focus};
use crate::ui::form::{Sending, busy, form};
use crate::ui::frame::{CallUs, PageTitle, PhoneLine, of_clinic};
use crate::ui::icon::Icon;
use crate::ui::map::map_address;
use crate::ui::notice::{ANSWER, Answer, Badge, Notice};
use crate::ui::text::{stressed, with_phone};
use crate::waitlist::model::WaitFor;
use crate::waitlist::page::{Asking, asking};
use crate::words::words;

pub fn visit_page() -> AnyView {
    let (link, query) = (private_link("visit"), use_query_map());
    let visit = ask(move || link().map(|(clinic, visit)| api::Visit { clinic, visit }));
    let (settle, late, wait) = (Sending::new::<Settle>(), Sending::new::<Late>(), Asking::new());
    Effect::new(move |was_pending: Option<bool>| {
        let is_pending = settle.is_pending();
        if was_pending == Some(true) && !is_pending {
            visit.again();
        }
        is_pending
    });
    Effect::new(move |was_pending: Option<bool>| {
        let is_pending = late.is_pending();
        // What was said is part of the visit now, or it is another one by now.
        if was_pending == Some(true) && !is_pending {
            focus_next(if late.refused_now().is_some() { ANSWER } else { LATE });
            visit.again();
        }
        is_pending
    });
    visit.show_or(lost, move |visit: Visit| {
        let is_news = query.with_untracked(|query| query.get_str("saved").is_some()) && !settle.is_used() && !late.is_used();
        let saved = is_news.then(|| saved(&visit));
        let page = |(clinic, _)| visit_view(&clinic, &visit, saved, (settle, late, wait));
        untrack(link).map_or_else(|| ().into_any(), page)
    })
}

/// How a visit stands, as its page says it.
pub struct Standing {
    pub title: &'static str,
    icon: &'static str,
    /// Behind the icon: "bloom" is good news.
    tone: &'static str,
    /// It is still to come.
    pub ahead: bool,
}

pub fn standing(visit: &Visit) -> Standing {
    let w = words();
    let (title, icon, tone, ahead) = match (visit.status, visit.in_past) {
        (VisitStatus::Cancelled, _) if visit.answered == Some(Answered::No) => (w.visit_declined(), "x", "", false),
        (VisitStatus::Cancelled, _) => (w.visit_cancelled(), "x", "", false),
        (_, true) => (w.visit_past(), "calendar", "", false),
        (VisitStatus::Pending, false) => (w.visit_pending(), "clock", "", true),
        (VisitStatus::Booked, false) => (w.visit_booked(), "check", "bloom", true),
    };
    Standing { title, icon, tone, ahead }
}

/// What became of saying where the letters go.
fn saved(visit: &Visit) -> AnyView {
    let sentence = stressed(&words().contact_saved(&visit.sent_to));
    view! { <div role="status"><Notice icon="check"><p>{sentence}</p></Notice></div> }.into_any()
}

fn visit_view(
    clinic: &ClinicSlug,
    visit: &Visit,
    saved: Option<AnyView>,
    (settle, late, wait): (Sending, Sending, Asking),
) -> AnyView {
    let w = words();
    let standing = standing(visit);
    let another = (!standing.ahead && visit.unsettled.is_none()).then(|| {
        view! {
            {(visit.status == VisitStatus::Cancelled).then(|| ended(visit))}
            <div class="actions">
                <a class="btn" href=routes::times(clinic, &visit.summary.treatment.slug)>{w.visit_book_another()}</a>
            </div>
            <PhoneLine/>
        }
    });
    view! {
        <PageTitle text=standing.title.to_owned()/>
        <Meta name="robots" content="noindex"/>
        <div class="narrow stack g6">
            {saved}
            {visit.unsettled.as_ref().filter(|_| !visit.in_past).map(|found| unsettled(clinic, visit, found, settle))}
            {ticket(clinic, visit, &standing)}
            {late_answer(late)}
            {visit.late.as_ref().map(|lateness| running_late(clinic, visit, lateness, late))}
            {standing.ahead.then(|| next(visit))}
            {standing.ahead.then(|| changing(clinic, visit))}
            {visit.open.then(|| waiting(clinic, visit, wait))}
            {visits(clinic, visit)}
            {another}
            {letter(clinic, visit, standing.ahead)}
        </div>
    }
    .into_any()
}

/// What the clinic changed, and what the patient can do about it.
fn unsettled(clinic: &ClinicSlug, visit: &Visit, unsettled: &Unsettled, settle: Sending) -> AnyView {
    let w = words();
    let before = unsettled.before.as_ref().map(|before| w.booking_when(&before.day, &before.time)).unwrap_or_default();
    // What most will do is the strong one.
    let (strong, plain) = ("btn", "btn plain");
    let first = unsettled.kind == UnsettledKind::Moved;
    let (title, text, works) = match unsettled.kind {
        UnsettledKind::Moved => {
            (w.visit_unsettled_moved(), w.visit_unsettled_moved_text(&before), Some(w.visit_unsettled_works()))
        }
        UnsettledKind::Cancelled => {
            (w.visit_unsettled_cancelled(), w.visit_unsettled_cancelled_text().to_owned(), Some(w.visit_unsettled_fine()))
        }
        UnsettledKind::Unfit => (w.visit_unsettled_unfit(), w.visit_unsettled_unfit_text().to_owned(), None),
    };
    let another = if visit.open { to_move(clinic, visit) } else { routes::times(clinic, &visit.summary.treatment.slug) };
    let answer = |settlement: &'static str, text: &'static str, class: &'static str| {
        let fields =
            vec![("clinic", clinic.to_string()), ("visit", visit.token.to_string()), ("settlement", settlement.to_owned())];
        form(settle, None, fields, view! { <button class=class aria-busy=busy(settle)>{text}</button> })
    };
    let failed = move || {
        settle.refused().map(|_| view! { <Answer tone="bad" title=w.state_wrong()><p>{w.state_wrong_text()}</p></Answer> })
    };
    let call = if unsettled.wants_call {
        view! { <p class="quiet" role="status">{w.visit_unsettled_will_call()}</p> }.into_any()
    } else {
        answer("call", w.visit_unsettled_call(), "btn plain")
    };
    view! {
        <section class="stack g3" aria-labelledby="unsettled">
            {failed}
            <Notice tone="warn" icon="alert">
                <h2 id="unsettled">{title}</h2>
                <p>{text}</p>
            </Notice>
            <div class="actions">
                {works.filter(|_| first).map(|text| answer("works", text, strong))}
                <a class=if first { plain } else { strong } href=another>{w.visit_unsettled_another()}</a>
                {works.filter(|_| !first).map(|text| answer("works", text, plain))}
                {call}
            </div>
        </section>
    }
    .into_any()
}

pub fn ticket(clinic: &ClinicSlug, visit: &Visit, standing: &Standing) -> AnyView {
    let w = words();
    let summary = &visit.summary;
    let pending = visit.status == VisitStatus::Pending && standing.ahead;
    let line = w.visit_length(&summary.treatment.duration, &summary.start.zone);
    let elsewhere =
        summary.start.elsewhere.as_ref().map(|time| view! { <br/><span class="quiet">{w.booking_elsewhere(time)}</span> });
    let calendar = (visit.status == VisitStatus::Booked && standing.ahead).then(|| {
        view! {
            <a class="btn" href=routes::calendar(clinic, &visit.token) download="" rel="external noopener" target=outward()>
                <Icon name="calendar"/>
                {w.visit_calendar()}
            </a>
        }
    });
    let directions = standing.ahead.then(|| {
        view! {
            <a class="btn plain" href=map_address(&summary.location.address) rel="external noreferrer" target=outward()>
                <Icon name="map"/>
                {w.visit_directions()}
            </a>
        }
    });
    view! {
        <section class="ticket stack g5" aria-labelledby="title">
            <Icon name="mark" class="motif"/>
            <span class=format!("disc {}", standing.tone)><Icon name=standing.icon/></span>
            <div class="stack g2">
                {pending.then(|| view! { <div><Badge tone="warn" text=w.visit_not_booked_yet()/></div> })}
                <Heading text=standing.title/>
                <p class="when">{when(summary)}</p>
            </div>
            <ul class="facts" role="list">
                <li><Icon name="clock"/><span>{line}{elsewhere}</span></li>
                <li>
                    <Icon name="user"/>
                    <span>
                        {summary.treatment.name.clone()}
                        <br/>
                        <span class="quiet">{format!("{}, {}", summary.practitioner.name, summary.practitioner.role)}</span>
                    </span>
                </li>
                <li>
                    <Icon name="pin"/>
                    <span>{summary.location.name.clone()}<br/><span class="quiet"><bdi>{summary.location.address.clone()}</bdi></span></span>
                </li>
            </ul>
            <div class="actions">{calendar} {directions}</div>
        </section>
    }
    .into_any()
}

/// From now to the visit, in order.
pub fn next(visit: &Visit) -> AnyView {
    let w = words();
    let summary = &visit.summary;
    let mut steps: Vec<(&'static str, String)> = Vec::new();
    if let (VisitStatus::Pending, Some(by)) = (visit.status, &summary.answer_by) {
        let when = w.booking_when(&by.day, &by.time);
        let text = if visit.answered == Some(Answered::Late) {
            w.visit_next_overdue_text(&when)
        } else {
            w.visit_next_answer_text(&when)
        };
        steps.push((w.visit_next_answer(), text));
    }
    if !visit.questionnaires.is_empty() {
        steps.push((w.visit_next_forms(), w.visit_next_forms_text(&visit.questionnaires.join(", "))));
    }
    if !visit.before.is_empty() {
        steps.push((w.visit_next_prepare(), visit.before.clone()));
    }
    steps.push((w.visit_next_come(), w.visit_next_come_text(&when(summary), &summary.location.name)));
    let steps = steps.into_iter().enumerate().map(|(n, (title, text))| {
        view! {
            <li class=if n == 0 { "now" } else { "plan" }>
                <div class="stack g1">
                    <h3>{title}</h3>
                    <p class="quiet">{text}</p>
                </div>
            </li>
        }
    });
    view! {
        <section class="stack" aria-labelledby="next">
            <h2 id="next">{w.visit_next()}</h2>
            <ol class="timeline" role="list">{steps.collect::<Vec<_>>()}</ol>
        </section>
    }
    .into_any()
}

/// The times to which it could move: with the same person, if they were asked for.
pub fn to_move(clinic: &ClinicSlug, visit: &Visit) -> String {
    let page = routes::relocate(clinic, &visit.token);
    let summary = &visit.summary;
    if summary.practitioner_chosen { format!("{page}?practitioner={}", summary.practitioner.slug) } else { page }
}

/// What cancelling meant.
fn ended(visit: &Visit) -> AnyView {
    let w = words();
    let fee = visit.fee_due.as_ref().map(|fee| view! { <p>{stressed(&w.visit_fee_due(fee))}</p> });
    view! {
        <div class="stack g2">
            <p class="lead">{if visit.answered == Some(Answered::No) { w.visit_declined_text() } else { w.visit_cancelled_text() }}</p>
            {fee}
        </div>
    }
    .into_any()
}

/// How to change or cancel, and what that costs from now on.
fn changing(clinic: &ClinicSlug, visit: &Visit) -> AnyView {
    let w = words();
    let call =
        of_clinic(|clinic| with_phone(&words().visit_change(&clinic.phone_label, &clinic.phone_hours), clinic.phone.as_str()));
    if !visit.open {
        return view! { <p>{call}</p> }.into_any();
    }
    let rule = match (&visit.fee_now, &visit.summary.cancel_fee, &visit.summary.free_until) {
        (Some(fee), _, _) => w.visit_change_late(fee),
        (None, Some(fee), Some(until)) if visit.status == VisitStatus::Booked => {
            w.visit_change_free(&w.booking_when(&until.day, &until.time), fee)
        }
        _ => w.check_cancel_never().to_owned(),
    };
    view! {
        <section class="stack" aria-labelledby="change">
            <h2 id="change">{w.visit_plans()}</h2>
            <div class="actions">
                <a class="btn plain" href=to_move(clinic, visit)>{w.visit_move()}</a>
                <a class="btn plain" href=routes::cancel(clinic, &visit.token)>{w.visit_cancel()}</a>
            </div>
            <p>{rule} " " {call}</p>
        </section>
    }
    .into_any()
}

/// Waiting for an earlier time than this one.
fn waiting(clinic: &ClinicSlug, visit: &Visit, wait: Asking) -> AnyView {
    let w = words();
    if let Some(entry) = &visit.waitlist {
        return view! {
            <p>{w.waitlist_is_on()} " " <a href=routes::waitlist(clinic, entry)>{w.waitlist_see()}</a></p>
        }
        .into_any();
    }
    let wanted = WaitFor { visit: visit.token.to_string(), ..WaitFor::default() };
    asking(wait, clinic, wanted, w.waitlist_ask_earlier())
}

/// The part of the page about being late.
const LATE: &str = "late";

/// "I am running late": one press tells the clinic.
fn running_late(clinic: &ClinicSlug, visit: &Visit, lateness: &Lateness, late: Sending) -> AnyView {
    let w = words();
    takes_focus(LATE);
    let buttons = LATE_MINS.map(|minutes| {
        let value = minutes.to_string();
        let pressed = value.clone();
        let busy = move || late.is_pressed(&pressed).then_some("true");
        view! { <button class="btn plain small" name="minutes" value=value aria-busy=busy>{w.visit_late_minutes(minutes)}</button> }
    });
    let fields = vec![("clinic", clinic.to_string()), ("visit", visit.token.to_string())];
    let said = lateness.said.as_ref().map(|minutes| view! { <p role="status">{stressed(&w.visit_late_said(minutes))}</p> });
    view! {
        <section class="stack g3" aria-labelledby=LATE>
            <h2 id=LATE tabindex="-1">{w.visit_late()}</h2>
            {said}
            <p>{w.visit_late_text()}</p>
            {form(late, None, fields, view! { <div class="row">{buttons}</div> })}
        </section>
    }
    .into_any()
}

fn late_answer(late: Sending) -> AnyView {
    let w = words();
    (move || {
        late.refused().map(|error| {
            let (title, text) = match error {
                PortalError::TooMany => (w.state_too_many(), w.state_too_many_text()),
                _ => (w.visit_late_failed(), w.visit_late_failed_text()),
            };
            view! { <Answer tone="warn" title=title><p>{text}</p><CallUs/></Answer> }
        })
    })
    .into_any()
}

fn letter(clinic: &ClinicSlug, visit: &Visit, ahead: bool) -> AnyView {
    let w = words();
    let sent = (!visit.sent_to.is_empty()).then(|| view! { " " {w.visit_sent(&visit.sent_to)} });
    let contact = ahead.then(|| {
        view! { <p><a class="more" href=routes::contact(clinic, &visit.token)>{w.visit_contact()}</a></p> }
    });
    let demo = of_clinic(|clinic| {
        let link = || view! { <p><a class="more" href="/mailbox" rel="external">{words().visit_demo_letter()}</a></p> };
        clinic.demo.then(link).into_any()
    });
    view! {
        <div class="stack g2">
            <p class="fine">
                {stressed(&w.visit_number(&visit.number))} " " {stressed(&w.visit_number_patient(&visit.patient_name))} {sent}
            </p>
            {contact}
            <p class="fine"><Icon name="lock"/> " " {w.visit_keep_link()}</p>
            {demo}
        </div>
    }
    .into_any()
}
