//! "Send me a new link": whoever asks gets the same answer at once, and a job looks who it is.
//!
//! The job's row holds a keyed fingerprint of what was typed, so nobody reads an address there; it
//! finds the visits whose own contact has the same one. Links go only to the contact on file.

use app::error::PortalError;
use app::fields::{Email, FieldError, FieldErrors, Phone};
use app::ids::ClinicSlug;
use chrono::{DateTime, Utc};

use super::Booking;
use super::store::appointment::AppointmentRow;
use crate::failure::Failure;
use crate::jobs::{self, NewJob};
use crate::link::Links;

/// The job that looks whose address it is, and writes to it.
pub const LINKS_LETTER_JOB: &str = "letter.links";

/// One address is written to at most once in so many seconds, whoever asks how often.
const ONCE_IN_S: i64 = 600;

/// Digits at the end of a number that make it the same one, with or without the country's code.
const SAME_DIGITS: usize = 9;

impl Booking {
    pub(super) async fn ask_for_links(&self, slug: &ClinicSlug, typed: &str) -> Result<(), Failure> {
        self.clinic(slug)?;
        let contact = folded(typed).ok_or_else(|| {
            let mut errors = FieldErrors::default();
            errors.add("contact", FieldError::Malformed);
            PortalError::Invalid(errors)
        })?;
        let print = self.links.fingerprint(&contact);
        let (slug, now, id) = (slug.clone(), self.clock.now(), self.clock.new_id());
        self.database
            .write(async move |tx| {
                let job = NewJob {
                    clinic: slug.as_str(),
                    kind: LINKS_LETTER_JOB,
                    subject: serde_json::json!({ "contact": print }),
                    unique_key: format!("{LINKS_LETTER_JOB}/{print}/{}", window(now)),
                    due_at: now,
                };
                jobs::enqueue(tx, &job, now, id).await
            })
            .await?;
        Ok(())
    }
}

fn window(now: DateTime<Utc>) -> i64 {
    now.timestamp().div_euclid(ONCE_IN_S)
}

/// A contact so that the ways of writing it are one; `None` for what is no address at all.
fn folded(typed: &str) -> Option<String> {
    if typed.contains('@') {
        return Some(Email::parse(typed).ok()??.as_str().to_lowercase());
    }
    let phone = Phone::parse(typed).ok()??;
    let digits: Vec<char> = phone.as_str().chars().filter(char::is_ascii_digit).collect();
    Some(digits[digits.len().saturating_sub(SAME_DIGITS)..].iter().collect())
}

/// The contact of this visit that has the fingerprint, as it is on file.
pub fn contact_with(links: &Links, visit: &AppointmentRow, print: &str) -> Option<String> {
    let is_it = |contact: &&String| folded(contact).is_some_and(|folded| links.fingerprint(&folded) == print);
    visit.email.iter().chain(&visit.phone).find(is_it).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_of_writing_an_address_are_one() {
        assert_eq!(folded(" Maya@Example.org "), folded("maya@example.org"));
        assert_eq!(folded("+44 7700 900461"), folded("07700 900461"));
        assert_ne!(folded("07700 900461"), folded("07700 900462"));
        for none in ["", "maya@", "12", "maya", "@"] {
            assert_eq!(folded(none), None, "{none}");
        }
    }
}
