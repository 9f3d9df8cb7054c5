//! `FindItem` with a `CalendarView`:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/finditem-operation>.

use chrono::{DateTime, Utc};
use optigov_calendar::{CalendarEntry, EntryStatus, Mailbox, ReadError, ResponseCode};
use optigov_slots::Interval;

use crate::{
    error::malformed,
    ops::{TitleCount, entry_status},
    soap::{self, Answer, Status},
    time, xml,
    xml::{Reader, Tag},
    zone,
};

pub(crate) const NAME: &str = "FindItem";

/// What is asked for, and nothing else: no subject, body, attendee or location. `ItemId` comes unasked.
const FIELDS: [&str; 7] = [
    "calendar:Start",
    "calendar:End",
    "calendar:LegacyFreeBusyStatus",
    "calendar:IsAllDayEvent",
    "calendar:IsCancelled",
    "calendar:CalendarItemType",
    "calendar:StartTimeZone",
];

/// The items of one answer.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct View {
    pub(crate) items: Vec<Item>,
    /// Whether these are all the items of the window.
    pub(crate) complete: bool,
    /// Whether a series came in place of its occurrences.
    pub(crate) unexpanded: bool,
}

/// An item of a view. Two answers may hold the same item; it is then equal in everything, the server's name for it included. The order is
/// that of time.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Item {
    /// From start to end. An all-day entry knows only its dates.
    pub(crate) interval: Interval,
    pub(crate) entry: CalendarEntry,
    pub(crate) id: Box<str>,
}

pub(crate) fn request(window: Interval, mailbox: &Mailbox, max_entries: u32) -> String {
    view_of(&FIELDS, window, mailbox, max_entries)
}

/// Asks for the titles of three entries, for the connection check alone: it counts them.
pub(crate) fn titles_request(window: Interval, mailbox: &Mailbox) -> String {
    view_of(&["item:Subject"], window, mailbox, 3)
}

fn view_of(fields: &[&str], window: Interval, mailbox: &Mailbox, max_entries: u32) -> String {
    let fields: String = fields.iter().map(|field| format!("<t:FieldURI FieldURI=\"{field}\"/>")).collect();
    format!(
        "<m:FindItem Traversal=\"Shallow\">\n\
         <m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>{fields}</t:AdditionalProperties></m:ItemShape>\n\
         <m:CalendarView MaxEntriesReturned=\"{max_entries}\" StartDate=\"{}\" EndDate=\"{}\"/>\n\
         <m:ParentFolderIds>{}</m:ParentFolderIds>\n\
         </m:FindItem>",
        time::format(window.start()),
        time::format(window.end()),
        soap::calendar_of(mailbox)
    )
}

pub(crate) fn read(bytes: &[u8], max_entries: u32) -> Result<Answer<View>, ReadError> {
    let answer = read_response(bytes, |reader, folder| {
        let last = folder.attribute("IncludesLastItemInRange")?.and_then(|text| xml::boolean(&text));
        let mut view = View::default();
        let mut position = 0_usize;
        each_item(reader, |reader, name| {
            position += 1;
            view.take(Fields::read(reader)?, name, position)
        })?;
        view.complete = last.unwrap_or(position < max_entries as usize);
        Ok(view)
    })?;
    Ok(answer.map(|(status, view)| match status.check() {
        Ok(()) => view.ok_or_else(|| {
            malformed("FindItemResponse enthält keinen RootFolder", "FindItemResponse holds no RootFolder")
        }),
        // The server's own limit on entries or on the window: as if it had cut the answer.
        Err(error) if error.code().is_some_and(is_too_much) => Ok(View::default()),
        Err(error) => Err(error),
    }))
}

/// How many entries came, and how many of them with a title.
pub(crate) fn count_titles(bytes: &[u8]) -> Result<Answer<TitleCount>, ReadError> {
    let answer = read_response(bytes, |reader, _| {
        let mut count = TitleCount::default();
        each_item(reader, |reader, _| {
            let mut title = None;
            while let Some(tag) = reader.child()? {
                match tag.name() {
                    "Subject" => title = Some(!reader.text()?.trim().is_empty()),
                    _ => reader.skip()?,
                }
            }
            count.add(title);
            Ok(())
        })?;
        Ok(count)
    })?;
    Ok(answer.map(|(status, count)| status.check().map(|()| count.unwrap_or_default())))
}

/// Reads the response message, and its `RootFolder` by `folder`.
fn read_response<'a, T>(
    bytes: &'a [u8],
    folder: impl Fn(&mut Reader<'a>, &Tag<'_>) -> Result<T, ReadError>,
) -> Result<Answer<(Status, Option<T>)>, ReadError> {
    soap::read(bytes, "FindItemResponse", |reader| {
        let mut message = None;
        while let Some(tag) = reader.child()? {
            if tag.name() != "ResponseMessages" {
                reader.skip()?;
                continue;
            }
            while let Some(_message) = reader.child()? {
                let (mut status, mut content) = (Status::default(), None);
                while let Some(tag) = reader.child()? {
                    if status.take(&tag, reader)? {
                        continue;
                    }
                    match tag.name() {
                        "RootFolder" => content = Some(folder(reader, &tag)?),
                        _ => reader.skip()?,
                    }
                }
                message = Some((status, content));
            }
        }
        message.ok_or_else(|| {
            malformed("FindItemResponse enthält keine Antwortnachricht", "FindItemResponse holds no response message")
        })
    })
}

fn each_item<'a>(
    reader: &mut Reader<'a>,
    mut item: impl FnMut(&mut Reader<'a>, &str) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    while let Some(tag) = reader.child()? {
        if tag.name() != "Items" {
            reader.skip()?;
            continue;
        }
        while let Some(tag) = reader.child()? {
            item(reader, tag.name())?;
        }
    }
    Ok(())
}

impl View {
    fn take(&mut self, fields: Fields, name: &str, position: usize) -> Result<(), ReadError> {
        let appointment = matches!(name, "CalendarItem" | "MeetingRequest" | "MeetingMessage" | "MeetingCancellation");
        self.unexpanded |= fields.series;
        // A note or a task that lies in the folder has no time and blocks none.
        if appointment || !fields.start.is_missing() || !fields.end.is_missing() {
            self.items.extend(fields.item(position)?);
        }
        Ok(())
    }
}

fn is_too_much(code: &ResponseCode) -> bool {
    matches!(code.as_str(), "ErrorCalendarViewRangeTooBig" | "ErrorExceededFindCountLimit")
}

/// One element of `Items` as it was sent.
#[derive(Default)]
struct Fields {
    id: Box<str>,
    start: Time,
    end: Time,
    status: Option<EntryStatus>,
    all_day: Option<bool>,
    cancelled: bool,
    series: bool,
    zone: Option<String>,
}

/// A time as it was sent.
#[derive(Clone, Copy, Default)]
enum Time {
    #[default]
    Missing,
    Unreadable,
    At(DateTime<Utc>),
}

impl Time {
    fn read(text: &str) -> Time {
        time::parse(text).map_or(Time::Unreadable, Time::At)
    }

    fn is_missing(self) -> bool {
        matches!(self, Time::Missing)
    }
}

impl Fields {
    /// Reads the item's own fields; what lies deeper (a series' `Recurrence`, its changed and deleted occurrences) is passed over.
    fn read(reader: &mut Reader<'_>) -> Result<Fields, ReadError> {
        let mut fields = Fields::default();
        while let Some(tag) = reader.child()? {
            match tag.name() {
                "Start" => fields.start = Time::read(&reader.text()?),
                "End" => fields.end = Time::read(&reader.text()?),
                "LegacyFreeBusyStatus" => fields.status = Some(entry_status(&reader.text()?)),
                "IsAllDayEvent" => fields.all_day = xml::boolean(&reader.text()?),
                "IsCancelled" => fields.cancelled = xml::boolean(&reader.text()?).unwrap_or(false),
                "CalendarItemType" => fields.series = reader.text()?.trim() == "RecurringMaster",
                "ItemId" => {
                    fields.id = tag.attribute("Id")?.unwrap_or_default().into();
                    reader.skip()?;
                }
                // Only an all-day entry's dates need it.
                "StartTimeZone" if fields.all_day != Some(false) => {
                    fields.zone = tag.attribute("Id")?.map(|id| id.into_owned());
                    reader.skip()?;
                }
                _ => reader.skip()?,
            }
        }
        Ok(fields)
    }

    /// `None` for an entry that covers no time.
    fn item(self, position: usize) -> Result<Option<Item>, ReadError> {
        let (Time::At(start), Time::At(end)) = (self.start, self.end) else { return Err(self.broken(position)) };
        let Ok(interval) = Interval::new(start, end) else {
            return if start == end { Ok(None) } else { Err(self.broken(position)) };
        };
        let status = self.status.unwrap_or(EntryStatus::Unknown);
        let entry = match self.all_day {
            Some(true) => {
                let (first, last) = zone::dates(start, end, self.zone.as_deref());
                CalendarEntry::all_day(first, last, status)
            }
            _ => CalendarEntry::timed(interval, status),
        };
        let entry = if self.cancelled { entry.cancelled() } else { entry };
        Ok(Some(Item { interval, entry, id: self.id }))
    }

    /// What is wrong with the times, in words by which the owner finds the entry: its place in the view, the end of its id, and its date.
    #[cold]
    fn broken(&self, position: usize) -> ReadError {
        let mut end_of_id: Vec<char> = self.id.chars().rev().filter(char::is_ascii_alphanumeric).take(4).collect();
        end_of_id.reverse();
        let id: String = end_of_id.into_iter().collect();
        let german_date = |at: DateTime<Utc>| at.format("%d.%m.%Y");
        let english_date = |at: DateTime<Utc>| at.format("%Y-%m-%d");
        let (german, english) = match (self.start, self.end) {
            (Time::At(start), Time::At(_)) => (
                format!("endet vor seinem Beginn am {}", german_date(start)),
                format!("ends before it begins, on {}", english_date(start)),
            ),
            (Time::At(start), Time::Missing) => (
                format!("beginnt am {} und hat kein Ende", german_date(start)),
                format!("has no end; it begins on {}", english_date(start)),
            ),
            (Time::At(start), Time::Unreadable) => (
                format!("beginnt am {}, und sein Ende ist keine Zeitangabe", german_date(start)),
                format!("has an end that is no time; it begins on {}", english_date(start)),
            ),
            (Time::Missing, Time::At(end)) => (
                format!("endet am {} und hat keinen Beginn", german_date(end)),
                format!("has no start; it ends on {}", english_date(end)),
            ),
            (Time::Unreadable, Time::At(end)) => (
                format!("endet am {}, und sein Beginn ist keine Zeitangabe", german_date(end)),
                format!("has a start that is no time; it ends on {}", english_date(end)),
            ),
            _ => (
                "hat weder einen lesbaren Beginn noch ein lesbares Ende".to_owned(),
                "has neither a start nor an end that can be read".to_owned(),
            ),
        };
        malformed(
            format!("Eintrag {position} der Ansicht (…{id}) {german}"),
            format!("item {position} of the view (…{id}) {english}"),
        )
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use optigov_calendar::{ConnectingId, EntryTime, Language, ReadErrorKind, RequestVersion};
    use proptest::prelude::*;

    use super::*;
    use crate::{ops::golden, soap::ActingFor};

    fn utc(text: &str) -> DateTime<Utc> {
        time::parse(text).expect("an instant")
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn interval(start: &str, end: &str) -> Interval {
        Interval::new(utc(start), utc(end)).expect("not empty")
    }

    fn window() -> Interval {
        interval("2026-11-23T00:00:00Z", "2026-12-07T00:00:00Z")
    }

    fn content(bytes: &str) -> Result<View, ReadError> {
        read(bytes.as_bytes(), 1_000).and_then(|answer| answer.content)
    }

    #[test]
    fn the_request_asks_for_times_and_status_and_no_title() {
        let mailbox = Mailbox::parse("o'neill&co@musterstadt.example").expect("an address");
        for (id, name) in [
            (ConnectingId::PrimarySmtpAddress, "find_item.request.xml"),
            (ConnectingId::SmtpAddress, "find_item_smtp_address.request.xml"),
        ] {
            let operation = request(window(), &mailbox, 1_000);
            for field in ["Subject", "Body", "Attendees", "Location", "Organizer", "AllProperties", "Default"] {
                assert!(!operation.contains(field), "{field}");
            }
            golden(
                name,
                &soap::envelope(RequestVersion::default(), Some(ActingFor { id, mailbox: &mailbox }), &operation),
            );
        }
    }

    #[test]
    fn the_check_asks_for_three_titles() {
        let mailbox = Mailbox::parse("anna@musterstadt.example").expect("an address");
        let acting_for = Some(ActingFor { id: ConnectingId::PrimarySmtpAddress, mailbox: &mailbox });
        golden(
            "find_item_titles.request.xml",
            &soap::envelope(RequestVersion::default(), acting_for, &titles_request(window(), &mailbox)),
        );
    }

    #[test]
    fn a_view_is_read_with_every_spelling_of_times_and_booleans() {
        let answer = read(include_bytes!("../../tests/goldens/find_item.response.xml"), 1_000).expect("an envelope");
        assert_eq!(answer.server.expect("a version").to_string(), "15.2.1544.9");
        let view = answer.content.expect("a view");
        assert!(view.complete && !view.unexpanded);
        let timed = |start, end, status| CalendarEntry::timed(interval(start, end), status);
        let expected = [
            timed("2026-11-24T09:00:00Z", "2026-11-24T10:30:00Z", EntryStatus::Busy),
            CalendarEntry::all_day(day("2026-11-25"), day("2026-11-26"), EntryStatus::OutOfOffice),
            timed("2026-11-25T07:00:00Z", "2026-11-25T07:30:00Z", EntryStatus::Tentative).cancelled(),
            timed("2026-11-26T10:00:00Z", "2026-11-26T11:00:00Z", EntryStatus::Unknown),
        ];
        let entries: Vec<CalendarEntry> = view.items.iter().map(|item| item.entry).collect();
        assert_eq!(entries, expected);
        assert_eq!(view.items[1].interval, interval("2026-11-24T23:00:00Z", "2026-11-26T23:00:00Z"));
        assert_eq!(&*view.items[3].id, "AAMkAGItem4");
    }

    #[test]
    fn a_cut_view_says_so() {
        assert!(
            !content(include_str!("../../tests/goldens/find_item_truncated.response.xml")).expect("a view").complete
        );
    }

    #[test]
    fn the_times_inside_a_series_are_not_its_own() {
        let view = content(include_str!("../../tests/goldens/find_item_series.response.xml")).expect("a view");
        assert!(view.unexpanded);
        assert_eq!(view.items[0].interval, interval("2026-11-03T09:00:00Z", "2026-11-03T10:00:00Z"));
    }

    #[test]
    fn an_alias_is_told_with_the_primary_address_which_no_text_shows() {
        let error = content(include_str!("../../tests/goldens/find_item_alias.response.xml")).expect_err("an alias");
        assert_eq!(error.kind(), ReadErrorKind::NotPrimaryAddress);
        assert_eq!(error.primary_address().map(Mailbox::as_str), Some("anna@musterstadt.example"));
        assert!(!format!("{error} {error:?}").contains("anna"));
    }

    #[test]
    fn titles_are_counted_and_dropped() {
        let answer =
            count_titles(include_bytes!("../../tests/goldens/find_item_titles.response.xml")).expect("an envelope");
        assert_eq!(answer.content.expect("counts"), TitleCount { entries: 3, fields: 2, titled: 1 });
    }

    #[test]
    fn a_broken_item_is_an_error_that_names_it_and_no_hole() {
        let whole = include_str!("../../tests/goldens/find_item.response.xml");
        let breaks = [
            ("<t:Start>2026-11-26T10:00:00Z</t:Start>\n", "", "has no start; it ends on 2026-11-26"),
            ("<t:End>2026-11-26T11:00:00Z</t:End>\n", "", "has no end; it begins on 2026-11-26"),
            ("2026-11-26T10:00:00Z", "heute um zehn", "has a start that is no time; it ends on 2026-11-26"),
            ("2026-11-26T11:00:00Z", "", "has an end that is no time; it begins on 2026-11-26"),
            ("2026-11-26T11:00:00Z", "2026-11-26T09:00:00Z", "ends before it begins, on 2026-11-26"),
        ];
        for (from, to, fact) in breaks {
            let error = content(&whole.replace(from, to)).expect_err(fact);
            assert_eq!(error.kind(), ReadErrorKind::Malformed);
            assert_eq!(error.to_string(), format!("item 4 of the view (…tem4) {fact}"));
            let german = error.fact().in_language(Language::German);
            assert!(german.starts_with("Eintrag 4 der Ansicht (…tem4)") && german.contains("26.11.2026"), "{german}");
        }
    }

    #[test]
    fn a_note_in_the_folder_blocks_nothing_and_breaks_nothing() {
        let whole = include_str!("../../tests/goldens/find_item.response.xml");
        let view = content(&whole.replace("<t:Items>", "<t:Items><t:Message><t:ItemId Id=\"x\"/></t:Message>"))
            .expect("a view");
        assert_eq!(view.items.len(), 4);
    }

    #[test]
    fn a_server_limit_on_entries_counts_as_a_cut_view() {
        for code in ["ErrorCalendarViewRangeTooBig", "ErrorExceededFindCountLimit"] {
            let alias = include_str!("../../tests/goldens/find_item_alias.response.xml");
            assert_eq!(content(&alias.replace("ErrorNonPrimarySmtpAddress", code)).expect("a view"), View::default());
        }
    }

    /// Writes a view as a server would; times in the spelling that `style` picks.
    fn written(view: &View, style: usize) -> String {
        let time = |instant: DateTime<Utc>| match style % 3 {
            0 => time::format(instant),
            1 => instant.format("%Y-%m-%dT%H:%M:%S").to_string(),
            _ => (instant + chrono::TimeDelta::hours(5)).format("%Y-%m-%dT%H:%M:%S.000+05:00").to_string(),
        };
        let boolean = |value: bool| [["false", "true"], ["0", "1"]][style % 2][usize::from(value)];
        let items: String = view
            .items
            .iter()
            .map(|Item { interval, entry, id }| {
                let status = match entry.status() {
                    EntryStatus::OutOfOffice => "OOF".to_owned(),
                    status => format!("{status:?}"),
                };
                let id = quick_xml::escape::escape(&**id);
                format!(
                    "<t:CalendarItem><t:ItemId Id=\"{id}\"/><t:Start>{}</t:Start><t:End>{}</t:End><t:IsAllDayEvent>{}</t:IsAllDayEvent>\
                     <t:LegacyFreeBusyStatus>{status}</t:LegacyFreeBusyStatus><t:IsCancelled>{}</t:IsCancelled>\
                     <t:StartTimeZone Id=\"W. Europe Standard Time\"/></t:CalendarItem>",
                    time(interval.start()),
                    time(interval.end()),
                    boolean(matches!(entry.time(), EntryTime::AllDay { .. })),
                    boolean(entry.is_cancelled())
                )
            })
            .collect();
        format!(
            "<Envelope><Body><FindItemResponse><ResponseMessages><FindItemResponseMessage><ResponseCode>NoError</ResponseCode>\
             <RootFolder IncludesLastItemInRange=\"{}\"><Items>{items}</Items></RootFolder></FindItemResponseMessage></ResponseMessages>\
             </FindItemResponse></Body></Envelope>",
            boolean(view.complete)
        )
    }

    fn any_item() -> impl Strategy<Value = Item> {
        let status = prop::sample::select(EntryStatus::ALL.to_vec());
        let days = (0_i64..20_000, 1_i64..30);
        ("[ -~äöü]{0,40}", any::<bool>(), 0_i64..2_000_000_000, 1_i64..10_000_000, days, status, any::<bool>())
            .prop_map(|(id, all_day, start, length, (first, days), status, cancelled)| {
                let date = |day: i64| DateTime::from_timestamp(day * 86_400, 0).expect("in range").date_naive();
                let interval = match all_day {
                    true => Interval::of_dates(date(first), date(first + days - 1), chrono_tz::Europe::Berlin),
                    false => Interval::from_unix(start, start + length),
                };
                let interval = interval.expect("not empty");
                let entry = match all_day {
                    true => CalendarEntry::all_day(date(first), date(first + days - 1), status),
                    false => CalendarEntry::timed(interval, status),
                };
                Item { interval, entry: if cancelled { entry.cancelled() } else { entry }, id: id.into() }
            })
    }

    proptest! {
        #[test]
        fn what_a_server_writes_is_what_is_read(items in prop::collection::vec(any_item(), 0..20), complete: bool, style in 0_usize..6) {
            let view = View { items, complete, unexpanded: false };
            let read = content(&written(&view, style)).expect("a view");
            prop_assert_eq!(read, view);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            read(&bytes, 10).ok();
        }

        #[test]
        fn no_cut_or_changed_answer_makes_the_reader_panic(at in 0_usize..3_000, byte: u8, cut: bool) {
            let mut bytes = include_bytes!("../../tests/goldens/find_item.response.xml").to_vec();
            let at = at % (bytes.len() - 2); // what follows is white space
            bytes[at] = byte;
            if cut {
                bytes.truncate(at);
                prop_assert!(read(&bytes, 10).and_then(|answer| answer.content).is_err(), "half an answer passed for a whole one");
            }
            read(&bytes, 10).ok();
        }
    }
}
