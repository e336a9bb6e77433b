//! One line and a few figures per request.
//!
//! The route's pattern stands for the address, which may hold a link's secret.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

use crate::clock::Clock;
use crate::telemetry;

/// Names a request in the log, and to whoever calls about it.
#[derive(Clone, Copy, Debug)]
pub struct RequestId(Uuid);

impl RequestId {
    /// Its last eight digits: what can be read out on the phone.
    pub fn short(self) -> String {
        let digits = self.0.simple().to_string().to_uppercase();
        digits.get(24..).unwrap_or_default().to_owned()
    }
}

/// Gives the request an id, then logs and counts how it ended.
pub async fn tell(State(clock): State<Clock>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = RequestId(clock.new_id());
    request.extensions_mut().insert(id);
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let method = known(request.method());
    let response = next.run(request).await;
    let (status, took) = (response.status().as_u16(), began.elapsed());

    metrics::counter!(telemetry::REQUESTS, "method" => method, "route" => route.clone(), "status" => status.to_string())
        .increment(1);
    metrics::histogram!(telemetry::REQUEST_SECONDS, "route" => route.clone()).record(took.as_secs_f64());
    let took_ms = format_args!("{:.1}", took.as_secs_f64() * 1000.0);
    let id = id.0;
    if status >= 500 {
        tracing::error!(%id, method, route, status, %took_ms, "request");
    } else {
        tracing::info!(%id, method, route, status, %took_ms, "request");
    }
    response
}

/// A method as a label; what a peer invents is one label only.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_that_people_read_out_is_the_end_of_the_id() {
        let id = RequestId(Uuid::from_u128(0x0193_5b7e_0000_7000_8000_0000_12ab_cdef));
        assert_eq!(id.short(), "12ABCDEF");
    }
}
