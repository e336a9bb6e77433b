//! A text gateway to test with: asked as Twilio is, over HTTP on a port of its own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use serde_json::json;
use sha1::Sha1;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::form_urlencoded;

pub const ACCOUNT: &str = "AC0123";
pub const TOKEN: &str = "hush";

/// What it answers to a message.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    Taken,
    /// This status, and this code of its own.
    Refused(u16, u32),
    /// The message is kept, and nothing comes.
    Nothing,
}

/// A message as it came.
#[derive(Clone, Debug)]
pub struct Text {
    form: Vec<(String, String)>,
}

impl Text {
    pub fn value(&self, name: &str) -> &str {
        self.form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// A running gateway; it ends with this value.
pub struct TextGateway {
    pub port: u16,
    desk: Arc<Desk>,
    serving: JoinHandle<()>,
}

struct Desk {
    answer: Mutex<Answer>,
    texts: Mutex<Vec<Text>>,
}

impl TextGateway {
    pub async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let desk = Arc::new(Desk { answer: Mutex::new(answer), texts: Mutex::default() });
        let router = Router::new().fallback(serve).with_state(Arc::clone(&desk));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, desk, serving }
    }

    pub fn answer(&self, answer: Answer) {
        *self.desk.answer.lock().unwrap() = answer;
    }

    /// The messages that it got, in order.
    pub fn texts(&self) -> Vec<Text> {
        self.desk.texts.lock().unwrap().clone()
    }
}

impl Drop for TextGateway {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(State(desk): State<Arc<Desk>>, uri: Uri, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let expected = format!("Basic {}", STANDARD.encode(format!("{ACCOUNT}:{TOKEN}")));
    if head.headers.get(AUTHORIZATION).is_none_or(|found| *found != *expected) {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "code": 20003 }))).into_response();
    }
    if head.method == Method::GET && uri.path() == format!("/2010-04-01/Accounts/{ACCOUNT}.json") {
        return Json(json!({ "sid": ACCOUNT })).into_response();
    }
    assert_eq!((head.method, uri.path()), (Method::POST, format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json").as_str()));
    let body: Bytes = axum::body::to_bytes(body, 1 << 16).await.unwrap();
    let answer = *desk.answer.lock().unwrap();
    if let Answer::Refused(status, code) = answer {
        let said = json!({ "code": code, "message": "The 'To' number +447700900461 is not valid." });
        return (StatusCode::from_u16(status).unwrap(), Json(said)).into_response();
    }
    desk.texts.lock().unwrap().push(Text { form: form_urlencoded::parse(&body).into_owned().collect() });
    if matches!(answer, Answer::Nothing) {
        tokio::time::sleep(Duration::from_hours(1)).await;
    }
    (StatusCode::CREATED, Json(json!({ "sid": "SM1", "status": "queued" }))).into_response()
}

/// The signature that the gateway puts under a report to that address.
pub fn signature(address: &str, form: &[(&str, &str)]) -> String {
    let mut sorted = form.to_vec();
    sorted.sort_unstable();
    let text = sorted.into_iter().fold(address.to_owned(), |text, (name, value)| text + name + value);
    let mac = Hmac::<Sha1>::new_from_slice(TOKEN.as_bytes()).unwrap().chain_update(text);
    STANDARD.encode(mac.finalize().into_bytes())
}
