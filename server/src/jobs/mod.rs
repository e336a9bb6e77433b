//! Work that runs later: a row inserted by the change that causes it.
//!
//! - [`queue`]: the rows: add, lease, end
//! - [`worker`]: runs what is due; retries or fails visibly
//! - [`schedule`]: what is done again and again, such as clearing up

pub mod queue;
pub mod schedule;
#[cfg(test)]
mod tests;
pub mod worker;

pub use queue::{Job, NewJob, enqueue};
pub use worker::{JobError, JobRun, Registry, Worker};
