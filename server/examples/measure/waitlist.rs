//! 1,000 people who wait, on a day on which everything is taken, while 200 visits are cancelled by
//! ten patients at once: through the services, with the worker running beside it.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use app::booking::api::BookingService as _;
use app::booking::model::{CancelDraft, Draft};
use app::ids::AppointmentId;
use app::request::{Caller, Who};
use app::waitlist::api::WaitlistService as _;
use app::waitlist::model::{WaitFor, WishDraft};
use app::words::Language;
use chrono::{DateTime, NaiveDate, Utc};
use server::Portal;
use server::clock::Clock;
use server::config::Config;
use server::link::Purpose;
use tokio::task::JoinSet;

use crate::crowd::Crowd;
use crate::program::folder;
use crate::say;

const WAITING: usize = 1_000;
const FREED: usize = 200;
const CLIENTS: usize = 10;
const PEOPLE: usize = 20;

pub async fn measure(inside: &Path) -> anyhow::Result<()> {
    let folder = folder(inside, "waitlist")?;
    let config = Config::from_sources("", "", |name| match name {
        "PERENNIAL_DATABASE" => Some(format!("sqlite:{}", folder.join("perennial.db").display())),
        "PERENNIAL_MAILBOX" => Some(folder.join("mailbox").display().to_string()),
        "PERENNIAL_DEMO" => Some("off".to_owned()),
        _ => None,
    })?;
    // A Wednesday at noon; everybody wants the Thursday.
    let clock = Clock::frozen("2026-03-11T12:00:00Z".parse()?);
    let day = NaiveDate::from_ymd_opt(2026, 3, 12).context("a date")?;
    let portal = Arc::new(Portal::open(config, clock.clone()).await?);
    let crowd = Crowd::of_one_day(PEOPLE, day)?;
    portal.load((*crowd.clinic).clone(), true).await?;
    let visits = crowd.fill(&portal.database, day, &clock).await?;
    ensure!(visits.len() > FREED, "only {} visits fit on the day", visits.len());

    let caller = Caller { who: Who::Visitor(None), language: Language::En, zone: None };
    for number in 0..WAITING {
        join(&portal, &crowd, &caller, number).await?;
    }
    work(&portal).await?;
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (portal, crowd, caller) = (Arc::clone(&portal), crowd.clone(), caller.clone());
        let mine: Vec<AppointmentId> = visits.iter().copied().take(FREED).skip(client).step_by(CLIENTS).collect();
        clients.spawn(async move {
            for visit in mine {
                cancel(&portal, &crowd, &caller, visit).await?;
                // Whoever cancels also does what is due, as every process of a clinic would.
                portal.work_due().await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = clients.join_next().await {
        done??;
    }
    work(&portal).await?;
    let took = began.elapsed();

    let offered = count(&portal, "SELECT COUNT(*) AS n FROM offer WHERE state = 'open'").await?;
    let missed = count(
        &portal,
        "SELECT COUNT(*) AS n FROM appointment a WHERE a.status = 'cancelled' AND NOT EXISTS (SELECT 1 FROM offer o
         WHERE o.clinic = a.clinic AND o.practitioner = a.practitioner AND o.start_at = a.start_at AND o.state = 'open')",
    )
    .await?;
    let twice = count(
        &portal,
        "SELECT COUNT(*) AS n FROM offer o JOIN offer p ON o.clinic = p.clinic AND o.id < p.id AND o.state = 'open' AND p.state = 'open'
         AND (o.entry = p.entry OR (o.practitioner = p.practitioner AND o.busy_from < p.busy_until AND p.busy_from < o.busy_until))",
    )
    .await?;
    let out_of_turn = out_of_turn(&portal, offered).await?;
    say("freed times that were not offered", missed, "times")?;
    say("times on offer to two at once, or two to one", twice, "pairs")?;
    say("asked out of turn", out_of_turn, "people")?;
    say("offers made", offered, "offers")?;
    say("freed times offered", offered / took.as_secs_f64(), "1/s")
}

async fn join(portal: &Portal, crowd: &Crowd, caller: &Caller, number: usize) -> anyhow::Result<()> {
    let clinic = &crowd.clinic.slug;
    let wait = WaitFor { treatment: crowd.treatment().slug.to_string(), ..WaitFor::default() };
    let entry = portal.waitlist.begin(caller, clinic, wait).await?;
    let draft = Draft {
        who_for: "self".to_owned(),
        name: "Maya Example".to_owned(),
        birth_day: "27".to_owned(),
        birth_month: "3".to_owned(),
        birth_year: "1984".to_owned(),
        email: format!("waiter{number}@example.org"),
        ..Draft::default()
    };
    Ok(portal.waitlist.join(caller, clinic, &entry, draft, WishDraft::default()).await?)
}

async fn cancel(portal: &Portal, crowd: &Crowd, caller: &Caller, visit: AppointmentId) -> anyhow::Result<()> {
    let (clinic, link) = (&crowd.clinic.slug, portal.links.make(Purpose::Visit, visit.0));
    let version = portal.booking.visit(caller, clinic, &link).await?.version;
    Ok(portal.booking.cancel(caller, clinic, &link, &version, CancelDraft::default()).await?)
}

/// Does what is due until nothing is.
async fn work(portal: &Portal) -> anyhow::Result<()> {
    while portal.work_due().await? > 0 {}
    Ok(())
}

async fn count(portal: &Portal, sql: &'static str) -> anyhow::Result<f64> {
    let count: i64 = portal.database.read().await?.query(sql).fetch_one().await?.get("n")?;
    Ok(f64::from(i32::try_from(count)?))
}

/// How many of those who were asked are not among the first who joined.
async fn out_of_turn(portal: &Portal, offered: f64) -> anyhow::Result<f64> {
    let mut tx = portal.database.read().await?;
    let rows = tx.query("SELECT asked_at FROM waitlist ORDER BY joined_at, id").fetch_all().await?;
    let asked: Vec<Option<DateTime<Utc>>> = rows.iter().map(|row| row.get("asked_at")).collect::<Result<_, _>>()?;
    let in_turn = asked.iter().take_while(|asked| asked.is_some()).count();
    Ok(offered - f64::from(u32::try_from(in_turn)?))
}
