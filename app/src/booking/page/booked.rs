//! A visit that was just booked in the frame of a clinic's website: what the private page says
//! first. Whatever changes the visit is there, in a window of its own, because that page is
//! nobody's frame.

use leptos::prelude::*;
use leptos_meta::Meta;

use super::private_link;
use super::visit::{next, standing, ticket};
use crate::booking::api;
use crate::booking::model::Visit;
use crate::embed::NewWindow;
use crate::ids::ClinicSlug;
use crate::routes;
use crate::ui::ask::ask;
use crate::ui::frame::{PageTitle, PhoneLine};
use crate::ui::text::stressed;
use crate::words::words;

pub fn booked_page() -> AnyView {
    let link = private_link("visit");
    ask(move || link().map(|(clinic, visit)| api::Visit { clinic, visit }))
        .show(move |visit: Visit| untrack(link).map_or_else(|| ().into_any(), |(clinic, _)| booked_view(&clinic, &visit)))
}

fn booked_view(clinic: &ClinicSlug, visit: &Visit) -> AnyView {
    let w = words();
    let standing = standing(visit);
    let sent = (!visit.sent_to.is_empty()).then(|| view! { " " {w.visit_sent(&visit.sent_to)} });
    view! {
        <PageTitle text=standing.title.to_owned()/>
        <Meta name="robots" content="noindex"/>
        <div class="narrow stack g6" data-booked=standing.ahead.then_some("")>
            {ticket(clinic, visit, &standing)}
            {standing.ahead.then(|| next(visit))}
            <section class="stack" aria-labelledby="change">
                <h2 id="change">{w.visit_plans()}</h2>
                <p>{w.embed_manage_text()}</p>
                <div class="actions">
                    <NewWindow class="btn plain" href=routes::visit(clinic, &visit.token) text=w.embed_manage()/>
                </div>
            </section>
            <p class="fine">
                {stressed(&w.visit_number(&visit.number))} " " {stressed(&w.visit_number_patient(&visit.patient_name))} {sent}
            </p>
            <PhoneLine/>
        </div>
    }
    .into_any()
}
