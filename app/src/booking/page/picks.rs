//! Who with and where: choices that are made already and can be made anew.

use leptos::prelude::*;

use super::address::TimesAddress;
use crate::booking::model::Times;
use crate::ui::icon::Icon;
use crate::words::words;

/// Who with: everyone who gives the treatment, or whoever is free.
pub fn people(address: &TimesAddress, times: &Times) -> AnyView {
    let w = words();
    let chosen = times.practitioner.as_ref();
    let current = |is: bool| is.then_some("true");
    let everyone = times.practitioners.iter().map(|person| {
        let href = address.with_practitioner(Some(person.slug.clone()));
        let is_chosen = chosen.is_some_and(|chosen| chosen.slug == person.slug);
        let about = if person.languages.is_empty() {
            person.role.clone()
        } else {
            format!("{}. {}", person.role, w.home_speaks(&person.languages.join(", ")))
        };
        pick_link(href, person.name.clone(), about, current(is_chosen))
    });
    let links: Vec<AnyView> = std::iter::once(pick_link(
        address.with_practitioner(None),
        w.times_anyone().to_owned(),
        String::new(),
        current(chosen.is_none()),
    ))
    .chain(everyone)
    .collect();
    let name = chosen.map_or_else(|| w.times_anyone().to_owned(), |person| person.name.clone());
    pick("users", w.times_who(), name, String::new(), links)
}

/// Where: only a question if the treatment is given at several places.
pub fn places(address: &TimesAddress, times: &Times) -> AnyView {
    let w = words();
    let links: Vec<AnyView> = times
        .locations
        .iter()
        .map(|place| {
            let href = address.at_location(place.slug.clone());
            let current = (place.slug == times.location.slug).then_some("true");
            pick_link(href, place.name.clone(), place.address.clone(), current)
        })
        .collect();
    let links = if links.len() > 1 { links } else { Vec::new() };
    pick("pin", w.times_where(), times.location.name.clone(), times.location.address.clone(), links)
}

/// A choice that is made already and can be made anew: closed until somebody wants it.
fn pick(icon: &'static str, question: &'static str, chosen: String, more: String, links: Vec<AnyView>) -> AnyView {
    let label = view! {
        <Icon name=icon/>
        <span class="grow">
            <small class="quiet">{question}</small>
            <b>{chosen}</b>
            {(!more.is_empty()).then(|| view! { <small class="quiet wide"><bdi>{more}</bdi></small> })}
        </span>
    };
    if links.is_empty() {
        return view! { <div class="pick"><p class="item">{label}</p></div> }.into_any();
    }
    view! {
        <details class="pick">
            <summary class="item">{label}<Icon name="down" class="turn"/></summary>
            <ul role="list">{links}</ul>
        </details>
    }
    .into_any()
}

fn pick_link(href: String, name: String, about: String, current: Option<&'static str>) -> AnyView {
    let about = (!about.is_empty()).then(|| view! { <small><bdi>{about}</bdi></small> });
    view! { <li><a href=href aria-current=current data-noscroll="">{name}{about}</a></li> }.into_any()
}
