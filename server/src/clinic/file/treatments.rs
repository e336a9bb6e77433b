//! `[[treatments]]`: what a patient can book, and how.

use std::collections::BTreeMap;

use app::clinic::model::{Audience, Confirmation, Treatment};
use app::ids::{PractitionerSlug, TreatmentSlug};

use super::head::{cancellation, plain_slug, unreserved_slug};
use super::lists::{optional_texts, texts};
use super::report::Reported;
use super::section::{Section, Value};
use super::values::{self, MINUTES_PER_DAY};
use super::{Items, Known};

/// The most seats of a group session.
const SEATS_MAX: u32 = 200;
/// The most visits of a series: three a week would fill two months with it.
const SERIES_MAX: u32 = 24;

pub(super) fn read(section: &Section<'_>, known: &Known<'_>) -> Result<Treatment, Reported> {
    let slug = section.required("slug", "\"physio-first\"", unreserved_slug::<TreatmentSlug>);
    let category = section.required("category", "\"physiotherapy\"", |value| known.categories.refer::<String>(value));
    let name = texts(section, "name", known);
    let description = texts(section, "description", known);
    let duration = section.required("duration", "\"45 min\"", |value| value.parsed(values::length));
    let buffer_before = minutes(section, "buffer_before", "\"5 min\"", values::buffer, Ok(0));
    let buffer_after = minutes(section, "buffer_after", "\"10 min\"", values::buffer, Ok(0));
    let every = minutes(section, "every", "\"15 min\"", values::length, duration);
    let price =
        section.required("price", "\"65\"", |value| value.number_or_text(|text| values::price(text, known.currency_digits)));
    let practitioners =
        section.required("practitioners", "[\"tom-ferreira\"]", |value| known.practitioners.refer_all::<PractitionerSlug>(value));
    let room_kind = section.optional("room_kind", "\"treatment-room\"", plain_slug);
    let capacity = section.optional("capacity", "8", |value| value.whole_number(1, SEATS_MAX)).map(|seats| seats.unwrap_or(1));
    let confirmation = confirmation(section);
    let audience = section.optional("audience", "\"existing\"", |value| audience(value, slug.as_ref().ok(), known));
    let notice = minutes(section, "notice", "\"2 h\"", values::ahead, Ok(known.notice_min));
    let horizon = section.optional("horizon", "\"60 days\"", |value| {
        let days = value.parsed(values::horizon_days)?;
        if days > known.horizon_days {
            return Err(value.wrong(format!(
                "this is further ahead than the clinic's own horizon of {} days. Write at most \"{0} days\".",
                known.horizon_days
            )));
        }
        Ok(days)
    });
    let cancellation = cancellation(section, known.currency_digits, known.cancellation);
    let before = optional_texts(section, "before", known);
    let after = optional_texts(section, "after", known);
    let questionnaires = section.optional("questionnaires", "[\"your-health\"]", |value| known.questionnaires.refer_all(value));
    let recall = section.optional("recall", "\"6 months\"", |value| value.parsed(values::recall_days));
    let series = section.optional("series", "8", |value| value.whole_number(2, SERIES_MAX));
    section.done();
    let treatment = Treatment {
        slug: slug?,
        category: category?,
        name: name?,
        description: description?,
        duration_min: duration?,
        buffer_before_min: buffer_before?,
        buffer_after_min: buffer_after?,
        every_min: every?,
        price: price?,
        practitioners: practitioners?,
        room_kind: room_kind?,
        capacity: capacity?,
        confirmation: confirmation?,
        audience: audience?.unwrap_or(Audience::Anyone),
        notice_min: notice?,
        horizon_days: horizon?.unwrap_or(known.horizon_days),
        cancellation: cancellation?,
        before: before?,
        after: after?,
        questionnaires: questionnaires?.unwrap_or_default(),
        recall_days: recall?,
        series_max: series?,
    };
    agrees_with_itself(section, &treatment)?;
    Ok(treatment)
}

fn minutes(
    section: &Section<'_>,
    key: &'static str,
    example: &'static str,
    parse: fn(&str) -> Result<u32, String>,
    otherwise: Result<u32, Reported>,
) -> Result<u32, Reported> {
    section.optional(key, example, |value| value.parsed(parse))?.map_or(otherwise, Ok)
}

fn confirmation(section: &Section<'_>) -> Result<Confirmation, Reported> {
    let on_request = section
        .optional("confirmation", "\"on request\"", |value| {
            value.parsed(|text| match text {
                "instant" => Ok(false),
                "on request" => Ok(true),
                _ => Err(format!("\"{text}\" is neither \"instant\" nor \"on request\". Write one of the two.")),
            })
        })
        .map(|answer| answer.unwrap_or(false));
    let answer = section.optional("answer_within", "\"1 day\"", |value| value.parsed(values::answer).map(|min| (value, min)));
    match (on_request?, answer?) {
        (false, None) => Ok(Confirmation::Instant),
        (true, Some((_, answer_within_min))) => Ok(Confirmation::OnRequest { answer_within_min }),
        (false, Some((value, _))) => {
            Err(value.wrong("only a treatment on request has an answer. Remove it, or add: confirmation = \"on request\""))
        }
        (true, None) => Err(section
            .wrong("A treatment on request needs the time by which you answer. Add, for example: answer_within = \"1 day\"")),
    }
}

/// `"anyone"`, `"new"`, `"existing"`, `"invited"` or `{ had = ["physio-first"] }`.
fn audience(value: Value<'_>, own: Option<&TreatmentSlug>, known: &Known<'_>) -> Result<Audience, Reported> {
    if !value.is_table() {
        return value.parsed(|text| match text {
            "anyone" => Ok(Audience::Anyone),
            "new" => Ok(Audience::New),
            "existing" => Ok(Audience::Existing),
            "invited" => Ok(Audience::Invited),
            _ => Err(format!(
                "\"{text}\" is no group of patients. Write \"anyone\", \"new\", \"existing\", \"invited\" or {{ had = [\"a treatment\"] }}."
            )),
        });
    }
    let table = value.table("audience")?;
    let had = table.required("had", "[\"physio-first\"]", |value| known.treatments.refer_all::<TreatmentSlug>(value));
    table.done();
    let had = had?;
    if own.is_some_and(|own| had.contains(own)) {
        return Err(value.wrong("a treatment cannot ask for itself: nobody could have it for the first time. Name another one."));
    }
    Ok(Audience::Had(had))
}

/// Keys that are each right and cannot be right together.
fn agrees_with_itself(section: &Section<'_>, treatment: &Treatment) -> Result<(), Reported> {
    let mut result = Ok(());
    let occupied = treatment.buffer_before_min + treatment.duration_min + treatment.buffer_after_min;
    if occupied > MINUTES_PER_DAY {
        result = Err(section.wrong("Duration and buffers together are longer than a day. Make one of them shorter."));
    }
    if treatment.notice_min >= treatment.horizon_days * MINUTES_PER_DAY {
        let reason = "Nobody could ever book this: `notice` reaches further than `horizon`. Make the notice shorter.";
        result = Err(section.wrong(reason));
    }
    if let Confirmation::OnRequest { answer_within_min } = treatment.confirmation
        && answer_within_min > treatment.notice_min
    {
        let reason = "The answer could come after the visit: `answer_within` is longer than `notice`. Make the notice longer.";
        result = Err(section.wrong(reason));
    }
    if treatment.series_max.is_some() && treatment.confirmation != Confirmation::Instant {
        let reason = "A series is booked at once or not at all, so it cannot wait for answers. Remove `series`, or remove `confirmation` and `answer_within`.";
        result = Err(section.wrong(reason));
    }
    if treatment.capacity > 1 && treatment.every_min < occupied {
        let reason = format!(
            "The sessions of a group would overlap: one begins every {} minutes and takes {occupied}. Write: every = \"{occupied} min\"",
            treatment.every_min
        );
        result = Err(section.wrong(reason));
    }
    result
}

/// Which treatments each practitioner gives, as far as the treatments could be read.
#[derive(Default)]
pub(super) struct Given {
    individual: BTreeMap<PractitionerSlug, Vec<TreatmentSlug>>,
    group: BTreeMap<PractitionerSlug, Vec<TreatmentSlug>>,
    complete: bool,
}

impl Given {
    pub(super) fn of(treatments: &Items<Treatment>) -> Self {
        let mut given = Self { complete: treatments.complete, ..Self::default() };
        for treatment in treatments.iter() {
            let of_kind = if treatment.capacity > 1 { &mut given.group } else { &mut given.individual };
            for practitioner in &treatment.practitioners {
                of_kind.entry(practitioner.clone()).or_default().push(treatment.slug.clone());
            }
        }
        given
    }

    /// What a shift gives, from its own list. Without a list: all but group sessions, which need a
    /// shift of their own, because every seat of theirs is booked for itself.
    pub(super) fn in_shift(
        &self,
        section: &Section<'_>,
        practitioner: &PractitionerSlug,
        listed: Option<(Value<'_>, Vec<TreatmentSlug>)>,
    ) -> Result<Option<Vec<TreatmentSlug>>, Reported> {
        let none = Vec::new();
        let individual = self.individual.get(practitioner).unwrap_or(&none);
        let group = self.group.get(practitioner).unwrap_or(&none);
        let Some((value, listed)) = listed else {
            return if group.is_empty() {
                Ok(None)
            } else if individual.is_empty() && self.complete {
                let reason =
                    format!("\"{practitioner}\" gives group sessions only. Name one here: treatments = [\"{}\"]", group[0]);
                Err(section.wrong(reason))
            } else {
                Ok(Some(individual.clone()))
            };
        };
        if let Some(foreign) = listed.iter().find(|slug| self.complete && !individual.contains(slug) && !group.contains(slug)) {
            return Err(value.wrong(format!(
                "\"{practitioner}\" does not give \"{foreign}\". Add them to its `practitioners`, or remove it here."
            )));
        }
        if listed.len() > 1 && listed.iter().any(|slug| group.contains(slug)) {
            return Err(value.wrong("a group session needs a shift of its own. Name it alone, and the others in another shift."));
        }
        Ok(Some(listed))
    }
}
