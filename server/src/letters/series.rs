//! The job that writes once about several visits that were booked or changed together.
//!
//! What there is to say of each is decided when it runs, as for a single visit: a visit that is
//! told by a letter of its own, or that the patient knows of, is left out. Whoever changed where
//! the letters of one visit go gets that one told there.

use std::sync::Arc;

use anyhow::anyhow;
use app::booking::model::VisitStatus;
use app::clinic::model::Clinic;
use app::ids::{AppointmentId, ClinicSlug};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ics::{PUBLISHED, Party, published};
use super::job::{News, VisitLetters};
use super::letter::{Attachment, LetterKind, MessageId, Recipient};
use super::render::{self, Envelope};
use super::tell;
use super::visit::{Values, VisitLetter, WritingError};
use crate::booking::letter::{LetterFacts, letter_facts};
use crate::jobs::{Job, JobError, JobRun};
use crate::labels;
use crate::link::Purpose;
use crate::store::Tx;

/// Runs the jobs of the kind `letter.series`.
pub struct SeriesLetters(pub Arc<VisitLetters>);

/// What the job's row says.
#[derive(Deserialize)]
struct Subject {
    /// The first visit's id.
    series: Uuid,
    /// Each with its sequence after the change that this is about.
    visits: Vec<(AppointmentId, i64)>,
}

/// What the templates know: of the first visit what a letter about it alone would, and all of them.
#[derive(Serialize)]
struct Together {
    #[serde(flatten)]
    first: Values,
    count: usize,
    visits: Vec<Values>,
    /// What cancelling costs in all.
    total: Option<String>,
}

#[async_trait]
impl JobRun for SeriesLetters {
    async fn run(&self, job: &Job) -> Result<(), JobError> {
        let Self(letters) = self;
        let subject: Subject = job.subject().map_err(|error| JobError::Fail(anyhow!(error)))?;
        let slug: ClinicSlug = job.clinic.parse().map_err(|error| JobError::Fail(anyhow!("the clinic's slug: {error}")))?;
        let early = job.created_at + letters.undo;
        let is_change = subject.visits.iter().any(|(_, sequence)| *sequence > 0);
        if is_change && letters.clock.now() < early {
            return Err(JobError::NotYet(early));
        }
        let clinic = letters.clinic(&slug).await?;
        let mut tx = letters.database.read().await?;
        let mut news = Vec::new();
        for visits in self.alike(&mut tx, &slug, &subject, job.id).await? {
            let written = self.write(&clinic, subject.series, &visits).map_err(|error| JobError::Fail(anyhow!(error)))?;
            if let Some(written) = written
                && !super::store::is_settled(&mut tx, &slug, &written.letter).await?
            {
                news.push(written);
            }
        }
        drop(tx);
        if news.is_empty() {
            let why = "there is nothing to say any more";
            letters.withdraw(&slug, AppointmentId(subject.series), job, why).await?;
            return Err(JobError::Moot(why));
        }
        letters.send_all(&slug, news, job).await
    }
}

impl SeriesLetters {
    /// The visits that are news, those together that one letter can tell.
    async fn alike(
        &self,
        tx: &mut Tx,
        slug: &ClinicSlug,
        subject: &Subject,
        job: Uuid,
    ) -> Result<Vec<Vec<LetterFacts>>, JobError> {
        let now = self.0.clock.now();
        let mut groups: Vec<Vec<LetterFacts>> = Vec::new();
        for (id, sequence) in &subject.visits {
            let Some(facts) = letter_facts(tx, slug, *id, Some(job)).await? else { continue };
            let visit = &facts.appointment;
            let is_known = facts.told.as_ref() == Some(&tell::told(&facts));
            // Nobody has to be told that what they never heard of is cancelled.
            let is_moot = visit.status == VisitStatus::Cancelled && facts.told.is_none();
            let is_superseded = tell::is_superseded(tx, slug, visit, Some(*sequence)).await?;
            if is_known || is_moot || is_superseded || facts.unsettled.is_some() || visit.place.end <= now {
                continue;
            }
            let same = |group: &&mut Vec<LetterFacts>| {
                group.first().is_some_and(|first| {
                    let first = &first.appointment;
                    (kind(group), &first.email, &first.phone, first.language)
                        == (kind(std::slice::from_ref(&facts)), &visit.email, &visit.phone, visit.language)
                })
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.push(facts),
                None => groups.push(vec![facts]),
            }
        }
        for group in &mut groups {
            group.sort_by_key(|facts| facts.appointment.place.start);
        }
        Ok(groups)
    }

    fn write(&self, clinic: &Clinic, series: Uuid, visits: &[LetterFacts]) -> Result<Option<News>, WritingError> {
        let Self(letters) = self;
        let Some(first) = visits.first() else { return Ok(None) };
        let links: Vec<_> = visits.iter().map(|facts| letters.links.make(Purpose::Visit, facts.appointment.id.0)).collect();
        let letter_of = |(facts, link)| VisitLetter { facts, clinic, link, origin: &letters.origin, now: letters.clock.now() };
        let each: Vec<VisitLetter<'_>> = visits.iter().zip(&links).map(letter_of).collect();
        if let [only] = each.as_slice() {
            let told = Some(tell::told(first));
            return Ok(only.write()?.map(|letter| News { about: first.appointment.id, letter, told }));
        }
        let Some(own) = each.first() else { return Ok(None) };
        let kind = kind(visits);
        let language = own.language();
        let values = together(clinic, &each)?;
        let id = MessageId::new(kind, &first.appointment.id, first.appointment.sequence, own.host());
        let envelope = Envelope { id, kind, language, clinic, recipient: own.recipient()? };
        let mut letter = render::write(envelope, "", &values)?;
        if let Recipient::Mail { .. } = letter.recipient {
            letter.attachments = vec![calendar(clinic, &each)?];
        }
        Ok(Some(News { about: AppointmentId(series), letter, told: Some(tell::told_together(visits)) }))
    }
}

/// What there is to say of visits that are alike. Who was told of no other times hears of these as
/// of a booking.
fn kind(visits: &[LetterFacts]) -> LetterKind {
    match visits.first() {
        Some(first) if first.appointment.status == VisitStatus::Cancelled => LetterKind::SeriesCancelled,
        Some(first) if first.appointment.moved_from().is_some() && first.told.is_some() => LetterKind::SeriesMoved,
        _ => LetterKind::Series,
    }
}

fn together(clinic: &Clinic, each: &[VisitLetter<'_>]) -> Result<Together, WritingError> {
    let own = each.first().ok_or(WritingError::Unknown("first visit"))?;
    let language = own.language();
    let fees = each.iter().filter_map(|letter| letter.facts.appointment.since.cancelled.as_ref());
    let fee = fees.fold(0_u32, |sum, cancelled| sum.saturating_add(cancelled.fee));
    Ok(Together {
        first: own.values(language)?,
        count: each.len(),
        visits: each.iter().map(|letter| letter.values(language)).collect::<Result<_, _>>()?,
        total: (fee > 0).then(|| labels::money(fee, &clinic.currency, language)),
    })
}

/// All of them in one file, each with the UID that it keeps.
fn calendar(clinic: &Clinic, each: &[VisitLetter<'_>]) -> Result<Attachment, WritingError> {
    let entry = |letter: &VisitLetter<'_>| {
        let mut entry = letter.calendar(letter.language())?;
        entry.publisher = Some(Party { name: clinic.name.clone(), email: clinic.email.clone() });
        Ok(entry)
    };
    let entries = each.iter().map(entry).collect::<Result<Vec<_>, WritingError>>()?;
    Ok(Attachment { name: "visits.ics", media_type: PUBLISHED, content: published(&entries) })
}

#[cfg(test)]
mod tests {
    use app::ids::LinkToken;
    use app::words::Language;
    use chrono::TimeDelta;
    use chrono_tz::Europe::London;

    use super::super::render::{mail, text_message};
    use super::super::segments::segments;
    use super::super::testing::{clinic, facts, utc};
    use super::*;
    use crate::booking::store::appointment::Cancelled;

    /// Twelve visits, once a week; some of them cost something to cancel.
    fn visits(language: Language, status: VisitStatus) -> Vec<LetterFacts> {
        let week = |n: i32| {
            let mut facts = facts(language);
            let visit = &mut facts.appointment;
            visit.id = AppointmentId(Uuid::from_u128(u128::from(n.unsigned_abs()) + 100));
            visit.place.start += TimeDelta::weeks(i64::from(n));
            visit.place.end += TimeDelta::weeks(i64::from(n));
            visit.status = status;
            visit.since.cancelled = (status == VisitStatus::Cancelled)
                .then(|| Cancelled { fee: if n < 2 { 2_000 } else { 0 }, ..Cancelled::default() });
            facts
        };
        (0..12).map(week).collect()
    }

    fn written<T>(facts: &[LetterFacts], check: impl Fn(&Clinic, &[VisitLetter<'_>]) -> T) -> T {
        let (clinic, link) = (clinic(), LinkToken("x".repeat(43)));
        let now = utc("2026-03-11T08:00:00Z");
        let letter_of = |facts| VisitLetter { facts, clinic: &clinic, link: &link, origin: "https://portal.example", now };
        check(&clinic, &facts.iter().map(letter_of).collect::<Vec<_>>())
    }

    #[test]
    fn every_language_names_every_visit_and_nothing_about_health() {
        for language in Language::ALL {
            for (kind, status) in [
                (LetterKind::Series, VisitStatus::Booked),
                (LetterKind::SeriesMoved, VisitStatus::Booked),
                (LetterKind::SeriesCancelled, VisitStatus::Cancelled),
            ] {
                for count in [2, 3, 12] {
                    let facts = visits(language, status);
                    written(&facts[..count], |clinic, each| {
                        let values = together(clinic, each).unwrap();
                        let rendered = mail(kind, language, "", &clinic.name, &values).unwrap();
                        let text = format!("{}\n{}", rendered.subject, rendered.text);
                        assert!(!text.contains("{{") && !text.contains("\n\n\n"), "{text}");
                        for letter in each {
                            let moment = labels::moment(letter.facts.appointment.place.start, London, language, letter.now, None);
                            // Plain text travels with plain spaces.
                            for label in [moment.day, moment.time, moment.zone].map(|label| label.replace(labels::NBSP, " ")) {
                                assert!(text.contains(&label), "{language:?} {label} in {text}");
                            }
                        }
                        for word in ["knee", "Physio", "physio", "loose"] {
                            assert!(!text.contains(word), "{language:?} {word} in {text}");
                        }
                        assert!(rendered.subject.chars().count() <= 78, "{}", rendered.subject);
                        let sms = text_message(kind, language, &clinic.name, &values).unwrap();
                        assert!(segments(&sms) <= 2 && sms.contains("https://portal.example/"), "{sms}");
                    });
                }
            }
        }
    }

    #[test]
    fn what_cancelling_costs_is_summed() {
        written(&visits(Language::En, VisitStatus::Cancelled), |clinic, each| {
            let values = together(clinic, each).unwrap();
            assert_eq!((values.count, values.total.as_deref()), (12, Some("£40")));
        });
    }

    #[test]
    fn the_file_has_the_rules_of_the_zone_for_all_of_the_visits() {
        let file = written(&visits(Language::En, VisitStatus::Booked), |clinic, each| calendar(clinic, each).unwrap());
        let text = file.content.replace("\r\n ", "");
        assert_eq!((text.matches("BEGIN:VEVENT").count(), text.matches("BEGIN:VTIMEZONE").count()), (12, 1));
        assert_eq!(text.matches("ORGANIZER;CN=").count(), 12);
        assert!(!text.contains("ATTENDEE") && text.contains("METHOD:PUBLISH"), "RFC 5546, 3.2.1");
        assert!(text.contains("DTSTART;TZID=Europe/London:20260528T102000"), "{text}");
    }
}
