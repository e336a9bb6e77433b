//! How mail leaves: which server takes it, how we sign in there, and what must be encrypted.
//!
//! Nothing here prints a password: a [`MailServer`] shows itself without it.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use app::fields::Email;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::{BadSetting, Choice, Values, choice, is_local, on_or_off};

/// RFC 8314: submission over TLS from the first byte, and submission that turns to TLS.
const PORT_TLS: u16 = 465;
const PORT_STARTTLS: u16 = 587;

/// What is set about mail; without a server, letters go to the mailbox folder.
#[derive(Clone, Debug)]
pub struct Mail {
    pub server: MailServer,
    pub encryption: Encryption,
    /// `None`: a letter comes from the clinic's own address.
    pub from: Option<Email>,
    /// Certificates in PEM that are trusted beside the public ones.
    pub trust: Option<PathBuf>,
    /// For one step: connecting, addressing, handing over.
    pub timeout: Duration,
}

/// A mail server and how we sign in there.
#[derive(Clone, PartialEq, Eq)]
pub struct MailServer {
    pub host: String,
    pub port: u16,
    pub credentials: Option<Credentials>,
    /// `smtps://`: TLS from the first byte.
    implicit_tls: bool,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub user: String,
    pub password: String,
}

/// When a connection to the mail server turns to TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// From the first byte.
    Implicit,
    /// By STARTTLS, before anything is said; a server that does not offer it gets nothing.
    StartTls,
    /// Never.
    Off,
}

impl MailServer {
    /// `smtp://mail.example`, `smtps://user:password@mail.example:465`. What has a meaning in
    /// addresses is percent-encoded in user and password.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let implicit_tls = match url.scheme() {
            "smtp" => false,
            "smtps" => true,
            _ => return None,
        };
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return None;
        }
        let host = match url.host()? {
            Host::Domain(name) => name.to_ascii_lowercase(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let plain = |text: &str| percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned);
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => Some(Credentials { user: plain(user)?, password: plain(password?)? }),
        };
        let port = url.port().unwrap_or(if implicit_tls { PORT_TLS } else { PORT_STARTTLS });
        (!host.is_empty()).then_some(Self { host, port, credentials, implicit_tls })
    }

    /// What is encrypted if the setting `mail.starttls` says so; `auto` trusts only this machine.
    pub fn encryption(&self, starttls: Choice) -> Encryption {
        match starttls {
            _ if self.implicit_tls => Encryption::Implicit,
            Choice::Off => Encryption::Off,
            Choice::Auto if is_local(&self.host) || is_local(&format!("[{}]", self.host)) => Encryption::Off,
            Choice::On | Choice::Auto => Encryption::StartTls,
        }
    }
}

impl Values {
    pub(super) fn mail(&self) -> Result<Option<Mail>, BadSetting> {
        let server = self.take_with("mail.server", |text| match on_or_off(text) {
            Some(false) => Some(None),
            _ => MailServer::parse(text).map(Some),
        })?;
        let starttls = self.take_with("mail.starttls", choice)?;
        let from = self.take_with("mail.from", |text| Email::parse(text).ok())?;
        let trust = Some(self.text("mail.trust")).filter(|path| !path.is_empty()).map(PathBuf::from);
        let timeout_s =
            self.take_with("mail.timeout_s", |text| text.parse().ok().filter(|seconds| (1..=25).contains(seconds)))?;
        Ok(server.map(|server: MailServer| Mail {
            encryption: server.encryption(starttls),
            server,
            from,
            trust,
            timeout: Duration::from_secs(timeout_s),
        }))
    }
}

/// Without the password.
impl fmt::Display for MailServer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.implicit_tls { "smtps://" } else { "smtp://" })?;
        if let Some(Credentials { user, .. }) = &self.credentials {
            write!(out, "{user}@")?;
        }
        if self.host.contains(':') {
            write!(out, "[{}]:{}", self.host, self.port)
        } else {
            write!(out, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for MailServer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_server_is_read_with_its_port_and_credentials() {
        let table = [
            ("smtp://mail.example", "smtp://mail.example:587", None),
            ("smtps://mail.example", "smtps://mail.example:465", None),
            ("smtp://127.0.0.1:25/", "smtp://127.0.0.1:25", None),
            ("smtp://[::1]:2525", "smtp://[::1]:2525", None),
            ("smtps://me:hush@Mail.Example:4650", "smtps://me@mail.example:4650", Some(("me", "hush"))),
            (
                "smtp://me%40clinic.example:a%2Fb%3Ac@mail.example",
                "smtp://me@clinic.example@mail.example:587",
                Some(("me@clinic.example", "a/b:c")),
            ),
        ];
        for (text, shown, credentials) in table {
            let server = MailServer::parse(text).unwrap();
            assert_eq!(server.to_string(), shown);
            let found = server.credentials.as_ref().map(|found| (found.user.as_str(), found.password.as_str()));
            assert_eq!(found, credentials, "{text}");
        }
        for bad in [
            "mail.example",
            "http://mail.example",
            "smtp://",
            "smtp://me@mail.example",
            "smtp://mail.example/x",
            "smtp://mail.example?tls=none",
            "smtp://mail.example:70000",
        ] {
            assert_eq!(MailServer::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_this_machine_is_trusted_without_encryption() {
        let encryption = |text, starttls| MailServer::parse(text).unwrap().encryption(starttls);
        for local in ["smtp://localhost", "smtp://127.0.0.1:25", "smtp://[::1]"] {
            assert_eq!(encryption(local, Choice::Auto), Encryption::Off, "{local}");
            assert_eq!(encryption(local, Choice::On), Encryption::StartTls, "{local}");
        }
        for other in ["smtp://mail.example", "smtp://10.0.0.1", "smtp://[2001:db8::1]", "smtp://localhost.example"] {
            assert_eq!(encryption(other, Choice::Auto), Encryption::StartTls, "{other}");
            assert_eq!(encryption(other, Choice::Off), Encryption::Off, "{other}");
        }
        assert_eq!(encryption("smtps://mail.example", Choice::Off), Encryption::Implicit);
    }

    #[test]
    fn a_password_is_not_printed() {
        let server = MailServer::parse("smtp://me:hush@mail.example").unwrap();
        assert!(!format!("{server:?} {server}").contains("hush"));
    }
}
