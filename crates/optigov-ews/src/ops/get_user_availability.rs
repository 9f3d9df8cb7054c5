//! `GetUserAvailability`, the free/busy question:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getuseravailability-operation>.

use optigov_calendar::{Calendar, CalendarEntry, EntryStatus, Mailbox, ReadError, ReadErrorKind, Step, Text};
use optigov_slots::Interval;
use quick_xml::escape::escape;

use crate::{
    error::malformed,
    ops::{TitleCount, entry_status},
    soap::{self, Answer, Status},
    time,
    xml::Reader,
};

pub(crate) const NAME: &str = "GetUserAvailability";

/// Asks in a zone of bias 0 without daylight saving, so that even a server that answers without an offset answers in UTC.
pub(crate) fn request(window: Interval, mailboxes: &[Mailbox]) -> String {
    view_of("FreeBusy", window, mailboxes)
}

/// Asks for details, among them titles, for the connection check alone: it counts them.
pub(crate) fn titles_request(window: Interval, mailbox: &Mailbox) -> String {
    view_of("Detailed", window, std::slice::from_ref(mailbox))
}

fn view_of(view: &str, window: Interval, mailboxes: &[Mailbox]) -> String {
    const MIDNIGHT: &str = "<t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month>\
                            <t:DayOfWeek>Sunday</t:DayOfWeek>";
    let mailboxes: String = mailboxes
        .iter()
        .map(|mailbox| {
            format!(
                "<t:MailboxData><t:Email><t:Address>{}</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType>\
                 <t:ExcludeConflicts>false</t:ExcludeConflicts></t:MailboxData>\n",
                escape(mailbox.as_str())
            )
        })
        .collect();
    format!(
        "<m:GetUserAvailabilityRequest>\n\
         <t:TimeZone><t:Bias>0</t:Bias><t:StandardTime>{MIDNIGHT}</t:StandardTime><t:DaylightTime>{MIDNIGHT}</t:DaylightTime></t:TimeZone>\n\
         <m:MailboxDataArray>\n{mailboxes}</m:MailboxDataArray>\n\
         <t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>{}</t:StartTime><t:EndTime>{}</t:EndTime></t:TimeWindow>\
         <t:MergedFreeBusyIntervalInMinutes>60</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>{view}</t:RequestedView>\
         </t:FreeBusyViewOptions>\n\
         </m:GetUserAvailabilityRequest>",
        time::format(window.start()),
        time::format(window.end()),
    )
}

/// The results in the order of the mailboxes asked for. Throttling and a window that is too long concern the whole request and are the
/// answer's error, even where the server reports them for one mailbox.
pub(crate) fn read(bytes: &[u8], mailboxes: usize) -> Result<Answer<Vec<Result<Calendar, ReadError>>>, ReadError> {
    soap::read(bytes, "GetUserAvailabilityResponse", |reader| {
        let mut results = Vec::with_capacity(mailboxes);
        while let Some(tag) = reader.child()? {
            match tag.name() {
                "FreeBusyResponseArray" => {
                    while let Some(_response) = reader.child()? {
                        results.push(read_response(reader)?);
                    }
                }
                "ResponseMessage" => read_status(reader)?.check()?,
                _ => reader.skip()?,
            }
        }
        if let Some(whole) = results.iter().position(|result| result.as_ref().is_err_and(concerns_the_request)) {
            return results.swap_remove(whole).map(|_| Vec::new());
        }
        if results.len() != mailboxes {
            let count = results.len();
            return Err(malformed(
                format!("die Antwort enthält {count} Frei/Gebucht-Ergebnisse für {mailboxes} Postfächer"),
                format!("the answer holds {count} free/busy results for {mailboxes} mailboxes"),
            ));
        }
        Ok(results)
    })
}

/// How many events came, and how many of them with a title.
pub(crate) fn count_titles(bytes: &[u8]) -> Result<Answer<TitleCount>, ReadError> {
    soap::read(bytes, "GetUserAvailabilityResponse", |reader| {
        let mut count = TitleCount::default();
        // Wherever an event stands in the answer: events do not nest, and nothing else is called so.
        each_below(reader, &mut |reader, name| {
            if name != "CalendarEvent" {
                return Ok(false);
            }
            let mut title = None;
            each_below(reader, &mut |reader, name| {
                let is_title = name == "Subject";
                if is_title {
                    title = Some(!reader.text()?.trim().is_empty());
                }
                Ok(is_title)
            })?;
            count.add(title);
            Ok(true)
        })?;
        Ok(count)
    })
}

/// Goes through everything below the present element. `read` says whether it read the element itself.
fn each_below<'a>(
    reader: &mut Reader<'a>,
    read: &mut dyn FnMut(&mut Reader<'a>, &str) -> Result<bool, ReadError>,
) -> Result<(), ReadError> {
    while let Some(tag) = reader.child()? {
        if !read(reader, tag.name())? {
            each_below(reader, read)?;
        }
    }
    Ok(())
}

/// Whether the server calls the window too long.
pub(crate) fn is_window_too_long(error: &ReadError) -> bool {
    error.code().is_some_and(|code| matches!(code.as_str(), "ErrorTimeIntervalTooBig" | "ErrorInvalidTimeInterval"))
}

fn concerns_the_request(error: &ReadError) -> bool {
    error.is_throttled() || is_window_too_long(error)
}

fn read_response(reader: &mut Reader<'_>) -> Result<Result<Calendar, ReadError>, ReadError> {
    let (mut status, mut view) = (Status::default(), None);
    while let Some(tag) = reader.child()? {
        match tag.name() {
            "ResponseMessage" => status = read_status(reader)?,
            "FreeBusyView" => view = Some(read_view(reader)?),
            _ => reader.skip()?,
        }
    }
    let no_view = || {
        malformed("das Frei/Gebucht-Ergebnis enthält keinen FreeBusyView", "the free/busy result holds no FreeBusyView")
    };
    let result = status.check().and_then(|()| view.unwrap_or_else(|| Err(no_view())));
    // Nobody is impersonated here: whatever is said of one mailbox is said of its calendar.
    Ok(result.map_err(|error| error.at(Step::Calendar)))
}

fn read_status(reader: &mut Reader<'_>) -> Result<Status, ReadError> {
    let mut status = Status::default();
    while let Some(tag) = reader.child()? {
        if !status.take(&tag, reader)? {
            reader.skip()?;
        }
    }
    Ok(status)
}

/// The outer error ends the whole answer; the inner one is about this mailbox only.
fn read_view(reader: &mut Reader<'_>) -> Result<Result<Calendar, ReadError>, ReadError> {
    let (mut entries, mut kind) = (Ok(Vec::new()), String::new());
    let (mut position, mut seen) = (0_usize, false);
    while let Some(tag) = reader.child()? {
        match tag.name() {
            "FreeBusyViewType" => kind = reader.text()?.trim().to_owned(),
            "CalendarEventArray" => {
                seen = true;
                while let Some(_event) = reader.child()? {
                    position += 1;
                    let event = read_event(reader, position)?;
                    entries = entries.and_then(|mut entries: Vec<CalendarEntry>| {
                        event.map(|entry| {
                            entries.extend(entry);
                            entries
                        })
                    });
                }
            }
            _ => reader.skip()?,
        }
    }
    // A view of less than single events says nothing about when the owner is free.
    if !seen && matches!(kind.as_str(), "" | "None" | "MergedOnly") {
        let fact = Text::fixed(
            "der Server nennt dem Konto keine einzelnen Frei/Gebucht-Zeiten des Postfachs",
            "the server gives the account no single free/busy times of the mailbox",
        );
        return Ok(Err(ReadError::new(ReadErrorKind::AccessDenied, fact)));
    }
    Ok(entries.map(Calendar::without_all_day_flag))
}

/// `None` for an event that covers no time.
fn read_event(reader: &mut Reader<'_>, position: usize) -> Result<Result<Option<CalendarEntry>, ReadError>, ReadError> {
    let (mut start, mut end, mut status) = (None, None, EntryStatus::Unknown);
    while let Some(tag) = reader.child()? {
        match tag.name() {
            "StartTime" => start = time::parse(&reader.text()?),
            "EndTime" => end = time::parse(&reader.text()?),
            "BusyType" => status = entry_status(&reader.text()?),
            _ => reader.skip()?,
        }
    }
    Ok(match (start, end) {
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

#[cfg(test)]
mod tests {
    use optigov_calendar::RequestVersion;

    use super::*;
    use crate::ops::golden;

    fn interval(start: &str, end: &str) -> Interval {
        let instant = |text| time::parse(text).expect("an instant");
        Interval::new(instant(start), instant(end)).expect("not empty")
    }

    fn mailboxes() -> Vec<Mailbox> {
        [
            "anna@musterstadt.example",
            "niemand@musterstadt.example",
            "berta&co@musterstadt.example",
            "raum-1@musterstadt.example",
        ]
        .map(|address| Mailbox::parse(address).expect("an address"))
        .to_vec()
    }

    #[test]
    fn the_request_asks_in_utc_and_impersonates_nobody() {
        let window = interval("2026-11-23T00:00:00Z", "2026-12-07T00:00:00Z");
        let request = soap::envelope(RequestVersion::default(), None, &request(window, &mailboxes()));
        assert!(!request.contains("ExchangeImpersonation"));
        golden("get_user_availability.request.xml", &request);
    }

    #[test]
    fn the_check_asks_for_the_titles_of_one_mailbox_and_counts_them() {
        let window = interval("2026-11-24T09:00:00Z", "2026-11-26T09:00:00Z");
        let request = soap::envelope(RequestVersion::default(), None, &titles_request(window, &mailboxes()[0]));
        golden("get_user_availability_titles.request.xml", &request);
        let answer = count_titles(include_bytes!("../../tests/goldens/get_user_availability_titles.response.xml"));
        assert_eq!(
            answer.expect("an envelope").content.expect("counts"),
            TitleCount { entries: 3, fields: 2, titled: 1 }
        );
        let hidden = count_titles(include_bytes!("../../tests/goldens/get_user_availability.response.xml"));
        assert_eq!(
            hidden.expect("an envelope").content.expect("counts"),
            TitleCount { entries: 2, fields: 0, titled: 0 }
        );
    }

    #[test]
    fn each_mailbox_has_its_own_result_and_less_than_events_is_not_free() {
        let answer =
            read(include_bytes!("../../tests/goldens/get_user_availability.response.xml"), 4).expect("an envelope");
        let mut results = answer.content.expect("results").into_iter();
        let event = |start, end, status| CalendarEntry::timed(interval(start, end), status);
        let anna = results.next().expect("anna's").expect("events");
        let expected = [
            event("2026-11-24T09:00:00Z", "2026-11-24T10:30:00Z", EntryStatus::Busy),
            event("2026-11-25T08:00:00Z", "2026-11-25T10:00:00Z", EntryStatus::OutOfOffice),
        ];
        assert_eq!(anna.entries(), expected);
        assert_eq!(results.next().expect("niemand's").expect_err("unknown").kind(), ReadErrorKind::MailboxNotFound);
        assert_eq!(results.next().expect("berta's").expect_err("merged only").kind(), ReadErrorKind::AccessDenied);
        assert_eq!(results.next().expect("the room's").expect("free").entries(), []);
    }

    #[test]
    fn a_result_too_few_is_an_error() {
        let answer =
            read(include_bytes!("../../tests/goldens/get_user_availability.response.xml"), 5).expect("an envelope");
        assert_eq!(answer.content.expect_err("one is missing").kind(), ReadErrorKind::Malformed);
    }
}
