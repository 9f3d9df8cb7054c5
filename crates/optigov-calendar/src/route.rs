//! The way to a server: address, proxy, name resolution, local address, certificates, deadlines. Valid by construction.

mod certificates;
mod proxy;

use std::{fmt, net::IpAddr, num::NonZeroUsize, time::Duration};

use rustls_pki_types::{CertificateDer, ServerName};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

pub use self::{
    certificates::ClientCertificate,
    proxy::{Proxy, ProxyKind},
};
use crate::{GraphSettings, Language, Text};

/// How a server is reached. One type for every client, with one default for each setting; a configuration's reader fills it and a client
/// takes it as it is: **what can be made here can be built**. What is in files (certificates, passwords) is added by whoever reads the files.
///
/// ```
/// use optigov_calendar::{Proxy, Route};
///
/// let route = Route::new("https://mail.musterstadt.example/EWS/Exchange.asmx")?;
/// let route = route.with_proxy(Proxy::parse("socks5://10.8.0.1:1080")?)?.with_resolve_to("10.20.0.5".parse()?)?;
/// assert_eq!(route.host(), "mail.musterstadt.example");
/// assert!(Route::new("http://mail.musterstadt.example/EWS/Exchange.asmx").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Route {
    url: Url,
    proxy: Option<Proxy>,
    resolve_to: Option<IpAddr>,
    local_address: Option<IpAddr>,
    roots: Vec<CertificateDer<'static>>,
    only_given_roots: bool,
    minimum_tls: TlsVersion,
    client_certificate: Option<ClientCertificate>,
    connect_timeout: Duration,
    idle_timeout: Duration,
    timeout: Duration,
    in_flight: NonZeroUsize,
    max_response_bytes: NonZeroUsize,
}

/// The oldest version of TLS that is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2, the default. The German BSI recommends it until the end of 2031 (TR-02102-2).
    #[default]
    #[serde(rename = "1.2")]
    Tls12,
    /// TLS 1.3.
    #[serde(rename = "1.3")]
    Tls13,
}

impl TlsVersion {
    /// Every version, the oldest first.
    pub const ALL: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];

    /// `1.2` or `1.3`.
    pub fn as_str(self) -> &'static str {
        match self {
            TlsVersion::Tls12 => "1.2",
            TlsVersion::Tls13 => "1.3",
        }
    }
}

/// A setting of a [`Route`], of [`KerberosSettings`](crate::KerberosSettings) or of [`GraphSettings`] cannot be used. It says which one, what is wrong and what to do, and repeats no value: one could hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", message.in_language(Language::English))]
pub struct InvalidRoute {
    setting: &'static str,
    message: Text,
    remedy: Text,
}

impl InvalidRoute {
    pub(crate) fn new(
        setting: &'static str,
        message: (&'static str, &'static str),
        remedy: (&'static str, &'static str),
    ) -> InvalidRoute {
        InvalidRoute { setting, message: Text::fixed(message.0, message.1), remedy: Text::fixed(remedy.0, remedy.1) }
    }

    /// The setting, by the name of its key in a configuration: `url`, `proxy`, `resolve_to` and so on.
    pub fn setting(&self) -> &'static str {
        self.setting
    }

    /// What is wrong, as one sentence.
    pub fn message(&self) -> &Text {
        &self.message
    }

    /// What to do about it, as one sentence.
    pub fn remedy(&self) -> &Text {
        &self.remedy
    }
}

/// No wait is longer than this, so that clocks do not overflow.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);
/// More requests at once than any server allows one account.
const MOST_IN_FLIGHT: usize = 1_000;

impl Route {
    /// The way to a server's address, such as `https://mail.musterstadt.example/EWS/Exchange.asmx`, with the default for everything else.
    ///
    /// # Errors
    /// Where the address is no URL, is not `https` (`http` is accepted for loopback addresses only), names no host, a host that no certificate
    /// could bear, or a user.
    pub fn new(url: &str) -> Result<Route, InvalidRoute> {
        let usual = (
            "Die Adresse lautet meist https://<Server>/EWS/Exchange.asmx.",
            "The address is usually https://<server>/EWS/Exchange.asmx.",
        );
        checked_url(url, "url", usual).map(Route::to_url)
    }

    /// The way to Microsoft Graph, by the root of its address such as [`Cloud::endpoint`](crate::Cloud::endpoint), with the default for everything else.
    ///
    /// # Errors
    /// As [`new`](Self::new), and where the address has a path or a query.
    pub fn for_graph(endpoint: &str) -> Result<Route, InvalidRoute> {
        Ok(Route { in_flight: Route::GRAPH_IN_FLIGHT, ..Route::to_url(service_root(endpoint, "endpoint")?) })
    }

    /// The way from here to the authority that issues tokens for Graph: the same proxy, local address, certificates and deadlines. An address that was given
    /// for Graph's own host holds for that host only.
    pub fn to_authority(&self, settings: &GraphSettings) -> Route {
        let url = settings.authority().clone();
        let resolve_to = self.resolve_to.filter(|_| url.host() == self.url.host());
        Route { url, resolve_to, ..self.clone() }
    }

    fn to_url(url: Url) -> Route {
        Route {
            url,
            proxy: None,
            resolve_to: None,
            local_address: None,
            roots: Vec::new(),
            only_given_roots: false,
            minimum_tls: TlsVersion::default(),
            client_certificate: None,
            connect_timeout: Route::CONNECT_TIMEOUT,
            idle_timeout: Route::IDLE_TIMEOUT,
            timeout: Route::TIMEOUT,
            in_flight: Route::IN_FLIGHT,
            max_response_bytes: Route::MAX_RESPONSE_BYTES,
        }
    }

    /// The default deadline for opening a connection, TLS included: 10 s.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
    /// The default for how long the server may send nothing while an answer is awaited: 20 s.
    pub const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
    /// The default deadline for one call: 30 s.
    pub const TIMEOUT: Duration = Duration::from_secs(30);
    /// The default number of requests at once: 10, the least `EWSMaxConcurrency` that Microsoft documents.
    pub const IN_FLIGHT: NonZeroUsize = NonZeroUsize::new(10).expect("not zero");
    /// The default number of requests at once to Graph: 4, which Microsoft documents for an application.
    pub const GRAPH_IN_FLIGHT: NonZeroUsize = NonZeroUsize::new(4).expect("not zero");
    /// The default for the largest answer that is read: 64 MiB.
    pub const MAX_RESPONSE_BYTES: NonZeroUsize = NonZeroUsize::new(64 << 20).expect("not zero");

    /// Goes through this proxy. Default: none; the environment's proxy variables are not read.
    ///
    /// # Errors
    /// Where the proxy finds the server's address itself, although one is given.
    pub fn with_proxy(self, proxy: Proxy) -> Result<Route, InvalidRoute> {
        Route { proxy: Some(proxy), ..self }.checked()
    }

    /// Connects to this address instead of asking the DNS for the URL's host. The certificate must still bear the host's name.
    ///
    /// # Errors
    /// Where the URL's host is an address already, where a proxy finds the server's address itself (`http://`, `socks5h://`), or where the
    /// local address is of the other IP version.
    pub fn with_resolve_to(self, address: IpAddr) -> Result<Route, InvalidRoute> {
        Route { resolve_to: Some(address), ..self }.checked()
    }

    /// Binds outgoing connections to this address, such as the VPN tunnel's.
    ///
    /// # Errors
    /// Where it is of another IP version than the server's address that is given.
    pub fn with_local_address(self, address: IpAddr) -> Result<Route, InvalidRoute> {
        Route { local_address: Some(address), ..self }.checked()
    }

    /// Trusts the certification authorities in this file, besides the system's own: one or several certificates as PEM, or one as DER, with or
    /// without a byte order mark. May be called again.
    ///
    /// # Errors
    /// Where it holds no certificate.
    pub fn with_root_certificates(mut self, file: &[u8]) -> Result<Route, InvalidRoute> {
        self.roots.extend(certificates::read(file, "ca_file")?);
        Ok(self)
    }

    /// Trusts only the authorities given with [`with_root_certificates`](Self::with_root_certificates), not the system's.
    pub fn with_only_given_roots(self) -> Route {
        Route { only_given_roots: true, ..self }
    }

    /// The oldest TLS version to speak. Default: TLS 1.2.
    pub fn with_minimum_tls(self, version: TlsVersion) -> Route {
        Route { minimum_tls: version, ..self }
    }

    /// Shows this certificate to servers that ask the client for one.
    pub fn with_client_certificate(self, certificate: ClientCertificate) -> Route {
        Route { client_certificate: Some(certificate), ..self }
    }

    /// Deadline for opening a connection, TLS included; at least 1 ms. Default: 10 s.
    pub fn with_connect_timeout(self, deadline: Duration) -> Route {
        Route { connect_timeout: usable(deadline), ..self }
    }

    /// How long the server may send nothing while an answer is awaited; at least 1 ms. Default: 20 s.
    pub fn with_idle_timeout(self, deadline: Duration) -> Route {
        Route { idle_timeout: usable(deadline), ..self }
    }

    /// Total deadline for one call: connecting, waiting when throttled, every request that the call is split into; at least 1 ms. Default: 30 s.
    pub fn with_timeout(self, deadline: Duration) -> Route {
        Route { timeout: usable(deadline), ..self }
    }

    /// Requests in flight at once, at most 1,000. Default: 10.
    pub fn with_in_flight(self, requests: NonZeroUsize) -> Route {
        let most = NonZeroUsize::new(MOST_IN_FLIGHT).unwrap_or(NonZeroUsize::MIN);
        Route { in_flight: requests.min(most), ..self }
    }

    /// The largest answer that is read. Default: 64 MiB.
    pub fn with_max_response_bytes(self, bytes: NonZeroUsize) -> Route {
        Route { max_response_bytes: bytes, ..self }
    }

    /// The server's address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The host in the server's address; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// The proxy to go through.
    pub fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// The address of the host in the URL, when DNS is not to be asked.
    pub fn resolve_to(&self) -> Option<IpAddr> {
        self.resolve_to
    }

    /// The local address to connect from.
    pub fn local_address(&self) -> Option<IpAddr> {
        self.local_address
    }

    /// The certification authorities given.
    pub fn root_certificates(&self) -> &[CertificateDer<'static>] {
        &self.roots
    }

    /// Whether the system's own authorities are not trusted.
    pub fn only_given_roots(&self) -> bool {
        self.only_given_roots
    }

    /// The oldest TLS version to speak.
    pub fn minimum_tls(&self) -> TlsVersion {
        self.minimum_tls
    }

    /// The certificate for servers that ask the client for one.
    pub fn client_certificate(&self) -> Option<&ClientCertificate> {
        self.client_certificate.as_ref()
    }

    /// Deadline for opening a connection, TLS included.
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// How long the server may send nothing while an answer is awaited.
    pub fn idle_timeout(&self) -> Duration {
        self.idle_timeout
    }

    /// Total deadline for one call.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Requests in flight at once.
    pub fn in_flight(&self) -> NonZeroUsize {
        self.in_flight
    }

    /// The largest answer that is read, in bytes.
    pub fn max_response_bytes(&self) -> NonZeroUsize {
        self.max_response_bytes
    }

    /// Gives the proxy its user and password.
    ///
    /// # Errors
    /// Where there is no proxy, or it cannot carry them.
    pub fn with_proxy_login(self, user: &str, password: SecretString) -> Result<Route, InvalidRoute> {
        match self.proxy.clone() {
            Some(proxy) => self.with_proxy(proxy.with_login(user, password)?),
            None => Err(InvalidRoute::new(
                "proxy_account",
                (
                    "Es gibt ein Konto für einen Proxy, aber keinen Proxy.",
                    "There is an account for a proxy, but no proxy.",
                ),
                ("Bitte „proxy“ ergänzen oder das Konto entfernen.", "Add \"proxy\", or remove the account."),
            )),
        }
    }

    fn checked(self) -> Result<Route, InvalidRoute> {
        let Some(address) = self.resolve_to else { return Ok(self) };
        if self.proxy.as_ref().is_some_and(|proxy| proxy.kind() != ProxyKind::Socks5) {
            return Err(InvalidRoute::new(
                "resolve_to",
                (
                    "Der Proxy sucht die Adresse des Servers selbst; eine andere kann nicht vorgegeben werden.",
                    "The proxy finds the server's address itself, so no other one can be given.",
                ),
                (
                    "Bitte „resolve_to“ entfernen oder einen Proxy mit „socks5://“ verwenden.",
                    "Remove \"resolve_to\", or use a proxy with \"socks5://\".",
                ),
            ));
        }
        if !matches!(self.url.host(), Some(Host::Domain(_))) {
            return Err(InvalidRoute::new(
                "resolve_to",
                (
                    "In der Adresse des Servers steht schon eine IP-Adresse.",
                    "The server's URL names an IP address already.",
                ),
                (
                    "Bitte „resolve_to“ entfernen oder in „url“ den Namen des Servers angeben.",
                    "Remove \"resolve_to\", or give the server's name in \"url\".",
                ),
            ));
        }
        if self.local_address.is_some_and(|local| local.is_ipv4() != address.is_ipv4()) {
            return Err(InvalidRoute::new(
                "local_address",
                (
                    "Die lokale Adresse und die des Servers haben verschiedene IP-Versionen.",
                    "The local address and the server's are of different IP versions.",
                ),
                ("Bitte zwei Adressen derselben Version angeben.", "Give two addresses of the same version."),
            ));
        }
        Ok(self)
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("host", &self.host()).field("proxy", &self.proxy).finish_non_exhaustive()
    }
}

fn usable(deadline: Duration) -> Duration {
    deadline.clamp(Duration::from_millis(1), LONGEST)
}

/// The root of a service of Microsoft's: an address without a path and a query.
pub(crate) fn service_root(text: &str, setting: &'static str) -> Result<Url, InvalidRoute> {
    let usual = (
        "Bitte nur die Wurzel der Adresse angeben, wie „https://graph.microsoft.com“ oder „https://login.microsoftonline.com“.",
        "Give the root of the address only, such as \"https://graph.microsoft.com\" or \"https://login.microsoftonline.com\".",
    );
    let url = checked_url(text, setting, usual)?;
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        let cause = ("Die Adresse hat einen Pfad oder eine Abfrage.", "The address has a path or a query.");
        return Err(InvalidRoute::new(setting, cause, usual));
    }
    Ok(url)
}

/// The address of a server to which secrets may be sent.
fn checked_url(text: &str, setting: &'static str, usual: (&'static str, &'static str)) -> Result<Url, InvalidRoute> {
    let refused = |german, english| InvalidRoute::new(setting, (german, english), usual);
    let url = Url::parse(text.trim()).map_err(|_| refused("Das ist keine URL.", "This is not a URL."))?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(refused("Der Adresse fehlt der Name des Servers.", "The address names no server.")),
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    if ServerName::try_from(host).is_err() {
        return Err(refused(
            "Der Name des Servers enthält Zeichen, die kein Zertifikat tragen kann.",
            "The server's name has characters that no certificate can bear.",
        ));
    }
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        "http" => {
            return Err(InvalidRoute::new(
                setting,
                (
                    "Die Adresse beginnt mit http: Kennwort und Kalender gingen unverschlüsselt durch das Netz.",
                    "The address begins with http: password and calendars would cross the network in clear.",
                ),
                ("Bitte https verwenden.", "Use https."),
            ));
        }
        _ => return Err(refused("Diese Art von URL geht hier nicht.", "This kind of URL does not work here.")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(InvalidRoute::new(
            setting,
            ("In der Adresse steht ein Benutzername oder Kennwort.", "The address holds a user name or a password."),
            ("Bitte Konto und Kennwort getrennt angeben.", "Give account and password apart."),
        ));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://mail.musterstadt.example/EWS/Exchange.asmx";

    #[test]
    fn an_address_is_https_or_this_machine() {
        for good in [URL, "http://127.0.0.1:8080/x", "http://[::1]/x", "http://localhost/x", "https://10.0.0.1/x"] {
            assert!(Route::new(good).is_ok(), "{good}");
        }
        for wrong in [
            "",
            "mail.musterstadt.example",
            "http://mail.musterstadt.example/x",
            "ftp://mail.musterstadt.example",
            "https://svc:geheim@mail.musterstadt.example/x",
            "https://mail server/x",
        ] {
            let refused = Route::new(wrong).expect_err(wrong);
            assert_eq!(refused.setting(), "url");
            assert!(!format!("{refused:?}").contains("geheim"));
        }
    }

    #[test]
    fn an_address_cannot_be_given_where_the_proxy_finds_it() {
        let address = IpAddr::from([10, 0, 0, 1]);
        for (proxy, possible) in
            [("http://proxy:3128", false), ("socks5h://proxy:1080", false), ("socks5://proxy:1080", true)]
        {
            let proxy = Proxy::parse(proxy).expect("a proxy");
            let route = || Route::new(URL).expect("a route");
            let one = route().with_proxy(proxy.clone()).and_then(|route| route.with_resolve_to(address));
            let other = route().with_resolve_to(address).and_then(|route| route.with_proxy(proxy));
            assert_eq!((one.is_ok(), other.is_ok()), (possible, possible));
        }
        assert!(Route::new("https://10.0.0.2/x").expect("a route").with_resolve_to(address).is_err());
    }

    #[test]
    fn every_deadline_is_usable() {
        let route = Route::new(URL).expect("a route").with_timeout(Duration::MAX).with_idle_timeout(Duration::ZERO);
        assert!(std::time::Instant::now().checked_add(route.timeout()).is_some());
        assert!(!route.idle_timeout().is_zero());
    }
}
