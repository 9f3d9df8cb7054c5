//! `GetUserAvailability`, the free/busy question:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getuseravailability-operation>.

mod view;

use optigov_calendar::{Calendar, Mailbox, ReadError, Step};
use optigov_slots::Interval;
use quick_xml::escape::escape;

use crate::{
    error::malformed,
    ops::{TitleCount, twice},
    soap::{self, Answer, Status},
    time, window,
    xml::Reader,
};

pub(crate) const NAME: &str = "GetUserAvailability";

/// The shortest window in seconds that a server takes: no interval of merged data is shorter, and no window may be shorter than that.
pub(crate) const SHORTEST_WINDOW: i64 = 5 * 60;

/// What an answer is held against.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    /// How many mailboxes the request named.
    pub(crate) mailboxes: usize,
    /// The window of the request.
    pub(crate) window: Interval,
    /// The most entries that may come for one mailbox.
    pub(crate) most_entries: u32,
}

/// The interval of merged data in minutes. Nobody needs the merged data, but every server checks that the interval is no longer than the window.
fn interval_minutes(window: Interval) -> i64 {
    (window::length(window) / 60).clamp(5, 60)
}

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
         <t:MergedFreeBusyIntervalInMinutes>{}</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>{view}</t:RequestedView>\
         </t:FreeBusyViewOptions>\n\
         </m:GetUserAvailabilityRequest>",
        time::format(window.start()),
        time::format(window.end()),
        interval_minutes(window),
    )
}

/// The results in the order of the mailboxes asked for. Throttling and a window that is too long concern the whole request and are the
/// answer's error, even where the server reports them for one mailbox.
pub(crate) fn read(bytes: &[u8], asked: Asked) -> Result<Answer<Vec<Result<Calendar, ReadError>>>, ReadError> {
    soap::read(bytes, "GetUserAvailabilityResponse", |reader| {
        let Asked { mailboxes, .. } = asked;
        let (mut results, mut further) = (Vec::with_capacity(mailboxes), 0_usize);
        while let Some(tag) = reader.child()? {
            match tag.name() {
                "FreeBusyResponseArray" => {
                    while let Some(_response) = reader.child()? {
                        match results.len() < mailboxes {
                            true => results.push(read_response(reader, &asked)?),
                            false => {
                                further += 1;
                                reader.skip()?;
                            }
                        }
                    }
                }
                "ResponseMessage" => read_status(reader)?.check()?,
                _ => reader.skip()?,
            }
        }
        if let Some(whole) = results.iter().position(|result| result.as_ref().is_err_and(concerns_the_request)) {
            return results.swap_remove(whole).map(|_| Vec::new());
        }
        let count = results.len() + further;
        if count != mailboxes {
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

fn read_response(reader: &mut Reader<'_>, asked: &Asked) -> Result<Result<Calendar, ReadError>, ReadError> {
    let (mut status, mut view) = (None, None);
    while let Some(tag) = reader.child()? {
        match tag.name() {
            "ResponseMessage" if status.is_some() => {
                read_status(reader)?;
                status = Some(Err(twice("ResponseMessage")));
            }
            "ResponseMessage" => status = Some(read_status(reader)?.check()),
            "FreeBusyView" if view.is_some() => {
                reader.skip()?;
                view = Some(Err(twice("FreeBusyView")));
            }
            "FreeBusyView" => view = Some(view::read_view(reader, asked)?),
            _ => reader.skip()?,
        }
    }
    let no_view = || {
        malformed("das Frei/Gebucht-Ergebnis enthält keinen FreeBusyView", "the free/busy result holds no FreeBusyView")
    };
    let status = status.unwrap_or_else(|| Status::default().check());
    let result = status.and_then(|()| view.unwrap_or_else(|| Err(no_view())));
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

#[cfg(test)]
mod tests {
    use optigov_calendar::{CalendarEntry, EntryStatus, ReadErrorKind, RequestVersion};

    use super::*;
    use crate::ops::golden;

    fn interval(start: &str, end: &str) -> Interval {
        let instant = |text| time::parse(text).expect("an instant");
        Interval::new(instant(start), instant(end)).expect("not empty")
    }

    fn asked(mailboxes: usize) -> Asked {
        Asked { mailboxes, window: interval("2026-11-23T00:00:00Z", "2026-12-07T00:00:00Z"), most_entries: 1_000 }
    }

    #[test]
    fn the_interval_of_merged_data_fits_every_window() {
        for (seconds, minutes) in [(300, 5), (359, 5), (30 * 60, 30), (59 * 60, 59), (3_600, 60), (42 * 86_400, 60)] {
            assert_eq!(interval_minutes(Interval::from_unix(7, 7 + seconds).expect("not empty")), minutes);
        }
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
        let answer = read(include_bytes!("../../tests/goldens/get_user_availability.response.xml"), asked(4))
            .expect("an envelope");
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
        let answer = read(include_bytes!("../../tests/goldens/get_user_availability.response.xml"), asked(5))
            .expect("an envelope");
        assert_eq!(answer.content.expect_err("one is missing").kind(), ReadErrorKind::Malformed);
    }
}
