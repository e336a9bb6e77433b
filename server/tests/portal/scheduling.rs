//! Open times for directories, validated against the rules of SMART Scheduling Links.
//!
//! The rules, from HL7's `specification.md` (Slot Publisher API), FHIR R4 where it refers to that,
//! and the checks of the Inferno test kit for it:
//!
//! 1. The manifest's address ends with `$bulk-publish`; it is JSON with `transactionTime`
//!    (an instant), `request` (its own full address), `output` and `error`.
//! 2. Each output has a `type` (Location, Schedule or Slot) and the full `url` of an NDJSON file.
//! 3. Both are answered alike with and without `Accept: application/json` or `application/fhir+ndjson`.
//! 4. Each line of a file is one minified JSON object with its `resourceType` and an `id` of at
//!    most 64 letters, digits, `-` and `.`, no two alike; no value is empty or null.
//! 5. A Location has a `name`, a phone and an `address`, in parts if the clinic's file says them;
//!    telecom has `system` and `value`.
//! 6. A Schedule's `actor` refers to a Location of the files, by `Location/{id}`.
//! 7. A Slot's `schedule` refers to a Schedule of the files; its `status` is one of FHIR's; `start`
//!    and `end` are instants with an offset, in this order.
//! 8. A Slot has a `booking-deep-link` (`valueUrl`) and a `booking-phone` (`valueString`).
//! 9. A free Slot can be booked by whoever reads it; the link may get `source` and
//!    `booking-referral` added, and leads to booking exactly that Slot.
//! 10. `Cache-Control: max-age` says when to come back; `If-None-Match` is understood; `_since` may
//!     be ignored.

use std::collections::BTreeSet;

use app::clinic::model::PostalAddress;
use axum::Router;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::harness::at;
use crate::on_both;
use crate::plain::{ORIGIN, Plain, served};

const MANIFEST: &str = "/rowan/fhir/$bulk-publish";

async fn ask(router: &Router, path: &str, header: Option<(&str, &str)>) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::get(path).header("host", "portal.example");
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

/// `YYYY-MM-DDThh:mm:ss.sss+zz:zz`, as the specification and FHIR's `instant` want it.
fn instant(value: &Value) -> DateTime<Utc> {
    let text = value.as_str().unwrap();
    let (date, time) = text.split_once('T').unwrap();
    assert!(
        date.len() == 10 && time.len() >= 9 && (time.ends_with('Z') || time[time.len() - 6..].starts_with(['+', '-'])),
        "{text}"
    );
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn no_value_is_empty(value: &Value) {
    match value {
        Value::Null => panic!("null"),
        Value::String(text) => assert!(!text.trim().is_empty()),
        Value::Array(items) => {
            assert!(!items.is_empty());
            items.iter().for_each(no_value_is_empty);
        }
        Value::Object(fields) => {
            assert!(!fields.is_empty());
            fields.values().for_each(no_value_is_empty);
        }
        Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The lines of the manifest's file of this type (rules 2 to 4).
async fn lines(router: &Router, manifest: &Value, kind: &str) -> Vec<Value> {
    let output = manifest["output"].as_array().unwrap().iter().find(|output| output["type"] == kind).unwrap();
    let path = output["url"].as_str().unwrap().strip_prefix(ORIGIN).unwrap();
    let (status, headers, text) = ask(router, path, Some(("accept", "application/fhir+ndjson"))).await;
    assert_eq!((status, headers[CONTENT_TYPE].to_str().unwrap()), (StatusCode::OK, "application/fhir+ndjson"));
    assert_eq!(headers[CACHE_CONTROL], "public, max-age=60");
    assert_eq!(ask(router, path, None).await.2, text, "with and without Accept");
    assert!(text.is_empty() || text.ends_with('\n'));
    let mut ids = BTreeSet::new();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (line, text) in lines.iter().zip(text.lines()) {
        assert_eq!(line.to_string(), text, "minified");
        assert_eq!(line["resourceType"], kind);
        let id = line["id"].as_str().unwrap();
        assert!(
            (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)),
            "{id}"
        );
        assert!(ids.insert(id.to_owned()), "{id} twice");
        no_value_is_empty(line);
    }
    lines
}

async fn manifest(router: &Router) -> Value {
    let (status, headers, text) = ask(router, MANIFEST, Some(("accept", "application/json"))).await;
    assert_eq!((status, headers[CONTENT_TYPE].to_str().unwrap()), (StatusCode::OK, "application/json"));
    assert_eq!(headers[CACHE_CONTROL], "public, max-age=60");
    assert_eq!(ask(router, MANIFEST, None).await.2, text);
    assert_eq!(ask(router, &format!("{MANIFEST}?_since=2026-01-01T00:00:00Z"), None).await.2, text);
    serde_json::from_str(&text).unwrap()
}

fn extension<'a>(slot: &'a Value, name: &str, value: &str) -> &'a str {
    let url = format!("http://fhir-registry.smarthealthit.org/StructureDefinition/{name}");
    let found = slot["extension"].as_array().unwrap().iter().find(|extension| extension["url"] == url.as_str()).unwrap();
    found[value].as_str().unwrap()
}

/// The Slot of a treatment that begins then, with the address that it leads to.
async fn slot(router: &Router, treatment: &str, start: &str) -> Option<String> {
    let manifest = manifest(router).await;
    let slots = lines(router, &manifest, "Slot").await;
    let found = slots.iter().filter(|slot| instant(&slot["start"]) == at(start));
    let mut links = found.map(|slot| extension(slot, "booking-deep-link", "valueUrl").to_owned());
    links.find(|link| link.contains(&format!("/booking/{treatment}?")))
}

on_both! {
    async fn the_published_files_keep_the_rules(portal: TestPortal) {
        let parts = ["14 Rowan Street", "London", "N1 7QP"].map(str::to_owned);
        portal.reload(|clinic| {
            let [line, city, postal_code] = parts;
            clinic.locations[0].postal = Some(PostalAddress { line, city, state: None, postal_code });
        }).await;
        let served = served(&portal).await;
        let router = served.router();
        let manifest = manifest(&router).await;
        assert_eq!(instant(&manifest["transactionTime"]), portal.clock.now());
        assert_eq!(manifest["request"], format!("{ORIGIN}{MANIFEST}"));
        assert_eq!((manifest["error"].as_array().unwrap().len(), manifest["output"].as_array().unwrap().len()), (0, 3));

        let locations = lines(&router, &manifest, "Location").await;
        for location in &locations {
            assert!(location["name"].is_string() && location["address"]["text"].is_string());
            let telecom = location["telecom"].as_array().unwrap();
            assert!(telecom.iter().any(|one| one["system"] == "phone") && telecom.iter().all(|one| one["value"].is_string()));
        }
        let address = &locations[0]["address"];
        assert_eq!((&address["line"][0], &address["city"], &address["postalCode"]), (&json!("14 Rowan Street"), &json!("London"), &json!("N1 7QP")));
        assert!(address.get("state").is_none() && locations[1]["address"].get("city").is_none(), "no value is empty or null");
        let reference = |line: &Value| format!("{}/{}", line["resourceType"].as_str().unwrap(), line["id"].as_str().unwrap());
        let known: BTreeSet<String> = locations.iter().map(reference).collect();
        let schedules = lines(&router, &manifest, "Schedule").await;
        for schedule in &schedules {
            let actors = schedule["actor"].as_array().unwrap();
            assert!(actors.iter().all(|actor| known.contains(actor["reference"].as_str().unwrap())), "{schedule}");
        }
        // Whoever reads it may book it: neither requests nor what is for some patients only.
        let named: BTreeSet<&str> = schedules.iter().map(|schedule| schedule["serviceType"][0]["text"].as_str().unwrap()).collect();
        assert_eq!(named, ["class", "physio", "short"].into());
        let known: BTreeSet<String> = schedules.iter().map(reference).collect();
        let slots = lines(&router, &manifest, "Slot").await;
        assert!(slots.len() > 1_000, "{}", slots.len());
        for slot in &slots {
            assert!(known.contains(slot["schedule"]["reference"].as_str().unwrap()), "{slot}");
            assert_eq!(slot["status"], "free");
            assert!(instant(&slot["start"]) < instant(&slot["end"]));
            assert!(instant(&slot["start"]) <= portal.clock.now() + TimeDelta::days(28));
            assert!(extension(slot, "booking-deep-link", "valueUrl").starts_with("https://portal.example/rowan/booking/"));
            assert!(extension(slot, "booking-phone", "valueString").starts_with(['+', '0']));
        }
        // New York's Saturdays are there with New York's offset.
        assert!(slots.iter().any(|slot| slot["start"] == "2026-03-14T09:00:00.000-04:00"));
        served.close().await;
    }

    async fn every_time_that_the_booking_offers_is_published_and_no_other(portal: TestPortal) {
        portal.visitor(1).book("physio", Some("tom"), "2026-03-12T10:00:00Z").await.unwrap();
        portal.visitor(2).hold("physio", Some("priya"), "2026-03-12T10:00:00Z").await.unwrap();
        let served = served(&portal).await;
        let router = served.router();
        let manifest = manifest(&router).await;
        let slots = lines(&router, &manifest, "Slot").await;
        for treatment in ["physio", "short", "class"] {
            let day = "2026-03-12".parse().unwrap();
            let times = portal.visitor(3).times(treatment, |query| query.from = Some(day)).await.unwrap();
            let offered: Vec<DateTime<Utc>> = times.days.iter().filter(|one| one.day.date == day)
                .flat_map(|one| one.morning.iter().chain(&one.afternoon)).map(|slot| slot.start.instant).collect();
            let published: Vec<DateTime<Utc>> = slots.iter()
                .filter(|slot| extension(slot, "booking-deep-link", "valueUrl").contains(&format!("/booking/{treatment}?location=london")))
                .map(|slot| instant(&slot["start"]))
                .filter(|start| start.date_naive() == day)
                .collect();
            assert_eq!(published, offered, "{treatment}");
            assert!(!offered.contains(&at("2026-03-12T10:00:00Z")), "{treatment}: both have something else then");
        }
        served.close().await;
    }

    async fn a_link_opens_at_exactly_its_time_or_says_that_it_is_gone(portal: TestPortal) {
        let served = served(&portal).await;
        let router = served.router();
        let start = "2026-03-30T09:15:00Z";
        let link = slot(&router, "physio", start).await.unwrap();
        let mut plain = Plain::new(&served);
        assert_eq!(plain.go(&format!("{link}&source=abc&booking-referral=34d1a803")).await, StatusCode::OK);
        assert!(plain.page.contains("The time you picked") && plain.page.contains("Monday 30\u{a0}March, 10:15\u{a0}am"), "{}", plain.page);
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM hold").await, 0, "looking keeps nothing");
        let fields = [("clinic", "rowan"), ("treatment", "physio"), ("location", "london"), ("start", start)];
        plain.send("booking/hold", &fields).await;
        assert!(plain.address.contains("/booking/hold/") && plain.page.contains("10:15\u{a0}am"), "{}", plain.page);
        assert!(!plain.page.contains("34d1a803"), "what the directory adds is not kept");

        // Somebody else takes whoever is left.
        portal.visitor(7).book("physio", None, start).await.unwrap();
        let mut other = Plain::new(&served);
        other.go(&link).await;
        assert!(other.page.contains("Sorry, that time has just gone") && other.page.contains("are still free"), "{}", other.page);
        assert!(!other.page.contains("The time you picked"));
        served.close().await;
    }

    async fn it_is_computed_once_a_minute_and_then_new(portal: TestPortal) {
        let served = served(&portal).await;
        let router = served.router();
        let start = "2026-03-12T10:00:00Z";
        let (_, headers, before) = ask(&router, "/rowan/fhir/slot.ndjson", None).await;
        let tag = headers[ETAG].to_str().unwrap().to_owned();
        let known = Some(("if-none-match", tag.as_str()));
        let manifest_before = ask(&router, MANIFEST, None).await;
        for who in ["tom", "priya"] {
            portal.visitor(who.len().try_into().unwrap()).book("physio", Some(who), start).await.unwrap();
        }
        portal.clock.advance(TimeDelta::seconds(59));
        assert_eq!(ask(&router, "/rowan/fhir/slot.ndjson", None).await.2, before, "within the minute");
        let same = ask(&router, "/rowan/fhir/slot.ndjson", known).await;
        assert_eq!((same.0, same.2.len()), (StatusCode::NOT_MODIFIED, 0));
        portal.clock.advance(TimeDelta::seconds(1));
        assert_eq!(ask(&router, "/rowan/fhir/slot.ndjson", known).await.0, StatusCode::OK);
        assert!(slot(&router, "physio", start).await.is_none());
        let manifest_after = ask(&router, MANIFEST, None).await;
        assert_ne!(manifest_after.1[ETAG], manifest_before.1[ETAG]);

        // Nothing new is no new publication, whatever the clock says.
        portal.clock.advance(TimeDelta::seconds(61));
        let (_, headers, text) = ask(&router, MANIFEST, None).await;
        assert_eq!((&headers[ETAG], text), (&manifest_after.1[ETAG], manifest_after.2));
        served.close().await;
    }

    async fn what_is_not_there_is_not_found(portal: TestPortal) {
        let served = served(&portal).await;
        let router = served.router();
        for path in ["/nobody/fhir/$bulk-publish", "/rowan/fhir/patient.ndjson", "/Rowan!/fhir/slot.ndjson", "/rowan/fhir/..%2Fslot.ndjson"] {
            assert_eq!(ask(&router, path, None).await.0, StatusCode::NOT_FOUND, "{path}");
        }
        served.close().await;
    }
}
