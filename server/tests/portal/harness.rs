//! A portal of its own for every test: fresh database, frozen clock, and visitors who book.
//!
//! [`on_both!`] makes two tests of each sentence, one for each database. Without a PostgreSQL to
//! test with, its half fails and says so: nothing is skipped.

use std::path::PathBuf;
use std::sync::Arc;

use app::booking::api::BookingService;
use app::booking::model::{
    CancelDraft, ContactDraft, Draft, Held, HoldRequest, MoveRequest, MoveState, MoveWish, Moving, Times, TimesFor, TimesQuery,
    Visit,
};
use app::clinic::model::Clinic;
use app::error::PortalError;
use app::ids::{ClinicSlug, LinkToken};
use app::request::{Caller, VisitorKey, Who};
use app::words::Language;
use chrono::{DateTime, Utc};
use server::booking::Booking;
use server::clinic::{self, Clinics};
use server::clock::Clock;
use server::link::Links;
use server::store::{Address, Database, Tx};
use server::waitlist::Waitlist;
use sqlx::{Connection as _, PgConnection};

/// Two tests, `sqlite` and `postgres`, in a module with the sentence's name.
#[macro_export]
macro_rules! on_both {
    ($(async fn $name:ident($portal:ident: TestPortal) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports, clippy::allow_attributes, reason = "not every test names something of its file")]
            use super::*;

            async fn check($portal: $crate::harness::TestPortal) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                check($crate::harness::TestPortal::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                check($crate::harness::TestPortal::postgres().await).await;
            }
        }
    )*};
}

/// The services over one database.
pub struct TestPortal {
    pub database: Database,
    pub clock: Clock,
    pub booking: Arc<Booking>,
    pub waitlist: Arc<Waitlist>,
    pub links: Arc<Links>,
    /// Goes away with the test.
    _folder: Option<Folder>,
}

/// A Wednesday at noon in London, three weeks before the clocks change.
pub fn noon() -> DateTime<Utc> {
    at("2026-03-11T12:00:00Z")
}

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn rowan() -> ClinicSlug {
    "rowan".parse().unwrap()
}

impl TestPortal {
    pub async fn sqlite() -> Self {
        let folder = Folder::new();
        let address = Address::Sqlite(folder.0.join("perennial.db"));
        Self { _folder: Some(folder), ..Self::open(&address, Clock::frozen(noon()), Some(super::clinic::small())).await }
    }

    pub async fn postgres() -> Self {
        Self::open(&empty_postgres().await, Clock::frozen(noon()), Some(super::clinic::small())).await
    }

    /// Opens a database, migrates it, and loads a clinic if one is given.
    pub async fn open(address: &Address, clock: Clock, clinic: Option<Clinic>) -> Self {
        let database = Database::open(address).await.unwrap();
        database.migrate(clock.now()).await.unwrap();
        if let Some(clinic) = clinic {
            load(&database, &clock, clinic).await;
        }
        let links = Arc::new(Links::load(&database).await.unwrap());
        let clinics = Arc::new(Clinics::open(database.clone()).await.unwrap());
        let booking = Arc::new(Booking::new(database.clone(), clock.clone(), links.clone(), clinics.clone()));
        let waitlist = Arc::new(Waitlist::new(booking.clone(), database.clone(), clock.clone(), links.clone(), clinics));
        Self { database, clock, booking, waitlist, links, _folder: None }
    }

    /// The same portal as a second process would open it.
    pub async fn again(&self) -> Self {
        Self::open(self.database.address(), self.clock.clone(), None).await
    }

    /// Loads another text of the clinic, as `perennial clinic load` does in a process of its own.
    pub async fn reload(&self, change: impl FnOnce(&mut Clinic)) {
        let mut clinic = super::clinic::small();
        change(&mut clinic);
        load(&self.database, &self.clock, clinic).await;
    }

    /// Someone with a browser of their own.
    pub fn visitor(&self, number: u8) -> Visitor {
        let who = Who::Visitor(Some(VisitorKey([number; 32])));
        Visitor { booking: self.booking.clone(), caller: Caller { who, language: Language::En, zone: None }, number }
    }

    /// A visitor whose browser keeps no cookies.
    pub fn stranger(&self) -> Visitor {
        let caller = Caller { who: Who::Visitor(None), language: Language::En, zone: None };
        Visitor { booking: self.booking.clone(), caller, number: 250 }
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        let mut tx: Tx = self.database.read().await.unwrap();
        tx.query(sql).fetch_one().await.unwrap().get("n").unwrap()
    }

    /// Takes over a list of patients, as `perennial patient load` does.
    pub async fn load_patients(&self, text: &str) -> server::patient::Loaded {
        let clinic = super::clinic::small();
        let list = server::patient::file::read(text, &clinic, self.clock.now().date_naive()).unwrap();
        server::patient::load(&self.database, &self.clock, &clinic.slug, list).await.unwrap()
    }

    pub async fn appointments(&self) -> i64 {
        self.count("SELECT COUNT(*) AS n FROM appointment WHERE status <> 'cancelled'").await
    }

    /// Pairs of visits that share a practitioner or a room at the same time without being seats of
    /// one session: what must never be. Found from the visits' own spans, not from the guard.
    pub async fn overlaps(&self) -> i64 {
        self.count(
            "SELECT COUNT(*) AS n FROM appointment a JOIN appointment b
             ON a.clinic = b.clinic AND a.id < b.id AND (a.practitioner = b.practitioner OR a.room = b.room)
             AND a.busy_from < b.busy_until AND b.busy_from < a.busy_until
             AND a.status <> 'cancelled' AND b.status <> 'cancelled'
             AND (a.session IS NULL OR b.session IS NULL OR a.session <> b.session)",
        )
        .await
    }
}

async fn load(database: &Database, clock: &Clock, clinic: Clinic) {
    let now = clock.now();
    database.write(async move |tx| clinic::store::put(tx, &clinic, now).await).await.unwrap();
}

/// A schema of its own in the server that `PERENNIAL_TEST_POSTGRES` names.
pub async fn empty_postgres() -> Address {
    let url = std::env::var("PERENNIAL_TEST_POSTGRES")
        .expect("no PostgreSQL to test with: run `cargo portal test`, which starts one, or set PERENNIAL_TEST_POSTGRES");
    let schema = format!("test_{}", Clock::system().new_id().simple());
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let joint = if url.contains('?') { '&' } else { '?' };
    Address::Postgres(format!("{url}{joint}options[search_path]={schema}"))
}

/// A folder that goes away with the value.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("perennial-{}", Clock::system().new_id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Someone who books.
#[derive(Clone)]
pub struct Visitor {
    booking: Arc<Booking>,
    pub caller: Caller,
    number: u8,
}

impl Visitor {
    pub fn request(treatment: &str, practitioner: Option<&str>, start: &str) -> HoldRequest {
        HoldRequest {
            clinic: rowan(),
            treatment: treatment.parse().unwrap(),
            location: "london".parse().unwrap(),
            practitioner: practitioner.map(|slug| slug.parse().unwrap()),
            start: at(start),
            replaces: None,
        }
    }

    pub async fn hold(&self, treatment: &str, practitioner: Option<&str>, start: &str) -> Result<LinkToken, PortalError> {
        self.booking.hold(&self.caller, Self::request(treatment, practitioner, start)).await
    }

    pub async fn hold_instead(&self, old: &LinkToken, treatment: &str, start: &str) -> Result<LinkToken, PortalError> {
        let request = HoldRequest { replaces: Some(old.clone()), ..Self::request(treatment, None, start) };
        self.booking.hold(&self.caller, request).await
    }

    pub async fn held(&self, hold: &LinkToken) -> Held {
        self.booking.held(&self.caller, &rowan(), hold).await.unwrap()
    }

    /// Details of a person of one's own, complete.
    pub fn draft(&self) -> Draft {
        Draft {
            who_for: "self".into(),
            name: format!("Visitor Number{}", char::from(b'A' + self.number % 26)),
            birth_day: "27".into(),
            birth_month: "3".into(),
            birth_year: "1984".into(),
            email: format!("visitor{}@example.org", self.number),
            ..Draft::default()
        }
    }

    pub async fn describe(&self, hold: &LinkToken, draft: Draft) -> Result<Held, PortalError> {
        self.booking.describe(&self.caller, &rowan(), hold, draft).await
    }

    pub async fn keep(&self, hold: &LinkToken, draft: Draft) -> Result<Held, PortalError> {
        self.booking.keep(&self.caller, &rowan(), hold, draft).await
    }

    /// Presses the button of the check page as it is now.
    pub async fn confirm(&self, hold: &LinkToken) -> Result<LinkToken, PortalError> {
        let version = self.held(hold).await.version;
        self.confirm_version(hold, &version).await
    }

    pub async fn confirm_version(&self, hold: &LinkToken, version: &str) -> Result<LinkToken, PortalError> {
        self.booking.confirm(&self.caller, &rowan(), hold, version).await
    }

    pub async fn release(&self, hold: &LinkToken) -> Result<(), PortalError> {
        self.booking.release(&self.caller, &rowan(), hold).await
    }

    /// The whole way, for tests about something else.
    pub async fn book(&self, treatment: &str, practitioner: Option<&str>, start: &str) -> Result<LinkToken, PortalError> {
        let hold = self.hold(treatment, practitioner, start).await?;
        self.describe(&hold, self.draft()).await?;
        self.confirm(&hold).await
    }

    pub async fn visit(&self, visit: &LinkToken) -> Visit {
        self.booking.visit(&self.caller, &rowan(), visit).await.unwrap()
    }

    /// Presses the button of the cancel page as it is now.
    pub async fn cancel(&self, visit: &LinkToken) -> Result<(), PortalError> {
        let version = self.visit(visit).await.version;
        self.cancel_version(visit, &version, CancelDraft::default()).await
    }

    pub async fn cancel_version(&self, visit: &LinkToken, version: &str, draft: CancelDraft) -> Result<(), PortalError> {
        self.booking.cancel(&self.caller, &rowan(), visit, version, draft).await
    }

    pub async fn late(&self, visit: &LinkToken, minutes: u32) -> Result<(), PortalError> {
        self.booking.late(&self.caller, &rowan(), visit, minutes).await
    }

    pub async fn contact(&self, visit: &LinkToken, draft: ContactDraft) -> Result<(), PortalError> {
        self.booking.contact(&self.caller, &rowan(), visit, draft).await
    }

    /// Where a visit could move: to London.
    pub fn wish(practitioner: Option<&str>, start: &str) -> MoveWish {
        let practitioner = practitioner.map(|slug| slug.parse().unwrap());
        MoveWish { location: "london".parse().unwrap(), practitioner, start: at(start) }
    }

    pub async fn moving(&self, visit: &LinkToken, wish: MoveWish) -> Result<Moving, PortalError> {
        self.booking.moving(&self.caller, &rowan(), visit, wish).await
    }

    /// What the button of this page sends.
    pub fn request_of(moving: &Moving) -> MoveRequest {
        MoveRequest {
            location: moving.to.location.slug.clone(),
            practitioner: moving.to.practitioner.slug.clone(),
            anyone: !moving.to.practitioner_chosen,
            start: moving.to.start.instant,
            version: moving.version.clone(),
        }
    }

    pub async fn relocate(&self, visit: &LinkToken, request: MoveRequest) -> Result<(), PortalError> {
        self.booking.relocate(&self.caller, &rowan(), visit, request).await
    }

    /// Chooses a time and presses the button, whatever the page says.
    pub async fn move_to(&self, visit: &LinkToken, practitioner: Option<&str>, start: &str) -> Result<MoveState, PortalError> {
        let moving = self.moving(visit, Self::wish(practitioner, start)).await?;
        self.relocate(visit, Self::request_of(&moving)).await?;
        Ok(moving.state)
    }

    pub async fn times(&self, treatment: &str, change: impl FnOnce(&mut TimesQuery)) -> Result<Times, PortalError> {
        let mut query = TimesQuery {
            clinic: rowan(),
            what: TimesFor::Treatment(treatment.parse().unwrap()),
            practitioner: None,
            location: Some("london".parse().unwrap()),
            from: None,
            month: None,
            zone: None,
        };
        change(&mut query);
        self.booking.times(&self.caller, query).await
    }

    /// Other times for a visit.
    pub async fn times_for(&self, visit: &LinkToken) -> Times {
        self.times("physio", |query| query.what = TimesFor::Visit(visit.clone())).await.unwrap()
    }

    /// The starts of one day's list, as instants.
    pub async fn starts(&self, treatment: &str, practitioner: &str, day: &str) -> Vec<DateTime<Utc>> {
        self.starts_of(TimesFor::Treatment(treatment.parse().unwrap()), practitioner, day).await
    }

    /// The same, for a visit that would move.
    pub async fn starts_for(&self, visit: &LinkToken, practitioner: &str, day: &str) -> Vec<DateTime<Utc>> {
        self.starts_of(TimesFor::Visit(visit.clone()), practitioner, day).await
    }

    async fn starts_of(&self, what: TimesFor, practitioner: &str, day: &str) -> Vec<DateTime<Utc>> {
        let day = day.parse().unwrap();
        let times = self
            .times("physio", |query| {
                query.what = what;
                query.from = Some(day);
                query.practitioner = Some(practitioner.parse().unwrap());
            })
            .await
            .unwrap();
        let days = times.days.into_iter().filter(|found| found.day.date == day);
        days.flat_map(|found| found.morning.into_iter().chain(found.afternoon)).map(|slot| slot.start.instant).collect()
    }
}

/// Where chance begins; printed, so that a failure can be played again.
pub fn seed() -> u64 {
    let seed = std::env::var("PERENNIAL_TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    println!("PERENNIAL_TEST_SEED={seed}");
    seed
}
