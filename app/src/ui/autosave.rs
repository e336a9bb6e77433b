//! Keeps what is typed on the server, a moment after the typing stops.
//!
//! Only a page that woke up does this. Without it nothing is lost either: the form's own button
//! sends everything.

use std::time::Duration;

use leptos::ev;
use leptos::html::Form;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::{Element, FormData, HtmlAnchorElement, MouseEvent, UrlSearchParams};
use leptos_router::hooks::use_location;

use super::form::encoded;
use super::icon::Icon;
use super::post::{Body, post, settled};
use crate::words::words;

/// How long the keyboard must rest before what was typed is sent.
const REST: Duration = Duration::from_millis(1500);
/// How long a link waits for what was typed to arrive.
const PATIENCE: Duration = Duration::from_secs(3);
/// Links that the router leaves to the browser, to other documents.
const LEADS_AWAY: &str = "a[rel~=external]:not([target]):not([href^='#'])";

/// What has become of the last thing typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Saving {
    /// Nothing was typed yet.
    Idle,
    Now,
    Done,
    Failed,
}

/// A form whose fields are sent as they are typed.
#[derive(Clone, Copy)]
pub struct Autosave {
    address: &'static str,
    form: NodeRef<Form>,
    heard: Callback<String>,
    saving: RwSignal<Saving>,
    rest: StoredValue<Option<TimeoutHandle>>,
    /// Sendings on their way; each waits for the one before it.
    under_way: StoredValue<u32>,
    /// Where a link leads that waits for them.
    leads_to: StoredValue<Option<String>>,
}

impl Autosave {
    /// `To` takes the same fields as the form's own button; `heard` gets what it answers.
    pub fn new<To: ServerFn>(form: NodeRef<Form>, heard: impl Fn(String) + Send + Sync + 'static) -> Self {
        let autosave = Self {
            address: To::PATH,
            form,
            heard: Callback::new(heard),
            saving: RwSignal::new(Saving::Idle),
            rest: StoredValue::new(None),
            under_way: StoredValue::new(0),
            leads_to: StoredValue::new(None),
        };
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
        if self.rest.is_disposed() {
            return;
        }
        self.clear_rest();
        self.rest.set_value(set_timeout_with_handle(move || self.save(), REST).ok());
    }

    /// Sends what is in the form now.
    pub fn save(self) {
        // A box that is taken off the page may still say that it changed.
        if self.rest.is_disposed() {
            return;
        }
        self.clear_rest();
        let Some(typed) = self.typed_so_far() else { return };
        self.under_way.update_value(|count| *count += 1);
        self.saving.set(Saving::Now);
        spawn_local(async move {
            let kept = post(self.address, Body::Form(typed)).await;
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
            if let Ok(kept) = kept {
                self.heard.run(kept.text);
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
        self.leads_to.set_value(Some(link.href()));
        // Who has gone elsewhere meanwhile stays there.
        let go = move || {
            if let Some(Some(address)) = self.leads_to.try_update_value(Option::take) {
                let _ = window().location().set_href(&address);
            }
        };
        // Nobody is kept waiting for a network that is gone.
        set_timeout(go, PATIENCE);
        spawn_local(async move {
            settled().await;
            go();
        });
    }

    /// The page is left. What was typed since the last sending is sent all the same.
    fn stop(self) {
        if self.is_resting()
            && let Some(typed) = self.typed_so_far()
        {
            let address = self.address;
            spawn_local(async move {
                // Nobody is there to be told.
                let _ = post(address, Body::Form(typed)).await;
            });
        }
        self.clear_rest();
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

    /// What has become of it, in a line. "Saved" is said once; after that only what changes is read out.
    pub fn line(self) -> AnyView {
        let w = words();
        let seen = move || match self.saving.get() {
            Saving::Idle => None,
            Saving::Now => Some(view! { <span class="saved wait">{w.details_saving()}</span> }.into_any()),
            Saving::Done => Some(view! { <span class="saved"><Icon name="check"/>{w.details_saved()}</span> }.into_any()),
            Saving::Failed => {
                Some(view! { <span class="saved held"><Icon name="offline"/>{w.details_not_saved()}</span> }.into_any())
            }
        };
        let said = Memo::new(move |before: Option<&&'static str>| match self.saving.get() {
            Saving::Done => w.details_saved(),
            Saving::Failed => w.details_not_saved(),
            Saving::Idle | Saving::Now => before.copied().unwrap_or_default(),
        });
        let again = move || {
            (self.saving.get() == Saving::Failed)
                .then(|| view! { <button type="button" class="btn text small" on:click=move |_| self.save()>{w.details_try_again()}</button> })
        };
        view! {
            <div class="row save-state">
                <span aria-hidden="true">{seen}</span>
                <span class="vh" role="status">{said}</span>
                {again}
            </div>
        }
        .into_any()
    }
}
