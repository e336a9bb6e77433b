//! What callers of the store rely on, on both databases.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use tokio::sync::oneshot;
use tokio::time::timeout;
use uuid::Uuid;

use super::testing::{Folder, Scratch, count, insert, keep, kept, new_id, noon, on_both};
use super::{Address, Database, Json, StoreError, Tx};

/// Long enough for what should happen, short enough for what should not.
const A_MOMENT: Duration = Duration::from_millis(100);

/// Keeps the writer in a change until the sender is used or dropped; answers when it is in there.
async fn block(database: &Database) -> (oneshot::Sender<()>, tokio::task::JoinHandle<Result<(), StoreError>>) {
    let (go, mut gone) = oneshot::channel();
    let (started, mut running) = tokio::sync::mpsc::channel(1);
    let database = database.clone();
    let task = tokio::spawn(async move {
        database
            .write(async move |_| {
                let _ = started.try_send(());
                let _ = (&mut gone).await;
                Ok(())
            })
            .await
    });
    running.recv().await.unwrap();
    (go, task)
}

on_both! {
    async fn an_answer_comes_only_after_the_commit(scratch: Scratch) {
        let database = &scratch.database;
        let (go, first) = block(database).await;
        let mut second = tokio::spawn({
            let database = database.clone();
            async move { keep(&database, "second").await }
        });
        tokio::time::sleep(A_MOMENT).await;
        // Behind the second in the same batch, so the second has run when this one has begun.
        let (ran, mut running) = tokio::sync::mpsc::channel(1);
        let (finish, mut finished) = oneshot::channel::<()>();
        let third = tokio::spawn({
            let database = database.clone();
            async move {
                database.write(async move |_| {
                    let _ = ran.try_send(());
                    let _ = (&mut finished).await;
                    Ok::<_, StoreError>(())
                }).await
            }
        });
        tokio::time::sleep(A_MOMENT).await;
        go.send(()).unwrap();
        running.recv().await.unwrap();
        assert!(timeout(A_MOMENT, &mut second).await.is_err(), "answered before the commit");
        assert_eq!(kept(database).await, 0);
        finish.send(()).unwrap();
        second.await.unwrap().unwrap();
        assert_eq!(kept(database).await, 1);
        first.await.unwrap().unwrap();
        third.await.unwrap().unwrap();
    }

    async fn a_change_that_fails_does_not_undo_its_neighbours(scratch: Scratch) {
        let database = &scratch.database;
        keep(database, "taken").await.unwrap();
        let (go, blocking) = block(database).await;
        let changes = (0..30).map(|n| keep(database, if n % 3 == 0 { "taken".to_owned() } else { format!("free {n}") }));
        let mut changes = std::pin::pin!(join_all(changes));
        assert!(timeout(A_MOMENT, &mut changes).await.is_err());
        go.send(()).unwrap();
        for (n, outcome) in changes.await.into_iter().enumerate() {
            match outcome {
                Err(error) if n % 3 == 0 => assert!(error.is_unique_in("secret"), "{error:?}"),
                outcome => assert_eq!((outcome, n % 3 == 0), (Ok(()), false), "{n}"),
            }
        }
        assert_eq!(kept(database).await, 21);
        blocking.await.unwrap().unwrap();
    }

    async fn what_a_change_did_before_it_failed_is_not_kept(scratch: Scratch) {
        let refused: Result<(), StoreError> = scratch.database.write(async |tx| {
            insert(tx, "half").await?;
            Err(StoreError::Rule("no".to_owned()))
        }).await;
        assert_eq!(refused, Err(StoreError::Rule("no".to_owned())));
        assert_eq!(kept(&scratch.database).await, 0);
    }

    async fn a_failed_statement_can_not_be_overlooked(scratch: Scratch) {
        let outcome = scratch.database.write(async |tx| {
            insert(tx, "one").await?;
            let _ = insert(tx, "one").await;
            assert!(insert(tx, "two").await.is_err(), "nothing works after a failure");
            Ok::<_, StoreError>(())
        }).await;
        assert!(outcome.is_err_and(|error| error.is_unique()));
        assert_eq!(kept(&scratch.database).await, 0);
    }

    async fn a_change_that_panics_leaves_the_writer_and_its_neighbours_well(scratch: Scratch) {
        let database = &scratch.database;
        let (go, blocking) = block(database).await;
        let panics = database.write(async |tx| {
            insert(tx, "half").await?;
            assert_eq!(count(tx).await, 0, "on purpose");
            Ok::<_, StoreError>(())
        });
        let mut both = std::pin::pin!(futures::future::join(panics, keep(database, "neighbour")));
        assert!(timeout(A_MOMENT, &mut both).await.is_err());
        go.send(()).unwrap();
        let (panicked, neighbour) = both.await;
        assert!(matches!(panicked, Err(StoreError::Unavailable(_))), "{panicked:?}");
        neighbour.unwrap();
        keep(database, "after").await.unwrap();
        assert_eq!(kept(database).await, 2);
        blocking.await.unwrap().unwrap();
    }

    async fn sixty_four_writers_beside_another_process_and_a_long_reader_all_get_through(scratch: Scratch) {
        let other = scratch.again().await;
        let mut view = scratch.database.read().await.unwrap();
        assert_eq!(count(&mut view).await, 0);
        let writers = (0..64_u32).map(|writer| {
            let database = if writer % 2 == 0 { scratch.database.clone() } else { other.clone() };
            tokio::spawn(async move {
                for n in 0..20 {
                    keep(&database, format!("{writer} {n}")).await?;
                }
                Ok::<_, StoreError>(())
            })
        });
        for outcome in join_all(writers).await {
            outcome.unwrap().unwrap();
        }
        assert_eq!(count(&mut view).await, 0, "a view is of one moment");
        drop(view);
        assert_eq!(kept(&scratch.database).await, 64 * 20);
        other.close().await;
    }

    async fn two_processes_that_count_up_together_lose_nothing(scratch: Scratch) {
        let other = scratch.again().await;
        scratch.database.write(async |tx| {
            tx.query("INSERT INTO secret (name, value) VALUES ('count', '0')").execute().await.map(drop)
        }).await.unwrap();
        let counting = (0..100_u32).map(|n| {
            let database = if n % 2 == 0 { scratch.database.clone() } else { other.clone() };
            tokio::spawn(async move {
                database.write(async |tx| {
                    let row = tx.query("SELECT value FROM secret WHERE name = 'count'").fetch_one().await?;
                    let next = row.get::<String>("value")?.parse::<u32>().unwrap() + 1;
                    tx.query("UPDATE secret SET value = $1 WHERE name = 'count'").bind(next.to_string()).execute().await.map(drop)
                }).await
            })
        });
        for outcome in join_all(counting).await {
            outcome.unwrap().unwrap();
        }
        let mut tx = scratch.database.read().await.unwrap();
        let row = tx.query("SELECT value FROM secret WHERE name = 'count'").fetch_one().await.unwrap();
        assert_eq!(row.get::<String>("value").unwrap(), "100");
        other.close().await;
    }

    async fn closing_finishes_what_waits_and_takes_no_more(scratch: Scratch) {
        let database = &scratch.database;
        let (go, blocking) = block(database).await;
        let changes: Vec<_> = (0..200).map(|n| {
            let database = database.clone();
            tokio::spawn(async move { keep(&database, n.to_string()).await })
        }).collect();
        tokio::time::sleep(A_MOMENT).await;
        go.send(()).unwrap();
        database.close().await;
        for change in changes {
            change.await.unwrap().unwrap();
        }
        blocking.await.unwrap().unwrap();
        assert!(matches!(keep(database, "late").await, Err(StoreError::Unavailable(_))));
        let again = scratch.again().await;
        assert_eq!(kept(&again).await, 200);
    }

    async fn when_too_many_wait_the_next_is_told_at_once(scratch: Scratch) {
        let database = &scratch.database;
        let (go, blocking) = block(database).await;
        let changes = (0..1_100).map(|n| keep(database, n.to_string()));
        let mut changes = std::pin::pin!(join_all(changes));
        assert!(timeout(A_MOMENT, &mut changes).await.is_err());
        go.send(()).unwrap();
        let outcomes = changes.await;
        let busy = outcomes.iter().filter(|outcome| **outcome == Err(StoreError::Busy)).count();
        let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert!(busy > 0);
        assert_eq!(busy + done, 1_100);
        assert_eq!(usize::try_from(kept(database).await).unwrap(), done);
        blocking.await.unwrap().unwrap();
    }

    async fn a_reader_can_not_write(scratch: Scratch) {
        let mut tx = scratch.database.read().await.unwrap();
        assert!(insert(&mut tx, "one").await.is_err());
        drop(tx);
        assert_eq!(kept(&scratch.database).await, 0);
    }

    async fn every_type_comes_back_as_it_went_in(scratch: Scratch) {
        let id = new_id();
        let subject = serde_json::json!({ "text": "ä \" \\ \u{1f331}", "number": 3, "list": [true, null] });
        let whole_second: DateTime<Utc> = "2026-03-11T12:00:00Z".parse().unwrap();
        scratch.database.write({
            let subject = subject.clone();
            async move |tx| {
                tx.query(
                    "INSERT INTO job (id, clinic, kind, subject, unique_key, due_at, state, attempts, created_at) \
                     VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7, $8)",
                )
                .bind(id).bind("rowan").bind("a").bind(Json(&subject)).bind(Some("k")).bind(noon()).bind(i64::MAX).bind(whole_second)
                .execute().await.map(drop)
            }
        }).await.unwrap();
        let mut tx = scratch.database.read().await.unwrap();
        let row = tx.query("SELECT * FROM job WHERE due_at > $1 AND created_at < due_at").bind(whole_second).fetch_one().await.unwrap();
        assert_eq!(row.get::<Uuid>("id").unwrap(), id);
        assert_eq!(row.get::<Json<serde_json::Value>>("subject").unwrap().0, subject);
        assert_eq!(row.get::<DateTime<Utc>>("due_at").unwrap(), noon());
        assert_eq!(row.get::<DateTime<Utc>>("created_at").unwrap(), whole_second);
        assert_eq!(row.get::<i64>("attempts").unwrap(), i64::MAX);
        assert_eq!(row.get::<Option<String>>("reason").unwrap(), None);
        assert!(matches!(row.get::<String>("reason"), Err(StoreError::Shape(_))), "NULL is not an empty text");
        assert!(matches!(row.get::<Uuid>("kind"), Err(StoreError::Shape(_))));
        assert!(matches!(row.get::<String>("nothing"), Err(StoreError::Shape(_))));
    }

    async fn instants_sort_as_time_goes(scratch: Scratch) {
        let steps = [0, 1, 10, 999, 1_000, 100_000, 120_000, 999_999, 1_000_000, 61_000_000, 86_400_000_000];
        let base: DateTime<Utc> = "2026-12-31T23:59:58Z".parse().unwrap();
        scratch.database.write(async move |tx| {
            for micros in steps.iter().rev() {
                tx.query("INSERT INTO clinic (slug, revision, definition, loaded_at) VALUES ($1, $2, $3, $4)")
                    .bind(micros.to_string()).bind(*micros).bind(Json(serde_json::json!({}))).bind(base + TimeDelta::microseconds(*micros))
                    .execute().await?;
            }
            Ok::<_, StoreError>(())
        }).await.unwrap();
        let mut tx = scratch.database.read().await.unwrap();
        let rows = tx.query("SELECT revision FROM clinic ORDER BY loaded_at").fetch_all().await.unwrap();
        let sorted: Vec<i64> = rows.iter().map(|row| row.get("revision").unwrap()).collect();
        assert_eq!(sorted, steps);
    }
}

#[tokio::test]
async fn a_full_disk_refuses_the_change_and_later_changes_work_again() {
    let scratch = Scratch::sqlite().await;
    let database = &scratch.database;
    let full = database
        .write(async |tx| {
            // What SQLite answers is the same as on a disk that is full; it lasts as long as the connection.
            tx.command("PRAGMA max_page_count = 1").await?;
            tx.query("INSERT INTO secret (name, value) VALUES ('big', $1)").bind("x".repeat(100_000)).execute().await
        })
        .await;
    assert!(matches!(full, Err(StoreError::Unavailable(_))), "{full:?}");
    keep(database, "small").await.unwrap();
    assert_eq!(kept(database).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_the_server_ends_is_opened_again_and_the_change_is_made_once() {
    let scratch = Scratch::postgres().await;
    let other = scratch.again().await;
    for n in 0..5 {
        let pid: i64 = scratch
            .database
            .write(async move |tx| {
                insert(tx, &n.to_string()).await?;
                tx.query("SELECT pg_backend_pid()::BIGINT AS pid").fetch_one().await?.get("pid")
            })
            .await
            .unwrap();
        let end = async move |tx: &mut Tx| tx.query("SELECT pg_terminate_backend($1::INT)").bind(pid).fetch_one().await.map(drop);
        // Between two changes, and in the middle of one.
        if n % 2 == 0 {
            other.write(end).await.unwrap();
        }
        let mut ended = false;
        scratch
            .database
            .write(async move |tx| {
                insert(tx, &format!("again {n}")).await?;
                if !std::mem::replace(&mut ended, true) {
                    tx.query("SELECT pg_terminate_backend(pg_backend_pid())").execute().await?;
                }
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
    }
    assert_eq!(kept(&scratch.database).await, 10);
    other.close().await;
}

/// Writes a row of a million bytes.
async fn keep_much(database: &Database, name: String) {
    let written = database.write(async move |tx| {
        tx.query("INSERT INTO secret (name, value) VALUES ($1, $2)").bind(&name).bind("x".repeat(1_000_000)).execute().await
    });
    assert_eq!(written.await, Ok(1));
}

fn log_bytes(scratch: &Scratch) -> u64 {
    std::fs::metadata(scratch.folder().join("perennial.db-wal")).unwrap().len()
}

#[tokio::test]
async fn the_log_is_bounded_again_once_a_long_reader_has_gone() {
    let scratch = Scratch::sqlite().await;
    let mut view = scratch.database.read().await.unwrap();
    assert_eq!(count(&mut view).await, 0);
    for n in 0..30 {
        keep_much(&scratch.database, n.to_string()).await;
    }
    assert!(log_bytes(&scratch) > 29_000_000, "the reader keeps the log");
    drop(view);
    for n in 30..36 {
        keep_much(&scratch.database, n.to_string()).await;
    }
    assert!(log_bytes(&scratch) <= 16 * 1024 * 1024, "{}", log_bytes(&scratch));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_bounded_although_there_is_always_some_reader() {
    let scratch = Scratch::sqlite().await;
    let database = scratch.database.clone();
    let readers = tokio::spawn(async move {
        let mut view = database.read().await.unwrap();
        loop {
            count(&mut view).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
            let mut next = database.read().await.unwrap();
            count(&mut next).await;
            view = next;
        }
    });
    for n in 0..100 {
        keep_much(&scratch.database, n.to_string()).await;
    }
    readers.abort();
    assert!(log_bytes(&scratch) < 60_000_000, "{}", log_bytes(&scratch));
}

#[tokio::test]
async fn what_can_not_be_opened_is_said_in_one_sentence() {
    let folder = Folder::new();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("letter.txt"), "Dear Sir or Madam, this is no database. ".repeat(50)).unwrap();
    for (file, says) in
        [("letter.txt", "is not a database"), ("letter.txt/x.db", "can't be made"), ("", "can't be opened for writing")]
    {
        let address = Address::Sqlite(if file.is_empty() { folder.path().to_owned() } else { path(file) });
        let error = Database::open(&address).await.err().unwrap().to_string();
        assert!(error.contains(says) && error.ends_with('.') && !error.contains('\n'), "{error}");
    }
    let nobody = Address::parse("postgres://someone:secret@127.0.0.1:1/nowhere").unwrap();
    let error = Database::open(&nobody).await.err().unwrap().to_string();
    assert!(error.contains("does not answer") && !error.contains("secret"), "{error}");
    assert!(Address::parse("mysql://x").is_err());
}
