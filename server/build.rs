//! Sees to it that the site's folder exists, so that the server builds before its site, and that
//! a new site makes a new server: which files there are is decided while compiling.

use std::fs;
use std::path::Path;

fn main() {
    let site = Path::new("../target/site");
    // Where it cannot be made, the server is built without a site and says so when it starts.
    let _ = fs::create_dir_all(site);
    println!("cargo::rerun-if-changed={}", site.display());
    println!("cargo::rerun-if-changed=build.rs");
}
