//! What the server says about itself: log lines on standard error, figures for Prometheus.
//!
//! A line holds ids, a route's pattern, a status and a duration: never an address with its
//! query, a body or a panic's own words, since any of them may hold a link's secret or what a
//! patient typed. It is *not* the audit: who read or changed a record is kept in the database.

use std::io::IsTerminal as _;
use std::panic;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Counts requests, by method, route and status.
pub const REQUESTS: &str = "perennial_requests_total";
/// Seconds until an answer began, by route.
pub const REQUEST_SECONDS: &str = "perennial_request_seconds";
/// Connections that are open now.
pub const CONNECTIONS: &str = "perennial_connections";
/// Appointments that were made.
pub const BOOKINGS: &str = "perennial_bookings_total";
/// Holds and confirmations that someone else was faster with.
pub const CONFLICTS: &str = "perennial_conflicts_total";
/// Jobs that ended, by kind and outcome: done, moot, early, retry, failed.
pub const JOBS: &str = "perennial_jobs_total";
/// Jobs that are due and not done.
pub const JOBS_DUE: &str = "perennial_jobs_due";
/// Attempts to send a letter, by channel and how they ended: sent, waiting, sending, failed.
pub const LETTERS: &str = "perennial_letters_total";
/// Bytes of memory that the process occupies.
pub const RESIDENT_BYTES: &str = "process_resident_memory_bytes";

/// The upper bounds of the histogram, in seconds.
const BUCKETS_S: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.5, 2.5];

/// Starts logging to standard error. A second call changes nothing.
pub fn start(config: &Config) {
    let filter = EnvFilter::try_new(&config.log_filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // An error means that a logger is there already, as in a test.
    let _ = match config.log_format {
        LogFormat::Human => log.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    panic::set_hook(Box::new(|panic| {
        // A formatted message may quote what it stumbled over; a literal cannot.
        let reason = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("see the place");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, reason, "a bug: this request was given up");
    }));
}

/// Starts counting. Without this call, counting costs nothing and is kept nowhere.
///
/// # Errors
/// If something else counts in this process already.
pub fn count() -> anyhow::Result<Figures> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(REQUEST_SECONDS.to_owned()), &BUCKETS_S)
        .map_err(|error: BuildError| anyhow::anyhow!("metrics: {error}"))?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| anyhow::anyhow!("metrics are counted already"))?;
    Ok(Figures(handle))
}

/// What was counted so far.
#[derive(Clone)]
pub struct Figures(PrometheusHandle);

impl Figures {
    /// In Prometheus' text format.
    pub fn text(&self) -> String {
        if let Some(bytes) = resident_bytes() {
            #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; memory stays far below 2^53 bytes")]
            metrics::gauge!(RESIDENT_BYTES).set(bytes as f64);
        }
        self.0.render()
    }

    /// Folds what histograms collected, so that they do not grow between two readings.
    pub async fn tidy(self) {
        let mut every = tokio::time::interval(Duration::from_secs(10));
        loop {
            every.tick().await;
            self.0.run_upkeep();
        }
    }
}

/// What the kernel says that this process occupies; `None` where it does not say so in `/proc`.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_occupies_some_memory() {
        assert!(resident_bytes().is_none_or(|bytes| bytes > 1 << 20));
    }
}
