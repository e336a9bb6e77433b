//! The gateway that takes text messages, asked as Twilio is
//! (<https://www.twilio.com/docs/messaging/api/message-resource>): others answer in the same way.
//!
//! A gateway takes a message at once and learns later what became of it. It tells us at an address
//! of the letter's own; [`Sms::is_signed`] knows whether it is the gateway that does.

mod code;

use app::fields::Phone;
use app::ids::ClinicSlug;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use serde::Deserialize;
use sha1::Sha1;
use tokio::time::timeout;
use url::form_urlencoded;

pub use self::code::meaning;
use super::channel::NotTaken;
use super::letter::{Letter, MessageId};
use crate::client::{Client, client};
use crate::config::{self, Origin};

/// Of an answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A gateway, and how we are known there. Clones share its connections.
#[derive(Clone)]
pub struct Sms {
    settings: config::sms::Sms,
    /// Ours.
    origin: Origin,
    client: Client,
}

/// What a refusal says beside its status.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    code: u32,
}

/// Where the gateway reports what became of a letter.
pub fn report_path(clinic: &ClinicSlug, letter: &str) -> String {
    format!("/{clinic}/letters/{letter}/report")
}

impl Sms {
    /// `origin` is our own, where reports go. Connects to nothing yet.
    pub fn new(settings: &config::sms::Sms, origin: &Origin) -> Self {
        Self { settings: settings.clone(), origin: origin.clone(), client: client() }
    }

    /// Hands one message over. That it was taken does not mean that it arrived.
    pub async fn send(&self, clinic: &ClinicSlug, letter: &Letter, phone: &Phone) -> Result<(), NotTaken> {
        let request = Request::post(self.address("/Messages.json"))
            .header(AUTHORIZATION, self.authorization())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(self.form(clinic, letter, phone)));
        let request = request.map_err(|_| NotTaken::Later("the text gateway's address cannot be asked".to_owned()))?;
        match self.ask(request).await? {
            (status, _) if status.is_success() => Ok(()),
            // About us or about the gateway, so it is for somebody to mend.
            (status, _) if is_about_us(status) || status.is_server_error() => {
                Err(NotTaken::Later(format!("the text gateway answers {}", status.as_u16())))
            }
            (_, Refusal { code }) => Err(NotTaken::Never(format!("the text gateway refused the message: {}", meaning(code)))),
        }
    }

    /// Asks for our account, and sends nothing. Says how that went.
    ///
    /// # Errors
    /// One sentence, without the token.
    pub async fn check(&self) -> Result<String, String> {
        let gateway = &self.settings.gateway;
        let request = Request::get(self.address(".json")).header(AUTHORIZATION, self.authorization()).body(Body::empty());
        let request = request.map_err(|_| format!("the text gateway {gateway} cannot be asked"))?;
        match self.ask(request).await {
            Ok((status, _)) if status.is_success() => Ok(format!("the text gateway {gateway} knows the account")),
            Ok((status, _)) => Err(format!("the text gateway {gateway} answers {}", status.as_u16())),
            Err(why) => Err(format!("{why}: {gateway}")),
        }
    }

    /// Whether the gateway itself sent a report to this path of ours: the base64 of the HMAC-SHA1,
    /// by our token, of the address with each name and value of the form behind it, in the order
    /// of the names (<https://www.twilio.com/docs/usage/security#validating-requests>).
    pub fn is_signed(&self, path: &str, form: &[(String, String)], signature: &str) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        let Ok(mac) = Hmac::<Sha1>::new_from_slice(self.settings.token.reveal().as_bytes()) else { return false };
        let mut sorted: Vec<_> = form.iter().collect();
        sorted.sort();
        let mac = mac.chain_update(self.origin.as_str()).chain_update(path);
        let mac = sorted.into_iter().fold(mac, |mac, (name, value)| mac.chain_update(name).chain_update(value));
        mac.verify_slice(&signature).is_ok()
    }

    fn form(&self, clinic: &ClinicSlug, letter: &Letter, phone: &Phone) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("To", phone.as_str()).append_pair("From", &self.settings.from).append_pair("Body", &letter.text);
        // A gateway refuses an address that it cannot reach.
        if !self.origin.is_local() {
            form.append_pair("StatusCallback", &self.report_address(clinic, &letter.id));
        }
        form.finish()
    }

    fn report_address(&self, clinic: &ClinicSlug, letter: &MessageId) -> String {
        format!("{}{}", self.origin, report_path(clinic, &letter.to_string()))
    }

    fn address(&self, end: &str) -> String {
        format!("{}/2010-04-01/Accounts/{}{end}", self.settings.gateway, self.settings.account)
    }

    fn authorization(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.settings.account, self.settings.token.reveal())))
    }

    /// The status, and what a refusal says.
    async fn ask(&self, request: Request<Body>) -> Result<(StatusCode, Refusal), NotTaken> {
        let unanswered = || NotTaken::Unanswered("the text gateway got the message and did not answer".to_owned());
        let asking = async {
            let answer = self.client.request(request).await.map_err(|error| {
                if error.is_connect() { NotTaken::Later("the text gateway cannot be reached".to_owned()) } else { unanswered() }
            })?;
            let (head, body) = answer.into_parts();
            let body = to_bytes(Body::new(body), ANSWER_BYTES_MAX).await.unwrap_or_default();
            Ok((head.status, serde_json::from_slice(&body).unwrap_or_default()))
        };
        timeout(self.settings.timeout, asking).await.unwrap_or_else(|_| Err(unanswered()))
    }
}

/// Statuses by which a gateway speaks of our account, our credentials or our haste.
const fn is_about_us(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::UNAUTHORIZED
            | StatusCode::PAYMENT_REQUIRED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_MANY_REQUESTS
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::sms::Secret;

    fn sms() -> Sms {
        let settings = config::sms::Sms {
            gateway: "https://gateway.example".to_owned(),
            account: "AC1".to_owned(),
            token: Secret::new("12345".to_owned()),
            from: "Rowan".to_owned(),
            timeout: Duration::from_secs(1),
        };
        Sms::new(&settings, &"https://mycompany.com".parse().unwrap())
    }

    /// The gateway's own example.
    #[test]
    fn a_report_is_believed_by_its_signature_only() {
        let form = [
            ("To", "+18005551212"),
            ("CallSid", "CA1234567890ABCDE"),
            ("From", "+14158675309"),
            ("Digits", "1234"),
            ("Caller", "+14158675309"),
        ];
        let form: Vec<(String, String)> = form.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let (path, signature) = ("/myapp.php?foo=1&bar=2", "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
        assert!(sms().is_signed(path, &form, signature));
        let mut other = form.clone();
        other[3].1 = "1235".to_owned();
        for (path, form, signature) in [
            (path, &other, signature),
            (path, &form[1..].to_vec(), signature),
            ("/myapp.php?foo=1&bar=3", &form, signature),
            (path, &form, "RSOYDt4T1cUTdK1PDd93/VVr8B9="),
            (path, &form, "RSOYDt4T1cU="),
            (path, &form, ""),
        ] {
            assert!(!sms().is_signed(path, form, signature), "{path} {form:?} {signature}");
        }
    }
}
