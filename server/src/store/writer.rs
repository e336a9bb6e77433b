//! The one task that writes. Changes queue; it takes what waits, runs each in a savepoint of one
//! transaction, commits once, and only then answers: one flush to the disk for many bookings.
//!
//! It runs on a thread of its own, so a change's future need not be `Send` and may borrow what
//! its closure holds. What it is not: a place for anything slow. All other writes wait meanwhile.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, PgConnection, SqliteConnection};
use tokio::sync::{Notify, mpsc, oneshot};

use super::tx::Session;
use super::{Dialect, StoreError, Tx};

/// Changes that may wait; more are told `Busy` at once.
const QUEUE_MAX: usize = 1_024;
/// Changes in one commit. PostgreSQL keeps up to 64 savepoints of a transaction in shared memory.
pub(super) const BATCH_MAX: usize = 64;
/// How long a batch is tried again when others keep coming first.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a batch is run in all when the server ends the connection.
const CONNECTIONS_MAX: u32 = 4;
/// The wait after the first setback; it doubles, up to 2⁶ times that, and is spread by chance.
const BACKOFF: Duration = Duration::from_millis(2);
/// A batch that takes longer holds up everyone: the connection is given up.
const BATCH_TIME_MAX: Duration = Duration::from_mins(1);
/// Above this SQLite's log is emptied by force, which waits for readers. Below, it empties itself.
const WAL_BYTES_MAX: u64 = 32 * 1024 * 1024;
const LOCK_WAIT_AGAIN: &str = "PRAGMA busy_timeout = 5000";
/// Commits between looks at the log's size.
const WAL_LOOK_COMMITS: u32 = 64;

/// The way to the writer's thread.
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    bell: Arc<Notify>,
}

enum Message {
    Change(Box<dyn Change>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    pub(super) fn start(opener: Opener, batch_max: usize) -> Result<Self, StoreError> {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let bell = Arc::new(Notify::new());
        let task = Task { opener, batch_max, tx: None, waiting, bell: Arc::clone(&bell), commits: 0 };
        let refused = |error: std::io::Error| StoreError::Refused(format!("The writer can't be started: {error}."));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(refused)?;
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || runtime.block_on(task.run()))
            .map_err(refused)?;
        Ok(Self { queue, bell })
    }

    pub(super) async fn write<T, E, F>(&self, change: F) -> Result<T, E>
    where
        F: AsyncFnMut(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let change = Waiting { change, outcome: None, reply };
        self.queue.try_send(Message::Change(Box::new(change))).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => closed(),
        })?;
        answer.await.unwrap_or_else(|_| Err(closed().into()))
    }

    pub(super) fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.bell)
    }

    pub(super) async fn close(&self) {
        let (done, finished) = oneshot::channel();
        if self.queue.send(Message::Close(done)).await.is_ok() {
            // An error means that the thread has ended, which is what we wait for.
            let _ = finished.await;
        }
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("it is closed".to_owned())
}

/// A change without its types.
trait Change: Send {
    /// Runs it once more; true if what it did is to be kept.
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> LocalBoxFuture<'t, bool>;
    /// Tells the caller: what the closure answered, or why that does not count.
    fn answer(self: Box<Self>, verdict: Result<(), StoreError>);
}

struct Waiting<F, T, E> {
    change: F,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Change for Waiting<F, T, E>
where
    F: AsyncFnMut(&mut Tx) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> LocalBoxFuture<'t, bool> {
        Box::pin(async move {
            self.outcome = None;
            let run = AssertUnwindSafe(async { (self.change)(tx).await });
            let outcome = match run.catch_unwind().await {
                // A closure can't wish away that a statement failed: nothing after it was done.
                Ok(outcome) => outcome.and_then(|value| tx.trouble().map_or(Ok(value), |trouble| Err(trouble.clone().into()))),
                Err(_panic) => Err(StoreError::Unavailable("the change panicked".to_owned()).into()),
            };
            let keep = outcome.is_ok();
            self.outcome = Some(outcome);
            keep
        })
    }

    fn answer(self: Box<Self>, verdict: Result<(), StoreError>) {
        let outcome = match (verdict, self.outcome) {
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(StoreError::Unavailable("the change was not run".to_owned()).into()),
            (Err(error), _) => Err(error.into()),
        };
        // The caller may have stopped waiting; the change stands all the same.
        let _ = self.reply.send(outcome);
    }
}

/// How the writer's connection is made.
pub(super) enum Opener {
    Sqlite { options: SqliteConnectOptions, path: PathBuf },
    Postgres(PgConnectOptions),
}

impl Opener {
    const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite { .. } => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(super) async fn open(&self) -> Result<Tx, StoreError> {
        Ok(Tx::new(match self {
            Self::Sqlite { options, .. } => Session::SqliteWriter(Box::new(SqliteConnection::connect_with(options).await?)),
            Self::Postgres(options) => Session::PostgresWriter(Box::new(PgConnection::connect_with(options).await?)),
        }))
    }
}

/// Why an attempt at a batch did not end in a commit.
enum Setback {
    /// Nothing was kept, and another try can go well.
    Again(StoreError),
    /// Nothing was kept or nobody knows: another try could do it twice.
    Over(StoreError),
}

struct Task {
    opener: Opener,
    /// Changes in one commit.
    batch_max: usize,
    /// The open connection; `None` before the first batch and after a failure.
    tx: Option<Tx>,
    waiting: mpsc::Receiver<Message>,
    bell: Arc<Notify>,
    commits: u32,
}

impl Task {
    async fn run(mut self) {
        let mut goodbyes = Vec::new();
        while let Some(first) = self.waiting.recv().await {
            let mut batch = Vec::new();
            let mut next = Some(first);
            while let Some(message) = next {
                match message {
                    Message::Change(change) => batch.push(change),
                    Message::Close(done) => {
                        self.waiting.close();
                        goodbyes.push(done);
                    }
                }
                next = if batch.len() < self.batch_max { self.waiting.try_recv().ok() } else { None };
            }
            if !batch.is_empty() {
                self.settle(batch).await;
            }
        }
        if let Some(mut tx) = self.tx.take() {
            if tx.dialect() == Dialect::Sqlite {
                // The next start has no log to read, and the file alone is the whole database.
                let _ = tx.command("PRAGMA wal_checkpoint(TRUNCATE)").await;
            }
            let _ = tx.close().await;
        }
        for done in goodbyes {
            let _ = done.send(());
        }
    }

    /// Runs a batch until it is committed or hopeless, and answers every change in it.
    async fn settle(&mut self, mut batch: Vec<Box<dyn Change>>) {
        let began = Instant::now();
        let mut attempt = 1;
        let verdict = loop {
            let setback = match tokio::time::timeout(BATCH_TIME_MAX, self.attempt(&mut batch)).await {
                Ok(Ok(())) => break Ok(()),
                Ok(Err(setback)) => setback,
                Err(_elapsed) => {
                    self.tx = None;
                    Setback::Over(StoreError::Unavailable("a change took too long".to_owned()))
                }
            };
            match setback {
                Setback::Again(error) if is_worth_another(&error, attempt, began.elapsed()) => {
                    tracing::debug!(%error, attempt, "changes are run again");
                    tokio::time::sleep(backoff(attempt)).await;
                    attempt += 1;
                }
                Setback::Again(error) | Setback::Over(error) => break Err(error),
            }
        };
        match verdict {
            Ok(()) => {
                if self.tx.as_mut().is_some_and(Tx::take_ring) {
                    self.bell.notify_one();
                }
            }
            Err(ref error) => tracing::error!(%error, changes = batch.len(), "changes were not kept"),
        }
        for change in batch {
            change.answer(verdict.clone());
        }
        self.bound_the_log().await;
    }

    /// One transaction with every change of the batch.
    async fn attempt(&mut self, batch: &mut [Box<dyn Change>]) -> Result<(), Setback> {
        let mut tx = match self.tx.take() {
            Some(tx) => tx,
            None => self.opener.open().await.map_err(Setback::Again)?,
        };
        tx.forget_trouble();
        tx.take_ring();
        let outcome = Self::transact(&mut tx, self.opener.dialect(), batch).await;
        match &outcome {
            Ok(()) => self.tx = Some(tx),
            // A new connection is the way back from everything else.
            Err(Setback::Again(StoreError::Conflict | StoreError::Busy)) => {
                if tx.command("ROLLBACK").await.is_ok() {
                    self.tx = Some(tx);
                }
            }
            Err(_) => {}
        }
        outcome
    }

    async fn transact(tx: &mut Tx, dialect: Dialect, batch: &mut [Box<dyn Change>]) -> Result<(), Setback> {
        let before_commit = |error: StoreError| match error {
            StoreError::Conflict | StoreError::Busy => Setback::Again(error),
            // The server ended the connection, with the transaction in it.
            StoreError::Unavailable(_) if dialect == Dialect::Postgres => Setback::Again(error),
            error => Setback::Over(error),
        };
        tx.command(dialect.begin_write()).await.map_err(before_commit)?;
        let alone = batch.len() == 1;
        let mut kept = 0_usize;
        for change in batch.iter_mut() {
            if !alone {
                tx.command("SAVEPOINT change").await.map_err(before_commit)?;
            }
            let rang = tx.take_ring();
            let keep = change.run(tx).await;
            if let Some(trouble) = tx.trouble().filter(|trouble| !trouble.is_own_fault()) {
                return Err(before_commit(trouble.clone()));
            }
            tx.forget_trouble();
            kept += usize::from(keep);
            if rang | (tx.take_ring() && keep) {
                tx.ring();
            }
            match (alone, keep) {
                (true, _) => {}
                (false, true) => tx.command("RELEASE SAVEPOINT change").await.map_err(before_commit)?,
                (false, false) => {
                    tx.command("ROLLBACK TO SAVEPOINT change").await.map_err(before_commit)?;
                    tx.command("RELEASE SAVEPOINT change").await.map_err(before_commit)?;
                }
            }
        }
        if kept == 0 {
            return tx.command("ROLLBACK").await.map_err(before_commit);
        }
        tx.command("COMMIT").await.map_err(|error| match error {
            StoreError::Conflict | StoreError::Busy => Setback::Again(error),
            error => Setback::Over(error),
        })
    }

    /// SQLite empties its log by itself unless readers overlap without a gap. Then it is done by
    /// force here: the lock is ours, so new readers read from the file, and the old ones end.
    async fn bound_the_log(&mut self) {
        self.commits = self.commits.wrapping_add(1);
        let Opener::Sqlite { path, .. } = &self.opener else { return };
        if !self.commits.is_multiple_of(WAL_LOOK_COMMITS) {
            return;
        }
        let mut log = path.clone().into_os_string();
        log.push("-wal");
        let grown = std::fs::metadata(log).is_ok_and(|log| log.len() > WAL_BYTES_MAX);
        if let (true, Some(tx)) = (grown, &mut self.tx) {
            // A reader that stays longer, such as a backup, must not hold up the writers for long.
            for command in ["PRAGMA busy_timeout = 250", "PRAGMA wal_checkpoint(TRUNCATE)", LOCK_WAIT_AGAIN] {
                if let Err(error) = tx.command(command).await {
                    tracing::warn!(%error, "the write-ahead log can't be emptied");
                }
            }
        }
    }
}

fn is_worth_another(error: &StoreError, attempt: u32, elapsed: Duration) -> bool {
    let left = if matches!(error, StoreError::Unavailable(_)) { attempt < CONNECTIONS_MAX } else { true };
    left && elapsed < PATIENCE
}

fn backoff(attempt: u32) -> Duration {
    let longest = BACKOFF * 2_u32.pow(attempt.min(6));
    longest.mul_f64(rand::random_range(0.5..1.0))
}
