//! Reads calendars over Exchange Web Services (EWS) with one account, on-premises first: 2016, 2019 and Subscription Edition.
//!
//! An [`EwsClient`] reads the calendar of a mailbox by impersonation ([`Impersonated::calendar_view`]), or the free/busy times of many
//! mailboxes without it ([`EwsClient::free_busy`]), and checks a connection step by step ([`EwsClient::check`]).
//!
//! ```
//! use chrono::{TimeDelta, Utc};
//! use optigov_ews::{Credentials, EwsClient, Mailbox};
//! # use optigov_exchange_simulator::{Account, Entry, Mailbox as Simulated, Scenario, Simulator};
//! # let start = "2026-11-24T09:00:00Z".parse::<chrono::DateTime<Utc>>()?;
//! # let simulated = Simulated::new("anna@musterstadt.example").entry(Entry::timed(start, start + TimeDelta::hours(1)));
//! # let account = Account::new("svc-optigov").password("secret").impersonates(["anna@musterstadt.example"]);
//! # let exchange = Simulator::start(Scenario::new().account(account).mailbox(simulated))?;
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let client = EwsClient::builder(&exchange.url())
//!     .root_certificates_pem(exchange.ca_pem())
//!     .credentials(Credentials::basic("STADT\\svc-optigov", "secret"))
//!     .build()?;
//! let anna = Mailbox::parse("anna@musterstadt.example")?;
//! let items = client.impersonate(&anna).calendar_view(start, start + TimeDelta::days(14)).await?;
//! assert_eq!(items[0].start(), start);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it refuses to do
//! - **Write.** No operation that changes a mailbox exists here.
//! - **Read titles.** Subject, body, attendees and location are not requested. The one exception is the connection check, which asks for
//!   three subjects, counts how many are not empty, and drops them.
//! - **Pass part of a calendar for the whole.** A view that the server cuts is split until every part is complete, or it is an error; so is
//!   an item whose start or end cannot be read.
//! - **Send a refused credential again** before it is replaced or a settable time has passed. Until a credential is proven, one request
//!   at a time carries it, so a wrong password is sent once.
//! - **Accept any certificate.** There is no such setting. Private authorities come in as PEM.
//! - **Tell.** Passwords, tokens, handshake messages and addresses are in no `Debug`, no `Display` and no log, in any build profile.
//!
//! # How errors are told
//! One [`Error`] with a [`Kind`], the [`Step`] at which the call ended, whose fault it is ([`Origin`]), the server's response code, the
//! request's id, and for the administrator a cause and a remedy in German and English.
//!
//! # Features
//! | feature | default | what it adds |
//! |---|---|---|
//! | `ntlm` | yes | `Credentials::ntlm` and `Credentials::negotiate`, with the channel binding that Extended Protection asks for |

mod builder;
mod calendar;
mod check;
mod client;
mod credentials;
mod error;
mod free_busy;
mod impersonated;
#[cfg(feature = "kerberos")]
mod kerberos;
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
#[cfg(feature = "kerberos")]
pub use kerberos::{Kerberos, NegotiatePolicy};
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
