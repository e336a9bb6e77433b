//! Many measurements of one thing, and what stands at a given share of them.

use std::time::Duration;

/// Durations, kept as milliseconds.
#[derive(Default)]
pub struct Sample(Vec<f64>);

impl Sample {
    pub fn add(&mut self, took: Duration) {
        self.0.push(took.as_secs_f64() * 1000.0);
    }

    /// The smallest that so many percent of all do not exceed (nearest rank), in milliseconds; NaN
    /// without any.
    pub fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
    }

    pub fn median(&self) -> f64 {
        self.percentile(50)
    }

    pub fn slowest(&self) -> f64 {
        self.percentile(100)
    }
}
