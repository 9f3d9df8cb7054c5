//! Setting up the facade: every part has a default, every default can be replaced.

use std::sync::Arc;
use std::time::Duration;

use optigov_counter::{Municipality, WhenUnavailable};
use secrecy::SecretString;

use crate::availability::Availability;
use crate::cache::{CalendarCache, MemoryCache};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Kind};
use crate::ews::EwsSource;
use crate::memory::MemorySource;
use crate::reader::{Reader, Times};
use crate::setup::Setup;
use crate::source::CalendarSource;
use crate::text::Text;

/// Bytes that the default cache may hold: about 4 million entries.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// The longest that a cache is waited for; then the calendar is read instead.
const CACHE_ANSWERS: Duration = Duration::from_secs(2);
/// Readings that may serve stale reach this much farther at most, so that they cover the windows of the days after.
const MOST_SLACK: Duration = Duration::from_secs(7 * 86_400);
/// How long the default cache keeps readings where none may serve stale.
const KEEP: Duration = Duration::from_secs(3600);

/// Sets up an [`Availability`]; made by [`Availability::for_municipality`].
pub struct AvailabilityBuilder {
    municipality: Municipality,
    source: Option<Arc<dyn CalendarSource>>,
    secret: Option<SecretString>,
    cache: Option<Arc<dyn CalendarCache>>,
    clock: Arc<dyn Clock>,
    when_unavailable: Option<WhenUnavailable>,
    time_to_live: Duration,
    read_ahead: Duration,
    deadline: Option<Duration>,
}

impl AvailabilityBuilder {
    pub(crate) fn new(municipality: Municipality) -> Self {
        AvailabilityBuilder {
            municipality,
            source: None,
            secret: None,
            cache: None,
            clock: Arc::new(SystemClock),
            when_unavailable: None,
            time_to_live: Duration::from_secs(60),
            read_ahead: Duration::ZERO,
            deadline: None,
        }
    }

    /// Where calendars come from. Default: the municipality's Exchange connection.
    pub fn source(self, source: impl CalendarSource) -> Self {
        AvailabilityBuilder { source: Some(Arc::new(source)), ..self }
    }

    /// The service account's password or token, where the service keeps it. Default: what the connection refers to.
    pub fn secret(self, secret: impl Into<SecretString>) -> Self {
        AvailabilityBuilder { secret: Some(secret.into()), ..self }
    }

    /// Where readings are kept. Default: a [`MemoryCache`] of 64 MiB.
    pub fn cache(self, cache: impl CalendarCache) -> Self {
        AvailabilityBuilder { cache: Some(Arc::new(cache)), ..self }
    }

    /// Tells the current time. Default: [`SystemClock`].
    pub fn clock(self, clock: impl Clock) -> Self {
        AvailabilityBuilder { clock: Arc::new(clock), ..self }
    }

    /// What happens to counters whose calendars cannot be read. Default: what the connection says, else `Close`.
    pub fn when_unavailable(self, policy: WhenUnavailable) -> Self {
        AvailabilityBuilder { when_unavailable: Some(policy), ..self }
    }

    /// How old a reading may be to serve without asking again. Default: 60 s.
    pub fn time_to_live(self, age: Duration) -> Self {
        AvailabilityBuilder { time_to_live: age, ..self }
    }

    /// A reading that serves a call and will expire within this time is read again in the background. Default: 0, no reading ahead; at most
    /// half the time to live.
    pub fn read_ahead(self, before: Duration) -> Self {
        AvailabilityBuilder { read_ahead: before, ..self }
    }

    /// The longest that a call may take, whatever Exchange does. Default: the connection's deadline for a call, else 30 s.
    pub fn deadline(self, deadline: Duration) -> Self {
        AvailabilityBuilder { deadline: Some(deadline), ..self }
    }

    /// The facade, ready to be called. Nothing is sent yet.
    ///
    /// # Errors
    /// [`is_setup`](Error::is_setup): a counter's Exchange sync is on, but there is neither a connection nor a source; or the connection's
    /// secret or CA file is missing.
    pub fn build(self) -> Result<Availability, Error> {
        let connection = self.municipality.exchange();
        let source: Arc<dyn CalendarSource> = match (self.source, connection) {
            (Some(source), _) => source,
            (None, Some(connection)) => Arc::new(EwsSource::connect(connection, self.secret)?),
            (None, None) if self.municipality.counters().iter().any(|counter| counter.exchange_sync().is_on()) => {
                let de = "bei einem Schalter ist der Exchange-Abgleich an, aber es gibt keine Verbindung zu Exchange";
                let en = "a counter's Exchange sync is on, but there is no connection to Exchange";
                return Err(Error::new(Kind::Setup, Text::new(de, en)));
            }
            (None, None) => Arc::new(MemorySource::new()),
        };
        let configured = connection.map(|connection| connection.when_unavailable());
        let when_unavailable = self.when_unavailable.or(configured).unwrap_or_default();
        let keep = match when_unavailable {
            WhenUnavailable::ServeStale { up_to } => up_to.max(self.time_to_live),
            _ => KEEP.max(self.time_to_live),
        };
        let cache = self.cache.unwrap_or_else(|| Arc::new(MemoryCache::new(CACHE_BYTES, keep)));
        let deadline =
            self.deadline.or(connection.map(|connection| connection.timeout())).unwrap_or(Duration::from_secs(30));
        // Readings outlast the calls that wait for them by far, but not for ever.
        let reading = deadline.saturating_mul(4);
        let cached = (deadline / 4).min(CACHE_ANSWERS);
        let read_ahead = self.read_ahead.min(self.time_to_live / 2);
        let times = Times { time_to_live: self.time_to_live, read_ahead, reading, cache: cached };
        let slack = match when_unavailable {
            WhenUnavailable::ServeStale { up_to } => up_to.min(MOST_SLACK),
            _ => Duration::ZERO,
        };
        let namespace =
            connection.map(|connection| format!("{:?} {}", connection.access(), connection.url())).unwrap_or_default();
        let reader = Reader::new(source, cache, Arc::clone(&self.clock), times);
        let setup = Setup::new(self.municipality, namespace, slack);
        Ok(Availability::assemble(setup, reader, self.clock, when_unavailable, deadline))
    }
}
