//! Text messages: for who gave only a number, through a gateway, and what became of them.

use app::booking::model::Draft;
use app::words::Language;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::TimeDelta;
use server::Portal;
use server::config::Config;
use server::letters::segments::segments;
use server::letters::store::{NotSent, not_sent};
use server::store::Address;
use tower::ServiceExt as _;

use crate::browser::form;
use crate::gateway::{ACCOUNT, Answer, TOKEN, TextGateway, signature};
use crate::harness::{Folder, TestPortal, Visitor};
use crate::on_both;
use crate::program::{perennial, run};

const ORIGIN: &str = "https://portal.example";

/// The whole server over the same database and clock, with a gateway.
async fn served(portal: &TestPortal, gateway: &TextGateway) -> Portal {
    let database = match portal.database.address() {
        Address::Sqlite(path) => format!("sqlite:{}", path.display()),
        Address::Postgres(url) => url.clone(),
    };
    let address = format!("http://127.0.0.1:{}", gateway.port);
    let variables = [
        ("PERENNIAL_DATABASE", database.as_str()),
        ("PERENNIAL_ORIGIN", ORIGIN),
        ("PERENNIAL_DEMO", "off"),
        ("PERENNIAL_SMS_GATEWAY", &address),
        ("PERENNIAL_SMS_ACCOUNT", ACCOUNT),
        ("PERENNIAL_SMS_TOKEN", TOKEN),
        ("PERENNIAL_SMS_FROM", "+15005550006"),
        ("PERENNIAL_SMS_TIMEOUT_S", "1"),
    ];
    let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Portal::open(Config::from_sources("", "", find).unwrap(), portal.clock.clone()).await.unwrap()
}

/// Books without an e-mail address.
async fn book(visitor: &Visitor, treatment: &str, start: &str) {
    let hold = visitor.hold(treatment, None, start).await.unwrap();
    let draft = Draft { email: String::new(), phone: "+44 7700 900461".to_owned(), ..visitor.draft() };
    visitor.describe(&hold, draft).await.unwrap();
    visitor.confirm(&hold).await.unwrap();
}

async fn kept_back(portal: &TestPortal) -> Vec<NotSent> {
    not_sent(&mut portal.database.read().await.unwrap(), portal.clock.now(), 100).await.unwrap()
}

async fn state(portal: &TestPortal, state: &'static str) -> i64 {
    let mut tx = portal.database.read().await.unwrap();
    let count = tx.query("SELECT COUNT(*) AS n FROM letter WHERE clinic = 'rowan' AND state = $1").bind(state);
    count.fetch_one().await.unwrap().get("n").unwrap()
}

/// Reports to an address as the gateway does; `signed` is the address that it signs.
async fn report(router: &Router, address: &str, signed: &str, fields: &[(&str, &str)]) -> StatusCode {
    let request = Request::post(address.strip_prefix(ORIGIN).unwrap())
        .header("host", "portal.example")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-twilio-signature", signature(signed, fields))
        .body(Body::from(form(fields)));
    router.clone().oneshot(request.unwrap()).await.unwrap().status()
}

const THURSDAY: &str = "2026-03-12T09:00:00Z";

on_both! {
    async fn who_gave_only_a_number_gets_a_text_message_and_its_arrival_is_kept(portal: TestPortal) {
        let gateway = TextGateway::start(Answer::Taken).await;
        let served = served(&portal, &gateway).await;
        book(&portal.visitor(1), "physio", THURSDAY).await;
        served.work_due().await.unwrap();
        let text = gateway.texts().remove(0);
        assert_eq!((text.value("To"), text.value("From")), ("+447700900461", "+15005550006"));
        assert!(text.value("Body").starts_with("Rowan Street Clinic: You are booked for Thursday 12 March, 9:00 am"));
        assert_eq!(state(&portal, "sent").await, 1);
        let address = text.value("StatusCallback").to_owned();
        assert!(address.starts_with("https://portal.example/rowan/letters/confirmation."), "{address}");
        let router = served.router();
        for status in ["sent", "delivered", "sent"] {
            let fields = [("MessageSid", "SM1"), ("MessageStatus", status)];
            assert_eq!(report(&router, &address, &address, &fields).await, StatusCode::NO_CONTENT);
        }
        assert_eq!(state(&portal, "delivered").await, 1);
        assert!(kept_back(&portal).await.is_empty());
        assert_eq!(served.work_due().await.unwrap(), 0);
        served.close().await;
    }

    async fn a_message_that_did_not_arrive_can_be_seen_with_its_reason(portal: TestPortal) {
        let gateway = TextGateway::start(Answer::Taken).await;
        let served = served(&portal, &gateway).await;
        book(&portal.visitor(1), "physio", THURSDAY).await;
        served.work_due().await.unwrap();
        let address = gateway.texts()[0].value("StatusCallback").to_owned();
        let fields = [("MessageStatus", "undelivered"), ("ErrorCode", "30005"), ("To", "+447700900461")];
        assert_eq!(report(&served.router(), &address, &address, &fields).await, StatusCode::NO_CONTENT);
        let failed = kept_back(&portal).await.remove(0);
        assert_eq!(failed.detail, "the text message did not arrive: 30005, the number is not in use");
        assert_eq!((failed.state.as_str(), failed.recipient_hint.as_str()), ("failed", "***461"));
        let again = report(&served.router(), &address, &address, &fields).await;
        assert_eq!(again, StatusCode::NO_CONTENT);
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM audit WHERE action = 'letter.fail' AND clinic = 'rowan'").await, 1);
        served.close().await;
    }

    async fn a_report_that_the_gateway_did_not_sign_changes_nothing(portal: TestPortal) {
        let gateway = TextGateway::start(Answer::Taken).await;
        let served = served(&portal, &gateway).await;
        book(&portal.visitor(1), "physio", THURSDAY).await;
        served.work_due().await.unwrap();
        let address = gateway.texts()[0].value("StatusCallback").to_owned();
        let fields = [("MessageStatus", "failed")];
        for signed in ["", "https://portal.example/", &format!("{address}?x")] {
            assert_eq!(report(&served.router(), &address, signed, &fields).await, StatusCode::FORBIDDEN, "{signed}");
        }
        let nobodys = address.replace("/rowan/letters/confirmation.", "/rowan/letters/confirmation.x");
        assert_eq!(report(&served.router(), &nobodys, &nobodys, &fields).await, StatusCode::NO_CONTENT);
        assert_eq!(state(&portal, "sent").await, 1);
        served.close().await;
    }

    async fn a_number_that_takes_no_messages_fails_at_once_and_a_gateway_in_trouble_does_not(portal: TestPortal) {
        let gateway = TextGateway::start(Answer::Refused(503, 0)).await;
        let served = served(&portal, &gateway).await;
        book(&portal.visitor(1), "physio", THURSDAY).await;
        for (status, why) in [(503, "the text gateway answers 503"), (401, "the text gateway answers 401"), (429, "the text gateway answers 429")] {
            gateway.answer(Answer::Refused(status, 20_429));
            served.work_due().await.unwrap();
            let waiting = kept_back(&portal).await.remove(0);
            assert_eq!((waiting.state.as_str(), waiting.detail.as_str()), ("waiting", why));
            portal.clock.advance(TimeDelta::minutes(10));
        }
        gateway.answer(Answer::Refused(400, 21_614));
        served.work_due().await.unwrap();
        let failed = kept_back(&portal).await.remove(0);
        let why = "the text gateway refused the message: 21614, the number takes no text messages";
        assert_eq!((failed.state.as_str(), failed.detail.as_str()), ("failed", why));
        portal.clock.advance(TimeDelta::hours(8));
        assert_eq!(served.work_due().await.unwrap(), 0);
        assert!(gateway.texts().is_empty());
        served.close().await;
    }

    async fn a_message_without_an_answer_goes_out_once_more_unless_it_is_reported_to_have_arrived(portal: TestPortal) {
        let gateway = TextGateway::start(Answer::Nothing).await;
        let served = served(&portal, &gateway).await;
        book(&portal.visitor(1), "physio", THURSDAY).await;
        book(&portal.visitor(2), "physio", "2026-03-12T10:00:00Z").await;
        served.work_due().await.unwrap();
        assert_eq!((gateway.texts().len(), state(&portal, "sending").await), (2, 2));
        let address = gateway.texts()[0].value("StatusCallback").to_owned();
        report(&served.router(), &address, &address, &[("MessageStatus", "delivered")]).await;
        gateway.answer(Answer::Taken);
        portal.clock.advance(TimeDelta::minutes(1));
        served.work_due().await.unwrap();
        let texts = gateway.texts();
        assert_eq!(texts.len(), 3, "the one that arrived is not sent again");
        assert_ne!(texts[2].value("StatusCallback"), address);
        assert_eq!((state(&portal, "delivered").await, state(&portal, "sent").await), (1, 1));
        served.close().await;
    }

    async fn a_text_message_has_two_parts_at_most_in_every_language_and_says_nothing_about_health(portal: TestPortal) {
        let gateway = TextGateway::start(Answer::Taken).await;
        let served = served(&portal, &gateway).await;
        for (number, language) in (1..).zip(Language::ALL) {
            let mut visitor = portal.visitor(number);
            visitor.caller.language = language;
            book(&visitor, "physio", &format!("2026-03-12T{:02}:00:00Z", 8 + number)).await;
            book(&visitor, "request", &format!("2026-03-13T{:02}:00:00Z", 8 + number)).await;
        }
        served.work_due().await.unwrap();
        let texts = gateway.texts();
        assert_eq!(texts.len(), 8);
        for text in texts {
            let body = text.value("Body");
            assert!(segments(body) <= 2, "{} parts: {body}", segments(body));
            assert!(body.contains(" https://portal.example/rowan/visit/"), "{body}");
            assert!(!body.to_lowercase().contains("physio"), "{body}");
            assert!(body.contains("12") || body.contains("13"), "the day is missing: {body}");
        }
        served.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_asks_the_gateway_for_our_account_and_tells_no_secret() {
    let (folder, gateway) = (Folder::new(), TextGateway::start(Answer::Taken).await);
    let address = format!("http://127.0.0.1:{}", gateway.port);
    for (token, well) in [(TOKEN, true), ("another", false)] {
        let variables = [
            ("PERENNIAL_SMS_GATEWAY", address.as_str()),
            ("PERENNIAL_SMS_ACCOUNT", ACCOUNT),
            ("PERENNIAL_SMS_TOKEN", token),
            ("PERENNIAL_SMS_FROM", "Rowan"),
        ];
        let mut command = perennial(&folder.0, &variables);
        command.arg("doctor");
        let ended = run(command).await;
        assert_eq!(ended.status.success(), well, "{ended:?}");
        let sentence = if well { "knows the account" } else { "answers 401" };
        assert!(ended.said.contains(sentence) && !ended.said.contains(token), "{ended:?}");
    }
    assert!(gateway.texts().is_empty());
}
