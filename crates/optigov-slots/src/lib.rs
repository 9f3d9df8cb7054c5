//! Interval sets, opening hours in civil time, and bookable slots: pure, and right on every strange day.
//!
//! ```
//! use chrono_tz::Europe::Berlin;
//! use optigov_slots::{Busy, Interval, Resources, Rule, SlotRules, Timetable, Weekdays};
//! use std::time::Duration;
//!
//! let timetable = Timetable::builder(Berlin)
//!     .rule(Rule::weekly(Weekdays::MONDAY_TO_FRIDAY).hours("08:00-12:00".parse()?).hours("13:00-17:00".parse()?))
//!     .build()?;
//! let rules = SlotRules::builder(Duration::from_mins(20)).step(Duration::from_mins(10)).build()?;
//!
//! let monday = Interval::of_dates("2027-03-01".parse()?, "2027-03-01".parse()?, Berlin)?;
//! let open = timetable.open_windows(monday, None);
//! let meeting = Interval::new("2027-03-01T07:05:00Z".parse()?, "2027-03-01T10:00:00Z".parse()?)?;
//! let now = "2027-02-26T12:00:00Z".parse()?;
//! let slots = open.slots(&rules, &Resources::one(vec![meeting]), &Busy::default(), now);
//!
//! assert_eq!(slots.first().map(|slot| slot.start()), Some("2027-03-01T10:00:00Z".parse()?));
//! assert!(slots.is_bookable("2027-03-01T10:40:00Z".parse()?)); // 11:40 to 12:00 in Berlin
//! assert!(!slots.is_bookable("2027-03-01T10:50:00Z".parse()?)); // would end at 12:10
//! assert_eq!(slots.why("2027-03-01T07:00:00Z".parse()?)[0].to_string(), "resource 0 is busy 2027-03-01T07:05:00Z/2027-03-01T10:00:00Z");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod bitmap;
mod civil;
mod error;
mod hours;
mod interval;
mod merge;
mod open;
mod query;
mod resources;
mod rule;
mod rules;
#[cfg(feature = "serde")]
mod serial;
mod set;
mod slots;
mod sweep;
mod timetable;
mod why;
mod workspace;

pub use error::Error;
pub use hours::{Hours, Weekdays};
pub use interval::{EmptyInterval, Interval};
pub use merge::{Merged, merge};
pub use open::OpenWindows;
pub use resources::{Busy, Needed, Resources};
pub use rule::Rule;
pub use rules::{Anchor, Lead, SlotRules, SlotRulesBuilder};
pub use set::IntervalSet;
pub use slots::{Iter, Slot, Slots};
pub use timetable::{ClockChange, Exception, Timetable, TimetableBuilder};
pub use why::Reason;
