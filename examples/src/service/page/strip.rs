//! A counter's day as a strip: hours, what is busy, buffers and slots, drawn as SVG. It shows times alone, never what an appointment is about.

use std::time::Duration;

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use optigov_availability::{CounterAnswer, Interval};

use super::words;

/// How high a row is, with the words above its bar, and the bar.
const ROW: usize = 44;
const BAR: usize = 20;

/// One bar of the strip.
struct Row {
    label: String,
    /// What is drawn, with its class.
    pieces: Vec<(Interval, &'static str)>,
}

/// The strip of the one day that `answer` is about; nothing where there is nothing to draw.
pub(super) fn strip(answer: &CounterAnswer) -> Markup {
    let Some(shown) = shown(answer) else { return html! {} };
    let mut rows = rows(answer, shown);
    rows.iter_mut().for_each(|row| row.pieces.retain(|(piece, _)| piece.overlaps(shown)));
    // In per cent of the width, so that the strip fits any screen and its words stay readable.
    let place = |instant: DateTime<Utc>| {
        let (whole, part) = (shown.duration().as_secs(), (instant - shown.start()).num_seconds());
        format!("{:.3}%", part as f64 * 100.0 / whole as f64)
    };
    let width =
        |piece: Interval| format!("{:.3}%", piece.duration().as_secs_f64() * 100.0 / shown.duration().as_secs_f64());
    let hours = shown.duration().as_secs() / 3_600;
    // On a phone there is room for some twelve figures.
    let every = hours.div_ceil(12).max(1);
    let height = rows.len() * ROW + 20;
    let time = |instant| words::clock(instant, answer.zone);
    html! {
        svg.strip role="img" aria-label="Tagesverlauf; er steht darunter auch als Text" width="100%" height=(height) {
            defs {
                pattern id="hatched" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect.ground width="6" height="6" {}
                    rect.stripe width="2" height="6" {}
                }
            }
            @for hour in 0..=hours {
                @let at = shown.start() + Duration::from_secs(hour * 3_600);
                line.hour x1=(place(at)) x2=(place(at)) y1="0" y2=(height - 16) {}
                @if hour % every == 0 && hour < hours {
                    text.figure x=(place(at)) dx="3" y=(height - 3) { (at.with_timezone(&answer.zone).format("%-H")) }
                }
            }
            @for (number, row) in rows.iter().enumerate() {
                @let top = number * ROW;
                text x="0" dx="3" y=(top + 16) { (row.label) }
                rect.track x="0" y=(top + 21) width="100%" height=(BAR) {}
                @for (piece, class) in row.pieces.iter().filter_map(|(piece, class)| Some((piece.intersection(shown)?, class))) {
                    rect class=(class) x=(place(piece.start())) y=(top + 21) width=(width(piece)) height=(BAR) {}
                }
            }
        }
        ul.legend {
            li { span.key.open {} " geöffnet" }
            li { span.key.busy {} " belegt" }
            li { span.key.buffer {} " Puffer" }
            li { span.key.slot {} " buchbarer Termin" }
        }
        details {
            summary { "Als Text" }
            dl {
                @for row in &rows {
                    dt { (row.label) }
                    // Buffers follow from what they surround, and slots from their starts.
                    @let pieces: Vec<&Interval> = row.pieces.iter().filter(|(_, class)| *class != "buffer").map(|(piece, _)| piece).collect();
                    dd {
                        @if pieces.is_empty() { "nichts" }
                        @for (number, piece) in pieces.iter().enumerate() {
                            @if number > 0 { ", " }
                            (time(piece.start())) "–" (time(piece.end()))
                        }
                    }
                }
            }
        }
    }
}

fn rows(answer: &CounterAnswer, shown: Interval) -> Vec<Row> {
    let (slots, rules) = (&answer.slots, answer.slots.rules());
    let around = |busy: Interval, before: Duration, after: Duration| {
        let wide = busy.widened(before, after);
        let [left, right] =
            [(wide.start(), busy.start()), (busy.end(), wide.end())].map(|(start, end)| Interval::new(start, end).ok());
        left.into_iter().chain(right).map(|buffer| (buffer, "buffer")).chain([(busy, "busy")])
    };
    let open = slots.open_windows().windows().iter().map(|open| (open, "open")).collect();
    let mut rows = vec![Row { label: "Öffnungszeit".to_owned(), pieces: open }];
    // Where nothing can be booked, nothing is read, and nothing is known to be busy.
    let is_asked = answer.read_at.is_some() || !answer.status.unread().is_empty();
    let calendars = if is_asked { slots.resources().calendars() } else { &[] };
    for (number, calendar) in (1..).zip(calendars) {
        if answer.status.is_unknown() && answer.status.unread().iter().any(|unread| unread.mailbox + 1 == number) {
            rows.push(Row { label: format!("Postfach {number}: nicht bekannt"), pieces: vec![(shown, "unknown")] });
            continue;
        }
        // What is busy keeps an appointment's buffers away: the one after it ends before, and the one before it begins after.
        let pieces = calendar.iter().flat_map(|busy| around(busy, rules.buffer_after(), rules.buffer_before()));
        rows.push(Row { label: format!("Postfach {number}"), pieces: in_order(pieces.collect()) });
    }
    let booked: Vec<Interval> = slots.bookings().iter().collect();
    if booked.iter().any(|booked| booked.overlaps(shown)) {
        let between = rules.buffer_before().max(rules.buffer_after());
        let pieces = booked.iter().flat_map(|&booked| around(booked, between, between));
        rows.push(Row { label: "Gebucht".to_owned(), pieces: in_order(pieces.collect()) });
    }
    let step = rules.step().min(rules.length());
    let pieces = slots.iter().filter_map(|slot| Interval::new(slot.start(), slot.start() + step).ok());
    rows.push(Row { label: "Buchbar".to_owned(), pieces: pieces.map(|slot| (slot, "slot")).collect() });
    rows
}

/// Buffers first, so that what is busy is drawn over them.
fn in_order(mut pieces: Vec<(Interval, &'static str)>) -> Vec<(Interval, &'static str)> {
    pieces.sort_by_key(|(piece, class)| (*class == "busy", *piece));
    pieces
}

/// The hours that are drawn: those of the counter on this day, rounded outward to whole hours.
fn shown(answer: &CounterAnswer) -> Option<Interval> {
    let open = answer.slots.open_windows();
    let hours = open.windows().iter().reduce(Interval::hull)?.intersection(open.window())?;
    let hour = 3_600;
    let start = hours.start_unix().div_euclid(hour) * hour;
    let end = (hours.end_unix() + hour - 1).div_euclid(hour) * hour;
    Interval::from_unix(start, end).ok()
}
