//! A page of a calendar view, as it is read.

use std::{
    borrow::Cow,
    fmt,
    hash::{DefaultHasher, Hasher},
};

use chrono::{NaiveDateTime, NaiveTime, TimeDelta};
use optigov_calendar::{CalendarEntry, EntryStatus, ReadError, ReadErrorKind, Text};
use optigov_http::error::malformed;
use optigov_slots::Interval;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Deserializer, de};

use crate::time;

/// What a view is asked to say of each event. `id` tells events that come twice; there is no word for a title here.
pub(crate) const SELECT: &str = "id,start,end,isAllDay,isCancelled,showAs,type";

/// One page.
pub(crate) struct Page {
    pub(crate) events: Vec<Event>,
    /// The link to the next page, as the server wrote it.
    pub(crate) next: Option<String>,
    /// The mailbox whose page it says to be, where it names one by an address.
    pub(crate) user: Option<String>,
    /// How many events the server sent, those that cover no time included.
    pub(crate) sent: usize,
}

/// One event.
#[derive(Clone, Copy)]
pub(crate) struct Event {
    pub(crate) entry: CalendarEntry,
    /// What is kept of its id.
    pub(crate) id: u64,
}

/// Reads a page.
///
/// # Errors
/// [`ReadErrorKind::Malformed`] where it is no page, or holds an event whose times cannot be told; [`ReadErrorKind::UnexpandedSeries`] where it holds a
/// series in place of its occurrences.
pub(crate) fn read(body: &[u8]) -> Result<Page, ReadError> {
    let raw: RawPage<'_> = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    let sent = raw.value.len();
    let mut events = Vec::with_capacity(sent);
    for (position, event) in (1..).zip(&raw.value) {
        events.extend(event.read(position)?);
    }
    let user = raw.context.as_ref().and_then(|context| user_of(&context.0));
    Ok(Page { events, next: raw.next.map(|link| link.0.into_owned()), user, sent })
}

/// The address in `…$metadata#users('anna%40musterstadt.example')/calendar/calendarView`. A name that is no address, such as an id, says nothing.
fn user_of(context: &str) -> Option<String> {
    let (_, rest) = context.split_once("#users('")?;
    let (user, _) = rest.split_once("')")?;
    let user = percent_decode_str(user).decode_utf8_lossy().replace("''", "'");
    user.contains('@').then_some(user)
}

/// The error of JSON that is none, or other JSON than was expected. It says where, since the text itself may hold anything.
pub(crate) fn unreadable(error: &serde_json::Error) -> ReadError {
    let (line, column) = (error.line(), error.column());
    malformed(
        format!("die Antwort ist kein JSON von der erwarteten Form (Zeile {line}, Spalte {column})"),
        format!("the answer is no JSON of the form expected (line {line}, column {column})"),
    )
}

#[derive(Deserialize)]
struct RawPage<'a> {
    #[serde(borrow)]
    value: Vec<RawEvent<'a>>,
    #[serde(borrow, default, rename = "@odata.context")]
    context: Option<Word<'a>>,
    #[serde(borrow, default, rename = "@odata.nextLink")]
    next: Option<Word<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEvent<'a> {
    #[serde(borrow, default)]
    id: Option<Word<'a>>,
    #[serde(borrow, default)]
    start: Option<RawTime<'a>>,
    #[serde(borrow, default)]
    end: Option<RawTime<'a>>,
    #[serde(default)]
    is_all_day: Option<bool>,
    #[serde(default)]
    is_cancelled: Option<bool>,
    #[serde(borrow, default)]
    show_as: Option<Word<'a>>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<Word<'a>>,
}

/// A `dateTimeTimeZone`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawTime<'a> {
    #[serde(borrow)]
    date_time: Word<'a>,
    #[serde(borrow, default)]
    time_zone: Option<Word<'a>>,
}

/// A text, borrowed where the answer holds it as it is.
pub(crate) struct Word<'a>(pub(crate) Cow<'a, str>);

impl RawTime<'_> {
    /// The reading of the clock, in the zone that is named beside it.
    fn civil(&self) -> Option<NaiveDateTime> {
        time::parse(&self.date_time.0)
    }

    /// The reading of the clock, if it is UTC's, as was asked for.
    pub(crate) fn utc(&self) -> Option<NaiveDateTime> {
        self.civil().filter(|_| self.is_utc())
    }

    /// Whether the zone is UTC, which is the one where none is named.
    fn is_utc(&self) -> bool {
        self.time_zone.as_ref().is_none_or(|zone| time::is_utc(&zone.0))
    }
}

impl RawEvent<'_> {
    /// `None` for an event that covers no time.
    fn read(&self, position: usize) -> Result<Option<Event>, ReadError> {
        if self.kind.as_ref().is_some_and(|kind| kind.0.eq_ignore_ascii_case("seriesMaster")) {
            return Err(unexpanded());
        }
        let (Some(start), Some(end)) = (&self.start, &self.end) else {
            return Err(broken(position, "hat keinen Beginn oder kein Ende", "has no start or no end"));
        };
        let (Some(from), Some(to)) = (start.civil(), end.civil()) else {
            return Err(broken(
                position,
                "hat einen Beginn oder ein Ende, das keine Zeitangabe ist",
                "has a start or an end that is no time",
            ));
        };
        if to < from {
            return Err(broken(position, "endet vor seinem Beginn", "ends before it begins"));
        }
        let status = self.show_as.as_ref().map_or(EntryStatus::Unknown, |text| status(&text.0));
        let midnights = from.time() == NaiveTime::MIN && to.time() == NaiveTime::MIN;
        let entry = match self.is_all_day {
            Some(true) => Some(all_day(from, to, status)),
            // Without the flag it may be an all-day event, whose midnights are those of another zone.
            None if midnights && from < to => {
                return Err(broken(
                    position,
                    "läuft von Mitternacht bis Mitternacht und sagt nicht, ob er ganztägig ist",
                    "runs from midnight to midnight and does not say whether it is an all-day event",
                ));
            }
            _ if !start.is_utc() || !end.is_utc() => {
                return Err(broken(
                    position,
                    "nennt seine Zeiten in einer anderen Zeitzone als UTC, in der eine Stunde im Herbst zweimal vorkommen kann",
                    "tells its times in another zone than UTC, in which an hour in autumn may occur twice",
                ));
            }
            _ => Interval::new(from.and_utc(), to.and_utc()).ok().map(|time| CalendarEntry::timed(time, status)),
        };
        let entry = entry.map(|entry| if self.is_cancelled == Some(true) { entry.cancelled() } else { entry });
        let id = digest(self.id.as_ref().map_or("", |id| &id.0));
        Ok(entry.map(|entry| Event { entry, id }))
    }
}

/// An all-day event has the dates that its midnights name, whatever the zone beside them. Where a server sends the instants of another zone's
/// midnights in their place, it covers each date that these touch, so that the right one is among them.
fn all_day(from: NaiveDateTime, to: NaiveDateTime, status: EntryStatus) -> CalendarEntry {
    let last = to.checked_sub_signed(TimeDelta::nanoseconds(1)).unwrap_or(to).date();
    CalendarEntry::all_day(from.date(), last, status)
}

/// A status as Graph writes it, in `showAs` and in a schedule's `status`.
pub(crate) fn status(text: &str) -> EntryStatus {
    const KNOWN: [(&str, EntryStatus); 6] = [
        ("free", EntryStatus::Free),
        ("tentative", EntryStatus::Tentative),
        ("busy", EntryStatus::Busy),
        ("oof", EntryStatus::OutOfOffice),
        ("workingElsewhere", EntryStatus::WorkingElsewhere),
        ("unknown", EntryStatus::NoData),
    ];
    let found = KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(text.trim()));
    found.map_or(EntryStatus::Unknown, |(_, status)| *status)
}

fn digest(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(id.as_bytes());
    hasher.finish()
}

#[cold]
fn broken(position: usize, german: &str, english: &str) -> ReadError {
    malformed(format!("Eintrag {position} der Seite {german}"), format!("event {position} of the page {english}"))
}

#[cold]
fn unexpanded() -> ReadError {
    let fact = Text::fixed(
        "die Ansicht enthält eine Serie statt ihrer einzelnen Termine",
        "the view holds a series in place of its occurrences",
    );
    ReadError::new(ReadErrorKind::UnexpandedSeries, fact)
}

impl<'de: 'a, 'a> Deserialize<'de> for Word<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Word<'a>, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Word<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Word<'de>, E> {
                Ok(Word(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Word<'de>, E> {
                Ok(Word(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn event(changed: &[(&str, Value)]) -> Value {
        let mut event = json!({
            "id": "AAA", "isAllDay": false, "isCancelled": false, "showAs": "busy", "type": "singleInstance",
            "start": {"dateTime": "2026-11-24T09:00:00.0000000", "timeZone": "UTC"},
            "end": {"dateTime": "2026-11-24T10:00:00.0000000", "timeZone": "UTC"},
        });
        for (name, value) in changed {
            match value {
                Value::Null => drop(event.as_object_mut().expect("an object").remove(*name)),
                value => event[*name] = value.clone(),
            }
        }
        event
    }

    fn entries(events: &[Value]) -> Result<Vec<CalendarEntry>, ReadError> {
        let page = read(json!({"value": events}).to_string().as_bytes())?;
        Ok(page.events.into_iter().map(|event| event.entry).collect())
    }

    fn one(changed: &[(&str, Value)]) -> Result<CalendarEntry, ReadError> {
        entries(&[event(changed)]).map(|entries| entries[0])
    }

    fn at(text: &str, zone: &str) -> Value {
        json!({"dateTime": text, "timeZone": zone})
    }

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, day).expect("a date")
    }

    #[test]
    fn an_event_is_read() {
        let nine = "2026-11-24T09:00:00Z".parse().expect("an instant");
        let ten = "2026-11-24T10:00:00Z".parse().expect("an instant");
        let time = Interval::new(nine, ten).expect("not empty");
        assert_eq!(one(&[]).expect("an entry"), CalendarEntry::timed(time, EntryStatus::Busy));
        let cancelled = one(&[("isCancelled", true.into())]).expect("an entry");
        assert!(cancelled.is_cancelled());
    }

    #[test]
    fn a_status_is_read_whatever_its_case_and_an_unknown_one_is_kept_apart() {
        for (text, status) in [
            ("free", EntryStatus::Free),
            ("Busy", EntryStatus::Busy),
            ("oof", EntryStatus::OutOfOffice),
            ("workingElsewhere", EntryStatus::WorkingElsewhere),
            ("WORKINGELSEWHERE", EntryStatus::WorkingElsewhere),
            ("unknown", EntryStatus::NoData),
            ("everywhere", EntryStatus::Unknown),
            ("", EntryStatus::Unknown),
        ] {
            assert_eq!(one(&[("showAs", text.into())]).expect("an entry").status(), status, "{text}");
        }
        assert_eq!(one(&[("showAs", Value::Null)]).expect("an entry").status(), EntryStatus::Unknown);
    }

    #[test]
    fn an_all_day_event_has_the_dates_of_its_midnights_in_any_zone() {
        for zone in ["UTC", "W. Europe Standard Time", "Tonga Standard Time"] {
            let times = [
                ("isAllDay", true.into()),
                ("start", at("2026-11-24T00:00:00.0000000", zone)),
                ("end", at("2026-11-26T00:00:00.0000000", zone)),
            ];
            let expected = CalendarEntry::all_day(day(24), day(25), EntryStatus::Busy);
            assert_eq!(one(&times).expect("an entry"), expected, "{zone}");
        }
    }

    #[test]
    fn an_all_day_event_that_comes_as_instants_covers_each_date_that_they_touch() {
        let times = [
            ("isAllDay", true.into()),
            ("start", at("2026-11-23T23:00:00.0000000", "UTC")),
            ("end", at("2026-11-24T23:00:00.0000000", "UTC")),
        ];
        assert_eq!(one(&times).expect("an entry"), CalendarEntry::all_day(day(23), day(24), EntryStatus::Busy));
    }

    #[test]
    fn what_has_no_times_is_an_error_and_no_hole() {
        let rows: [(&str, Value); 6] = [
            ("start", Value::Null),
            ("end", Value::Null),
            ("start", at("morgen", "UTC")),
            ("start", at("2026-11-24T11:00:00.0000000", "UTC")),
            ("start", at("2026-11-24T09:00:00.0000000", "W. Europe Standard Time")),
            ("start", json!({"timeZone": "UTC"})),
        ];
        for (name, value) in rows {
            let error = one(&[(name, value.clone())]).expect_err("an error");
            assert_eq!(error.kind(), ReadErrorKind::Malformed, "{name} {value}");
        }
        let null = json!({"value": [{"id": "AAA", "start": null, "end": null}]});
        assert!(read(null.to_string().as_bytes()).is_err());
    }

    #[test]
    fn without_the_all_day_flag_a_timed_event_blocks_and_midnights_are_an_error() {
        assert!(matches!(one(&[("isAllDay", Value::Null)]), Ok(entry) if entry.status() == EntryStatus::Busy));
        let midnights = [
            ("isAllDay", Value::Null),
            ("start", at("2026-11-24T00:00:00.0000000", "UTC")),
            ("end", at("2026-11-25T00:00:00.0000000", "UTC")),
        ];
        assert_eq!(one(&midnights).expect_err("an error").kind(), ReadErrorKind::Malformed);
    }

    #[test]
    fn an_event_without_length_covers_no_time() {
        let empty = event(&[("end", at("2026-11-24T09:00:00.0000000", "UTC"))]);
        assert_eq!(entries(&[empty, event(&[])]).expect("entries").len(), 1);
    }

    #[test]
    fn a_series_in_place_of_its_occurrences_is_an_error() {
        let error = one(&[("type", "seriesMaster".into())]).expect_err("an error");
        assert_eq!(error.kind(), ReadErrorKind::UnexpandedSeries);
        assert!(one(&[("type", "holiday".into())]).is_ok());
    }

    #[test]
    fn what_is_said_twice_is_an_error() {
        let twice = br#"{"value": [], "value": []}"#;
        assert!(read(twice).is_err());
        for no_page in ["", "{}", "[]", "null", "{\"value\": {}}", "{\"value\": [1]}", "{\"value\": []} x"] {
            assert_eq!(read(no_page.as_bytes()).err().map(|e| e.kind()), Some(ReadErrorKind::Malformed), "{no_page}");
        }
    }

    #[test]
    fn a_page_says_whose_it_is() {
        let user = |context: &str| {
            read(json!({"@odata.context": context, "value": []}).to_string().as_bytes()).expect("a page").user
        };
        let named =
            "https://graph.microsoft.com/v1.0/$metadata#users('anna%40musterstadt.example')/calendar/calendarView(id)";
        assert_eq!(user(named).as_deref(), Some("anna@musterstadt.example"));
        assert_eq!(user("https://graph.microsoft.com/v1.0/$metadata#users('cd209b0b-3f83-4c35')/calendarView"), None);
        assert_eq!(user(""), None);
    }

    #[test]
    fn no_error_repeats_what_the_answer_says() {
        for body in ["{\"value\": \"geheim\"}", "{\"value\": [{\"isAllDay\": \"geheim\"}]}", "geheim"] {
            let error = read(body.as_bytes()).err().expect("an error");
            assert!(!format!("{error:?} {error:#?}").contains("geheim"), "{error:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            events in prop::collection::vec((1_700_000_000_i64..1_900_000_000, 1_i64..1_000_000, 0_usize..6, any::<bool>()), 0..20),
        ) {
            const WORDS: [(&str, EntryStatus); 6] = [
                ("free", EntryStatus::Free), ("tentative", EntryStatus::Tentative), ("busy", EntryStatus::Busy),
                ("oof", EntryStatus::OutOfOffice), ("workingElsewhere", EntryStatus::WorkingElsewhere), ("unknown", EntryStatus::NoData),
            ];
            let written: Vec<Value> = events.iter().map(|(start, length, status, cancelled)| {
                let time = |at: i64| {
                    let text = time::format_bare(chrono::DateTime::from_timestamp(at, 0).expect("in range"));
                    json!({"dateTime": format!("{text}.0000000"), "timeZone": "UTC"})
                };
                event(&[
                    ("start", time(*start)), ("end", time(start + length)),
                    ("showAs", WORDS[*status].0.into()), ("isCancelled", (*cancelled).into()),
                ])
            }).collect();
            let expected: Vec<CalendarEntry> = events.iter().map(|(start, length, status, cancelled)| {
                let time = Interval::from_unix(*start, start + length).expect("not empty");
                let entry = CalendarEntry::timed(time, WORDS[*status].1);
                if *cancelled { entry.cancelled() } else { entry }
            }).collect();
            prop_assert_eq!(entries(&written).expect("entries"), expected);
        }

        #[test]
        fn whatever_comes_is_a_page_or_an_error(text in "\\PC{0,80}", start in prop::sample::select(vec!["", "{\"value\":[", "{\"value\":[{\"start\":"])) {
            let _read = read(format!("{start}{text}").as_bytes());
        }
    }
}
