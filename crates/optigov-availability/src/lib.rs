//! Which appointments can be booked at a counter now: the one call that services embed.
//!
//! A counter (*Schalter*) has opening hours, the people behind it have Exchange calendars, and a citizen may book only what both leave free.
//! [`Availability`] reads the calendars, once each however many counters and callers ask, and lets the engine decide.
//!
//! ```
//! use chrono::{TimeZone, Utc};
//! use optigov_availability::{Availability, CalendarEntry, Interval, MemorySource, SlotsRequest};
//! use optigov_counter::{Municipality, Status};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
#![doc = concat!("let town = Municipality::from_toml(r#\"", include_str!("../tests/samples/small.toml"), "\"#)?;")]
//! let at = |hour, minute| Utc.with_ymd_and_hms(2026, 11, 24, hour, minute, 0).unwrap();
//!
//! // In a service the calendars come from Exchange: leave out `source`.
//! let calendars = MemorySource::new();
//! let meeting = CalendarEntry::timed(Interval::new(at(7, 10), at(10, 30))?, Status::Busy);
//! calendars.set("schalter1@musterstadt.example".parse()?, vec![meeting]);
//! let availability = Availability::for_municipality(town).source(calendars).clock(move || at(6, 0)).build()?;
//!
//! let answer = availability.free_slots(&SlotsRequest::new(Interval::new(at(6, 0), at(18, 0))?)).await?;
//! let counter = &answer.counters[0];
//! assert!(counter.status.is_known());
//! // Open from 08:00 to 12:00 in Berlin, busy there from 08:10 to 11:30: what is left begins at 11:40.
//! assert_eq!(counter.slots.first().map(|slot| slot.start()), Some(at(10, 40)));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # What always holds
//!
//! - **Unknown is never free.** A calendar that could not be read whole yields no slot, unless the operator chose otherwise in words:
//!   `serve_stale` up to an age, or `ignore`. The answer then says so, in its [`Status`] and its [`Warning`]s.
//! - **The list and the booking check agree**: [`Availability::confirm`] asks the same function, on calendars read afresh.
//! - **A call ends by its deadline**, whatever Exchange does, and a caller that goes away does not stop a reading that others wait for.
//! - **Nothing personal is kept or logged**: of an appointment its times, status and flags; of a mailbox a short hash.
//!
//! # What it refuses to do
//!
//! It writes nothing to Exchange, does no time arithmetic (that is `optigov-slots`), parses no configuration (`optigov-counter`) and no XML
//! (`optigov-ews`), and keeps no bookings: hand in those already made.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `ntlm` | yes | NTLM and Negotiate towards Exchange, through `sspi` |

mod answer;
mod availability;
mod blocking;
mod builder;
mod cache;
mod clock;
mod connection;
mod entry;
mod error;
mod ews;
mod memory;
mod reader;
mod request;
mod resource;
mod routed;
mod setup;
mod source;
mod text;

pub use answer::{
    Answer, CounterAnswer, CounterReport, Report, SlotReport, Status, Unread, Warning, WarningCode, WarningReport,
};
pub use availability::{Availability, Progress, Verdict};
pub use builder::AvailabilityBuilder;
pub use cache::{CacheError, CacheKey, Cached, CalendarCache, Generation, MemoryCache, Reading};
pub use clock::{Clock, SystemClock};
pub use connection::ConnectionReport;
pub use entry::{CalendarEntry, When};
pub use error::Error;
pub use ews::EwsSource;
pub use memory::MemorySource;
pub use request::{Booking, SlotsRequest};
pub use routed::RoutedSource;
pub use source::{AllDayFlag, Calendar, CalendarSource, ReadError, ReadErrorKind};
pub use text::{Language, Text};

pub use optigov_counter::{Counter, Mailbox, Municipality};
pub use optigov_slots::{Interval, Reason, Slot, Slots};

/// The code of the guide for backend developers, held by the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/embedding.md")]
struct Embedding;
