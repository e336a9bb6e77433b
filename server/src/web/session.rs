//! From a request to its [`Caller`]: in which language, in which zone, and which visitor.
//!
//! A visitor gets a cookie with what they begin first, or with a link to what somebody else began,
//! and not a moment earlier; only its hash goes
//! further than this file. It is *not* a sign-in: it merely tells one visitor's holds from another's.

use std::sync::Arc;

use app::clinic::model::Clinic;
use app::embed::Frame;
use app::request::{Caller, TYPED, Typed, VisitorKey, Who};
use app::words::Language;
use axum::extract::{Query, Request, State};
use axum::http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, COOKIE, HeaderValue, REFERER, SET_COOKIE};
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::find;
use crate::clinic::Clinics;

const VISITOR: &str = "__Host-visitor";
const LANGUAGE: &str = "lang";
/// What begins something that is kept for its visitor.
const BEGINS: [&str; 2] = ["/api/booking/hold", "/api/waitlist/begin"];

/// What a session needs to know of the server.
#[derive(Clone)]
pub struct Sessions {
    pub clinics: Arc<Clinics>,
    /// People reach us by HTTPS.
    pub secure: bool,
}

/// What an address may say about its reader.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    lang: Option<String>,
    zone: Option<String>,
}

/// Puts the [`Caller`] into the request's extensions, and the cookies that follow into the answer.
pub async fn resolve(State(sessions): State<Sessions>, mut request: Request, next: Next) -> Response {
    let asked = Query::<Asked>::try_from_uri(request.uri()).map(|Query(asked)| asked).unwrap_or_default();
    let frame = request.extensions().get::<Arc<Frame>>().cloned();
    let chosen = match &frame {
        Some(frame) => frame.language,
        None => asked.lang.as_deref().and_then(Language::parse),
    };
    let clinic = clinic_of(request.uri(), request.headers()).and_then(|slug| find(&sessions.clinics, slug));
    let language = chosen.unwrap_or_else(|| language(request.headers(), clinic.as_deref()));
    let zone = asked.zone.filter(|zone| zone.parse::<chrono_tz::Tz>().is_ok());

    // In a frame no cookie is read: its addresses say who this is.
    let secret = frame.as_ref().map_or_else(|| cookie(request.headers(), VISITOR), |frame| Some(frame.visitor.as_str()));
    let known = secret.and_then(visitor_key);
    let path = request.uri().path();
    let begins = request.method() == Method::POST && BEGINS.contains(&path);
    // Where cookies are blocked our own pages go on with what they began; others' links do not.
    let arrives = is_arrival(request.headers());
    let fresh = (known.is_none() && (begins || arrives)).then(nobody);
    let visitor = known.or_else(|| fresh.as_deref().and_then(visitor_key));
    // Beginning anew makes the cookie last as long as what is begun. Whoever comes by a link to what
    // somebody began is told apart from them by every page that follows.
    let given = match &frame {
        None if begins => fresh.or_else(|| secret.map(str::to_owned)),
        None if is_begun(path) => fresh,
        _ => None,
    };
    let typed = cookie(request.headers(), TYPED).map(|typed| percent_decode_str(typed).decode_utf8_lossy().into_owned());
    if let Some(typed) = typed {
        request.extensions_mut().insert(Typed(typed));
    }
    request.extensions_mut().insert(Caller { who: Who::Visitor(visitor), language, zone });

    let mut response = next.run(request).await;
    // What caches share is nobody's.
    let is_shared = response.headers().get(CACHE_CONTROL).is_some_and(|value| value.as_bytes().starts_with(b"public"));
    if let (Some(language), None, false) = (chosen, &frame, is_shared) {
        let secure = if sessions.secure { "; Secure" } else { "" };
        let tag = language.tag();
        set(&mut response, &format!("{LANGUAGE}={tag}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly{secure}"));
    }
    let failed = response.status().is_client_error() || response.status().is_server_error();
    if let (Some(secret), false) = (given, failed) {
        set(&mut response, &format!("{VISITOR}={secret}; Path=/; Max-Age=86400; SameSite=Lax; HttpOnly; Secure"));
    }
    response
}

fn set(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

/// The clinic that a request is about: the first segment of its address, or, for a server
/// function, of the page it was called from, so that both speak the same language.
pub fn clinic_of<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let path = if uri.path().starts_with("/api/") {
        let referer = headers.get(REFERER)?.to_str().ok()?;
        let (_, rest) = referer.split_once("://")?;
        &rest[rest.find('/')?..]
    } else {
        uri.path()
    };
    path.trim_start_matches('/').split(['/', '?', '#']).next().filter(|slug| !slug.is_empty())
}

/// What the reader chose before, else what their browser prefers of what the clinic speaks, else
/// what the clinic speaks first.
fn language(headers: &HeaderMap, clinic: Option<&Clinic>) -> Language {
    if let Some(chosen) = cookie(headers, LANGUAGE).and_then(Language::parse) {
        return chosen;
    }
    let spoken = clinic.map_or(&Language::ALL[..], |clinic| &clinic.languages);
    let first = spoken.first().copied().unwrap_or_default();
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    preferred(accepted, spoken).unwrap_or(first)
}

/// The spoken language with the highest weight in an `Accept-Language` header (RFC 9110, 12.5.4);
/// of equal ones the first named.
fn preferred(accepted: &str, spoken: &[Language]) -> Option<Language> {
    let mut best: Option<(f32, Language)> = None;
    for range in accepted.split(',') {
        let (tag, weight) = match range.split_once(';') {
            Some((tag, weight)) => (tag, weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok()).unwrap_or(0.0)),
            None => (range, 1.0),
        };
        let tag = tag.trim();
        let meant = if tag == "*" { spoken.first().copied() } else { Language::parse(tag).filter(|tag| spoken.contains(tag)) };
        if let Some(language) = meant
            && weight > best.map_or(0.0, |(weight, _)| weight)
        {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

/// A cookie's value; HTTP/2 may send each cookie in a header of its own.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// A secret that no visitor has yet.
pub fn nobody() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// A link from elsewhere opens a page: from another website, from a letter, typed. Only browsers say
/// so (<https://www.w3.org/TR/fetch-metadata/>); what they do not say is taken for our own page.
pub fn is_arrival(headers: &HeaderMap) -> bool {
    let said = |name| headers.get(name).map(HeaderValue::as_bytes);
    said("sec-fetch-dest") == Some(b"document") && said("sec-fetch-site").is_some_and(|site| site != b"same-origin")
}

/// A page of what somebody began: a hold, a place on the waiting list.
fn is_begun(path: &str) -> bool {
    let mut parts = path.split('/').skip(2);
    matches!((parts.next(), parts.next()), (Some("booking"), Some("hold")) | (Some("waitlist"), Some(_)))
}

/// The hash of a visitor's secret; `None` if it is not one that we made.
pub fn visitor_key(secret: &str) -> Option<VisitorKey> {
    let bytes = URL_SAFE_NO_PAD.decode(secret).ok().filter(|bytes| bytes.len() == 32)?;
    Some(VisitorKey(Sha256::digest(bytes).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browsers_weights_choose_among_what_the_clinic_speaks() {
        use Language::{Ar, De, En, Es};
        let table: &[(&str, &[Language], Option<Language>)] = &[
            ("de-AT,de;q=0.9,en;q=0.8", &[En, De], Some(De)),
            ("de-AT,de;q=0.9,en;q=0.8", &[En, Es], Some(En)),
            ("en;q=0.2, es;q=0.7", &[En, Es], Some(Es)),
            ("ar;q=0, en;q=0.1", &[Ar, En], Some(En)),
            ("fr, *;q=0.5", &[Es, En], Some(Es)),
            ("de;q=0.8, es;q=0.8", &[Es, De], Some(De)),
            ("fr", &[En], None),
            ("", &[En], None),
            ("de;q=nonsense, ;;, en", &[De, En], Some(En)),
        ];
        for (accepted, spoken, expected) in table {
            assert_eq!(preferred(accepted, spoken), *expected, "{accepted}");
        }
    }

    #[test]
    fn a_chosen_language_wins_over_the_browsers() {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("de"));
        assert_eq!(language(&headers, None), Language::De);
        headers.append(COOKIE, HeaderValue::from_static("other=1"));
        headers.append(COOKIE, HeaderValue::from_static("a=b; lang=ar"));
        assert_eq!(language(&headers, None), Language::Ar);
    }

    #[test]
    fn a_visitors_cookie_must_be_256_bits_of_ours() {
        let secret = URL_SAFE_NO_PAD.encode([7; 32]);
        assert_eq!(visitor_key(&secret), visitor_key(&secret));
        assert!(visitor_key(&secret).is_some());
        for bad in ["", "short", &URL_SAFE_NO_PAD.encode([7; 33]), "!"] {
            assert!(visitor_key(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_static("xlang=de; lang2=es; lang=en"));
        assert_eq!(cookie(&headers, "lang"), Some("en"));
        assert_eq!(cookie(&headers, "visitor"), None);
    }

    #[test]
    fn a_server_function_is_about_the_clinic_of_the_page_that_calls_it() {
        let mut headers = HeaderMap::new();
        let (page, call) = (Uri::from_static("/rowan-street/booking?x=1"), Uri::from_static("/api/booking/times"));
        assert_eq!(clinic_of(&page, &headers), Some("rowan-street"));
        assert_eq!(clinic_of(&call, &headers), None);
        headers.insert(REFERER, HeaderValue::from_static("http://localhost:3000/elm?lang=de"));
        assert_eq!(clinic_of(&call, &headers), Some("elm"));
        headers.insert(REFERER, HeaderValue::from_static("http://localhost:3000"));
        assert_eq!(clinic_of(&call, &headers), None);
    }
}
