//! Finds the tools that the product is built and tested with, and installs what is missing.
//!
//! Only through rustup, npm and apt, and never without saying so. What cannot be had fails with
//! one sentence that says what to install.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};

use crate::program::{self, find, root};
use crate::report;

const NODE_OLDEST: u32 = 20;

/// Rust's WebAssembly target.
///
/// # Errors
/// There is no rustup to add it with.
pub fn wasm_target() -> Result<()> {
    let sysroot = program::output(Command::new("rustc").args(["--print", "sysroot"]).current_dir(root()))?;
    if Path::new(sysroot.trim()).join("lib/rustlib/wasm32-unknown-unknown").is_dir() {
        return Ok(());
    }
    report::step("adding Rust's WebAssembly target");
    program::run(Command::new("rustup").args(["target", "add", "wasm32-unknown-unknown"]).current_dir(root()))
        .context("Rust's target wasm32-unknown-unknown is missing: install it")
}

/// A part of the toolchain that a minimal one lacks, by the name of its cargo command: "fmt", "clippy".
///
/// # Errors
/// There is no rustup to add it with.
pub fn component(command: &str) -> Result<()> {
    if program::output(&mut program::cargo(&[command, "--version"])).is_ok() {
        return Ok(());
    }
    let name = if command == "fmt" { "rustfmt" } else { command };
    report::step(format!("adding Rust's component {name}"));
    program::run(Command::new("rustup").args(["component", "add", name]).current_dir(root()))
        .with_context(|| format!("Rust's component {name} is missing: install it"))
}

/// The size optimiser's script for node; without node the site is larger, and this says so.
pub fn optimiser() -> Option<PathBuf> {
    match node_packages() {
        Ok(packages) => Some(packages.join("binaryen/bin/wasm-opt")),
        Err(reason) => {
            report::step(format!("leaving out the size optimiser: {reason:#}"));
            None
        }
    }
}

/// `node_modules`, filled as the lock file says.
///
/// # Errors
/// There is no node of a fitting version, or npm cannot reach its registry.
pub fn node_packages() -> Result<PathBuf> {
    let version = program::output(Command::new("node").arg("--version")).map_err(|_| missing_node())?;
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    if major < NODE_OLDEST {
        return Err(missing_node());
    }
    let folder = root().join("end2end");
    let packages = folder.join("node_modules");
    let (lock, installed) = (folder.join("package-lock.json"), packages.join(".installed"));
    let wanted = fs::read(&lock).with_context(|| format!("{} cannot be read", lock.display()))?;
    if fs::read(&installed).is_ok_and(|last| last == wanted) {
        return Ok(packages);
    }
    report::step("installing the npm packages");
    program::output(Command::new("npm").arg("ci").current_dir(&folder).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"))?;
    fs::write(&installed, wanted)?;
    Ok(packages)
}

/// The folder with `initdb` and `postgres`.
///
/// # Errors
/// There is none, and no way to install it.
pub fn postgres() -> Result<PathBuf> {
    if let Some(folder) = postgres_folder() {
        return Ok(folder);
    }
    install(&["postgresql"]).context("PostgreSQL is missing: install it (Debian's package is called postgresql)")?;
    postgres_folder().context("PostgreSQL was installed, but its program initdb is nowhere: put its folder on the PATH")
}

/// Debian keeps the server's programs off the path, in a folder per version.
fn postgres_folder() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|version| version.path().join("bin"));
    let on_path = find("initdb").and_then(|program| Some(program.canonicalize().ok()?.parent()?.to_path_buf()));
    let complete = |folder: &PathBuf| ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file());
    on_path.into_iter().chain(versions).filter(complete).max()
}

/// A Chromium to drive; `CHROMIUM` in the environment decides, if it is set.
///
/// # Errors
/// There is none, and no way to install it.
pub fn chromium() -> Result<PathBuf> {
    chosen("CHROMIUM", &["chromium", "chromium-browser", "google-chrome"], &["chromium"])
}

/// A Firefox to drive; `FIREFOX` in the environment decides, if it is set.
///
/// # Errors
/// There is none, and no way to install it.
pub fn firefox() -> Result<PathBuf> {
    chosen("FIREFOX", &["firefox-esr", "firefox"], &["firefox-esr"])
}

/// What drives the engine of Safari, and a browser with it; `WEBKIT_DRIVER` and `WEBKIT` in the
/// environment decide, if they are set. A screen in memory for it is on the path then.
///
/// # Errors
/// There is none, and no way to install it.
pub fn webkit() -> Result<(PathBuf, PathBuf)> {
    if find("xvfb-run").is_none() {
        install(&["xvfb", "xauth"]).context("xvfb-run is missing: install it")?;
    }
    let driver = chosen("WEBKIT_DRIVER", &["WebKitWebDriver"], &["webkit2gtk-driver"])?;
    let browser = format!("/usr/lib/{}-linux-gnu/webkit2gtk-4.1/MiniBrowser", std::env::consts::ARCH);
    Ok((driver, chosen("WEBKIT", &[&browser], &["libwebkit2gtk-4.1-0"])?))
}

/// The program that the environment names, or else the first of `names` that there is.
fn chosen(variable: &str, names: &[&str], packages: &[&str]) -> Result<PathBuf> {
    if let Some(chosen) = std::env::var_os(variable) {
        return Ok(chosen.into());
    }
    let installed = || names.iter().copied().find_map(find);
    if let Some(program) = installed() {
        return Ok(program);
    }
    let package = packages[0];
    install(packages).with_context(|| format!("{package} is missing: install it, or name its program in {variable}"))?;
    installed().with_context(|| format!("{package} was installed, but its program is nowhere: name it in {variable}"))
}

/// Debian packages, where this is Debian and we may.
fn install(packages: &[&str]) -> Result<()> {
    if find("apt-get").is_none() {
        bail!("there is no apt-get here");
    }
    let is_allowed = nix::unistd::Uid::effective().is_root();
    if !is_allowed && program::output(Command::new("sudo").args(["-n", "true"])).is_err() {
        bail!("only root may install packages");
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(if is_allowed { "env" } else { "sudo" });
        if !is_allowed {
            command.args(["-n", "env"]);
        }
        program::output(command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(arguments))
    };
    report::step(format!("installing {} with apt", packages.join(", ")));
    apt(&["update", "--quiet"])?;
    let install = ["install", "--yes", "--quiet", "--no-install-recommends"];
    apt(&[&install, packages].concat()).map(drop)
}

fn missing_node() -> anyhow::Error {
    anyhow!("Node.js {NODE_OLDEST} or newer is missing: install it, with npm")
}
