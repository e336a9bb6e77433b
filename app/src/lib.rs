//! What people see, and the rules both sides share. Builds for the browser and the server.
//!
//! # Layout
//!
//! - [`routes`]: every page address in one table
//! - [`request`]: the only door from here to the server: caller and services
//! - [`error`], [`ids`], [`fields`], [`moment`]: the few types that every feature uses
//! - [`words`]: every sentence, in four languages
//! - [`ui`]: building blocks
//! - one folder per feature, each with `model` (things), `rules` (pure), `api` (service trait and
//!   server functions), `page` (what patients see): [`clinic`], [`booking`], [`waitlist`]
//! - [`embed`]: booking inside a clinic's own website
//!
//! [`shell`] is the document that the server renders; [`hydrate`] wakes it up in the browser.
#![recursion_limit = "256"]

pub mod booking;
pub mod clinic;
pub mod embed;
pub mod error;
pub mod fields;
pub mod ids;
pub mod moment;
pub mod request;
pub mod routes;
pub mod ui;
pub mod waitlist;
pub mod words;

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::components::Router;

#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let (routing, set_routing) = signal(false);
    let set_routing = SignalSetter::from(set_routing);
    view! {
        <Router set_is_routing=set_routing>
            <ui::frame::Frame routing=routing>
                <routes::PageRoutes/>
            </ui::frame::Frame>
        </Router>
    }
}

/// Where the built site's files are; they differ with every build, so browsers keep them forever.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, Default)]
pub struct SiteFiles {
    pub style: String,
    pub script: String,
    pub wasm: String,
    /// By [`words::Language`], in its order.
    pub words: [String; 4],
}

/// The hue of the clinic's accent, in degrees; the server provides it to the clinic's pages.
#[cfg(feature = "ssr")]
#[derive(Clone, Copy, Debug)]
pub struct Hue(pub u16);

/// The symbols of [`ui::icon`]; they ride along with the document, which saves a request.
#[cfg(feature = "ssr")]
const ICONS: &str = include_str!("ui/icons.svg");

/// The mark in the browser's tab, which rides along as well.
#[cfg(feature = "ssr")]
fn favicon() -> String {
    let encode = |mark: String, (sign, code)| mark.replace(sign, code);
    let mark = include_str!("../../public/favicon.svg").trim().to_owned();
    let signs = [('#', "%23"), ('<', "%3C"), ('>', "%3E"), ('"', "'")];
    format!("data:image/svg+xml,{}", signs.into_iter().fold(mark, encode))
}

/// The document around the pages.
#[cfg(feature = "ssr")]
pub fn shell(files: SiteFiles) -> impl IntoView {
    use leptos_meta::MetaTags;
    let language = request::language();
    let nonce = request::nonce();
    let words = files.words[language as usize].clone();
    let start = format!(
        "import init,{{start}} from '/{}';init({{module_or_path:'/{}'}}).then(()=>start('/{words}'))",
        files.script, files.wasm
    );
    // A server without a built site sends pages all the same: bare, and complete.
    let built = !files.script.is_empty();
    let waking = built.then(|| {
        view! {
            <link rel="stylesheet" href=format!("/{}", files.style)/>
            <link rel="modulepreload" href=format!("/{}", files.script)/>
            <link rel="preload" r#as="fetch" type="application/wasm" crossorigin="anonymous" href=format!("/{}", files.wasm)/>
            <link rel="preload" r#as="fetch" crossorigin="anonymous" href=format!("/{words}")/>
        }
    });
    let accent = use_context::<Hue>().map(|Hue(hue)| {
        let style = format!("@layer clinic{{:root{{--hue:{hue}}}}}");
        view! { <style nonce=nonce.clone() inner_html=style></style> }
    });
    let script = built.then(|| view! { <script type="module" nonce=nonce>{start}</script> });
    view! {
        <!DOCTYPE html>
        <html lang=language.tag() dir=language.direction()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"/>
                {waking}
                {accent}
                <link rel="icon" href=favicon() type="image/svg+xml"/>
                <link rel="apple-touch-icon" href="/assets/apple-touch-icon.png"/>
                <link rel="manifest" href="/assets/manifest.webmanifest"/>
                <meta name="theme-color" media="(prefers-color-scheme: light)" content="#faf9f6"/>
                <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#12130f"/>
                // Numbers that are telephone numbers are links already.
                <meta name="format-detection" content="telephone=no"/>
                <MetaTags/>
            </head>
            <body>
                <App/>
                <div hidden inner_html=ICONS></div>
                {script}
            </body>
        </html>
    }
}

/// Wakes the page up: loads the words of its language, then hydrates. Called by the page's script.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub async fn start(words_address: String) {
    console_error_panic_hook::set_once();
    let html = document().document_element();
    let tag = html.as_ref().and_then(|html| html.get_attribute("lang")).unwrap_or_default();
    let language = words::Language::parse(&tag).unwrap_or_default();
    let Ok(answer) = gloo_net::http::Request::get(&words_address).send().await else { return };
    let Ok(text) = answer.text().await else { return };
    // Without words the page stays what the server sent: complete, and working without scripts.
    if !words::load(language, text) {
        return;
    }
    leptos::mount::hydrate_from_async(leptos::tachys::dom::body(), App).await.forget();
    // Says that the page is awake: whatever drives it from outside may begin.
    let _ = html.map(|html| html.set_attribute("data-hydrated", "true"));
}
