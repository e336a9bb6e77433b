//! How long a restart takes a clinic that has ten thousand visits: until the first page is there.

use std::path::Path;
use std::time::Instant;

use server::clock::Clock;
use server::store::Database;

use crate::crowd::Crowd;
use crate::program::{Program, database};
use crate::sample::Sample;
use crate::say;
use crate::visitor::TIMES_PAGE;

const VISITS: usize = 10_000;
const STARTS: u32 = 10;

pub async fn measure(program: &Path, folder: &Path) -> anyhow::Result<()> {
    let clock = Clock::system();
    let opened = Database::open(&database(folder)).await?;
    let crowd = Crowd::of(1, 20)?;
    crowd.move_in(&opened, &clock).await?;
    crowd.book(&opened, clock.now().date_naive().succ_opt().unwrap_or_default(), VISITS, &clock).await?;
    opened.close().await;
    let mut sample = Sample::default();
    for _ in 0..STARTS {
        let began = Instant::now();
        let mut server = Program::start(program, folder)?;
        server.answers(TIMES_PAGE).await?;
        sample.add(began.elapsed());
        server.stop().await?;
    }
    say("process start to first page, median of 10", sample.median(), "ms")?;
    say("process start to first page, slowest of 10", sample.slowest(), "ms")
}
