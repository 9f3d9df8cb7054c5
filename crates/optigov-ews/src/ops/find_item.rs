//! `FindItem` with a `CalendarView`:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/finditem-operation>.

use chrono::{DateTime, Utc};

use crate::{
    CalendarItem, Error, FreeBusyStatus, Kind, Mailbox, ResponseCode,
    calendar::Window,
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
    pub(crate) items: Vec<Found>,
    /// Whether these are all the items of the window.
    pub(crate) complete: bool,
    /// Whether a series came in place of its occurrences.
    pub(crate) unexpanded: bool,
}

/// An item and the server's name for it, by which it is known again when two answers hold it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Found {
    pub(crate) id: Box<str>,
    pub(crate) item: CalendarItem,
}

pub(crate) fn request(window: Window, mailbox: &Mailbox, max_entries: u32) -> String {
    view_of(&FIELDS, window, mailbox, max_entries)
}

/// Asks for the titles of three entries, for the connection check alone: it counts them.
pub(crate) fn titles_request(window: Window, mailbox: &Mailbox) -> String {
    view_of(&["item:Subject"], window, mailbox, 3)
}

fn view_of(fields: &[&str], window: Window, mailbox: &Mailbox, max_entries: u32) -> String {
    let fields: String = fields.iter().map(|field| format!("<t:FieldURI FieldURI=\"{field}\"/>")).collect();
    format!(
        "<m:FindItem Traversal=\"Shallow\">\n\
         <m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>{fields}</t:AdditionalProperties></m:ItemShape>\n\
         <m:CalendarView MaxEntriesReturned=\"{max_entries}\" StartDate=\"{}\" EndDate=\"{}\"/>\n\
         <m:ParentFolderIds>{}</m:ParentFolderIds>\n\
         </m:FindItem>",
        time::format(window.start),
        time::format(window.end),
        soap::calendar_of(mailbox)
    )
}

pub(crate) fn read(bytes: &[u8], max_entries: u32) -> Result<Answer<View>, Error> {
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
        Ok(()) => view.ok_or_else(|| Error::malformed("FindItemResponse holds no RootFolder")),
        // The server's own limit on entries or on the window: as if it had cut the answer.
        Err(error) if error.code().is_some_and(is_too_much) => Ok(View::default()),
        Err(error) => Err(error),
    }))
}

/// How many entries came, and how many of them with a title.
pub(crate) fn count_titles(bytes: &[u8]) -> Result<Answer<(usize, usize)>, Error> {
    let answer = read_response(bytes, |reader, _| {
        let (mut items, mut titled) = (0, 0);
        each_item(reader, |reader, _| {
            items += 1;
            while let Some(tag) = reader.child()? {
                match tag.name() {
                    "Subject" => titled += usize::from(!reader.text()?.trim().is_empty()),
                    _ => reader.skip()?,
                }
            }
            Ok(())
        })?;
        Ok((items, titled))
    })?;
    Ok(answer.map(|(status, counts)| status.check().map(|()| counts.unwrap_or_default())))
}

/// Reads the response message, and its `RootFolder` by `folder`.
fn read_response<'a, T>(
    bytes: &'a [u8],
    folder: impl Fn(&mut Reader<'a>, &Tag<'_>) -> Result<T, Error>,
) -> Result<Answer<(Status, Option<T>)>, Error> {
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
        message.ok_or_else(|| Error::malformed("FindItemResponse holds no response message"))
    })
}

fn each_item<'a>(
    reader: &mut Reader<'a>,
    mut item: impl FnMut(&mut Reader<'a>, &str) -> Result<(), Error>,
) -> Result<(), Error> {
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
    fn take(&mut self, fields: Fields, name: &str, position: usize) -> Result<(), Error> {
        let appointment = matches!(name, "CalendarItem" | "MeetingRequest" | "MeetingMessage" | "MeetingCancellation");
        self.unexpanded |= fields.series;
        // A note or a task that lies in the folder has no time and blocks none.
        if appointment || fields.start.is_some() || fields.end.is_some() {
            self.items.extend(fields.found(position)?);
        }
        Ok(())
    }
}

fn is_too_much(code: &ResponseCode) -> bool {
    matches!(code.as_str(), "ErrorCalendarViewRangeTooBig" | "ErrorExceededFindCountLimit")
}

/// One element of `Items` as it was sent. A start or an end is `Some(None)` when it cannot be read.
#[derive(Default)]
struct Fields {
    id: Box<str>,
    start: Option<Option<DateTime<Utc>>>,
    end: Option<Option<DateTime<Utc>>>,
    status: Option<FreeBusyStatus>,
    all_day: Option<bool>,
    cancelled: bool,
    series: bool,
    zone: Option<String>,
}

impl Fields {
    /// Reads the item's own fields; what lies deeper (a series' `Recurrence`, its changed and deleted occurrences) is passed over.
    fn read(reader: &mut Reader<'_>) -> Result<Fields, Error> {
        let mut fields = Fields::default();
        while let Some(tag) = reader.child()? {
            match tag.name() {
                "Start" => fields.start = Some(time::parse(&reader.text()?)),
                "End" => fields.end = Some(time::parse(&reader.text()?)),
                "LegacyFreeBusyStatus" => fields.status = Some(FreeBusyStatus::parse(&reader.text()?)),
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
    fn found(self, position: usize) -> Result<Option<Found>, Error> {
        let broken = |what: &str| {
            let id: String = self
                .id
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .rev()
                .take(12)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect();
            Error::new(Kind::Malformed, format!("item {position} of the view (its id ends in {id:?}) {what}"))
        };
        let start =
            self.start.ok_or_else(|| broken("has no start"))?.ok_or_else(|| broken("has a start that is no time"))?;
        let end = self.end.ok_or_else(|| broken("has no end"))?.ok_or_else(|| broken("has an end that is no time"))?;
        if end < start {
            return Err(broken("ends before it begins"));
        }
        let all_day = self.all_day.unwrap_or(false).then(|| zone::dates(start, end, self.zone.as_deref()));
        let item = CalendarItem {
            start,
            end,
            status: self.status.unwrap_or(FreeBusyStatus::Unknown),
            all_day,
            cancelled: self.cancelled,
        };
        Ok((start < end).then_some(Found { id: self.id, item }))
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use proptest::prelude::*;

    use super::*;
    use crate::{ConnectingId, RequestVersion, ops::golden};

    fn utc(text: &str) -> DateTime<Utc> {
        time::parse(text).expect("an instant")
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn window() -> Window {
        Window::new(utc("2026-11-23T00:00:00Z"), utc("2026-12-07T00:00:00Z")).expect("a window")
    }

    fn content(bytes: &str) -> Result<View, Error> {
        read(bytes.as_bytes(), 1_000).and_then(|answer| answer.content)
    }

    #[test]
    fn the_request_asks_for_times_and_status_and_no_title() {
        let mailbox = Mailbox::parse("o'neill&söhne@musterstadt.example").expect("an address");
        for (id, name) in [
            (ConnectingId::PrimarySmtpAddress, "find_item.request.xml"),
            (ConnectingId::SmtpAddress, "find_item_smtp_address.request.xml"),
            (ConnectingId::PrincipalName("anna@ad.musterstadt.example".into()), "find_item_principal_name.request.xml"),
            (ConnectingId::Sid("S-1-5-21-1-2-3-1104".into()), "find_item_sid.request.xml"),
        ] {
            let operation = request(window(), &mailbox, 1_000);
            for field in ["Subject", "Body", "Attendees", "Location", "Organizer", "AllProperties", "Default"] {
                assert!(!operation.contains(field), "{field}");
            }
            golden(name, &soap::envelope(RequestVersion::default(), Some((&id, &mailbox)), &operation));
        }
    }

    #[test]
    fn the_check_asks_for_three_titles() {
        let mailbox = Mailbox::parse("anna@musterstadt.example").expect("an address");
        let acting_for = Some((&ConnectingId::PrimarySmtpAddress, &mailbox));
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
        let item = |start: &str, end: &str, status, all_day, cancelled| CalendarItem {
            start: utc(start),
            end: utc(end),
            status,
            all_day,
            cancelled,
        };
        let expected = [
            item("2026-11-24T09:00:00Z", "2026-11-24T10:30:00Z", FreeBusyStatus::Busy, None, false),
            item(
                "2026-11-24T23:00:00Z",
                "2026-11-26T23:00:00Z",
                FreeBusyStatus::OutOfOffice,
                Some((day("2026-11-25"), day("2026-11-26"))),
                false,
            ),
            item("2026-11-25T07:00:00Z", "2026-11-25T07:30:00Z", FreeBusyStatus::Tentative, None, true),
            item("2026-11-26T10:00:00Z", "2026-11-26T11:00:00Z", FreeBusyStatus::Unknown, None, false),
        ];
        let items: Vec<CalendarItem> = view.items.iter().map(|found| found.item).collect();
        assert_eq!(items, expected);
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
        assert_eq!(view.items[0].item.start, utc("2026-11-03T09:00:00Z"));
        assert_eq!(view.items[0].item.end, utc("2026-11-03T10:00:00Z"));
    }

    #[test]
    fn an_alias_is_told_with_the_primary_address_which_no_text_shows() {
        let error = content(include_str!("../../tests/goldens/find_item_alias.response.xml")).expect_err("an alias");
        assert_eq!(error.kind(), Kind::NotPrimaryAddress);
        assert_eq!(error.primary_address().map(Mailbox::as_str), Some("anna@musterstadt.example"));
        assert!(!format!("{error} {error:?}").contains("anna"));
    }

    #[test]
    fn titles_are_counted_and_dropped() {
        let answer =
            count_titles(include_bytes!("../../tests/goldens/find_item_titles.response.xml")).expect("an envelope");
        assert_eq!(answer.content.expect("counts"), (3, 1));
    }

    #[test]
    fn a_broken_item_is_an_error_that_names_it_and_no_hole() {
        let whole = include_str!("../../tests/goldens/find_item.response.xml");
        let breaks = [
            ("<t:Start>2026-11-26T10:00:00Z</t:Start>\n", "", "has no start"),
            ("<t:End>2026-11-26T11:00:00Z</t:End>\n", "", "has no end"),
            ("2026-11-26T10:00:00Z", "heute um zehn", "has a start that is no time"),
            ("2026-11-26T11:00:00Z", "", "has an end that is no time"),
            ("2026-11-26T11:00:00Z", "2026-11-26T09:00:00Z", "ends before it begins"),
        ];
        for (from, to, fact) in breaks {
            let error = content(&whole.replace(from, to)).expect_err(fact);
            assert_eq!(error.kind(), Kind::Malformed);
            assert_eq!(error.to_string(), format!("item 4 of the view (its id ends in \"AAMkAGItem4\") {fact}"));
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
            .map(|Found { id, item }| {
                let status = match item.status {
                    FreeBusyStatus::OutOfOffice => "OOF".to_owned(),
                    status => format!("{status:?}"),
                };
                let id = quick_xml::escape::escape(&**id);
                format!(
                    "<t:CalendarItem><t:ItemId Id=\"{id}\"/><t:Start>{}</t:Start><t:End>{}</t:End><t:IsAllDayEvent>{}</t:IsAllDayEvent>\
                     <t:LegacyFreeBusyStatus>{status}</t:LegacyFreeBusyStatus><t:IsCancelled>{}</t:IsCancelled>\
                     <t:StartTimeZone Id=\"W. Europe Standard Time\"/></t:CalendarItem>",
                    time(item.start),
                    time(item.end),
                    boolean(item.all_day.is_some()),
                    boolean(item.cancelled)
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

    fn any_item() -> impl Strategy<Value = Found> {
        use FreeBusyStatus::*;
        let status = prop::sample::select(vec![Free, Tentative, Busy, OutOfOffice, WorkingElsewhere, NoData, Unknown]);
        let days = (0_i64..20_000, 1_i64..30);
        ("[ -~äöü]{0,40}", any::<bool>(), 0_i64..2_000_000_000, 1_i64..10_000_000, days, status, any::<bool>())
            .prop_map(|(id, all_day, start, length, (first, days), status, cancelled)| {
                let instant = |seconds| DateTime::from_timestamp(seconds, 0).expect("in range");
                let date = |day: i64| DateTime::from_timestamp(day * 86_400, 0).expect("in range").date_naive();
                let midnight = |date: NaiveDate| {
                    let local =
                        date.and_hms_opt(0, 0, 0).expect("a midnight").and_local_timezone(chrono_tz::Europe::Berlin);
                    local.earliest().expect("Berlin has every midnight").to_utc()
                };
                let (start, end, all_day) = match all_day {
                    true => (
                        midnight(date(first)),
                        midnight(date(first + days)),
                        Some((date(first), date(first + days - 1))),
                    ),
                    false => (instant(start), instant(start + length), None),
                };
                Found { id: id.into(), item: CalendarItem { start, end, status, all_day, cancelled } }
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
