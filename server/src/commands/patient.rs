//! `perennial patient`: the patients whom a clinic knew before.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use server::clock::Clock;
use server::config::{Choice, Config};
use server::{Portal, patient};

use super::{known, say, text_of, to_mend};

#[derive(Subcommand)]
pub enum PatientCommand {
    /// Take over a clinic's list: who is known, what they had, and who should call instead of booking
    Load {
        /// The clinic's name in addresses: rowan-street
        clinic: String,
        /// A CSV file; server/demo/README.md describes it
        file: PathBuf,
    },
}

pub async fn load(mut config: Config, clock: Clock, clinic: &str, path: &Path) -> anyhow::Result<()> {
    let text = text_of(path)?;
    let today = clock.now().date_naive();
    config.demo = Choice::Off;
    let portal = Portal::open(config, clock).await?;
    let loaded = async {
        let slug = known(&portal, clinic)?;
        let clinic = portal.clinic(&slug).context("The clinic was taken away just now")?;
        let list = patient::file::read(&text, &clinic, today).map_err(|mistakes| to_mend(path, &mistakes))?;
        Ok::<_, anyhow::Error>(portal.load_patients(&slug, list).await?)
    };
    let loaded = loaded.await;
    portal.close().await;
    let loaded = loaded?;
    say(&format!("{} patients were added and {} updated.", loaded.added, loaded.updated))
}
