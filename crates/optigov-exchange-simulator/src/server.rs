use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::auth;
use crate::exchange::{Connection, Exchange};
use crate::record::RecordedRequest;
use crate::scenario::{Scenario, Tls};
use crate::tls::{self, Identity};
use crate::wire::{ConnectionEnd, Surplus, Wire, WithSurplus};
use crate::world::World;

/// A running Exchange: one thread, one loopback port. It stops when dropped.
///
/// ```
/// use optigov_exchange_simulator::{Account, Mailbox, Scenario, Simulator};
///
/// # fn main() -> Result<(), optigov_exchange_simulator::Error> {
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
        let (ca_pem, binding, secured) = if plain {
            (None, None, Secured::Plain)
        } else {
            let identity = Identity::new(&world.scenario.certificate)?;
            let (ca_pem, binding) = (identity.ca_pem.clone(), auth::binding(identity.leaf()));
            let config =
                identity.config(world.scenario.tls).map_err(|e| crate::Error::start("TLS could not be set up", e))?;
            let secured = match world.scenario.tls {
                Tls::TooOld => Secured::TooOld,
                Tls::Modern | Tls::Only12 => Secured::Tls(TlsAcceptor::from(Arc::new(config))),
            };
            (Some(ca_pem), Some(binding), secured)
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
                        () = accept(listener, secured, shared) => {}
                        _ = stopped => {}
                    }
                });
            })
            .map_err(failed("no thread could be started"))?;
        Ok(Simulator { exchange, address, ca_pem, stop: Some(stop), thread: Some(thread) })
    }

    /// The address of the endpoint, `https://localhost:PORT/EWS/Exchange.asmx`.
    pub fn url(&self) -> String {
        format!("{}/EWS/Exchange.asmx", self.base_url())
    }

    /// Scheme, host and port, `https://localhost:PORT`: the authority of token requests, and the endpoint of Microsoft Graph
    /// without its `/v1.0`.
    pub fn base_url(&self) -> String {
        let scheme = if self.ca_pem.is_some() { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.address.port())
    }

    /// How many tokens an application got, by its client id.
    pub fn tokens_issued(&self, client_id: &str) -> u64 {
        self.exchange.graph.tokens.count(client_id)
    }

    /// Ends every token that was issued so far: requests with them get 401 `InvalidAuthenticationToken`.
    pub fn expire_tokens(&self) {
        self.exchange.graph.tokens.expire();
    }

    /// The most requests to a mailbox, by its primary address, that Microsoft Graph had at a time. Refused ones count, and so do
    /// parts of batches.
    pub fn most_at_once(&self, mailbox: &str) -> usize {
        self.exchange.graph.concurrency.most(mailbox)
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

    /// Forgets the requests so far, which are kept whole: for runs of so many that this matters. [`requests`](Self::requests) and
    /// [`received`](Self::received) begin anew.
    pub fn forget_requests(&self) {
        let mut recorded = self.exchange.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.clear();
        self.exchange.received.send_replace(0);
    }

    /// Waits until at least `count` requests have come in, and returns all so far. It needs no runtime of a special kind, and
    /// has no deadline of its own.
    pub async fn received(&self, count: usize) -> Vec<RecordedRequest> {
        let mut received = self.exchange.received.subscribe();
        // The sender lives as long as the simulator.
        received.wait_for(|received| *received >= count).await.ok();
        self.requests()
    }

    /// How many streams of notifications are open.
    pub fn streams(&self) -> usize {
        self.exchange.subscriptions.streams()
    }

    /// The most streams of notifications that were ever open at a time.
    pub fn most_streams(&self) -> usize {
        self.exchange.subscriptions.most_streams()
    }

    /// How many subscriptions to notifications there are.
    pub fn subscriptions(&self) -> usize {
        self.exchange.subscriptions.count()
    }

    /// Waits until streams and subscriptions to notifications satisfy a condition, which is told their numbers. It needs no runtime of a special kind,
    /// and has no deadline of its own.
    pub async fn streams_become(&self, condition: impl Fn(usize, usize) -> bool) {
        let mut changed = self.exchange.subscriptions.watch();
        // The sender lives as long as the simulator.
        while !condition(self.streams(), self.subscriptions()) && changed.changed().await.is_ok() {}
    }

    /// Every open stream of notifications sends a heartbeat now, whatever the time.
    pub fn beat(&self) {
        self.exchange.subscriptions.beat();
    }

    /// Cuts every open stream of notifications in the middle of an envelope. Subscriptions stay.
    pub fn cut_streams(&self) {
        self.exchange.subscriptions.cut();
    }

    /// From now on no open stream of notifications sends anything, neither heartbeats nor events; their connections stay open.
    pub fn silence_streams(&self) {
        self.exchange.subscriptions.silence();
    }

    /// Loses the events that subscriptions to this mailbox, by its primary address, have not sent yet. They end with
    /// `ErrorMissedNotificationEvents`.
    pub fn miss_events(&self, mailbox: &str) {
        self.exchange.subscriptions.miss_events(mailbox);
    }

    /// One of the servers behind the front end starts anew, counted from 0: it has forgotten its subscriptions, and its
    /// streams are cut.
    pub fn restart_back_end(&self, number: usize) {
        self.exchange.subscriptions.restart(number);
    }

    /// Wrong passwords in a row that were tried for an account, or wrong secrets and assertions for an application, by its client
    /// id.
    pub fn refused_logins(&self, account: &str) -> u32 {
        self.exchange.refusals.of(account)
    }

    /// Changes the scenario while it runs. Requests already being answered see the old one. What decides over the socket
    /// (plain HTTP, the certificate, versions of TLS) stays as it was.
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

/// What lies between TCP and HTTP.
#[derive(Clone)]
enum Secured {
    Plain,
    Tls(TlsAcceptor),
    TooOld,
}

async fn accept(listener: std::net::TcpListener, secured: Secured, exchange: Arc<Exchange>) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the listening socket cannot be used"),
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, secured.clone(), Arc::clone(&exchange)));
            }
            Err(error) => tracing::debug!(%error, "a connection could not be accepted"),
        }
    }
}

async fn serve(stream: TcpStream, secured: Secured, exchange: Arc<Exchange>) {
    stream.set_nodelay(true).ok();
    let connection_end = ConnectionEnd::default();
    let wire = Wire::new(stream, connection_end.clone());
    let result = match secured {
        Secured::Plain => converse(wire, &exchange, connection_end).await,
        Secured::Tls(acceptor) => match acceptor.accept(wire).await {
            Ok(stream) => converse(stream, &exchange, connection_end).await,
            Err(error) => return tracing::debug!(%error, "TLS handshake failed"),
        },
        Secured::TooOld => {
            let ended = choose_tls_1_0(wire).await;
            return tracing::debug!(?ended, "a client was offered TLS 1.0");
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "connection ended");
    }
}

/// Reads a ClientHello, whatever is in it, and chooses TLS 1.0; then listens until the client has gone.
async fn choose_tls_1_0(mut wire: Wire) -> std::io::Result<u64> {
    let mut head = [0; 5];
    wire.read_exact(&mut head).await?;
    let mut hello = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    wire.read_exact(&mut hello).await?;
    wire.write_all(&tls::TLS_1_0_HELLO).await?;
    tokio::io::copy(&mut wire, &mut tokio::io::sink()).await
}

async fn converse<S>(stream: S, exchange: &Arc<Exchange>, connection_end: ConnectionEnd) -> Result<(), hyper::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let surplus = Surplus::default();
    let stream = WithSurplus::new(stream, surplus.clone());
    let connection = Arc::new(Connection::new(exchange, connection_end, surplus));
    let service = service_fn(move |request| {
        let connection = Arc::clone(&connection);
        async move { connection.answer(request).await }
    });
    http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await
}
