//! A place on the waiting list: the form that gets one on it, then where one stands.

use leptos::html::Form;
use leptos::prelude::*;
use leptos_meta::Meta;

use crate::booking::page::details::person;
use crate::booking::page::held::when;
use crate::booking::page::links::lost;
use crate::booking::page::private_link;
use crate::error::{PortalError, Reason};
use crate::fields::FieldErrors;
use crate::ids::{ClinicSlug, LinkToken};
use crate::routes;
use crate::ui::ask::ask;
use crate::ui::autosave::Autosave;
use crate::ui::facts::Fact;
use crate::ui::field::Choice;
use crate::ui::focus::{Heading, TITLE, focus_next, focus_now};
use crate::ui::form::{Sending, busy, form};
use crate::ui::frame::{PageTitle, PhoneLine};
use crate::ui::icon::Icon;
use crate::ui::notice::{ANSWER, Notice};
use crate::ui::problems::{ErrorSummary, SUMMARY};
use crate::ui::refused::{Said, refused, title};
use crate::ui::text::stressed;
use crate::waitlist::api::{self, Join, Keep, Leave};
use crate::waitlist::model::{Entry, EntryState};
use crate::words::{Language, words};

pub fn entry_page() -> AnyView {
    let link = private_link("entry");
    let entry = ask(move || link().map(|(clinic, entry)| api::Entry { clinic, entry }));
    let (join, leave) = (Sending::new::<Join>(), Sending::new::<Leave>());
    for sending in [join, leave] {
        Effect::new(move |was_pending: Option<bool>| {
            let is_pending = sending.is_pending();
            if was_pending == Some(true) && !is_pending {
                match sending.refused_now() {
                    // The form shows what to mend.
                    Some(PortalError::Invalid(found)) if !found.is_empty() => {}
                    None | Some(PortalError::Conflict(Reason::Changed | Reason::TooLate)) => {
                        focus_next(TITLE);
                        entry.again();
                    }
                    Some(_) => focus_next(ANSWER),
                }
            }
            is_pending
        });
    }
    entry.show_or(lost, move |entry: Entry| {
        let Some((clinic, _)) = untrack(link) else { return ().into_any() };
        match &entry.state {
            EntryState::Typing => joining(&clinic, &entry, join),
            EntryState::Elsewhere => elsewhere(&clinic, &entry),
            EntryState::Waiting { before, offer, .. } => waiting(&clinic, &entry, (*before, offer.as_ref()), (join, leave)),
            EntryState::Done { visit } => done(&clinic, visit.as_ref()),
            EntryState::Left => left(&clinic, &entry),
        }
    })
}

/// The page around what is said.
fn page(title: Signal<String>, heading: String, icon: &'static str, body: impl IntoAny) -> AnyView {
    view! {
        <PageTitle text=title/>
        <Meta name="robots" content="noindex"/>
        <div class="narrow stack g6">
            <div class="stack g3">
                <span class="disc"><Icon name=icon/></span>
                <Heading text=heading/>
            </div>
            {body.into_any()}
            <PhoneLine/>
        </div>
    }
    .into_any()
}

fn plain(text: String) -> Signal<String> {
    Signal::derive(move || text.clone())
}

/// What is waited for.
fn what(entry: &Entry) -> AnyView {
    let w = words();
    let session = entry.session.as_ref().map(|session| {
        let time = w.booking_when(&session.day, &session.time);
        view! { <Fact icon="calendar" main=w.waitlist_seat(&time) more=session.zone.clone() bold=true/> }
    });
    let practitioner = entry.practitioner.clone().unwrap_or_else(|| w.times_anyone().to_owned());
    let location = entry.location.clone().map(|location| view! { <Fact icon="pin" main=location/> });
    let visit = entry.visit.as_ref().map(|visit| {
        view! { <Fact icon="calendar" main=w.waitlist_keeps(&when(&visit.summary)) more=visit.summary.start.zone.clone()/> }
    });
    view! {
        <ul class="facts card" role="list">
            {session}
            <Fact
                icon="user"
                main=entry.treatment.name.clone()
                more=w.booking_price_line(&entry.treatment.duration, &entry.treatment.price)
            />
            <Fact icon="users" main=practitioner/>
            {location}
            {visit}
        </ul>
    }
    .into_any()
}

/// Not on the list yet.
fn joining(clinic: &ClinicSlug, entry: &Entry, join: Sending) -> AnyView {
    let w = words();
    let found = RwSignal::new(entry.errors.clone());
    Effect::new(move |_| match join.refused_now() {
        Some(PortalError::Invalid(wrong)) if !wrong.is_empty() => {
            found.set(wrong);
            // The summary is there after the next frame.
            request_animation_frame(|| focus_now(SUMMARY));
        }
        _ => {}
    });
    let errors: Signal<FieldErrors> = found.into();
    let heading = if entry.visit.is_some() { w.waitlist_title_earlier() } else { w.waitlist_title() };
    let title = title(heading.to_owned(), errors);
    let node = NodeRef::<Form>::new();
    let autosave = Autosave::new::<Keep>(node, |_| ());
    let details = entry.visit.is_none().then(|| {
        view! {
            <h2>{w.details_title()}</h2>
            {person(&entry.draft, errors)}
        }
    });
    let inside = view! {
        {wishes(entry)}
        {details}
        <div class="actions">
            <button class="btn" aria-busy=busy(join)>
                {move || if join.is_pending() { w.waitlist_joining() } else { w.waitlist_join() }}
            </button>
        </div>
    };
    let body = view! {
        <ErrorSummary errors=errors/>
        {failed(join)}
        <div class="stack g3">
            <p class="lead">{w.waitlist_lead()}</p>
            <p>{w.waitlist_no_promise()}</p>
        </div>
        {what(entry)}
        <div class="stack g2" on:input=move |_| autosave.typed() on:change=move |_| autosave.save()>
            {form(join, Some(node), fields(clinic, &entry.token), inside)}
            {autosave.line()}
        </div>
    };
    page(title, heading.to_owned(), "clock", body)
}

/// On the list: where they stand, and what they can change.
fn waiting(
    clinic: &ClinicSlug,
    entry: &Entry,
    (before, offer): (u32, Option<&LinkToken>),
    (join, leave): (Sending, Sending),
) -> AnyView {
    let w = words();
    let offer = offer.map(|offer| {
        let href = routes::offer(clinic, offer);
        view! {
            <Notice tone="" icon="check">
                <h2>{w.waitlist_offered()}</h2>
                <p><a class="btn" href=href>{w.waitlist_see_offer()}</a></p>
            </Notice>
        }
    });
    // Whose turn it is now need not know who is next.
    let stand = offer.is_none().then(|| {
        let stand = if before == 0 { w.waitlist_next().to_owned() } else { w.waitlist_before(before) };
        view! { <p class="lead">{stressed(&stand)}</p> }
    });
    let asked = match &entry.state {
        EntryState::Waiting { asked: Some(asked), .. } => {
            Some(view! { <p>{w.waitlist_asked(&w.booking_when(&asked.day, &asked.time))}</p> })
        }
        _ => None,
    };
    let change = entry.session.is_none().then(|| {
        let inside = view! {
            {wishes(entry)}
            <div class="actions">
                <button class="btn plain" aria-busy=busy(join)>
                    {move || if join.is_pending() { w.details_saving() } else { w.contact_save() }}
                </button>
            </div>
        };
        view! {
            <section class="stack" aria-labelledby="suits">
                <h2 id="suits">{w.waitlist_suits()}</h2>
                {form(join, None, fields(clinic, &entry.token), inside)}
            </section>
        }
    });
    let back = entry.visit.as_ref().map(|visit| {
        view! { <a class="btn plain" href=routes::visit(clinic, &visit.token)>{w.held_see_visit()}</a> }
    });
    let button =
        view! { <div class="actions"><button class="btn text" aria-busy=busy(leave)>{w.waitlist_leave()}</button></div> };
    let body = view! {
        {failed(join)}
        {failed(leave)}
        {offer}
        <div class="stack g2">
            {stand}
            {asked}
            <p>{w.waitlist_until(&entry.until.label)}</p>
            <p class="quiet">{w.waitlist_no_promise()}</p>
        </div>
        {what(entry)}
        {change}
        <div class="actions">{back}</div>
        {form(leave, None, fields(clinic, &entry.token), button)}
        <p class="fine"><Icon name="lock"/> " " {w.waitlist_keep_link()}</p>
    };
    page(plain(w.waitlist_waiting().to_owned()), w.waitlist_waiting().to_owned(), "clock", body)
}

/// Begun in another browser: here they begin anew.
fn elsewhere(clinic: &ClinicSlug, entry: &Entry) -> AnyView {
    let w = words();
    let body = view! {
        <p class="lead">{w.waitlist_elsewhere()}</p>
        <div class="actions">
            <a class="btn" href=routes::times(clinic, &entry.treatment.slug)>{w.held_see_all()}</a>
        </div>
    };
    page(plain(w.held_elsewhere().to_owned()), w.held_elsewhere().to_owned(), "lock", body)
}

fn done(clinic: &ClinicSlug, visit: Option<&LinkToken>) -> AnyView {
    let w = words();
    let see = visit.map(|visit| view! { <a class="btn" href=routes::visit(clinic, visit)>{w.held_see_visit()}</a> });
    let body = view! { <div class="actions">{see}</div> };
    page(plain(w.waitlist_done().to_owned()), w.waitlist_done().to_owned(), "check", body)
}

fn left(clinic: &ClinicSlug, entry: &Entry) -> AnyView {
    let w = words();
    let visit = entry.visit.as_ref().filter(|visit| visit.open).map(|visit| {
        view! { <a class="btn" href=routes::visit(clinic, &visit.token)>{w.held_see_visit()}</a> }
    });
    let book = entry.visit.is_none().then(|| {
        view! { <a class="btn" href=routes::times(clinic, &entry.treatment.slug)>{w.held_see_all()}</a> }
    });
    let body = view! {
        <p class="lead">{w.waitlist_left_text()}</p>
        <div class="actions">{visit} {book}</div>
    };
    page(plain(w.waitlist_left().to_owned()), w.waitlist_left().to_owned(), "info", body)
}

fn fields(clinic: &ClinicSlug, entry: &LinkToken) -> Vec<(&'static str, String)> {
    vec![("clinic", clinic.to_string()), ("entry", entry.to_string())]
}

/// Sending failed for a reason that is not in the fields.
fn failed(sending: Sending) -> AnyView {
    refused(sending, |error| match error {
        PortalError::Conflict(Reason::NotEligible) => Some(Said::not_eligible()),
        PortalError::Invalid(found) if !found.is_empty() => None,
        PortalError::Conflict(_) => None,
        _ => Some(Said::wrong()),
    })
}

/// Which days and hours suit; for a seat of one session there is nothing to choose.
fn wishes(entry: &Entry) -> AnyView {
    let w = words();
    if entry.session.is_some() {
        return ().into_any();
    }
    let wish = &entry.wish;
    let any = wish.which == "any";
    let which = entry.visit.as_ref().map(|_| {
        view! {
            <fieldset class="field">
                <legend>{w.waitlist_which()}</legend>
                <div class="choices">
                    <Choice id="earlier" field="which" of="wish" kind="radio" value="earlier" checked=!any label=w.waitlist_earlier()/>
                    <Choice id="any" field="which" of="wish" kind="radio" value="any" checked=any label=w.waitlist_any()/>
                </div>
            </fieldset>
        }
    });
    // The week begins where the reader's does.
    let first = if w.language() == Language::Ar { 5 } else { 0 };
    let mut days: Vec<AnyView> = wish
        .days()
        .into_iter()
        .zip(entry.weekdays.iter().cloned())
        .map(|((day, value), label)| view! { <Choice id=day field=day of="wish" checked=value == "on" label=label/> }.into_any())
        .collect();
    days.rotate_left(first);
    let hours = wish
        .hours()
        .into_iter()
        .zip([w.waitlist_morning(), w.waitlist_afternoon(), w.waitlist_evening()])
        .map(|((part, value), label)| view! { <Choice id=part field=part of="wish" checked=value == "on" label=label/> })
        .collect::<Vec<_>>();
    view! {
        {which}
        <fieldset class="field" aria-describedby="days-hint">
            <legend>{w.waitlist_days()}</legend>
            <p class="hint" id="days-hint">{w.waitlist_days_hint()}</p>
            <div class="choices days">{days}</div>
        </fieldset>
        <fieldset class="field" aria-describedby="hours-hint">
            <legend>{w.waitlist_hours()}</legend>
            <p class="hint" id="hours-hint">{w.waitlist_hours_hint()}</p>
            <div class="choices">{hours}</div>
        </fieldset>
    }
    .into_any()
}
