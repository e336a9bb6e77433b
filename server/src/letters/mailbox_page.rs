//! The pages that show the mailbox folder, so that whoever tries the demo can follow every link.
//!
//! Only for a demo: whoever reaches these pages reads everybody's letters. Mounting them is the
//! caller's decision. They are in English only, as is the rest of what is for operators.

use std::collections::BTreeSet;

use app::words::Language;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::map_response;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use mail_parser::{Address, Message, MessageParser, MimeHeaders as _};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::mailbox::{LetterName, Mailbox};
use super::message::TEXT_HOST;
use super::render;

/// The letter's HTML, as an address beside its attachments.
const HTML_NAME: &str = "letter.html";

#[derive(Clone)]
struct Shown {
    mailbox: Mailbox,
    /// The address of the site's style sheet.
    style: String,
}

/// The pages under `/mailbox`. `style` is the address of the site's style sheet.
pub fn router(mailbox: Mailbox, style: String) -> Router {
    Router::new()
        .route("/mailbox", get(list))
        .route("/mailbox/{letter}", get(letter))
        .route("/mailbox/{letter}/{part}", get(part))
        .layer(map_response(hidden))
        .with_state(Shown { mailbox, style })
}

/// Search engines stay out, and nothing is kept in between.
async fn hidden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow"));
    headers.insert(axum::http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Why there is no page to show.
enum Missing {
    NoSuchLetter,
    /// The folder or a template fails; logged where it happened.
    Broken,
}

impl IntoResponse for Missing {
    fn into_response(self) -> Response {
        match self {
            Self::NoSuchLetter => (StatusCode::NOT_FOUND, "There is no such letter.\n").into_response(),
            Self::Broken => (StatusCode::SERVICE_UNAVAILABLE, "The mailbox can't be read just now.\n").into_response(),
        }
    }
}

impl From<std::io::Error> for Missing {
    fn from(error: std::io::Error) -> Self {
        tracing::error!(%error, "the mailbox folder can't be read");
        Self::Broken
    }
}

impl From<minijinja::Error> for Missing {
    fn from(error: minijinja::Error) -> Self {
        tracing::error!(%error, "a mailbox page can't be rendered");
        Self::Broken
    }
}

/// What both pages say about a letter.
#[derive(Serialize)]
struct Envelope {
    id: String,
    subject: String,
    from: String,
    to: String,
    /// "Wednesday 11 March 2026, 08:00 UTC".
    sent: String,
}

impl Envelope {
    fn of(name: &LetterName, message: &Message<'_>) -> Self {
        let to = message.to();
        let is_text = to.and_then(Address::first).and_then(|to| to.address()).is_some_and(is_text_address);
        let subject = if is_text { "Text message" } else { message.subject().unwrap_or("Letter") };
        let sent = message.date().and_then(|date| DateTime::from_timestamp(date.to_timestamp(), 0));
        Self {
            id: name.as_str().to_owned(),
            subject: subject.to_owned(),
            from: person(message.from()),
            to: if is_text {
                to.and_then(Address::first).and_then(|to| to.name()).unwrap_or_default().to_owned()
            } else {
                person(to)
            },
            sent: sent.map_or_else(String::new, |sent| sent.format("%A %-d %B %Y, %H:%M UTC").to_string()),
        }
    }
}

fn is_text_address(address: &str) -> bool {
    address.rsplit_once('@').is_some_and(|(_, host)| host == TEXT_HOST)
}

/// "Maya Haddad <maya@example.org>".
fn person(address: Option<&Address<'_>>) -> String {
    let Some(first) = address.and_then(Address::first) else { return String::new() };
    match (first.name(), first.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (name, address) => name.or(address).unwrap_or_default().to_owned(),
    }
}

async fn list(State(shown): State<Shown>) -> Result<Response, Missing> {
    #[derive(Serialize)]
    struct Values<'a> {
        style: &'a str,
        letters: Vec<Envelope>,
    }
    let mut letters = Vec::new();
    for name in shown.mailbox.list().await? {
        // A letter may be replaced or taken away while we look.
        let Some(bytes) = shown.mailbox.open(&name).await? else { continue };
        letters.extend(MessageParser::default().parse(&bytes).map(|message| Envelope::of(&name, &message)));
    }
    Ok(Html(render::render("mailbox/list.html", Values { style: &shown.style, letters })?).into_response())
}

/// A run of a line: words, or an address to follow.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Piece<'a> {
    text: &'a str,
    is_link: bool,
}

async fn letter(State(shown): State<Shown>, Path(name): Path<String>) -> Result<Response, Missing> {
    #[derive(Serialize)]
    struct Values<'a> {
        style: &'a str,
        letter: Envelope,
        language: &'static str,
        direction: &'static str,
        paragraphs: Vec<Vec<Vec<Piece<'a>>>>,
        attachments: Vec<&'a str>,
        has_html: bool,
    }
    let (name, bytes) = open(&shown, &name).await?;
    let message = MessageParser::default().parse(&bytes).ok_or(Missing::NoSuchLetter)?;
    let text = message.body_text(0).unwrap_or_default().replace("\r\n", "\n");
    let language = message.header("Content-Language").and_then(|value| value.as_text()).and_then(Language::parse);
    let language = language.unwrap_or_default();
    let values = Values {
        style: &shown.style,
        letter: Envelope::of(&name, &message),
        language: language.tag(),
        direction: language.direction(),
        paragraphs: text.trim().split("\n\n").map(|paragraph| paragraph.lines().map(pieces).collect()).collect(),
        attachments: message.attachments().filter_map(|part| part.attachment_name()).collect(),
        has_html: html_of(&message).is_some(),
    };
    Ok(Html(render::render("mailbox/letter.html", values)?).into_response())
}

/// The line in runs, so that its addresses can be followed.
fn pieces(line: &str) -> Vec<Piece<'_>> {
    line.split_inclusive(' ')
        .map(|text| Piece { text, is_link: text.starts_with("https://") || text.starts_with("http://") })
        .collect()
}

/// An attachment, or the letter as HTML.
async fn part(State(shown): State<Shown>, Path((name, part)): Path<(String, String)>) -> Result<Response, Missing> {
    let (_, bytes) = open(&shown, &name).await?;
    let message = MessageParser::default().parse(&bytes).ok_or(Missing::NoSuchLetter)?;
    if part == HTML_NAME {
        let html = html_of(&message).ok_or(Missing::NoSuchLetter)?;
        return Ok(([(CONTENT_SECURITY_POLICY, policy())], Html(html)).into_response());
    }
    let attachment = message.attachments().find(|attachment| attachment.attachment_name() == Some(&part));
    let attachment = attachment.ok_or(Missing::NoSuchLetter)?;
    let is_calendar =
        attachment.content_type().is_some_and(|found| found.ctype() == "text" && found.subtype() == Some("calendar"));
    let media_type = if is_calendar { "text/calendar; charset=utf-8" } else { "application/octet-stream" };
    let headers = [(CONTENT_TYPE, media_type), (CONTENT_DISPOSITION, "attachment")];
    Ok((headers, attachment.contents().to_vec()).into_response())
}

/// The HTML that was sent; the parser would make some up for a text message.
fn html_of(message: &Message<'_>) -> Option<String> {
    message.html_part(0).filter(|part| part.is_text_html()).and_then(|part| part.text_contents()).map(str::to_owned)
}

/// A letter runs nothing, loads nothing, and has only the styles that we gave it.
fn policy() -> String {
    let styles = std::iter::once(render::STYLE).chain(render::element_styles());
    let hashes: BTreeSet<String> = styles.map(|style| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(style)))).collect();
    let hashes = hashes.into_iter().collect::<Vec<_>>().join(" ");
    // Styles at elements are held to the hashes only with that word.
    format!("default-src 'none'; style-src 'unsafe-hashes' {hashes}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
}

async fn open(shown: &Shown, name: &str) -> Result<(LetterName, Vec<u8>), Missing> {
    let name: LetterName = name.parse().map_err(|_| Missing::NoSuchLetter)?;
    let bytes = shown.mailbox.open(&name).await?.ok_or(Missing::NoSuchLetter)?;
    Ok((name, bytes))
}

#[cfg(test)]
mod tests;
