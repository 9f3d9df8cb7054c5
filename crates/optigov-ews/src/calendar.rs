use chrono::{DateTime, NaiveDate, Utc};

/// How an entry shows in its owner's calendar: `LegacyFreeBusyStatus` and `BusyType` of EWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FreeBusyStatus {
    /// The owner has marked the time as free.
    Free,
    /// Not confirmed.
    Tentative,
    /// Busy.
    Busy,
    /// Out of office.
    OutOfOffice,
    /// Working, at another place.
    WorkingElsewhere,
    /// The server knows that there is something, and not what.
    NoData,
    /// The server named no status, or one that this library does not know.
    Unknown,
}

impl FreeBusyStatus {
    pub(crate) fn parse(text: &str) -> FreeBusyStatus {
        match text.trim() {
            "Free" => FreeBusyStatus::Free,
            "Tentative" => FreeBusyStatus::Tentative,
            "Busy" => FreeBusyStatus::Busy,
            "OOF" => FreeBusyStatus::OutOfOffice,
            "WorkingElsewhere" => FreeBusyStatus::WorkingElsewhere,
            "NoData" => FreeBusyStatus::NoData,
            _ => FreeBusyStatus::Unknown,
        }
    }
}

/// One appointment, or one occurrence of a series, as far as it bears on free time. It has no title, and none was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CalendarItem {
    pub(crate) start: DateTime<Utc>,
    pub(crate) end: DateTime<Utc>,
    pub(crate) status: FreeBusyStatus,
    pub(crate) all_day: Option<(NaiveDate, NaiveDate)>,
    pub(crate) cancelled: bool,
}

impl CalendarItem {
    /// Where it begins. It may begin before the window that was asked for.
    pub fn start(&self) -> DateTime<Utc> {
        self.start
    }

    /// Where it ends, later than it begins. It may end after the window that was asked for.
    pub fn end(&self) -> DateTime<Utc> {
        self.end
    }

    /// How it shows.
    pub fn status(&self) -> FreeBusyStatus {
        self.status
    }

    /// The first and the last civil date that an all-day entry covers, in the entry's own time zone; `None` for a timed one.
    ///
    /// The zone is the entry's `StartTimeZone`. Where the server gives no zone, or a name that is no Windows zone ("Customized Time Zone",
    /// a localised name), the dates follow from this rule: an all-day entry runs from midnight to midnight in its own zone, so at each end
    /// the offset is the one smallest in size that makes the instant a midnight. That is right for every zone from UTC−11:30 to UTC+12.
    pub fn all_day(&self) -> Option<(NaiveDate, NaiveDate)> {
        self.all_day
    }

    /// Whether the organiser has cancelled it. Such an entry stays in the calendar until its owner removes it.
    pub fn cancelled(&self) -> bool {
        self.cancelled
    }
}

/// A stretch of time in the answer to a free/busy question. It says less than a [`CalendarItem`]: not whether it is an all-day entry,
/// and not whether it was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FreeBusyEvent {
    pub(crate) start: DateTime<Utc>,
    pub(crate) end: DateTime<Utc>,
    pub(crate) status: FreeBusyStatus,
}

impl FreeBusyEvent {
    /// Where it begins. It may begin before the window that was asked for.
    pub fn start(&self) -> DateTime<Utc> {
        self.start
    }

    /// Where it ends, later than it begins. It may end after the window that was asked for.
    pub fn end(&self) -> DateTime<Utc> {
        self.end
    }

    /// How it shows.
    pub fn status(&self) -> FreeBusyStatus {
        self.status
    }
}

/// The calendar folder of a mailbox: the proof that it can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarFolder {
    pub(crate) name: Option<String>,
    pub(crate) items: Option<u32>,
}

impl CalendarFolder {
    /// The folder's name in the mailbox's language ("Kalender"), which Exchange's own commands need.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// How many items the folder holds; a series counts once.
    pub fn items(&self) -> Option<u32> {
        self.items
    }
}

/// The instants `start..end` that a call asks for; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) start: DateTime<Utc>,
    pub(crate) end: DateTime<Utc>,
}

impl Window {
    /// Whole seconds, as EWS writes them: a finer start is rounded down and a finer end up, so that nothing is lost.
    ///
    /// # Errors
    /// [`Error::is_configuration`](crate::Error::is_configuration) when the window is empty or outside the years 1 to 9999.
    pub(crate) fn new(start: DateTime<Utc>, end: DateTime<Utc>) -> Result<Window, crate::Error> {
        use chrono::{Datelike, SubsecRound, TimeDelta};
        if end <= start {
            return Err(crate::Error::configuration("the window asked for ends before it begins, or is empty"));
        }
        if start.year() < 1 || end.year() > 9998 {
            return Err(crate::Error::configuration("the window asked for lies outside the years 1 to 9998"));
        }
        let up = if end.trunc_subsecs(0) == end { end } else { end.trunc_subsecs(0) + TimeDelta::seconds(1) };
        Ok(Window { start: start.trunc_subsecs(0), end: up })
    }

    /// Both halves, or `None` when the window is a second long.
    pub(crate) fn halves(self) -> Option<(Window, Window)> {
        let half = (self.end - self.start).num_seconds() / 2;
        let middle = self.start + chrono::TimeDelta::seconds(half);
        (half > 0).then_some((Window { end: middle, ..self }, Window { start: middle, ..self }))
    }

    /// The window in pieces of at most this length.
    pub(crate) fn pieces(self, length: chrono::TimeDelta) -> impl Iterator<Item = Window> {
        let mut next = self.start;
        std::iter::from_fn(move || {
            let start = next;
            next = start.checked_add_signed(length).map_or(self.end, |end| end.min(self.end));
            (start < self.end).then_some(Window { start, end: next })
        })
    }

    pub(crate) fn overlaps(self, start: DateTime<Utc>, end: DateTime<Utc>) -> bool {
        start < self.end && self.start < end
    }
}
