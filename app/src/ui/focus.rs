//! Where the focus goes after a change of page or part.
//!
//! Whoever causes a change says what to focus next; the part itself takes the focus once it is
//! there, however late the server answers. Nothing moves when a page first loads: there the
//! browser does it.

use leptos::prelude::*;

/// The heading of every page.
pub const TITLE: &str = "title";

/// What takes the focus next.
#[derive(Clone, Copy)]
pub struct NextFocus(StoredValue<Turn>);

/// Whose turn it is, by the `id` of the element.
#[derive(Clone, Copy)]
enum Turn {
    Nobody,
    Next(&'static str),
    /// It took the focus, and takes it again if its part is written anew meanwhile.
    Taken(&'static str),
}

impl NextFocus {
    pub fn new() -> Self {
        Self(StoredValue::new(Turn::Nobody))
    }

    pub fn set(self, id: &'static str) {
        self.0.set_value(Turn::Next(id));
    }

    fn take(self, id: &'static str) -> bool {
        let is_mine = match self.0.get_value() {
            Turn::Nobody => false,
            Turn::Next(next) => next == id,
            Turn::Taken(last) => last == id && is_nothing_focused(),
        };
        if is_mine {
            self.0.set_value(Turn::Taken(id));
        }
        is_mine
    }
}

impl Default for NextFocus {
    fn default() -> Self {
        Self::new()
    }
}

/// Says what takes the focus next, from within a page.
pub fn focus_next(id: &'static str) {
    if let Some(next) = use_context::<NextFocus>() {
        next.set(id);
    }
}

/// The page did not come that was to take the focus: the title of what came instead takes it.
pub fn focus_instead() {
    if let Some(next) = use_context::<NextFocus>()
        && matches!(next.0.get_value(), Turn::Next(_))
    {
        next.set(TITLE);
    }
}

/// Takes the focus once the element with this `id` is on the page, if it is its turn.
pub fn takes_focus(id: &'static str) {
    let Some(next) = use_context::<NextFocus>() else { return };
    Effect::new(move |_| {
        // What is being written now is on the page with the next frame.
        request_animation_frame(move || {
            if next.take(id) {
                focus_now(id);
            }
        });
    });
}

/// The focus went with the element that had it.
fn is_nothing_focused() -> bool {
    let document = document();
    document.active_element().is_none_or(|focused| document.body().is_some_and(|body| *body == focused))
}

/// Moves the focus to an element that is on the page already.
pub fn focus_now(id: &str) {
    use leptos::wasm_bindgen::JsCast;
    let element = document().get_element_by_id(id);
    if let Some(element) = element.and_then(|element| element.dyn_into::<leptos::web_sys::HtmlElement>().ok()) {
        // A page without its focus moved is still a page.
        let _ = element.focus();
    }
}

/// The one `h1` of a page.
#[component]
pub fn Heading(#[prop(into)] text: String) -> impl IntoView {
    takes_focus(TITLE);
    view! { <h1 id=TITLE tabindex="-1">{text}</h1> }.into_any()
}
