//! What people type, parsed once: the same rule in the browser and on the server.
//!
//! Every parser is kind (spaces, full-width digits, month names are understood) and answers a
//! [`FieldError`] code that a page turns into a sentence saying what to do next.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

/// What is wrong with one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FieldError {
    Missing,
    TooLong,
    /// Not readable as what it should be.
    Malformed,
    /// A day of the month that this month does not have.
    NoSuchDay,
    /// Not 1 to 12 and no month's name.
    NoSuchMonth,
    /// Not a year of four digits in which someone alive was born.
    NoSuchYear,
    InTheFuture,
    /// Neither e-mail nor mobile number was given: one is enough.
    NoContact,
}

/// Fields and what is wrong with each, by the `name` of the input, in alphabetical order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldErrors(pub BTreeMap<String, FieldError>);

impl FieldErrors {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn add(&mut self, field: &str, error: FieldError) {
        self.0.entry(field.to_owned()).or_insert(error);
    }

    pub fn get(&self, field: &str) -> Option<FieldError> {
        self.0.get(field).copied()
    }

    /// The value, or the error noted under the field's name.
    pub fn take<T>(&mut self, field: &str, parsed: Result<T, FieldError>) -> Option<T> {
        parsed.map_err(|error| self.add(field, error)).ok()
    }
}

/// The longest name, in characters.
pub const NAME_CHARS_MAX: usize = 120;
/// The longest free text, in characters.
pub const NOTE_CHARS_MAX: usize = 2_000;

/// A person's name as they write it, without spaces around it or control characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonName(String);

impl PersonName {
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let name: String = text
            .split(|c: char| c.is_whitespace() || c.is_control() || turns(c))
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        if name.is_empty() {
            return Err(FieldError::Missing);
        }
        if name.chars().count() > NAME_CHARS_MAX {
            return Err(FieldError::TooLong);
        }
        // Letters greet people by their names: nobody's is an address to press.
        let is_address = name.contains("://") || name.to_lowercase().contains("www.");
        if is_address || !name.chars().any(char::is_alphabetic) {
            return Err(FieldError::Malformed);
        }
        Ok(Self(name))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For comparing: case does not matter.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

/// Turns the direction of what is written after it (Unicode's UAX 9): it would reach beyond the name.
const fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// An e-mail address: something, `@`, a host with a dot. Whether it exists only a letter can tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// RFC 5321 4.5.3.1.3: a path has at most 256 octets, brackets included.
    const BYTES_MAX: usize = 254;

    /// `None` for nothing typed.
    pub fn parse(text: &str) -> Result<Option<Self>, FieldError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if text.len() > Self::BYTES_MAX {
            return Err(FieldError::TooLong);
        }
        let (local, host) = text.rsplit_once('@').ok_or(FieldError::Malformed)?;
        let local_ok = !local.is_empty()
            && local.len() <= 64
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && local.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte));
        let labels: Vec<&str> = host.split('.').collect();
        let host_ok = labels.len() >= 2
            && labels.iter().all(|label| {
                !label.is_empty()
                    && label.len() <= 63
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            });
        if local_ok && host_ok {
            Ok(Some(Self(format!("{local}@{}", host.to_ascii_lowercase()))))
        } else {
            Err(FieldError::Malformed)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A telephone number as digits with an optional leading `+`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Phone(String);

impl Phone {
    /// `None` for nothing typed. Spaces, dots, hyphens, slashes and brackets between digits are dropped.
    pub fn parse(text: &str) -> Result<Option<Self>, FieldError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let mut number = String::new();
        for c in text.chars() {
            match c {
                '+' if number.is_empty() => number.push('+'),
                ' ' | '\u{a0}' | '.' | '-' | '/' | '(' | ')' | '\u{2011}' | '\u{200e}' | '\u{200f}' => {}
                c => number.push(digit(c).ok_or(FieldError::Malformed)?),
            }
        }
        // ITU-T E.164: at most 15 digits; shorter than 6 no mobile number is.
        let digits = number.trim_start_matches('+').len();
        if (6..=15).contains(&digits) { Ok(Some(Self(number))) } else { Err(FieldError::Malformed) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A decimal digit of any script that our languages are typed in.
fn digit(c: char) -> Option<char> {
    let value = match c {
        '0'..='9' => return Some(c),
        '\u{660}'..='\u{669}' => u32::from(c) - 0x660,
        '\u{6f0}'..='\u{6f9}' => u32::from(c) - 0x6f0,
        '\u{ff10}'..='\u{ff19}' => u32::from(c) - 0xff10,
        _ => return None,
    };
    char::from_digit(value, 10)
}

fn number(text: &str) -> Option<u32> {
    let digits: Option<String> = text.chars().map(digit).collect();
    digits?.parse().ok()
}

/// Month names and their short forms in the languages of the pages; the position is the month.
const MONTHS: [&[&str]; 12] = [
    &["january", "enero", "januar", "jänner", "يناير"],
    &["february", "febrero", "februar", "فبراير"],
    &["march", "marzo", "märz", "mrz", "maerz", "مارس"],
    &["april", "abril", "april", "أبريل", "ابريل"],
    &["may", "mayo", "mai", "مايو"],
    &["june", "junio", "juni", "يونيو"],
    &["july", "julio", "juli", "يوليو"],
    &["august", "agosto", "أغسطس", "اغسطس"],
    &["september", "septiembre", "setiembre", "سبتمبر"],
    &["october", "octubre", "oktober", "أكتوبر", "اكتوبر"],
    &["november", "noviembre", "نوفمبر"],
    &["december", "diciembre", "dezember", "ديسمبر"],
];

fn month(text: &str) -> Option<u32> {
    if let Some(number) = number(text) {
        return (1..=12).contains(&number).then_some(number);
    }
    let typed = text.trim_end_matches('.').to_lowercase();
    if typed.chars().count() < 3 {
        return None;
    }
    let position = MONTHS.iter().position(|names| names.iter().any(|name| name.starts_with(&typed)))?;
    u32::try_from(position + 1).ok()
}

/// A birth date from three boxes. Errors are noted under `birth_day`, `birth_month` and `birth_year`.
pub fn birth_date(day: &str, month_text: &str, year: &str, today: NaiveDate, errors: &mut FieldErrors) -> Option<NaiveDate> {
    /// Nobody older has ever been recorded by a margin of years.
    const AGE_YEARS_MAX: i32 = 130;
    let (day, month_text, year) = (day.trim(), month_text.trim(), year.trim());
    let present = |text: &str, otherwise: FieldError| if text.is_empty() { FieldError::Missing } else { otherwise };

    let day_number = number(day).filter(|number| (1..=31).contains(number));
    let month_number = month(month_text);
    let year_number = number(year)
        .and_then(|number| i32::try_from(number).ok())
        .filter(|number| (today.year() - AGE_YEARS_MAX..=today.year()).contains(number));
    if day_number.is_none() {
        errors.add("birth_day", present(day, FieldError::NoSuchDay));
    }
    if month_number.is_none() {
        errors.add("birth_month", present(month_text, FieldError::NoSuchMonth));
    }
    if year_number.is_none() {
        errors.add("birth_year", present(year, FieldError::NoSuchYear));
    }
    let (day_number, month_number, year_number) = (day_number?, month_number?, year_number?);
    match NaiveDate::from_ymd_opt(year_number, month_number, day_number) {
        None => errors.add("birth_day", FieldError::NoSuchDay),
        Some(date) if date > today => errors.add("birth_year", FieldError::InTheFuture),
        Some(date) => return Some(date),
    }
    None
}

/// Free text: trimmed, `None` if empty.
pub fn note(text: &str) -> Result<Option<String>, FieldError> {
    let text = text.trim();
    if text.chars().count() > NOTE_CHARS_MAX {
        return Err(FieldError::TooLong);
    }
    Ok((!text.is_empty()).then(|| text.replace("\r\n", "\n").chars().filter(|c| *c == '\n' || !c.is_control()).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn born(day: &str, month: &str, year: &str) -> Result<NaiveDate, FieldErrors> {
        let mut errors = FieldErrors::default();
        let today = NaiveDate::from_ymd_opt(2026, 3, 11).unwrap();
        birth_date(day, month, year, today, &mut errors).ok_or(errors)
    }

    #[test]
    fn a_birth_date_is_understood_the_way_people_write_it() {
        let expected = NaiveDate::from_ymd_opt(1984, 3, 27).unwrap();
        for (day, month, year) in [
            ("27", "3", "1984"),
            (" 27 ", "03", "1984"),
            ("27", "Mar", "1984"),
            ("27", "märz", "1984"),
            ("٢٧", "٣", "١٩٨٤"),
            ("27", "marzo", "1984"),
        ] {
            assert_eq!(born(day, month, year), Ok(expected), "{day} {month} {year}");
        }
    }

    #[test]
    fn a_wrong_birth_date_names_the_box_to_mend() {
        let cases = [
            (
                ("", "", ""),
                vec![
                    ("birth_day", FieldError::Missing),
                    ("birth_month", FieldError::Missing),
                    ("birth_year", FieldError::Missing),
                ],
            ),
            (("30", "2", "1984"), vec![("birth_day", FieldError::NoSuchDay)]),
            (("1", "13", "1984"), vec![("birth_month", FieldError::NoSuchMonth)]),
            (("1", "1", "84"), vec![("birth_year", FieldError::NoSuchYear)]),
            (("12", "3", "2026"), vec![("birth_year", FieldError::InTheFuture)]),
        ];
        for ((day, month, year), expected) in cases {
            let errors = born(day, month, year).unwrap_err();
            let found: Vec<(&str, FieldError)> = errors.0.iter().map(|(field, error)| (field.as_str(), *error)).collect();
            assert_eq!(found, expected, "{day} {month} {year}");
        }
    }

    #[test]
    fn an_email_needs_a_name_and_a_host_with_a_dot() {
        for good in ["maya@example.org", " Maya.H+x@Mail.Example.org "] {
            assert!(matches!(Email::parse(good), Ok(Some(_))), "{good}");
        }
        assert_eq!(Email::parse("  "), Ok(None));
        for bad in [
            "maya",
            "maya@",
            "@example.org",
            "maya@example",
            "a b@example.org",
            "a@b..org",
            "a@example.org\r\nBcc: x@y.org",
            ".a@b.org",
        ] {
            assert_eq!(Email::parse(bad), Err(FieldError::Malformed), "{bad}");
        }
    }

    #[test]
    fn a_phone_number_may_be_written_with_spaces_and_brackets() {
        let number = |text| Phone::parse(text).unwrap().unwrap().as_str().to_owned();
        assert_eq!(number("+44 (20) 7946-0123"), "+442079460123");
        assert_eq!(number("07700 900 461"), "07700900461");
        assert_eq!(number("٠٧٧٠٠٩٠٠٤٦١"), "07700900461");
        for bad in ["12", "0770O900461", "1234567890123456", "+", "1+23456789"] {
            assert_eq!(Phone::parse(bad), Err(FieldError::Malformed), "{bad}");
        }
    }

    #[test]
    fn a_name_keeps_its_script_and_loses_stray_spaces() {
        assert_eq!(PersonName::parse("  مايا   حداد ").unwrap().as_str(), "مايا حداد");
        assert_eq!(PersonName::parse("O'Neil-Smith\u{7}").unwrap().as_str(), "O'Neil-Smith");
        assert_eq!(PersonName::parse("Maya\u{202e}\u{2066}Haddad").unwrap().as_str(), "Maya Haddad");
        assert_eq!(PersonName::parse("Ravi s/o Kumar").unwrap().as_str(), "Ravi s/o Kumar");
        for address in ["Win at http://evil.example", "WWW.evil.example for you"] {
            assert_eq!(PersonName::parse(address), Err(FieldError::Malformed), "{address}");
        }
        assert_eq!(PersonName::parse("   "), Err(FieldError::Missing));
        assert_eq!(PersonName::parse("123"), Err(FieldError::Malformed));
        assert_eq!(PersonName::parse(&"x".repeat(121)), Err(FieldError::TooLong));
    }
}
