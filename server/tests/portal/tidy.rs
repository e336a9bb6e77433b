//! The house rules that a compiler does not know, each with the reason in its message.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file below a folder of the workspace with this extension: its path from the top, its text.
fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("node_modules") && !path.ends_with("target") {
                    walk(&path, extension, found);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(&root().join(folder), extension, &mut paths);
    paths.sort();
    paths.retain(|path| !path.ends_with("tests.rs") && !path.ends_with("testing.rs"));
    let name = |path: &PathBuf| path.strip_prefix(root()).unwrap().display().to_string();
    paths.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

fn sources() -> Vec<(String, String)> {
    ["app/src", "server/src", "end2end/src"].into_iter().flat_map(|folder| files(folder, "rs")).collect()
}

/// The part of a file above its own tests.
fn product(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap()
}

fn none(rule: &str, broken: Vec<String>) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

#[test]
fn the_top_level_shows_only_what_the_design_names() {
    let allowed = [
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "app",
        "data",
        "end2end",
        "public",
        "server",
        "style",
        "target",
    ];
    let found = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    none("not at the top level", found.filter(|name| !name.starts_with('.') && !allowed.contains(&name.as_str())).collect());
}

#[test]
fn every_file_says_first_what_it_is() {
    let silent = sources().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(path, _)| path);
    none("begin the file with //! what it is and why", silent.collect());
}

#[test]
fn no_file_is_too_long_to_be_read_in_one_go() {
    const LINES_MAX: usize = 450;
    let long = sources().into_iter().filter_map(|(path, text)| {
        let lines = product(&text).lines().count();
        (lines > LINES_MAX).then(|| format!("{path}: {lines} lines"))
    });
    none("split the file", long.collect());
}

#[test]
fn nothing_is_left_for_later() {
    let words =
        ["TODO", "FIXME", "HACK", "#[ignore", "test.skip(", "test.fixme(", "test.only("].map(|word| (word, word.to_lowercase()));
    let mut all = sources();
    all.extend(files("end2end/specs", "ts"));
    all.extend(files("server/tests", "rs").into_iter().filter(|(path, _)| !path.ends_with("tidy.rs")));
    let broken = all.iter().flat_map(|(path, text)| {
        words.iter().filter(|(word, _)| text.contains(word)).map(move |(word, _)| format!("{path}: {word}"))
    });
    none("finish it or leave it out", broken.collect());
}

#[test]
fn things_and_rules_know_no_framework() {
    let pure = |path: &str| path.ends_with("/model.rs") || path.ends_with("/rules.rs") || path.contains("/rules/");
    let foreign = ["leptos", "axum", "sqlx", "tokio", "Utc::now", "web_sys"];
    let broken = files("app/src", "rs").into_iter().filter(|(path, _)| pure(path)).flat_map(|(path, text)| {
        let found: Vec<String> =
            foreign.iter().filter(|word| product(&text).contains(**word)).map(|word| format!("{path}: {word}")).collect();
        found
    });
    none("model and rules are pure: time and the world are arguments", broken.collect());
}

#[test]
fn sql_stands_in_store_files_only() {
    let is_store = |path: &str| path.contains("/store/") || path.ends_with("/store.rs") || path.contains("server/src/jobs/");
    let keeper = |path: &str| ["server/src/audit.rs", "server/src/link.rs"].contains(&path);
    let broken =
        files("server/src", "rs").into_iter().filter(|(path, _)| !is_store(path) && !keeper(path)).filter(|(_, text)| {
            [".query(\"", ".query(\n", "INSERT INTO ", "DELETE FROM "].iter().any(|sql| product(text).contains(sql))
        });
    none("move the statement to the feature's store", broken.map(|(path, _)| path).collect());
}

#[test]
fn every_statement_is_scoped_to_a_clinic() {
    // Statements that are about the whole server, by the words that follow.
    let whole = ["FROM secret", "INTO secret", "FROM migration", "INTO migration", "FROM clinic", "INTO clinic"];
    let sweeps = ["FROM occupancy WHERE expires_at <=", "FROM hold WHERE expires_at <=", " job ", " job\n", "sql)", "version()"];
    let mut broken = Vec::new();
    for (path, text) in files("server/src", "rs").into_iter().filter(|(path, _)| !path.contains("server/src/store/")) {
        for statement in product(&text).split("tx.query(").skip(1).chain(product(&text).split("\n            .query(").skip(1)) {
            let statement =
                statement.split(".bind").next().unwrap().split(".fetch").next().unwrap().split(".execute").next().unwrap();
            let known = whole.iter().chain(&sweeps).any(|words| statement.contains(words));
            if !known && !statement.contains("clinic") {
                broken.push(format!("{path}: {}", statement.lines().take(2).collect::<String>()));
            }
        }
    }
    none("every table has a clinic and every query names it", broken);
}

#[test]
fn every_server_function_names_its_address() {
    let broken = files("app/src", "rs").into_iter().filter(|(_, text)| {
        text.matches("#[server").count()
            != text.matches("#[server(endpoint = \"").count() + text.matches("#[server(default)]").count()
    });
    none("without an endpoint the address depends on where the project lies", broken.map(|(path, _)| path).collect());
}

#[test]
fn a_server_function_has_no_rule_of_its_own() {
    let broken = files("app/src", "rs").into_iter().filter(|(path, _)| path.ends_with("/api.rs")).flat_map(|(path, text)| {
        let bodies: Vec<String> =
            text.split("#[server(endpoint").skip(1).map(|body| body.split("\n}\n").next().unwrap().to_owned()).collect();
        bodies
            .into_iter()
            .filter(|body| body.contains("if ") || body.contains("match "))
            .map(|body| format!("{path}: {}", body.lines().nth(1).unwrap_or_default()))
            .collect::<Vec<_>>()
    });
    none("a decision belongs into the service, where jobs and FHIR come by too", broken.collect());
}

#[test]
fn pages_have_no_inline_style_and_sheets_no_left_or_right() {
    let inline = files("app/src", "rs").into_iter().filter(|(_, text)| text.contains(" style="));
    none("the content security policy refuses inline styles", inline.map(|(path, _)| path).collect());
    let sided = files("style", "css").into_iter().flat_map(|(path, text)| {
        let sides = [
            "margin-left",
            "margin-right",
            "padding-left",
            "padding-right",
            "text-align: left",
            "text-align: right",
            "float: left",
            "float: right",
        ];
        sides.iter().filter(|side| text.contains(**side)).map(|side| format!("{path}: {side}")).collect::<Vec<_>>()
    });
    none("use logical properties: Arabic reads from the right", sided.collect());
}

#[test]
fn no_page_asks_another_host() {
    let mut all = files("app/src", "rs");
    all.extend(files("style", "css"));
    // A link to a map sends nothing until somebody taps it.
    all.retain(|(path, _)| path != "app/src/ui/map.rs");
    let broken = all.into_iter().filter(|(_, text)| {
        let text = product(text).replace("http://www.w3.org/", "");
        text.lines().any(|line| !line.trim_start().starts_with("//") && (line.contains("https://") || line.contains("http://")))
    });
    none("nothing leaves the clinic's server", broken.map(|(path, _)| path).collect());
}

#[test]
fn names_say_what_a_thing_is() {
    let empty = ["utils", "common", "helpers", "helper", "manager", "handler", "handlers", "data", "info", "misc", "lib2"];
    let broken = sources().into_iter().map(|(path, _)| path).filter(|path| {
        let path = Path::new(path);
        path.iter().any(|part| empty.contains(&Path::new(part).file_stem().unwrap().to_str().unwrap()))
    });
    none("name the file after what is in it", broken.collect());
}
