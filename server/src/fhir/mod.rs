//! What programs of others read of a clinic, in HL7's FHIR: computed by the same code as the pages.
//!
//! - [`scheduling`]: open times as SMART Scheduling Links, for directories that find appointments

pub mod scheduling;
