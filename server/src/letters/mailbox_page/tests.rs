//! The mailbox pages, through their router.

use app::fields::{Email, Phone};
use axum::body::to_bytes;
use axum::http::Request;
use chrono::{DateTime, Utc};
use tower::ServiceExt as _;
use uuid::Uuid;

use super::super::letter::{Attachment, Letter, LetterKind, MessageId, Recipient, Sender};
use super::super::message::message;
use super::*;
use crate::store::testing::Folder;

/// A mailbox of its own for one test, gone with it.
struct Shelf {
    folder: Folder,
    router: Router,
}

impl Shelf {
    fn new() -> Self {
        let folder = Folder::new();
        let router = router(Mailbox::new(folder.path()), "/pkg/site.css".to_owned());
        Self { folder, router }
    }

    async fn put(&self, letter: &Letter) {
        let sent_at: DateTime<Utc> = "2026-03-11T08:00:00Z".parse().unwrap();
        let bytes = message(letter, &letter.sender, sent_at).unwrap();
        Mailbox::new(self.folder.path()).deliver(&letter.id, bytes, Uuid::from_u128(1)).await.unwrap();
    }

    async fn get(&self, address: &str) -> (StatusCode, Response<()>, String) {
        let request = Request::get(address).body(axum::body::Body::empty()).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let text = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
        (parts.status, Response::from_parts(parts, ()), text)
    }

    async fn page(&self, address: &str) -> String {
        let (status, _, text) = self.get(address).await;
        assert_eq!(status, StatusCode::OK, "{address}");
        text
    }
}

type Response<T> = axum::http::Response<T>;

fn letter(about: &str) -> Letter {
    Letter {
        id: MessageId::new(LetterKind::Confirmation, &about, 0, "portal.example"),
        kind: LetterKind::Confirmation,
        language: Language::En,
        sender: Sender {
            name: "Rowan Street Clinic".to_owned(),
            email: Email::parse("hello@rowanstreet.example").unwrap().unwrap(),
        },
        recipient: Recipient::Mail {
            name: "Maya <b>Haddad".to_owned(),
            email: Email::parse("maya@example.org").unwrap().unwrap(),
        },
        subject: "You are booked".to_owned(),
        text: "Hello <script>,\n\nSee your visit:\nhttps://portal.example/rowan-street/visit/SECRET\n".to_owned(),
        html: Some(format!("<style>{}</style><p>Hello</p>", render::STYLE)),
        attachments: vec![Attachment {
            name: "visit.ics",
            media_type: "text/calendar; charset=utf-8; method=PUBLISH",
            content: "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n".to_owned(),
        }],
    }
}

#[tokio::test]
async fn an_empty_mailbox_says_what_will_be_here() {
    let page = Shelf::new().page("/mailbox").await;
    assert!(page.contains("No letters yet") && page.contains("href=\"&#x2f;pkg&#x2f;site.css\""), "{page}");
}

#[tokio::test]
async fn a_letter_is_listed_and_its_link_can_be_followed() {
    let shelf = Shelf::new();
    shelf.put(&letter("a")).await;
    let list = shelf.page("/mailbox").await;
    assert!(list.contains("href=\"/mailbox/confirmation.a.0\"") && list.contains("You are booked"), "{list}");
    assert!(list.contains("Maya &lt;b&gt;Haddad"), "{list}");
    let page = shelf.page("/mailbox/confirmation.a.0").await;
    let link = "https:&#x2f;&#x2f;portal.example&#x2f;rowan-street&#x2f;visit&#x2f;SECRET";
    assert!(page.contains(&format!("<a href=\"{link}\">{link}</a>")), "{page}");
    assert!(page.contains("Hello &lt;script&gt;,") && !page.contains("<script"), "{page}");
    assert!(page.contains("Wednesday 11 March 2026, 08:00 UTC"), "{page}");
    assert!(page.contains("href=\"/mailbox/confirmation.a.0/visit.ics\""), "{page}");
}

#[tokio::test]
async fn a_letter_in_arabic_runs_from_right_to_left_on_an_english_page() {
    let shelf = Shelf::new();
    shelf.put(&Letter { language: Language::Ar, ..letter("a") }).await;
    let page = shelf.page("/mailbox/confirmation.a.0").await;
    assert!(page.contains("<html lang=\"en\">") && page.contains("<div class=\"card stack\" lang=\"ar\" dir=\"rtl\">"), "{page}");
}

#[tokio::test]
async fn the_calendar_file_can_be_taken_out() {
    let shelf = Shelf::new();
    shelf.put(&letter("a")).await;
    let (status, response, text) = shelf.get("/mailbox/confirmation.a.0/visit.ics").await;
    assert_eq!((status, text.as_str()), (StatusCode::OK, "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"));
    assert_eq!(response.headers()[CONTENT_TYPE], "text/calendar; charset=utf-8");
}

#[tokio::test]
async fn the_letter_as_html_runs_nothing_and_has_only_our_style() {
    let shelf = Shelf::new();
    shelf.put(&letter("a")).await;
    let (status, response, text) = shelf.get("/mailbox/confirmation.a.0/letter.html").await;
    assert_eq!(status, StatusCode::OK);
    let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'unsafe-hashes' 'sha256-") && !policy.contains("unsafe-inline"),
        "{policy}"
    );
    // The hash is of what stands between the tags.
    let style = text.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    assert!(policy.contains(&STANDARD.encode(Sha256::digest(style.replace("\r\n", "\n")))));
}

#[tokio::test]
async fn a_text_message_is_shown_with_its_number() {
    let shelf = Shelf::new();
    let phone = Phone::parse("+447700900461").unwrap().unwrap();
    let text = Letter { recipient: Recipient::Text { phone }, html: None, attachments: Vec::new(), ..letter("t") };
    shelf.put(&text).await;
    let list = shelf.page("/mailbox").await;
    assert!(list.contains("Text message") && list.contains("+447700900461") && !list.contains("invalid"), "{list}");
    assert!(!shelf.page("/mailbox/confirmation.t.0").await.contains("letter.html"));
    assert_eq!(shelf.get("/mailbox/confirmation.t.0/letter.html").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_nothing_is_indexed() {
    let shelf = Shelf::new();
    shelf.put(&letter("a")).await;
    for address in ["/mailbox/none", "/mailbox/..%2fsecret", "/mailbox/confirmation.a.0/none.ics", "/mailbox/none/visit.ics"] {
        let (status, response, _) = shelf.get(address).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{address}");
        assert_eq!(response.headers()["x-robots-tag"], "noindex, nofollow");
    }
}
