//! The job as the worker runs it, on both databases.

use std::path::Path;

use app::booking::model::VisitStatus;
use app::words::Language;
use chrono::NaiveDate;
use uuid::Uuid;

use super::super::mailbox::Mailbox;
use super::super::testing::{clinic, facts, utc};
use super::*;
use crate::booking::letter::LetterFacts;
use crate::booking::store::appointment;
use crate::booking::store::patient::{self, Person};
use crate::clinic;
use crate::store::testing::{Scratch, on_both};
use crate::store::{StoreError, Tx};

/// A clinic with one visit, and the job's worker beside a mailbox.
struct Desk {
    letters: VisitLetters,
    mailbox: Mailbox,
}

async fn desk(scratch: &Scratch, facts: LetterFacts, folder: &Path) -> Desk {
    let database = scratch.database.clone();
    let now = utc("2026-03-11T08:00:00Z");
    let kept: Result<(), StoreError> = database
        .write(async move |tx| {
            let clinic = self::clinic();
            clinic::store::put(tx, &clinic, now).await?;
            let visit = &facts.appointment;
            let person = Person {
                name: facts.patient_name.clone(),
                folded_name: facts.patient_name.to_lowercase(),
                birth_date: NaiveDate::default(),
                email: visit.email.clone(),
                phone: visit.phone.clone(),
                language: visit.language,
            };
            patient::insert(tx, &clinic.slug, visit.patient, &person, false, now).await?;
            appointment::insert(tx, &clinic.slug, visit).await
        })
        .await;
    kept.unwrap();
    let mailbox = Mailbox::new(folder);
    let letters = VisitLetters {
        clock: Clock::frozen(now),
        clinics: Arc::new(Clinics::open(database.clone()).await.unwrap()),
        links: Arc::new(Links::load(&database).await.unwrap()),
        origin: "https://portal.example".to_owned(),
        channels: Channels::folder(mailbox.clone()),
        undo: TimeDelta::minutes(3),
        database,
    };
    Desk { letters, mailbox }
}

impl Desk {
    fn job(&self) -> Job {
        Job {
            id: Uuid::from_u128(1),
            clinic: "rowan-street".to_owned(),
            kind: "letter.confirmation".to_owned(),
            subject: serde_json::json!({ "appointment": AppointmentId(Uuid::from_u128(7)) }),
            attempt: 1,
            created_at: self.letters.clock.now(),
        }
    }

    async fn run(&self) -> Result<(), JobError> {
        self.letters.run(&self.job()).await
    }

    /// What the table says was sent: channel, to whom, why.
    async fn noted(&self) -> Vec<[String; 3]> {
        let mut tx = self.letters.database.read().await.unwrap();
        let rows = tx
            .query("SELECT channel, recipient_hint, reason FROM letter WHERE state = 'sent' ORDER BY id")
            .fetch_all()
            .await
            .unwrap();
        rows.iter().map(|row| ["channel", "recipient_hint", "reason"].map(|column| row.get(column).unwrap())).collect()
    }
}

fn mailbox_folder() -> crate::store::testing::Folder {
    crate::store::testing::Folder::new()
}

on_both! {
    async fn a_booked_visit_gets_one_letter_however_often_the_job_runs(scratch: Scratch) {
        let folder = mailbox_folder();
        let desk = desk(&scratch, facts(Language::En), folder.path()).await;
        desk.run().await.unwrap();
        let sent = desk.mailbox.list().await.unwrap();
        assert_eq!(sent.len(), 1);
        let first = desk.mailbox.open(&sent[0]).await.unwrap();
        assert!(String::from_utf8(first.clone().unwrap()).unwrap().contains("Subject: You are booked: Thursday 12 March"));
        desk.letters.clock.advance(chrono::TimeDelta::minutes(5));
        assert!(matches!(desk.run().await, Err(JobError::Moot("it has been said"))));
        assert_eq!(desk.mailbox.list().await.unwrap(), sent);
        assert_eq!(desk.mailbox.open(&sent[0]).await.unwrap(), first, "it was not sent again");
        assert_eq!(desk.noted().await, [["mail", "m***@example.org", "the visit was booked"]]);
    }

    async fn once_the_visit_is_cancelled_only_that_goes_out_whichever_job_comes_first(scratch: Scratch) {
        let folder = mailbox_folder();
        let desk = desk(&scratch, facts(Language::En), folder.path()).await;
        desk.run().await.unwrap();
        let cancelling = async |tx: &mut Tx| {
            let cancelled = "UPDATE appointment SET status = 'cancelled', sequence = 1 WHERE clinic = 'rowan-street'";
            tx.query(cancelled).execute().await
        };
        desk.letters.database.write(cancelling).await.unwrap();
        desk.run().await.unwrap();
        assert!(matches!(desk.run().await, Err(JobError::Moot("it has been said"))));
        assert_eq!(desk.mailbox.list().await.unwrap().len(), 2);
        assert_eq!(desk.noted().await[1], ["mail", "m***@example.org", "the visit was cancelled"]);
    }

    async fn a_cancelled_visit_that_nobody_was_told_of_sends_nothing(scratch: Scratch) {
        let folder = mailbox_folder();
        let mut cancelled = facts(Language::En);
        cancelled.appointment.status = VisitStatus::Cancelled;
        let desk = desk(&scratch, cancelled, folder.path()).await;
        assert!(matches!(desk.run().await, Err(JobError::Moot("nobody was told of the visit"))));
        assert!(desk.mailbox.list().await.unwrap().is_empty());
    }

    async fn a_letter_about_a_visit_that_changes_under_its_hands_does_not_go_out(scratch: Scratch) {
        let folder = mailbox_folder();
        let desk = desk(&scratch, facts(Language::En), folder.path()).await;
        let (clinic, job) = (clinic().slug, desk.job());
        let subject = job.subject().unwrap();
        let news = desk.letters.news(&clinic, &subject, &job).await.unwrap();
        let cancelling = async |tx: &mut Tx| {
            let cancelled = "UPDATE appointment SET status = 'cancelled', sequence = 1 WHERE clinic = 'rowan-street'";
            tx.query(cancelled).execute().await
        };
        desk.letters.database.write(cancelling).await.unwrap();
        assert!(matches!(desk.letters.send(&clinic, news, &job).await, Err(JobError::NotYet(_))));
        assert!(desk.mailbox.list().await.unwrap().is_empty());
        assert!(desk.noted().await.is_empty());
    }

    async fn a_mailbox_that_does_not_take_the_letter_is_tried_again(scratch: Scratch) {
        let folder = mailbox_folder();
        let blocked = folder.path().join("mailbox");
        std::fs::write(&blocked, "a file where the folder should be").unwrap();
        let desk = desk(&scratch, facts(Language::De), &blocked).await;
        assert!(matches!(desk.run().await, Err(JobError::Retry(_))));
        assert!(desk.noted().await.is_empty(), "nothing is noted as sent that was not");
        std::fs::remove_file(&blocked).unwrap();
        desk.run().await.unwrap();
        assert_eq!(desk.noted().await.len(), 1);
    }
}
