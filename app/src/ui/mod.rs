//! Building blocks that every page is made of.
//!
//! - [`state`]: pages for hard moments: not found, our fault

pub mod state;
