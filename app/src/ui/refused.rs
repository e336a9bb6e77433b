//! What a page says of a form that was refused, and under which title.

use leptos::prelude::*;

use super::form::Sending;
use super::notice::Answer;
use crate::error::PortalError;
use crate::fields::FieldErrors;
use crate::words::words;

/// The words for one refusal.
pub struct Said {
    tone: &'static str,
    title: &'static str,
    text: &'static str,
    /// What to do now, in bold.
    again: Option<&'static str>,
}

impl Said {
    /// The reader has to look again before deciding.
    pub const fn warn(title: &'static str, text: &'static str) -> Self {
        Self { tone: "warn", title, text, again: None }
    }

    /// It is our fault.
    pub const fn bad(title: &'static str, text: &'static str) -> Self {
        Self { tone: "bad", title, text, again: None }
    }

    #[must_use]
    pub const fn again(self, again: &'static str) -> Self {
        Self { again: Some(again), ..self }
    }

    /// The treatment is for others.
    pub fn not_eligible() -> Self {
        let w = words();
        Self::warn(w.times_not_eligible(), w.times_not_eligible_text())
    }

    /// Something went wrong, and nothing typed is lost.
    pub fn wrong() -> Self {
        let w = words();
        Self::bad(w.state_wrong(), w.state_wrong_text())
    }
}

/// What came of sending a form, where the page itself does not say it (`None`). That it was a lot
/// at once is said alike everywhere.
pub fn refused(sending: Sending, say: fn(&PortalError) -> Option<Said>) -> AnyView {
    (move || {
        let error = sending.refused()?;
        let Said { tone, title, text, again } = if error == PortalError::TooMany {
            let w = words();
            Said::warn(w.state_too_many(), w.state_too_many_text())
        } else {
            say(&error)?
        };
        Some(view! {
            <Answer tone=tone title=title>
                <p>{text}</p>
                {again.map(|again| view! { <p><strong>{again}</strong></p> })}
            </Answer>
        })
    })
    .into_any()
}

/// The page's title, which says first that there is something to mend.
pub fn title(heading: String, errors: Signal<FieldErrors>) -> Signal<String> {
    Signal::derive(move || if errors.with(FieldErrors::is_empty) { heading.clone() } else { words().frame_error_title(&heading) })
}
