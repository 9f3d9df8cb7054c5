//! Opening a connection that is ours alone: through the proxy, from the local address, with TLS.

use std::{
    future::{Future, poll_fn},
    io,
    net::IpAddr,
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
use rustls::{ClientConfig, pki_types::ServerName};
use secrecy::ExposeSecret;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::{
    Route,
    failure::{Phase, classify},
    proxy::{Proxy, ProxyKind},
    resolve::{ResolveError, Resolver},
};
use crate::{Error, Kind, error::BoxError};

/// A stream to the server, encrypted or (on loopback only) not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection and what its TLS handshake told.
pub(crate) struct Dialled {
    pub(crate) stream: Box<dyn Stream>,
    #[cfg(feature = "ntlm")]
    pub(crate) leaf: Option<rustls::pki_types::CertificateDer<'static>>,
    pub(crate) tls: Option<rustls::ProtocolVersion>,
}

/// Opens a connection as far as TLS, within the time for connecting.
#[cfg(feature = "ntlm")]
pub(crate) async fn dial(route: &Route) -> Result<Dialled, Error> {
    tokio::time::timeout(route.connect_timeout, async {
        secure(route, connect(route).await?, route.tls.config.clone()).await
    })
    .await
    .map_err(|_| super::failure::too_late())?
}

/// The addresses that a connection would go to: the server's, or those of the proxy that looks for the server itself.
pub(crate) async fn addresses(route: &Route) -> Result<Vec<IpAddr>, Error> {
    let url = match &route.proxy {
        Some(proxy) if proxy.kind != ProxyKind::Socks5 => &proxy.url,
        _ => &route.url,
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let found = route.resolver.addresses(host).await.map_err(|error| classify(error, Phase::Connecting))?;
    Ok(found.into_iter().map(|address| address.ip()).collect())
}

/// Opens the TCP connection, through the proxy if there is one.
pub(crate) async fn connect(route: &Route) -> Result<TcpStream, Error> {
    let mut direct = HttpConnector::new_with_resolver(route.resolver.clone());
    direct.enforce_http(false);
    direct.set_nodelay(true);
    direct.set_local_address(route.local_address);
    direct.set_connect_timeout(Some(route.connect_timeout));
    let target = uri(route.url.host_str().unwrap_or_default(), route.url.port_or_known_default().unwrap_or(443))?;
    let Some(proxy) = &route.proxy else { return call(direct, target).await };
    let by = uri(proxy.url.host_str().unwrap_or_default(), proxy.url.port_or_known_default().unwrap_or(1080))?;
    let through =
        |error: Error| Error::new(error.kind(), "no connection to the server through the proxy").with_source(error);
    match proxy.kind {
        ProxyKind::Http => {
            let tunnel = Tunnel::new(by, direct);
            let tunnel = match basic(proxy)? {
                Some(value) => tunnel.with_auth(value),
                None => tunnel,
            };
            call(tunnel, target).await.map_err(through)
        }
        ProxyKind::Socks5 | ProxyKind::Socks5Remote => {
            let socks = SocksV5::new(by, direct);
            let socks = match &proxy.login {
                Some((user, password)) => socks.with_auth(user.clone(), password.expose_secret().to_owned()),
                None => socks,
            };
            let target = match proxy.kind {
                ProxyKind::Socks5 => resolved(&route.resolver, &target).await?,
                _ => target,
            };
            call(socks, target).await.map_err(through)
        }
    }
}

/// The TLS handshake, unless the URL is `http`.
pub(crate) async fn secure(route: &Route, stream: TcpStream, config: ClientConfig) -> Result<Dialled, Error> {
    if route.url.scheme() != "https" {
        return Ok(Dialled {
            stream: Box::new(stream),
            #[cfg(feature = "ntlm")]
            leaf: None,
            tls: None,
        });
    }
    let host = route.url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(host)
        .map_err(|error| Error::configuration("the URL's host is no server name").with_source(error))?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(handshake_failed)?;
    let session = stream.get_ref().1;
    #[cfg(feature = "ntlm")]
    let leaf = session.peer_certificates().and_then(|chain| chain.first()).map(|leaf| leaf.clone().into_owned());
    let tls = session.protocol_version();
    Ok(Dialled {
        stream: Box::new(stream),
        #[cfg(feature = "ntlm")]
        leaf,
        tls,
    })
}

fn handshake_failed(error: io::Error) -> Error {
    let error = classify(error, Phase::Connecting);
    match error.is_tls() {
        true => error,
        false => Error::new(Kind::Tls, "the connection was lost during the TLS handshake").with_source(error),
    }
}

async fn call<S>(mut service: S, target: Uri) -> Result<TcpStream, Error>
where
    S: Service<Uri, Response = TokioIo<TcpStream>>,
    S::Error: Into<BoxError>,
{
    let failed = |error: S::Error| classify(error, Phase::Connecting);
    poll_fn(|context| service.poll_ready(context)).await.map_err(failed)?;
    Ok(service.call(target).await.map_err(failed)?.into_inner())
}

/// The target by its first address.
async fn resolved(resolver: &Resolver, target: &Uri) -> Result<Uri, Error> {
    let addresses = resolver
        .addresses(target.host().unwrap_or_default())
        .await
        .map_err(|error| classify(error, Phase::Connecting))?;
    match addresses.first().map(|address| address.ip()) {
        Some(IpAddr::V6(address)) => uri(&format!("[{address}]"), target.port_u16().unwrap_or(443)),
        Some(address) => uri(&address.to_string(), target.port_u16().unwrap_or(443)),
        None => Ok(target.clone()),
    }
}

fn uri(host: &str, port: u16) -> Result<Uri, Error> {
    let uri = Uri::builder().scheme("http").authority(format!("{host}:{port}")).path_and_query("/").build();
    uri.map_err(|error| Error::configuration("the host cannot be part of an address").with_source(error))
}

fn basic(proxy: &Proxy) -> Result<Option<HeaderValue>, Error> {
    let Some((user, password)) = &proxy.login else { return Ok(None) };
    let pair = BASE64_STANDARD.encode(format!("{user}:{}", password.expose_secret()));
    let value = HeaderValue::from_str(&format!("Basic {pair}"));
    value.map(Some).map_err(|_| Error::configuration("the proxy's credential cannot be sent in a header"))
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<std::net::SocketAddr>;
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
