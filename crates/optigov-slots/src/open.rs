use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::civil::{Offsets, Reading};
use crate::time::{Day, Seconds, UtcOffset, UtcSecond, WallSecond};
use crate::{Interval, IntervalSet};

/// The open hours of a stretch of time, as instants: a [`Timetable`](crate::Timetable) resolved for one window and audience.
///
/// Cheap to clone: keep one for as long as the timetable and the window stay, and ask it for [`slots`](OpenWindows::slots) as often as
/// calendars change. It also knows the local days and why a date is closed.
#[derive(Debug, Clone)]
pub struct OpenWindows {
    resolved: Arc<Resolved>,
}

#[derive(Debug)]
struct Resolved {
    zone: Tz,
    window: Interval,
    offsets: Offsets,
    windows: Vec<Window>,
    open: IntervalSet,
    /// The first local day of the window.
    first_day: Day,
    /// Where each local day starts, and at last where the day after starts.
    day_starts: Vec<UtcSecond>,
    /// Dates without hours that an exception or a holiday closed, in order.
    closed: Vec<(Day, Closed)>,
}

/// A stretch of time in which the clocks of a zone are not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClockSetting {
    /// The stretch, as far as it was looked up.
    pub holds: Interval,
    /// How many seconds the clocks are ahead of UTC; negative in the west.
    pub seconds_east: i64,
}

/// Hours as they were written, and where they meet others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// Where the hours, and their grid, begin.
    pub(crate) start: UtcSecond,
    /// Where the grid of the next window takes over, or the hours end.
    pub(crate) until: UtcSecond,
    /// Where the counter really closes: windows that touch or overlap are one stretch of open time.
    pub(crate) reach: UtcSecond,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    Exception,
    Holiday,
}

impl OpenWindows {
    /// Open hours that are known as instants, where there is no [`Timetable`](crate::Timetable): the slots that start in `window`, within
    /// `open`, with the local days of `zone`. Hours may reach beyond the window on either side. What is open before 1900 or after 2199 does
    /// not count, as with a timetable.
    pub fn new(zone: Tz, window: Interval, open: &IntervalSet) -> OpenWindows {
        let offsets = Offsets::covering(zone, window.start_second(), window.end_second());
        OpenWindows::resolved(zone, window, offsets, open.iter().collect(), Vec::new())
    }

    /// From windows in order of their starts.
    pub(crate) fn resolved(
        zone: Tz,
        window: Interval,
        offsets: Offsets,
        intervals: Vec<Interval>,
        closed: Vec<(Day, Closed)>,
    ) -> OpenWindows {
        let intervals = within_years(&offsets, intervals);
        let mut windows = Vec::with_capacity(intervals.len());
        let open = IntervalSet::from(intervals.clone());
        let mut stretches = open.as_slice();
        for (index, interval) in intervals.iter().enumerate() {
            let start = interval.start_second();
            while let [stretch, rest @ ..] = stretches
                && stretch.end_second() <= start
            {
                stretches = rest;
            }
            let Some(reach) = stretches.first().map(|stretch| stretch.end_second()) else { break };
            let until = intervals.get(index + 1).map_or(reach, |next| reach.min(next.start_second()));
            if start < window.end_second() && window.start_second() < until {
                windows.push(Window { start, until, reach });
            }
        }
        let open = open.overlapping(window);
        let first_day = resolvable_day(&offsets, window.start_second());
        let last_day = resolvable_day(&offsets, window.end_second() - Seconds::ONE);
        let day_starts = offsets.day_starts(first_day, last_day.next());
        OpenWindows {
            resolved: Arc::new(Resolved { zone, window, offsets, windows, open, first_day, day_starts, closed }),
        }
    }

    /// The zone of the local days.
    pub fn zone(&self) -> Tz {
        self.resolved.zone
    }

    /// The window that was asked for: slots start in it.
    pub fn window(&self) -> Interval {
        self.resolved.window
    }

    /// Whether both are clones of one.
    pub(crate) fn is_same(&self, other: &OpenWindows) -> bool {
        Arc::ptr_eq(&self.resolved, &other.resolved)
    }

    /// The open hours that overlap the window, joined where they touch and each in full, also where it reaches beyond the window.
    pub fn windows(&self) -> &IntervalSet {
        &self.resolved.open
    }

    /// Whether the counter is open at an instant of the window.
    pub fn is_open(&self, instant: DateTime<Utc>) -> bool {
        self.resolved.open.contains(instant)
    }

    /// The local days that the window touches, in order, each as it runs in full. A date that the zone skipped is not among them.
    pub fn days(&self) -> impl Iterator<Item = (NaiveDate, Interval)> + '_ {
        let first = self.resolved.first_day;
        self.resolved
            .day_starts
            .windows(2)
            .zip(first.onwards())
            .filter_map(|(edges, day)| Some((day.date(), Interval::between(edges[0], edges[1])?)))
    }

    /// The local day of an instant, if the window touches it: the day, and where it starts and ends.
    pub(crate) fn day_of(&self, instant: UtcSecond) -> Option<(Day, Interval)> {
        let Resolved { day_starts, first_day, .. } = &*self.resolved;
        let index = day_starts.partition_point(|&start| start <= instant).checked_sub(1)?;
        let (start, end) = (day_starts.get(index)?, day_starts.get(index + 1)?);
        Some((first_day.plus(i32::try_from(index).ok()?), Interval::between(*start, *end)?))
    }

    /// What closed a date that has no hours at all.
    pub(crate) fn closed_by(&self, day: Day) -> Option<Closed> {
        let closed = &self.resolved.closed;
        closed.binary_search_by_key(&day, |&(day, _)| day).ok().map(|index| closed[index].1)
    }

    /// The windows whose grids reach into the window that was asked for, in order.
    pub(crate) fn grids(&self) -> &[Window] {
        &self.resolved.windows
    }

    /// What clocks in the zone are set to at an instant, and for how long; `None` where the instant lies so far from the window (three days
    /// or more) that it was not looked up. For those who write many instants in local time.
    pub fn clock_setting(&self, instant: DateTime<Utc>) -> Option<ClockSetting> {
        let (start, end, offset) = self.offsets().known_span(UtcSecond::floor(instant))?;
        let holds = Interval::between(start.max(UtcSecond::EARLIEST), end.min(UtcSecond::LATEST))?;
        Some(ClockSetting { holds, seconds_east: offset.seconds_east() })
    }

    pub(crate) fn offsets(&self) -> &Offsets {
        &self.resolved.offsets
    }

    /// The civil day of any instant, also of one beyond the window.
    pub(crate) fn civil_day_of(&self, instant: UtcSecond) -> Day {
        self.offsets().near(self.zone(), instant).day_of(instant)
    }

    /// When the wall clock shows `wall`, also beyond the window.
    pub(crate) fn read_clock(&self, wall: WallSecond) -> Reading {
        // No zone's clocks are further from UTC than the offsets' margin.
        self.offsets().near(self.zone(), UtcOffset::default().instant_of(wall)).read(wall)
    }

    /// The first local day, and where each day starts; at last, where the day after starts.
    pub(crate) fn day_starts(&self) -> (Day, &[UtcSecond]) {
        (self.resolved.first_day, &self.resolved.day_starts)
    }
}

/// The first and the last day with open hours: 1900-01-01 and 2199-12-31. So an enormous window costs no more than three centuries do.
const FIRST_DAY: Day = Day::from_epoch(-25_567);
const LAST_DAY: Day = Day::from_epoch(84_005);

/// What is open on days between these two.
fn within_years(offsets: &Offsets, mut intervals: Vec<Interval>) -> Vec<Interval> {
    let (start, end) = (offsets.day_start(FIRST_DAY), offsets.day_start(LAST_DAY.next()));
    if intervals.iter().any(|interval| interval.start_second() < start || end < interval.end_second()) {
        intervals = Interval::between(start, end)
            .map(|years| intervals.iter().filter_map(|interval| interval.intersection(years)).collect())
            .unwrap_or_default();
    }
    intervals
}

/// The civil day of an instant, or the nearest that is resolved.
pub(crate) fn resolvable_day(offsets: &Offsets, instant: UtcSecond) -> Day {
    offsets.day_of(instant).clamp(FIRST_DAY, LAST_DAY)
}
