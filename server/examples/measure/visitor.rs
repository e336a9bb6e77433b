//! Someone who asks a server over HTTP: for pages as a browser, for values as the pages' script.

use std::fmt::Write as _;

use anyhow::{Context as _, bail, ensure};
use app::booking::model::{Held, Moving, Slot, Times, TimesFor, TimesQuery, Visit};
use app::clinic::model::Shift;
use axum::body::Bytes;
use axum::http::{Request, StatusCode};
use chrono::{DateTime, NaiveDate, Utc};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;

/// What is booked everywhere here: the demo's physiotherapy, without a condition or a request.
pub const CLINIC: &str = "rowan-street";
pub const TREATMENT: &str = "physio-first";
/// Step 2 of a booking, the heaviest page: all free times of the next days.
pub const TIMES_PAGE: &str = "/rowan-street/booking/physio-first";

/// Keeps connections open, as many as it asks questions at once. Keeps no cookies.
#[derive(Clone)]
pub struct Visitor {
    client: Client<HttpConnector, Full<Bytes>>,
    origin: String,
}

/// A time that is free, and who would see the patient.
#[derive(Clone)]
pub struct Wanted {
    location: String,
    practitioner: String,
    start: String,
}

/// A hold whose details are complete.
pub struct Described {
    hold: String,
    version: String,
}

impl Wanted {
    /// A time in somebody's shift.
    pub fn at(shift: &Shift, start: DateTime<Utc>) -> Self {
        Self { location: shift.location.to_string(), practitioner: shift.practitioner.to_string(), start: start.to_rfc3339() }
    }

    /// The times of an answer.
    pub fn of(times: &Times) -> impl Iterator<Item = Self> {
        let slots = times.days.iter().flat_map(|day| day.morning.iter().chain(&day.afternoon));
        slots.map(|slot: &Slot| Self {
            location: times.location.slug.to_string(),
            practitioner: slot.practitioner.to_string(),
            start: slot.start.instant.to_rfc3339(),
        })
    }

    pub fn start(&self) -> anyhow::Result<DateTime<Utc>> {
        Ok(self.start.parse()?)
    }
}

impl Visitor {
    pub fn new(port: u16) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { client: Client::builder(TokioExecutor::new()).build(connector), origin: format!("http://127.0.0.1:{port}") }
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Bytes)> {
        let answer = self.client.request(request).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }

    /// Loads a page to its last byte, compressed as a browser asks for it; anything but 200 fails.
    pub async fn page(&self, path: &str) -> anyhow::Result<()> {
        let request = Request::get(format!("{}{path}", self.origin))
            .header("accept", "text/html,application/xhtml+xml")
            .header("accept-encoding", "gzip, deflate, br")
            .header("accept-language", "en-GB,en")
            .body(Full::default())?;
        let (status, _) = self.send(request).await?;
        ensure!(status == StatusCode::OK, "{path} is answered with {status}");
        Ok(())
    }

    /// Calls a server function as a form does; `None` if another was faster.
    async fn call<T: DeserializeOwned>(&self, endpoint: &str, fields: &[(&str, &str)]) -> anyhow::Result<Option<T>> {
        let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        self.post(endpoint, "application/x-www-form-urlencoded", pairs.join("&")).await
    }

    async fn post<T: DeserializeOwned>(&self, endpoint: &str, kind: &str, body: String) -> anyhow::Result<Option<T>> {
        let request = Request::post(format!("{}/api/{endpoint}", self.origin))
            .header("content-type", kind)
            .header("accept", "application/json")
            .header("sec-fetch-site", "same-origin")
            .body(Full::from(body))?;
        let (status, body) = self.send(request).await?;
        match status {
            StatusCode::OK => Ok(Some(serde_json::from_slice(&body)?)),
            StatusCode::CONFLICT => Ok(None),
            _ => bail!("{endpoint} is answered with {status}: {}", String::from_utf8_lossy(&body)),
        }
    }

    /// What is free from a day on, with anyone.
    pub async fn times(&self, from: NaiveDate) -> anyhow::Result<Times> {
        let query = TimesQuery {
            clinic: CLINIC.parse()?,
            what: TimesFor::Treatment(TREATMENT.parse()?),
            practitioner: None,
            location: None,
            from: Some(from),
            month: None,
            zone: None,
        };
        let body = serde_json::json!({ "query": query }).to_string();
        self.post("booking/times", "application/json", body).await?.context("times are never in conflict")
    }

    pub async fn hold(&self, wanted: &Wanted) -> anyhow::Result<Option<String>> {
        let Wanted { location, practitioner, start } = wanted;
        let fields = [
            ("clinic", CLINIC),
            ("treatment", TREATMENT),
            ("location", location),
            ("practitioner", practitioner),
            ("start", start),
        ];
        self.call("booking/hold", &fields).await
    }

    pub async fn release(&self, hold: &str) -> anyhow::Result<()> {
        self.call::<()>("booking/release", &[("clinic", CLINIC), ("hold", hold)]).await.map(drop)
    }

    /// A visit by its link.
    pub async fn visit(&self, link: &str) -> anyhow::Result<Visit> {
        let question = serde_json::json!({ "clinic": CLINIC, "visit": link }).to_string();
        self.post("booking/visit", "application/json", question).await?.context("looking is never in conflict")
    }

    /// A visit beside a time to which it could move, with anyone.
    pub async fn moving(&self, visit: &str, wanted: &Wanted) -> anyhow::Result<Moving> {
        let Wanted { location, start, .. } = wanted;
        let question = serde_json::json!({
            "clinic": CLINIC, "visit": visit, "location": location, "practitioner": null, "start": start,
        });
        let answer = self.post("booking/moving", "application/json", question.to_string()).await?;
        answer.context("looking is never in conflict")
    }

    /// Presses the button of that page; false if another was faster.
    pub async fn relocate(&self, visit: &str, moving: &Moving) -> anyhow::Result<bool> {
        let to = &moving.to;
        let fields = [
            ("clinic", CLINIC),
            ("visit", visit),
            ("location", to.location.slug.as_str()),
            ("practitioner", to.practitioner.slug.as_str()),
            ("anyone", "on"),
            ("start", &to.start.instant.to_rfc3339()),
            ("version", &moving.version),
        ];
        Ok(self.call::<()>("booking/move", &fields).await?.is_some())
    }

    /// The whole way to a visit; its link, or `None` if another was faster.
    pub async fn book(&self, wanted: &Wanted, email: &str) -> anyhow::Result<Option<String>> {
        match self.describe(wanted, email).await? {
            Some(described) => self.confirm(&described).await,
            None => Ok(None),
        }
    }

    /// The way up to the last button; `None` if another was faster.
    pub async fn describe(&self, wanted: &Wanted, email: &str) -> anyhow::Result<Option<Described>> {
        let Some(hold) = self.hold(wanted).await? else { return Ok(None) };
        let details = [
            ("clinic", CLINIC),
            ("hold", hold.as_str()),
            ("draft[who_for]", "self"),
            ("draft[name]", "Maya Example"),
            ("draft[birth_day]", "27"),
            ("draft[birth_month]", "3"),
            ("draft[birth_year]", "1984"),
            ("draft[email]", email),
        ];
        let held = self.call::<Held>("booking/describe", &details).await?;
        Ok(held.map(|held| Described { hold, version: held.version }))
    }

    /// The last button; the visit's link, or `None` if another was faster.
    pub async fn confirm(&self, described: &Described) -> anyhow::Result<Option<String>> {
        let Described { hold, version } = described;
        self.call("booking/confirm", &[("clinic", CLINIC), ("hold", hold), ("version", version)]).await
    }
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            all.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(all, "%{byte:02X}");
        }
        all
    })
}
