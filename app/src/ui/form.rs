//! Forms that work without scripts, sent by the page itself once it is awake.
//!
//! A form posts to a server function, which ends in a redirect or an error. Without scripts the
//! browser follows the redirect; an error comes back in the address of the page. With scripts the
//! same fields go the same way, the page stays as it is, and only the state here changes.

use leptos::html::Form;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos::server_fn::redirect::call_redirect_hook;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::{FormData, HtmlButtonElement, HtmlFormElement, SubmitEvent, UrlSearchParams};

use super::post::{Body, post};
use crate::embed;
use crate::error::PortalError;

/// What becomes of a form's sendings. Several forms of a page may share one.
#[derive(Clone, Copy)]
pub struct Sending {
    address: &'static str,
    /// The value of the button that was pressed, while the answer is awaited.
    pressed: RwSignal<Option<String>>,
    refused: RwSignal<Option<PortalError>>,
    /// Whether this page sent anything itself: what is in its address is older.
    sent: RwSignal<bool>,
}

impl Sending {
    /// To be made where the page begins, so that both sides count the same.
    pub fn new<To: ServerFn<Error = PortalError>>() -> Self {
        Self {
            address: To::PATH,
            pressed: RwSignal::new(None),
            refused: RwSignal::new(SharedValue::new(|| refused_before(To::PATH)).into_inner()),
            sent: RwSignal::new(false),
        }
    }

    pub fn is_pending(self) -> bool {
        self.pressed.with(Option::is_some)
    }

    /// The button with this value was pressed, and its answer is awaited.
    pub fn is_pressed(self, value: &str) -> bool {
        self.pressed.with(|pressed| pressed.as_deref() == Some(value))
    }

    /// Why the last sending failed; `None` if it did not.
    pub fn refused(self) -> Option<PortalError> {
        self.refused.get()
    }

    /// The same, unless it was in the page from the start.
    pub fn refused_now(self) -> Option<PortalError> {
        let refused = self.refused.get();
        if self.sent.get_untracked() { refused } else { None }
    }

    /// This page sent something by it.
    pub fn is_used(self) -> bool {
        self.sent.get_untracked()
    }

    fn send(self, event: &SubmitEvent) {
        let Some((fields, pressed)) = fields(event) else { return };
        event.prevent_default();
        // A second press while the first is on its way adds nothing; the server would take it well.
        if self.pressed.with_untracked(Option::is_some) {
            return;
        }
        self.pressed.set(Some(pressed));
        self.sent.set(true);
        spawn_local(async move {
            let answer = post(self.address, Body::Form(fields)).await;
            // The page may be gone by now.
            let _ = self.pressed.try_set(None);
            let _ = match answer {
                Ok(answer) => {
                    if let Some(redirect) = answer.redirect {
                        call_redirect_hook(&redirect);
                    }
                    self.refused.try_set(None)
                }
                Err(error) => self.refused.try_set(Some(error)),
            };
        });
    }
}

/// Why the form was refused whose answer brought the reader here: the server reads it from the
/// address and hands it on, so that a browser need not.
#[cfg(feature = "ssr")]
fn refused_before(address: &str) -> Option<PortalError> {
    use leptos::server_fn::error::ServerFnUrlError;
    let query = leptos_router::hooks::use_query_map().get_untracked();
    let about_this = query.get_str("__path") == Some(address);
    about_this.then(|| query.get_str("__err").map(ServerFnUrlError::<PortalError>::decode_err)).flatten()
}

#[cfg(not(feature = "ssr"))]
const fn refused_before(_: &str) -> Option<PortalError> {
    None
}

/// What the form sends, with the value of the pressed button.
fn fields(event: &SubmitEvent) -> Option<(UrlSearchParams, String)> {
    let form: HtmlFormElement = event.target()?.dyn_into().ok()?;
    let data = FormData::new_with_form(&form).ok()?;
    let button = event.submitter().and_then(|submitter| submitter.dyn_into::<HtmlButtonElement>().ok());
    let pressed = button.as_ref().map(HtmlButtonElement::value).unwrap_or_default();
    if let Some(button) = button.filter(|button| !button.name().is_empty()) {
        data.append_with_str(&button.name(), &pressed).ok()?;
    }
    Some((encoded(&data)?, pressed))
}

/// The fields as a form sends them.
pub fn encoded(data: &FormData) -> Option<UrlSearchParams> {
    UrlSearchParams::new_with_str_sequence_sequence(data).ok()
}

/// A form with these fields that nobody types, and whatever is inside.
pub fn form(sending: Sending, node: Option<NodeRef<Form>>, fields: Vec<(&'static str, String)>, inside: impl IntoAny) -> AnyView {
    let fields =
        fields.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value/> }).collect::<Vec<_>>();
    view! {
        <form
            class="stack g6"
            method="post"
            action=embed::action(sending.address)
            novalidate=true
            node_ref=node.unwrap_or_default()
            on:submit=move |event| sending.send(&event)
        >
            {fields}
            {inside.into_any()}
        </form>
    }
    .into_any()
}

/// `aria-busy` of the button that sends a form without a value of its own.
pub fn busy(sending: Sending) -> impl Fn() -> Option<&'static str> + Send + Copy + 'static {
    move || sending.is_pending().then_some("true")
}
