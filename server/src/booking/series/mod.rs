//! Several visits in one go, over the same holds, guard and appointments as a single one.
//!
//! - [`plan`]: the others of a hold: laid out, chosen, kept
//! - [`together`]: the booked visits: shown and cancelled together
//!
//! Confirming is [`super::confirm`]'s: a hold with others becomes as many appointments.

mod plan;
mod together;

use std::collections::BTreeMap;

use app::booking::model::{CancelDraft, Held};
use app::booking::rules::{Busy, Search, Span, instant, search, tick};
use app::booking::series::api::SeriesService;
use app::booking::series::model::{Planning, SeriesWish, Together};
use app::error::PortalError;
use app::ids::{ClinicSlug, LinkToken};
use app::request::Caller;
use async_trait::async_trait;
use chrono::{Datelike, NaiveTime, Weekday};

pub use self::plan::{move_along, others};
use super::details::cut;
use super::find::Finder;
use super::held::held;
use super::view::View;
use super::{Booking, store};
use crate::failure::Failure;
use crate::labels;

impl Booking {
    async fn show_planning(&self, caller: &Caller, slug: &ClinicSlug, link: &LinkToken) -> Result<Planning, Failure> {
        let id = self.open(link)?;
        let clinic = self.clinic(slug)?.clinic;
        let view = View::new(clinic, caller, None, self.clock.now());
        let mut tx = self.database.read().await?;
        let row = store::hold::get(&mut tx, slug, id).await?;
        let Some(row) = row else {
            // Confirmed meanwhile: the page says so.
            drop(tx);
            let held = self.show_hold(caller, slug, link).await?;
            return Ok(Planning { held, wish: SeriesWish::default(), visits_max: 0, days: Vec::new(), times: Vec::new() });
        };
        let finder = plan::finder_for_all(&view, &row)?;
        let visits_max = finder.treatment.series_max.ok_or(PortalError::NotFound)?;
        let held = held(&mut tx, caller, &view, link, &row).await?;
        let first = row.place.start.with_timezone(&finder.zone);
        let wish = row.wish.clone().unwrap_or_else(|| SeriesWish {
            every: "week".to_owned(),
            visits: visits_max.min(4).to_string(),
            ..SeriesWish::default()
        });
        let days = week_from(first.weekday()).skip(1);
        Ok(Planning {
            held,
            wish,
            visits_max,
            days: days.map(|day| (day_value(day), labels::weekday_label(day, view.language))).collect(),
            times: times(&finder, tick(row.place.start))
                .into_iter()
                .map(|time| (time.format("%H:%M").to_string(), labels::clock_label(time, view.language)))
                .collect(),
        })
    }

    async fn plan_series(&self, caller: &Caller, slug: &ClinicSlug, link: &LinkToken, wish: SeriesWish) -> Result<(), Failure> {
        let (id, now, caller) = (self.open(link)?, self.clock.now(), caller.clone());
        let wish = bounded(wish);
        let refused = self
            .change(slug, async move |tx, clinic, _| {
                let row = store::hold::get(tx, &clinic.slug, id).await?.ok_or(PortalError::NotFound)?;
                plan::plan(tx, &View::new(clinic.clone(), &caller, None, now), row, wish.clone()).await
            })
            .await?;
        refused.map_or(Ok(()), |refusal| Err(refusal.into()))
    }

    async fn choose_series(
        &self,
        caller: &Caller,
        slug: &ClinicSlug,
        link: &LinkToken,
        starts: BTreeMap<String, String>,
    ) -> Result<Held, Failure> {
        let (id, now, who) = (self.open(link)?, self.clock.now(), caller.clone());
        let refused = self
            .change(slug, async move |tx, clinic, _| {
                let row = store::hold::get(tx, &clinic.slug, id).await?.ok_or(PortalError::NotFound)?;
                plan::choose(tx, &View::new(clinic.clone(), &who, None, now), row, &starts).await
            })
            .await?;
        match refused {
            Some(refusal) => Err(refusal.into()),
            None => self.show_hold(caller, slug, link).await,
        }
    }
}

/// Cuts what no person typed.
fn bounded(mut wish: SeriesWish) -> SeriesWish {
    let SeriesWish { every, visits, day, time } = &mut wish;
    for field in [every, visits, day, time] {
        cut(field);
    }
    wish
}

/// Seven days, from this one on.
fn week_from(day: Weekday) -> impl Iterator<Item = Weekday> {
    std::iter::successors(Some(day), |day| Some(day.succ())).take(7)
}

fn day_value(day: Weekday) -> String {
    day.to_string().to_lowercase()
}

/// When visits may begin by the clock on the wall, whoever has the time already: over the week
/// from this start on.
fn times(finder: &Finder<'_>, start: i64) -> Vec<NaiveTime> {
    const WEEK: i64 = 7 * 288;
    let within = Span { from: start, until: start + WEEK };
    let asked = Search {
        clinic: &finder.view.clinic,
        treatment: finder.treatment,
        location: finder.location,
        zone: &finder.zone,
        practitioners: &finder.practitioners,
        now: finder.view.now,
        within,
    };
    let starts = search(&asked, &Busy::default());
    let mut times: Vec<NaiveTime> = starts.into_keys().map(|start| instant(start).with_timezone(&finder.zone).time()).collect();
    times.sort_unstable();
    times.dedup();
    times
}

#[async_trait]
impl SeriesService for Booking {
    async fn planning(&self, caller: &Caller, clinic: &ClinicSlug, hold: &LinkToken) -> Result<Planning, PortalError> {
        self.show_planning(caller, clinic, hold).await.map_err(|failure| failure.answer("booking.planning"))
    }

    async fn plan(&self, caller: &Caller, clinic: &ClinicSlug, hold: &LinkToken, wish: SeriesWish) -> Result<(), PortalError> {
        self.plan_series(caller, clinic, hold, wish).await.map_err(|failure| failure.answer("booking.plan"))
    }

    async fn choose(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        hold: &LinkToken,
        starts: BTreeMap<String, String>,
    ) -> Result<Held, PortalError> {
        self.choose_series(caller, clinic, hold, starts).await.map_err(|failure| failure.answer("booking.series"))
    }

    async fn together(&self, caller: &Caller, clinic: &ClinicSlug, visit: &LinkToken) -> Result<Together, PortalError> {
        self.show_together(caller, clinic, visit).await.map_err(|failure| failure.answer("booking.together"))
    }

    async fn cancel_all(
        &self,
        caller: &Caller,
        clinic: &ClinicSlug,
        visit: &LinkToken,
        version: &str,
        draft: CancelDraft,
    ) -> Result<(), PortalError> {
        self.cancel_series(caller, clinic, visit, version, draft).await.map_err(|failure| failure.answer("booking.cancel_all"))
    }
}
