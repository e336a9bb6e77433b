//! The free times of a month as a table. Days with times are links; the others are only read.

use leptos::prelude::*;

use super::address::{Part, TimesAddress};
use crate::booking::model::{DayCell, MonthGrid, MonthLink};
use crate::ui::icon::Icon;
use crate::words::words;

pub fn month_grid(address: &TimesAddress, grid: &MonthGrid) -> AnyView {
    let w = words();
    let weekdays = grid.weekdays.iter().map(|weekday| {
        view! { <th scope="col"><abbr title=weekday.full.clone() aria-label=weekday.full.clone()>{weekday.short.clone()}</abbr></th> }
    });
    let weeks = grid.weeks.iter().map(|week| {
        let cells = week.iter().map(|cell| day_cell(address, grid, cell.as_ref()));
        view! { <tr>{cells.collect::<Vec<_>>()}</tr> }
    });
    view! {
        <section class="card stack" aria-labelledby="month">
            <div class="row apart">
                <h2 id="month">{grid.label.clone()}</h2>
                <div class="row g2">
                    {month_link(address, grid.previous.as_ref(), "back")}
                    {month_link(address, grid.next.as_ref(), "next")}
                </div>
            </div>
            <table class="cal">
                <caption class="vh">{w.times_days_are_links(&grid.label)}</caption>
                <thead><tr>{weekdays.collect::<Vec<_>>()}</tr></thead>
                <tbody>{weeks.collect::<Vec<_>>()}</tbody>
            </table>
            <p class="fine">{w.times_shaded()}</p>
        </section>
    }
    .into_any()
}

fn month_link(address: &TimesAddress, month: Option<&MonthLink>, icon: &'static str) -> AnyView {
    let Some(month) = month else { return ().into_any() };
    let href = address.with_part(Part::Calendar { month: Some(month.first), day: None });
    view! {
        <a class="btn plain small" href=href data-noscroll="">
            <Icon name=icon class="flip"/>
            <span class="vh">{month.label.clone()}</span>
        </a>
    }
    .into_any()
}

/// "16, Monday 16 March, 3 times free, chosen".
fn day_cell(address: &TimesAddress, grid: &MonthGrid, cell: Option<&DayCell>) -> AnyView {
    let w = words();
    let Some(cell) = cell else { return view! { <td></td> }.into_any() };
    if cell.free == 0 {
        return view! { <td>{cell.number.clone()}<span class="vh">", "{w.times_no_times()}</span></td> }.into_any();
    }
    let chosen = grid.chosen == Some(cell.date);
    let href = address.with_part(Part::Calendar { month: Some(grid.first), day: Some(cell.date) });
    let mut name = format!(", {}, {}", cell.label, w.times_free(cell.free));
    if chosen {
        name.extend([", ", w.times_chosen()]);
    }
    view! {
        <td>
            <a href=href aria-current=chosen.then_some("true") data-noscroll="">
                {cell.number.clone()}
                <span class="vh">{name}</span>
            </a>
        </td>
    }
    .into_any()
}
