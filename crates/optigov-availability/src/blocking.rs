//! From a calendar's entries to what blocks: the counter's policy decides.

use chrono_tz::Tz;
use optigov_calendar::{EntryStatus, EntryTime};
use optigov_calendar_cache::Reading;
use optigov_counter::{BlockingDecision, BlockingPolicy};
use optigov_slots::{Busy, BusyPart, Interval};

/// What blocks in one calendar, and how many entries of the window were ignored for covering whole days.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blocked {
    /// Parts of the reading itself, which are shared and not copied.
    pub(crate) parts: Vec<BusyPart>,
    /// What blocks besides.
    pub(crate) more: Vec<Interval>,
    pub(crate) all_day_ignored: u32,
    pub(crate) guessed_all_day_ignored: u32,
}

impl Blocked {
    /// Applies `policy` to the entries of `reading` that touch `needed`. All-day entries cover their dates in `zone`, the counter's. Entries are
    /// counted as ignored where they touch `window`.
    pub(crate) fn of(reading: &Reading, policy: &BlockingPolicy, zone: Tz, window: Interval, needed: Interval) -> Self {
        let mut blocked = Blocked::default();
        for status in EntryStatus::ALL {
            if policy.blocks_timed(status) {
                blocked.parts.extend(reading.timed(status, needed));
            }
        }
        let flag = reading.all_day_flag();
        for &entry in reading.others() {
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
                BlockingDecision::Blocks => blocked.more.push(interval),
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

impl From<Blocked> for Busy {
    fn from(Blocked { mut parts, more, .. }: Blocked) -> Busy {
        if !more.is_empty() {
            parts.push(BusyPart::from(more));
        }
        parts.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use optigov_calendar::{Calendar, CalendarEntry};
    use proptest::prelude::*;

    use super::*;

    fn policy() -> impl Strategy<Value = BlockingPolicy> {
        let effects = prop::collection::vec(prop::sample::select(vec!["", "block", "ignore"]), 7);
        let all_day = prop::sample::select(vec!["", "ignore", "block", "block_unless_free"]);
        let guess = prop::sample::select(vec!["", "all_day", "timed"]);
        (effects, all_day, guess).prop_map(|(effects, all_day, guess)| {
            let keys = ["free", "tentative", "busy", "out_of_office", "working_elsewhere", "no_data", "unknown"];
            let keys = keys.into_iter().zip(effects).chain([("all_day", all_day), ("midnight_to_midnight", guess)]);
            let chosen = keys.filter(|(_, word)| !word.is_empty()).map(|(key, word)| (key.to_owned(), word.into()));
            serde_json::from_value(chosen.collect::<serde_json::Map<String, serde_json::Value>>().into())
                .expect("a policy")
        })
    }

    /// From 2027-03-22 on, in Berlin: hours and days, with the change of clocks among them.
    fn entry() -> impl Strategy<Value = CalendarEntry> {
        const MONDAY: i64 = 1_805_670_000;
        let status = prop::sample::select(EntryStatus::ALL.as_slice());
        (0..14_i64, 0..24_i64, 1..40_i64, status, 0..8_u8).prop_map(|(day, hour, hours, status, kind)| {
            let start = MONDAY + day * 86_400 + hour * 3_600;
            let date = DateTime::from_timestamp(start, 0).expect("an instant").date_naive();
            let midnights = Interval::of_dates(date, date, chrono_tz::Europe::Berlin).expect("a day");
            let timed = Interval::from_unix(start, start + hours * 3_600).expect("not empty");
            match kind {
                0 => CalendarEntry::all_day(date, date, status),
                1 => CalendarEntry::timed(timed, status).cancelled(),
                2 | 3 => CalendarEntry::timed(midnights, status),
                _ => CalendarEntry::timed(timed, status),
            }
        })
    }

    proptest! {
        #[test]
        fn what_blocks_is_what_the_policy_says_of_each_entry(
            policy in policy(),
            entries in prop::collection::vec(entry(), 0..40),
            (first, days) in (-2..14_i64, 1..10_i64),
            guessed in any::<bool>(),
        ) {
            let zone = chrono_tz::Europe::Berlin;
            let start = 1_805_670_000 + first * 86_400;
            let needed = Interval::from_unix(start, start + days * 86_400).expect("not empty");
            let calendar = if guessed { Calendar::without_all_day_flag } else { Calendar::new };
            let calendar = calendar(entries.clone());
            let flag = calendar.all_day_flag();
            let reading = Reading::new(needed.widened(std::time::Duration::MAX, std::time::Duration::MAX), needed.start(), calendar);
            let blocked = Blocked::of(&reading, &policy, zone, needed, needed);
            let (mut expected, mut ignored, mut guesses) = (Vec::new(), 0, 0);
            for entry in entries {
                let interval = match entry.time() {
                    EntryTime::AllDay { first, last } => Interval::of_dates(first, last, zone).expect("days"),
                    EntryTime::Timed(interval) => interval,
                    other => panic!("{other:?}"),
                };
                if interval.overlaps(needed) {
                    match policy.decide(entry, flag, zone) {
                        BlockingDecision::Blocks => expected.push(interval),
                        BlockingDecision::AllDayIgnored => ignored += 1,
                        BlockingDecision::GuessedAllDayIgnored => guesses += 1,
                        _ => {}
                    }
                }
            }
            prop_assert_eq!((blocked.all_day_ignored, blocked.guessed_all_day_ignored), (ignored, guesses));
            let mut found: Vec<Interval> = Busy::from(blocked).iter().collect();
            found.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
