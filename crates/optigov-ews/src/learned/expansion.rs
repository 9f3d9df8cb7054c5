//! Whether the server expands a series of appointments into its occurrences, and how that is found out.
//!
//! A server that does not sends the series itself (the master) in place of the occurrences, and only where the master lies in the window: of a
//! series that began earlier, nothing comes. So a view without any recurring item proves nothing. As long as there is no proof, a view
//! is compared with free/busy of the same mailbox and window, which shows occurrences whatever a view does.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicU8, Ordering},
};

use optigov_calendar::{CalendarEntry, EntryStatus, EntryTime};
use optigov_slots::Interval;

use crate::ops::find_item::Item;

/// What is known about how the server expands series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expansion {
    /// Nothing has shown it yet.
    InDoubt,
    /// An occurrence of a series has come.
    Expands,
    /// A series itself has come, or free/busy showed an event that a view lacked.
    DoesNot,
}

/// What all clones of a client know about it. Once the server has been seen not to expand series, nothing takes that back.
#[derive(Default)]
pub(crate) struct LearnedExpansion(AtomicU8);

impl LearnedExpansion {
    pub(crate) fn known(&self) -> Expansion {
        match self.0.load(Ordering::Acquire) {
            0 => Expansion::InDoubt,
            1 => Expansion::Expands,
            _ => Expansion::DoesNot,
        }
    }

    /// Adds what an answer has shown. An occurrence beside a series that was not expanded proves nothing good.
    pub(crate) fn learn(&self, shown: Expansion) {
        self.0.fetch_max(shown as u8, Ordering::AcqRel);
    }
}

/// Differences of about a minute between a view and free/busy are taken for rounding.
const MINUTE: i64 = 60;
/// Events of at least this many seconds may be all-day entries, a day of 23 hours included.
const ALL_DAY_LIKE: i64 = 23 * 3_600;

/// Whether free/busy shows a busy event in the window that the view lacks.
///
/// Only what is sure counts. The two differ without fault: free/busy merges identical events, has no all-day flag, and may show or leave
/// out cancelled entries and free ones. So an event is accounted for
///
/// - by an item of the same time, whatever its status and even if it is cancelled;
/// - where it is as long as a day, by an all-day item that it overlaps;
/// - where timed items cover all of it together which are not cancelled and have the event's own status or an unknown one.
///
/// A cancelled entry, a free one or an all-day one does not account for a shorter event that it merely surrounds: that event would block slots,
/// and the item might not.
pub(crate) fn lacks_an_event(items: &[Item], free_busy: &[CalendarEntry], window: Interval) -> bool {
    let index = Index::of(items, window);
    free_busy.iter().any(|event| {
        let (true, EntryTime::Timed(time)) = (is_busy(event.status()), event.time()) else { return false };
        time.intersection(window).is_some_and(|time| !index.accounts_for(time, event.status()))
    })
}

const BUSY: [EntryStatus; 4] =
    [EntryStatus::Busy, EntryStatus::OutOfOffice, EntryStatus::Tentative, EntryStatus::WorkingElsewhere];

fn is_busy(status: EntryStatus) -> bool {
    BUSY.contains(&status)
}

/// The items of a view, so that an event is looked up without a walk over all of them.
struct Index {
    /// Start and end of every item in whole minutes.
    times: HashSet<(i64, i64)>,
    all_day: Cover,
    /// For each status of [`BUSY`], what timed items of that status cover that are not cancelled.
    timed: [Cover; 4],
}

impl Index {
    fn of(items: &[Item], window: Interval) -> Index {
        let within = |item: &Item| item.interval.intersection(window);
        let is_all_day = |item: &&Item| matches!(item.entry.time(), EntryTime::AllDay { .. });
        let cover_of = |status: EntryStatus| {
            let counts = [status, EntryStatus::Unknown, EntryStatus::NoData];
            let timed = items.iter().filter(|item| !is_all_day(item) && !item.entry.is_cancelled());
            Cover::of(timed.filter(|item| counts.contains(&item.entry.status())).filter_map(within))
        };
        Index {
            times: items.iter().filter_map(within).map(minutes).collect(),
            all_day: Cover::of(items.iter().filter(is_all_day).filter_map(within)),
            timed: BUSY.map(cover_of),
        }
    }

    fn accounts_for(&self, event: Interval, status: EntryStatus) -> bool {
        let (start, end) = minutes(event);
        let around = |minute: i64| [minute - 1, minute, minute + 1];
        if around(start).into_iter().any(|start| around(end).into_iter().any(|end| self.times.contains(&(start, end))))
        {
            return true;
        }
        let length = event.end_unix() - event.start_unix();
        if length >= ALL_DAY_LIKE && self.all_day.seconds_of(event) > 0 {
            return true;
        }
        let covered = BUSY.iter().zip(&self.timed).find(|(known, _)| **known == status);
        let covered = covered.map_or(0, |(_, cover)| cover.seconds_of(event));
        covered > 0 && length - covered < MINUTE
    }
}

fn minutes(time: Interval) -> (i64, i64) {
    (time.start_unix().div_euclid(MINUTE), time.end_unix().div_euclid(MINUTE))
}

/// A set of stretches of time.
struct Cover {
    /// Disjoint and in order: start, end, and the seconds that all stretches before it cover together.
    stretches: Vec<(i64, i64, i64)>,
}

impl Cover {
    fn of(times: impl Iterator<Item = Interval>) -> Cover {
        let mut times: Vec<Interval> = times.collect();
        times.sort_unstable_by_key(|time| time.start_unix());
        let mut stretches: Vec<(i64, i64, i64)> = Vec::new();
        for time in times {
            match stretches.last_mut() {
                Some((_, end, _)) if time.start_unix() <= *end => *end = time.end_unix().max(*end),
                last => {
                    let before = last.map_or(0, |(start, end, before)| *before + (*end - *start));
                    stretches.push((time.start_unix(), time.end_unix(), before));
                }
            }
        }
        Cover { stretches }
    }

    /// How many seconds of this stretch of time are in the set.
    fn seconds_of(&self, time: Interval) -> i64 {
        self.seconds_before(time.end_unix()) - self.seconds_before(time.start_unix())
    }

    fn seconds_before(&self, instant: i64) -> i64 {
        let started = self.stretches.partition_point(|(start, _, _)| *start < instant);
        let last = started.checked_sub(1).and_then(|last| self.stretches.get(last));
        last.map_or(0, |(start, end, before)| before + (instant.min(*end) - start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;

    fn time(start: i64, end: i64) -> Interval {
        Interval::from_unix(start, end).expect("not empty")
    }

    fn event(start: i64, end: i64, status: EntryStatus) -> CalendarEntry {
        CalendarEntry::timed(time(start, end), status)
    }

    fn item(start: i64, end: i64, status: EntryStatus) -> Item {
        Item { interval: time(start, end), entry: event(start, end, status), id: 0 }
    }

    fn lacks(items: &[Item], events: &[CalendarEntry]) -> bool {
        lacks_an_event(items, events, time(0, 14 * 24 * HOUR))
    }

    #[test]
    fn what_was_seen_to_be_wrong_is_never_taken_back() {
        let learned = LearnedExpansion::default();
        assert_eq!(learned.known(), Expansion::InDoubt);
        learned.learn(Expansion::Expands);
        assert_eq!(learned.known(), Expansion::Expands);
        learned.learn(Expansion::DoesNot);
        learned.learn(Expansion::Expands);
        learned.learn(Expansion::InDoubt);
        assert_eq!(learned.known(), Expansion::DoesNot);
    }

    #[test]
    fn a_busy_event_without_an_item_is_missing() {
        use EntryStatus::{Busy, Free, NoData, OutOfOffice, Tentative, Unknown, WorkingElsewhere};
        for status in [Busy, OutOfOffice, Tentative, WorkingElsewhere] {
            assert!(lacks(&[], &[event(HOUR, 2 * HOUR, status)]), "{status:?}");
        }
        for status in [Free, NoData, Unknown] {
            assert!(!lacks(&[], &[event(HOUR, 2 * HOUR, status)]), "{status:?}");
        }
        assert!(!lacks(&[], &[event(-2 * HOUR, 0, Busy), event(15 * 24 * HOUR, 16 * 24 * HOUR, Busy)]), "it leaked");
    }

    #[test]
    fn merged_rounded_and_adjacent_events_are_accounted_for() {
        use EntryStatus::{Busy, Unknown};
        let nine = item(9 * HOUR, 10 * HOUR, Busy);
        let ten = item(10 * HOUR, 11 * HOUR, Unknown);
        assert!(!lacks(&[nine, ten], &[event(9 * HOUR, 11 * HOUR, Busy)]));
        assert!(!lacks(&[nine, nine], &[event(9 * HOUR, 10 * HOUR, Busy)]), "identical events come once");
        assert!(!lacks(&[nine], &[event(9 * HOUR - 30, 10 * HOUR + 29, Busy)]));
        assert!(lacks(&[nine], &[event(9 * HOUR, 11 * HOUR, Busy)]), "half of it is missing");
    }

    #[test]
    fn cancelled_free_and_all_day_items_account_for_their_own_time_only() {
        use EntryStatus::{Busy, Free, Tentative};
        let around = item(8 * HOUR, 12 * HOUR, Free);
        let cancelled = Item { entry: event(8 * HOUR, 12 * HOUR, Busy).cancelled(), ..around };
        let day = "1970-01-01".parse().expect("a date");
        let all_day = Item { interval: time(0, 24 * HOUR), entry: CalendarEntry::all_day(day, day, Busy), id: 0 };
        for item in [around, cancelled, all_day, self::item(8 * HOUR, 12 * HOUR, Tentative)] {
            let interval = item.interval;
            assert!(lacks(&[item], &[event(9 * HOUR, 10 * HOUR, Busy)]), "a meeting within {item:?}");
            assert!(!lacks(&[item], &[event(interval.start_unix(), interval.end_unix(), Busy)]), "{item:?} itself");
        }
        assert!(!lacks(&[all_day], &[event(HOUR, 25 * HOUR, Busy)]), "an all-day entry in another zone");
    }
}
