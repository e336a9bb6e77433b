//! The one way in which a page that is awake talks to the server: a POST, and text back.
//!
//! Server functions could each bring their own client; this one is shared by all of them, so a
//! page's chunk carries its shape and words and not another copy of the machinery.

use gloo_net::http::Request;
use leptos::serde_json;
use leptos::web_sys::{UrlSearchParams, wasm_bindgen::JsValue};

use crate::error::PortalError;

/// What is sent.
pub enum Body {
    Json(String),
    Form(UrlSearchParams),
}

/// What came back: the text, and where the reader is sent on, if anywhere.
pub struct Answer {
    pub text: String,
    pub redirect: Option<String>,
}

/// # Errors
/// What the server said, or `Unavailable` if it cannot be reached.
pub async fn post(address: &str, body: Body) -> Result<Answer, PortalError> {
    let (kind, body) = match body {
        Body::Json(text) => ("application/json", JsValue::from_str(&text)),
        Body::Form(fields) => ("application/x-www-form-urlencoded", JsValue::from(fields.to_string())),
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
