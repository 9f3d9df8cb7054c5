//! An Exchange for tests, examples and benchmarks, on premises and online: a real socket, real TLS, HTTP authentication, SOAP,
//! Microsoft Graph's JSON, access rights, recurrence expansion, throttling, and faults on demand.
//!
//! It exists so that a client of Exchange Web Services or of Microsoft Graph can be tried the way it will be used, on any machine, without an
//! Exchange. It was written from Microsoft's schema and documentation and shares no code with the clients of this
//! workspace; third-party clients (exchangelib, requests_ntlm, curl; msgraph-sdk, O365, msal) read from it in this crate's own
//! checks, and every answer is held against the schema or the metadata. It is for development only: it keeps passwords in memory as they are, and has no operation that a stranger should
//! reach. It listens on 127.0.0.1 alone.
//!
//! # In a test
//! Describe what the server holds, start it, and point the client at [`url`](Simulator::url), trusting
//! [`ca_pem`](Simulator::ca_pem). Starting is synchronous and takes milliseconds; every simulator has a thread and a port of its
//! own, so tests can run side by side; it stops when dropped.
//!
//! ```
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//!
//! use chrono::NaiveDate;
//! use optigov_exchange_simulator::{Account, Effect, Entry, Fault, Mailbox, Scenario, Scheme, Simulator, Status};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let monday = NaiveDate::from_ymd_opt(2026, 11, 23).expect("a date");
//! let at = |hour| monday.and_hms_opt(hour, 0, 0).expect("a time");
//! let scenario = Scenario::new()
//!     .account(Account::new("svc-optigov").password("geheim").impersonates(["anna@musterstadt.example"]))
//!     .mailbox(
//!         Mailbox::new("anna@musterstadt.example")
//!             .entry(Entry::local(at(9), at(10)).subject("Jour fixe").recurs("FREQ=WEEKLY;BYDAY=MO"))
//!             .entry(Entry::all_day(monday, monday).subject("Urlaub").status(Status::OutOfOffice)),
//!     )
//!     .fault(Fault::new(Effect::Truncated).operation("FindItem").nth(2))
//!     .schemes([Scheme::Basic])
//!     .plain_http();
//! let simulator = Simulator::start(scenario)?;
//!
//! // Your client goes here. This one is turned away, because it has no password.
//! let mut client = TcpStream::connect(simulator.address())?;
//! client.write_all(b"POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer)?;
//! assert!(answer.starts_with("HTTP/1.1 401"));
//!
//! // Afterwards, see what arrived, or change the calendar and ask again.
//! assert_eq!(simulator.requests()[0].refusal(), Some("no credentials"));
//! simulator.update(|scenario| {
//!     if let Some(anna) = scenario.mailbox_mut("anna@musterstadt.example") {
//!         anna.entries_mut().clear();
//!     }
//! })?;
//! # Ok(())
//! # }
//! ```
//!
//! A scenario can also be a TOML file ([`Scenario::from_toml`]; `scenarios/musterstadt.toml` has every key), and a calendar an
//! iCalendar export ([`Mailbox::ics`]). The binary `optigov-exchange-simulator FILE` serves a file for clients in other languages.
//!
//! # Two faces, one scenario
//! One scenario feeds Exchange Web Services at [`url`](Simulator::url) and, below [`base_url`](Simulator::base_url), the token
//! endpoint of Entra and Microsoft Graph. Each mailbox lies on one side of a hybrid organisation, see [`Location`], and may
//! move while the simulator runs; the side where it is not refuses it as the real one does. [`Account`]s log in to EWS,
//! [`Application`]s to Graph.
//!
//! ```
//! use optigov_exchange_simulator::{Application, Location, Mailbox, Scenario, Simulator};
//!
//! # fn main() -> Result<(), optigov_exchange_simulator::Error> {
//! const CLIENT_ID: &str = "11111111-2222-4333-8444-555555555555";
//! let scenario = Scenario::new()
//!     .tenant("musterstadt.example")
//!     .application(Application::new(CLIENT_ID).secret("geheim").reads(["anna@musterstadt.example"]))
//!     .mailbox(Mailbox::new("anna@musterstadt.example").online());
//! let simulator = Simulator::start(scenario)?;
//! // A client signs in at {base}/musterstadt.example/oauth2/v2.0/token and reads below {base}/v1.0.
//! assert!(simulator.base_url().starts_with("https://localhost:"));
//! assert_eq!(simulator.tokens_issued(CLIENT_ID), 0);
//! simulator.update(|scenario| {
//!     if let Some(anna) = scenario.mailbox_mut("anna@musterstadt.example") {
//!         anna.move_to(Location::OnPremises);
//!     }
//! })?;
//! # Ok(())
//! # }
//! ```
//!
//! # What it simulates
//! | | |
//! |---|---|
//! | transport | HTTP/1.1 with keep-alive; TLS 1.2 and 1.3 with a certificate of its own authority, or a given one; expired, for another name, signed with SHA-384; TLS 1.2 only; a server stuck at TLS 1.0 |
//! | login | Basic, bearer; NTLMv2 and Negotiate (NTLM in SPNEGO or bare) of the connection, with channel bindings ignored, allowed or required; lockout; challenges in one line; NTLM challenges without target information; a failed login answered with a reset, a close, silence, a late 401 or any HTTP answer ([`LoginRefusal`]) |
//! | front end | access policies by user agent ([`AccessPolicy`]); requests whose anchor mailbox cannot be found ([`AnchorLookup`]); `client-request-id` returned where `return-client-request-id` asks for it; `/ews/genericerrorpage.htm` |
//! | operations | FindItem with CalendarView, GetItem, GetFolder, GetUserAvailability, GetServerTimeZones, Subscribe (streaming), GetStreamingEvents, Unsubscribe; of ConvertId the refusal. Anything else: the fault `ErrorInvalidRequest` |
//! | notifications | streaming, of the calendar: created, changed, moved and deleted entries; heartbeats; affinity to one of several back ends by anchor and cookie ([`Scenario::back_ends`]); at most 200 subscriptions for a stream, bounds on streams and subscriptions ([`Streaming`]) |
//! | rights | impersonation with a scope, by four kinds of name; folder permissions None, AvailabilityOnly, LimitedDetails, Reviewer; disabled, moving, unavailable and hung mailboxes |
//! | calendar | single entries and series with moved, changed and deleted occurrences, all-day, a zone per entry, private, cancelled, rooms |
//! | limits | Graph: 1,825 days a view, 1,000 events a page, four requests at a time to a mailbox ([`Scenario::mailbox_concurrency`]); EWS: two years and 1,000 items a view, 100 mailboxes and 42 days of free/busy, a merged interval of 5 to 1,440 minutes that is not longer than the window; throttling of both faces by requests in flight and by budget, in six shapes |
//! | token endpoint | client credentials by secret and by certificate (assertions signed with PS256 or RS256, `x5t#S256` or `x5t`, `aud`, `iss`, `sub`, `nbf`, `exp` and `jti` checked); Entra's errors with their `AADSTS` numbers; lifetimes, a count of tokens, tokens that end early; OpenID configuration and instance discovery |
//! | Graph | `calendarView` (also below `/calendar` and `/calendars/{id}`) with `$select`, `$top`, `$skip`, `$count`, `$orderby=start/dateTime`, pages with `@odata.nextLink`, `Prefer` with `outlook.timezone`, `IdType` and `odata.maxpagesize`; `getSchedule` (20 mailboxes, less than 62 days); `$batch` (20 parts, four at a time, `dependsOn`); `/calendar`, `/calendars`; of `/users/{id}` the refusal |
//! | Graph's rights | `Calendars.Read` for every mailbox, for some of them, or none ([`Application`]); titles only where they are asked for, which [`RecordedRequest::asks_for_titles`] tells; in `getSchedule` only where the mailbox's [`Permission`] lets everybody see them |
//! | hybrid | mailboxes on premises and online ([`Location`]), moved by [`Simulator::update`]; EWS of the server refuses those online with `ErrorNonExistentMailbox` and ends their subscriptions, Graph refuses those on premises with `MailboxNotEnabledForRESTAPI`; free/busy across both sides ([`Scenario::hybrid_free_busy`]) |
//! | other servers | [`Scenario::foreign_server`] for the ways of servers that are not Microsoft's, [`Scenario::unexpanded_series`] for servers that do not expand series |
//! | faults | one [`Effect`] by rule, see [`Fault`] and the next table |
//!
//! # What can go wrong
//! | | effects |
//! |---|---|
//! | time and connection | `Delay`, `Hang`, `ResetBefore`, `CloseBefore`, `ResetWithin`, `ResetAfter`, `Surplus` (the answer comes twice), `Endless` |
//! | HTTP | `Status`; `Http` with any headers: 302 to the error page, 403 of a policy, 440, 502, 504, 503 with any `Retry-After`; `Unauthorized` in the middle of good requests; `OtherRequestId` |
//! | refusals | `ResponseCode`, `ResponseCodeWithBackOff`, `Fault`, `BareFault`; `SoapFault` under any status, with two different codes and any hint when to come back; `Throttled` in six shapes |
//! | bytes | `Gzip`, `Utf16`, `InvalidUtf8`, `ForbiddenCharacters`, `Truncated`, `Malformed`, `Replace`, `Huge`, `ManyItems` |
//! | contradictions | [`Contradiction`]: two messages, folders, response codes, views, starts or ends; an unreadable `IncludesLastItemInRange`; more items than asked for; missing items; `Groups` or nothing in place of `Items`; a success under HTTP 500. `Year` for signed or five-digit years |
//! | free/busy | [`FreeBusyDefect`]: the view types `None` and `MergedOnly`, merged data without events, busy digits without events, an unknown view type, series past the window's end, one mailbox refused among others |
//! | notifications | [`StreamDefect`]: a stream that is cut in the middle of an envelope, that falls silent, that ends with an error; while it runs: [`Simulator::cut_streams`], [`Simulator::silence_streams`], [`Simulator::miss_events`], [`Simulator::restart_back_end`] |
//! | Graph | [`GraphDefect`]: unknown `showAs` or `type`, missing or `null` times, another zone than asked for, titles that nobody asked for, no primary calendar, links to another host or to the same page, empty and overlapping pages, missing, doubled and exchanged parts of a batch, missing schedules; `GraphError` with any status, code and `Retry-After`; `Aadsts` for the token endpoint |
//! | data | `OtherMailbox`, `MissingOptional`, `NumericBooleans`, `Unsorted`, `Touching`, `Masters` |
//!
//! Effects do on both faces what their names say: bytes and connections are damaged alike, `ResponseCode` and the faults give
//! Graph's errors with that code, `FreeBusy` concerns `getSchedule`, and a [`Contradiction`] has its counterpart in JSON where
//! there is one.
//!
//! # What it does not
//! It has no operation that changes a mailbox, no folders besides the calendar and its ancestors, no mail, no attachments, no
//! Kerberos, no autodiscovery, no pull or push notifications. Of Graph it has no `delta`, no `$filter`, `$expand` or `$search`, no
//! other API version than v1.0, no signed-in users, no directory, and no subscriptions. Its tokens are random texts, not JSON
//! Web Tokens; rights are looked up with each request, and a change takes effect at once. Requests are read leniently where Exchange would hold them
//! against the schema: missing parts are refused, a wrong order of elements is not. Error texts are its own. A view's items
//! are half-open unless [`Effect::Touching`] says otherwise. A rule that Exchange could not hold (hourly, several days of a
//! month) is expanded like any other, but its master shows no `Recurrence`.
//!
//! # Features
//! | feature | default | adds |
//! |---|---|---|
//! | none | | everything is always there |

/// Appends formatted text to a `String`, which cannot fail.
macro_rules! push {
    ($out:expr, $($format:tt)*) => {{
        use std::fmt::Write as _;
        $out.write_fmt(format_args!($($format)*)).ok();
    }};
}

mod affinity;
mod auth;
mod calendar;
mod encoding;
mod error;
mod exchange;
mod front_end;
mod graph;
mod identity;
mod misbehaviour;
mod operations;
mod record;
mod recurrence;
mod reply;
mod scenario;
mod server;
mod soap;
mod subscriptions;
mod throttle;
mod tls;
mod wire;
mod world;
mod xml;
mod zones;

pub use error::Error;
pub use record::RecordedRequest;
pub use scenario::{
    AccessPolicy, Account, AnchorLookup, Application, Certificate, ChannelBinding, Contradiction, Effect, Entry, Fault,
    FreeBusyDefect, GraphDefect, HttpAnswer, Location, LoginRefusal, Mailbox, MailboxState, Permission, Scenario,
    Scheme, Shape, SoapFault, Status, StreamDefect, Streaming, Throttling, Tls,
};
pub use server::Simulator;
