//! The patients that a clinic knew before this system did: its list, taken over from a file.
//!
//! - [`file`]: the list read, with every mistake in it
//! - [`load`]: the list taken over
//!
//! The list says who counts as known, which treatments they had or are invited to, and who should call instead of
//! booking online. Loading it again changes what it says and removes nobody.

pub mod file;

use app::ids::{ClinicSlug, PatientId, TreatmentSlug};
use app::request::Caller;
use app::words::Language;

use crate::audit;
use crate::booking::store::patient::{self, Person};
use crate::clock::Clock;
use crate::store::{Database, StoreError};

/// The demo's list, as it lies beside the demo's clinic.
pub const DEMO: &str = include_str!("../../demo/patients.csv");

/// As many at once as leave room for bookings in between.
const BATCH: usize = 100;

/// One patient of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub person: Person,
    /// What they had before this system knew of them.
    pub had: Vec<TreatmentSlug>,
    /// Which treatments they may book by invitation; `None` if the list does not say.
    pub invited: Option<Vec<TreatmentSlug>>,
    /// `false`: they are asked to call.
    pub books_online: bool,
}

/// What became of a list, in patients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    pub added: usize,
    /// Were here already, with the same name, birth date and one of the contacts.
    pub updated: usize,
}

/// Takes a list over. If it ends early, what was taken over stays; loading it again does no harm.
///
/// # Errors
/// The database cannot be written.
pub async fn load(database: &Database, clock: &Clock, clinic: &ClinicSlug, list: Vec<Known>) -> Result<Loaded, StoreError> {
    let mut sum = Loaded::default();
    for batch in list.chunks(BATCH) {
        let batch: Vec<(PatientId, Known)> = batch.iter().map(|known| (PatientId(clock.new_id()), known.clone())).collect();
        let (clinic, now) = (clinic.clone(), clock.now());
        let caller = Caller::system(Language::default());
        let loaded = database
            .write(async move |tx| {
                let mut loaded = Loaded::default();
                for (fresh, known) in &batch {
                    let found = patient::find(tx, &clinic, &known.person).await?;
                    let id = if let Some(found) = found {
                        loaded.updated += 1;
                        found.id
                    } else {
                        loaded.added += 1;
                        patient::insert(tx, &clinic, *fresh, &known.person, true, now).await?;
                        *fresh
                    };
                    patient::know(tx, &clinic, id, known.books_online).await?;
                    for treatment in &known.had {
                        patient::treated(tx, &clinic, id, treatment).await?;
                    }
                    if let Some(invited) = &known.invited {
                        patient::invite(tx, &clinic, id, invited).await?;
                    }
                    audit::record(tx, &audit::Entry::new(clinic.as_str(), &caller, "patient.load", id), now).await?;
                }
                Ok::<_, StoreError>(loaded)
            })
            .await?;
        sum.added += loaded.added;
        sum.updated += loaded.updated;
    }
    Ok(sum)
}
