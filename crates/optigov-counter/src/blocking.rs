//! Which calendar entries block.

use serde::Serialize;

use crate::fault::{Code, Fault, Texts};
use crate::text::reader::{Read, Reader, deserialize_by_reading, read_table, text, word};
use crate::text::value::Value;

/// Which entries of a mailbox's calendar block the counter. Pure: it sees an entry's status, its shape and whether it was cancelled, never more.
///
/// The default is what optiGov promises its customers: a timed entry blocks unless it is marked as free, an all-day entry does not (whoever wants to block a
/// longer period gives the entry a start and an end time), a cancelled one does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
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
    all_day: Option<AllDay>,
    /// What an entry from midnight to midnight is in free/busy mode, where Exchange does not tell all-day entries apart. Default: all_day.
    #[serde(skip_serializing_if = "Option::is_none")]
    midnight_to_midnight: Option<Guess>,
}

impl BlockingPolicy {
    /// Decides about one entry.
    ///
    /// ```
    /// use optigov_counter::{BlockingPolicy, Decision, Shape, Status};
    ///
    /// let policy = BlockingPolicy::default();
    /// assert_eq!(policy.decide(Status::Tentative, Shape::Timed, false), Decision::Blocks);
    /// assert_eq!(policy.decide(Status::Busy, Shape::AllDay, false), Decision::AllDayIgnored);
    /// assert_eq!(policy.decide(Status::Busy, Shape::Timed, true), Decision::DoesNotBlock);
    /// ```
    pub fn decide(&self, status: Status, shape: Shape, cancelled: bool) -> Decision {
        if cancelled {
            return Decision::DoesNotBlock;
        }
        let all_day = self.all_day.unwrap_or_default();
        match (shape, self.midnight_to_midnight.unwrap_or_default()) {
            (Shape::Timed, _) | (Shape::MidnightToMidnight, Guess::Timed) => Decision::of(self.effect_of(status)),
            (Shape::AllDay | Shape::MidnightToMidnight, _) => match all_day {
                AllDay::Ignore if shape == Shape::AllDay => Decision::AllDayIgnored,
                AllDay::Ignore => Decision::GuessedAllDayIgnored,
                AllDay::BlockUnlessFree if status == Status::Free => Decision::DoesNotBlock,
                AllDay::Block | AllDay::BlockUnlessFree => Decision::Blocks,
            },
        }
    }

    fn effect_of(&self, status: Status) -> Effect {
        let (chosen, default) = match status {
            Status::Free => (self.free, Effect::Ignore),
            Status::Tentative => (self.tentative, Effect::Block),
            Status::Busy => (self.busy, Effect::Block),
            Status::OutOfOffice => (self.out_of_office, Effect::Block),
            Status::WorkingElsewhere => (self.working_elsewhere, Effect::Block),
            Status::NoData => (self.no_data, Effect::Block),
            Status::Unknown => (self.unknown, Effect::Block),
        };
        chosen.unwrap_or(default)
    }
}

read_table!(BlockingPolicy {
    free: optional, tentative: optional, busy: optional, out_of_office: optional, working_elsewhere: optional,
    no_data: optional, unknown: optional, all_day: optional, midnight_to_midnight: optional,
} warned);

deserialize_by_reading!(BlockingPolicy);

/// The status of a calendar entry (Exchange's `LegacyFreeBusyStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// `Free`.
    Free,
    /// `Tentative`.
    Tentative,
    /// `Busy`.
    Busy,
    /// `OOF`.
    OutOfOffice,
    /// `WorkingElsewhere`.
    WorkingElsewhere,
    /// `NoData`.
    NoData,
    /// Any other.
    Unknown,
}

impl Status {
    /// Every status, for tables and tests.
    pub const ALL: [Status; 7] = [
        Status::Free,
        Status::Tentative,
        Status::Busy,
        Status::OutOfOffice,
        Status::WorkingElsewhere,
        Status::NoData,
        Status::Unknown,
    ];
}

/// What kind of period a calendar entry covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Shape {
    /// From an instant to an instant.
    Timed,
    /// Exchange's all-day flag is set.
    AllDay,
    /// Read in free/busy mode, which has no such flag: runs from midnight to midnight in the counter's zone.
    MidnightToMidnight,
}

/// What a calendar entry does to the counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Decision {
    /// Nothing can be booked while it lasts.
    Blocks,
    /// It does not matter.
    DoesNotBlock,
    /// It does not block because it is all-day; the answer warns of it.
    AllDayIgnored,
    /// It does not block because it is taken for all-day, which is a guess; the answer warns of it.
    GuessedAllDayIgnored,
}

impl Decision {
    /// Whether it is [`Decision::Blocks`].
    pub fn blocks(self) -> bool {
        self == Decision::Blocks
    }

    fn of(effect: Effect) -> Decision {
        match effect {
            Effect::Block => Decision::Blocks,
            Effect::Ignore => Decision::DoesNotBlock,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Effect {
    Block,
    Ignore,
}

impl Read for Effect {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        let text = text(value, reader)?;
        word(text, &[("block", Effect::Block), ("ignore", Effect::Ignore)]).map_err(|fault| reader.fault(fault)).ok()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
enum AllDay {
    #[default]
    Ignore,
    Block,
    BlockUnlessFree,
}

impl Read for AllDay {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        let words =
            [("ignore", AllDay::Ignore), ("block", AllDay::Block), ("block_unless_free", AllDay::BlockUnlessFree)];
        let text = text(value, reader)?;
        word(text, &words).map_err(|fault| reader.fault(fault)).ok()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Guess {
    #[default]
    AllDay,
    Timed,
}

impl Read for Guess {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        let text = text(value, reader)?;
        word(text, &[("all_day", Guess::AllDay), ("timed", Guess::Timed)]).map_err(|fault| reader.fault(fault)).ok()
    }
}

/// Says when entries that mean "not free" do not block.
fn warned(policy: BlockingPolicy, reader: &mut Reader) -> Option<BlockingPolicy> {
    let ignored = [("busy", policy.busy), ("no_data", policy.no_data), ("unknown", policy.unknown)];
    for (key, _) in ignored.into_iter().filter(|(_, effect)| *effect == Some(Effect::Ignore)) {
        let fault = Fault::new(
            Code::BusyDoesNotBlock,
            Texts::new(
                "Termine mit diesem Status gelten als frei: Es kann doppelt gebucht werden.",
                "Appointments with this status count as free: double bookings are possible.",
            ),
            Texts::new("Ist das nicht gewollt, bitte „block“ wählen.", "If that is not intended, choose \"block\"."),
        );
        reader.below(key, |reader| reader.fault(fault));
    }
    Some(policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(json: &str) -> BlockingPolicy {
        serde_json::from_str(json).expect("a policy")
    }

    #[test]
    fn the_default_is_the_promise() {
        let policy = BlockingPolicy::default();
        for status in Status::ALL {
            let timed = if status == Status::Free { Decision::DoesNotBlock } else { Decision::Blocks };
            assert_eq!(policy.decide(status, Shape::Timed, false), timed, "{status:?}");
            assert_eq!(policy.decide(status, Shape::AllDay, false), Decision::AllDayIgnored, "{status:?}");
            assert_eq!(policy.decide(status, Shape::MidnightToMidnight, false), Decision::GuessedAllDayIgnored);
            for shape in [Shape::Timed, Shape::AllDay, Shape::MidnightToMidnight] {
                assert_eq!(
                    policy.decide(status, shape, true),
                    Decision::DoesNotBlock,
                    "cancelled {status:?} {shape:?}"
                );
            }
        }
    }

    #[test]
    fn each_setting_changes_what_it_names_and_nothing_else() {
        let changed = policy(r#"{"tentative": "ignore"}"#);
        for status in Status::ALL {
            let expected = matches!(status, Status::Free | Status::Tentative);
            assert_eq!(changed.decide(status, Shape::Timed, false).blocks(), !expected, "{status:?}");
        }
        let block = policy(r#"{"all_day": "block"}"#);
        assert_eq!(block.decide(Status::Free, Shape::AllDay, false), Decision::Blocks);
        let unless_free = policy(r#"{"all_day": "block-unless-free"}"#);
        assert_eq!(unless_free.decide(Status::Free, Shape::AllDay, false), Decision::DoesNotBlock);
        assert_eq!(unless_free.decide(Status::Tentative, Shape::MidnightToMidnight, false), Decision::Blocks);
        let timed = policy(r#"{"midnight_to_midnight": "timed"}"#);
        assert_eq!(timed.decide(Status::Busy, Shape::MidnightToMidnight, false), Decision::Blocks);
        assert_eq!(timed.decide(Status::Free, Shape::MidnightToMidnight, false), Decision::DoesNotBlock);
        assert_eq!(timed.decide(Status::Busy, Shape::AllDay, false), Decision::AllDayIgnored);
    }
}
