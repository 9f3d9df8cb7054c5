//! A scripted HTTP server on loopback, for answers that no well-behaved server gives.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use optigov_calendar::{
    CalendarEntry, CalendarSource, ConnectionReport, EntryTime, EwsSettings, Mailbox, ReadError, Route,
};
use optigov_ews::{Credentials, EwsClient};
use optigov_exchange_simulator::{RecordedRequest, Simulator};
use optigov_slots::Interval;
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Notify,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// What the server does with a request.
#[derive(Clone)]
pub(crate) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// Closes the connection without an answer.
    HangUp,
    /// Keeps the connection open and never answers.
    Silence,
}

impl Reply {
    pub(crate) fn ok(body: impl Into<String>) -> Reply {
        Reply::status(200, body).header("content-type", "text/xml; charset=utf-8")
    }

    pub(crate) fn status(status: u16, body: impl Into<String>) -> Reply {
        Reply::Answer { status, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        if let Reply::Answer { headers, .. } = &mut self {
            headers.push((name, value.into()));
        }
        self
    }
}

/// One request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) from: SocketAddr,
    pub(crate) connection: usize,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Answers every request by a function of its number, from zero, and of the request. The request that proves the credential is answered well
/// and not counted, unless the test is about it.
pub(crate) struct Scripted {
    pub(crate) url: String,
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

type Script = Box<dyn Fn(usize, &Received) -> Reply + Send + Sync>;

struct Shared {
    answer: Script,
    /// Whether proofs are answered well and not counted.
    proves: bool,
    received: Mutex<Vec<Received>>,
    arrived: Notify,
    /// Whether the script answers the questions by which a view is compared with free/busy.
    compares: AtomicBool,
}

impl Scripted {
    pub(crate) async fn start(answer: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static) -> Scripted {
        Scripted::start_at("127.0.0.1:0", None, answer).await
    }

    /// Answers the request that proves the credential by the function as well.
    pub(crate) async fn start_with_proofs(
        answer: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static,
    ) -> Scripted {
        Scripted::start_as("127.0.0.1:0", None, false, answer).await
    }

    pub(crate) async fn start_tls(
        config: ServerConfig,
        answer: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static,
    ) -> Scripted {
        Scripted::start_at("127.0.0.1:0", Some(config), answer).await
    }

    pub(crate) async fn start_at(
        address: &str,
        tls: Option<ServerConfig>,
        answer: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static,
    ) -> Scripted {
        Scripted::start_as(address, tls, true, answer).await
    }

    async fn start_as(
        address: &str,
        tls: Option<ServerConfig>,
        proves: bool,
        answer: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static,
    ) -> Scripted {
        let listener = TcpListener::bind(address).await.expect("a loopback port");
        let address = listener.local_addr().expect("an address");
        let url = match tls {
            Some(_) => format!("https://localhost:{}/EWS/Exchange.asmx", address.port()),
            None => format!("http://{address}/EWS/Exchange.asmx"),
        };
        let shared = Arc::new(Shared {
            answer: Box::new(answer),
            proves,
            received: Mutex::default(),
            arrived: Notify::new(),
            compares: AtomicBool::new(false),
        });
        let (at_work, tls) = (shared.clone(), tls.map(|config| TlsAcceptor::from(Arc::new(config))));
        let task = tokio::spawn(async move {
            let mut connection = 0;
            while let Ok((stream, from)) = listener.accept().await {
                connection += 1;
                let (shared, tls) = (at_work.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, from, connection, shared).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, from, connection, shared).await;
                            }
                        }
                    }
                });
            }
        });
        Scripted { url, address, shared, task }
    }

    /// From now on the script also gets the questions by which a client in doubt compares a view with free/busy. Without this they are answered
    /// with an empty calendar and counted nowhere, so that a test of something else sees the requests that it is about.
    pub(crate) fn answer_comparisons(self) -> Scripted {
        self.shared.compares.store(true, Ordering::Relaxed);
        self
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().expect("the log").clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.shared.received.lock().expect("the log").len()
    }

    /// Waits until a request has come in that was not waited for yet.
    pub(crate) async fn arrived(&self) {
        self.shared.arrived.notified().await;
    }

    /// A client for this server with Basic credentials that nobody checks.
    pub(crate) fn client(&self) -> Setup {
        Setup::new(&self.url).credentials(Credentials::basic("STADT\\svc-optigov", PASSWORD))
    }
}

/// A client in the making, for tests that change one thing about it.
pub(crate) struct Setup {
    route: Route,
    credentials: Credentials,
    settings: EwsSettings,
}

impl Setup {
    /// Trusts no root but those that the test names.
    pub(crate) fn new(url: &str) -> Setup {
        Setup {
            route: Route::new(url).expect("a URL").with_only_given_roots(),
            credentials: Credentials::basic("svc-optigov", PASSWORD),
            settings: EwsSettings::default(),
        }
    }

    pub(crate) fn of(simulator: &Simulator) -> Setup {
        Setup::new(&simulator.url()).trusting(simulator.ca_pem())
    }

    pub(crate) fn trusting(self, pem: impl AsRef<[u8]>) -> Setup {
        self.route(|route| route.with_root_certificates(pem.as_ref()).expect("a certificate"))
    }

    pub(crate) fn route(self, change: impl FnOnce(Route) -> Route) -> Setup {
        Setup { route: change(self.route), ..self }
    }

    pub(crate) fn credentials(self, credentials: Credentials) -> Setup {
        Setup { credentials, ..self }
    }

    pub(crate) fn settings(mut self, change: impl FnOnce(&mut EwsSettings)) -> Setup {
        change(&mut self.settings);
        self
    }

    pub(crate) fn try_build(self) -> Result<EwsClient, ReadError> {
        EwsClient::builder(self.route).credentials(self.credentials).settings(self.settings).build()
    }

    pub(crate) fn build(self) -> EwsClient {
        self.try_build().expect("a client")
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    from: SocketAddr,
    connection: usize,
    shared: Arc<Shared>,
) {
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let shared = shared.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
            let body = String::from_utf8_lossy(&body).into_owned();
            let is_comparison =
                body.contains("<m:GetUserAvailabilityRequest>") && body.contains("ExchangeImpersonation");
            if is_comparison && !shared.compares.load(Ordering::Relaxed) {
                return Ok(Response::new(Full::new(Bytes::from(envelope(NOTHING_BUSY)))));
            }
            if shared.proves && body.contains("GetServerTimeZones") {
                return Ok(Response::new(Full::new(Bytes::from_static(PROVEN.as_bytes()))));
            }
            let received = Received { from, connection, headers: head.headers, body };
            let number = {
                let mut log = shared.received.lock().expect("the log");
                log.push(received.clone());
                log.len() - 1
            };
            shared.arrived.notify_one();
            match (shared.answer)(number, &received) {
                Reply::HangUp => Err(io::Error::other("hung up")),
                Reply::Silence => std::future::pending().await,
                Reply::Answer { status, headers, body } => {
                    let response = Response::builder().status(status);
                    let response =
                        headers.into_iter().fold(response, |response, (name, value)| response.header(name, value));
                    Ok(response.body(Full::new(Bytes::from(body))).expect("a response"))
                }
            }
        }
    });
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
}

/// What free/busy says of one mailbox without appointments.
const NOTHING_BUSY: &str = "<m:GetUserAvailabilityResponse xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\">\
     <m:FreeBusyResponseArray><m:FreeBusyResponse><m:ResponseMessage><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>\
     <m:FreeBusyView><FreeBusyViewType>FreeBusy</FreeBusyViewType></m:FreeBusyView></m:FreeBusyResponse></m:FreeBusyResponseArray>\
     </m:GetUserAvailabilityResponse>";
/// An answer to the request that proves the credential; it does not tell the server's version.
const PROVEN: &str = "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><m:GetServerTimeZonesResponse \
                      xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\"/></s:Body></s:Envelope>";

/// The requests that are not the proof of the credential.
pub(crate) fn beside_proofs(simulator: &Simulator) -> Vec<RecordedRequest> {
    let requests = simulator.requests().into_iter();
    requests.filter(|request| request.operation() != Some("GetServerTimeZones")).collect()
}

/// The password of every test; no text may show it.
pub(crate) const PASSWORD: &str = "geheim-4711";

/// The window of most tests.
const START: &str = "2026-11-23T00:00:00Z";
const END: &str = "2026-11-30T00:00:00Z";

/// The schemes that between them use every way out of the client.
pub(crate) fn every_scheme() -> Vec<Credentials> {
    vec![
        Credentials::basic("svc-optigov", PASSWORD),
        #[cfg(feature = "ntlm")]
        Credentials::ntlm("STADT\\svc-optigov", PASSWORD),
    ]
}

pub(crate) fn anna() -> Mailbox {
    Mailbox::parse("anna@musterstadt.example").expect("an address")
}

pub(crate) fn berta() -> Mailbox {
    Mailbox::parse("berta@musterstadt.example").expect("an address")
}

/// The window of most tests.
pub(crate) fn window() -> Interval {
    interval(START, END)
}

pub(crate) fn interval(start: &str, end: &str) -> Interval {
    Interval::new(utc(start), utc(end)).expect("not empty")
}

/// The entries in the window of most tests.
pub(crate) async fn read(client: &EwsClient, mailbox: &Mailbox) -> Result<Vec<CalendarEntry>, ReadError> {
    Ok(client.impersonate(mailbox).calendar_view(window()).await?.into_entries())
}

/// The check at the time of most tests.
pub(crate) async fn check(client: &EwsClient, mailbox: &Mailbox) -> ConnectionReport {
    client.check(mailbox, utc(START)).await
}

/// From start to end of an entry that is no all-day one.
pub(crate) fn span(entry: CalendarEntry) -> Interval {
    match entry.time() {
        EntryTime::Timed(interval) => interval,
        time => panic!("{time:?} is not timed"),
    }
}

pub(crate) fn utc(text: &str) -> chrono::DateTime<chrono::Utc> {
    text.parse().expect("an instant")
}

/// An envelope around a body.
pub(crate) fn envelope(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header>\
         <h:ServerVersionInfo MajorVersion=\"15\" MinorVersion=\"2\" MajorBuildNumber=\"1544\" MinorBuildNumber=\"9\" \
         xmlns:h=\"http://schemas.microsoft.com/exchange/services/2006/types\"/></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )
}

/// A FindItem answer with these items, complete or not.
pub(crate) fn view(items: &str, complete: &str) -> String {
    let count = items.matches("<t:CalendarItem>").count();
    envelope(&format!(
        "<m:FindItemResponse xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\" \
         xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\"><m:ResponseMessages>\
         <m:FindItemResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode>\
         <m:RootFolder TotalItemsInView=\"{count}\" IncludesLastItemInRange=\"{complete}\"><t:Items>{items}</t:Items></m:RootFolder>\
         </m:FindItemResponseMessage></m:ResponseMessages></m:FindItemResponse>"
    ))
}

/// A calendar item of the view.
pub(crate) fn item(id: &str, start: &str, end: &str, more: &str) -> String {
    format!(
        "<t:CalendarItem><t:ItemId Id=\"{id}\"/><t:Start>{start}</t:Start><t:End>{end}</t:End>{more}</t:CalendarItem>"
    )
}

/// A FindItem answer that is an error.
pub(crate) fn refusal(code: &str, xml: &str) -> String {
    envelope(&format!(
        "<m:FindItemResponse xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\" \
         xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\"><m:ResponseMessages>\
         <m:FindItemResponseMessage ResponseClass=\"Error\"><m:MessageText>Something about anna@musterstadt.example.</m:MessageText>\
         <m:ResponseCode>{code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>{xml}\
         </m:FindItemResponseMessage></m:ResponseMessages></m:FindItemResponse>"
    ))
}
