//! How it is done and kept: the only crate that touches the outside world.
//!
//! # Layout
//!
//! - [`config`]: every setting
//! - [`clock`]: time and ids as arguments
//! - [`telemetry`]: log and figures; [`doctor`]: what is wrong
//! - [`web`]: from a connection to a service call and back
//! - [`store`]: the database: many changes, one commit
//! - [`jobs`]: work that runs later, as a row of the change that causes it
//! - [`letters`]: what the system sends, and where it goes
//! - [`embed`]: booking inside a clinic's own website
//! - [`audit`]: who did what, as a chain of hashes
//! - [`link`]: the signed part of private links
//! - [`labels`]: what the server writes for people: times, days, money, names
//! - [`client`]: asks other servers
//! - [`private`]: files that nobody else on the machine may read
//! - [`failure`]: how a service fails, and what the caller hears of it
//! - [`fhir`]: what programs of others read
//! - one folder per feature, implementing the trait of the same word in `app`: [`clinic`], [`booking`], [`waitlist`]
//! - [`patient`]: whom the clinic knew before
//!
//! [`Portal::open`] is the one place that wires them.

pub mod audit;
pub mod booking;
pub mod client;
pub mod clinic;
pub mod clock;
pub mod config;
pub mod doctor;
pub mod embed;
pub mod failure;
pub mod fhir;
pub mod jobs;
pub mod labels;
pub mod letters;
pub mod link;
pub mod patient;
pub mod private;
pub mod store;
pub mod telemetry;
pub mod waitlist;
pub mod web;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use app::clinic::api::ClinicService;
use app::clinic::model::Clinic;
use app::error::PortalError;
use app::ids::ClinicSlug;
use app::routes;
use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::booking::Booking;
use crate::booking::answer::{self, Answer, Answered, Waiting};
use crate::booking::unsettled::{Change, Unsettled};
use crate::clinic::Clinics;
use crate::clinic::load::{Loaded, Refused};
use crate::clinic::service::Fronts;
use crate::clock::Clock;
use crate::config::{Choice, Config};
use crate::embed::example::Example;
use crate::fhir::scheduling::Publisher;
use crate::jobs::{Registry, Worker, queue, schedule};
use crate::letters::channel::Channels;
use crate::letters::job::VisitLetters;
use crate::letters::late::LateLetters;
use crate::letters::links::LinkLetters;
use crate::letters::mailbox::Mailbox;
use crate::letters::series::SeriesLetters;
use crate::letters::sms::Sms;
use crate::letters::tell::{CHANGE_LETTER_JOB, LETTER_JOB, SERIES_LETTER_JOB};
use crate::letters::waitlist::WaitlistLetters;
use crate::link::Links;
use crate::store::{Database, StoreError};
use crate::waitlist::Waitlist;
use crate::waitlist::jobs::{FREED_JOB, JOINED_JOB, LAPSE_JOB, OFFER_LETTER_JOB, WAITING_LETTER_JOB, WaitlistJobs, chore};
use crate::web::calendar::Calendars;
use crate::web::report::Reports;
use crate::web::router::{Web, router};
use crate::web::security::Gate;
use crate::web::{listen, site};

/// How often a process looks whether another one has loaded a clinic.
const CLINICS_REFRESHED_EVERY: Duration = Duration::from_secs(5);
/// How often what has ended is cleared up.
const SWEPT_EVERY: Duration = Duration::from_mins(1);
const FORGOTTEN_EVERY: Duration = Duration::from_hours(6);
/// How long a done job is kept: a job with the same key is not added again meanwhile.
const JOBS_KEPT: chrono::TimeDelta = chrono::TimeDelta::days(60);

/// The whole server, wired and ready.
pub struct Portal {
    pub config: Config,
    pub clock: Clock,
    pub database: Database,
    pub links: Arc<Links>,
    pub clinics: Arc<Clinics>,
    pub clinic: Arc<dyn ClinicService>,
    pub booking: Arc<Booking>,
    pub waitlist: Arc<Waitlist>,
    example: Option<Example>,
    worker: Worker,
    gate: Arc<Gate>,
}

impl Portal {
    /// Opens the database, brings it up to date, loads the demo clinic if that is wanted.
    ///
    /// # Errors
    /// One sentence for whoever starts the server.
    pub async fn open(config: Config, clock: Clock) -> anyhow::Result<Self> {
        let database = Database::open(&config.database).await?;
        database.migrate(clock.now()).await.map_err(|error| match error {
            StoreError::Refused(_) => error,
            other => StoreError::Refused(format!("The database {} can't be brought up to date: {other}.", config.database)),
        })?;
        let links = Arc::new(Links::load(&database).await?);
        let clinics = Arc::new(Clinics::open(database.clone()).await?);
        let booking = Arc::new(Booking::new(database.clone(), clock.clone(), Arc::clone(&links), Arc::clone(&clinics)));
        let waitlist = Arc::new(Waitlist::new(
            Arc::clone(&booking),
            database.clone(),
            clock.clone(),
            Arc::clone(&links),
            Arc::clone(&clinics),
        ));
        let jobs = jobs(&config, &clock, &database, (&links, &clinics), (&booking, &waitlist))?;
        let worker = Worker::new(database.clone(), clock.clone(), jobs);
        let portal = Self {
            gate: Arc::new(Gate::new(&config)),
            clinic: Arc::new(Fronts::new(Arc::clone(&clinics), config.shows_mailbox())),
            booking,
            waitlist,
            config,
            clock,
            database,
            links,
            clinics,
            example: None,
            worker,
        };
        portal.load_demo().await?;
        booking::zone::keep(&portal.database, &portal.clock, &portal.clinics).await?;
        Ok(portal)
    }

    async fn load_demo(&self) -> anyhow::Result<()> {
        let wanted = match self.config.demo {
            // Nobody who serves patients wants an invented clinic beside their own.
            Choice::Auto => self.clinics.all().is_empty() && self.config.origin.is_local(),
            Choice::On => true,
            Choice::Off => false,
        };
        if wanted {
            let demo = clinic::load::demo()?;
            let (clinic, today) = (demo.slug.clone(), self.clock.now().date_naive());
            let patients = patient::file::read(patient::DEMO, &demo, today);
            // By force: visits of the demo may outlive its file.
            self.load(demo, true).await?;
            self.load_patients(&clinic, patients.unwrap_or_default()).await?;
        }
        Ok(())
    }

    /// Makes a clinic what its file says; see [`clinic::load`].
    ///
    /// # Errors
    /// If booked visits would no longer fit and it is not by force, or if it can't be written.
    pub async fn load(&self, clinic: Clinic, force: bool) -> Result<Loaded, Refused> {
        let loaded = clinic::load::load(&self.database, &self.clock, clinic, force).await?;
        self.clinics.refresh().await?;
        // A location in a zone that is new here: by which rules its visits are booked is noted now.
        booking::zone::keep(&self.database, &self.clock, &self.clinics).await?;
        Ok(loaded)
    }

    /// Takes over a clinic's list of patients; see [`patient::load`].
    ///
    /// # Errors
    /// If it can't be written.
    pub async fn load_patients(&self, clinic: &ClinicSlug, list: Vec<patient::Known>) -> Result<patient::Loaded, StoreError> {
        patient::load(&self.database, &self.clock, clinic, list).await
    }

    /// The requests that wait for the clinic's answer; see [`Booking::waiting`].
    ///
    /// # Errors
    /// `NotFound` if there is no such clinic.
    pub async fn requests(&self, clinic: &ClinicSlug) -> Result<Vec<Waiting>, PortalError> {
        self.booking.waiting(&answer::staff(), clinic).await
    }

    /// Answers a request by its booking number; see [`Booking::answer`].
    ///
    /// # Errors
    /// `NotFound` if there is no visit with this number.
    pub async fn answer(&self, clinic: &ClinicSlug, number: &str, answer: Answer) -> Result<Answered, PortalError> {
        self.booking.answer(&answer::staff(), clinic, number, answer).await
    }

    /// Moves or cancels a visit on the clinic's behalf; see [`Booking::change_for_clinic`].
    ///
    /// # Errors
    /// As there.
    pub async fn change_visit(&self, clinic: &ClinicSlug, number: &str, change: Change) -> Result<(), PortalError> {
        self.booking.change_for_clinic(&answer::staff(), clinic, number, change).await
    }

    /// What the clinic changed and patients have not answered; see [`Booking::unsettled`].
    ///
    /// # Errors
    /// `NotFound` if there is no such clinic.
    pub async fn unsettled(&self, clinic: &ClinicSlug) -> Result<Vec<Unsettled>, PortalError> {
        self.booking.unsettled(&answer::staff(), clinic).await
    }

    /// Staff reached the patient of a visit another way; see [`Booking::settle_for_clinic`].
    ///
    /// # Errors
    /// As there.
    pub async fn settle(&self, clinic: &ClinicSlug, number: &str) -> Result<bool, PortalError> {
        self.booking.settle_for_clinic(&answer::staff(), clinic, number).await
    }

    /// The clinic with this name in addresses.
    pub fn clinic(&self, slug: &ClinicSlug) -> Option<Arc<Clinic>> {
        self.clinics.get(slug).map(|current| current.clinic)
    }

    /// Everything that is answered, without a listener: what tests call.
    pub fn router(&self) -> Router {
        let database = self.database.clone();
        let web = Web {
            clock: self.clock.clone(),
            clinics: Arc::clone(&self.clinics),
            clinic: Arc::clone(&self.clinic),
            booking: self.booking.clone(),
            example: self.example.clone(),
            waitlist: self.waitlist.clone(),
            series: self.booking.clone(),
            publisher: Arc::new(Publisher::new(
                self.database.clone(),
                self.clock.clone(),
                Arc::clone(&self.clinics),
                self.config.origin.to_string(),
            )),
            calendars: Arc::new(Calendars {
                database: self.database.clone(),
                clock: self.clock.clone(),
                clinics: Arc::clone(&self.clinics),
                links: Arc::clone(&self.links),
                origin: self.config.origin.to_string(),
            }),
            reports: self.config.sms.as_ref().map(|sms| {
                let sms = Sms::new(sms, &self.config.origin);
                Arc::new(Reports { database: self.database.clone(), clock: self.clock.clone(), sms })
            }),
            mailbox: self.config.shows_mailbox().then(|| Mailbox::new(&self.config.mailbox)),
            ready: Arc::new(move || {
                let database = database.clone();
                Box::pin(async move { database.read().await.is_ok() })
            }),
        };
        router(&self.config, web, &self.gate)
    }

    /// Takes the example website in, if this is where the demo is tried out; whether it is. To be
    /// asked before anything is served.
    pub fn shows_example(&mut self, address: SocketAddr) -> bool {
        let demo = clinic::load::demo().ok().filter(|demo| self.config.origin.is_local() && self.clinic(&demo.slug).is_some());
        self.example = demo.map(|demo| Example::at(demo.slug, address));
        self.example.is_some()
    }

    /// What a person who started it reads: where to go.
    pub fn greeting(&self) -> Vec<String> {
        let origin = &self.config.origin;
        let mut lines: Vec<String> = self
            .clinics
            .all()
            .iter()
            .map(|current| format!("{} is open at {origin}{}", current.clinic.name, routes::home(&current.clinic.slug)))
            .collect();
        lines.extend(self.example.iter().map(|example| format!("A website with its booking in it is at {}", example.origin)));
        if lines.is_empty() {
            lines.push(format!("Open at {origin}, without a clinic yet: `perennial clinic load FILE` brings one."));
        }
        if site::files().is_none() {
            lines.push(
                "This program was built without its site, so pages look bare: `cargo portal build`, then build it again."
                    .to_owned(),
            );
        }
        lines
    }

    /// Serves until `shutdown`, then ends in order: requests, jobs, database.
    ///
    /// # Errors
    /// If figures are to be served and cannot be counted.
    pub async fn serve(
        self,
        listener: TcpListener,
        metrics: Option<TcpListener>,
        example: Option<TcpListener>,
        shutdown: impl Future<Output = ()> + Send,
    ) -> anyhow::Result<()> {
        let (stop, stopped) = watch::channel(false);
        let mut beside = JoinSet::new();
        if let Some(listener) = example {
            let router = embed::example::router(self.config.origin.as_str());
            let (limits, stopped) = (self.config.limits.clone(), stopped.clone());
            beside.spawn(
                async move { listen::serve(listener, router, &limits, true, until(stopped, std::future::pending())).await },
            );
        }
        if let Some(metrics) = metrics {
            self.serve_figures(&mut beside, metrics, stopped.clone())?;
        }
        beside.spawn(until(stopped.clone(), Arc::clone(&self.gate).tidy()));
        beside.spawn(until(stopped.clone(), refresh(Arc::clone(&self.clinics))));
        let requests = async {
            listen::serve(listener, self.router(), &self.config.limits, self.config.trusted_proxies == 0, shutdown).await;
            // Jobs go on while requests end: those may wait for what jobs do.
            tracing::info!("the last request has ended");
            let _ = stop.send(true);
        };
        if self.config.worker {
            tokio::join!(requests, self.worker.run(until(stopped, std::future::pending())));
        } else {
            requests.await;
        }
        tracing::info!("the last job has ended");
        beside.shutdown().await;
        self.close().await;
        tracing::info!("the database is closed");
        Ok(())
    }

    /// On a listener of their own: they are nobody's business who comes for the pages.
    fn serve_figures(
        &self,
        beside: &mut JoinSet<()>,
        listener: TcpListener,
        stopped: watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        let figures = telemetry::count()?;
        beside.spawn(until(stopped.clone(), figures.clone().tidy()));
        let router = Router::new().route("/metrics", get(async move || figures.text()));
        let limits = self.config.limits.clone();
        beside.spawn(async move { listen::serve(listener, router, &limits, true, until(stopped, std::future::pending())).await });
        Ok(())
    }

    /// Only does the jobs, until `shutdown`.
    ///
    /// # Errors
    /// If figures are to be served and cannot be counted.
    pub async fn work(self, metrics: Option<TcpListener>, shutdown: impl Future<Output = ()> + Send) -> anyhow::Result<()> {
        let (stop, stopped) = watch::channel(false);
        let mut beside = JoinSet::new();
        if let Some(metrics) = metrics {
            self.serve_figures(&mut beside, metrics, stopped)?;
        }
        self.worker.run(shutdown).await;
        let _ = stop.send(true);
        beside.shutdown().await;
        self.close().await;
        Ok(())
    }

    /// Does what is due now, and what becomes due by that; answers how many runs there were.
    pub async fn work_due(&self) -> Result<usize, StoreError> {
        self.worker.run_due().await
    }

    /// Finishes what waits to be written, then closes the database.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

/// Who does which job, and what is done again and again.
fn jobs(
    config: &Config,
    clock: &Clock,
    database: &Database,
    (links, clinics): (&Arc<Links>, &Arc<Clinics>),
    (booking, waitlist): (&Arc<Booking>, &Arc<Waitlist>),
) -> anyhow::Result<Registry> {
    let letters = VisitLetters {
        database: database.clone(),
        clock: clock.clone(),
        clinics: Arc::clone(clinics),
        links: Arc::clone(links),
        origin: config.origin.to_string(),
        channels: Channels::open(config)?,
        undo: config.letters_undo,
    };
    let letters = Arc::new(letters);
    let booking = Arc::clone(booking);
    let sweep = schedule::every(SWEPT_EVERY, "booking.sweep", move || {
        let booking = Arc::clone(&booking);
        async move { Ok(booking.sweep().await?) }
    });
    let (database, clock) = (database.clone(), clock.clone());
    let forget = schedule::every(FORGOTTEN_EVERY, "jobs.forget", move || {
        let (database, before) = (database.clone(), clock.now() - JOBS_KEPT);
        async move { Ok(queue::forget_done(&database, before).await.map(drop)?) }
    });
    let registry = Registry::default().job(LETTER_JOB, letters.clone()).job(CHANGE_LETTER_JOB, letters.clone());
    let registry = registry.job(SERIES_LETTER_JOB, Arc::new(SeriesLetters(letters.clone())));
    let late = Arc::new(LateLetters(letters.clone()));
    let registry = registry.job(booking::LATE_LETTER_JOB, late.clone()).job(answer::UNANSWERED_LETTER_JOB, late);
    let registry = registry.job(booking::LINKS_LETTER_JOB, Arc::new(LinkLetters(letters.clone())));
    let waiting = Arc::new(WaitlistLetters(letters));
    let registry = registry.job(OFFER_LETTER_JOB, waiting.clone()).job(WAITING_LETTER_JOB, waiting);
    let offers = Arc::new(WaitlistJobs(waitlist.clone()));
    let registry = registry.job(FREED_JOB, offers.clone()).job(JOINED_JOB, offers.clone()).job(LAPSE_JOB, offers);
    Ok(registry.chore(sweep).chore(forget).chore(chore(waitlist.clone())))
}

/// Sees clinics that another process has loaded.
async fn refresh(clinics: Arc<Clinics>) {
    let mut every = tokio::time::interval(CLINICS_REFRESHED_EVERY);
    loop {
        every.tick().await;
        if let Err(error) = clinics.refresh().await {
            tracing::warn!(%error, "clinics cannot be read");
        }
    }
}

/// Does something for ever, until it is told to stop.
async fn until(mut stopped: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        _ = async { stopped.wait_for(|stopped| *stopped).await.is_ok() } => {}
    }
}
