//! The visits of a series that are still ahead, by the link of any of them: shown and cancelled
//! together, all or none.

use app::booking::model::{CancelDraft, VisitDraft, VisitStatus};
use app::booking::series::model::{SeriesVisit, SeriesVisitState, Together};
use app::clinic::model::Clinic;
use app::error::{PortalError, Reason};
use app::fields::{self, FieldErrors};
use app::ids::{AppointmentId, ClinicSlug, LinkToken};
use app::request::Caller;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::super::Booking;
use super::super::cancel::{self, Cancelling};
use super::super::store::appointment::{self, AppointmentRow};
use super::super::view::{View, zone_of};
use super::super::visit;
use crate::failure::Failure;
use crate::labels;
use crate::letters::tell::tell_together;
use crate::link::Purpose;
use crate::store::Tx;

/// The visits of its series, in the order of their beginning; `NotFound` for a single visit.
pub async fn rows(tx: &mut Tx, clinic: &ClinicSlug, id: AppointmentId) -> Result<Vec<AppointmentRow>, Failure> {
    let own = appointment::get(tx, clinic, id).await?.ok_or(PortalError::NotFound)?;
    let series = own.series.ok_or(PortalError::NotFound)?;
    Ok(appointment::of_series(tx, clinic, series).await?)
}

/// Those that may still be changed.
pub fn ahead(rows: Vec<AppointmentRow>, now: DateTime<Utc>) -> Vec<AppointmentRow> {
    rows.into_iter().filter(|row| visit::is_open(row, now)).collect()
}

/// What a page shows of them; changing them sends it back.
pub fn version(clinic: &Clinic, ahead: &[AppointmentRow], now: DateTime<Utc>) -> String {
    let mut seen = Sha256::new();
    for row in ahead {
        seen.update(format!("{}.{}\n", row.id, visit::version(clinic, row, now)));
    }
    URL_SAFE_NO_PAD.encode(&seen.finalize()[..15])
}

impl Booking {
    /// The visits of a series as the page of one of them lists them; none for a single visit.
    pub(in super::super) async fn series_of(
        &self,
        tx: &mut Tx,
        view: &View,
        own: &AppointmentRow,
    ) -> Result<Vec<SeriesVisit>, Failure> {
        let Some(series) = own.series else { return Ok(Vec::new()) };
        let rows = appointment::of_series(tx, &view.clinic.slug, series).await?;
        rows.iter().map(|row| self.one_of(view, row, own.id)).collect()
    }

    fn one_of(&self, view: &View, row: &AppointmentRow, own: AppointmentId) -> Result<SeriesVisit, Failure> {
        let zone = zone_of(view.location(&row.place.location)?)?;
        let fee = visit::fee_now(&view.clinic, row, view.now);
        let state = match row.status {
            VisitStatus::Cancelled => SeriesVisitState::Cancelled,
            _ if visit::is_open(row, view.now) => SeriesVisitState::Ahead,
            _ => SeriesVisitState::Over,
        };
        let name = view.clinic.practitioner(&row.place.practitioner).map(|person| person.name.clone());
        Ok(SeriesVisit {
            token: self.links.make(Purpose::Visit, row.id.0),
            start: view.moment(row.place.start, zone),
            practitioner_name: name.unwrap_or_default(),
            state,
            is_this: row.id == own,
            fee_now: (fee > 0 && state == SeriesVisitState::Ahead)
                .then(|| labels::money(fee, &view.clinic.currency, view.language)),
        })
    }

    pub(super) async fn show_together(&self, caller: &Caller, slug: &ClinicSlug, link: &LinkToken) -> Result<Together, Failure> {
        let id = self.open_visit(link)?;
        let visit = self.show_visit(caller, slug, link).await?;
        let view = View::new(self.clinic(slug)?.clinic, caller, None, self.clock.now());
        let mut tx = self.database.read().await?;
        let ahead = ahead(rows(&mut tx, slug, id).await?, view.now);
        let fees = ahead.iter().map(|row| visit::fee_now(&view.clinic, row, view.now));
        let fee = fees.fold(0_u32, u32::saturating_add);
        Ok(Together {
            visit,
            ahead: ahead.iter().map(|row| self.one_of(&view, row, id)).collect::<Result<_, _>>()?,
            fee: (fee > 0).then(|| labels::money(fee, &view.clinic.currency, view.language)),
            version: version(&view.clinic, &ahead, view.now),
        })
    }

    pub(super) async fn cancel_series(
        &self,
        caller: &Caller,
        slug: &ClinicSlug,
        link: &LinkToken,
        version: &str,
        draft: CancelDraft,
    ) -> Result<(), Failure> {
        let cancelling = Cancelling {
            caller: caller.clone(),
            visit: self.open_visit(link)?,
            version: version.to_owned(),
            draft: cancel::bounded(draft),
            job: self.clock.new_id(),
            now: self.clock.now(),
        };
        let refused = self.change(slug, async move |tx, clinic, _| cancel_all(tx, &clinic, &cancelling).await).await?;
        refused.map_or(Ok(()), |refusal| Err(refusal.into()))
    }
}

/// Cancels all that are ahead, in the caller's transaction; what is to mend is a value, as for one.
async fn cancel_all(tx: &mut Tx, clinic: &Clinic, cancelling: &Cancelling) -> Result<Option<PortalError>, Failure> {
    let Cancelling { visit, draft, job, now, .. } = cancelling;
    let rows = rows(tx, &clinic.slug, *visit).await?;
    let own = rows.iter().find(|row| row.id == *visit).cloned();
    let is_cancelled = rows.iter().any(|row| row.status == VisitStatus::Cancelled);
    let ahead = ahead(rows, *now);
    if ahead.is_empty() {
        // A second tap, a lost answer: they are cancelled already.
        return if is_cancelled { Ok(None) } else { Err(Reason::TooLate.into()) };
    }
    let mut errors = FieldErrors::default();
    let reason = errors.take("reason", fields::note(&draft.reason)).flatten();
    let refusal = if version(clinic, &ahead, *now) == cancelling.version {
        (!errors.is_empty()).then_some(PortalError::Invalid(errors))
    } else {
        Some(PortalError::Conflict(Reason::Changed))
    };
    if let (Some(refusal), Some(own)) = (&refusal, own) {
        let kept = VisitDraft { cancel: Some(draft.clone()), ..own.since.draft };
        appointment::keep_draft(tx, &clinic.slug, own.id, &kept).await?;
        return Ok(Some(refusal.clone()));
    }
    for row in &ahead {
        cancel::end(tx, clinic, cancelling, row, reason.clone()).await?;
    }
    let series = ahead.iter().find_map(|row| row.series).unwrap_or(visit.0);
    let told: Vec<_> = ahead.iter().map(|row| (row.id, row.sequence + 1)).collect();
    tell_together(tx, &clinic.slug, series, &told, *job, *now).await?;
    Ok(None)
}
