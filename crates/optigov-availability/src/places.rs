//! Where mailboxes lie: the names of their readings in the cache, and the source that reads each one where it lies.

use std::sync::{Arc, OnceLock, PoisonError, RwLock, Weak};

use optigov_calendar::{CalendarSource, FindingSource, Mailbox, Text};
use optigov_calendar_cache::{CacheKey, CalendarReader};
use optigov_counter::{MailboxLocation, Municipality};
use tokio::{runtime::Handle, time::Instant};

/// Tells apart, in the cache, connections that may answer differently for the same address. A mailbox that is said to lie elsewhere has other readings.
#[derive(Debug, Default)]
pub(crate) struct Namespaces {
    own: String,
    online: String,
    /// Of mailboxes whose place is found out. Their readings are void as soon as they leave their place.
    pub(crate) found: String,
}

/// The municipality in force, as the source that reads each mailbox where it lies sees it.
#[derive(Clone)]
pub(crate) struct Places {
    in_force: Arc<RwLock<Municipality>>,
    /// Who is told that a mailbox has left its place, once there is one.
    reader: Arc<OnceLock<Weak<CalendarReader>>>,
}

impl Namespaces {
    pub(crate) fn of(municipality: &Municipality) -> Namespaces {
        let own = municipality.exchange().map(|connection| {
            let (access, url) = (connection.ews_settings().access, connection.route().url());
            format!("{access:?} {url} {}", connection.account().unwrap_or_default())
        });
        let online = municipality.exchange_online().map(|connection| {
            let (settings, url) = (connection.graph_settings(), connection.route().url());
            format!("{:?} {url} {} {}", settings.access(), settings.tenant(), settings.client_id())
        });
        let (own, online) = (own.unwrap_or_default(), online.unwrap_or_default());
        Namespaces { found: format!("{own} or {online}"), own, online }
    }

    /// The name of a mailbox's readings in the cache.
    pub(crate) fn of_mailbox(&self, municipality: &Municipality, mailbox: &Mailbox) -> &str {
        match municipality.location_of(mailbox) {
            MailboxLocation::OnPremises => &self.own,
            MailboxLocation::Online => &self.online,
            _ => &self.found,
        }
    }
}

impl Places {
    pub(crate) fn new(municipality: Municipality) -> Places {
        Places { in_force: Arc::new(RwLock::new(municipality)), reader: Arc::default() }
    }

    /// From now on mailboxes lie where this municipality says.
    pub(crate) fn set(&self, municipality: &Municipality) {
        *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = municipality.clone();
    }

    /// The reader whose readings of a mailbox become void when that has left its place.
    pub(crate) fn tell(&self, reader: &Arc<CalendarReader>) {
        // It is told once, right after it was made.
        let _ = self.reader.set(Arc::downgrade(reader));
    }

    /// The source that reads each mailbox where it lies.
    pub(crate) fn source(
        &self,
        own: impl CalendarSource + 'static,
        online: impl CalendarSource + 'static,
        namespace: &str,
    ) -> FindingSource {
        let (in_force, reader, namespace) =
            (Arc::clone(&self.in_force), Arc::clone(&self.reader), namespace.to_owned());
        let location = move |mailbox: &Mailbox| {
            let in_force = in_force.read().unwrap_or_else(PoisonError::into_inner);
            match in_force.location_of(mailbox) {
                MailboxLocation::OnPremises => Some(0),
                MailboxLocation::Online => Some(1),
                _ => None,
            }
        };
        let moved = move |mailbox: &Mailbox| {
            let key = CacheKey::new(&namespace, mailbox);
            tracing::info!(mailbox = key.short(), "the mailbox has left its place: what was read of it there is void");
            metrics::counter!("optigov_calendar_moved_total").increment(1);
            let (Some(reader), Ok(runtime)) = (reader.get().and_then(Weak::upgrade), Handle::try_current()) else {
                return;
            };
            runtime.spawn(async move {
                // A cache that cannot be told is waited for no longer than for a booking.
                let deadline = Instant::now() + std::time::Duration::from_secs(10);
                if let Err(error) = reader.invalidate(&[key], deadline).await {
                    tracing::warn!(
                        mailbox = key.short(),
                        error = &error as &dyn std::error::Error,
                        "the cache cannot be told of the move"
                    );
                }
            });
        };
        FindingSource::new()
            .place(Text::fixed("Eigener Server", "Own server"), own)
            .place(Text::fixed("Exchange Online", "Exchange Online"), online)
            .rule(location)
            .on_move(moved)
    }
}
