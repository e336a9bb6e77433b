//! The list of clinics, and the front page of each: what it does, who works there, how to get in.

use leptos::prelude::*;
use leptos_meta::Meta;
use leptos_router::hooks::use_params_map;

use super::api::{Clinics, Home};
use super::model::{CategoryCard, ClinicCard, ClinicHome, LocationCard, PractitionerCard};
use crate::routes;
use crate::ui::ask::ask;
use crate::ui::focus::Heading;
use crate::ui::frame::{PageTitle, emergency};
use crate::ui::icon::Icon;
use crate::ui::map::map_address;
use crate::ui::notice::Notice;
use crate::ui::text::with_phone;
use crate::words::words;

pub fn clinics_page() -> AnyView {
    ask(|| Some(Clinics {})).show(|clinics| {
        let w = words();
        let (title, lead) =
            if clinics.is_empty() { (w.clinics_none(), w.clinics_none_lead()) } else { (w.clinics_title(), w.clinics_lead()) };
        view! {
            <PageTitle text=title.to_owned()/>
            <Meta name="description" content=lead/>
            <div class="narrow stack g6">
                <div class="stack g2">
                    <Heading text=title/>
                    <p class="lead">{lead}</p>
                </div>
                {(!clinics.is_empty()).then(|| view! { <ul class="list" role="list">{clinics.iter().map(clinic_item).collect::<Vec<_>>()}</ul> })}
            </div>
        }
        .into_any()
    })
}

/// Each clinic has a sheet of its own, so this link loads a whole page.
fn clinic_item(clinic: &ClinicCard) -> AnyView {
    view! {
        <li>
            <a class="item" href=routes::home(&clinic.slug) rel="external">
                <span class="disc"><Icon name="home"/></span>
                <span class="grow">
                    <b>{clinic.name.clone()}</b>
                    <span class="fine">{clinic.about.clone()}</span>
                </span>
                <Icon name="next" class="flip"/>
            </a>
        </li>
    }
    .into_any()
}

pub fn clinic_page() -> AnyView {
    let params = use_params_map();
    let clinic = move || params.with(|params| params.get("clinic"))?.parse().ok();
    ask(move || Some(Home { clinic: clinic()? })).show(|home| home_page(&home))
}

fn home_page(home: &ClinicHome) -> AnyView {
    let w = words();
    let card = &home.card;
    let urgent = emergency(card);
    view! {
        <PageTitle text=w.booking_title().to_owned()/>
        <Meta name="description" content=card.about.clone()/>
        <div class="stack g7">
            <div class="stack g5">
                {welcome(card)}
                <Notice tone="plain" icon="alert">{urgent}</Notice>
            </div>
            {treatments(card, &home.categories)}
            <section class="stack g5" aria-labelledby="people">
                <h2 id="people">{w.home_people()}</h2>
                <ul class="people" role="list">{home.practitioners.iter().map(person).collect::<Vec<_>>()}</ul>
            </section>
            <section class="stack g5" aria-labelledby="places">
                <h2 id="places">{w.home_places()}</h2>
                <ul class="places" role="list">{home.locations.iter().map(place).collect::<Vec<_>>()}</ul>
            </section>
        </div>
    }
    .into_any()
}

/// The first thing seen: whose page it is, what to do, and why to trust it.
fn welcome(card: &ClinicCard) -> AnyView {
    let w = words();
    let call = w.frame_call(&card.phone_label, &card.phone_hours);
    let promises = [
        ("clock", w.home_promise_time(), w.home_promise_time_text()),
        ("user", w.home_promise_account(), w.home_promise_account_text()),
        ("lock", w.home_promise_private(), w.home_promise_private_text()),
    ]
    .map(|(icon, title, text)| {
        view! {
            <li>
                <span class="disc"><Icon name=icon/></span>
                <span><strong>{title}</strong><br/><span class="quiet">{text}</span></span>
            </li>
        }
    });
    view! {
        <div class="split welcome">
            <section class="ticket stack g5" aria-labelledby="title">
                <Icon name="mark" class="motif"/>
                <div class="stack g3">
                    <Heading text=card.name.clone()/>
                    <p class="lead">{card.about.clone()}</p>
                </div>
                <div class="stack g3">
                    <div class="actions">
                        <a class="btn" href=routes::booking(&card.slug)>{w.home_book()}</a>
                    </div>
                    <p class="quiet">{w.home_book_hint()}</p>
                    <p class="quiet"><a href=routes::links(&card.slug)>{w.home_lost()}</a></p>
                    <p class="quiet">{with_phone(&call, card.phone.as_str())}</p>
                </div>
            </section>
            <ul class="promises" role="list">{promises}</ul>
        </div>
    }
    .into_any()
}

fn treatments(card: &ClinicCard, categories: &[CategoryCard]) -> AnyView {
    let w = words();
    let groups = categories.iter().map(|category| {
        let lines = category.treatments.iter().map(|treatment| {
            view! {
                <li>
                    <a href=routes::times(&card.slug, &treatment.slug)>{treatment.name.clone()}</a>
                    <span class="fine">{w.booking_price_line(&treatment.duration, &treatment.price)}</span>
                </li>
            }
        });
        view! {
            <li class="card stack g3">
                <h3>{category.name.clone()}</h3>
                <ul class="links" role="list">{lines.collect::<Vec<_>>()}</ul>
            </li>
        }
    });
    view! {
        <section class="stack g5" aria-labelledby="treatments">
            <h2 id="treatments">{w.home_treatments()}</h2>
            <ul class="tiles" role="list">{groups.collect::<Vec<_>>()}</ul>
            <p><a class="more" href=routes::booking(&card.slug)>{w.home_treatments_all()}</a></p>
        </section>
    }
    .into_any()
}

fn person(person: &PractitionerCard) -> AnyView {
    let languages = (!person.languages.is_empty())
        .then(|| view! { <span class="fine">{words().home_speaks(&person.languages.join(", "))}</span> });
    view! {
        <li>
            <span class="disc plain" aria-hidden="true">{initials(&person.name)}</span>
            <span class="stack g1">
                <b>{person.name.clone()}</b>
                <span>{person.role.clone()}</span>
                <span class="quiet">{person.about.clone()}</span>
                {languages}
            </span>
        </li>
    }
    .into_any()
}

/// "TF" for Tom Ferreira; titles such as "Dr" do not count.
fn initials(name: &str) -> String {
    let words = name.split_whitespace().filter(|word| !word.ends_with('.') && *word != "Dr");
    let letters: Vec<char> = words.filter_map(|word| word.chars().next()).filter(|letter| letter.is_alphabetic()).collect();
    match letters.as_slice() {
        [] => String::new(),
        [only] => only.to_string(),
        [first, .., last] => [*first, *last].iter().collect(),
    }
}

fn place(place: &LocationCard) -> AnyView {
    let w = words();
    let hours = place.hours.iter().map(|line| view! { <li>{line.clone()}</li> }).collect::<Vec<_>>();
    let hours = (!hours.is_empty()).then(|| {
        view! {
            <div class="stack g1">
                <h4 class="eyebrow">{w.home_hours()}</h4>
                <ul role="list">{hours}</ul>
            </div>
        }
    });
    let getting_here = (!place.directions.is_empty()).then(|| {
        view! {
            <div class="stack g1">
                <h4 class="eyebrow">{w.home_getting_here()}</h4>
                <p>{place.directions.clone()}</p>
            </div>
        }
    });
    view! {
        <li class="card stack">
            <h3>{place.name.clone()}</h3>
            <p><Icon name="pin"/> " " <bdi>{place.address.clone()}</bdi></p>
            {hours}
            {getting_here}
            <p>
                <a href=map_address(&place.address) rel="external noreferrer" aria-label=w.home_directions_to(&place.name)>
                    {w.home_directions()}
                </a>
            </p>
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_the_first_and_the_last_name() {
        for (name, expected) in
            [("Tom Ferreira", "TF"), ("Dr Priya Anand Nair", "PN"), ("Łucja", "Ł"), ("", ""), ("Dr. Ana Li", "AL")]
        {
            assert_eq!(initials(name), expected, "{name}");
        }
    }
}
