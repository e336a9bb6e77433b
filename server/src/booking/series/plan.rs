//! The other visits of a hold: laid out by the clock on the wall or chosen one by one, and kept.
//!
//! Keeping takes what is free and remembers the rest as wishes without a claim, so that the page
//! can offer times near them. Whether all of them are booked is decided by confirming alone.

use std::collections::BTreeMap;

use app::booking::rules::{Rhythm, Span, Tick, instant, lay_out, occupied, tick};
use app::booking::series::model::{OtherState, OtherVisit, SeriesWish};
use app::error::{PortalError, Reason};
use app::fields::FieldErrors;
use app::ids::{HoldId, PractitionerSlug};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::super::find::{self, Finder};
use super::super::hold::{self, Occupant};
use super::super::store::guard::{self, Taken};
use super::super::store::hold::{HoldRow, Other};
use super::super::store::{self, Place};
use super::super::view::{View, zone_of};
use super::super::{NEAREST, finder};
use crate::failure::Failure;
use crate::store::Tx;

/// A visit as it is wished.
struct Wanted {
    start: Tick,
    /// Who may do it, before anybody else.
    first: PractitionerSlug,
    /// Whoever else may do it.
    others: Vec<PractitionerSlug>,
}

/// A search with everyone who may do the visits of this hold: the person who was asked for, or all.
pub fn finder_for_all<'a>(view: &'a View, hold: &'a HoldRow) -> Result<Finder<'a>, Failure> {
    let mut finder = finder(view, &hold.place, hold.visitor.as_deref())?;
    if !hold.place.practitioner_chosen {
        finder.practitioners = find::practitioners(&view.clinic, finder.treatment, None)?;
    }
    Ok(finder)
}

/// Lays the visits out anew, in the caller's transaction. Mistakes are a value and not an error:
/// what was typed is kept with them.
pub async fn plan(tx: &mut Tx, view: &View, mut hold: HoldRow, wish: SeriesWish) -> Result<Option<PortalError>, Failure> {
    let treatment = hold::treatment(&view.clinic, &hold.place)?;
    let zone = zone_of(view.location(&hold.place.location)?)?;
    let visits_max = treatment.series_max.ok_or(Reason::NotEligible)?;
    let rhythm = Rhythm::parse(&wish, hold.place.start.with_timezone(&zone).naive_local(), visits_max);
    hold.wish = Some(wish);
    let rhythm = match rhythm {
        Ok(rhythm) => rhythm,
        Err(errors) => {
            store::hold::set_others(tx, &view.clinic.slug, &hold).await?;
            return Ok(Some(PortalError::Invalid(errors)));
        }
    };
    // The same person all along, unless they are not free and nobody was asked for.
    let first = hold.place.practitioner.clone();
    let others: Vec<PractitionerSlug> = if hold.place.practitioner_chosen {
        Vec::new()
    } else {
        find::practitioners(&view.clinic, treatment, None)?.into_iter().filter(|who| *who != first).collect()
    };
    let starts = lay_out(&zone, hold.place.start, rhythm);
    let wanted = starts.into_iter().map(|start| Wanted { start, first: first.clone(), others: others.clone() }).collect();
    keep(tx, view, hold, wanted).await?;
    Ok(None)
}

/// Makes these the other visits, in the caller's transaction.
pub async fn choose(
    tx: &mut Tx,
    view: &View,
    hold: HoldRow,
    starts: &BTreeMap<String, String>,
) -> Result<Option<PortalError>, Failure> {
    let unreadable = || PortalError::Invalid(FieldErrors::default());
    let mut wanted = Vec::new();
    let treatment = hold::treatment(&view.clinic, &hold.place)?;
    let visits_max = treatment.series_max.ok_or(Reason::NotEligible)?;
    for value in starts.values().filter(|value| !value.is_empty()) {
        let (start, who) = value.split_once('~').ok_or_else(unreadable)?;
        let start: DateTime<Utc> = start.parse().map_err(|_| unreadable())?;
        let who: PractitionerSlug = who.parse().map_err(|_| unreadable())?;
        let mut finder = finder(view, &hold.place, hold.visitor.as_deref())?;
        finder.practitioners = find::practitioners(&view.clinic, treatment, Some(&who))?;
        if instant(tick(start)) != start || finder.offered_by(tick(start)).is_empty() {
            return Err(Reason::SlotNotOffered.into());
        }
        wanted.push(Wanted { start: tick(start), first: who, others: Vec::new() });
    }
    wanted.sort_by_key(|wanted| wanted.start);
    let all = std::iter::once(tick(hold.place.start)).chain(wanted.iter().map(|wanted| wanted.start));
    let mut spans: Vec<Span> = all.map(|start| occupied(treatment, start)).collect();
    spans.sort_by_key(|span| span.from);
    let is_too_many = spans.len() > usize::try_from(visits_max).unwrap_or_default();
    if is_too_many || spans.windows(2).any(|pair| pair[0].overlaps(pair[1])) {
        return Err(unreadable().into());
    }
    let hold = keep(tx, view, hold, wanted).await?;
    let is_kept = |other: &Other| other.expires_at > view.now;
    // Where the first has ended for good there is nothing to keep; taking it again takes the rest along.
    let is_lost = hold::is_kept(&hold, view.now) && !hold.others.iter().all(is_kept);
    Ok(is_lost.then_some(PortalError::Conflict(Reason::SlotTaken)))
}

/// Takes the others of a hold that another one takes the place of, as far as they fit beside it.
pub async fn move_along(tx: &mut Tx, finder: &Finder<'_>, before: HoldRow, mut hold: HoldRow) -> Result<(), Failure> {
    if before.place.treatment != hold.place.treatment || before.place.location != hold.place.location {
        return Ok(());
    }
    hold.wish = before.wish;
    let fits = |other: &Other| !other.place.busy.overlaps(hold.place.busy);
    let wanted = before.others.into_iter().filter(fits).map(|other| Wanted {
        start: tick(other.place.start),
        first: other.place.practitioner,
        others: Vec::new(),
    });
    let wanted = wanted.collect();
    keep(tx, finder.view, hold, wanted).await.map(drop)
}

/// Keeps what is free of this, in place of what the hold had, for as long as the hold itself.
async fn keep(tx: &mut Tx, view: &View, mut hold: HoldRow, wanted: Vec<Wanted>) -> Result<HoldRow, Failure> {
    let (clinic, now) = (&view.clinic.slug, view.now);
    for other in std::mem::take(&mut hold.others) {
        guard::vacate(tx, clinic, other.id.0, &other.place, now).await?;
    }
    let until = hold::renewed(hold.created_at, now);
    let visitor = hold.visitor.clone();
    let mut finder = finder(view, &hold.place, visitor.as_deref())?;
    let is_kept = until > now && hold::secure(tx, &finder, &mut hold, Some(until), now).await? == Taken::Yes;
    // What one was about to book elsewhere is not in the way.
    let spans: Vec<Span> = wanted.iter().map(|wanted| occupied(finder.treatment, wanted.start)).collect();
    for mine in hold::own(tx, clinic, hold.visitor.as_deref(), now).await? {
        if mine.id != hold.id && mine.places().any(|(_, place)| spans.iter().any(|span| span.overlaps(place.busy))) {
            hold::end(tx, clinic, &mine, now).await?;
        }
    }
    for wanted in wanted {
        let id = HoldId(Uuid::new_v5(&hold.id.0, &wanted.start.to_be_bytes()));
        let practitioner_chosen = hold.place.practitioner_chosen;
        let occupant = Occupant { holder: id.0, expires_at: Some(until), practitioner_chosen, now };
        let mut place = None;
        for people in [vec![wanted.first.clone()], wanted.others] {
            if place.is_none() && is_kept && !people.is_empty() {
                finder.practitioners = people;
                let offered = finder.offered_by(wanted.start);
                place = hold::occupy(tx, &finder, &occupant, offered, wanted.start).await?;
            }
        }
        let expires_at = if place.is_some() { until } else { now };
        let place = place.unwrap_or_else(|| hold::place(&finder, &occupant, wanted.first, None, wanted.start));
        hold.others.push(Other { id, place, expires_at });
    }
    store::hold::set_others(tx, clinic, &hold).await?;
    store::hold::update(tx, clinic, &hold).await?;
    Ok(hold)
}

/// The others of a hold as its pages show them: times near those that are gone, and none of those
/// in the way of the rest.
pub async fn others(tx: &mut Tx, view: &View, hold: &HoldRow) -> Result<Vec<OtherVisit>, Failure> {
    let all = finder_for_all(view, hold)?;
    let mut apart = vec![hold.place.busy];
    let mut found = Vec::new();
    for other in &hold.others {
        let finder = finder(view, &other.place, hold.visitor.as_deref())?;
        let is_kept = other.expires_at > view.now && finder.still_gives(&other.place);
        let state = if is_kept {
            Some(OtherState::Kept)
        } else {
            finder.has(tx, tick(other.place.start)).await?.then_some(OtherState::Free)
        };
        if state.is_some() {
            apart.push(other.place.busy);
        }
        found.push((&other.place, state));
    }
    let mut shown = Vec::new();
    for (place, state) in found {
        let state = if let Some(state) = state {
            state
        } else {
            let nearest = all.nearest_apart(tx, tick(place.start), NEAREST, &apart).await?;
            // The page proposes the nearest; no other visit's should be the same.
            apart.extend(nearest.first().map(|slot| occupied(all.treatment, tick(slot.start.instant))));
            OtherState::Gone { nearest }
        };
        shown.push(shown_as(view, &all, place, state));
    }
    Ok(shown)
}

fn shown_as(view: &View, finder: &Finder<'_>, place: &Place, state: OtherState) -> OtherVisit {
    let slot = view.slot(tick(place.start), finder.zone, &place.practitioner, None);
    OtherVisit { start: slot.start, practitioner: slot.practitioner, practitioner_name: slot.practitioner_name, state }
}
