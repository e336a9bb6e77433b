//! The only door from the pages to the server: who is asking, and the service that answers.
//!
//! Everything here is read *before the first await* of a server function: a page load that the
//! visitor abandons takes its context with it.

use crate::words::Language;

#[cfg(feature = "ssr")]
pub use self::door::{Reply, language, nonce, page_status, service, typed};

/// Who is asking. Resolved once per request, in the server's session layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub who: Who,
    /// What the pages of this request speak.
    pub language: Language,
    /// The IANA zone the reader says they are in, if they said so.
    pub zone: Option<String>,
}

/// The kinds of callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Somebody on the site without an account; `None` until they have something worth keeping.
    Visitor(Option<VisitorKey>),
    /// The clinic's own work: jobs and the command line.
    System,
}

/// The SHA-256 of a visitor's cookie; the cookie itself is never kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VisitorKey(pub [u8; 32]);

impl Caller {
    pub const fn system(language: Language) -> Self {
        Self { who: Who::System, language, zone: None }
    }

    pub const fn visitor(&self) -> Option<VisitorKey> {
        match self.who {
            Who::Visitor(key) => key,
            Who::System => None,
        }
    }
}

/// The cookie by which [`Reply::give_back`] reaches the next request, percent-encoded.
#[cfg(feature = "ssr")]
pub const TYPED: &str = "typed";

/// What the cookie [`TYPED`] said; an extension of the request.
#[derive(Clone, Debug)]
#[cfg(feature = "ssr")]
pub struct Typed(pub String);

/// In a browser what was typed is still in its field.
#[cfg(not(feature = "ssr"))]
pub const fn typed() -> String {
    String::new()
}

#[cfg(feature = "ssr")]
mod door {
    use std::sync::Arc;

    use axum::http::header::{ACCEPT, HeaderName, HeaderValue, LOCATION, SET_COOKIE};
    use axum::http::request::Parts;
    use axum::http::{HeaderMap, StatusCode};
    use leptos::prelude::use_context;
    use leptos_axum::ResponseOptions;

    use super::{Caller, TYPED, Typed};
    use crate::error::PortalError;
    use crate::ui::map::encoded;
    use crate::words::Language;

    const TYPED_BYTES_MAX: usize = 320;

    /// A service from the request's context, the caller, and the way to answer.
    ///
    /// # Errors
    /// `Unavailable` if there is no request any more.
    pub fn service<S: ?Sized + Send + Sync + 'static>() -> Result<(Arc<S>, Caller, Reply), PortalError> {
        let service = use_context::<Arc<S>>().ok_or(PortalError::Unavailable)?;
        let parts = use_context::<Parts>().ok_or(PortalError::Unavailable)?;
        let caller = parts.extensions.get::<Caller>().cloned().ok_or(PortalError::Unavailable)?;
        let reply = Reply { options: use_context::<ResponseOptions>(), page: accepts_html(&parts.headers) };
        Ok((service, caller, reply))
    }

    /// The language of the request; English where there is none.
    pub fn language() -> Language {
        use_context::<Parts>()
            .and_then(|parts| parts.extensions.get::<Caller>().map(|caller| caller.language))
            .unwrap_or_default()
    }

    /// The status of the page being rendered, where it is not 200.
    pub fn page_status(status: u16) {
        if let (Some(options), Ok(status)) = (use_context::<ResponseOptions>(), StatusCode::from_u16(status)) {
            options.set_status(status);
        }
    }

    /// What was typed in a field that no draft keeps, where a browser without scripts comes back to it.
    pub fn typed() -> String {
        let typed = |parts: &Parts| parts.extensions.get::<Typed>().map(|Typed(text)| text.clone());
        use_context::<Parts>().as_ref().and_then(typed).unwrap_or_default()
    }

    /// The nonce of this response's content security policy.
    pub fn nonce() -> Option<leptos::nonce::Nonce> {
        leptos::nonce::use_nonce()
    }

    fn accepts_html(headers: &HeaderMap) -> bool {
        headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
    }

    /// How a server function ends: with a status for programs, with a redirect for people.
    pub struct Reply {
        options: Option<ResponseOptions>,
        /// A browser without scripts waits for a page.
        page: bool,
    }

    impl Reply {
        /// Passes the result on. An error sets the status, but not where a browser waits for a
        /// page: there the framework redirects back to the form, and a status would undo that.
        pub fn with<T>(&self, result: Result<T, PortalError>) -> Result<T, PortalError> {
            if let (Err(error), Some(options), false) = (&result, &self.options, self.page)
                && let Ok(status) = StatusCode::from_u16(error.status())
            {
                options.set_status(status);
            }
            result
        }

        /// Gives what was typed back to the page at this path if it was refused and the browser is
        /// without scripts: it makes the page anew, and an address is no place for what people
        /// type. A minute, in that browser, for that page; what was taken is not given back any more.
        pub fn give_back<T>(&self, page: &str, typed: &str, result: &Result<T, PortalError>) {
            let Some(options) = self.options.as_ref().filter(|_| self.page && typed.len() <= TYPED_BYTES_MAX) else { return };
            let typed = if result.is_err() { encoded(typed) } else { String::new() };
            let cookie = format!("{TYPED}={typed}; Path={page}; Max-Age=60; SameSite=Lax; HttpOnly; Secure");
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                options.append_header(SET_COOKIE, cookie);
            }
        }

        /// Sends the reader on: by HTTP without scripts, through the router with them.
        pub fn redirect(&self, path: &str) {
            let (Some(options), Ok(location)) = (&self.options, HeaderValue::from_str(path)) else { return };
            options.insert_header(LOCATION, location);
            if self.page {
                options.set_status(StatusCode::SEE_OTHER);
            } else {
                options.insert_header(HeaderName::from_static("serverfnredirect"), HeaderValue::from_static(""));
            }
        }
    }
}
