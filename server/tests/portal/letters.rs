//! Letters that leave by a mail server, whatever the mail server does.

use std::sync::Arc;
use std::time::Duration;

use app::booking::model::Draft;
use app::ids::AppointmentId;
use chrono::TimeDelta;
use mail_parser::{MessageParser, MimeHeaders as _};
use server::clinic::Clinics;
use server::config::Config;
use server::jobs::queue::{ATTEMPTS_MAX, LEASE};
use server::jobs::{Registry, Worker};
use server::letters::channel::Channels;
use server::letters::job::VisitLetters;
use server::letters::series::SeriesLetters;
use server::letters::store::{NotSent, lost, not_sent};
use server::letters::tell::{CHANGE_LETTER_JOB, LETTER_JOB, SERIES_LETTER_JOB, tell};
use server::link::Links;

use crate::harness::{Folder, TestPortal, at, rowan};
use crate::on_both;
use crate::program::{Program, perennial, run};
use crate::smtp::{Certificate, MailServer, Manner, Received, Turns};

/// The worker of a portal whose letters go to that mail server.
pub async fn worker(portal: &TestPortal, server: &str, more: &[(&str, &str)]) -> Worker {
    let variables =
        [("PERENNIAL_MAIL_SERVER", server), ("PERENNIAL_MAIL_TIMEOUT_S", "1"), ("PERENNIAL_ORIGIN", "https://portal.example")];
    let find = |name: &str| more.iter().chain(&variables).find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    let config = Config::from_sources("", "", find).unwrap();
    let letters = VisitLetters {
        database: portal.database.clone(),
        clock: portal.clock.clone(),
        clinics: Arc::new(Clinics::open(portal.database.clone()).await.unwrap()),
        links: Arc::new(Links::load(&portal.database).await.unwrap()),
        origin: config.origin.to_string(),
        channels: Channels::open(&config).unwrap(),
        undo: config.letters_undo,
    };
    let letters = Arc::new(letters);
    let registry = Registry::default().job(LETTER_JOB, letters.clone()).job(CHANGE_LETTER_JOB, letters.clone());
    let registry = registry.job(SERIES_LETTER_JOB, Arc::new(SeriesLetters(letters)));
    Worker::new(portal.database.clone(), portal.clock.clone(), registry)
}

/// The setting that sends letters to it.
pub fn post(server: &MailServer) -> String {
    format!("smtp://127.0.0.1:{}", server.port)
}

/// A booked visit, whose letter waits to be sent.
async fn book(portal: &TestPortal, visitor: u8, start: &str) {
    portal.visitor(visitor).book("physio", None, start).await.unwrap();
}

/// Moves the only visit, or changes its state, as a page does: by the change and its letter in one
/// transaction.
async fn change(portal: &TestPortal, status: &'static str, start: &str) {
    let (start, now, job) = (at(start), portal.clock.now(), portal.clock.new_id());
    let changed = portal.database.write(async move |tx| {
        let changing = "UPDATE appointment SET status = $1, start_at = $2, end_at = $3, sequence = sequence + 1
                        WHERE clinic = 'rowan' RETURNING id, sequence";
        let end = start + TimeDelta::minutes(45);
        let row = tx.query(changing).bind(status).bind(start).bind(end).fetch_one().await?;
        tell(tx, &rowan(), AppointmentId(row.get("id")?), row.get("sequence")?, job, now).await
    });
    changed.await.unwrap();
}

/// The subjects of what arrived, in order.
fn subjects(server: &MailServer) -> Vec<String> {
    let received = server.received();
    let subject = |letter: &Received| MessageParser::default().parse(&letter.message).unwrap().subject().unwrap().to_owned();
    received.iter().map(subject).collect()
}

/// Every letter that is not sent.
async fn kept_back(portal: &TestPortal) -> Vec<NotSent> {
    not_sent(&mut portal.database.read().await.unwrap(), portal.clock.now(), 100).await.unwrap()
}

/// States and details of the letters that are not sent.
async fn fates(portal: &TestPortal) -> Vec<(String, String)> {
    kept_back(portal).await.into_iter().map(|letter| (letter.state, letter.detail)).collect()
}

fn pairs(found: &[(String, String)]) -> Vec<(&str, &str)> {
    found.iter().map(|(state, detail)| (state.as_str(), detail.as_str())).collect()
}

fn ids(received: &[Received]) -> Vec<&str> {
    received.iter().map(Received::message_id).collect()
}

const THURSDAY: &str = "2026-03-12T09:00:00Z";

on_both! {
    async fn a_booking_is_confirmed_by_mail_in_text_and_html(portal: TestPortal) {
        let server = MailServer::start(Manner::Accepting).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        book(&portal, 1, THURSDAY).await;
        assert_eq!(worker.run_due().await.unwrap(), 1);
        let received = server.received();
        assert_eq!(received.len(), 1);
        assert_eq!((received[0].from.as_str(), received[0].to.as_str()), ("hello@rowan.example", "visitor1@example.org"));
        let message = MessageParser::default().parse(received[0].message.as_bytes()).unwrap();
        assert_eq!(message.subject(), Some("You are booked: Thursday 12 March, 9:00 am"));
        assert!(message.body_text(0).unwrap().contains("Hello Visitor NumberB,"));
        assert!(message.html_part(0).unwrap().text_contents().unwrap().contains("<h1"));
        assert!(message.attachments().any(|part| part.attachment_name() == Some("visit.ics")));
        assert!(kept_back(&portal).await.is_empty());
        assert_eq!(worker.run_due().await.unwrap(), 0, "and once");
    }

    async fn letters_come_from_the_configured_address_and_are_answered_to_the_clinic(portal: TestPortal) {
        let server = MailServer::start(Manner::Accepting).await;
        let worker = worker(&portal, &post(&server), &[("PERENNIAL_MAIL_FROM", "portal@post.example")]).await;
        book(&portal, 1, THURSDAY).await;
        worker.run_due().await.unwrap();
        let received = server.received();
        assert_eq!(received[0].from, "portal@post.example");
        let message = MessageParser::default().parse(received[0].message.as_bytes()).unwrap();
        let address = |found: Option<&mail_parser::Address<'_>>| found.unwrap().first().unwrap().address().unwrap().to_owned();
        assert_eq!(address(message.from()), "portal@post.example");
        assert_eq!(address(message.reply_to()), "hello@rowan.example");
    }

    async fn an_address_that_is_refused_fails_at_once_and_everybody_can_see_why(portal: TestPortal) {
        let server = MailServer::start(Manner::Refusing("550 5.1.1 <{}>: Recipient address rejected")).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        book(&portal, 1, THURSDAY).await;
        assert_eq!(worker.run_due().await.unwrap(), 1);
        portal.clock.advance(TimeDelta::hours(8));
        assert_eq!(worker.run_due().await.unwrap(), 0, "it is not tried again");
        let failed = kept_back(&portal).await.remove(0);
        let why = "the mail server refused the address: 550 5.1.1, the address does not exist";
        assert_eq!((failed.state.as_str(), failed.detail.as_str()), ("failed", why));
        assert_eq!((failed.recipient_hint.as_str(), failed.clinic.as_str()), ("v***@example.org", "rowan"));
        assert!(failed.number.starts_with("RS-"));
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM audit WHERE action = 'letter.fail' AND clinic = 'rowan'").await, 1);
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM job WHERE reason LIKE '%visitor1%' OR state <> 'failed'").await, 0);
    }

    async fn a_letter_that_is_refused_whole_fails_at_once_too(portal: TestPortal) {
        let server = MailServer::start(Manner::RefusingLetters("554 https://portal.example/rowan/visit/x looks bad")).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        book(&portal, 1, THURSDAY).await;
        worker.run_due().await.unwrap();
        assert_eq!(pairs(&fates(&portal).await), [("failed", "the mail server refused the letter: 554, without a reason")]);
    }

    async fn a_greylisted_letter_arrives_the_second_time_and_once(portal: TestPortal) {
        let server = MailServer::start(Manner::Greylisting).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        book(&portal, 1, THURSDAY).await;
        worker.run_due().await.unwrap();
        let why = "the mail server refused the address: 450 4.2.0, the mailbox is not available";
        assert_eq!(pairs(&fates(&portal).await), [("waiting", why)]);
        portal.clock.advance(TimeDelta::seconds(29));
        assert_eq!(worker.run_due().await.unwrap(), 0, "not before its time");
        portal.clock.advance(TimeDelta::seconds(9));
        assert_eq!(worker.run_due().await.unwrap(), 1);
        assert_eq!(server.count(), 1);
        assert!(kept_back(&portal).await.is_empty());
    }

    async fn a_mail_server_that_is_away_or_slow_costs_no_letter(portal: TestPortal) {
        let gone = MailServer::start(Manner::Accepting).await;
        let (port, address) = (gone.port, post(&gone));
        gone.end().await;
        let worker = worker(&portal, &address, &[]).await;
        for (visitor, hour) in [(1, 9), (2, 10), (3, 11)] {
            book(&portal, visitor, &format!("2026-03-12T{hour:02}:00:00Z")).await;
        }
        assert_eq!(worker.run_due().await.unwrap(), 3);
        let fates = fates(&portal).await;
        assert!(fates.len() == 3 && fates.iter().all(|(state, why)| state == "waiting" && why.contains("127.0.0.1")), "{fates:?}");
        let server = MailServer::at(port, Manner::Slow(Duration::from_secs(30)), None).await;
        portal.clock.advance(TimeDelta::minutes(1));
        assert_eq!(worker.run_due().await.unwrap(), 3);
        assert!(server.received().is_empty());
        server.behave(Manner::Accepting);
        portal.clock.advance(TimeDelta::minutes(2));
        assert_eq!(worker.run_due().await.unwrap(), 3);
        assert_eq!(server.count(), 3);
        assert!(kept_back(&portal).await.is_empty());
    }

    async fn what_the_clinic_has_to_mend_is_tried_again_and_never_blamed_on_the_address(portal: TestPortal) {
        let server = MailServer::start(Manner::RefusingUs("550 5.7.1 sender not allowed")).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        book(&portal, 1, THURSDAY).await;
        worker.run_due().await.unwrap();
        let why = "the mail server does not take mail from us: 550 5.7.1 sender not allowed";
        assert_eq!(pairs(&fates(&portal).await), [("waiting", why)]);
        server.behave(Manner::Accepting);
        portal.clock.advance(TimeDelta::minutes(1));
        worker.run_due().await.unwrap();
        assert_eq!(server.count(), 1);
    }

    async fn after_the_last_attempt_a_letter_has_failed_for_all_to_see(portal: TestPortal) {
        let server = MailServer::start(Manner::Refusing("451 4.3.0 disk trouble")).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        // Later than every attempt: once a visit is over there is nothing to say.
        book(&portal, 1, "2026-03-24T09:00:00Z").await;
        for _ in 0..ATTEMPTS_MAX {
            assert_eq!(worker.run_due().await.unwrap(), 1);
            portal.clock.advance(TimeDelta::minutes(80));
        }
        assert_eq!(worker.run_due().await.unwrap(), 0);
        assert_eq!(kept_back(&portal).await[0].state, "failed");
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM audit WHERE action = 'letter.fail' AND clinic = 'rowan'").await, 1);
        let (hour, mut tx) = (TimeDelta::hours(1), portal.database.read().await.unwrap());
        let before_and_after = [portal.clock.now() - hour - hour, portal.clock.now() + hour];
        for (since, expected) in before_and_after.into_iter().zip([(1, 0), (0, 1)]) {
            assert_eq!(lost(&mut tx, since).await.unwrap(), expected, "lately, and before");
        }
    }

    async fn a_connection_that_breaks_inside_a_letter_costs_nothing(portal: TestPortal) {
        let server = MailServer::start(Manner::DroppingInside).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        book(&portal, 1, THURSDAY).await;
        worker.run_due().await.unwrap();
        assert!(server.received().is_empty());
        server.behave(Manner::Accepting);
        portal.clock.advance(TimeDelta::minutes(1));
        worker.run_due().await.unwrap();
        assert_eq!(server.count(), 1);
        assert!(kept_back(&portal).await.is_empty());
    }

    async fn a_letter_without_an_answer_goes_out_once_more_as_the_same_letter(portal: TestPortal) {
        let server = MailServer::start(Manner::DroppingAfter).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        book(&portal, 1, THURSDAY).await;
        worker.run_due().await.unwrap();
        server.behave(Manner::Accepting);
        portal.clock.advance(TimeDelta::minutes(1));
        worker.run_due().await.unwrap();
        let received = server.received();
        assert_eq!(received.len(), 2);
        assert_eq!(received[0].message_id(), received[1].message_id());
        assert!(kept_back(&portal).await.is_empty());
    }

    async fn a_change_that_was_told_without_an_answer_is_told_once_more(portal: TestPortal) {
        let server = MailServer::start(Manner::Accepting).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        book(&portal, 1, THURSDAY).await;
        worker.run_due().await.unwrap();
        server.behave(Manner::DroppingAfter);
        change(&portal, "booked", "2026-03-12T10:00:00Z").await;
        portal.clock.advance(TimeDelta::minutes(3));
        worker.run_due().await.unwrap();
        server.behave(Manner::Accepting);
        portal.clock.advance(TimeDelta::minutes(1));
        worker.run_due().await.unwrap();
        let received = server.received();
        assert_eq!(received.len(), 3);
        assert_eq!(received[1].message_id(), received[2].message_id());
        assert!(kept_back(&portal).await.is_empty());
    }

    async fn a_letter_is_never_handed_over_a_third_time_and_says_that_it_may_have_arrived(portal: TestPortal) {
        let server = MailServer::start(Manner::DroppingAfter).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        book(&portal, 1, THURSDAY).await;
        for _ in 0..ATTEMPTS_MAX {
            worker.run_due().await.unwrap();
            portal.clock.advance(TimeDelta::minutes(10));
        }
        let received = server.received();
        assert_eq!(received.len(), 2);
        assert_eq!(received[0].message_id(), received[1].message_id());
        assert_eq!(pairs(&fates(&portal).await), [("unknown", "the mail server got the letter and did not answer")]);
    }

    async fn a_worker_that_dies_with_a_letter_in_hand_makes_at_most_one_duplicate(portal: TestPortal) {
        let server = MailServer::start(Manner::FallingSilent).await;
        book(&portal, 1, THURSDAY).await;
        let first = worker(&portal, &post(&server), &[("PERENNIAL_MAIL_TIMEOUT_S", "25")]).await;
        let dying = tokio::spawn(async move { first.run_due().await });
        while server.count() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        dying.abort();
        assert!(dying.await.is_err(), "it died");
        server.behave(Manner::Accepting);
        let heir = worker(&portal, &post(&server), &[]).await;
        assert_eq!(heir.run_due().await.unwrap(), 0, "the dead one still has its lease");
        portal.clock.advance(TimeDelta::minutes(6));
        assert_eq!(kept_back(&portal).await[0].state, "sending", "its fate can be seen");
        assert_eq!(heir.run_due().await.unwrap(), 1);
        let received = server.received();
        assert_eq!((received.len(), received[0].message_id()), (2, received[1].message_id()));
        portal.clock.advance(LEASE * 2);
        assert_eq!(heir.run_due().await.unwrap(), 0);
        assert!(kept_back(&portal).await.is_empty());
    }

    async fn letters_share_a_connection(portal: TestPortal) {
        let server = MailServer::start(Manner::Accepting).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        for (visitor, hour) in [(1, 9), (2, 10), (3, 11), (4, 12)] {
            book(&portal, visitor, &format!("2026-03-12T{hour:02}:00:00Z")).await;
            worker.run_due().await.unwrap();
        }
        assert_eq!((server.count(), server.connections()), (4, 1));
        // One that the server has closed meanwhile is replaced without losing an attempt.
        let port = server.port;
        server.end().await;
        let server = MailServer::at(port, Manner::Accepting, None).await;
        book(&portal, 5, "2026-03-12T13:00:00Z").await;
        worker.run_due().await.unwrap();
        assert_eq!((server.count(), server.connections()), (1, 1));
        assert!(kept_back(&portal).await.is_empty());
    }

    async fn a_mail_server_that_knows_us_takes_letters_and_another_password_is_not_told(portal: TestPortal) {
        let server = MailServer::with_login("clinic", "a/b:c").await;
        let wrong = worker(&portal, &format!("smtp://clinic:hush@127.0.0.1:{}", server.port), &[]).await;
        book(&portal, 1, THURSDAY).await;
        wrong.run_due().await.unwrap();
        let (state, why) = fates(&portal).await.remove(0);
        assert!(state == "waiting" && why.contains("does not let us sign in: 535"), "{why}");
        assert!(!why.contains("hush"), "{why}");
        let right = worker(&portal, &format!("smtp://clinic:a%2Fb%3Ac@127.0.0.1:{}", server.port), &[]).await;
        portal.clock.advance(TimeDelta::minutes(1));
        right.run_due().await.unwrap();
        assert_eq!(server.count(), 1);
    }

    async fn nothing_is_said_in_the_open_where_encryption_is_wanted(portal: TestPortal) {
        let server = MailServer::with_login("clinic", "hush").await;
        book(&portal, 1, THURSDAY).await;
        let address = format!("smtp://clinic:hush@127.0.0.1:{}", server.port);
        let insists = worker(&portal, &address, &[("PERENNIAL_MAIL_STARTTLS", "on")]).await;
        insists.run_due().await.unwrap();
        let (state, why) = fates(&portal).await.remove(0);
        assert!(state == "waiting" && why.contains("offers no encryption"), "{why}");
        assert!(!server.heard().contains("AUTH") && !server.heard().contains("MAIL"), "{}", server.heard());
        let encrypted = worker(&portal, &address.replace("smtp:", "smtps:"), &[]).await;
        portal.clock.advance(TimeDelta::minutes(1));
        encrypted.run_due().await.unwrap();
        assert_eq!(fates(&portal).await[0].0, "waiting");
        assert!(server.received().is_empty() && !server.heard().contains("MAIL"), "{}", server.heard());
    }

    async fn letters_go_encrypted_to_a_mail_server_that_is_trusted_and_to_no_other(portal: TestPortal) {
        let (folder, certificate) = (Folder::new(), Certificate::new());
        let trust = folder.0.join("trust.pem");
        std::fs::write(&trust, &certificate.pem).unwrap();
        let trusting = [("PERENNIAL_MAIL_STARTTLS", "on"), ("PERENNIAL_MAIL_TRUST", trust.to_str().unwrap())];
        for (visitor, scheme, turns) in [(1, "smtps", Turns::AtOnce), (2, "smtp", Turns::WhenAsked)] {
            let server = MailServer::with_tls(&certificate, turns).await;
            let host = |host: &str| format!("{scheme}://{host}:{}", server.port);
            book(&portal, visitor, &format!("2026-03-1{}T09:00:00Z", visitor + 1)).await;
            for (host, settings) in [(host("127.0.0.1"), &trusting[..1]), (host("localhost"), &trusting[..])] {
                worker(&portal, &host, settings).await.run_due().await.unwrap();
                let (state, why) = fates(&portal).await.remove(0);
                assert!(state == "waiting" && why.contains("certificate"), "{why}");
                assert!(!server.heard().contains("MAIL"), "{}", server.heard());
                portal.clock.advance(TimeDelta::minutes(2));
            }
            worker(&portal, &host("127.0.0.1"), &trusting).await.run_due().await.unwrap();
            assert!(server.received()[0].encrypted);
            assert!(kept_back(&portal).await.is_empty());
        }
    }

    async fn a_name_with_line_breaks_brings_no_header_recipient_or_letter_of_its_own(portal: TestPortal) {
        let server = MailServer::start(Manner::Accepting).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        let visitor = portal.visitor(1);
        let name = "Maya\r\nBcc: eve@example.org\r\n.\r\nMAIL FROM:<eve@example.org>\r\n";
        let hold = visitor.hold("physio", None, THURSDAY).await.unwrap();
        // Refused or taken, it ends in no letter but ours.
        let _ = visitor.describe(&hold, Draft { name: name.to_owned(), ..visitor.draft() }).await;
        if visitor.confirm(&hold).await.is_err() {
            visitor.describe(&hold, visitor.draft()).await.unwrap();
            visitor.confirm(&hold).await.unwrap();
        }
        portal.database.write(async move |tx| {
            tx.query("UPDATE patient SET name = $1 WHERE clinic = 'rowan'").bind(name).execute().await
        }).await.unwrap();
        worker.run_due().await.unwrap();
        let received = server.received();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].to, "visitor1@example.org");
        let message = MessageParser::default().parse(received[0].message.as_bytes()).unwrap();
        assert!(message.bcc().is_none());
        assert_eq!(message.all_to().count(), 1);
        assert_eq!(server.heard().matches("MAIL FROM").count(), 1, "{}", server.heard());
    }

    async fn after_a_day_without_the_worker_letters_go_in_order_and_pointless_ones_not_at_all(portal: TestPortal) {
        let server = MailServer::start(Manner::Accepting).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        // The first is over when the worker comes back.
        for (visitor, start) in [(1, "2026-03-11T14:00:00Z"), (2, "2026-03-13T09:00:00Z"), (3, "2026-03-13T10:00:00Z")] {
            book(&portal, visitor, start).await;
            portal.clock.advance(TimeDelta::minutes(1));
        }
        portal.clock.advance(TimeDelta::hours(24));
        assert_eq!(worker.run_due().await.unwrap(), 3);
        let received = server.received();
        assert_eq!(received.len(), 2);
        let there: std::collections::BTreeSet<_> = ids(&received).into_iter().collect();
        assert_eq!(there.len(), 2);
        let moot = "SELECT COUNT(*) AS n FROM job WHERE state = 'done' AND reason = 'there is nothing to say any more'";
        assert_eq!(portal.count(moot).await, 1, "and there is a record of that");
    }

    async fn a_change_waits_three_minutes_and_only_the_latest_state_is_told(portal: TestPortal) {
        let server = MailServer::start(Manner::Accepting).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        book(&portal, 1, THURSDAY).await;
        worker.run_due().await.unwrap();
        assert_eq!(server.count(), 1, "a booking is told at once");
        change(&portal, "booked", "2026-03-12T10:00:00Z").await;
        portal.clock.advance(TimeDelta::minutes(2));
        worker.run_due().await.unwrap();
        change(&portal, "booked", "2026-03-12T11:00:00Z").await;
        portal.clock.advance(TimeDelta::seconds(179));
        worker.run_due().await.unwrap();
        assert_eq!(server.count(), 1, "the first change is old enough, and it is not the latest");
        portal.clock.advance(TimeDelta::seconds(1));
        worker.run_due().await.unwrap();
        assert_eq!(server.count(), 2);
        assert!(subjects(&server)[1].contains("Thursday 12 March, 11:00 am"), "{:?}", subjects(&server));
        portal.clock.advance(TimeDelta::hours(1));
        worker.run_due().await.unwrap();
        assert_eq!(server.count(), 2);
    }

    async fn a_change_that_is_undone_in_time_sends_nothing_and_later_it_is_told_twice(portal: TestPortal) {
        let server = MailServer::start(Manner::Accepting).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        book(&portal, 1, THURSDAY).await;
        worker.run_due().await.unwrap();
        for (status, start) in [("booked", "2026-03-12T10:00:00Z"), ("cancelled", "2026-03-12T10:00:00Z"), ("booked", THURSDAY)] {
            change(&portal, status, start).await;
            portal.clock.advance(TimeDelta::seconds(50));
            worker.run_due().await.unwrap();
        }
        portal.clock.advance(TimeDelta::minutes(10));
        worker.run_due().await.unwrap();
        assert_eq!(server.count(), 1);
        assert!(portal.count("SELECT COUNT(*) AS n FROM job WHERE reason = 'the change was undone'").await > 0);
        for start in ["2026-03-12T10:00:00Z", THURSDAY] {
            change(&portal, "booked", start).await;
            portal.clock.advance(TimeDelta::minutes(3));
            worker.run_due().await.unwrap();
        }
        assert_eq!(server.count(), 3, "who was told of the one must be told of the other");
    }

    async fn a_booking_that_could_not_be_told_before_it_changed_is_told_as_it_is_now(portal: TestPortal) {
        let server = MailServer::start(Manner::Refusing("451 4.3.0 later")).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        book(&portal, 1, THURSDAY).await;
        worker.run_due().await.unwrap();
        assert_eq!(kept_back(&portal).await.len(), 1);
        change(&portal, "booked", "2026-03-12T11:00:00Z").await;
        server.behave(Manner::Accepting);
        portal.clock.advance(TimeDelta::minutes(2));
        worker.run_due().await.unwrap();
        assert_eq!(server.count(), 0);
        portal.clock.advance(TimeDelta::minutes(1));
        worker.run_due().await.unwrap();
        assert_eq!(server.count(), 1);
        assert!(subjects(&server)[0].contains("11:00 am"), "{:?}", subjects(&server));
        assert!(kept_back(&portal).await.is_empty(), "nothing is left to be sent");
    }

    async fn a_visit_that_is_cancelled_before_anybody_was_told_of_it_sends_nothing(portal: TestPortal) {
        let server = MailServer::start(Manner::Refusing("451 4.3.0 later")).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        book(&portal, 1, THURSDAY).await;
        worker.run_due().await.unwrap();
        change(&portal, "cancelled", THURSDAY).await;
        server.behave(Manner::Accepting);
        for _ in 0..5 {
            portal.clock.advance(TimeDelta::minutes(3));
            worker.run_due().await.unwrap();
        }
        assert_eq!(server.count(), 0);
        assert!(kept_back(&portal).await.is_empty());
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM letter WHERE clinic = 'rowan' AND state = 'withdrawn'").await, 1);
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM job WHERE state <> 'done'").await, 0);
    }

    async fn how_long_a_change_waits_is_a_setting(portal: TestPortal) {
        let server = MailServer::start(Manner::Accepting).await;
        let worker = worker(&portal, &post(&server), &[("PERENNIAL_LETTERS_UNDO_S", "0")]).await;
        book(&portal, 1, THURSDAY).await;
        worker.run_due().await.unwrap();
        change(&portal, "booked", "2026-03-12T11:00:00Z").await;
        worker.run_due().await.unwrap();
        assert_eq!(server.count(), 2);
    }

    async fn a_clock_that_steps_back_or_far_ahead_neither_loses_nor_doubles_a_letter(portal: TestPortal) {
        let server = MailServer::start(Manner::Greylisting).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        book(&portal, 1, "2026-03-24T09:00:00Z").await;
        worker.run_due().await.unwrap();
        for step in [TimeDelta::hours(-1), TimeDelta::hours(1), TimeDelta::hours(-1), TimeDelta::hours(24)] {
            portal.clock.advance(step);
            worker.run_due().await.unwrap();
        }
        assert_eq!(server.count(), 1);
        assert!(kept_back(&portal).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_tries_the_mail_server_and_tells_no_password() {
    let (folder, server) = (Folder::new(), MailServer::with_login("clinic", "hush").await);
    let right = format!("smtp://clinic:hush@127.0.0.1:{}", server.port);
    let wrong = format!("smtp://clinic:secret@127.0.0.1:{}", server.port);
    let doctor = async |address: &str| {
        let mut command = perennial(&folder.0, &[("PERENNIAL_MAIL_SERVER", address), ("PERENNIAL_MAIL_TIMEOUT_S", "2")]);
        command.arg("doctor");
        run(command).await
    };
    let well = doctor(&right).await;
    let sentence = format!("the mail server smtp://clinic@127.0.0.1:{} answers: not encrypted, signed in", server.port);
    assert!(well.status.success() && well.said.contains(&sentence), "{well:?}");
    let unwell = doctor(&wrong).await;
    assert!(!unwell.status.success() && unwell.said.contains("does not let us sign in"), "{unwell:?}");
    for ended in [well, unwell] {
        assert!(!ended.said.contains("hush") && !ended.said.contains("secret"), "{ended:?}");
    }
    assert!(server.received().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_that_did_not_go_out_are_listed_without_saying_to_whom() {
    let (folder, server) = (Folder::new(), MailServer::start(Manner::Refusing("550 5.1.1 <{}>: no such user")).await);
    let address = post(&server);
    let variables = [("PERENNIAL_MAIL_SERVER", address.as_str())];
    let mut program = Program::serve(&folder.0, &variables).await;
    let mut random = rand::rng();
    program.browser().some_visit(&mut random).await;
    let failing = async {
        while !program.log().contains("a job failed") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), failing).await.expect("the letter fails");
    assert!(program.end().await.success());
    let order = async |what: &[&str]| {
        let mut command = perennial(&folder.0, &variables);
        command.args(what);
        run(command).await
    };
    let listed = order(&["letters"]).await;
    assert!(listed.status.success(), "{listed:?}");
    for part in ["failed", "rowan-street", "confirmation", "m***@example.org", "RS-", "550 5.1.1, the address does not exist"] {
        assert!(listed.said.contains(part), "{part} is missing in {listed:?}");
    }
    assert!(!listed.said.contains("maya"), "{listed:?}");
    let doctor = order(&["doctor"]).await;
    assert!(!doctor.status.success() && doctor.said.contains("wrong  1 letter has failed in the last week"), "{doctor:?}");
    assert_eq!(doctor.said.matches("wrong  ").count(), 1, "what is one mistake is told once: {doctor:?}");

    let number = listed.said.split_whitespace().find(|word| word.starts_with("RS-")).unwrap();
    let settled = order(&["appointment", "settle", "rowan-street", &number.to_lowercase()]).await;
    assert!(settled.status.success() && settled.said.ends_with(" is settled.\n"), "{settled:?}");
    assert_eq!(order(&["letters"]).await.said, "Every letter that was to go out has gone out.\n");
    let well = order(&["doctor"]).await;
    assert!(well.status.success() && well.said.contains("good   no letter has failed\n"), "{well:?}");
    let again = order(&["appointment", "settle", "rowan-street", number]).await;
    assert!(!again.status.success() && again.complained.contains("is open; nothing was changed"), "{again:?}");
}
