//! What a municipal service counter is: timetable, booking rules, templates and Exchange sync, valid by construction.

mod blocking;
mod booking;
mod checks;
mod counter;
mod document;
mod engine;
mod error;
mod exchange;
mod fault;
mod holidays;
mod mailbox;
mod municipality;
mod opening;
mod sync;
mod template;
mod text;
mod values;

pub use blocking::{BlockingPolicy, Decision, Shape, Status};
pub use booking::BookingRules;
pub use counter::Counter;
pub use document::FORMAT_VERSION;
pub use error::Error;
pub use exchange::{Access, Authentication, ExchangeConnection, SecretReference, WhenUnavailable};
pub use fault::{Code, Fault, Faults, Language, Severity};
pub use holidays::Holiday;
pub use mailbox::Mailbox;
pub use municipality::Municipality;
pub use opening::{Exception, ExceptionEffect, OpeningRule, Repeat};
pub use sync::ExchangeSync;
pub use template::{AppointmentTemplate, Mode};
pub use values::{CounterId, HolidayRule, Hours, LeadTime, State, TemplateId, TimeOfDay, Weekdays};
