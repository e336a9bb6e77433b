//! The list of all settings.

/// One setting, as the documentation and the error messages describe it.
#[derive(Debug)]
pub struct Setting {
    /// The key in the file, with its table before a dot.
    pub key: &'static str,
    /// The value if nobody sets it; empty where it follows from another one.
    pub default: &'static str,
    /// Completes the sentence "it must be …".
    pub expects: &'static str,
    pub meaning: &'static str,
}

impl Setting {
    /// The variable of the environment that sets it.
    pub fn variable(&self) -> String {
        format!("PERENNIAL_{}", self.key.replace('.', "_").to_uppercase())
    }
}

const fn setting(key: &'static str, default: &'static str, expects: &'static str, meaning: &'static str) -> Setting {
    Setting { key, default, expects, meaning }
}

const NUMBER: &str = "a whole number above zero";

/// All settings there are.
pub const SETTINGS: &[Setting] = &[
    setting(
        "database",
        "sqlite:data/perennial.db",
        "sqlite:FILE or postgres://…",
        "where everything is kept; DATABASE_URL says the same",
    ),
    setting("listen", "127.0.0.1:3000", "an address and a port, such as 127.0.0.1:3000", "where pages are served"),
    setting(
        "origin",
        "",
        "http:// or https:// and a host, without a path",
        "how people reach it; links in letters start with it",
    ),
    setting("trusted_proxies", "0", "a number from 0 to 9", "proxies in front that write X-Forwarded-For"),
    setting("mailbox", "data/mailbox", "a folder", "letters are put into this folder"),
    setting(
        "mailbox_page",
        "auto",
        "auto, on or off",
        "show the mailbox to everybody at /mailbox; auto: only where nobody but this machine gets",
    ),
    setting(
        "mail.server",
        "off",
        "off, or smtp://HOST or smtps://HOST, with USER:PASSWORD@ before the host and :PORT after it where needed",
        "the mail server that takes letters; off: they go into the mailbox folder",
    ),
    setting(
        "mail.starttls",
        "auto",
        "auto, on or off",
        "whether smtp:// insists on encryption; auto: unless the mail server is this machine",
    ),
    setting(
        "mail.from",
        "",
        "an e-mail address",
        "letters come from it, and answers go to the clinic's own; empty: from the clinic's own",
    ),
    setting("mail.trust", "", "a file", "certificates in PEM to trust beside the public ones"),
    setting("mail.timeout_s", "20", "a number from 1 to 25", "seconds for each step: connecting, addressing, handing over"),
    setting(
        "sms.gateway",
        "off",
        "off, or https:// and a host, without a path",
        "the gateway that takes text messages, asked as Twilio is",
    ),
    setting("sms.account", "", "a text", "the account at the gateway"),
    setting("sms.token", "", "a text", "the account's secret"),
    setting("sms.from", "", "a number or a name that the gateway knows", "text messages come from it"),
    setting("sms.timeout_s", "20", "a number from 1 to 60", "seconds for one text message"),
    setting(
        "letters.undo_s",
        "180",
        "a number from 0 to 3600",
        "seconds before a change of a visit is told; one that is undone meanwhile sends nothing",
    ),
    setting(
        "demo",
        "auto",
        "auto, on or off",
        "load the demo clinic at start; auto: if there is no clinic yet, only on this machine",
    ),
    setting(
        "demo_site",
        "auto",
        "auto, off, or an address and a port",
        "where the demo's example website is, which has the booking in it; auto: beside `listen`, only on this machine",
    ),
    setting("worker", "on", "on or off", "`serve` also does the jobs; off where `work` runs by itself"),
    setting("metrics", "off", "off, or an address and a port", "where metrics are served, apart from the pages"),
    setting("log.format", "human", "human or json", "how a line of the log is written"),
    setting("log.filter", "info", "a level, or levels by module", "what is logged, as tracing's filters say it"),
    setting("limits.connections", "2000", NUMBER, "open connections"),
    setting("limits.connections_per_address", "200", NUMBER, "open connections of one address; not counted behind a proxy"),
    setting("limits.streams", "64", NUMBER, "requests at once on one HTTP/2 connection"),
    setting("limits.header_bytes", "16384", "a whole number of at least 8192", "a request's head"),
    setting("limits.headers", "64", NUMBER, "header lines in a request"),
    setting("limits.header_timeout_s", "10", NUMBER, "seconds for a request's head to arrive"),
    setting("limits.idle_timeout_s", "75", NUMBER, "seconds a connection may stay without a byte either way"),
    setting("limits.body_bytes", "65536", NUMBER, "a request's body"),
    setting("limits.body_timeout_s", "20", NUMBER, "seconds for a request's body to arrive"),
    setting("limits.request_timeout_s", "30", NUMBER, "seconds for a whole request, until its answer begins"),
    setting("limits.address_bytes", "4096", NUMBER, "a request's path and query"),
    setting("limits.holds_per_min", "12", NUMBER, "times held from one address; a plan of several visits counts as six"),
    setting("limits.holds_burst", "60", NUMBER, "how many of them may come at once"),
    setting(
        "limits.bookings_per_min",
        "60",
        NUMBER,
        "details, confirmations, places on the waiting list and new links from one address",
    ),
    setting("limits.bookings_burst", "30", NUMBER, "how many of them may come at once"),
    setting("limits.changes_per_min", "600", NUMBER, "other changes from one address, such as autosave"),
    setting("limits.changes_burst", "120", NUMBER, "how many of them may come at once"),
];

/// Settings whose values may hold a password: a wrong one is not repeated.
pub(super) const SECRET: [&str; 3] = ["database", "mail.server", "sms.token"];
