//! Reads `clinic.toml` into a [`Clinic`], and finds every mistake in it at once, with its line.
//!
//! A mistake never hides another one: each table is read to its end, and a reference is judged by
//! the slugs that stand in the file, whether or not the rest of what they name can be read. What
//! needs all shifts or treatments (see [`whole`]) is only judged once those are readable.
//! What it is *not*: it does not know which visits are booked; loading a file compares with those.
//!
//! - [`report`]: mistakes and lines; [`section`]: a table being read; [`values`]: what a text means
//! - [`head`], [`lists`], [`treatments`], [`shifts`]: the parts of the file
//! - [`overlap`], [`whole`]: what only shows when all of it is there
//!
//! The format is described in `server/demo/README.md`.

mod head;
mod lists;
mod overlap;
mod report;
mod section;
mod shifts;
#[cfg(test)]
mod tests;
mod treatments;
mod values;
mod whole;

use std::collections::BTreeSet;
use std::fmt;

use app::clinic::model::{Cancellation, Clinic};
use app::words::Language;
use toml::de::DeTable;

use self::report::{Report, Reported, did_you_mean};
use self::section::{Section, Value};
pub use self::values::site;

/// What is wrong in a clinic's file, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Counted from 1.
    pub line: usize,
    /// One or two plain sentences.
    pub reason: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: {}", self.line, self.reason)
    }
}

/// The clinic that the text describes.
///
/// # Errors
/// Every mistake, in the order of the lines; never none.
pub fn read(text: &str) -> Result<Clinic, Vec<Mistake>> {
    let report = Report::new(text);
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // A table that is only half understood would be full of mistakes that nobody made, and
        // only the first error of a line is about what stands there.
        let mut lines = BTreeSet::new();
        for error in errors {
            let line = report.line(&error.span().unwrap_or_default());
            if lines.insert(line) {
                report.add(line, syntax(error.message()));
            }
        }
        return Err(report.into_mistakes());
    }
    let clinic = clinic(&section::root(&root, &report));
    match clinic {
        Ok(clinic) if report.is_empty() => Ok(clinic),
        _ => Err(report.into_mistakes()),
    }
}

/// The TOML reader's message in plain words.
fn syntax(message: &str) -> String {
    let says = |part: &str| message.contains(part);
    let advice = if says("duplicate key") {
        "This key or section is here for the second time. Keep one of them. Sections of which there are several \
         have two brackets: [[shifts]]"
    } else if says("must be quoted") {
        "Text needs quotes. Write: key = \"text\""
    } else if says("escape") {
        "A backslash in a text needs another one before it: \\\\"
    } else if says("basic string") || says("literal string") {
        "A text does not end, or has a control character in it. Write: key = \"text\""
    } else if says("array") {
        "A list does not end, or a comma is missing in it. Write: [\"one\", \"two\"]"
    } else if says("inline table") || says("key-value pairs") {
        "A table does not end, or a comma is missing in it. Write: { en = \"one\", es = \"two\" }"
    } else if says("table") {
        "The header of a section does not end. Write: [clinic] or [[shifts]]"
    } else if says("date") {
        "There is no such date. Write year, month and day: 2026-12-25. Hours need quotes: \"09:00-17:30\"."
    } else if says("float") || says("integer") || says("number") {
        "This is no number. Write dates as 2026-12-25, and text in quotes: key = \"text\""
    } else if says("unexpected key or value") {
        "There is something behind the value. Give each key a line of its own."
    } else if says("key") {
        "Here should be a key and its value. Write: key = \"value\""
    } else {
        return format!("This is not TOML: {message}.");
    };
    advice.to_owned()
}

/// Slugs as they stand in the file, and what the clinic's own section says about all the others.
struct Known<'f> {
    /// `None` if they could not be read.
    languages: Option<Vec<Language>>,
    currency_digits: u32,
    horizon_days: u32,
    notice_min: u32,
    cancellation: Cancellation,
    locations: Names<'f>,
    practitioners: Names<'f>,
    categories: Names<'f>,
    treatments: Names<'f>,
    questionnaires: Names<'f>,
}

/// The slugs of one kind of thing.
struct Names<'f> {
    /// In a sentence: "treatment".
    kind: &'static str,
    slugs: Vec<&'f str>,
}

impl<'f> Names<'f> {
    fn of(root: &Section<'f>, key: &'static str, kind: &'static str) -> Self {
        Self { kind, slugs: root.value(key, "").map(Value::slugs).unwrap_or_default() }
    }

    /// The slug that the value names. One that stands in the file but is none was reported there.
    fn refer<T: std::str::FromStr>(&self, value: Value<'_>) -> Result<T, Reported> {
        let name = value.text()?;
        if self.slugs.contains(&name) {
            return name.parse().map_err(|_| Reported);
        }
        let guess = did_you_mean(name, self.slugs.iter().copied());
        Err(value.wrong(format!("there is no {} \"{name}\" in this file.{guess}", self.kind)))
    }

    /// Several of them, each once.
    fn refer_all<T: std::str::FromStr + PartialEq>(&self, value: Value<'_>) -> Result<Vec<T>, Reported> {
        let mut found: Vec<T> = Vec::new();
        let mut repeated = Ok(());
        for slug in value.list(|item| Ok((item, self.refer::<T>(item)?)))? {
            if found.contains(&slug.1) {
                repeated = Err(slug.0.wrong("this is in the list twice. Keep one of them."));
            } else {
                found.push(slug.1);
            }
        }
        if found.is_empty() {
            return Err(value.wrong(format!("this list is empty. Name at least one {}.", self.kind)));
        }
        repeated.map(|()| found)
    }
}

/// What the tables of one kind became.
struct Items<T> {
    items: Vec<Placed<T>>,
    /// Every table of this kind could be read.
    complete: bool,
}

struct Placed<T> {
    line: usize,
    item: T,
}

impl<T> Items<T> {
    fn read<'f>(
        root: &Section<'f>,
        key: &'static str,
        kind: &'static str,
        read: impl Fn(&Section<'f>) -> Result<T, Reported>,
    ) -> Result<Self, Reported> {
        let sections = root.optional(key, "", |value| value.tables(kind))?.unwrap_or_default();
        let count = sections.len();
        let items: Vec<Placed<T>> = sections
            .iter()
            .filter_map(|section| {
                let item = read(section);
                section.done();
                item.ok().map(|item| Placed { line: section.line(), item })
            })
            .collect();
        Ok(Self { complete: items.len() == count, items })
    }

    /// Like [`read`](Self::read), for what no clinic can do without.
    fn read_some<'f>(
        root: &Section<'f>,
        key: &'static str,
        kind: &'static str,
        read: impl Fn(&Section<'f>) -> Result<T, Reported>,
    ) -> Result<Self, Reported> {
        let items = Self::read(root, key, kind, read)?;
        if items.items.is_empty() && items.complete {
            return Err(root.wrong(format!("There is no [[{key}]] in this file. Add at least one {kind}.")));
        }
        Ok(items)
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter().map(|placed| &placed.item)
    }

    fn into_items(self) -> Vec<T> {
        self.items.into_iter().map(|placed| placed.item).collect()
    }
}

fn clinic(root: &Section<'_>) -> Result<Clinic, Reported> {
    let head = match root.value("clinic", "") {
        Some(value) if value.is_table() => head::read(&value.table("clinic")?),
        Some(value) => return Err(value.wrong("write [clinic] in single brackets, and only once.")),
        None => return Err(root.wrong("There is no [clinic] in this file. Begin with it: [clinic] and its keys below.")),
    };
    let known = Known {
        languages: head.languages.as_ref().ok().cloned(),
        currency_digits: head.currency_digits(),
        horizon_days: head.horizon_days.unwrap_or(head::HORIZON_DAYS),
        notice_min: head.notice_min.unwrap_or(head::NOTICE_MIN),
        cancellation: head.cancellation.unwrap_or(head::CANCELLATION),
        locations: Names::of(root, "locations", "location"),
        practitioners: Names::of(root, "practitioners", "practitioner"),
        categories: Names::of(root, "categories", "category"),
        treatments: Names::of(root, "treatments", "treatment"),
        questionnaires: Names::of(root, "questionnaires", "questionnaire"),
    };
    let locations = Items::read_some(root, "locations", "location", |section| lists::location(section, &known));
    let practitioners = Items::read_some(root, "practitioners", "practitioner", |section| lists::practitioner(section, &known));
    let rooms = Items::read(root, "rooms", "room", |section| lists::room(section, &known));
    let categories = Items::read_some(root, "categories", "category", |section| lists::category(section, &known));
    let questionnaires = Items::read(root, "questionnaires", "questionnaire", |section| lists::questionnaire(section, &known));
    let treatments = Items::read_some(root, "treatments", "treatment", |section| treatments::read(section, &known));
    let given = treatments.as_ref().map(treatments::Given::of).unwrap_or_default();
    let shifts = Items::read_some(root, "shifts", "shift", |section| shifts::shift(section, &known, &given));
    let exceptions = Items::read(root, "exceptions", "exception", |section| shifts::exception(section, &known, &given));
    let closures = Items::read(root, "closures", "closure", |section| shifts::closure(section, &known));
    root.done();
    let mut parts = whole::Parts {
        locations: locations?,
        practitioners: practitioners?,
        rooms: rooms?,
        categories: categories?,
        questionnaires: questionnaires?,
        treatments: treatments?,
        shifts: shifts?,
        exceptions: exceptions?,
        closures: closures?,
    };
    parts.check(root);
    head.into_clinic(parts)
}
