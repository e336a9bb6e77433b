//! Turns `locales/*.toml` into `words.rs`: one method per sentence, the same in every language.
//!
//! A sentence that a language lacks, or whose {arguments} differ between languages, stops the
//! build with its name. A table of plural forms becomes a method that takes the count first.
//! The browser gets none of this text in its WebAssembly: it loads the lines of its own
//! language (`words/<language>.txt`, one sentence a line, written by the site build).
#![expect(clippy::expect_used, reason = "a build script stops the build by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

/// English is first: it decides which sentences exist.
const LANGUAGES: [&str; 4] = ["en", "es", "de", "ar"];
/// CLDR's plural categories, in the order in which the forms of one sentence are laid out.
const FORMS: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];

/// A sentence's forms: one, or six where it counts something.
type Sentences = BTreeMap<String, Vec<String>>;

fn main() {
    let locales = Path::new("locales");
    println!("cargo::rerun-if-changed=locales");
    let languages = LANGUAGES.map(|language| read(&locales.join(format!("{language}.toml"))));
    let mistakes = compare(&languages);
    assert!(mistakes.is_empty(), "locales:\n{}", mistakes.join("\n"));

    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let out = Path::new(&out);
    fs::write(out.join("words.rs"), generate(&languages)).expect("OUT_DIR is writable");
    for (language, sentences) in LANGUAGES.iter().zip(&languages) {
        let lines: Vec<&str> = sentences.values().flatten().map(String::as_str).collect();
        fs::write(out.join(format!("{language}.txt")), lines.join("\n")).expect("OUT_DIR is writable");
    }
}

/// The sentences of one file; `[booking] held = ".."` is named `booking_held`.
fn read(path: &Path) -> Sentences {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut sentences = Sentences::new();
    for (group, entries) in table {
        let entries = entries.as_table().unwrap_or_else(|| panic!("{}: {group} is not a group", path.display()));
        for (name, value) in entries {
            let forms = match value {
                toml::Value::String(sentence) => vec![sentence.clone()],
                toml::Value::Table(forms) => plural(forms, &format!("{}: {group}.{name}", path.display())),
                _ => panic!("{}: {group}.{name} is neither a sentence nor a table of forms", path.display()),
            };
            assert!(!forms.iter().any(|form| form.contains('\n')), "{}: {group}.{name} must be one line", path.display());
            sentences.insert(format!("{group}_{name}"), forms);
        }
    }
    sentences
}

/// All six forms; those that a language does not have repeat `other`.
fn plural(forms: &toml::Table, place: &str) -> Vec<String> {
    if let Some(unknown) = forms.keys().find(|form| !FORMS.contains(&form.as_str())) {
        panic!("{place}: {unknown} is no plural form");
    }
    let form = |name: &str| forms.get(name).and_then(toml::Value::as_str);
    let other = form("other").unwrap_or_else(|| panic!("{place}: the form `other` is missing"));
    FORMS.iter().map(|name| form(name).unwrap_or(other).to_owned()).collect()
}

/// The {arguments} of a sentence, in the order of their first appearance.
fn arguments(forms: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for form in forms {
        let mut rest = form.as_str();
        while let Some((_, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap_or_else(|| panic!("unclosed {{ in {form:?}"));
            if !found.iter().any(|known| known == name) {
                found.push(name.to_owned());
            }
            rest = after;
        }
    }
    found
}

fn compare(languages: &[Sentences; 4]) -> Vec<String> {
    let english = &languages[0];
    let mut mistakes = Vec::new();
    for (language, sentences) in LANGUAGES.iter().zip(languages).skip(1) {
        for (name, forms) in english {
            match sentences.get(name) {
                None => mistakes.push(format!("  {language}: {name} is missing")),
                Some(theirs) if theirs.len() != forms.len() => {
                    mistakes.push(format!("  {language}: {name} must have plural forms in every language or in none"));
                }
                Some(theirs) => {
                    let (mut ours, mut theirs) = (arguments(forms), arguments(theirs));
                    ours.sort();
                    theirs.sort();
                    if ours != theirs {
                        mistakes.push(format!("  {language}: {name} has the arguments {theirs:?}, English has {ours:?}"));
                    }
                }
            }
        }
        for name in sentences.keys().filter(|name| !english.contains_key(*name)) {
            mistakes.push(format!("  {language}: {name} does not exist in English"));
        }
    }
    mistakes
}

fn generate(languages: &[Sentences; 4]) -> String {
    let english = &languages[0];
    let mut code = String::from("impl Words {\n");
    let mut line = 0;
    for (name, forms) in english {
        let arguments = arguments(forms);
        let counts = forms.len() > 1;
        let arguments: Vec<&String> = arguments.iter().filter(|argument| !(counts && *argument == "count")).collect();
        let parameters: String = arguments.iter().fold(String::new(), |mut all, argument| {
            let _ = write!(all, ", {argument}: &str");
            all
        });
        let pairs: String = arguments.iter().fold(String::new(), |mut all, argument| {
            let _ = write!(all, "(\"{argument}\", {argument}), ");
            all
        });
        let doc = forms.last().map_or("", String::as_str).replace('\\', "\\\\").replace('"', "\\\"");
        let _ = write!(code, "    #[doc = \"`{doc}`\"]\n    pub fn {name}(self");
        let _ = match (counts, arguments.is_empty()) {
            (true, _) => writeln!(code, ", count: u32{parameters}) -> String {{ self.count({line}, count, &[{pairs}]) }}"),
            (false, true) => writeln!(code, ") -> &'static str {{ self.line({line}) }}"),
            (false, false) => writeln!(code, "{parameters}) -> String {{ fill(self.line({line}), &[{pairs}]) }}"),
        };
        line += forms.len();
    }
    code.push_str("}\n\n");
    let _ = writeln!(code, "/// How many lines a language has.\npub const LINES: usize = {line};\n");
    code.push_str("#[cfg(feature = \"ssr\")]\npub mod text {\n");
    for language in LANGUAGES {
        let name = language.to_uppercase();
        let _ = writeln!(code, "    pub const {name}: &str = include_str!(concat!(env!(\"OUT_DIR\"), \"/{language}.txt\"));");
    }
    code.push_str("}\n");
    code
}
