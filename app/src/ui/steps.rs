//! Where a reader is on a way of several pages.

use leptos::prelude::*;

use super::focus::Heading;
use super::icon::Icon;
use crate::words::words;

/// How many pages booking has before it is done.
const STEPS: usize = 4;

/// The head of a page of booking: the way back, the step, the heading.
#[component]
pub fn StepHead(
    step: usize,
    #[prop(into)] title: String,
    /// Where "Back" goes; none if there is no way back.
    #[prop(optional, into)]
    back: String,
) -> impl IntoView {
    let w = words();
    let bar = (1..=STEPS)
        .map(|n| view! { <li class:done=n < step aria-current=(n == step).then_some("step")></li> })
        .collect::<Vec<_>>();
    view! {
        {(!back.is_empty()).then(|| view! { <BackLink href=back/> })}
        <div class="steps">
            <p>{w.frame_step(&step.to_string(), &STEPS.to_string())}</p>
            <ol aria-hidden="true">{bar}</ol>
        </div>
        <Heading text=title/>
    }
    .into_any()
}

#[component]
pub fn BackLink(#[prop(into)] href: String) -> impl IntoView {
    view! {
        <a class="back" href=href>
            <Icon name="back" class="flip"/>
            {words().frame_back()}
        </a>
    }
    .into_any()
}
