//! One idea that a reader must not miss, and the two words that say a state.

use leptos::prelude::*;

use super::icon::Icon;

/// `tone`: "" is good to know, "warn" you may lose something, "bad" it failed, "plain" by the way.
#[component]
pub fn Notice(#[prop(optional)] tone: &'static str, icon: &'static str, children: Children) -> impl IntoView {
    view! {
        <div class=format!("notice {tone}")>
            <Icon name=icon/>
            <div>{children()}</div>
        </div>
    }
    .into_any()
}

/// A notice that answers what the reader just did: it is read out and takes the focus.
#[component]
pub fn Answer(tone: &'static str, title: &'static str, children: Children) -> impl IntoView {
    super::focus::takes_focus(ANSWER);
    view! {
        <div class=format!("notice {tone}") role="alert" tabindex="-1" id=ANSWER>
            <Icon name="alert"/>
            <div>
                <h2>{title}</h2>
                {children()}
            </div>
        </div>
    }
    .into_any()
}

/// The `id` of an [`Answer`].
pub const ANSWER: &str = "answer";

#[component]
pub fn Badge(#[prop(optional)] tone: &'static str, text: &'static str) -> impl IntoView {
    view! { <span class=format!("badge {tone}")>{text}</span> }.into_any()
}
