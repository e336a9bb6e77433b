//! The visits of a series after booking: one letter for all, and changes to all of them at once.

use app::booking::model::{CancelDraft, ContactDraft, Visit, VisitStatus};
use app::booking::series::api::SeriesService as _;
use app::booking::series::model::{SeriesVisitState, Together};
use app::error::{PortalError, Reason};
use app::fields::FieldError;
use app::ids::LinkToken;
use chrono::TimeDelta;
use icalendar::parser::{read_calendar, unfold};
use mail_parser::{Message, MessageParser, MimeHeaders as _};

use crate::harness::{TestPortal, Visitor, at, rowan};
use crate::letters::{post, worker};
use crate::on_both;
use crate::plain::{Plain, served};
use crate::series::{book, wish};
use crate::smtp::{MailServer, Manner};

async fn together(portal: &TestPortal, who: &Visitor, visit: &LinkToken) -> Result<Together, PortalError> {
    portal.booking.together(&who.caller, &rowan(), visit).await
}

async fn cancel_all(portal: &TestPortal, who: &Visitor, visit: &LinkToken, version: &str) -> Result<(), PortalError> {
    portal.booking.cancel_all(&who.caller, &rowan(), visit, version, CancelDraft::default()).await
}

/// The page of each visit of the series, in their order.
async fn each(who: &Visitor, visit: &LinkToken) -> Vec<Visit> {
    let mut visits = Vec::new();
    for one in who.visit(visit).await.series {
        visits.push(who.visit(&one.token).await);
    }
    visits
}

async fn cancelled(portal: &TestPortal) -> i64 {
    portal.count("SELECT COUNT(*) AS n FROM appointment WHERE status = 'cancelled'").await
}

/// Properties of the events of the calendar file that came with a letter.
fn events(message: &Message<'_>) -> (String, Vec<(String, String, String)>) {
    let file = message.attachments().find(|part| part.attachment_name() == Some("visits.ics")).unwrap();
    let text = unfold(file.text_contents().unwrap());
    let calendar = read_calendar(&text).unwrap();
    let method = calendar.properties.iter().find(|property| property.name == "METHOD").unwrap().val.to_string();
    let events = calendar.components.iter().filter(|component| component.name == "VEVENT").map(|event| {
        let value = |name: &str| event.find_prop(name).unwrap().val.to_string();
        (value("UID"), value("SEQUENCE"), value("STATUS"))
    });
    let events = events.collect();
    assert_eq!(calendar.components.iter().filter(|component| component.name == "VTIMEZONE").count(), 1);
    (method, events)
}

on_both! {
    async fn each_visit_knows_the_others(portal: TestPortal) {
        let maya = portal.visitor(1);
        let first = book(&portal, &maya, wish("week", 4)).await;
        let visit = maya.visit(&first).await;
        assert_eq!(visit.series.len(), 4);
        assert!(visit.series[0].is_this && visit.series[0].token == first);
        assert!(visit.series.iter().all(|one| one.state == SeriesVisitState::Ahead && one.practitioner_name == "Tom Ferreira"));
        let third = maya.visit(&visit.series[2].token).await;
        assert_eq!(third.summary.start.instant, at("2026-03-26T10:00:00Z"));
        assert_ne!(third.number, visit.number);
        assert!(third.series[2].is_this);
        assert_eq!(third.series.iter().map(|one| &one.token).collect::<Vec<_>>(), visit.series.iter().map(|one| &one.token).collect::<Vec<_>>());
        // Each is a visit like any other.
        maya.cancel(&third.token).await.unwrap();
        maya.move_to(&visit.series[1].token, Some("priya"), "2026-03-20T10:00:00Z").await.unwrap();
        let states: Vec<_> = maya.visit(&first).await.series.into_iter().map(|one| one.state).collect();
        assert_eq!(states, [SeriesVisitState::Ahead, SeriesVisitState::Ahead, SeriesVisitState::Cancelled, SeriesVisitState::Ahead]);
        let single = portal.visitor(2).book("physio", None, "2026-03-13T10:00:00Z").await.unwrap();
        assert!(maya.visit(&single).await.series.is_empty());
        assert_eq!(together(&portal, &maya, &single).await.map(drop), Err(PortalError::NotFound));
    }

    async fn a_series_is_told_by_one_letter_with_one_calendar_file(portal: TestPortal) {
        let server = MailServer::start(Manner::Accepting).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        let maya = portal.visitor(1);
        let first = book(&portal, &maya, wish("week", 4)).await;
        worker.run_due().await.unwrap();
        let received = server.received();
        assert_eq!(received.len(), 1);
        let message = MessageParser::default().parse(received[0].message.as_bytes()).unwrap();
        assert_eq!(message.subject(), Some("You are booked: 4 visits from Thursday 12 March"));
        let text = message.body_text(0).unwrap();
        let visits = each(&maya, &first).await;
        for visit in &visits {
            assert!(text.contains(&format!("https://portal.example/rowan/visit/{}", visit.token)), "{text}");
            assert!(text.contains(&visit.number), "{text}");
        }
        assert!(text.contains("Thursday 2 April, 10:00 am, London time (BST)"), "{text}");
        for word in ["physio", "loose clothes", "what it is"] {
            assert!(!text.contains(word), "{text}");
        }
        let (method, events) = events(&message);
        assert_eq!((method.as_str(), events.len()), ("PUBLISH", 4));
        let mut uids: Vec<_> = events.iter().map(|(uid, ..)| uid.clone()).collect();
        uids.dedup();
        assert_eq!(uids.len(), 4, "each has its own");
        assert!(events.iter().all(|(_, sequence, status)| sequence == "0" && status == "CONFIRMED"));

        // What becomes of one of them is told of that one, by the same UID.
        maya.move_to(&visits[2].token, Some("tom"), "2026-03-27T10:00:00Z").await.unwrap();
        portal.clock.advance(TimeDelta::minutes(4));
        worker.run_due().await.unwrap();
        let received = server.received();
        assert_eq!(received.len(), 2);
        let message = MessageParser::default().parse(received[1].message.as_bytes()).unwrap();
        assert_eq!(message.subject(), Some("Your visit has moved: Friday 27 March, 10:00 am"));
        assert!(received[1].message.replace("\r\n ", "").contains(&format!("UID:{}", uids[2])));
        assert_eq!(worker.run_due().await.unwrap(), 0);
    }

    async fn all_that_are_ahead_are_cancelled_at_once_and_told_once(portal: TestPortal) {
        let server = MailServer::start(Manner::Accepting).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        let maya = portal.visitor(1);
        let first = book(&portal, &maya, wish("week", 4)).await;
        worker.run_due().await.unwrap();
        let second = maya.visit(&first).await.series[1].token.clone();
        maya.cancel(&second).await.unwrap();
        portal.clock.advance(TimeDelta::minutes(4));
        worker.run_due().await.unwrap();
        assert_eq!(server.received().len(), 2);

        // The first is tomorrow, so it costs; the others do not.
        let page = together(&portal, &maya, &second).await.unwrap();
        let fees: Vec<_> = page.ahead.iter().map(|one| one.fee_now.as_deref()).collect();
        assert_eq!((fees, page.fee.as_deref()), (vec![Some("£20"), None, None], Some("£20")));
        cancel_all(&portal, &maya, &second, &page.version).await.unwrap();
        assert_eq!((cancelled(&portal).await, portal.count("SELECT COUNT(*) AS n FROM occupancy").await), (4, 0));
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM audit WHERE action = 'appointment.cancel'").await, 4);
        assert_eq!(maya.visit(&first).await.fee_due.as_deref(), Some("£20"));
        cancel_all(&portal, &maya, &first, &page.version).await.unwrap();
        assert_eq!(portal.count("SELECT MAX(sequence) AS n FROM appointment").await, 1, "a second press changes nothing");
        assert!(together(&portal, &maya, &first).await.unwrap().ahead.is_empty());

        worker.run_due().await.unwrap();
        assert_eq!(server.received().len(), 2, "not within three minutes");
        portal.clock.advance(TimeDelta::minutes(4));
        worker.run_due().await.unwrap();
        let received = server.received();
        assert_eq!(received.len(), 3, "one letter for all of them");
        let message = MessageParser::default().parse(received[2].message.as_bytes()).unwrap();
        assert_eq!(message.subject(), Some("Cancelled: 3 visits from Thursday 12 March"));
        let text = message.body_text(0).unwrap();
        assert!(text.contains("Cancelling costs £20 in all."), "{text}");
        let (method, events) = events(&message);
        assert_eq!((method.as_str(), events.len()), ("PUBLISH", 3));
        assert!(events.iter().all(|(_, sequence, status)| sequence == "1" && status == "CANCELLED"));
    }

    async fn a_series_that_is_cancelled_before_its_letter_went_out_says_nothing(portal: TestPortal) {
        let server = MailServer::start(Manner::Accepting).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        let maya = portal.visitor(1);
        let first = book(&portal, &maya, wish("week", 3)).await;
        let page = together(&portal, &maya, &first).await.unwrap();
        cancel_all(&portal, &maya, &first, &page.version).await.unwrap();
        portal.clock.advance(TimeDelta::minutes(4));
        worker.run_due().await.unwrap();
        assert!(server.received().is_empty());
    }

    async fn who_moved_the_letters_of_one_visit_gets_its_cancellation_there(portal: TestPortal) {
        let server = MailServer::start(Manner::Accepting).await;
        let worker = worker(&portal, &post(&server), &[]).await;
        let maya = portal.visitor(1);
        let first = book(&portal, &maya, wish("week", 3)).await;
        worker.run_due().await.unwrap();
        let second = maya.visit(&first).await.series[1].token.clone();
        let elsewhere = ContactDraft { email: "carer@example.org".to_owned(), ..ContactDraft::default() };
        maya.contact(&second, elsewhere).await.unwrap();
        let page = together(&portal, &maya, &first).await.unwrap();
        cancel_all(&portal, &maya, &first, &page.version).await.unwrap();
        portal.clock.advance(TimeDelta::minutes(4));
        worker.run_due().await.unwrap();
        let mut told: Vec<(String, String)> = server.received().iter().skip(1).map(|letter| {
            let message = MessageParser::default().parse(letter.message.as_bytes()).unwrap();
            (letter.to.clone(), message.subject().unwrap().to_owned())
        }).collect();
        told.sort();
        assert_eq!(told, [
            ("carer@example.org".to_owned(), "Cancelled: Thursday 19 March, 10:00 am".to_owned()),
            ("visitor1@example.org".to_owned(), "Cancelled: 2 visits from Thursday 12 March".to_owned()),
        ]);
    }

    async fn a_page_of_an_older_state_cancels_nothing_and_keeps_what_was_typed(portal: TestPortal) {
        let maya = portal.visitor(1);
        let first = book(&portal, &maya, wish("week", 4)).await;
        let page = together(&portal, &maya, &first).await.unwrap();
        let third = page.ahead[2].token.clone();
        maya.move_to(&third, Some("tom"), "2026-03-27T10:00:00Z").await.unwrap();
        let draft = CancelDraft { why: "time".to_owned(), reason: "too far".to_owned() };
        let refused = portal.booking.cancel_all(&maya.caller, &rowan(), &first, &page.version, draft.clone()).await;
        assert_eq!(refused, Err(PortalError::Conflict(Reason::Changed)));
        assert_eq!((cancelled(&portal).await, maya.visit(&first).await.draft.cancel), (0, Some(draft)));

        // A fee that falls due meanwhile is another price than the one on the page.
        let page = together(&portal, &maya, &first).await.unwrap();
        portal.clock.advance(TimeDelta::hours(6 * 24 + 23));
        assert_eq!(cancel_all(&portal, &maya, &first, &page.version).await, Err(PortalError::Conflict(Reason::Changed)));
        let page = together(&portal, &maya, &first).await.unwrap();
        assert_eq!((page.ahead.len(), page.fee.as_deref()), (3, Some("£20")));
        let endless = CancelDraft { reason: "x".repeat(3_000), ..CancelDraft::default() };
        let refused = portal.booking.cancel_all(&maya.caller, &rowan(), &first, &page.version, endless).await;
        assert!(matches!(refused, Err(PortalError::Invalid(errors)) if errors.get("reason") == Some(FieldError::TooLong)));
        cancel_all(&portal, &maya, &first, &page.version).await.unwrap();
        assert_eq!(maya.visit(&first).await.status, VisitStatus::Booked, "what has begun stays");
        assert_eq!(cancelled(&portal).await, 3);
    }

    async fn another_series_and_another_link_stay_as_they_are(portal: TestPortal) {
        let (maya, eve) = (portal.visitor(1), portal.visitor(2));
        let first = book(&portal, &maya, wish("week", 3)).await;
        let hold = eve.hold("physio", Some("priya"), "2026-03-12T10:00:00Z").await.unwrap();
        crate::series::plan(&portal, &eve, &hold, wish("week", 3)).await.unwrap();
        eve.describe(&hold, eve.draft()).await.unwrap();
        let other = eve.confirm(&hold).await.unwrap();
        let page = together(&portal, &eve, &other).await.unwrap();
        assert_eq!(cancel_all(&portal, &eve, &first, &page.version).await, Err(PortalError::Conflict(Reason::Changed)));
        assert_eq!(cancel_all(&portal, &eve, &LinkToken("forged".into()), &page.version).await, Err(PortalError::NotFound));
        cancel_all(&portal, &eve, &other, &page.version).await.unwrap();
        assert_eq!(cancelled(&portal).await, 3);
        assert!(maya.visit(&first).await.series.iter().all(|one| one.state == SeriesVisitState::Ahead));
    }

    async fn the_visits_are_listed_and_cancelled_without_scripts(portal: TestPortal) {
        let maya = portal.visitor(1);
        let first = book(&portal, &maya, wish("week", 3)).await;
        let served = served(&portal).await;
        let mut plain = Plain::new(&served);
        plain.go(&format!("/rowan/visit/{first}")).await;
        for one in maya.visit(&first).await.series.iter().filter(|one| !one.is_this) {
            assert!(plain.page.contains(&format!("/rowan/visit/{}\"", one.token)), "{}", plain.page);
        }
        assert_eq!(plain.go(&format!("/rowan/visit/{first}/series/cancel")).await, 200);
        assert!(plain.page.contains("Cancel 3 visits for £20"), "{}", plain.page);
        let version = plain.hidden("version");
        let fields = [("clinic", "rowan"), ("visit", first.0.as_str()), ("version", version.as_str()), ("draft[why]", "time")];
        plain.send("booking/cancel_all", &fields).await;
        assert_eq!(plain.address, format!("/rowan/visit/{first}"));
        assert!(plain.page.contains("This visit is cancelled"), "{}", plain.page);
        assert_eq!(cancelled(&portal).await, 3);
        plain.go(&format!("/rowan/visit/{first}/series/cancel")).await;
        assert!(plain.page.contains("None of these visits is ahead"), "{}", plain.page);
        served.close().await;
    }
}
