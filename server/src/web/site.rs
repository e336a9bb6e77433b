//! The built site, inside the binary: style, script, WebAssembly and words.
//!
//! `cargo portal build` writes it to `target/site`, with the compressed forms beside each file;
//! a release build takes that folder in, a debug build reads it where it lies. Names under `pkg/`
//! change with their content, so browsers may keep them for ever.
//! It does *not* compress anything: that was done once, while building.

use std::borrow::Cow;
use std::collections::BTreeMap;

use app::SiteFiles;
use app::words::Language;
use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rust_embed::{EmbeddedFile, RustEmbed};
use serde::Deserialize;

use super::refusal::Refusal;

#[derive(RustEmbed)]
#[folder = "../target/site"]
#[allow_missing = true]
struct Files;

/// `site.json`: the names under which this build's files are found.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Manifest {
    style: String,
    script: String,
    wasm: String,
    /// By language tag.
    words: BTreeMap<String, String>,
}

/// The names of the site's files; `None` if the site was never built. Pages work without it:
/// they only look bare, and every step loads a page.
pub fn files() -> Option<SiteFiles> {
    let manifest: Manifest = serde_json::from_slice(&Files::get("site.json")?.data).ok()?;
    let words = Language::ALL.map(|language| manifest.words.get(language.tag()).cloned().unwrap_or_default());
    Some(SiteFiles { style: manifest.style, script: manifest.script, wasm: manifest.wasm, words })
}

/// Answers `/pkg/…`: what never changes under its name.
pub async fn built(Path(path): Path<String>, headers: HeaderMap) -> Response {
    answer(&format!("pkg/{path}"), &headers, "public, max-age=31536000, immutable")
}

/// Answers `/assets/…`: what keeps its name, such as the icon on a home screen.
pub async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    answer(&format!("assets/{path}"), &headers, "public, max-age=3600")
}

/// Answers `/favicon.ico`, `/robots.txt` and `/embed.js`, which are asked for by these names, whatever a page says.
pub async fn well_known(uri: Uri, headers: HeaderMap) -> Response {
    answer(&format!("assets{}", uri.path()), &headers, "public, max-age=3600")
}

fn answer(name: &str, headers: &HeaderMap, keep: &'static str) -> Response {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some((file, encoding)) = find(name, accepted) else { return Refusal::NotFound.into_response() };
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&file.metadata.sha256_hash()[..12]));
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|tags| tags.contains(&tag));
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let body = match file.data {
            Cow::Borrowed(bytes) => Body::from(bytes),
            Cow::Owned(bytes) => Body::from(bytes),
        };
        let mut response = Response::new(body);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind(name)));
        if let Some(encoding) = encoding {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(keep));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    response
}

/// The smallest form that the browser takes.
fn find(name: &str, accepted: &str) -> Option<(EmbeddedFile, Option<&'static str>)> {
    // A debug build reads the folder itself, where `..` would mean something.
    if name.split('/').any(|part| part == "..") {
        return None;
    }
    [("br", ".br"), ("gzip", ".gz")]
        .into_iter()
        .filter(|(encoding, _)| accepts(accepted, encoding))
        .find_map(|(encoding, ending)| Some((Files::get(&format!("{name}{ending}"))?, Some(encoding))))
        .or_else(|| Some((Files::get(name)?, None)))
}

/// Whether an `Accept-Encoding` header allows an encoding (RFC 9110, 12.5.3).
fn accepts(accepted: &str, encoding: &str) -> bool {
    accepted.split(',').any(|range| {
        let (name, weight) = range.split_once(';').unwrap_or((range, "q=1"));
        let refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q <= 0.0);
        name.trim().eq_ignore_ascii_case(encoding) && !refused
    })
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_is_used_only_if_the_browser_takes_it() {
        let table = [
            ("gzip, deflate, br", true),
            ("br;q=1.0", true),
            ("BR", true),
            ("br;q=0", false),
            ("gzip", false),
            ("", false),
            ("brotli", false),
        ];
        for (accepted, expected) in table {
            assert_eq!(accepts(accepted, "br"), expected, "{accepted}");
        }
    }

    #[test]
    fn a_name_outside_the_site_is_not_found() {
        for name in ["pkg/../../Cargo.toml", "pkg/nothing.js", ""] {
            assert!(find(name, "br").is_none(), "{name}");
        }
    }

    #[test]
    fn webassembly_has_the_type_that_lets_browsers_compile_it_while_it_comes() {
        assert_eq!(kind("pkg/a/perennial_bg.wasm"), "application/wasm");
        assert_eq!(kind("pkg/a/unknown"), "application/octet-stream");
    }
}
