//! What a municipal service counter is: timetable, booking rules, templates and Exchange sync, valid by construction.
//!
//! Everything that an administrator sets is one document in TOML or JSON: a [`Municipality`] with its holidays, its [`ExchangeConnection`], its
//! [`AppointmentTemplate`]s and its [`Counter`]s. A value of these types is valid; a text that is not gives [`Faults`]: everything that is wrong at once,
//! each with its path, line and column, a message and a remedy in German and English. The format is described in `docs/configuration.md`.
//!
//! ```
//! use optigov_counter::{Code, Language, Municipality};
//! use optigov_slots::{Busy, Interval, Resources};
//!
//! let text = r#"
//! name = "Augsburg"
//! state = "BY"
//! holidays = { add = ["augsburger_friedensfest"] }
//!
//! [[templates]]
//! id = "pass"
//! label = "Reisepass beantragen"
//! length = "20min"
//!
//! [[counters]]
//! id = "eins"
//! name = "Schalter 1"
//! templates = ["pass"]
//! booking = { lead_time = "24h", horizon = "60 days" }
//! exchange_sync = { on = false, mailboxes = ["schalter1@augsburg.example"] }
//! opening = [{ days = "Mo-So", hours = ["08:00-12:00", "13:00-16:00"] }]
//! "#;
//!
//! // From the configuration to the engine's inputs, and to what can be booked.
//! let municipality = Municipality::from_toml(text)?;
//! let (counter, pass) = (municipality.counter("eins").ok_or("no counter")?, municipality.template("pass").ok_or("no template")?);
//! let weekend = Interval::of_dates("2027-08-07".parse()?, "2027-08-08".parse()?, municipality.time_zone())?;
//! let open = counter.open_windows(&municipality, pass, weekend);
//! let rules = counter.slot_rules(pass, 1)?;
//! let slots = open.slots(&rules, &Resources::none(), &Busy::default(), "2027-08-01T12:00:00Z".parse()?);
//! assert_eq!(slots.len(), 12 + 9); // the Saturday; the Sunday is Augsburg's peace festival
//!
//! // The same text with a slip, and the sync switched on without a mailbox: both are told at once.
//! let wrong = text.replace("24h", "24").replace("on = false, mailboxes = [\"schalter1@augsburg.example\"]", "on = true");
//! let faults = Municipality::from_toml(&wrong).err().ok_or("not refused")?;
//! let told: Vec<(String, Code)> = faults.iter().map(|fault| (fault.path(), fault.code())).collect();
//! assert_eq!(told[0], ("counters[0].booking.lead_time".to_owned(), Code::Malformed));
//! assert_eq!(told[1], ("counters[0].exchange_sync.mailboxes".to_owned(), Code::SyncWithoutMailbox));
//! assert!(faults.describe(Language::German).contains("Zeile 15, Spalte 25"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it refuses to do
//!
//! - It reads no file, asks no clock and opens no connection: it parses text that it is given.
//! - It holds no secret: a configuration says where a secret is, and one that contains it is refused without repeating it. Neither `Debug` nor a fault shows a
//!   mailbox's address or the account.
//! - It does no time arithmetic beyond naming dates: hours become instants in `optigov-slots`. [`Counter::timetable`], [`Counter::open_windows`] and
//!   [`Counter::slot_rules`] are the only place where the two meet.
//! - It does not guess: an unknown key, a number without a unit, or two exceptions that contradict each other are faults, with "did you mean" where it can.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `testing` | no | [`testing`]: random configurations, by `proptest` |

mod blocking;
mod booking;
mod counter;
mod document;
mod engine;
mod error;
mod exception;
mod exchange;
mod fault;
mod holidays;
mod location;
mod municipality;
mod opening;
mod resolved;
mod sync;
mod template;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod values;

pub use optigov_calendar::{
    Access, AllDayFlag, CalendarEntry, Cloud, ConnectingId, EntryStatus, EwsSettings, GraphAccess, GraphSettings,
    KerberosSettings, Language, Mailbox, NegotiatePolicy, Proxy, RequestVersion, Route, Text, TlsVersion,
    UnexpandedSeries, UserAgent,
};
pub use optigov_slots::{
    Anchor, ClockChange, ExceptionEffect, Hours, Interval, Lead, Needed, OpenWindows, Recurrence, Rule, SlotRules,
    Timetable, Weekdays,
};

pub use self::{
    blocking::{BlockingDecision, BlockingPolicy},
    booking::BookingRules,
    counter::Counter,
    document::{FORMAT_VERSION, MOST_BYTES},
    error::Error,
    exception::ExceptionRule,
    exchange::{
        Authentication, CertificateFiles, ExchangeConnection, ExchangeOnlineConnection, SecretReference,
        WhenUnavailable,
    },
    fault::{Code, Fault, Faults, Severity},
    holidays::Holiday,
    location::{MailboxLocation, MailboxLocations},
    municipality::Municipality,
    resolved::ResolvedHours,
    sync::ExchangeSync,
    template::{AppointmentTemplate, Mode},
    text::encoding::decoded,
    values::{CounterId, HolidayRule, State, TemplateId},
};

/// The code in the description of the format runs.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/configuration.md")]
struct DescriptionOfTheFormat;
