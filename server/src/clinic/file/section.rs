//! A table of the file while it is being read: typed access to its keys, each asked for once.
//!
//! Every reader answers `Err(Reported)` after it noted what is wrong, so a caller first reads all
//! keys and only then uses `?`: one pass finds every mistake of a table. What nobody asked for is
//! an unknown key. What it is *not*: serde, which would stop at the first mistake.

use std::cell::RefCell;
use std::ops::Range;

use app::clinic::model::Texts;
use app::words::Language;
use chrono::NaiveDate;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::report::{Report, Reported, did_you_mean};
use super::values;

/// The longest name, in characters.
const NAME_CHARS_MAX: usize = 120;
/// The longest text, in characters.
const TEXT_CHARS_MAX: usize = 2_000;

pub(super) struct Section<'f> {
    /// What this is, in a sentence: "treatment".
    kind: &'static str,
    table: &'f DeTable<'f>,
    line: usize,
    report: &'f Report,
    asked: RefCell<Vec<&'static str>>,
}

impl<'f> Section<'f> {
    pub(super) fn new(kind: &'static str, table: &'f DeTable<'f>, line: usize, report: &'f Report) -> Self {
        Self { kind, table, line, report, asked: RefCell::default() }
    }

    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// Notes a mistake of the table as a whole.
    pub(super) fn wrong(&self, reason: impl Into<String>) -> Reported {
        self.report.add(self.line, reason)
    }

    /// Notes a mistake of a table inside this one.
    pub(super) fn wrong_at(&self, line: usize, reason: impl Into<String>) -> Reported {
        self.report.add(line, reason)
    }

    /// The value of a key, if it is there. `example` is what could stand behind the `=`.
    pub(super) fn value(&self, key: &'static str, example: &'static str) -> Option<Value<'f>> {
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&key) {
            asked.push(key);
        }
        let (name, value) = self.table.get_key_value(key)?;
        Some(Value { key, example, spanned: value, line: self.report.line(&name.span()), report: self.report })
    }

    /// `Ok(None)` if the key is not there.
    pub(super) fn optional<T>(
        &self,
        key: &'static str,
        example: &'static str,
        read: impl FnOnce(Value<'f>) -> Result<T, Reported>,
    ) -> Result<Option<T>, Reported> {
        self.value(key, example).map(read).transpose()
    }

    pub(super) fn required<T>(
        &self,
        key: &'static str,
        example: &'static str,
        read: impl FnOnce(Value<'f>) -> Result<T, Reported>,
    ) -> Result<T, Reported> {
        match self.value(key, example) {
            Some(value) => read(value),
            None => Err(self.wrong(format!("This {} has no `{key}`. Add it, for example: {key} = {example}", self.kind))),
        }
    }

    /// Notes every key that no reader asked for. Call it after the last key was read.
    pub(super) fn done(&self) {
        let asked = self.asked.borrow();
        for key in self.table.keys().filter(|key| !asked.contains(&key.get_ref().as_ref())) {
            let name = key.get_ref();
            let guess = did_you_mean(name, asked.iter().copied());
            let help = if guess.is_empty() { format!(" It knows: {}.", asked.join(", ")) } else { guess };
            self.report.add(self.report.line(&key.span()), format!("This {} cannot have a key \"{name}\".{help}", self.kind));
        }
    }
}

/// What stands behind a key.
#[derive(Clone, Copy)]
pub(super) struct Value<'f> {
    key: &'f str,
    example: &'static str,
    spanned: &'f Spanned<DeValue<'f>>,
    /// Of the key, or of the item of a list.
    line: usize,
    report: &'f Report,
}

impl<'f> Value<'f> {
    /// Notes what is wrong with the value.
    pub(super) fn wrong(self, reason: impl AsRef<str>) -> Reported {
        self.report.add(self.line, format!("`{}`: {}", self.key, reason.as_ref()))
    }

    fn wrong_type(self, wanted: &str) -> Reported {
        let found = match self.spanned.get_ref() {
            DeValue::String(_) => "text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a point",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.wrong(format!("this must be {wanted}, not {found}. Write for example: {} = {}", self.key, self.example))
    }

    /// Text on one line or more, without spaces around it, never empty.
    pub(super) fn text(self) -> Result<&'f str, Reported> {
        let DeValue::String(text) = self.spanned.get_ref() else { return Err(self.wrong_type("text in quotes")) };
        let text = text.trim();
        if text.is_empty() {
            return Err(self.wrong(format!("this is empty. Write for example: {} = {}", self.key, self.example)));
        }
        if text.chars().count() > TEXT_CHARS_MAX {
            return Err(self.wrong(format!("this is too long. Write at most {TEXT_CHARS_MAX} characters.")));
        }
        if text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(self.wrong("this has a control character in it. Write it anew instead of pasting it."));
        }
        Ok(text)
    }

    /// Text on one line.
    pub(super) fn name(self) -> Result<String, Reported> {
        let text = self.text()?;
        if text.contains('\n') || text.chars().count() > NAME_CHARS_MAX {
            return Err(self.wrong(format!("this is too long. Write one line of at most {NAME_CHARS_MAX} characters.")));
        }
        Ok(text.to_owned())
    }

    /// Text that means something; `parse` answers with a sentence if it does not.
    pub(super) fn parsed<T>(self, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, Reported> {
        parse(self.text()?).map_err(|reason| self.wrong(reason))
    }

    /// Text, or a whole number that stands for the same text.
    pub(super) fn number_or_text<T>(self, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, Reported> {
        match self.spanned.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => parse(number.as_str()).map_err(|reason| self.wrong(reason)),
            DeValue::String(_) => self.parsed(parse),
            _ => Err(self.wrong_type("a number, or text in quotes")),
        }
    }

    pub(super) fn whole_number(self, least: u32, most: u32) -> Result<u32, Reported> {
        let DeValue::Integer(number) = self.spanned.get_ref() else { return Err(self.wrong_type("a whole number")) };
        let value = u32::from_str_radix(number.as_str(), number.radix()).ok().filter(|value| (least..=most).contains(value));
        value.ok_or_else(|| self.wrong(format!("{} is out of range. Write a number from {least} to {most}.", number.as_str())))
    }

    /// A date, with or without quotes.
    pub(super) fn date(self) -> Result<NaiveDate, Reported> {
        match self.spanned.get_ref() {
            DeValue::Datetime(when) if when.time.is_none() => {
                values::date(&when.to_string()).map_err(|reason| self.wrong(reason))
            }
            DeValue::String(_) => self.parsed(values::date),
            _ => Err(self.wrong_type("a date")),
        }
    }

    /// Every item of a list, or the one value that stands for a list of one.
    pub(super) fn one_or_more<T>(self, read: impl FnMut(Value<'f>) -> Result<T, Reported>) -> Result<Vec<T>, Reported> {
        let mut read = read;
        match self.spanned.get_ref() {
            DeValue::Array(_) => self.list(read),
            _ => read(self).map(|item| vec![item]),
        }
    }

    /// Every item of a list. All are read even if one is wrong.
    pub(super) fn list<T>(self, read: impl FnMut(Value<'f>) -> Result<T, Reported>) -> Result<Vec<T>, Reported> {
        let DeValue::Array(items) = self.spanned.get_ref() else { return Err(self.wrong_type("a list")) };
        let items: Vec<Result<T, Reported>> =
            items.iter().map(|value| Value { spanned: value, line: self.report.line(&value.span()), ..self }).map(read).collect();
        items.into_iter().collect()
    }

    /// The tables of `[[key]]`, each with the line of its header.
    pub(super) fn tables(self, kind: &'static str) -> Result<Vec<Section<'f>>, Reported> {
        let DeValue::Array(items) = self.spanned.get_ref() else {
            return Err(self.wrong(format!("write [[{}]] in double brackets, once for every {kind}.", self.key)));
        };
        let sections: Vec<Result<Section<'f>, Reported>> = items
            .iter()
            .map(|item| match item.get_ref() {
                DeValue::Table(table) => Ok(Section::new(kind, table, self.report.line(&item.span()), self.report)),
                _ => Err(self.wrong(format!("write [[{}]] in double brackets, once for every {kind}.", self.key))),
            })
            .collect();
        sections.into_iter().collect()
    }

    /// A table inside the table.
    pub(super) fn table(self, kind: &'static str) -> Result<Section<'f>, Reported> {
        match self.spanned.get_ref() {
            DeValue::Table(table) => Ok(Section::new(kind, table, self.line, self.report)),
            _ => Err(self.wrong_type("a table")),
        }
    }

    pub(super) fn is_table(self) -> bool {
        matches!(self.spanned.get_ref(), DeValue::Table(_))
    }

    /// The `slug` of each table of a list, whether or not it is a good one.
    pub(super) fn slugs(self) -> Vec<&'f str> {
        let DeValue::Array(items) = self.spanned.get_ref() else { return Vec::new() };
        items.iter().filter_map(|item| item.get_ref().get("slug")?.get_ref().as_str()).collect()
    }

    /// One text per language of the clinic; plain text where the clinic has one language only.
    /// Without languages (they could not be read) any language goes.
    pub(super) fn texts(self, languages: Option<&[Language]>) -> Result<Texts, Reported> {
        let table = match (self.spanned.get_ref(), languages) {
            (DeValue::String(_), Some([only])) => {
                return Ok(Texts([(only.tag().to_owned(), self.text()?.to_owned())].into()));
            }
            (DeValue::Table(table), _) => table,
            _ => return Err(self.wrong_type("one text for each language")),
        };
        let mut found = Vec::new();
        for (tag, value) in table {
            let line = self.report.line(&tag.span());
            let tag = tag.get_ref().as_ref();
            if languages.is_some_and(|languages| !languages.iter().any(|language| language.tag() == tag)) {
                let reason =
                    format!("\"{tag}\" is not among the clinic's languages. Add it to `languages`, or remove this text.");
                found.push(Err(Value { line, ..self }.wrong(reason)));
            } else {
                let text = Value { spanned: value, line, ..self }.text();
                found.push(text.map(|text| (tag.to_owned(), text.to_owned())));
            }
        }
        let missing: Vec<&str> =
            languages.unwrap_or_default().iter().map(|language| language.tag()).filter(|tag| !table.contains_key(*tag)).collect();
        if !missing.is_empty() {
            let lines: Vec<String> = missing.iter().map(|tag| format!("{}.{tag} = \"…\"", self.key)).collect();
            found.push(Err(self.wrong(format!("a text is missing. Add: {}", lines.join(", ")))));
        }
        found.into_iter().collect::<Result<_, _>>().map(Texts)
    }
}

/// Where a table begins.
pub(super) fn root<'f>(table: &'f Spanned<DeTable<'f>>, report: &'f Report) -> Section<'f> {
    let start: Range<usize> = 0..0;
    Section::new("clinic file", table.get_ref(), report.line(&start), report)
}
