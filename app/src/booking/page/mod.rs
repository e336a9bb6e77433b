//! The patient's pages of booking, in the order of the way through them.
//!
//! - [`choose`]: what do you need?
//! - [`times`]: when, who with, where; [`address`] is what its links say, [`calendar`] its month,
//!   [`picks`] with whom and where, [`slots`] its buttons, [`wait`] what to do if none suits
//! - [`details`]: who are you?; [`keeping`] what becomes of their hold
//! - [`series`]: several visits instead of one
//! - [`check`]: is this right?
//! - [`held`]: what has become of a hold, for both of them
//! - [`visit`]: the booked visit's private page; [`relocate`] moves it, [`cancel`] ends it,
//!   [`shift`] and [`together`] do so with all of its series;
//!   [`contact`] says where its letters go, [`links`] is for who lost its address; `booked` is its
//!   beginning, in the frame of a clinic's website
//!
//! Each page asks the server inside its view, so that what it needs to read the answer loads with
//! its group and not with every page.

mod address;
#[cfg(feature = "ssr")]
mod booked;
mod calendar;
mod cancel;
mod check;
mod choose;
mod contact;
pub(crate) mod details;
pub(crate) mod held;
mod keeping;
pub(crate) mod links;
mod picks;
pub(crate) mod relocate;
mod series;
mod shift;
mod slots;
mod times;
mod together;
mod visit;
mod wait;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

#[cfg(feature = "ssr")]
pub use self::booked::booked_page;
pub use self::cancel::cancel_page;
pub use self::check::check_page;
pub use self::choose::choose_page;
pub use self::contact::contact_page;
pub use self::details::details_page;
pub use self::links::links_page;
pub use self::relocate::relocate_page;
pub use self::series::series_page;
pub use self::shift::move_all_page;
pub use self::times::{move_times_page, times_page};
pub use self::together::cancel_all_page;
pub use self::visit::visit_page;
use crate::ids::{ClinicSlug, LinkToken};

/// A part of the page's address.
fn segment(name: &'static str) -> impl Fn() -> Option<String> + Copy + Send + Sync + 'static {
    let params = use_params_map();
    move || params.with(|params| params.get(name))
}

/// The clinic and the secret part of a private link with this name.
pub(crate) fn private_link(name: &'static str) -> impl Fn() -> Option<(ClinicSlug, LinkToken)> + Copy + Send + Sync + 'static {
    let (clinic, token) = (segment("clinic"), segment(name));
    move || Some((clinic()?.parse().ok()?, LinkToken(token()?)))
}
