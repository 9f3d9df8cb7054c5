//! From a calendar's entries to what blocks: the counter's policy decides, entry by entry.

use chrono_tz::Tz;
use optigov_calendar::EntryTime;
use optigov_calendar_cache::Reading;
use optigov_counter::{BlockingDecision, BlockingPolicy};
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
        let flag = reading.all_day_flag();
        for &entry in reading.entries() {
            let interval = match entry.time() {
                EntryTime::Timed(interval) => interval,
                EntryTime::AllDay { first, last } => match Interval::of_dates(first, last, zone) {
                    Ok(interval) => interval,
                    // The zone skipped these days: no instant bears their dates.
                    Err(_) => continue,
                },
                // A way to say when an entry is that is not known here: it may be at any time.
                _ => needed,
            };
            if !interval.overlaps(needed) {
                continue;
            }
            match policy.decide(entry, flag, zone) {
                BlockingDecision::Blocks => blocked.busy.push(interval),
                BlockingDecision::AllDayIgnored => blocked.all_day_ignored += u32::from(interval.overlaps(window)),
                BlockingDecision::GuessedAllDayIgnored => {
                    blocked.guessed_all_day_ignored += u32::from(interval.overlaps(window))
                }
                _ => {}
            }
        }
        blocked
    }
}
