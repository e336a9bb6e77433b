//! Somebody whose browser runs no scripts: pages and forms, in the test's own process.

use axum::Router;
use axum::body::Body;
use axum::http::header::{COOKIE, LOCATION, REFERER, SET_COOKIE};
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use server::Portal;
use server::config::Config;
use server::store::Address;
use tower::ServiceExt as _;

use crate::browser::form;
use crate::harness::TestPortal;

pub const ORIGIN: &str = "https://portal.example";

/// The whole server over the same database and clock as the portal.
pub async fn served(portal: &TestPortal) -> Portal {
    let database = match portal.database.address() {
        Address::Sqlite(path) => format!("sqlite:{}", path.display()),
        Address::Postgres(url) => url.clone(),
    };
    let variables = [("PERENNIAL_DATABASE", database.as_str()), ("PERENNIAL_ORIGIN", ORIGIN), ("PERENNIAL_DEMO", "off")];
    let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Portal::open(Config::from_sources("", "", find).unwrap(), portal.clock.clone()).await.unwrap()
}

/// What the browser shows and remembers.
pub struct Plain {
    router: Router,
    cookie: String,
    /// The address of the page.
    pub address: String,
    pub page: String,
}

impl Plain {
    pub fn new(portal: &Portal) -> Self {
        Self { router: portal.router(), cookie: String::new(), address: String::new(), page: String::new() }
    }

    async fn ask(&mut self, request: Request<Body>) -> (StatusCode, String) {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let header = |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        let (status, location, cookie) = (answer.status(), header(LOCATION), header(SET_COOKIE));
        if cookie.contains("visitor=") {
            cookie.split(';').next().unwrap().clone_into(&mut self.cookie);
        }
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        self.page = String::from_utf8(body.to_vec()).unwrap();
        (status, location)
    }

    /// Goes to a page of ours.
    pub async fn go(&mut self, address: &str) -> StatusCode {
        let path = address.strip_prefix(ORIGIN).unwrap_or(address).to_owned();
        let request = Request::get(&path).header("host", "portal.example").header("accept", "text/html");
        let request = request.header(COOKIE, &self.cookie).body(Body::empty()).unwrap();
        self.address = path;
        self.ask(request).await.0
    }

    /// Sends a form of the page, and goes where the answer leads.
    pub async fn send(&mut self, endpoint: &str, fields: &[(&str, &str)]) -> StatusCode {
        let request = Request::post(format!("/api/{endpoint}"))
            .header("host", "portal.example")
            .header("accept", "text/html")
            .header("origin", ORIGIN)
            .header("content-type", "application/x-www-form-urlencoded")
            .header(REFERER, format!("{ORIGIN}{}", self.address))
            .header(COOKIE, &self.cookie)
            .body(Body::from(form(fields)));
        let (status, location) = self.ask(request.unwrap()).await;
        assert!(status.is_redirection(), "{status} {}", self.page);
        self.go(&location).await
    }

    /// The values that the page's form would send by this name, ticked or chosen.
    pub fn chosen(&self, name: &str) -> Vec<String> {
        self.inputs(name).into_iter().filter(|input| input.contains(" checked")).map(|input| value(&input)).collect()
    }

    /// The value of a field that nobody types.
    pub fn hidden(&self, name: &str) -> String {
        self.inputs(name).first().map(|input| value(input)).unwrap_or_default()
    }

    fn inputs(&self, name: &str) -> Vec<String> {
        let name = format!(" name=\"{name}\"");
        let tags = self.page.split("<input").skip(1).map(|rest| rest.split('>').next().unwrap());
        tags.filter(|tag| tag.contains(&name)).map(str::to_owned).collect()
    }
}

fn value(tag: &str) -> String {
    tag.split(" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
}
