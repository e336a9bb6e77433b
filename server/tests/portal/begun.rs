//! What one browser began, another does not go on with: whoever sends a link around must not read
//! what is typed behind it, nor get the visit that comes of it.

use app::booking::model::{Draft, HoldState};
use app::waitlist::api::WaitlistService as _;
use app::waitlist::model::{EntryState, WishDraft};
use axum::http::header::{LOCATION, SET_COOKIE};

use crate::browser::{FORM, OURS, PAGE};
use crate::embed::{APART, TIMES, draft, form, post};
use crate::harness::{Folder, rowan};
use crate::on_both;
use crate::program::{Program, UNHURRIED};
use crate::waitlist::{physio, waiter};

const TEN: &str = "2026-03-12T10:00:00Z";

on_both! {
    async fn a_hold_that_another_browser_began_shows_nothing_and_is_taken_over(portal: TestPortal) {
        let (maya, noor) = (portal.visitor(1), portal.visitor(2));
        let hold = maya.hold("physio", Some("tom"), TEN).await.unwrap();
        maya.describe(&hold, Draft { reason: "my knee".into(), ..maya.draft() }).await.unwrap();
        let seen = noor.held(&hold).await;
        assert_eq!((&seen.state, &seen.draft), (&HoldState::Elsewhere, &Draft::default()));

        let hers = noor.hold_instead(&hold, "physio", TEN).await.unwrap();
        assert_ne!(hers, hold);
        let draft = noor.held(&hers).await.draft;
        assert_eq!((draft.reason.as_str(), draft.name), ("my knee", maya.draft().name), "nobody types it again");
        assert_eq!((draft.email.as_str(), draft.phone.as_str()), ("", ""), "whose letters go where is hers to say");
        noor.describe(&hers, Draft { reason: "my back".into(), ..noor.draft() }).await.unwrap();
        noor.confirm(&hers).await.unwrap();

        let left = maya.held(&hold).await;
        assert_eq!(left.draft.reason, "my knee");
        assert!(matches!(left.state, HoldState::Gone { .. }), "{:?}", left.state);
    }

    async fn a_time_that_another_browser_kept_no_longer_is_said_to_be_so_and_shows_nothing(portal: TestPortal) {
        let (maya, noor) = (portal.visitor(1), portal.visitor(2));
        let hold = maya.hold("physio", Some("tom"), TEN).await.unwrap();
        maya.keep(&hold, Draft { reason: "my knee".into(), ..maya.draft() }).await.unwrap();
        portal.clock.advance(chrono::TimeDelta::minutes(41));
        let seen = noor.held(&hold).await;
        assert_eq!((&seen.state, &seen.draft), (&HoldState::Ended, &Draft::default()));
        portal.visitor(3).book("physio", Some("tom"), TEN).await.unwrap();
        let seen = noor.held(&hold).await;
        assert!(matches!(seen.state, HoldState::Gone { .. }) && seen.draft == Draft::default(), "{:?}", seen.state);
    }

    async fn where_cookies_are_blocked_a_hold_is_gone_on_with(portal: TestPortal) {
        let stranger = portal.stranger();
        let hold = portal.visitor(1).hold("physio", Some("tom"), TEN).await.unwrap();
        assert!(matches!(stranger.held(&hold).await.state, HoldState::Kept { .. }));
    }

    async fn a_place_on_the_list_that_another_browser_began_shows_nothing_until_it_counts(portal: TestPortal) {
        let (maya, noor) = (waiter(&portal, 1), waiter(&portal, 2));
        let entry = maya.begin(physio()).await.unwrap();
        let draft = Draft { reason: "my knee".into(), ..maya.visitor.draft() };
        let wish = WishDraft::default();
        portal.waitlist.keep(&maya.visitor.caller, &rowan(), &entry, draft.clone(), wish.clone()).await.unwrap();
        let seen = noor.entry(&entry).await;
        assert_eq!((&seen.state, &seen.draft), (&EntryState::Elsewhere, &Draft::default()));
        assert_eq!(maya.entry(&entry).await.draft.reason, "my knee");

        maya.fill(&entry, draft, wish).await.unwrap();
        assert!(matches!(noor.entry(&entry).await.state, EntryState::Waiting { .. }), "its link is in their letter");
    }
}

/// What a browser says of a page that a letter or another website opened.
const ARRIVES: [(&str, &str); 3] = [PAGE, ("sec-fetch-dest", "document"), ("sec-fetch-site", "cross-site")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_behind_a_link_that_somebody_made_is_not_gone_on_with() {
    let folder = Folder::new();
    let program = Program::serve(&folder.0, &UNHURRIED).await;
    let browser = program.browser();
    let times = browser.page(TIMES).await;
    let (action, body) = form(&times.text, "/api/booking/hold");
    let held = post(&browser, &action, &body, &APART).await;
    let framed = held.header(LOCATION).to_owned();
    let outside = framed.replace("/embed/", "/").split('?').next().unwrap().to_owned();

    let (action, fields) = form(&browser.page(&framed).await.text, "/api/booking/describe");
    post(&browser, &action, &format!("{fields}{}", draft("Maya+Haddad")), &APART).await;
    assert!(browser.page(&framed).await.text.contains("Maya Haddad"), "the frame itself goes on");
    assert!(browser.page(&outside).await.text.contains("Maya Haddad"), "and so does who blocks cookies");
    for (name, link) in [("in the frame", &framed), ("outside of it", &outside)] {
        let opened = browser.ask(&format!("GET {link}"), &ARRIVES, "").await.unwrap();
        assert_eq!(opened.status.as_u16(), 200, "{name}");
        assert!(!opened.text.contains("Maya Haddad") && !opened.text.contains("booking/describe"), "{name}: {}", opened.text);
        assert!(opened.text.contains("begun in another browser"), "{name}");
    }

    // Whoever opened it is told apart by their next pages too, however they get there.
    let opened = browser.ask(&format!("GET {outside}"), &ARRIVES, "").await.unwrap();
    let cookie = opened.header(SET_COOKIE).split(';').next().unwrap().to_owned();
    assert!(cookie.starts_with("__Host-visitor="), "{cookie}");
    let next = browser.ask(&format!("GET {outside}?lang=es"), &[PAGE, OURS, ("cookie", &cookie)], "").await.unwrap();
    assert!(!next.text.contains("Maya Haddad") && !next.text.contains("booking/describe"), "{}", next.text);
    let elsewhere = browser.ask("GET /rowan-street/booking", &ARRIVES, "").await.unwrap();
    assert_eq!(elsewhere.header(SET_COOKIE), "", "nobody is marked who only looks");

    // Somebody opens a frame's page by a link; what they choose there is not whose link it was.
    let theirs = "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let opened = browser.ask(&format!("GET {TIMES}?{theirs}"), &ARRIVES, "").await.unwrap();
    assert!(opened.text.contains("v=") && !opened.text.contains(theirs));
    assert!(browser.page(&format!("{TIMES}?{theirs}")).await.text.contains(theirs));

    // Going on is a press of the button, and begins a hold of one's own.
    let opened = browser.ask(&format!("GET {outside}"), &ARRIVES, "").await.unwrap();
    let (action, body) = form(&opened.text, "/api/booking/hold");
    let own = browser.ask(&format!("POST {action}"), &[FORM, PAGE, OURS], &body).await.unwrap();
    let own = own.header(LOCATION).to_owned();
    assert!(own.contains("/booking/hold/") && own != outside, "{own}");
    assert!(browser.page(&own).await.text.contains("Maya Haddad"));
    assert!(!browser.page(&framed).await.text.contains("booking/describe"), "the other one cannot go on");
}
