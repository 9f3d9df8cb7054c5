//! Which appointments can be booked at a counter now: the one call that services embed.
//!
//! A counter (*Schalter*) has opening hours, the people behind it have Exchange calendars, and a citizen may book only what both leave free.
//! [`Availability`] reads the calendars, once each however many counters and callers ask, and lets the engine decide.
//!
//! ```
//! use chrono::{TimeZone, Utc};
//! use optigov_availability::{
//!     Availability, CalendarEntry, EntryStatus, Interval, MemorySource, Municipality, SlotsRequest,
//! };
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
#![doc = concat!("let town = Municipality::from_toml(r#\"", include_str!("../tests/samples/small.toml"), "\"#)?;")]
//! let at = |hour, minute| Utc.with_ymd_and_hms(2026, 11, 24, hour, minute, 0).unwrap();
//!
//! // In a service the calendars come from Exchange: leave out `source`.
//! let calendars = MemorySource::new();
//! let meeting = CalendarEntry::timed(Interval::new(at(7, 10), at(10, 30))?, EntryStatus::Busy);
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
//! - **The list and the booking check agree**: [`CounterHandle::confirm`] asks the same function, on calendars read afresh.
//! - **A call ends by its deadline**, whatever Exchange does, and a caller that goes away does not stop a reading that others wait for.
//! - **Nothing personal is kept or logged**: of an appointment its times, status and flags; of a mailbox a short hash.
//!
//! # What it refuses to do
//!
//! It writes nothing to Exchange, does no time arithmetic (that is `optigov-slots`), parses no configuration (`optigov-counter`), no XML
//! (`optigov-ews`) and no JSON of Graph's (`optigov-graph`), and keeps no bookings: hand in those already made.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `redis` | no | `SharedCache`: readings that instances share through Redis or Valkey |
//! | `ntlm` | yes | NTLM and Negotiate towards Exchange, through `sspi` |
//! | `kerberos` | yes | Kerberos towards Exchange, alone or within Negotiate, through `krb5` |

mod answer;
mod availability;
mod blocking;
mod builder;
mod connect;
mod day;
mod error;
mod handle;
mod keep_fresh;
mod places;
mod resource;
mod setup;
mod verdict;
mod wanted;

pub use answer::{
    Answer, CounterAnswer, DayCounts, FirstFree, FreeSlot, JsonChunks, Status, Unread, Warning, WarningCode,
};
pub use availability::{Availability, Progress};
pub use builder::AvailabilityBuilder;
pub use connect::{ProvidedSecrets, exchange_client, exchange_online_client};
pub use day::{DayAnswer, DayState};
pub use error::{Error, ErrorKind};
pub use handle::CounterHandle;
pub use keep_fresh::KeepFresh;
pub use optigov_calendar::{
    Access, AllDayFlag, Calendar, CalendarEntry, CalendarSource, ConnectionReport, EntryStatus, EntryTime, Finding,
    FindingSource, InvalidMailbox, Language, Mailbox, MemorySource, Origin, ReadError, ReadErrorKind, ResponseCode,
    RoutedSource, ServerId, Step, StepOutcome, StepReport, StepWarning, Text, TitleVisibility,
};
pub use optigov_calendar_cache::{
    CacheError, CacheKey, CacheVersion, CachedReadings, CalendarCache, CircuitHealth, CircuitState, Clock,
    FailingMailbox, Leadership, Lease, LiveHealth, MemoryCache, Notice, Notices, ReaderHealth, Reading, Saved,
    StoreHealth, SystemClock, WatchId,
};
#[cfg(feature = "redis")]
pub use optigov_calendar_cache::{SharedCache, SharedCacheSettings};
pub use optigov_counter::{Counter, Faults, MailboxLocation, Municipality, WhenUnavailable};
pub use optigov_ews::{Credentials, EwsClient};
pub use optigov_graph::{GraphClient, GraphCredentials};
pub use optigov_slots::{Busy, EmptyDay, Interval, Needed, OpenWindows, Reason, Slot, Slots};
pub use verdict::{Verdict, reason_text};
pub use wanted::{Booking, SlotsRequest, Wanted};

/// The code of the guide for backend developers, held by the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/embedding.md")]
struct Embedding;
