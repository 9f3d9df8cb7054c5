//! A reading: one mailbox's entries over a window, and when they were read.
//!
//! # How entries lie in memory
//!
//! What blocks a counter is decided for each answer, by the counter's policy. For nearly all entries only their status matters: they have a start
//! and an end time and are not cancelled. These are kept as the intervals that the slot engine takes, grouped by status, and by start within a
//! status:
//!
//! ```text
//! timed   | free: 8–9, 14–15 | tentative: – | busy: 9–10, 11–12, 13–14 | out of office: 15–17 | …
//! ```
//!
//! So a policy that lets free entries pass picks all slices but the first, and nothing is copied. The rest of the entries is looked at one by one.

use std::{mem, ops::Range, sync::Arc};

use chrono::{DateTime, Utc};
use optigov_calendar::{AllDayFlag, Calendar, CalendarEntry, EntryStatus, EntryTime};
use optigov_slots::{BusyPart, Interval};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct as _};

use crate::WatchId;

/// One mailbox's entries over a window, and when they were read.
///
/// It is written as `window`, `read_at`, `all_day`, `watch` and `entries`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "Written")]
pub struct Reading {
    window: Interval,
    read_at: DateTime<Utc>,
    /// The entries of which the status alone says what they do, by status and then by start.
    timed: Arc<[Interval]>,
    /// Where each status ends in `timed`.
    ends: [u32; EntryStatus::ALL.len()],
    /// The length in seconds of the longest of `timed`.
    longest: u32,
    all_day: AllDayFlag,
    watch: Option<WatchId>,
    /// All other entries.
    others: Box<[CalendarEntry]>,
}

/// Where a source does not tell all-day entries apart, one of at least this many seconds may be one. No zone has had a civil day that was shorter.
const MAY_BE_ALL_DAY: u64 = 12 * 3_600;

impl Reading {
    /// What a source answered for `window` to a question that was asked at `read_at`.
    pub fn new(window: Interval, read_at: DateTime<Utc>, calendar: Calendar) -> Reading {
        let all_day = calendar.all_day_flag();
        let (mut timed, mut others) = (Vec::with_capacity(calendar.entries().len()), Vec::new());
        for entry in calendar.into_entries() {
            match entry.time() {
                EntryTime::Timed(interval) if !entry.is_cancelled() && is_surely_timed(interval, all_day) => {
                    timed.push((entry.status().index(), interval));
                }
                _ => others.push(entry),
            }
        }
        timed.sort_unstable();
        others.sort_unstable();
        let end = |status: EntryStatus| timed.partition_point(|(index, _)| *index <= status.index());
        let ends = EntryStatus::ALL.map(|status| u32::try_from(end(status)).unwrap_or(u32::MAX));
        let longest = timed.iter().map(|(_, interval)| interval.duration().as_secs()).max().unwrap_or_default();
        let longest = u32::try_from(longest).unwrap_or(u32::MAX);
        let timed = timed.into_iter().map(|(_, interval)| interval).collect();
        let others = others.into_boxed_slice();
        Reading { window, read_at, timed, ends, longest, all_day, watch: None, others }
    }

    /// The same, begun while the mailbox stood under this watch. It must have stood before the source was asked.
    pub fn under(self, watch: Option<WatchId>) -> Reading {
        Reading { watch, ..self }
    }

    /// When it was read: the instant at which the question was asked.
    pub fn read_at(&self) -> DateTime<Utc> {
        self.read_at
    }

    /// The stretch of time that was read.
    pub fn window(&self) -> Interval {
        self.window
    }

    /// The entries, in a stable order.
    pub fn entries(&self) -> impl Iterator<Item = CalendarEntry> + '_ {
        let of_status = |status| self.timed[self.range(status)].iter().map(move |&at| CalendarEntry::timed(at, status));
        EntryStatus::ALL.into_iter().flat_map(of_status).chain(self.others.iter().copied())
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.timed.len() + self.others.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The times of those entries that overlap `window`, have the status, and do whatever entries of this status do: they have a start and an end
    /// time, and are not cancelled. All entries of which this does not hold are [`others`](Self::others).
    pub fn timed(&self, status: EntryStatus, window: Interval) -> impl Iterator<Item = BusyPart> + '_ {
        let range = self.range(status);
        let entries = &self.timed[range.clone()];
        let starts_before = |second: i64| first_from(entries, second);
        let inside = starts_before(window.start_unix())..starts_before(window.end_unix());
        // Of those that begin before the window, few reach into it.
        let may_reach = starts_before(window.start_unix().saturating_sub(i64::from(self.longest)))..inside.start;
        let may_reach = if self.longest == u32::MAX { 0..inside.start } else { may_reach };
        let reaching = may_reach.filter(move |&at| window.start_unix() < entries[at].end_unix()).map(|at| at..at + 1);
        let ranges = reaching.chain((!inside.is_empty()).then_some(inside));
        ranges.map(move |part| BusyPart::new(Arc::clone(&self.timed), range.start + part.start..range.start + part.end))
    }

    /// The entries of which the status alone does not say what they do: all-day entries, cancelled ones, and those that may be all-day where the
    /// source does not tell.
    pub fn others(&self) -> &[CalendarEntry] {
        &self.others
    }

    /// Whether the source told all-day entries from timed ones.
    pub fn all_day_flag(&self) -> AllDayFlag {
        self.all_day
    }

    /// The watch under which the mailbox stood when the source was asked; `None` where it stood under none.
    pub fn watch(&self) -> Option<WatchId> {
        self.watch
    }

    /// Whether all of `window` was read.
    pub fn covers(&self, window: Interval) -> bool {
        self.window.start_unix() <= window.start_unix() && window.end_unix() <= self.window.end_unix()
    }

    /// Bytes that it holds in memory.
    pub fn bytes(&self) -> usize {
        // Beside its slice, an `Arc` holds two counts.
        let counts = 2 * mem::size_of::<usize>();
        mem::size_of::<Self>() + counts + mem::size_of_val(&*self.timed) + mem::size_of_val(&*self.others)
    }

    /// Where the entries of a status lie in `timed`.
    fn range(&self, status: EntryStatus) -> Range<usize> {
        let end = |index: usize| self.ends.get(index).map_or(0, |&end| end as usize);
        status.index().checked_sub(1).map_or(0, end)..end(status.index())
    }
}

/// Where, in entries sorted by start, the first lies that starts at `second` or later.
fn first_from(entries: &[Interval], second: i64) -> usize {
    // Mostly the window is all that was read, or its beginning. So the search starts at the ends and goes on from the first in growing steps.
    if entries.last().is_none_or(|last| last.start_unix() < second) {
        return entries.len();
    }
    let mut step = 8;
    while entries.get(step).is_some_and(|entry| entry.start_unix() < second) {
        step *= 2;
    }
    let (from, until) = (if step > 8 { step / 2 } else { 0 }, step.min(entries.len()));
    from + entries[from..until].partition_point(|entry| entry.start_unix() < second)
}

fn is_surely_timed(interval: Interval, all_day: AllDayFlag) -> bool {
    all_day == AllDayFlag::Known || interval.duration().as_secs() < MAY_BE_ALL_DAY
}

impl Serialize for Reading {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Reading", 5)?;
        fields.serialize_field("window", &self.window)?;
        fields.serialize_field("read_at", &self.read_at)?;
        fields.serialize_field("all_day", &self.all_day)?;
        fields.serialize_field("watch", &self.watch)?;
        fields.serialize_field("entries", &self.entries().collect::<Vec<_>>())?;
        fields.end()
    }
}

/// How a reading is written.
#[derive(Deserialize)]
#[serde(rename = "Reading")]
struct Written {
    window: Interval,
    read_at: DateTime<Utc>,
    all_day: AllDayFlag,
    watch: Option<WatchId>,
    entries: Vec<CalendarEntry>,
}

impl From<Written> for Reading {
    fn from(written: Written) -> Reading {
        let Written { window, read_at, all_day, watch, entries } = written;
        let calendar = match all_day {
            AllDayFlag::Known => Calendar::new(entries),
            // Also for a flag that is not known here: then nothing is sure to be timed.
            _ => Calendar::without_all_day_flag(entries),
        };
        Reading { all_day, watch, ..Reading::new(window, read_at, calendar) }
    }
}

#[cfg(test)]
mod tests {
    use optigov_slots::Busy;
    use proptest::prelude::*;

    use super::*;

    fn interval(start: i64, length: i64) -> Interval {
        Interval::from_unix(start, start + length).expect("not empty")
    }

    fn entry() -> impl Strategy<Value = CalendarEntry> {
        let length = prop_oneof![4 => 1..7_200_i64, 1 => 1..400_000_i64];
        let status = prop::sample::select(EntryStatus::ALL.as_slice());
        (0..1_000_000_i64, length, status, 0..8_u8).prop_map(|(start, length, status, kind)| {
            let timed = CalendarEntry::timed(interval(start, length), status);
            let date = DateTime::from_timestamp(start, 0).expect("an instant").date_naive();
            match kind {
                0 => CalendarEntry::all_day(date, date, status),
                1 => timed.cancelled(),
                _ => timed,
            }
        })
    }

    proptest! {
        #[test]
        fn every_entry_is_either_timed_under_its_status_or_among_the_others(
            mut entries in prop::collection::vec(entry(), 0..60),
            (start, length) in (-100_000..1_100_000_i64, 1..500_000_i64),
            guessed in any::<bool>(),
        ) {
            let calendar = if guessed { Calendar::without_all_day_flag } else { Calendar::new };
            let read_at = DateTime::from_timestamp(0, 0).expect("an instant");
            let (all, window) = (interval(-200_000, 2_000_000), interval(start, length));
            let reading = Reading::new(all, read_at, calendar(entries.clone()));
            let mut kept: Vec<CalendarEntry> = reading.entries().collect();
            prop_assert_eq!(kept.len(), reading.len());
            kept.sort_unstable();
            entries.sort_unstable();
            prop_assert_eq!(&kept, &entries);

            let mut others = reading.others().to_vec();
            for status in EntryStatus::ALL {
                let mut found: Vec<Interval> = Busy::from_iter(reading.timed(status, window)).iter().collect();
                let mut expected = Vec::new();
                for entry in entries.iter().filter(|entry| entry.status() == status && !entry.is_cancelled()) {
                    let EntryTime::Timed(at) = entry.time() else { continue };
                    if guessed && at.duration().as_secs() >= MAY_BE_ALL_DAY {
                        continue;
                    }
                    expected.extend(at.overlaps(window).then_some(at));
                }
                found.sort_unstable();
                expected.sort_unstable();
                prop_assert_eq!(found, expected, "{:?}", status);
                let every = Busy::from_iter(reading.timed(status, all));
                others.extend(every.iter().map(|at| CalendarEntry::timed(at, status)));
            }
            others.sort_unstable();
            prop_assert_eq!(&others, &entries, "nothing is in both, and nothing in neither");

            let text = serde_json::to_string(&reading).expect("it is written");
            prop_assert_eq!(serde_json::from_str::<Reading>(&text).expect("it is read"), reading);
        }
    }
}
