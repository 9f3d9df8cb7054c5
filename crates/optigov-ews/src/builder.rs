use std::{net::IpAddr, sync::Arc, time::Duration};

use secrecy::SecretString;
use url::{Host, Url};

use crate::{
    Credentials, Error, EwsClient, Proxy, RequestVersion, TlsVersion,
    client::{Inner, Settings},
    transport::{
        Route, Transport, limits::Limits, proxy::ProxyKind, resolve::Resolver, tls::TlsSettings, vault::Vault,
    },
};

/// What to do when the server sends a series instead of its occurrences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnexpandedSeries {
    /// End with [`Kind::UnexpandedSeries`](crate::Kind::UnexpandedSeries). The default.
    #[default]
    Refuse,
    /// Ask that mailbox's free/busy instead, whose events know neither all-day entries nor cancelled ones.
    ReadFreeBusy,
}

/// Settings of an [`EwsClient`].
#[must_use]
pub struct EwsClientBuilder {
    url: String,
    credentials: Option<Credentials>,
    tls: TlsSettings,
    proxy: Option<Proxy>,
    resolve_to: Option<IpAddr>,
    local_address: Option<IpAddr>,
    connect_timeout: Duration,
    idle_timeout: Duration,
    credential_lock: Duration,
    max_response_bytes: usize,
    max_in_flight: usize,
    settings: Settings,
}

impl EwsClientBuilder {
    pub(crate) fn new(url: &str) -> EwsClientBuilder {
        EwsClientBuilder {
            url: url.to_owned(),
            credentials: None,
            tls: TlsSettings::default(),
            proxy: None,
            resolve_to: None,
            local_address: None,
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(20),
            credential_lock: Duration::from_secs(30 * 60),
            max_response_bytes: 64 << 20,
            max_in_flight: 10,
            settings: Settings {
                timeout: Duration::from_secs(30),
                version: RequestVersion::default(),
                series: UnexpandedSeries::default(),
                entries_per_answer: 1_000,
                mailboxes_per_request: 100,
                requests_per_call: 200,
            },
        }
    }

    /// How the account proves who it is. Without it nothing can be built.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Trusts the certification authorities in this PEM text, one or several, besides the system's own. May be called again.
    pub fn root_certificates_pem(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.tls.roots_pem.push(pem.as_ref().to_vec());
        self
    }

    /// Trusts only the authorities given with [`root_certificates_pem`](Self::root_certificates_pem), not the system's.
    pub fn only_given_roots(mut self) -> Self {
        self.tls.only_given_roots = true;
        self
    }

    /// The oldest TLS version to speak. Default: TLS 1.2.
    pub fn minimum_tls(mut self, version: TlsVersion) -> Self {
        self.tls.minimum = version;
        self
    }

    /// A certificate (with its chain) and private key, both PEM, for servers that ask the client for one.
    pub fn client_certificate_pem(mut self, certificates: impl AsRef<[u8]>, key: impl Into<SecretString>) -> Self {
        self.tls.client = Some((certificates.as_ref().to_vec(), key.into()));
        self
    }

    /// Goes through this proxy. Default: none; the environment's proxy variables are not read.
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// Connects to this address instead of asking the DNS for the URL's host. The certificate must still bear the host's name. It
    /// cannot go with a proxy that resolves names itself (`http://`, `socks5h://`).
    pub fn resolve_to(mut self, address: IpAddr) -> Self {
        self.resolve_to = Some(address);
        self
    }

    /// Binds outgoing connections to this address, such as the VPN tunnel's.
    pub fn local_address(mut self, address: IpAddr) -> Self {
        self.local_address = Some(address);
        self
    }

    /// Deadline for opening a connection, TLS included. Default: 10 s.
    pub fn connect_timeout(mut self, deadline: Duration) -> Self {
        self.connect_timeout = deadline;
        self
    }

    /// How long the server may send nothing while an answer is awaited. Default: 20 s.
    pub fn idle_timeout(mut self, deadline: Duration) -> Self {
        self.idle_timeout = deadline;
        self
    }

    /// Total deadline for one call: connecting, waiting when throttled, every request that the call is split into. Default: 30 s.
    pub fn timeout(mut self, deadline: Duration) -> Self {
        self.settings.timeout = deadline;
        self
    }

    /// How long a refused credential is not sent again, unless it is replaced by
    /// [`set_credentials`](EwsClient::set_credentials). Default: 30 min, the usual window in which directories count wrong passwords.
    pub fn credential_lock(mut self, duration: Duration) -> Self {
        self.credential_lock = duration;
        self
    }

    /// The largest answer that is read. Default: 64 MiB.
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// Requests in flight at once, over all clones of the client. Default: 10, which Exchange's own default (27) allows twice over.
    pub fn max_in_flight(mut self, requests: usize) -> Self {
        self.max_in_flight = requests;
        self
    }

    /// The most requests that one call may be split into. Default: 200.
    pub fn max_requests_per_call(mut self, requests: usize) -> Self {
        self.settings.requests_per_call = requests;
        self
    }

    /// `MaxEntriesReturned` of a calendar view; a view with more is split. Default: 1000.
    pub fn entries_per_answer(mut self, entries: u32) -> Self {
        self.settings.entries_per_answer = entries;
        self
    }

    /// Mailboxes in one free/busy request. Default: 100, the server's limit.
    pub fn mailboxes_per_request(mut self, mailboxes: usize) -> Self {
        self.settings.mailboxes_per_request = mailboxes;
        self
    }

    /// The schema version that requests name. Default: Exchange 2013.
    pub fn request_version(mut self, version: RequestVersion) -> Self {
        self.settings.version = version;
        self
    }

    /// What to do when the server does not expand series. Default: refuse.
    pub fn unexpanded_series(mut self, action: UnexpandedSeries) -> Self {
        self.settings.series = action;
        self
    }

    /// The client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::is_configuration`] when the URL is not `https` (`http` is accepted for loopback addresses only), names a user or no host;
    /// when there are no credentials; when a PEM text or a number cannot be used.
    pub fn build(self) -> Result<EwsClient, Error> {
        let url = endpoint(&self.url)?;
        let credentials = self.credentials.ok_or_else(|| Error::configuration("no credentials were given"))?;
        let counts = [
            (self.max_in_flight, "the number of requests in flight"),
            (self.max_response_bytes, "the largest answer's size"),
            (self.settings.requests_per_call, "the number of requests per call"),
            (self.settings.entries_per_answer as usize, "the number of entries per answer"),
            (self.settings.mailboxes_per_request, "the number of mailboxes per request"),
        ];
        if let Some((_, what)) = counts.iter().find(|(count, _)| *count == 0) {
            return Err(Error::configuration(format!("{what} is zero")));
        }
        if self.resolve_to.is_some() && self.proxy.as_ref().is_some_and(|proxy| proxy.kind != ProxyKind::Socks5) {
            return Err(Error::configuration("the proxy finds the server's address, so no other one can be given"));
        }
        let tls = self.tls.load()?;
        if tls.roots.is_empty() && url.scheme() == "https" {
            return Err(Error::configuration(
                "there is no root certificate to trust: the system has none, and none was given",
            ));
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        let route = Route {
            url,
            tls,
            proxy: self.proxy,
            resolver: Resolver::new(self.resolve_to.map(|address| (host, address))),
            local_address: self.local_address,
            connect_timeout: self.connect_timeout,
            idle_timeout: self.idle_timeout,
            max_response_bytes: self.max_response_bytes,
            max_in_flight: self.max_in_flight.min(1_000),
        };
        Ok(EwsClient::from_inner(Arc::new(Inner {
            transport: Transport::new(&route)?,
            limits: Limits::new(route.max_in_flight),
            vault: Vault::new(credentials, self.credential_lock),
            settings: self.settings,
            learned: Default::default(),
            route,
        })))
    }
}

fn endpoint(text: &str) -> Result<Url, Error> {
    let url = Url::parse(text.trim())
        .map_err(|error| Error::configuration("the server's address is not a URL").with_source(error))?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(Error::configuration("the server's URL names no host")),
    };
    if !(url.scheme() == "https" || url.scheme() == "http" && loopback) {
        return Err(Error::configuration("the server's URL must begin with https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::configuration("the server's URL holds a user name; credentials are given apart"));
    }
    Ok(url)
}
