//! The whole router, layers and all, over a portal of its own: what goes in, what comes out.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_SECURITY_POLICY, LOCATION, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tower::ServiceExt as _;

use super::listen::Peer;
use super::refusal::{self, Kindness};
use super::security::{self, Gate};
use crate::Portal;
use crate::clock::Clock;
use crate::config::Config;

/// A portal with the demo clinic, in a folder that goes away with it.
struct Served {
    folder: PathBuf,
    portal: Portal,
    router: Router,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn header(&self, name: impl axum::http::header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn served(settings: &str) -> Served {
    let clock = Clock::system();
    let folder = std::env::temp_dir().join(format!("perennial-web-{}", clock.new_id()));
    let database = format!("sqlite:{}", folder.join("perennial.db").display());
    let config = Config::from_sources("test", settings, |name| (name == "PERENNIAL_DATABASE").then(|| database.clone())).unwrap();
    let portal = Portal::open(config, clock).await.unwrap();
    Served { folder, router: portal.router(), portal }
}

impl Served {
    async fn ask(&self, request: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let (method, path) = request.split_once(' ').unwrap();
        let mut builder = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            builder = builder.header("host", "localhost:3000");
        }
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let mut request = builder.body(Body::from(body.to_owned())).unwrap();
        request.extensions_mut().insert(Peer(SocketAddr::from((Ipv4Addr::LOCALHOST, 1))));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = String::from_utf8_lossy(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).into_owned();
        Answer { status, headers, text }
    }
}

const PAGE: (&str, &str) = ("accept", "text/html");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const OURS: (&str, &str) = ("sec-fetch-site", "same-origin");

#[tokio::test]
async fn a_page_runs_only_scripts_with_the_nonce_of_its_own_policy() {
    let served = served("").await;
    let (one, other) = (served.ask("GET /rowan-street", &[PAGE], "").await, served.ask("GET /rowan-street", &[PAGE], "").await);
    assert_eq!(one.status, StatusCode::OK);
    let nonce = |answer: &Answer| {
        let policy = answer.header(CONTENT_SECURITY_POLICY).to_owned();
        policy.split_once("'nonce-").unwrap().1.split_once('\'').unwrap().0.to_owned()
    };
    assert_ne!(nonce(&one), nonce(&other));
    assert!(one.text.contains("<script"));
    for script in one.text.split("<script").skip(1) {
        assert!(script.split('>').next().unwrap().contains(&format!("nonce=\"{}\"", nonce(&one))), "{script:.80}");
    }
    assert_eq!(one.headers.get_all(CONTENT_SECURITY_POLICY).iter().count(), 1);
}

#[tokio::test]
async fn every_answer_tells_browsers_to_be_careful() {
    let served = served("origin = \"https://portal.example\"").await;
    let host = ("host", "portal.example");
    for path in ["/health", "/rowan-street", "/nowhere/at/all", "/pkg/none.js", "/api/booking/times"] {
        let answer = served.ask(&format!("GET {path}"), &[host, PAGE], "").await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert!(answer.header("strict-transport-security").starts_with("max-age="), "{path}");
        assert!(answer.header(CONTENT_SECURITY_POLICY).contains("frame-ancestors 'none'"), "{path}");
        assert!(!answer.header("cache-control").is_empty(), "{path}");
        assert_eq!(answer.header(SET_COOKIE), "", "{path}");
    }
    assert_eq!(served.ask("GET /rowan-street", &[host, PAGE], "").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_and_says_so_in_a_page() {
    let served = served("").await;
    for path in
        ["/nobody", "/nobody/booking", "/rowan-street/nothing/here", "/pkg/none.js", "/rowan-street/visit/forged/calendar.ics"]
    {
        let answer = served.ask(&format!("GET {path}"), &[PAGE], "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text.contains("<h1"), "{path}");
    }
    let program = served.ask("POST /api/nothing", &[OURS], "").await;
    assert_eq!((program.status, program.text.as_str()), (StatusCode::NOT_FOUND, "\"NotFound\""));
}

#[tokio::test]
async fn an_address_has_one_form() {
    let served = served("").await;
    for (from, to) in
        [("/", "/rowan-street"), ("/?lang=de", "/rowan-street?lang=de"), ("/rowan-street/?zone=UTC", "/rowan-street?zone=UTC")]
    {
        let answer = served.ask(&format!("GET {from}"), &[PAGE], "").await;
        assert!(answer.status.is_redirection(), "{from}");
        assert_eq!(answer.header(LOCATION), to);
    }
    let elsewhere = served.ask("GET //evil.example/", &[PAGE], "").await;
    assert_eq!((elsewhere.status, elsewhere.header(LOCATION)), (StatusCode::NOT_FOUND, ""));
}

#[tokio::test]
async fn a_change_from_another_site_is_refused_in_the_readers_language() {
    let served = served("").await;
    let foreign = ("sec-fetch-site", "cross-site");
    let referer = ("referer", "http://localhost:3000/rowan-street/booking");
    let page = served.ask("POST /api/booking/hold", &[foreign, FORM, PAGE, referer, ("accept-language", "de")], "").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.text.contains("lang=\"de\"") && page.text.contains("Rowan Street Clinic"), "{}", page.text);
    assert_eq!(page.header(SET_COOKIE), "");
    let program = served.ask("POST /api/booking/hold", &[foreign, FORM], "").await;
    assert_eq!((program.status, program.text.as_str()), (StatusCode::FORBIDDEN, "\"Forbidden\""));
}

#[tokio::test]
async fn another_host_is_not_ours() {
    let served = served("").await;
    assert_eq!(served.ask("GET /rowan-street", &[("host", "evil.example")], "").await.status, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(served.ask("GET /ready", &[("host", "10.0.0.7")], "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn who_is_too_fast_is_told_when_to_come_back() {
    let served = served("[limits]\nholds_per_min = 1\nholds_burst = 2").await;
    let mut last = None;
    for _ in 0..3 {
        last = Some(served.ask("POST /api/booking/hold", &[OURS, FORM, PAGE], "").await);
    }
    let last = last.unwrap();
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    let seconds: u32 = last.header(RETRY_AFTER).parse().unwrap();
    assert!((1..=60).contains(&seconds) && last.text.contains(&format!("{seconds} seconds")), "{}", last.text);
    // Looking stays possible.
    assert_eq!(served.ask("GET /rowan-street", &[PAGE], "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_form_that_is_refused_again_and_again_leads_back_to_an_address_of_the_same_length() {
    let served = served("").await;
    let mut back = "http://localhost:3000/rowan-street/booking/hold/x?lang=de".to_owned();
    let mut lengths = Vec::new();
    for _ in 0..3 {
        let headers = [OURS, FORM, PAGE, ("referer", back.as_str())];
        let answer = served.ask("POST /api/booking/describe", &headers, "clinic=rowan-street&hold=x").await;
        assert!(answer.status.is_redirection(), "{} {}", answer.status, answer.text);
        answer.header(LOCATION).clone_into(&mut back);
        assert!(back.contains("?lang=de&__path="), "{back}");
        lengths.push(back.len());
    }
    assert!(lengths.iter().all(|length| *length == lengths[0]), "{lengths:?}");
}

#[tokio::test]
async fn several_visits_cost_an_address_as_much_as_they_hold_and_confirming_nothing_of_it() {
    let served = served("[limits]\nholds_per_min = 1\nholds_burst = 13").await;
    let mut statuses = Vec::new();
    for function in ["plan", "series", "hold", "hold", "plan", "confirm", "describe"] {
        let answer = served.ask(&format!("POST /api/booking/{function}"), &[OURS, FORM, PAGE], "").await;
        statuses.push(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(statuses, [false, false, false, true, true, false, false]);
}

#[tokio::test]
async fn a_body_or_an_address_that_is_too_long_is_refused() {
    let served = served("[limits]\nbody_bytes = 100\naddress_bytes = 200").await;
    let large = "x=".to_owned() + &"y".repeat(200);
    let length = large.len().to_string();
    let answer = served.ask("POST /api/booking/keep", &[OURS, FORM, PAGE, ("content-length", &length)], &large).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.text.contains("<h1>"), "{}", answer.text);
    let endless = served.ask("POST /api/booking/keep", &[OURS, FORM, PAGE], &large).await;
    assert_eq!(endless.status, StatusCode::PAYLOAD_TOO_LARGE);
    let answer = served.ask(&format!("GET /rowan-street?{}", "x".repeat(200)), &[PAGE], "").await;
    assert_eq!(answer.status, StatusCode::URI_TOO_LONG);
}

#[tokio::test]
async fn no_address_changes_something_by_being_looked_at() {
    let served = served("").await;
    let paths: Vec<(&str, axum::http::Method)> = leptos::server_fn::axum::server_fn_paths().collect();
    assert!(paths.len() >= 8, "{paths:?}");
    for (path, method) in paths {
        assert_eq!(method, axum::http::Method::POST, "{path}");
        assert_eq!(served.ask(&format!("GET {path}"), &[PAGE], "").await.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}

#[tokio::test]
async fn a_visitor_gets_a_cookie_with_the_first_hold_and_keeps_it_with_the_next() {
    let served = served("").await;
    let page = served.ask("GET /rowan-street/booking/physio-first", &[PAGE], "").await;
    assert_eq!(page.header(SET_COOKIE), "");
    let body = hold_form(&page.text);
    let held = served.ask("POST /api/booking/hold", &[OURS, FORM, PAGE], &body).await;
    assert_eq!(held.status, StatusCode::SEE_OTHER, "{}", held.text);
    let cookie = held.header(SET_COOKIE);
    assert!(cookie.starts_with("__Host-visitor=") && cookie.contains("HttpOnly") && cookie.contains("Secure"), "{cookie}");
    let kept = cookie.split(';').next().unwrap();
    let again = served.ask("POST /api/booking/hold", &[OURS, FORM, PAGE, ("cookie", kept)], &body).await;
    assert_eq!((again.header(SET_COOKIE), again.header(LOCATION)), (cookie, held.header(LOCATION)), "it lasts longer");
    let kept_only = served.ask("POST /api/booking/keep", &[OURS, FORM, PAGE, ("cookie", kept)], "").await;
    assert_eq!(kept_only.header(SET_COOKIE), "");
}

/// The fields of the first form that holds a time, as a browser without scripts sends them.
fn hold_form(page: &str) -> String {
    let form = page.split("<form").find(|form| form.contains("/api/booking/hold")).expect("a form that holds a time");
    let form = form.split("</form>").next().unwrap();
    let attribute =
        |tag: &str, name: &str| tag.split_once(&format!("{name}=\"")).map(|(_, rest)| rest.split('"').next().unwrap().to_owned());
    let fields = form.split('<').filter(|tag| tag.starts_with("input") || tag.starts_with("button"));
    let pairs = fields.filter_map(|tag| Some(format!("{}={}", attribute(tag, "name")?, attribute(tag, "value")?)));
    pairs.collect::<Vec<_>>().join("&").replace(':', "%3A")
}

#[tokio::test]
async fn the_address_chooses_the_language_and_the_browser_remembers() {
    let served = served("").await;
    let chosen = served.ask("GET /rowan-street?lang=ar", &[PAGE], "").await;
    assert!(chosen.text.contains("<html lang=\"ar\" dir=\"rtl\">"));
    assert!(chosen.header(SET_COOKIE).starts_with("lang=ar;"));
    let later = served.ask("GET /rowan-street", &[PAGE, ("cookie", "lang=ar"), ("accept-language", "es")], "").await;
    assert!(later.text.contains("<html lang=\"ar\"") && later.header(SET_COOKIE).is_empty());
    let unknown = served.ask("GET /rowan-street?lang=xx", &[PAGE, ("accept-language", "es")], "").await;
    assert!(unknown.text.contains("<html lang=\"es\"") && unknown.header(SET_COOKIE).is_empty());
}

#[tokio::test]
async fn letters_are_shown_to_everybody_only_where_the_server_is_for_trying_out() {
    assert_eq!(served("").await.ask("GET /mailbox", &[PAGE], "").await.status, StatusCode::OK);
    let public = served("origin = \"https://portal.example\"").await;
    assert_eq!(public.ask("GET /mailbox", &[PAGE, ("host", "portal.example")], "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_server_without_its_database_is_alive_but_not_ready() {
    let served = served("").await;
    assert_eq!(served.ask("GET /ready", &[], "").await.status, StatusCode::OK);
    served.portal.close().await;
    assert_eq!(served.ask("GET /ready", &[], "").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(served.ask("GET /health", &[], "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let served = served("[limits]\nbody_timeout_s = 1").await;
    let mut request = Request::post("/api/booking/keep").header("host", "localhost:3000").header(OURS.0, OURS.1);
    request = request.header(FORM.0, FORM.1);
    let never = Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let answer = served.router.clone().oneshot(request.body(never).unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test]
async fn a_bug_or_a_wait_without_end_becomes_a_kind_page() {
    let mut served = served("[limits]\nrequest_timeout_s = 1").await;
    let kindness = Kindness { clinics: Arc::clone(&served.portal.clinics), style: "".into() };
    let gate = Arc::new(Gate::new(&served.portal.config));
    let router = Router::new()
        .route("/rowan-street/bug", get(async || -> &str { panic!("on purpose") }))
        .route("/rowan-street/wait", get(async || std::future::pending::<&str>().await))
        .layer(from_fn_with_state(gate, security::guard))
        .layer(from_fn_with_state(kindness, refusal::kindly));
    served.router = router;
    for (path, status) in [("bug", StatusCode::INTERNAL_SERVER_ERROR), ("wait", StatusCode::SERVICE_UNAVAILABLE)] {
        let page = served.ask(&format!("GET /rowan-street/{path}"), &[PAGE], "").await;
        assert_eq!(page.status, status);
        assert!(page.text.contains("It is our fault") && page.text.contains("Rowan Street Clinic"), "{}", page.text);
        assert!(!page.text.contains("on purpose"));
        assert_eq!(served.ask(&format!("GET /rowan-street/{path}"), &[], "").await.text, "\"Unavailable\"");
    }
}

#[tokio::test]
async fn a_page_is_compressed_as_the_browser_likes() {
    let served = served("").await;
    let answer = served.ask("GET /rowan-street", &[PAGE, ("accept-encoding", "gzip, br")], "").await;
    assert_eq!(answer.header("content-encoding"), "br");
    assert_eq!(served.ask("GET /rowan-street", &[PAGE], "").await.header("content-encoding"), "");
}
