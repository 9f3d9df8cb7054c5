use std::fmt;
use std::iter::FusedIterator;
use std::mem;

use chrono::{DateTime, NaiveDate, Utc};

use crate::answer::{Answer, Starts};
use crate::query::Query;
use crate::time::{Seconds, UtcSecond};
use crate::workspace::Workspace;
use crate::{Busy, Interval, OpenWindows, Resources, SlotRules, bitmap, sweep};

/// The appointments that can be booked: a view of one answer, to be listed, counted and asked.
///
/// Whatever is asked, the answer is the same: [`is_bookable`](Slots::is_bookable) holds exactly for the starts that [`iter`](Slots::iter)
/// yields, and [`why`](Slots::why) gives no reason for exactly these.
pub struct Slots {
    pub(crate) open: OpenWindows,
    pub(crate) rules: SlotRules,
    pub(crate) resources: Resources,
    pub(crate) bookings: Busy,
    pub(crate) now: DateTime<Utc>,
    answer: Answer,
    /// The memory that is kept for the next [`update`](Slots::update), once there has been one.
    workspace: Option<Box<Workspace>>,
}

/// One appointment that can be booked, buffers not included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(into = "Interval"))]
pub struct Slot {
    start: UtcSecond,
    end: UtcSecond,
}

impl OpenWindows {
    /// The appointments that can be booked at the instant `now`, by hours, rules, calendars and the bookings already made.
    ///
    /// Slots start in the window, and may end after it: busy time and bookings must be given for the window, widened by the appointment's
    /// length and the buffers. Their order does not matter. Give each appointment once: as a booking or as busy time, not as both.
    pub fn slots(&self, rules: &SlotRules, resources: &Resources, bookings: &Busy, now: DateTime<Utc>) -> Slots {
        let mut slots = Slots {
            open: self.clone(),
            rules: *rules,
            resources: resources.clone(),
            bookings: bookings.clone(),
            now,
            answer: Answer::default(),
            workspace: None,
        };
        slots.compute(&mut Workspace::default());
        slots
    }
}

impl Slots {
    /// Asks anew in place: the same as [`OpenWindows::slots`], with the memory of the last answer. Once that is large enough, nothing is
    /// allocated.
    pub fn update(
        &mut self,
        open: &OpenWindows,
        rules: &SlotRules,
        resources: &Resources,
        bookings: &Busy,
        now: DateTime<Utc>,
    ) {
        self.open.clone_from(open);
        self.rules = *rules;
        self.resources.clone_from(resources);
        self.bookings.clone_from(bookings);
        self.now = now;
        let mut workspace = self.workspace.take().unwrap_or_default();
        self.compute(&mut workspace);
        self.workspace = Some(workspace);
    }

    fn compute(&mut self, workspace: &mut Workspace) {
        let mut answer = mem::take(&mut self.answer);
        answer.clear();
        let query = self.query();
        if query.from < query.until && !bitmap::bitmap(&query, workspace, &mut answer) {
            sweep::sweep(&query, workspace, &mut answer);
        }
        self.answer = answer;
    }

    pub(crate) fn query(&self) -> Query<'_> {
        let (from, until) = self.rules.range_within(&self.open, self.now);
        Query {
            open: &self.open,
            rules: &self.rules,
            resources: &self.resources,
            bookings: &self.bookings,
            from,
            until,
        }
    }

    /// The slots in time order, made one by one. They may overlap: each can be booked, not all of them.
    pub fn iter(&self) -> Iter<'_> {
        Iter { starts: self.answer.starts_from(UtcSecond::MIN), length: self.rules.total }
    }

    /// The slots that start at `instant` or later: the next ten are `slots.iter_from(instant).take(10)`.
    pub fn iter_from(&self, instant: DateTime<Utc>) -> Iter<'_> {
        Iter { starts: self.answer.starts_from(UtcSecond::ceil(instant)), length: self.rules.total }
    }

    /// The starts alone, as chrono values. Quicker than [`Slot::start`] for each slot: the date is worked out once a day.
    pub fn starts(&self) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        let (mut midnight, mut date) = (UtcSecond::EARLIEST, NaiveDate::MIN);
        self.answer.starts_from(UtcSecond::MIN).map(move |start| {
            let mut since_midnight = start - midnight;
            if !(Seconds::ZERO..Seconds::DAY).contains(&since_midnight) {
                date = start.instant().date_naive();
                since_midnight = start.since_utc_midnight();
                midnight = start - since_midnight;
            }
            date.and_time(since_midnight.time_of_day()).and_utc()
        })
    }

    /// The first slot.
    pub fn first(&self) -> Option<Slot> {
        self.iter().next()
    }

    /// The number of slots.
    pub fn len(&self) -> usize {
        self.answer.len()
    }

    /// Whether nothing can be booked.
    pub fn is_empty(&self) -> bool {
        self.first().is_none()
    }

    /// The number of slots that start on each local day of the window, in order; 0 where nothing can be booked.
    pub fn counts_per_day(&self) -> impl Iterator<Item = (NaiveDate, usize)> + '_ {
        let (first, edges) = self.open.day_starts();
        let counts = self.answer.counts(edges).zip(edges.windows(2)).zip(first.onwards());
        // A date that the zone skipped takes no time.
        counts.filter(|((_, edges), _)| edges[0] < edges[1]).map(|((count, _), day)| (day.date(), count))
    }

    /// The last start before `instant` that can be booked.
    pub(crate) fn last_before(&self, instant: DateTime<Utc>) -> Option<UtcSecond> {
        self.answer.last_before(UtcSecond::ceil(instant))
    }

    /// Whether an appointment that starts exactly then can be booked.
    pub fn is_bookable(&self, start: DateTime<Utc>) -> bool {
        start.timestamp_subsec_nanos() == 0
            && self.iter_from(start).next().is_some_and(|slot| slot.start == UtcSecond::floor(start))
    }

    /// The open hours that were asked.
    pub fn open_windows(&self) -> &OpenWindows {
        &self.open
    }

    /// The rules that were asked.
    pub fn rules(&self) -> &SlotRules {
        &self.rules
    }

    /// The resources that were asked, with their busy time.
    pub fn resources(&self) -> &Resources {
        &self.resources
    }

    /// The bookings already made that were counted.
    pub fn bookings(&self) -> &Busy {
        &self.bookings
    }

    /// The instant that was taken for the present.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }
}

/// The copy has the answer, but not the memory that is kept for the next [`update`](Slots::update).
impl Clone for Slots {
    fn clone(&self) -> Slots {
        Slots {
            open: self.open.clone(),
            rules: self.rules,
            resources: self.resources.clone(),
            bookings: self.bookings.clone(),
            now: self.now,
            answer: self.answer.clone(),
            workspace: None,
        }
    }
}

impl<'a> IntoIterator for &'a Slots {
    type Item = Slot;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.len();
        f.debug_struct("Slots")
            .field("window", &self.open.window())
            .field("now", &self.now)
            .field("len", &len)
            .finish_non_exhaustive()
    }
}

/// Slots in time order; see [`Slots::iter`].
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    starts: Starts<'a>,
    length: Seconds,
}

impl Iterator for Iter<'_> {
    type Item = Slot;

    #[inline]
    fn next(&mut self) -> Option<Slot> {
        self.starts.next().map(|start| Slot { start, end: start + self.length })
    }

    #[inline]
    fn fold<B, F: FnMut(B, Slot) -> B>(self, init: B, mut f: F) -> B {
        let length = self.length;
        self.starts.fold(init, |all, start| f(all, Slot { start, end: start + length }))
    }
}

impl FusedIterator for Iter<'_> {}

impl Slot {
    /// When the appointment starts.
    pub fn start(self) -> DateTime<Utc> {
        self.start.instant()
    }

    /// When the appointment ends; the buffer after it comes on top.
    pub fn end(self) -> DateTime<Utc> {
        self.end.instant()
    }

    /// [`start`](Slot::start) in seconds since 1970-01-01T00:00:00Z.
    pub const fn start_unix(self) -> i64 {
        self.start.unix()
    }

    /// [`end`](Slot::end) in seconds since 1970-01-01T00:00:00Z.
    pub const fn end_unix(self) -> i64 {
        self.end.unix()
    }

    pub(crate) const fn start_second(self) -> UtcSecond {
        self.start
    }

    /// From start to end.
    pub fn interval(self) -> Interval {
        Interval::raw(self.start, self.end)
    }
}

impl From<Slot> for Interval {
    fn from(slot: Slot) -> Interval {
        slot.interval()
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.interval(), f)
    }
}
