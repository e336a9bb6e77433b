//! What to mend in a form, in the words that both the summary and the field show.

use leptos::prelude::*;

use super::icon::Icon;
use crate::fields::{FieldError, FieldErrors};
use crate::words::{Words, words};

/// The `id` of the summary.
pub const SUMMARY: &str = "to-fix";

/// The fields of forms in the order in which they stand on the page.
const ORDER: [&str; 15] = [
    "who_for",
    "booker_name",
    "name",
    "birth_day",
    "birth_month",
    "birth_year",
    "email",
    "phone",
    "contact",
    "reason",
    "language",
    "every",
    "day",
    "time",
    "visits",
];

/// What to do about one field.
pub fn mend(w: Words, field: &str, error: FieldError) -> &'static str {
    use FieldError::{InTheFuture, Malformed, Missing, NoContact, NoSuchDay, NoSuchMonth, NoSuchYear, TooLong};
    match (field, error) {
        (_, NoContact) => w.mend_contact(),
        ("booker_name", Missing) => w.mend_booker_name(),
        ("name", Missing) => w.mend_name(),
        ("name" | "booker_name", TooLong) => w.mend_name_long(),
        ("name" | "booker_name", Malformed) => w.mend_name_letters(),
        ("birth_day", Missing) => w.mend_birth_day_missing(),
        ("birth_month", Missing) => w.mend_birth_month_missing(),
        ("birth_year", Missing) => w.mend_birth_year_missing(),
        (_, NoSuchDay) => w.mend_birth_day(),
        (_, NoSuchMonth) => w.mend_birth_month(),
        (_, NoSuchYear) => w.mend_birth_year(),
        (_, InTheFuture) => w.mend_birth_future(),
        ("contact", _) => w.mend_contact_either(),
        ("email", _) => w.mend_email(),
        ("phone", _) => w.mend_phone(),
        ("reason", _) => w.mend_reason(),
        _ => w.mend_other(),
    }
}

/// Everything to mend: the first box to go to, and the words. Three empty boxes of one date are
/// one thing to do, and so is a missing way to reach someone.
pub fn problems(w: Words, errors: &FieldErrors) -> Vec<(&'static str, &'static str)> {
    let no_birth = ["birth_day", "birth_month", "birth_year"].iter().all(|part| errors.get(part) == Some(FieldError::Missing));
    let mut found: Vec<(&'static str, &'static str)> = Vec::new();
    for field in ORDER {
        let Some(error) = errors.get(field) else { continue };
        let text = if no_birth && field.starts_with("birth") { w.mend_birth() } else { mend(w, field, error) };
        if !found.iter().any(|(_, known)| *known == text) {
            found.push((field, text));
        }
    }
    found
}

/// The list at the top of a form; takes the focus when it appears.
#[component]
pub fn ErrorSummary(errors: Signal<FieldErrors>) -> impl IntoView {
    let w = words();
    move || {
        let found = errors.with(|errors| problems(w, errors));
        if found.is_empty() {
            return ().into_any();
        }
        let count = u32::try_from(found.len()).unwrap_or(u32::MAX);
        let lines = found
            .into_iter()
            .map(|(field, text)| view! { <li><a href=format!("#{field}") rel="external">{text}</a></li> })
            .collect::<Vec<_>>();
        view! {
            <div class="errors" role="alert" tabindex="-1" id=SUMMARY aria-labelledby="to-fix-title">
                <Icon name="alert"/>
                <div>
                    <h2 id="to-fix-title">{w.frame_to_fix(count)}</h2>
                    <ul role="list">{lines}</ul>
                </div>
            </div>
        }
        .into_any()
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::words::Language;

    fn found(errors: &[(&str, FieldError)]) -> Vec<(&'static str, &'static str)> {
        let mut all = FieldErrors::default();
        for (field, error) in errors {
            all.add(field, *error);
        }
        problems(Words::of(Language::En), &all)
    }

    #[test]
    fn what_to_mend_is_listed_in_the_order_of_the_page() {
        let fields: Vec<&str> =
            found(&[("phone", FieldError::Malformed), ("name", FieldError::Missing), ("birth_month", FieldError::NoSuchMonth)])
                .into_iter()
                .map(|(field, _)| field)
                .collect();
        assert_eq!(fields, ["name", "birth_month", "phone"]);
    }

    #[test]
    fn an_empty_date_is_one_thing_to_mend_and_leads_to_its_first_box() {
        let missing = ["birth_day", "birth_month", "birth_year"].map(|part| (part, FieldError::Missing));
        assert_eq!(found(&missing), [("birth_day", "Tell us the date of birth")]);
        assert_eq!(found(&missing[1..]).len(), 2, "two empty boxes are two things");
    }

    #[test]
    fn every_error_has_words_that_say_what_to_do() {
        use FieldError::{InTheFuture, Malformed, Missing, NoContact, NoSuchDay, NoSuchMonth, NoSuchYear, TooLong};
        for language in Language::ALL {
            for field in ORDER {
                for error in [Missing, TooLong, Malformed, NoSuchDay, NoSuchMonth, NoSuchYear, InTheFuture, NoContact] {
                    assert!(!mend(Words::of(language), field, error).is_empty(), "{language:?} {field} {error:?}");
                }
            }
        }
    }
}
