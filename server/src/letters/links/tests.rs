//! The job as the worker runs it, on both databases.

use chrono::{NaiveDate, TimeDelta};
use uuid::Uuid;

use super::super::channel::Channels;
use super::super::mailbox::Mailbox;
use super::super::testing::{clinic, facts, utc};
use super::*;
use crate::booking::store::patient::{self, Person};
use crate::clinic::{self, Clinics};
use crate::clock::Clock;
use crate::link::Links;
use crate::store::StoreError;
use crate::store::testing::{Folder, Scratch, on_both};

/// Visits with these contacts, a day apart, and the job beside a mailbox. The third is over.
async fn desk(scratch: &Scratch, folder: &Folder) -> (LinkLetters, Mailbox) {
    let database = scratch.database.clone();
    let now = utc("2026-03-11T08:00:00Z");
    let kept: Result<(), StoreError> = database
        .write(async move |tx| {
            let clinic = self::clinic();
            clinic::store::put(tx, &clinic, now).await?;
            let contacts = [
                ("maya@example.org", Some("+447700900461")),
                ("Maya@example.org", None),
                ("maya@example.org", None),
                ("eve@example.org", Some("+337700900461")),
            ];
            let many = std::iter::repeat_n(("sam@example.org", Some("+447700900999")), 5);
            let contacts = contacts.into_iter().chain(many);
            for (number, (email, phone)) in (0_u32..).zip(contacts) {
                let mut visit = facts(Language::En).appointment;
                visit.id.0 = Uuid::from_u128(100 + u128::from(number));
                visit.number = format!("RS-{number}");
                visit.patient.0 = Uuid::from_u128(200 + u128::from(number));
                visit.email = Some(email.to_owned());
                visit.phone = phone.map(str::to_owned);
                let days = if number == 2 { chrono::TimeDelta::days(-10) } else { chrono::TimeDelta::days(i64::from(number)) };
                (visit.place.start, visit.place.end) = (visit.place.start + days, visit.place.end + days);
                let person = Person {
                    name: "Maya Haddad".to_owned(),
                    folded_name: "maya haddad".to_owned(),
                    birth_date: NaiveDate::default(),
                    email: visit.email.clone(),
                    phone: visit.phone.clone(),
                    language: visit.language,
                };
                patient::insert(tx, &clinic.slug, visit.patient, &person, false, now).await?;
                appointment::insert(tx, &clinic.slug, &visit).await?;
            }
            Ok(())
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
    (LinkLetters(Arc::new(letters)), mailbox)
}

impl LinkLetters {
    /// Runs the job for a contact in its folded form; what is in the mailbox afterwards, in lines.
    async fn told(&self, mailbox: &Mailbox, folded: &str) -> Vec<String> {
        let job = Job {
            id: Uuid::from_u128(folded.bytes().map(u128::from).sum()),
            clinic: "rowan-street".to_owned(),
            kind: crate::booking::LINKS_LETTER_JOB.to_owned(),
            subject: serde_json::json!({ "contact": self.0.links.fingerprint(folded) }),
            attempt: 1,
            created_at: utc("2026-03-11T08:00:00Z"),
        };
        for _ in 0..2 {
            self.run(&job).await.unwrap();
        }
        let mut all = Vec::new();
        for name in mailbox.list().await.unwrap() {
            let bytes = mailbox.open(&name).await.unwrap().unwrap();
            let message = mail_parser::MessageParser::default().parse(&bytes).unwrap();
            let to = message.to().unwrap().first().unwrap().address().unwrap().to_owned();
            all.push(format!("{to}\n{}", message.body_text(0).unwrap()));
        }
        all
    }

    fn link(&self, number: u128) -> String {
        self.0.links.make(Purpose::Visit, Uuid::from_u128(100 + number)).0
    }
}

on_both! {
    async fn the_links_of_upcoming_visits_go_to_the_address_on_file_and_nowhere_else(scratch: Scratch) {
        let folder = Folder::new();
        let (links, mailbox) = desk(&scratch, &folder).await;
        assert!(links.told(&mailbox, "nobody@example.org").await.is_empty());
        let told = links.told(&mailbox, "maya@example.org").await;
        // Two ways to write the address on file: each gets its own visit, once.
        assert_eq!(told.len(), 2, "{told:?}");
        for (address, own, other) in [("maya@example.org", 0, 1), ("Maya@example.org", 1, 0)] {
            let letter = told.iter().find(|letter| letter.starts_with(&format!("{address}\n"))).unwrap();
            assert!(letter.contains(&links.link(own)), "{letter}");
            for never in [other, 2, 3] {
                assert!(!letter.contains(&links.link(never)), "{never} in {letter}");
            }
            assert!(!letter.to_lowercase().contains("physio") && !letter.contains("Haddad"), "{letter}");
        }
    }

    async fn a_number_with_many_visits_gets_a_few_text_messages_and_an_address_one_mail(scratch: Scratch) {
        let folder = Folder::new();
        let (links, mailbox) = desk(&scratch, &folder).await;
        let told = links.told(&mailbox, "700900999").await;
        assert_eq!(told.len(), 3);
        for next in 4..7 {
            assert!(told.iter().any(|text| text.contains(&links.link(next))), "{next}");
        }
        let mailed = links.told(&mailbox, "sam@example.org").await;
        assert_eq!(mailed.iter().filter(|letter| letter.starts_with("sam@example.org\n")).count(), 1);
    }

    async fn a_number_written_alike_in_two_countries_tells_each_of_its_own_visit(scratch: Scratch) {
        let folder = Folder::new();
        let (links, mailbox) = desk(&scratch, &folder).await;
        let told = links.told(&mailbox, "700900461").await;
        assert_eq!(told.len(), 2, "{told:?}");
        let of = |number: &str| told.iter().find(|letter| letter.contains(number)).unwrap();
        assert!(of("447700900461").contains(&links.link(0)) && !of("447700900461").contains(&links.link(3)));
        assert!(of("337700900461").contains(&links.link(3)) && !of("337700900461").contains(&links.link(0)));
    }
}
