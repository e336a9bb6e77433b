//! The frame's document and what stands around its pages: hardly anything, for the website around
//! it has a head and a foot already.

use leptos::prelude::*;
use leptos_meta::{Meta, MetaTags, Title, provide_meta_context};
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::hooks::use_location;
use leptos_router::{SsrMode, path};

use super::{Frame, current, outward};
use crate::booking::page::{booked_page, check_page, choose_page, details_page, series_page, times_page};
use crate::ids::ClinicSlug;
use crate::ui::focus::{Heading, TITLE};
use crate::ui::frame::{LanguageLinks, PhoneLine, clinic_slug, of_clinic, provide_clinic};
use crate::ui::icon::Icon;
use crate::ui::state::NotFoundPage;
use crate::words::words;
use crate::{Hue, ICONS, SiteFiles, request, routes};

/// A few hundred bytes each once they are compressed, so that they cost no request.
const FRAME: &str = include_str!("frame.js");
const KEEP: &str = include_str!("keep.js");

/// The document around a page in the frame.
pub fn shell(files: &SiteFiles) -> AnyView {
    // Nothing is woken up in a browser, so nothing is sent for that.
    if let Some(context) = Owner::current_shared_context() {
        context.set_is_hydrating(false);
    }
    let language = request::language();
    let nonce = request::nonce();
    let frame = current().unwrap_or_default();
    let style = (!files.style.is_empty()).then(|| view! { <link rel="stylesheet" href=format!("/{}", files.style)/> });
    let accent = use_context::<Hue>().map(|Hue(hue)| {
        let style = format!("@layer clinic{{:root{{--hue:{hue}}}}}");
        view! { <style nonce=nonce.clone() inner_html=style></style> }
    });
    let step = step(&frame.here);
    let script = |text| view! { <script nonce=nonce.clone() inner_html=text></script> };
    let scripts = (script(FRAME), (step == "details").then(|| script(KEEP)));
    view! {
        <!DOCTYPE html>
        <html
            class="framed"
            lang=language.tag()
            dir=language.direction()
            data-theme=frame.theme.map(super::Theme::text)
            data-site=frame.site
            data-step=step
            data-close=words().embed_close()
        >
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                {style}
                {accent}
                <meta name="robots" content="noindex"/>
                <meta name="format-detection" content="telephone=no"/>
                <MetaTags/>
            </head>
            <body>
                <Widget/>
                <div hidden inner_html=ICONS></div>
                {scripts}
            </body>
        </html>
    }
    .into_any()
}

/// Which step of booking an address is, in a word for the website. That a visit is booked is for
/// the page to say: an address can be made up.
fn step(page: &str) -> &'static str {
    let path = page.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.trim_matches('/').split('/').skip(3).collect();
    match parts.as_slice() {
        [] => "treatment",
        ["hold", _] => "details",
        ["hold", _, "series"] => "series",
        ["hold", _, "check"] => "check",
        [_] => "time",
        _ => "other",
    }
}

/// The pages that a frame can show.
#[component]
pub fn Widget() -> impl IntoView {
    provide_meta_context();
    view! {
        <Router>
            <Around>
                <FlatRoutes fallback=NotFoundPage>
                    <Route path=path!("/:clinic/embed/booking") view=choose_page ssr=SsrMode::Async/>
                    <Route path=path!("/:clinic/embed/booking/:treatment") view=times_page ssr=SsrMode::Async/>
                    <Route path=path!("/:clinic/embed/booking/hold/:hold") view=details_page ssr=SsrMode::Async/>
                    <Route path=path!("/:clinic/embed/booking/hold/:hold/check") view=check_page ssr=SsrMode::Async/>
                    <Route path=path!("/:clinic/embed/booking/hold/:hold/series") view=series_page ssr=SsrMode::Async/>
                    <Route path=path!("/:clinic/embed/booking/visit/:visit") view=booked_page ssr=SsrMode::Async/>
                </FlatRoutes>
            </Around>
        </Router>
    }
}

#[component]
fn Around(children: ChildrenFn) -> impl IntoView {
    let path = use_location().pathname;
    provide_clinic(Memo::new(move |_| path.with(|path| routes::clinic_of(path))));
    let clinic = clinic_slug();
    let stranger = current().is_some_and(|Frame { is_stranger, .. }| is_stranger);
    let page = match &clinic {
        Some(clinic) if stranger => stranger_page(clinic),
        _ => children().into_any(),
    };
    view! {
        // One landmark, with the name of its step: the website around it has others, and more of these.
        <main id="main" tabindex="-1" aria-labelledby=TITLE>
            <div class="page">{page}</div>
            <div class="foot">
                <div class="stack g2">
                    // A frame speaks what its clinic speaks: nobody chose its language but the website.
                    {of_clinic(|clinic| view! { <LanguageLinks languages=clinic.languages.clone()/> }.into_any())}
                    {clinic.map(|clinic| view! { <p class="fine"><NewWindow href=routes::booking_outside(&clinic) text=words().embed_open()/></p> })}
                </div>
            </div>
        </main>
    }
}

/// A link to a window of its own, which it says.
#[component]
pub fn NewWindow(#[prop(into)] href: String, text: &'static str, #[prop(optional)] class: &'static str) -> impl IntoView {
    let w = words();
    view! {
        <a class=class href=href target=outward() rel="noopener external">
            {text}
            <span class="vh">" ("{w.embed_new_window()}")"</span>
            <Icon name="out" class="flip"/>
        </a>
    }
    .into_any()
}

/// The website is not on the clinic's list. Browsers do not show this page there at all; it is for
/// who opens its address, and for a browser that would.
fn stranger_page(clinic: &ClinicSlug) -> AnyView {
    request::page_status(403);
    let w = words();
    view! {
        <Title text=w.embed_stranger()/>
        <Meta name="robots" content="noindex"/>
        <div class="narrow stack g6">
            <div class="stack g3">
                <Heading text=w.embed_stranger()/>
                <p class="lead">{w.embed_stranger_text()}</p>
            </div>
            <div class="actions"><NewWindow class="btn" href=routes::booking_outside(clinic) text=w.booking_title()/></div>
            <PhoneLine/>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_website_hears_the_step_and_nothing_of_what_is_booked() {
        for (page, expected) in [
            ("/rowan/embed/booking", "treatment"),
            ("/rowan/embed/booking?lang=de", "treatment"),
            ("/rowan/embed/booking/physio-first?from=2026-03-01", "time"),
            ("/rowan/embed/booking/hold/abc", "details"),
            ("/rowan/embed/booking/hold/abc/check", "check"),
            ("/rowan/embed/booking/visit/forged", "other"),
        ] {
            assert_eq!(step(page), expected, "{page}");
        }
    }

    #[test]
    fn the_scripts_are_small_and_never_speak_to_whoever_listens() {
        assert!(FRAME.len() + KEEP.len() < 4096, "{} and {}", FRAME.len(), KEEP.len());
        assert!(!FRAME.contains("'*'") && !FRAME.contains("\"*\""));
    }
}
