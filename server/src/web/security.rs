//! The floor that every request stands on: who may send it, how much of it, and what browsers
//! are told with the answer. One place, so that no page can forget it.
//!
//! It does *not* know who is asking for what: that is [`super::session`] and the services.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::time::{interval, timeout};

use super::listen::Peer;
use super::refusal::Refusal;
use super::report::is_report;
use crate::config::{Config, Origin, Rate, is_local};
use crate::embed;

/// What requests are measured against.
pub struct Gate {
    origin: Origin,
    trusted_proxies: usize,
    address_bytes_max: usize,
    body_bytes_max: usize,
    body_timeout: Duration,
    request_timeout: Duration,
    holds: Shares,
    bookings: Shares,
    changes: Shares,
}

/// How much each address has left of something.
struct Shares {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    burst: NonZeroU32,
}

/// About as many times as a series of visits holds.
const SERIES: u32 = 6;

impl Gate {
    pub fn new(config: &Config) -> Self {
        Self {
            origin: config.origin.clone(),
            trusted_proxies: config.trusted_proxies,
            address_bytes_max: config.limits.address_bytes,
            body_bytes_max: config.limits.body_bytes,
            body_timeout: config.limits.body_timeout,
            request_timeout: config.limits.request_timeout,
            holds: Shares::new(config.limits.holds),
            bookings: Shares::new(config.limits.bookings),
            changes: Shares::new(config.limits.changes),
        }
    }

    /// Forgets addresses that have their whole share again, so that memory stays bounded.
    pub async fn tidy(self: Arc<Self>) {
        let mut every = interval(Duration::from_mins(1));
        loop {
            every.tick().await;
            for Shares { limiter, .. } in [&self.holds, &self.bookings, &self.changes] {
                limiter.retain_recent();
                limiter.shrink_to_fit();
            }
        }
    }

    fn refuses(&self, request: &Request) -> Option<Refusal> {
        let (uri, headers) = (request.uri(), request.headers());
        if uri.path_and_query().is_some_and(|address| address.as_str().len() > self.address_bytes_max) {
            return Some(Refusal::TooLong);
        }
        if !is_for_us(&self.origin, uri, headers) {
            return Some(Refusal::Misdirected);
        }
        if !is_safe(request.method()) {
            // In a frame there is nothing that another site could abuse: see `embed`.
            let is_open = is_report(uri.path()) || embed::inside(uri.path()).is_some();
            if !is_open && !is_from_us(&self.origin, uri, headers) {
                return Some(Refusal::Foreign);
            }
            return self.is_too_much(request);
        }
        None
    }

    fn is_too_much(&self, request: &Request) -> Option<Refusal> {
        let Peer(peer) = *request.extensions().get::<Peer>()?;
        let address = client_address(peer.ip(), request.headers(), self.trusted_proxies);
        let (shares, price) = match embed::function(request.uri().path()) {
            "/api/booking/hold" => (&self.holds, 1),
            "/api/booking/plan" | "/api/booking/series" => (&self.holds, SERIES),
            // Details are refused to who is no patient: whoever guesses is slow.
            "/api/booking/describe"
            | "/api/booking/confirm"
            | "/api/booking/links"
            | "/api/waitlist/begin"
            | "/api/waitlist/join" => (&self.bookings, 1),
            _ => (&self.changes, 1),
        };
        let after = shares.spend(address, price)?;
        Some(Refusal::TooMany { after_s: u32::try_from(after.as_secs()).unwrap_or(u32::MAX).saturating_add(1) })
    }
}

impl Shares {
    fn new(rate: Rate) -> Self {
        let number = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let burst = number(rate.burst);
        Self { limiter: RateLimiter::keyed(Quota::per_minute(number(rate.per_min)).allow_burst(burst)), burst }
    }

    /// Takes this much of an address's share, or says how long until it is there.
    fn spend(&self, address: IpAddr, price: u32) -> Option<Duration> {
        let price = NonZeroU32::new(price)?.min(self.burst);
        let until = self.limiter.check_key_n(&address, price).ok()?.err()?;
        Some(until.wait_time_from(DefaultClock::default().now()))
    }
}

/// Lets a request in, or says why not; and does not wait for ever for its answer.
pub async fn guard(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    if let Some(refusal) = gate.refuses(&request) {
        return refusal.into_response();
    }
    timeout(gate.request_timeout, next.run(request)).await.unwrap_or_else(|_| Refusal::Slow.into_response())
}

/// Takes the whole body in before anything is done with it: every one is a form so far, and the
/// code that reads it could not tell a slow or endless one from a wrong one.
pub async fn gather(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    if is_safe(request.method()) {
        return next.run(request).await;
    }
    let (head, body) = request.into_parts();
    match timeout(gate.body_timeout, to_bytes(body, gate.body_bytes_max)).await {
        Ok(Ok(whole)) => next.run(Request::from_parts(head, Body::from(whole))).await,
        // Or the connection broke, and nobody is there to read this.
        Ok(Err(_)) => Refusal::TooLarge.into_response(),
        Err(_) => Refusal::TooSlow.into_response(),
    }
}

const fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// The host that the request names; HTTP/2 names it in the address.
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    uri.authority().map(axum::http::uri::Authority::as_str).or_else(|| headers.get(HOST)?.to_str().ok())
}

/// The named host is ours. Another one means a rebound name (an attack) or a wrong proxy; links
/// and policies made for it would be wrong. Probes ask by address, so they may name any.
fn is_for_us(origin: &Origin, uri: &Uri, headers: &HeaderMap) -> bool {
    if matches!(uri.path(), "/health" | "/ready") {
        return true;
    }
    host(uri, headers).is_some_and(|host| {
        let host = host.to_ascii_lowercase();
        host == origin.authority() || is_local(&host)
    })
}

/// A change comes from our own pages, or from a program that names us as its origin. Browsers
/// say so themselves and pages cannot forge it, so no secret is needed in forms.
/// (<https://www.w3.org/TR/fetch-metadata/>)
fn is_from_us(origin: &Origin, uri: &Uri, headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(from) = headers.get(ORIGIN).and_then(|from| from.to_str().ok()) else { return false };
    if from == origin.as_str() {
        return true;
    }
    // While developing, any local name of this server will do, as long as it is the same one.
    match (from.split_once("://"), host(uri, headers)) {
        (Some((_, from)), Some(host)) => from == host && is_local(host),
        _ => false,
    }
}

/// Who asks, for limits by address: the peer, or what the outermost of the trusted proxies saw.
/// Of an IPv6 address only the network counts, because everyone has all the rest.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted_proxies: usize) -> IpAddr {
    let forwarded: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    let seen = trusted_proxies.checked_sub(1).and_then(|hop| forwarded.iter().rev().nth(hop));
    let address = seen.and_then(|text| parse_address(text)).unwrap_or(peer).to_canonical();
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

/// With or without a port.
fn parse_address(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip()))
}

/// What browsers are told with every answer, unless the answer says it more exactly itself.
pub async fn describe(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    // The loader runs in other sites' pages; a frame that is kept apart is of no site, and has our style all the same.
    let path = request.uri().path();
    let is_public = path == "/embed.js" || path.starts_with("/pkg/") || embed::inside(path).is_some();
    let mut response = next.run(request).await;
    let ancestors = response.extensions().get::<Ancestors>().cloned();
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Forms without scripts find their way back by the address they came from, so we keep it among us.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    let reach = if is_public { "cross-origin" } else { "same-origin" };
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static(reach));
    headers.insert(
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()"),
    );
    if gate.origin.is_secure() {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000"));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(CONTENT_SECURITY_POLICY).or_insert_with(|| policy(None, ancestors.as_ref()));
    response
}

/// The websites that may show an address in a frame: an answer without it is nobody's.
#[derive(Clone, Debug)]
pub struct Ancestors(Arc<str>);

impl Ancestors {
    /// Exactly these origins.
    pub fn of(sites: &[String]) -> Self {
        Self(if sites.is_empty() { "'none'".into() } else { sites.join(" ").into() })
    }
}

/// The content security policy; scripts and styles inside a page run only with its nonce. A page
/// for other sites' frames loads nothing but its style, and sends what is typed in it.
pub fn policy(nonce: Option<&str>, ancestors: Option<&Ancestors>) -> HeaderValue {
    let style = nonce.map(|nonce| format!(" 'nonce-{nonce}'")).unwrap_or_default();
    let (more, own) = match ancestors {
        None => (" 'strict-dynamic' 'wasm-unsafe-eval'", " font-src 'self'; connect-src 'self'; manifest-src 'self';"),
        Some(_) => ("", " connect-src 'self';"),
    };
    let script = nonce.map_or_else(|| "'none'".to_owned(), |nonce| format!("'nonce-{nonce}'{more}"));
    let ancestors = ancestors.map_or("'none'", |Ancestors(sites)| sites);
    let policy = format!(
        "default-src 'none'; script-src {script}; style-src 'self'{style}; img-src 'self' data:;{own} form-action 'self'; \
         base-uri 'none'; frame-ancestors {ancestors}"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn only_our_own_pages_and_programs_that_name_us_may_change_something() {
        let public: Origin = "https://portal.example".parse().unwrap();
        let table: &[(&[(&str, &str)], bool)] = &[
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://portal.example")], false),
            (&[("origin", "https://portal.example")], true),
            (&[("origin", "http://portal.example")], false),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", "https://evil.example"), ("host", "evil.example")], false),
            (&[("origin", "null")], false),
            (&[("origin", "http://localhost:3000"), ("host", "localhost:3000")], true),
            (&[("origin", "http://localhost:4000"), ("host", "localhost:3000")], false),
            (&[], false),
        ];
        for (pairs, allowed) in table {
            assert_eq!(is_from_us(&public, &Uri::from_static("/api/booking/hold"), &headers(pairs)), *allowed, "{pairs:?}");
        }
    }

    #[test]
    fn a_request_must_name_our_host_unless_it_is_a_probe() {
        let public: Origin = "https://portal.example".parse().unwrap();
        let table = [
            ("/", "portal.example", true),
            ("/", "PORTAL.example", true),
            ("/", "portal.example.evil.example", false),
            ("/", "portal.example:8080", false),
            ("/", "localhost:3000", true),
            ("/", "", false),
            ("/health", "10.0.0.7", true),
            ("/ready", "10.0.0.7", true),
            ("http://portal.example/", "evil.example", true),
            ("http://evil.example/", "portal.example", false),
        ];
        for (uri, host, ours) in table {
            assert_eq!(is_for_us(&public, &uri.parse().unwrap(), &headers(&[("host", host)])), ours, "{uri} {host}");
        }
    }

    #[test]
    fn the_clients_address_is_what_a_trusted_proxy_saw_and_never_what_the_client_says() {
        let peer: IpAddr = "10.0.0.1".parse().unwrap();
        let table = [
            (0, "1.1.1.1", "10.0.0.1"),
            (1, "1.1.1.1", "1.1.1.1"),
            (1, "9.9.9.9, 1.1.1.1", "1.1.1.1"),
            (2, "9.9.9.9, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
            (2, "1.1.1.1", "10.0.0.1"),
            (1, "nonsense", "10.0.0.1"),
            (1, "1.1.1.1:5555", "1.1.1.1"),
            (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            (1, "::ffff:1.1.1.1", "1.1.1.1"),
        ];
        for (hops, forwarded, expected) in table {
            let found = client_address(peer, &headers(&[("x-forwarded-for", forwarded)]), hops);
            assert_eq!(found.to_string(), expected, "{hops} {forwarded}");
        }
    }

    #[test]
    fn scripts_run_only_with_the_nonce_of_their_page() {
        let text =
            |nonce, sites: Option<&[String]>| policy(nonce, sites.map(Ancestors::of).as_ref()).to_str().unwrap().to_owned();
        assert!(text(Some("abc"), None).contains("script-src 'nonce-abc' 'strict-dynamic' 'wasm-unsafe-eval';"));
        assert!(text(None, None).contains("script-src 'none';"));
        assert!(!text(Some("abc"), None).contains("unsafe-inline"));
        assert!(text(Some("abc"), Some(&[])).contains("script-src 'nonce-abc';"), "no WebAssembly in a frame");
    }

    #[test]
    fn only_the_listed_sites_may_show_a_page_in_a_frame() {
        let text = |ancestors: Option<Ancestors>| policy(None, ancestors.as_ref()).to_str().unwrap().to_owned();
        let sites = ["https://a.example".to_owned(), "https://b.example:8443".to_owned()];
        assert!(text(Some(Ancestors::of(&sites))).ends_with("frame-ancestors https://a.example https://b.example:8443"));
        assert!(text(Some(Ancestors::of(&[]))).ends_with("frame-ancestors 'none'"));
        assert!(text(None).ends_with("frame-ancestors 'none'"));
    }
}
