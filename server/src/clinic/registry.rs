//! The clinics in memory, as the database last said.
//!
//! Reading is free of locks. A page may see a clinic that is a moment old; a change compares the
//! revision in its own transaction and asks for a [`refresh`](Clinics::refresh) if it is not the
//! newest, so an old price or shift never decides.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::clinic::model::Clinic;
use app::ids::ClinicSlug;
use arc_swap::ArcSwap;

use super::store;
use crate::store::{Database, StoreError};

/// A clinic and the number of the load that brought it.
#[derive(Clone, Debug)]
pub struct Current {
    pub clinic: Arc<Clinic>,
    pub revision: i64,
}

/// Every clinic on this server.
pub struct Clinics {
    database: Database,
    current: ArcSwap<BTreeMap<ClinicSlug, Current>>,
}

impl Clinics {
    /// Reads all clinics.
    pub async fn open(database: Database) -> Result<Self, StoreError> {
        let clinics = Self { database, current: ArcSwap::default() };
        clinics.refresh().await?;
        Ok(clinics)
    }

    /// Reads those whose revision is not the one in memory.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let mut tx = self.database.read().await?;
        let known = self.current.load_full();
        let mut fresh = BTreeMap::new();
        for (slug, revision) in store::revisions(&mut tx).await? {
            match known.get(&slug).filter(|current| current.revision == revision) {
                Some(current) => {
                    fresh.insert(slug, current.clone());
                }
                None => {
                    if let Some(current) = store::get(&mut tx, &slug).await? {
                        fresh.insert(slug, current);
                    }
                }
            }
        }
        self.current.store(Arc::new(fresh));
        Ok(())
    }

    pub fn get(&self, slug: &ClinicSlug) -> Option<Current> {
        self.current.load().get(slug).cloned()
    }

    /// All of them, by slug.
    pub fn all(&self) -> Vec<Current> {
        self.current.load().values().cloned().collect()
    }
}
