//! How a service fails on the inside, and the one place where that becomes an answer.
//!
//! A refusal is for the caller to read. Everything else is ours: logged once, here, and answered
//! with `Unavailable`, so no address, statement or name ever leaves the server in an error.

use app::error::{PortalError, Reason};

use crate::store::StoreError;
use crate::telemetry;

/// Why a service method stopped.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The caller may know.
    #[error("refused: {0}")]
    Refused(PortalError),
    /// The clinic in memory is older than the one in the database: read it again and try once more.
    #[error("the clinic was changed meanwhile")]
    Stale,
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something that cannot be, such as a row that names a zone that does not exist.
    #[error("{0}")]
    Broken(String),
}

impl From<PortalError> for Failure {
    fn from(error: PortalError) -> Self {
        Self::Refused(error)
    }
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self::Refused(PortalError::Conflict(reason))
    }
}

impl Failure {
    /// What the caller gets. `doing` names the method, for the log.
    pub fn answer(self, doing: &'static str) -> PortalError {
        match self {
            Self::Refused(error) => {
                if matches!(error, PortalError::Conflict(Reason::SlotTaken)) {
                    metrics::counter!(telemetry::CONFLICTS, "doing" => doing).increment(1);
                }
                error
            }
            failure => {
                tracing::error!(doing, %failure, "a request failed");
                PortalError::Unavailable
            }
        }
    }
}
