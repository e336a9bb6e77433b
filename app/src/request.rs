//! The only door from the pages to the server: who is asking, and the service that answers.
//!
//! Everything here is read *before the first await* of a server function: a page load that the
//! visitor abandons takes its context with it.

use crate::words::Language;

#[cfg(feature = "ssr")]
pub use self::door::{Reply, language, nonce, page_status, service};

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

#[cfg(feature = "ssr")]
mod door {
    use std::sync::Arc;

    use axum::http::header::{ACCEPT, HeaderName, HeaderValue, LOCATION};
    use axum::http::request::Parts;
    use axum::http::{HeaderMap, StatusCode};
    use leptos::prelude::use_context;
    use leptos_axum::ResponseOptions;

    use super::Caller;
    use crate::error::PortalError;
    use crate::words::Language;

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
