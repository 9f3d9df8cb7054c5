//! `FindItem` with a `CalendarView`:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/finditem-operation>.

use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hasher},
};

use chrono::{DateTime, Utc};
use optigov_calendar::{CalendarEntry, EntryStatus, Mailbox, ReadError, ResponseCode};
use optigov_slots::Interval;

use crate::{
    error::malformed,
    learned::expansion::Expansion,
    ops::{TitleCount, entry_status, set_once, twice},
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
#[derive(Debug, PartialEq)]
pub(crate) struct View {
    pub(crate) items: Vec<Item>,
    /// Whether these are all the items of the window.
    pub(crate) complete: bool,
    /// Whether the server counts more items than it sent, although it says that these are all.
    pub(crate) short: bool,
    /// What the items show of how the server expands series.
    pub(crate) expansion: Expansion,
}

/// An item of a view, of one size whatever the server writes. Two answers may hold the same item; it is then equal in everything, the server's
/// name for it included. The order is that of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Item {
    /// From start to end. An all-day entry knows only its dates.
    pub(crate) interval: Interval,
    pub(crate) entry: CalendarEntry,
    /// A digest of the server's name for it. Two items that share it are taken for one only if they are equal in time and status, too, and then
    /// one of them says all there is to know.
    pub(crate) id: u64,
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
        let last = folder.attribute("IncludesLastItemInRange")?.map(|text| xml::boolean(&text));
        if last == Some(None) {
            return Err(unreadable_end());
        }
        let total: Option<usize> = folder.attribute("TotalItemsInView")?.and_then(|text| text.trim().parse().ok());
        let mut view = View::cut();
        let mut position = 0_usize;
        each_item(reader, |reader, name| {
            position += 1;
            if position > max_entries as usize {
                return Err(more_than_asked(max_entries));
            }
            view.take(Fields::read(reader)?, name, position)
        })?;
        view.complete = last.flatten().unwrap_or(position < max_entries as usize);
        view.short = view.complete && total.is_some_and(|total| total > position);
        Ok(view)
    })?;
    Ok(answer.map(|(status, view)| match status.check() {
        Ok(()) => view.ok_or_else(|| {
            malformed("FindItemResponse enthält keinen RootFolder", "FindItemResponse holds no RootFolder")
        }),
        // The server's own limit on entries or on the window: as if it had cut the answer.
        Err(error) if error.code().is_some_and(is_too_much) => Ok(View::cut()),
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
                if message.is_some() {
                    return Err(twice("FindItemResponseMessage"));
                }
                let (mut status, mut content) = (Status::default(), None);
                while let Some(tag) = reader.child()? {
                    if status.take(&tag, reader)? {
                        continue;
                    }
                    match tag.name() {
                        "RootFolder" => set_once(&mut content, folder(reader, &tag)?, "RootFolder")?,
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
    let mut items = None;
    while let Some(tag) = reader.child()? {
        if tag.name() != "Items" {
            reader.skip()?;
            continue;
        }
        set_once(&mut items, (), "Items")?;
        while let Some(tag) = reader.child()? {
            item(reader, tag.name())?;
        }
    }
    // An empty calendar is told by an empty `Items`.
    items.ok_or_else(|| malformed("RootFolder enthält keine Items", "RootFolder holds no Items"))
}

impl View {
    /// A view that the server has cut to nothing.
    fn cut() -> View {
        View { items: Vec::new(), complete: false, short: false, expansion: Expansion::InDoubt }
    }

    fn take(&mut self, fields: Fields, name: &str, position: usize) -> Result<(), ReadError> {
        let appointment = matches!(name, "CalendarItem" | "MeetingRequest" | "MeetingMessage" | "MeetingCancellation");
        match fields.expansion {
            Some(Expansion::DoesNot) => self.expansion = Expansion::DoesNot,
            Some(shown) if self.expansion == Expansion::InDoubt => self.expansion = shown,
            _ => {}
        }
        // A note or a task that lies in the folder has no time and blocks none.
        if appointment || !fields.start.is_missing() || !fields.end.is_missing() {
            self.items.extend(fields.item(position)?);
        }
        Ok(())
    }
}

#[cold]
fn unreadable_end() -> ReadError {
    malformed(
        "IncludesLastItemInRange ist kein Wahrheitswert; ob die Ansicht vollständig ist, bleibt offen",
        "IncludesLastItemInRange is no boolean, so whether the view is whole stays open",
    )
}

#[cold]
fn more_than_asked(max_entries: u32) -> ReadError {
    malformed(
        format!("die Ansicht enthält mehr als die {max_entries} Einträge, um die gebeten wurde"),
        format!("the view holds more than the {max_entries} items that were asked for"),
    )
}

fn is_too_much(code: &ResponseCode) -> bool {
    matches!(code.as_str(), "ErrorCalendarViewRangeTooBig" | "ErrorExceededFindCountLimit")
}

/// One element of `Items` as it was sent.
#[derive(Default)]
struct Fields {
    id: ItemId,
    start: Time,
    end: Time,
    status: Option<EntryStatus>,
    all_day: Option<bool>,
    cancelled: Option<bool>,
    /// What its type shows of how the server expands series.
    expansion: Option<Expansion>,
    zone: Option<String>,
}

/// What the text of an element inside an item tells.
enum Told {
    Start,
    End,
    Status,
    AllDay,
    Cancelled,
    Type,
    /// Nothing that is read.
    Nothing,
}

fn is_true(text: &str) -> bool {
    xml::boolean(text).unwrap_or(false)
}

fn shown_by(item_type: &str) -> Expansion {
    match item_type.trim() {
        "RecurringMaster" => Expansion::DoesNot,
        "Occurrence" | "Exception" => Expansion::Expands,
        _ => Expansion::InDoubt,
    }
}

/// What is kept of the server's name for an item, which may be of any length.
#[derive(Clone, Copy, Default)]
struct ItemId {
    digest: u64,
    /// The last four letters and digits, the last one first; zeros where there are fewer.
    end: [u8; 4],
}

impl ItemId {
    fn of(text: &str) -> ItemId {
        let mut hasher = DefaultHasher::new();
        hasher.write(text.as_bytes());
        let mut end = [0; 4];
        let last = text.bytes().rev().filter(u8::is_ascii_alphanumeric);
        end.iter_mut().zip(last).for_each(|(place, byte)| *place = byte);
        ItemId { digest: hasher.finish(), end }
    }

    /// So much of it that the owner can tell it from others.
    fn last_characters(self) -> String {
        self.end.iter().rev().filter(|byte| **byte != 0).map(|byte| char::from(*byte)).collect()
    }
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

    /// Takes the time that an item tells by the element `name`.
    fn take(&mut self, time: Time, name: &'static str) -> Result<(), ReadError> {
        match self.is_missing() {
            true => *self = time,
            false => return Err(twice(name)),
        }
        Ok(())
    }

    fn is_missing(self) -> bool {
        matches!(self, Time::Missing)
    }
}

impl Fields {
    /// Reads the item's own fields; what lies deeper (a series' `Recurrence`, its changed and deleted occurrences) is passed over.
    fn read(reader: &mut Reader<'_>) -> Result<Fields, ReadError> {
        let mut fields = Fields::default();
        while let Some(told) = reader.child_as(|tag| fields.see(tag))? {
            match told {
                Told::Start => fields.start.take(reader.text_as(Time::read)?, "Start")?,
                Told::End => fields.end.take(reader.text_as(Time::read)?, "End")?,
                Told::Status => set_once(&mut fields.status, reader.text_as(entry_status)?, "LegacyFreeBusyStatus")?,
                // A text that is no boolean counts as a timed entry, which blocks in any case.
                Told::AllDay => set_once(&mut fields.all_day, reader.text_as(is_true)?, "IsAllDayEvent")?,
                Told::Cancelled => set_once(&mut fields.cancelled, reader.text_as(is_true)?, "IsCancelled")?,
                Told::Type => set_once(&mut fields.expansion, reader.text_as(shown_by)?, "CalendarItemType")?,
                Told::Nothing => reader.skip()?,
            }
        }
        Ok(fields)
    }

    /// Takes what an element's attributes tell, and says what its text will.
    fn see(&mut self, tag: &Tag<'_>) -> Result<Told, ReadError> {
        Ok(match tag.name() {
            "ItemId" => {
                self.id = ItemId::of(&tag.attribute("Id")?.unwrap_or_default());
                Told::Nothing
            }
            // Only an all-day entry's dates need it.
            "StartTimeZone" if self.all_day != Some(false) => {
                self.zone = tag.attribute("Id")?.map(Cow::into_owned);
                Told::Nothing
            }
            "Start" => Told::Start,
            "End" => Told::End,
            "LegacyFreeBusyStatus" => Told::Status,
            "IsAllDayEvent" => Told::AllDay,
            "IsCancelled" => Told::Cancelled,
            "CalendarItemType" => Told::Type,
            _ => Told::Nothing,
        })
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
        let entry = if self.cancelled == Some(true) { entry.cancelled() } else { entry };
        Ok(Some(Item { interval, entry, id: self.id.digest }))
    }

    /// What is wrong with the times, in words by which the owner finds the entry: its place in the view, the end of its id, and its date.
    #[cold]
    fn broken(&self, position: usize) -> ReadError {
        let id = self.id.last_characters();
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
mod tests;
