//! Getting on the list, and off it.

use std::sync::Arc;

use app::booking::model::Draft;
use app::booking::rules::{is_ahead, last_day, local_date};
use app::clinic::model::{Clinic, Treatment};
use app::error::{PortalError, Reason};
use app::fields::FieldErrors;
use app::ids::{AppointmentId, ClinicSlug, EntryId, LinkToken};
use app::request::Caller;
use app::waitlist::model::{Entry, EntryState, WaitFor, WishDraft};
use chrono::{DateTime, Days, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use uuid::Uuid;

use super::jobs::{JOINED_JOB, WAITING_LETTER_JOB};
use super::store::{self, EntryRow, OfferState, State};
use super::{Waitlist, hooks};
use crate::audit;
use crate::booking::details::{self, cut};
use crate::booking::store::{appointment, patient};
use crate::booking::view::{View, zone_of};
use crate::booking::{find, is_anothers, visit, visitor};
use crate::clinic::cards;
use crate::failure::Failure;
use crate::jobs::{self, NewJob};
use crate::labels;
use crate::link::Purpose;
use crate::store::Tx;

/// What a place on the list is for, as far as it names things that there are.
#[derive(Clone)]
enum Wanted {
    Visit(AppointmentId),
    Treatment(WaitFor),
}

impl Waitlist {
    pub(super) async fn begin_entry(&self, caller: &Caller, slug: &ClinicSlug, wait: WaitFor) -> Result<LinkToken, Failure> {
        let wanted = if wait.visit.is_empty() {
            Wanted::Treatment(wait)
        } else {
            let visit = self.links.open(Purpose::Visit, &LinkToken(wait.visit)).ok_or(PortalError::NotFound)?;
            Wanted::Visit(AppointmentId(visit))
        };
        let (id, now, caller) = (EntryId(self.clock.new_id()), self.clock.now(), caller.clone());
        let begun = self
            .booking
            .change(slug, async move |tx, clinic, _| {
                let row = match &wanted {
                    Wanted::Visit(visit) => {
                        if let Some(before) = store::of_visit(tx, &clinic.slug, *visit).await? {
                            return Ok(before.id);
                        }
                        for_visit(tx, &clinic.slug, *visit, (id, now)).await?
                    }
                    Wanted::Treatment(wait) => EntryRow { visitor: visitor(&caller), ..for_treatment(&clinic, wait, (id, now))? },
                };
                store::insert(tx, &clinic.slug, &row).await?;
                let entry = audit::Entry::new(clinic.slug.as_str(), &caller, "waitlist.begin", id);
                audit::record(tx, &entry, now).await?;
                Ok(id)
            })
            .await?;
        Ok(self.links.make(Purpose::Entry, begun.0))
    }

    pub(super) async fn show_entry(&self, caller: &Caller, slug: &ClinicSlug, link: &LinkToken) -> Result<Entry, Failure> {
        let id = self.open_entry(link)?;
        let clinic = self.clinic(slug)?.clinic;
        let view = View::new(Arc::clone(&clinic), caller, None, self.clock.now());
        let mut tx = self.database.read().await?;
        let row = store::get(&mut tx, slug, id).await?.ok_or(PortalError::NotFound)?;
        let treatment = clinic.treatment(&row.treatment).ok_or(PortalError::NotFound)?;
        let zone = zone_for(&clinic, &row, treatment)?;
        let visit = match row.appointment {
            Some(visit) => appointment::get(&mut tx, slug, visit).await?,
            None => None,
        };
        let visit = match visit {
            Some(visit) => Some(visit::shown_by_id(&mut tx, &view, &self.links, &visit).await?),
            None => None,
        };
        let (state, wish, draft, submitted) = match self.state_of(&mut tx, &view, &row, zone).await? {
            EntryState::Typing if is_anothers(caller, row.visitor.as_deref()) => {
                (EntryState::Elsewhere, WishDraft::default(), Draft::default(), false)
            }
            state => (state, row.wish, row.draft, row.submitted),
        };
        let parsed = details::parse(&draft, local_date(&zone, view.now), view.language);
        let shows_errors = submitted && row.appointment.is_none();
        let weekday = |weekday| labels::weekday_label(weekday, view.language);
        Ok(Entry {
            token: link.clone(),
            state,
            treatment: cards::treatment(&clinic, treatment, view.language),
            practitioner: row.practitioner.as_ref().and_then(|slug| clinic.practitioner(slug)).map(|one| one.name.clone()),
            location: row.location.as_ref().and_then(|slug| clinic.location(slug)).map(|one| one.name.clone()),
            session: row.only_start.map(|start| view.moment(start, zone)),
            visit,
            weekdays: std::iter::successors(Some(Weekday::Mon), |day| Some(day.succ())).take(7).map(weekday).collect(),
            errors: if shows_errors { parsed.err().unwrap_or_default() } else { FieldErrors::default() },
            until: labels::day(local_date(&zone, row.until_at), view.language, local_date(&zone, view.now)),
            wish,
            draft,
        })
    }

    async fn state_of(&self, tx: &mut Tx, view: &View, row: &EntryRow, zone: Tz) -> Result<EntryState, Failure> {
        let slug = &view.clinic.slug;
        Ok(match row.state {
            _ if row.until_at <= view.now && row.state != State::Done => EntryState::Left,
            State::Left => EntryState::Left,
            State::Typing => EntryState::Typing,
            State::Done => {
                let taken = store::offers(tx, slug, row.id).await?.into_iter().find(|offer| offer.state == OfferState::Taken);
                let visit = row.appointment.map(|visit| visit.0).or_else(|| taken.map(|offer| offer.id));
                EntryState::Done { visit: visit.map(|visit| self.links.make(Purpose::Visit, visit)) }
            }
            State::Waiting => {
                let open = store::offers(tx, slug, row.id).await?.into_iter().find(|offer| offer.is_open(view.now));
                EntryState::Waiting {
                    before: store::before(tx, slug, row, view.now).await?,
                    asked: row.asked_at.map(|asked| view.moment(asked, zone)),
                    offer: open.map(|offer| self.links.make(Purpose::Offer, offer.id)),
                }
            }
        })
    }

    pub(super) async fn join_list(
        &self,
        caller: &Caller,
        slug: &ClinicSlug,
        link: &LinkToken,
        draft: Draft,
        wish: WishDraft,
    ) -> Result<(), Failure> {
        let joining = Joining {
            caller: caller.clone(),
            entry: self.open_entry(link)?,
            draft: details::bounded(draft),
            wish: bounded(wish),
            job: self.clock.new_id(),
            now: self.clock.now(),
        };
        let refused = self.booking.change(slug, async move |tx, clinic, _| join(tx, &clinic, &joining).await).await?;
        refused.map_or(Ok(()), |refusal| Err(refusal.into()))
    }

    pub(super) async fn keep_typed(
        &self,
        slug: &ClinicSlug,
        link: &LinkToken,
        draft: Draft,
        wish: WishDraft,
    ) -> Result<(), Failure> {
        let (id, draft, wish) = (self.open_entry(link)?, details::bounded(draft), bounded(wish));
        self.booking
            .change(slug, async move |tx, clinic, _| {
                let mut row = store::get(tx, &clinic.slug, id).await?.ok_or(PortalError::NotFound)?;
                if row.state == State::Typing {
                    (row.draft, row.wish) = (draft.clone(), wish.clone());
                    store::update(tx, &clinic.slug, &row).await?;
                }
                Ok(())
            })
            .await
    }

    pub(super) async fn leave_list(&self, caller: &Caller, slug: &ClinicSlug, link: &LinkToken) -> Result<(), Failure> {
        let (id, now, caller) = (self.open_entry(link)?, self.clock.now(), caller.clone());
        self.booking
            .change(slug, async move |tx, clinic, _| {
                let row = store::get(tx, &clinic.slug, id).await?.ok_or(PortalError::NotFound)?;
                if matches!(row.state, State::Typing | State::Waiting) {
                    hooks::leave(tx, &clinic.slug, row, now).await?;
                    let entry = audit::Entry::new(clinic.slug.as_str(), &caller, "waitlist.leave", id);
                    audit::record(tx, &entry, now).await?;
                }
                Ok(())
            })
            .await
    }
}

/// An earlier time for a visit, with the same person if they were asked for.
async fn for_visit(
    tx: &mut Tx,
    clinic: &ClinicSlug,
    visit: AppointmentId,
    (id, now): (EntryId, DateTime<Utc>),
) -> Result<EntryRow, Failure> {
    let row = appointment::get(tx, clinic, visit).await?.ok_or(PortalError::NotFound)?;
    if !visit::is_open(&row, now) {
        return Err(Reason::TooLate.into());
    }
    Ok(EntryRow {
        appointment: Some(visit),
        practitioner: row.place.practitioner_chosen.then_some(row.place.practitioner),
        location: Some(row.place.location),
        ..EntryRow::typing(id, row.place.treatment, row.place.start, now)
    })
}

/// Any time for a new visit, or a seat of one group session.
fn for_treatment(clinic: &Clinic, wait: &WaitFor, (id, now): (EntryId, DateTime<Utc>)) -> Result<EntryRow, Failure> {
    let missing = |_| PortalError::NotFound;
    let treatment = clinic.treatment(&wait.treatment.parse().map_err(missing)?).ok_or(PortalError::NotFound)?;
    let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let practitioner = named(&wait.practitioner).map(|text| text.parse().map_err(missing)).transpose()?;
    find::practitioners(clinic, treatment, practitioner.as_ref())?;
    let location = named(&wait.location).map(|text| text.parse().map_err(missing)).transpose()?;
    if location.as_ref().is_some_and(|location| clinic.location(location).is_none()) {
        return Err(PortalError::NotFound.into());
    }
    let session =
        named(&wait.session).map(|text| text.parse::<DateTime<Utc>>().map_err(|_| PortalError::NotFound)).transpose()?;
    let row = EntryRow { practitioner, location, only_start: session, ..EntryRow::typing(id, treatment.slug.clone(), now, now) };
    let until_at = match session {
        Some(_) if treatment.capacity == 1 => return Err(PortalError::NotFound.into()),
        Some(session) if !is_ahead(session, now) => return Err(Reason::TooLate.into()),
        Some(session) => session,
        None => {
            let zone = zone_for(clinic, &row, treatment)?;
            let after = last_day(treatment, &zone, now) + Days::new(1);
            zone.from_local_datetime(&after.and_hms_opt(0, 0, 0).unwrap_or_default()).earliest().map_or(now, |at| at.to_utc())
        }
    };
    Ok(EntryRow { until_at, ..row })
}

/// Whose clock says when days begin: the location's that they want, or the first that there is.
fn zone_for(clinic: &Clinic, row: &EntryRow, treatment: &Treatment) -> Result<Tz, Failure> {
    let wanted = row.location.as_ref().and_then(|slug| clinic.location(slug));
    let first = || app::booking::rules::locations_of(clinic, treatment).next().or_else(|| clinic.locations.first());
    wanted.or_else(first).map_or(Ok(Tz::UTC), zone_of)
}

/// What joining needs to know.
#[derive(Clone)]
struct Joining {
    caller: Caller,
    entry: EntryId,
    draft: Draft,
    wish: WishDraft,
    /// A fresh id, of which the jobs' are made.
    job: Uuid,
    now: DateTime<Utc>,
}

fn bounded(mut wish: WishDraft) -> WishDraft {
    let WishDraft { which, mon, tue, wed, thu, fri, sat, sun, morning, afternoon, evening } = &mut wish;
    for field in [which, mon, tue, wed, thu, fri, sat, sun, morning, afternoon, evening] {
        cut(field);
    }
    wish
}

/// Joins in the caller's transaction. A refusal that leaves something to mend is a value and not an
/// error: what was typed is kept with it.
async fn join(tx: &mut Tx, clinic: &Clinic, joining: &Joining) -> Result<Option<PortalError>, Failure> {
    let Joining { caller, entry, draft, wish, job, now } = joining;
    let slug = &clinic.slug;
    let mut row = store::get(tx, slug, *entry).await?.ok_or(PortalError::NotFound)?;
    if !matches!(row.state, State::Typing | State::Waiting) {
        return Err(Reason::Changed.into());
    }
    if row.until_at <= *now {
        return Err(Reason::TooLate.into());
    }
    row.wish = wish.clone();
    row.submitted = true;
    // Who waits already changes what suits them: their page asks for no details again.
    let refusal = if row.appointment.is_some() || row.state == State::Waiting {
        None
    } else {
        row.draft = draft.clone();
        // Letters are written in it, whoever asks for them by then.
        if row.draft.language.is_empty() {
            caller.language.tag().clone_into(&mut row.draft.language);
        }
        refused(tx, clinic, &row, caller, *now).await?
    };
    let is_new = refusal.is_none() && row.state == State::Typing;
    if is_new {
        row.state = State::Waiting;
        row.joined_at = Some(*now);
    }
    store::update(tx, slug, &row).await?;
    if is_new {
        // A visit's own page says that it waits; whoever has none gets the way back by letter.
        let letter = row.appointment.is_none().then_some(WAITING_LETTER_JOB);
        for kind in std::iter::once(JOINED_JOB).chain(letter) {
            let added = NewJob {
                clinic: slug.as_str(),
                kind,
                subject: serde_json::json!({ "entry": entry }),
                unique_key: format!("{kind}/{entry}"),
                due_at: *now,
            };
            jobs::enqueue(tx, &added, *now, Uuid::new_v5(job, kind.as_bytes())).await?;
        }
        let noted = audit::Entry::new(slug.as_str(), caller, "waitlist.join", entry);
        audit::record(tx, &noted, *now).await?;
    }
    Ok(refusal)
}

/// Why these details do not do.
async fn refused(
    tx: &mut Tx,
    clinic: &Clinic,
    row: &EntryRow,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<Option<PortalError>, Failure> {
    let treatment = clinic.treatment(&row.treatment).ok_or(PortalError::NotFound)?;
    let zone = zone_for(clinic, row, treatment)?;
    let details = match details::parse(&row.draft, local_date(&zone, now), caller.language) {
        Ok(details) => details,
        Err(errors) => return Ok(Some(PortalError::Invalid(errors))),
    };
    let found = patient::find(tx, &clinic.slug, &details.person).await?;
    let eligible = details::is_eligible(tx, &clinic.slug, treatment, found.as_ref(), now).await?;
    Ok((!eligible).then_some(PortalError::Conflict(Reason::NotEligible)))
}
