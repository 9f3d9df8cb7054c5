use crate::index::index;
use crate::set::{coalesce_from, overlapped};
use crate::time::{Seconds, UtcSecond};
use crate::workspace::Meeting;
use crate::{Anchor, Busy, Interval, OpenWindows, Resources, SlotRules};

/// One question, with the range of starts that it may answer with.
pub(crate) struct Query<'a> {
    pub(crate) open: &'a OpenWindows,
    pub(crate) rules: &'a SlotRules,
    pub(crate) resources: &'a Resources,
    pub(crate) bookings: &'a Busy,
    /// The first second at which a slot may start, by window and lead time.
    pub(crate) from: UtcSecond,
    /// The first second after that at which none may, by window and horizon.
    pub(crate) until: UtcSecond,
}

impl Query<'_> {
    /// Calls `grid(first, end)` for each stretch of possible starts `first`, `first + step`, … before `end`, in order. They are possible by
    /// hours and grid alone. A stretch that began before the window is given from its beginning, as its grid is counted from there.
    pub(crate) fn for_each_grid(&self, mut grid: impl FnMut(UtcSecond, UtcSecond)) {
        let SlotRules { total, step, .. } = *self.rules;
        for window in self.open.grids() {
            let end = window.until.min(window.reach - total + Seconds::ONE);
            if self.rules.anchor() != Anchor::LocalMidnight {
                if window.start < end {
                    grid(window.start, end);
                }
                continue;
            }
            // The grid of the clock is the same wherever the walk begins, so it begins where the window does.
            let (asked, offsets) = (self.open.window(), self.open.offsets());
            let end = end.min(asked.end_second());
            let mut start = window.start.max(asked.start_second());
            while start < end {
                // As long as offset and day stay the same, the clock runs as time does.
                let since_midnight = offsets.shown_at(start).since_midnight();
                let until = end.min(start + Seconds::DAY - since_midnight).min(offsets.next_change(start));
                let first = start + (step - since_midnight % step) % step;
                if first < until {
                    grid(first, until);
                }
                start = until;
            }
        }
    }

    /// The starts at which an appointment with its buffers would overlap something busy.
    pub(crate) fn starts_forbidden_by(&self, busy: Interval) -> Option<Interval> {
        let SlotRules { total, before, after, .. } = *self.rules;
        Interval::between(busy.start_second() - total - after + Seconds::ONE, busy.end_second() + before)
    }

    /// An appointment, new or booked, lengthened by the buffer that keeps the next one away. Two appointments that are lengthened like this,
    /// on one side only, overlap exactly if less than one buffer lies between them.
    pub(crate) fn with_distance(&self, appointment: Interval) -> Option<Interval> {
        Interval::between(appointment.start_second(), appointment.end_second() + self.rules.between())
    }

    /// The starts of appointments during which, at some instant, at least `count` bookings take place; in order.
    pub(crate) fn booked_starts<'w>(&self, count: usize, meeting: &'w mut Meeting) -> &'w [Interval] {
        let Meeting { edges, bookings, starts } = meeting;
        bookings.clear();
        bookings.extend(self.bookings.iter().filter_map(|booking| self.with_distance(booking)));
        overlapped(count, bookings, edges, starts);
        let needed = self.rules.total + self.rules.between();
        for start in starts.iter_mut() {
            *start = start.widened_by(needed - Seconds::ONE, Seconds::ZERO);
        }
        coalesce_from(starts, 0);
        starts
    }

    /// The local days on which as many bookings begin as are allowed; in order.
    pub(crate) fn full_days<'w>(&self, days: &'w mut Vec<Interval>) -> &'w [Interval] {
        days.clear();
        let Some(limit) = self.rules.day_limit().map(index) else { return days };
        days.extend(self.bookings.iter().filter_map(|b| self.open.day_of(b.start_second())).map(|(_, day)| day));
        days.sort_unstable();
        // Each booking has put its day into the list. A day is full if it is there `limit` times or more; it is kept at its `limit`-th time.
        let mut full = 0;
        let mut same = 0;
        for index in 0..days.len() {
            same = if index > 0 && days[index - 1] == days[index] { same + 1 } else { 1 };
            if same == limit {
                days[full] = days[index];
                full += 1;
            }
        }
        days.truncate(full);
        days
    }

    /// Whether an instant at which the counter is open lies on the grid. Back to back, the grid depends on busy time, too, so this is `true`.
    pub(crate) fn is_on_grid(&self, start: UtcSecond) -> bool {
        let step = self.rules.step;
        match self.rules.anchor() {
            Anchor::BackToBack => true,
            Anchor::LocalMidnight => self.open.offsets().shown_at(start).since_midnight() % step == Seconds::ZERO,
            Anchor::WindowStart => {
                let windows = self.open.grids();
                let after = windows.partition_point(|w| w.start <= start);
                let window = after.checked_sub(1).and_then(|index| windows.get(index)).filter(|w| start < w.until);
                window.is_some_and(|w| next_on_grid(w.start, step, start) == start)
            }
        }
    }
}

/// The first of `first`, `first + step`, … that is not before `bound`.
pub(crate) fn next_on_grid(first: UtcSecond, step: Seconds, bound: UtcSecond) -> UtcSecond {
    if bound <= first { first } else { first + step * ((bound - first + step - Seconds::ONE) / step) }
}
