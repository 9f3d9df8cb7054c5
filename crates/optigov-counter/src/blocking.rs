//! Which calendar entries block.

use chrono_tz::Tz;
use optigov_calendar::{AllDayFlag, CalendarEntry, EntryStatus, EntryTime, Text};
use serde::Serialize;

use crate::{
    fault::{Code, Fault},
    text::{
        forms::{deserialize_by_reading, table, words},
        reader::Reader,
    },
};

/// Which entries of a mailbox's calendar block the counter. Pure: it sees when an entry is, its status and whether it was cancelled, never more.
///
/// The default is what optiGov promises its customers: a timed entry blocks unless it is marked as free, an all-day entry does not (whoever wants
/// to block a longer period gives the entry a start and an end time), a cancelled one does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields, description = "Which entries of a mailbox's calendar block the counter.")]
pub struct BlockingPolicy {
    /// Timed entries marked as free. Default: ignore.
    #[serde(skip_serializing_if = "Option::is_none")]
    free: Option<Effect>,
    /// Timed entries marked as tentative. Default: block.
    #[serde(skip_serializing_if = "Option::is_none")]
    tentative: Option<Effect>,
    /// Timed entries marked as busy. Default: block.
    #[serde(skip_serializing_if = "Option::is_none")]
    busy: Option<Effect>,
    /// Timed entries marked as out of office. Default: block.
    #[serde(skip_serializing_if = "Option::is_none")]
    out_of_office: Option<Effect>,
    /// Timed entries marked as working elsewhere. Default: block.
    #[serde(skip_serializing_if = "Option::is_none")]
    working_elsewhere: Option<Effect>,
    /// Timed entries for which Exchange says that it has no data. Default: block.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_data: Option<Effect>,
    /// Timed entries whose status this library does not know. Default: block.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<Effect>,
    /// All-day entries, whatever their status. Default: ignore.
    #[serde(skip_serializing_if = "Option::is_none")]
    all_day: Option<AllDayEffect>,
    /// What an entry from midnight to midnight is in free/busy mode, where Exchange does not tell all-day entries apart. Default: all_day.
    #[serde(skip_serializing_if = "Option::is_none")]
    midnight_to_midnight: Option<Guess>,
}

impl BlockingPolicy {
    /// Decides about one entry. `flag` is what the calendar says of all its entries ([`Calendar::all_day_flag`]); where it does not tell
    /// all-day entries from timed ones, an entry from midnight to midnight in `zone`, the counter's, may be taken for one.
    ///
    /// ```
    /// use chrono_tz::Europe::Berlin;
    /// use optigov_calendar::{AllDayFlag, CalendarEntry, EntryStatus};
    /// use optigov_counter::{BlockingDecision, BlockingPolicy};
    /// use optigov_slots::Interval;
    ///
    /// let policy = BlockingPolicy::default();
    /// let morning = Interval::new("2027-03-01T08:00:00Z".parse()?, "2027-03-01T11:00:00Z".parse()?)?;
    /// let meeting = CalendarEntry::timed(morning, EntryStatus::Tentative);
    /// assert_eq!(policy.decide(meeting, AllDayFlag::Known, Berlin), BlockingDecision::Blocks);
    /// assert_eq!(policy.decide(meeting.cancelled(), AllDayFlag::Known, Berlin), BlockingDecision::DoesNotBlock);
    ///
    /// let monday = "2027-03-01".parse()?;
    /// let vacation = CalendarEntry::all_day(monday, monday, EntryStatus::OutOfOffice);
    /// assert_eq!(policy.decide(vacation, AllDayFlag::Known, Berlin), BlockingDecision::AllDayIgnored);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// [`Calendar::all_day_flag`]: optigov_calendar::Calendar::all_day_flag
    #[inline]
    pub fn decide(&self, entry: CalendarEntry, flag: AllDayFlag, zone: Tz) -> BlockingDecision {
        if entry.is_cancelled() {
            return BlockingDecision::DoesNotBlock;
        }
        match entry.time() {
            EntryTime::AllDay { .. } => self.decide_all_day(entry.status(), BlockingDecision::AllDayIgnored),
            EntryTime::Timed(interval)
                if flag == AllDayFlag::Guessed
                    && self.midnight_to_midnight.unwrap_or_default() == Guess::AllDay
                    && interval.whole_days(zone).is_some() =>
            {
                self.decide_all_day(entry.status(), BlockingDecision::GuessedAllDayIgnored)
            }
            // Every other entry counts as timed: one of a kind that is not known here blocks as its status says.
            _ => match self.effect_of(entry.status()) {
                Effect::Block => BlockingDecision::Blocks,
                Effect::Ignore => BlockingDecision::DoesNotBlock,
            },
        }
    }

    /// Whether entries block that have this status, a start and an end time, and are not cancelled.
    #[inline]
    pub fn blocks_timed(&self, status: EntryStatus) -> bool {
        self.effect_of(status) == Effect::Block
    }

    #[inline]
    fn decide_all_day(&self, status: EntryStatus, ignored: BlockingDecision) -> BlockingDecision {
        match self.all_day.unwrap_or_default() {
            AllDayEffect::Ignore => ignored,
            AllDayEffect::BlockUnlessFree if status == EntryStatus::Free => BlockingDecision::DoesNotBlock,
            AllDayEffect::Block | AllDayEffect::BlockUnlessFree => BlockingDecision::Blocks,
        }
    }

    #[inline]
    fn effect_of(&self, status: EntryStatus) -> Effect {
        let (chosen, default) = match status {
            EntryStatus::Free => (self.free, Effect::Ignore),
            EntryStatus::Tentative => (self.tentative, Effect::Block),
            EntryStatus::Busy => (self.busy, Effect::Block),
            EntryStatus::OutOfOffice => (self.out_of_office, Effect::Block),
            EntryStatus::WorkingElsewhere => (self.working_elsewhere, Effect::Block),
            EntryStatus::NoData => (self.no_data, Effect::Block),
            _ => (self.unknown, Effect::Block),
        };
        chosen.unwrap_or(default)
    }

    /// Says when entries that mean "not free" do not block.
    pub(crate) fn check(&self, reader: &mut Reader) {
        let ignored = [("busy", self.busy), ("no_data", self.no_data), ("unknown", self.unknown)];
        for (key, _) in ignored.into_iter().filter(|(_, effect)| *effect == Some(Effect::Ignore)) {
            let fault = Fault::new(
                Code::BusyDoesNotBlock,
                Text::fixed(
                    "Termine mit diesem Status gelten als frei, deshalb kann doppelt gebucht werden.",
                    "Appointments with this status count as free, so double bookings are possible.",
                ),
                Text::fixed(
                    "Ist das nicht gewollt, bitte „block“ wählen.",
                    "If that is not intended, choose \"block\".",
                ),
            );
            reader.below(key, |reader| reader.fault(fault));
        }
    }
}

table!(BlockingPolicy {
    free: optional, tentative: optional, busy: optional, out_of_office: optional, working_elsewhere: optional,
    no_data: optional, unknown: optional, all_day: optional, midnight_to_midnight: optional,
} checked);

deserialize_by_reading!(BlockingPolicy);

/// What a calendar entry does to the counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BlockingDecision {
    /// Nothing can be booked while it lasts.
    Blocks,
    /// It does not matter.
    DoesNotBlock,
    /// It does not block because it is all-day; the answer warns of it.
    AllDayIgnored,
    /// It does not block because it is taken for all-day, which is a guess; the answer warns of it.
    GuessedAllDayIgnored,
}

impl BlockingDecision {
    /// Whether it is [`BlockingDecision::Blocks`].
    pub fn blocks(self) -> bool {
        self == BlockingDecision::Blocks
    }
}

words! {
    enum Effect {
        Block = "block",
        Ignore = "ignore",
    }
}

words! {
    #[derive(Default)]
    enum AllDayEffect {
        #[default]
        Ignore = "ignore",
        Block = "block",
        BlockUnlessFree = "block_unless_free",
    }
}

words! {
    #[derive(Default)]
    enum Guess {
        #[default]
        AllDay = "all_day",
        Timed = "timed",
    }
}

fn checked(policy: BlockingPolicy, reader: &mut Reader) -> Option<BlockingPolicy> {
    policy.check(reader);
    Some(policy)
}

#[cfg(test)]
mod tests {
    use chrono_tz::Europe::Berlin;
    use optigov_slots::Interval;

    use super::*;

    fn policy(json: &str) -> BlockingPolicy {
        serde_json::from_str(json).expect("a policy")
    }

    /// An hour, a day with Exchange's flag, and the same day from midnight to midnight.
    fn entries(status: EntryStatus) -> [CalendarEntry; 3] {
        let date = "2027-03-01".parse().expect("a date");
        let day = Interval::of_dates(date, date, Berlin).expect("a day");
        let hour = Interval::from_unix(day.start_unix() + 32_400, day.start_unix() + 36_000).expect("an hour");
        [
            CalendarEntry::timed(hour, status),
            CalendarEntry::all_day(date, date, status),
            CalendarEntry::timed(day, status),
        ]
    }

    #[test]
    fn the_default_is_what_is_promised() {
        let policy = BlockingPolicy::default();
        let decide = |entry, flag| policy.decide(entry, flag, Berlin);
        for status in EntryStatus::ALL {
            let [hour, all_day, midnights] = entries(status);
            let timed =
                if status == EntryStatus::Free { BlockingDecision::DoesNotBlock } else { BlockingDecision::Blocks };
            for flag in [AllDayFlag::Known, AllDayFlag::Guessed] {
                assert_eq!(decide(hour, flag), timed, "{status:?}");
                assert_eq!(decide(all_day, flag), BlockingDecision::AllDayIgnored, "{status:?}");
                for entry in [hour, all_day, midnights] {
                    assert_eq!(decide(entry.cancelled(), flag), BlockingDecision::DoesNotBlock, "{entry:?}");
                }
            }
            assert_eq!(decide(midnights, AllDayFlag::Known), timed, "{status:?}");
            assert_eq!(decide(midnights, AllDayFlag::Guessed), BlockingDecision::GuessedAllDayIgnored, "{status:?}");
        }
    }

    #[test]
    fn each_setting_changes_what_it_names_and_nothing_else() {
        let decide = |policy: &BlockingPolicy, entry| policy.decide(entry, AllDayFlag::Guessed, Berlin);
        let changed = policy(r#"{"tentative": "ignore"}"#);
        for status in EntryStatus::ALL {
            let ignored = matches!(status, EntryStatus::Free | EntryStatus::Tentative);
            assert_eq!(decide(&changed, entries(status)[0]).blocks(), !ignored, "{status:?}");
        }
        let (free, tentative, busy) =
            (entries(EntryStatus::Free), entries(EntryStatus::Tentative), entries(EntryStatus::Busy));
        let block = policy(r#"{"all_day": "block"}"#);
        assert_eq!(decide(&block, free[1]), BlockingDecision::Blocks);
        let unless_free = policy(r#"{"all_day": "block-unless-free"}"#);
        assert_eq!(decide(&unless_free, free[1]), BlockingDecision::DoesNotBlock);
        assert_eq!(decide(&unless_free, tentative[2]), BlockingDecision::Blocks);
        let timed = policy(r#"{"midnight_to_midnight": "timed"}"#);
        assert_eq!(decide(&timed, busy[2]), BlockingDecision::Blocks);
        assert_eq!(decide(&timed, free[2]), BlockingDecision::DoesNotBlock);
        assert_eq!(decide(&timed, busy[1]), BlockingDecision::AllDayIgnored);
    }
}
