use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::auth;
use crate::exchange::{Connection, Exchange};
use crate::record::RecordedRequest;
use crate::scenario::Scenario;
use crate::tls::Identity;
use crate::world::World;

/// A running Exchange: one thread, one loopback port. It stops when dropped.
///
/// ```
/// use optigov_ews_simulator::{Account, Mailbox, Scenario, Simulator};
///
/// # fn main() -> Result<(), optigov_ews_simulator::Error> {
/// let scenario = Scenario::new()
///     .account(Account::new("svc-optigov").password("geheim").impersonates_everybody())
///     .mailbox(Mailbox::new("anna@musterstadt.example"));
/// let simulator = Simulator::start(scenario)?;
/// assert!(simulator.url().starts_with("https://localhost:"));
/// assert!(simulator.ca_pem().contains("BEGIN CERTIFICATE"));
/// assert!(simulator.requests().is_empty());
/// # Ok(())
/// # }
/// ```
pub struct Simulator {
    exchange: Arc<Exchange>,
    address: SocketAddr,
    ca_pem: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Starts on a free port of 127.0.0.1. It needs no runtime and listens when this returns.
    ///
    /// # Errors
    /// [`is_scenario`](crate::Error::is_scenario) for a scenario that cannot be; otherwise no port or no thread was to be had.
    pub fn start(scenario: Scenario) -> Result<Simulator, crate::Error> {
        let plain = scenario.plain;
        let world = World::new(scenario, None)?;
        let failed = |what: &'static str| move |cause: std::io::Error| crate::Error::start(what, cause);
        let listener =
            std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed("no loopback port is free"))?;
        listener.set_nonblocking(true).map_err(failed("the loopback port cannot be used"))?;
        let address = listener.local_addr().map_err(failed("the loopback port cannot be used"))?;
        let (ca_pem, binding, acceptor) = if plain {
            (None, None, None)
        } else {
            let identity = Identity::generate().map_err(|e| crate::Error::start("no certificate could be made", e))?;
            let (ca_pem, binding) = (identity.ca_pem.clone(), auth::binding(identity.leaf()));
            let config = identity.config().map_err(|e| crate::Error::start("TLS could not be set up", e))?;
            (Some(ca_pem), Some(binding), Some(TlsAcceptor::from(Arc::new(config))))
        };
        let exchange = Arc::new(Exchange::new(world, binding));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed("no asynchronous runtime could be made"))?;
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&exchange);
        let thread = std::thread::Builder::new()
            .name("ews-simulator".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = accept(listener, acceptor, shared) => {}
                        _ = stopped => {}
                    }
                });
            })
            .map_err(failed("no thread could be started"))?;
        Ok(Simulator { exchange, address, ca_pem, stop: Some(stop), thread: Some(thread) })
    }

    /// The address of the endpoint, `https://localhost:PORT/EWS/Exchange.asmx`.
    pub fn url(&self) -> String {
        let scheme = if self.ca_pem.is_some() { "https" } else { "http" };
        format!("{scheme}://localhost:{}/EWS/Exchange.asmx", self.address.port())
    }

    /// Address and port that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate of its authority in PEM, which clients must trust. Empty over plain HTTP.
    pub fn ca_pem(&self) -> &str {
        self.ca_pem.as_deref().unwrap_or_default()
    }

    /// Every request so far, in the order in which they were read.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.exchange.recorded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Wrong passwords in a row that were tried for an account.
    pub fn refused_logins(&self, account: &str) -> u32 {
        self.exchange.refusals.of(account)
    }

    /// Changes the scenario while it runs. Requests already being answered see the old one. What decides over the socket
    /// (plain HTTP) stays as it was.
    ///
    /// # Errors
    /// [`is_scenario`](crate::Error::is_scenario): the changed scenario cannot be, and the old one stays in force.
    pub fn update(&self, change: impl FnOnce(&mut Scenario)) -> Result<(), crate::Error> {
        let before = self.exchange.world();
        let mut scenario = before.scenario.clone();
        change(&mut scenario);
        self.exchange.replace(World::new(scenario, Some(&before))?);
        Ok(())
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may have ended already.
            stop.send(()).ok();
        }
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("address", &self.address).finish_non_exhaustive()
    }
}

async fn accept(listener: std::net::TcpListener, acceptor: Option<TlsAcceptor>, exchange: Arc<Exchange>) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the listening socket cannot be used"),
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, acceptor.clone(), Arc::clone(&exchange)));
            }
            Err(error) => tracing::debug!(%error, "a connection could not be accepted"),
        }
    }
}

async fn serve(stream: TcpStream, acceptor: Option<TlsAcceptor>, exchange: Arc<Exchange>) {
    stream.set_nodelay(true).ok();
    let connection = Arc::new(Connection::new(&exchange));
    let result = match acceptor {
        None => converse(stream, connection).await,
        Some(acceptor) => match acceptor.accept(stream).await {
            Ok(stream) => converse(stream, connection).await,
            Err(error) => return tracing::debug!(%error, "TLS handshake failed"),
        },
    };
    if let Err(error) = result {
        tracing::debug!(%error, "connection ended");
    }
}

async fn converse<S>(stream: S, connection: Arc<Connection>) -> Result<(), hyper::Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let service = service_fn(move |request| {
        let connection = Arc::clone(&connection);
        async move { Ok::<_, std::convert::Infallible>(connection.answer(request).await) }
    });
    http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await
}
