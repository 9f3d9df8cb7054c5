//! What [`Slots`] says about one start: why it cannot be booked, who is free then, and how many places are left.

use chrono::{DateTime, Utc};

use crate::open::Closed;
use crate::time::UtcSecond;
use crate::{Interval, IntervalSet, Reason, Slots};

impl Slots {
    /// Why an appointment that starts at `start` cannot be booked: all reasons, in the order of [`Reason`]'s variants. None if it can.
    pub fn why(&self, start: DateTime<Utc>) -> Vec<Reason> {
        let (query, second) = (self.query(), UtcSecond::floor(start));
        let window = self.open.window();
        if !window.contains_second(second) {
            return vec![Reason::OutsideWindow { window }];
        }
        let mut reasons = Vec::new();
        let slot = Interval::raw(second, second + self.rules.total);
        let day = self.open.day_of(second);
        if let Some(closed) = IntervalSet::from(slot).difference(self.open.windows()).hull() {
            reasons.push(self.explain_closed(closed.start_second()));
            if let Some((day, _)) = day
                && self.open.closed_by(day) == Some(Closed::Holiday)
            {
                reasons.push(Reason::Holiday { date: day.date() });
            }
        }
        if let Some(horizon) = self.rules.horizon(&self.open, self.now)
            && let Some(bookable_from) = self.rules.bookable_from(&self.open, second)
            && second >= horizon.end
        {
            let (last, bookable_from) = (horizon.last.date(), bookable_from.instant());
            reasons.push(Reason::OutsideHorizon { last, bookable_from });
        }
        let earliest = self.rules.earliest(&self.open, self.now);
        if second < earliest {
            reasons.push(Reason::LeadTime { earliest: earliest.instant(), now: self.now });
        }
        let between_seconds = start.timestamp_subsec_nanos() > 0;
        if between_seconds || (self.open.is_open(start) && !query.is_on_grid(second)) {
            reasons.push(self.explain_grid(start));
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
            reasons.push(Reason::DayLimit { date: day.date(), limit });
        }
        if reasons.is_empty() && !self.is_bookable(start) {
            // Back to back: the time is free, but not where free time begins or by steps from there.
            reasons.push(self.explain_grid(start));
        }
        reasons
    }

    /// The resources, by index, that are free for an appointment that starts then, buffers included. With
    /// [`Needed::Any`](crate::Needed::Any), each of them could take it.
    pub fn free_resources(&self, start: DateTime<Utc>) -> Vec<usize> {
        self.free_at(UtcSecond::floor(start)).collect()
    }

    /// How many more appointments can be booked for exactly this start: 0 if it is not bookable.
    pub fn places_left(&self, start: DateTime<Utc>) -> usize {
        if !self.is_bookable(start) {
            return 0;
        }
        let second = UtcSecond::floor(start);
        let places = self.resources.places(self.free_at(second).count(), self.rules.capacity());
        places.saturating_sub(self.most_bookings(Interval::raw(second, second + self.rules.total)))
    }

    fn free_at(&self, start: UtcSecond) -> impl Iterator<Item = usize> + '_ {
        let needed = self.with_buffers(Interval::raw(start, start + self.rules.total));
        let calendars = self.resources.calendars().iter().enumerate();
        calendars.filter(move |(_, busy)| !busy.iter().any(|b| b.overlaps(needed))).map(|(index, _)| index)
    }

    /// What resources must have free for an appointment.
    fn with_buffers(&self, slot: Interval) -> Interval {
        Interval::raw(slot.start_second() - self.rules.before, slot.end_second() + self.rules.after)
    }

    fn explain_closed(&self, at: UtcSecond) -> Reason {
        let windows = self.open.windows().as_slice();
        let next = windows.partition_point(|window| window.end_second() <= at);
        let since = windows[..next].last().map(|window| window.end());
        let until = windows.get(next).map(|window| window.start());
        Reason::Closed { at: at.instant(), since, until }
    }

    fn explain_grid(&self, start: DateTime<Utc>) -> Reason {
        let previous = self.last_before(start).map(UtcSecond::instant);
        let next = self.iter_from(start).next().map(|slot| slot.start());
        Reason::NotOnGrid { previous, next }
    }

    fn explain_busy(&self, slot: Interval, reasons: &mut Vec<Reason>) {
        let from = reasons.len();
        let needed = self.with_buffers(slot);
        for (resource, busy) in self.resources.calendars().iter().enumerate() {
            for interval in busy.iter().filter(|b| b.overlaps(needed)) {
                reasons.push(match interval.overlaps(slot) {
                    true => Reason::Busy { resource, interval },
                    false => Reason::Buffer { resource: Some(resource), interval, needed },
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
            let between = self.rules.between();
            let needed = slot.widened_by(between, between);
            let near = |booking: &Interval| booking.overlaps(needed) && !booking.overlaps(slot);
            let near = self.bookings.iter().filter(near);
            reasons.extend(near.map(|interval| Reason::Buffer { resource: None, interval, needed }));
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
        let bookings = self.bookings.iter();
        let mut edges: Vec<(UtcSecond, bool)> = bookings
            .filter_map(|booking| taken(booking)?.intersection(span))
            .flat_map(|b| [(b.start_second(), true), (b.end_second(), false)])
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
