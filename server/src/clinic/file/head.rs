//! `[clinic]`: who the clinic is, and what holds for every treatment that does not say otherwise.

use app::clinic::model::{Cancellation, Clinic, Texts, WaitlistTerms};
use app::fields::{Email, Phone};
use app::ids::{ClinicSlug, TreatmentSlug};
use app::routes;
use app::words::Language;

use super::report::{Reported, did_you_mean};
use super::section::{Section, Value};
use super::{values, whole};
use crate::clinic::currency;

pub(super) const HORIZON_DAYS: u32 = 90;
pub(super) const NOTICE_MIN: u32 = 2 * values::MINUTES_PER_HOUR;
pub(super) const CANCELLATION: Cancellation = Cancellation { free_until_min: 0, fee: 0 };
/// Evergreen.
const HUE: u32 = 164;

/// `[clinic]`, each key for itself, so that one mistake does not hide the others.
pub(super) struct Head {
    slug: Result<ClinicSlug, Reported>,
    name: Result<String, Reported>,
    about: Result<Texts, Reported>,
    phone: Result<Phone, Reported>,
    phone_label: Result<String, Reported>,
    phone_hours: Result<Texts, Reported>,
    email: Result<Email, Reported>,
    emergency: Result<Texts, Reported>,
    emergency_phone: Result<String, Reported>,
    hue: Result<u32, Reported>,
    currency: Result<String, Reported>,
    pub(super) languages: Result<Vec<Language>, Reported>,
    sites: Result<Vec<String>, Reported>,
    pub(super) horizon_days: Result<u32, Reported>,
    waitlist: Result<WaitlistTerms, Reported>,
    pub(super) notice_min: Result<u32, Reported>,
    pub(super) cancellation: Result<Cancellation, Reported>,
}

pub(super) fn read(section: &Section<'_>) -> Head {
    let languages = section.required("languages", "[\"en\", \"es\"]", languages);
    let spoken = languages.as_deref().ok();
    let currency = section.required("currency", "\"GBP\"", |value| value.parsed(values::currency_code));
    let digits = currency.as_deref().ok().and_then(currency::digits).unwrap_or(2);
    let phone = section.required("phone", "\"+44 20 7946 0123\"", |value| value.parsed(values::phone));
    let as_written = section.value("phone", "").map(Value::name);
    let phone_label = section.optional("phone_label", "\"020 7946 0123\"", Value::name);
    let head = Head {
        slug: section.required("slug", "\"rowan-street\"", unreserved_slug),
        name: section.required("name", "\"Rowan Street Clinic\"", Value::name),
        about: section.required("about", "{ en = \"…\" }", |value| value.texts(spoken)),
        phone_label: phone_label.and_then(|label| label.map_or_else(|| as_written.unwrap_or(Err(Reported)), Ok)),
        phone,
        phone_hours: section.required("phone_hours", "{ en = \"Monday to Friday, 8 am to 6 pm\" }", |value| value.texts(spoken)),
        email: section.required("email", "\"hello@example.org\"", |value| value.parsed(values::email)),
        emergency: section.required("emergency", "{ en = \"Call 999. Do not wait for a visit.\" }", |value| value.texts(spoken)),
        emergency_phone: section.required("emergency_phone", "\"999\"", |value| value.parsed(values::emergency_phone)),
        hue: section.optional("hue", "164", |value| value.whole_number(0, 359)).map(|hue| hue.unwrap_or(HUE)),
        sites: section
            .optional("sites", "[\"https://www.example.org\"]", |value| value.list(|item| item.parsed(values::site)))
            .map(Option::unwrap_or_default),
        horizon_days: section
            .optional("horizon", "\"90 days\"", |value| value.parsed(values::horizon_days))
            .map(|days| days.unwrap_or(HORIZON_DAYS)),
        waitlist: waitlist(section),
        notice_min: section
            .optional("notice", "\"2 h\"", |value| value.parsed(values::ahead))
            .map(|notice| notice.unwrap_or(NOTICE_MIN)),
        cancellation: cancellation(section, digits, CANCELLATION),
        currency,
        languages,
    };
    section.done();
    head
}

/// `cancellation = { free_until = "24 h", fee = "20" }`; without it, what holds otherwise.
pub(super) fn cancellation(section: &Section<'_>, digits: u32, otherwise: Cancellation) -> Result<Cancellation, Reported> {
    const EXAMPLE: &str = "{ free_until = \"24 h\", fee = \"20\" }";
    let read = |value: Value<'_>| {
        let table = value.table("cancellation")?;
        let free_until_min = table.required("free_until", "\"24 h\"", |value| value.parsed(values::ahead));
        let fee = table.required("fee", "\"20\"", |value| value.number_or_text(|text| values::price(text, digits)));
        table.done();
        Ok(Cancellation { free_until_min: free_until_min?, fee: fee? })
    };
    section.optional("cancellation", EXAMPLE, read).map(|cancellation| cancellation.unwrap_or(otherwise))
}

/// `waitlist = { offer = "60 min", hours = "08:00-21:00" }`.
fn waitlist(section: &Section<'_>) -> Result<WaitlistTerms, Reported> {
    const EXAMPLE: &str = "{ offer = \"60 min\", hours = \"08:00-21:00\" }";
    let read = |value: Value<'_>| {
        let table = value.table("waitlist")?;
        let usual = WaitlistTerms::default();
        let offer_min = table.optional("offer", "\"60 min\"", |value| value.parsed(values::offer_min));
        let hours = table.optional("hours", "\"08:00-21:00\"", |value| value.parsed(values::hours));
        table.done();
        Ok(WaitlistTerms { offer_min: offer_min?.unwrap_or(usual.offer_min), hours: hours?.unwrap_or(usual.hours) })
    };
    section.optional("waitlist", EXAMPLE, read).map(Option::unwrap_or_default)
}

/// A slug that can stand in an address.
pub(super) fn unreserved_slug<T: std::str::FromStr<Err = app::ids::NotASlug>>(value: Value<'_>) -> Result<T, Reported> {
    let slug = slug(value)?;
    let text = value.text()?;
    if routes::RESERVED.contains(&text) {
        return Err(
            value.wrong(format!("\"{text}\" is reserved for an address of the program. Choose another word, like \"{text}-1\"."))
        );
    }
    Ok(slug)
}

pub(super) fn slug<T: std::str::FromStr<Err = app::ids::NotASlug>>(value: Value<'_>) -> Result<T, Reported> {
    value.parsed(|text| text.parse().map_err(|rule| format!("\"{text}\" cannot stand in an address: {rule}.")))
}

/// A category's slug or a kind of room: the shape of a slug, so that two spellings of one are less likely.
pub(super) fn plain_slug(value: Value<'_>) -> Result<String, Reported> {
    slug::<TreatmentSlug>(value).map(String::from)
}

fn languages(value: Value<'_>) -> Result<Vec<Language>, Reported> {
    let tags = Language::ALL.map(Language::tag);
    let languages = value.list(|item| {
        item.parsed(|text| {
            Language::ALL.into_iter().find(|language| language.tag() == text).ok_or_else(|| {
                let guess = did_you_mean(text, tags);
                format!("the pages do not speak \"{text}\". Choose from {}.{guess}", tags.join(", "))
            })
        })
    })?;
    if languages.is_empty() {
        return Err(value.wrong("this list is empty. Write for example: languages = [\"en\"]"));
    }
    if (1..languages.len()).any(|at| languages[..at].contains(&languages[at])) {
        return Err(value.wrong("a language is in the list twice. Keep one of them."));
    }
    Ok(languages)
}

impl Head {
    pub(super) fn currency_digits(&self) -> u32 {
        self.currency.as_deref().ok().and_then(currency::digits).unwrap_or(2)
    }

    pub(super) fn into_clinic(self, parts: whole::Parts) -> Result<Clinic, Reported> {
        Ok(Clinic {
            slug: self.slug?,
            name: self.name?,
            about: self.about?,
            phone: self.phone?,
            phone_label: self.phone_label?,
            phone_hours: self.phone_hours?,
            email: self.email?,
            emergency: self.emergency?,
            emergency_phone: self.emergency_phone?,
            hue: u16::try_from(self.hue?).map_err(|_| Reported)?,
            currency: self.currency?,
            languages: self.languages?,
            sites: self.sites?,
            horizon_days: self.horizon_days?,
            waitlist: self.waitlist?,
            locations: parts.locations.into_items(),
            practitioners: parts.practitioners.into_items(),
            rooms: parts.rooms.into_items(),
            questionnaires: parts.questionnaires.into_items(),
            categories: parts.categories.into_items(),
            treatments: parts.treatments.into_items(),
            shifts: parts.shifts.into_items().concat(),
            exceptions: parts.exceptions.into_items().concat(),
            closures: parts.closures.into_items(),
        })
    }
}
