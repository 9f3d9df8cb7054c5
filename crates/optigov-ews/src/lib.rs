//! Reads calendars over Exchange Web Services (EWS) with one account, on-premises first: 2016, 2019 and Subscription Edition.
//!
//! An [`EwsClient`] reads the calendar of a mailbox by impersonation ([`Impersonated::calendar_view`]), or the free/busy times of many
//! mailboxes without it ([`EwsClient::free_busy`]). It is a [`CalendarSource`](optigov_calendar::CalendarSource) that does the one or the
//! other, as its settings say, and that checks a connection step by step. All that it takes and gives is in the words of
//! [`optigov_calendar`].
//!
//! ```
//! use optigov_calendar::{CalendarEntry, EntryStatus, Mailbox, Route};
//! use optigov_ews::{Credentials, EwsClient};
//! use optigov_slots::Interval;
//! # use optigov_exchange_simulator::{Account, Entry, Mailbox as Simulated, Scenario, Simulator};
//! # let nine = "2026-11-24T09:00:00Z".parse()?;
//! # let ten = "2026-11-24T10:00:00Z".parse()?;
//! # let simulated = Simulated::new("anna@musterstadt.example").entry(Entry::timed(nine, ten));
//! # let account = Account::new("svc-optigov").password("secret").impersonates(["anna@musterstadt.example"]);
//! # let exchange = Simulator::start(Scenario::new().account(account).mailbox(simulated))?;
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let route = Route::new(&exchange.url())?.with_root_certificates(exchange.ca_pem().as_bytes())?;
//! let client = EwsClient::builder(route).credentials(Credentials::basic("STADT\\svc-optigov", "secret")).build()?;
//!
//! let anna = Mailbox::parse("anna@musterstadt.example")?;
//! let day = Interval::new("2026-11-24T00:00:00Z".parse()?, "2026-11-25T00:00:00Z".parse()?)?;
//! let calendar = client.impersonate(&anna).calendar_view(day).await?;
//! let nine_to_ten = Interval::new(nine, ten)?;
//! assert_eq!(calendar.entries(), [CalendarEntry::timed(nine_to_ten, EntryStatus::Busy)]);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! It also [watches](optigov_calendar::CalendarSource::watch) calendars by streaming notifications, so that those that nobody touches need not be read again and
//! again.
//!
//! # What it refuses to do
//!
//! - **Write.** No operation that changes a mailbox exists here.
//! - **Read titles.** Subject, body, attendees and location are not requested. The one exception is the connection check, which asks for
//!   three subjects, counts how many are not empty, and drops them.
//! - **Pass part of a calendar for the whole.** A view that the server cuts is split until every part is complete, or it is an error; so is
//!   an item whose start or end cannot be read.
//! - **Send a refused credential again** before it is replaced or a settable time has passed. Until the server has accepted a credential, one
//!   request carries it, a small one that concerns no mailbox. That request is never repeated by itself; where no word of Exchange's follows,
//!   the next one waits 5 seconds at first, and twice as long each time. So a wrong password is sent once, whatever the server answers.
//! - **Accept any certificate.** There is no such setting. Private authorities come in with the [`Route`](optigov_calendar::Route).
//! - **Tell secrets.** Passwords, tokens, handshake messages and addresses are in no `Debug`, no `Display` and no log, in any build profile.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `ntlm` | yes | `Credentials::ntlm` and `Credentials::negotiate`, with the channel binding that Extended Protection asks for |
//! | `kerberos` | yes | `Credentials::kerberos`, `Credentials::kerberos_keytab` and `Kerberos`; with `ntlm`, too, `Credentials::negotiate_by` |

mod affinity;
mod calendar_view;
mod check;
mod client;
mod codes;
mod credentials;
mod envelopes;
mod free_busy;
mod impersonated;
mod interpret;
#[cfg(feature = "kerberos")]
mod kerberos;
mod learned;
mod ops;
mod prove;
mod session;
mod soap;
mod time;
mod transport;
mod version;
mod watch;
mod xml;
mod zone;

use optigov_http::{error, window};

pub use client::{EwsClient, EwsClientBuilder};
pub use credentials::{Credentials, TokenProvider, TokenReason};
pub use impersonated::Impersonated;
#[cfg(feature = "kerberos")]
pub use kerberos::Kerberos;
pub use ops::get_folder::CalendarFolder;
pub use version::ServerVersion;

/// The readers of answers, for the benchmarks and the fuzz target of this workspace. Not part of the API.
#[doc(hidden)]
pub mod wire {
    use optigov_calendar::{Calendar, CalendarEntry, ReadError, TitleVisibility};

    use crate::{CalendarFolder, ops};

    /// A `FindItem` answer.
    pub fn view(answer: &[u8]) -> Result<Vec<CalendarEntry>, ReadError> {
        let view = ops::find_item::read(answer, 1_000)?.content?;
        Ok(view.items.into_iter().map(|item| item.entry).collect())
    }

    /// A `FindItem` answer with titles, counted.
    pub fn titles(answer: &[u8]) -> Result<TitleVisibility, ReadError> {
        Ok(ops::find_item::count_titles(answer)?.content?.seen_by_the_owner())
    }

    /// A `GetFolder` answer.
    pub fn folder(answer: &[u8]) -> Result<CalendarFolder, ReadError> {
        ops::get_folder::read(answer)?.content
    }

    /// The envelopes of a `GetStreamingEvents` answer that comes in these pieces: for each, how many subscriptions are touched and whether it
    /// reports a failure or the end.
    pub fn stream<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<(usize, bool)>, ReadError> {
        let mut envelopes = crate::envelopes::Envelopes::new(1 << 20);
        let mut found = Vec::new();
        for piece in pieces {
            envelopes.push(piece);
            while let Some(envelope) = envelopes.next()? {
                let envelope = String::from_utf8_lossy(&envelope);
                let news = ops::get_streaming_events::read(envelope.as_bytes())?.content?;
                found.push((news.touched.len(), news.closed || !news.failures.is_empty()));
            }
        }
        Ok(found)
    }

    /// A `GetUserAvailability` answer about so many mailboxes.
    pub fn free_busy(answer: &[u8], mailboxes: usize) -> Result<Vec<Result<Calendar, ReadError>>, ReadError> {
        // Anything may be an answer to a question about all of time.
        let window = optigov_slots::Interval::from_unix(0, 253_402_300_799).map_err(|_| ReadError::internal())?;
        let asked = ops::get_user_availability::Asked { mailboxes, window, most_entries: 200_000 };
        ops::get_user_availability::read(answer, asked)?.content
    }
}
