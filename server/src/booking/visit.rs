//! A booked visit by its private link: what its page shows, and what its patient may change.
//!
//! Whoever has the link may see and change this one visit, and nothing else. A link that opens
//! nothing answers like a visit that does not exist.

use app::booking::model::{
    Answered, CancelDraft, ContactDraft, Lateness, MoveRequest, MoveWish, Moving, Unsettled, Visit, VisitDraft, VisitStatus,
};
use app::booking::rules::{fee_at, is_ahead};
use app::clinic::model::Clinic;
use app::error::PortalError;
use app::ids::{AppointmentId, ClinicSlug, LinkToken};
use app::request::Caller;
use chrono::{DateTime, Utc};

use super::cancel::{self, Cancelling};
use super::late::{self, Late};
use super::store::appointment::{self, AppointmentRow};
use super::store::{patient, unsettled};
use super::view::{View, zone_of};
use super::{Booking, contact, relocate, visitor};
use crate::failure::Failure;
use crate::labels;
use crate::link::{Links, Purpose};
use crate::store::Tx;
use crate::waitlist::store as waitlist;

impl Booking {
    pub(super) fn open_visit(&self, link: &LinkToken) -> Result<AppointmentId, Failure> {
        self.links.open(Purpose::Visit, link).map(AppointmentId).ok_or_else(|| PortalError::NotFound.into())
    }

    pub(super) async fn show_visit(&self, caller: &Caller, slug: &ClinicSlug, link: &LinkToken) -> Result<Visit, Failure> {
        let id = self.open_visit(link)?;
        let clinic = self.clinic(slug)?.clinic;
        let view = View::new(clinic, caller, None, self.clock.now());
        let mut tx = self.database.read().await?;
        let row = appointment::get(&mut tx, slug, id).await?.ok_or(PortalError::NotFound)?;
        let patient_name = patient::name(&mut tx, slug, row.patient).await?.unwrap_or_default();
        let unsettled = unsettled::get(&mut tx, slug, id).await?;
        let zone = view.location(&row.place.location).and_then(zone_of)?;
        let unsettled = unsettled.map(|row| Unsettled {
            kind: row.kind,
            before: row.moved_from.map(|from| view.moment(from, zone)),
            wants_call: row.wants_call,
        });
        let entry = waitlist::of_visit(&mut tx, slug, id).await?.filter(|entry| entry.is_waiting(view.now));
        let waitlist = entry.map(|entry| self.links.make(Purpose::Entry, entry.id.0));
        let series = self.series_of(&mut tx, &view, &row).await?;
        Ok(Visit { unsettled, waitlist, series, ..shown(&view, link, &row, patient_name)? })
    }

    pub(super) async fn cancel_visit(
        &self,
        caller: &Caller,
        slug: &ClinicSlug,
        link: &LinkToken,
        version: &str,
        draft: CancelDraft,
    ) -> Result<(), Failure> {
        let visit = self.open_visit(link)?;
        let cancelling = Cancelling {
            caller: caller.clone(),
            visit,
            version: version.to_owned(),
            draft: cancel::bounded(draft),
            job: self.clock.new_id(),
            now: self.clock.now(),
        };
        let refused = self.change(slug, async move |tx, clinic, _| cancel::cancel(tx, &clinic, &cancelling).await).await?;
        refused.map_or(Ok(()), |refusal| Err(refusal.into()))
    }

    pub(super) async fn say_late(
        &self,
        caller: &Caller,
        slug: &ClinicSlug,
        link: &LinkToken,
        minutes: u32,
    ) -> Result<(), Failure> {
        let visit = self.open_visit(link)?;
        let late = Late { caller: caller.clone(), visit, minutes, job: self.clock.new_id(), now: self.clock.now() };
        self.change(slug, async move |tx, clinic, _| late::late(tx, &clinic.slug, &late).await).await
    }

    pub(super) async fn change_contact(
        &self,
        caller: &Caller,
        slug: &ClinicSlug,
        link: &LinkToken,
        draft: ContactDraft,
    ) -> Result<(), Failure> {
        let visit = self.open_visit(link)?;
        let change = contact::Change { caller: caller.clone(), visit, draft: contact::bounded(draft), now: self.clock.now() };
        let refused = self.change(slug, async move |tx, clinic, _| contact::change(tx, &clinic.slug, &change).await).await?;
        refused.map_or(Ok(()), |refusal| Err(refusal.into()))
    }

    pub(super) async fn show_move(
        &self,
        caller: &Caller,
        slug: &ClinicSlug,
        link: &LinkToken,
        wish: &MoveWish,
    ) -> Result<Moving, Failure> {
        let id = self.open_visit(link)?;
        let clinic = self.clinic(slug)?.clinic;
        let view = View::new(clinic, caller, None, self.clock.now());
        let mut tx = self.database.read().await?;
        let row = appointment::get(&mut tx, slug, id).await?.ok_or(PortalError::NotFound)?;
        let name = patient::name(&mut tx, slug, row.patient).await?.unwrap_or_default();
        let visit = shown(&view, link, &row, name)?;
        relocate::preview(&mut tx, &view, visitor(caller).as_deref(), visit, &row, wish).await
    }

    pub(super) async fn move_visit(
        &self,
        caller: &Caller,
        slug: &ClinicSlug,
        link: &LinkToken,
        request: MoveRequest,
    ) -> Result<(), Failure> {
        let visit = self.open_visit(link)?;
        let (caller, job, now) = (caller.clone(), self.clock.new_id(), self.clock.now());
        self.change(slug, async move |tx, clinic, _| {
            let moving = relocate::Relocating {
                clinic,
                caller: caller.clone(),
                visitor: visitor(&caller),
                visit,
                request: request.clone(),
                job,
                now,
            };
            relocate::relocate(tx, &moving).await
        })
        .await
    }
}

/// [`shown`], with the visit's own private link and its patient's name.
pub(crate) async fn shown_by_id(tx: &mut Tx, view: &View, links: &Links, row: &AppointmentRow) -> Result<Visit, Failure> {
    let name = patient::name(tx, &view.clinic.slug, row.patient).await?.unwrap_or_default();
    shown(view, &links.make(Purpose::Visit, row.id.0), row, name)
}

/// A visit as its page shows it.
pub(crate) fn shown(view: &View, link: &LinkToken, row: &AppointmentRow, patient_name: String) -> Result<Visit, Failure> {
    let treatment = view.treatment(&row.place.treatment)?;
    let questionnaires = treatment.questionnaires.iter().filter_map(|slug| view.clinic.questionnaire(slug));
    let money = |fee: u32| (fee > 0).then(|| labels::money(fee, &view.clinic.currency, view.language));
    let open = is_open(row, view.now);
    Ok(Visit {
        token: link.clone(),
        number: row.number.clone(),
        status: row.status,
        summary: view.summary(&row.place, row.answer_by.filter(|_| row.status == VisitStatus::Pending))?,
        patient_name,
        before: treatment.before.get(view.language).to_owned(),
        questionnaires: questionnaires.map(|form| form.name.get(view.language).to_owned()).collect(),
        sent_to: sent_to(row),
        in_past: row.place.end <= view.now,
        unsettled: None,
        waitlist: None,
        answered: if row.is_declined() { Some(Answered::No) } else { row.is_overdue(view.now).then_some(Answered::Late) },
        open,
        fee_now: money(fee_now(&view.clinic, row, view.now)).filter(|_| open),
        late: late::is_near(row, view.now)
            .then(|| Lateness { said: row.since.late_min.map(|minutes| labels::duration(minutes, view.language)) }),
        language: row.language,
        fee_due: row.since.cancelled.as_ref().and_then(|cancelled| money(cancelled.fee)),
        version: version(&view.clinic, row, view.now),
        draft: if row.place.end > view.now { row.since.draft.clone() } else { VisitDraft::default() },
        series: Vec::new(),
    })
}

/// Whether its patient may still change it.
pub(crate) fn is_open(row: &AppointmentRow, now: DateTime<Utc>) -> bool {
    row.status != VisitStatus::Cancelled && is_ahead(row.place.start, now)
}

/// What cancelling costs now, by the clinic's terms of today. A request that nobody has answered
/// costs nothing, and neither does a treatment that is no longer given.
pub(super) fn fee_now(clinic: &Clinic, row: &AppointmentRow, now: DateTime<Utc>) -> u32 {
    let treatment = clinic.treatment(&row.place.treatment).filter(|_| row.status == VisitStatus::Booked);
    treatment.map_or(0, |treatment| fee_at(treatment.cancellation, row.place.start, now))
}

/// What a page shows of a visit's state, and of what changing it costs.
pub(super) fn version(clinic: &Clinic, row: &AppointmentRow, now: DateTime<Utc>) -> String {
    format!("{}.{}.{}", appointment::status_text(row.status), row.sequence, fee_now(clinic, row, now))
}

/// Where the letter went, without giving the address away: "m…@example.org", "…461".
fn sent_to(row: &AppointmentRow) -> String {
    let masked_email = |email: &str| {
        let (local, host) = email.split_once('@')?;
        Some(format!("{}…@{host}", local.chars().next()?))
    };
    let masked_phone = |phone: &str| {
        let last: Vec<char> = phone.chars().rev().take(3).collect();
        format!("…{}", last.into_iter().rev().collect::<String>())
    };
    row.email.as_deref().and_then(masked_email).or_else(|| row.phone.as_deref().map(masked_phone)).unwrap_or_default()
}
