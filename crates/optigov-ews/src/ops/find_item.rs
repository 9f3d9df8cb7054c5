//! `FindItem` with a `CalendarView`:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/finditem-operation>.

use chrono::{DateTime, Utc};

use crate::{
    CalendarItem, Error, FreeBusyStatus, Kind, Mailbox, ResponseCode,
    calendar::Window,
    soap::{self, Answer, Status},
    time, xml,
    xml::Reader,
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
    let fields: String = FIELDS.iter().map(|field| format!("<t:FieldURI FieldURI=\"{field}\"/>")).collect();
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
    soap::read(bytes, "FindItemResponse", |reader| {
        let mut view = None;
        while let Some(tag) = reader.child()? {
            match tag.name() {
                "ResponseMessages" => {
                    while let Some(_message) = reader.child()? {
                        view = Some(read_message(reader, max_entries)?);
                    }
                }
                _ => reader.skip()?,
            }
        }
        view.ok_or_else(|| Error::malformed("FindItemResponse holds no response message"))
    })
}

fn read_message(reader: &mut Reader<'_>, max_entries: u32) -> Result<View, Error> {
    let (mut status, mut view) = (Status::default(), None);
    while let Some(tag) = reader.child()? {
        if status.take(&tag, reader)? {
            continue;
        }
        if tag.name() != "RootFolder" {
            reader.skip()?;
            continue;
        }
        let last = tag.attribute("IncludesLastItemInRange")?.and_then(|text| xml::boolean(&text));
        let mut found = read_items(reader)?;
        found.complete = last.unwrap_or(found.items.len() < max_entries as usize);
        view = Some(found);
    }
    match status.check() {
        Ok(()) => view.ok_or_else(|| Error::malformed("FindItemResponse holds no RootFolder")),
        // The server's own limit on entries: as if it had cut the answer.
        Err(error) if error.code().is_some_and(is_too_much) => Ok(View::default()),
        Err(error) => Err(error),
    }
}

fn is_too_much(code: &ResponseCode) -> bool {
    matches!(code.as_str(), "ErrorCalendarViewRangeTooBig" | "ErrorExceededFindCountLimit")
}

fn read_items(reader: &mut Reader<'_>) -> Result<View, Error> {
    let mut view = View::default();
    let mut position = 0_usize;
    while let Some(tag) = reader.child()? {
        if tag.name() != "Items" {
            reader.skip()?;
            continue;
        }
        while let Some(tag) = reader.child()? {
            position += 1;
            let appointment =
                matches!(tag.name(), "CalendarItem" | "MeetingRequest" | "MeetingMessage" | "MeetingCancellation");
            let fields = Fields::read(reader)?;
            view.unexpanded |= fields.series;
            if appointment || fields.start.is_some() || fields.end.is_some() {
                view.items.extend(fields.found(position)?);
            }
        }
    }
    Ok(view)
}

/// One element of `Items` as it was sent. A start or an end is `Some(None)` when it cannot be read.
#[derive(Default)]
struct Fields {
    id: Box<str>,
    start: Option<Option<DateTime<Utc>>>,
    end: Option<Option<DateTime<Utc>>>,
    status: Option<FreeBusyStatus>,
    all_day: bool,
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
                "IsAllDayEvent" => fields.all_day = xml::boolean(&reader.text()?).unwrap_or(false),
                "IsCancelled" => fields.cancelled = xml::boolean(&reader.text()?).unwrap_or(false),
                "CalendarItemType" => fields.series = reader.text()?.trim() == "RecurringMaster",
                "ItemId" => {
                    fields.id = tag.attribute("Id")?.unwrap_or_default().into();
                    reader.skip()?;
                }
                "StartTimeZone" => {
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
        let all_day = self.all_day.then(|| zone::dates(start, end, self.zone.as_deref()));
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
