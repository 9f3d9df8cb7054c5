//! The tickets of one account, shared by all connections.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use optigov_calendar::ReadError;
use tokio::time::Instant;

use super::{
    exchange::{KdcExchange, life},
    failure::is_about_the_granting_ticket,
    renewing::{Life, Renewing},
};
use crate::kerberos::Kerberos;

/// A ticket for one service. It is no part of any text.
pub(crate) struct Ticket {
    pub(crate) credentials: krb5::Credentials,
    fetched: Instant,
}

/// A ticket older than this may have been outlived by the service's key, and a refusal that gives no reason is answered with a new one.
const OLD: Duration = Duration::from_secs(60);

impl Ticket {
    pub(crate) fn is_old(&self) -> bool {
        self.fetched.elapsed() >= OLD
    }
}

/// Tickets for the services of one account: the granting ticket once, and one ticket for each service.
pub(crate) struct Tickets {
    exchange: Arc<KdcExchange>,
    granting: Arc<tokio::sync::Mutex<Option<Arc<krb5::Credentials>>>>,
    services: Mutex<HashMap<String, Arc<Renewing<Ticket>>>>,
    failure_lasts: Duration,
}

impl Tickets {
    /// A failure to get a ticket is remembered for `failure_lasts`: where there is another way, nobody should wait for the KDC each time.
    pub(crate) fn new(kerberos: Kerberos, failure_lasts: Duration) -> Tickets {
        Tickets {
            exchange: Arc::new(KdcExchange::new(kerberos)),
            granting: Arc::default(),
            services: Mutex::default(),
            failure_lasts,
        }
    }

    pub(crate) fn kerberos(&self) -> &Kerberos {
        self.exchange.kerberos()
    }

    /// Opens a connection to a KDC, for the connection check: its address.
    pub(crate) async fn reach(&self) -> Result<IpAddr, ReadError> {
        self.exchange.reach().await
    }

    /// A ticket for the service of this host. A verdict on the account is remembered for `lock_lasts`.
    pub(crate) async fn ticket(&self, host: &str, lock_lasts: Duration) -> Result<Arc<Ticket>, ReadError> {
        let service = self.kerberos().settings().service(host);
        let (exchange, granting) = (self.exchange.clone(), self.granting.clone());
        let renewing = self.renewing(&service, lock_lasts);
        renewing.get(now(), || fetch(exchange, granting, service)).await
    }

    /// The server refuses this ticket: the next one is fetched anew, unless that has been done already.
    pub(crate) fn refused(&self, host: &str, ticket: &Arc<Ticket>) {
        self.renewing(&self.kerberos().settings().service(host), Duration::ZERO).drop_value(ticket);
    }

    fn renewing(&self, service: &str, lock_lasts: Duration) -> Arc<Renewing<Ticket>> {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        services
            .entry(service.to_owned())
            .or_insert_with(|| Arc::new(Renewing::new(lock_lasts, self.failure_lasts)))
            .clone()
    }
}

/// Fetches a service's ticket, and a granting ticket where there is none that will do.
async fn fetch(
    exchange: Arc<KdcExchange>,
    granting: Arc<tokio::sync::Mutex<Option<Arc<krb5::Credentials>>>>,
    service: String,
) -> Result<(Ticket, Life), ReadError> {
    let mut held = granting.lock().await;
    let kept = held.clone().filter(|ticket| life(ticket).is_fresh(now()));
    if let Some(kept) = kept {
        match exchange.service_ticket(&kept, &service).await {
            Err(error) if is_about_the_granting_ticket(&error) => *held = None,
            result => return result.map(granted),
        }
    }
    let fresh = Arc::new(exchange.granting_ticket().await?);
    *held = Some(fresh.clone());
    exchange.service_ticket(&fresh, &service).await.map(granted)
}

fn granted(ticket: krb5::Credentials) -> (Ticket, Life) {
    let life = life(&ticket);
    tracing::debug!(seconds = life.until - now(), "a ticket for the service was granted");
    (Ticket { credentials: ticket, fetched: Instant::now() }, life)
}

/// Seconds since 1970, by this machine's clock.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
