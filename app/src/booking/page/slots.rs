//! Free times to choose from. To book, each is a button: one tap chooses a time and keeps it. To
//! move a visit, each is a link to the page that compares it with the visit as it is.
//!
//! All buttons of a part share one form; the one that is pressed sends its instant.

use chrono::SecondsFormat;
use leptos::prelude::*;

use super::address::{TimesAddress, Way};
use crate::booking::model::{Slot, SlotDay, Times};
use crate::ids::{ClinicSlug, LinkToken, LocationSlug, PractitionerSlug, TreatmentSlug};
use crate::routes;
use crate::ui::focus::takes_focus;
use crate::ui::form::{Sending, form};
use crate::ui::icon::Icon;
use crate::words::words;

/// The heading of the first day of a list that has just changed.
pub const FIRST_DAY: &str = "first-day";

/// What every time of a form is for.
#[derive(Clone, Debug)]
pub struct HoldFor {
    pub clinic: ClinicSlug,
    pub treatment: TreatmentSlug,
    pub location: LocationSlug,
    /// `None`: anyone who is free.
    pub practitioner: Option<PractitionerSlug>,
    pub replaces: Option<LinkToken>,
}

/// What choosing a time does.
#[derive(Clone)]
pub enum Choosing {
    /// Keeps it, for whoever is about to book.
    Hold(Sending, HoldFor),
    /// Shows it beside the visit that would move there.
    Move {
        clinic: ClinicSlug,
        visit: LinkToken,
        location: LocationSlug,
        /// `None`: anyone who is free.
        practitioner: Option<PractitionerSlug>,
    },
}

impl Choosing {
    pub fn new(address: &TimesAddress, times: &Times, hold: Sending) -> Self {
        let (clinic, location) = (address.clinic.clone(), times.location.slug.clone());
        let practitioner = address.practitioner.clone();
        match &address.way {
            Way::Book { treatment, replaces } => {
                let (treatment, replaces) = (treatment.clone(), replaces.clone());
                Self::Hold(hold, HoldFor { clinic, treatment, location, practitioner, replaces })
            }
            Way::Move { visit } => Self::Move { clinic, visit: visit.clone(), location, practitioner },
        }
    }

    /// The times, in the form that their buttons need.
    pub fn around(&self, times: impl IntoAny) -> AnyView {
        match self {
            Self::Hold(hold, what) => hold_form(*hold, what.clone(), times),
            Self::Move { .. } => times.into_any(),
        }
    }

    /// What chooses one time.
    pub fn choice(&self, slot: &Slot, class: &'static str, label: impl IntoAny) -> AnyView {
        match self {
            Self::Hold(hold, _) => {
                let busy = is_asked(*hold, slot);
                view! { <button class=class name="start" value=start_value(slot) aria-busy=busy>{label.into_any()}</button> }
                    .into_any()
            }
            Self::Move { clinic, visit, location, practitioner } => {
                let with = practitioner.as_ref().map(|slug| format!("&practitioner={slug}")).unwrap_or_default();
                let page = routes::relocate_check(clinic, visit);
                let href = format!("{page}?start={}&location={location}{with}", start_value(slot));
                view! { <a class=class href=href>{label.into_any()}</a> }.into_any()
            }
        }
    }
}

/// The form around buttons that send a [`start_value`].
pub fn hold_form(hold: Sending, what: HoldFor, buttons: impl IntoAny) -> AnyView {
    let HoldFor { clinic, treatment, location, practitioner, replaces } = what;
    let fields = vec![
        ("clinic", clinic.to_string()),
        ("treatment", treatment.to_string()),
        ("location", location.to_string()),
        ("practitioner", practitioner.map(|slug| slug.to_string()).unwrap_or_default()),
        ("replaces", replaces.map(|token| token.0).unwrap_or_default()),
    ];
    form(hold, None, fields, buttons)
}

/// What the button of a time sends.
pub fn start_value(slot: &Slot) -> String {
    slot.start.instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Whether this time is the one being asked for right now.
pub fn is_asked(hold: Sending, slot: &Slot) -> impl Fn() -> Option<&'static str> + Send + 'static {
    let start = start_value(slot);
    move || hold.is_pressed(&start).then_some("true")
}

/// Days under each other, each split at noon.
pub fn day_list(choosing: &Choosing, days: &[SlotDay]) -> AnyView {
    takes_focus(FIRST_DAY);
    let days = days.iter().enumerate().map(|(n, day)| day_section(choosing, day, n == 0)).collect::<Vec<_>>();
    choosing.around(view! { <div class="stack g6">{days}</div> })
}

fn day_section(choosing: &Choosing, day: &SlotDay, first: bool) -> AnyView {
    let w = words();
    let id = if first { FIRST_DAY.to_owned() } else { format!("day-{}", day.day.date) };
    let relative = day.day.relative.clone().map(|relative| view! { " " <small>{relative}</small> });
    view! {
        <section class="day" aria-labelledby=id.clone()>
            <h3 id=id.clone() tabindex="-1">{day.day.label.clone()}{relative}</h3>
            <div class="groups">
                {half_day(choosing, w.times_morning(), &day.morning)}
                {half_day(choosing, w.times_afternoon(), &day.afternoon)}
            </div>
        </section>
    }
    .into_any()
}

fn half_day(choosing: &Choosing, heading: &'static str, slots: &[Slot]) -> AnyView {
    if slots.is_empty() {
        return ().into_any();
    }
    let wide = slots.iter().any(|slot| slot.start.elsewhere.is_some() || slot.seats.is_some());
    view! {
        <div class="stack g2">
            <h4 class="eyebrow">{heading}</h4>
            <ul class=if wide { "slots roomy" } else { "slots" } role="list">
                {slots.iter().map(|slot| view! { <li>{slot_choice(choosing, slot)}</li> }).collect::<Vec<_>>()}
            </ul>
        </div>
    }
    .into_any()
}

fn slot_choice(choosing: &Choosing, slot: &Slot) -> AnyView {
    let w = words();
    let elsewhere = slot.start.elsewhere.clone().map(|time| view! { <small>{time}</small> });
    let seats = slot.seats.map(|seats| view! { <small>{w.times_seats(seats)}</small> });
    let label = view! {
        {slot.start.time.clone()}
        <span class="vh">", "{slot.start.day.clone()}</span>
        {elsewhere}
        {seats}
    };
    choosing.choice(slot, "", label)
}

/// A few times under each other, where the one that was wanted is gone.
pub fn nearest_list(choosing: &Choosing, nearest: &[Slot]) -> AnyView {
    let w = words();
    if nearest.is_empty() {
        return view! { <p>{w.held_nearest_none()}</p> }.into_any();
    }
    let items = nearest.iter().map(|slot| {
        let label = view! {
            <span class="disc"><Icon name="clock"/></span>
            <span class="grow">
                <b>{w.booking_when(&slot.start.day, &slot.start.time)}</b>
                <span class="fine">{w.booking_with(&slot.practitioner_name)}</span>
            </span>
            <Icon name="next" class="flip"/>
        };
        view! { <li>{choosing.choice(slot, "item", label)}</li> }
    });
    choosing.around(view! { <ul class="list" role="list">{items.collect::<Vec<_>>()}</ul> })
}
