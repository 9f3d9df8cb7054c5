//! The current time, injected.

use std::time::SystemTime;

use chrono::{DateTime, Utc};

/// Tells the current instant. The default is [`SystemClock`]; tests hand in their own.
///
/// A function or closure `Fn() -> DateTime<Utc>` is a clock, too.
pub trait Clock: Send + Sync + 'static {
    /// The current instant.
    fn now(&self) -> DateTime<Utc>;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        SystemTime::now().into()
    }
}

impl<F: Fn() -> DateTime<Utc> + Send + Sync + 'static> Clock for F {
    fn now(&self) -> DateTime<Utc> {
        self()
    }
}
