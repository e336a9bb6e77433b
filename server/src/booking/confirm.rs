//! A hold becomes an appointment: once, whoever asks how often.
//!
//! The appointment has the hold's own id, so its primary key settles the double tap, the retry
//! after a lost answer and the second tab. Only the first of them writes anything. The visits of a
//! series are booked in the one transaction, all of them or none.

use std::sync::Arc;

use app::booking::model::VisitStatus;
use app::clinic::model::{Clinic, Confirmation, Treatment};
use app::error::{PortalError, Reason};
use app::ids::{AppointmentId, HoldId, PatientId};
use app::request::Caller;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::answer;
use super::details::{self, Details};
use super::find::Finder;
use super::hold;
use super::store::Place;
use super::store::appointment::{self, AppointmentRow, Since};
use super::store::guard::Taken;
use super::store::hold::HoldRow;
use super::store::patient::{self, Consent};
use crate::audit;
use crate::failure::Failure;
use crate::letters::tell::tell_together;
use crate::store::Tx;

/// What confirming needs to know; the ids are fresh, for whatever it has to insert.
#[derive(Clone)]
pub struct Confirming {
    pub clinic: Arc<Clinic>,
    pub caller: Caller,
    pub hold: HoldId,
    pub version: String,
    pub patient: PatientId,
    pub consents: [Uuid; 4],
    pub job: Uuid,
    /// Chosen anew if the number is someone else's already.
    pub number_salt: u32,
    pub now: DateTime<Utc>,
}

/// The answer for a hold that was confirmed before.
pub async fn repeated(tx: &mut Tx, confirming: &Confirming) -> Result<Option<AppointmentId>, Failure> {
    let id = AppointmentId(confirming.hold.0);
    match appointment::get(tx, &confirming.clinic.slug, id).await? {
        Some(booked) if booked.version == confirming.version => Ok(Some(id)),
        Some(_) => Err(Reason::AlreadyBooked.into()),
        None => Ok(None),
    }
}

/// Books the hold, in the caller's transaction.
pub async fn book(
    tx: &mut Tx,
    finder: &Finder<'_>,
    confirming: &Confirming,
    mut hold: HoldRow,
) -> Result<AppointmentId, Failure> {
    let Confirming { clinic, caller, now, .. } = confirming;
    let today = hold.place.start.min(*now).with_timezone(&finder.zone).date_naive();
    let details = details::parse(&hold.draft, today, caller.language).map_err(PortalError::Invalid)?;
    if details::version(clinic, finder.treatment, &hold) != confirming.version {
        return Err(Reason::Changed.into());
    }
    let found = patient::find(tx, &clinic.slug, &details.person).await?;
    if !details::is_eligible(tx, &clinic.slug, finder.treatment, found.as_ref(), *now).await? {
        return Err(Reason::NotEligible.into());
    }
    // The commit decides: a hold that ended is taken again if nobody else came.
    if hold::secure(tx, finder, &mut hold, None, *now).await? == Taken::No {
        return Err(Reason::SlotTaken.into());
    }

    let patient = if let Some(found) = found {
        found.id
    } else {
        patient::insert(tx, &clinic.slug, confirming.patient, &details.person, false, *now).await?;
        confirming.patient
    };
    for ((purpose, given), id) in details.consents.into_iter().zip(confirming.consents) {
        patient::consent(tx, &clinic.slug, patient, &Consent { id, purpose, given }, details.person.language, *now).await?;
    }
    super::store::hold::delete(tx, &clinic.slug, &hold).await?;
    let visits: Vec<_> = hold.places().map(|(id, _)| (AppointmentId(id.0), 0)).collect();
    tell_together(tx, &clinic.slug, hold.id.0, &visits, confirming.job, *now).await?;
    for (id, place) in hold.places() {
        let row = AppointmentRow { series: hold.series(), ..row(finder, confirming, (id, place), &details, patient) };
        appointment::insert(tx, &clinic.slug, &row).await?;
        answer::look_later(tx, &clinic.slug, &row, Uuid::new_v5(&confirming.job, id.0.as_bytes()), *now).await?;
        audit::record(tx, &audit::Entry::new(clinic.slug.as_str(), caller, "appointment.book", row.id), *now).await?;
    }
    Ok(AppointmentId(hold.id.0))
}

fn row(
    finder: &Finder<'_>,
    confirming: &Confirming,
    (id, place): (HoldId, &Place),
    details: &Details,
    patient: PatientId,
) -> AppointmentRow {
    AppointmentRow {
        id: AppointmentId(id.0),
        number: number(&confirming.clinic.name, id.0, confirming.number_salt),
        patient,
        status: first_status(finder.treatment),
        place: place.clone(),
        price: finder.treatment.price,
        reason: details.reason.clone(),
        booker_name: details.booker_name.clone(),
        email: details.person.email.clone(),
        phone: details.person.phone.clone(),
        language: details.person.language,
        answer_by: finder.view.answer_by(finder.treatment, place.start),
        version: confirming.version.clone(),
        sequence: 0,
        created_at: confirming.now,
        series: None,
        since: Since::default(),
    }
}

/// Whether a time that a patient chose stands at once.
pub const fn first_status(treatment: &Treatment) -> VisitStatus {
    match treatment.confirmation {
        Confirmation::Instant => VisitStatus::Booked,
        Confirmation::OnRequest { .. } => VisitStatus::Pending,
    }
}

/// A booking number for the telephone: the clinic's initials and six signs without I, L, O or U
/// (Crockford's base 32), so that nobody mishears one for another.
fn number(clinic: &str, id: Uuid, salt: u32) -> String {
    use sha2::{Digest as _, Sha256};
    const SIGNS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let initials: String = clinic
        .split_whitespace()
        .filter_map(|word| word.chars().find(char::is_ascii_alphabetic))
        .take(2)
        .collect::<String>()
        .to_uppercase();
    let digest = Sha256::new().chain_update(id).chain_update(salt.to_be_bytes()).finalize();
    let sign = |byte: &u8| char::from(SIGNS[usize::from(byte % 32)]);
    let signs: String = digest.iter().take(6).map(sign).collect();
    if initials.is_empty() { signs } else { format!("{initials}-{signs}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_booking_number_is_short_and_has_no_look_alikes() {
        let number = number("Rowan Street Clinic", Uuid::from_u128(7), 0);
        assert!(number.starts_with("RS-") && number.len() == 9, "{number}");
        assert!(!number[3..].contains(['I', 'L', 'O', 'U']));
        assert_ne!(number, super::number("Rowan Street Clinic", Uuid::from_u128(7), 1));
    }
}
