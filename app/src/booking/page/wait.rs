//! Under the free times: what to do if none suits, and classes that are full.

use chrono::SecondsFormat;
use leptos::prelude::*;

use super::address::TimesAddress;
use crate::booking::model::Times;
use crate::ui::frame::CallUs;
use crate::ui::notice::Notice;
use crate::waitlist::model::WaitFor;
use crate::waitlist::page::{Asking, asking, button};
use crate::words::words;

pub fn wait_instead(address: &TimesAddress, times: &Times, wait: Asking) -> AnyView {
    let w = words();
    view! {
        {full_sessions(address, times, wait)}
        <section class="stack g3" aria-labelledby="none-suit">
            <h2 id="none-suit">{w.times_none_suit()}</h2>
            <p>{w.waitlist_ask_text()}</p>
            {asking(wait, &address.clinic, wait_for(times), w.waitlist_ask())}
            <Notice tone="plain" icon="phone">
                <p>{w.times_none_suit_text()}</p>
                <CallUs/>
            </Notice>
        </section>
    }
    .into_any()
}

/// What one would wait for: what the page shows.
fn wait_for(times: &Times) -> WaitFor {
    if let Some(visit) = &times.moves {
        return WaitFor { visit: visit.token.to_string(), ..WaitFor::default() };
    }
    WaitFor {
        treatment: times.treatment.slug.to_string(),
        practitioner: times.practitioner.as_ref().map(|person| person.slug.to_string()).unwrap_or_default(),
        location: times.location.slug.to_string(),
        ..WaitFor::default()
    }
}

/// Classes that are full, each with a way to wait for a seat.
fn full_sessions(address: &TimesAddress, times: &Times, wait: Asking) -> AnyView {
    let w = words();
    if times.full.is_empty() {
        return ().into_any();
    }
    let items = times.full.iter().map(|slot| {
        let wanted = WaitFor {
            practitioner: slot.practitioner.to_string(),
            session: slot.start.instant.to_rfc3339_opts(SecondsFormat::Secs, true),
            ..wait_for(times)
        };
        view! {
            <li class="card stack g2">
                <p><strong>{w.booking_when(&slot.start.day, &slot.start.time)}</strong> <br/> {w.booking_with(&slot.practitioner_name)}</p>
                {button(wait, &address.clinic, wanted, w.waitlist_ask_seat())}
            </li>
        }
    });
    view! {
        <section class="stack g3" aria-labelledby="full">
            <h2 id="full">{w.waitlist_full()}</h2>
            <p>{w.waitlist_full_text()}</p>
            <ul class="stack g3" role="list">{items.collect::<Vec<_>>()}</ul>
        </section>
    }
    .into_any()
}
