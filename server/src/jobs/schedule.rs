//! What is done again and again, such as clearing up.
//!
//! Every process does it at its own pace; so it must do no harm to do it twice.

use std::time::Duration;

use futures::future::BoxFuture;

/// A chore and how often it is done.
pub struct Chore {
    pub(super) name: &'static str,
    pub(super) interval: Duration,
    pub(super) run: Box<dyn Fn() -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>,
}

/// Does it once at the start, then after each interval. A failure is logged, and the next turn comes.
pub fn every<F, Fut>(interval: Duration, name: &'static str, chore: F) -> Chore
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    Chore { name, interval, run: Box::new(move || Box::pin(chore())) }
}

impl Chore {
    /// Until it is dropped.
    pub(super) async fn repeat(&self) {
        let mut turns = tokio::time::interval(self.interval);
        turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            turns.tick().await;
            if let Err(error) = (self.run)().await {
                tracing::warn!(chore = self.name, error = format!("{error:#}"), "a chore failed");
            }
        }
    }
}
