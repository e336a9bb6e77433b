//! Staff answer a visit that was asked for: yes or no, once, whoever else answers.

use std::fmt;

use app::booking::model::VisitStatus;
use app::clinic::model::Clinic;
use app::error::PortalError;
use app::ids::ClinicSlug;
use app::request::{Caller, Who};
use app::words::Language;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Booking;
use super::store::appointment::{self, AppointmentRow, Cancelled, DECLINED};
use super::store::{guard, patient};
use crate::audit;
use crate::failure::Failure;
use crate::jobs::{self, NewJob};
use crate::labels;
use crate::letters::tell::{Beside, LETTER_JOB, tell, tell_beside};
use crate::store::{StoreError, Tx};
use crate::waitlist::hooks as waitlist;

/// The job that tells the clinic of a request that is overdue.
pub const UNANSWERED_LETTER_JOB: &str = "letter.unanswered";

/// What staff say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Confirm,
    Decline,
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// The patient is told.
    Now,
    /// There was nothing to answer: somebody else did, or the patient took it back. So it stands.
    Already(VisitStatus),
}

/// A request that waits for an answer, worded for staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The booking number: "RS-4K7Q2M".
    pub number: String,
    /// "Thursday 12 March, 9:20 am, London time (GMT)".
    pub when: String,
    pub treatment: String,
    pub practitioner: String,
    pub patient: String,
    /// "Wednesday 11 March, 4:00 pm".
    pub answer_by: Option<String>,
    pub is_overdue: bool,
}

impl fmt::Display for Waiting {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, when, treatment, practitioner, patient, .. } = self;
        write!(out, "{number}, {when}: {treatment} with {practitioner} for {patient}")?;
        match &self.answer_by {
            Some(by) if self.is_overdue => write!(out, "; OVERDUE since {by}"),
            Some(by) => write!(out, "; answer by {by}"),
            None => Ok(()),
        }
    }
}

/// What answering needs to know.
#[derive(Clone)]
struct Answering {
    caller: Caller,
    number: String,
    answer: Answer,
    /// A fresh id for the letter's job.
    job: Uuid,
    now: DateTime<Utc>,
}

impl Booking {
    /// Answers the request with this booking number.
    ///
    /// # Errors
    /// `NotFound` if there is no visit with this number, or to whoever is not the clinic itself.
    pub async fn answer(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        number: &str,
        answer: Answer,
    ) -> Result<Answered, PortalError> {
        let answering = Answering {
            caller: caller.clone(),
            number: number.trim().to_uppercase(),
            answer,
            job: self.clock.new_id(),
            now: self.clock.now(),
        };
        let answered = async {
            staff_only(caller)?;
            self.change(clinic, async move |tx, clinic, _| self::answer(tx, &clinic, &answering).await).await
        };
        answered.await.map_err(|failure| failure.answer("booking.answer"))
    }

    /// The requests that wait for an answer, in the order in which they are due.
    ///
    /// # Errors
    /// `NotFound` if there is no such clinic, or to whoever is not the clinic itself.
    pub async fn waiting(&self, caller: &Caller, clinic: &ClinicSlug) -> Result<Vec<Waiting>, PortalError> {
        self.read_waiting(caller, clinic).await.map_err(|failure| failure.answer("booking.waiting"))
    }

    async fn read_waiting(&self, caller: &Caller, slug: &ClinicSlug) -> Result<Vec<Waiting>, Failure> {
        staff_only(caller)?;
        let clinic = self.clinic(slug)?.clinic;
        let language = clinic.languages.first().copied().unwrap_or_default();
        let mut tx = self.database.read().await?;
        let mut waiting = Vec::new();
        for row in appointment::pending(&mut tx, slug, self.clock.now()).await? {
            let location = clinic.location(&row.place.location);
            let zone = location.and_then(|location| location.zone.parse().ok()).unwrap_or(chrono_tz::UTC);
            let now = self.clock.now();
            let moment = labels::moment(row.place.start, zone, language, now, None);
            let by = row.answer_by.map(|by| labels::moment(by, zone, language, now, None));
            waiting.push(Waiting {
                when: format!("{}, {}, {}", moment.day, moment.time, moment.zone),
                treatment: clinic
                    .treatment(&row.place.treatment)
                    .map_or_else(|| row.place.treatment.to_string(), |treatment| treatment.name.get(language).to_owned()),
                practitioner: clinic
                    .practitioner(&row.place.practitioner)
                    .map_or_else(|| row.place.practitioner.to_string(), |practitioner| practitioner.name.clone()),
                patient: patient::name(&mut tx, slug, row.patient).await?.unwrap_or_default(),
                answer_by: by.map(|by| format!("{}, {}", by.day, by.time)),
                is_overdue: row.is_overdue(now),
                number: row.number,
            });
        }
        Ok(waiting)
    }
}

/// The clinic's own work: the command line, until there is a console to sign in to.
pub(super) fn staff_only(caller: &Caller) -> Result<(), Failure> {
    if caller.who == Who::System { Ok(()) } else { Err(PortalError::NotFound.into()) }
}

/// Whoever does it on the clinic's behalf at the command line.
pub fn staff() -> Caller {
    Caller::system(Language::default())
}

/// Has somebody look, once it should have been answered, whether it was. If it was, the letters of
/// that time have nothing to say; if not, they say so, to the patient and to the clinic.
pub(super) async fn look_later(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    visit: &AppointmentRow,
    job: Uuid,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Some(due_at) = visit.answer_by.filter(|_| visit.status == VisitStatus::Pending) else { return Ok(()) };
    let beside = Beside { job: LETTER_JOB, what: "answer", due_at };
    tell_beside(tx, clinic, visit, &beside, Uuid::new_v5(&job, b"answer"), now).await?;
    let alert = NewJob {
        clinic: clinic.as_str(),
        kind: UNANSWERED_LETTER_JOB,
        subject: serde_json::json!({ "appointment": visit.id }),
        unique_key: format!("{UNANSWERED_LETTER_JOB}/{}/{}", visit.id, visit.sequence),
        due_at,
    };
    jobs::enqueue(tx, &alert, now, Uuid::new_v5(&job, b"unanswered")).await.map(drop)
}

async fn answer(tx: &mut Tx, clinic: &Clinic, answering: &Answering) -> Result<Answered, Failure> {
    let Answering { caller, number, answer, job, now } = answering;
    let row = appointment::numbered(tx, &clinic.slug, number).await?.ok_or(PortalError::NotFound)?;
    if row.status != VisitStatus::Pending {
        return Ok(Answered::Already(row.status));
    }
    let action = match answer {
        Answer::Confirm => {
            appointment::restate(tx, &clinic.slug, &row, VisitStatus::Booked, *now).await?;
            "appointment.confirm"
        }
        Answer::Decline => {
            let declined = Cancelled { fee: 0, why: Some(DECLINED.to_owned()), reason: None };
            guard::vacate(tx, &clinic.slug, row.id.0, &row.place, *now).await?;
            appointment::cancel(tx, &clinic.slug, &row, &declined, *now).await?;
            waitlist::ended(tx, &clinic.slug, row.id, &row.place, *job, *now).await?;
            "appointment.decline"
        }
    };
    tell(tx, &clinic.slug, row.id, row.sequence + 1, *job, *now).await?;
    audit::record(tx, &audit::Entry::new(clinic.slug.as_str(), caller, action, row.id), *now).await?;
    Ok(Answered::Now)
}
