//! One WebAssembly file becomes a small main one and a piece per page group, bound to JavaScript.
//!
//! The pieces refer to one another by relative address (`split.js` fetches `./split_….wasm`, and
//! shares the memory that `./perennial.js` set up), so they must stay together in one folder.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow};
use wasm_bindgen_cli_support::Bindgen;

use super::{Files, Fingerprint, Stamp};
use crate::program::{self, root};
use crate::report;

pub const SCRIPT: &str = "perennial.js";
pub const WASM: &str = "perennial_bg.wasm";
pub const LOADER: &str = "split.js";

/// What Rust's wasm32 target uses, and every browser that knows `@layer` has.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// The code of the site.
pub struct Code {
    pub files: Files,
    /// Which pieces a lazy page needs, by the name that the page has in the server's `PrefetchLazyFn`.
    pub preload: BTreeMap<String, Vec<String>>,
}

/// Splits, binds and optimises; skipped while neither the file nor the optimiser has changed.
///
/// # Errors
/// The file is not what the splitter expects, or the optimiser refuses a piece.
pub fn bind(wasm: &Path, optimiser: Option<&Path>) -> Result<Code> {
    let input = fs::read(wasm).with_context(|| format!("{} cannot be read", wasm.display()))?;
    let folder = root().join("target/code");
    let optimiser_name = optimiser.map(fs::read).transpose()?.unwrap_or_default();
    let stamp = Stamp::of(&folder, Fingerprint::new().add(&input).add(&optimiser_name).finish());
    let preload = folder.join("preload.json");
    if !stamp.is_current() {
        stamp.clear();
        let _ = fs::remove_dir_all(&folder);
        report::step("splitting the WebAssembly by page");
        fs::write(&preload, serde_json::to_vec(&split(&input, &folder)?)?)?;
        if let Some(optimiser) = optimiser {
            report::step("making the WebAssembly small");
            optimise(&folder, optimiser)?;
        }
        stamp.set()?;
    }
    let preload = serde_json::from_slice(&fs::read(&preload)?)?;
    let mut files = super::read_folder(&folder)?;
    files.retain(|path, _| super::kind(path) != "json");
    Ok(Code { files, preload })
}

fn split(input: &[u8], folder: &Path) -> Result<HashMap<String, Vec<String>>> {
    let whole = root().join("target/front/main.wasm");
    let link_name = format!("./{LOADER}");
    let main_module = format!("./{SCRIPT}");
    let mut options = wasm_split_cli_support::Options::new(input);
    options.output_dir = folder;
    options.main_out_path = &whole;
    options.link_name = &link_name;
    options.main_module = &main_module;
    let split =
        wasm_split_cli_support::transform(options).map_err(|error| anyhow!("the WebAssembly cannot be split: {error:#}"))?;
    Bindgen::new()
        .input_path(&whole)
        .out_name("perennial")
        .web(true)?
        // The pieces link against exports that the main file itself never uses.
        .keep_lld_exports(true)
        .demangle(false)
        .typescript(false)
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(folder)?;
    let named = |pieces: Vec<String>| pieces.into_iter().map(|piece| format!("{piece}.wasm")).collect();
    Ok(split.prefetch_map.into_iter().map(|(page, pieces)| (page, named(pieces))).collect())
}

/// Two at a time: the main file alone takes about as long as all the pieces together.
fn optimise(folder: &Path, optimiser: &Path) -> Result<()> {
    let files = super::read_folder(folder)?;
    let (main, pieces): (Vec<_>, Vec<_>) = files
        .keys()
        .filter(|path| super::kind(path) == "wasm")
        .map(|path| folder.join(path))
        .partition(|path| path.ends_with(WASM));
    let optimise = |paths: Vec<std::path::PathBuf>| -> Result<()> {
        paths.iter().try_for_each(|path| {
            let mut command = Command::new("node");
            program::output(command.arg(optimiser).arg("-Oz").args(FEATURES).arg(path).arg("-o").arg(path)).map(drop)
        })
    };
    std::thread::scope(|scope| {
        let pieces = scope.spawn(|| optimise(pieces));
        optimise(main)?;
        pieces.join().map_err(|_| anyhow!("the optimiser's thread ended early"))?
    })
}
