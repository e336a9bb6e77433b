//! The app compiled for the browser, and the words that its build script wrote.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::{Files, Finish};
use crate::program;
use crate::stop::{self, Tended};

/// What cargo made.
pub struct Front {
    /// The whole app in one file, with the relocations that the split needs.
    pub wasm: PathBuf,
    /// The build script's folder: one text file per language.
    words: PathBuf,
}

/// The lines of `cargo --message-format=json` that matter here.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        target: Target,
        filenames: Vec<PathBuf>,
    },
    BuildScriptExecuted {
        package_id: String,
        out_dir: PathBuf,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// # Errors
/// The app does not compile; cargo has said why.
pub fn compile(finish: Finish) -> Result<Front> {
    let profile = match finish {
        Finish::Small => "wasm-release",
        Finish::Quick => "dev",
    };
    let mut command = program::cargo(&["build", "--package", "app", "--lib", "--target", "wasm32-unknown-unknown"]);
    command
        .args(["--no-default-features", "--features", "hydrate", "--profile", profile])
        // A folder of its own: these flags would otherwise throw away the other builds' work, and theirs this one's.
        // They take the place of those in `.cargo/config.toml`, so its cfg is here again.
        .args(["--target-dir", "target/front", "--message-format", "json-render-diagnostics"])
        .env("RUSTFLAGS", "-Clink-args=--emit-relocs --cfg=erase_components")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .stdout(Stdio::piped());
    let mut cargo = Tended::start(&mut command).context("cargo could not be started")?;
    let (mut wasm, mut words) = (None, None);
    for line in BufReader::new(cargo.stdout().context("cargo has no output")?).lines() {
        match serde_json::from_str(&line?) {
            Ok(Message::CompilerArtifact { target, filenames }) if target.name == "app" => {
                wasm = filenames.into_iter().find(|file| file.extension().is_some_and(|it| it == "wasm")).or(wasm);
            }
            Ok(Message::BuildScriptExecuted { package_id, out_dir }) if package_id.contains("/app#") => words = Some(out_dir),
            _ => {}
        }
    }
    let status = cargo.wait()?;
    stop::check()?;
    if !status.success() {
        bail!("the pages do not compile for the browser");
    }
    Ok(Front { wasm: wasm.context("cargo named no WebAssembly file")?, words: words.context("cargo named no folder of words")? })
}

impl Front {
    /// `en.txt` and its siblings.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn words(&self) -> Result<Files> {
        let mut files = super::read_folder(&self.words)?;
        files.retain(|path, _| super::kind(path) == "txt");
        Ok(files)
    }
}
