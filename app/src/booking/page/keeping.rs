//! What becomes of a hold while its page is open: typing keeps it, and its end is spoken of in time.

use std::time::Duration;

use leptos::html::Form;
use leptos::prelude::*;
use leptos::serde_json;
use leptos::server_fn::ServerFn as _;
use leptos::task::spawn_local;
use serde::Deserialize;

use crate::booking::api;
use crate::booking::model::HoldState;
use crate::ids::{ClinicSlug, LinkToken};
use crate::ui::autosave::Autosave;
use crate::ui::post::{Body, post};

/// How long before its end a hold is spoken of.
const WARNING_S: u32 = 120;

/// What matters here of a hold.
#[derive(Deserialize)]
struct Looked {
    state: HoldState,
}

/// One hold, and the saving of its draft.
#[derive(Clone, Copy)]
pub struct Keeping {
    link: StoredValue<(ClinicSlug, LinkToken)>,
    pub autosave: Autosave,
    pub state: RwSignal<HoldState>,
    /// The hold ends within two minutes.
    pub ending: RwSignal<bool>,
    ends: StoredValue<[Option<TimeoutHandle>; 2]>,
}

impl Keeping {
    pub fn new(clinic: ClinicSlug, hold: LinkToken, form: NodeRef<Form>, state: HoldState) -> Self {
        let state = RwSignal::new(state);
        let keeping = Self {
            link: StoredValue::new((clinic, hold)),
            autosave: Autosave::new::<api::Keep>(form, move |answer| hear(state, &answer)),
            state,
            ending: RwSignal::new(false),
            ends: StoredValue::new([None, None]),
        };
        Effect::new(move |_| keeping.wait_for_end(&keeping.state.read()));
        on_cleanup(move || keeping.clear_ends());
        keeping
    }

    /// Asks what has become of the hold.
    pub fn look(self) {
        let (clinic, hold) = self.link.get_value();
        let Ok(question) = serde_json::to_string(&api::Held { clinic, hold }) else { return };
        spawn_local(async move {
            if let Ok(answer) = post(api::Held::PATH, Body::Json(question)).await {
                hear(self.state, &answer.text);
            }
        });
    }

    /// Two minutes before the end the page says so; at the end it asks what is left.
    fn wait_for_end(self, state: &HoldState) {
        self.clear_ends();
        let HoldState::Kept { left_s, .. } = state else { return };
        self.ending.set(*left_s <= WARNING_S);
        let after = |seconds: u32| Duration::from_secs(u64::from(seconds));
        let warn = (*left_s > WARNING_S)
            .then(|| set_timeout_with_handle(move || self.ending.set(true), after(left_s - WARNING_S)).ok())
            .flatten();
        let end = set_timeout_with_handle(move || self.look(), after(left_s + 1)).ok();
        self.ends.set_value([warn, end]);
    }

    fn clear_ends(self) {
        let timers = self.ends.try_update_value(std::mem::take).unwrap_or_default();
        for timer in timers.into_iter().flatten() {
            timer.clear();
        }
    }
}

/// The page may be gone by now.
fn hear(state: RwSignal<HoldState>, answer: &str) {
    if let Ok(looked) = serde_json::from_str::<Looked>(answer) {
        let _ = state.try_set(looked.state);
    }
}
