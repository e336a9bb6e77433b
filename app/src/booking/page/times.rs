//! Step 2: when, who with, and where.

use leptos::prelude::*;
use leptos_meta::Meta;
use leptos_router::hooks::use_query_map;

use super::address::{Part, TimesAddress};
use super::calendar::month_grid;
use super::cancel::closed;
use super::held::{look_when_refused, when};
use super::links::lost;
use super::picks::{people, places};
use super::private_link;
use super::segment;
use super::slots::{Choosing, FIRST_DAY, day_list};
use super::wait::wait_instead;
use crate::booking::api::{self, Hold};
use crate::booking::model::{Slot, Times};
use crate::embed;
use crate::error::{PortalError, Reason};
use crate::routes;
use crate::ui::ask::ask;
use crate::ui::focus::{Heading, TITLE, focus_next};
use crate::ui::form::Sending;
use crate::ui::frame::PageTitle;
use crate::ui::icon::Icon;
use crate::ui::notice::{Answer, Notice};
use crate::ui::post::own_zone;
use crate::ui::state::trouble;
use crate::ui::steps::{BackLink, StepHead};
use crate::ui::text::stressed;
use crate::waitlist::page::Asking;
use crate::words::words;

pub fn times_page() -> AnyView {
    let (clinic, treatment) = (segment("clinic"), segment("treatment"));
    let query = use_query_map();
    times_at(
        Memo::new(move |_| {
            let (clinic, treatment) = (clinic()?.parse().ok()?, treatment()?.parse().ok()?);
            Some(query.with(|query| TimesAddress::to_book(clinic, treatment, query)))
        }),
        trouble,
    )
}

/// The same, for a visit that is booked already.
pub fn move_times_page() -> AnyView {
    let link = private_link("visit");
    let query = use_query_map();
    times_at(
        Memo::new(move |_| {
            let (clinic, visit) = link()?;
            Some(query.with(|query| TimesAddress::to_move(clinic, visit, query)))
        }),
        lost,
    )
}

fn times_at(address: Memo<Option<TimesAddress>>, missing: fn(&PortalError) -> AnyView) -> AnyView {
    // Known only after the page woke up, and told only where the clinic is in another zone.
    let zone = RwSignal::new(None::<String>);
    let times = ask(move || Some(api::Times { query: address.get()?.query(zone.get()) }));
    let (hold, wait) = (Sending::new::<Hold>(), Asking::new());
    // The answer stands above the times, where a phone no longer shows it.
    look_when_refused(hold, move || times.again());
    Effect::new(move |before: Option<Option<Part>>| {
        let part = address.get().map(|address| address.part);
        if before.is_some_and(|before| before != part) {
            let to_day = matches!(part, Some(Part::List(Some(_)) | Part::Calendar { day: Some(_), .. }));
            focus_next(if to_day { FIRST_DAY } else { TITLE });
        }
        part
    });
    times.show_or(missing, move |times: Times| {
        let Some(address) = address.get_untracked() else { return ().into_any() };
        if let Some(visit) = times.moves.as_ref().filter(|visit| !visit.open) {
            return closed(&address.clinic, visit);
        }
        tell_own_zone(zone, &address, times.location.zone.clone());
        times_view(&address, &times, hold, wait)
    })
}

/// Asks for the times again with the reader's zone beside them, where it is another one.
fn tell_own_zone(zone: RwSignal<Option<String>>, address: &TimesAddress, clinics: String) {
    if address.zone.is_none() {
        Effect::new(move |_| {
            let own = own_zone().filter(|own| *own != clinics);
            if zone.get_untracked() != own {
                zone.set(own);
            }
        });
    }
}

fn times_view(address: &TimesAddress, times: &Times, hold: Sending, wait: Asking) -> AnyView {
    let calendar = times.calendar.is_some();
    let choosing = Choosing::new(address, times, hold);
    view! {
        {head_of_page(times, calendar)}
        <div class="split flow">
            <div class="head stack">{head(address, times)}</div>
            <aside class="picks">{people(address, times)} {places(address, times)}</aside>
            <div class="body stack g6">
                {answer(hold, address.replaces().is_some())}
                {wanted_ticket(address, times, &choosing)}
                {soonest_ticket(address, times, &choosing)}
                <div class="stack g2">
                    {views(address, times, calendar)}
                    {zone_line(address, times)}
                </div>
                {if calendar { month(address, times, &choosing) } else { list(address, times, &choosing) }}
                {wait_instead(address, times, wait)}
            </div>
        </div>
    }
    .into_any()
}

/// The title, and what others may know of the page.
fn head_of_page(times: &Times, calendar: bool) -> AnyView {
    let w = words();
    if times.moves.is_some() {
        return view! {
            <PageTitle text=w.move_times().to_owned()/>
            <Meta name="robots" content="noindex"/>
        }
        .into_any();
    }
    let title = if calendar { w.times_title_calendar() } else { w.times_title() };
    view! {
        <PageTitle text=w.booking_page(title)/>
        <Meta name="description" content=times.treatment.description.clone()/>
    }
    .into_any()
}

/// What the times are for.
fn head(address: &TimesAddress, times: &Times) -> AnyView {
    let w = words();
    let line = w.booking_price_line(&times.treatment.duration, &times.treatment.price);
    let what = view! { <strong>{times.treatment.name.clone()}</strong> ". " {line} "." };
    if let Some(visit) = &times.moves {
        return view! {
            <BackLink href=routes::visit(&address.clinic, &visit.token)/>
            <Heading text=w.move_times()/>
            <p>{what}</p>
            <p>{stressed(&w.move_now(&when(&visit.summary)))}</p>
        }
        .into_any();
    }
    view! {
        <StepHead step=2 title=w.times_title() back=routes::booking(&address.clinic)/>
        <p>
            {what} " "
            <a href=routes::booking(&address.clinic) aria-label=w.times_change_treatment()>{w.frame_change()}</a>
        </p>
        {super::choose::badges(&times.treatment)}
    }
    .into_any()
}

/// What came of asking for a time that could not be kept.
fn answer(hold: Sending, replaces: bool) -> AnyView {
    let w = words();
    let kept = move || replaces.then(|| view! { <p>{w.times_gone_kept()}</p> });
    (move || {
        let (title, text) = match hold.refused() {
            None if replaces => {
                return view! { <Notice icon="info"><p>{w.times_replacing()}</p></Notice> }.into_any();
            }
            None => return ().into_any(),
            Some(PortalError::Conflict(Reason::NotEligible)) => (w.times_not_eligible(), w.times_not_eligible_text()),
            Some(PortalError::Conflict(_)) => (w.times_gone(), w.times_gone_text()),
            Some(PortalError::TooMany) => (w.times_too_many(), w.times_too_many_text()),
            Some(_) => (w.times_failed(), w.times_failed_text()),
        };
        view! {
            <Answer tone="warn" title=title>
                <p>{text}</p>
                {kept()}
            </Answer>
        }
        .into_any()
    })
    .into_any()
}

fn views(address: &TimesAddress, times: &Times, calendar: bool) -> AnyView {
    let w = words();
    let month = times.soonest.as_ref().map_or(times.last_day.date, |soonest| soonest.start.date);
    let current = |is: bool| is.then_some("page");
    view! {
        <nav class="seg" aria-label=w.times_how()>
            <a href=address.with_part(Part::List(None)) aria-current=current(!calendar) data-noscroll="">
                <Icon name="rows"/>
                {w.times_list()}
            </a>
            <a href=address.with_part(Part::Calendar { month: Some(month), day: None }) aria-current=current(calendar) data-noscroll="">
                <Icon name="calendar"/>
                {w.times_calendar()}
            </a>
        </nav>
    }
    .into_any()
}

/// The zone of the times, and a way to see another one beside it that needs no script.
fn zone_line(address: &TimesAddress, times: &Times) -> AnyView {
    let w = words();
    let chosen = address.zone.clone().unwrap_or_default();
    let options = w.times_zones().split('|').filter_map(|pair| pair.split_once('=')).map(|(zone, name)| {
        let selected = zone == chosen;
        view! { <option value=zone selected=selected>{name}</option> }
    });
    let kept = [
        ("practitioner", address.practitioner.as_ref().map(ToString::to_string)),
        ("location", address.location.as_ref().map(ToString::to_string)),
        ("replaces", address.replaces().map(ToString::to_string)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .chain(embed::carried())
    .map(|(name, value)| view! { <input type="hidden" name=name value=value/> });
    view! {
        <details class="zone">
            <summary class="fine">
                <Icon name="globe"/>
                <span>{w.times_zone(&times.zone)}</span>
                <span class="link">{w.times_zone_change()}</span>
            </summary>
            <form class="row" method="get" action=address.page()>
                {kept.collect::<Vec<_>>()}
                <label for="zone">{w.times_zone_label()}</label>
                <select class="input" id="zone" name="zone">
                    <option value="">{w.times_zone_none()}</option>
                    {options.collect::<Vec<_>>()}
                </select>
                <button class="btn plain small">{w.times_zone_show()}</button>
            </form>
        </details>
    }
    .into_any()
}

/// Day after day.
fn list(address: &TimesAddress, times: &Times, choosing: &Choosing) -> AnyView {
    let w = words();
    let from_start = matches!(address.part, Part::List(None));
    if times.soonest.is_none() {
        return nothing_free(address, times);
    }
    let days = if times.days.is_empty() {
        view! {
            <div class="empty">
                <Icon name="calendar"/>
                <h3>{w.times_none_here()}</h3>
                <p>{w.times_none_here_text(&times.last_day.label)}</p>
            </div>
        }
        .into_any()
    } else {
        day_list(choosing, &times.days)
    };
    let more = times.more_from.map(|from| {
        view! { <a class="btn plain" href=address.with_part(Part::List(Some(from))) data-noscroll="">{w.times_more()}</a> }
    });
    let back =
        (!from_start).then(|| view! { <a class="btn text" href=address.with_part(Part::List(None))>{w.times_from_start()}</a> });
    view! {
        <div class="stack g5">
            <h2 class="vh">{w.times_all()}</h2>
            {days}
        </div>
        <div class="actions">{more} {back}</div>
    }
    .into_any()
}

/// The soonest time of all, except where somebody is looking for a later one.
fn soonest_ticket(address: &TimesAddress, times: &Times, choosing: &Choosing) -> AnyView {
    let (Some(soonest), Part::List(None) | Part::Calendar { .. }) = (&times.soonest, &address.part) else { return ().into_any() };
    ticket(words().times_soonest(), soonest, times, choosing)
}

/// The time that a link from elsewhere picked out, or kindly that somebody else has it.
fn wanted_ticket(address: &TimesAddress, times: &Times, choosing: &Choosing) -> AnyView {
    let w = words();
    let Some(wanted) = address.wanted else { return ().into_any() };
    let mut listed = times.days.iter().flat_map(|day| day.morning.iter().chain(&day.afternoon));
    if let Some(slot) = listed.find(|slot| slot.start.instant == wanted) {
        return ticket(w.times_wanted(), slot, times, choosing);
    }
    view! {
        <Notice tone="warn" icon="info">
            <h2>{w.times_gone()}</h2>
            <p>{w.times_wanted_gone()}</p>
        </Notice>
    }
    .into_any()
}

/// One time above all others, with the button that takes it.
fn ticket(eyebrow: &'static str, soonest: &Slot, times: &Times, choosing: &Choosing) -> AnyView {
    let w = words();
    let relative = times.days.iter().find(|day| day.day.date == soonest.start.date).and_then(|day| day.day.relative.clone());
    let when = w.booking_when(relative.as_ref().unwrap_or(&soonest.start.day), &soonest.start.time);
    let under = match relative {
        Some(_) => w.booking_day_with(&soonest.start.day, &soonest.practitioner_name),
        None => w.booking_with(&soonest.practitioner_name),
    };
    let elsewhere = soonest.start.elsewhere.as_ref().map(|time| view! { <p class="quiet">{w.booking_elsewhere(time)}</p> });
    let seats = soonest.seats.map(|seats| view! { <p class="quiet">{w.times_seats(seats)}</p> });
    let label = view! {
        {w.times_take()}
        <span class="vh">{format!(": {}, {}", soonest.start.time, soonest.start.day)}</span>
    };
    let button = view! { <div class="actions">{choosing.choice(soonest, "btn", label)}</div> };
    view! {
        <section class="ticket stack" aria-labelledby="soonest">
            <Icon name="mark" class="motif"/>
            <div class="stack g1">
                <h2 id="soonest" class="eyebrow">{eyebrow}</h2>
                <p class="when">{when}</p>
                <p class="quiet">{under}<br/>{soonest.start.zone.clone()}</p>
                {elsewhere}
                {seats}
            </div>
            {choosing.around(button)}
        </section>
    }
    .into_any()
}

fn month(address: &TimesAddress, times: &Times, choosing: &Choosing) -> AnyView {
    let w = words();
    let Some(grid) = &times.calendar else { return ().into_any() };
    let day = if times.days.is_empty() {
        grid.chosen.map(|_| view! { <p class="quiet">{w.times_day_full()}</p> }.into_any())
    } else {
        Some(
            view! {
                <div class="stack g3">
                    <h2 class="vh">{w.times_all()}</h2>
                    {day_list(choosing, &times.days)}
                    <p><a class="more" href="#month" rel="external">{w.times_back_to_grid()}</a></p>
                </div>
            }
            .into_any(),
        )
    };
    view! {
        {month_grid(address, grid)}
        {day}
    }
    .into_any()
}

/// Nobody has time: until when we looked, and what else there is.
fn nothing_free(address: &TimesAddress, times: &Times) -> AnyView {
    let w = words();
    let title = match &times.practitioner {
        Some(person) => w.times_none_with(&person.name),
        None => w.times_none().to_owned(),
    };
    let anyone = times
        .practitioner
        .is_some()
        .then(|| view! { <a class="btn" href=address.with_practitioner(None)>{w.times_none_with_anyone()}</a> });
    view! {
        <div class="empty">
            <span class="disc big plain"><Icon name="calendar"/></span>
            <h2>{title}</h2>
            <p>{w.times_none_until(&times.last_day.label)}</p>
            <div class="actions">{anyone}</div>
        </div>
    }
    .into_any()
}
