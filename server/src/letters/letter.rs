//! What a letter is: who writes what to whom, ready to be carried by any channel.

use std::fmt;

use app::fields::{Email, Phone};
use app::words::Language;

/// The letters there are; each has a folder of templates with this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterKind {
    /// The visit is booked.
    Confirmation,
    /// The visit was asked for; staff have to answer first.
    RequestReceived,
    /// Staff should have answered by now, and did not.
    Overdue,
    /// Staff said no to the visit.
    Declined,
    /// The visit is at another time now.
    Change,
    /// The visit will not take place.
    Cancellation,
    /// The clinic moved the visit.
    MovedByClinic,
    /// The clinic cancelled the visit.
    Withdrawn,
    /// The clinic's file has no place for the visit any more.
    Unfit,
    /// The private links of upcoming visits, for whoever lost them.
    Links,
    /// To the clinic: the patient is running late.
    Late,
    /// To the clinic: a request waits for an answer that is overdue.
    Unanswered,
    /// The rules of the visit's zone changed; it keeps its time on the wall.
    Clock,
    /// A time came free for somebody who waits.
    Offer,
    /// Somebody is on the waiting list.
    Waiting,
    /// Several visits are booked in one go.
    Series,
    /// Several of them are at other times now.
    SeriesMoved,
    /// Several of them will not take place.
    SeriesCancelled,
}

impl LetterKind {
    /// The name in tables and message ids, and of the folder of templates.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confirmation => "confirmation",
            Self::RequestReceived => "request_received",
            Self::Overdue => "overdue",
            Self::Declined => "declined",
            Self::Change => "change",
            Self::Cancellation => "cancellation",
            Self::MovedByClinic => "moved_by_clinic",
            Self::Withdrawn => "withdrawn",
            Self::Unfit => "unfit",
            Self::Links => "links",
            Self::Late => "late",
            Self::Unanswered => "unanswered",
            Self::Clock => "clock",
            Self::Offer => "offer",
            Self::Waiting => "waiting",
            Self::Series => "series",
            Self::SeriesMoved => "series_moved",
            Self::SeriesCancelled => "series_cancelled",
        }
    }

    /// Why it was sent, as it is kept beside what was sent.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Confirmation => "the visit was booked",
            Self::RequestReceived => "the visit was asked for",
            Self::Overdue => "the request was not answered in time",
            Self::Declined => "the request was declined",
            Self::Change => "the visit was moved",
            Self::Cancellation => "the visit was cancelled",
            Self::MovedByClinic => "the clinic moved the visit",
            Self::Withdrawn => "the clinic cancelled the visit",
            Self::Unfit => "the clinic has no place for the visit any more",
            Self::Links => "somebody asked for the links of visits with this address",
            Self::Late => "the patient is running late",
            Self::Unanswered => "a request was not answered in time",
            Self::Clock => "the rules of the visit's time zone changed",
            Self::Offer => "a time came free for somebody who waits",
            Self::Waiting => "somebody joined the waiting list",
            Self::Series => "the visits were booked",
            Self::SeriesMoved => "the visits were moved",
            Self::SeriesCancelled => "the visits were cancelled",
        }
    }

    /// Whether it is about several visits that were booked in one go.
    pub const fn is_series(self) -> bool {
        matches!(self, Self::Series | Self::SeriesMoved | Self::SeriesCancelled)
    }
}

/// The clinic, as a mail program shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    pub name: String,
    pub email: Email,
}

/// Who it goes to, and by which channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    Mail { name: String, email: Email },
    Text { phone: Phone },
}

impl Recipient {
    /// Mail if there is an address for it: a text message costs, and holds less. `None` without
    /// any; `name` is the reader's.
    pub fn of(name: &str, email: Option<&str>, phone: Option<&str>) -> Option<Self> {
        if let Some(email) = email.and_then(|text| Email::parse(text).ok().flatten()) {
            return Some(Self::Mail { name: name.to_owned(), email });
        }
        phone.and_then(|text| Phone::parse(text).ok().flatten()).map(|phone| Self::Text { phone })
    }

    /// The channel's name in tables.
    pub const fn channel(&self) -> &'static str {
        match self {
            Self::Mail { .. } => "mail",
            Self::Text { .. } => "text",
        }
    }

    /// Enough for the patient to recognise it and for nobody else: "m***@example.org", "***461".
    pub fn hint(&self) -> String {
        match self {
            Self::Mail { email, .. } => {
                let (local, host) = email.as_str().split_once('@').unwrap_or_default();
                format!("{}***@{host}", local.chars().take(1).collect::<String>())
            }
            Self::Text { phone } => {
                let digits: Vec<char> = phone.as_str().chars().collect();
                format!("***{}", digits[digits.len().saturating_sub(3)..].iter().collect::<String>())
            }
        }
    }
}

/// A letter's id for the whole world (RFC 5322, 3.6.4), made from what the letter is about and
/// not from when it was made: sending it again is sending the same letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageId {
    /// "confirmation.0198c0de-….0": letters, digits, `.`, `-` and `_` only.
    local: String,
    host: String,
}

impl MessageId {
    /// `about` is an id, `version` tells letters about the same thing apart after it changed.
    pub fn new(kind: LetterKind, about: &impl fmt::Display, version: i64, host: &str) -> Self {
        let host = host.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')).collect();
        Self { local: format!("{}.{about}.{version}", kind.name()), host }
    }

    /// The part that no other letter of this server has.
    pub fn local(&self) -> &str {
        &self.local
    }
}

/// Without the angle brackets.
impl fmt::Display for MessageId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}@{}", self.local, self.host)
    }
}

/// A file that goes with a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// A fixed name of ours: "visit.ics".
    pub name: &'static str,
    pub media_type: &'static str,
    pub content: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub id: MessageId,
    pub kind: LetterKind,
    pub language: Language,
    pub sender: Sender,
    pub recipient: Recipient,
    /// One line that says nothing about health: it stands on lock screens.
    pub subject: String,
    pub text: String,
    /// The same once more, with its looks; a text message has none.
    pub html: Option<String>,
    pub attachments: Vec<Attachment>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_for_those_who_know_the_address_already() {
        let email = Email::parse("maya@example.org").unwrap().unwrap();
        assert_eq!(Recipient::Mail { name: String::new(), email }.hint(), "m***@example.org");
        let phone = Phone::parse("+44 7700 900461").unwrap().unwrap();
        assert_eq!(Recipient::Text { phone }.hint(), "***461");
    }

    #[test]
    fn the_same_letter_has_the_same_id_and_no_host_breaks_out_of_it() {
        let id = |version, host| MessageId::new(LetterKind::Confirmation, &"0198c0de", version, host).to_string();
        assert_eq!(id(0, "portal.example"), "confirmation.0198c0de.0@portal.example");
        assert_eq!(id(0, "portal.example"), id(0, "portal.example"));
        assert_ne!(id(0, "portal.example"), id(1, "portal.example"));
        assert_eq!(id(0, "portal.example>\r\nBcc: eve"), "confirmation.0198c0de.0@portal.exampleBcceve");
    }
}
