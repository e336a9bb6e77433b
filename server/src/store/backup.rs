//! A consistent copy of the database while it serves, and the way back.
//!
//! Only SQLite: PostgreSQL has tools of its own that know more, and the sentence says which.

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};

use super::database::sqlite_options;
use super::migrate::newest;
use super::{Address, Database, StoreError};
use crate::private;

impl Database {
    /// Writes a copy of this moment to `file`. Readers and the writer go on meanwhile.
    ///
    /// # Errors
    /// `Refused` with a sentence: the file is there already, or can't be written, or PostgreSQL.
    pub async fn backup(&self, file: &Path) -> Result<(), StoreError> {
        let Address::Sqlite(path) = self.address() else {
            return Err(StoreError::Refused(
                "PostgreSQL is backed up with its own tool: pg_dump --format=custom --file=FILE \"$DATABASE_URL\".".to_owned(),
            ));
        };
        if file.exists() {
            return Err(StoreError::Refused(format!("The file {} is there already.", file.display())));
        }
        copy(path, file).await
    }

    /// Reads the whole database and sees whether it is what was written; `doctor` asks.
    pub async fn check(&self) -> Result<(), StoreError> {
        match self.address() {
            Address::Sqlite(path) => is_sound(path).await,
            Address::Postgres(_) => self.read().await?.query("SELECT 1 AS one").fetch_one().await.map(drop),
        }
    }
}

/// Puts a backup in the place of the database, which nobody may have open. With `replace` also
/// where there is one already; that one is kept beside it, as `….old`.
///
/// # Errors
/// `Refused` with a sentence; then nothing was changed.
pub async fn restore(backup: &Path, address: &Address, replace: bool) -> Result<(), StoreError> {
    let Address::Sqlite(path) = address else {
        return Err(StoreError::Refused(
            "PostgreSQL is restored with its own tool: pg_restore --clean --if-exists --dbname=\"$DATABASE_URL\" FILE."
                .to_owned(),
        ));
    };
    if !backup.is_file() {
        return Err(StoreError::Refused(format!("There is no file {}.", backup.display())));
    }
    is_ours(backup).await?;
    let in_place = path.exists();
    if in_place && !replace {
        return Err(StoreError::Refused(format!("There is a database at {} already: say --replace.", path.display())));
    }
    if in_place {
        fold_log(path).await?;
    } else if let Some(folder) = path.parent() {
        private::create_folder(folder).map_err(|error| unwritable(folder, &error))?;
    }
    let fresh = with_suffix(path, ".restored");
    remove_if_there(&fresh)?;
    copy(backup, &fresh).await?;
    // The log goes with its database: SQLite would put it into any other of that name.
    for part in ["", "-wal", "-shm", "-journal"] {
        move_if_there(&with_suffix(path, part), &with_suffix(path, &format!(".old{part}")))?;
    }
    std::fs::rename(&fresh, path).map_err(|error| unwritable(path, &error))?;
    sync_folder(path)
}

/// Copies a database of this moment under a passing name, checks the copy, and only then gives it
/// its name.
async fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let part = with_suffix(to, ".part");
    remove_if_there(&part)?;
    let _ = private::file().create_new(true).open(&part);
    let copied = async {
        let mut connection = SqliteConnection::connect_with(&reading(from)).await?;
        sqlx::query("VACUUM INTO $1").bind(part.to_string_lossy()).execute(&mut connection).await?;
        connection.close().await
    };
    if let Err(error) = copied.await {
        let _ = std::fs::remove_file(&part);
        return Err(StoreError::Refused(format!("The copy {} can't be written: {}.", to.display(), StoreError::from(error))));
    }
    is_sound(&part).await?;
    std::fs::File::open(&part).and_then(|file| file.sync_all()).map_err(|error| unwritable(&part, &error))?;
    std::fs::rename(&part, to).map_err(|error| unwritable(to, &error))?;
    sync_folder(to)
}

/// Every page and index agrees with the others.
async fn is_sound(path: &Path) -> Result<(), StoreError> {
    let mut connection = SqliteConnection::connect_with(&reading(path)).await?;
    let verdict: String = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut connection).await?;
    connection.close().await?;
    if verdict == "ok" { Ok(()) } else { Err(StoreError::Corrupt(verdict)) }
}

/// A sound database of this program, not newer than it.
async fn is_ours(path: &Path) -> Result<(), StoreError> {
    let foreign = |_| StoreError::Refused(format!("The file {} is not a backup of perennial.", path.display()));
    let mut connection = SqliteConnection::connect_with(&reading(path)).await.map_err(foreign)?;
    let number: Option<i64> =
        sqlx::query_scalar("SELECT MAX(number) FROM migration").fetch_one(&mut connection).await.map_err(foreign)?;
    connection.close().await?;
    if number.unwrap_or_default() > newest() {
        return Err(StoreError::Refused(format!("The backup {} was written by a newer perennial.", path.display())));
    }
    is_sound(path).await
}

/// Writes the log into the file and proves that nobody else has the database open: exclusive
/// locking on a database with a log needs to be alone.
async fn fold_log(path: &Path) -> Result<(), StoreError> {
    let alone = async {
        let options = sqlite_options(path).pragma("locking_mode", "EXCLUSIVE").busy_timeout(std::time::Duration::ZERO);
        let mut connection = SqliteConnection::connect_with(&options).await?;
        sqlx::query("PRAGMA journal_mode = DELETE").execute(&mut connection).await?;
        sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await?;
        sqlx::query("ROLLBACK").execute(&mut connection).await?;
        connection.close().await
    };
    match alone.await.map_err(StoreError::from) {
        // One that can't be read is what a backup is for.
        Ok(()) | Err(StoreError::Corrupt(_)) => Ok(()),
        Err(StoreError::Busy) => {
            Err(StoreError::Refused(format!("The database {} is in use: stop the server first.", path.display())))
        }
        Err(error) => Err(StoreError::Refused(format!("The database {} can't be replaced: {error}.", path.display()))),
    }
}

fn reading(path: &Path) -> SqliteConnectOptions {
    sqlite_options(path).read_only(true)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn remove_if_there(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unwritable(path, &error)),
        _ => Ok(()),
    }
}

/// Also takes away what had the new name before.
fn move_if_there(from: &Path, to: &Path) -> Result<(), StoreError> {
    remove_if_there(to)?;
    match std::fs::rename(from, to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unwritable(from, &error)),
        _ => Ok(()),
    }
}

/// A name is on the disk once its folder is.
fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| unwritable(folder, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Refused(format!("{} can't be written: {error}.", path.display()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Folder, Scratch, keep, kept, noon};
    use super::*;

    /// Two rows in one change, again and again: a copy with an odd number is no moment's state.
    async fn write_pairs(database: Database) -> i64 {
        let mut pairs = 0;
        loop {
            let written = database
                .write(async move |tx| {
                    for side in ["left", "right"] {
                        tx.query("INSERT INTO secret (name, value) VALUES ($1, $2)")
                            .bind(format!("{side} {pairs}"))
                            .bind("x".repeat(500))
                            .execute()
                            .await?;
                    }
                    Ok::<_, StoreError>(())
                })
                .await;
            if written.is_err() {
                return pairs;
            }
            pairs += 1;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_backup_under_load_is_of_one_moment_and_restores_elsewhere() {
        let scratch = Scratch::sqlite().await;
        let writing = tokio::spawn(write_pairs(scratch.database.clone()));
        let mut last = 0;
        for n in 0..5 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            let acknowledged = kept(&scratch.database).await;
            let file = scratch.folder().join(format!("{n}.backup"));
            scratch.database.backup(&file).await.unwrap();

            let elsewhere = Address::Sqlite(scratch.folder().join(format!("{n}/perennial.db")));
            restore(&file, &elsewhere, false).await.unwrap();
            let restored = Database::open(&elsewhere).await.unwrap();
            assert_eq!(restored.migrate(noon()).await.unwrap(), 0);
            let rows = kept(&restored).await;
            assert_eq!(rows % 2, 0, "half a change");
            assert!(rows >= acknowledged && rows > last, "{rows} of {acknowledged}, after {last}");
            last = rows;
            restored.check().await.unwrap();
            restored.close().await;
        }
        scratch.database.close().await;
        assert!(writing.await.unwrap() * 2 >= last);
    }

    #[tokio::test]
    async fn a_backup_never_overwrites_a_file() {
        let scratch = Scratch::sqlite().await;
        let file = scratch.folder().join("precious");
        std::fs::write(&file, "mine").unwrap();
        assert!(scratch.database.backup(&file).await.is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
        let nowhere = scratch.folder().join("no/such/folder");
        let error = scratch.database.backup(&nowhere).await.unwrap_err().to_string();
        assert!(error.contains("can't be written"), "{error}");
    }

    #[tokio::test]
    async fn restoring_takes_only_our_own_files_and_never_under_a_running_server() {
        let scratch = Scratch::sqlite().await;
        let address = scratch.database.address().clone();
        keep(&scratch.database, "before").await.unwrap();
        let file = scratch.folder().join("good");
        scratch.database.backup(&file).await.unwrap();
        keep(&scratch.database, "after").await.unwrap();

        let folder = Folder::new();
        let strange = folder.path().join("strange");
        std::fs::write(&strange, "hello ".repeat(1_000)).unwrap();
        let says = async |from: &Path, replace: bool| restore(from, &address, replace).await.unwrap_err().to_string();
        assert!(says(&folder.path().join("none"), true).await.contains("There is no file"));
        assert!(says(&strange, true).await.contains("not a backup"));
        assert!(says(&file, false).await.contains("--replace"));
        assert!(says(&file, true).await.contains("stop the server first"));

        scratch.database.close().await;
        restore(&file, &address, true).await.unwrap();
        let restored = Database::open(&address).await.unwrap();
        assert_eq!(kept(&restored).await, 1);
        let old = Address::Sqlite(scratch.folder().join("perennial.db.old"));
        assert_eq!(kept(&Database::open(&old).await.unwrap()).await, 2);
    }

    #[tokio::test]
    async fn a_damaged_database_is_replaced_and_kept_aside() {
        let scratch = Scratch::sqlite().await;
        let address = scratch.database.address().clone();
        let path = |suffix: &str| scratch.folder().join(format!("perennial.db{suffix}"));
        keep(&scratch.database, "kept").await.unwrap();
        scratch.database.backup(&path(".backup")).await.unwrap();
        scratch.database.close().await;
        let mut damaged = std::fs::read(path("")).unwrap();
        damaged.iter_mut().take(90).for_each(|byte| *byte = 7);
        std::fs::write(path(""), &damaged).unwrap();

        restore(&path(".backup"), &address, true).await.unwrap();
        assert_eq!(kept(&Database::open(&address).await.unwrap()).await, 1);
        assert!(std::fs::read(path(".old")).unwrap() == damaged);
    }

    #[tokio::test]
    async fn a_log_that_was_left_over_does_not_get_into_the_restored_database() {
        let scratch = Scratch::sqlite().await;
        let address = scratch.database.address().clone();
        let path = |suffix: &str| scratch.folder().join(format!("perennial.db{suffix}"));
        scratch.database.backup(&path(".backup")).await.unwrap();
        keep(&scratch.database, "only in the log").await.unwrap();
        let log = std::fs::read(path("-wal")).unwrap();
        scratch.database.close().await;
        std::fs::write(path("-wal"), log).unwrap();
        std::fs::remove_file(path("")).unwrap();

        restore(&path(".backup"), &address, false).await.unwrap();
        let restored = Database::open(&address).await.unwrap();
        restored.check().await.unwrap();
        assert_eq!(kept(&restored).await, 0);
    }

    #[tokio::test]
    async fn for_postgresql_the_sentence_names_the_tool() {
        let scratch = Scratch::postgres().await;
        let error = scratch.database.backup(Path::new("x")).await.unwrap_err().to_string();
        assert!(error.contains("pg_dump"), "{error}");
        let error = restore(Path::new("x"), scratch.database.address(), false).await.unwrap_err().to_string();
        assert!(error.contains("pg_restore"), "{error}");
    }
}
