//! A small picture beside words. It never speaks for itself: readers of the page's text skip it.

use leptos::prelude::*;

/// A symbol of `icons.svg`, which the document carries at its end: no request, no flash.
#[component]
pub fn Icon(
    name: &'static str,
    /// More classes: "flip" mirrors it where text runs from right to left.
    #[prop(optional)]
    class: &'static str,
) -> impl IntoView {
    let class = if class.is_empty() { "i".to_owned() } else { format!("i {class}") };
    view! {
        <svg class=class aria-hidden="true">
            <use href=format!("#i-{name}")></use>
        </svg>
    }
    .into_any()
}
