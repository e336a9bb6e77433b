//! Building blocks that every page is made of.
//!
//! - [`frame`]: what stands around every page, and the clinic it belongs to
//! - [`focus`]: where the focus goes after a change of page or part
//! - [`ask`]: questions to the server, and pages of its answers; [`post`] carries them
//! - [`state`]: pages for hard moments: not found, our fault
//! - [`text`]: sentences with a link or a stressed part in them
//! - [`icon`], [`notice`], [`steps`], [`facts`], [`map`]: small parts of pages
//! - [`form`], [`field`], [`problems`]: forms, what is in them, and what to mend; [`refused`] says why not,
//!   [`autosave`] sends what is typed before the button does
//!
//! They know words and looks, no feature: nothing here asks the server except for the clinic's name.

pub mod ask;
pub mod autosave;
pub mod facts;
pub mod field;
pub mod focus;
pub mod form;
pub mod frame;
pub mod icon;
pub mod map;
pub mod notice;
pub mod post;
pub mod problems;
pub mod refused;
pub mod state;
pub mod steps;
pub mod text;
