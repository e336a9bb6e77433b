//! Booking inside a clinic's own website: what the server does for the frame beside rendering it.
//!
//! Everything below `/{clinic}/embed` goes through [`enter`]. There a request has no authority of
//! its own: cookies are taken off before anybody could read one, and none is ever set. What may be
//! done is in what the address and the body carry (the link of a hold, the link of a visit), so it
//! does not matter which site sent it; that is why [`crate::web::security`] asks no such question
//! here, and here alone. It is *not* where pages are: those are in `app::embed`.
//!
//! - [`accent`]: the colour that a website asks for
//! - [`example`]: a website to look at, in the demo

pub mod accent;
pub mod example;

use std::sync::Arc;

use app::clinic::model::Clinic;
use app::embed::{Frame, Theme};
use app::ids::{ClinicSlug, LocationSlug, PractitionerSlug, TreatmentSlug};
use app::routes::RESERVED;
use app::ui::map::encoded;
use app::words::Language;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE, LOCATION, REFERER, SET_COOKIE};
use axum::http::{HeaderValue, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use leptos_axum::handle_server_fns_with_context;

use self::example::Example;
use crate::clinic::Clinics;
use crate::web::find;
use crate::web::refusal::Refusal;
use crate::web::security::Ancestors;
use crate::web::session::{is_arrival, nobody, visitor_key};

/// What can be done in the frame. All but the keeping of what is typed end in a redirect.
const FUNCTIONS: [&str; 7] = [
    "/api/booking/hold",
    "/api/booking/plan",
    "/api/booking/series",
    "/api/booking/keep",
    "/api/booking/describe",
    "/api/booking/confirm",
    "/api/booking/release",
];

/// What a page's own address may say; a tag has attributes that mean nothing here.
const OWN: [&str; 8] = ["practitioner", "location", "zone", "replaces", "from", "view", "month", "day"];

type Pairs = Vec<(String, String)>;

/// The clinic's slug and what follows, if this is an address of a frame.
pub fn inside(path: &str) -> Option<(&str, &str)> {
    let (slug, rest) = path.strip_prefix('/')?.split_once("/embed")?;
    let is_frame = rest.is_empty() || rest.starts_with('/');
    (is_frame && !RESERVED.contains(&slug) && slug.parse::<ClinicSlug>().is_ok()).then_some((slug, rest))
}

/// The server function that an address of the frame stands for; itself for any other address.
pub fn function(path: &str) -> &str {
    inside(path).and_then(|(_, rest)| FUNCTIONS.into_iter().find(|function| *function == rest)).unwrap_or(path)
}

/// What it takes to let a request in.
#[derive(Clone)]
pub struct Door {
    pub clinics: Arc<Clinics>,
    pub example: Option<Example>,
}

impl Door {
    /// The websites that may show the clinic's booking.
    fn sites(&self, clinic: &Clinic) -> Vec<String> {
        let example = self.example.iter().filter(|example| example.clinic == clinic.slug);
        clinic.sites.iter().chain(example.map(|example| &example.origin)).cloned().collect()
    }
}

/// Lets a request into a frame's addresses: without cookies, with a [`Frame`].
pub async fn enter(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let Some((slug, rest)) = inside(request.uri().path()).map(|(slug, rest)| (slug.to_owned(), rest.to_owned())) else {
        return next.run(request).await;
    };
    let clinic = find(&door.clinics, &slug);
    let sites = clinic.as_deref().map(|clinic| door.sites(clinic)).unwrap_or_default();
    for carrier in [COOKIE, AUTHORIZATION] {
        request.headers_mut().remove(carrier);
    }
    let ancestors = Ancestors::of(&sites);
    let (path, pairs) = page(request.uri(), &slug, &rest);
    let mut frame = clinic.as_deref().map(|clinic| read(clinic, &sites, &path, &pairs)).unwrap_or_default();
    if is_arrival(request.headers()) {
        // Whoever made this link would be taken for whoever opens it.
        frame.visitor = nobody();
    }
    let straight = clinic.as_deref().and_then(|clinic| straight(request.method(), clinic, &frame, &rest, &pairs));
    request.extensions_mut().insert(Arc::new(frame));
    request.extensions_mut().insert(ancestors.clone());
    let mut response = match straight {
        Some(address) => Redirect::temporary(&address).into_response(),
        None => next.run(request).await,
    };
    response.headers_mut().remove(SET_COOKIE);
    response.extensions_mut().insert(ancestors);
    response
}

/// The page that a request is about: itself, or for a form the page it was on.
fn page(uri: &Uri, slug: &str, rest: &str) -> (String, Pairs) {
    let pairs = |uri: &Uri| Query::<Pairs>::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default();
    if !rest.starts_with("/api/") {
        return (uri.path().to_owned(), pairs(uri));
    }
    let from = pairs(uri).into_iter().find(|(name, _)| name == "from").and_then(|(_, from)| from.parse::<Uri>().ok());
    match from {
        Some(from) if inside(from.path()).is_some_and(|(from, _)| from == slug) => (from.path().to_owned(), pairs(&from)),
        _ => (format!("/{slug}/embed/booking"), Pairs::new()),
    }
}

/// What is asked for, as far as the clinic has it.
fn read(clinic: &Clinic, sites: &[String], path: &str, pairs: &Pairs) -> Frame {
    let get = |name: &str| pairs.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let asked = get("site");
    let site = asked.filter(|site| sites.iter().any(|listed| listed == site)).map(str::to_owned);
    let visitor = get("v").filter(|secret| visitor_key(secret).is_some()).map(str::to_owned);
    let mut frame = Frame {
        is_stranger: asked.is_some() && site.is_none(),
        site,
        language: get("lang").and_then(Language::parse).filter(|language| clinic.languages.contains(language)),
        hue: get("accent").and_then(accent::hue),
        theme: get("theme").and_then(Theme::parse),
        practitioner: get("practitioner").and_then(|slug| known_practitioner(clinic, path, slug)),
        location: get("location")
            .and_then(|slug| slug.parse().ok())
            .filter(|slug: &LocationSlug| clinic.location(slug).is_some()),
        visitor: visitor.unwrap_or_else(nobody),
        here: String::new(),
    };
    let own = pairs.iter().filter(|(name, _)| OWN.contains(&name.as_str()));
    frame.here = address(path, own.map(|(name, value)| (name.as_str(), value)));
    frame
}

/// Somebody of the clinic, who gives the treatment if the page is about one.
fn known_practitioner(clinic: &Clinic, path: &str, slug: &str) -> Option<PractitionerSlug> {
    let slug: PractitionerSlug = slug.parse().ok()?;
    let treatment = inside(path).and_then(|(_, rest)| treatment(rest)).and_then(|slug| clinic.treatment(&slug));
    let gives = treatment.is_none_or(|treatment| treatment.practitioners.contains(&slug));
    (gives && clinic.practitioner(&slug).is_some()).then_some(slug)
}

/// The treatment whose times an address shows; also one that does not exist.
fn treatment(rest: &str) -> Option<TreatmentSlug> {
    rest.strip_prefix("/booking/")?.parse().ok()
}

/// Where to look instead, if the tag names what is not there any more: the website cannot know.
fn straight(method: &Method, clinic: &Clinic, frame: &Frame, rest: &str, pairs: &Pairs) -> Option<String> {
    let treatment = treatment(rest).filter(|_| *method == Method::GET)?;
    let path = format!("/{}/embed/booking", clinic.slug);
    let gone = |name: &str| match name {
        "practitioner" => frame.practitioner.is_none(),
        "location" => frame.location.is_none(),
        _ => false,
    };
    let left = || pairs.iter().filter(|(name, _)| !gone(name)).map(|(name, value)| (name.as_str(), value));
    match clinic.treatment(&treatment) {
        None => Some(address(&path, left())),
        Some(_) if pairs.iter().any(|(name, _)| gone(name)) => Some(address(&format!("{path}/{treatment}"), left())),
        Some(_) => None,
    }
}

/// The first page of the frame, as the tag asked for it.
pub fn front(clinic: &Clinic, frame: &Frame) -> String {
    let carried = frame.carried();
    address(&format!("/{}/embed/booking", clinic.slug), carried.iter().map(|(name, value)| (*name, value)))
}

fn address<'a>(path: &str, pairs: impl Iterator<Item = (&'a str, &'a String)>) -> String {
    let query = pairs.map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect::<Vec<_>>().join("&");
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// Answers a form of the frame: the server function of the same name, and a way back to the page.
/// `context` is what server functions find in theirs.
pub async fn send(mut request: Request, origin: String, context: impl Fn() + Clone + Send + 'static) -> Response {
    let path = function(request.uri().path());
    let frame = request.extensions().get::<Arc<Frame>>().cloned();
    let (true, Some(frame)) = (path.starts_with("/api/"), frame) else { return Refusal::NotFound.into_response() };
    if frame.is_stranger {
        return Refusal::Foreign.into_response();
    }
    let back = format!("{origin}{}", frame.page());
    // A frame that is kept apart says nothing of where it is, and never has to.
    let (Ok(uri), Ok(referer)) = (path.parse::<Uri>(), HeaderValue::from_str(&back)) else {
        return Refusal::NotFound.into_response();
    };
    *request.uri_mut() = uri;
    request.headers_mut().insert(REFERER, referer);
    let mut response: Response<Body> = handle_server_fns_with_context(context, request).await.into_response();
    // Whatever name of this server the website uses, its frame stays there.
    let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    if let Some(Ok(here)) = location.and_then(|location| location.strip_prefix(&origin)).map(HeaderValue::from_str) {
        response.headers_mut().insert(LOCATION, here);
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::middleware::from_fn_with_state;
    use tower::ServiceExt as _;

    use super::*;
    use crate::store::testing::Scratch;

    #[tokio::test]
    async fn no_cookie_comes_into_a_frame_or_out_of_it_whatever_is_inside() {
        let clinics = Arc::new(Clinics::open(Scratch::sqlite().await.database.clone()).await.unwrap());
        let inner = async |request: Request| {
            let heard = if request.headers().contains_key(COOKIE) { "heard" } else { "" };
            ([(SET_COOKIE, "a=b")], heard)
        };
        let router = Router::new().fallback(inner).layer(from_fn_with_state(Door { clinics, example: None }, enter));
        for (path, passes) in
            [("/rowan/booking", true), ("/rowan/embed/booking", false), ("/rowan/embed/api/booking/hold", false)]
        {
            let request = Request::get(path).header(COOKIE, "c=d").body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.headers().contains_key(SET_COOKIE), passes, "{path}");
            let heard = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
            assert_eq!(!heard.is_empty(), passes, "{path}");
        }
    }

    #[test]
    fn only_what_is_below_embed_of_a_clinic_is_in_a_frame() {
        for (path, expected) in [
            ("/rowan/embed/booking", Some(("rowan", "/booking"))),
            ("/rowan/embed", Some(("rowan", ""))),
            ("/rowan/embed/api/booking/hold", Some(("rowan", "/api/booking/hold"))),
            ("/rowan/embedded", None),
            ("/rowan/booking/embed", None),
            ("/api/embed/booking/hold", None),
            ("/embed/booking", None),
            ("//embed/api/booking/hold", None),
            ("/Rowan/embed/booking", None),
            ("/mailbox/embed", None),
            ("/", None),
        ] {
            assert_eq!(inside(path), expected, "{path}");
        }
    }

    #[test]
    fn a_form_of_the_frame_stands_for_one_of_a_few_functions() {
        assert_eq!(function("/rowan/embed/api/booking/hold"), "/api/booking/hold");
        for other in
            ["/rowan/embed/api/booking/cancel", "/api/booking/keep", "/rowan/embed/api/booking/hold/", "/rowan/embed/booking"]
        {
            assert_eq!(function(other), other);
        }
    }

    #[test]
    fn a_form_leads_back_to_a_page_of_the_same_clinics_frame_and_nowhere_else() {
        let ours = |from: &str| {
            let uri = format!("/rowan/embed/api/booking/hold?from={}", encoded(from)).parse().unwrap();
            page(&uri, "rowan", "/api/booking/hold").0
        };
        assert_eq!(ours("/rowan/embed/booking/physio?v=1"), "/rowan/embed/booking/physio");
        for foreign in [
            "https://evil.example/elm/embed/booking",
            "//evil.example/rowan/embed/x",
            "/elm/embed/booking",
            "/rowan/booking",
            "",
            "x y",
        ] {
            assert_eq!(ours(foreign), "/rowan/embed/booking", "{foreign}");
        }
    }
}
