//! What the system sends: who gets it, what it says, and where it goes.
//!
//! - [`letter`]: what a letter is
//! - [`visit`]: letters about a visit, and what they may say
//! - [`render`]: templates and labels turned into words
//! - [`ics`]: the calendar file of a visit
//! - [`message`]: a letter as a mail message
//! - [`channel`]: takes a letter, or says why not; [`smtp`]: the mail server; [`sms`]: the text gateway
//! - [`segments`]: how long a text message is
//! - [`mailbox`]: the folder that letters go to by default; [`mailbox_page`]: shows it
//! - [`tell`]: by which a change of a visit asks for a letter
//! - [`job`]: decides at the moment of sending, sends, and notes it; [`store`]: its SQL
//! - [`links`]: writes to who lost the link of a visit
//! - [`series`]: writes once about several visits
//! - [`late`]: tells a clinic that a patient is running late
//! - [`waitlist`]: writes to who waits for a time

pub mod channel;
pub mod ics;
pub mod job;
pub mod late;
pub mod letter;
pub mod links;
pub mod mailbox;
pub mod mailbox_page;
pub mod message;
pub mod render;
pub mod segments;
pub mod series;
pub mod sms;
pub mod smtp;
pub mod store;
pub mod tell;
#[cfg(test)]
mod testing;
pub mod visit;
pub mod waitlist;
