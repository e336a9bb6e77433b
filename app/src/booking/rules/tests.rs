//! Search against an oracle that is slow and obvious, and against daylight saving in every zone.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Offset, TimeDelta, TimeZone, Timelike, Utc, Weekday};
use chrono_tz::{TZ_VARIANTS, Tz};
use proptest::prelude::*;

use super::*;
use crate::clinic::model::*;
use crate::fields::{Email, Phone};

const DAYS: [Weekday; 7] = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

fn minute(minute: u32) -> NaiveTime {
    NaiveTime::from_num_seconds_from_midnight_opt(minute % 1440 * 60, 0).unwrap()
}

fn hours(from: u32, until: u32) -> Hours {
    Hours { from: minute(from), until: minute(until) }
}

fn practitioner(index: usize) -> PractitionerSlug {
    format!("practitioner-{index}").parse().unwrap()
}

fn location() -> LocationSlug {
    "here".parse().unwrap()
}

fn treatment() -> Treatment {
    Treatment {
        slug: "visit".parse().unwrap(),
        category: "all".into(),
        name: Texts::default(),
        description: Texts::default(),
        duration_min: 30,
        buffer_before_min: 0,
        buffer_after_min: 0,
        every_min: 15,
        price: 0,
        practitioners: vec![practitioner(0), practitioner(1)],
        room_kind: None,
        capacity: 1,
        confirmation: Confirmation::Instant,
        audience: Audience::Anyone,
        notice_min: 0,
        horizon_days: 60,
        cancellation: Cancellation { free_until_min: 0, fee: 0 },
        before: Texts::default(),
        after: Texts::default(),
        questionnaires: vec![],
        recall_days: None,
        series_max: None,
    }
}

fn clinic(zone: Tz, treatment: Treatment, shifts: Vec<Shift>) -> Clinic {
    Clinic {
        slug: "clinic".parse().unwrap(),
        name: "Clinic".into(),
        about: Texts::default(),
        phone: Phone::parse("020 7946 0123").unwrap().unwrap(),
        phone_label: String::new(),
        phone_hours: Texts::default(),
        email: Email::parse("hello@example.org").unwrap().unwrap(),
        emergency: Texts::default(),
        emergency_phone: "999".into(),
        hue: 164,
        currency: "GBP".into(),
        languages: vec![],
        sites: vec![],
        horizon_days: 400,
        waitlist: WaitlistTerms::default(),
        locations: vec![Location {
            slug: location(),
            name: "Here".into(),
            address: String::new(),
            postal: None,
            zone: zone.name().into(),
            directions: Texts::default(),
        }],
        practitioners: vec![],
        rooms: vec![],
        categories: vec![],
        questionnaires: vec![],
        treatments: vec![treatment],
        shifts,
        exceptions: vec![],
        closures: vec![],
    }
}

fn daily(who: usize, hours: Hours) -> Shift {
    Shift {
        practitioner: practitioner(who),
        location: location(),
        days: DAYS.to_vec(),
        hours,
        first: None,
        last: None,
        treatments: None,
    }
}

fn find(clinic: &Clinic, zone: Tz, now: DateTime<Utc>, within: Span, busy: &Busy) -> Starts {
    let treatment = &clinic.treatments[0];
    search(
        &Search {
            clinic,
            treatment,
            location: &clinic.locations[0],
            zone: &zone,
            practitioners: &treatment.practitioners,
            now,
            within,
        },
        busy,
    )
}

/// What the rules say, asked of every tick one after the other and with no cleverness at all.
fn oracle(clinic: &Clinic, zone: Tz, now: DateTime<Utc>, within: Span, busy: &Busy) -> Starts {
    let treatment = &clinic.treatments[0];
    let wall = |tick: Tick| instant(tick).with_timezone(&zone).naive_local();
    let minute_of = |tick: Tick| wall(tick).hour() * 60 + wall(tick).minute();
    let rules = |who: &PractitionerSlug, date: NaiveDate| -> Vec<Hours> {
        let exceptions: Vec<&ShiftException> =
            clinic.exceptions.iter().filter(|exception| exception.practitioner == *who && exception.date == date).collect();
        if !exceptions.is_empty() {
            return exceptions.iter().flat_map(|exception| exception.hours.clone()).collect();
        }
        clinic
            .shifts
            .iter()
            .filter(|shift| shift.practitioner == *who && shift.days.contains(&date.weekday()))
            .filter(|shift| shift.first.is_none_or(|first| first <= date) && shift.last.is_none_or(|last| date <= last))
            .map(|shift| shift.hours)
            .collect()
    };
    let shows = |hours: &Hours, tick: Tick| (hours.minutes().0..hours.minutes().1).contains(&minute_of(tick));
    let closed = |tick: Tick| {
        clinic.closures.iter().any(|closure| {
            (closure.first..=closure.last).contains(&wall(tick).date()) && closure.hours.is_none_or(|hours| shows(&hours, tick))
        })
    };
    let works = |who: &PractitionerSlug, tick: Tick| {
        !closed(tick) && rules(who, wall(tick).date()).iter().any(|hours| shows(hours, tick))
    };
    let clear = |spans: Option<&Vec<Span>>, wanted: Span| {
        (wanted.from..wanted.until).all(|tick| !spans.into_iter().flatten().any(|span| span.contains(tick)))
    };

    let mut starts = Starts::new();
    for start in within.from..within.until {
        let at = instant(start);
        let in_time = at > now
            && at >= now + TimeDelta::minutes(i64::from(treatment.notice_min))
            && wall(start).date() <= local_date(&zone, now) + TimeDelta::days(i64::from(treatment.horizon_days));
        if !in_time {
            continue;
        }
        for who in &treatment.practitioners {
            let end = start + i64::from(treatment.duration_min / 5);
            let on_grid = rules(who, wall(start).date())
                .iter()
                .any(|hours| shows(hours, start) && (minute_of(start) - hours.minutes().0).is_multiple_of(treatment.every_min));
            let wanted = occupied(treatment, start);
            let room = treatment.room_kind.is_none()
                || clinic.rooms_for(treatment, &location()).any(|room| clear(busy.rooms.get(&room.slug), wanted));
            if on_grid && (start..end).all(|tick| works(who, tick)) && clear(busy.practitioners.get(who), wanted) && room {
                starts.entry(start).or_default().push((who.clone(), 1));
            }
        }
    }
    starts
}

/// Zones whose clocks change by an hour, by half an hour, at midnight, or around a date line.
const ZONES: [Tz; 10] = [
    Tz::Europe__London,
    Tz::America__New_York,
    Tz::Australia__Lord_Howe,
    Tz::America__St_Johns,
    Tz::Africa__Cairo,
    Tz::Asia__Kathmandu,
    Tz::Pacific__Apia,
    Tz::Africa__Casablanca,
    Tz::America__Santiago,
    Tz::Asia__Beirut,
];

fn any_hours() -> impl Strategy<Value = Hours> {
    (0_u32..280, 3_u32..150).prop_map(|(from, length)| hours(from * 5, ((from + length).min(288)) * 5))
}

fn any_spans(first: Tick) -> impl Strategy<Value = Vec<Span>> {
    prop::collection::vec((0_i64..1500, 1_i64..30), 0..25).prop_map(move |spans| {
        spans.into_iter().map(|(from, length)| Span { from: first + from, until: first + from + length }).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Random shifts, exceptions, closures, buffers, rooms and busy times, over days on which
    /// clocks change: the fast search and the slow oracle agree on every tick.
    #[test]
    fn search_finds_exactly_what_the_rules_allow(
        zone in prop::sample::select(ZONES.to_vec()),
        year in 2025_i32..2036,
        month in prop::sample::select(vec![3_u32, 4, 10, 11]),
        day in 1_u32..29,
        duration in 1_u32..16, before in 0_u32..4, after in 0_u32..4, every in 1_u32..13,
        notice in 0_u32..2000, horizon in 1_u32..8, rooms in 0_usize..3, needs_room in any::<bool>(),
        shifts in prop::collection::vec((0_usize..2, prop::sample::subsequence(DAYS.to_vec(), 1..7), any_hours()), 1..6),
        exceptions in prop::collection::vec((0_usize..2, 0_i64..5, prop::collection::vec(any_hours(), 0..2)), 0..3),
        closures in prop::collection::vec((0_i64..5, 0_i64..2, prop::option::of(any_hours())), 0..2),
        now_minute in 0_i64..1440,
        seed in 0_i64..1,
        taken in (any_spans(0), any_spans(0), any_spans(0), any_spans(0)),
    ) {
        let date = NaiveDate::from_ymd_opt(year, month, day).unwrap();
        let now = date.and_time(NaiveTime::MIN).and_utc() + TimeDelta::minutes(now_minute + seed);
        let first = tick(now);
        let shifted = |spans: &Vec<Span>| spans.iter().map(|span| Span { from: span.from + first, until: span.until + first }).collect::<Vec<_>>();
        let treatment = Treatment {
            duration_min: duration * 5, buffer_before_min: before * 5, buffer_after_min: after * 5, every_min: every * 5,
            notice_min: notice, horizon_days: horizon, room_kind: needs_room.then(|| "room".into()), ..treatment()
        };
        let mut clinic = clinic(zone, treatment, shifts.into_iter().map(|(who, days, hours)| Shift { days, ..daily(who, hours) }).collect());
        clinic.rooms = (0..rooms).map(|index| Room {
            slug: format!("room-{index}").parse().unwrap(), name: String::new(), location: location(), kind: "room".into(),
        }).collect();
        clinic.exceptions = exceptions.into_iter().map(|(who, days, hours)| ShiftException {
            practitioner: practitioner(who), location: None, date: date + TimeDelta::days(days), hours, treatments: None,
        }).collect();
        clinic.closures = closures.into_iter().map(|(from, length, hours)| Closure {
            location: None, first: date + TimeDelta::days(from), last: date + TimeDelta::days(from + length), hours, reason: Texts::default(),
        }).collect();
        let mut busy = Busy::default();
        busy.practitioners.insert(practitioner(0), shifted(&taken.0));
        busy.practitioners.insert(practitioner(1), shifted(&taken.1));
        busy.rooms.insert("room-0".parse().unwrap(), shifted(&taken.2));
        busy.rooms.insert("room-1".parse().unwrap(), shifted(&taken.3));
        let within = Span { from: first - 50, until: first + 5 * 288 };
        prop_assert_eq!(find(&clinic, zone, now, within, &busy), oracle(&clinic, zone, now, within, &busy));
    }
}

/// Every change of every zone's clock from 2025 to 2035, to the tick.
fn changes(zone: Tz) -> Vec<(Tick, i32, i32)> {
    let offset = |tick: Tick| zone.offset_from_utc_datetime(&instant(tick).naive_utc()).fix().local_minus_utc();
    let first = tick(Utc.with_ymd_and_hms(2025, 1, 1, 0, 0, 0).unwrap());
    let last = tick(Utc.with_ymd_and_hms(2036, 1, 1, 0, 0, 0).unwrap());
    let mut changes = Vec::new();
    let mut at = first;
    while at < last {
        let next = at + 288;
        if offset(at) != offset(next) {
            let (mut before, mut after) = (at, next);
            while after - before > 1 {
                let middle = i64::midpoint(before, after);
                if offset(middle) == offset(at) { before = middle } else { after = middle }
            }
            changes.push((after, offset(before), offset(after)));
        }
        at = next;
    }
    changes
}

#[test]
fn in_every_zone_a_shift_from_nine_stays_at_nine_and_skipped_times_are_never_offered() {
    let mut seen = 0;
    for zone in TZ_VARIANTS {
        let clinic =
            clinic(zone, Treatment { every_min: 30, ..treatment() }, vec![daily(0, hours(0, 0)), daily(1, hours(540, 1020))]);
        for (change, before, after) in changes(zone) {
            seen += 1;
            let now = instant(change - 288);
            let starts = find(&clinic, zone, now, Span { from: change - 200, until: change + 500 }, &Busy::default());
            // Nine o'clock is the first time of the day shift, on the days before and after alike.
            let mut nines = 0;
            let mut walls: Vec<_> = Vec::new();
            for (start, who) in &starts {
                let wall = instant(*start).with_timezone(&zone).naive_local();
                let of = |index| who.iter().any(|(who, _)| *who == practitioner(index));
                if of(1) {
                    assert!((540..=990).contains(&(wall.hour() * 60 + wall.minute())), "{zone} {wall}");
                    nines += u32::from((wall.hour(), wall.minute()) == (9, 0));
                }
                if of(0) {
                    walls.push(wall);
                }
            }
            assert!(nines >= 1, "{zone}: no nine o'clock around {}", instant(change));
            // A repeated wall time is offered once for each of its instants, a skipped one never.
            let day_of = |tick: Tick| instant(tick).with_timezone(&zone).date_naive();
            if day_of(change - 24) == day_of(change + 24) {
                let inside: Vec<_> = walls.iter().filter(|wall| wall.date() == day_of(change)).collect();
                let mut distinct = inside.clone();
                distinct.sort();
                distinct.dedup();
                if after > before {
                    assert_eq!(distinct.len(), inside.len(), "{zone}: a time was offered twice around {}", instant(change));
                }
            }
        }
    }
    assert!(seen > 2000, "only {seen} changes in all zones: the zone database is not the one expected");
}

#[test]
fn london_offers_both_half_past_ones_in_autumn_and_none_in_spring() {
    let zone = Tz::Europe__London;
    let clinic = clinic(zone, Treatment { duration_min: 15, every_min: 30, ..treatment() }, vec![daily(0, hours(0, 240))]);
    let times = |year, month, day| -> Vec<String> {
        let midnight = zone.with_ymd_and_hms(year, month, day, 0, 0, 0).unwrap().to_utc();
        let first = tick(midnight);
        find(&clinic, zone, midnight - TimeDelta::hours(1), Span { from: first, until: first + 60 }, &Busy::default())
            .keys()
            .map(|start| instant(*start).with_timezone(&zone).format("%H:%M %Z").to_string())
            .collect()
    };
    assert_eq!(times(2026, 3, 29), ["00:00 GMT", "00:30 GMT", "02:00 BST", "02:30 BST", "03:00 BST", "03:30 BST"]);
    assert_eq!(
        times(2026, 10, 25)[..8],
        ["00:00 BST", "00:30 BST", "01:00 BST", "01:30 BST", "01:00 GMT", "01:30 GMT", "02:00 GMT", "02:30 GMT"]
    );
}

#[test]
fn a_group_session_is_joined_until_its_seats_are_gone_and_blocks_everything_else() {
    let zone = Tz::Europe__London;
    let clinic = clinic(
        zone,
        Treatment { capacity: 3, practitioners: vec![practitioner(0)], ..treatment() },
        vec![daily(0, hours(540, 660))],
    );
    let now = Utc.with_ymd_and_hms(2026, 1, 5, 0, 0, 0).unwrap();
    let nine = tick(Utc.with_ymd_and_hms(2026, 1, 5, 9, 0, 0).unwrap());
    let session =
        Session { treatment: "visit".parse().unwrap(), practitioner: practitioner(0), location: location(), start: nine };
    let seats_at = |taken: u32| {
        let mut busy = Busy::default();
        busy.practitioners.insert(practitioner(0), vec![Span { from: nine, until: nine + 6 }]);
        busy.sessions.insert(session.clone(), taken);
        let starts = find(&clinic, zone, now, Span { from: nine, until: nine + 6 }, &busy);
        starts.into_iter().map(|(start, who)| (start - nine, who[0].1)).collect::<Vec<_>>()
    };
    assert_eq!(seats_at(1), [(0, 2)]);
    assert_eq!(seats_at(3), []);
}

#[test]
fn a_month_of_bits_moves_and_erodes_without_losing_its_ends() {
    let span = Span { from: 1000, until: 1000 + 130 };
    let mut bits = Bits::empty(span);
    bits.set(Span { from: 1060, until: 1070 });
    bits.set(Span { from: 1125, until: 2000 });
    assert_eq!(bits.runs(3).iter_within(span).collect::<Vec<_>>(), (1060..=1067).chain(1125..=1127).collect::<Vec<_>>());
    assert_eq!(bits.later(3).iter_within(span).collect::<Vec<_>>(), (1063..1073).chain(1128..1130).collect::<Vec<_>>());
    assert!(!Bits::full(span).later(64).has(1063) && Bits::full(span).later(64).has(1064));
    assert!(!bits.has(1130) && !bits.has(0));
}
