//! The patient's pages of the waiting list.
//!
//! - [`entry`]: getting on it, where one stands, what suits
//! - [`offer`]: a time that is theirs to take
//! - [`ask`]: the button by which other pages lead here

mod ask;
mod entry;
mod offer;

pub use self::ask::{Asking, asking, button};
pub use self::entry::entry_page;
pub use self::offer::offer_page;
