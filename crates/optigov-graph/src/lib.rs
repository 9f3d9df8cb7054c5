//! Reads calendars from Exchange Online by Microsoft Graph, as an application of its own without a signed-in user.
//!
//! A [`GraphClient`] is a [`CalendarSource`](optigov_calendar::CalendarSource). It reads calendar views, of several mailboxes in one batch, or
//! schedules (free/busy times) of up to twenty mailboxes in one request, as its settings say, and it checks a connection step by step. All
//! that it takes and gives is in the words of [`optigov_calendar`].
//!
//! ```
//! use optigov_calendar::{CalendarEntry, CalendarSource, EntryStatus, GraphSettings, Mailbox, Route};
//! use optigov_graph::{GraphClient, GraphCredentials};
//! use optigov_slots::Interval;
//! # use optigov_exchange_simulator::{Application, Entry, Mailbox as Simulated, Scenario, Simulator};
//! # let nine = "2026-11-24T09:00:00Z".parse()?;
//! # let ten = "2026-11-24T10:00:00Z".parse()?;
//! # let simulated = Simulated::new("anna@musterstadt.example").online().entry(Entry::timed(nine, ten));
//! # let application = Application::new("11111111-2222-4333-8444-555555555555").secret("geheim").reads_everybody();
//! # let exchange = Simulator::start(Scenario::new().application(application).mailbox(simulated))?;
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let settings = GraphSettings::new("musterstadt.example", "11111111-2222-4333-8444-555555555555")?;
//! # let settings = settings.with_authority(&exchange.base_url())?;
//! # let endpoint = exchange.base_url();
//! # let route = Route::for_graph(&endpoint)?.with_root_certificates(exchange.ca_pem().as_bytes())?;
//! # const _: &str = r#"
//! let route = Route::for_graph("https://graph.microsoft.com")?;
//! # "#;
//! let client = GraphClient::builder(route, settings).credentials(GraphCredentials::secret("geheim")).build()?;
//!
//! let anna = Mailbox::parse("anna@musterstadt.example")?;
//! let day = Interval::new("2026-11-24T00:00:00Z".parse()?, "2026-11-25T00:00:00Z".parse()?)?;
//! let calendars = client.read(&[anna], day).await;
//! let nine_to_ten = Interval::new(nine, ten)?;
//! let wanted = [CalendarEntry::timed(nine_to_ten, EntryStatus::Busy)];
//! assert_eq!(calendars[0].as_ref().map(|calendar| calendar.entries()), Ok(&wanted[..]));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it refuses to do
//!
//! - **Write.** It sends `GET` for calendar views, and `POST` for tokens, batches of views and `getSchedule`; nothing of that changes a mailbox.
//! - **Read titles.** Only times and flags are selected. `getSchedule` sends titles that cannot be deselected; they are passed over unread. Graph has
//!   no permission that hides titles from an application that may read calendars, and the connection check says so.
//! - **Pass part of a calendar for the whole.** Pages are followed to the last one, on the same host and in the same mailbox only; a page that
//!   is full and names no next one is split; what cannot be read is an error.
//! - **Send a refused credential again** before it is replaced or a settable time has passed. One request for a token is under way at a time,
//!   however many wait for it.
//! - **Watch.** Graph's notifications need an address that the public can reach, and its `delta` sends titles. So changes are found by reading again.
//! - **Accept any certificate.** There is no such setting. Private authorities come in with the [`Route`](optigov_calendar::Route).
//! - **Tell secrets.** Secrets, keys, tokens and addresses are in no `Debug`, no `Display` and no log, in any build profile.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | – | – | there are none |

mod answer;
mod assertion;
mod batch;
mod calendar_view;
mod check;
mod client;
mod codes;
mod credentials;
mod get_schedule;
mod host;
mod link;
mod page;
mod schedules;
mod session;
mod sts;
mod texts;
mod time;
mod tokens;

pub use client::{GraphClient, GraphClientBuilder};
pub use credentials::GraphCredentials;

/// The readers of answers, for the benchmarks and the fuzz target of this workspace. Not part of the API.
#[doc(hidden)]
pub mod wire {
    use optigov_calendar::{Calendar, CalendarEntry, Mailbox, ReadError};

    /// A page of a calendar view, and whether it names a next one.
    pub fn page(answer: &[u8]) -> Result<(Vec<CalendarEntry>, bool), ReadError> {
        let page = crate::page::read(answer)?;
        Ok((page.events.into_iter().map(|event| event.entry).collect(), page.next.is_some()))
    }

    /// An answer to a batch of so many requests: the status of each part.
    pub fn batch(answer: &[u8], parts: usize) -> Result<Vec<Option<u16>>, ReadError> {
        let found = crate::batch::read(answer, parts)?;
        Ok(found.into_iter().map(|part| part.ok().map(|part| part.status)).collect())
    }

    /// An answer of `getSchedule` about these mailboxes.
    pub fn schedules(answer: &[u8], mailboxes: &[Mailbox]) -> Result<Vec<Result<Calendar, ReadError>>, ReadError> {
        let window =
            optigov_slots::Interval::from_unix(1_795_478_400, 1_796_083_200).map_err(|_| ReadError::internal())?;
        let asked = crate::schedules::Asked { mailboxes, window, most_entries: 200_000 };
        crate::schedules::read(answer, &asked)
    }

    /// An answer of the token endpoint: how long the token lasts, or why there is none.
    pub fn token(status: u16, answer: &[u8]) -> Result<std::time::Duration, ReadError> {
        crate::sts::read(status, answer).map(|issued| issued.lasts)
    }

    /// Whether a link leads to a next page of this mailbox's view at `https://graph.microsoft.com`.
    pub fn next_link(link: &str, mailbox: &Mailbox) -> bool {
        let root = url::Url::parse("https://graph.microsoft.com");
        root.is_ok_and(|root| crate::link::next(link, &root, mailbox).is_ok())
    }
}
