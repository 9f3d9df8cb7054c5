//! Opening a connection: name resolution, the proxy, the local address, TLS.

use std::{
    future::{Future, poll_fn},
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    vec,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderValue, Uri};
use hyper_util::{
    client::legacy::connect::{
        HttpConnector,
        dns::Name,
        proxy::{SocksV5, Tunnel},
    },
    rt::TokioIo,
};
use optigov_calendar::{Proxy, ProxyKind, ReadError, ReadErrorKind, Route, Text};
use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, ServerName},
};
use secrecy::ExposeSecret;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use crate::{
    certificate::{self, Shown},
    error::configuration,
    failure::{BoxError, Phase, classify, through_proxy, too_late},
    resolve::{ResolveError, Resolver},
    tls::Tls,
};

/// A [`Route`] with what is built from it once: everything about the way to the server that does not change from request to request.
pub struct Connector {
    route: Route,
    tls: Tls,
    resolver: Resolver,
    user_agent: HeaderValue,
}

/// A stream to the server, encrypted or (on loopback only) not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection and what its TLS handshake told.
pub struct Dialled {
    pub(crate) stream: Box<dyn Stream>,
    pub(crate) leaf: Option<CertificateDer<'static>>,
    tls: Option<rustls::ProtocolVersion>,
}

impl Dialled {
    /// The version of TLS, such as `TLS 1.3`. `None` where the URL is `http`.
    pub fn tls_version(&self) -> Option<&'static str> {
        self.tls.map(certificate::version_name)
    }
}

impl Connector {
    /// Reads the route's certificates. Requests name the client by `user_agent`.
    ///
    /// # Errors
    /// [`ReadError::is_configuration`] when a certificate of the route cannot be used.
    pub fn new(route: Route, user_agent: HeaderValue) -> Result<Connector, ReadError> {
        Ok(Connector {
            tls: Tls::new(&route)?,
            resolver: Resolver::new(route.resolve_to().map(|address| (route.host().to_owned(), address))),
            user_agent,
            route,
        })
    }

    /// The way to the server.
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// How the client names itself.
    pub fn user_agent(&self) -> &HeaderValue {
        &self.user_agent
    }

    /// Opens a connection as far as TLS, within the time for connecting.
    ///
    /// # Errors
    /// What keeps it from coming about, with the step at which the way ended.
    pub async fn dial(&self) -> Result<Dialled, ReadError> {
        let dialled = async { self.secure(self.connect().await?, self.tls.config.clone()).await };
        timeout(self.route.connect_timeout(), dialled).await.unwrap_or_else(|_| Err(too_late()))
    }

    /// The addresses that a connection would go to: the server's, or those of the proxy that looks for the server itself.
    ///
    /// # Errors
    /// [`ReadErrorKind::Resolve`], or [`ReadErrorKind::Proxy`] where the name is the proxy's.
    pub async fn addresses(&self) -> Result<Vec<IpAddr>, ReadError> {
        let first = self.route.proxy().filter(|proxy| proxy.kind() != ProxyKind::Socks5);
        let host = first.map_or(self.route.host(), |proxy| proxy.url().host_str().unwrap_or_default());
        let found = self.resolver.addresses(host.trim_matches(['[', ']']));
        let found = match timeout(self.route.connect_timeout(), found).await {
            Ok(found) => found.map_err(|error| classify(error, Phase::Connecting)),
            Err(_) => {
                let fact = Text::fixed("kein Namensserver (DNS) antwortet", "no name server (DNS) answers");
                Err(ReadError::new(ReadErrorKind::Resolve, fact))
            }
        };
        let found = found.map_err(|failure| match first {
            Some(proxy) => through_proxy(failure, proxy),
            None => failure,
        })?;
        Ok(found.into_iter().map(|address| address.ip()).collect())
    }

    /// Opens the TCP connection, through the proxy if there is one, within the time for connecting.
    ///
    /// # Errors
    /// What keeps it from coming about; the proxy's refusal is [`ReadErrorKind::Proxy`].
    pub async fn connect(&self) -> Result<TcpStream, ReadError> {
        timeout(self.route.connect_timeout(), self.connect_untimed()).await.unwrap_or_else(|_| Err(too_late()))
    }

    /// The TLS handshake over an open connection, and the certificate that the server showed in it. For a connection check, which reports both.
    ///
    /// # Errors
    /// What keeps the handshake from ending well; the certificate may have been shown all the same.
    pub(crate) async fn secure_and_show(&self, stream: TcpStream) -> (Result<Dialled, ReadError>, Option<Shown>) {
        let (config, shown) = match certificate::recording(&self.tls) {
            Ok(recording) => recording,
            Err(error) => return (Err(error), None),
        };
        let secured = timeout(self.route.connect_timeout(), self.secure(stream, config)).await;
        (secured.unwrap_or_else(|_| Err(silent_handshake())), Some(shown))
    }

    /// The TLS handshake, unless the URL is `http`.
    async fn secure(&self, stream: TcpStream, config: ClientConfig) -> Result<Dialled, ReadError> {
        if self.route.url().scheme() != "https" {
            return Ok(Dialled { stream: Box::new(stream), leaf: None, tls: None });
        }
        let name = ServerName::try_from(self.route.host().to_owned()).map_err(|error| {
            configuration("kein Zertifikat kann auf diesen Namen lauten", "no certificate can bear this name")
                .with_source(error)
        })?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(handshake_failed)?;
        let session = stream.get_ref().1;
        let leaf = session.peer_certificates().and_then(|chain| chain.first()).map(|leaf| leaf.clone().into_owned());
        let tls = session.protocol_version();
        Ok(Dialled { stream: Box::new(stream), leaf, tls })
    }

    async fn connect_untimed(&self) -> Result<TcpStream, ReadError> {
        let route = &self.route;
        let mut direct = HttpConnector::new_with_resolver(self.resolver.clone());
        direct.enforce_http(false);
        direct.set_nodelay(true);
        direct.set_local_address(route.local_address());
        direct.set_connect_timeout(Some(route.connect_timeout()));
        let url = route.url();
        let target = uri(url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(443))?;
        let Some(proxy) = route.proxy() else { return call(direct, target).await };
        let by = proxy.url();
        let by = uri(by.host_str().unwrap_or_default(), by.port_or_known_default().unwrap_or(1080))?;
        if proxy.kind() == ProxyKind::Http {
            let tunnel = Tunnel::new(by, direct);
            let tunnel = match basic(proxy)? {
                Some(value) => tunnel.with_auth(value),
                None => tunnel,
            };
            return call(tunnel, target).await.map_err(|failure| through_proxy(failure, proxy));
        }
        let socks = SocksV5::new(by, direct);
        let socks = match proxy.login() {
            Some((user, password)) => socks.with_auth(user.to_owned(), password.expose_secret().to_owned()),
            None => socks,
        };
        let target = match proxy.kind() {
            ProxyKind::Socks5 => self.resolved(&target).await?,
            _ => target,
        };
        call(socks, target).await.map_err(|failure| through_proxy(failure, proxy))
    }

    /// The target by its first address.
    async fn resolved(&self, target: &Uri) -> Result<Uri, ReadError> {
        let found = self.resolver.addresses(self.route.host()).await;
        let addresses = found.map_err(|error| classify(error, Phase::Connecting))?;
        match addresses.first().map(SocketAddr::ip) {
            Some(IpAddr::V6(address)) => uri(&format!("[{address}]"), target.port_u16().unwrap_or(443)),
            Some(address) => uri(&address.to_string(), target.port_u16().unwrap_or(443)),
            None => Ok(target.clone()),
        }
    }
}

fn silent_handshake() -> ReadError {
    let fact =
        Text::fixed("der Server antwortet nicht auf den TLS-Handshake", "the server does not answer the TLS handshake");
    ReadError::new(ReadErrorKind::Timeout, fact)
}

fn handshake_failed(error: io::Error) -> ReadError {
    let error = classify(error, Phase::Connecting);
    if error.is_tls() {
        return error;
    }
    let fact = Text::fixed(
        "die Verbindung brach während des TLS-Handshakes ab",
        "the connection was lost during the TLS handshake",
    );
    ReadError::new(ReadErrorKind::Tls, fact).with_source(error)
}

async fn call<S>(mut service: S, target: Uri) -> Result<TcpStream, ReadError>
where
    S: Service<Uri, Response = TokioIo<TcpStream>>,
    S::Error: Into<BoxError>,
{
    let failed = |error: S::Error| classify(error, Phase::Connecting);
    poll_fn(|context| service.poll_ready(context)).await.map_err(failed)?;
    Ok(service.call(target).await.map_err(failed)?.into_inner())
}

fn uri(host: &str, port: u16) -> Result<Uri, ReadError> {
    let uri = Uri::builder().scheme("http").authority(format!("{host}:{port}")).path_and_query("/").build();
    uri.map_err(|error| {
        configuration("dieser Name kann in keiner Adresse stehen", "this name cannot be part of a URL")
            .with_source(error)
    })
}

fn basic(proxy: &Proxy) -> Result<Option<HeaderValue>, ReadError> {
    let Some((user, password)) = proxy.login() else { return Ok(None) };
    let pair = BASE64_STANDARD.encode(format!("{user}:{}", password.expose_secret()));
    let value = HeaderValue::from_str(&format!("Basic {pair}"));
    value.map(Some).map_err(|error| {
        configuration("der Proxy lässt sich so nicht verwenden", "the proxy cannot be used like this")
            .with_source(error)
    })
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = ResolveError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ResolveError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ResolveError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.clone();
        Box::pin(async move { Ok(resolver.addresses(name.as_str()).await?.into_iter()) })
    }
}
