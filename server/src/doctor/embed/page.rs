//! A page of the web as a browser gets it: its headers, and what of its text browsers obey.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderName, LOCATION};
use axum::http::{HeaderMap, Request, StatusCode};
use content_security_policy::{CspList, PolicyDisposition, PolicySource};
use html5gum::{DefaultEmitter, Token, Tokenizer};
use tokio::time::timeout;
use url::Url;

use crate::client::Client;

type StartTag = html5gum::StartTag<()>;

const PATIENCE: Duration = Duration::from_secs(10);
const BYTES_MAX: usize = 4 * 1024 * 1024;
const REDIRECTS_MAX: usize = 5;
/// What a policy inside a page cannot say (CSP 3, 3.3).
const ONLY_IN_HEADERS: [&str; 3] = ["frame-ancestors", "report-uri", "sandbox"];

pub struct Page {
    /// Where it is, after all that leads on.
    pub address: Url,
    pub status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Page {
    /// # Errors
    /// Why there is no answer, in a few words.
    pub async fn get(client: &Client, address: &Url) -> Result<Self, String> {
        let mut address = address.clone();
        for _ in 0..=REDIRECTS_MAX {
            let request = Request::get(address.as_str()).header("accept", "text/html,*/*").body(Body::empty());
            let request = request.map_err(|_| "its address cannot be asked".to_owned())?;
            let asking = async {
                let (head, body) = client.request(request).await.map_err(|_| "it cannot be reached".to_owned())?.into_parts();
                let body = to_bytes(Body::new(body), BYTES_MAX).await.unwrap_or_default();
                Ok::<_, String>((head, String::from_utf8_lossy(&body).into_owned()))
            };
            let (head, text) = timeout(PATIENCE, asking).await.map_err(|_| "it takes too long".to_owned())??;
            let next = head.headers.get(LOCATION).filter(|_| head.status.is_redirection());
            match next.and_then(|next| address.join(next.to_str().ok()?).ok()) {
                Some(next) => address = next,
                None => return Ok(Self { address, status: head.status, headers: head.headers, text }),
            }
        }
        Err("it leads on without end".to_owned())
    }

    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Every policy of its headers and of its text; a browser keeps to all of them.
    pub fn policies(&self) -> CspList {
        let mut all = CspList(Vec::new());
        for header in self.headers.get_all(CONTENT_SECURITY_POLICY).iter().filter_map(|header| header.to_str().ok()) {
            all.append(CspList::parse(header, PolicySource::Header, PolicyDisposition::Enforce));
        }
        let is_policy = |tag: &StartTag| attribute(tag, "http-equiv").eq_ignore_ascii_case("content-security-policy");
        for tag in self.tags("meta").filter(is_policy) {
            let mut inside = CspList::parse(&attribute(&tag, "content"), PolicySource::Meta, PolicyDisposition::Enforce);
            for policy in &mut inside.0 {
                policy.directive_set.retain(|directive| !ONLY_IN_HEADERS.contains(&directive.name.as_str()));
            }
            all.append(inside);
        }
        all
    }

    /// Whether a tag of the page asks for this script.
    pub fn loads(&self, script: &str) -> bool {
        self.tags("script").any(|tag| self.address.join(&attribute(&tag, "src")).is_ok_and(|asked| asked.as_str() == script))
    }

    fn tags(&self, name: &'static str) -> impl Iterator<Item = StartTag> {
        let mut emitter = DefaultEmitter::default();
        // What stands inside of a script or a title is no tag.
        emitter.naively_switch_states(true);
        Tokenizer::new_with_emitter(&self.text, emitter).filter_map(move |token| match token {
            Ok(Token::StartTag(tag)) if tag.name.as_slice() == name.as_bytes() => Some(tag),
            _ => None,
        })
    }
}

/// Its value; empty if it has none.
fn attribute(tag: &StartTag, name: &str) -> String {
    tag.attributes.get(name.as_bytes()).map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
}
