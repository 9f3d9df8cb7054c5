use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};

use crate::Interval;

/// Why an appointment cannot start at an instant. Ordered as [`Slots::why`](crate::Slots::why) gives them.
///
/// A reason is data, for whoever words it in the reader's language and in the local time of the counter. [`Display`](fmt::Display) is for
/// logs. [`code`](Reason::code) names the reason for programs, and [`CODES`](Reason::CODES) lists all of them, so that a test can hold that
/// there are words for each.
///
/// # As JSON
///
/// With the feature `serde`, a reason is an object with its `code` and its fields. Instants are written in UTC as RFC 3339 has it, dates as
/// `2027-03-01`, intervals as `{"start": …, "end": …}`. A field without a value is `null`, and never left out.
///
/// | `code` | fields |
/// |---|---|
/// | `outside_window` | `window` |
/// | `closed` | `at`, `since` or `null`, `until` or `null` |
/// | `holiday` | `date` |
/// | `outside_horizon` | `last`, `bookable_from` |
/// | `lead_time` | `earliest`, `now` |
/// | `not_on_grid` | `previous` or `null`, `next` or `null` |
/// | `busy` | `resource`, `interval` |
/// | `buffer` | `resource` or `null`, `interval`, `needed` |
/// | `capacity` | `places`, `taken` |
/// | `day_limit` | `date`, `limit` |
///
/// ```json
/// {"code": "closed", "at": "2027-03-01T06:30:00Z", "since": null, "until": "2027-03-01T07:00:00Z"}
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case", tag = "code"))]
#[non_exhaustive]
pub enum Reason {
    /// The instant is not in the window that was asked for, so nothing is known about it.
    OutsideWindow {
        /// The window that was asked for.
        window: Interval,
    },
    /// The counter is closed at some instant of the appointment.
    Closed {
        /// The first instant of the appointment at which the counter is closed. It is the appointment's start, or a later closing time.
        at: DateTime<Utc>,
        /// When the counter closed; `None` if it had not been open in the window before.
        since: Option<DateTime<Utc>>,
        /// When the counter opens next; `None` if it does not in the window.
        until: Option<DateTime<Utc>>,
    },
    /// The local day is a holiday, which is why the counter is closed.
    Holiday {
        /// The date of the holiday.
        date: NaiveDate,
    },
    /// The day cannot be booked yet.
    OutsideHorizon {
        /// The last day that can be booked now.
        last: NaiveDate,
        /// The instant from which the day of the appointment can be booked.
        bookable_from: DateTime<Utc>,
    },
    /// It is too late to book this appointment, or the instant has passed.
    LeadTime {
        /// The earliest start that can be booked now.
        earliest: DateTime<Utc>,
        /// The instant that was taken for the present: a start before it has passed.
        now: DateTime<Utc>,
    },
    /// Appointments start earlier and later, but not then.
    NotOnGrid {
        /// The last start before the instant that can be booked, in the window.
        previous: Option<DateTime<Utc>>,
        /// The first start after the instant that can be booked, in the window.
        next: Option<DateTime<Utc>>,
    },
    /// A resource is busy during the appointment, and too few others are free.
    Busy {
        /// The index of the resource.
        resource: usize,
        /// From when to when it is busy.
        interval: Interval,
    },
    /// Something is too near to the appointment for its buffer, though not during it.
    Buffer {
        /// The index of the resource that is busy; `None` for a booking already made.
        resource: Option<usize>,
        /// From when to when it is busy.
        interval: Interval,
        /// What would have to be free: the appointment with its buffers. To a booking, the longer of the two buffers is kept on both sides.
        needed: Interval,
    },
    /// Bookings already made take all places.
    Capacity {
        /// How many appointments can take place at once, by the capacity and by the resources that are free.
        places: usize,
        /// How many bookings meet during the appointment, the distance that buffers keep included.
        taken: usize,
    },
    /// As many bookings begin on the local day as are allowed.
    DayLimit {
        /// The day.
        date: NaiveDate,
        /// How many are allowed.
        limit: u32,
    },
}

impl Reason {
    /// The codes of all reasons, in their order.
    pub const CODES: &'static [&'static str] = &[
        "outside_window",
        "closed",
        "holiday",
        "outside_horizon",
        "lead_time",
        "not_on_grid",
        "busy",
        "buffer",
        "capacity",
        "day_limit",
    ];

    /// The name of the reason for programs, as it is in JSON. It does not change.
    pub const fn code(&self) -> &'static str {
        match self {
            Reason::OutsideWindow { .. } => "outside_window",
            Reason::Closed { .. } => "closed",
            Reason::Holiday { .. } => "holiday",
            Reason::OutsideHorizon { .. } => "outside_horizon",
            Reason::LeadTime { .. } => "lead_time",
            Reason::NotOnGrid { .. } => "not_on_grid",
            Reason::Busy { .. } => "busy",
            Reason::Buffer { .. } => "buffer",
            Reason::Capacity { .. } => "capacity",
            Reason::DayLimit { .. } => "day_limit",
        }
    }
}

/// In English, for logs and administrators; times in UTC.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::OutsideWindow { .. } => write!(f, "outside the window that was asked for"),
            Reason::Closed { at, .. } => write!(f, "closed at {at:?}"),
            Reason::Holiday { date } => write!(f, "{date} is a holiday"),
            Reason::OutsideHorizon { last, .. } => write!(f, "the last day that can be booked is {last}"),
            Reason::LeadTime { earliest, .. } => write!(f, "the earliest start that can be booked is {earliest:?}"),
            Reason::NotOnGrid { .. } => write!(f, "no appointment starts then"),
            Reason::Busy { resource, interval } => write!(f, "resource {resource} is busy {interval}"),
            Reason::Buffer { resource: Some(resource), interval, .. } => {
                write!(f, "too near to {interval}, when resource {resource} is busy")
            }
            Reason::Buffer { resource: None, interval, .. } => write!(f, "too near to the booking {interval}"),
            Reason::Capacity { places, taken } => write!(f, "{taken} bookings take the {places} places"),
            Reason::DayLimit { date, limit } => write!(f, "all {limit} appointments of {date} are booked"),
        }
    }
}
