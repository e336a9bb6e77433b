//! The only error that crosses the wire.
//!
//! With JavaScript off it travels in an address, so it holds codes and field names: never a
//! sentence, never what a patient typed. Pages turn codes into words.

use std::fmt;

use leptos::prelude::FromServerFnError;
use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::ServerFnErrorErr;
use serde::{Deserialize, Serialize};

use crate::fields::FieldErrors;

/// Why the server did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PortalError {
    /// Nobody is signed in, or no longer.
    SignedOut,
    /// The caller is known and may not do this.
    Forbidden,
    /// It does not exist, or the caller may not know that it does.
    NotFound,
    /// Fields need another value.
    Invalid(FieldErrors),
    /// The world moved on between looking and asking.
    Conflict(Reason),
    /// Too many requests; later it will work.
    TooMany,
    /// Our fault. Logged on the server; nothing was changed.
    Unavailable,
}

/// What a request was in conflict with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Someone else has the time.
    SlotTaken,
    /// The clinic does not offer that time: past, too soon, too late, closed, inside a buffer.
    SlotNotOffered,
    /// The clinic changed what the page showed (price, duration, practitioner).
    Changed,
    /// This treatment is for others; the clinic can help by phone.
    NotEligible,
    /// It was already confirmed, with other details.
    AlreadyBooked,
    /// The visit has begun or is over; the clinic can help by phone.
    TooLate,
}

impl PortalError {
    /// The HTTP status for callers that are not a browser showing a page.
    pub const fn status(&self) -> u16 {
        match self {
            Self::SignedOut => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Invalid(_)
            | Self::Conflict(Reason::SlotNotOffered | Reason::NotEligible | Reason::AlreadyBooked | Reason::TooLate) => 422,
            Self::Conflict(Reason::SlotTaken | Reason::Changed) => 409,
            Self::TooMany => 429,
            Self::Unavailable => 503,
        }
    }
}

impl fmt::Display for PortalError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, out)
    }
}

impl std::error::Error for PortalError {}

impl FromServerFnError for PortalError {
    type Encoder = JsonEncoding;

    /// The transport failed or the other side is of another build; the caller can only try again.
    /// Arguments that do not parse are the caller's mistake.
    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                Self::Invalid(FieldErrors::default())
            }
            _ => Self::Unavailable,
        }
    }
}
