//! What browsers are really told: by the portal, in front of which something may stand that adds a
//! header or takes one away, and by the website, which may have a policy of its own.

use app::ids::ClinicSlug;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderName, X_FRAME_OPTIONS};
use content_security_policy::{Destination, Directive, Initiator, ParserMetadata, Response, Violation};
use url::Url;

use super::super::Finding;
use super::page::Page;
use crate::client::Client;
use crate::config::Origin;

const EMBEDDER_POLICY: HeaderName = HeaderName::from_static("cross-origin-embedder-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What the portal's own address tells a browser on that website.
pub async fn portal(client: &Client, origin: &Origin, clinic: &ClinicSlug, site: &str) -> Vec<Finding> {
    let address = |path: String| Url::parse(&format!("{origin}{path}")).ok();
    let site_query = url::form_urlencoded::byte_serialize(site.as_bytes()).collect::<String>();
    let frame = address(format!("/{clinic}/embed/booking?site={site_query}"));
    let (Some(frame), Some(loader)) = (frame, address("/embed.js".to_owned())) else { return Vec::new() };
    let page = match Page::get(client, &frame).await {
        Ok(page) => page,
        Err(why) => {
            let unseen = "what stands in front of it could not be looked at";
            return vec![Finding::Note(format!("{origin} does not answer from here ({why}), so {unseen}"))];
        }
    };
    let mut wrong = Vec::new();
    if page.status != StatusCode::OK {
        let status = page.status.as_u16();
        wrong.push(format!("{origin} answers {status} where the booking of {clinic} should be: does it lead to this program?"));
        return wrong.into_iter().map(Finding::Bad).collect();
    }
    let (said, others) = ancestors(&page, site);
    if !said {
        wrong.push(format!(
            "something in front of {origin} takes the header Content-Security-Policy away: any website could show it"
        ));
    }
    for other in others {
        wrong.push(format!(
            "something in front of {origin} adds a Content-Security-Policy with frame-ancestors {other}, so that browsers show \
             nothing on {site}: take it away"
        ));
    }
    // Of the two headers browsers obey frame-ancestors alone (HTML, 7.6.1: X-Frame-Options is then ignored).
    let older = page.header(&X_FRAME_OPTIONS).map(|value| {
        format!(
            "something in front of {origin} adds the header X-Frame-Options: {value}, by which browsers that do not know \
             frame-ancestors show nothing: better take it away below /{clinic}/embed/"
        )
    });
    if !said {
        wrong.extend(older.clone());
    }
    if let Some(reason) = loader_missing(client, &loader).await {
        wrong.push(reason);
    }
    if wrong.is_empty() {
        let good = format!("{origin} tells browsers that {site} may show the booking of {clinic}");
        return std::iter::once(Finding::Good(good)).chain(older.map(Finding::Note)).collect();
    }
    wrong.into_iter().map(Finding::Bad).collect()
}

/// Whether any policy of the page says who may show it, and those lists that leave this website out.
fn ancestors(page: &Page, site: &str) -> (bool, Vec<String>) {
    let policies = page.policies();
    let is_list = |directive: &Directive| directive.name == "frame-ancestors";
    let said = policies.0.iter().any(|policy| policy.directive_set.iter().any(is_list));
    let shown = Response { url: page.address.clone(), redirect_count: 0 };
    let around = Url::parse(site).into_iter().collect();
    let (_, refused) =
        policies.should_navigation_response_to_navigation_request_be_blocked(&shown, &page.address.origin(), &around);
    (said, refused.into_iter().map(|violation| violation.directive.value.join(" ")).collect())
}

async fn loader_missing(client: &Client, loader: &Url) -> Option<String> {
    let file = match Page::get(client, loader).await {
        Ok(file) => file,
        Err(why) => return Some(format!("{loader} does not answer: {why}")),
    };
    let is_script = file.header(&CONTENT_TYPE).is_some_and(|kind| kind.contains("javascript"));
    if file.status != StatusCode::OK || !is_script {
        return Some(format!("{loader} is not the script that it should be: does it lead to this program?"));
    }
    let value = file.header(&RESOURCE_POLICY).filter(|value| *value != "cross-origin")?;
    Some(format!(
        "something in front of {loader} sends Cross-Origin-Resource-Policy: {value}, which keeps it from other websites"
    ))
}

/// What the website's own policies allow, and whether its page has the script.
pub async fn website(client: &Client, asked: &Url, origin: &Origin) -> Vec<Finding> {
    let site = asked.origin().ascii_serialization();
    let page = match Page::get(client, asked).await {
        Ok(page) => page,
        Err(why) => {
            let unseen = "whether its own policy allows the booking could not be looked at";
            return vec![Finding::Note(format!("{site} does not answer from here ({why}), so {unseen}"))];
        }
    };
    let shown = page.address.origin().ascii_serialization();
    if shown != site {
        let advice = format!("ask for that website instead: perennial doctor --embed {shown}");
        return vec![Finding::Bad(format!("{site} leads on to {shown}, where its visitors are: {advice}"))];
    }
    if !page.status.is_success() {
        let status = page.status.as_u16();
        return vec![Finding::Note(format!("{} answers {status}, so what it allows could not be looked at", page.address))];
    }
    let mut findings = kept_out(&page, origin);
    if findings.is_empty() {
        findings.push(Finding::Good(format!("{site} allows the script and the frame")));
    }
    let address = &page.address;
    findings.push(if page.loads(&format!("{origin}/embed.js")) {
        Finding::Good(format!("{address} loads {origin}/embed.js"))
    } else {
        Finding::Note(format!("{address} does not load {origin}/embed.js, unless a script of its own adds it"))
    });
    findings
}

/// What of the booking the page keeps out, and how to let it in.
fn kept_out(page: &Page, origin: &Origin) -> Vec<Finding> {
    let site = page.address.origin().ascii_serialization();
    let policies = page.policies();
    let kept_out = |(destination, path)| {
        let asked = request(page, &format!("{origin}{path}"), destination)?;
        let (_, violations) = policies.should_request_be_blocked(&asked);
        violations.first().map(|violation| let_in(&site, origin, destination, violation))
    };
    let asked = [(Destination::Script, "/embed.js"), (Destination::IFrame, "/")];
    let mut findings: Vec<Finding> = asked.into_iter().filter_map(kept_out).collect();
    if let Some(value) = page.header(&EMBEDDER_POLICY).filter(|value| !value.starts_with("unsafe-none")) {
        findings.push(Finding::Bad(format!(
            "{site} sends Cross-Origin-Embedder-Policy: {value}, which keeps out frames of other websites"
        )));
    }
    findings
}

/// What to write into the policy. Where a directive is missing another one decides, and writing the
/// missing one down replaces that (CSP 3, 6.8.3).
fn let_in(site: &str, origin: &Origin, destination: Destination, violation: &Violation) -> Finding {
    let (what, missing, directives) = match destination {
        Destination::Script => ("the script", "script-src", ["script-src-elem", "script-src", "default-src"]),
        _ => ("the frame", "frame-src", ["frame-src", "child-src", "default-src"]),
    };
    let written = |name: &&str| violation.policy.directive_set.iter().find(|directive| directive.name == *name);
    let Some(decides) = directives.iter().find_map(written) else {
        return Finding::Bad(format!("the Content-Security-Policy of {site} keeps {what} out"));
    };
    let by_nonce = |source: &String| source.starts_with("'nonce-") || source == "'strict-dynamic'";
    let name = &decides.name;
    if destination == Destination::Script && decides.value.iter().any(by_nonce) {
        return Finding::Note(format!(
            "the {name} of {site} takes scripts by their nonce: give the tag of {origin}/embed.js the one that the page's other \
             scripts have"
        ));
    }
    Finding::Bad(if name == "default-src" {
        format!(
            "the Content-Security-Policy of {site} keeps {what} out: write {missing} into it, with what its default-src has, and \
             {origin}"
        )
    } else {
        format!("the Content-Security-Policy of {site} keeps {what} out: add {origin} to its {name}")
    })
}

/// What a browser would ask for because of the tag.
fn request(page: &Page, address: &str, destination: Destination) -> Option<content_security_policy::Request> {
    let url = Url::parse(address).ok()?;
    Some(content_security_policy::Request {
        current_url: url.clone(),
        url,
        origin: page.address.origin(),
        redirect_count: 0,
        destination,
        initiator: Initiator::None,
        nonce: String::new(),
        integrity_metadata: String::new(),
        parser_metadata: ParserMetadata::ParserInserted,
    })
}

#[cfg(test)]
mod tests {
    use std::future::IntoFuture as _;

    use axum::Router;
    use axum::http::HeaderValue;
    use axum::response::{IntoResponse as _, Redirect, Response};
    use tokio::net::TcpListener;

    use super::*;
    use crate::client::client;

    const SITE: &str = "https://www.rowanstreet.example";

    /// A server that answers everything with these headers; its origin.
    async fn serve(answer: impl Fn(&str) -> Response + Clone + Send + Sync + 'static) -> Origin {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let answer = async move |request: axum::extract::Request| answer(request.uri().path());
        tokio::spawn(axum::serve(listener, Router::new().fallback(answer)).into_future());
        origin
    }

    fn with(headers: &[(&'static str, &str)], text: &str) -> Response {
        let mut response = text.to_owned().into_response();
        for (name, value) in headers {
            response.headers_mut().append(*name, HeaderValue::from_str(value).unwrap());
        }
        response
    }

    fn told(findings: Vec<Finding>) -> Vec<String> {
        let told = |finding| match finding {
            Finding::Good(text) => format!("good {text}"),
            Finding::Note(text) => format!("note {text}"),
            Finding::Bad(text) => format!("wrong {text}"),
        };
        findings.into_iter().map(told).collect()
    }

    /// What is found where a portal's frame comes with these headers, and its loader with those.
    async fn behind(frame: &'static [(&'static str, &str)], loader: &'static [(&'static str, &str)]) -> Vec<String> {
        let origin = serve(move |path| match path {
            "/rowan/embed/booking" => with(frame, "<form>"),
            "/embed.js" => {
                let mut script = with(loader, "()");
                script.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/javascript"));
                script
            }
            _ => StatusCode::NOT_FOUND.into_response(),
        })
        .await;
        let found = told(portal(&client(), &origin, &"rowan".parse().unwrap(), SITE).await);
        found.into_iter().map(|finding| finding.replace(origin.as_str(), "ORIGIN")).collect()
    }

    #[tokio::test]
    async fn what_a_proxy_adds_or_takes_away_is_named() {
        const OURS: (&str, &str) =
            ("content-security-policy", "default-src 'none'; frame-ancestors https://www.rowanstreet.example");
        const OPEN: &[(&str, &str)] = &[("cross-origin-resource-policy", "cross-origin")];
        assert_eq!(
            behind(&[OURS], OPEN).await,
            [format!("good ORIGIN tells browsers that {SITE} may show the booking of rowan")]
        );
        let older = behind(&[OURS, ("x-frame-options", "SAMEORIGIN")], OPEN).await;
        assert!(older[0].starts_with("good ") && older[1].starts_with("note something in front of ORIGIN adds"), "{older:?}");
        let refused = behind(&[("x-frame-options", "SAMEORIGIN")], OPEN).await;
        assert!(refused.len() == 2 && refused[1].contains("adds the header X-Frame-Options: SAMEORIGIN"), "{refused:?}");
        let wide = behind(&[OURS, ("content-security-policy", "frame-ancestors https://*.rowanstreet.example")], OPEN).await;
        assert!(wide.len() == 1 && wide[0].starts_with("good "), "{wide:?}");
        let added = behind(&[OURS, ("content-security-policy", "frame-ancestors 'self'")], OPEN).await;
        assert!(added.len() == 1 && added[0].contains("with frame-ancestors 'self', so that"), "{added:?}");
        let taken = behind(&[], OPEN).await;
        assert!(taken.len() == 1 && taken[0].contains("takes the header Content-Security-Policy away"), "{taken:?}");
        let script = behind(&[OURS], &[("cross-origin-resource-policy", "same-origin")]).await;
        assert!(script.len() == 1 && script[0].contains("Cross-Origin-Resource-Policy: same-origin"), "{script:?}");
        let elsewhere = serve(|_| StatusCode::BAD_GATEWAY.into_response()).await;
        let elsewhere = told(portal(&client(), &elsewhere, &"rowan".parse().unwrap(), SITE).await);
        assert!(elsewhere[0].starts_with("wrong ") && elsewhere[0].contains("answers 502"), "{elsewhere:?}");
    }

    #[tokio::test]
    async fn a_portal_that_does_not_run_is_no_mistake() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let found = told(portal(&client(), &format!("http://{free}").parse().unwrap(), &"rowan".parse().unwrap(), SITE).await);
        assert!(found.len() == 1 && found[0].starts_with("note ") && found[0].contains("it cannot be reached"), "{found:?}");
    }

    #[tokio::test]
    async fn what_a_websites_own_policy_keeps_out_is_named_with_its_directive() {
        let origin: Origin = "https://portal.example".parse().unwrap();
        for (policy, expected) in [
            ("", vec![]),
            ("default-src 'self' https:", vec![]),
            ("script-src 'self' https://portal.example; frame-src *.portal.example portal.example", vec![]),
            (
                "default-src 'self'",
                vec![
                    "keeps the script out: write script-src into it, with what its default-src has, and https://portal.example",
                    "keeps the frame out: write frame-src into it, with what its default-src has, and https://portal.example",
                ],
            ),
            ("script-src 'self'; default-src *", vec!["keeps the script out: add https://portal.example to its script-src"]),
            ("script-src-elem 'self'", vec!["keeps the script out: add https://portal.example to its script-src-elem"]),
            ("child-src 'none'", vec!["keeps the frame out: add https://portal.example to its child-src"]),
            ("frame-src https://portal.example:8443", vec!["keeps the frame out: add https://portal.example to its frame-src"]),
        ] {
            let site = serve(move |_| match policy {
                "" => with(&[], "<script src=\"https://portal.example/embed.js\" defer></script>"),
                _ => with(&[("content-security-policy", policy)], ""),
            })
            .await;
            let found = told(website(&client(), &site.as_str().parse().unwrap(), &origin).await);
            let wrong: Vec<_> = found.iter().filter(|finding| finding.starts_with("wrong ")).collect();
            assert_eq!(wrong.len(), expected.len(), "{policy}: {found:?}");
            assert!(wrong.iter().zip(&expected).all(|(found, expected)| found.contains(expected)), "{policy}: {found:?}");
            assert_eq!(found.iter().any(|finding| finding.starts_with("good ") && finding.contains("loads")), policy.is_empty());
        }
        let nonce = serve(|_| with(&[("content-security-policy", "script-src 'nonce-abc' 'strict-dynamic'")], "")).await;
        let found = told(website(&client(), &nonce.as_str().parse().unwrap(), &origin).await);
        assert!(found[0].starts_with("note ") && found[0].contains("takes scripts by their nonce"), "{found:?}");
        let refused =
            serve(|_| (StatusCode::FORBIDDEN, with(&[("content-security-policy", "default-src 'none'")], "")).into_response());
        let found = told(website(&client(), &refused.await.as_str().parse().unwrap(), &origin).await);
        assert!(found.len() == 1 && found[0].starts_with("note ") && found[0].contains("answers 403"), "{found:?}");
        let apart = serve(|_| with(&[("cross-origin-embedder-policy", "require-corp")], "")).await;
        let found = told(website(&client(), &apart.as_str().parse().unwrap(), &origin).await);
        assert!(found[0].contains("Cross-Origin-Embedder-Policy: require-corp"), "{found:?}");
    }

    #[tokio::test]
    async fn a_policy_inside_the_page_counts_as_browsers_count_it() {
        let origin: Origin = "https://portal.example".parse().unwrap();
        for (text, wrong) in [
            (r#"<META HTTP-EQUIV=content-security-policy content="frame-src 'self'">"#, 1),
            (r#"<meta http-equiv="Content-Security-Policy" content="default-src 'self'; script-src https:">"#, 1),
            (r#"<meta http-equiv="Content-Security-Policy" content="sandbox; frame-ancestors 'none'">"#, 0),
            (r#"<meta http-equiv="Content-Security-Policy-Report-Only" content="default-src 'none'">"#, 0),
            (r#"<!-- <meta http-equiv="Content-Security-Policy" content="default-src 'none'"> -->"#, 0),
            (r#"<script>"<meta http-equiv='Content-Security-Policy' content='default-src none'>"</script>"#, 0),
        ] {
            let site = serve(move |_| with(&[], text)).await;
            let found = told(website(&client(), &site.as_str().parse().unwrap(), &origin).await);
            assert_eq!(found.iter().filter(|finding| finding.starts_with("wrong ")).count(), wrong, "{text}: {found:?}");
        }
    }

    #[tokio::test]
    async fn a_script_that_is_only_spoken_of_is_not_loaded() {
        let origin: Origin = "https://portal.example".parse().unwrap();
        for (text, loads) in [
            ("<script defer src=https://portal.example/embed.js></script>", true),
            ("<script src='//portal.example/embed.js'></script>", false),
            ("<!-- <script src=\"https://portal.example/embed.js\"></script> -->", false),
            ("<p>Put https://portal.example/embed.js into your page", false),
        ] {
            let site = serve(move |_| with(&[], text)).await;
            let found = told(website(&client(), &site.as_str().parse().unwrap(), &origin).await);
            assert_eq!(found.iter().any(|finding| finding.starts_with("good ") && finding.contains("loads")), loads, "{text}");
        }
    }

    #[tokio::test]
    async fn a_website_that_leads_on_is_not_the_one_that_is_listed() {
        let shown = serve(|_| with(&[], "")).await;
        let to = shown.to_string();
        let asked = serve(move |_| Redirect::permanent(&to).into_response()).await;
        let origin = "https://portal.example".parse().unwrap();
        let found = told(website(&client(), &asked.as_str().parse().unwrap(), &origin).await);
        assert!(found.len() == 1 && found[0].contains(&format!("leads on to {shown}")), "{found:?}");
        let circle = serve(|_| Redirect::permanent("/").into_response()).await;
        let found = told(website(&client(), &circle.as_str().parse().unwrap(), &origin).await);
        assert!(found[0].contains("it leads on without end"), "{found:?}");
    }
}
