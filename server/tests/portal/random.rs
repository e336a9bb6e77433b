//! Long random series: no overlap ever (F2), and both databases answer alike.
//!
//! The seed is printed; `PERENNIAL_TEST_SEED` runs one again.

use app::booking::model::HoldState;
use app::error::PortalError;
use app::ids::LinkToken;
use chrono::TimeDelta;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::harness::{TestPortal, noon, seed};

/// One thing somebody does.
#[derive(Clone, Debug)]
enum Step {
    Hold { visitor: u8, treatment: &'static str, practitioner: Option<&'static str>, start: String },
    Confirm { hold: usize },
    Release { hold: usize },
    Retake { hold: usize, treatment: &'static str, start: String },
    Wait { minutes: i64 },
}

fn step(random: &mut StdRng) -> Step {
    let treatment = ["physio", "short", "class", "request"][random.random_range(0..4)];
    // Ten days, every five minutes of the working day: most wishes overlap something.
    let start = noon() + TimeDelta::days(random.random_range(0..3)) + TimeDelta::minutes(5 * random.random_range(-40..70));
    let start = start.to_rfc3339();
    match random.random_range(0..20) {
        0..=9 => {
            let practitioner = [None, Some("tom"), Some("priya")][random.random_range(0..3)];
            Step::Hold { visitor: random.random_range(0..12), treatment, practitioner, start }
        }
        10..=14 => Step::Confirm { hold: random.random_range(0..200) },
        15..=16 => Step::Release { hold: random.random_range(0..200) },
        17..=18 => Step::Retake { hold: random.random_range(0..200), treatment, start },
        _ => Step::Wait { minutes: random.random_range(1..15) },
    }
}

/// What a step answered, without ids, so that two databases can be compared.
async fn run(portal: &TestPortal, holds: &mut Vec<(u8, LinkToken)>, step: &Step) -> String {
    let told = |error: PortalError| format!("{error:?}");
    let pick = |holds: &Vec<(u8, LinkToken)>, index: usize| (!holds.is_empty()).then(|| holds[index % holds.len()].clone());
    match step {
        Step::Wait { minutes } => {
            portal.clock.advance(TimeDelta::minutes(*minutes));
            String::new()
        }
        Step::Hold { visitor, treatment, practitioner, start } => {
            match portal.visitor(*visitor).hold(treatment, *practitioner, start).await {
                Ok(hold) => {
                    let held = portal.visitor(*visitor).held(&hold).await;
                    holds.push((*visitor, hold));
                    format!("held with {}", held.visit.practitioner.name)
                }
                Err(error) => told(error),
            }
        }
        Step::Confirm { hold } => {
            let Some((visitor, hold)) = pick(holds, *hold) else { return String::new() };
            let visitor = portal.visitor(visitor);
            let draft = visitor.draft();
            match visitor.describe(&hold, draft).await {
                Err(error) => told(error),
                Ok(_) => visitor.confirm(&hold).await.map_or_else(told, |_| "booked".into()),
            }
        }
        Step::Release { hold } => {
            let Some((visitor, hold)) = pick(holds, *hold) else { return String::new() };
            let visitor = portal.visitor(visitor);
            if matches!(visitor.held(&hold).await.state, HoldState::Booked { .. }) {
                return "booked before".into();
            }
            visitor.release(&hold).await.map_or_else(told, |()| "released".into())
        }
        Step::Retake { hold, treatment, start } => {
            let Some((visitor, hold)) = pick(holds, *hold) else { return String::new() };
            match portal.visitor(visitor).hold_instead(&hold, treatment, start).await {
                Ok(new) => {
                    holds.push((visitor, new));
                    "moved".into()
                }
                Err(error) => told(error),
            }
        }
    }
}

async fn series(seed: u64, steps: usize) {
    let (one, other) = (TestPortal::sqlite().await, TestPortal::postgres().await);
    let mut random = StdRng::seed_from_u64(seed);
    let (mut holds, mut other_holds) = (Vec::new(), Vec::new());
    for number in 0..steps {
        let step = step(&mut random);
        let (here, there) = (run(&one, &mut holds, &step).await, run(&other, &mut other_holds, &step).await);
        assert_eq!(here, there, "step {number} of seed {seed}: {step:?}");
        if number % 50 == 0 {
            assert_eq!(one.overlaps().await, 0, "step {number} of seed {seed}: {step:?}");
        }
    }
    assert_eq!((one.overlaps().await, other.overlaps().await), (0, 0), "seed {seed}");
    assert_eq!(one.appointments().await, other.appointments().await, "seed {seed}");
    assert!(one.appointments().await > 10, "seed {seed}: hardly anything was booked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_databases_answer_a_long_random_series_alike_and_nothing_overlaps() {
    let steps = if std::env::var("PERENNIAL_TEST_SIZE").as_deref() == Ok("nightly") { 20_000 } else { 1_500 };
    series(seed(), steps).await;
}
