//! An Exchange server for tests, examples and benchmarks: real sockets, TLS, authentication, SOAP, and faults on demand.

/// Appends formatted text to a `String`, which cannot fail.
macro_rules! push {
    ($out:expr, $($format:tt)*) => {{
        use std::fmt::Write as _;
        $out.write_fmt(format_args!($($format)*)).ok();
    }};
}

mod auth;
mod calendar;
mod error;
mod exchange;
mod identity;
mod misbehaviour;
mod operations;
mod record;
mod recurrence;
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
    Account, Certificate, ChannelBinding, Effect, Entry, Fault, Mailbox, MailboxState, Permission, Scenario, Scheme,
    Shape, Status, Throttling, Tls,
};
pub use server::Simulator;
