use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};

use crate::open::Closed;
use crate::{Interval, IntervalSet, Slots, civil};

/// Why an appointment cannot start at an instant. Ordered as [`Slots::why`] gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case", tag = "reason"))]
#[non_exhaustive]
pub enum Reason {
    /// The instant is not in the window that was asked for, so nothing is known about it.
    OutsideWindow,
    /// The counter is closed at some instant of the appointment.
    #[non_exhaustive]
    Closed {
        /// The first instant of the appointment at which it is closed.
        at: DateTime<Utc>,
    },
    /// The local day is a holiday, which is why the counter is closed.
    #[non_exhaustive]
    Holiday {
        /// The date of the holiday.
        date: NaiveDate,
    },
    /// The day cannot be booked yet.
    #[non_exhaustive]
    OutsideHorizon {
        /// The last day that can be booked now.
        last: NaiveDate,
    },
    /// It is too late to book this appointment, or the instant has passed.
    #[non_exhaustive]
    LeadTime {
        /// The earliest start that can be booked now.
        earliest: DateTime<Utc>,
    },
    /// Appointments start earlier and later, but not then.
    NotOnGrid,
    /// A resource is busy during the appointment, and too few others are free.
    #[non_exhaustive]
    Busy {
        /// The index of the resource.
        resource: usize,
        /// From when to when it is busy.
        interval: Interval,
    },
    /// Something is too near to the appointment for its buffer, though not during it.
    #[non_exhaustive]
    Buffer {
        /// The index of the resource that is busy; `None` for a booking already made.
        resource: Option<usize>,
        /// From when to when it is busy.
        interval: Interval,
    },
    /// Bookings already made take all places.
    #[non_exhaustive]
    Capacity {
        /// How many appointments can take place at once, by the capacity and by the resources that are free.
        places: usize,
        /// How many bookings meet during the appointment, the distance that buffers keep included.
        taken: usize,
    },
    /// As many bookings begin on the local day as are allowed.
    #[non_exhaustive]
    DayLimit {
        /// The day.
        date: NaiveDate,
        /// How many are allowed.
        limit: u32,
    },
}

impl Slots {
    /// Why an appointment that starts at `start` cannot be booked: all reasons, in the order of [`Reason`]'s variants. None if it can.
    pub fn why(&self, start: DateTime<Utc>) -> Vec<Reason> {
        let (query, second) = (self.query(), start.timestamp());
        if !self.open.window().contains_unix(second) {
            return vec![Reason::OutsideWindow];
        }
        let mut reasons = Vec::new();
        let slot = Interval::raw(second, second + self.rules.total);
        let day = self.open.day_of(second);
        let closed = IntervalSet::from(slot).difference(self.open.windows()).hull();
        if let Some(closed) = closed {
            reasons.push(Reason::Closed { at: closed.start() });
            if let Some((day, _)) = day
                && self.open.closed_by(day) == Some(Closed::Holiday)
            {
                reasons.push(Reason::Holiday { date: civil::date(day) });
            }
        }
        if let Some((last, end)) = self.rules.horizon(self.open.zone(), self.now)
            && second >= end
        {
            reasons.push(Reason::OutsideHorizon { last: civil::date(last) });
        }
        let earliest = self.rules.earliest(self.open.zone(), self.now);
        if second < earliest {
            reasons.push(Reason::LeadTime { earliest: civil::instant(earliest) });
        }
        let between_seconds = start.timestamp_subsec_nanos() > 0;
        if between_seconds || (self.open.is_open(start) && !query.is_on_grid(second)) {
            reasons.push(Reason::NotOnGrid);
        }
        let places = self.resources.places(self.free_at(second).count(), self.rules.capacity());
        if places == 0 {
            self.explain_busy(slot, &mut reasons);
        } else {
            self.explain_bookings(slot, places, &mut reasons);
        }
        if let (Some((day, interval)), Some(limit)) = (day, self.rules.day_limit())
            && query.full_days(&mut Vec::new()).contains(&interval)
        {
            reasons.push(Reason::DayLimit { date: civil::date(day), limit });
        }
        if reasons.is_empty() && !self.is_bookable(start) {
            reasons.push(Reason::NotOnGrid); // back to back: free, but not where free time begins or by steps from there
        }
        reasons
    }

    /// The resources, by index, that are free for an appointment that starts then, buffers included. With
    /// [`Needed::Any`](crate::Needed::Any), each of them could take it.
    pub fn free_resources(&self, start: DateTime<Utc>) -> Vec<usize> {
        self.free_at(start.timestamp()).collect()
    }

    /// How many more appointments can be booked for exactly this start: 0 if it is not bookable.
    pub fn places_left(&self, start: DateTime<Utc>) -> usize {
        if !self.is_bookable(start) {
            return 0;
        }
        let second = start.timestamp();
        let places = self.resources.places(self.free_at(second).count(), self.rules.capacity());
        places.saturating_sub(self.most_bookings(Interval::raw(second, second + self.rules.total)))
    }

    fn free_at(&self, second: i64) -> impl Iterator<Item = usize> + '_ {
        let needed = Interval::raw(second - self.rules.before, second + self.rules.total + self.rules.after);
        let calendars = self.resources.calendars().iter().enumerate();
        calendars.filter(move |(_, busy)| !busy.as_slice().iter().any(|b| b.overlaps(needed))).map(|(index, _)| index)
    }

    fn explain_busy(&self, slot: Interval, reasons: &mut Vec<Reason>) {
        let from = reasons.len();
        let needed = Interval::raw(slot.start_unix() - self.rules.before, slot.end_unix() + self.rules.after);
        for (resource, busy) in self.resources.calendars().iter().enumerate() {
            for interval in busy.as_slice().iter().copied().filter(|b| b.overlaps(needed)) {
                reasons.push(match interval.overlaps(slot) {
                    true => Reason::Busy { resource, interval },
                    false => Reason::Buffer { resource: Some(resource), interval },
                });
            }
        }
        reasons[from..].sort_unstable();
    }

    fn explain_bookings(&self, slot: Interval, places: usize, reasons: &mut Vec<Reason>) {
        let taken = self.most_bookings(slot);
        if taken < places {
            return;
        }
        let from = reasons.len();
        if self.meeting(slot, Some) < places {
            let query = self.query();
            let near = |booking: &Interval| match (query.with_distance(*booking), query.with_distance(slot)) {
                (Some(booked), Some(needed)) => booked.overlaps(needed) && !booking.overlaps(slot),
                _ => false,
            };
            let near = self.bookings.as_slice().iter().copied().filter(near);
            reasons.extend(near.map(|interval| Reason::Buffer { resource: None, interval }));
            reasons[from..].sort_unstable();
        }
        if reasons.len() == from {
            reasons.push(Reason::Capacity { places, taken });
        }
    }

    /// How many bookings meet at the fullest instant of an appointment, the distance between appointments included.
    fn most_bookings(&self, slot: Interval) -> usize {
        let query = self.query();
        query.with_distance(slot).map_or(0, |needed| self.meeting(needed, |booking| query.with_distance(booking)))
    }

    fn meeting(&self, span: Interval, taken: impl Fn(Interval) -> Option<Interval>) -> usize {
        let bookings = self.bookings.as_slice().iter();
        let mut edges: Vec<(i64, bool)> = bookings
            .filter_map(|booking| taken(*booking)?.intersection(span))
            .flat_map(|b| [(b.start_unix(), true), (b.end_unix(), false)])
            .collect();
        edges.sort_unstable(); // at one instant, ends come before starts
        let (mut depth, mut most) = (0_usize, 0);
        for (_, starts) in edges {
            depth = if starts { depth + 1 } else { depth - 1 };
            most = most.max(depth);
        }
        most
    }
}

/// In English, for logs and administrators; times in UTC.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::OutsideWindow => write!(f, "outside the window that was asked for"),
            Reason::Closed { at } => write!(f, "closed at {at:?}"),
            Reason::Holiday { date } => write!(f, "{date} is a holiday"),
            Reason::OutsideHorizon { last } => write!(f, "the last day that can be booked is {last}"),
            Reason::LeadTime { earliest } => write!(f, "the earliest start that can be booked is {earliest:?}"),
            Reason::NotOnGrid => write!(f, "no appointment starts then"),
            Reason::Busy { resource, interval } => write!(f, "resource {resource} is busy {interval}"),
            Reason::Buffer { resource: Some(resource), interval } => {
                write!(f, "too near to {interval}, when resource {resource} is busy")
            }
            Reason::Buffer { resource: None, interval } => write!(f, "too near to the booking {interval}"),
            Reason::Capacity { places, taken } => write!(f, "{taken} bookings take the {places} places"),
            Reason::DayLimit { date, limit } => write!(f, "all {limit} appointments of {date} are booked"),
        }
    }
}
