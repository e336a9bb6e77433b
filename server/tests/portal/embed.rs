//! Booking in the frame of a clinic's website, as browsers and strangers meet it over HTTP: who
//! may show it, what it may know, and that nothing outside of it became looser.

use std::fs;
use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, LOCATION, SET_COOKIE};

use crate::browser::{Answer, Browser, FORM, OURS, PAGE};
use crate::harness::Folder;
use crate::program::{Program, UNHURRIED, perennial, run};

const SITE: &str = "https://www.rowanstreet.example";
const CHOOSE: &str = "/rowan-street/embed/booking";
pub const TIMES: &str = "/rowan-street/embed/booking/physio-first";
/// Whether pages of other sites may load it.
const REACH: &str = "cross-origin-resource-policy";
/// What a browser says where a site keeps the frame apart: it is of no origin.
pub const APART: [(&str, &str); 2] = [("origin", "null"), ("sec-fetch-site", "cross-site")];

fn ancestors(answer: &Answer) -> &str {
    let policies: Vec<_> = answer.headers.get_all(CONTENT_SECURITY_POLICY).iter().collect();
    assert_eq!(policies.len(), 1, "one policy: {policies:?}");
    answer.header(CONTENT_SECURITY_POLICY).split("frame-ancestors ").nth(1).unwrap()
}

/// A page's first form for this function: where it is sent, and the fields that nobody types, with the first button.
pub fn form(page: &str, function: &str) -> (String, String) {
    let form = page.split("<form").find(|form| form.contains(function)).unwrap_or_else(|| panic!("no {function}: {page}"));
    let form = form.split("</form>").next().unwrap();
    let attribute = |tag: &str, name: &str| {
        tag.split_once(&format!("{name}=\"")).map(|(_, rest)| rest.split('"').next().unwrap().replace("&amp;", "&"))
    };
    let mut buttons = 0;
    let pairs = form.split('<').filter(|tag| tag.contains("type=\"hidden\"") || tag.starts_with("button")).filter_map(|tag| {
        buttons += usize::from(tag.starts_with("button"));
        let pair = format!("{}={}", attribute(tag, "name")?, attribute(tag, "value")?);
        (buttons < 2).then_some(pair)
    });
    let body = pairs.collect::<Vec<_>>().join("&").replace(':', "%3A");
    (attribute(form, "action").unwrap(), body)
}

pub async fn post(browser: &Browser, address: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
    let all: Vec<_> = [FORM, PAGE].iter().chain(headers).copied().collect();
    browser.ask(&format!("POST {address}"), &all, body).await.unwrap()
}

pub fn draft(name: &str) -> String {
    format!(
        "&draft[who_for]=self&draft[name]={name}&draft[birth_day]=27&draft[birth_month]=3&draft[birth_year]=1984\
         &draft[email]=maya%40example.org"
    )
    .replace('[', "%5B")
    .replace(']', "%5D")
}

/// Follows a redirect, which stays in the frame.
async fn follow(browser: &Browser, answer: &Answer) -> (String, Answer) {
    assert!(answer.status.is_redirection(), "{} {}", answer.status, answer.text);
    let location = answer.header(LOCATION).to_owned();
    assert!(location.starts_with("/rowan-street/embed/"), "it leaves the frame for {location}");
    let page = browser.page(&location).await;
    (location, page)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_of_the_frames_way_names_the_clinics_sites_and_no_other_answer_does() {
    let folder = Folder::new();
    let program = Program::serve(&folder.0, &UNHURRIED).await;
    let browser = program.browser();
    let elsewhere = format!("{TIMES}?practitioner=nobody");
    for (path, status) in [
        (CHOOSE, 200),
        (TIMES, 200),
        (elsewhere.as_str(), 307),
        ("/rowan-street/embed/booking/gone-by-now", 307),
        ("/rowan-street/embed/booking/hold/forged", 404),
        ("/rowan-street/embed/booking/visit/forged", 404),
        ("/rowan-street/embed/booking/", 308),
        ("/rowan-street/embed/nothing/at/all", 404),
        ("/rowan-street/embed", 404),
        ("/rowan-street/embed/api/booking/hold", 405),
    ] {
        let answer = browser.page(path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert_eq!(ancestors(&answer), SITE, "{path}");
        assert_eq!((answer.header("x-frame-options"), answer.header(REACH)), ("", "cross-origin"), "{path}");
    }
    for (function, body) in
        [("hold", ""), ("hold", "clinic=rowan-street"), ("cancel", ""), ("confirm", "clinic=rowan-street&hold=x&version=1")]
    {
        let answer = post(&browser, &format!("/rowan-street/embed/api/booking/{function}"), body, &APART).await;
        assert!(!answer.status.is_success(), "{function} {body}: {}", answer.text);
        assert_eq!(ancestors(&answer), SITE, "{function} {body}");
    }
    let long = browser.page(&format!("{CHOOSE}?{}", "x".repeat(5000))).await;
    assert_eq!((long.status, ancestors(&long)), (StatusCode::URI_TOO_LONG, SITE));
    for path in [
        "/rowan-street",
        "/rowan-street/booking",
        "/rowan-street/booking/physio-first",
        "/rowan-street/visit/forged",
        "/rowan-street/embedded/booking",
        "/nobody/embed/booking",
        "/embed/booking",
        "/mailbox",
        "/embed.js",
        "/api/booking/hold",
    ] {
        let answer = browser.page(path).await;
        let reach = if path == "/embed.js" || path.starts_with("/nobody/embed") { "cross-origin" } else { "same-origin" };
        assert_eq!((ancestors(&answer), answer.header(REACH)), ("'none'", reach), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visit_is_booked_in_a_frame_that_is_kept_apart_without_script_or_cookie() {
    let folder = Folder::new();
    let program = Program::serve(&folder.0, &UNHURRIED).await;
    let browser = program.browser();
    let chosen = browser.page(&format!("{CHOOSE}?site={SITE}&lang=de&accent=250&theme=dark&location=rowan-street")).await;
    let link = chosen
        .text
        .split("href=\"")
        .find(|link| link.starts_with(TIMES))
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .replace("&amp;", "&");
    assert!(link.contains("location=rowan-street") && link.contains("lang=de") && link.contains("accent=250"), "{link}");
    let times = browser.page(&link).await;
    let (action, body) = form(&times.text, "/api/booking/hold");
    let held = post(&browser, &action, &body, &APART).await;
    let (address, details) = follow(&browser, &held).await;
    let again = post(&browser, &action, &body, &APART).await;
    assert_eq!(again.header(LOCATION), address, "a second tap finds the first one's answer");

    let (action, fields) = form(&details.text, "/api/booking/describe");
    let unreachable = draft("Maya").replace("maya%40example.org", "");
    let (back, wrong) = follow(&browser, &post(&browser, &action, &format!("{fields}{unreachable}"), &APART).await).await;
    assert!(back.starts_with(address.split('?').next().unwrap()), "{back}");
    assert!(
        wrong.text.contains("id=\"to-fix\"") && wrong.text.contains("value=\"Maya\""),
        "what was typed is kept: {}",
        wrong.text
    );
    let (action, fields) = form(&wrong.text, "/api/booking/describe");
    assert!(!action.contains("__err"), "what became of a form is not carried on: {action}");
    let described = post(&browser, &action, &format!("{fields}{}", draft("Maya+Haddad")), &APART).await;
    let (_, check) = follow(&browser, &described).await;
    let (action, fields) = form(&check.text, "/api/booking/confirm");
    let confirmed = post(&browser, &action, &fields, &APART).await;
    let (address, booked) = follow(&browser, &confirmed).await;
    assert!(address.starts_with("/rowan-street/embed/booking/visit/"), "{address}");
    assert!(booked.text.contains("data-booked"), "{}", booked.text);
    let private =
        booked.text.split("<a").find(|link| link.contains("href=\"/rowan-street/visit/")).unwrap().split('>').next().unwrap();
    assert!(private.contains("target=\"_blank\""), "{private}");

    for (name, page) in [("choose", &chosen), ("times", &times), ("details", &details), ("check", &check), ("booked", &booked)] {
        assert_eq!(page.header(SET_COOKIE), "", "{name}");
        assert!(page.text.contains("<html lang=\"de\" dir=\"ltr\" data-theme=\"dark\""), "{name}: {:.300}", page.text);
        assert!(page.text.contains(":root{--hue:250}") && page.text.contains(&format!("data-site=\"{SITE}\"")), "{name}");
        assert!(
            !page.text.contains(".wasm")
                && !page.text.contains("modulepreload")
                && !page.text.contains("__RESOLVED_RESOURCES[0]"),
            "{name}"
        );
        leads_out_only_by_windows_of_its_own(name, &page.text);
    }
    for answer in [&held, &described, &confirmed] {
        assert_eq!(answer.header(SET_COOKIE), "");
        assert_eq!(ancestors(answer), SITE);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_typed_in_a_frame_is_kept_before_its_button_is_pressed() {
    let folder = Folder::new();
    let program = Program::serve(&folder.0, &UNHURRIED).await;
    let browser = program.browser();
    let (action, body) = form(&browser.page(TIMES).await.text, "/api/booking/hold");
    let (address, details) = follow(&browser, &post(&browser, &action, &body, &APART).await).await;
    let keep = details.text.split("data-keep=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    let (_, fields) = form(&details.text, "/api/booking/describe");
    let typed = format!("{fields}&draft%5Bname%5D=Maya+Had");
    let script = [FORM, ("accept", "*/*"), ("sec-fetch-mode", "no-cors"), APART[0], APART[1]];
    let kept = browser.ask(&format!("POST {keep}"), &script, &typed).await.unwrap();
    assert_eq!((kept.status, kept.header(SET_COOKIE), ancestors(&kept)), (StatusCode::OK, "", SITE));
    let german = address.replacen('?', "?lang=de&", 1);
    let page = browser.page(&german).await;
    assert!(page.text.contains("<html lang=\"de\"") && page.text.contains("value=\"Maya Had\""), "{}", page.text);
    let portal = browser.page(&address.replace("/embed/", "/")).await;
    assert!(!portal.text.contains("data-keep"), "the portal's own page keeps it by itself");
}

/// Every address on the page is in the frame, or says that it opens a window.
fn leads_out_only_by_windows_of_its_own(name: &str, page: &str) {
    for tag in
        page.split('<').filter(|tag| tag.starts_with("a ") || tag.starts_with("form ")).map(|tag| tag.split('>').next().unwrap())
    {
        let address = tag.split("href=\"").nth(1).or_else(|| tag.split("action=\"").nth(1)).unwrap().split('"').next().unwrap();
        let stays = address.starts_with("/rowan-street/embed/") || address.starts_with('#') || address.starts_with("tel:");
        assert!(
            stays || (tag.contains("target=\"_blank\"") && tag.contains("noopener") | tag.contains("noreferrer")),
            "{name}: {tag}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cookie_that_is_sent_to_a_frame_is_not_read() {
    let folder = Folder::new();
    let program = Program::serve(&folder.0, &UNHURRIED).await;
    let browser = program.browser();
    // Of one practitioner: a time that somebody holds may still be somebody else's to give.
    let (portal, framed) =
        ("/rowan-street/booking/physio-first?practitioner=tom-ferreira", format!("{TIMES}?practitioner=tom-ferreira"));
    // Somebody has a time of their own in the portal, and a language.
    let times = browser.page(portal).await;
    let (action, body) = form(&times.text, "/api/booking/hold");
    let held = post(&browser, &action, &body, &[OURS]).await;
    let cookie = held.header(SET_COOKIE).split(';').next().unwrap().to_owned();
    assert!(cookie.starts_with("__Host-visitor="), "{cookie}");
    let start =
        body.split('&').find(|pair| pair.starts_with("start=")).unwrap().replace("%3A", ":").replace("start=", "value=\"") + "\"";
    let with = format!("{cookie}; lang=ar");
    let own = browser.ask(&format!("GET {portal}"), &[PAGE, ("cookie", &with)], "").await.unwrap();
    assert!(own.text.contains(&start) && own.text.contains("<html lang=\"ar\""), "the portal knows whose time it is");
    let frame = browser.ask(&format!("GET {framed}"), &[PAGE, ("cookie", &with)], "").await.unwrap();
    assert!(!frame.text.contains(&start) && frame.text.contains("<html lang=\"en\""), "the frame must not");
    let (action, frames) = form(&frame.text, "/api/booking/hold");
    let held = post(&browser, &action, &frames, &[("cookie", &with), APART[0], APART[1]]).await;
    assert_eq!((held.status, held.header(SET_COOKIE)), (StatusCode::SEE_OTHER, ""));
    let again = browser.ask(&format!("GET {portal}"), &[PAGE, ("cookie", &cookie)], "").await.unwrap();
    let frames_start = frames.split("start=").nth(1).unwrap().replace("%3A", ":");
    assert!(!again.text.contains(&format!("value=\"{frames_start}\"")), "what is held in a frame is not the cookie's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_site_sends_is_taken_in_the_frame_alone() {
    let folder = Folder::new();
    let program = Program::serve(&folder.0, &UNHURRIED).await;
    let browser = program.browser();
    for function in ["hold", "keep", "describe", "confirm", "release", "cancel", "move", "contact", "links", "settle", "late"] {
        for sender in
            [&APART[..], &[("origin", "https://evil.example")], &[("origin", SITE), ("sec-fetch-site", "cross-site")], &[]]
        {
            for path in [
                format!("/api/booking/{function}"),
                format!("/embed/api/booking/{function}"),
                format!("/api/embed/booking/{function}"),
            ] {
                let answer = post(&browser, &path, "clinic=rowan-street", sender).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {sender:?}");
            }
        }
    }
    // And of the frame only what booking needs.
    for function in ["cancel", "move", "contact", "links", "settle", "late", "times", "visit"] {
        let answer = post(&browser, &format!("/rowan-street/embed/api/booking/{function}"), "clinic=rowan-street", &APART).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{function}");
    }
    let card = post(&browser, "/rowan-street/embed/api/clinic/card", "", &APART).await;
    assert_eq!(card.status, StatusCode::NOT_FOUND);
    for origin in ["null", SITE, "https://evil.example", "https://www.rowanstreet.example.evil.example"] {
        for path in [CHOOSE, "/rowan-street/booking", "/embed.js"] {
            let answer = browser.ask(&format!("GET {path}"), &[PAGE, ("origin", origin)], "").await.unwrap();
            assert_eq!(answer.header("access-control-allow-origin"), "", "{path} for {origin}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tag_on_a_site_that_is_not_listed_gets_an_explanation_and_a_link() {
    let folder = Folder::new();
    let program = Program::serve(&folder.0, &UNHURRIED).await;
    let browser = program.browser();
    for site in [
        "https://evil.example",
        "https://www.rowanstreet.example.evil.example",
        "http://www.rowanstreet.example",
        "https://www.rowanstreet.example:8443",
        "https://WWW.rowanstreet.example",
        "https://rowanstreet.example",
        "null",
        "*",
        "",
    ] {
        let page = browser.page(&format!("{TIMES}?site={site}")).await;
        assert_eq!((page.status, ancestors(&page)), (StatusCode::FORBIDDEN, SITE), "{site}");
        assert!(
            page.text.contains("This website cannot show the booking") && page.text.contains("href=\"/rowan-street/booking\""),
            "{site}"
        );
        assert!(!page.text.contains("<form") && !page.text.contains("data-site"), "nothing to press, nobody to tell: {site}");
        let from = format!("/rowan-street/embed/api/booking/hold?from=%2Frowan-street%2Fembed%2Fbooking%3Fsite%3D{site}");
        assert_eq!(post(&browser, &from, "", &APART).await.status, StatusCode::FORBIDDEN, "{site}");
    }
    // Whoever opens the address by hand may book; there is nobody to talk to.
    let alone = browser.page(TIMES).await;
    assert!(alone.status == StatusCode::OK && alone.text.contains("<form") && !alone.text.contains("data-site"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_tag_says_is_taken_as_far_as_it_makes_sense_and_never_as_text() {
    let folder = Folder::new();
    let program = Program::serve(&folder.0, &UNHURRIED).await;
    let browser = program.browser();
    let attacks = [
        "%3C/style%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "0%7D:root%7B--bg:url(//evil.example)",
        "%22%20onload=%22alert(1)",
        "javascript:alert(1)",
        "%0d%0aset-cookie:%20a=b",
        "%00",
        "..%2F..%2Fapi",
    ];
    for attack in attacks {
        for name in ["accent", "lang", "theme", "practitioner", "location", "v", "zone", "from", "replaces", "view"] {
            let mut page = browser.page(&format!("{TIMES}?{name}={attack}")).await;
            if page.status == StatusCode::TEMPORARY_REDIRECT {
                assert_eq!(page.header(LOCATION), TIMES, "{name}={attack}");
                page = browser.page(TIMES).await;
            }
            assert_eq!(page.status, StatusCode::OK, "{name}={attack}");
            for mark in ["<script>alert", "url(//evil", "\" onload", "set-cookie: a", "=\"javascript"] {
                assert!(!page.text.contains(mark), "{name}={attack} is in the page: {mark}");
            }
            assert!(page.text.contains(":root{--hue:164}") && page.text.contains("<html lang=\"en\""), "{name}={attack}");
            assert_eq!((ancestors(&page), page.header(SET_COOKIE)), (SITE, ""), "{name}={attack}");
        }
    }
    for (address, to) in [
        (format!("{TIMES}?practitioner=nobody&location=nowhere&lang=es"), format!("{TIMES}?lang=es")),
        // Somebody of the clinic who does not give this treatment.
        (format!("{TIMES}?practitioner=priya-nair&location=irish-town"), format!("{TIMES}?location=irish-town")),
        (format!("{CHOOSE}/gone-by-now?accent=%231d4f91"), format!("{CHOOSE}?accent=%231d4f91")),
    ] {
        let answer = browser.page(&address).await;
        assert_eq!((answer.status, answer.header(LOCATION)), (StatusCode::TEMPORARY_REDIRECT, to.as_str()), "{address}");
        assert_eq!(browser.page(&to).await.status, StatusCode::OK, "{to}");
    }
    assert!(browser.page(&format!("{TIMES}?accent=%231d4f91")).await.text.contains(":root{--hue:257}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_speaks_the_languages_of_its_clinic_alone() {
    let folder = Folder::new();
    let program = Program::serve(&folder.0, &UNHURRIED).await;
    let browser = program.browser();
    let all = browser.page(&format!("{TIMES}?lang=ar")).await.text;
    assert!(all.contains("<html lang=\"ar\"") && all.contains(">Deutsch<"));
    // The demo, as if it spoke two.
    let two = |line: &str| match line.split_once(", de = ") {
        Some((kept, _)) => format!("{kept} }}\n"),
        None if line.contains(".de = ") || line.contains(".ar = ") => String::new(),
        None => format!("{}\n", line.replace(r#"["en", "es", "de", "ar"]"#, r#"["en", "es"]"#)),
    };
    fs::write(folder.0.join("two.toml"), include_str!("../../demo/clinic.toml").lines().map(two).collect::<String>()).unwrap();
    let mut load = perennial(&folder.0, &[]);
    load.args(["clinic", "load", "two.toml"]);
    let loaded = run(load).await;
    assert!(loaded.status.success(), "{loaded:?}");
    let seen = async {
        loop {
            let page = browser.page(&format!("{TIMES}?lang=ar")).await.text;
            if page.contains("<html lang=\"en\"") {
                break page;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let page = tokio::time::timeout(Duration::from_secs(20), seen).await.expect("another language is not spoken");
    assert!(page.contains(">Español<") && !page.contains(">Deutsch<"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bookings_from_one_address_are_limited_in_frames_as_everywhere() {
    let folder = Folder::new();
    let few = [("PERENNIAL_LIMITS_HOLDS_PER_MIN", "1"), ("PERENNIAL_LIMITS_HOLDS_BURST", "3")];
    let program = Program::serve(&folder.0, &few).await;
    let browser = program.browser();
    let (mut statuses, mut last) = (Vec::new(), String::new());
    for _ in 0..4 {
        // Each time as somebody new, without anything kept.
        let (action, body) = form(&browser.page(TIMES).await.text, "/api/booking/hold");
        let answer = post(&browser, &action, &body, &APART).await;
        statuses.push(answer.status.as_u16());
        last = answer.text;
    }
    assert_eq!(statuses, [303, 303, 303, 429]);
    leads_out_only_by_windows_of_its_own("too many", &last);
    let portal = post(&browser, "/api/booking/hold", "", &[OURS]).await;
    assert_eq!(portal.status, StatusCode::TOO_MANY_REQUESTS, "it is one share for both");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_has_a_website_of_another_origin_that_may_show_its_booking() {
    let folder = Folder::new();
    let program = Program::serve(&folder.0, &[("PERENNIAL_DEMO_SITE", "127.0.0.1:0")]).await;
    let said = program.said();
    let site = said.lines().find_map(|line| line.strip_prefix("A website with its booking in it is at ")).unwrap();
    let page = Browser::new(site.rsplit(':').next().unwrap().parse().unwrap()).page("/").await;
    let loader = format!("<script src=\"http://localhost:{}/embed.js\"", program.port);
    assert!(page.status == StatusCode::OK && page.text.contains(&loader), "{}", page.text);
    let browser = program.browser();
    let frame = browser.page(&format!("{TIMES}?site={site}")).await;
    assert_eq!((frame.status, ancestors(&frame)), (StatusCode::OK, format!("{SITE} {site}").as_str()));
    assert!(frame.text.contains(&format!("data-site=\"{site}\"")));
    assert_eq!(ancestors(&browser.page("/rowan-street/booking").await), "'none'");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_visits_are_laid_out_in_the_frame_and_a_waiting_list_opens_a_window() {
    let folder = Folder::new();
    let program = Program::serve(&folder.0, &UNHURRIED).await;
    let browser = program.browser();
    let times = browser.page(&format!("{CHOOSE}/physio-follow-up?site={SITE}")).await;
    leads_out_only_by_windows_of_its_own("times", &times.text);
    assert!(!times.text.contains("/waitlist/begin"), "a place on the list has a page that is nobody's frame");
    assert!(times.text.contains("href=\"/rowan-street/booking/physio-follow-up#none-suit\""), "{}", times.text);
    let (action, body) = form(&times.text, "/api/booking/hold");
    let (address, _) = follow(&browser, &post(&browser, &action, &body, &APART).await).await;
    let series = browser.page(&address.replacen('?', "/series?", 1)).await;
    assert_eq!(series.status, StatusCode::OK);
    leads_out_only_by_windows_of_its_own("series", &series.text);
    let (action, fields) = form(&series.text, "/api/booking/plan");
    let wish = "&draft%5Bevery%5D=week&draft%5Bvisits%5D=3";
    let (address, planned) = follow(&browser, &post(&browser, &action, &format!("{fields}{wish}"), &APART).await).await;
    assert!(address.contains("/series?"), "{address}");
    let (action, fields) = form(&planned.text, "/api/booking/series");
    assert!(action.starts_with("/rowan-street/embed/api/booking/series?from=") && fields.contains("hold="), "{action} {fields}");
}
