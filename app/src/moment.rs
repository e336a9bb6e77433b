//! An instant together with its labels, made once by the server in the clinic's zone.
//!
//! The browser never formats a time: what the list shows, the check page repeats and the letter
//! says is the same text from the same function, so a time picked is the time confirmed.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// A point in time as people read it. All labels are in the language of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    pub instant: DateTime<Utc>,
    /// The calendar day in the clinic's zone.
    pub date: NaiveDate,
    /// "Thursday 12 March"; with the year only if it is not this year.
    pub day: String,
    /// "9:20 am"; where daylight saving repeats the hour, with which of the two it is.
    pub time: String,
    /// "London time (GMT)".
    pub zone: String,
    /// The same instant where the reader is, if that is elsewhere: "2:20 pm in New York", with
    /// the day where that differs too.
    pub elsewhere: Option<String>,
}

/// A calendar day with its labels, in the language of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    pub date: NaiveDate,
    /// "Thursday 12 March".
    pub label: String,
    /// "Today" or "Tomorrow", in the clinic's zone.
    pub relative: Option<String>,
}
