//! Open times as SMART Scheduling Links (HL7, `specification.md`, Slot Publisher API): a manifest at
//! `$bulk-publish`, and files of Locations, Schedules and Slots, a line of JSON for each.
//!
//! What is published can be booked by whoever reads it, at once: treatments for everyone that need
//! no answer of staff. A Slot leads to the times page with its time picked out; what a directory
//! adds to the link (`source`, `booking-referral`) is not kept. Nothing here is about a person.
//!
//! The work is bounded whoever asks how often: the times of the next weeks are searched at most
//! once a minute for a clinic, and every answer until then is that one.

use std::collections::HashMap;
use std::sync::Arc;

use app::booking::rules::{Span, instant, locations_of, tick};
use app::clinic::model::{Audience, Clinic, Confirmation, Location, PostalAddress, Treatment};
use app::ids::ClinicSlug;
use app::request::Caller;
use app::routes;
use app::words::Language;
use axum::extract::{Path, State};
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::booking::find::{self, Finder};
use crate::booking::view::{View, zone_of};
use crate::clinic::{Clinics, Current};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::store::Database;
use crate::web::refusal::Refusal;
use crate::web::router::Web;

/// How far ahead times are published.
const WINDOW: TimeDelta = TimeDelta::days(28);
/// How long what was computed is the answer; directories are told not to ask sooner.
const FRESH: TimeDelta = TimeDelta::seconds(60);
const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=60");
/// More Slots than this of one clinic are not published, the latest first.
const SLOTS_MAX: usize = 20_000;

const DEEP_LINK: &str = "http://fhir-registry.smarthealthit.org/StructureDefinition/booking-deep-link";
const PHONE: &str = "http://fhir-registry.smarthealthit.org/StructureDefinition/booking-phone";

/// Publishes the open times of all clinics.
pub struct Publisher {
    pub database: Database,
    pub clock: Clock,
    pub clinics: Arc<Clinics>,
    /// By which people reach the server: `https://portal.example`.
    pub origin: String,
    /// What was computed last. Held while it is computed anew: others wait for the same answer.
    pub last: Mutex<HashMap<ClinicSlug, Arc<Published>>>,
}

/// One clinic's files.
pub struct Published {
    revision: i64,
    at: DateTime<Utc>,
    files: [File; 4],
}

/// A file as it is sent.
struct File {
    name: &'static str,
    kind: &'static str,
    body: Bytes,
    /// An entity tag with its quotes.
    tag: String,
}

const MANIFEST: &str = "$bulk-publish";
const LOCATIONS: &str = "location.ndjson";
const SCHEDULES: &str = "schedule.ndjson";
const SLOTS: &str = "slot.ndjson";
const NDJSON: &str = "application/fhir+ndjson";

impl File {
    fn new(name: &'static str, kind: &'static str, body: String) -> Self {
        // Weak: an encoding on the way changes the bytes and not what they say.
        let tag = format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(&body)[..12]));
        Self { name, kind, body: body.into(), tag }
    }

    fn of_lines(name: &'static str, lines: &[Value]) -> Self {
        Self::new(name, NDJSON, lines.iter().flat_map(|line| [line.to_string(), "\n".to_owned()]).collect())
    }
}

impl Publisher {
    pub fn new(database: Database, clock: Clock, clinics: Arc<Clinics>, origin: String) -> Self {
        Self { database, clock, clinics, origin, last: Mutex::default() }
    }

    /// The clinic's files, at most a minute old; `None` if there is no such clinic.
    async fn published(&self, slug: &ClinicSlug) -> Result<Option<Arc<Published>>, Failure> {
        let Some(current) = self.clinics.get(slug) else { return Ok(None) };
        let mut last = self.last.lock().await;
        let now = self.clock.now();
        let before = last.get(slug);
        if let Some(fresh) = before.filter(|known| known.revision == current.revision && now < known.at + FRESH) {
            return Ok(Some(Arc::clone(fresh)));
        }
        let published = Arc::new(self.publish(&current, before.map(Arc::as_ref), now).await?);
        last.insert(slug.clone(), Arc::clone(&published));
        Ok(Some(published))
    }

    async fn publish(&self, current: &Current, before: Option<&Published>, now: DateTime<Utc>) -> Result<Published, Failure> {
        let clinic = &current.clinic;
        let language = clinic.languages.first().copied().unwrap_or_default();
        let view = View::new(Arc::clone(clinic), &Caller::system(language), None, now);
        let mut tx = self.database.read().await?;
        let (mut schedules, mut slots) = (Vec::new(), Vec::new());
        for treatment in clinic.treatments.iter().filter(|treatment| is_open_to_all(treatment)) {
            for location in locations_of(clinic, treatment) {
                let practitioners = find::practitioners(clinic, treatment, None)?;
                let zone = zone_of(location)?;
                let finder = Finder { view: &view, treatment, location, zone, practitioners, visitor: None, moves: None };
                let within = Span { from: tick(now), until: tick(now + WINDOW) };
                let schedule = schedule_id(clinic, location, treatment);
                schedules.push(schedule_line(&schedule, location, treatment, language, now));
                for start in finder.starts(&mut tx, within).await?.into_keys() {
                    let start = instant(start);
                    slots.push((start, self.slot_line(clinic, &schedule, location, treatment, (start, zone))));
                }
            }
        }
        slots.sort_by_key(|(start, _)| *start);
        slots.truncate(SLOTS_MAX);
        let slots: Vec<Value> = slots.into_iter().map(|(_, line)| line).collect();
        let locations: Vec<Value> =
            clinic.locations.iter().map(|location| self.location_line(clinic, location, language)).collect();
        let files = [File::of_lines(LOCATIONS, &locations), File::of_lines(SCHEDULES, &schedules), File::of_lines(SLOTS, &slots)];
        let [location, schedule, slot] = files;
        let manifest = self.manifest(clinic, [&location, &schedule, &slot], before, now);
        Ok(Published { revision: current.revision, at: now, files: [manifest, location, schedule, slot] })
    }

    /// The entry point. Its time is when the files last said something new, so that it stays the
    /// same as long as they do.
    fn manifest(&self, clinic: &Clinic, files: [&File; 3], before: Option<&Published>, now: DateTime<Utc>) -> File {
        let is_same = |known: &&Published| files.iter().all(|file| known.files.iter().any(|other| other.tag == file.tag));
        if let Some(known) = before.filter(is_same) {
            let [manifest, ..] = &known.files;
            return File { body: manifest.body.clone(), tag: manifest.tag.clone(), ..*manifest };
        }
        let url = |name: &str| format!("{}{}", self.origin, routes::scheduling(&clinic.slug, name));
        let types = ["Location", "Schedule", "Slot"].into_iter().zip(files);
        let output: Vec<Value> = types.map(|(kind, file)| json!({ "type": kind, "url": url(file.name) })).collect();
        let body = json!({
            "transactionTime": now.to_rfc3339_opts(SecondsFormat::Millis, true),
            "request": url(MANIFEST),
            "output": output,
            "error": [],
        });
        File::new(MANIFEST, "application/json", body.to_string())
    }

    fn location_line(&self, clinic: &Clinic, location: &Location, language: Language) -> Value {
        let home = format!("{}{}", self.origin, routes::home(&clinic.slug));
        let mut line = json!({
            "resourceType": "Location",
            "id": location.slug,
            "status": "active",
            "name": format!("{}, {}", clinic.name, location.name),
            "telecom": [{ "system": "phone", "value": clinic.phone.as_str() }, { "system": "url", "value": home }],
            // A clinic's file may have the address in one line only, as on a letter.
            "address": { "text": location.address, "line": [location.address] },
        });
        if let Some(PostalAddress { line: street, city, state, postal_code }) = &location.postal {
            let address = &mut line["address"];
            (address["line"], address["city"], address["postalCode"]) = (json!([street]), json!(city), json!(postal_code));
            if let Some(state) = state {
                address["state"] = json!(state);
            }
        }
        // No text in FHIR is empty.
        let directions = location.directions.get(language);
        if !directions.is_empty() {
            line["description"] = directions.into();
        }
        line
    }

    fn slot_line(
        &self,
        clinic: &Clinic,
        schedule: &str,
        location: &Location,
        treatment: &Treatment,
        (start, zone): (DateTime<Utc>, Tz),
    ) -> Value {
        let link =
            routes::times_at(&clinic.slug, &treatment.slug, &location.slug, start, start.with_timezone(&zone).date_naive());
        json!({
            "resourceType": "Slot",
            "id": id(&format!("{schedule}/{}", start.timestamp())),
            "schedule": { "reference": format!("Schedule/{schedule}") },
            "status": "free",
            "start": local(start, zone),
            "end": local(start + find::duration(treatment), zone),
            "extension": [
                { "url": DEEP_LINK, "valueUrl": format!("{}{link}", self.origin) },
                { "url": PHONE, "valueString": clinic.phone.as_str() },
            ],
        })
    }
}

/// Whether whoever comes from a directory can book it there and then.
fn is_open_to_all(treatment: &Treatment) -> bool {
    treatment.audience == Audience::Anyone && treatment.confirmation == Confirmation::Instant
}

fn schedule_line(id: &str, location: &Location, treatment: &Treatment, language: Language, now: DateTime<Utc>) -> Value {
    let until = now.date_naive() + WINDOW;
    json!({
        "resourceType": "Schedule",
        "id": id,
        "actor": [{ "reference": format!("Location/{}", location.slug), "display": location.name }],
        "serviceType": [{ "text": treatment.name.get(language) }],
        "comment": treatment.description.get(language),
        "planningHorizon": { "end": until.to_string() },
    })
}

/// The same at every publication; slugs alone could be longer than an id may be.
fn schedule_id(clinic: &Clinic, location: &Location, treatment: &Treatment) -> String {
    id(&format!("{}/{}/{}", clinic.slug, location.slug, treatment.slug))
}

fn id(name: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
}

/// A FHIR instant with the offset that holds at the location then.
fn local(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Answers `/{clinic}/fhir/{file}`.
pub async fn file(State(web): State<Web>, Path((clinic, file)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let Ok(clinic) = clinic.parse::<ClinicSlug>() else { return Refusal::NotFound.into_response() };
    let published = match web.publisher.published(&clinic).await {
        Ok(Some(published)) => published,
        Ok(None) => return Refusal::NotFound.into_response(),
        Err(failure) => {
            failure.answer("fhir.scheduling");
            return Refusal::Broken.into_response();
        }
    };
    let Some(file) = published.files.iter().find(|known| known.name == file) else { return Refusal::NotFound.into_response() };
    let tags = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_known = tags.flat_map(|tags| tags.split(',')).any(|tag| tag.trim() == "*" || tag.trim() == file.tag);
    let mut response = if is_known { StatusCode::NOT_MODIFIED.into_response() } else { file.body.clone().into_response() };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(file.kind));
    headers.insert(CACHE_CONTROL, KEEP);
    // It is for everybody, and tells nothing of whoever asks.
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.extend(HeaderValue::from_str(&file.tag).ok().map(|tag| (ETAG, tag)));
    response
}
