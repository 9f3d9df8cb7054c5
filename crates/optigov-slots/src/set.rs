use std::iter::Copied;
use std::time::Duration;
use std::{fmt, slice, vec};

use chrono::{DateTime, Utc};

use crate::Interval;
use crate::time::UtcSecond;
use crate::workspace::Edges;

/// A set of instants as intervals in time order, none touching another: equal sets are equal values.
///
/// Collecting takes input in any order, overlapping, touching or repeated. Input that is in order of its starts is merged in one pass
/// without sorting.
///
/// ```
/// use optigov_slots::{Interval, IntervalSet};
///
/// let set: IntervalSet = [(50, 60), (10, 20), (20, 30)].into_iter().filter_map(|(a, b)| Interval::from_unix(a, b).ok()).collect();
/// assert_eq!(set.iter().map(|i| (i.start_unix(), i.end_unix())).collect::<Vec<_>>(), [(10, 30), (50, 60)]);
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(from = "Vec<Interval>", into = "Vec<Interval>"))]
pub struct IntervalSet {
    intervals: Vec<Interval>,
}

impl IntervalSet {
    /// The set without any instant.
    pub const fn new() -> IntervalSet {
        IntervalSet { intervals: Vec::new() }
    }

    /// Whether no instant is in the set.
    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }

    /// The number of intervals.
    pub fn len(&self) -> usize {
        self.intervals.len()
    }

    /// The intervals in time order.
    pub fn iter(&self) -> Copied<slice::Iter<'_, Interval>> {
        self.intervals.iter().copied()
    }

    /// The intervals in time order, as a slice.
    pub fn as_slice(&self) -> &[Interval] {
        &self.intervals
    }

    /// The time that all intervals take together.
    pub fn total(&self) -> Duration {
        self.iter().map(Interval::duration).sum()
    }

    /// The smallest interval that holds the whole set; `None` if it is empty.
    pub fn hull(&self) -> Option<Interval> {
        let (first, last) = (self.intervals.first()?, self.intervals.last()?);
        Some(Interval::raw(first.start_second(), last.end_second()))
    }

    /// Whether an instant is in the set. Takes logarithmic time.
    pub fn contains(&self, instant: DateTime<Utc>) -> bool {
        self.find(UtcSecond::floor(instant)).is_some()
    }

    /// Whether all of `interval` is in the set.
    pub fn covers(&self, interval: Interval) -> bool {
        self.find(interval.start_second()).is_some_and(|found| interval.end_second() <= found.end_second())
    }

    /// Whether some instant of `interval` is in the set.
    pub fn overlaps(&self, interval: Interval) -> bool {
        let after = self.intervals.partition_point(|i| i.end_second() <= interval.start_second());
        self.intervals.get(after).is_some_and(|i| i.overlaps(interval))
    }

    /// The instants in either set.
    pub fn union(&self, other: &IntervalSet) -> IntervalSet {
        let mut intervals = Vec::with_capacity(self.len() + other.len());
        let (mut left, mut right) = (self.iter().peekable(), other.iter().peekable());
        loop {
            let next = match (left.peek(), right.peek()) {
                (Some(l), Some(r)) if l.start_second() <= r.start_second() => left.next(),
                (_, Some(_)) => right.next(),
                (_, None) => left.next(),
            };
            match next {
                Some(interval) => push(&mut intervals, interval),
                None => return IntervalSet { intervals },
            }
        }
    }

    /// The instants in both sets.
    pub fn intersection(&self, other: &IntervalSet) -> IntervalSet {
        let mut intervals = Vec::new();
        intersect(&self.intervals, &other.intervals, &mut intervals);
        IntervalSet { intervals }
    }

    /// The instants in this set that are not in `other`.
    pub fn difference(&self, other: &IntervalSet) -> IntervalSet {
        let cuts = &other.intervals;
        let mut next = 0;
        let mut intervals = Vec::with_capacity(self.len());
        for interval in self.iter() {
            let (mut start, end) = (interval.start_second(), interval.end_second());
            while let Some(cut) = cuts.get(next) {
                if cut.start_second() >= end {
                    break;
                }
                if start < cut.start_second() {
                    intervals.push(Interval::raw(start, cut.start_second()));
                }
                start = start.max(cut.end_second());
                if cut.end_second() > end {
                    break; // it may cut the next interval, too
                }
                next += 1;
            }
            if start < end {
                intervals.push(Interval::raw(start, end));
            }
        }
        IntervalSet { intervals }
    }

    /// The instants of `window` that are not in the set: the gaps, with those at the window's edges.
    pub fn complement_in(&self, window: Interval) -> IntervalSet {
        IntervalSet::from(window).difference(self)
    }

    /// The instants of `window` that are in the set.
    pub fn clipped_to(&self, window: Interval) -> IntervalSet {
        let from = self.intervals.partition_point(|i| i.end_second() <= window.start_second());
        let until = self.intervals.partition_point(|i| i.start_second() < window.end_second());
        let inside = self.intervals.get(from..until).unwrap_or_default();
        IntervalSet { intervals: inside.iter().filter_map(|i| i.intersection(window)).collect() }
    }

    /// The intervals that overlap `window`, in full.
    pub(crate) fn overlapping(mut self, window: Interval) -> IntervalSet {
        self.intervals.truncate(self.intervals.partition_point(|i| i.start_second() < window.end_second()));
        self.intervals.drain(..self.intervals.partition_point(|i| i.end_second() <= window.start_second()));
        self
    }

    /// The stretches between one interval and the next.
    pub fn gaps(&self) -> impl Iterator<Item = Interval> + '_ {
        self.intervals.windows(2).map(|pair| Interval::raw(pair[0].end_second(), pair[1].start_second()))
    }

    /// The instants that are in at least `count` of the sets; with a count of 0, every instant that chrono can name.
    ///
    /// ```
    /// # use optigov_slots::{Interval, IntervalSet};
    /// let set = |a, b| Interval::from_unix(a, b).map(IntervalSet::from);
    /// let two_of_three = IntervalSet::in_at_least(2, [&set(0, 10)?, &set(5, 20)?, &set(8, 30)?]);
    /// assert_eq!(two_of_three, set(5, 20)?);
    /// # Ok::<(), optigov_slots::EmptyInterval>(())
    /// ```
    pub fn in_at_least<'a>(count: usize, sets: impl IntoIterator<Item = &'a IntervalSet>) -> IntervalSet {
        if count == 0 {
            return IntervalSet::from(Interval::raw(UtcSecond::EARLIEST, UtcSecond::LATEST));
        }
        let all: Vec<Interval> = sets.into_iter().flat_map(IntervalSet::iter).collect();
        let mut intervals = Vec::new();
        overlapped(count, &all, &mut Edges::default(), &mut intervals);
        IntervalSet { intervals }
    }

    fn find(&self, second: UtcSecond) -> Option<Interval> {
        let after = self.intervals.partition_point(|i| i.end_second() <= second);
        self.intervals.get(after).copied().filter(|i| i.contains_second(second))
    }
}

impl From<Interval> for IntervalSet {
    fn from(interval: Interval) -> IntervalSet {
        IntervalSet { intervals: vec![interval] }
    }
}

/// Intervals in any order; they may overlap.
impl From<Vec<Interval>> for IntervalSet {
    fn from(mut intervals: Vec<Interval>) -> IntervalSet {
        if !intervals.is_sorted_by_key(|i| i.start_second()) {
            intervals.sort_unstable_by_key(|i| i.start_second());
        }
        coalesce_from(&mut intervals, 0);
        IntervalSet { intervals }
    }
}

impl From<IntervalSet> for Vec<Interval> {
    fn from(set: IntervalSet) -> Vec<Interval> {
        set.intervals
    }
}

impl FromIterator<Interval> for IntervalSet {
    fn from_iter<I: IntoIterator<Item = Interval>>(intervals: I) -> IntervalSet {
        IntervalSet::from(intervals.into_iter().collect::<Vec<_>>())
    }
}

impl Extend<Interval> for IntervalSet {
    fn extend<I: IntoIterator<Item = Interval>>(&mut self, intervals: I) {
        let old = self.intervals.len();
        self.intervals.extend(intervals);
        // What was there is in order. It is sorted again only if the new intervals do not follow it in order.
        let from = old.saturating_sub(1);
        let in_order = self.intervals[from..].is_sorted_by_key(|i| i.start_second());
        let from = if in_order { from } else { 0 };
        if !in_order {
            self.intervals.sort_unstable_by_key(|i| i.start_second());
        }
        coalesce_from(&mut self.intervals, from);
    }
}

impl<'a> IntoIterator for &'a IntervalSet {
    type Item = Interval;
    type IntoIter = Copied<slice::Iter<'a, Interval>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for IntervalSet {
    type Item = Interval;
    type IntoIter = vec::IntoIter<Interval>;

    fn into_iter(self) -> Self::IntoIter {
        self.intervals.into_iter()
    }
}

impl fmt::Debug for IntervalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(&self.intervals).finish()
    }
}

/// Appends an interval that does not start before the last one, joined with it where they overlap or touch.
#[inline]
fn push(intervals: &mut Vec<Interval>, interval: Interval) {
    match intervals.last_mut() {
        Some(last) if interval.start_second() <= last.end_second() => {
            *last = Interval::raw(last.start_second(), last.end_second().max(interval.end_second()));
        }
        _ => intervals.push(interval),
    }
}

/// Joins what overlaps or touches, in place, from an index on. From there, the input is in order of its starts.
pub(crate) fn coalesce_from(intervals: &mut Vec<Interval>, from: usize) {
    let Some(&first) = intervals.get(from) else { return };
    let (mut current, mut kept) = (first, from);
    for index in from + 1..intervals.len() {
        let next = intervals[index];
        if next.start_second() <= current.end_second() {
            current = Interval::raw(current.start_second(), current.end_second().max(next.end_second()));
        } else {
            intervals[kept] = current;
            kept += 1;
            current = next;
        }
    }
    intervals[kept] = current;
    intervals.truncate(kept + 1);
}

/// Appends what is in both of two sets.
pub(crate) fn intersect(a: &[Interval], b: &[Interval], both: &mut Vec<Interval>) {
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        both.extend(x.intersection(*y));
        let x_ends_first = x.end_second() < y.end_second();
        i += usize::from(x_ends_first);
        j += usize::from(!x_ends_first);
    }
}

/// Finds the instants that lie in at least `count` (1 or more) of the intervals, which may overlap each other and come in any order.
pub(crate) fn overlapped(count: usize, intervals: &[Interval], edges: &mut Edges, found: &mut Vec<Interval>) {
    found.clear();
    if count > intervals.len() {
        return;
    }
    let Edges { starts, ends } = edges;
    starts.clear();
    ends.clear();
    starts.extend(intervals.iter().map(|i| i.start_second()));
    ends.extend(intervals.iter().map(|i| i.end_second()));
    starts.sort_unstable();
    ends.sort_unstable();
    let (mut opened, mut closed, mut since) = (0, 0, UtcSecond::MIN);
    while let Some(&end) = ends.get(closed) {
        match starts.get(opened) {
            Some(&start) if start < end => {
                opened += 1;
                if opened - closed == count {
                    since = start;
                }
            }
            _ => {
                if opened - closed == count {
                    push(found, Interval::raw(since, end));
                }
                closed += 1;
            }
        }
    }
}
