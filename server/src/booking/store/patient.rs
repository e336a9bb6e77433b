//! Rows of `patient` and `consent`.

use app::ids::{ClinicSlug, PatientId, TreatmentSlug};
use app::words::Language;
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use crate::store::{Row, StoreError, Tx};

/// Who a visit is for, as the booking's details say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub name: String,
    /// The name in lower case.
    pub folded_name: String,
    pub birth_date: NaiveDate,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub language: Language,
}

/// A patient found again.
pub struct Found {
    pub id: PatientId,
    /// Was treated here before this system knew of it.
    pub known: bool,
    /// `false`: the clinic asks them to call.
    pub books_online: bool,
}

impl Found {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { id: PatientId(row.get("id")?), known: row.get("known")?, books_online: row.get("books_online")? })
    }
}

/// The patient with this name and birth date and one of these contacts: all three must agree, so
/// that twins and namesakes stay two people.
pub async fn find(tx: &mut Tx, clinic: &ClinicSlug, person: &Person) -> Result<Option<Found>, StoreError> {
    let row = tx
        .query(
            "SELECT id, known, books_online FROM patient
             WHERE clinic = $1 AND birth_date = $2 AND folded_name = $3 AND (email = $4 OR phone = $5)
             ORDER BY created_at, id LIMIT 1",
        )
        .bind(clinic.as_str())
        .bind(person.birth_date.to_string())
        .bind(person.folded_name.as_str())
        .bind(person.email.as_deref())
        .bind(person.phone.as_deref())
        .fetch_optional()
        .await?;
    row.as_ref().map(Found::read).transpose()
}

/// A patient by id.
pub async fn known(tx: &mut Tx, clinic: &ClinicSlug, id: PatientId) -> Result<Option<Found>, StoreError> {
    let row = tx
        .query("SELECT id, known, books_online FROM patient WHERE clinic = $1 AND id = $2")
        .bind(clinic.as_str())
        .bind(id.0)
        .fetch_optional()
        .await?;
    row.as_ref().map(Found::read).transpose()
}

pub async fn insert(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    id: PatientId,
    person: &Person,
    known: bool,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO patient (clinic, id, name, folded_name, birth_date, email, phone, language, known, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(clinic.as_str())
    .bind(id.0)
    .bind(person.name.as_str())
    .bind(person.folded_name.as_str())
    .bind(person.birth_date.to_string())
    .bind(person.email.as_deref())
    .bind(person.phone.as_deref())
    .bind(person.language.tag())
    .bind(known)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Notes what the clinic's own list says: that it knows the patient, and whether they book online.
pub async fn know(tx: &mut Tx, clinic: &ClinicSlug, id: PatientId, books_online: bool) -> Result<(), StoreError> {
    tx.query("UPDATE patient SET known = TRUE, books_online = $3 WHERE clinic = $1 AND id = $2")
        .bind(clinic.as_str())
        .bind(id.0)
        .bind(books_online)
        .execute()
        .await?;
    Ok(())
}

/// Notes a treatment that the patient had before this system knew of it.
pub async fn treated(tx: &mut Tx, clinic: &ClinicSlug, id: PatientId, treatment: &TreatmentSlug) -> Result<(), StoreError> {
    tx.query("INSERT INTO treated (clinic, patient, treatment) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(clinic.as_str())
        .bind(id.0)
        .bind(treatment.as_str())
        .execute()
        .await?;
    Ok(())
}

/// Notes by which treatments the patient is invited, and by no other.
pub async fn invite(tx: &mut Tx, clinic: &ClinicSlug, id: PatientId, treatments: &[TreatmentSlug]) -> Result<(), StoreError> {
    tx.query("DELETE FROM invited WHERE clinic = $1 AND patient = $2").bind(clinic.as_str()).bind(id.0).execute().await?;
    for treatment in treatments {
        tx.query("INSERT INTO invited (clinic, patient, treatment) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(clinic.as_str())
            .bind(id.0)
            .bind(treatment.as_str())
            .execute()
            .await?;
    }
    Ok(())
}

pub async fn is_invited(tx: &mut Tx, clinic: &ClinicSlug, id: PatientId, treatment: &TreatmentSlug) -> Result<bool, StoreError> {
    let row = tx
        .query("SELECT treatment FROM invited WHERE clinic = $1 AND patient = $2 AND treatment = $3")
        .bind(clinic.as_str())
        .bind(id.0)
        .bind(treatment.as_str())
        .fetch_optional()
        .await?;
    Ok(row.is_some())
}

pub async fn name(tx: &mut Tx, clinic: &ClinicSlug, id: PatientId) -> Result<Option<String>, StoreError> {
    tx.query("SELECT name FROM patient WHERE clinic = $1 AND id = $2")
        .bind(clinic.as_str())
        .bind(id.0)
        .fetch_optional()
        .await?
        .map(|row| row.get("name"))
        .transpose()
}

/// One answer to one question about one purpose.
pub struct Consent {
    pub id: Uuid,
    pub purpose: &'static str,
    pub given: bool,
}

/// Notes what was answered, yes or no, in which language it was asked.
pub async fn consent(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    patient: PatientId,
    consent: &Consent,
    language: Language,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO consent (clinic, id, patient, purpose, given, language, source, at)
         VALUES ($1, $2, $3, $4, $5, $6, 'booking', $7)",
    )
    .bind(clinic.as_str())
    .bind(consent.id)
    .bind(patient.0)
    .bind(consent.purpose)
    .bind(consent.given)
    .bind(language.tag())
    .bind(now)
    .execute()
    .await?;
    Ok(())
}
