//! What stands around every page: the clinic's name, the way to help, the languages.
//!
//! Help is the last thing in the header of every page and leads to the foot of the same page:
//! nobody loses what they were doing by looking for a telephone number.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};

use super::ask::{Asked, ask};
use super::focus::{NextFocus, TITLE};
use super::icon::Icon;
use super::text::with_phone;
use crate::clinic::api::Card;
use crate::clinic::model::ClinicCard;
use crate::embed::{in_language, is_framed};
use crate::ids::ClinicSlug;
use crate::routes;
use crate::words::{Language, words};

/// The clinic whose page this is; `None` outside of one.
#[derive(Clone, Copy)]
struct CurrentClinic(Asked<ClinicCard>);

/// The clinic whose page this is.
pub async fn current_clinic() -> Option<ClinicCard> {
    match use_context::<CurrentClinic>() {
        Some(clinic) => clinic.0.answer().await,
        None => None,
    }
}

/// Something about the clinic whose page this is; nothing outside of one.
pub fn of_clinic(show: impl FnOnce(&ClinicCard) -> AnyView + Send + 'static) -> AnyView {
    let show: Box<dyn FnOnce(&ClinicCard) -> AnyView + Send> = Box::new(show);
    Suspend::new(async move { current_clinic().await.map_or_else(|| ().into_any(), |clinic| show(&clinic)) }).into_any()
}

/// The slug of the clinic whose page this is.
pub fn clinic_slug() -> Option<ClinicSlug> {
    use_location().pathname.with_untracked(|path| routes::clinic_of(path))
}

/// The front page of the clinic whose page this is, or of the server; in a frame the first of its pages.
pub fn clinic_home() -> String {
    let front = if is_framed() { routes::booking } else { routes::home };
    clinic_slug().map_or_else(|| "/".to_owned(), |clinic| front(&clinic))
}

/// Asks once for the clinic whose page this is, for everything on the page.
pub fn provide_clinic(slug: Memo<Option<ClinicSlug>>) -> Asked<ClinicCard> {
    let clinic = ask(move || slug.get().map(|clinic| Card { clinic }));
    provide_context(CurrentClinic(clinic));
    clinic
}

#[component]
pub fn Frame(
    /// The next page is on its way.
    routing: ReadSignal<bool>,
    children: Children,
) -> impl IntoView {
    let w = words();
    let path = use_location().pathname;
    let slug = Memo::new(move |_| path.with(|path| routes::clinic_of(path)));
    let clinic = provide_clinic(slug);

    let next = NextFocus::new();
    provide_context(next);
    Effect::new(move |before: Option<String>| {
        let path = path.get();
        if before.is_some_and(|before| before != path) {
            next.set(TITLE);
        }
        path
    });

    let brand =
        move || Suspend::new(async move { clinic.answer().await.map_or_else(|| "Perennial".to_owned(), |clinic| clinic.name) });
    let home = move || slug.get().map_or_else(|| "/".to_owned(), |clinic| routes::home(&clinic));
    view! {
        <a class="skip" href="#main" rel="external">{w.frame_skip()}</a>
        <div class="progress" aria-hidden="true" hidden=move || !routing.get()></div>
        <header class="top">
            <a class="brand" href=home>
                <Icon name="mark"/>
                <span><Suspense>{brand}</Suspense></span>
            </a>
            <a class="btn text small help" href="#help" rel="external">{w.frame_help()}</a>
        </header>
        <main class="page" id="main" tabindex="-1">{children()}</main>
        <footer class="foot">
            <div class="split">
                <Suspense>{move || Suspend::new(async move { clinic.answer().await.map(|clinic| contact(&clinic)) })}</Suspense>
                <LanguageLinks/>
            </div>
        </footer>
    }
}

/// How to reach people, at the foot of every page of a clinic.
fn contact(clinic: &ClinicCard) -> AnyView {
    let w = words();
    let mail = format!("mailto:{}", clinic.email.as_str());
    let write = w.frame_write(clinic.email.as_str());
    view! {
        <section class="stack g2" aria-labelledby="help">
            <h2 id="help" tabindex="-1">{w.frame_contact()}</h2>
            <p>{with_phone(&w.frame_call(&clinic.phone_label, &clinic.phone_hours), clinic.phone.as_str())}</p>
            <p>{super::text::marked(&write, |part| view! { <a href=mail.clone()>{part}</a> }.into_any())}</p>
            {emergency(clinic)}
            {clinic
                .demo
                .then(|| {
                    view! { <p class="fine">{w.frame_demo()} " " <a href="/mailbox" rel="external">{w.frame_demo_mailbox()}</a></p> }
                })}
        </section>
    }
    .into_any()
}

/// What to do when it cannot wait, in the clinic's own words.
pub fn emergency(clinic: &ClinicCard) -> AnyView {
    let number = &clinic.emergency_phone;
    let sentence =
        if number.is_empty() { clinic.emergency.clone() } else { clinic.emergency.replacen(number, &format!("*{number}*"), 1) };
    view! { <p><strong>{words().frame_emergency()}</strong> " " {with_phone(&sentence, number)}</p> }.into_any()
}

/// The languages of the pages, and what becomes of what people type.
#[component]
pub fn LanguageLinks(
    /// Those that there is a choice of.
    #[prop(default = Language::ALL.into())]
    languages: Vec<Language>,
) -> impl IntoView {
    let w = words();
    let path = use_location().pathname;
    let query = use_query_map();
    let is_choice = languages.len() > 1;
    let link = |language: Language| {
        let href = move || {
            if let Some(here) = in_language(language) {
                return here;
            }
            let mut rest = query.get();
            for spent in ["lang", "saved", "__path", "__err"] {
                rest.remove(spent);
            }
            rest.insert("lang", language.tag().to_owned());
            format!("{}{}", path.get(), rest.to_query_string())
        };
        let current = (language == w.language()).then_some("true");
        view! {
            <li>
                <a href=href rel="external" lang=language.tag() hreflang=language.tag() aria-current=current>
                    {language.own_name()}
                </a>
            </li>
        }
    };
    let links = is_choice.then(|| {
        view! {
            <nav aria-label=w.frame_language()>
                <ul class="languages" role="list">{languages.into_iter().map(link).collect::<Vec<_>>()}</ul>
            </nav>
        }
    });
    view! {
        <div class="stack g3">
            {links}
            <p class="fine"><Icon name="lock"/> " " {w.frame_privacy()}</p>
        </div>
    }
    .into_any()
}

/// The number to call, where the page belongs to a clinic.
#[component]
pub fn CallUs() -> impl IntoView {
    of_clinic(|clinic| {
        let sentence = words().frame_call(&clinic.phone_label, &clinic.phone_hours);
        view! { <p>{with_phone(&sentence, clinic.phone.as_str())}</p> }.into_any()
    })
}

/// "Would you rather talk to someone?" with the number, where the page belongs to a clinic.
#[component]
pub fn PhoneLine() -> impl IntoView {
    of_clinic(|clinic| {
        let sentence = words().frame_talk(&clinic.phone_label, &clinic.phone_hours);
        view! { <p class="fine">{with_phone(&sentence, clinic.phone.as_str())}</p> }.into_any()
    })
}

/// The title of a page, with the clinic it belongs to.
#[component]
pub fn PageTitle(#[prop(into)] text: Signal<String>) -> impl IntoView {
    Suspend::new(async move {
        let clinic = current_clinic().await;
        let title = move || match &clinic {
            Some(clinic) => words().frame_title(&text.get(), &clinic.name),
            None => text.get(),
        };
        // The server writes the head last, when the page's signals may be gone: it takes the title now.
        #[cfg(feature = "ssr")]
        let title = title();
        view! { <leptos_meta::Title text=title/> }
    })
}
