//! The `FreeBusyView` of one mailbox: its events, and whether the rest of it agrees with them.

use optigov_calendar::{Calendar, CalendarEntry, EntryStatus, EntryTime, ReadError, ReadErrorKind, Text};
use optigov_slots::Interval;

use super::{Asked, interval_minutes};
use crate::{
    error::{malformed, too_many_entries},
    ops::{entry_status, set_once, twice},
    time,
    xml::Reader,
};

/// Reads a view to its end. The outer error ends the whole answer; the inner one is about this mailbox only.
pub(super) fn read_view(reader: &mut Reader<'_>, asked: &Asked) -> Result<Result<Calendar, ReadError>, ReadError> {
    let (mut kind, mut merged, mut events) = (None, None, None);
    let mut repeated = Ok(());
    while let Some(tag) = reader.child()? {
        let once = match tag.name() {
            "FreeBusyViewType" => set_once(&mut kind, reader.text()?.trim().to_owned(), "FreeBusyViewType"),
            "MergedFreeBusy" => set_once(&mut merged, reader.text()?.trim().to_owned(), "MergedFreeBusy"),
            "CalendarEventArray" => set_once(&mut events, read_events(reader, asked)?, "CalendarEventArray"),
            _ => {
                reader.skip()?;
                Ok(())
            }
        };
        repeated = repeated.and(once);
    }
    Ok(repeated.and_then(|()| checked(kind.as_deref(), merged.as_deref(), events, asked)))
}

/// What the parts of a view say together.
fn checked(
    kind: Option<&str>,
    merged: Option<&str>,
    events: Option<Result<Vec<CalendarEntry>, ReadError>>,
    asked: &Asked,
) -> Result<Calendar, ReadError> {
    match (kind.unwrap_or_default(), &events) {
        ("FreeBusy" | "FreeBusyMerged" | "Detailed" | "DetailedMerged", _) | ("", Some(_)) => {}
        // A view of less than single events says nothing about when the owner is free.
        ("" | "None" | "MergedOnly", None) => return Err(no_single_times()),
        ("None" | "MergedOnly", Some(_)) => {
            return Err(malformed(
                "die Art des Frei/Gebucht-Ergebnisses schließt einzelne Zeiten aus, und doch enthält es welche",
                "the free/busy result is of a kind without single times, and yet it holds some",
            ));
        }
        _ => {
            return Err(malformed(
                "das Frei/Gebucht-Ergebnis ist von einer unbekannten Art",
                "the free/busy result is of an unknown kind",
            ));
        }
    }
    let events = events.unwrap_or_else(|| Ok(Vec::new()))?;
    match merged.is_some_and(|merged| says_more_than(merged, &events, asked.window)) {
        true => Err(malformed(
            "die zusammengefassten Frei/Gebucht-Zeiten nennen mehr als die einzelnen",
            "the merged free/busy times say more than the single ones",
        )),
        false => Ok(Calendar::without_all_day_flag(events)),
    }
}

/// Whether a digit of merged data says anything but free where no event does. Each digit stands for one interval from the window's start on.
fn says_more_than(merged: &str, events: &[CalendarEntry], window: Interval) -> bool {
    let step = 60 * interval_minutes(window);
    let index = |at: i64| usize::try_from(at.max(0)).unwrap_or(usize::MAX).min(merged.len());
    // How many more events lie over this digit than over the one before.
    let mut more = vec![0_i64; merged.len() + 1];
    for event in events.iter().filter(|event| event.status() != EntryStatus::Free) {
        let EntryTime::Timed(time) = event.time() else { continue };
        let since = |at: i64| at.saturating_sub(window.start_unix());
        let first = index(since(time.start_unix()).div_euclid(step));
        let after = index((since(time.end_unix()).saturating_add(step - 1)).div_euclid(step));
        more[first] += 1;
        more[after] -= 1;
    }
    let mut over = 0;
    merged.bytes().zip(more).any(|(digit, more)| {
        over += more;
        digit != b'0' && over == 0
    })
}

fn read_events(reader: &mut Reader<'_>, asked: &Asked) -> Result<Result<Vec<CalendarEntry>, ReadError>, ReadError> {
    let mut entries: Result<Vec<CalendarEntry>, ReadError> = Ok(Vec::new());
    let mut position = 0_usize;
    while let Some(_event) = reader.child()? {
        position += 1;
        let event = read_event(reader, position)?;
        let Ok(known) = &mut entries else { continue };
        match event {
            Ok(_) if known.len() >= asked.most_entries as usize => entries = Err(too_many_entries(asked.most_entries)),
            Ok(event) => known.extend(event),
            Err(error) => entries = Err(error),
        }
    }
    Ok(entries)
}

/// `None` for an event that covers no time.
fn read_event(reader: &mut Reader<'_>, position: usize) -> Result<Result<Option<CalendarEntry>, ReadError>, ReadError> {
    let (mut start, mut end, mut status) = (None, None, None);
    let mut repeated = None;
    while let Some(tag) = reader.child()? {
        let name = match tag.name() {
            "StartTime" => start.replace(time::parse(&reader.text()?)).map(|_| "StartTime"),
            "EndTime" => end.replace(time::parse(&reader.text()?)).map(|_| "EndTime"),
            "BusyType" => status.replace(entry_status(&reader.text()?)).map(|_| "BusyType"),
            _ => {
                reader.skip()?;
                None
            }
        };
        repeated = repeated.or(name);
    }
    if let Some(name) = repeated {
        return Ok(Err(twice(name)));
    }
    let status = status.unwrap_or(EntryStatus::Unknown);
    Ok(match (start.flatten(), end.flatten()) {
        (Some(start), Some(end)) if start <= end => {
            Ok(Interval::new(start, end).ok().map(|interval| CalendarEntry::timed(interval, status)))
        }
        (Some(start), Some(_)) => Err(malformed(
            format!(
                "Zeit {position} des Frei/Gebucht-Ergebnisses endet vor ihrem Beginn am {}",
                start.format("%d.%m.%Y")
            ),
            format!("time {position} of the free/busy result ends before it begins, on {}", start.format("%Y-%m-%d")),
        )),
        _ => Err(malformed(
            format!("Zeit {position} des Frei/Gebucht-Ergebnisses hat keinen lesbaren Beginn oder kein lesbares Ende"),
            format!("time {position} of the free/busy result has no start or end that can be read"),
        )),
    })
}

fn no_single_times() -> ReadError {
    let fact = Text::fixed(
        "der Server nennt dem Konto keine einzelnen Frei/Gebucht-Zeiten des Postfachs",
        "the server gives the account no single free/busy times of the mailbox",
    );
    ReadError::new(ReadErrorKind::AccessDenied, fact)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;

    fn busy(start: i64, end: i64) -> CalendarEntry {
        CalendarEntry::timed(Interval::from_unix(start, end).expect("not empty"), EntryStatus::Busy)
    }

    #[test]
    fn merged_data_is_held_against_the_events() {
        let window = Interval::from_unix(0, 4 * HOUR).expect("not empty");
        let one = [busy(HOUR + 60, 2 * HOUR)];
        for (merged, events, more) in [
            ("0000", &[][..], false),
            ("0200", &[], true),
            ("0200", &one, false),
            ("0000", &one, false),
            ("0220", &one, true),
            ("2000", &one, true),
            ("0004", &one, true),
            ("2222", &[busy(i64::MIN, i64::MAX)], false),
        ] {
            assert_eq!(says_more_than(merged, events, window), more, "{merged}");
        }
        let free = CalendarEntry::timed(window, EntryStatus::Free);
        assert!(says_more_than("0200", &[free], window));
    }
}
