//! A counter's answer day by day: how many slots each day has, or in a word why it has none.

use chrono::NaiveDate;
use optigov_calendar::Text;
use optigov_slots::EmptyDay;
use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use crate::answer::{CounterAnswer, Status};

/// One local day of a [`CounterAnswer`]. It serialises as `{ "date": …, "free": …, "state": … }`, with the number of slots and the
/// [`code`](DayState::code) of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DayAnswer {
    /// The date.
    pub date: NaiveDate,
    /// What there is on it.
    pub state: DayState,
}

/// What a day has to offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DayState {
    /// So many slots begin on it; never 0.
    Free(usize),
    /// Nothing can be booked, for this reason.
    Empty(EmptyDay),
    /// The counter is open and could be booked, but its calendars are not known: nothing says that the day is full.
    Unknown,
}

impl CounterAnswer {
    /// Every local day of the window, in order: how many slots begin on it, or why none does. Where calendars are unknown, a day that would be
    /// full by them is [`Unknown`](DayState::Unknown).
    ///
    /// It tells when nothing is free, but not when somebody is busy: show it to citizens.
    pub fn days(&self) -> impl Iterator<Item = DayAnswer> + '_ {
        let unknown = matches!(self.status, Status::Unknown { .. });
        self.slots.days().map(move |day| {
            let state = match day.empty {
                None => DayState::Free(day.count),
                Some(EmptyDay::Full) if unknown => DayState::Unknown,
                Some(empty) => DayState::Empty(empty),
            };
            DayAnswer { date: day.date, state }
        })
    }
}

impl DayState {
    /// How many slots begin on the day.
    pub fn free(self) -> usize {
        match self {
            DayState::Free(count) => count,
            DayState::Empty(_) | DayState::Unknown => 0,
        }
    }

    /// The name of the state for programs: `free`, `unknown`, or the [code of the reason](EmptyDay::code). It does not change.
    pub fn code(self) -> &'static str {
        match self {
            DayState::Free(_) => "free",
            DayState::Empty(empty) => empty.code(),
            DayState::Unknown => "unknown",
        }
    }

    /// The state in a word or two, for citizens: `geschlossen`, `ausgebucht`, `3 frei`.
    pub fn text(self) -> Text {
        match self {
            DayState::Free(count) => Text::new(format!("{count} frei"), format!("{count} free")),
            DayState::Unknown => Text::fixed("nicht bekannt", "not known"),
            DayState::Empty(EmptyDay::Closed) => Text::fixed("geschlossen", "closed"),
            DayState::Empty(EmptyDay::Holiday) => Text::fixed("Feiertag", "holiday"),
            DayState::Empty(EmptyDay::TooShort) => Text::fixed("Öffnungszeit zu kurz", "open too short"),
            DayState::Empty(EmptyDay::OutsideHorizon) => Text::fixed("noch nicht buchbar", "too far ahead"),
            DayState::Empty(EmptyDay::LeadTime) => Text::fixed("nicht mehr buchbar", "too late to book"),
            DayState::Empty(EmptyDay::Full) => Text::fixed("ausgebucht", "full"),
            // A reason that the engine learns later: nothing can be booked, for which there are words.
            DayState::Empty(_) => Text::fixed("nichts frei", "nothing free"),
        }
    }
}

impl Serialize for DayAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("DayAnswer", 3)?;
        fields.serialize_field("date", &self.date)?;
        fields.serialize_field("free", &self.state.free())?;
        fields.serialize_field("state", self.state.code())?;
        fields.end()
    }
}
