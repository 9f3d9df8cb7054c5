//! Interval sets, opening hours in civil time, and bookable slots: pure, and right on every strange day.
//!
//! One question is answered here: **when can an appointment start?** It can where the counter is open, the calendars are free, and the
//! rules allow it. Opening hours are civil time and are resolved to instants once; all that follows is arithmetic on whole UTC seconds.
//!
//! ```text
//!  hours     ├───────────────────────────┤         ├──────────────────┤     Timetable → OpenWindows
//!  grid      ┼───┼───┼───┼───┼───┼───┼───┼         ┼───┼───┼───┼───┼──┤     SlotRules: length, step, anchor
//!  busy              ▒▒██████▒▒                           ▒▒███▒▒           Resources, bookings, with buffers
//!  slots     ●───┤             ●───┤                                        ● where one can start
//!                                  ●───┤           ●───┤                    Slots: list, count, ask, ask why
//! ```
//!
//! ```
//! use std::time::Duration;
//!
//! use chrono_tz::Europe::Berlin;
//! use optigov_slots::{Busy, Interval, Resources, Rule, SlotRules, Timetable, Weekdays};
//!
//! // When the counter is open, in its own time. Resolved once for a window, and kept.
//! let timetable = Timetable::builder(Berlin)
//!     .rule(Rule::weekly(Weekdays::MONDAY_TO_FRIDAY).hours("08:00-12:00".parse()?).hours("13:00-17:00".parse()?))
//!     .holiday("2027-03-29".parse()?)
//!     .build()?;
//! let week = Interval::of_dates("2027-03-29".parse()?, "2027-04-04".parse()?, Berlin)?;
//! let open = timetable.open_windows(week, None);
//!
//! // How appointments are cut from it, and what is taken: a meeting from 08:05 to 11:00.
//! let rules = SlotRules::builder(Duration::from_mins(20)).step(Duration::from_mins(10)).build()?;
//! let meeting = Interval::new("2027-03-30T06:05:00Z".parse()?, "2027-03-30T09:00:00Z".parse()?)?;
//! let now = "2027-03-26T12:00:00Z".parse()?;
//! let slots = open.slots(&rules, &Resources::one(vec![meeting]), &Busy::default(), now);
//!
//! // The answer is a view. List it, count it, and ask it.
//! assert_eq!(slots.first().map(|slot| slot.start()), Some("2027-03-30T09:00:00Z".parse()?));
//! let counts: Vec<usize> = slots.counts_per_day().map(|(_, count)| count).collect();
//! assert_eq!(counts, [0, 28, 46, 46, 46, 0, 0]);
//! assert!(slots.is_bookable("2027-03-30T09:40:00Z".parse()?));
//! let why = slots.why("2027-03-30T08:30:00Z".parse()?);
//! assert_eq!(why[0].to_string(), "resource 0 is busy 2027-03-30T06:05:00Z/2027-03-30T09:00:00Z");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What always holds
//!
//! - Listing and booking check are one answer: [`Slots::is_bookable`] holds exactly for the starts that [`Slots::iter`] yields, and
//!   [`Slots::why`] gives no reason for exactly these.
//! - No slot overlaps anything busy, nor comes nearer to it than its buffers. Busy time never shrinks: a finer start is rounded down to a
//!   second, a finer end up.
//! - Slots start in the window that was asked for. Answers for two windows that touch are together the answer for both.
//! - Same input, same answer: in any order of the input, on any machine, in any time zone of the server.
//!
//! # What it refuses to do
//!
//! It reads no clock (`now` is an argument), no file and no network, has no state beside its values, and runs no task. It books nothing:
//! two bookings that race are for the database to decide. It knows nothing of Exchange, of services or of citizens.
//!
//! # How it counts
//!
//! - *Days* are those of the zone. A day begins at the first instant that shows its date and lasts until the next day begins. So days do not
//!   run backwards, also where clocks are put back over midnight; [`Interval::of_civil_day`] tells the day of an instant. Dates that a zone
//!   skipped have no hours and no slots. [`ClockChange`] says what becomes of opening hours that a change of clocks cuts.
//! - *Years*: only days from 1900-01-01 to 2199-12-31 have open hours. All other instants that chrono can name may be asked about.
//! - *Buffers* keep free time between appointments and what is busy; they may reach beyond opening hours. Between an appointment and a
//!   booking, the longer of the two buffers that meet is kept, not their sum.
//! - *Places*: with [`Needed::All`], all resources must be free for any appointment, and the capacity is how many appointments they serve at
//!   once. With [`Needed::Any`] and [`Needed::AtLeast`], each appointment takes one or several of the resources that are free, and leaves
//!   the others for more appointments at the same time. Bookings take places where they overlap; two that follow each other take one.
//! - *The day limit* counts the bookings that begin on a local day. Once there are as many, no slot of that day can be booked.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `serde` | no | `Serialize` for [`Slot`] and [`Reason`]; `Serialize` and `Deserialize`, with the checks of their constructors, for [`Interval`] and [`IntervalSet`] |
//!
//! Timetables, rules and what they are made of have no serialised form here: a configuration format belongs to the crate that reads it and calls
//! the builders.

#![cfg_attr(not(test), deny(clippy::as_conversions))]

mod answer;
mod bitmap;
mod cells;
mod civil;
mod day;
mod error;
mod exception;
mod hours;
mod index;
mod interval;
mod merge;
mod open;
mod query;
mod reason;
mod resources;
mod rule;
mod rules;
mod set;
mod slots;
mod sweep;
mod time;
mod timetable;
mod why;
mod workspace;

pub use day::{DaySlots, EmptyDay};
pub use error::Error;
pub use exception::{Exception, ExceptionEffect};
pub use hours::{Hours, Weekdays};
pub use interval::{EmptyInterval, Interval};
pub use merge::{Merged, merge};
pub use open::{ClockSetting, OpenWindows};
pub use reason::Reason;
pub use resources::{Busy, BusyPart, Needed, Resources};
pub use rule::{Recurrence, Rule};
pub use rules::{Anchor, Lead, SlotRules, SlotRulesBuilder};
pub use set::IntervalSet;
pub use slots::{Iter, Slot, Slots};
pub use timetable::{ClockChange, Timetable, TimetableBuilder};
