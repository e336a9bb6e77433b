//! Times on offer, a time that is held, what the patient typed, and the visit that comes of it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::series::model::{OtherState, OtherVisit, SeriesVisit};
use crate::clinic::model::{LocationCard, PractitionerCard, TreatmentCard};
use crate::fields::FieldErrors;
use crate::ids::{ClinicSlug, LinkToken, LocationSlug, PractitionerSlug, TreatmentSlug};
use crate::moment::{Day, Moment};
use crate::words::Language;

/// Which times a page wants to see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimesQuery {
    pub clinic: ClinicSlug,
    #[serde(flatten)]
    pub what: TimesFor,
    /// `None`: anyone.
    pub practitioner: Option<PractitionerSlug>,
    /// `None`: where the visit is that would move, or the clinic's first that has free times.
    pub location: Option<LocationSlug>,
    /// List: days with times are listed from here on; `None` is from now. Calendar: the day whose
    /// times are shown; `None` shows none yet.
    pub from: Option<NaiveDate>,
    /// Calendar: any day of the month to show. `None`: the list is asked for.
    pub month: Option<NaiveDate>,
    /// The reader's own IANA zone, if known.
    pub zone: Option<String>,
}

/// What a time is wanted for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimesFor {
    /// A visit to book.
    Treatment(TreatmentSlug),
    /// Another time for this visit, which is not in its own way.
    Visit(LinkToken),
}

/// What can be booked, and everything the page says around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    pub treatment: TreatmentCard,
    pub practitioner: Option<PractitionerCard>,
    pub location: LocationCard,
    /// Everyone who gives the treatment.
    pub practitioners: Vec<PractitionerCard>,
    /// Everywhere it is given.
    pub locations: Vec<LocationCard>,
    /// "London time (GMT)", for the first time shown.
    pub zone: String,
    /// The soonest of all, whatever part the page shows.
    pub soonest: Option<Slot>,
    /// Days with at least one free time, in order; for the calendar only the chosen day's.
    pub days: Vec<SlotDay>,
    /// Where "Show more days" goes on; `None` at the end.
    pub more_from: Option<NaiveDate>,
    pub calendar: Option<MonthGrid>,
    /// The last day on which this treatment can be booked.
    pub last_day: Day,
    /// The visit that would move, as it is now.
    pub moves: Option<Box<Visit>>,
    /// Group sessions of the next weeks that have no seat left, in order: one may wait for a seat.
    pub full: Vec<Slot>,
}

/// One day's free times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotDay {
    pub day: Day,
    /// Before noon by the clock on the wall.
    pub morning: Vec<Slot>,
    pub afternoon: Vec<Slot>,
}

/// A time on offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    pub start: Moment,
    /// Who it would be with; where anyone may do, one of those who are free.
    pub practitioner: PractitionerSlug,
    pub practitioner_name: String,
    /// Free seats of a group session; `None` for a visit of one's own.
    pub seats: Option<u32>,
}

/// A month as a table of weeks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthGrid {
    /// "March 2026".
    pub label: String,
    pub first: NaiveDate,
    /// Full and short names of the seven days, in the order of the columns.
    pub weekdays: Vec<WeekdayName>,
    /// Weeks of seven; `None` outside the month.
    pub weeks: Vec<Vec<Option<DayCell>>>,
    pub previous: Option<MonthLink>,
    pub next: Option<MonthLink>,
    /// The day whose times are shown.
    pub chosen: Option<NaiveDate>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeekdayName {
    pub full: String,
    pub short: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthLink {
    pub first: NaiveDate,
    pub label: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayCell {
    pub date: NaiveDate,
    pub number: String,
    /// "Monday 16 March".
    pub label: String,
    /// How many times are free.
    pub free: u32,
}

/// Please keep this time for me.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRequest {
    pub clinic: ClinicSlug,
    pub treatment: TreatmentSlug,
    pub location: LocationSlug,
    /// `None`: anyone who is free.
    pub practitioner: Option<PractitionerSlug>,
    pub start: DateTime<Utc>,
    /// A hold of mine that this one takes the place of; what was typed moves along.
    pub replaces: Option<LinkToken>,
}

/// A hold as its pages show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub token: LinkToken,
    pub state: HoldState,
    pub visit: VisitSummary,
    pub draft: Draft,
    /// What to mend in the draft; empty until it was sent once.
    pub errors: FieldErrors,
    /// The draft is complete: the check page may be shown.
    pub ready: bool,
    /// What the check page shows; confirming sends it back, so nobody confirms what they did not see.
    pub version: String,
    /// Of a series: the visits after the first.
    pub others: Vec<OtherVisit>,
    /// Of a series: what all visits cost together.
    pub total: Option<String>,
    /// At most so many visits can be booked in one go; `None`: one.
    pub series_max: Option<u32>,
}

impl Held {
    /// Every visit of it can still be had.
    pub fn is_whole(&self) -> bool {
        !self.others.iter().any(|other| matches!(other.state, OtherState::Gone { .. }))
    }
}

/// What has become of a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HoldState {
    /// Nobody else can take the time before then.
    Kept {
        until: Moment,
        /// Whole seconds until then, for a script that warns in time.
        left_s: u32,
        /// It was renewed as often as it may be.
        last: bool,
    },
    /// The hold ended and the time is still free: it can be taken again.
    Ended,
    /// Someone else has the time, or it is no longer offered.
    Gone { nearest: Vec<Slot> },
    /// Confirmed; this is the visit's private link.
    Booked { visit: LinkToken },
    /// Kept for somebody else, or for the same person in another browser: nothing is shown of what
    /// they typed, and nothing is asked for that they could read. It can be taken over.
    Elsewhere,
}

/// The visit that a hold or an appointment is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitSummary {
    pub treatment: TreatmentCard,
    pub start: Moment,
    /// When it ends.
    pub end: Moment,
    pub practitioner: PractitionerCard,
    /// They asked for this person, not for anyone.
    pub practitioner_chosen: bool,
    pub location: LocationCard,
    /// Free to cancel until then; `None` if that has passed already or cancelling is always free.
    pub free_until: Option<Moment>,
    /// "£20"; `None` if cancelling never costs anything.
    pub cancel_fee: Option<String>,
    /// On-request treatments: staff answer by then at the latest, counted from now.
    pub answer_by: Option<Moment>,
}

/// What the patient typed, exactly as typed: kept even where it is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    /// "self" or "other".
    pub who_for: String,
    /// Who is typing, if it is not the patient.
    pub booker_name: String,
    pub name: String,
    pub birth_day: String,
    pub birth_month: String,
    pub birth_year: String,
    pub email: String,
    pub phone: String,
    pub reason: String,
    /// A language tag; empty is the language of the page.
    pub language: String,
    /// "on" or empty, one field for each purpose: consent is never one tick for all.
    pub reminders: String,
    pub recalls: String,
    pub surveys: String,
    pub news: String,
}

/// A booked visit as its private page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    pub token: LinkToken,
    /// "RS-4K7Q2M": for the telephone.
    pub number: String,
    pub status: VisitStatus,
    pub summary: VisitSummary,
    pub patient_name: String,
    /// How to prepare; may be empty.
    pub before: String,
    /// Forms to fill before the visit, by name.
    pub questionnaires: Vec<String>,
    /// "m***@example.org" or "the number ending 461": where the letter went.
    pub sent_to: String,
    pub in_past: bool,
    /// What the clinic changed about it, until the patient has answered.
    pub unsettled: Option<Unsettled>,
    /// What staff made of a request, beyond its status.
    pub answered: Option<Answered>,
    /// Still to begin and not cancelled: it can be moved and cancelled.
    pub open: bool,
    /// What cancelling costs now: "£20"; `None` if it is free.
    pub fee_now: Option<String>,
    /// What cancelling cost.
    pub fee_due: Option<String>,
    /// There if it begins soon or has just begun: they may say that they are running late.
    pub late: Option<Lateness>,
    /// Its place on the waiting list, if it waits for another time.
    pub waitlist: Option<LinkToken>,
    /// What its letters are written in.
    pub language: Language,
    /// What a page shows of its state; changing the visit sends it back, so nobody changes what
    /// they did not see.
    pub version: String,
    /// What was typed on its pages and could not be taken over yet.
    pub draft: VisitDraft,
    /// The visits that were booked in one go with it, itself among them; empty for a single visit.
    pub series: Vec<SeriesVisit>,
}

/// What staff made of a request, where its status alone does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answered {
    /// They should have answered by now, and did not.
    Late,
    /// They said no; it is cancelled.
    No,
}

/// What the clinic did to a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UnsettledKind {
    Moved,
    Cancelled,
    /// The clinic's file has no place for it any more: closed, or somebody is away.
    Unfit,
}

/// A change by the clinic that the patient has not answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsettled {
    pub kind: UnsettledKind,
    /// When it would have begun before it was moved.
    pub before: Option<Moment>,
    /// The patient asked for a call.
    pub wants_call: bool,
}

/// How a patient answers a change by the clinic, if not by another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Settlement {
    Works,
    Call,
}

/// What was said about being late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lateness {
    /// By how much: "15 minutes"; `None` if nothing was said yet.
    pub said: Option<String>,
}

/// What was typed about a booked visit, exactly as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VisitDraft {
    pub cancel: Option<CancelDraft>,
    pub contact: Option<ContactDraft>,
}

/// Where the letters of a visit go from now on; what is empty stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContactDraft {
    pub email: String,
    pub phone: String,
    /// A language tag.
    pub language: String,
}

/// By how many minutes one may say to be late.
pub const LATE_MINS: [u32; 5] = [5, 10, 15, 20, 30];

/// Why somebody cancels; all of it may stay empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CancelDraft {
    /// One of [`CANCEL_WHYS`].
    pub why: String,
    /// In their own words.
    pub reason: String,
}

/// Where a visit could move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveWish {
    pub location: LocationSlug,
    /// `None`: anyone who is free.
    pub practitioner: Option<PractitionerSlug>,
    pub start: DateTime<Utc>,
}

/// Please move my visit there, as the page showed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveRequest {
    pub location: LocationSlug,
    pub practitioner: PractitionerSlug,
    /// They asked for anyone, and the page named this person.
    pub anyone: bool,
    pub start: DateTime<Utc>,
    /// [`Moving::version`] of that page.
    pub version: String,
}

/// A visit and the time to which it could move, side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moving {
    /// As it is now.
    pub visit: Visit,
    /// As it would be.
    pub to: VisitSummary,
    pub state: MoveState,
    /// What the page shows of the visit and of the terms of the new time.
    pub version: String,
}

/// Whether a visit can move to a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MoveState {
    Free,
    /// It is there already.
    Same,
    /// Someone else has the time, or it is not offered.
    Gone {
        nearest: Vec<Slot>,
    },
}

/// The short list of reasons for cancelling.
pub const CANCEL_WHYS: [&str; 5] = ["not-needed", "time", "elsewhere", "cost", "other"];

/// FHIR's appointment status, as far as a patient meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VisitStatus {
    /// Waits for the clinic's answer.
    Pending,
    Booked,
    Cancelled,
}
