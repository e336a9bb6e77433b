//! `perennial doctor`: what is configured, and what is wrong. Shows no secret, changes nothing.
//!
//! It looks at a server from beside it: it may run while the server does, and where it can't.

mod embed;
mod store;

use std::fmt;
use std::path::Path;

use chrono::TimeDelta;

use crate::audit;
use crate::booking::zone;
use crate::clinic::{Clinics, Current};
use crate::clock::Clock;
use crate::config::mail::Encryption;
use crate::config::{Config, Shown, is_local};
use crate::letters::sms::Sms;
use crate::letters::smtp::Smtp;
use crate::letters::store::lost;
use crate::private;
use crate::store::{Address, Database, StoreError, newest_migration};
use crate::web::site;

/// What failed since then is an alarm; an older one would ring where nobody listens any more.
const LATELY: TimeDelta = TimeDelta::weeks(1);

/// What was found.
pub struct Report {
    settings: Vec<Shown>,
    findings: Vec<Finding>,
}

/// One thing that was looked at.
enum Finding {
    Good(String),
    /// Nothing is broken, but somebody should know.
    Note(String),
    Bad(String),
}

impl Report {
    /// Nothing needs mending.
    pub fn is_well(&self) -> bool {
        !self.findings.iter().any(|finding| matches!(finding, Finding::Bad(_)))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |text: fn(&Shown) -> usize| self.settings.iter().map(text).max().unwrap_or_default();
        let (keys, values) = (width(|shown| shown.key.len()), width(|shown| shown.value.chars().count()));
        for Shown { key, value, source } in &self.settings {
            writeln!(out, "{key:keys$}  {value:values$}  {source}")?;
        }
        if !self.settings.is_empty() {
            writeln!(out)?;
        }
        for finding in &self.findings {
            match finding {
                Finding::Good(sentence) => writeln!(out, "good   {sentence}")?,
                Finding::Note(sentence) => writeln!(out, "note   {sentence}")?,
                Finding::Bad(sentence) => writeln!(out, "wrong  {sentence}")?,
            }
        }
        Ok(())
    }
}

/// Looks at everything that can be looked at.
pub async fn examine(config: &Config) -> Report {
    let mut findings = Vec::new();
    findings.push(match site::files() {
        Some(_) => Finding::Good("the site is inside this program".to_owned()),
        None => Finding::Note("this program was built without its site: pages look bare".to_owned()),
    });
    findings.push(Finding::Good(format!("time zones are those of {}", chrono_tz::IANA_TZDB_VERSION)));
    for variable in &config.idle {
        findings.push(Finding::Note(format!("{variable} sets nothing: there is no such setting")));
    }
    findings.extend(mail(config).await);
    if let Some(sms) = &config.sms {
        findings.push(Sms::new(sms, &config.origin).check().await.map_or_else(Finding::Bad, Finding::Good));
    }
    if config.shows_mailbox() && !config.origin.is_local() {
        findings
            .push(Finding::Bad("everybody who reaches the server can read all letters: set mailbox_page = \"off\"".to_owned()));
    }
    if !config.origin.is_local() && !config.origin.is_secure() {
        findings.push(Finding::Bad("the origin is not https: what patients type can be read on its way".to_owned()));
    }
    // This program speaks no TLS itself, so something in front of it does.
    if config.origin.is_secure() && config.trusted_proxies == 0 {
        findings.push(Finding::Bad(
            "all patients count as one address, the proxy's, and share its limits: let it write X-Forwarded-For and set \
             trusted_proxies = 1"
                .to_owned(),
        ));
    }
    if let Err(error) = database(config, &mut findings).await {
        findings.push(Finding::Bad(format!("the database: {error}")));
    }
    Report { settings: config.shown().to_vec(), findings }
}

/// Looks at whether a website may show the booking, and at nothing else.
pub async fn examine_site(config: &Config, site: &str) -> Report {
    let findings = match definitions(config).await {
        Ok(clinics) => {
            let clinics: Vec<_> = clinics.iter().map(|current| current.clinic.as_ref()).collect();
            embed::examine(site, &config.origin, &clinics).await
        }
        Err(error) => vec![Finding::Bad(format!("the database: {error}"))],
    };
    Report { settings: Vec::new(), findings }
}

/// Every clinic, as it was loaded last.
async fn definitions(config: &Config) -> Result<Vec<Current>, StoreError> {
    if matches!(&config.database, Address::Sqlite(path) if !path.exists()) {
        return Ok(Vec::new());
    }
    let database = Database::open(&config.database).await?;
    let found = async { Ok(Clinics::open(database.clone()).await?.all()) }.await;
    database.close().await;
    found
}

/// Whether letters get out: greets the mail server and signs in, without sending anything.
async fn mail(config: &Config) -> Vec<Finding> {
    let Some(mail) = &config.mail else {
        let mut findings: Vec<Finding> = folder("the mailbox", &config.mailbox).into_iter().collect();
        findings.extend(exposed("the mailbox", &config.mailbox));
        if !config.origin.is_local() {
            findings.push(Finding::Note("no mail server is set, so letters stay in the mailbox: see mail.server".to_owned()));
        }
        return findings;
    };
    let checked = match Smtp::new(mail, config.origin.host()) {
        Ok(smtp) => smtp.check().await,
        Err(error) => Err(format!("{error:#}")),
    };
    let mut findings = vec![checked.map_or_else(Finding::Bad, Finding::Good)];
    if mail.encryption == Encryption::Off && !is_local(&mail.server.host) {
        findings.push(Finding::Note("letters are not encrypted on their way to the mail server: see mail.starttls".to_owned()));
    }
    findings
}

/// Whether a folder, or the next one above it that exists, can be written.
fn folder(what: &str, path: &Path) -> Option<Finding> {
    let existing = path
        .ancestors()
        .map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path })
        .find(|path| path.exists())?;
    let probe = existing.join(format!(".perennial-doctor-{}", std::process::id()));
    let written = std::fs::write(&probe, b"?");
    let _ = std::fs::remove_file(&probe);
    Some(match written {
        Ok(()) => Finding::Good(format!("{what} can be written, at {}", path.display())),
        Err(error) => Finding::Bad(format!("{what} at {} cannot be written: {error}", path.display())),
    })
}

/// What every account of the machine may read.
fn exposed(what: &str, path: &Path) -> Option<Finding> {
    let path = private::is_open_to_all(path).then(|| path.display())?;
    Some(Finding::Bad(format!("{what} at {path} may be read by every account of this machine: `chmod o= {path}`")))
}

async fn database(config: &Config, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
    if let Address::Sqlite(path) = &config.database {
        findings.extend(path.parent().and_then(|parent| folder("the database's folder", parent)));
        if !path.exists() {
            findings.push(Finding::Note(format!("there is no database at {} yet: `perennial serve` makes it", path.display())));
            return Ok(());
        }
        findings.extend(exposed("the database", path));
    }
    let database = Database::open(&config.database).await?;
    let examined = examine_database(&database, findings).await;
    database.close().await;
    examined
}

async fn examine_database(database: &Database, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
    database.check().await?;
    let mut tx = database.read().await?;
    findings.push(Finding::Good(format!("the database answers and is sound: {}", store::version(&mut tx).await?)));
    let (applied, known) = (store::schema(&mut tx).await?, newest_migration());
    findings.push(match applied {
        Some(applied) if applied == known => Finding::Good(format!("its tables are those of migration {applied}")),
        Some(applied) if applied > known => {
            findings.push(Finding::Bad(format!("its tables are of migration {applied}; this program knows none after {known}")));
            return Ok(());
        }
        _ => {
            findings.push(Finding::Note(format!(
                "its tables are older than migration {known}: `perennial migrate` or `serve` renews them"
            )));
            return Ok(());
        }
    });
    let clinics = store::clinics(&mut tx).await?;
    if clinics.is_empty() {
        findings.push(Finding::Note("there is no clinic yet: `perennial clinic load FILE` brings one".to_owned()));
    }
    for clinic in clinics {
        findings.push(match audit::verify(&mut tx, &clinic, None).await {
            // Kept elsewhere, this line proves later that nothing was cut off.
            Ok(head) => {
                Finding::Good(format!("the audit of {clinic} is whole: {} entries, ending in {}", head.number, head.hash))
            }
            Err(broken) => Finding::Bad(broken.to_string()),
        });
    }
    let shifted = zone::examine(database, Clock::system().now()).await?;
    if shifted.is_empty() {
        findings.push(Finding::Good("no visit has been shifted by new rules of a zone".to_owned()));
    }
    findings.extend(shifted.into_iter().map(Finding::Note));
    findings.push(match store::jobs_due(&mut tx).await? {
        0 => Finding::Good("no job waits".to_owned()),
        due => Finding::Note(format!("{due} jobs wait for their time or a worker")),
    });
    let lately = Clock::system().now() - LATELY;
    findings.extend(failed_letters(lost(&mut tx, lately).await?));
    for store::FailedJobs { kind, count, reason, last } in store::jobs_failed(&mut tx).await? {
        let text = format!("{count} jobs {kind} have failed, the last on {} because: {reason}", last.format("%Y-%m-%d"));
        findings.push(if last < lately { Finding::Note(text) } else { Finding::Bad(text) });
    }
    Ok(())
}

fn failed_letters((lately, before): (i64, i64)) -> Vec<Finding> {
    let have = |count| if count == 1 { "1 letter has".to_owned() } else { format!("{count} letters have") };
    let listed = "`perennial letters` says which and why, `perennial appointment settle` takes one off that list";
    match (lately, before) {
        (0, 0) => vec![Finding::Good("no letter has failed".to_owned())],
        (0, before) => vec![Finding::Note(format!("{} failed more than a week ago; {listed}", have(before)))],
        (lately, _) => vec![Finding::Bad(format!("{} failed in the last week; {listed}", have(lately)))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::Folder;

    #[tokio::test]
    async fn a_doctor_makes_no_database_and_says_that_there_is_none() {
        let folder = std::env::temp_dir().join(format!("perennial-doctor-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let database = format!("sqlite:{}", folder.join("none.db").display());
        let mailbox = folder.join("mailbox").display().to_string();
        let config = Config::from_sources("", "", |name| match name {
            "PERENNIAL_DATABASE" => Some(database.clone()),
            "PERENNIAL_MAILBOX" => Some(mailbox.clone()),
            _ => None,
        });
        let report = examine(&config.unwrap()).await;
        assert!(report.is_well(), "{report}");
        assert!(report.to_string().contains("there is no database at"), "{report}");
        assert!(std::fs::read_dir(&folder).unwrap().next().is_none());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    /// What is found with this file of settings and a database in a folder of its own, 755 itself.
    #[cfg(unix)]
    async fn found(folder: &Path, more: &str) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        let file = format!("database = \"sqlite:{0}/p.db\"\nmailbox = \"{0}/mailbox\"\n{more}", folder.display());
        let config = Config::from_sources("f", &file, |_| None).unwrap();
        Database::open(&config.database).await.unwrap().close().await;
        examine(&config).await.to_string()
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_database_that_every_account_may_read_is_wrong_and_ours_is_not() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = Folder::new();
        assert!(!found(folder.path(), "").await.contains("every account"));
        std::fs::set_permissions(folder.path().join("p.db"), std::fs::Permissions::from_mode(0o644)).unwrap();
        let text = found(folder.path(), "").await;
        assert!(text.contains("wrong  the database") && text.contains("`chmod o="), "{text}");
    }

    #[tokio::test]
    async fn a_proxy_that_nobody_told_of_is_wrong() {
        let says = async |more: &str| {
            let file = format!("database = \"sqlite:nowhere/none.db\"\norigin = \"https://portal.example\"\n{more}");
            examine(&Config::from_sources("f", &file, |_| None).unwrap()).await.to_string()
        };
        assert!(says("").await.contains("trusted_proxies = 1"));
        assert!(!says("trusted_proxies = 1").await.contains("trusted_proxies = 1"));
    }

    #[tokio::test]
    async fn letters_in_the_open_and_a_plain_origin_are_wrong() {
        let file = "origin = \"http://portal.example\"\nmailbox_page = true\ndatabase = \"sqlite:nowhere/none.db\"";
        let report = examine(&Config::from_sources("f", file, |_| None).unwrap()).await;
        assert!(!report.is_well());
        let text = report.to_string();
        assert!(text.contains("can read all letters") && text.contains("not https"), "{text}");
    }
}
