//! From a calendar's entries to what blocks: the counter's policy decides, entry by entry.

use chrono_tz::Tz;
use optigov_calendar::{AllDayFlag, EntryTime};
use optigov_calendar_cache::Reading;
use optigov_counter::{BlockingPolicy, Decision, Shape};
use optigov_slots::Interval;

/// What blocks in one calendar, and how many entries of the window were ignored for covering whole days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Blocked {
    pub(crate) busy: Vec<Interval>,
    pub(crate) all_day_ignored: u32,
    pub(crate) guessed_all_day_ignored: u32,
}

impl Blocked {
    /// Applies `policy` to the entries of `reading` that touch `needed`. All-day entries cover their dates in `zone`, the counter's. Entries are
    /// counted as ignored where they touch `window`.
    pub(crate) fn of(reading: &Reading, policy: &BlockingPolicy, zone: Tz, window: Interval, needed: Interval) -> Self {
        let mut blocked = Blocked { busy: Vec::with_capacity(reading.entries().len()), ..Blocked::default() };
        for entry in reading.entries() {
            let (interval, shape) = match entry.time() {
                EntryTime::Timed(interval) => (interval, timed_shape(interval, reading.all_day_flag(), zone)),
                EntryTime::AllDay { first, last } => match Interval::of_dates(first, last, zone) {
                    Ok(interval) => (interval, Shape::AllDay),
                    // The zone skipped these days: no instant bears their dates.
                    Err(_) => continue,
                },
                // A way to say when an entry is that this library does not know yet: it blocks throughout, as long as nobody has looked at it.
                _ => (needed, Shape::Timed),
            };
            if !interval.overlaps(needed) {
                continue;
            }
            match policy.decide(entry.status(), shape, entry.is_cancelled()) {
                Decision::Blocks => blocked.busy.push(interval),
                Decision::AllDayIgnored => blocked.all_day_ignored += u32::from(interval.overlaps(window)),
                Decision::GuessedAllDayIgnored => {
                    blocked.guessed_all_day_ignored += u32::from(interval.overlaps(window))
                }
                _ => {}
            }
        }
        blocked
    }
}

fn timed_shape(interval: Interval, flag: AllDayFlag, zone: Tz) -> Shape {
    match flag {
        AllDayFlag::Guessed if interval.whole_days(zone).is_some() => Shape::MidnightToMidnight,
        _ => Shape::Timed,
    }
}
