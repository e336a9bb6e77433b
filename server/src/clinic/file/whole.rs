//! What only shows when all of the file is there: slugs given twice, things nobody uses, treatments
//! that no shift has room for.

use std::collections::{BTreeMap, BTreeSet};

use app::clinic::model::{
    Category, Closure, Hours, Location, Practitioner, Questionnaire, Room, Shift, ShiftException, Treatment,
};
use app::ids::{LocationSlug, PractitionerSlug};

use super::section::Section;
use super::{Items, Placed, overlap};

/// Everything in the file but `[clinic]`.
pub(super) struct Parts {
    pub(super) locations: Items<Location>,
    pub(super) practitioners: Items<Practitioner>,
    pub(super) rooms: Items<Room>,
    pub(super) categories: Items<Category>,
    pub(super) questionnaires: Items<Questionnaire>,
    pub(super) treatments: Items<Treatment>,
    pub(super) shifts: Items<Vec<Shift>>,
    pub(super) exceptions: Items<Vec<ShiftException>>,
    pub(super) closures: Items<Closure>,
}

impl Parts {
    pub(super) fn check(&mut self, root: &Section<'_>) {
        twice(root, "location", &self.locations, |item| item.slug.as_str());
        twice(root, "practitioner", &self.practitioners, |item| item.slug.as_str());
        twice(root, "room", &self.rooms, |item| item.slug.as_str());
        twice(root, "category", &self.categories, |item| &item.slug);
        twice(root, "questionnaire", &self.questionnaires, |item| item.slug.as_str());
        twice(root, "treatment", &self.treatments, |item| item.slug.as_str());
        self.everyone_works(root);
        self.every_category_is_used(root);
        self.every_treatment_fits(root);
        self.exceptions_name_one_place(root);
        overlap::check(root, &self.locations, &self.shifts, &self.exceptions);
    }

    fn everyone_works(&self, root: &Section<'_>) {
        if !self.shifts.complete || !self.exceptions.complete {
            return;
        }
        let on_rules = self.shifts.iter().flatten().map(|shift| &shift.practitioner);
        let on_dates = self.exceptions.iter().flatten().filter(|one| !one.hours.is_empty()).map(|one| &one.practitioner);
        let working: BTreeSet<&PractitionerSlug> = on_rules.chain(on_dates).collect();
        for Placed { line, item } in self.practitioners.items.iter().filter(|one| !working.contains(&one.item.slug)) {
            root.wrong_at(*line, format!("\"{}\" has no shift: nobody could book a visit. Add one to [[shifts]].", item.slug));
        }
    }

    fn every_category_is_used(&self, root: &Section<'_>) {
        if !self.treatments.complete {
            return;
        }
        let used: BTreeSet<&str> = self.treatments.iter().map(|treatment| treatment.category.as_str()).collect();
        for Placed { line, item } in self.categories.items.iter().filter(|one| !used.contains(one.item.slug.as_str())) {
            root.wrong_at(*line, format!("No treatment is in the category \"{}\". Put one in it, or remove it.", item.slug));
        }
    }

    /// Where each practitioner works, when, and what they give then.
    fn works(
        &self,
    ) -> impl Iterator<Item = (&PractitionerSlug, Option<&LocationSlug>, Hours, Option<&Vec<app::ids::TreatmentSlug>>)> {
        let rules =
            self.shifts.iter().flatten().map(|one| (&one.practitioner, Some(&one.location), one.hours, one.treatments.as_ref()));
        let dates = self.exceptions.iter().flatten().flat_map(|one| {
            one.hours.iter().map(|hours| (&one.practitioner, one.location.as_ref(), *hours, one.treatments.as_ref()))
        });
        rules.chain(dates)
    }

    fn every_treatment_fits(&self, root: &Section<'_>) {
        if !self.shifts.complete || !self.exceptions.complete || !self.rooms.complete {
            return;
        }
        for Placed { line, item: treatment } in &self.treatments.items {
            let offered: Vec<(Option<&LocationSlug>, u32)> = self
                .works()
                .filter(|(practitioner, _, _, listed)| {
                    treatment.practitioners.contains(practitioner) && listed.is_none_or(|listed| listed.contains(&treatment.slug))
                })
                .map(|(_, location, hours, _)| (location, hours.minutes().1 - hours.minutes().0))
                .collect();
            let slug = &treatment.slug;
            let Some(longest) = offered.iter().map(|(_, length)| *length).max() else {
                let help = "Add one to [[shifts]] that names it or one of its practitioners.";
                root.wrong_at(*line, format!("\"{slug}\" is in no shift of its practitioners. {help}"));
                continue;
            };
            if treatment.duration_min > longest {
                let help = "Make the treatment shorter, or a shift longer.";
                let takes = treatment.duration_min;
                root.wrong_at(
                    *line,
                    format!("\"{slug}\" takes {takes} minutes and the longest shift that gives it has {longest}. {help}"),
                );
            }
            let Some(kind) = &treatment.room_kind else { continue };
            let has_room = |place: &LocationSlug| self.rooms.iter().any(|room| room.kind == *kind && room.location == *place);
            if !offered.iter().any(|(location, _)| location.is_none_or(has_room)) {
                let help = "Add one to [[rooms]], or change `room_kind`.";
                root.wrong_at(
                    *line,
                    format!("\"{slug}\" needs a room of the kind \"{kind}\", and no location that gives it has one. {help}"),
                );
            }
        }
    }

    /// Hours are hours by somebody's clock: an exception that has some is given the practitioner's
    /// only location, or must name one.
    fn exceptions_name_one_place(&mut self, root: &Section<'_>) {
        let mut places: BTreeMap<&PractitionerSlug, BTreeSet<&LocationSlug>> = BTreeMap::new();
        for shift in self.shifts.iter().flatten() {
            places.entry(&shift.practitioner).or_default().insert(&shift.location);
        }
        for Placed { line, item } in &mut self.exceptions.items {
            for exception in item.iter_mut().filter(|one| one.location.is_none() && !one.hours.is_empty()) {
                let known: Vec<&LocationSlug> = places.get(&exception.practitioner).into_iter().flatten().copied().collect();
                match known[..] {
                    [only] => exception.location = Some(only.clone()),
                    _ if !self.shifts.complete => {}
                    _ => {
                        let reason = format!(
                            "These hours need a place, since \"{}\" does not work at exactly one. Add: location = \"…\"",
                            exception.practitioner
                        );
                        root.wrong_at(*line, reason);
                    }
                }
            }
        }
    }
}

/// Notes every slug that an earlier item has already.
fn twice<T>(root: &Section<'_>, kind: &str, items: &Items<T>, slug: impl Fn(&T) -> &str) {
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    for Placed { line, item } in &items.items {
        if let Some(earlier) = lines.get(slug(item)) {
            let name = slug(item);
            root.wrong_at(*line, format!("The {kind} of line {earlier} is called \"{name}\" already. Choose another slug."));
        } else {
            lines.insert(slug(item), *line);
        }
    }
}
