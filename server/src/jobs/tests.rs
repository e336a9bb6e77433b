//! What a feature relies on when it leaves work for later, on both databases.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use tokio::sync::{Notify, oneshot};

use super::queue::{self, ATTEMPTS_MAX, Ending, Job, NewJob, enqueue};
use super::schedule::every;
use super::worker::{JobError, JobRun, Registry, Worker};
use crate::clock::Clock;
use crate::store::testing::{Scratch, new_id, noon, on_both};
use crate::store::{Database, StoreError};

async fn add(database: &Database, kind: &'static str, key: &str, due_in: TimeDelta) -> Result<bool, StoreError> {
    let (key, id) = (key.to_owned(), new_id());
    database
        .write(async move |tx| {
            let subject = serde_json::json!({ "appointment": id });
            let job = NewJob { clinic: "rowan", kind, subject, unique_key: key.clone(), due_at: noon() + due_in };
            enqueue(tx, &job, noon(), id).await
        })
        .await
}

/// State, attempts and reason of the job with that key.
async fn fate(database: &Database, key: &str) -> (String, i64, Option<String>) {
    let mut tx = database.read().await.unwrap();
    let row = tx.query("SELECT state, attempts, reason FROM job WHERE unique_key = $1").bind(key).fetch_one().await.unwrap();
    (row.get("state").unwrap(), row.get("attempts").unwrap(), row.get("reason").unwrap())
}

fn done(attempts: i64) -> (String, i64, Option<String>) {
    ("done".to_owned(), attempts, None)
}

/// Counts its runs and ends them as it is told.
#[derive(Default)]
struct Counting {
    runs: AtomicUsize,
    /// Runs that do not succeed before one does.
    failures: usize,
    panics: bool,
    hopeless: bool,
    /// Until it is time.
    not_before: Option<DateTime<Utc>>,
    is_time: AtomicBool,
}

#[async_trait]
impl JobRun for Counting {
    async fn run(&self, _job: &Job) -> Result<(), JobError> {
        let before = self.runs.fetch_add(1, Ordering::SeqCst);
        if let Some(until) = self.not_before.filter(|_| !self.is_time.load(Ordering::SeqCst)) {
            return Err(JobError::NotYet(until));
        }
        if self.hopeless {
            return Err(JobError::Fail(anyhow::anyhow!("no such appointment")));
        }
        if before < self.failures {
            assert!(!self.panics, "on purpose");
            return Err(JobError::Retry(anyhow::anyhow!("the mail server is away")));
        }
        Ok(())
    }
}

/// Runs until it is told to end.
#[derive(Default)]
struct Slow {
    begun: Notify,
    end: Notify,
}

#[async_trait]
impl JobRun for Slow {
    async fn run(&self, _job: &Job) -> Result<(), JobError> {
        self.begun.notify_one();
        self.end.notified().await;
        Ok(())
    }
}

/// Looks something up for a while, as one that writes a letter does.
struct Reading(Database);

#[async_trait]
impl JobRun for Reading {
    async fn run(&self, _job: &Job) -> Result<(), JobError> {
        let mut view = self.0.read().await?;
        for _ in 0..3 {
            view.query("SELECT 1 AS one").fetch_one().await?;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}

fn worker(scratch: &Scratch, run: &Arc<Counting>) -> (Worker, Clock) {
    let clock = Clock::frozen(noon());
    let registry = Registry::default().job("letter", run.clone());
    (Worker::new(scratch.database.clone(), clock.clone(), registry), clock)
}

on_both! {
    async fn a_job_is_run_when_it_is_due_and_once(scratch: Scratch) {
        let run = Arc::new(Counting::default());
        let (worker, clock) = worker(&scratch, &run);
        assert!(add(&scratch.database, "letter", "a", TimeDelta::hours(1)).await.unwrap());
        assert_eq!(worker.run_due().await.unwrap(), 0);
        clock.advance(TimeDelta::hours(1));
        assert_eq!(worker.run_due().await.unwrap(), 1);
        assert_eq!(worker.run_due().await.unwrap(), 0);
        assert_eq!(run.runs.load(Ordering::SeqCst), 1);
        assert_eq!(fate(&scratch.database, "a").await, done(1));
    }

    async fn a_second_job_with_the_same_key_is_not_added_nor_one_of_a_change_that_failed(scratch: Scratch) {
        assert!(add(&scratch.database, "letter", "a", TimeDelta::zero()).await.unwrap());
        assert!(!add(&scratch.database, "letter", "a", TimeDelta::zero()).await.unwrap());
        let failed: Result<(), StoreError> = scratch.database.write(async |tx| {
            let job = NewJob {
                clinic: "rowan", kind: "letter", subject: serde_json::json!({}), unique_key: "b".to_owned(), due_at: noon(),
            };
            assert!(enqueue(tx, &job, noon(), new_id()).await?);
            Err(StoreError::Rule("no".to_owned()))
        }).await;
        assert!(failed.is_err());
        let run = Arc::new(Counting::default());
        assert_eq!(worker(&scratch, &run).0.run_due().await.unwrap(), 1);
    }

    async fn a_run_that_fails_is_tried_again_after_a_growing_wait(scratch: Scratch) {
        let run = Arc::new(Counting { failures: 2, ..Counting::default() });
        let (worker, clock) = worker(&scratch, &run);
        add(&scratch.database, "letter", "a", TimeDelta::zero()).await.unwrap();
        assert_eq!(worker.run_due().await.unwrap(), 1);
        assert_eq!(fate(&scratch.database, "a").await, ("waiting".to_owned(), 1, Some("the mail server is away".to_owned())));
        clock.advance(TimeDelta::seconds(29));
        assert_eq!(worker.run_due().await.unwrap(), 0);
        clock.advance(TimeDelta::seconds(9));
        assert_eq!(worker.run_due().await.unwrap(), 1);
        clock.advance(TimeDelta::seconds(59));
        assert_eq!(worker.run_due().await.unwrap(), 0);
        clock.advance(TimeDelta::seconds(17));
        assert_eq!(worker.run_due().await.unwrap(), 1);
        assert_eq!(fate(&scratch.database, "a").await, done(3));
    }

    async fn a_run_that_is_too_early_comes_again_at_its_time_and_does_not_count(scratch: Scratch) {
        let run = Arc::new(Counting { not_before: Some(noon() + TimeDelta::minutes(3)), ..Counting::default() });
        let (worker, clock) = worker(&scratch, &run);
        add(&scratch.database, "letter", "a", TimeDelta::zero()).await.unwrap();
        assert_eq!(worker.run_due().await.unwrap(), 1);
        assert_eq!(fate(&scratch.database, "a").await, ("waiting".to_owned(), 0, None));
        clock.advance(TimeDelta::seconds(179));
        assert_eq!(worker.run_due().await.unwrap(), 0);
        run.is_time.store(true, Ordering::SeqCst);
        clock.advance(TimeDelta::seconds(1));
        assert_eq!(worker.run_due().await.unwrap(), 1);
        assert_eq!(fate(&scratch.database, "a").await, done(1));
    }

    async fn after_the_last_attempt_a_job_has_failed_for_all_to_see(scratch: Scratch) {
        let run = Arc::new(Counting { failures: usize::MAX, panics: true, ..Counting::default() });
        let (worker, clock) = worker(&scratch, &run);
        add(&scratch.database, "letter", "a", TimeDelta::zero()).await.unwrap();
        for _ in 0..ATTEMPTS_MAX {
            assert_eq!(worker.run_due().await.unwrap(), 1);
            clock.advance(TimeDelta::hours(8));
        }
        assert_eq!(worker.run_due().await.unwrap(), 0);
        assert_eq!(fate(&scratch.database, "a").await, ("failed".to_owned(), ATTEMPTS_MAX, Some("it panicked".to_owned())));
    }

    async fn what_is_hopeless_or_unknown_fails_at_once(scratch: Scratch) {
        let run = Arc::new(Counting { hopeless: true, ..Counting::default() });
        let (worker, _) = worker(&scratch, &run);
        add(&scratch.database, "letter", "a", TimeDelta::zero()).await.unwrap();
        add(&scratch.database, "forgotten", "b", TimeDelta::zero()).await.unwrap();
        assert_eq!(worker.run_due().await.unwrap(), 2);
        assert_eq!(fate(&scratch.database, "a").await, ("failed".to_owned(), 1, Some("no such appointment".to_owned())));
        let unknown = "no worker knows the kind forgotten".to_owned();
        assert_eq!(fate(&scratch.database, "b").await, ("failed".to_owned(), 1, Some(unknown)));
        let failed = queue::failed(&mut scratch.database.read().await.unwrap(), 10).await.unwrap();
        assert_eq!(failed.iter().map(|job| job.kind.as_str()).collect::<Vec<_>>(), ["forgotten", "letter"]);
    }

    async fn what_was_done_long_ago_is_forgotten_and_nothing_else(scratch: Scratch) {
        let (run, failing) = (Arc::new(Counting::default()), Arc::new(Counting { hopeless: true, ..Counting::default() }));
        let clock = Clock::frozen(noon());
        let registry = Registry::default().job("letter", run).job("hopeless", failing);
        let worker = Worker::new(scratch.database.clone(), clock.clone(), registry);
        for (kind, key, days) in [("letter", "old", 0), ("hopeless", "failed", 0), ("letter", "new", 40), ("letter", "waiting", 50)] {
            add(&scratch.database, kind, key, TimeDelta::days(days)).await.unwrap();
        }
        worker.run_due().await.unwrap();
        clock.advance(TimeDelta::days(40));
        worker.run_due().await.unwrap();
        assert_eq!(queue::forget_done(&scratch.database, noon() + TimeDelta::days(10)).await.unwrap(), 1);
        for left in ["failed", "new", "waiting"] {
            fate(&scratch.database, left).await;
        }
    }

    async fn a_slow_job_does_not_hold_up_the_others_and_is_finished_before_the_end(scratch: Scratch) {
        let (slow, quick) = (Arc::new(Slow::default()), Arc::new(Counting::default()));
        let registry = Registry::default().job("slow", slow.clone()).job("letter", quick.clone());
        let worker = Worker::new(scratch.database.clone(), Clock::frozen(noon()), registry);
        let (stop, stopped) = oneshot::channel::<()>();
        add(&scratch.database, "slow", "slow", TimeDelta::zero()).await.unwrap();
        let mut working = tokio::spawn(async move { worker.run(async { drop(stopped.await) }).await });
        slow.begun.notified().await;
        for n in 0..20 {
            add(&scratch.database, "letter", &n.to_string(), TimeDelta::zero()).await.unwrap();
        }
        tokio::time::timeout(Duration::from_secs(5), async {
            while quick.runs.load(Ordering::SeqCst) < 20 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }).await.expect("the others go on");
        stop.send(()).unwrap();
        let early = tokio::time::timeout(Duration::from_millis(100), &mut working).await;
        assert!(early.is_err(), "it stopped with a job in hand");
        slow.end.notify_one();
        working.await.unwrap();
        assert_eq!(fate(&scratch.database, "slow").await, done(1));
    }

    async fn jobs_that_hold_every_reader_do_not_wait_for_the_look_for_more(scratch: Scratch) {
        for n in 0..50 {
            add(&scratch.database, "reading", &n.to_string(), TimeDelta::zero()).await.unwrap();
        }
        let registry = Registry::default().job("reading", Arc::new(Reading(scratch.database.clone())));
        let worker = Worker::new(scratch.database.clone(), Clock::frozen(noon()), registry);
        let database = scratch.database.clone();
        let all_done = async move {
            while queue::due(&mut database.read().await.unwrap(), noon()).await.unwrap() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        // Less than a reader is waited for.
        tokio::time::timeout(Duration::from_secs(4), worker.run(all_done)).await.expect("they wait for each other");
        assert_eq!(fate(&scratch.database, "49").await, done(1));
    }

    async fn eight_workers_run_each_job_exactly_once(scratch: Scratch) {
        for n in 0..100 {
            add(&scratch.database, "letter", &n.to_string(), TimeDelta::zero()).await.unwrap();
        }
        let run = Arc::new(Counting::default());
        let workers = join_all((0..8).map(|_| async {
            let registry = Registry::default().job("letter", run.clone());
            Worker::new(scratch.again().await, Clock::frozen(noon()), registry)
        })).await;
        let runs = join_all(workers.into_iter().map(|worker| tokio::spawn(async move { worker.run_due().await.unwrap() }))).await;
        assert_eq!(runs.into_iter().map(Result::unwrap).sum::<usize>(), 100);
        assert_eq!(run.runs.load(Ordering::SeqCst), 100);
    }

    async fn a_job_of_a_worker_that_died_is_taken_over_and_its_late_answer_does_not_count(scratch: Scratch) {
        let database = &scratch.database;
        add(database, "letter", "a", TimeDelta::zero()).await.unwrap();
        let dead = queue::claim(database, noon(), 10).await.unwrap().remove(0);
        let early = queue::claim(database, noon() + queue::LEASE - TimeDelta::seconds(1), 10).await.unwrap();
        assert_eq!(early, []);
        let heir = queue::claim(database, noon() + queue::LEASE, 10).await.unwrap().remove(0);
        assert_eq!((heir.id, heir.attempt), (dead.id, 2));
        let late = Ending::Failed { reason: "late".to_owned() };
        assert!(!queue::end(database, &dead, late, noon()).await.unwrap());
        assert!(queue::end(database, &heir, Ending::Done, noon()).await.unwrap());
        assert_eq!(fate(database, "a").await, done(2));
    }

    async fn a_running_worker_is_woken_by_the_commit_and_does_its_chores_until_told_to_stop(scratch: Scratch) {
        let (run, chores) = (Arc::new(Counting::default()), Arc::new(AtomicUsize::new(0)));
        let chore = every(Duration::from_millis(20), "count", {
            let chores = chores.clone();
            move || {
                let chores = chores.clone();
                async move {
                    chores.fetch_add(1, Ordering::SeqCst);
                    anyhow::bail!("a chore that fails comes again")
                }
            }
        });
        let registry = Registry::default().job("letter", run.clone()).chore(chore);
        let worker = Worker::new(scratch.database.clone(), Clock::frozen(noon()), registry);
        let (stop, stopped) = oneshot::channel::<()>();
        let working = tokio::spawn(async move { worker.run(async { drop(stopped.await) }).await });
        tokio::time::sleep(Duration::from_millis(200)).await;
        add(&scratch.database, "letter", "a", TimeDelta::zero()).await.unwrap();
        tokio::time::timeout(Duration::from_millis(1_500), async {
            while fate(&scratch.database, "a").await != done(1) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }).await.expect("the bell rings before the worker would look by itself");
        assert!(chores.load(Ordering::SeqCst) > 2);
        stop.send(()).unwrap();
        working.await.unwrap();
    }
}
