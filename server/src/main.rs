//! `perennial`: the commands. Each failure is one sentence on standard error and a status.
//!
//! Status 1: it was tried and failed. Status 2: it was asked for in a way that makes no sense.

mod commands;

use std::fmt::Write as _;
use std::future::Future;
use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand};
use server::clock::Clock;
use server::config::{BadSetting, Config, SETTINGS, Setting};
use server::letters::store::not_sent;
use server::store::{Database, backup::restore};
use server::{Portal, doctor, telemetry};
use tokio::net::TcpListener;

use self::commands::appointment::AppointmentCommand;
use self::commands::clinic::ClinicCommand;
use self::commands::patient::PatientCommand;
use self::commands::{appointment, clinic, patient, say};

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
    Doctor {
        /// Only whether this website may show the booking, and what is missing
        #[arg(long, value_name = "SITE")]
        embed: Option<String>,
    },
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
        return clinic::check(&file);
    }
    let config = Config::read(file)?;
    telemetry::start(&config);
    let clock = Clock::system();
    match command {
        Command::Serve => serve(config, clock).await,
        Command::Work => work(config, clock).await,
        Command::Migrate => migrate(&config, &clock).await,
        Command::Clinic(ClinicCommand::Load { file, force }) => clinic::load(config, clock, &file, force).await,
        Command::Patient(PatientCommand::Load { clinic, file }) => patient::load(config, clock, &clinic, &file).await,
        Command::Appointment(command) => appointment::appointment(config, clock, command).await,
        Command::Letters => letters(&config, &clock).await,
        Command::Doctor { embed } => doctor(&config, embed.as_deref()).await,
        Command::Backup { file } => backup(&config, &file).await,
        Command::Restore { file, replace } => {
            restore(&file, &config.database, replace).await?;
            say(&format!("The database is now what {} holds.", file.display()))
        }
        Command::Clinic(ClinicCommand::Check { .. }) => Ok(()),
    }
}

async fn serve(mut config: Config, clock: Clock) -> anyhow::Result<()> {
    let shutdown = shutdown()?;
    // The port comes first: a second `serve` by mistake must not touch the database.
    let listener = listen(config.listen, "PERENNIAL_LISTEN").await?;
    let metrics = listen_for_metrics(&config).await?;
    config.bound_to(listener.local_addr()?);
    let example = listen_for_example(&config).await?;
    let mut portal = Portal::open(config, clock).await?;
    let example = match example {
        Some(listener) if portal.shows_example(listener.local_addr()?) => Some(listener),
        _ => None,
    };
    for line in portal.greeting() {
        say(&line)?;
    }
    portal.serve(listener, metrics, example, shutdown).await
}

/// An address that nobody chose may be taken: then there is no example.
async fn listen_for_example(config: &Config) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = config.demo_site.filter(|_| config.origin.is_local()) else { return Ok(None) };
    if config.shown().iter().any(|shown| shown.key == "demo_site" && shown.value == "auto") {
        return Ok(TcpListener::bind(address).await.ok());
    }
    listen(address, "PERENNIAL_DEMO_SITE").await.map(Some)
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

async fn doctor(config: &Config, embed: Option<&str>) -> anyhow::Result<()> {
    let report = match embed {
        Some(site) => doctor::examine_site(config, site).await,
        None => doctor::examine(config).await,
    };
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
