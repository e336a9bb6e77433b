//! Time and ids as arguments: the only file that asks the machine for either.
//!
//! Tests hold a [`Clock::frozen`] one and move it by hand; everything that depends on time can
//! then be seen on any day of any year.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use uuid::Uuid;

/// Tells the time, cut to microseconds, which is what both databases keep.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    /// Microseconds since the epoch.
    Frozen(Arc<AtomicI64>),
}

impl Clock {
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is [`advance`](Self::advance)d. Clones share it.
    pub fn frozen(at: DateTime<Utc>) -> Self {
        Self(Source::Frozen(Arc::new(AtomicI64::new(at.timestamp_micros()))))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System => Utc::now().trunc_subsecs(6),
            Source::Frozen(micros) => DateTime::from_timestamp_micros(micros.load(Ordering::SeqCst)).unwrap_or_default(),
        }
    }

    /// Moves a frozen clock; the system's goes by itself.
    pub fn advance(&self, by: TimeDelta) {
        if let Source::Frozen(micros) = &self.0 {
            micros.fetch_add(by.num_microseconds().unwrap_or_default(), Ordering::SeqCst);
        }
    }

    /// A new UUID v7: sorts by the machine's time of creation, also under a frozen clock.
    #[expect(clippy::disallowed_methods, reason = "this is the id source")]
    pub fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}
