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

/// The readers of answers, for the benchmarks and the fuzz target of this workspace. Not part of the API.
#[doc(hidden)]
pub mod wire {
    use crate::{CalendarFolder, CalendarItem, Error, FreeBusyEvent, ops};

    /// A `FindItem` answer.
    pub fn view(answer: &[u8]) -> Result<Vec<CalendarItem>, Error> {
        let view = ops::find_item::read(answer, 1_000)?.content?;
        Ok(view.items.into_iter().map(|found| found.item).collect())
    }

    /// A `FindItem` answer with titles, counted.
    pub fn titles(answer: &[u8]) -> Result<(usize, usize), Error> {
        ops::find_item::count_titles(answer)?.content
    }

    /// A `GetFolder` answer.
    pub fn folder(answer: &[u8]) -> Result<CalendarFolder, Error> {
        ops::get_folder::read(answer)?.content
    }

    /// A `GetUserAvailability` answer about so many mailboxes.
    pub fn free_busy(answer: &[u8], mailboxes: usize) -> Result<Vec<Result<Vec<FreeBusyEvent>, Error>>, Error> {
        ops::get_user_availability::read(answer, mailboxes)?.content
    }
}
