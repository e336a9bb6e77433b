//! One newtype per identity.
//!
//! What a clinic file names (clinic, location, practitioner, room, treatment) is identified by its
//! slug: the same short word in the file, the address and the table, valid as a FHIR id. What
//! happens (a hold, an appointment, a patient) gets a UUID v7 from the id source.
//! What patients carry in an address is neither: it is a [`LinkToken`], signed by the server.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The longest slug, in bytes: short enough for an address that is read out on the phone.
pub const SLUG_BYTES_MAX: usize = 40;

/// Lower-case letters, digits and single hyphens between them.
fn is_slug(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= SLUG_BYTES_MAX
        && text
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

/// The text is not a slug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotASlug;

impl fmt::Display for NotASlug {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "use lower-case letters, digits and single hyphens, at most {SLUG_BYTES_MAX} in all")
    }
}

impl std::error::Error for NotASlug {}

macro_rules! slug {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NotASlug;
            fn from_str(text: &str) -> Result<Self, NotASlug> {
                is_slug(text).then(|| Self(text.to_owned())).ok_or(NotASlug)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotASlug;
            fn try_from(text: String) -> Result<Self, NotASlug> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(slug: $name) -> Self {
                slug.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    )*};
}

slug! {
    /// A clinic: the first segment of every address.
    ClinicSlug
    /// A place where a clinic sees people.
    LocationSlug
    /// Someone who gives treatments.
    PractitionerSlug
    /// A room or a device that one visit at a time can use.
    RoomSlug
    /// What a patient can book.
    TreatmentSlug
    /// A form that a patient fills in.
    QuestionnaireSlug
}

macro_rules! identity {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }
    )*};
}

identity! {
    /// A time kept for someone who is still typing.
    HoldId
    /// A booked time.
    AppointmentId
    /// Whose care it is.
    PatientId
    /// A place on the waiting list.
    EntryId
}

/// A private link's secret part, as it stands in an address. Whoever has it may do the one thing
/// it was made for; only the server can make or open one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkToken(pub String);

impl fmt::Display for LinkToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_lower_case_words_joined_by_single_hyphens() {
        for good in ["physio", "rowan-street", "room-2"] {
            assert!(good.parse::<TreatmentSlug>().is_ok(), "{good}");
        }
        let long = "a".repeat(SLUG_BYTES_MAX + 1);
        for bad in ["", "-a", "a-", "a--b", "A", "a b", "ä", "a/b", "../x", &long] {
            assert!(bad.parse::<TreatmentSlug>().is_err(), "{bad}");
        }
    }
}
