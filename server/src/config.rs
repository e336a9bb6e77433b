//! Every setting: its name, what it means, what it is when nobody sets it. Read once, at start.
//!
//! [`SETTINGS`] is the whole list. A setting `limits.body_bytes` is the key `body_bytes` under
//! `[limits]` in the file `perennial.toml`, or `PERENNIAL_LIMITS_BODY_BYTES` in the environment,
//! which wins. It is *not* where a clinic is described: that is the clinic's own file.

pub mod mail;
mod origin;
mod settings;
pub mod sms;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;

use self::mail::Mail;
pub use self::origin::{Origin, is_local};
use self::settings::SECRET;
pub use self::settings::{SETTINGS, Setting};
use self::sms::Sms;
use crate::store::Address;

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// Prints itself without its password.
    pub database: Address,
    pub listen: SocketAddr,
    pub origin: Origin,
    pub trusted_proxies: usize,
    pub mailbox: PathBuf,
    mailbox_page: Choice,
    /// `None`: letters go to the mailbox folder.
    pub mail: Option<Mail>,
    /// `None`: text messages go to the mailbox folder.
    pub sms: Option<Sms>,
    /// How long a change waits before it is told.
    pub letters_undo: TimeDelta,
    /// Auto: only where there is no clinic at all.
    pub demo: Choice,
    pub worker: bool,
    /// Where the example website is, if the demo is shown; `None`: nowhere.
    pub demo_site: Option<SocketAddr>,
    /// `None`: metrics are not served.
    pub metrics: Option<SocketAddr>,
    pub log_format: LogFormat,
    pub log_filter: String,
    pub limits: Limits,
    /// Variables of the environment that look like settings and are none: most likely misspelt.
    pub idle: Vec<String>,
    shown: Vec<Shown>,
}

/// How much is accepted before it is refused.
#[derive(Clone, Debug)]
pub struct Limits {
    pub connections: usize,
    pub connections_per_address: usize,
    pub streams: u32,
    pub header_bytes: usize,
    pub headers: usize,
    pub header_timeout: Duration,
    pub idle_timeout: Duration,
    pub body_bytes: usize,
    pub body_timeout: Duration,
    pub request_timeout: Duration,
    pub address_bytes: usize,
    pub holds: Rate,
    pub bookings: Rate,
    pub changes: Rate,
}

/// How often one address may do something.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    pub per_min: u32,
    pub burst: u32,
}

/// A setting that can be left to the circumstances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Auto,
    On,
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Human,
    Json,
}

/// A setting has a value that cannot be used. One sentence that names it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadSetting(String);

/// A setting's value as `doctor` shows it.
#[derive(Clone, Debug)]
pub struct Shown {
    pub key: &'static str,
    pub value: String,
    /// "default", or the variable or file that sets it.
    pub source: String,
}

impl Config {
    /// Reads the environment and the file. Without a `file`, `perennial.toml` in the working
    /// folder is read if there is one.
    pub fn read(file: Option<&Path>) -> Result<Self, BadSetting> {
        let path = file.unwrap_or(Path::new("perennial.toml"));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if file.is_none() && error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(BadSetting(format!("{} cannot be read: {error}.", path.display()))),
        };
        let config = Self::from_sources(&path.display().to_string(), &text, |name| std::env::var(name).ok())?;
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        Ok(Self { idle: names.filter(|name| is_idle(name)).collect(), ..config })
    }

    /// From the text of a file (named in messages) and an environment.
    pub fn from_sources(file: &str, text: &str, environment: impl Fn(&str) -> Option<String>) -> Result<Self, BadSetting> {
        let in_file = keys_of(file, text)?;
        let mut values = Values { shown: Vec::new() };
        for setting in SETTINGS {
            values.shown.push(find(setting, file, &in_file, &environment));
        }
        values.config()
    }

    /// What nobody has set anything of: what the tests start from.
    pub fn defaults() -> Result<Self, BadSetting> {
        Self::from_sources("", "", |_| None)
    }

    /// Whether everybody who reaches the server may read all letters: for trying it out only.
    pub fn shows_mailbox(&self) -> bool {
        match self.mailbox_page {
            Choice::Auto => self.origin.is_local() && self.listen.ip().is_loopback(),
            Choice::On => true,
            Choice::Off => false,
        }
    }

    /// The listener has its port now; without an origin of its own, links follow it.
    pub fn bound_to(&mut self, address: SocketAddr) {
        let derived = self.shown.iter().any(|shown| shown.key == "origin" && shown.source == "default");
        if derived && let Ok(origin) = format!("http://localhost:{}", address.port()).parse() {
            self.origin = origin;
        }
    }

    /// Every setting with its value and where that came from; no secrets.
    pub fn shown(&self) -> &[Shown] {
        &self.shown
    }
}

fn is_idle(variable: &str) -> bool {
    variable.starts_with("PERENNIAL_")
        && !variable.starts_with("PERENNIAL_TEST_")
        && variable != "PERENNIAL_CONFIG"
        && !SETTINGS.iter().any(|setting| setting.variable() == variable)
}

/// Where a setting's value comes from: the environment, else the file, else the default.
fn find(
    setting: &'static Setting,
    file: &str,
    in_file: &BTreeMap<String, String>,
    environment: &impl Fn(&str) -> Option<String>,
) -> Shown {
    let variable = setting.variable();
    let shown = |value: String, source: String| Shown { key: setting.key, value, source };
    if let Some(value) = environment(&variable) {
        return shown(value, variable);
    }
    if setting.key == "database"
        && let Some(value) = environment("DATABASE_URL")
    {
        return shown(value, "DATABASE_URL".to_owned());
    }
    match in_file.get(setting.key) {
        Some(value) => shown(value.clone(), format!("{} in {file}", setting.key)),
        None => shown(setting.default.to_owned(), "default".to_owned()),
    }
}

/// The file's keys with their tables before a dot. A key that is no setting is a mistake, most
/// likely a misspelt one.
fn keys_of(file: &str, text: &str) -> Result<BTreeMap<String, String>, BadSetting> {
    let table: toml::Table =
        text.parse().map_err(|error: toml::de::Error| BadSetting(format!("{file} is not TOML: {}.", error.message())))?;
    let mut keys = BTreeMap::new();
    for (key, value) in table {
        match value {
            toml::Value::Table(inner) => keys.extend(inner.into_iter().map(|(name, value)| (format!("{key}.{name}"), value))),
            value => drop(keys.insert(key, value)),
        }
    }
    if let Some(unknown) = keys.keys().find(|key| !SETTINGS.iter().any(|setting| setting.key == *key)) {
        return Err(BadSetting(format!("{file}: there is no setting `{unknown}`.")));
    }
    let plain = |value: toml::Value| match value {
        toml::Value::String(text) => text,
        toml::Value::Boolean(on) => (if on { "on" } else { "off" }).to_owned(),
        other => other.to_string(),
    };
    Ok(keys.into_iter().map(|(key, value)| (key, plain(value))).collect())
}

struct Values {
    shown: Vec<Shown>,
}

impl Values {
    fn config(mut self) -> Result<Config, BadSetting> {
        let listen: SocketAddr = self.take("listen")?;
        if self.text("origin").is_empty() {
            self.replace("origin", format!("http://localhost:{}", listen.port()));
        }
        let database = self.take_with("database", |text| Address::parse(text).ok())?;
        self.replace("database", database.to_string());
        let mail = self.mail()?;
        if let Some(mail) = &mail {
            self.replace("mail.server", mail.server.to_string());
        }
        let sms = self.sms()?;
        if !self.text("sms.token").is_empty() {
            self.replace("sms.token", "(secret)".to_owned());
        }
        Ok(Config {
            database,
            listen,
            origin: self.take("origin")?,
            trusted_proxies: self.take_with("trusted_proxies", |text| text.parse().ok().filter(|count| *count <= 9))?,
            mailbox: self.take("mailbox")?,
            mailbox_page: self.take_with("mailbox_page", choice)?,
            mail,
            sms,
            letters_undo: self.take_with("letters.undo_s", |text| {
                text.parse().ok().filter(|seconds| (0..=3600).contains(seconds)).map(TimeDelta::seconds)
            })?,
            demo: self.take_with("demo", choice)?,
            demo_site: self.take_with("demo_site", |text| match text {
                "auto" => Some(beside(listen)),
                _ if on_or_off(text) == Some(false) => Some(None),
                _ => text.parse().ok().map(Some),
            })?,
            worker: self.take_with("worker", on_or_off)?,
            metrics: self.take_with("metrics", |text| match on_or_off(text) {
                Some(false) => Some(None),
                _ => text.parse().ok().map(Some),
            })?,
            log_format: self.take_with("log.format", |text| match text {
                "human" => Some(LogFormat::Human),
                "json" => Some(LogFormat::Json),
                _ => None,
            })?,
            log_filter: self
                .take_with("log.filter", |text| text.parse::<tracing_subscriber::EnvFilter>().ok().map(|_| text.to_owned()))?,
            limits: self.limits()?,
            idle: Vec::new(),
            shown: self.shown,
        })
    }

    fn limits(&self) -> Result<Limits, BadSetting> {
        Ok(Limits {
            connections: self.positive("limits.connections")?,
            connections_per_address: self.positive("limits.connections_per_address")?,
            streams: self.positive("limits.streams")?,
            header_bytes: self.take_with("limits.header_bytes", |text| text.parse().ok().filter(|bytes| *bytes >= 8192))?,
            headers: self.positive("limits.headers")?,
            header_timeout: self.seconds("limits.header_timeout_s")?,
            idle_timeout: self.seconds("limits.idle_timeout_s")?,
            body_bytes: self.positive("limits.body_bytes")?,
            body_timeout: self.seconds("limits.body_timeout_s")?,
            request_timeout: self.seconds("limits.request_timeout_s")?,
            address_bytes: self.positive("limits.address_bytes")?,
            holds: Rate { per_min: self.positive("limits.holds_per_min")?, burst: self.positive("limits.holds_burst")? },
            bookings: Rate { per_min: self.positive("limits.bookings_per_min")?, burst: self.positive("limits.bookings_burst")? },
            changes: Rate { per_min: self.positive("limits.changes_per_min")?, burst: self.positive("limits.changes_burst")? },
        })
    }

    fn text(&self, key: &str) -> &str {
        self.shown.iter().find(|shown| shown.key == key).map_or("", |shown| &shown.value)
    }

    fn replace(&mut self, key: &str, value: String) {
        if let Some(shown) = self.shown.iter_mut().find(|shown| shown.key == key) {
            shown.value = value;
        }
    }

    fn take<T: FromStr>(&self, key: &str) -> Result<T, BadSetting> {
        self.take_with(key, |text| text.parse().ok())
    }

    fn positive<T: FromStr + PartialOrd + Default>(&self, key: &str) -> Result<T, BadSetting> {
        self.take_with(key, |text| text.parse().ok().filter(|number| *number > T::default()))
    }

    fn seconds(&self, key: &str) -> Result<Duration, BadSetting> {
        self.positive(key).map(Duration::from_secs)
    }

    fn take_with<T>(&self, key: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, BadSetting> {
        let text = self.text(key);
        parse(text).ok_or_else(|| {
            let shown = self.shown.iter().find(|shown| shown.key == key);
            let source = shown.map_or(key, |shown| &shown.source);
            let expects = SETTINGS.iter().find(|setting| setting.key == key).map_or("", |setting| setting.expects);
            // A mistyped address may still hold its password.
            let is = if SECRET.contains(&key) { String::new() } else { format!(" is `{text}`, but it") };
            BadSetting(format!("{source}{is} must be {expects}."))
        })
    }
}

/// The next port of this machine, or whichever is free if `listen` says so of itself.
fn beside(listen: SocketAddr) -> Option<SocketAddr> {
    let port = if listen.port() == 0 { Some(0) } else { listen.port().checked_add(1) };
    port.filter(|_| listen.ip().is_loopback()).map(|port| SocketAddr::new(listen.ip(), port))
}

fn choice(text: &str) -> Option<Choice> {
    if text == "auto" { Some(Choice::Auto) } else { on_or_off(text).map(|on| if on { Choice::On } else { Choice::Off }) }
}

fn on_or_off(text: &str) -> Option<bool> {
    match text {
        "on" | "true" | "1" => Some(true),
        "off" | "false" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
        let find = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Config::from_sources("perennial.toml", file, find).map_err(|error| error.to_string())
    }

    #[test]
    fn every_default_is_a_value_that_can_be_used() {
        let config = Config::defaults().unwrap();
        assert_eq!(config.origin.as_str(), "http://localhost:3000");
        assert_eq!(config.shown().len(), SETTINGS.len());
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_the_default() {
        let file = "listen = \"0.0.0.0:80\"\nworker = false\n[limits]\nbody_bytes = 9";
        let config = read(file, &[("PERENNIAL_LISTEN", "127.0.0.1:4000"), ("DATABASE_URL", "postgres://db/x")]).unwrap();
        assert_eq!(config.listen.port(), 4000);
        assert_eq!(config.origin.as_str(), "http://localhost:4000");
        assert!(!config.worker);
        assert_eq!(config.limits.body_bytes, 9);
        assert_eq!(config.database, Address::Postgres("postgres://db/x".to_owned()));
    }

    #[test]
    fn a_bad_value_is_one_sentence_that_names_the_setting_and_where_it_stands() {
        type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str);
        let table: &[Case] = &[
            (
                "",
                &[("PERENNIAL_LISTEN", "3000")],
                "PERENNIAL_LISTEN is `3000`, but it must be an address and a port, such as 127.0.0.1:3000.",
            ),
            (
                "origin = \"https://a.example/x\"",
                &[],
                "origin in perennial.toml is `https://a.example/x`, but it must be http:// or https:// and a host, without a path.",
            ),
            ("[limits]\nheaders = 0", &[], "limits.headers in perennial.toml is `0`, but it must be a whole number above zero."),
            ("", &[("DATABASE_URL", "mysql://me:secret@db")], "DATABASE_URL must be sqlite:FILE or postgres://…."),
            (
                "[mail]\nserver = \"mail.example:hush\"",
                &[],
                "mail.server in perennial.toml must be off, or smtp://HOST or smtps://HOST, with USER:PASSWORD@ before the host \
                 and :PORT after it where needed.",
            ),
            (
                "[sms]\ngateway = \"https://gateway.example\"\naccount = \"AC1\"\ntoken = \"hush\"",
                &[],
                "With sms.gateway, sms.account, sms.token and sms.from must be set too.",
            ),
            (
                "[sms]\ngateway = \"http://gateway.example\"",
                &[],
                "sms.gateway in perennial.toml is `http://gateway.example`, but it must be off, or https:// and a host, without a path.",
            ),
            ("[mail]\ntimeout_s = 60", &[], "mail.timeout_s in perennial.toml is `60`, but it must be a number from 1 to 25."),
            ("lisen = 1", &[], "perennial.toml: there is no setting `lisen`."),
            ("", &[("PERENNIAL_DEMO", "maybe")], "PERENNIAL_DEMO is `maybe`, but it must be auto, on or off."),
            (
                "",
                &[("PERENNIAL_TRUSTED_PROXIES", "10")],
                "PERENNIAL_TRUSTED_PROXIES is `10`, but it must be a number from 0 to 9.",
            ),
        ];
        for (file, environment, sentence) in table {
            assert_eq!(read(file, environment).unwrap_err(), *sentence);
        }
        assert!(read("listen", &[]).unwrap_err().starts_with("perennial.toml is not TOML: "));
    }

    #[test]
    fn a_password_is_never_shown() {
        for url in ["postgres://me:hush@db/x", "postgres://me:a@hush@db/x?password=hush"] {
            let config = read("", &[("DATABASE_URL", url)]).unwrap();
            let all = format!("{config:?}");
            assert!(!all.contains("hush"), "{all}");
            assert!(config.shown().iter().any(|shown| shown.value == "postgres://db:5432/x"), "{all}");
        }
        let file = "[sms]\ngateway = \"https://gateway.example\"\naccount = \"AC1\"\nfrom = \"Rowan\"";
        let config = read(file, &[("PERENNIAL_SMS_TOKEN", "hush")]).unwrap();
        assert!(config.sms.is_some() && !format!("{config:?}").contains("hush"));
        let config = read("", &[("PERENNIAL_MAIL_SERVER", "smtp://me:hush@mail.example")]).unwrap();
        assert!(!format!("{config:?}").contains("hush"));
        assert!(config.shown().iter().any(|shown| shown.value == "smtp://me@mail.example:587"));
    }
}
