//! HTTP: from a connection to a service call and back.
//!
//! - [`listen`]: the accept loop, with limits on what a peer can stretch
//! - [`router`]: every address and every layer, in their order
//! - [`telling`]: one log line and a few figures per request
//! - [`session`]: a request's caller: language, zone, visitor
//! - [`refusal`]: what is said to people and programs that get no page
//! - [`security`]: who may send what, how much, and what browsers are told with the answer
//! - [`site`]: the built files, inside the binary
//! - [`calendar`]: a visit as a calendar file; [`report`]: what became of a text message
//! - [`plain`]: health, a clinic's colour: the few answers that are neither page nor file

pub mod calendar;
pub mod listen;
pub mod plain;
pub mod refusal;
pub mod report;
pub mod router;
pub mod security;
pub mod session;
pub mod site;
pub mod telling;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use app::clinic::model::Clinic;

use crate::clinic::Clinics;

/// The clinic with this slug, if the text is one.
pub fn find(clinics: &Clinics, slug: &str) -> Option<Arc<Clinic>> {
    slug.parse().ok().and_then(|slug| clinics.get(&slug)).map(|current| current.clinic)
}
