//! Every address of the server and every layer around it, in one place.
//!
//! A request passes, from the outside: [`telling`] (id, log, figures), [`security::describe`]
//! (headers of the answer), [`embed::enter`] (what is in a frame), compression, [`session`] (caller), [`refusal::kindly`] (words for what
//! is turned away), [`security::guard`] (host, origin, rates, time), [`security::gather`]
//! (the whole body), the address as it should be ([`tidy`]), and then a page, a server function or a file.

use std::sync::{Arc, LazyLock};

use app::Hue;
use app::booking::api::BookingService;
use app::booking::series::api::SeriesService;
use app::clinic::api::ClinicService;
use app::embed::Frame;
use app::embed::is_framed;
use app::error::PortalError;
use app::waitlist::api::WaitlistService;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderValue, REFERER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use futures::future::BoxFuture;
use leptos::config::LeptosOptions;
use leptos::prelude::{IntoAny as _, provide_context, use_context};
use leptos::server_fn::error::ServerFnUrlError;
use leptos_axum::{AxumRouteListing, LeptosRoutes as _, ResponseOptions, generate_route_list, render_app_async_with_context};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

use super::calendar::{Calendars, calendar};
use super::refusal::{self, Kindness, Refusal, wants_page};
use super::report::{Reports, report};
use super::security::{self, Gate};
use super::session::{self, Sessions};
use super::{find, plain, site, telling};
use crate::clinic::Clinics;
use crate::clock::Clock;
use crate::config::Config;
use crate::embed::example::Example;
use crate::embed::{self, Door};
use crate::fhir::scheduling::{self, Publisher};
use crate::letters::mailbox::Mailbox;
use crate::letters::mailbox_page;

/// Where there are pages. Looked for once: Leptos keeps every page of this process from asking for
/// anything meanwhile, and one that is being made then would wait for ever.
static PAGES: LazyLock<Vec<AxumRouteListing>> =
    LazyLock::new(|| [generate_route_list(app::App), generate_route_list(app::embed::Widget)].concat());

/// What the addresses need of the rest of the server.
#[derive(Clone)]
pub struct Web {
    pub clock: Clock,
    pub clinics: Arc<Clinics>,
    pub clinic: Arc<dyn ClinicService>,
    pub booking: Arc<dyn BookingService>,
    pub waitlist: Arc<dyn WaitlistService>,
    pub series: Arc<dyn SeriesService>,
    pub publisher: Arc<Publisher>,
    pub calendars: Arc<Calendars>,
    /// A website to look at, in a demo.
    pub example: Option<Example>,
    /// The letters of a demo, for everybody to read.
    pub mailbox: Option<Mailbox>,
    /// If there is a text gateway that reports.
    pub reports: Option<Arc<Reports>>,
    /// Whether the database answers.
    pub ready: Arc<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>,
}

/// The whole server as one service.
pub fn router(config: &Config, web: Web, gate: &Arc<Gate>) -> Router {
    let files = site::files().unwrap_or_default();
    let style: Arc<str> = files.style.as_str().into();
    let shell = move || if is_framed() { app::embed::shell(&files) } else { app::shell(files.clone()).into_any() };
    let context = context(&web);
    let options = LeptosOptions::builder().output_name("perennial").build();
    let not_found = render_app_async_with_context(context.clone(), shell.clone());
    let (origin, send_context) = (config.origin.to_string(), context.clone());
    let pages = Router::new().leptos_routes_with_context(&options, PAGES.clone(), context, shell).with_state(options);
    let mailbox = web.mailbox.clone().map_or_else(Router::new, |mailbox| mailbox_page::router(mailbox, format!("/{style}")));
    let router = Router::new()
        .route("/health", get(plain::health))
        .route("/ready", get(plain::ready))
        .route("/pkg/{*path}", get(site::built))
        .route("/assets/{*path}", get(site::asset))
        .route("/favicon.ico", get(site::well_known))
        .route("/robots.txt", get(site::well_known))
        .route("/embed.js", get(site::well_known))
        .route("/{clinic}/embed/api/{*function}", post(move |request: Request| embed::send(request, origin, send_context)))
        .route("/{clinic}/visit/{visit}/calendar.ics", get(calendar))
        .route("/{clinic}/fhir/{file}", get(scheduling::file))
        .route("/{clinic}/letters/{letter}/report", post(report))
        .with_state(web.clone())
        .merge(pages)
        .merge(mailbox)
        .fallback(move |request: Request| missing(request, not_found));
    layers(router, config, web, gate, style)
}

/// The layers, from the inside out.
fn layers(router: Router, config: &Config, web: Web, gate: &Arc<Gate>, style: Arc<str>) -> Router {
    let clinics = web.clinics;
    let door = Door { clinics: Arc::clone(&clinics), example: web.example };
    let sessions = Sessions { clinics: clinics.clone(), secure: config.origin.is_secure() };
    router
        .layer(from_fn_with_state(clinics.clone(), tidy))
        .layer(from_fn_with_state(Arc::clone(gate), security::gather))
        .layer(from_fn_with_state(Arc::clone(gate), security::guard))
        .layer(from_fn_with_state(Kindness { clinics, style }, refusal::kindly))
        .layer(from_fn_with_state(sessions, session::resolve))
        .layer(CompressionLayer::new().quality(CompressionLevel::Precise(4)))
        .layer(from_fn_with_state(door, embed::enter))
        .layer(from_fn_with_state(Arc::clone(gate), security::describe))
        .layer(from_fn_with_state(web.clock, telling::tell))
}

/// What pages and server functions find in their context beside the request itself.
fn context(web: &Web) -> impl Fn() + Clone + Send + Sync + 'static {
    let Web { clinic, booking, series, waitlist, clinics, .. } = web.clone();
    move || {
        provide_context(Arc::clone(&clinic));
        provide_context(Arc::clone(&booking));
        provide_context(Arc::clone(&series));
        provide_context(Arc::clone(&waitlist));
        let (Some(parts), Some(options)) = (use_context::<Parts>(), use_context::<ResponseOptions>()) else { return };
        if let Some(nonce) = app::request::nonce() {
            options.insert_header(CONTENT_SECURITY_POLICY, security::policy(Some(&nonce), parts.extensions.get()));
        }
        let first = parts.uri.path().trim_start_matches('/').split('/').next().unwrap_or_default();
        match find(&clinics, first) {
            Some(clinic) => {
                let asked = parts.extensions.get::<Arc<Frame>>().and_then(|frame| frame.hue);
                provide_context(Hue(asked.unwrap_or(clinic.hue)));
            }
            // The page says so kindly; the status says so to programs that follow links.
            None if !first.is_empty() && first != "api" => options.set_status(StatusCode::NOT_FOUND),
            None => {}
        }
    }
}

/// An address that nobody answers: the app's page about that, or a value for a program.
async fn missing<R, F>(request: Request, page: R) -> Response
where
    R: FnOnce(Request) -> F,
    F: Future<Output = Response>,
{
    if !matches!(*request.method(), Method::GET | Method::HEAD) || !wants_page(request.headers()) {
        return Refusal::NotFound.into_response();
    }
    let mut response = page(request).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

/// One address for one thing: no slash at the end, and no list where there is only one clinic.
async fn tidy(State(clinics): State<Arc<Clinics>>, mut request: Request, next: Next) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        forget_refusal(request.headers_mut());
        return next.run(request).await;
    }
    let uri = request.uri();
    let path = uri.path();
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    if path == "/" {
        return match clinics.all().as_slice() {
            [only] => Redirect::temporary(&format!("/{}{query}", only.clinic.slug)).into_response(),
            _ => next.run(request).await,
        };
    }
    // A second slash in front would make it the address of another host, and browsers take \ for /.
    if path.ends_with('/') && !path.starts_with("//") && !path.contains('\\') {
        return Redirect::permanent(&format!("{}{query}", path.trim_end_matches('/'))).into_response();
    }
    next.run(request).await
}

/// What became of the form before is not in the address to come back to: with each refusal the
/// address would grow, until it is too long.
fn forget_refusal(headers: &mut HeaderMap) {
    let Some(mut page) = headers.get(REFERER).and_then(|page| page.to_str().ok()).map(str::to_owned) else { return };
    ServerFnUrlError::<PortalError>::strip_error_info(&mut page);
    if let Ok(page) = HeaderValue::from_str(page.trim_end_matches('?')) {
        headers.insert(REFERER, page);
    }
}
