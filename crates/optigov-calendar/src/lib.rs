//! The words that sources of calendars, caches, configuration and facade share, so that none of them has to translate.
//!
//! A [`CalendarSource`] reads the [`Calendar`] of a [`Mailbox`]: its [`CalendarEntry`]s over a window. What keeps it from doing so is a
//! [`ReadError`], which reaches the administrator whole. A [`ConnectionReport`] says step by step how far a connection works, and a [`Route`]
//! says how a server is reached. Texts for people are a [`Text`] in both [`Language`]s.
//!
//! ```
//! use optigov_calendar::{CalendarEntry, CalendarSource, EntryStatus, Mailbox, MemorySource};
//! use optigov_slots::Interval;
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let anna = Mailbox::parse("Anna@musterstadt.example")?;
//! let meeting = Interval::new("2027-03-01T09:00:00Z".parse()?, "2027-03-01T10:00:00Z".parse()?)?;
//!
//! let source = MemorySource::new();
//! source.set(anna.clone(), vec![CalendarEntry::timed(meeting, EntryStatus::Busy)]);
//! let calendars = source.read(&[anna], meeting).await;
//! assert_eq!(calendars[0].as_ref().map(|calendar| calendar.entries().len()), Ok(1));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it refuses to do
//!
//! - It does no I/O: it reads no file, asks no clock and opens no connection.
//! - It has no place for a title, an attendee or a location, and neither `Debug` nor an error shows an address or a secret.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `schema` | no | JSON Schemas of what a configuration holds, by `schemars` |
//! | `testing` | no | conformance tests that anybody's [`CalendarSource`] must pass |

mod calendar;
mod entry;
mod error;
mod ews;
mod finding;
mod graph;
mod kerberos;
mod language;
mod mailbox;
mod memory;
mod report;
mod route;
mod routed;
mod source;
#[cfg(feature = "testing")]
pub mod testing;
mod texts;
mod watch;

pub use calendar::{AllDayFlag, Calendar};
pub use entry::{CalendarEntry, EntryStatus, EntryTime};
pub use error::{Origin, ReadError, ReadErrorKind, ResponseCode};
pub use ews::{Access, ConnectingId, EwsSettings, InvalidUserAgent, RequestVersion, UnexpandedSeries, UserAgent};
pub use finding::FindingSource;
pub use graph::{Cloud, GraphAccess, GraphSettings};
pub use kerberos::{KerberosSettings, NegotiatePolicy};
pub use language::{Language, Text, UnknownLanguage};
pub use mailbox::{InvalidMailbox, Mailbox};
pub use memory::MemorySource;
pub use report::{ConnectionReport, Finding, Step, StepOutcome, StepReport, StepWarning, TitleVisibility};
pub use route::{ClientCertificate, InvalidRoute, Proxy, ProxyKind, Route, TlsVersion};
pub use routed::RoutedSource;
pub use source::{CHECKED_DAYS, CalendarSource, ServerId, check_window};
pub use watch::{Change, Changes};
