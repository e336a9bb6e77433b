//! The mail server that takes letters: connections that are kept, and what its answers mean.
//!
//! lettre speaks the protocol. The steps are taken one by one here, because what an answer means
//! depends on the step: "550" to the recipient is about one letter, to our sign-in about all of
//! them; and a connection that breaks after the letter went out may have delivered it.

mod reply;

use std::fmt::Display;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use app::fields::Email;
use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::{Response, Severity};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::channel::NotTaken;
use super::letter::Sender;
use crate::config::mail::{Encryption, Mail};

/// Mail servers close a connection that says nothing; we are faster.
const IDLE_MAX: Duration = Duration::from_secs(20);
/// And many take only so many letters on one.
const LETTERS_PER_CONNECTION: u32 = 100;
/// Connections that wait for the next letter; as many as there are jobs at once.
const KEPT_MAX: usize = 8;

/// A mail server; its connections are shared by all who send.
pub struct Smtp {
    mail: Mail,
    hello: ClientId,
    tls: Option<TlsParameters>,
    kept: Mutex<Vec<Kept>>,
}

/// A connection between two letters.
struct Kept {
    connection: AsyncSmtpConnection,
    since: Instant,
    letters: u32,
}

/// What a step came to.
enum Trouble {
    /// The server's own answer.
    Refused(Error),
    /// The connection broke, or nothing comes.
    Gone,
}

impl Smtp {
    /// `host` is our own name, as we introduce ourselves. Connects to nothing yet.
    ///
    /// # Errors
    /// One sentence if the trusted certificates cannot be read.
    pub fn new(mail: &Mail, host: &str) -> anyhow::Result<Self> {
        let tls = (mail.encryption != Encryption::Off).then(|| parameters(mail)).transpose()?;
        Ok(Self { mail: mail.clone(), hello: client_id(host), tls, kept: Mutex::default() })
    }

    /// Who a letter comes from: the configured address if there is one, in the clinic's name.
    pub fn sender(&self, clinic: &Sender) -> Sender {
        Sender { name: clinic.name.clone(), email: self.mail.from.clone().unwrap_or_else(|| clinic.email.clone()) }
    }

    /// Hands one message to the server, on a connection that is open already if there is one.
    pub async fn send(&self, from: &Email, to: &Email, message: &[u8]) -> Result<(), NotTaken> {
        let address = |email: &Email| {
            email.as_str().parse::<Address>().map_err(|_| NotTaken::Never("the address is none that mail takes".to_owned()))
        };
        let (from, to) = (address(from)?, address(to)?);
        let ready = timeout(self.mail.timeout * 2, self.ready(&from, &to)).await;
        let mut kept = ready.map_err(|_| NotTaken::Later("the mail server took too long".to_owned()))??;
        match answered(timeout(self.mail.timeout, kept.connection.message(message)).await) {
            Ok(()) => {
                self.keep(Kept { letters: kept.letters + 1, since: Instant::now(), ..kept });
                Ok(())
            }
            // It may have taken the letter before it went away.
            Err(Trouble::Gone) => Err(NotTaken::Unanswered("the mail server got the letter and did not answer".to_owned())),
            Err(refused) => Err(refused.about("the letter")),
        }
    }

    /// A connection that waits for the words of a letter to that address.
    async fn ready(&self, from: &Address, to: &Address) -> Result<Kept, NotTaken> {
        let mut kept = self.begin(from).await?;
        command(&mut kept.connection, Rcpt::new(to.clone(), Vec::new())).await.map_err(|trouble| trouble.about("the address"))?;
        command(&mut kept.connection, Data).await.map_err(|trouble| trouble.about("the letter"))?;
        Ok(kept)
    }

    /// A connection with the first words about a letter said: they tell whether it still stands.
    async fn begin(&self, from: &Address) -> Result<Kept, NotTaken> {
        let first = || MailFrom::new(Some(from.clone()), Vec::new());
        if let Some(mut kept) = self.take()
            // An error: it was closed since the last letter. A new one tells whether anything is wrong.
            && command(&mut kept.connection, first()).await.is_ok()
        {
            return Ok(kept);
        }
        let mut connection = self.connect().await.map_err(NotTaken::Later)?;
        match command(&mut connection, first()).await {
            Ok(()) => Ok(Kept { connection, since: Instant::now(), letters: 0 }),
            // About us and not about the letter, so it is for the clinic to mend.
            Err(Trouble::Refused(error)) => {
                Err(NotTaken::Later(format!("the mail server does not take mail from us: {}", reply::of_the_server(&error))))
            }
            Err(Trouble::Gone) => Err(Trouble::Gone.about("the letter")),
        }
    }

    /// Connects, greets, encrypts and signs in as for a letter, and sends none. Says how.
    ///
    /// # Errors
    /// One sentence, without the password.
    pub async fn check(&self) -> Result<String, String> {
        let mut connection = self.connect().await?;
        let encrypted = if connection.is_encrypted() { "encrypted" } else { "not encrypted" };
        let _ = timeout(self.mail.timeout, connection.quit()).await;
        let signed_in = if self.mail.server.credentials.is_some() { ", signed in" } else { "" };
        Ok(format!("the mail server {} answers: {encrypted}{signed_in}", self.mail.server))
    }

    /// A connection on which nothing is under way; the caller gives it back only after a letter
    /// that was taken, so what a broken one still holds is never read as an answer.
    fn take(&self) -> Option<Kept> {
        let mut kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        kept.retain(|kept| kept.since.elapsed() < IDLE_MAX);
        kept.pop()
    }

    fn keep(&self, connection: Kept) {
        let mut kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if connection.letters < LETTERS_PER_CONNECTION && kept.len() < KEPT_MAX {
            kept.push(connection);
        }
    }

    /// Ready for a letter; or one sentence about what stands in the way, all of it temporary or
    /// for the clinic to mend.
    async fn connect(&self) -> Result<AsyncSmtpConnection, String> {
        let silent = || format!("the mail server {} does not answer", self.mail.server);
        timeout(self.mail.timeout, self.connect_at_leisure()).await.map_err(|_| silent())?
    }

    async fn connect_at_leisure(&self) -> Result<AsyncSmtpConnection, String> {
        let Mail { server, encryption, .. } = &self.mail;
        let failed = |error: Error| format!("the mail server {server}: {}", reply::of_the_server(&error));
        let at_once = self.tls.clone().filter(|_| *encryption == Encryption::Implicit);
        let address = (server.host.as_str(), server.port);
        let connecting = AsyncSmtpConnection::connect_tokio1(address, None, &self.hello, at_once, None);
        let mut connection = connecting.await.map_err(failed)?;
        if let (Encryption::StartTls, Some(tls)) = (encryption, &self.tls) {
            if !connection.can_starttls() {
                return Err(format!("the mail server {server} offers no encryption, and without it nothing is sent"));
            }
            connection.starttls(tls.clone(), &self.hello).await.map_err(failed)?;
        }
        if let Some(credentials) = &server.credentials {
            let credentials = Credentials::new(credentials.user.clone(), credentials.password.clone());
            connection
                .auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
                .await
                .map_err(|error| format!("the mail server {server} does not let us sign in: {}", reply::of_the_server(&error)))?;
        }
        Ok(connection)
    }
}

/// A host that is an address has a form of its own (RFC 5321, 4.1.3).
fn client_id(host: &str) -> ClientId {
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_) => ClientId::Domain(host.to_owned()),
    }
}

fn parameters(mail: &Mail) -> anyhow::Result<TlsParameters> {
    let mut builder = TlsParameters::builder(mail.server.host.clone());
    if let Some(path) = &mail.trust {
        let pem =
            std::fs::read(path).with_context(|| format!("The certificates of mail.trust, {}, cannot be read", path.display()))?;
        let certificate = Certificate::from_pem(&pem).map_err(|_| anyhow!("{} holds no certificates in PEM.", path.display()))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_rustls().context("Encrypted mail cannot be prepared")
}

async fn command(connection: &mut AsyncSmtpConnection, command: impl Display) -> Result<(), Trouble> {
    answered(Ok(connection.command(command).await))
}

fn answered(answer: Result<Result<Response, Error>, Elapsed>) -> Result<(), Trouble> {
    match answer {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) if error.status().is_some() => Err(Trouble::Refused(error)),
        Ok(Err(_)) | Err(_) => Err(Trouble::Gone),
    }
}

impl Trouble {
    /// What it means for one letter: a 5xx is for good.
    fn about(self, what: &str) -> NotTaken {
        let Self::Refused(error) = self else { return NotTaken::Later("the connection to the mail server broke".to_owned()) };
        let why = format!("the mail server refused {what}: {}", reply::in_our_words(&error));
        let for_good = error.status().is_some_and(|code| code.severity == Severity::PermanentNegativeCompletion);
        if for_good { NotTaken::Never(why) } else { NotTaken::Later(why) }
    }
}
