//! Lists of facts: with icons for reading, and as questions and answers for checking.

use leptos::prelude::*;

use super::icon::Icon;
use crate::words::words;

/// One line of `<ul class="facts">`: what it is, and something quieter under it.
#[component]
pub fn Fact(
    icon: &'static str,
    #[prop(into)] main: String,
    #[prop(optional, into)] more: String,
    #[prop(optional)] bold: bool,
) -> impl IntoView {
    let main = if bold { view! { <strong>{main}</strong> }.into_any() } else { main.into_any() };
    let more = (!more.is_empty()).then(|| view! { <br/><span class="quiet"><bdi>{more}</bdi></span> });
    view! {
        <li>
            <Icon name=icon/>
            <span>{main}{more}</span>
        </li>
    }
    .into_any()
}

/// One row of `<dl class="summary">` with a link to change the answer. Its full name ("Change
/// time") starts with the word that everybody sees.
pub fn answered(term: &'static str, change: &'static str, href: String, answer: impl IntoAny) -> AnyView {
    view! {
        <div>
            <dt>{term}</dt>
            <dd>{answer.into_any()}</dd>
            <dd class="go"><a href=href aria-label=change>{words().frame_change()}</a></dd>
        </div>
    }
    .into_any()
}
