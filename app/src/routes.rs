//! Every page address in one table, lazy per page group, and the functions that write them.
//!
//! The first segment is the clinic's slug. A treatment's slug is the third, so the words that
//! stand there for something else are [`RESERVED`].

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use leptos::prelude::*;
use leptos_router::components::{FlatRoutes, Route};
use leptos_router::{Lazy, LazyRoute, SsrMode, path};

use crate::booking::model::Held;
use crate::booking::page::{
    cancel_all_page, cancel_page, check_page, choose_page, contact_page, details_page, links_page, move_all_page,
    move_times_page, relocate_page, series_page, times_page, visit_page,
};
use crate::clinic::page::{clinic_page, clinics_page};
use crate::embed;
use crate::ids::{ClinicSlug, LinkToken, LocationSlug, TreatmentSlug};
use crate::ui::state::NotFoundPage;
use crate::waitlist::page::{entry_page, offer_page};

/// Slugs that no clinic and no treatment may have, because an address needs them.
pub const RESERVED: [&str; 14] = [
    "api", "pkg", "assets", "health", "ready", "metrics", "mailbox", "embed", "booking", "hold", "visit", "console", "account",
    "fhir",
];

#[component]
pub fn PageRoutes() -> impl IntoView {
    view! {
        <FlatRoutes fallback=NotFoundPage>
            <Route path=path!("/") view={Lazy::<Clinics>::new()} ssr=SsrMode::Async/>
            <Route path=path!("/:clinic") view={Lazy::<Clinic>::new()} ssr=SsrMode::Async/>
            <Route path=path!("/:clinic/booking") view={Lazy::<Choose>::new()} ssr=SsrMode::Async/>
            <Route path=path!("/:clinic/booking/:treatment") view={Lazy::<Times>::new()} ssr=SsrMode::Async/>
            <Route path=path!("/:clinic/booking/hold/:hold") view={Lazy::<Details>::new()} ssr=SsrMode::Async/>
            <Route path=path!("/:clinic/booking/hold/:hold/series") view={Lazy::<Series>::new()} ssr=SsrMode::Async/>
            <Route path=path!("/:clinic/booking/hold/:hold/check") view={Lazy::<Check>::new()} ssr=SsrMode::Async/>
            <Route path=path!("/:clinic/visit") view={Lazy::<Links>::new()} ssr=SsrMode::Async/>
            <Route path=path!("/:clinic/visit/:visit") view={Lazy::<Visit>::new()} ssr=SsrMode::Async/>
            <Route path=path!("/:clinic/visit/:visit/move") view={Lazy::<MoveTimes>::new()} ssr=SsrMode::Async/>
            <Route path=path!("/:clinic/visit/:visit/move/check") view={Lazy::<MoveCheck>::new()} ssr=SsrMode::Async/>
            <Route path=path!("/:clinic/visit/:visit/contact") view={Lazy::<Contact>::new()} ssr=SsrMode::Async/>
            <Route path=path!("/:clinic/waitlist/:entry") view={Lazy::<Waitlist>::new()} ssr=SsrMode::Async/>
            <Route path=path!("/:clinic/offer/:offer") view={Lazy::<Offer>::new()} ssr=SsrMode::Async/>
            <Route path=path!("/:clinic/visit/:visit/cancel") view={Lazy::<Cancel>::new()} ssr=SsrMode::Async/>
            <Route path=path!("/:clinic/visit/:visit/series/cancel") view={Lazy::<CancelAll>::new()} ssr=SsrMode::Async/>
            <Route path=path!("/:clinic/visit/:visit/series/move") view={Lazy::<MoveAll>::new()} ssr=SsrMode::Async/>
        </FlatRoutes>
    }
}

/// The clinic that an address belongs to; `None` outside of one.
pub fn clinic_of(path: &str) -> Option<ClinicSlug> {
    let first = path.trim_start_matches('/').split('/').next()?;
    if RESERVED.contains(&first) { None } else { first.parse().ok() }
}

pub fn home(clinic: &ClinicSlug) -> String {
    format!("/{clinic}")
}

/// The pages of booking, on their own or in the frame of a clinic's website.
fn way(clinic: &ClinicSlug) -> String {
    let frame = if embed::is_framed() { "/embed" } else { "" };
    format!("/{clinic}{frame}/booking")
}

pub fn booking(clinic: &ClinicSlug) -> String {
    embed::carry_chosen(way(clinic))
}

/// What was before booking; nothing in a frame.
pub fn before_booking(clinic: &ClinicSlug) -> String {
    if embed::is_framed() { String::new() } else { home(clinic) }
}

/// Booking in a window of its own, wherever this page is.
pub fn booking_outside(clinic: &ClinicSlug) -> String {
    format!("/{clinic}/booking")
}

/// The times of a treatment that was just chosen.
pub fn times(clinic: &ClinicSlug, treatment: &TreatmentSlug) -> String {
    embed::carry_chosen(bare_times(clinic, treatment))
}

/// The same page, before its address says anything.
pub fn bare_times(clinic: &ClinicSlug, treatment: &TreatmentSlug) -> String {
    format!("{}/{treatment}", way(clinic))
}

/// The same page with this time picked out, on the day that it is at the location.
pub fn times_at(
    clinic: &ClinicSlug,
    treatment: &TreatmentSlug,
    location: &LocationSlug,
    start: DateTime<Utc>,
    day: NaiveDate,
) -> String {
    let start = start.to_rfc3339_opts(SecondsFormat::Secs, true);
    format!("/{clinic}/booking/{treatment}?location={location}&from={day}&start={start}")
}

/// A file of the clinic's open times for programs; the server answers it outside the page router.
pub fn scheduling(clinic: &ClinicSlug, file: &str) -> String {
    format!("/{clinic}/fhir/{file}")
}

/// The same page, for another time in place of one that is held.
pub fn times_instead(clinic: &ClinicSlug, treatment: &TreatmentSlug, hold: &LinkToken) -> String {
    embed::carry(format!("{}?replaces={hold}", bare_times(clinic, treatment)))
}

pub fn details(clinic: &ClinicSlug, hold: &LinkToken) -> String {
    embed::carry(format!("{}/hold/{hold}", way(clinic)))
}

/// Several visits instead of the one that is held.
pub fn series(clinic: &ClinicSlug, hold: &LinkToken) -> String {
    embed::carry(format!("{}/hold/{hold}/series", way(clinic)))
}

/// Where a hold goes on: to its details, or past them if they are complete.
pub fn next(clinic: &ClinicSlug, held: &Held) -> String {
    if held.ready { check(clinic, &held.token) } else { details(clinic, &held.token) }
}

pub fn check(clinic: &ClinicSlug, hold: &LinkToken) -> String {
    embed::carry(format!("{}/hold/{hold}/check", way(clinic)))
}

/// A visit that was just booked: its private page, which a frame shows only the beginning of.
pub fn booked(clinic: &ClinicSlug, token: &LinkToken) -> String {
    if embed::is_framed() { embed::carry(format!("{}/visit/{token}", way(clinic))) } else { visit(clinic, token) }
}

pub fn visit(clinic: &ClinicSlug, visit: &LinkToken) -> String {
    format!("/{clinic}/visit/{visit}")
}

/// The times to which a visit could move.
pub fn relocate(clinic: &ClinicSlug, visit: &LinkToken) -> String {
    format!("/{clinic}/visit/{visit}/move")
}

/// A visit beside one of those times; its query says which.
pub fn relocate_check(clinic: &ClinicSlug, visit: &LinkToken) -> String {
    format!("/{clinic}/visit/{visit}/move/check")
}

/// For whoever has lost the link of a visit.
pub fn links(clinic: &ClinicSlug) -> String {
    format!("/{clinic}/visit")
}

/// The same page, after they asked.
pub fn links_sent(clinic: &ClinicSlug) -> String {
    format!("/{clinic}/visit?sent=yes")
}

/// The visit, after they said where its letters go.
pub fn contact_saved(clinic: &ClinicSlug, visit: &LinkToken) -> String {
    format!("{}?saved=contact", self::visit(clinic, visit))
}

pub fn contact(clinic: &ClinicSlug, visit: &LinkToken) -> String {
    format!("/{clinic}/visit/{visit}/contact")
}

pub fn cancel(clinic: &ClinicSlug, visit: &LinkToken) -> String {
    format!("/{clinic}/visit/{visit}/cancel")
}

/// A place on the waiting list.
pub fn waitlist(clinic: &ClinicSlug, entry: &LinkToken) -> String {
    format!("/{clinic}/waitlist/{entry}")
}

/// A time that is offered to somebody who waits.
pub fn offer(clinic: &ClinicSlug, offer: &LinkToken) -> String {
    format!("/{clinic}/offer/{offer}")
}

/// All visits of its series that are ahead.
pub fn cancel_all(clinic: &ClinicSlug, visit: &LinkToken) -> String {
    format!("/{clinic}/visit/{visit}/series/cancel")
}

/// The same visits, to be moved by one step; its query says by which.
pub fn move_all(clinic: &ClinicSlug, visit: &LinkToken) -> String {
    format!("/{clinic}/visit/{visit}/series/move")
}

/// The calendar file of a visit; the server answers it outside the page router.
pub fn calendar(clinic: &ClinicSlug, visit: &LinkToken) -> String {
    format!("/{clinic}/visit/{visit}/calendar.ics")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_segment_names_the_clinic_unless_an_address_needs_the_word() {
        assert_eq!(clinic_of("/rowan-street/booking").map(String::from), Some("rowan-street".to_owned()));
        for none in ["/", "/api/booking/times", "/mailbox", "/Rowan", ""] {
            assert_eq!(clinic_of(none), None, "{none}");
        }
    }
}

/// Pages that load together. Every group more multiplies the pieces that groups share, and every
/// piece is a request: so there are two, finding what one needs, and the way from a time to a visit.
mod group {
    #![cfg_attr(
        not(target_arch = "wasm32"),
        expect(clippy::unused_async, reason = "nothing is split here, so nothing is waited for")
    )]
    use super::{
        AnyView, cancel_all_page, cancel_page, check_page, choose_page, clinic_page, clinics_page, contact_page, details_page,
        entry_page, links_page, move_all_page, move_times_page, offer_page, relocate_page, series_page, times_page, visit_page,
    };
    use leptos::lazy;

    pub enum Find {
        Clinics,
        Clinic,
        Choose,
    }

    #[lazy]
    pub fn find(page: Find) -> AnyView {
        match page {
            Find::Clinics => clinics_page(),
            Find::Clinic => clinic_page(),
            Find::Choose => choose_page(),
        }
    }

    pub enum Book {
        Times,
        Details,
        Series,
        Check,
        Visit,
        MoveTimes,
        MoveCheck,
        Contact,
        Cancel,
        CancelAll,
        MoveAll,
        Links,
        Waitlist,
        Offer,
    }

    #[lazy]
    pub fn book(page: Book) -> AnyView {
        match page {
            Book::Times => times_page(),
            Book::Details => details_page(),
            Book::Series => series_page(),
            Book::Check => check_page(),
            Book::Visit => visit_page(),
            Book::MoveTimes => move_times_page(),
            Book::MoveCheck => relocate_page(),
            Book::Contact => contact_page(),
            Book::Cancel => cancel_page(),
            Book::CancelAll => cancel_all_page(),
            Book::MoveAll => move_all_page(),
            Book::Links => links_page(),
            Book::Waitlist => entry_page(),
            Book::Offer => offer_page(),
        }
    }
}

/// Makes a lazy route of each page of a group.
macro_rules! lazy_routes {
    ($load:ident, $preload:ident, $group:ident: $($page:ident)*) => {$(
        pub struct $page;

        impl LazyRoute for $page {
            fn data() -> Self {
                Self
            }

            async fn view(_: Self) -> AnyView {
                group::$load(group::$group::$page).await
            }

            async fn preload() {
                #[cfg(target_arch = "wasm32")]
                group::$preload().await;
            }
        }
    )*};
}

lazy_routes!(find, __preload_find, Find: Clinics Clinic Choose);
lazy_routes!(book, __preload_book, Book: Times Details Series Check Visit MoveTimes MoveCheck Contact Cancel CancelAll MoveAll Links Waitlist Offer);
