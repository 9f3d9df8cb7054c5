//! Reads calendars over Exchange Web Services with impersonation, and never writes.

mod builder;
mod calendar;
mod check;
mod client;
mod credentials;
mod error;
mod free_busy;
mod impersonated;
mod mailbox;
mod ops;
mod soap;
mod texts;
mod time;
mod transport;
mod version;
mod xml;
mod zone;

pub use builder::{EwsClientBuilder, UnexpandedSeries};
pub use calendar::{CalendarFolder, CalendarItem, FreeBusyEvent, FreeBusyStatus};
pub use check::{CheckFailure, CheckFinding, CheckOutcome, CheckReport, CheckResult, CheckStep};
pub use client::EwsClient;
pub use credentials::{Credentials, TokenProvider, TokenReason};
pub use error::{Error, Kind, Origin, ResponseCode, Step};
pub use impersonated::Impersonated;
pub use mailbox::{ConnectingId, Mailbox};
pub use texts::Language;
pub use transport::{proxy::Proxy, tls::TlsVersion};
pub use version::{RequestVersion, ServerVersion};
