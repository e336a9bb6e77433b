//! A time that is offered to somebody who waits: theirs until then, to take or not.

use leptos::prelude::*;
use leptos_meta::Meta;

use crate::booking::page::links::lost;
use crate::booking::page::private_link;
use crate::booking::page::relocate::{cancelling, row};
use crate::error::{PortalError, Reason};
use crate::ids::ClinicSlug;
use crate::moment::Moment;
use crate::routes;
use crate::ui::ask::ask;
use crate::ui::focus::{Heading, TITLE, focus_next};
use crate::ui::form::{Sending, busy, form};
use crate::ui::frame::{CallUs, PageTitle, PhoneLine};
use crate::ui::icon::Icon;
use crate::ui::notice::{ANSWER, Answer, Notice};
use crate::ui::text::stressed;
use crate::waitlist::api::{self, Decline, Take};
use crate::waitlist::model::{Offer, OfferState};
use crate::words::words;

pub fn offer_page() -> AnyView {
    let link = private_link("offer");
    let offer = ask(move || link().map(|(clinic, offer)| api::Offer { clinic, offer }));
    let (take, decline) = (Sending::new::<Take>(), Sending::new::<Decline>());
    Effect::new(move |was_pending: Option<bool>| {
        let is_pending = take.is_pending() || decline.is_pending();
        if was_pending == Some(true) && !is_pending {
            let refused = take.refused_now().or_else(|| decline.refused_now());
            focus_next(match refused {
                None | Some(PortalError::Conflict(Reason::SlotTaken)) => TITLE,
                Some(_) => ANSWER,
            });
            offer.again();
        }
        is_pending
    });
    offer.show_or(lost, move |offer: Offer| {
        let Some((clinic, _)) = untrack(link) else { return ().into_any() };
        match &offer.state {
            OfferState::Open { until } => open(&clinic, &offer, until, (take, decline)),
            OfferState::Taken { visit } => {
                let see = view! { <a class="btn" href=routes::visit(&clinic, visit)>{words().held_see_visit()}</a> };
                page(words().offer_taken(), "check", view! { <div class="actions">{see}</div> })
            }
            OfferState::Declined => over(&clinic, &offer, words().offer_declined()),
            OfferState::Lapsed => over(&clinic, &offer, words().offer_lapsed()),
            OfferState::Withdrawn => over(&clinic, &offer, words().offer_withdrawn()),
        }
    })
}

fn page(title: &'static str, icon: &'static str, body: impl IntoAny) -> AnyView {
    view! {
        <PageTitle text=title.to_owned()/>
        <Meta name="robots" content="noindex"/>
        <div class="narrow stack g6">
            <div class="stack g3">
                <span class="disc"><Icon name=icon/></span>
                <Heading text=title/>
            </div>
            {body.into_any()}
            <PhoneLine/>
        </div>
    }
    .into_any()
}

fn open(clinic: &ClinicSlug, offer: &Offer, until: &Moment, (take, decline): (Sending, Sending)) -> AnyView {
    let w = words();
    let to = &offer.to;
    let request = to.answer_by.as_ref().map(|by| {
        let when = w.booking_when(&by.day, &by.time);
        let sentence = if offer.visit.is_some() { w.move_request(&when) } else { w.check_request_text(&when) };
        view! { <Notice tone="warn" icon="clock"><p>{stressed(&sentence)}</p></Notice> }
    });
    let old = offer.visit.as_ref().map(|visit| row(w.move_old(), &visit.summary, false));
    let what = view! { <strong>{to.treatment.name.clone()}</strong> ". " {w.booking_price_line(&to.treatment.duration, &to.treatment.price)} };
    let failed = move || {
        let (tone, title, text) = match take.refused().or_else(|| decline.refused())? {
            PortalError::Conflict(Reason::Changed) => ("warn", w.offer_changed(), w.offer_changed_text()),
            PortalError::Conflict(Reason::NotEligible) => ("warn", w.times_not_eligible(), w.times_not_eligible_text()),
            PortalError::Conflict(Reason::TooLate) => ("warn", w.cancel_too_late(), w.cancel_too_late_text()),
            PortalError::Conflict(_) => return None,
            PortalError::TooMany => ("warn", w.state_too_many(), w.state_too_many_text()),
            _ => ("bad", w.state_wrong(), w.offer_failed_text()),
        };
        Some(view! { <Answer tone=tone title=title><p>{text}</p><CallUs/></Answer> })
    };
    let fields = || vec![("clinic", clinic.to_string()), ("offer", offer.token.to_string())];
    let mut taking = fields();
    taking.push(("version", offer.version.clone()));
    let yes = view! {
        <div class="actions">
            <button class="btn" aria-busy=busy(take)>
                {move || if take.is_pending() { w.offer_taking() } else { w.offer_take() }}
            </button>
        </div>
    };
    let no = view! { <div class="actions"><button class="btn plain" aria-busy=busy(decline)>{w.offer_decline()}</button></div> };
    let kept = w.offer_until(&w.booking_when(&until.day, &until.time));
    let body = view! {
        {failed}
        <Notice icon="clock"><p>{stressed(&kept)}</p></Notice>
        <section class="card stack g3" aria-label=w.move_new()>
            <p>{what}</p>
            <dl class="summary">
                {old}
                {row(w.move_new(), to, true)}
            </dl>
            <p class="fine">{stressed(&w.offer_for(&offer.patient_name))}</p>
        </section>
        <section class="stack g2">
            <h2 class="eyebrow">{w.check_cost()}</h2>
            <p>{offer.visit.is_some().then(|| w.move_free())} " " {cancelling(to)}</p>
        </section>
        {request}
        <div class="stack g3">
            {form(take, None, taking, yes)}
            {form(decline, None, fields(), no)}
            <p class="quiet">{w.offer_no_text()}</p>
        </div>
        <p><a class="more" href=routes::waitlist(clinic, &offer.entry)>{w.offer_place()}</a></p>
    };
    page(w.offer_title(), "calendar", body)
}

/// The time is not theirs any more: what is, and where to go.
fn over(clinic: &ClinicSlug, offer: &Offer, title: &'static str) -> AnyView {
    let w = words();
    let stays = offer.waits.then(|| view! { <p class="lead">{w.offer_stays()}</p> });
    let place = offer.waits.then(|| view! { <a class="btn" href=routes::waitlist(clinic, &offer.entry)>{w.offer_place()}</a> });
    let visit = offer.visit.as_ref().map(|visit| {
        view! { <a class="btn plain" href=routes::visit(clinic, &visit.token)>{w.held_see_visit()}</a> }
    });
    let all = view! { <a class="btn plain" href=routes::times(clinic, &offer.to.treatment.slug)>{w.held_see_all()}</a> };
    let body = view! {
        {stays}
        <div class="actions">{place} {visit} {all}</div>
    };
    page(title, "info", body)
}
