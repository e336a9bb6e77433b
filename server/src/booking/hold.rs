//! Keeping a time for someone who is still typing.

use std::sync::Arc;

use app::booking::model::{Draft, HoldRequest};
use app::booking::rules::{Tick, instant, occupied, tick};
use app::clinic::model::{Clinic, Treatment};
use app::error::{PortalError, Reason};
use app::ids::{ClinicSlug, HoldId, PractitionerSlug, RoomSlug};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::find::{Finder, duration};
use super::series;
use super::store::guard::{self, Claim, Taken};
use super::store::hold::{self, HoldRow};
use super::store::{Place, session_id};
use crate::failure::Failure;
use crate::store::Tx;

/// How long a time is kept.
pub const HOLD: TimeDelta = TimeDelta::minutes(10);
/// Typing renews a hold, but not past this long after it began.
pub const HOLD_MAX: TimeDelta = TimeDelta::minutes(40);
/// A visitor's third hold ends their oldest.
pub const HOLDS_PER_VISITOR_MAX: usize = 2;
/// A draft is forgotten this long after its hold ended.
pub const DRAFT_KEPT: TimeDelta = TimeDelta::hours(24);

/// Until when a hold renewed now is kept.
pub fn renewed(created_at: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    (now + HOLD).min(created_at + HOLD_MAX)
}

/// What a hold needs to know besides the request; cloned for every run of the transaction.
#[derive(Clone)]
pub struct Wanted {
    pub clinic: Arc<Clinic>,
    pub request: HoldRequest,
    pub visitor: Option<String>,
    /// The hold whose place the new one takes, already opened.
    pub replaces: Option<HoldId>,
    pub id: HoldId,
    pub now: DateTime<Utc>,
}

/// Occupies the time, in the caller's transaction.
pub async fn take(tx: &mut Tx, finder: &Finder<'_>, wanted: &Wanted) -> Result<HoldId, Failure> {
    let Wanted { clinic, request, visitor, replaces, id, now } = wanted;
    let start = tick(request.start);
    let offered = if instant(start) == request.start { finder.offered_by(start) } else { Vec::new() };
    if offered.is_empty() {
        return Err(Reason::SlotNotOffered.into());
    }

    let mut own = own(tx, &clinic.slug, visitor.as_deref(), *now).await?;
    let replaced = match replaces {
        Some(replaced) => hold::get(tx, &clinic.slug, *replaced).await?,
        None => None,
    };
    // What another browser began is not gone on with but taken over: its link leads nowhere then.
    let continued = replaced.as_ref().filter(|replaced| replaced.visitor == *visitor);
    if let Some(same) = own.iter().chain(continued).find(|mine| is_same(mine, request, *now)) {
        return Ok(same.id);
    }
    // One's own hold never blocks oneself: what overlaps ends first. So does what is replaced.
    let span = occupied(finder.treatment, start);
    if let Some(replaced) = &replaced
        && !own.iter().any(|mine| mine.id == replaced.id)
    {
        own.push(replaced.clone());
    }
    let (ending, mut staying): (Vec<HoldRow>, Vec<HoldRow>) = own.into_iter().partition(|mine| {
        let is_in_the_way = |place: &Place| place.busy.overlaps(span) && offered.contains(&place.practitioner);
        Some(mine.id) == *replaces || mine.places().any(|(_, place)| is_in_the_way(place))
    });
    for mine in &ending {
        end(tx, &clinic.slug, mine, *now).await?;
    }

    let practitioner_chosen = request.practitioner.is_some();
    let occupant = Occupant { holder: id.0, expires_at: Some(*now + HOLD), practitioner_chosen, now: *now };
    let place = occupy(tx, finder, &occupant, offered, start).await?.ok_or(Reason::SlotTaken)?;
    while staying.len() >= HOLDS_PER_VISITOR_MAX {
        end(tx, &clinic.slug, &staying.remove(0), *now).await?;
    }
    let before = replaced.or_else(|| ending.into_iter().next());
    let (mut draft, submitted) = before.as_ref().map_or_else(Default::default, |old| (old.draft.clone(), old.submitted));
    if before.as_ref().is_some_and(|before| before.visitor != *visitor) {
        // Letters and new links go there: nobody else says where.
        draft.email.clear();
        draft.phone.clear();
    }
    let row = HoldRow {
        id: *id,
        visitor: visitor.clone(),
        place,
        draft,
        submitted,
        created_at: *now,
        expires_at: *now + HOLD,
        wish: None,
        others: Vec::new(),
    };
    hold::insert(tx, &clinic.slug, &row).await?;
    if let Some(before) = before.filter(|before| !before.others.is_empty()) {
        series::move_along(tx, finder, before, row).await?;
    }
    Ok(*id)
}

/// The same time again, from another tab or after an answer that got lost.
fn is_same(mine: &HoldRow, request: &HoldRequest, now: DateTime<Utc>) -> bool {
    mine.expires_at > now
        && mine.place.treatment == request.treatment
        && mine.place.location == request.location
        && mine.place.start == request.start
        && request.practitioner.as_ref().is_none_or(|practitioner| *practitioner == mine.place.practitioner)
}

/// A visitor's holds that have not ended, oldest first.
pub async fn own(tx: &mut Tx, clinic: &ClinicSlug, visitor: Option<&str>, now: DateTime<Utc>) -> Result<Vec<HoldRow>, Failure> {
    Ok(match visitor {
        Some(visitor) => hold::of_visitor(tx, clinic, visitor, now).await?,
        None => Vec::new(),
    })
}

/// In whose name a time is occupied, and until when.
pub struct Occupant {
    /// The hold's or the appointment's id.
    pub holder: Uuid,
    /// `None`: for good.
    pub expires_at: Option<DateTime<Utc>>,
    /// They asked for this person, not for anyone.
    pub practitioner_chosen: bool,
    pub now: DateTime<Utc>,
}

/// Tries the people who may do it, least busy first, and the rooms, until one pair is free.
pub async fn occupy(
    tx: &mut Tx,
    finder: &Finder<'_>,
    occupant: &Occupant,
    offered: Vec<PractitionerSlug>,
    start: Tick,
) -> Result<Option<Place>, Failure> {
    let rooms = rooms(finder);
    for practitioner in finder.least_busy_first(tx, offered, start).await? {
        for room in &rooms {
            let place = place(finder, occupant, practitioner.clone(), room.clone(), start);
            let claim = Claim {
                clinic: &finder.view.clinic.slug,
                place: &place,
                capacity: finder.treatment.capacity,
                holder: occupant.holder,
                expires_at: occupant.expires_at,
                now: occupant.now,
            };
            if guard::take(tx, &claim).await? == Taken::Yes {
                return Ok(Some(place));
            }
        }
    }
    Ok(None)
}

/// The rooms to try, in the clinic's order; one `None` where the treatment needs none.
fn rooms(finder: &Finder<'_>) -> Vec<Option<RoomSlug>> {
    if finder.treatment.room_kind.is_none() {
        return vec![None];
    }
    let rooms = finder.view.clinic.rooms_for(finder.treatment, &finder.location.slug);
    rooms.map(|room| Some(room.slug.clone())).collect()
}

pub(super) fn place(
    finder: &Finder<'_>,
    occupant: &Occupant,
    practitioner: PractitionerSlug,
    room: Option<RoomSlug>,
    start: Tick,
) -> Place {
    let mut place = Place {
        treatment: finder.treatment.slug.clone(),
        practitioner,
        practitioner_chosen: occupant.practitioner_chosen,
        location: finder.location.slug.clone(),
        room,
        session: None,
        start: instant(start),
        end: instant(start) + duration(finder.treatment),
        busy: occupied(finder.treatment, start),
    };
    if finder.treatment.capacity > 1 {
        place.session = Some(session_id(finder.view.clinic.slug.as_str(), &place.session_key()));
    }
    place
}

/// Gives back all that a hold keeps; its draft stays.
pub async fn end(tx: &mut Tx, clinic: &ClinicSlug, hold: &HoldRow, now: DateTime<Utc>) -> Result<(), Failure> {
    for (id, place) in hold.places() {
        guard::vacate(tx, clinic, id.0, place, now).await?;
    }
    hold::end(tx, clinic, hold, now).await?;
    Ok(())
}

/// Whether the hold still occupies its time.
pub fn is_kept(hold: &HoldRow, now: DateTime<Utc>) -> bool {
    hold.expires_at > now
}

/// Occupies the time of a hold until `until` (`None`: for good), and with it the others of its
/// series. All of them, or the answer is no: what could be had is kept for the next try.
pub async fn secure(
    tx: &mut Tx,
    finder: &Finder<'_>,
    hold: &mut HoldRow,
    until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<Taken, Failure> {
    let kept = is_kept(hold, now);
    let mut taken = secure_place(tx, finder, hold.id, &mut hold.place, kept, until).await?;
    if taken == Taken::Yes {
        hold.expires_at = until.unwrap_or(hold.expires_at);
    }
    for other in &mut hold.others {
        let finder = super::finder(finder.view, &other.place, hold.visitor.as_deref())?;
        if secure_place(tx, &finder, other.id, &mut other.place, other.expires_at > now, until).await? == Taken::Yes {
            other.expires_at = until.unwrap_or(other.expires_at);
        } else {
            guard::vacate(tx, &finder.view.clinic.slug, other.id.0, &other.place, now).await?;
            other.expires_at = now;
            taken = Taken::No;
        }
    }
    Ok(taken)
}

/// Occupies one place: by keeping what there is, or by taking it again, in whichever room, if it
/// ended and nobody else came. The rules are asked again, too.
async fn secure_place(
    tx: &mut Tx,
    finder: &Finder<'_>,
    holder: HoldId,
    place: &mut Place,
    is_kept: bool,
    until: Option<DateTime<Utc>>,
) -> Result<Taken, Failure> {
    let (clinic, now) = (&finder.view.clinic.slug, finder.view.now);
    // All of it or nothing: after it ended, somebody may have taken a part.
    let ticks = if place.session.is_some() {
        1
    } else {
        (place.busy.until - place.busy.from).unsigned_abs() * if place.room.is_some() { 2 } else { 1 }
    };
    if is_kept && finder.still_gives(place) && guard::keep(tx, clinic, holder.0, until).await? == ticks {
        if let Some(session) = place.session {
            guard::keep_session(tx, clinic, session, now).await?;
        }
        return Ok(Taken::Yes);
    }
    if !finder.offered_by(tick(place.start)).contains(&place.practitioner) {
        return Ok(Taken::No);
    }
    guard::release(tx, clinic, holder.0).await?;
    for room in rooms(finder) {
        let wanted = Place { room, ..place.clone() };
        let claim =
            Claim { clinic, place: &wanted, capacity: finder.treatment.capacity, holder: holder.0, expires_at: until, now };
        if guard::take(tx, &claim).await? == Taken::Yes {
            *place = wanted;
            return Ok(Taken::Yes);
        }
    }
    Ok(Taken::No)
}

/// Keeps what was typed and renews the hold as far as it may be.
pub async fn keep(
    tx: &mut Tx,
    finder: &Finder<'_>,
    mut hold: HoldRow,
    draft: Draft,
    submitted: bool,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    hold.draft = draft;
    hold.submitted |= submitted;
    let until = renewed(hold.created_at, now);
    if until > now {
        secure(tx, finder, &mut hold, Some(until), now).await?;
    }
    hold::update(tx, &finder.view.clinic.slug, &hold).await?;
    Ok(())
}

/// The treatment of a hold, unless the clinic has dropped it meanwhile.
pub fn treatment<'a>(clinic: &'a Clinic, place: &Place) -> Result<&'a Treatment, Failure> {
    clinic.treatment(&place.treatment).ok_or_else(|| PortalError::NotFound.into())
}
