//! Small views of a clinic's parts, in the reader's language.

use app::clinic::model::{
    Audience, AudienceKind, CategoryCard, Clinic, ClinicCard, Confirmation, Location, LocationCard, Practitioner,
    PractitionerCard, Treatment, TreatmentCard,
};
use app::words::Language;

use crate::labels;

/// What every page of the clinic shows around its content; `demo` if letters land in a folder that a page shows.
pub fn clinic(clinic: &Clinic, language: Language, demo: bool) -> ClinicCard {
    ClinicCard {
        slug: clinic.slug.clone(),
        name: clinic.name.clone(),
        about: clinic.about.get(language).to_owned(),
        phone: clinic.phone.clone(),
        phone_label: clinic.phone_label.clone(),
        phone_hours: clinic.phone_hours.get(language).to_owned(),
        email: clinic.email.clone(),
        emergency: clinic.emergency.get(language).to_owned(),
        emergency_phone: clinic.emergency_phone.clone(),
        languages: clinic.languages.clone(),
        demo,
    }
}

/// All treatments under their headings; a heading without any is left out.
pub fn categories(clinic: &Clinic, language: Language) -> Vec<CategoryCard> {
    let card = |category: &app::clinic::model::Category| CategoryCard {
        slug: category.slug.clone(),
        name: category.name.get(language).to_owned(),
        treatments: clinic
            .treatments
            .iter()
            .filter(|treatment| treatment.category == category.slug)
            .map(|treatment| self::treatment(clinic, treatment, language))
            .collect(),
    };
    clinic.categories.iter().map(card).filter(|category| !category.treatments.is_empty()).collect()
}

pub fn treatment(clinic: &Clinic, treatment: &Treatment, language: Language) -> TreatmentCard {
    TreatmentCard {
        slug: treatment.slug.clone(),
        name: treatment.name.get(language).to_owned(),
        description: treatment.description.get(language).to_owned(),
        duration: labels::duration(treatment.duration_min, language),
        price: labels::money(treatment.price, &clinic.currency, language),
        free: treatment.price == 0,
        audience: match treatment.audience {
            Audience::Anyone => AudienceKind::Anyone,
            Audience::New => AudienceKind::New,
            Audience::Existing => AudienceKind::Existing,
            Audience::Had(_) => AudienceKind::Had,
            Audience::Invited => AudienceKind::Invited,
        },
        on_request: matches!(treatment.confirmation, Confirmation::OnRequest { .. }),
        group: treatment.capacity > 1,
    }
}

pub fn practitioner(practitioner: &Practitioner, language: Language) -> PractitionerCard {
    PractitionerCard {
        slug: practitioner.slug.clone(),
        name: practitioner.name.clone(),
        role: practitioner.role.get(language).to_owned(),
        about: practitioner.about.get(language).to_owned(),
        languages: practitioner.languages.iter().map(|tag| labels::language_name(tag, language)).collect(),
    }
}

pub fn location(clinic: &Clinic, location: &Location, language: Language) -> LocationCard {
    let rules: Vec<_> = clinic
        .shifts
        .iter()
        .filter(|shift| shift.location == location.slug)
        .map(|shift| (shift.days.clone(), shift.hours))
        .collect();
    LocationCard {
        slug: location.slug.clone(),
        name: location.name.clone(),
        address: location.address.clone(),
        zone: location.zone.clone(),
        directions: location.directions.get(language).to_owned(),
        hours: labels::opening_hours(&rules, language),
    }
}
