//! A clinic's list of patients: a CSV file (RFC 4180) with a first line that names its columns;
//! semicolons or tabs do as well as commas.
//!
//! `name`, `birth_date` (1984-03-27) and one of `email` and `phone` are needed; `language` (the
//! clinic's first unless given), `had` and `invited` (slugs of treatments, spaces between) and
//! `books_online` (`yes` unless `no`) are not. Whatever else is wrong is said at once, with its line.

use app::clinic::model::Clinic;
use app::fields::{Email, FieldError, PersonName, Phone};
use app::ids::TreatmentSlug;
use app::words::Language;
use chrono::NaiveDate;

use super::Known;
use crate::booking::store::patient::Person;
use crate::clinic::file::Mistake;

const COLUMNS: [&str; 8] = ["name", "birth_date", "email", "phone", "language", "had", "invited", "books_online"];
const NEEDED: [&str; 2] = ["name", "birth_date"];

/// # Errors
/// Every mistake, in the order of the lines.
pub fn read(text: &str, clinic: &Clinic, today: NaiveDate) -> Result<Vec<Known>, Vec<Mistake>> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).delimiter(delimiter(text)).from_reader(text.as_bytes());
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => return Err(vec![unreadable(&error)]),
    };
    let mut mistakes = columns(&header);
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let says_invited = header.iter().any(|name| name == "invited");
    let mut list = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                mistakes.push(unreadable(&error));
                continue;
            }
        };
        // What a spreadsheet leaves of rows that somebody emptied.
        if record.iter().all(str::is_empty) {
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        let value = |column: &str| {
            let place = header.iter().position(|name| name == column);
            place.and_then(|place| record.get(place)).unwrap_or_default()
        };
        match known(value, says_invited, clinic, today) {
            Ok(known) => list.push(known),
            Err(reasons) => mistakes.extend(reasons.into_iter().map(|reason| mistake(line, reason))),
        }
    }
    if mistakes.is_empty() { Ok(list) } else { Err(mistakes) }
}

/// What stands between the names of the columns: where a comma is for decimals, spreadsheets write
/// semicolons.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    [b',', b';', b'\t'].into_iter().max_by_key(|mark| header.bytes().filter(|byte| byte == mark).count()).unwrap_or(b',')
}

fn mistake(line: u64, reason: String) -> Mistake {
    Mistake { line: usize::try_from(line).unwrap_or(usize::MAX), reason }
}

fn unreadable(error: &csv::Error) -> Mistake {
    let line = error.position().map_or(1, csv::Position::line);
    let reason = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("This line has {len} values; the first line names {expected_len}. Put quotes around values with commas.")
        }
        _ => "This cannot be read as CSV. Save the file as CSV with commas.".to_owned(),
    };
    mistake(line, reason)
}

fn columns(header: &csv::StringRecord) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for name in header {
        if !COLUMNS.contains(&name) {
            mistakes.push(mistake(1, format!("There is no column \"{name}\". The columns are: {}.", COLUMNS.join(", "))));
        } else if header.iter().filter(|other| *other == name).count() > 1 {
            mistakes.push(mistake(1, format!("The column \"{name}\" is there twice. Remove one.")));
        }
    }
    mistakes.dedup();
    for needed in NEEDED.into_iter().filter(|needed| !header.iter().any(|name| name == *needed)) {
        mistakes.push(mistake(1, format!("The column \"{needed}\" is missing. The first line names the columns.")));
    }
    mistakes
}

/// One patient, or everything that is wrong with the line.
fn known<'a>(
    value: impl Fn(&str) -> &'a str,
    says_invited: bool,
    clinic: &Clinic,
    today: NaiveDate,
) -> Result<Known, Vec<String>> {
    let mut reasons = Vec::new();
    let mut keep = |reason: String| reasons.push(reason);
    let name = PersonName::parse(value("name")).map_err(|error| keep(field("name", error))).ok();
    let birth_date = birth_date(value("birth_date"), today).map_err(&mut keep).ok();
    let email = Email::parse(value("email")).map_err(|error| keep(field("email", error))).ok();
    let phone = Phone::parse(value("phone")).map_err(|error| keep(field("phone", error))).ok();
    if let (Some(None), Some(None)) = (&email, &phone) {
        keep("`email` and `phone` are both empty. Give one: it is how a patient is recognised.".to_owned());
    }
    let language = language(value("language"), clinic).map_err(&mut keep).ok();
    let had = treatments("had", value("had"), clinic).map_err(&mut keep).ok();
    let invited = treatments("invited", value("invited"), clinic).map_err(&mut keep).ok();
    let books_online = match value("books_online") {
        "" | "yes" => Some(true),
        "no" => Some(false),
        other => {
            keep(format!("`books_online` is \"{other}\". Write yes or no."));
            None
        }
    };
    let (
        Some(name),
        Some(birth_date),
        Some(email),
        Some(phone),
        Some(language),
        Some(had),
        Some(invited),
        Some(books_online),
        true,
    ) = (name, birth_date, email, phone, language, had, invited, books_online, reasons.is_empty())
    else {
        return Err(reasons);
    };
    let person = Person {
        folded_name: name.folded(),
        name: name.as_str().to_owned(),
        birth_date,
        email: email.map(|email| email.as_str().to_owned()),
        phone: phone.map(|phone| phone.as_str().to_owned()),
        language,
    };
    Ok(Known { person, had, invited: says_invited.then_some(invited), books_online })
}

fn field(name: &str, error: FieldError) -> String {
    match error {
        FieldError::Missing => format!("`{name}` is empty."),
        FieldError::TooLong => format!("`{name}` is too long."),
        _ => format!("`{name}` cannot be read. Check how it is written."),
    }
}

fn birth_date(text: &str, today: NaiveDate) -> Result<NaiveDate, String> {
    let date: NaiveDate =
        text.parse().map_err(|_| format!("`birth_date` is \"{text}\". Write year, month and day: 1984-03-27."))?;
    if date > today { Err(format!("`birth_date` is {date}, which is still to come.")) } else { Ok(date) }
}

fn language(text: &str, clinic: &Clinic) -> Result<Language, String> {
    if text.is_empty() {
        return Ok(clinic.languages.first().copied().unwrap_or_default());
    }
    let tags = || clinic.languages.iter().map(|language| language.tag()).collect::<Vec<_>>().join(", ");
    Language::parse(text)
        .filter(|language| clinic.languages.contains(language))
        .ok_or_else(|| format!("`language` is \"{text}\". The clinic's languages are: {}.", tags()))
}

fn treatments(column: &str, text: &str, clinic: &Clinic) -> Result<Vec<TreatmentSlug>, String> {
    let read = |slug: &str| {
        let known = slug.parse::<TreatmentSlug>().ok().filter(|slug| clinic.treatment(slug).is_some());
        known.ok_or_else(|| format!("`{column}` names \"{slug}\", which is no treatment of the clinic."))
    };
    text.split_whitespace().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demo() -> Clinic {
        crate::clinic::load::demo().unwrap()
    }

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, 11).unwrap()
    }

    fn reasons(text: &str) -> Vec<String> {
        read(text, &demo(), today()).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_demos_list_is_in_order() {
        let list = read(super::super::DEMO, &demo(), today()).unwrap();
        assert!(list.iter().any(|known| !known.had.is_empty()) && list.iter().any(|known| !known.books_online));
    }

    #[test]
    fn columns_come_in_any_order_and_those_without_news_may_be_left_out() {
        let list = read("\u{feff}phone,name,birth_date\n07700 900461,  Maya Haddad ,1984-03-27\n", &demo(), today()).unwrap();
        assert_eq!(list[0].person.name, "Maya Haddad");
        assert_eq!((list[0].person.language, list[0].books_online), (Language::En, true));
        assert!(list[0].had.is_empty() && list[0].person.email.is_none());
    }

    #[test]
    fn a_spreadsheets_semicolons_tabs_and_emptied_rows_are_understood() {
        for mark in [",", ";", "\t"] {
            let text = "name,birth_date,phone\r\nMaya Haddad,1984-03-27,07700 900461\r\n,,\r\n\r\n".replace(',', mark);
            let list = read(&text, &demo(), today()).unwrap();
            assert_eq!((list.len(), list[0].person.name.as_str()), (1, "Maya Haddad"), "{mark:?}");
        }
        assert_eq!(read("name,birth_date\n", &demo(), today()).unwrap().len(), 0);
        assert_eq!(read("name;birth_date\n;\n", &demo(), today()).unwrap().len(), 0);
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        let text = "name,birth_date,email,language,had,books_online\n\
                    Maya Haddad,27.3.1984,maya@example.org,en,,yes\n\
                    ,2027-01-01,not an address,fr,juggling,maybe\n\
                    Tom,1990-01-01,,,,\n";
        assert_eq!(
            reasons(text),
            [
                "line 2: `birth_date` is \"27.3.1984\". Write year, month and day: 1984-03-27.",
                "line 3: `name` is empty.",
                "line 3: `birth_date` is 2027-01-01, which is still to come.",
                "line 3: `email` cannot be read. Check how it is written.",
                "line 3: `language` is \"fr\". The clinic's languages are: en, es, de, ar.",
                "line 3: `had` names \"juggling\", which is no treatment of the clinic.",
                "line 3: `books_online` is \"maybe\". Write yes or no.",
                "line 4: `email` and `phone` are both empty. Give one: it is how a patient is recognised.",
            ]
        );
    }

    #[test]
    fn columns_that_are_wrong_are_told_before_any_line() {
        assert_eq!(
            reasons("name,age,email,email\nMaya,42,a@example.org,b@example.org\n"),
            [
                "line 1: There is no column \"age\". The columns are: name, birth_date, email, phone, language, had, invited, books_online.",
                "line 1: The column \"email\" is there twice. Remove one.",
                "line 1: The column \"birth_date\" is missing. The first line names the columns.",
            ]
        );
        assert_eq!(
            reasons("name,birth_date,phone\nHaddad, Maya,1984-03-27,07700 900461\n"),
            ["line 2: This line has 4 values; the first line names 3. Put quotes around values with commas."]
        );
    }
}
