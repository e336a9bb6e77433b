//! What the server writes for people: times, days, lengths, money and names, in four languages.
//!
//! A time is worded once, here, and every page and letter shows that wording: so the time picked
//! is the time confirmed. Numerals follow CLDR 48 for our four locales, where Arabic without a
//! region writes 0 to 9, as the clinics' addresses and telephone numbers do.
//! No-break spaces hold together what must not be torn apart: number, unit and month.
//!
//! - `time`: a moment, a day, a month, the names of the weekdays
//! - `place`: a zone as a place: "London time (GMT)"
//! - `hours`: opening hours in lines
//! - `amount`: numbers, lengths of time, money
//! - `tongue`: the name of a language
//!
//! What it is *not*: sentences. Those are in the app's words and in the letters' templates.

mod amount;
mod hours;
mod place;
mod time;
mod tongue;

pub use amount::{duration, money, number};
pub use hours::opening_hours;
pub use place::zone_label;
pub use time::{clock_label, day, day_label, first_weekday, moment, month_label, weekday_label, weekday_names};
pub use tongue::language_name;

/// U+00A0: a space where no line may break.
pub const NBSP: char = '\u{a0}';
