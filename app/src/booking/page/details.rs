//! Step 3: who are you?
//!
//! The form is written once and never again while it is open, so nothing typed can be overwritten;
//! what changes around it (the hold, the errors, the save state) are signals.

use leptos::html::Form;
use leptos::prelude::*;
use leptos_meta::Meta;

use super::held::{elsewhere, ended, gone, look_when_refused, not_kept, so_far, when};
use super::keeping::Keeping;
use super::private_link;
use crate::booking::api::{self, Describe, Hold, Release};
use crate::booking::model::{Draft, Held, HoldState};
use crate::embed;
use crate::error::{PortalError, Reason};
use crate::fields::FieldErrors;
use crate::ids::ClinicSlug;
use crate::routes;
use crate::ui::ask::ask;
use crate::ui::field::{BirthDate, Choice, NoteField, TextField};
use crate::ui::focus::{focus_next, focus_now};
use crate::ui::form::{Sending, busy, form};
use crate::ui::frame::{PageTitle, PhoneLine, of_clinic};
use crate::ui::notice::{ANSWER, Notice};
use crate::ui::problems::{ErrorSummary, SUMMARY};
use crate::ui::refused::{Said, refused, title};
use crate::ui::steps::StepHead;
use crate::ui::text::stressed;
use crate::words::{Language, words};

pub fn details_page() -> AnyView {
    let link = private_link("hold");
    let sending =
        Sendings { hold: Sending::new::<Hold>(), describe: Sending::new::<Describe>(), release: Sending::new::<Release>() };
    let held = ask(move || link().map(|(clinic, hold)| api::Held { clinic, hold }));
    held.show(move |now: Held| {
        let Some((clinic, _)) = untrack(link) else { return ().into_any() };
        not_kept(&clinic, &now, sending.hold, move || held.again()).unwrap_or_else(|| details_view(&clinic, &now, sending))
    })
}

/// The page's forms: taking the time again, the details themselves, giving the time back.
#[derive(Clone, Copy)]
struct Sendings {
    hold: Sending,
    describe: Sending,
    release: Sending,
}

fn details_view(clinic: &ClinicSlug, held: &Held, sending: Sendings) -> AnyView {
    let w = words();
    let describe = sending.describe;
    let form = NodeRef::<Form>::new();
    let keeping = Keeping::new(clinic.clone(), held.token.clone(), form, held.state.clone());
    let autosave = keeping.autosave;
    look_when_refused(sending.hold, move || keeping.look());
    let errors = RwSignal::new(held.errors.clone());
    Effect::new(move |_| match describe.refused_now() {
        Some(PortalError::Invalid(found)) if !found.is_empty() => {
            errors.set(found);
            // The summary is there after the next frame.
            request_animation_frame(|| focus_now(SUMMARY));
        }
        Some(PortalError::Conflict(Reason::NotEligible)) => focus_next(ANSWER),
        Some(PortalError::Conflict(_)) => keeping.look(),
        Some(_) => focus_next(ANSWER),
        None => {}
    });
    let title = title(w.booking_page(w.details_title()), errors.into());
    let back = routes::times_instead(clinic, &held.visit.treatment.slug, &held.token);
    let kept = embed::kept::<api::Keep>();
    view! {
        <PageTitle text=title/>
        <Meta name="robots" content="noindex"/>
        <Meta name="description" content=held.visit.treatment.description.clone()/>
        <div class="split">
            <div class="stack g6">
                <ErrorSummary errors=errors.into()/>
                {failed(describe)}
                <div class="stack">
                    <StepHead step=3 title=w.details_title() back=back/>
                </div>
                {hold_notice(clinic, held, keeping, sending.hold)}
                <div
                    class="stack g2"
                    data-keep=kept
                    on:input=move |_| autosave.typed()
                    on:change=move |_| autosave.save()
                >
                    {details_form(clinic, held, describe, form, errors.into())}
                    {autosave.line()}
                </div>
                <PhoneLine/>
                {give_back(clinic, held, sending.release)}
            </div>
            {so_far(clinic, held)}
        </div>
    }
    .into_any()
}

/// Until when the time is kept; what to do once it is not.
fn hold_notice(clinic: &ClinicSlug, held: &Held, keeping: Keeping, hold: Sending) -> AnyView {
    let w = words();
    let (clinic, token, visit) = (clinic.clone(), held.token.clone(), held.visit.clone());
    let notice = move || match &*keeping.state.read() {
        HoldState::Kept { until, .. } => {
            let sentence = w.details_keeping(&when(&visit), &until.time);
            view! { <Notice icon="clock"><p>{stressed(&sentence)}</p></Notice> }.into_any()
        }
        HoldState::Ended => view! {
            <section class="stack" role="alert">
                <h2>{w.held_ended(&visit.start.time)}</h2>
                {ended(&clinic, &token, &visit, hold)}
            </section>
        }
        .into_any(),
        HoldState::Gone { nearest } => view! {
            <section class="stack" role="alert">
                <h2>{w.held_gone()}</h2>
                {gone(&clinic, &token, &visit, nearest, hold)}
            </section>
        }
        .into_any(),
        HoldState::Elsewhere => view! {
            <section class="stack" role="alert">
                <h2>{w.held_elsewhere()}</h2>
                {elsewhere(&clinic, &token, &visit, hold)}
            </section>
        }
        .into_any(),
        HoldState::Booked { visit } => view! {
            <section class="stack" role="alert">
                <h2>{w.held_booked()}</h2>
                <a class="btn" href=routes::booked(&clinic, visit)>{w.held_see_visit()}</a>
            </section>
        }
        .into_any(),
    };
    let ending = move || {
        let state = keeping.state.read();
        let HoldState::Kept { until, last: false, .. } = &*state else { return None };
        keeping.ending.get().then(|| {
            view! {
                <p>{w.details_ending(&until.time)}</p>
                <button type="button" class="btn plain small" on:click=move |_| keeping.autosave.save()>{w.details_keep_longer()}</button>
            }
        })
    };
    view! {
        <div class="stack g3">
            {notice}
            <div class="row" aria-live="polite">{ending}</div>
        </div>
    }
    .into_any()
}

/// Sending failed for a reason that is not in the fields.
fn failed(describe: Sending) -> AnyView {
    refused(describe, |error| match error {
        PortalError::Conflict(Reason::NotEligible) => Some(Said::not_eligible()),
        PortalError::Invalid(found) if !found.is_empty() => None,
        PortalError::Conflict(_) => None,
        _ => Some(Said::wrong()),
    })
}

fn details_form(
    clinic: &ClinicSlug,
    held: &Held,
    describe: Sending,
    node: NodeRef<Form>,
    errors: Signal<FieldErrors>,
) -> AnyView {
    let w = words();
    let inside = view! {
        {person(&held.draft, errors)}
        <div class="actions">
            <button class="btn" aria-busy=busy(describe)>
                {move || if describe.is_pending() { w.details_continuing() } else { w.details_continue() }}
            </button>
        </div>
    };
    form(describe, Some(node), hold_fields(clinic, held), inside)
}

/// Who it is for and how to reach them: whoever comes to a visit, or waits for one, says the same.
pub fn person(draft: &Draft, errors: Signal<FieldErrors>) -> AnyView {
    let w = words();
    view! {
        {who_for(draft, errors)}
        <TextField
            field="name"
            label=w.details_name()
            hint=w.details_name_hint()
            autocomplete="name"
            value=draft.name.clone()
            errors=errors
        />
        <BirthDate
            day=draft.birth_day.clone()
            month=draft.birth_month.clone()
            year=draft.birth_year.clone()
            errors=errors
        />
        {reach(draft, errors)}
        <NoteField field="reason" label=w.details_reason() hint=w.details_reason_hint() value=draft.reason.clone() errors=errors/>
        {language(&draft.language, w.language())}
        {purposes(draft)}
    }
    .into_any()
}

/// Which hold a form is about.
fn hold_fields(clinic: &ClinicSlug, held: &Held) -> Vec<(&'static str, String)> {
    vec![("clinic", clinic.to_string()), ("hold", held.token.to_string())]
}

/// For me or for someone I care for. The name of who books shows only with the second, if the
/// browser can tell; else it is there and says when it is needed.
fn who_for(draft: &Draft, errors: Signal<FieldErrors>) -> AnyView {
    let w = words();
    let other = draft.who_for == "other";
    view! {
        <fieldset class="field who">
            <legend>{w.details_who_for()}</legend>
            <div class="choices">
                <Choice id="who_for" field="who_for" kind="radio" value="self" checked=!other label=w.details_who_self()/>
                <Choice
                    id="who_for_other"
                    field="who_for"
                    kind="radio"
                    value="other"
                    checked=other
                    label=w.details_who_other()
                    hint=w.details_who_other_hint()
                />
            </div>
            <div class="for-other">
                <TextField
                    field="booker_name"
                    label=w.details_booker()
                    hint=w.details_booker_hint()
                    autocomplete="off"
                    value=draft.booker_name.clone()
                    errors=errors
                />
            </div>
        </fieldset>
    }
    .into_any()
}

fn reach(draft: &Draft, errors: Signal<FieldErrors>) -> AnyView {
    let w = words();
    view! {
        <fieldset class="field" aria-describedby="reach-hint">
            <legend>{w.details_reach()}</legend>
            <p class="hint" id="reach-hint">{w.details_reach_hint()}</p>
            <div class="stack g5">
                <TextField
                    field="email"
                    label=w.details_email()
                    kind="email"
                    autocomplete="email"
                    value=draft.email.clone()
                    errors=errors
                />
                <TextField
                    field="phone"
                    label=w.details_phone()
                    kind="tel"
                    autocomplete="tel"
                    class="w10"
                    value=draft.phone.clone()
                    errors=errors
                />
            </div>
        </fieldset>
    }
    .into_any()
}

/// What letters are written in: one of the clinic's languages.
pub fn language(tag: &str, otherwise: Language) -> AnyView {
    let w = words();
    let chosen = Language::parse(tag).unwrap_or(otherwise);
    let options = of_clinic(move |clinic| {
        let option = |language: &Language| {
            view! { <option value=language.tag() selected=*language == chosen>{language.own_name()}</option> }
        };
        clinic.languages.iter().map(option).collect::<Vec<_>>().into_any()
    });
    view! {
        <div class="field">
            <label for="language">{w.details_language()}</label>
            <select class="input w10" id="language" name="draft[language]">{options}</select>
        </div>
    }
    .into_any()
}

/// Each purpose is a choice of its own, and none is made for anyone.
fn purposes(draft: &Draft) -> AnyView {
    let w = words();
    let purposes = [
        ("reminders", w.details_reminders(), w.details_reminders_hint(), &draft.reminders),
        ("recalls", w.details_recalls(), w.details_recalls_hint(), &draft.recalls),
        ("surveys", w.details_surveys(), w.details_surveys_hint(), &draft.surveys),
        ("news", w.details_news(), w.details_news_hint(), &draft.news),
    ]
    .map(|(field, label, hint, value)| view! { <Choice id=field field=field checked=value == "on" label=label hint=hint/> });
    view! {
        <fieldset class="field" id="contact" aria-describedby="contact-hint">
            <legend>{w.details_contact()}</legend>
            <p class="hint" id="contact-hint">{w.details_contact_hint()}</p>
            <div class="choices">{purposes}</div>
        </fieldset>
    }
    .into_any()
}

fn give_back(clinic: &ClinicSlug, held: &Held, release: Sending) -> AnyView {
    let button =
        view! { <div><button class="btn text small" aria-busy=busy(release)>{words().details_give_back()}</button></div> };
    form(release, None, hold_fields(clinic, held), button)
}
