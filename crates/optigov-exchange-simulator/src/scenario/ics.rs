//! Events of an iCalendar file as entries.

use calcard::common::PartialDateTime;
use calcard::icalendar::{
    ICalendar, ICalendarClassification, ICalendarComponent, ICalendarComponentType, ICalendarEntry,
    ICalendarParameterName, ICalendarProperty, ICalendarStatus, ICalendarTransparency, ICalendarValue,
};
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::entry::{Entry, Span, Status};
use crate::zones;

/// The events of every calendar in `text` as entries; floating times are in `default`.
pub(super) fn entries(text: &str, default: Tz) -> Result<Vec<Entry>, crate::Error> {
    let no_calendar = || crate::Error::scenario("the text is no iCalendar object");
    let calendars: Vec<ICalendar> = calendars(text)
        .into_iter()
        .map(|text| ICalendar::parse(text).map_err(|_| no_calendar()))
        .collect::<Result<_, _>>()?;
    if calendars.is_empty() {
        return Err(no_calendar());
    }
    let events = || {
        calendars.iter().flat_map(|calendar| {
            let events = calendar.components.iter().filter(|c| c.component_type == ICalendarComponentType::VEvent);
            events.map(move |event| (File { calendar, default }, event))
        })
    };

    let mut entries: Vec<Entry> = Vec::new();
    for (file, event) in events().filter(|(_, event)| !event.has_property(&ICalendarProperty::RecurrenceId)) {
        let entry = file.entry(event)?;
        let further = file.further_dates(event, &entry)?;
        entries.push(entry);
        entries.extend(further);
    }
    for (file, event) in events().filter(|(_, event)| event.has_property(&ICalendarProperty::RecurrenceId)) {
        let changed = file.entry(event)?;
        let recurrence = event.property(&ICalendarProperty::RecurrenceId).and_then(|id| file.time(id));
        let master = entries.iter_mut().find(|entry| entry.rule.is_some() && entry.uid == changed.uid);
        match (recurrence, master) {
            (Some(original), Some(master)) => {
                let date = original.date(master.zone.unwrap_or(default));
                *master = master.clone().changed(date, changed);
            }
            // Exports of a part of a calendar hold changed occurrences whose series is elsewhere.
            _ => entries.push(changed),
        }
    }
    Ok(entries)
}

/// The calendars of a text, which may hold several one after another ([RFC 5545, 3.4](https://www.rfc-editor.org/rfc/rfc5545#section-3.4)): Google exports a file of a file per
/// calendar, others put them all into one.
fn calendars(text: &str) -> Vec<&str> {
    let mut calendars = Vec::new();
    let (mut begin, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        at += line.len();
        if line.trim().eq_ignore_ascii_case("END:VCALENDAR") {
            calendars.push(&text[begin..at]);
            begin = at;
        }
    }
    // A calendar without an end is told by the parser.
    if !text[begin..].trim().is_empty() {
        calendars.push(&text[begin..]);
    }
    calendars
}

/// The text of a file whose long lines are folded. A fold may lie within a character, so it is undone before the bytes are read as UTF-8.
pub(super) fn unfolded(bytes: &[u8]) -> Result<String, crate::Error> {
    let mut unfolded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, behind @ ..] = rest {
        rest = match rest {
            [b'\r', b'\n', b' ' | b'\t', behind @ ..] | [b'\n', b' ' | b'\t', behind @ ..] => behind,
            _ => {
                unfolded.push(*first);
                behind
            }
        };
    }
    String::from_utf8(unfolded).map_err(|_| crate::Error::scenario("the file is not UTF-8"))
}

#[derive(Clone, Copy)]
struct File<'a> {
    calendar: &'a ICalendar,
    default: Tz,
}

/// A time as the file states it.
#[derive(Clone, Copy)]
enum Time {
    Date(NaiveDate),
    Civil(NaiveDateTime, Tz),
    Instant(DateTime<Utc>),
}

impl File<'_> {
    fn entry(&self, event: &ICalendarComponent) -> Result<Entry, crate::Error> {
        let place = || format!("event {:?}", event.uid().unwrap_or("without UID"));
        let refuse = |text: &str| crate::Error::scenario(text).at(place());
        let start = event.property(&ICalendarProperty::Dtstart).ok_or_else(|| refuse("it has no DTSTART"))?;
        let zone = start.tz_id().map(|id| self.zone(id)).transpose().map_err(|error| error.at(place()))?;
        let start = self.time(start).ok_or_else(|| refuse("its DTSTART is no time"))?;
        let mut entry = match (start, self.end(event, start)) {
            (Time::Date(first), Some(Time::Date(after))) => {
                Entry::all_day(first, after.pred_opt().unwrap_or(after).max(first))
            }
            (Time::Date(first), None) => Entry::all_day(first, first),
            (Time::Civil(start, zone), Some(Time::Civil(end, other))) if zone == other => Entry::local(start, end),
            (start, end) => {
                let start = start.instant(self.default);
                Entry::timed(start, end.map_or(start, |end| end.instant(self.default)))
            }
        };
        entry.zone = zone;
        entry.uid = event.uid().map(str::to_owned);
        entry.subject = self.text(event, &ICalendarProperty::Summary).unwrap_or_default().to_owned();
        entry.location =
            self.text(event, &ICalendarProperty::Location).filter(|place| !place.is_empty()).map(str::to_owned);
        entry.status = self.status(event, matches!(entry.span, Span::Days { .. }));
        entry.private = event.properties(&ICalendarProperty::Class).flat_map(|class| &class.values).any(|class| {
            matches!(
                class,
                ICalendarValue::Classification(
                    ICalendarClassification::Private | ICalendarClassification::Confidential
                )
            )
        });
        entry.cancelled = matches!(event.status(), Some(ICalendarStatus::Cancelled));
        entry.meeting = event.has_property(&ICalendarProperty::Attendee);
        self.recurrence(event, entry).map_err(|error| error.at(place()))
    }

    fn recurrence(&self, event: &ICalendarComponent, mut entry: Entry) -> Result<Entry, crate::Error> {
        let rules: Vec<_> = event.properties(&ICalendarProperty::Rrule).flat_map(|rule| &rule.values).collect();
        match rules.as_slice() {
            [] => return Ok(entry),
            [ICalendarValue::RecurrenceRule(rule)] => entry.rule = Some(rule.to_string()),
            [_] => return Err(crate::Error::scenario("its RRULE is no recurrence rule")),
            _ => return Err(crate::Error::scenario("it has more than one RRULE")),
        }
        let zone = entry.zone.unwrap_or(self.default);
        for deleted in event.properties(&ICalendarProperty::Exdate) {
            for value in &deleted.values {
                let time = value.as_partial_date_time().and_then(|value| self.time_of(value, deleted));
                let time = time.ok_or_else(|| crate::Error::scenario("its EXDATE is no time"))?;
                entry = entry.deleted(time.date(zone));
            }
        }
        Ok(entry)
    }

    /// An entry of its own for every `RDATE`, which no recurrence of Exchange's can hold.
    fn further_dates(&self, event: &ICalendarComponent, entry: &Entry) -> Result<Vec<Entry>, crate::Error> {
        let refused = || crate::Error::scenario("its RDATE is no date or time like its DTSTART");
        let mut further = Vec::new();
        for property in event.properties(&ICalendarProperty::Rdate) {
            for value in &property.values {
                let time = value.as_partial_date_time().and_then(|value| self.time_of(value, property));
                let span = match (time.ok_or_else(refused)?, entry.span) {
                    (Time::Date(day), Span::Days { first, last }) => {
                        Span::Days { first: day, last: day + (last - first) }
                    }
                    (Time::Civil(at, _), Span::Local { start, end }) => {
                        Span::Local { start: at, end: at + (end - start) }
                    }
                    (time @ (Time::Civil(..) | Time::Instant(_)), Span::Instants { start, end }) => {
                        let at = time.instant(self.default);
                        Span::Instants { start: at, end: at + (end - start) }
                    }
                    _ => return Err(refused()),
                };
                let uid = entry.uid.as_ref().map(|uid| format!("{uid}/{}", further.len() + 1));
                let exceptions = Default::default();
                further.push(Entry { span, uid, rule: None, exceptions, ..entry.clone() });
            }
        }
        Ok(further)
    }

    fn end(&self, event: &ICalendarComponent, start: Time) -> Option<Time> {
        if let Some(end) = event.property(&ICalendarProperty::Dtend) {
            return self.time(end);
        }
        let value = event.property(&ICalendarProperty::Duration)?.values.first()?;
        let ICalendarValue::Duration(length) = value else { return None };
        let days = i64::from(length.weeks) * 7 + i64::from(length.days);
        let (hours, minutes) = (i64::from(length.hours), i64::from(length.minutes));
        let length = TimeDelta::days(days)
            + TimeDelta::hours(hours)
            + TimeDelta::minutes(minutes)
            + TimeDelta::seconds(length.seconds.into());
        Some(match start {
            Time::Date(date) => Time::Date(date.checked_add_days(Days::new(length.num_days().max(1).unsigned_abs()))?),
            Time::Civil(at, zone) => Time::Civil(at.checked_add_signed(length)?, zone),
            Time::Instant(at) => Time::Instant(at.checked_add_signed(length)?),
        })
    }

    /// Outlook's own status first, then transparency; an all-day event without either is free, as Outlook imports it.
    fn status(&self, event: &ICalendarComponent, all_day: bool) -> Status {
        let outlook = event.entries.iter().find(|entry| {
            matches!(&entry.name, ICalendarProperty::Other(name) if name.eq_ignore_ascii_case("X-MICROSOFT-CDO-BUSYSTATUS"))
        });
        match outlook.and_then(|entry| entry.values.first()).and_then(ICalendarValue::as_text) {
            Some("FREE") => return Status::Free,
            Some("TENTATIVE") => return Status::Tentative,
            Some("BUSY") => return Status::Busy,
            Some("OOF") => return Status::OutOfOffice,
            Some("WORKINGELSEWHERE") => return Status::WorkingElsewhere,
            _ => {}
        }
        match (event.transparency(), event.status()) {
            (Some(ICalendarTransparency::Transparent), _) => Status::Free,
            (_, Some(ICalendarStatus::Tentative)) => Status::Tentative,
            (None, _) if all_day => Status::Free,
            _ => Status::Busy,
        }
    }

    fn text<'e>(&self, event: &'e ICalendarComponent, property: &ICalendarProperty) -> Option<&'e str> {
        event.property(property)?.values.first()?.as_text()
    }

    fn time(&self, entry: &ICalendarEntry) -> Option<Time> {
        self.time_of(entry.values.first()?.as_partial_date_time()?, entry)
    }

    fn time_of(&self, value: &PartialDateTime, entry: &ICalendarEntry) -> Option<Time> {
        let time = value.to_date_time()?;
        Some(match (value.hour, time.offset) {
            (None, _) => Time::Date(time.date_time.date()),
            (Some(_), Some(offset)) => Time::Instant(offset.from_local_datetime(&time.date_time).single()?.to_utc()),
            (Some(_), None) => match entry.parameters(&ICalendarParameterName::Tzid).next() {
                Some(id) => Time::Civil(time.date_time, self.zone(id.as_text()?).ok()?),
                None => Time::Civil(time.date_time, self.default),
            },
        })
    }

    /// The zone of a `TZID`: IANA and Windows names, then what its `VTIMEZONE` says.
    fn zone(&self, id: &str) -> Result<Tz, crate::Error> {
        if let Some(zone) = id.parse().ok().or_else(|| zones::from_windows_name(id)) {
            return Ok(zone);
        }
        let definition = self.calendar.timezones().find(|zone| {
            let name = zone.property(&ICalendarProperty::Tzid).and_then(|name| name.values.first());
            name.and_then(ICalendarValue::as_text) == Some(id)
        });
        let by_location = definition.and_then(ICalendarComponent::timezone).and_then(|(_, zone)| zone.to_resolved());
        let by_name = || self.calendar.build_tz_resolver().resolve(id).and_then(|zone| zone.to_resolved());
        by_location
            .and_then(|zone| zone.name()?.parse().ok())
            .or_else(|| by_name().and_then(|zone| zone.name()?.parse().ok()))
            .or_else(|| definition.and_then(|definition| self.zone_by_offsets(definition)))
            .ok_or_else(|| crate::Error::scenario(format!("its time zone {id:?} is not known")))
    }

    /// A zone whose winter and summer offsets are those of the definition; the default zone before any other.
    fn zone_by_offsets(&self, definition: &ICalendarComponent) -> Option<Tz> {
        let offset = |kind: ICalendarComponentType| {
            let ids = definition.component_ids.iter();
            let part = ids.filter_map(|id| self.calendar.component_by_id(*id)).find(|c| c.component_type == kind)?;
            let value = part.property(&ICalendarProperty::Tzoffsetto)?.values.first()?.as_partial_date_time()?;
            let seconds = i32::from(value.tz_hour?) * 3600 + i32::from(value.tz_minute.unwrap_or(0)) * 60;
            Some(if value.tz_minus { -seconds } else { seconds })
        };
        let standard = offset(ICalendarComponentType::Standard)?;
        let daylight = offset(ICalendarComponentType::Daylight).unwrap_or(standard);
        let offset_in = |zone: Tz, month| {
            let noon = NaiveDate::from_ymd_opt(2026, month, 15)?.and_time(NaiveTime::MIN);
            Some(zone.offset_from_utc_datetime(&noon).fix().local_minus_utc())
        };
        let fits = |zone: &Tz| offset_in(*zone, 1) == Some(standard) && offset_in(*zone, 7) == Some(daylight);
        let usual = [self.default, Tz::UTC, Tz::Europe__Berlin, Tz::Europe__London, Tz::Europe__Kyiv];
        usual.into_iter().chain(chrono_tz::TZ_VARIANTS).find(fits)
    }
}

impl Time {
    fn instant(self, default: Tz) -> DateTime<Utc> {
        match self {
            Time::Date(date) => zones::instant(date.and_time(NaiveTime::MIN), default),
            Time::Civil(at, zone) => zones::instant(at, zone),
            Time::Instant(at) => at,
        }
    }

    /// The civil date in the zone of the series that it belongs to.
    fn date(self, zone: Tz) -> NaiveDate {
        match self {
            Time::Date(date) => date,
            Time::Civil(at, own) if own == zone => at.date(),
            Time::Civil(..) | Time::Instant(_) => zones::local(self.instant(zone), zone).date(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Anna\r\nDTSTART:20261123T080000Z\r\nDTEND:20261123T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

    #[test]
    fn every_calendar_of_a_file_counts() {
        let two = format!("{ONE}{}", ONE.replace("UID:1", "UID:2").replace("20261123", "20261124"));
        for text in [two.clone(), two.replace("\r\n", "\n"), two.replace("END:VCALENDAR", "end:vcalendar ")] {
            assert_eq!(entries(&text, Tz::Europe__Berlin).expect("two calendars").len(), 2, "{text}");
        }
        assert!(entries("", Tz::Europe__Berlin).is_err() && entries("BEGIN:VEVENT", Tz::Europe__Berlin).is_err());
    }

    #[test]
    fn a_line_may_be_folded_within_a_character() {
        let text = ONE.replace("Anna", "Müller");
        let at = text.find('ü').expect("an umlaut") + 1;
        let mut folded = text.clone().into_bytes();
        folded.splice(at..at, *b"\r\n ");
        assert!(std::str::from_utf8(&folded).is_err());
        assert_eq!(unfolded(&folded).expect("UTF-8"), text);
        assert!(unfolded(b"SUMMARY:M\xFCller").is_err());
    }
}
