//! What has become of a hold, as its pages show it.

use app::booking::model::{Draft, Held, HoldState};
use app::booking::rules::{local_date, tick};
use app::clinic::model::Treatment;
use app::fields::FieldErrors;
use app::ids::LinkToken;
use app::request::Caller;

use super::series::others;
use super::store::hold::HoldRow;
use super::view::View;
use super::{NEAREST, details, find, hold, is_anothers, visitor};
use crate::failure::Failure;
use crate::labels;
use crate::store::Tx;

/// A hold as its pages show it.
pub async fn held(tx: &mut Tx, caller: &Caller, view: &View, link: &LinkToken, row: &HoldRow) -> Result<Held, Failure> {
    let visitor = visitor(caller);
    let is_anothers = is_anothers(caller, row.visitor.as_deref());
    let mut finder = super::finder(view, &row.place, row.visitor.as_deref().or(visitor.as_deref()))?;
    let is_kept = hold::is_kept(row, view.now) && finder.still_gives(&row.place);
    let state = if is_kept && is_anothers {
        HoldState::Elsewhere
    } else if is_kept {
        HoldState::Kept {
            until: view.moment(row.expires_at, finder.zone),
            left_s: u32::try_from((row.expires_at - view.now).num_seconds()).unwrap_or_default(),
            last: row.expires_at >= row.created_at + hold::HOLD_MAX,
        }
    } else if finder.has(tx, tick(row.place.start)).await? {
        HoldState::Ended
    } else {
        // The nearest are with whoever is free.
        finder.practitioners = find::practitioners(&view.clinic, finder.treatment, None)?;
        HoldState::Gone { nearest: finder.nearest(tx, tick(row.place.start), NEAREST).await? }
    };
    let (draft, submitted) = if is_anothers { (Draft::default(), false) } else { (row.draft.clone(), row.submitted) };
    let parsed = details::parse(&draft, local_date(&finder.zone, view.now), view.language);
    let ready = parsed.is_ok();
    Ok(Held {
        token: link.clone(),
        state,
        visit: view.summary(&row.place, view.answer_by(finder.treatment, row.place.start))?,
        draft,
        errors: if submitted { parsed.err().unwrap_or_default() } else { FieldErrors::default() },
        ready,
        version: details::version(&view.clinic, finder.treatment, row),
        others: others(tx, view, row).await?,
        total: row.series().map(|_| total(view, finder.treatment, row)),
        series_max: finder.treatment.series_max,
    })
}

/// What all visits cost together.
fn total(view: &View, treatment: &Treatment, hold: &HoldRow) -> String {
    let visits = u32::try_from(hold.places().count()).unwrap_or(u32::MAX);
    labels::money(treatment.price.saturating_mul(visits), &view.clinic.currency, view.language)
}
