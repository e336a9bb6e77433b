//! A PostgreSQL of its own for the tests: made, used and thrown away.
//!
//! As strict about the disk as PostgreSQL is by default, because that is what the tests are about.
//! Not for anyone's real data.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::unistd::{Uid, User};
use tempfile::TempDir;

use crate::program::{free_port, output};
use crate::stop::{Tended, wait_for};
use crate::{provision, report};

/// Tests open a few connections each, many tests at once.
const CONNECTIONS: u32 = 400;
const START_LIMIT: Duration = Duration::from_mins(1);

/// Runs until it is dropped. The order of the fields matters: stopped first, then removed.
pub struct Postgres {
    server: Tended,
    folder: TempDir,
    url: String,
}

impl Postgres {
    /// # Errors
    /// There is no PostgreSQL and none can be installed, or it does not start; with what it says.
    pub fn start() -> Result<Self> {
        let programs = provision::postgres()?;
        report::step("starting a PostgreSQL of our own");
        let owner = owner()?;
        let folder = tempfile::Builder::new().prefix("perennial-postgres-").tempdir()?;
        let password = format!("{:032x}", rand::random::<u128>());
        let password_file = folder.path().join("password");
        fs::write(&password_file, &password)?;
        if let Some(owner) = &owner {
            for path in [folder.path(), &password_file] {
                chown(path, Some(owner.uid.as_raw()), Some(owner.gid.as_raw()))?;
            }
        }
        let program = |name: &str| {
            let mut command = Command::new(programs.join(name));
            if let Some(owner) = &owner {
                command.uid(owner.uid.as_raw()).gid(owner.gid.as_raw());
            }
            command.current_dir(folder.path()).env_remove("PGDATA");
            command
        };
        let cluster = folder.path().join("cluster");
        let mut initdb = program("initdb");
        initdb.arg("--pgdata").arg(&cluster).arg("--pwfile").arg(&password_file);
        // The password travels over loopback only; hashing it in every test's connection would take longer than the test.
        output(initdb.args(["--username=perennial", "--auth=password", "--encoding=UTF8", "--no-locale"]))?;
        let port = free_port()?;
        let mut postgres = program("postgres");
        postgres.arg("-D").arg(&cluster).arg("-k").arg(folder.path()).args(["-p", &port.to_string()]);
        postgres.args(["-c", "listen_addresses=127.0.0.1", "-c", &format!("max_connections={CONNECTIONS}")]);
        let log = fs::File::create(folder.path().join("log"))?;
        let server = Tended::start(postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log))?;
        let mut started = Self { server, folder, url: format!("postgres://perennial:{password}@127.0.0.1:{port}/postgres") };
        wait_for("PostgreSQL", START_LIMIT, || started.is_ready())?;
        Ok(started)
    }

    /// `postgres://…`, with the password, as a user who may create databases.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The eighth line of its own note says when it takes connections.
    fn is_ready(&mut self) -> Result<bool> {
        let read = |file: &str| fs::read_to_string(self.folder.path().join(file)).unwrap_or_default();
        if let Some(status) = self.server.ended() {
            bail!("PostgreSQL ended with {status}: {}", read("log").trim());
        }
        Ok(read("cluster/postmaster.pid").lines().nth(7).is_some_and(|state| state.trim() == "ready"))
    }
}

/// PostgreSQL refuses to run as root; then it runs as the account that its package made, or as nobody.
fn owner() -> Result<Option<User>> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    let found = ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten());
    found.map(Some).context("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody: add one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_it_is_left_behind() {
        let postgres = Postgres::start().unwrap();
        let folder = postgres.folder.path().to_path_buf();
        let address = postgres.url().split_once('@').unwrap().1.trim_end_matches("/postgres").to_owned();
        assert!(std::net::TcpStream::connect(&address).is_ok());
        drop(postgres);
        assert!(std::net::TcpStream::connect(&address).is_err());
        assert!(!folder.exists());
    }
}
