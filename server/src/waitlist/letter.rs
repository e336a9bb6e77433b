//! What a letter to somebody who waits needs to know, read at the moment it is sent.

use app::booking::model::Draft;
use app::ids::{ClinicSlug, EntryId};
use app::words::Language;
use uuid::Uuid;

use super::store::{self, EntryRow, OfferRow};
use crate::booking::store::{appointment, patient};
use crate::store::{StoreError, Tx};

/// Who waits, and what is on offer to them.
pub struct WaitFacts {
    pub entry: EntryRow,
    pub offer: Option<OfferRow>,
    pub reader: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub language: Option<Language>,
}

/// The facts about an offer, with the entry it was made to.
pub async fn of_offer(tx: &mut Tx, clinic: &ClinicSlug, id: Uuid) -> Result<Option<WaitFacts>, StoreError> {
    let Some(offer) = store::offer(tx, clinic, id).await? else { return Ok(None) };
    let facts = of_entry(tx, clinic, offer.entry).await?;
    Ok(facts.map(|facts| WaitFacts { offer: Some(offer), ..facts }))
}

/// The facts about a place on the list. Where a visit says who it is, its newest contact counts.
pub async fn of_entry(tx: &mut Tx, clinic: &ClinicSlug, id: EntryId) -> Result<Option<WaitFacts>, StoreError> {
    let Some(entry) = store::get(tx, clinic, id).await? else { return Ok(None) };
    let Some(visit) = entry.appointment else {
        let Draft { who_for, booker_name, name, email, phone, language, .. } = entry.draft.clone();
        let reader = if who_for == "other" { booker_name } else { name };
        let given = |text: String| (!text.trim().is_empty()).then_some(text);
        let language = Language::parse(&language);
        return Ok(Some(WaitFacts { offer: None, reader, email: given(email), phone: given(phone), language, entry }));
    };
    let Some(visit) = appointment::get(tx, clinic, visit).await? else { return Ok(None) };
    let reader = match &visit.booker_name {
        Some(booker) if !booker.is_empty() => booker.clone(),
        _ => patient::name(tx, clinic, visit.patient).await?.unwrap_or_default(),
    };
    let language = Some(visit.language);
    Ok(Some(WaitFacts { offer: None, reader, email: visit.email, phone: visit.phone, language, entry }))
}
