//! The exchange with the KDC: a ticket-granting ticket for the account, and with it a ticket for the service.
//!
//! The password's exchange goes to one KDC, over TCP: over UDP, and to a second KDC, the same request would be sent again while the first answer is
//! awaited, and each time could count as a wrong password. The service's ticket is asked for as the library does it, TCP first.

use std::{
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use krb5::{AsyncKdcClient, Credentials, KdcClient, Krb5Conf, Principal};
use optigov_calendar::ReadError;
use secrecy::ExposeSecret;
use tokio::{
    net::{TcpStream, lookup_host},
    time::{Instant, timeout, timeout_at},
};
use tracing::{instrument::WithSubscriber, subscriber::NoSubscriber};

use super::{
    account::principal,
    failure::{Asked, Exchange, no_kdc, silent_kdc, unreachable_kdc},
    keytab,
    renewing::Life,
};
use crate::kerberos::{Kerberos, LongTermKey};

/// A KDC that takes no connection within this time is passed over.
const CONNECT: Duration = Duration::from_secs(3);
/// A service's name and its host (RFC 4120, 6.2).
const NT_SRV_HST: i32 = 3;
/// The port of a KDC.
const PORT: u16 = 88;

/// Gets tickets for one account.
pub(crate) struct KdcExchange {
    kerberos: Kerberos,
    realm: String,
    /// The KDC to begin with: after one that failed, the next.
    first: AtomicUsize,
}

/// A way to the KDCs of the realm.
struct Kdcs {
    conf: Krb5Conf,
    client: AsyncKdcClient,
}

impl KdcExchange {
    pub(crate) fn new(kerberos: Kerberos) -> KdcExchange {
        KdcExchange { realm: kerberos.settings().realm(), kerberos, first: AtomicUsize::new(0) }
    }

    pub(crate) fn kerberos(&self) -> &Kerberos {
        &self.kerberos
    }

    /// A ticket-granting ticket by password or keytab.
    pub(crate) async fn granting_ticket(&self) -> Result<Credentials, ReadError> {
        let deadline = self.deadline();
        self.in_time(deadline, async {
            let kdcs = self.kdcs().await?;
            let kdc = self.reachable(&kdcs, deadline).await?.to_string();
            let realm = self.realm.as_str();
            let defaults = kdcs.conf.client_defaults(realm).map_err(|_| no_kdc(realm))?;
            let client = KdcClient::new(realm, [kdc.as_str()]).with_defaults(&defaults).with_udp(false);
            let client = AsyncKdcClient::new(client.with_timeout(self.kerberos.settings().timeout()));
            let principal = principal(self.kerberos.settings());
            let got = match self.kerberos.key() {
                LongTermKey::Password(password) => {
                    client.login_with_password(&principal, password.expose_secret()).await
                }
                LongTermKey::Keytab(bytes) => client.login_with_keytab(&principal, &keytab::read(bytes)?).await,
            };
            got.map_err(|error| {
                let failed = self.asked(Exchange::Account, &kdc, "").failed(&error);
                if matches!(error, krb5::ClientError::Unreachable { .. }) {
                    self.first.fetch_add(1, Ordering::Relaxed);
                }
                failed
            })
        })
        .await
    }

    /// A ticket for the service.
    pub(crate) async fn service_ticket(&self, granting: &Credentials, service: &str) -> Result<Credentials, ReadError> {
        self.in_time(self.deadline(), async {
            let kdcs = self.kdcs().await?;
            let client = kdcs.client.into_client().with_udp_preference_limit(0).with_timeout(CONNECT);
            let kdc = client.kdcs().join(", ");
            let (name, realm) = service.split_once('@').unwrap_or((service, ""));
            let principal = Principal::new(NT_SRV_HST, name.split('/'), realm.to_ascii_uppercase());
            let got = AsyncKdcClient::new(client).service_ticket(granting, &principal).await;
            got.map_err(|error| self.asked(Exchange::Service, &kdc, service).failed(&error))
        })
        .await
    }

    /// Reaches a KDC, for the connection check: its address.
    pub(crate) async fn reach(&self) -> Result<IpAddr, ReadError> {
        let deadline = self.deadline();
        self.in_time(deadline, async {
            let kdc = self.reachable(&self.kdcs().await?, deadline).await?;
            Ok(kdc.ip())
        })
        .await
    }

    fn deadline(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(self.kerberos.settings().timeout()).unwrap_or_else(|| now + Duration::from_secs(86_400))
    }

    fn asked<'a>(&'a self, exchange: Exchange, kdc: &'a str, service: &'a str) -> Asked<'a> {
        let keytab = matches!(self.kerberos.key(), LongTermKey::Keytab(_));
        Asked { exchange, realm: &self.realm, kdc, service, keytab }
    }

    /// Within the deadline for tickets, and with the library's logs turned off: they hold names.
    async fn in_time<T>(
        &self,
        deadline: Instant,
        work: impl Future<Output = Result<T, ReadError>>,
    ) -> Result<T, ReadError> {
        let quiet = work.with_subscriber(NoSubscriber::default());
        timeout_at(deadline, quiet).await.unwrap_or_else(|_| Err(silent_kdc(&self.realm)))
    }

    /// The KDCs that are given, those of `krb5.conf`, or those of the DNS.
    async fn kdcs(&self) -> Result<Kdcs, ReadError> {
        let realm = self.realm.as_str();
        let given = self.kerberos.settings().kdcs();
        let conf = match (given, self.kerberos.configuration()) {
            ([], Some(text)) => Krb5Conf::parse(text),
            ([], None) => Krb5Conf::load_default(),
            _ => {
                let lines = rotated(given, self.first.load(Ordering::Relaxed)).map(|kdc| format!("  kdc = {kdc}\n"));
                Krb5Conf::parse(&format!("[realms]\n {realm} = {{\n{} }}\n", lines.collect::<String>()))
            }
        };
        let conf = conf.map_err(|_| no_kdc(realm))?;
        let client = AsyncKdcClient::from_config(&conf, realm).await.map_err(|_| no_kdc(realm))?;
        Ok(Kdcs { conf, client })
    }

    /// The first KDC that takes a connection, as an address and a port.
    async fn reachable(&self, kdcs: &Kdcs, deadline: Instant) -> Result<SocketAddr, ReadError> {
        let names = kdcs.client.client().kdcs();
        let given = !self.kerberos.settings().kdcs().is_empty();
        let first = if given { 0 } else { self.first.load(Ordering::Relaxed) };
        for name in rotated(names, first) {
            let addresses = timeout(CONNECT, lookup_host(with_port(name))).await;
            for address in addresses.into_iter().flatten().flatten() {
                let until = deadline.min(Instant::now() + CONNECT);
                if let Ok(Ok(_)) = timeout_at(until, TcpStream::connect(address)).await {
                    return Ok(address);
                }
            }
        }
        Err(unreachable_kdc(&self.realm, &names.join(", ")))
    }
}

/// When a ticket is good.
pub(crate) fn life(ticket: &Credentials) -> Life {
    Life { from: ticket.starttime.unwrap_or(ticket.authtime), until: ticket.endtime }
}

fn rotated(names: &[String], first: usize) -> impl Iterator<Item = &String> {
    let first = first.checked_rem(names.len()).unwrap_or_default();
    names[first..].iter().chain(&names[..first])
}

/// The address with the KDCs' port, unless it has one.
fn with_port(name: &str) -> String {
    let bare = name.trim_matches(['[', ']']);
    match bare.parse::<std::net::Ipv6Addr>() {
        Ok(address) => format!("[{address}]:{PORT}"),
        Err(_) if name.contains(':') => name.to_owned(),
        Err(_) => format!("{name}:{PORT}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_88_unless_one_is_given() {
        let ports = ["dc1", "dc1:8888", "10.0.0.1", "fd00::1", "[fd00::1]", "[fd00::1]:8888"].map(with_port);
        let wanted = ["dc1:88", "dc1:8888", "10.0.0.1:88", "[fd00::1]:88", "[fd00::1]:88", "[fd00::1]:8888"];
        assert_eq!(ports, wanted);
    }

    #[test]
    fn after_a_failure_the_next_one_comes_first() {
        let names = ["a", "b", "c"].map(String::from);
        assert_eq!(rotated(&names, 4).collect::<Vec<_>>(), ["b", "c", "a"]);
        assert_eq!(rotated(&[], 4).count(), 0);
    }
}
