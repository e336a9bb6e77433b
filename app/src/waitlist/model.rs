//! A place on the waiting list, and a time that is offered to whoever has it.

use serde::{Deserialize, Serialize};

use crate::booking::model::{Draft, Visit, VisitSummary};
use crate::clinic::model::TreatmentCard;
use crate::fields::FieldErrors;
use crate::ids::LinkToken;
use crate::moment::{Day, Moment};

/// What somebody wants to wait for, as a form sends it: a form cannot leave a field out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WaitFor {
    /// The private link of a visit that another time would move; empty to wait for a new one.
    pub visit: String,
    pub treatment: String,
    /// Empty: anyone.
    pub practitioner: String,
    /// Empty: anywhere.
    pub location: String,
    /// When a full group session begins, in RFC 3339, to wait for a seat of this one.
    pub session: String,
}

/// Which days and hours suit, as ticked: "on" or empty. None of the days is all of them, and so
/// with the hours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WishDraft {
    /// For a visit: "any" if a later time would do as well.
    pub which: String,
    pub mon: String,
    pub tue: String,
    pub wed: String,
    pub thu: String,
    pub fri: String,
    pub sat: String,
    pub sun: String,
    /// Before noon by the clock on the location's wall.
    pub morning: String,
    /// From noon to five.
    pub afternoon: String,
    /// From five.
    pub evening: String,
}

impl WishDraft {
    /// By day, Monday first.
    pub fn days(&self) -> [(&'static str, &str); 7] {
        [
            ("mon", &self.mon),
            ("tue", &self.tue),
            ("wed", &self.wed),
            ("thu", &self.thu),
            ("fri", &self.fri),
            ("sat", &self.sat),
            ("sun", &self.sun),
        ]
    }

    /// By part of the day.
    pub fn hours(&self) -> [(&'static str, &str); 3] {
        [("morning", &self.morning), ("afternoon", &self.afternoon), ("evening", &self.evening)]
    }
}

/// A place on the list as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub token: LinkToken,
    pub state: EntryState,
    pub treatment: TreatmentCard,
    /// "Tom Ferreira"; `None`: anyone.
    pub practitioner: Option<String>,
    /// `None`: anywhere.
    pub location: Option<String>,
    /// A full group session: they want a seat of this one.
    pub session: Option<Moment>,
    /// The visit that an earlier time would move.
    pub visit: Option<Visit>,
    pub wish: WishDraft,
    /// Full names of the days, Monday first.
    pub weekdays: Vec<String>,
    pub draft: Draft,
    /// What to mend in the draft; empty until it was sent once.
    pub errors: FieldErrors,
    /// Nothing is offered after that day.
    pub until: Day,
}

/// Where somebody stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryState {
    /// Not on the list until the form is sent.
    Typing,
    /// The same, but somebody else, or another browser, began it: nothing that was typed is shown,
    /// and nothing is asked for that they could read.
    Elsewhere,
    Waiting {
        /// How many who wait for this treatment are asked before them.
        before: u32,
        /// When they were last asked.
        asked: Option<Moment>,
        /// A time that is theirs to take.
        offer: Option<LinkToken>,
    },
    /// They have a time: this is the visit's private link.
    Done { visit: Option<LinkToken> },
    /// Not on the list any more.
    Left,
}

/// A time on offer as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub token: LinkToken,
    /// The place on the list.
    pub entry: LinkToken,
    pub state: OfferState,
    /// Still on the list, whatever becomes of this offer.
    pub waits: bool,
    pub to: VisitSummary,
    /// The visit that it would move.
    pub visit: Option<Visit>,
    pub patient_name: String,
    /// What the page shows; taking it sends it back, so nobody takes what they did not see.
    pub version: String,
}

/// What has become of an offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OfferState {
    /// Nobody else can take the time before then.
    Open { until: Moment },
    /// It is theirs: this is the visit's private link.
    Taken { visit: LinkToken },
    /// They said no.
    Declined,
    /// They did not answer in time.
    Lapsed,
    /// The clinic needed the time, or no longer gives it.
    Withdrawn,
}
