//! Which times are free, as a list, as a month, and as the three nearest to one that is gone.

use std::collections::HashMap;

use app::booking::model::{DayCell, MonthGrid, MonthLink, Slot, SlotDay, Times, TimesFor, TimesQuery};
use app::booking::rules::{self, Busy, Search, Span, Standing, Starts, Tick, instant, local_date, tick};
use app::clinic::model::{Clinic, Location, Treatment};
use app::error::PortalError;
use app::ids::{AppointmentId, PractitionerSlug, RoomSlug};
use chrono::{Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Timelike, Weekday};
use chrono_tz::Tz;

use super::store::Place;
use super::store::appointment::AppointmentRow;
use super::store::busy::{self, Own};
use super::view::{View, zone_of};
use crate::clinic::cards;
use crate::failure::Failure;
use crate::labels;
use crate::store::Tx;

/// Days with free times that a list shows at once.
const DAYS_SHOWN: usize = 5;
/// How far one read of the calendar reaches.
const DAYS_READ: u64 = 14;
/// How far, and how many, full group sessions are shown.
const FULL_DAYS: u64 = 28;
const FULL_SHOWN: usize = 6;

/// One search at one location: reads what is busy as it goes.
pub struct Finder<'a> {
    pub view: &'a View,
    pub treatment: &'a Treatment,
    pub location: &'a Location,
    pub zone: Tz,
    pub practitioners: Vec<PractitionerSlug>,
    /// The caller's own holds are not in their way.
    pub visitor: Option<&'a str>,
    /// The visit that a time is looked for: it is not in its own way, and where it is already is
    /// no other time.
    pub moves: Option<&'a AppointmentRow>,
}

/// Free starts, and how busy people are, to choose among several who are free.
struct Found {
    starts: Starts,
    load: HashMap<(PractitionerSlug, NaiveDate), i64>,
}

impl Finder<'_> {
    fn clinic(&self) -> &Clinic {
        &self.view.clinic
    }

    fn today(&self) -> NaiveDate {
        local_date(&self.zone, self.view.now)
    }

    fn last_day(&self) -> NaiveDate {
        rules::last_day(self.treatment, &self.zone, self.view.now)
    }

    /// The ticks from the first of one calendar day to the last of another.
    fn days(&self, first: NaiveDate, last: NaiveDate) -> Span {
        // A day may begin later than midnight, never earlier; an hour more or less is cut by date below.
        let around = |date: NaiveDate| tick(date.and_time(NaiveTime::MIN).and_utc());
        let wide = Span { from: around(first) - 288, until: around(last) + 2 * 288 };
        let inside = |at: &Tick| (first..=last).contains(&local_date(&self.zone, instant(*at)));
        let from = (wide.from..wide.until).find(inside).unwrap_or(wide.from);
        let until = (wide.from..wide.until).rev().find(inside).map_or(from, |last| last + 1);
        Span { from, until }
    }

    fn asked(&self, within: Span) -> Search<'_, Tz> {
        Search {
            clinic: self.clinic(),
            treatment: self.treatment,
            location: self.location,
            zone: &self.zone,
            practitioners: &self.practitioners,
            now: self.view.now,
            within,
        }
    }

    fn search(&self, within: Span, busy: &Busy) -> Starts {
        let mut starts = rules::search(&self.asked(within), busy);
        if let Some(visit) = self.moves.filter(|visit| visit.place.location == self.location.slug)
            && self.practitioners.contains(&visit.place.practitioner)
        {
            starts.remove(&tick(visit.place.start));
        }
        starts
    }

    fn own(&self) -> Own<'_> {
        Own { visitor: self.visitor, visits: self.moves.map_or(&[], |visit| std::slice::from_ref(&visit.id)) }
    }

    fn rooms(&self) -> Vec<RoomSlug> {
        self.clinic().rooms_for(self.treatment, &self.location.slug).map(|room| room.slug.clone()).collect()
    }

    /// Who may begin the visit at this tick by the rules, whatever is taken.
    pub fn offered_by(&self, start: Tick) -> Vec<PractitionerSlug> {
        rules::offered_by(&self.asked(Span { from: start, until: start + 1 }), start)
    }

    /// Whether the clinic still gives a visit that was chosen before: it may have closed since.
    /// Notice and steps were for the choice.
    pub fn still_gives(&self, place: &Place) -> bool {
        let visit = Span { from: tick(place.start), until: tick(place.end) };
        rules::standing(&self.asked(visit), &place.practitioner, visit) == Standing::Fits
    }

    async fn free(&self, tx: &mut Tx, first: NaiveDate, last: NaiveDate) -> Result<Found, Failure> {
        let within = self.days(first, last);
        let busy = self.busy(tx, within).await?;
        let mut load = HashMap::new();
        if self.practitioners.len() > 1 {
            for (practitioner, spans) in &busy.practitioners {
                for span in spans {
                    let date = local_date(&self.zone, instant(span.from));
                    *load.entry((practitioner.clone(), date)).or_default() += span.until - span.from;
                }
            }
        }
        Ok(Found { starts: self.search(within, &busy), load })
    }

    /// Of those who are free, whoever has the least to do that day; the clinic's order decides a tie.
    fn slot(&self, found: &Found, start: Tick, free: &[(PractitionerSlug, u32)]) -> Option<Slot> {
        let date = local_date(&self.zone, instant(start));
        let least = free.iter().min_by_key(|(who, _)| found.load.get(&(who.clone(), date)).copied().unwrap_or_default())?;
        let seats = (self.treatment.capacity > 1).then_some(least.1);
        Some(self.view.slot(start, self.zone, &least.0, seats))
    }

    fn slots(&self, found: &Found) -> Vec<Slot> {
        found.starts.iter().filter_map(|(start, free)| self.slot(found, *start, free)).collect()
    }

    /// The first free time from a day on.
    async fn soonest(&self, tx: &mut Tx, from: NaiveDate) -> Result<Option<Slot>, Failure> {
        let mut first = from;
        while first <= self.last_day() {
            let last = (first + Days::new(DAYS_READ - 1)).min(self.last_day());
            let found = self.free(tx, first, last).await?;
            if let Some((start, free)) = found.starts.iter().next() {
                return Ok(self.slot(&found, *start, free));
            }
            first = last + Days::new(1);
        }
        Ok(None)
    }

    /// Days with free times from a day on, and the day on which a further list begins.
    async fn list(&self, tx: &mut Tx, from: NaiveDate) -> Result<(Vec<SlotDay>, Option<NaiveDate>), Failure> {
        let mut days: Vec<SlotDay> = Vec::new();
        let mut first = from.max(self.today());
        while first <= self.last_day() {
            let last = (first + Days::new(DAYS_READ - 1)).min(self.last_day());
            let found = self.free(tx, first, last).await?;
            for slot in self.slots(&found) {
                if days.last().is_none_or(|day| day.day.date != slot.start.date) {
                    if days.len() == DAYS_SHOWN {
                        return Ok((days, Some(slot.start.date)));
                    }
                    days.push(self.empty_day(slot.start.date));
                }
                self.put(&mut days, slot);
            }
            first = last + Days::new(1);
        }
        Ok((days, None))
    }

    fn empty_day(&self, date: NaiveDate) -> SlotDay {
        SlotDay { day: labels::day(date, self.view.language, self.today()), morning: Vec::new(), afternoon: Vec::new() }
    }

    fn put(&self, days: &mut [SlotDay], slot: Slot) {
        let Some(day) = days.last_mut() else { return };
        if slot.start.instant.with_timezone(&self.zone).hour() < 12 { &mut day.morning } else { &mut day.afternoon }.push(slot);
    }

    /// A month with the number of free times of each day, and the chosen day's times.
    async fn month(
        &self,
        tx: &mut Tx,
        any_day: NaiveDate,
        chosen: Option<NaiveDate>,
    ) -> Result<(MonthGrid, Vec<SlotDay>), Failure> {
        let first = any_day.with_day(1).unwrap_or(any_day);
        let after = first + Months::new(1);
        let found = self.free(tx, first, after - Days::new(1)).await?;
        let mut free: HashMap<NaiveDate, u32> = HashMap::new();
        let mut chosen_day: Vec<SlotDay> = Vec::new();
        for (start, people) in &found.starts {
            let date = local_date(&self.zone, instant(*start));
            *free.entry(date).or_default() += 1;
            if Some(date) == chosen
                && let Some(slot) = self.slot(&found, *start, people)
            {
                if chosen_day.is_empty() {
                    chosen_day.push(self.empty_day(date));
                }
                self.put(&mut chosen_day, slot);
            }
        }
        let link = |first: NaiveDate| MonthLink { first, label: labels::month_label(first, self.view.language) };
        let grid = MonthGrid {
            label: labels::month_label(first, self.view.language),
            first,
            weekdays: labels::weekday_names(self.view.language),
            weeks: self.weeks(first, after, &free),
            previous: (first > self.today()).then(|| link(first - Months::new(1))),
            next: (after <= self.last_day()).then(|| link(after)),
            chosen,
        };
        Ok((grid, chosen_day))
    }

    fn weeks(&self, first: NaiveDate, after: NaiveDate, free: &HashMap<NaiveDate, u32>) -> Vec<Vec<Option<DayCell>>> {
        let start: Weekday = labels::first_weekday(self.view.language);
        let mut cells: Vec<Option<DayCell>> = vec![None; usize::try_from(first.weekday().days_since(start)).unwrap_or(0)];
        cells.extend(first.iter_days().take_while(|date| *date < after).map(|date| {
            Some(DayCell {
                date,
                number: labels::number(date.day(), self.view.language),
                label: labels::day_label(date, self.view.language, self.today()),
                free: free.get(&date).copied().unwrap_or_default(),
            })
        }));
        cells.resize(cells.len().next_multiple_of(7), None);
        cells.chunks(7).map(<[_]>::to_vec).collect()
    }

    /// The group sessions of the next weeks that are full: one can only wait for a seat.
    async fn full(&self, tx: &mut Tx) -> Result<Vec<Slot>, Failure> {
        if self.treatment.capacity == 1 || self.moves.is_some() {
            return Ok(Vec::new());
        }
        let within = self.days(self.today(), self.last_day().min(self.today() + Days::new(FULL_DAYS)));
        let busy =
            busy::read(tx, &self.clinic().slug, &self.practitioners, &self.rooms(), within, self.own(), self.view.now).await?;
        let full = rules::full_sessions(&self.asked(within), &busy);
        let slot = |(start, practitioner): &(Tick, PractitionerSlug)| self.view.slot(*start, self.zone, practitioner, Some(0));
        Ok(full.iter().take(FULL_SHOWN).map(slot).collect())
    }

    /// Those who could begin at a tick, whoever has the least to do that day first.
    pub async fn least_busy_first(
        &self,
        tx: &mut Tx,
        mut people: Vec<PractitionerSlug>,
        start: Tick,
    ) -> Result<Vec<PractitionerSlug>, Failure> {
        if people.len() > 1 {
            let date = local_date(&self.zone, instant(start));
            let busy =
                busy::read(tx, &self.clinic().slug, &people, &[], self.days(date, date), self.own(), self.view.now).await?;
            let load = |who: &PractitionerSlug| {
                busy.practitioners.get(who).into_iter().flatten().map(|span| span.until - span.from).sum::<i64>()
            };
            people.sort_by_key(load);
        }
        Ok(people)
    }

    /// Who could begin at a tick now, as far as the calendar shows; whoever has the least to do
    /// that day first.
    pub async fn free_at(&self, tx: &mut Tx, start: Tick) -> Result<Vec<PractitionerSlug>, Failure> {
        self.free_at_without(tx, start, self.own().visits).await
    }

    /// The same, if these visits were not in the way.
    pub async fn free_at_without(
        &self,
        tx: &mut Tx,
        start: Tick,
        visits: &[AppointmentId],
    ) -> Result<Vec<PractitionerSlug>, Failure> {
        let within = rules::occupied(self.treatment, start);
        let own = Own { visits, ..self.own() };
        let busy = busy::read(tx, &self.clinic().slug, &self.practitioners, &self.rooms(), within, own, self.view.now).await?;
        let free = self.search(Span { from: start, until: start + 1 }, &busy).remove(&start).unwrap_or_default();
        self.least_busy_first(tx, free.into_iter().map(|(who, _)| who).collect(), start).await
    }

    /// Every time that is free in these ticks, and who has it.
    pub async fn starts(&self, tx: &mut Tx, within: Span) -> Result<Starts, Failure> {
        let busy = self.busy(tx, within).await?;
        Ok(self.search(within, &busy))
    }

    /// What is taken of all that visits occupy which begin in these ticks: the last of them may end
    /// after midnight.
    async fn busy(&self, tx: &mut Tx, within: Span) -> Result<Busy, Failure> {
        let (first, last) = (rules::occupied(self.treatment, within.from), rules::occupied(self.treatment, within.until - 1));
        let reach = Span { from: first.from, until: last.until };
        Ok(busy::read(tx, &self.clinic().slug, &self.practitioners, &self.rooms(), reach, self.own(), self.view.now).await?)
    }

    /// Whether a visit could begin at a tick now, as far as the calendar shows.
    pub async fn has(&self, tx: &mut Tx, start: Tick) -> Result<bool, Failure> {
        Ok(!self.free_at(tx, start).await?.is_empty())
    }

    /// The free times nearest to one that is gone, in their order: of the same day before others.
    pub async fn nearest(&self, tx: &mut Tx, gone: Tick, count: usize) -> Result<Vec<Slot>, Failure> {
        let mut slots = self.nearest_apart(tx, gone, count, &[]).await?;
        slots.sort_by_key(|slot| slot.start.instant);
        Ok(slots)
    }

    /// The same, the nearest first, and none that would occupy some of these ticks.
    pub async fn nearest_apart(&self, tx: &mut Tx, gone: Tick, count: usize, apart: &[Span]) -> Result<Vec<Slot>, Failure> {
        let in_the_way = |start: Tick| apart.iter().any(|span| span.overlaps(rules::occupied(self.treatment, start)));
        let date = local_date(&self.zone, instant(gone));
        for reach in [3, 14, 60] {
            let first = (date - Days::new(reach)).max(self.today());
            let found = self.free(tx, first, date + Days::new(reach)).await?;
            let mut slots = self.slots(&found);
            slots.retain(|slot| tick(slot.start.instant) != gone && !in_the_way(tick(slot.start.instant)));
            if slots.len() >= count || reach == 60 {
                let away = |slot: &Slot| {
                    let days = (slot.start.date - date).abs();
                    (days, (slot.start.instant - instant(gone)).abs())
                };
                slots.sort_by_key(away);
                slots.truncate(count);
                return Ok(slots);
            }
        }
        Ok(Vec::new())
    }
}

/// Everyone who gives the treatment, or the one who was asked for, in the clinic's order.
pub fn practitioners(
    clinic: &Clinic,
    treatment: &Treatment,
    only: Option<&PractitionerSlug>,
) -> Result<Vec<PractitionerSlug>, Failure> {
    let all: Vec<PractitionerSlug> = clinic
        .practitioners
        .iter()
        .map(|practitioner| practitioner.slug.clone())
        .filter(|slug| treatment.practitioners.contains(slug) && only.is_none_or(|only| only == slug))
        .collect();
    if all.is_empty() { Err(PortalError::NotFound.into()) } else { Ok(all) }
}

/// Answers a page's question for times; `moves` is the visit that it is about, if it is about one.
pub async fn times(
    tx: &mut Tx,
    view: &View,
    query: &TimesQuery,
    visitor: Option<&str>,
    moves: Option<&AppointmentRow>,
) -> Result<Times, Failure> {
    let clinic = &view.clinic;
    let treatment = match (&query.what, moves) {
        (_, Some(visit)) => &visit.place.treatment,
        (TimesFor::Treatment(slug), None) => slug,
        (TimesFor::Visit(_), None) => return Err(PortalError::NotFound.into()),
    };
    let treatment = clinic.treatment(treatment).ok_or(PortalError::NotFound)?;
    let practitioners = self::practitioners(clinic, treatment, query.practitioner.as_ref())?;
    let locations: Vec<&Location> = rules::locations_of(clinic, treatment).collect();
    let finder = |location| -> Result<Finder<'_>, Failure> {
        Ok(Finder { view, treatment, location, zone: zone_of(location)?, practitioners: practitioners.clone(), visitor, moves })
    };
    let wanted = query.location.as_ref().or(moves.map(|visit| &visit.place.location));
    let (finder, soonest) = if let Some(slug) = wanted {
        let location = locations.iter().find(|location| location.slug == *slug).ok_or(PortalError::NotFound)?;
        let finder = finder(location)?;
        let soonest = finder.soonest(tx, finder.today()).await?;
        (finder, soonest)
    } else {
        // The clinic's order is the clinic's choice: another place is offered beside it, and comes
        // first only where the first has nothing free.
        let mut first = None;
        let mut found = None;
        for location in &locations {
            let finder = finder(location)?;
            let soonest = finder.soonest(tx, finder.today()).await?;
            if soonest.is_some() {
                found = Some((finder, soonest));
                break;
            }
            first.get_or_insert((finder, soonest));
        }
        found.or(first).ok_or(PortalError::NotFound)?
    };

    let today = finder.today();
    let in_reach = |date: NaiveDate| date.clamp(today, finder.last_day());
    let (days, more_from, calendar) = if let Some(month) = query.month {
        let (grid, days) = finder.month(tx, in_reach(month), query.from).await?;
        (days, None, Some(grid))
    } else {
        let (days, more) = finder.list(tx, query.from.map_or(today, in_reach)).await?;
        (days, more, None)
    };
    let shown = days.first().and_then(|day| day.morning.first().or(day.afternoon.first())).or(soonest.as_ref());
    let zone = shown.map_or_else(|| view.moment(view.now, finder.zone).zone, |slot| slot.start.zone.clone());
    let person = |slug: &PractitionerSlug| clinic.practitioner(slug).map(|person| cards::practitioner(person, view.language));
    Ok(Times {
        treatment: cards::treatment(clinic, treatment, view.language),
        practitioner: query.practitioner.as_ref().and_then(person),
        location: cards::location(clinic, finder.location, view.language),
        practitioners: self::practitioners(clinic, treatment, None)?.iter().filter_map(person).collect(),
        locations: locations.iter().map(|location| cards::location(clinic, location, view.language)).collect(),
        zone,
        soonest,
        days,
        more_from,
        calendar,
        last_day: labels::day(finder.last_day(), view.language, today),
        full: finder.full(tx).await?,
        moves: None,
    })
}

/// How long a visit lasts.
pub fn duration(treatment: &Treatment) -> TimeDelta {
    TimeDelta::minutes(i64::from(treatment.duration_min))
}
