//! A month at a glance: a heat map in which every cell also says in figures or signs what its colour says.

use chrono::{Datelike as _, NaiveDate};
use maud::{Markup, html};
use optigov_availability::{CounterAnswer, DayAnswer, DayState, EmptyDay, Language};

use super::words;
use crate::service::Days;

pub(super) fn heat_map(answer: &CounterAnswer, month: Days, today: NaiveDate) -> Markup {
    let days: Vec<DayAnswer> = answer.days().filter(|day| (month.first..=month.last).contains(&day.date)).collect();
    let most = days.iter().map(|day| day.state.free()).max().unwrap_or_default();
    // Empty cells before the first, so that each column is a weekday.
    let before = days.first().map_or(0, |day| day.date.weekday().num_days_from_monday() as usize);
    let cells: Vec<Option<DayAnswer>> = vec![None; before].into_iter().chain(days.iter().copied().map(Some)).collect();
    let to = |from: NaiveDate| format!("/?counter={}&template={}&from={from}", answer.id, answer.template);
    let previous = month.first.pred_opt().map(|last| Days::month_of(last).first).filter(|_| month.first > today);
    let mut signs: Vec<(&str, DayState)> = days.iter().filter_map(|day| Some((sign(day.state)?, day.state))).collect();
    signs.sort_by_key(|(sign, _)| *sign);
    signs.dedup_by_key(|(sign, _)| *sign);
    html! {
        section aria-labelledby="month" {
            h2 id="month" { "Monatsübersicht" }
            table.month {
                caption { (words::month(month.first)) }
                thead { tr { @for (short, long) in WEEK { th scope="col" { abbr title=(long) { (short) } } } } }
                tbody {
                    @for week in cells.chunks(7) {
                        tr {
                            @for cell in week {
                                @match cell { Some(day) => (self::cell(*day, most, today, &to(day.date))), None => td {} }
                            }
                            @for _ in week.len()..7 { td {} }
                        }
                    }
                }
            }
            ul.legend {
                @if most > 0 { li { span.cell.heat-3 { "7" } " Termine frei" } }
                @for (sign, state) in signs { li { span.cell { (sign) } " " (state.text().in_language(Language::German)) } }
            }
            nav.pages aria-label="Anderer Monat" {
                @if let Some(previous) = previous { a.button.second href=(to(previous.max(today))) { (words::month(previous)) } }
                @if let Some(next) = month.last.succ_opt() { a.button.second href=(to(next)) { (words::month(next)) } }
            }
        }
    }
}

const WEEK: [(&str, &str); 7] = [
    ("Mo", "Montag"),
    ("Di", "Dienstag"),
    ("Mi", "Mittwoch"),
    ("Do", "Donnerstag"),
    ("Fr", "Freitag"),
    ("Sa", "Samstag"),
    ("So", "Sonntag"),
];

fn cell(day: DayAnswer, most: usize, today: NaiveDate, link: &str) -> Markup {
    // From 1 to 4, by how much of the month's best day is free.
    let heat = (day.state.free() * 4).div_ceil(most.max(1));
    let number = html! {
        span.number { (day.date.day()) "." @if day.date == today { span.sr { " (heute)" } } }
        " "
    };
    html! {
        td class=[(day.date == today).then_some("today")] {
            @match day.state {
                DayState::Free(count) => a class={ "cell heat-" (heat) } href=(link) { (number) strong { (count) span.sr { " frei" } } },
                state => div.cell {
                    (number)
                    span aria-hidden="true" { (sign(state).unwrap_or_default()) }
                    span.sr { (state.text().in_language(Language::German)) }
                },
            }
        }
    }
}

/// The sign of a day without slots.
fn sign(state: DayState) -> Option<&'static str> {
    match state {
        DayState::Free(_) => None,
        DayState::Unknown => Some("?"),
        DayState::Empty(EmptyDay::Full) => Some("✕"),
        DayState::Empty(EmptyDay::Holiday) => Some("F"),
        DayState::Empty(EmptyDay::OutsideHorizon) => Some("…"),
        DayState::Empty(EmptyDay::LeadTime) => Some("·"),
        _ => Some("–"),
    }
}
