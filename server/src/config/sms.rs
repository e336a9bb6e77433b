//! The gateway that takes text messages.

use std::fmt;
use std::time::Duration;

use url::Url;

use super::{BadSetting, Values, is_local, on_or_off};

/// What is set about text messages; without a gateway they go to the mailbox folder.
#[derive(Clone, Debug)]
pub struct Sms {
    /// Scheme, host and port.
    pub gateway: String,
    pub account: String,
    pub token: Secret,
    /// A number, or a name that the gateway knows.
    pub from: String,
    /// For one message.
    pub timeout: Duration,
}

/// A text that is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("(secret)")
    }
}

impl Values {
    pub(super) fn sms(&self) -> Result<Option<Sms>, BadSetting> {
        let gateway = self.take_with("sms.gateway", |text| match on_or_off(text) {
            Some(false) => Some(None),
            _ => gateway(text).map(Some),
        })?;
        let timeout_s = self.take_with("sms.timeout_s", |text| text.parse().ok().filter(|seconds| (1..=60).contains(seconds)))?;
        let Some(gateway) = gateway else { return Ok(None) };
        let text = |key| Some(self.text(key).to_owned()).filter(|text| !text.is_empty());
        match (text("sms.account"), text("sms.token"), text("sms.from")) {
            (Some(account), Some(token), Some(from)) if account.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                Ok(Some(Sms { gateway, account, token: Secret::new(token), from, timeout: Duration::from_secs(timeout_s) }))
            }
            (Some(_), Some(_), Some(_)) => Err(BadSetting("sms.account must be letters and digits.".to_owned())),
            _ => Err(BadSetting("With sms.gateway, sms.account, sms.token and sms.from must be set too.".to_owned())),
        }
    }
}

/// Scheme, host and port of a gateway. Its token travels with each message, so only this machine
/// is spoken to without encryption.
fn gateway(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let plain = matches!(url.path(), "" | "/") && url.query().is_none() && url.username().is_empty() && url.password().is_none();
    let safe = url.scheme() == "https" || (url.scheme() == "http" && is_local(url.host_str()?));
    (plain && safe).then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_sent_in_the_open() {
        let table = [
            ("https://api.twilio.com", Some("https://api.twilio.com")),
            ("https://gateway.example:8443/", Some("https://gateway.example:8443")),
            ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("http://gateway.example", None),
            ("https://me:hush@gateway.example", None),
            ("https://gateway.example/2010-04-01", None),
            ("gateway.example", None),
        ];
        for (text, expected) in table {
            assert_eq!(gateway(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert!(!format!("{:?}", Secret::new("hush".to_owned())).contains("hush"));
    }
}
