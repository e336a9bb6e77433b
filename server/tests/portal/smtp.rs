//! A mail server to test with: it speaks the real protocol on a port of its own, keeps what it
//! was given, and can be as unhelpful as real ones are.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// How it treats those who bring letters; it can change at any time.
#[derive(Clone, Debug)]
pub enum Manner {
    Accepting,
    /// Waits that long before each answer.
    Slow(Duration),
    /// The same answer to every recipient.
    Refusing(&'static str),
    /// The same answer to every sender.
    RefusingUs(&'static str),
    /// The same answer to every letter, once it has read it.
    RefusingLetters(&'static str),
    /// Each address is turned away once (RFC 6647).
    Greylisting,
    /// Closes the connection with the letter half read.
    DroppingInside,
    /// Keeps the letter, and closes the connection instead of saying so.
    DroppingAfter,
    /// Keeps the letter, and never says anything again.
    FallingSilent,
}

/// A letter as it came.
#[derive(Clone, Debug)]
pub struct Received {
    pub from: String,
    pub to: String,
    pub message: String,
    /// Nobody could read it on its way.
    pub encrypted: bool,
}

/// A certificate for this machine's address, by nobody whom anybody trusts.
pub struct Certificate {
    /// What has to be trusted.
    pub pem: String,
    acceptor: TlsAcceptor,
}

impl Certificate {
    pub fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .unwrap();
        Self { pem: made.cert.pem(), acceptor: TlsAcceptor::from(Arc::new(config)) }
    }
}

/// When a connection turns to TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turns {
    AtOnce,
    WhenAsked,
}

impl Received {
    /// Without the angle brackets.
    pub fn message_id(&self) -> &str {
        let line = self.message.lines().find_map(|line| line.strip_prefix("Message-ID: <")).unwrap_or_default();
        line.trim_end().trim_end_matches('>')
    }
}

/// A running mail server; it ends with this value.
pub struct MailServer {
    pub port: u16,
    desk: Arc<Desk>,
    listening: JoinHandle<()>,
}

struct Desk {
    manner: Mutex<Manner>,
    /// User and password, if nobody else is served.
    login: Option<(&'static str, &'static str)>,
    tls: Option<(TlsAcceptor, Turns)>,
    received: Mutex<Vec<Received>>,
    turned_away: Mutex<BTreeSet<String>>,
    connections: Mutex<u32>,
    /// Everything that was said to it, letters excepted.
    heard: Mutex<Vec<String>>,
}

impl MailServer {
    pub async fn start(manner: Manner) -> Self {
        Self::at(0, manner, None).await
    }

    /// Takes nothing in the open.
    pub async fn with_tls(certificate: &Certificate, turns: Turns) -> Self {
        Self::open(0, Manner::Accepting, None, Some((certificate.acceptor.clone(), turns))).await
    }

    pub async fn with_login(user: &'static str, password: &'static str) -> Self {
        Self::at(0, Manner::Accepting, Some((user, password))).await
    }

    /// On a port that one had before.
    pub async fn at(port: u16, manner: Manner, login: Option<(&'static str, &'static str)>) -> Self {
        Self::open(port, manner, login, None).await
    }

    async fn open(
        port: u16,
        manner: Manner,
        login: Option<(&'static str, &'static str)>,
        tls: Option<(TlsAcceptor, Turns)>,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
        let port = listener.local_addr().expect("it has a port").port();
        let desk = Arc::new(Desk {
            manner: Mutex::new(manner),
            login,
            tls,
            received: Mutex::default(),
            turned_away: Mutex::default(),
            connections: Mutex::default(),
            heard: Mutex::default(),
        });
        let listening = tokio::spawn(listen(listener, Arc::clone(&desk)));
        Self { port, desk, listening }
    }

    /// Gone with all its connections, and the port is free again.
    pub async fn end(mut self) {
        self.listening.abort();
        let _ = (&mut self.listening).await;
    }

    pub fn behave(&self, manner: Manner) {
        *self.desk.manner.lock().unwrap() = manner;
    }

    /// What it was given so far, in order.
    pub fn received(&self) -> Vec<Received> {
        self.desk.received.lock().unwrap().clone()
    }

    /// How many letters that are.
    pub fn count(&self) -> usize {
        self.desk.received.lock().unwrap().len()
    }

    /// Connections so far.
    pub fn connections(&self) -> u32 {
        *self.desk.connections.lock().unwrap()
    }

    /// Everything that was said to it, letters excepted.
    pub fn heard(&self) -> String {
        self.desk.heard.lock().unwrap().join("\n")
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, desk: Arc<Desk>) {
    // Its conversations end with it.
    let mut conversations = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        *desk.connections.lock().unwrap() += 1;
        let desk = Arc::clone(&desk);
        // An error is a connection that broke, which is the other side's affair.
        conversations.spawn(async move { Conversation::new(stream, desk).hold().await.unwrap_or_default() });
        while conversations.try_join_next().is_some() {}
    }
}

/// What comes after an answer.
enum Next {
    Line,
    Encrypt,
    Close,
}

/// A connection, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

struct Conversation {
    stream: BufReader<Box<dyn Stream>>,
    desk: Arc<Desk>,
    encrypted: bool,
    signed_in: bool,
    from: String,
    to: String,
}

impl Conversation {
    fn new(stream: TcpStream, desk: Arc<Desk>) -> Self {
        let _ = stream.set_nodelay(true);
        let signed_in = desk.login.is_none();
        let stream: Box<dyn Stream> = Box::new(stream);
        Self { stream: BufReader::new(stream), desk, encrypted: false, signed_in, from: String::new(), to: String::new() }
    }

    fn manner(&self) -> Manner {
        self.desk.manner.lock().unwrap().clone()
    }

    /// The same conversation, and nobody can listen any more.
    async fn encrypt(self) -> std::io::Result<Self> {
        let Some((acceptor, _)) = self.desk.tls.clone() else { return Ok(self) };
        let stream: Box<dyn Stream> = Box::new(acceptor.accept(self.stream.into_inner()).await?);
        Ok(Self { stream: BufReader::new(stream), encrypted: true, ..self })
    }

    fn turns(&self) -> Option<Turns> {
        self.desk.tls.as_ref().map(|(_, turns)| *turns)
    }

    async fn hold(mut self) -> std::io::Result<()> {
        if self.turns() == Some(Turns::AtOnce) {
            self = self.encrypt().await?;
        }
        self.say("220 mail.test ESMTP").await?;
        loop {
            let line = self.line().await?;
            self.desk.heard.lock().unwrap().push(line.clone());
            match self.answer(&line).await? {
                Next::Line => {}
                Next::Encrypt => self = self.encrypt().await?,
                Next::Close => return Ok(()),
            }
        }
    }

    async fn answer(&mut self, line: &str) -> std::io::Result<Next> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word.to_ascii_uppercase().as_str() {
            "EHLO" if self.desk.login.is_some() => self.say("250-mail.test\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME").await?,
            "EHLO" if self.turns() == Some(Turns::WhenAsked) && !self.encrypted => {
                self.say("250-mail.test\r\n250-STARTTLS\r\n250 8BITMIME").await?;
            }
            "EHLO" => self.say("250-mail.test\r\n250 8BITMIME").await?,
            "STARTTLS" => {
                self.say("220 2.0.0 go on").await?;
                return Ok(Next::Encrypt);
            }
            "AUTH" => {
                self.signed_in = self.is_right(rest);
                self.say(if self.signed_in { "235 2.7.0 welcome" } else { "535 5.7.8 wrong name or password" }).await?;
            }
            "NOOP" | "RSET" => self.say("250 ok").await?,
            "QUIT" => {
                self.say("221 bye").await?;
                return Ok(Next::Close);
            }
            _ if self.turns().is_some() && !self.encrypted => self.say("530 5.7.0 not in the open").await?,
            _ if !self.signed_in => self.say("530 5.7.0 sign in first").await?,
            "MAIL" => {
                self.from = path(rest);
                let refusal = if let Manner::RefusingUs(answer) = self.manner() { answer } else { "250 2.1.0 ok" };
                self.say(refusal).await?;
            }
            "RCPT" => {
                self.to = path(rest);
                let answer = self.recipient();
                self.say(&answer).await?;
            }
            "DATA" => return self.letter().await,
            _ => self.say("500 5.5.1 what?").await?,
        }
        Ok(Next::Line)
    }

    /// AUTH PLAIN with the initial response (RFC 4616).
    fn is_right(&self, rest: &str) -> bool {
        use base64::Engine as _;
        let Some((user, password)) = self.desk.login else { return false };
        let said = rest.strip_prefix("PLAIN ").and_then(|said| base64::engine::general_purpose::STANDARD.decode(said).ok());
        said.is_some_and(|said| said == format!("\0{user}\0{password}").into_bytes())
    }

    fn recipient(&self) -> String {
        match self.manner() {
            Manner::Refusing(answer) => answer.replace("{}", &self.to),
            Manner::Greylisting if self.desk.turned_away.lock().unwrap().insert(self.to.clone()) => {
                "450 4.2.0 greylisted, come again".to_owned()
            }
            _ => "250 2.1.5 ok".to_owned(),
        }
    }

    async fn letter(&mut self) -> std::io::Result<Next> {
        self.say("354 go on").await?;
        let mut message = String::new();
        loop {
            let line = self.line().await?;
            if line == "." {
                break;
            }
            // RFC 5321, 4.5.2: a dot in front was added on the way.
            message.push_str(line.strip_prefix('.').unwrap_or(&line));
            message.push_str("\r\n");
            if message.len() > 500 && matches!(self.manner(), Manner::DroppingInside) {
                return Ok(Next::Close);
            }
        }
        if let Manner::RefusingLetters(answer) = self.manner() {
            self.say(answer).await?;
            return Ok(Next::Line);
        }
        let (from, to, encrypted) = (self.from.clone(), self.to.clone(), self.encrypted);
        self.desk.received.lock().unwrap().push(Received { from, to, message, encrypted });
        match self.manner() {
            Manner::DroppingAfter => return Ok(Next::Close),
            Manner::FallingSilent => std::future::pending::<()>().await,
            _ => self.say("250 2.0.0 taken").await?,
        }
        Ok(Next::Line)
    }

    async fn say(&mut self, answer: &str) -> std::io::Result<()> {
        if let Manner::Slow(wait) = self.manner() {
            tokio::time::sleep(wait).await;
        }
        self.stream.get_mut().write_all(format!("{answer}\r\n").as_bytes()).await?;
        self.stream.get_mut().flush().await
    }

    /// Without its end; an error once there are no more.
    async fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}

/// The address between the angle brackets.
fn path(rest: &str) -> String {
    let start = rest.find('<').map_or(0, |at| at + 1);
    rest[start..].split('>').next().unwrap_or_default().to_owned()
}
