//! The ways by which letters leave: a mail server, a text gateway, or the mailbox folder.
//!
//! A channel takes a letter or says why it did not. Whether that is tried again is decided by
//! [`super::job`]; what it says is kept and shown, so it holds codes and our own words only: a
//! mail server's answer may quote an address, or a line of the letter.

use anyhow::Context as _;
use app::ids::ClinicSlug;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::letter::{Letter, Recipient};
use super::mailbox::Mailbox;
use super::message::message;
use super::sms::Sms;
use super::smtp::Smtp;
use crate::config::Config;

/// Why a channel did not take a letter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It may go better later.
    #[error("{0}")]
    Later(String),
    /// It will never take this letter to this address.
    #[error("{0}")]
    Never(String),
    /// It got the whole letter and did not say whether it takes it: the letter may arrive.
    #[error("{0}")]
    Unanswered(String),
}

/// Where letters go, as it is configured.
pub struct Channels {
    mailbox: Mailbox,
    smtp: Option<Smtp>,
    sms: Option<Sms>,
}

impl Channels {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// One sentence if a file that is named in the settings cannot be used.
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        let smtp = config.mail.as_ref().map(|mail| Smtp::new(mail, config.origin.host())).transpose()?;
        let sms = config.sms.as_ref().map(|sms| Sms::new(sms, &config.origin));
        Ok(Self { mailbox: Mailbox::new(&config.mailbox), smtp, sms })
    }

    /// Everything into a folder.
    pub const fn folder(mailbox: Mailbox) -> Self {
        Self { mailbox, smtp: None, sms: None }
    }

    /// Hands the letter over. `draft` is a fresh id.
    pub async fn deliver(&self, clinic: &ClinicSlug, letter: &Letter, now: DateTime<Utc>, draft: Uuid) -> Result<(), NotTaken> {
        let broken = |error: anyhow::Error| NotTaken::Never(format!("{error:#}"));
        if let (Recipient::Mail { email, .. }, Some(smtp)) = (&letter.recipient, &self.smtp) {
            let from = smtp.sender(&letter.sender);
            return smtp.send(&from.email, email, &message(letter, &from, now).map_err(broken)?).await;
        }
        if let (Recipient::Text { phone }, Some(sms)) = (&letter.recipient, &self.sms) {
            return sms.send(clinic, letter, phone).await;
        }
        let message = message(letter, &letter.sender, now).map_err(broken)?;
        let kept = self.mailbox.deliver(&letter.id, message, draft).await;
        kept.context("the mailbox folder does not take the letter").map_err(|error| NotTaken::Later(format!("{error:#}")))
    }
}
