//! Asking the server, and the page made of its answer.
//!
//! While the server renders, a question is a plain call; in the browser the answer is in the page
//! already, or comes over the wire. It stays text until the page reads it: one kind of resource
//! for all questions.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use leptos::prelude::*;
use leptos::serde_json;
use leptos::server_fn::ServerFn;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::state::trouble;
use crate::error::PortalError;
use crate::words::words;

type Text = Result<String, PortalError>;
type Fetch = Box<dyn Fn(String) -> Pin<Box<dyn Future<Output = Text> + Send>> + Send + Sync>;

/// A question to the server and its newest answer.
pub struct Asked<T> {
    answer: Resource<Text>,
    shape: PhantomData<fn() -> T>,
}

impl<T> Clone for Asked<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Asked<T> {}

/// Asks whenever the question changes; `None` is a question about nothing, and not found.
pub fn ask<Question>(question: impl Fn() -> Option<Question> + Send + Sync + 'static) -> Asked<Question::Output>
where
    Question: ServerFn<Error = PortalError> + Serialize + DeserializeOwned + Send + 'static,
    Question::Output: Serialize + Send,
{
    let question = move || question().and_then(|question| serde_json::to_string(&question).ok());
    Asked { answer: resource(Box::new(question), Box::new(|body| Box::pin(answer::<Question>(body)))), shape: PhantomData }
}

fn resource(question: Box<dyn Fn() -> Option<String> + Send + Sync>, fetch: Fetch) -> Resource<Text> {
    Resource::new(question, move |body| match body {
        Some(body) => fetch(body),
        None => Box::pin(std::future::ready(Err(PortalError::NotFound))),
    })
}

#[cfg(feature = "ssr")]
async fn answer<Question>(body: String) -> Text
where
    Question: ServerFn<Error = PortalError> + DeserializeOwned + Send,
    Question::Output: Serialize + Send,
{
    let question: Question = serde_json::from_str(&body).map_err(|_| PortalError::NotFound)?;
    let answer = question.run_body().await?;
    serde_json::to_string(&answer).map_err(|_| PortalError::Unavailable)
}

#[cfg(not(feature = "ssr"))]
fn answer<Question: ServerFn>(body: String) -> impl Future<Output = Text> + Send {
    use super::post::{Body, post};
    // A browser has one thread.
    send_wrapper::SendWrapper::new(async move { post(Question::PATH, Body::Json(body)).await.map(|answer| answer.text) })
}

impl<T: DeserializeOwned + 'static> Asked<T> {
    /// Asks again: the world moved on.
    pub fn again(self) {
        self.answer.refetch();
    }

    /// The answer, once it is there.
    pub async fn answer(self) -> Option<T> {
        self.answer.await.ok().and_then(|text| serde_json::from_str(&text).ok())
    }

    /// The page of the answer, or what the reader can do without one. While a newer answer is on
    /// its way, the one before stays.
    pub fn show(self, show: impl Fn(T) -> AnyView + Send + Sync + 'static) -> AnyView {
        self.show_or(trouble, show)
    }

    /// The same, with a page of its own for what cannot be had.
    pub fn show_or(self, instead: fn(&PortalError) -> AnyView, show: impl Fn(T) -> AnyView + Send + Sync + 'static) -> AnyView {
        let page = move |text: &str| match serde_json::from_str(text) {
            Ok(found) => show(found),
            Err(_) => trouble(&PortalError::Unavailable),
        };
        page_of(self.answer, Arc::new(page), instead)
    }
}

fn page_of(
    answer: Resource<Text>,
    page: Arc<dyn Fn(&str) -> AnyView + Send + Sync>,
    instead: fn(&PortalError) -> AnyView,
) -> AnyView {
    let shown = move || {
        let page = Arc::clone(&page);
        Suspend::new(async move {
            match answer.await {
                Ok(text) => page(&text),
                Err(error) => instead(&error),
            }
        })
    };
    view! { <Transition fallback=Loading>{shown}</Transition> }.into_any()
}

#[component]
fn Loading() -> impl IntoView {
    view! { <p class="quiet" role="status">{words().frame_loading()}</p> }
}
