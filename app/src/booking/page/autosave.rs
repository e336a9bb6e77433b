//! Keeps what is typed on the server, a moment after the typing stops, and the hold with it.
//!
//! Only a page that woke up does this. Without it nothing is lost either: the form's own button
//! sends everything.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use leptos::ev;
use leptos::html::Form;
use leptos::prelude::*;
use leptos::serde_json;
use leptos::server_fn::ServerFn as _;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::{Element, FormData, HtmlAnchorElement, MouseEvent, UrlSearchParams};
use leptos_router::hooks::use_location;
use serde::Deserialize;

use crate::booking::api;
use crate::booking::model::HoldState;
use crate::error::PortalError;
use crate::ids::{ClinicSlug, LinkToken};
use crate::ui::form::encoded;
use crate::ui::post::{Body, post, settled};

/// How long the keyboard must rest before what was typed is sent.
const REST: Duration = Duration::from_millis(1500);
/// How long a link waits for what was typed to arrive.
const PATIENCE: Duration = Duration::from_secs(3);
/// Links that the router leaves to the browser.
const LEADS_AWAY: &str = "a[rel~=external]:not([target])";
/// How long before its end a hold is spoken of.
const WARNING_S: u32 = 120;

/// What has become of the last thing typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saving {
    /// Nothing was typed yet.
    Idle,
    Now,
    Done,
    Failed,
}

/// What matters here of a hold.
#[derive(Deserialize)]
struct Looked {
    state: HoldState,
}

async fn state_after(address: &str, body: Body) -> Result<HoldState, PortalError> {
    let answer = post(address, body).await?;
    let looked: Looked = serde_json::from_str(&answer.text).map_err(|_| PortalError::Unavailable)?;
    Ok(looked.state)
}

/// The draft of one hold, and the state of that hold.
#[derive(Clone, Copy)]
pub struct Autosave {
    link: StoredValue<(ClinicSlug, LinkToken)>,
    form: NodeRef<Form>,
    pub state: RwSignal<HoldState>,
    pub saving: RwSignal<Saving>,
    /// The hold ends within two minutes.
    pub ending: RwSignal<bool>,
    rest: StoredValue<Option<TimeoutHandle>>,
    /// Sendings on their way; each waits for the one before it.
    under_way: StoredValue<u32>,
    ends: StoredValue<[Option<TimeoutHandle>; 2]>,
}

impl Autosave {
    pub fn new(clinic: ClinicSlug, hold: LinkToken, form: NodeRef<Form>, state: HoldState) -> Self {
        let autosave = Self {
            link: StoredValue::new((clinic, hold)),
            form,
            state: RwSignal::new(state),
            saving: RwSignal::new(Saving::Idle),
            ending: RwSignal::new(false),
            rest: StoredValue::new(None),
            under_way: StoredValue::new(0),
            ends: StoredValue::new([None, None]),
        };
        Effect::new(move |_| autosave.wait_for_end(&autosave.state.read()));
        // Who turns to another app may never come back to this page.
        let hidden = window_event_listener_untyped("visibilitychange", move |_| {
            if document().hidden() && autosave.is_resting() {
                autosave.save();
            }
        });
        // Another page is asked for: this one stays until that one is there, and who comes straight
        // back must find what was typed here.
        let path = use_location().pathname;
        Effect::new(move |before: Option<String>| {
            let path = path.get();
            if before.is_some_and(|before| before != path) && autosave.is_resting() {
                autosave.save();
            }
            path
        });
        let leaving = window_event_listener(ev::click, move |event| autosave.before_leaving(&event));
        on_cleanup(move || {
            hidden.remove();
            leaving.remove();
            autosave.stop();
        });
        autosave
    }

    /// Something was typed.
    pub fn typed(self) {
        if self.link.is_disposed() {
            return;
        }
        self.clear_rest();
        self.rest.set_value(set_timeout_with_handle(move || self.save(), REST).ok());
    }

    /// Sends what is in the form now; also keeps the time for longer.
    pub fn save(self) {
        // A box that is taken off the page may still say that it changed.
        if self.link.is_disposed() {
            return;
        }
        self.clear_rest();
        let Some(typed) = self.typed_so_far() else { return };
        self.under_way.update_value(|count| *count += 1);
        self.saving.set(Saving::Now);
        spawn_local(async move {
            let kept = state_after(api::Keep::PATH, Body::Form(typed)).await;
            // The page may be gone by now.
            let left = self.under_way.try_update_value(|count| {
                *count -= 1;
                *count
            });
            // A newer one says what has become of it all.
            if left != Some(0) {
                return;
            }
            self.saving.set(if kept.is_ok() { Saving::Done } else { Saving::Failed });
            if let Ok(state) = kept {
                self.state.set(state);
            }
        });
    }

    /// Asks what has become of the hold.
    pub fn look(self) {
        let (clinic, hold) = self.link.get_value();
        let Ok(question) = serde_json::to_string(&api::Held { clinic, hold }) else { return };
        spawn_local(async move {
            if let Ok(state) = state_after(api::Held::PATH, Body::Json(question)).await {
                let _ = self.state.try_set(state);
            }
        });
    }

    /// The fields have the same names as those of the form's own button.
    fn typed_so_far(self) -> Option<UrlSearchParams> {
        encoded(&FormData::new_with_form(&self.form.get_untracked()?).ok()?)
    }

    /// A link to another document, as that of another language: it is not followed before what was
    /// typed here has arrived, because that document shows it.
    fn before_leaving(self, event: &MouseEvent) {
        let is_own_window = event.ctrl_key() || event.meta_key() || event.shift_key();
        let link = event.target().and_then(|target| target.dyn_into::<Element>().ok()?.closest(LEADS_AWAY).ok()?);
        let Some(link) = link.filter(|_| !is_own_window).and_then(|link| link.dyn_into::<HtmlAnchorElement>().ok()) else {
            return;
        };
        if self.is_resting() {
            self.save();
        }
        if self.under_way.try_get_value().unwrap_or_default() == 0 {
            return;
        }
        event.prevent_default();
        let address = Rc::new(Cell::new(Some(link.href())));
        let go = move || {
            if let Some(address) = address.take() {
                let _ = window().location().set_href(&address);
            }
        };
        // Nobody is kept waiting for a network that is gone.
        set_timeout(go.clone(), PATIENCE);
        spawn_local(async move {
            settled().await;
            go();
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

    /// The page is left. What was typed since the last sending is sent all the same.
    fn stop(self) {
        if self.is_resting()
            && let Some(typed) = self.typed_so_far()
        {
            spawn_local(async move {
                // Nobody is there to be told.
                let _ = state_after(api::Keep::PATH, Body::Form(typed)).await;
            });
        }
        self.clear_rest();
        self.clear_ends();
    }

    /// Something was typed that is not on its way yet.
    fn is_resting(self) -> bool {
        self.rest.try_with_value(Option::is_some).unwrap_or_default()
    }

    fn clear_rest(self) {
        if let Some(Some(timer)) = self.rest.try_update_value(Option::take) {
            timer.clear();
        }
    }

    fn clear_ends(self) {
        let timers = self.ends.try_update_value(std::mem::take).unwrap_or_default();
        for timer in timers.into_iter().flatten() {
            timer.clear();
        }
    }
}
