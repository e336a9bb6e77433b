//! From what was typed to what is known: the draft parsed, and who may book.

use app::booking::model::Draft;
use app::clinic::model::{Audience, Clinic, Treatment};
use app::fields::{self, Email, FieldError, FieldErrors, PersonName, Phone};
use app::ids::ClinicSlug;
use app::words::Language;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, NaiveDate, Utc};
use sha2::{Digest as _, Sha256};

use super::store::appointment;
use super::store::hold::HoldRow;
use super::store::patient::{self, Found, Person};
use crate::store::{StoreError, Tx};

/// A complete draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    pub person: Person,
    /// Who typed, if it is not the patient.
    pub booker_name: Option<String>,
    pub reason: Option<String>,
    /// Every purpose with the answer.
    pub consents: [(&'static str, bool); 4],
}

/// Checks everything at once. `today` is the date where the visit takes place.
pub fn parse(draft: &Draft, today: NaiveDate, page: Language) -> Result<Details, FieldErrors> {
    let mut errors = FieldErrors::default();
    let for_other = draft.who_for == "other";
    if !for_other && draft.who_for != "self" {
        errors.add("who_for", FieldError::Missing);
    }
    let booker = if for_other { errors.take("booker_name", PersonName::parse(&draft.booker_name).map(Some)) } else { Some(None) };
    let name = errors.take("name", PersonName::parse(&draft.name));
    let birth_date = fields::birth_date(&draft.birth_day, &draft.birth_month, &draft.birth_year, today, &mut errors);
    let email = errors.take("email", Email::parse(&draft.email));
    let phone = errors.take("phone", Phone::parse(&draft.phone));
    if let (Some(None), Some(None)) = (&email, &phone) {
        errors.add("email", FieldError::NoContact);
    }
    let reason = errors.take("reason", fields::note(&draft.reason));
    let (Some(booker), Some(name), Some(birth_date), Some(email), Some(phone), Some(reason), true) =
        (booker, name, birth_date, email, phone, reason, errors.is_empty())
    else {
        return Err(errors);
    };
    Ok(Details {
        person: Person {
            folded_name: name.folded(),
            name: name.as_str().to_owned(),
            birth_date,
            email: email.map(|email| email.as_str().to_owned()),
            phone: phone.map(|phone| phone.as_str().to_owned()),
            language: Language::parse(&draft.language).unwrap_or(page),
        },
        booker_name: booker.map(|name| name.as_str().to_owned()),
        reason,
        consents: [
            ("reminders", ticked(&draft.reminders)),
            ("recalls", ticked(&draft.recalls)),
            ("surveys", ticked(&draft.surveys)),
            ("news", ticked(&draft.news)),
        ],
    })
}

fn ticked(value: &str) -> bool {
    value == "on"
}

/// Longest text that a draft keeps of one line, in characters: more was never typed by a person.
const LINE_CHARS_MAX: usize = 320;
/// The same of the one field that has many lines.
const NOTE_CHARS_MAX: usize = 2 * fields::NOTE_CHARS_MAX;

/// Cuts what no person typed, so that a draft stays small.
pub fn bounded(mut draft: Draft) -> Draft {
    let Draft {
        who_for,
        booker_name,
        name,
        birth_day,
        birth_month,
        birth_year,
        email,
        phone,
        reason,
        language,
        reminders,
        recalls,
        surveys,
        news,
    } = &mut draft;
    cut_note(reason);
    for field in [
        who_for,
        booker_name,
        name,
        birth_day,
        birth_month,
        birth_year,
        email,
        phone,
        language,
        reminders,
        recalls,
        surveys,
        news,
    ] {
        cut(field);
    }
    draft
}

/// Cuts what no person typed into one line.
pub fn cut(field: &mut String) {
    shorten(field, LINE_CHARS_MAX);
}

/// The same for the text that has many.
pub fn cut_note(field: &mut String) {
    shorten(field, NOTE_CHARS_MAX);
}

fn shorten(field: &mut String, chars_max: usize) {
    if let Some((end, _)) = field.char_indices().nth(chars_max) {
        field.truncate(end);
    }
    // PostgreSQL's JSONB refuses the NUL character; nobody types it.
    field.retain(|c| c != '\0');
}

/// A fingerprint of all that the check page shows. Confirming sends it back, so a price, a
/// duration or a time that changed meanwhile is shown again before it is agreed to.
pub fn version(clinic: &Clinic, treatment: &Treatment, hold: &HoldRow) -> String {
    let (place, draft) = (&hold.place, &hold.draft);
    let others = hold.others.iter().map(|other| (&other.place.practitioner, other.place.start)).collect::<Vec<_>>();
    let seen = serde_json::json!([
        clinic.currency,
        treatment.price,
        treatment.duration_min,
        treatment.cancellation,
        treatment.confirmation,
        place.treatment,
        place.practitioner,
        place.location,
        place.start,
        place.end,
        draft,
        others,
    ]);
    URL_SAFE_NO_PAD.encode(&Sha256::digest(seen.to_string())[..15])
}

/// Whether this person may book this treatment. Answers the same for a stranger and for a patient
/// without the visit it takes, so that nobody learns who is a patient here.
pub async fn is_eligible(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    treatment: &Treatment,
    found: Option<&Found>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    if found.is_some_and(|found| !found.books_online) {
        return Ok(false);
    }
    if treatment.audience == Audience::Anyone {
        return Ok(true);
    }
    let had = match found {
        Some(found) => appointment::had(tx, clinic, found.id, now).await?,
        None => Vec::new(),
    };
    let existing = found.is_some_and(|found| found.known) || !had.is_empty();
    Ok(match &treatment.audience {
        Audience::Anyone => true,
        Audience::New => !existing,
        Audience::Existing => existing,
        Audience::Invited => match found {
            Some(found) => patient::is_invited(tx, clinic, found.id, &treatment.slug).await?,
            None => false,
        },
        Audience::Had(treatments) => treatments.iter().any(|wanted| had.iter().any(|had| had == wanted.as_str())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft {
            who_for: "self".into(),
            name: "Maya Haddad".into(),
            birth_day: "27".into(),
            birth_month: "3".into(),
            birth_year: "1984".into(),
            phone: "07700 900461".into(),
            ..Draft::default()
        }
    }

    fn parsed(draft: &Draft) -> Result<Details, FieldErrors> {
        parse(draft, NaiveDate::from_ymd_opt(2026, 3, 11).unwrap(), Language::De)
    }

    #[test]
    fn one_contact_is_enough_and_none_is_said_once() {
        assert!(parsed(&draft()).is_ok());
        let errors = parsed(&Draft { phone: String::new(), ..draft() }).unwrap_err();
        assert_eq!(errors.0.into_iter().collect::<Vec<_>>(), [("email".to_owned(), FieldError::NoContact)]);
    }

    #[test]
    fn every_mistake_is_found_at_once() {
        let errors =
            parsed(&Draft { email: "maya@".into(), birth_month: "13".into(), who_for: "other".into(), ..draft() }).unwrap_err();
        assert_eq!(errors.0.keys().collect::<Vec<_>>(), ["birth_month", "booker_name", "email"]);
    }

    #[test]
    fn nothing_is_agreed_to_that_was_not_ticked() {
        let details = parsed(&Draft { reminders: "on".into(), news: "yes".into(), ..draft() }).unwrap();
        assert_eq!(details.consents, [("reminders", true), ("recalls", false), ("surveys", false), ("news", false)]);
        assert_eq!(details.person.language, Language::De);
    }

    #[test]
    fn an_endless_field_is_cut_and_a_nul_is_dropped() {
        let endless = format!("\0{}", "ä".repeat(10_000));
        let cut = bounded(Draft { reason: endless.clone(), name: endless, ..draft() });
        assert_eq!((cut.reason.chars().count(), cut.name.chars().count()), (NOTE_CHARS_MAX - 1, LINE_CHARS_MAX - 1));
    }
}
