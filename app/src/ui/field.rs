//! Boxes to type in and cards to choose from. Label above, hint under it, error between hint and
//! box; names and ids are the fields of the draft, so that an error's link finds its box.

use leptos::prelude::*;

use super::icon::Icon;
use super::problems::mend;
use crate::fields::FieldErrors;
use crate::words::words;

/// What is wrong with a field, under its hint.
#[component]
fn FieldErrorLine(field: &'static str, errors: Signal<FieldErrors>) -> impl IntoView {
    let w = words();
    move || {
        errors.with(|errors| errors.get(field)).map(|error| {
            view! {
                <p class="error" id=format!("{field}-error")>
                    <Icon name="alert"/>
                    <span><span class="vh">{w.frame_error()}</span>{mend(w, field, error)}</span>
                </p>
            }
        })
    }
}

/// `aria-describedby`: the hint, then the error while there is one.
fn described(
    field: &'static str,
    hint: bool,
    errors: Signal<FieldErrors>,
) -> impl Fn() -> Option<String> + Send + Clone + 'static {
    move || {
        let error = errors.with(|errors| errors.get(field).is_some());
        match (hint, error) {
            (true, true) => Some(format!("{field}-hint {field}-error")),
            (true, false) => Some(format!("{field}-hint")),
            (false, true) => Some(format!("{field}-error")),
            (false, false) => None,
        }
    }
}

fn wrong(field: &'static str, errors: Signal<FieldErrors>) -> impl Fn() -> Option<&'static str> + Send + 'static {
    move || errors.with(|errors| errors.get(field)).map(|_| "true")
}

/// One line of text. `kind` is the type of the input, `autocomplete` as in HTML.
#[component]
pub fn TextField(
    field: &'static str,
    label: &'static str,
    #[prop(optional)] hint: &'static str,
    #[prop(default = "text")] kind: &'static str,
    autocomplete: &'static str,
    #[prop(optional)] class: &'static str,
    value: String,
    errors: Signal<FieldErrors>,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=field>{label}</label>
            {(!hint.is_empty()).then(|| view! { <p class="hint" id=format!("{field}-hint")>{hint}</p> })}
            <FieldErrorLine field=field errors=errors/>
            <input
                class=format!("input {class}")
                id=field
                name=format!("draft[{field}]")
                type=kind
                autocomplete=autocomplete
                value=value
                aria-describedby=described(field, !hint.is_empty(), errors)
                aria-invalid=wrong(field, errors)
            />
        </div>
    }
    .into_any()
}

/// Several lines of text.
#[component]
pub fn NoteField(
    field: &'static str,
    label: &'static str,
    hint: &'static str,
    value: String,
    errors: Signal<FieldErrors>,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=field>{label}</label>
            <p class="hint" id=format!("{field}-hint")>{hint}</p>
            <FieldErrorLine field=field errors=errors/>
            <textarea
                class="input"
                id=field
                name=format!("draft[{field}]")
                rows="3"
                aria-describedby=described(field, true, errors)
                aria-invalid=wrong(field, errors)
            >
                {value}
            </textarea>
        </div>
    }
    .into_any()
}

/// A date that people know by heart, in three boxes: `birth_day`, `birth_month`, `birth_year`.
/// Day first: so it is written in all our languages.
#[component]
pub fn BirthDate(day: String, month: String, year: String, errors: Signal<FieldErrors>) -> impl IntoView {
    let w = words();
    let boxes = [
        ("birth_day", w.details_day(), "bday-day", "w2", day),
        ("birth_month", w.details_month(), "bday-month", "w2", month),
        ("birth_year", w.details_year(), "bday-year", "w4", year),
    ]
    .map(|(field, label, autocomplete, width, value)| {
        view! {
            <div>
                <label for=field>{label}</label>
                <input
                    class=format!("input {width}")
                    id=field
                    name=format!("draft[{field}]")
                    // A month may be typed as a word.
                    inputmode=(field != "birth_month").then_some("numeric")
                    autocomplete=autocomplete
                    value=value
                    aria-invalid=wrong(field, errors)
                />
            </div>
        }
    });
    let lines = move || {
        let birth = errors.with(|errors| super::problems::problems(w, errors));
        let lines = birth.into_iter().filter(|(field, _)| field.starts_with("birth")).map(|(_, text)| {
            view! { <span class="error"><Icon name="alert"/><span><span class="vh">{w.frame_error()}</span>{text}</span></span> }
        });
        lines.collect::<Vec<_>>()
    };
    view! {
        <fieldset class="field" aria-describedby="birth-hint birth-errors">
            <legend>{w.details_birth()}</legend>
            <p class="hint" id="birth-hint">{w.details_birth_hint()}</p>
            <div id="birth-errors">{lines}</div>
            <div class="date">{boxes}</div>
        </fieldset>
    }
    .into_any()
}

/// A card that is a radio button or a checkbox; the whole card is its label.
#[component]
pub fn Choice(
    /// Unique on the page.
    id: &'static str,
    field: &'static str,
    /// What the field is part of.
    #[prop(default = "draft")]
    of: &'static str,
    #[prop(default = "checkbox")] kind: &'static str,
    #[prop(default = "on")] value: &'static str,
    checked: bool,
    #[prop(into)] label: String,
    #[prop(optional)] hint: &'static str,
) -> impl IntoView {
    view! {
        <label class="choice">
            <input type=kind id=id name=format!("{of}[{field}]") value=value checked=checked/>
            <span>{label}{(!hint.is_empty()).then(|| view! { <small>{hint}</small> })}</span>
        </label>
    }
    .into_any()
}
