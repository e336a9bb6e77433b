//! Doors that must stay shut, tried on the real program over HTTP.
//!
//! What a single layer does is tested beside it; here the question is whether anything gets
//! past all of them together.

use std::time::{Duration, Instant};

use app::booking::model::Held;
use app::ids::LinkToken;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, SET_COOKIE};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use server::clock::Clock;
use server::link::{Links, Purpose};
use server::store::{Address, Database};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::browser::{Answer, Browser, CLINIC, FORM, OURS, PAGE, VALUE, borrowed, details, form};
use crate::harness::{Folder, TestPortal, seed};
use crate::program::Program;

/// A served demo in a folder of its own.
struct Served {
    program: Program,
    browser: Browser,
    folder: Folder,
    random: StdRng,
}

async fn served(variables: &[(&str, &str)]) -> Served {
    let folder = Folder::new();
    let program = Program::serve(&folder.0, variables).await;
    Served { browser: program.browser(), program, folder, random: StdRng::seed_from_u64(seed()) }
}

impl Served {
    /// The fields that ask for a free time.
    async fn wish(&mut self) -> String {
        form(&borrowed(&self.browser.some_wish(&mut self.random).await))
    }

    async fn hold(&mut self) -> String {
        self.browser.some_hold(&mut self.random).await
    }

    async fn post(&self, endpoint: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.browser.ask(&format!("POST /api/{endpoint}"), headers, body).await.unwrap()
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.browser.ask(&format!("GET {path}"), headers, "").await.unwrap()
    }

    /// Every table's rows, as far as a request can change them.
    async fn rows(&self) -> i64 {
        let address = Address::Sqlite(self.folder.0.join("data/perennial.db"));
        let portal = TestPortal::open(&address, Clock::system(), None).await;
        let mut rows = 0;
        for count in [
            "SELECT COUNT(*) AS n FROM hold",
            "SELECT COUNT(*) AS n FROM occupancy",
            "SELECT COUNT(*) AS n FROM appointment",
            "SELECT COUNT(*) AS n FROM patient",
            "SELECT COUNT(*) AS n FROM job",
        ] {
            rows += portal.count(count).await;
        }
        portal.database.close().await;
        rows
    }

    /// Whatever comes back for these bytes until the other side closes.
    async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.program.port)).await.unwrap();
        // It may be refused before all of it was said.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_other_site_changes_anything() {
    let mut served = served(&[]).await;
    let wish = served.wish().await;
    let (hold, before) = (served.hold().await, served.rows().await);
    let origin = format!("http://localhost:{}", served.program.port);
    let own_host = format!("http://127.0.0.1:{}", served.program.port);
    let look_alike = format!("{own_host}.evil.example");
    let foreign: [&[(&str, &str)]; 9] = [
        &[],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", &origin)],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", &look_alike)],
        &[("origin", "https://evil.example"), ("referer", &origin)],
        &[("sec-fetch-site", "cross-site"), ("x-http-method-override", "GET"), ("x-forwarded-host", "evil.example")],
    ];
    let release = form(&[CLINIC, ("hold", &hold)]);
    for headers in foreign {
        for kind in ["application/x-www-form-urlencoded", "text/plain", "application/json"] {
            let headers = [headers, &[("content-type", kind)]].concat();
            for (endpoint, body) in [("booking/hold", &wish), ("booking/release", &release)] {
                let answer = served.post(endpoint, &headers, body).await;
                assert_eq!((answer.status, answer.header(SET_COOKIE)), (StatusCode::FORBIDDEN, ""), "{endpoint} {headers:?}");
                assert_eq!(answer.header("access-control-allow-origin"), "", "{headers:?}");
            }
        }
    }
    assert_eq!(served.rows().await, before);
    // The same from our own page goes through: it was the sender that was refused.
    assert_eq!(served.post("booking/hold", &[FORM, ("origin", &own_host)], &wish).await.status, StatusCode::OK);
    assert_eq!(served.post("booking/release", &[FORM, OURS], &release).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_changes_nothing_whatever_is_looked_at() {
    let mut served = served(&[]).await;
    let (wish, hold) = (served.wish().await, served.hold().await);
    let link = form(&[CLINIC, ("hold", &hold), ("version", "x")]);
    let before = served.rows().await;
    let functions: Vec<&str> = leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path).collect();
    assert!(functions.len() >= 8, "{functions:?}");
    for path in functions {
        for query in ["", &wish, &link] {
            for method in ["GET", "HEAD"] {
                let request = format!("{method} {path}?{query}");
                let answer = served.browser.ask(&request, &[PAGE, OURS], "").await.unwrap();
                assert_eq!((answer.status, answer.header(SET_COOKIE)), (StatusCode::METHOD_NOT_ALLOWED, ""), "{request}");
            }
        }
        for method in ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            let answer = served.browser.ask(&format!("{method} {path}"), &[OURS, FORM], &wish).await.unwrap();
            assert!(answer.status.is_client_error(), "{method} {path}: {}", answer.status);
        }
    }
    for path in ["/rowan-street", "/rowan-street/booking", "/rowan-street/booking/physio-first", "/mailbox"] {
        assert_eq!(served.get(path, &[PAGE]).await.status, StatusCode::OK);
    }
    for path in [format!("/rowan-street/booking/hold/{hold}"), format!("/rowan-street/booking/hold/{hold}/check")] {
        served.get(&path, &[PAGE]).await;
    }
    assert_eq!(served.rows().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scanner_that_opens_a_visits_pages_changes_nothing_and_gets_no_cookie() {
    let mut served = served(&[]).await;
    let link = served.browser.some_visit(&mut served.random).await;
    let before = (served.rows().await, served.browser.visit(&link).await.unwrap().text);
    let page = format!("/rowan-street/visit/{link}");
    for path in
        ["", "/move", "/move/check?start=2030-01-01T10:00:00Z&location=rowan-street", "/cancel", "/contact", "/calendar.ics"]
    {
        for method in ["HEAD", "GET", "GET", "GET", "GET", "GET"] {
            let answer = served.browser.ask(&format!("{method} {page}{path}"), &[PAGE], "").await.unwrap();
            assert_eq!((answer.status, answer.header(SET_COOKIE)), (StatusCode::OK, ""), "{method} {path}");
            assert!(answer.header(CACHE_CONTROL).contains("no-store"), "{path}");
        }
    }
    assert_eq!((served.rows().await, served.browser.visit(&link).await.unwrap().text), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visits_link_that_opens_nothing_leads_to_a_new_one_on_every_page() {
    let served = served(&[]).await;
    for path in ["", "/move", "/move/check?start=2030-01-01T10:00:00Z&location=rowan-street", "/cancel", "/contact"] {
        let answer = served.get(&format!("/rowan-street/visit/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA{path}"), &[PAGE]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text.contains("href=\"/rowan-street/visit\""), "{path}");
    }
    let page = served.get("/rowan-street/visit", &[PAGE]).await;
    assert!(page.text.contains("name=\"contact\""), "{}", page.text);
    let known = served.post("booking/links", &[FORM, PAGE, OURS], &form(&[CLINIC, ("contact", "maya@example.org")])).await;
    let unknown = served.post("booking/links", &[FORM, PAGE, OURS], &form(&[CLINIC, ("contact", "nobody@example.org")])).await;
    assert_eq!((known.status, known.header(LOCATION)), (StatusCode::SEE_OTHER, "/rowan-street/visit?sent=yes"));
    assert_eq!((unknown.status, unknown.header(LOCATION)), (known.status, known.header(LOCATION)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_for_another_host_gets_nothing_and_no_answer_repeats_its_name() {
    let mut served = served(&[]).await;
    let (wish, port) = (served.wish().await, served.program.port);
    let almost = format!("localhost.evil.example:{port}");
    for host in ["evil.example", &almost, "127.0.0.1.evil.example", "evil.example@localhost", ""] {
        for path in ["/", "/rowan-street", "/api/booking/times", "/pkg/x"] {
            let answer = served.get(path, &[PAGE, ("host", host)]).await;
            assert!(
                matches!(answer.status, StatusCode::MISDIRECTED_REQUEST | StatusCode::BAD_REQUEST),
                "{host}{path}: {}",
                answer.status
            );
            assert!(!answer.text.contains("evil.example") && answer.header(LOCATION).is_empty(), "{host}{path}");
        }
        let held = served.post("booking/hold", &[FORM, OURS, ("host", host)], &wish).await;
        assert!(held.status.is_client_error(), "{host}");
    }
    for header in ["x-forwarded-host", "x-original-host", "forwarded", "x-original-url"] {
        let page = served.get("/", &[PAGE, (header, "evil.example")]).await;
        assert_eq!(page.header(LOCATION), "/rowan-street", "{header}");
        let page = served.get("/rowan-street/booking", &[PAGE, (header, "evil.example")]).await;
        assert!(page.status == StatusCode::OK && !page.text.contains("evil.example"), "{header}");
    }
    let absolute = b"GET http://evil.example/rowan-street HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    assert!(served.raw(absolute).await.starts_with("HTTP/1.1 421"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_cookie_before_the_first_hold_and_then_one_that_scripts_and_plain_http_never_see() {
    let mut served = served(&[]).await;
    for path in [
        "/",
        "/rowan-street",
        "/rowan-street/booking",
        "/rowan-street/booking/physio-first",
        "/robots.txt",
        "/nowhere",
        "/health",
    ] {
        assert_eq!(served.get(path, &[PAGE]).await.header(SET_COOKIE), "", "{path}");
    }
    let wish = served.wish().await;
    let refused = served.post("booking/hold", &[FORM, VALUE, OURS], "clinic=rowan-street").await;
    assert!(refused.status.is_client_error() && refused.header(SET_COOKIE).is_empty(), "a mistake is no reason for a cookie");

    let held = served.post("booking/hold", &[FORM, VALUE, OURS], &wish).await;
    let cookies: Vec<&str> = held.headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect();
    let &[cookie] = cookies.as_slice() else { panic!("{cookies:?}") };
    let mut parts: Vec<&str> = cookie.split("; ").collect();
    let (name, secret) = parts.remove(0).split_once('=').unwrap();
    parts.sort_unstable();
    assert_eq!((name, secret.len()), ("__Host-visitor", 43), "256 bits in base64");
    assert_eq!(parts, ["HttpOnly", "Max-Age=86400", "Path=/", "SameSite=Lax", "Secure"]);

    let kept = format!("{name}={secret}");
    let hold: String = held.value();
    let (later, own) = (served.wish().await, ("cookie", kept.as_str()));
    let again = served.post("booking/hold", &[FORM, VALUE, OURS, own], &later).await;
    assert_eq!(again.header(SET_COOKIE), cookie, "the same lasts as long as what was begun last");
    let link = form(&[CLINIC, ("hold", &hold)]);
    assert_eq!(served.post("booking/release", &[FORM, VALUE, OURS, own], &link).await.header(SET_COOKIE), "");
    let planted = ("cookie", "__Host-visitor=planted-by-somebody-else");
    let third = served.wish().await;
    let fresh = served.post("booking/hold", &[FORM, VALUE, OURS, planted], &third).await;
    assert!(fresh.header(SET_COOKIE).starts_with("__Host-visitor="), "what we did not make is replaced");
    let database = std::fs::read(served.folder.0.join("data/perennial.db-wal")).unwrap();
    assert!(!database.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()), "only its hash is kept");
}

/// The nonce that an answer's policy allows.
fn nonce(answer: &Answer) -> Option<&str> {
    answer.header(CONTENT_SECURITY_POLICY).split_once("'nonce-")?.1.split('\'').next()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_carries_the_headers_that_keep_it_ours() {
    let mut served = served(&[]).await;
    let (wish, hold) = (served.wish().await, served.hold().await);
    let visit = served.browser.some_visit(&mut served.random).await;
    let pages = [
        "/rowan-street".to_owned(),
        "/rowan-street/booking".to_owned(),
        "/rowan-street/booking/physio-first".to_owned(),
        format!("/rowan-street/booking/hold/{hold}"),
        format!("/rowan-street/visit/{visit}"),
        "/rowan-street/visit/none".to_owned(),
        "/nobody".to_owned(),
    ];
    let mut nonces = Vec::new();
    for path in &pages {
        let page = served.get(path, &[PAGE]).await;
        let nonce = nonce(&page).unwrap_or_else(|| panic!("{path} has no nonce")).to_owned();
        assert!(page.text.contains("<script"), "{path}");
        for inside in page.text.split("<script").skip(1).chain(page.text.split("<style").skip(1)) {
            let tag = inside.split('>').next().unwrap();
            assert!(tag.contains(&format!("nonce=\"{nonce}\"")), "{path}: {tag}");
        }
        assert!(!page.text.contains(" onclick=") && !page.text.contains(" style="), "{path}");
        assert!(!nonces.contains(&nonce), "a nonce is used once");
        nonces.push(nonce);
        assert_eq!(page.header(CACHE_CONTROL), "no-store", "{path}");
    }
    let mut all = Vec::new();
    for path in pages.iter().map(String::as_str).chain([
        "/",
        "/health",
        "/ready",
        "/robots.txt",
        "/pkg/none.js",
        "/assets/none.png",
        "/mailbox",
    ]) {
        all.push((path.to_owned(), served.get(path, &[PAGE]).await));
    }
    all.push(("a foreign change".into(), served.post("booking/hold", &[FORM], &wish).await));
    all.push(("a value".into(), served.browser.held(&hold).await.unwrap()));
    all.push(("a form sent wrong".into(), served.post("booking/hold", &[FORM, OURS, PAGE], "x=y").await));
    all.push(("another host".into(), served.get("/", &[("host", "evil.example")]).await));
    all.push(("a file".into(), served.get(&format!("/rowan-street/visit/{visit}/calendar.ics"), &[]).await));
    all.push(("a long address".into(), served.get(&format!("/{}", "x".repeat(5000)), &[]).await));
    for (what, answer) in all {
        let policies: Vec<_> = answer.headers.get_all(CONTENT_SECURITY_POLICY).iter().collect();
        assert_eq!(policies.len(), 1, "{what}");
        let policy = answer.header(CONTENT_SECURITY_POLICY);
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"] {
            assert!(policy.contains(part), "{what}: {policy}");
        }
        assert!(!policy.contains("'unsafe-inline'") && !policy.contains("'unsafe-eval'"), "{what}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{what}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{what}");
        assert_eq!(answer.header("server"), "", "{what}");
        let kept = answer.header(CACHE_CONTROL);
        assert!(kept == "no-store" || ["/robots.txt"].contains(&what.as_str()), "{what}: {kept}");
    }
}

/// What a page says, whatever it is asked by.
fn plain(answer: &Answer, token: &str) -> (StatusCode, String, Vec<(String, String)>) {
    let text = nonce(answer).map_or_else(|| answer.text.clone(), |nonce| answer.text.replace(nonce, "NONCE"));
    let headers = answer.headers.iter().filter(|(name, _)| !["date", "content-security-policy"].contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    (answer.status, text.replace(token, "TOKEN"), headers)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_opens_nothing_answers_alike_whatever_is_wrong_with_it() {
    let mut served = served(&[]).await;
    let hold = served.hold().await;
    let visit = served.browser.some_visit(&mut served.random).await;
    let database = Database::open(&Address::Sqlite(served.folder.0.join("data/perennial.db"))).await.unwrap();
    let links = Links::load(&database).await.unwrap();
    database.close().await;
    // Signed by this server, for something that is gone, as a hold is a day after its end.
    let LinkToken(gone_hold) = links.make(Purpose::Hold, Clock::system().new_id());
    let LinkToken(gone_visit) = links.make(Purpose::Visit, Clock::system().new_id());
    let random = "A".repeat(43);
    let flipped = |token: &str| token[..42].to_owned() + if token.ends_with('A') { "B" } else { "A" };
    let kinds: [(&str, &str, [String; 5]); 4] = [
        ("/rowan-street/visit/", "", [flipped(&visit), hold.clone(), gone_visit.clone(), "x7x".into(), visit[..40].into()]),
        ("/rowan-street/visit/", "/calendar.ics", [flipped(&visit), hold.clone(), gone_visit, "x7x".into(), visit[..40].into()]),
        ("/rowan-street/booking/hold/", "", [flipped(&hold), visit.clone(), gone_hold.clone(), "x7x".into(), hold[..40].into()]),
        ("/rowan-street/booking/hold/", "/check", [flipped(&hold), visit.clone(), gone_hold, "x7x".into(), hold[..40].into()]),
    ];
    for (before, after, wrong) in &kinds {
        let ask = async |token: &str| plain(&served.get(&format!("{before}{token}{after}"), &[PAGE]).await, token);
        let expected = ask(&random).await;
        assert_eq!(expected.0, StatusCode::NOT_FOUND, "{before}…{after}");
        for token in wrong {
            let found = ask(token).await;
            let same = found.1.bytes().zip(expected.1.bytes()).take_while(|(one, other)| one == other).count();
            let parts =
                [&found.1, &expected.1].map(|text| text.bytes().skip(same.saturating_sub(60)).take(200).collect::<Vec<_>>());
            let [one, other] = parts.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            assert!(found == expected, "{before}{token}{after}: {one}\nis not {other}\n{:?} {:?}", found.2, expected.2);
        }
    }
    for (is_visit, wrong) in [(true, &kinds[0].2), (false, &kinds[2].2)] {
        for token in wrong.iter().chain([&random]) {
            let answer = if is_visit { served.browser.visit(token).await } else { served.browser.held(token).await }.unwrap();
            assert_eq!((answer.status, answer.text.as_str()), (StatusCode::NOT_FOUND, "\"NotFound\""), "{token}");
        }
    }
    // Under another clinic's name it does not exist either.
    let question = serde_json::json!({ "clinic": "elm", "visit": visit });
    let elsewhere = served.browser.question("booking/visit", &question).await.unwrap();
    assert_eq!((elsewhere.status, elsewhere.text.as_str()), (StatusCode::NOT_FOUND, "\"NotFound\""));
}

/// A form with so many fields, each with a name of its own.
fn keys(count: u32) -> String {
    (0..count).fold(String::new(), |form, key| form + "k" + &key.to_string() + "=1&")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_too_long_or_too_deep_is_refused_at_once() {
    let mut served = served(&[]).await;
    let hold = served.hold().await;
    let link = form(&[CLINIC, ("hold", &hold)]);
    let own = [FORM, OURS, VALUE];
    let began = Instant::now();
    let large = served.post("booking/keep", &own, &format!("{link}&draft[reason]={}", "x".repeat(100_000))).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    // So much that the answer may come, and the connection end, before all of it was sent.
    let many = keys(1_000_000);
    let many = served.browser.ask("POST /api/booking/keep", &own, &many).await;
    assert!(many.is_err() || many.is_ok_and(|answer| answer.status == StatusCode::PAYLOAD_TOO_LARGE));
    let crowded = keys(8_000) + &link;
    let deep = format!("{link}&draft{}=1", "[a]".repeat(15_000));
    let wide = format!("{link}&{}", "draft[reason]=x&".repeat(3_000));
    let indexed = format!("{link}&draft[99999999999]=1&draft[reason][1000000000]=x");
    for body in [crowded, deep, wide, indexed, "%".repeat(60_000), "&=".repeat(30_000), "[".repeat(60_000)] {
        let answer = served.post("booking/keep", &own, &body).await;
        assert!(!answer.status.is_server_error(), "{:.60}: {}", body, answer.status);
    }
    assert_eq!(served.get(&format!("/rowan-street?{}", "x".repeat(5_000)), &[PAGE]).await.status, StatusCode::URI_TOO_LONG);
    let head = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx-long: {}\r\nconnection: close\r\n\r\n", "x".repeat(100_000));
    let answer = served.raw(head.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer:.80}");
    let lines = "x-one: 1\r\n".repeat(500);
    let answer = served.raw(format!("GET / HTTP/1.1\r\nhost: localhost\r\n{lines}connection: close\r\n\r\n").as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer:.80}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(served.browser.held(&hold).await.unwrap().status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_speaks_too_slowly_is_let_go_and_nobody_else_waits() {
    let served = served(&[("PERENNIAL_LIMITS_HEADER_TIMEOUT_S", "1"), ("PERENNIAL_LIMITS_BODY_TIMEOUT_S", "1")]).await;
    let form = "content-type: application/x-www-form-urlencoded\r\nsec-fetch-site: same-origin";
    let beginnings = [
        String::new(),
        "GET / HTTP/1.1\r\nhost: localhost\r\n".to_owned(),
        format!("POST /api/booking/keep HTTP/1.1\r\nhost: localhost\r\n{form}\r\ncontent-length: 100\r\n\r\nclinic="),
    ];
    let slow = beginnings.map(|beginning| {
        let port = served.program.port;
        tokio::spawn(async move {
            let began = Instant::now();
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            // A byte now and then, as slow as they come.
            if !beginning.is_empty() {
                stream.write_all(beginning.as_bytes()).await.unwrap();
            }
            let (mut reading, mut writing) = stream.into_split();
            let drip = tokio::spawn(async move {
                while !beginning.is_empty() && writing.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                writing
            });
            let ended = tokio::time::timeout(Duration::from_secs(8), reading.read_to_end(&mut Vec::new())).await;
            drip.abort();
            (ended.is_ok(), began.elapsed())
        })
    });
    let asked = Instant::now();
    assert_eq!(served.get("/health", &[]).await.status, StatusCode::OK);
    assert!(asked.elapsed() < Duration::from_secs(1));
    for (number, slow) in slow.into_iter().enumerate() {
        let (ended, after) = slow.await.unwrap();
        assert!(ended, "{number} is still connected after {after:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_address_leads_out_of_the_site() {
    let served = served(&[]).await;
    let secret = served.folder.0.join("data/perennial.db").display().to_string();
    let paths = [
        "/pkg/../../Cargo.toml",
        "/pkg/../../../etc/passwd",
        "/pkg/..%2f..%2f..%2fetc%2fpasswd",
        "/pkg/%2e%2e/%2e%2e/Cargo.toml",
        "/pkg/....//....//etc/passwd",
        "/pkg/%252e%252e%252fCargo.toml",
        "/pkg//etc/passwd",
        "/pkg/%2fetc%2fpasswd",
        "/pkg/..%5c..%5cCargo.toml",
        "/assets/../site.json",
        "/assets/..%2fsite.json",
        "/assets/%00",
        "/pkg/favicon.svg%00.js",
        "/../Cargo.toml",
        "/rowan-street/../../etc/passwd",
        &format!("/pkg/{secret}"),
        &format!("/pkg/..{secret}"),
    ];
    for path in paths {
        let answer = served.raw(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").as_bytes()).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(["400", "404"].contains(&status), "{path}: {answer:.200}");
        for content in ["[workspace]", "root:", "SQLite format"] {
            assert!(!answer.contains(content), "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_a_patient_typed_or_may_open_gets_into_the_log() {
    let level = "info,server=trace,app=trace,perennial=trace,leptos_axum=debug,tower_http=debug,sqlx=debug";
    let mut served = served(&[("PERENNIAL_LOG_FILTER", level)]).await;
    let [name, email, reason, query] =
        ["Canaria Quill", "canary.quill@example.org", "canaryitis of the wing", "canary-in-the-address"];
    let wish = served.wish().await;
    // Without scripts: the way on which errors and links travel in addresses.
    let held = served.post("booking/hold", &[FORM, OURS, PAGE], &wish).await;
    let cookie = held.header(SET_COOKIE).split(';').next().unwrap().to_owned();
    let hold = held.header(LOCATION).rsplit('/').next().unwrap().to_owned();
    let own = [FORM, OURS, PAGE, ("cookie", cookie.as_str())];
    let link = ("hold", hold.as_str());
    let mut wrong = details(link, name, "canary.quill@");
    wrong.push(("draft[reason]", reason));
    served.post("booking/describe", &own, &form(&wrong)).await;
    served.post("booking/keep", &own, &form(&wrong)).await;
    let mut right = details(link, name, email);
    right.push(("draft[reason]", reason));
    assert_eq!(served.post("booking/describe", &own, &form(&right)).await.status, StatusCode::SEE_OTHER);
    for page in [format!("/rowan-street/booking/hold/{hold}"), format!("/rowan-street/booking/hold/{hold}/check?{query}")] {
        assert_eq!(served.get(&page, &[PAGE, own[3]]).await.status, StatusCode::OK);
    }
    let version = served.browser.held(&hold).await.unwrap().value::<Held>().version;
    served.post("booking/confirm", &own, &form(&[CLINIC, link, ("version", query)])).await;
    let booked = served.post("booking/confirm", &own, &form(&[CLINIC, link, ("version", &version)])).await;
    let visit = booked.header(LOCATION).rsplit('/').next().unwrap().to_owned();
    assert_eq!(visit.len(), 43, "{booked:?}");
    // What does not parse, what does not exist, what is refused: the answers that quote most easily.
    for body in [
        format!("clinic={query}&hold={hold}"),
        format!("{{\"reason\":\"{reason}\"}}"),
        format!("draft[reason]={reason}&draft[{query}]=1"),
    ] {
        for headers in
            [[FORM, OURS, VALUE], [("content-type", "application/json"), OURS, VALUE], [FORM, ("origin", "null"), PAGE]]
        {
            served.post("booking/keep", &headers, &body).await;
        }
    }
    for path in [
        format!("/{query}"),
        format!("/rowan-street/visit/{visit}?{query}"),
        format!("/rowan-street/visit/{visit}/{query}"),
        format!("/rowan-street/visit/{visit}/calendar.ics"),
    ] {
        served.get(&path, &[PAGE]).await;
    }
    // The letter goes out beside the requests.
    let mailbox = served.folder.0.join("data/mailbox");
    let asked = Instant::now();
    while std::fs::read_dir(&mailbox).map_or(0, Iterator::count) == 0 {
        assert!(asked.elapsed() < Duration::from_secs(20), "no letter: {}", served.program.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(served.program.end().await.success());
    let log = served.program.log();
    assert!(log.lines().count() > 20, "{log}");
    let secret = cookie.split('=').nth(1).unwrap();
    for canary in ["Canaria", "Quill", "quill", "canary", "1984", secret, hold.as_str(), visit.as_str()] {
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(canary)).collect();
        assert!(lines.is_empty(), "{canary}: {lines:#?}");
    }
}
