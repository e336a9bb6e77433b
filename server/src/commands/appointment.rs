//! `perennial appointment`: visits as staff see them, until there is a console to sign in to.

use anyhow::bail;
use app::booking::model::VisitStatus;
use app::error::{PortalError, Reason};
use app::ids::PractitionerSlug;
use chrono::{NaiveDateTime, Timelike as _};
use clap::Subcommand;
use server::Portal;
use server::booking::answer::{Answer, Answered};
use server::booking::unsettled::Change;
use server::clock::Clock;
use server::config::{Choice, Config};

use super::{known, say};

/// `clinic` is the name in addresses, such as rowan-street; `number` a booking number, such as RS-4K7Q2M.
#[derive(Subcommand)]
pub enum AppointmentCommand {
    /// List the requests that nobody has answered; the first is due first
    Requests { clinic: String },
    /// Say yes to a request; the patient is told
    Confirm { clinic: String, number: String },
    /// Say no to a request; its time is free again, and the patient is told
    Decline { clinic: String, number: String },
    /// Cancel a visit on the clinic's behalf; the patient is told and costs are waived
    Cancel { clinic: String, number: String },
    /// Move a visit on the clinic's behalf; the patient is told and asked whether that works
    Move {
        clinic: String,
        number: String,
        /// By the clock on the wall of the visit's location: 2026-03-16T10:00
        #[arg(value_parser = wall_time)]
        start: NaiveDateTime,
        /// With somebody else
        #[arg(long)]
        practitioner: Option<String>,
    },
    /// List visits that the clinic changed and the patient has not answered; who asks for a call is first
    Unsettled { clinic: String },
    /// Take a visit off that list, and off the letters that failed: the patient was reached another way
    Settle { clinic: String, number: String },
}

pub async fn appointment(mut config: Config, clock: Clock, command: AppointmentCommand) -> anyhow::Result<()> {
    config.demo = Choice::Off;
    let portal = Portal::open(config, clock).await?;
    let lines = match command {
        AppointmentCommand::Requests { clinic } => requests(&portal, &clinic).await,
        AppointmentCommand::Confirm { clinic, number } => answer(&portal, &clinic, &number, Answer::Confirm).await,
        AppointmentCommand::Decline { clinic, number } => answer(&portal, &clinic, &number, Answer::Decline).await,
        AppointmentCommand::Cancel { clinic, number } => change(&portal, &clinic, &number, Change::Cancel).await,
        AppointmentCommand::Move { clinic, number, start, practitioner } => match practitioner_slug(practitioner.as_deref()) {
            Ok(practitioner) => change(&portal, &clinic, &number, Change::Move { start, practitioner }).await,
            Err(error) => Err(error),
        },
        AppointmentCommand::Unsettled { clinic } => unsettled(&portal, &clinic).await,
        AppointmentCommand::Settle { clinic, number } => settle(&portal, &clinic, &number).await,
    };
    portal.close().await;
    lines?.iter().try_for_each(|line| say(line))
}

async fn requests(portal: &Portal, clinic: &str) -> anyhow::Result<Vec<String>> {
    let waiting = portal.requests(&known(portal, clinic)?).await?;
    if waiting.is_empty() {
        return Ok(vec!["No request waits for an answer.".to_owned()]);
    }
    Ok(waiting.iter().map(ToString::to_string).collect())
}

async fn answer(portal: &Portal, clinic: &str, number: &str, answer: Answer) -> anyhow::Result<Vec<String>> {
    let clinic = known(portal, clinic)?;
    let answered = match portal.answer(&clinic, number, answer).await {
        Err(PortalError::NotFound) => bail!("There is no visit with the number {number} at {clinic}."),
        answered => answered?,
    };
    Ok(vec![match (answered, answer) {
        (Answered::Now, Answer::Confirm) => format!("{number} is booked, and the patient is told."),
        (Answered::Now, Answer::Decline) => format!("{number} is declined, and the patient is told. Its time is free again."),
        (Answered::Already(VisitStatus::Cancelled), _) => {
            bail!("{number} is cancelled or declined already; nothing was changed.")
        }
        (Answered::Already(_), _) => bail!("{number} is booked already; nothing was changed."),
    }])
}

fn wall_time(text: &str) -> Result<NaiveDateTime, String> {
    let read = |form| NaiveDateTime::parse_from_str(text, form);
    let time = read("%Y-%m-%dT%H:%M").or_else(|_| read("%Y-%m-%d %H:%M")).map_err(|_| "write it like 2026-03-16T10:00")?;
    if time.minute() % 5 > 0 {
        return Err("visits begin at full five minutes".to_owned());
    }
    Ok(time)
}

fn practitioner_slug(text: Option<&str>) -> anyhow::Result<Option<PractitionerSlug>> {
    text.map(|text| text.parse().map_err(|_| anyhow::anyhow!("\"{text}\" is not a practitioner's name in addresses"))).transpose()
}

async fn change(portal: &Portal, clinic: &str, number: &str, change: Change) -> anyhow::Result<Vec<String>> {
    let clinic = known(portal, clinic)?;
    let done = match &change {
        Change::Cancel => "cancelled".to_owned(),
        Change::Move { start, .. } => format!("moved to {}", start.format("%Y-%m-%d, %H:%M")),
    };
    match portal.change_visit(&clinic, number, change).await {
        Ok(()) => Ok(vec![format!("{number} is {done}, and the patient is told.")]),
        Err(PortalError::NotFound) => bail!("There is no such visit or practitioner at {clinic}; nothing was changed."),
        Err(PortalError::Conflict(Reason::TooLate)) => bail!("{number} has begun already; nothing was changed."),
        Err(PortalError::Conflict(Reason::Changed)) => bail!("{number} is cancelled already; nothing was changed."),
        Err(PortalError::Conflict(Reason::SlotNotOffered)) => {
            bail!("Nobody gives this treatment there at that time; nothing was changed.")
        }
        Err(PortalError::Conflict(_)) => bail!("That time is taken; nothing was changed."),
        Err(error) => Err(error.into()),
    }
}

async fn unsettled(portal: &Portal, clinic: &str) -> anyhow::Result<Vec<String>> {
    let list = portal.unsettled(&known(portal, clinic)?).await?;
    if list.is_empty() {
        return Ok(vec!["Everything is settled.".to_owned()]);
    }
    Ok(list.iter().map(ToString::to_string).collect())
}

async fn settle(portal: &Portal, clinic: &str, number: &str) -> anyhow::Result<Vec<String>> {
    let clinic = known(portal, clinic)?;
    match portal.settle(&clinic, number).await {
        Ok(true) => Ok(vec![format!("{number} is settled.")]),
        Ok(false) => bail!("Nothing about {number} is open; nothing was changed."),
        Err(PortalError::NotFound) => bail!("There is no visit with the number {number} at {clinic}."),
        Err(error) => Err(error.into()),
    }
}
