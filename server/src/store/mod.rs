//! Where everything is kept: one SQL text on SQLite or PostgreSQL.
//!
//! Not here: any table of a feature. Those are read and written in the feature's own `store.rs`.
//!
//! - [`database`]: [`Database`]: open, read, write, close
//! - [`writer`]: the one task that writes; many changes, one commit
//! - [`tx`]: [`Tx`], [`Query`], [`Row`]: statements and what they answer
//! - [`dialect`]: all that differs between the two databases
//! - [`migrate`]: brings the tables to what this binary knows
//! - [`backup`]: a consistent copy while serving, and back
//! - [`error`]: what can go wrong, as far as somebody decides by it

mod about;
pub mod backup;
mod database;
mod dialect;
mod error;
mod migrate;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod tx;
mod writer;

pub use database::{Address, Database};
pub use dialect::Dialect;
pub use error::StoreError;
pub use migrate::newest as newest_migration;
pub use sqlx::types::Json;
pub use tx::{Bind, Column, Query, Row, Tx};
