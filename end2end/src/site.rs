//! Builds what browsers get: WebAssembly in pieces, its glue, styles and words.
//!
//! # Layout
//!
//! - `front`: the app compiled for the browser
//! - `bind`: that one file split by page, bound to JavaScript, made small
//! - `style`: the sheets, lowered for older browsers; `script`: the booking frame's loader, squeezed
//! - `pack`: everything under one hashed name, compressed beforehand, with `site.json` naming it
//!
//! The result is `target/site/`: what the server carries inside itself.
//! Each part is skipped while what it is made of has not changed. Not the server: see `serve`.

mod bind;
mod front;
mod pack;
mod script;
mod style;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::program::root;
use crate::{provision, report};

/// A change of these files is a change of the site.
const RECIPE: [&str; 5] = [
    include_str!("site/bind.rs"),
    include_str!("site/front.rs"),
    include_str!("site/pack.rs"),
    include_str!("site/script.rs"),
    include_str!("site/style.rs"),
];

/// How much work goes into the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// For patients' phones: optimised and compressed as far as it goes.
    Small,
    /// For someone who waits at an editor.
    Quick,
}

/// Files by their path in the site.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Builds the site if it is not up to date.
///
/// # Errors
/// One sentence with what went wrong and in which file.
pub fn build(finish: Finish) -> Result<()> {
    provision::wasm_target()?;
    let optimiser = match finish {
        Finish::Small => provision::optimiser(),
        Finish::Quick => None,
    };
    report::step("compiling the pages to WebAssembly");
    let front = front::compile(finish)?;
    let code = bind::bind(&front.wasm, optimiser.as_deref())?;
    report::step("gathering styles and words");
    let sources = pack::Sources { code, style: style::bundle(&root().join("style"))?, words: front.words()?, public: public()? };
    pack::pack(&sources, finish)
}

/// What keeps its name, and the loader as it is sent.
fn public() -> Result<Files> {
    let mut files = read_folder(&root().join("public"))?;
    if let Some(loader) = files.get_mut("embed.js") {
        *loader = script::squeeze(std::str::from_utf8(loader).context("public/embed.js is not text")?).into_bytes();
    }
    Ok(files)
}

/// Everything in a folder, by path relative to it.
fn read_folder(folder: &Path) -> Result<Files> {
    fn add(files: &mut Files, folder: &Path, base: &Path) -> Result<()> {
        for entry in fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                add(files, &path, base)?;
            } else {
                let bytes = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
                files.insert(path.strip_prefix(base)?.to_string_lossy().into_owned(), bytes);
            }
        }
        Ok(())
    }
    let mut files = Files::new();
    add(&mut files, folder, folder)?;
    Ok(files)
}

/// What kind of file it is: "wasm", "css", …
fn kind(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, kind)| kind)
}

/// A name for exactly this content; 64 hexadecimal digits.
struct Fingerprint(Sha256);

impl Fingerprint {
    fn new() -> Self {
        let mut hash = Sha256::new();
        for file in RECIPE {
            hash.update(file);
        }
        Self(hash)
    }

    /// Lengths go in too: "ab" + "c" is not "a" + "bc".
    fn add(mut self, part: &[u8]) -> Self {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
        self
    }

    fn add_files(self, files: &Files) -> Self {
        files.iter().fold(self, |hash, (path, bytes)| hash.add(path.as_bytes()).add(bytes))
    }

    fn finish(self) -> String {
        format!("{:x}", self.0.finalize())
    }
}

/// Remembers beside a folder what it was made of.
struct Stamp {
    file: PathBuf,
    fingerprint: String,
}

impl Stamp {
    fn of(folder: &Path, fingerprint: String) -> Self {
        Self { file: folder.with_extension("stamp"), fingerprint }
    }

    fn is_current(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|last| last == self.fingerprint)
    }

    /// To be called before the folder is touched: a build that is cut short must not look finished.
    fn clear(&self) {
        let _ = fs::remove_file(&self.file);
    }

    fn set(&self) -> Result<()> {
        fs::write(&self.file, &self.fingerprint).with_context(|| format!("{} cannot be written", self.file.display()))
    }
}
