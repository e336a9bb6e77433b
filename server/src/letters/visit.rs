//! Letters about a visit, and its entry in a calendar: rows turned into words.
//!
//! **What a letter about a visit says, and what it does not.** Mail and text messages pass
//! through other people's servers and stand on lock screens. So a letter says when, where and with
//! whom, the booking number, and how to get there. The treatment, how to prepare for it, the
//! reason for coming and the practitioner's profession tell about health: they are on the visit's
//! own page, behind the private link, and never here. The calendar entry follows the same rule.

use app::booking::model::{UnsettledKind, VisitStatus};
use app::clinic::model::{Clinic, Location, Practitioner};
use app::ids::LinkToken;
use app::routes;
use app::words::Language;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::ics::{CalendarEntry, EntryStatus, Parties, Party};
use super::letter::{Attachment, Letter, LetterKind, MessageId, Recipient, Sender};
use super::render::{self, Envelope};
use crate::booking::letter::LetterFacts;
use crate::labels;

/// Why a letter can't be written. None of it is the patient's doing, and none of it passes.
#[derive(Debug, thiserror::Error)]
pub enum WritingError {
    #[error("the clinic no longer has the {0} of the visit")]
    Unknown(&'static str),
    #[error("the zone of the location does not exist")]
    Zone,
    #[error("the visit has no address to write to")]
    NoAddress,
    #[error(transparent)]
    Template(#[from] minijinja::Error),
}

/// A visit and everything that its words are made of.
pub struct VisitLetter<'a> {
    pub facts: &'a LetterFacts,
    pub clinic: &'a Clinic,
    /// Opens the visit's page.
    pub link: &'a LinkToken,
    /// `https://portal.example`.
    pub origin: &'a str,
    pub now: DateTime<Utc>,
}

/// What the templates know. Nothing about health may be added here.
#[derive(Serialize)]
pub(super) struct Values {
    reader: String,
    patient: String,
    day: String,
    time: String,
    zone: String,
    answer_by: Option<String>,
    /// When it would have begun, before it was moved.
    before: Option<String>,
    /// What cancelling cost.
    fee: Option<String>,
    /// By how much the patient will be late.
    late: Option<String>,
    practitioner: String,
    location: String,
    address: String,
    directions: String,
    clinic: String,
    phone: String,
    phone_hours: String,
    number: String,
    link: String,
    /// Where one books another visit.
    book: String,
}

impl VisitLetter<'_> {
    /// The letter that fits the visit as it is now; `None` if there is nothing to say any more,
    /// because it is over.
    pub fn write(&self) -> Result<Option<Letter>, WritingError> {
        let visit = &self.facts.appointment;
        let kind = self.kind();
        if visit.place.end <= self.now {
            return Ok(None);
        }
        let (language, recipient) = (self.language(), self.recipient()?);
        let mut letter = self.compose(kind, visit.sequence, language, recipient)?;
        if let Recipient::Text { .. } = letter.recipient {
            return Ok(Some(letter));
        }
        letter.attachments = match kind {
            // What was only asked for is in nobody's calendar yet; what was changed may be.
            LetterKind::RequestReceived | LetterKind::Overdue if visit.sequence == 0 => Vec::new(),
            LetterKind::Declined if visit.sequence == 1 => Vec::new(),
            LetterKind::Unfit
            | LetterKind::Links
            | LetterKind::Late
            | LetterKind::Unanswered
            | LetterKind::Series
            | LetterKind::SeriesMoved
            | LetterKind::SeriesCancelled
            | LetterKind::Offer
            | LetterKind::Waiting => Vec::new(),
            LetterKind::RequestReceived
            | LetterKind::Overdue
            | LetterKind::Declined
            | LetterKind::Confirmation
            | LetterKind::Change
            | LetterKind::Clock
            | LetterKind::Cancellation
            | LetterKind::MovedByClinic
            | LetterKind::Withdrawn => vec![self.calendar_attachment(&letter.sender, &letter.recipient)?],
        };
        Ok(Some(letter))
    }

    /// To the clinic, in its first language: the patient is running late, as they said then.
    pub fn write_late(&self, said_at: DateTime<Utc>) -> Result<Letter, WritingError> {
        self.write_to_clinic(LetterKind::Late, said_at.timestamp_millis())
    }

    /// To the clinic: a request should have been answered by now.
    pub fn write_unanswered(&self) -> Result<Letter, WritingError> {
        self.write_to_clinic(LetterKind::Unanswered, self.facts.appointment.sequence)
    }

    fn write_to_clinic(&self, kind: LetterKind, version: i64) -> Result<Letter, WritingError> {
        let language = self.clinic.languages.first().copied().unwrap_or_default();
        let recipient = Recipient::Mail { name: self.clinic.name.clone(), email: self.clinic.email.clone() };
        self.compose(kind, version, language, recipient)
    }

    /// `version` tells letters of the same kind about the same visit apart.
    fn compose(&self, kind: LetterKind, version: i64, language: Language, recipient: Recipient) -> Result<Letter, WritingError> {
        let values = self.values(language)?;
        let headline = format!("{}{} {}", values.day, comma(language), values.time);
        let id = MessageId::new(kind, &self.facts.appointment.id, version, self.host());
        Ok(render::write(Envelope { id, kind, language, clinic: self.clinic, recipient }, &headline, &values)?)
    }

    /// The visit as a calendar keeps it, in any state.
    pub fn calendar(&self, language: Language) -> Result<CalendarEntry, WritingError> {
        let visit = &self.facts.appointment;
        let (location, zone) = self.location()?;
        let url = self.url();
        let (summary, details) = match language {
            Language::En => (format!("Visit at {}", self.clinic.name), "Everything about your visit:"),
            Language::Es => (format!("Cita en {}", self.clinic.name), "Todo sobre su cita:"),
            Language::De => (format!("Termin bei {}", self.clinic.name), "Alles zu Ihrem Termin:"),
            Language::Ar => (format!("موعد في {}", self.clinic.name), "كل ما يخص موعدك:"),
        };
        Ok(CalendarEntry {
            uid: format!("{}@{}", visit.id, self.host()),
            sequence: visit.sequence,
            changed_at: visit.changed_at(),
            start: visit.place.start,
            end: visit.place.end,
            zone,
            summary,
            location: format!("{}, {}", location.name, location.address),
            description: format!("{details}\n{url}"),
            url,
            status: match visit.status {
                VisitStatus::Pending => EntryStatus::Tentative,
                VisitStatus::Booked => EntryStatus::Confirmed,
                VisitStatus::Cancelled => EntryStatus::Cancelled,
            },
            parties: None,
            publisher: None,
        })
    }

    /// The visit as it goes with a letter: a mail program takes it over by itself.
    fn calendar_attachment(&self, sender: &Sender, recipient: &Recipient) -> Result<Attachment, WritingError> {
        let mut entry = self.calendar(self.language())?;
        if let Recipient::Mail { name, email } = recipient {
            entry.parties = Some(Parties {
                organizer: Party { name: sender.name.clone(), email: sender.email.clone() },
                attendee: Party { name: name.clone(), email: email.clone() },
            });
        }
        Ok(Attachment { name: "visit.ics", media_type: entry.media_type(), content: entry.file() })
    }

    /// The patient's language if the clinic writes it, else the clinic's first.
    pub(super) fn language(&self) -> Language {
        render::language(self.clinic, Some(self.facts.appointment.language))
    }

    pub(super) fn recipient(&self) -> Result<Recipient, WritingError> {
        let visit = &self.facts.appointment;
        Recipient::of(self.reader(), visit.email.as_deref(), visit.phone.as_deref()).ok_or(WritingError::NoAddress)
    }

    /// Who booked: the patient, or someone who cares for them.
    pub(super) fn reader(&self) -> &str {
        let booker = self.facts.appointment.booker_name.as_deref().filter(|name| !name.is_empty());
        booker.unwrap_or(&self.facts.patient_name)
    }

    pub(super) fn values(&self, language: Language) -> Result<Values, WritingError> {
        let visit = &self.facts.appointment;
        let (location, zone) = self.location()?;
        let moment = labels::moment(visit.place.start, zone, language, self.now, None);
        let when = |at| {
            let moment = labels::moment(at, zone, language, self.now, None);
            format!("{}{} {}", moment.day, comma(language), moment.time)
        };
        let moved_from = self.facts.unsettled.and_then(|unsettled| unsettled.moved_from).or_else(|| visit.moved_from());
        let fee = visit.since.cancelled.as_ref().map_or(0, |cancelled| cancelled.fee);
        let own = |text: &str| isolated(text, language);
        Ok(Values {
            reader: own(self.reader()),
            patient: own(&self.facts.patient_name),
            day: moment.day,
            time: moment.time,
            zone: moment.zone,
            answer_by: visit.answer_by.map(when),
            before: moved_from.map(when),
            fee: (fee > 0).then(|| labels::money(fee, &self.clinic.currency, language)),
            late: visit.since.late_min.map(|minutes| labels::duration(minutes, language)),
            practitioner: own(&self.practitioner()?.name),
            location: own(&location.name),
            address: own(&location.address),
            directions: location.directions.get(language).to_owned(),
            clinic: own(&self.clinic.name),
            // A telephone number is read as one word.
            phone: own(&self.clinic.phone_label).replace(' ', &labels::NBSP.to_string()),
            phone_hours: self.clinic.phone_hours.get(language).to_owned(),
            number: own(&visit.number),
            link: self.url(),
            book: format!("{}{}", self.origin, routes::booking(&self.clinic.slug)),
        })
    }

    fn kind(&self) -> LetterKind {
        let visit = &self.facts.appointment;
        match (self.facts.unsettled.map(|unsettled| unsettled.kind), visit.status) {
            (Some(UnsettledKind::Moved), _) => LetterKind::MovedByClinic,
            (Some(UnsettledKind::Cancelled), _) => LetterKind::Withdrawn,
            (Some(UnsettledKind::Unfit), _) => LetterKind::Unfit,
            (None, VisitStatus::Booked) if visit.kept_by_clock() && self.facts.told.is_some() => LetterKind::Clock,
            // Who was told of no other time hears of this one as of a booking.
            (None, VisitStatus::Booked) if visit.moved_from().is_some() && self.facts.told.is_some() => LetterKind::Change,
            (None, VisitStatus::Booked) => LetterKind::Confirmation,
            (None, VisitStatus::Pending) if visit.is_overdue(self.now) => LetterKind::Overdue,
            (None, VisitStatus::Pending) => LetterKind::RequestReceived,
            (None, VisitStatus::Cancelled) if visit.is_declined() => LetterKind::Declined,
            (None, VisitStatus::Cancelled) => LetterKind::Cancellation,
        }
    }

    fn location(&self) -> Result<(&Location, Tz), WritingError> {
        let slug = &self.facts.appointment.place.location;
        let location = self.clinic.location(slug).ok_or(WritingError::Unknown("location"))?;
        Ok((location, location.zone.parse().map_err(|_| WritingError::Zone)?))
    }

    fn practitioner(&self) -> Result<&Practitioner, WritingError> {
        let slug = &self.facts.appointment.place.practitioner;
        self.clinic.practitioner(slug).ok_or(WritingError::Unknown("practitioner"))
    }

    fn url(&self) -> String {
        format!("{}{}", self.origin, routes::visit(&self.clinic.slug, self.link))
    }

    pub(super) fn host(&self) -> &str {
        host(self.origin)
    }
}

/// The origin without scheme and port.
pub fn host(origin: &str) -> &str {
    let authority = origin.rsplit("//").next().unwrap_or_default();
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

pub const fn comma(language: Language) -> &'static str {
    match language {
        Language::Ar => "،",
        Language::En | Language::Es | Language::De => ",",
    }
}

/// A name or number keeps its own direction inside a sentence that runs from right to left
/// (UAX #9: first strong isolate). Line breaks in it would look like the letter's own.
pub fn isolated(text: &str, language: Language) -> String {
    let text = text.split(char::is_control).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    if language == Language::Ar { format!("\u{2068}{text}\u{2069}") } else { text }
}

#[cfg(test)]
mod tests;
