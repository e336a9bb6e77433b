//! Step 1: what do you need?

use leptos::prelude::*;
use leptos_meta::Meta;

use super::segment;
use crate::clinic::api::Treatments;
use crate::clinic::model::{AudienceKind, CategoryCard, TreatmentCard};
use crate::ids::ClinicSlug;
use crate::routes;
use crate::ui::ask::ask;
use crate::ui::frame::{PageTitle, PhoneLine, emergency, of_clinic};
use crate::ui::icon::Icon;
use crate::ui::notice::{Badge, Notice};
use crate::ui::steps::StepHead;
use crate::words::words;

pub fn choose_page() -> AnyView {
    let clinic = segment("clinic");
    let clinic = move || clinic()?.parse::<ClinicSlug>().ok();
    ask(move || Some(Treatments { clinic: clinic()? }))
        .show(move |categories| untrack(clinic).map_or_else(|| ().into_any(), |clinic| choose(&clinic, &categories)))
}

fn choose(clinic: &ClinicSlug, categories: &[CategoryCard]) -> AnyView {
    let w = words();
    let groups = categories.iter().map(|category| {
        let heading = format!("category-{}", category.slug);
        view! {
            <section class="stack g3" aria-labelledby=heading.clone()>
                <h2 id=heading.clone()>{category.name.clone()}</h2>
                <ul class="list" role="list">
                    {category.treatments.iter().map(|treatment| item(clinic, treatment)).collect::<Vec<_>>()}
                </ul>
            </section>
        }
    });
    let nothing = categories.is_empty().then(|| view! { <p class="lead">{w.booking_nothing()}</p> });
    let urgent = of_clinic(emergency);
    view! {
        <PageTitle text=w.booking_page(w.booking_choose())/>
        <Meta name="description" content=w.booking_choose_lead()/>
        <div class="narrow stack g6">
            <div class="stack">
                <StepHead step=1 title=w.booking_choose() back=routes::before_booking(clinic)/>
                <p class="lead">{w.booking_choose_lead()}</p>
            </div>
            {nothing}
            {groups.collect::<Vec<_>>()}
            <Notice tone="plain" icon="alert">{urgent}</Notice>
            <PhoneLine/>
        </div>
    }
    .into_any()
}

fn item(clinic: &ClinicSlug, treatment: &TreatmentCard) -> AnyView {
    let w = words();
    let line = format!("{} {}", treatment.description, w.booking_price_line(&treatment.duration, &treatment.price));
    view! {
        <li>
            <a class="item" href=routes::times(clinic, &treatment.slug)>
                <span class="grow">
                    <b>{treatment.name.clone()}</b>
                    <span class="fine">{line}</span>
                    {badges(treatment)}
                </span>
                <Icon name="next" class="flip"/>
            </a>
        </li>
    }
    .into_any()
}

/// What is special about a treatment, in two or three words each.
pub fn badges(treatment: &TreatmentCard) -> AnyView {
    let w = words();
    let audience = match treatment.audience {
        AudienceKind::Anyone => None,
        AudienceKind::New => Some(w.booking_for_new()),
        AudienceKind::Existing => Some(w.booking_for_existing()),
        AudienceKind::Had => Some(w.booking_for_had()),
        AudienceKind::Invited => Some(w.booking_for_invited()),
    };
    let marks: Vec<AnyView> = [
        treatment.on_request.then(|| view! { <Badge tone="info" text=w.booking_on_request()/> }.into_any()),
        treatment.group.then(|| view! { <Badge text=w.booking_group()/> }.into_any()),
        audience.map(|text| view! { <Badge text=text/> }.into_any()),
    ]
    .into_iter()
    .flatten()
    .collect();
    if marks.is_empty() { ().into_any() } else { view! { <span class="row g2">{marks}</span> }.into_any() }
}
