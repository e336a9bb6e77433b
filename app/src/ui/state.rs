//! Pages for hard moments: what happened, what is safe, what to do next.

use leptos::prelude::*;

#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! { <h1 tabindex="-1">"404"</h1> }
}
