//! The page with the free times, asked for at a constant rate whether or not answers come.
//!
//! A delay counts from the instant at which a request was due: a server that stalls cannot hide
//! the requests that pile up behind. The asking shares the machine's cores with the server.

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::program::Program;
use crate::sample::Sample;
use crate::say;
use crate::visitor::TIMES_PAGE;

const PER_SECOND: u32 = 200;
const WARM_UP_S: u32 = 3;
const MEASURED_S: u32 = 20;

pub async fn measure(program: &Path, folder: &Path) -> anyhow::Result<()> {
    let mut server = Program::start(program, folder)?;
    server.answers(TIMES_PAGE).await?;
    let visitor = server.visitor();
    let (began, mut asked) = (Instant::now(), JoinSet::new());
    for number in 0..PER_SECOND * (WARM_UP_S + MEASURED_S) {
        let due = began + Duration::from_secs(1) * number / PER_SECOND;
        sleep_until(due).await;
        let visitor = visitor.clone();
        asked.spawn(async move { (number, visitor.page(TIMES_PAGE).await, due.elapsed()) });
    }
    let (mut sample, mut failed) = (Sample::default(), 0);
    while let Some(answer) = asked.join_next().await {
        let (number, outcome, took) = answer?;
        if number >= PER_SECOND * WARM_UP_S {
            sample.add(took);
        }
        failed += u32::from(outcome.is_err());
    }
    server.stop().await?;
    ensure!(failed == 0, "{failed} requests were not answered with the page");
    say("booking page at 200 requests/s, p99", sample.percentile(99), "ms")?;
    say("booking page at 200 requests/s, p50", sample.median(), "ms")?;
    say("booking page at 200 requests/s, slowest", sample.slowest(), "ms")
}
