//! `perennial clinic`: clinics and the files that describe them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Subcommand;
use server::Portal;
use server::clinic::file;
use server::clinic::load::{Loaded, Misfit, Refused};
use server::clock::Clock;
use server::config::{Choice, Config};

use super::{say, text_of, to_mend};

#[derive(Subcommand)]
pub enum ClinicCommand {
    /// Find every mistake in a clinic's file
    Check { file: PathBuf },
    /// Make the clinic what its file says
    Load {
        file: PathBuf,
        /// Also if booked appointments no longer fit
        #[arg(long)]
        force: bool,
    },
}

pub fn check(path: &Path) -> anyhow::Result<()> {
    let clinic = read_clinic(path)?;
    say(&format!("{} is in order: {}, {} treatments.", path.display(), clinic.name, clinic.treatments.len()))
}

/// The clinic of a file; its mistakes, one a line, on standard error.
fn read_clinic(path: &Path) -> anyhow::Result<app::clinic::model::Clinic> {
    file::read(&text_of(path)?).map_err(|mistakes| to_mend(path, &mistakes))
}

pub async fn load(mut config: Config, clock: Clock, path: &Path, force: bool) -> anyhow::Result<()> {
    let clinic = read_clinic(path)?;
    let name = clinic.name.clone();
    config.demo = Choice::Off;
    let portal = Portal::open(config, clock).await?;
    let loaded = portal.load(clinic, force).await;
    portal.close().await;
    match loaded {
        Ok(Loaded { misfits, .. }) => {
            for misfit in &misfits {
                say(&format!("Still booked, and the patient is told: {misfit}."))?;
            }
            say(&format!("{name} is now what {} says.", path.display()))
        }
        Err(refused) => {
            let tell = |misfits: &[Misfit]| {
                for misfit in misfits {
                    let _ = writeln!(std::io::stderr(), "{misfit}");
                }
            };
            match &refused {
                Refused::Misfits(misfits) => {
                    tell(misfits);
                    bail!("{refused}, so nothing was changed; --force changes it, keeps them booked and tells the patients.");
                }
                Refused::Gone(misfits) => {
                    tell(misfits);
                    bail!("{refused}, so nothing was changed.");
                }
                Refused::Store(_) => Err(refused.into()),
            }
        }
    }
}
