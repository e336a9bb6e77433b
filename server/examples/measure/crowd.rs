//! A clinic of any size with any number of visits: the demo, with other people in it.
//!
//! Everyone works from eight to nine in the evening, every day, in a room of their own, and gives
//! one treatment that takes half an hour. Visits are put where two of three such half hours are
//! taken, through the same guard and into the same tables as a patient's booking.

use std::sync::Arc;

use anyhow::Context as _;
use app::booking::model::VisitStatus;
use app::booking::rules::{occupied, tick};
use app::clinic::model::{Audience, Clinic, Closure, Hours, Shift, Texts, Treatment};
use app::ids::{AppointmentId, LocationSlug, PatientId, PractitionerSlug, RoomSlug};
use app::words::Language;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use server::booking::store::Place;
use server::booking::store::appointment::{self, AppointmentRow, Since};
use server::booking::store::guard::{self, Claim, Taken};
use server::booking::store::patient::{self, Person};
use server::clinic;
use server::clock::Clock;
use server::store::{Database, StoreError, Tx};

use crate::visitor::TREATMENT;

const OPENS: u32 = 8;
const CLOSES: u32 = 21;
/// A visit with its buffer.
const VISIT_MIN: i64 = 30;
/// Visits that are written in one commit.
const AT_ONCE: usize = 500;

/// The clinic.
#[derive(Clone)]
pub struct Crowd {
    pub clinic: Arc<Clinic>,
    zone: Tz,
}

/// A visit to be booked.
#[derive(Clone)]
struct Visit {
    id: AppointmentId,
    patient: PatientId,
    location: LocationSlug,
    practitioner: PractitionerSlug,
    room: RoomSlug,
    start: DateTime<Utc>,
}

impl Crowd {
    /// So many locations, each with so many practitioners and rooms.
    pub fn of(locations: usize, people: usize) -> anyhow::Result<Self> {
        let mut clinic = clinic::load::demo()?;
        let location = clinic.locations.first().context("the demo has no location")?.clone();
        let (zone, kind) = (location.zone.parse()?, "treatment-room".to_owned());
        clinic.locations = (0..locations)
            .map(|l| anyhow::Ok(app::clinic::model::Location { slug: format!("l{l}").parse()?, ..location.clone() }))
            .collect::<Result<_, _>>()?;
        let places: Vec<(usize, usize)> = (0..locations).flat_map(|l| (0..people).map(move |p| (l, p))).collect();
        let person = clinic.practitioners.first().context("the demo has no practitioner")?.clone();
        let room = clinic.rooms.first().context("the demo has no room")?.clone();
        (clinic.practitioners, clinic.rooms, clinic.shifts) = (Vec::new(), Vec::new(), Vec::new());
        for (l, p) in places {
            let (slug, at): (PractitionerSlug, LocationSlug) = (format!("p{l}-{p}").parse()?, format!("l{l}").parse()?);
            clinic.practitioners.push(app::clinic::model::Practitioner { slug: slug.clone(), ..person.clone() });
            let (room_slug, kind) = (format!("r{l}-{p}").parse()?, kind.clone());
            clinic.rooms.push(app::clinic::model::Room { slug: room_slug, location: at.clone(), kind, ..room.clone() });
            clinic.shifts.push(shift(slug, at));
        }
        let practitioners = clinic.practitioners.iter().map(|it| it.slug.clone()).collect();
        let treatment =
            clinic.treatments.iter().find(|it| it.slug.as_str() == TREATMENT).context("the demo has no physiotherapy")?;
        let treatment = Treatment {
            duration_min: 25,
            buffer_before_min: 0,
            buffer_after_min: 5,
            every_min: 30,
            practitioners,
            room_kind: Some(kind),
            audience: Audience::Anyone,
            notice_min: 60,
            horizon_days: 90,
            ..treatment.clone()
        };
        clinic.treatments = vec![treatment];
        clinic.horizon_days = 90;
        (clinic.exceptions, clinic.closures) = (Vec::new(), Vec::new());
        Ok(Self { clinic: Arc::new(clinic), zone })
    }

    pub fn treatment(&self) -> &Treatment {
        &self.clinic.treatments[0]
    }

    /// One location that takes bookings for this day only, which is tomorrow.
    pub fn of_one_day(people: usize, day: NaiveDate) -> anyhow::Result<Self> {
        let Self { clinic, zone } = Self::of(1, people)?;
        let mut clinic = Arc::unwrap_or_clone(clinic);
        let today = day - Days::new(1);
        clinic.closures = vec![Closure { location: None, first: today, last: today, hours: None, reason: Texts::default() }];
        clinic.treatments[0].horizon_days = 1;
        Ok(Self { clinic: Arc::new(clinic), zone })
    }

    /// Makes it the clinic of a new database.
    pub async fn move_in(&self, database: &Database, clock: &Clock) -> Result<(), StoreError> {
        let (clinic, now) = (Arc::clone(&self.clinic), clock.now());
        database.migrate(now).await?;
        database.write(async move |tx| clinic::store::put(tx, &clinic, now).await).await.map(drop)
    }

    /// Every time of a day at which a visit may start.
    pub fn starts(&self, day: NaiveDate) -> impl Iterator<Item = DateTime<Utc>> {
        let opens = day.and_time(NaiveTime::MIN) + TimeDelta::hours(i64::from(OPENS));
        let (zone, count) = (self.zone, i64::from(CLOSES - OPENS) * 60 / VISIT_MIN);
        (0..count).filter_map(move |n| {
            let wall = opens + TimeDelta::minutes(n * VISIT_MIN);
            wall.and_local_timezone(zone).earliest().map(|at| at.with_timezone(&Utc))
        })
    }

    /// Books so many visits from a day on.
    pub async fn book(&self, database: &Database, first: NaiveDate, count: usize, clock: &Clock) -> anyhow::Result<()> {
        let visits: Vec<Visit> = self.visits(first, clock).take(count).collect();
        self.write(database, &visits, clock).await
    }

    async fn write(&self, database: &Database, visits: &[Visit], clock: &Clock) -> anyhow::Result<()> {
        let now = clock.now();
        for chunk in visits.chunks(AT_ONCE) {
            let (clinic, chunk, treated) = (Arc::clone(&self.clinic), chunk.to_vec(), PatientId(clock.new_id()));
            let written = database.write(async move |tx| {
                patient::insert(tx, &clinic.slug, treated, &person(), false, now).await?;
                for visit in &chunk {
                    put(tx, &clinic, &Visit { patient: treated, ..visit.clone() }, now).await?;
                }
                Ok::<_, StoreError>(())
            });
            written.await?;
        }
        Ok(())
    }

    /// Books every time of a day; answers the visits, everyone's first, then everyone's second…
    pub async fn fill(&self, database: &Database, day: NaiveDate, clock: &Clock) -> anyhow::Result<Vec<AppointmentId>> {
        let mut visits: Vec<Visit> = self.times(day, clock).map(|(_, _, visit)| visit).collect();
        visits.sort_by_key(|visit| visit.start);
        self.write(database, &visits, clock).await?;
        Ok(visits.into_iter().map(|visit| visit.id).collect())
    }

    /// Two of three half hours of everyone, day after day without end.
    fn visits(&self, first: NaiveDate, clock: &Clock) -> impl Iterator<Item = Visit> {
        (0..).flat_map(move |day| {
            let free = usize::try_from(day % 3).unwrap_or(0);
            let taken = self.times(first + Days::new(day), clock).filter(move |(who, n, _)| (n + who) % 3 != free);
            taken.map(|(_, _, visit)| visit)
        })
    }

    /// Every half hour of everyone on a day: whose it is, the how maniest, and the visit it could be.
    fn times(&self, day: NaiveDate, clock: &Clock) -> impl Iterator<Item = (usize, usize, Visit)> {
        let people = self.clinic.shifts.iter().zip(&self.clinic.rooms).enumerate();
        people.flat_map(move |(who, (shift, room))| {
            self.starts(day).enumerate().map(move |(n, start)| {
                let visit = Visit {
                    id: AppointmentId(clock.new_id()),
                    patient: PatientId(clock.new_id()),
                    location: shift.location.clone(),
                    practitioner: shift.practitioner.clone(),
                    room: room.slug.clone(),
                    start,
                };
                (who, n, visit)
            })
        })
    }
}

fn shift(practitioner: PractitionerSlug, location: LocationSlug) -> Shift {
    use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
    let hours = Hours { from: hour(OPENS), until: hour(CLOSES) };
    Shift {
        practitioner,
        location,
        days: vec![Mon, Tue, Wed, Thu, Fri, Sat, Sun],
        hours,
        first: None,
        last: None,
        treatments: None,
    }
}

fn person() -> Person {
    Person {
        name: "Maya Example".to_owned(),
        folded_name: "maya example".to_owned(),
        birth_date: NaiveDate::default(),
        email: Some("maya@example.org".to_owned()),
        phone: None,
        language: Language::En,
    }
}

async fn put(tx: &mut Tx, clinic: &Clinic, visit: &Visit, now: DateTime<Utc>) -> Result<(), StoreError> {
    let treatment = &clinic.treatments[0];
    let place = Place {
        treatment: treatment.slug.clone(),
        practitioner: visit.practitioner.clone(),
        practitioner_chosen: false,
        location: visit.location.clone(),
        room: Some(visit.room.clone()),
        session: None,
        start: visit.start,
        end: visit.start + TimeDelta::minutes(i64::from(treatment.duration_min)),
        busy: occupied(treatment, tick(visit.start)),
    };
    let claim = Claim { clinic: &clinic.slug, place: &place, capacity: 1, holder: visit.id.0, expires_at: None, now };
    if guard::take(tx, &claim).await? == Taken::No {
        return Err(StoreError::Shape("two of these visits overlap".to_owned()));
    }
    let row = AppointmentRow {
        id: visit.id,
        number: visit.id.to_string(),
        patient: visit.patient,
        status: VisitStatus::Booked,
        place,
        price: treatment.price,
        reason: None,
        booker_name: None,
        email: Some("maya@example.org".to_owned()),
        phone: None,
        language: Language::En,
        answer_by: None,
        version: "0".to_owned(),
        sequence: 0,
        created_at: now,
        series: None,
        since: Since::default(),
    };
    appointment::insert(tx, &clinic.slug, &row).await
}
