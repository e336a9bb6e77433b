//! What a first visit downloads: bytes as they are sent to a browser that takes brotli, and how
//! many requests there are until the page is awake. Kilobytes are thousands.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::figure::Measured;
use super::lighthouse::script;
use super::measured::lines;
use crate::browser::Server;
use crate::program::root;

/// The part of `site.json` that is weighed.
#[derive(Deserialize)]
struct Site {
    script: String,
    wasm: String,
    words: BTreeMap<String, String>,
    preload: BTreeMap<String, Vec<String>>,
}

/// # Errors
/// The site is not built, or there is no node or no Chromium to visit it with.
pub fn measure(binary: &Path) -> Result<Vec<Measured>> {
    let mut figures = lines(&mut script("weight", &Server::start(binary)?)?)?;
    let folder = root().join("target/site");
    let text = fs::read_to_string(folder.join("site.json")).context("the site is not built")?;
    let site: Site = serde_json::from_str(&text)?;
    let kb = |files: &[&String]| kilobytes(files);
    figures.push(Measured::new("main WebAssembly and glue", kb(&[&site.wasm, &site.script])?, "KB"));
    let pages: Vec<Vec<&String>> = site.preload.values().map(|pieces| pieces.iter().collect()).collect();
    let chunks = pages.iter().map(|pieces| kb(pieces)).collect::<Result<Vec<f64>>>()?;
    // A page's chunk is all that it needs beside the main part, in however many files.
    figures.push(Measured::new("largest page chunk", chunks.iter().copied().fold(0.0, f64::max), "KB"));
    let pieces = pages.iter().map(Vec::len).max().unwrap_or(0);
    figures.push(Measured::new("largest number of files in a page chunk", f64::from(u32::try_from(pieces)?), "files"));
    if let Some(words) = site.words.get("en") {
        figures.push(Measured::new("words, English", kb(&[words])?, "KB"));
    }
    Ok(figures)
}

/// Files of the site together, as the server sends them.
///
/// # Errors
/// The site is not built.
pub fn kilobytes<F: AsRef<str>>(files: &[F]) -> Result<f64> {
    let folder = root().join("target/site");
    let bytes = files.iter().map(|file| sent(&folder, file.as_ref())).sum::<Result<u32>>()?;
    Ok(f64::from(bytes) / 1000.0)
}

/// Bytes of a file as the server sends it.
fn sent(folder: &Path, file: &str) -> Result<u32> {
    let size = |file: String| fs::metadata(folder.join(file)).map(|it| it.len());
    let bytes = size(format!("{file}.br")).or_else(|_| size(file.to_owned())).with_context(|| format!("{file} is missing"))?;
    Ok(u32::try_from(bytes)?)
}
