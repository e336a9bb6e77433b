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

/// What a browser says by itself when a page of ours sends a form or calls.
pub const OURS: (&str, &str) = ("sec-fetch-site", "same-origin");
pub const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
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
}

impl Browser {
    pub fn new(port: u16) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http(), port }
    }

    /// `request` is a method and a path: `GET /rowan-street`.
    pub async fn ask(&self, request: &str, headers: &[(&str, &str)], body: &str) -> Result<Answer, Gone> {
        let (method, path) = request.split_once(' ').unwrap();
        // Questions go as JSON, what changes something as a form: a page without scripts only changes.
        let asks = ["/api/booking/times", "/api/booking/held", "/api/booking/visit"].contains(&path) && headers.contains(&FORM);
        let (json, body) = if asks { (true, question(body)) } else { (false, body.to_owned()) };
        let mut builder = Request::builder().method(method).uri(format!("http://127.0.0.1:{}{path}", self.port));
        for (name, value) in headers {
            builder = builder.header(*name, if json && *name == FORM.0 { "application/json" } else { value });
        }
        let request = builder.body(Full::from(body)).unwrap();
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

    /// Calls a server function, whatever it answers.
    pub async fn post(&self, endpoint: &str, fields: &[(&str, &str)]) -> Result<Answer, Gone> {
        self.ask(&format!("POST /api/{endpoint}"), &[FORM, VALUE, OURS], &form(fields)).await
    }

    /// Calls a server function; `None` if it refuses.
    async fn call<T: DeserializeOwned>(&self, endpoint: &str, fields: &[(&str, &str)]) -> Result<Option<T>, Gone> {
        let answer = self.post(endpoint, fields).await?;
        if answer.status.is_success() {
            return Ok(Some(answer.value()));
        }
        assert!(answer.status.is_client_error(), "{endpoint}: {} {}", answer.status, answer.text);
        Ok(None)
    }

    /// The fields that ask for a random free time of the demo's physiotherapy; `None` if a random
    /// stretch of days has none.
    pub async fn wish(&self, random: &mut impl Rng) -> Result<Option<Vec<(&'static str, String)>>, Gone> {
        let today = server::clock::Clock::system().now();
        let from = (today + chrono::TimeDelta::days(random.random_range(1..40))).date_naive().to_string();
        let query = [("query[clinic]", CLINIC.1), ("query[treatment]", PHYSIO), ("query[from]", from.as_str())];
        let Some(times) = self.call::<Times>("booking/times", &query).await? else { return Ok(None) };
        let slots: Vec<_> = times.days.iter().flat_map(|day| day.morning.iter().chain(&day.afternoon)).collect();
        if slots.is_empty() {
            return Ok(None);
        }
        let start = slots[random.random_range(0..slots.len())].start.instant.to_rfc3339();
        let location = times.location.slug.to_string();
        Ok(Some(vec![("clinic", CLINIC.1.into()), ("treatment", PHYSIO.into()), ("location", location), ("start", start)]))
    }

    /// Holds a random free time; the hold's link, or `None` if somebody else was faster.
    pub async fn hold(&self, random: &mut impl Rng) -> Result<Option<String>, Gone> {
        let Some(wish) = self.wish(random).await? else { return Ok(None) };
        self.call("booking/hold", &borrowed(&wish)).await
    }

    /// Books a random free time; the visit's link, or `None` if somebody else was faster.
    pub async fn book(&self, random: &mut impl Rng, name: &str, email: &str) -> Result<Option<String>, Gone> {
        let Some(hold) = self.hold(random).await? else { return Ok(None) };
        let hold = ("hold", hold.as_str());
        let Some(held) = self.call::<Held>("booking/describe", &details(hold, name, email)).await? else { return Ok(None) };
        self.call("booking/confirm", &[CLINIC, hold, ("version", &held.version)]).await
    }

    pub async fn has_visit(&self, link: &str) -> bool {
        matches!(self.call::<Visit>("booking/visit", &[CLINIC, ("visit", link)]).await, Ok(Some(_)))
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

/// A form's fields as the JSON of a question: `query[clinic]=x` becomes `{"query":{"clinic":"x"}}`.
fn question(form: &str) -> String {
    let mut whole = serde_json::Map::new();
    for (name, value) in form.split('&').filter_map(|pair| pair.split_once('=')) {
        let (name, value) = (decoded(name), serde_json::Value::String(decoded(value)));
        match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
            None => drop(whole.insert(name, value)),
            Some((outer, inner)) => {
                let fields = whole.entry(outer).or_insert_with(|| serde_json::json!({}));
                fields[inner] = value;
            }
        }
    }
    serde_json::Value::Object(whole).to_string()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = |digit: u8| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap();
        bytes.push(if byte == b'%' { hex(rest.next().unwrap()) * 16 + hex(rest.next().unwrap()) } else { byte });
    }
    String::from_utf8(bytes).unwrap()
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
