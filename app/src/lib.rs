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
//!   server functions), `page` (what patients see): [`clinic`], [`booking`]
//!
//! [`shell`] is the document that the server renders; [`hydrate`] wakes it up in the browser.
#![recursion_limit = "256"]

pub mod booking;
pub mod clinic;
pub mod error;
pub mod fields;
pub mod ids;
pub mod moment;
pub mod request;
pub mod routes;
pub mod ui;
pub mod words;

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::components::Router;

#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Router>
            <routes::PageRoutes/>
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
    pub icons: String,
}

#[cfg(feature = "ssr")]
pub fn shell(files: SiteFiles) -> impl IntoView {
    use leptos_meta::MetaTags;
    let language = request::language();
    let nonce = request::nonce();
    let start = format!(
        "import init,{{start}} from '/{}';init({{module_or_path:'/{}'}}).then(()=>start('/{}'))",
        files.script, files.wasm, files.words[language as usize]
    );
    view! {
        <!DOCTYPE html>
        <html lang=language.tag() dir=language.direction()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"/>
                <link rel="stylesheet" href=format!("/{}", files.style)/>
                <MetaTags/>
            </head>
            <body>
                <App/>
                <script type="module" nonce=nonce>{start}</script>
            </body>
        </html>
    }
}

/// Wakes the page up: loads the words of its language, then hydrates. Called by the page's script.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn start(words_address: String) {
    console_error_panic_hook::set_once();
    leptos::task::spawn_local(async move {
        let tag = document().document_element().and_then(|html| html.get_attribute("lang")).unwrap_or_default();
        let language = words::Language::parse(&tag).unwrap_or_default();
        let Ok(answer) = gloo_net::http::Request::get(&words_address).send().await else { return };
        let Ok(text) = answer.text().await else { return };
        // Without words the page stays what the server sent: complete, and working without scripts.
        if words::load(language, text) {
            leptos::mount::hydrate_lazy(App);
        }
    });
}
