//! The plain lists: locations, practitioners, rooms, categories, questionnaires.

use app::clinic::model::{Category, Location, PostalAddress, Practitioner, Questionnaire, Room, Texts};

use super::head::{plain_slug, slug};
use super::report::Reported;
use super::section::{Section, Value};
use super::{Known, values};

pub(super) fn location(section: &Section<'_>, known: &Known<'_>) -> Result<Location, Reported> {
    let slug = section.required("slug", "\"rowan-street\"", slug);
    let name = section.required("name", "\"Rowan Street\"", Value::name);
    let address = section.required("address", "\"14 Rowan Street, London N1 7QP\"", Value::name);
    let postal = section.optional("postal", POSTAL, postal);
    let zone = section.required("zone", "\"Europe/London\"", |value| value.parsed(values::zone));
    let directions = optional_texts(section, "directions", known);
    Ok(Location {
        slug: slug?,
        name: name?,
        address: address?,
        postal: postal?,
        zone: zone?.name().to_owned(),
        directions: directions?,
    })
}

const POSTAL: &str = "{ line = \"14 Rowan Street\", city = \"London\", postal_code = \"N1 7QP\" }";

fn postal(value: Value<'_>) -> Result<PostalAddress, Reported> {
    let table = value.table("postal address")?;
    let line = table.required("line", "\"14 Rowan Street\"", Value::name);
    let city = table.required("city", "\"London\"", Value::name);
    let state = table.optional("state", "\"MA\"", Value::name);
    let postal_code = table.required("postal_code", "\"N1 7QP\"", Value::name);
    table.done();
    Ok(PostalAddress { line: line?, city: city?, state: state?, postal_code: postal_code? })
}

pub(super) fn practitioner(section: &Section<'_>, known: &Known<'_>) -> Result<Practitioner, Reported> {
    let slug = section.required("slug", "\"tom-ferreira\"", slug);
    let name = section.required("name", "\"Tom Ferreira\"", Value::name);
    let role = texts(section, "role", known);
    let about = texts(section, "about", known);
    let languages =
        section.required("languages", "[\"en\", \"pt\"]", |value| value.list(|item| item.parsed(values::spoken_language)));
    Ok(Practitioner { slug: slug?, name: name?, role: role?, about: about?, languages: languages? })
}

pub(super) fn room(section: &Section<'_>, known: &Known<'_>) -> Result<Room, Reported> {
    let slug = section.required("slug", "\"room-1\"", slug);
    let name = section.required("name", "\"Room 1\"", Value::name);
    let location = section.required("location", "\"rowan-street\"", |value| known.locations.refer(value));
    let kind = section.required("kind", "\"treatment-room\"", plain_slug);
    Ok(Room { slug: slug?, name: name?, location: location?, kind: kind? })
}

pub(super) fn category(section: &Section<'_>, known: &Known<'_>) -> Result<Category, Reported> {
    let slug = section.required("slug", "\"physiotherapy\"", plain_slug);
    let name = texts(section, "name", known);
    Ok(Category { slug: slug?, name: name? })
}

pub(super) fn questionnaire(section: &Section<'_>, known: &Known<'_>) -> Result<Questionnaire, Reported> {
    let slug = section.required("slug", "\"your-health\"", slug);
    let name = texts(section, "name", known);
    let about = optional_texts(section, "about", known);
    Ok(Questionnaire { slug: slug?, name: name?, about: about? })
}

pub(super) fn texts(section: &Section<'_>, key: &'static str, known: &Known<'_>) -> Result<Texts, Reported> {
    section.required(key, "{ en = \"…\" }", |value| value.texts(known.languages.as_deref()))
}

pub(super) fn optional_texts(section: &Section<'_>, key: &'static str, known: &Known<'_>) -> Result<Texts, Reported> {
    section.optional(key, "{ en = \"…\" }", |value| value.texts(known.languages.as_deref())).map(Option::unwrap_or_default)
}
