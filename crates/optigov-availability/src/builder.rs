//! Setting up the facade: every part has a default, every default can be replaced.

use std::{fmt, sync::Arc, time::Duration};

use optigov_calendar::{CalendarSource, MemorySource, Route};
use optigov_calendar_cache::{CalendarCache, CalendarReader, Clock, MemoryCache, ReaderSettings, SystemClock};
use optigov_counter::{Municipality, WhenUnavailable};
use secrecy::SecretString;

use crate::{
    Availability, Error,
    connect::{ProvidedSecrets, exchange_client, exchange_online_client},
    places::{Namespaces, Places},
    setup::{HowToRead, Setup},
};

/// Bytes that the default cache may hold: about 4 million entries.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// The longest that a cache is waited for; then the calendar is read instead.
const CACHE_ANSWERS: Duration = Duration::from_secs(2);
/// How long the default cache keeps readings where none may serve stale.
const KEEP: Duration = Duration::from_secs(3600);

/// Sets up an [`Availability`]; made by [`Availability::for_municipality`].
#[must_use]
pub struct AvailabilityBuilder {
    municipality: Arc<Municipality>,
    cache: Option<Arc<dyn CalendarCache>>,
    parts: Parts,
}

/// What the builder was told and the facade needs again when the configuration changes.
pub(crate) struct Parts {
    source: Option<Arc<dyn CalendarSource>>,
    secrets: ProvidedSecrets,
    pub(crate) cache: Arc<dyn CalendarCache>,
    pub(crate) clock: Arc<dyn Clock>,
    when_unavailable: Option<WhenUnavailable>,
    time_to_live: Duration,
    live_time_to_live: Duration,
    read_ahead: Duration,
    patience: Duration,
    deadline: Option<Duration>,
}

impl AvailabilityBuilder {
    pub(crate) fn new(municipality: Arc<Municipality>) -> AvailabilityBuilder {
        AvailabilityBuilder {
            municipality,
            cache: None,
            parts: Parts {
                source: None,
                secrets: ProvidedSecrets::none(),
                cache: Arc::new(MemoryCache::new(0, KEEP)),
                clock: Arc::new(SystemClock),
                when_unavailable: None,
                time_to_live: Duration::from_secs(60),
                live_time_to_live: Duration::from_secs(15 * 60),
                read_ahead: Duration::ZERO,
                patience: Duration::from_secs(1),
                deadline: None,
            },
        }
    }

    /// Where calendars come from. Default: the municipality's Exchange connection; with one to its own server and one to Exchange Online, each mailbox is read
    /// where it lies ([`Municipality::location_of`]).
    pub fn source(mut self, source: impl CalendarSource + 'static) -> AvailabilityBuilder {
        self.parts.source = Some(Arc::new(source));
        self
    }

    /// The service account's password or token, where the service keeps it. Default: what the connection refers to.
    pub fn secret(mut self, secret: impl Into<SecretString>) -> AvailabilityBuilder {
        self.parts.secrets = self.parts.secrets.account(secret);
        self
    }

    /// The client secret of the application that reads Exchange Online, where the service keeps it. Default: what the connection refers to.
    pub fn online_secret(mut self, secret: impl Into<SecretString>) -> AvailabilityBuilder {
        self.parts.secrets = self.parts.secrets.online(secret);
        self
    }

    /// The proxy's password, where the service keeps it. Default: what the connection refers to.
    pub fn proxy_secret(mut self, secret: impl Into<SecretString>) -> AvailabilityBuilder {
        self.parts.secrets = self.parts.secrets.proxy(secret);
        self
    }

    /// Where readings are kept. Default: a [`MemoryCache`] of 64 MiB.
    pub fn cache(mut self, cache: impl CalendarCache + 'static) -> AvailabilityBuilder {
        self.cache = Some(Arc::new(cache));
        self
    }

    /// Tells the current time. Default: [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> AvailabilityBuilder {
        self.parts.clock = Arc::new(clock);
        self
    }

    /// What happens to counters whose calendars cannot be read. Default: what the connection says, else `Close`.
    pub fn when_unavailable(mut self, policy: WhenUnavailable) -> AvailabilityBuilder {
        self.parts.when_unavailable = Some(policy);
        self
    }

    /// How old a reading may be to serve without asking again. Default: 60 s.
    pub fn time_to_live(mut self, age: Duration) -> AvailabilityBuilder {
        self.parts.time_to_live = age;
        self
    }

    /// How old a reading may be to serve without asking again while its mailbox is proven to be watched
    /// ([`keep_fresh`](Availability::keep_fresh)) and nothing has changed in it. Default: 15 min.
    pub fn live_time_to_live(mut self, age: Duration) -> AvailabilityBuilder {
        self.parts.live_time_to_live = age;
        self
    }

    /// A reading that serves a call and will expire within this time is read again in the background. Default: 0, no reading ahead; at most
    /// half the time to live.
    pub fn read_ahead(mut self, before: Duration) -> AvailabilityBuilder {
        self.parts.read_ahead = before;
        self
    }

    /// Where what was read last may serve (`ServeStale`): how long a list waits for a new reading before the old one serves, and the new one is made
    /// behind the answer. Default: 1 s.
    pub fn patience(mut self, patience: Duration) -> AvailabilityBuilder {
        self.parts.patience = patience;
        self
    }

    /// The longest that a call may take, whatever Exchange does. Default: the connection's deadline for a call, the longer one of two; without a connection 30 s.
    pub fn deadline(mut self, deadline: Duration) -> AvailabilityBuilder {
        self.parts.deadline = Some(deadline);
        self
    }

    /// The facade, ready to be called. Nothing is sent yet.
    ///
    /// # Errors
    /// [`is_setup`](Error::is_setup): a counter's Exchange sync is on, but there is neither a connection nor a source; or a secret or a file
    /// that the connection refers to is missing or cannot be used.
    pub fn build(self) -> Result<Availability, Error> {
        let AvailabilityBuilder { municipality, cache, mut parts } = self;
        let keep = match parts.policy(&municipality) {
            WhenUnavailable::ServeStale { up_to } => up_to.max(parts.time_to_live),
            _ => KEEP.max(parts.time_to_live),
        };
        let keep = keep.max(parts.live_time_to_live);
        parts.cache = cache.unwrap_or_else(|| Arc::new(MemoryCache::new(CACHE_BYTES, keep)));
        let how = parts.how_to_read(&municipality, None)?;
        Ok(Availability::assemble(Setup::new(municipality, how), parts))
    }
}

impl fmt::Debug for AvailabilityBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AvailabilityBuilder")
            .field("time_to_live", &self.parts.time_to_live)
            .field("deadline", &self.parts.deadline)
            .finish_non_exhaustive()
    }
}

impl Parts {
    /// How the calendars of a municipality are read. Where the connection is the same as before, so is the client, with its connections and what it
    /// has learned.
    pub(crate) fn how_to_read(&self, municipality: &Municipality, before: Option<&Setup>) -> Result<HowToRead, Error> {
        let (own, online) = (municipality.exchange(), municipality.exchange_online());
        let when_unavailable = self.policy(municipality);
        let timeouts = [own.map(|own| own.route().timeout()), online.map(|online| online.route().timeout())];
        let deadline = self.deadline.or(timeouts.into_iter().flatten().max()).unwrap_or(Route::TIMEOUT);
        let kept = before.filter(|before| {
            let as_before = (before.municipality.exchange(), before.municipality.exchange_online());
            as_before == (own, online) && before.deadline == deadline
        });
        if let Some(before) = kept {
            return Ok(HowToRead { when_unavailable, deadline, ..before.how_to_read() });
        }
        let namespaces = Arc::new(Namespaces::of(municipality));
        let places = Places::new(municipality.clone());
        let source: Arc<dyn CalendarSource> = match (&self.source, own, online) {
            (Some(source), ..) => Arc::clone(source),
            (None, Some(own), Some(online)) => {
                let own = exchange_client(own, &self.secrets)?;
                let online = exchange_online_client(online, &self.secrets)?;
                Arc::new(places.source(own, online, &namespaces.found))
            }
            (None, Some(own), None) => Arc::new(exchange_client(own, &self.secrets)?),
            (None, None, Some(online)) => Arc::new(exchange_online_client(online, &self.secrets)?),
            (None, None, None) if municipality.counters().any(|counter| counter.exchange_sync().is_on()) => {
                return Err(Error::setup(
                    "bei einem Schalter ist der Exchange-Abgleich an, aber es gibt keine Verbindung zu Exchange",
                    "a counter's Exchange sync is on, but there is no connection to Exchange",
                ));
            }
            (None, None, None) => Arc::new(MemorySource::new()),
        };
        let mut settings = ReaderSettings::default();
        settings.time_to_live = self.time_to_live;
        settings.live_time_to_live = self.live_time_to_live;
        settings.read_ahead = self.read_ahead;
        settings.patience = self.patience;
        settings.serve_stale = match when_unavailable {
            WhenUnavailable::ServeStale { up_to } => Some(up_to),
            _ => None,
        };
        // Readings outlast the calls that wait for them by far, but not for ever.
        settings.reading = deadline.saturating_mul(4);
        settings.cache = (deadline / 4).min(CACHE_ANSWERS);
        let reader = CalendarReader::new(source, Arc::clone(&self.cache), Arc::clone(&self.clock), settings);
        places.tell(&reader);
        Ok(HowToRead { reader, namespaces, places, when_unavailable, deadline })
    }

    fn policy(&self, municipality: &Municipality) -> WhenUnavailable {
        self.when_unavailable.unwrap_or_else(|| municipality.when_unavailable())
    }
}
