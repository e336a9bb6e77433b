//! A visitor over HTTP, as the page's own script would ask.

use app::booking::model::{Held, Times, Visit};
use axum::body::Bytes;
use axum::http::header::AsHeaderName;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rand::Rng;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// What a browser says by itself when a page of ours sends a form or calls.
pub const OURS: (&str, &str) = ("sec-fetch-site", "same-origin");
pub const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
pub const JSON: (&str, &str) = ("content-type", "application/json");
/// A browser waits for a page.
pub const PAGE: (&str, &str) = ("accept", "text/html");
/// A script waits for a value.
pub const VALUE: (&str, &str) = ("accept", "application/json");
/// The demo clinic.
pub const CLINIC: (&str, &str) = ("clinic", "rowan-street");
const PHYSIO: &str = "physio-first";

/// Asks one server.
#[derive(Clone)]
pub struct Browser {
    client: Client<HttpConnector, Full<Bytes>>,
    port: u16,
}

/// The server is not there any more.
#[derive(Debug)]
pub struct Gone;

/// Asks again until there is something, as one does in a demo that is mostly free.
async fn insist<T>(mut ask: impl AsyncFnMut() -> Result<Option<T>, Gone>) -> T {
    for _ in 0..30 {
        if let Some(found) = ask().await.unwrap() {
            return found;
        }
    }
    panic!("refused every time");
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// A header's value; empty where there is none.
    pub fn header(&self, name: impl AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The value that a server function answered.
    pub fn value<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text))
    }

    /// The same, or `None` if it was refused, as somebody who is too late is.
    fn unless_refused<T: DeserializeOwned>(&self) -> Option<T> {
        assert!(!self.status.is_server_error(), "{} {}", self.status, self.text);
        self.status.is_success().then(|| self.value())
    }
}

impl Browser {
    pub fn new(port: u16) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http(), port }
    }

    /// `request` is a method and a path: `GET /rowan-street`.
    pub async fn ask(&self, request: &str, headers: &[(&str, &str)], body: &str) -> Result<Answer, Gone> {
        let (method, path) = request.split_once(' ').unwrap();
        let mut builder = Request::builder().method(method).uri(format!("http://127.0.0.1:{}{path}", self.port));
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let request = builder.body(Full::from(body.to_owned())).unwrap();
        let (parts, body) = self.client.request(request).await.map_err(|_| Gone)?.into_parts();
        let bytes = body.collect().await.map_err(|_| Gone)?.to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() })
    }

    pub async fn page(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), &[PAGE], "").await.unwrap()
    }

    pub async fn is_ready(&self) -> bool {
        matches!(self.ask("GET /ready", &[], "").await, Ok(answer) if answer.status == StatusCode::OK)
    }

    /// Sends a form to a server function, whatever it answers.
    pub async fn post(&self, endpoint: &str, fields: &[(&str, &str)]) -> Result<Answer, Gone> {
        self.ask(&format!("POST /api/{endpoint}"), &[FORM, VALUE, OURS], &form(fields)).await
    }

    /// Asks a server function that changes nothing, whatever it answers: such a question is JSON.
    pub async fn question(&self, endpoint: &str, question: &Value) -> Result<Answer, Gone> {
        self.ask(&format!("POST /api/{endpoint}"), &[JSON, VALUE, OURS], &question.to_string()).await
    }

    /// A visit by its private link.
    pub async fn visit(&self, link: &str) -> Result<Answer, Gone> {
        self.question("booking/visit", &json!({ "clinic": CLINIC.1, "visit": link })).await
    }

    /// A hold by its private link.
    pub async fn held(&self, link: &str) -> Result<Answer, Gone> {
        self.question("booking/held", &json!({ "clinic": CLINIC.1, "hold": link })).await
    }

    /// The fields that ask for a random free time of the demo's physiotherapy; `None` if a random
    /// stretch of days has none.
    async fn wish(&self, random: &mut impl Rng) -> Result<Option<Vec<(&'static str, String)>>, Gone> {
        let today = server::clock::Clock::system().now();
        let from = (today + chrono::TimeDelta::days(random.random_range(1..40))).date_naive().to_string();
        let query = json!({ "query": { "clinic": CLINIC.1, "treatment": PHYSIO, "from": from } });
        let times: Times = self.question("booking/times", &query).await?.value();
        let slots: Vec<_> = times.days.iter().flat_map(|day| day.morning.iter().chain(&day.afternoon)).collect();
        if slots.is_empty() {
            return Ok(None);
        }
        let start = slots[random.random_range(0..slots.len())].start.instant.to_rfc3339();
        let location = times.location.slug.to_string();
        Ok(Some(vec![("clinic", CLINIC.1.into()), ("treatment", PHYSIO.into()), ("location", location), ("start", start)]))
    }

    /// Holds a random free time; the hold's link, or `None` if somebody else was faster.
    async fn hold(&self, random: &mut impl Rng) -> Result<Option<String>, Gone> {
        let Some(wish) = self.wish(random).await? else { return Ok(None) };
        Ok(self.post("booking/hold", &borrowed(&wish)).await?.unless_refused())
    }

    /// Books a random free time; the visit's link, or `None` if somebody else was faster.
    pub async fn book(&self, random: &mut impl Rng, name: &str, email: &str) -> Result<Option<String>, Gone> {
        let Some(hold) = self.hold(random).await? else { return Ok(None) };
        let hold = ("hold", hold.as_str());
        let described = self.post("booking/describe", &details(hold, name, email)).await?;
        let Some(held) = described.unless_refused::<Held>() else { return Ok(None) };
        Ok(self.post("booking/confirm", &[CLINIC, hold, ("version", &held.version)]).await?.unless_refused())
    }

    /// The fields that ask for a random free time.
    pub async fn some_wish(&self, random: &mut impl Rng) -> Vec<(&'static str, String)> {
        insist(async || self.wish(random).await).await
    }

    /// A hold of a random free time.
    pub async fn some_hold(&self, random: &mut impl Rng) -> String {
        insist(async || self.hold(random).await).await
    }

    /// A booked visit at a random free time.
    pub async fn some_visit(&self, random: &mut impl Rng) -> String {
        insist(async || self.book(random, "Maya Haddad", "maya@example.org").await).await
    }

    pub async fn has_visit(&self, link: &str) -> bool {
        matches!(self.visit(link).await, Ok(answer) if answer.unless_refused::<Visit>().is_some())
    }
}

/// A complete form.
pub fn details<'a>(hold: (&'a str, &'a str), name: &'a str, email: &'a str) -> Vec<(&'a str, &'a str)> {
    let born = [("draft[birth_day]", "27"), ("draft[birth_month]", "3"), ("draft[birth_year]", "1984")];
    let rest = [CLINIC, hold, ("draft[who_for]", "self"), ("draft[name]", name), ("draft[email]", email)];
    rest.into_iter().chain(born).collect()
}

pub fn borrowed<'a>(fields: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
    fields.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// Fields as a form sends them.
pub fn form(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut all, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            all.push(char::from(byte));
        } else {
            let _ = write!(all, "%{byte:02X}");
        }
        all
    })
}
