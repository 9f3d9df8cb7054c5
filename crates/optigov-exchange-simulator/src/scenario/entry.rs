use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

/// Exchange's `LegacyFreeBusyStatus` of an entry. In a scenario file: `free`, `tentative`, `busy`, `out_of_office`,
/// `working_elsewhere`, `no_data`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// Does not take up the time.
    Free,
    /// Not yet confirmed.
    Tentative,
    /// Takes up the time. The default.
    #[default]
    Busy,
    /// Out of office, `OOF` on the wire.
    OutOfOffice,
    /// Working elsewhere.
    WorkingElsewhere,
    /// The server holds no data.
    NoData,
}

impl Status {
    /// The value in `LegacyFreeBusyStatus` and `BusyType`.
    pub(crate) fn wire(self) -> &'static str {
        match self {
            Status::Free => "Free",
            Status::Tentative => "Tentative",
            Status::Busy => "Busy",
            Status::OutOfOffice => "OOF",
            Status::WorkingElsewhere => "WorkingElsewhere",
            Status::NoData => "NoData",
        }
    }
}

/// One entry of a calendar: a single appointment, or a series with its exceptions.
///
/// ```
/// use chrono::NaiveDate;
/// use optigov_exchange_simulator::{Entry, Status};
///
/// let day = |d| NaiveDate::from_ymd_opt(2026, 11, d).expect("a date");
/// let at = |d, h| day(d).and_hms_opt(h, 0, 0).expect("a time");
/// let weekly = Entry::local(at(2, 9), at(2, 10))
///     .subject("Dienstbesprechung")
///     .recurs("FREQ=WEEKLY;BYDAY=MO")
///     .moved(day(9), at(10, 13), at(10, 14))
///     .deleted(day(16));
/// let vacation = Entry::all_day(day(23), day(27)).subject("Urlaub").status(Status::OutOfOffice);
/// # let _ = (weekly, vacation);
/// ```
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Entry {
    pub(crate) span: Span,
    pub(crate) zone: Option<Tz>,
    pub(crate) zone_name: Option<String>,
    pub(crate) subject: String,
    pub(crate) location: Option<String>,
    pub(crate) status: Status,
    pub(crate) private: bool,
    pub(crate) cancelled: bool,
    pub(crate) meeting: bool,
    pub(crate) uid: Option<String>,
    pub(crate) rule: Option<String>,
    pub(crate) exceptions: BTreeMap<NaiveDate, Exception>,
}

/// Where an entry lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Span {
    Instants { start: DateTime<Utc>, end: DateTime<Utc> },
    Local { start: NaiveDateTime, end: NaiveDateTime },
    Days { first: NaiveDate, last: NaiveDate },
}

/// What became of one occurrence of a series, which is known by its original civil date.
#[derive(Clone, Debug, PartialEq, Hash)]
pub(crate) enum Exception {
    Deleted,
    Moved(Span),
    Changed(Box<Entry>),
}

impl Entry {
    /// An entry between two instants, of whatever zones. In its series, occurrences keep their civil time in the entry's
    /// [`zone`](Entry::zone).
    pub fn timed<S: TimeZone, E: TimeZone>(start: DateTime<S>, end: DateTime<E>) -> Self {
        Entry::new(Span::Instants { start: start.to_utc(), end: end.to_utc() })
    }

    /// An entry between two civil times of its [`zone`](Entry::zone).
    pub fn local(start: NaiveDateTime, end: NaiveDateTime) -> Self {
        Entry::new(Span::Local { start, end })
    }

    /// An all-day entry from `first` to `last`, both included, in its [`zone`](Entry::zone).
    pub fn all_day(first: NaiveDate, last: NaiveDate) -> Self {
        Entry::new(Span::Days { first, last })
    }

    fn new(span: Span) -> Self {
        Entry {
            span,
            zone: None,
            zone_name: None,
            subject: String::new(),
            location: None,
            status: Status::default(),
            private: false,
            cancelled: false,
            meeting: false,
            uid: None,
            rule: None,
            exceptions: BTreeMap::new(),
        }
    }

    /// The title. The simulator keeps and serves it, so that a test can prove that nobody asked. Default: empty.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = subject.into();
        self
    }

    /// The place. Default: none.
    pub fn location(mut self, location: impl Into<String>) -> Self {
        self.location = Some(location.into());
        self
    }

    /// The free/busy status. Default: [`Status::Busy`].
    pub fn status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// The zone in which the entry was made. Default: the mailbox's.
    pub fn zone(mut self, zone: Tz) -> Self {
        self.zone = Some(zone);
        self
    }

    /// The text served as the zone's `Id` and `Name`, such as `Customized Time Zone`, while times are still computed in the
    /// entry's [`zone`](Entry::zone). Default: the Windows name of the zone.
    pub fn zone_name(mut self, name: impl Into<String>) -> Self {
        self.zone_name = Some(name.into());
        self
    }

    /// Marks the entry private: `Sensitivity` is `Private`, and free/busy details hide its subject.
    pub fn private(mut self) -> Self {
        self.private = true;
        self
    }

    /// Marks a meeting that was called off but is still in the calendar: `IsCancelled` is true.
    pub fn cancelled(mut self) -> Self {
        self.cancelled = true;
        self.meeting = true;
        self
    }

    /// Marks the entry as a meeting with others: `IsMeeting` is true.
    pub fn meeting(mut self) -> Self {
        self.meeting = true;
        self
    }

    /// The iCalendar UID, from which the item id is made. Default: derived from the entry's content.
    pub fn uid(mut self, uid: impl Into<String>) -> Self {
        self.uid = Some(uid.into());
        self
    }

    /// Makes a series of it: the text of an [RFC 5545](https://www.rfc-editor.org/rfc/rfc5545#section-3.3.10) `RRULE`
    /// (`FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10`). It is checked when the simulator starts.
    pub fn recurs(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    /// Removes the occurrence that the rule puts on `date` (in the entry's zone).
    pub fn deleted(mut self, date: NaiveDate) -> Self {
        self.exceptions.insert(date, Exception::Deleted);
        self
    }

    /// Moves the occurrence that the rule puts on `date` to other civil times of the entry's zone.
    pub fn moved(mut self, date: NaiveDate, start: NaiveDateTime, end: NaiveDateTime) -> Self {
        self.exceptions.insert(date, Exception::Moved(Span::Local { start, end }));
        self
    }

    /// Puts `entry` in the place of the occurrence that the rule puts on `date`: other times, status or subject.
    pub fn changed(mut self, date: NaiveDate, entry: Entry) -> Self {
        self.exceptions.insert(date, Exception::Changed(Box::new(entry)));
        self
    }

    /// Whether the entry is a series.
    pub fn is_recurring(&self) -> bool {
        self.rule.is_some()
    }
}
