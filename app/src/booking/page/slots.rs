//! Free times as buttons: one tap chooses a time and keeps it.
//!
//! All buttons of a part share one form; the one that is pressed sends its instant.

use chrono::SecondsFormat;
use leptos::prelude::*;

use super::address::TimesAddress;
use crate::booking::model::{Slot, SlotDay};
use crate::ids::{ClinicSlug, LinkToken, LocationSlug, PractitionerSlug, TreatmentSlug};
use crate::ui::focus::takes_focus;
use crate::ui::form::{Sending, form};
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

impl HoldFor {
    pub fn new(address: &TimesAddress, location: LocationSlug) -> Self {
        Self {
            clinic: address.clinic.clone(),
            treatment: address.treatment.clone(),
            location,
            practitioner: address.practitioner.clone(),
            replaces: address.replaces.clone(),
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
pub fn day_list(hold: Sending, what: &HoldFor, days: &[SlotDay]) -> AnyView {
    takes_focus(FIRST_DAY);
    let days = days.iter().enumerate().map(|(n, day)| day_section(hold, day, n == 0)).collect::<Vec<_>>();
    hold_form(hold, what.clone(), days)
}

fn day_section(hold: Sending, day: &SlotDay, first: bool) -> AnyView {
    let w = words();
    let id = if first { FIRST_DAY.to_owned() } else { format!("day-{}", day.day.date) };
    let relative = day.day.relative.clone().map(|relative| view! { " " <small>{relative}</small> });
    view! {
        <section class="day" aria-labelledby=id.clone()>
            <h3 id=id.clone() tabindex="-1">{day.day.label.clone()}{relative}</h3>
            <div class="groups">
                {half_day(hold, w.times_morning(), &day.morning)}
                {half_day(hold, w.times_afternoon(), &day.afternoon)}
            </div>
        </section>
    }
    .into_any()
}

fn half_day(hold: Sending, heading: &'static str, slots: &[Slot]) -> AnyView {
    if slots.is_empty() {
        return ().into_any();
    }
    let wide = slots.iter().any(|slot| slot.start.elsewhere.is_some() || slot.seats.is_some());
    view! {
        <div class="stack g2">
            <h4 class="eyebrow">{heading}</h4>
            <ul class=if wide { "slots roomy" } else { "slots" } role="list">
                {slots.iter().map(|slot| view! { <li>{slot_button(hold, slot)}</li> }).collect::<Vec<_>>()}
            </ul>
        </div>
    }
    .into_any()
}

fn slot_button(hold: Sending, slot: &Slot) -> AnyView {
    let w = words();
    let elsewhere = slot.start.elsewhere.clone().map(|time| view! { <small>{time}</small> });
    let seats = slot.seats.map(|seats| view! { <small>{w.times_seats(seats)}</small> });
    view! {
        <button name="start" value=start_value(slot) aria-busy=is_asked(hold, slot)>
            {slot.start.time.clone()}
            <span class="vh">", "{slot.start.day.clone()}</span>
            {elsewhere}
            {seats}
        </button>
    }
    .into_any()
}
