//! The clinic as its file describes it (server side), and the small views that pages show.
//!
//! Wall-clock times stay wall-clock times here: only the rules, given a zone, make instants.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveTime, Weekday};
use serde::{Deserialize, Serialize};

use crate::fields::{Email, Phone};
use crate::ids::{ClinicSlug, LocationSlug, PractitionerSlug, QuestionnaireSlug, RoomSlug, TreatmentSlug};
use crate::words::Language;

/// One text in several languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Texts(pub BTreeMap<String, String>);

impl Texts {
    /// The text in this language, else in English, else in whichever there is.
    pub fn get(&self, language: Language) -> &str {
        [language.tag(), "en"]
            .into_iter()
            .find_map(|tag| self.0.get(tag))
            .or_else(|| self.0.values().next())
            .map_or("", String::as_str)
    }
}

/// A whole clinic. Everything in it is checked: every slug that is mentioned exists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clinic {
    pub slug: ClinicSlug,
    pub name: String,
    /// One or two sentences for the home page.
    pub about: Texts,
    pub phone: Phone,
    /// How the number is written for people.
    pub phone_label: String,
    /// When somebody answers it: "Monday to Friday, 8 am to 6 pm".
    pub phone_hours: Texts,
    pub email: Email,
    /// What to do when it cannot wait.
    pub emergency: Texts,
    pub emergency_phone: String,
    /// The accent's hue, 0 to 359.
    pub hue: u16,
    /// ISO 4217.
    pub currency: String,
    /// The first is the fallback for letters.
    pub languages: Vec<Language>,
    /// Origins that may embed the booking widget.
    pub sites: Vec<String>,
    /// Times are offered at most this many days ahead.
    pub horizon_days: u32,
    /// How times that come free are offered to those who wait for one.
    #[serde(default)]
    pub waitlist: WaitlistTerms,
    pub locations: Vec<Location>,
    pub practitioners: Vec<Practitioner>,
    pub rooms: Vec<Room>,
    pub questionnaires: Vec<Questionnaire>,
    pub categories: Vec<Category>,
    pub treatments: Vec<Treatment>,
    pub shifts: Vec<Shift>,
    pub exceptions: Vec<ShiftException>,
    pub closures: Vec<Closure>,
}

impl Clinic {
    pub fn location(&self, slug: &LocationSlug) -> Option<&Location> {
        self.locations.iter().find(|location| location.slug == *slug)
    }

    pub fn practitioner(&self, slug: &PractitionerSlug) -> Option<&Practitioner> {
        self.practitioners.iter().find(|practitioner| practitioner.slug == *slug)
    }

    pub fn treatment(&self, slug: &TreatmentSlug) -> Option<&Treatment> {
        self.treatments.iter().find(|treatment| treatment.slug == *slug)
    }

    pub fn questionnaire(&self, slug: &QuestionnaireSlug) -> Option<&Questionnaire> {
        self.questionnaires.iter().find(|questionnaire| questionnaire.slug == *slug)
    }

    /// The rooms of a location that suit a treatment; empty also if it needs none.
    pub fn rooms_for<'a>(&'a self, treatment: &'a Treatment, location: &'a LocationSlug) -> impl Iterator<Item = &'a Room> {
        self.rooms.iter().filter(move |room| room.location == *location && Some(&room.kind) == treatment.room_kind.as_ref())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    pub slug: LocationSlug,
    pub name: String,
    /// In one line, as on a letter.
    pub address: String,
    /// The same in parts, for directories; `None` if the clinic's file does not say them.
    #[serde(default)]
    pub postal: Option<PostalAddress>,
    /// An IANA zone: "Europe/London".
    pub zone: String,
    /// How to get there and in.
    pub directions: Texts,
}

/// The parts of an address that SMART Scheduling Links ask for, under FHIR's names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostalAddress {
    /// Street and number.
    pub line: String,
    pub city: String,
    /// Where a country has such: "MA".
    pub state: Option<String>,
    pub postal_code: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Practitioner {
    pub slug: PractitionerSlug,
    pub name: String,
    /// "Physiotherapist".
    pub role: Texts,
    pub about: Texts,
    /// BCP 47 tags of the languages they speak; not only those of the pages.
    pub languages: Vec<String>,
}

/// A room or a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    pub slug: RoomSlug,
    pub name: String,
    pub location: LocationSlug,
    /// Treatments ask for a kind, not for a room.
    pub kind: String,
}

/// A form that a patient fills before a visit, as the confirmation names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Questionnaire {
    pub slug: QuestionnaireSlug,
    pub name: Texts,
    pub about: Texts,
}

/// How treatments are grouped for choosing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    pub slug: String,
    pub name: Texts,
}

/// What a patient can book. All durations in minutes, multiples of five.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Treatment {
    pub slug: TreatmentSlug,
    pub category: String,
    pub name: Texts,
    pub description: Texts,
    pub duration_min: u32,
    pub buffer_before_min: u32,
    pub buffer_after_min: u32,
    /// Visits start at the shift's start and every so many minutes after it.
    pub every_min: u32,
    /// In the currency's smallest unit; 0 is "no charge".
    pub price: u32,
    pub practitioners: Vec<PractitionerSlug>,
    /// `None`: needs no room.
    pub room_kind: Option<String>,
    /// More than one makes it a group session.
    pub capacity: u32,
    pub confirmation: Confirmation,
    pub audience: Audience,
    /// Not sooner than this before the start.
    pub notice_min: u32,
    /// Not later than this many days ahead; at most the clinic's horizon.
    pub horizon_days: u32,
    pub cancellation: Cancellation,
    pub before: Texts,
    pub after: Texts,
    pub questionnaires: Vec<QuestionnaireSlug>,
    pub recall_days: Option<u32>,
    /// At most so many visits in one go; `None`: one at a time.
    pub series_max: Option<u32>,
}

/// Whether a booking stands at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Confirmation {
    Instant,
    /// Staff answer within so many minutes; the time stays occupied until then.
    OnRequest {
        answer_within_min: u32,
    },
}

/// Who may book a treatment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Audience {
    Anyone,
    New,
    Existing,
    /// Only who had one of these treatments before.
    Had(Vec<TreatmentSlug>),
    /// Only whom the clinic's list of patients names for it.
    Invited,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancellation {
    /// Free until this long before the start.
    pub free_until_min: u32,
    /// After that; smallest unit of the clinic's currency.
    pub fee: u32,
}

/// A weekly rule: when a practitioner works at a location, by the clock on its wall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    pub practitioner: PractitionerSlug,
    pub location: LocationSlug,
    pub days: Vec<Weekday>,
    pub hours: Hours,
    /// First and last day of the rule, both included; `None` is open.
    pub first: Option<NaiveDate>,
    pub last: Option<NaiveDate>,
    /// `None`: all that the practitioner gives.
    pub treatments: Option<Vec<TreatmentSlug>>,
}

/// A span of the day by the clock on the wall. An end at midnight is the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    pub from: NaiveTime,
    pub until: NaiveTime,
}

impl Hours {
    /// Minutes since midnight; the end is 1440 at midnight.
    pub fn minutes(self) -> (u32, u32) {
        use chrono::Timelike;
        let minute = |time: NaiveTime| time.hour() * 60 + time.minute();
        let until = minute(self.until);
        (minute(self.from), if until == 0 { 24 * 60 } else { until })
    }
}

/// How times that come free are offered to those who wait for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitlistTerms {
    /// How long one is theirs to take, in minutes.
    pub offer_min: u32,
    /// When offers go out, by the clock on the location's wall.
    pub hours: Hours,
}

impl Default for WaitlistTerms {
    fn default() -> Self {
        let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
        Self { offer_min: 60, hours: Hours { from: hour(8), until: hour(21) } }
    }
}

/// On this date the practitioner's weekly rules at this location do not hold: these hours do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShiftException {
    pub practitioner: PractitionerSlug,
    /// `None`: at every location.
    pub location: Option<LocationSlug>,
    pub date: NaiveDate,
    /// Empty: does not work.
    pub hours: Vec<Hours>,
    /// `None`: all that the practitioner gives.
    pub treatments: Option<Vec<TreatmentSlug>>,
}

/// The clinic, or one location of it, is closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closure {
    pub location: Option<LocationSlug>,
    pub first: NaiveDate,
    pub last: NaiveDate,
    /// `None`: the whole days.
    pub hours: Option<Hours>,
    pub reason: Texts,
}

/// What every page of a clinic shows around its content. Texts are in the caller's language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClinicCard {
    pub slug: ClinicSlug,
    pub name: String,
    pub about: String,
    pub phone: Phone,
    pub phone_label: String,
    pub phone_hours: String,
    pub email: Email,
    pub emergency: String,
    pub emergency_phone: String,
    pub languages: Vec<Language>,
    /// Letters are kept in a folder that a page shows.
    pub demo: bool,
}

/// The home page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClinicHome {
    pub card: ClinicCard,
    pub categories: Vec<CategoryCard>,
    pub locations: Vec<LocationCard>,
    pub practitioners: Vec<PractitionerCard>,
}

/// Treatments under one heading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryCard {
    pub slug: String,
    pub name: String,
    pub treatments: Vec<TreatmentCard>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreatmentCard {
    pub slug: TreatmentSlug,
    pub name: String,
    pub description: String,
    /// "45 minutes".
    pub duration: String,
    /// "£65" or "No charge".
    pub price: String,
    /// It costs nothing.
    pub free: bool,
    pub audience: AudienceKind,
    pub on_request: bool,
    /// More than one seat.
    pub group: bool,
}

/// Who a treatment is for, as far as a page says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AudienceKind {
    Anyone,
    New,
    Existing,
    Had,
    Invited,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationCard {
    pub slug: LocationSlug,
    pub name: String,
    pub address: String,
    /// An IANA zone: "Europe/London".
    pub zone: String,
    pub directions: String,
    /// "Monday to Friday 8 am to 6 pm" lines, made from the shifts; may be empty.
    pub hours: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PractitionerCard {
    pub slug: PractitionerSlug,
    pub name: String,
    pub role: String,
    pub about: String,
    /// Names of the languages they speak, in the caller's language.
    pub languages: Vec<String>,
}
