//! The job as the worker runs it, on both databases.

use app::words::Language;
use chrono::{NaiveDate, TimeDelta};
use uuid::Uuid;

use super::super::channel::Channels;
use super::super::mailbox::Mailbox;
use super::super::testing::{clinic, facts, utc};
use super::*;
use crate::booking::store::appointment;
use crate::booking::store::patient::{self, Person};
use crate::clinic::{self, Clinics};
use crate::clock::Clock;
use crate::link::Links;
use crate::store::StoreError;
use crate::store::testing::{Folder, Scratch, on_both};

/// A visit whose patient said to be twenty minutes late, and the clinic's job beside a mailbox.
async fn desk(scratch: &Scratch, folder: &Folder) -> (LateLetters, Mailbox) {
    let database = scratch.database.clone();
    let now = utc("2026-03-12T09:00:00Z");
    let kept: Result<(), StoreError> = database
        .write(async move |tx| {
            let (clinic, facts) = (self::clinic(), facts(Language::De));
            let visit = &facts.appointment;
            clinic::store::put(tx, &clinic, now).await?;
            let person = Person {
                name: facts.patient_name.clone(),
                folded_name: facts.patient_name.to_lowercase(),
                birth_date: NaiveDate::default(),
                email: visit.email.clone(),
                phone: None,
                language: visit.language,
            };
            patient::insert(tx, &clinic.slug, visit.patient, &person, false, now).await?;
            appointment::insert(tx, &clinic.slug, visit).await?;
            appointment::note_late(tx, &clinic.slug, visit.id, 20).await
        })
        .await;
    kept.unwrap();
    let mailbox = Mailbox::new(folder.path());
    let letters = VisitLetters {
        clock: Clock::frozen(now),
        clinics: Arc::new(Clinics::open(database.clone()).await.unwrap()),
        links: Arc::new(Links::load(&database).await.unwrap()),
        origin: "https://portal.example".to_owned(),
        channels: Channels::folder(mailbox.clone()),
        undo: TimeDelta::minutes(3),
        database,
    };
    (LateLetters(Arc::new(letters)), mailbox)
}

fn job(minutes: u32) -> Job {
    Job {
        id: Uuid::from_u128(1),
        clinic: "rowan-street".to_owned(),
        kind: crate::booking::LATE_LETTER_JOB.to_owned(),
        subject: serde_json::json!({ "appointment": AppointmentId(Uuid::from_u128(7)), "minutes": minutes }),
        attempt: 1,
        created_at: utc("2026-03-12T09:00:00Z"),
    }
}

on_both! {
    async fn the_clinic_is_told_once_and_only_what_was_said_last(scratch: Scratch) {
        let folder = Folder::new();
        let (late, mailbox) = desk(&scratch, &folder).await;
        assert!(matches!(late.run(&job(10)).await, Err(JobError::Moot(_))));
        assert!(mailbox.list().await.unwrap().is_empty(), "it is twenty by now");
        late.run(&job(20)).await.unwrap();
        assert!(matches!(late.run(&job(20)).await, Err(JobError::Moot(_))));
        let sent = mailbox.list().await.unwrap();
        assert_eq!(sent.len(), 1);
        let letter = String::from_utf8(mailbox.open(&sent[0]).await.unwrap().unwrap()).unwrap();
        assert!(letter.contains("To: ") && letter.contains("hello@rowanstreet.example"), "{letter}");
        assert!(letter.contains("Subject: Running late: RS-4K7Q2M"), "{letter}");
        let (database, id) = (&late.0.database, AppointmentId(Uuid::from_u128(7)));
        let mut tx = database.read().await.unwrap();
        let told = super::super::store::last_told(&mut tx, &"rowan-street".parse().unwrap(), id, None, None).await.unwrap();
        assert_eq!(told, None, "the patient was told nothing by it");
    }

    async fn the_clinic_is_told_of_a_request_that_is_overdue_and_of_none_that_was_answered(scratch: Scratch) {
        let folder = Folder::new();
        let (late, mailbox) = desk(&scratch, &folder).await;
        let unanswered = Job { subject: serde_json::json!({ "appointment": AppointmentId(Uuid::from_u128(7)) }), ..job(0) };
        assert!(matches!(late.run(&unanswered).await, Err(JobError::Moot(_))), "it is booked");
        let due = utc("2026-03-12T08:00:00Z");
        let asked = scratch.database.write(async move |tx| {
            tx.query("UPDATE appointment SET status = 'pending', answer_by = $1").bind(due).execute().await.map(drop)
        });
        asked.await.unwrap();
        late.run(&unanswered).await.unwrap();
        assert!(matches!(late.run(&unanswered).await, Err(JobError::Moot(_))));
        let sent = mailbox.list().await.unwrap();
        assert_eq!(sent.len(), 1);
        let letter = String::from_utf8(mailbox.open(&sent[0]).await.unwrap().unwrap()).unwrap();
        assert!(letter.contains("hello@rowanstreet.example") && letter.contains("Subject: Overdue request: RS-4K7Q2M"), "{letter}");
    }
}
