//! Puts the files where the server takes them from: one folder named after its content.
//!
//! `target/site/pkg/<hash>/…` never changes its meaning, so browsers may keep it forever, and
//! whatever the files say about one another stays true. What is in `public/` keeps its name, as
//! `target/site/assets/…`.
//! Beside each file lie a `.br` and a `.gz`, unless it would not shrink. `site.json` names it all.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use serde::Serialize;

use super::bind::{self, Code};
use super::{Files, Fingerprint, Finish, Stamp};
use crate::program::root;
use crate::report;

const STYLE: &str = "perennial.css";
/// As many digits as make a clash unthinkable and an address readable.
const HASH_LENGTH: usize = 16;

/// Everything that goes in.
pub struct Sources {
    pub code: Code,
    pub style: String,
    /// `en.txt`, …
    pub words: Files,
    pub public: Files,
}

/// `site.json`: every path is relative to the site's root.
#[derive(Serialize)]
struct Contents {
    style: String,
    script: String,
    wasm: String,
    /// Fetches the pieces of the WebAssembly.
    loader: String,
    /// By language tag.
    words: BTreeMap<String, String>,
    /// The pieces of the WebAssembly.
    chunks: Vec<String>,
    /// Which of them a lazy page needs, by its name in leptos' `PrefetchLazyFn`.
    preload: BTreeMap<String, Vec<String>>,
    /// What keeps its name between builds.
    assets: Vec<String>,
}

/// Writes `target/site/`; skipped while it is up to date.
///
/// # Errors
/// The folder cannot be written.
pub fn pack(sources: &Sources, finish: Finish) -> Result<()> {
    let (named, assets) = assemble(sources);
    let folder = root().join("target/site");
    let fingerprint = Fingerprint::new().add_files(&named).add_files(&assets).finish();
    let hash = &fingerprint[..HASH_LENGTH];
    let stamp = Stamp::of(&folder, format!("{fingerprint} {finish:?}"));
    if stamp.is_current() {
        return Ok(());
    }
    stamp.clear();
    let base = format!("pkg/{hash}");
    let contents = contents(&base, sources, assets.keys().cloned().collect());
    let mut files: Files = named.into_iter().map(|(path, bytes)| (format!("{base}/{path}"), bytes)).collect();
    files.extend(assets);
    if finish == Finish::Small {
        report::step("compressing");
        files.extend(compress_all(&files)?);
    }
    files.insert("site.json".to_owned(), serde_json::to_vec_pretty(&contents)?);
    write(&folder, &files)?;
    stamp.set()?;
    weigh(&files, &contents);
    Ok(())
}

/// What goes under the hashed name, and what keeps its own.
fn assemble(sources: &Sources) -> (Files, Files) {
    let mut named = sources.code.files.clone();
    named.insert(STYLE.to_owned(), sources.style.clone().into_bytes());
    named.extend(sources.words.iter().map(|(name, text)| (format!("words/{name}"), text.clone())));
    (named, sources.public.iter().map(|(name, bytes)| (format!("assets/{name}"), bytes.clone())).collect())
}

fn contents(base: &str, sources: &Sources, assets: Vec<String>) -> Contents {
    let place = |path: &str| format!("{base}/{path}");
    let is_piece = |path: &&String| super::kind(path) == "wasm" && *path != bind::WASM;
    let language = |file: &String| file.trim_end_matches(".txt").to_owned();
    Contents {
        style: place(STYLE),
        script: place(bind::SCRIPT),
        wasm: place(bind::WASM),
        loader: place(bind::LOADER),
        words: sources.words.keys().map(|file| (language(file), place(&format!("words/{file}")))).collect(),
        chunks: sources.code.files.keys().filter(is_piece).map(|path| place(path)).collect(),
        preload: sources
            .code
            .preload
            .iter()
            .map(|(page, pieces)| (page.clone(), pieces.iter().map(|it| place(it)).collect()))
            .collect(),
        assets,
    }
}

/// The compressed twins of all files, made on all cores.
fn compress_all(files: &Files) -> Result<Files> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let files: Vec<_> = files.iter().collect();
    std::thread::scope(|scope| {
        // Dealt like cards: neighbours in the list are of similar size.
        let workers: Vec<_> = (0..cores)
            .map(|worker| {
                let dealt = files.iter().skip(worker).step_by(cores);
                scope.spawn(move || dealt.map(|(path, bytes)| compress(path, bytes)).collect::<Result<Vec<_>>>())
            })
            .collect();
        let mut twins = Files::new();
        for worker in workers {
            twins.extend(worker.join().map_err(|_| anyhow!("a compressing thread ended early"))??.into_iter().flatten());
        }
        Ok(twins)
    })
}

/// `.br` and `.gz` of one file, as far as they are smaller than it.
fn compress(path: &str, bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>> {
    let mut brotli = Vec::new();
    let best = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, size_hint: bytes.len(), ..Default::default() };
    brotli::BrotliCompress(&mut &*bytes, &mut brotli, &best)?;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(bytes)?;
    let twins = [(format!("{path}.br"), brotli), (format!("{path}.gz"), gzip.finish()?)];
    Ok(twins.into_iter().filter(|(_, twin)| twin.len() < bytes.len()).collect())
}

/// Written beside and then swapped in: the server's build never sees half a site.
fn write(folder: &Path, files: &Files) -> Result<()> {
    let next = folder.with_extension("next");
    let _ = fs::remove_dir_all(&next);
    for (path, bytes) in files {
        let file = next.join(path);
        fs::create_dir_all(file.parent().context("a file has a folder")?)?;
        fs::write(&file, bytes).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    let _ = fs::remove_dir_all(folder);
    fs::rename(&next, folder).with_context(|| format!("{} cannot be replaced", folder.display()))
}

/// Says what a first visit downloads.
fn weigh(files: &Files, contents: &Contents) {
    let size = |path: &String| files.get(&format!("{path}.br")).or(files.get(path)).map_or(0, Vec::len);
    let kb = |bytes: usize| format!("{}.{} KB", bytes / 1000, bytes % 1000 / 100);
    let largest = contents.chunks.iter().map(size).max().unwrap_or(0);
    report::detail(format!(
        "as sent: WebAssembly {} and glue {}, {} page pieces up to {}, style {}",
        kb(size(&contents.wasm)),
        kb(size(&contents.script) + size(&contents.loader)),
        contents.chunks.len(),
        kb(largest),
        kb(size(&contents.style)),
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(style: &str) -> Sources {
        let files = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), vec![b'a'; 1000])).collect();
        Sources {
            code: Code {
                files: files(&[bind::SCRIPT, bind::WASM, bind::LOADER, "split_book.wasm"]),
                preload: BTreeMap::from([("book".to_owned(), vec!["split_book.wasm".to_owned()])]),
            },
            style: style.to_owned(),
            words: files(&["de.txt", "en.txt"]),
            public: files(&["favicon.ico"]),
        }
    }

    #[test]
    fn the_site_says_where_each_of_its_files_is() {
        let sources = sources("a{}");
        let (named, assets) = assemble(&sources);
        let contents = contents("pkg/1", &sources, assets.keys().cloned().collect());
        assert_eq!(contents.words["de"], "pkg/1/words/de.txt");
        assert_eq!(contents.chunks, ["pkg/1/split_book.wasm"]);
        assert_eq!(contents.preload["book"], ["pkg/1/split_book.wasm"]);
        assert_eq!(contents.assets, ["assets/favicon.ico"]);
        for path in [&contents.style, &contents.script, &contents.wasm, &contents.loader] {
            assert!(named.contains_key(path.trim_start_matches("pkg/1/")), "{path}");
        }
    }

    #[test]
    fn a_file_that_would_not_shrink_has_no_compressed_twin() {
        assert!(compress("a", b"x").unwrap().is_empty());
        let twins = compress("a", &[b'x'; 1000]).unwrap();
        assert_eq!(twins.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["a.br", "a.gz"]);
    }

    #[test]
    fn another_content_is_another_address() {
        let name = |style| Fingerprint::new().add_files(&assemble(&sources(style)).0).finish();
        assert_eq!(name("a{}"), name("a{}"));
        assert_ne!(name("a{}"), name("b{}"));
    }
}
