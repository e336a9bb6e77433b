//! `perennial`: the commands. Each failure is one sentence on standard error and a status.
//!
//! Status 1: it was tried and failed. Status 2: it was asked for in a way that makes no sense.

use std::fmt::Write as _;
use std::future::Future;
use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use app::booking::model::VisitStatus;
use app::error::{PortalError, Reason};
use app::ids::{ClinicSlug, PractitionerSlug};
use chrono::NaiveDateTime;
use clap::{Parser, Subcommand};
use server::booking::answer::{Answer, Answered};
use server::booking::unsettled::Change;
use server::clinic::file::{self, Mistake};
use server::clinic::load::{Loaded, Misfit, Refused};
use server::clock::Clock;
use server::config::{BadSetting, Choice, Config, SETTINGS, Setting};
use server::letters::store::not_sent;
use server::store::{Database, backup::restore};
use server::{Portal, doctor, patient, telemetry};
use tokio::net::TcpListener;

/// Lines of a list.
const LISTED_MAX: i64 = 500;

#[derive(Parser)]
#[command(
    name = "perennial",
    version,
    about = "A patient portal, and what keeps the relationship alive between visits.",
    after_long_help = settings()
)]
struct Arguments {
    /// The file with settings; without it, perennial.toml in this folder if there is one
    #[arg(long, global = true, env = "PERENNIAL_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the pages, and do the jobs beside it
    Serve,
    /// Only do the jobs, for a server whose setting `worker` is off
    Work,
    /// Bring the database to what this program knows
    Migrate,
    /// Clinics and the files that describe them
    #[command(subcommand)]
    Clinic(ClinicCommand),
    /// The patients whom a clinic knew before
    #[command(subcommand)]
    Patient(PatientCommand),
    /// Visits as staff see them: answer requests, move, cancel, and what is not settled
    #[command(subcommand)]
    Appointment(AppointmentCommand),
    /// Letters that did not go out, and why
    Letters,
    /// What is configured, and what is wrong
    Doctor,
    /// Copy the database to a file, also while it is being served
    Backup { file: PathBuf },
    /// Put a backup in the place of the database, while nothing is running
    Restore {
        file: PathBuf,
        /// Also where there is a database already; that one is kept beside it
        #[arg(long)]
        replace: bool,
    },
}

#[derive(Subcommand)]
enum ClinicCommand {
    /// Find every mistake in a clinic's file
    Check { file: PathBuf },
    /// Make the clinic what its file says
    Load {
        file: PathBuf,
        /// Also if booked appointments no longer fit
        #[arg(long)]
        force: bool,
    },
}

#[derive(Subcommand)]
enum PatientCommand {
    /// Take over a clinic's list: who is known, what they had, and who should call instead of booking
    Load {
        /// The clinic's name in addresses: rowan-street
        clinic: String,
        /// A CSV file; server/demo/README.md describes it
        file: PathBuf,
    },
}

/// `clinic` is the name in addresses, such as rowan-street; `number` a booking number, such as RS-4K7Q2M.
#[derive(Subcommand)]
enum AppointmentCommand {
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
}

fn main() -> ExitCode {
    let Arguments { config, command } = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::Error::new(error).context("The program cannot start")),
    };
    match runtime.block_on(run(config.as_deref(), command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// Every setting, for `--help`.
fn settings() -> String {
    let mut text = "Settings, each a variable or a key in perennial.toml, with its default:\n".to_owned();
    for setting in SETTINGS {
        let (variable, Setting { key, default, meaning, .. }) = (setting.variable(), setting);
        let _ = write!(text, "\n  {variable}  ({key})\n      {meaning}");
        if !default.is_empty() {
            let _ = write!(text, " [{default}]");
        }
    }
    text
}

/// One sentence, from what was wanted to what stood in the way.
fn fail(error: &anyhow::Error) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "perennial: {error:#}");
    ExitCode::from(if error.is::<BadSetting>() { 2 } else { 1 })
}

async fn run(file: Option<&Path>, command: Command) -> anyhow::Result<()> {
    if let Command::Clinic(ClinicCommand::Check { file }) = command {
        return check(&file);
    }
    let config = Config::read(file)?;
    telemetry::start(&config);
    let clock = Clock::system();
    match command {
        Command::Serve => serve(config, clock).await,
        Command::Work => work(config, clock).await,
        Command::Migrate => migrate(&config, &clock).await,
        Command::Clinic(ClinicCommand::Load { file, force }) => load(config, clock, &file, force).await,
        Command::Patient(PatientCommand::Load { clinic, file }) => load_patients(config, clock, &clinic, &file).await,
        Command::Appointment(command) => appointment(config, clock, command).await,
        Command::Letters => letters(&config, &clock).await,
        Command::Doctor => doctor(&config).await,
        Command::Backup { file } => backup(&config, &file).await,
        Command::Restore { file, replace } => {
            restore(&file, &config.database, replace).await?;
            say(&format!("The database is now what {} holds.", file.display()))
        }
        Command::Clinic(ClinicCommand::Check { .. }) => Ok(()),
    }
}

/// A line of what the command is for, on standard output.
fn say(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("The output cannot be written")
}

async fn serve(mut config: Config, clock: Clock) -> anyhow::Result<()> {
    let shutdown = shutdown()?;
    // The port comes first: a second `serve` by mistake must not touch the database.
    let listener = listen(config.listen, "PERENNIAL_LISTEN").await?;
    let metrics = listen_for_metrics(&config).await?;
    config.bound_to(listener.local_addr()?);
    let portal = Portal::open(config, clock).await?;
    for line in portal.greeting() {
        say(&line)?;
    }
    portal.serve(listener, metrics, shutdown).await
}

async fn listen_for_metrics(config: &Config) -> anyhow::Result<Option<TcpListener>> {
    match config.metrics {
        Some(address) => listen(address, "PERENNIAL_METRICS").await.map(Some),
        None => Ok(None),
    }
}

/// `variable` is the setting that chooses the address.
async fn listen(address: SocketAddr, variable: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow::anyhow!("{address} is taken by another program; {variable} chooses another address."),
        ErrorKind::AddrNotAvailable => {
            anyhow::anyhow!("{address} is not an address of this machine; {variable} chooses another.")
        }
        ErrorKind::PermissionDenied => anyhow::anyhow!("{address} may not be used by this user; ports from 1024 on may."),
        _ => anyhow::anyhow!("{address} cannot be listened on: {error}."),
    })
}

async fn work(config: Config, clock: Clock) -> anyhow::Result<()> {
    let shutdown = shutdown()?;
    let metrics = listen_for_metrics(&config).await?;
    Portal::open(config, clock).await?.work(metrics, shutdown).await
}

async fn migrate(config: &Config, clock: &Clock) -> anyhow::Result<()> {
    let database = Database::open(&config.database).await?;
    let applied = database.migrate(clock.now()).await;
    database.close().await;
    match applied? {
        0 => say("The database is up to date."),
        1 => say("1 migration was applied."),
        count => say(&format!("{count} migrations were applied.")),
    }
}

fn check(path: &Path) -> anyhow::Result<()> {
    let clinic = read_clinic(path)?;
    say(&format!("{} is in order: {}, {} treatments.", path.display(), clinic.name, clinic.treatments.len()))
}

/// The clinic of a file; its mistakes, one a line, on standard error.
fn read_clinic(path: &Path) -> anyhow::Result<app::clinic::model::Clinic> {
    file::read(&text_of(path)?).map_err(|mistakes| to_mend(path, &mistakes))
}

fn text_of(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Tells each mistake of a file, one a line, on standard error.
fn to_mend(path: &Path, mistakes: &[Mistake]) -> anyhow::Error {
    for mistake in mistakes {
        let _ = writeln!(std::io::stderr(), "{}:{}: {}", path.display(), mistake.line, mistake.reason);
    }
    let count = if mistakes.len() == 1 { "a mistake".to_owned() } else { format!("{} mistakes", mistakes.len()) };
    anyhow::anyhow!("{} has {count} to mend.", path.display())
}

async fn load_patients(mut config: Config, clock: Clock, clinic: &str, path: &Path) -> anyhow::Result<()> {
    let text = text_of(path)?;
    let today = clock.now().date_naive();
    config.demo = Choice::Off;
    let portal = Portal::open(config, clock).await?;
    let loaded = async {
        let slug = known(&portal, clinic)?;
        let clinic = portal.clinic(&slug).context("The clinic was taken away just now")?;
        let list = patient::file::read(&text, &clinic, today).map_err(|mistakes| to_mend(path, &mistakes))?;
        Ok::<_, anyhow::Error>(portal.load_patients(&slug, list).await?)
    };
    let loaded = loaded.await;
    portal.close().await;
    let loaded = loaded?;
    say(&format!("{} patients were added and {} updated.", loaded.added, loaded.updated))
}

async fn load(mut config: Config, clock: Clock, path: &Path, force: bool) -> anyhow::Result<()> {
    let clinic = read_clinic(path)?;
    let name = clinic.name.clone();
    config.demo = Choice::Off;
    let portal = Portal::open(config, clock).await?;
    let loaded = portal.load(clinic, force).await;
    portal.close().await;
    match loaded {
        Ok(Loaded { misfits, .. }) => {
            for misfit in &misfits {
                say(&format!("Still booked, and the patient is told: {misfit}."))?;
            }
            say(&format!("{name} is now what {} says.", path.display()))
        }
        Err(refused) => {
            let tell = |misfits: &[Misfit]| {
                for misfit in misfits {
                    let _ = writeln!(std::io::stderr(), "{misfit}");
                }
            };
            match &refused {
                Refused::Misfits(misfits) => {
                    tell(misfits);
                    bail!("{refused}, so nothing was changed; --force changes it, keeps them booked and tells the patients.");
                }
                Refused::Gone(misfits) => {
                    tell(misfits);
                    bail!("{refused}, so nothing was changed.");
                }
                Refused::Store(_) => Err(refused.into()),
            }
        }
    }
}

async fn appointment(mut config: Config, clock: Clock, command: AppointmentCommand) -> anyhow::Result<()> {
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
    read("%Y-%m-%dT%H:%M").or_else(|_| read("%Y-%m-%d %H:%M")).map_err(|_| "write it like 2026-03-16T10:00".to_owned())
}

fn practitioner_slug(text: Option<&str>) -> anyhow::Result<Option<PractitionerSlug>> {
    text.map(|text| text.parse().map_err(|_| anyhow::anyhow!("\"{text}\" is not a practitioner's name in addresses"))).transpose()
}

async fn change(portal: &Portal, clinic: &str, number: &str, change: Change) -> anyhow::Result<Vec<String>> {
    let clinic = known(portal, clinic)?;
    let done = if change == Change::Cancel { "cancelled" } else { "moved" };
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

/// The slug of a clinic that is there.
fn known(portal: &Portal, clinic: &str) -> anyhow::Result<ClinicSlug> {
    let found = clinic.parse().ok().filter(|slug| portal.clinic(slug).is_some());
    found.with_context(|| format!("There is no clinic \"{clinic}\"; `perennial clinic load` brings one"))
}

async fn letters(config: &Config, clock: &Clock) -> anyhow::Result<()> {
    let database = Database::open(&config.database).await?;
    let found = async { not_sent(&mut database.read().await?, clock.now(), LISTED_MAX).await }.await;
    database.close().await;
    let found = found.context("The letters cannot be read")?;
    for letter in &found {
        say(&letter.to_string())?;
    }
    if found.is_empty() { say("Every letter that was to go out has gone out.") } else { Ok(()) }
}

async fn doctor(config: &Config) -> anyhow::Result<()> {
    let report = doctor::examine(config).await;
    say(report.to_string().trim_end())?;
    if report.is_well() { Ok(()) } else { bail!("something is wrong.") }
}

async fn backup(config: &Config, file: &Path) -> anyhow::Result<()> {
    let database = Database::open(&config.database).await?;
    let copied = database.backup(file).await;
    database.close().await;
    copied?;
    say(&format!("The database is copied to {}.", file.display()))
}

/// Until the process is asked to end. Asked again, it ends at once. Listens from this call on.
///
/// # Errors
/// If the system does not tell processes that they are asked.
fn shutdown() -> anyhow::Result<impl Future<Output = ()> + Send> {
    let mut requests = Requests::new().context("The system's signals cannot be listened to")?;
    let (asked, waiting) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        requests.next().await;
        let _ = asked.send(());
        requests.next().await;
        std::process::exit(130);
    });
    Ok(async {
        let _ = waiting.await;
    })
}

/// Requests to end: from a service manager, or from somebody at the keyboard.
#[cfg(unix)]
struct Requests {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Requests {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Requests(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Requests {
    fn new() -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
