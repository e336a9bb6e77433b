//! What a letter about a visit needs to know, read at the moment it is sent.

use app::ids::{AppointmentId, ClinicSlug};
use uuid::Uuid;

use super::store::appointment::{self, AppointmentRow};
use super::store::patient;
use super::store::unsettled::{self, UnsettledRow};
use crate::letters::store::last_told;
use crate::store::{StoreError, Tx};

/// A visit and whose it is.
#[derive(Clone, Debug)]
pub struct LetterFacts {
    pub appointment: AppointmentRow,
    pub patient_name: String,
    /// What the clinic changed and the patient has not answered.
    pub unsettled: Option<UnsettledRow>,
    /// What the last letter that went out said of the visit; `None` if none has.
    pub told: Option<String>,
}

/// The facts as they are now; `None` if there is no such visit. `job`: the one that writes, if one does.
pub async fn letter_facts(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    id: AppointmentId,
    job: Option<Uuid>,
) -> Result<Option<LetterFacts>, StoreError> {
    let Some(appointment) = appointment::get(tx, clinic, id).await? else { return Ok(None) };
    let patient_name = patient::name(tx, clinic, appointment.patient).await?.unwrap_or_default();
    let unsettled = unsettled::get(tx, clinic, id).await?;
    let told = last_told(tx, clinic, id, appointment.series, job).await?;
    Ok(Some(LetterFacts { appointment, patient_name, unsettled, told }))
}
