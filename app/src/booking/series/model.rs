//! How often somebody wants to come, and what became of each time.

use serde::{Deserialize, Serialize};

use crate::booking::model::{Held, Slot, Visit};
use crate::ids::{LinkToken, PractitionerSlug};
use crate::moment::Moment;

/// How somebody wants to come, exactly as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SeriesWish {
    /// One of [`EVERY`].
    pub every: String,
    /// How many visits in all, the first included.
    pub visits: String,
    /// The second day of the week, for twice a week: "mon" to "sun".
    pub day: String,
    /// When on that day: "09:20"; empty is the same time.
    pub time: String,
}

/// How often one may come: once a week, twice a week, every two weeks.
pub const EVERY: [&str; 3] = ["week", "twice", "fortnight"];

/// A visit of a series besides the first, while it is being booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherVisit {
    pub start: Moment,
    pub practitioner: PractitionerSlug,
    pub practitioner_name: String,
    pub state: OtherState,
}

/// What has become of one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OtherState {
    /// Nobody else can take the time, for as long as the first is kept.
    Kept,
    /// Not kept any more, and still free.
    Free,
    /// Someone else has it, or it is not offered. The nearest first; none of them is in the way of
    /// the rest of the series.
    Gone { nearest: Vec<Slot> },
}

/// A hold that becomes a series, and what its page asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planning {
    pub held: Held,
    pub wish: SeriesWish,
    pub visits_max: u32,
    /// The days of the week besides the first visit's: "mon", "Monday".
    pub days: Vec<(String, String)>,
    /// When visits may begin on such a day: "09:20", "9:20 am".
    pub times: Vec<(String, String)>,
}

/// A booked visit among those that were booked with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesVisit {
    pub token: LinkToken,
    pub start: Moment,
    pub practitioner_name: String,
    pub state: SeriesVisitState,
    /// The one whose page it is.
    pub is_this: bool,
    /// What cancelling it costs now; `None` if it is free.
    pub fee_now: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SeriesVisitState {
    /// Can be moved and cancelled.
    Ahead,
    /// Has begun.
    Over,
    Cancelled,
}

/// The visits of a series that are still ahead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Together {
    /// The one whose link it is.
    pub visit: Visit,
    pub ahead: Vec<SeriesVisit>,
    /// What cancelling all of them costs now: "£40"; `None` if it is free.
    pub fee: Option<String>,
    /// What the page shows of them; changing them sends it back.
    pub version: String,
}
