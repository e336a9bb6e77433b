//! The one way in which a page that is awake talks to the server: a POST, and text back.
//!
//! Server functions could each bring their own client; this one is shared by all of them, so a
//! page's chunk carries its shape and words and not another copy of the machinery.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Poll, Waker};

use gloo_net::http::Request;
use leptos::serde_json;
use leptos::web_sys::{UrlSearchParams, wasm_bindgen::JsValue};

use crate::error::PortalError;

/// What is sent.
pub enum Body {
    Json(String),
    Form(UrlSearchParams),
}

thread_local! {
    /// Changes that are on their way or wait for their turn, in order.
    static CHANGES: RefCell<VecDeque<u64>> = const { RefCell::new(VecDeque::new()) };
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static WAITING: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
}

/// A change on its way to the server, or waiting for its turn.
struct Change(u64);

impl Change {
    fn begins() -> Self {
        let number = COUNT.get();
        COUNT.set(number + 1);
        CHANGES.with_borrow_mut(|changes| changes.push_back(number));
        Self(number)
    }

    /// Waits until every change before this one has ended.
    async fn turn(&self) {
        until(|changes| changes.front() == Some(&self.0)).await;
    }
}

/// Waits until no change is on its way.
pub async fn settled() {
    until(VecDeque::is_empty).await;
}

async fn until(is_so: impl Fn(&VecDeque<u64>) -> bool) {
    let look = |context: &mut std::task::Context<'_>| {
        if CHANGES.with_borrow(&is_so) {
            return Poll::Ready(());
        }
        WAITING.with_borrow_mut(|waiting| waiting.push(context.waker().clone()));
        Poll::Pending
    };
    poll_fn(look).await;
}

impl Drop for Change {
    fn drop(&mut self) {
        CHANGES.with_borrow_mut(|changes| changes.retain(|number| *number != self.0));
        WAITING.take().into_iter().for_each(Waker::wake);
    }
}

/// What came back: the text, and where the reader is sent on, if anywhere.
pub struct Answer {
    pub text: String,
    pub redirect: Option<String>,
}

/// Changes (forms) go one after the other: an older one that arrives later would overwrite a newer
/// one. A question (JSON) waits for all of them: who leaves a form and comes straight back must not
/// be shown what it was before.
///
/// # Errors
/// What the server said, or `Unavailable` if it cannot be reached.
pub async fn post(address: &str, body: Body) -> Result<Answer, PortalError> {
    let (kind, body, _change) = match body {
        Body::Json(text) => {
            settled().await;
            ("application/json", JsValue::from_str(&text), None)
        }
        Body::Form(fields) => {
            let change = Change::begins();
            change.turn().await;
            ("application/x-www-form-urlencoded", JsValue::from(fields.to_string()), Some(change))
        }
    };
    let lost = |_| PortalError::Unavailable;
    // Times are worded for where the reader is, too.
    let address =
        own_zone().map_or_else(|| address.to_owned(), |zone| format!("{address}?zone={}", js_sys::encode_uri_component(&zone)));
    let request =
        Request::post(&address).header("content-type", kind).header("accept", "application/json").body(body).map_err(lost)?;
    let response = request.send().await.map_err(lost)?;
    let text = response.text().await.map_err(lost)?;
    if !response.ok() {
        return Err(serde_json::from_str(&text).unwrap_or(PortalError::Unavailable));
    }
    Ok(Answer { text, redirect: response.headers().get("location") })
}

/// The zone of this device, as the browser names it.
pub fn own_zone() -> Option<String> {
    let options = js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &js_sys::Object::new()).resolved_options();
    js_sys::Reflect::get(&options, &"timeZone".into()).ok()?.as_string()
}
