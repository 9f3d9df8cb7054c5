//! One HTTP request: from its head to the answer's last byte.

mod ending;

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, PROXY_AUTHORIZATION, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::watch;

use crate::affinity;
use crate::auth::{self, Denial, Judge, Login, Refusals, Session};
use crate::front_end;
use crate::graph::{Endpoint, GraphState};
use crate::identity::Caller;
use crate::misbehaviour::{Instead, Manner, Plan};
use crate::operations;
use crate::record::RecordedRequest;
use crate::reply;
use crate::scenario::{LoginRefusal, Shape, SoapFault};
use crate::soap::{self, Envelope, Refusal};
use crate::subscriptions::Subscriptions;
use crate::throttle;
use crate::wire::{Body, ConnectionEnd, Surplus};
use crate::world::World;
use crate::xml::{Element, Ns};

/// Larger requests are refused with 413.
const LARGEST_REQUEST: usize = 4 * 1024 * 1024;

/// The text of refusals that the scenario asks for.
const REFUSED: &str = "The scenario refuses this request.";

/// The state that all connections share.
pub(crate) struct Exchange {
    world: RwLock<Arc<World>>,
    pub(crate) refusals: Refusals,
    pub(crate) subscriptions: Arc<Subscriptions>,
    pub(crate) graph: GraphState,
    pub(crate) recorded: Mutex<Vec<RecordedRequest>>,
    /// How many requests were recorded.
    pub(crate) received: watch::Sender<usize>,
    connections: AtomicU64,
    /// How many requests for EWS got past authentication.
    admitted: AtomicUsize,
    /// The channel binding of the server's certificate.
    binding: Option<[u8; 16]>,
}

/// What the simulator remembers of one connection.
pub(crate) struct Connection {
    pub(crate) exchange: Arc<Exchange>,
    number: u64,
    session: Mutex<Session>,
    connection_end: ConnectionEnd,
    surplus: Surplus,
}

impl Exchange {
    pub(crate) fn new(world: World, binding: Option<[u8; 16]>) -> Exchange {
        Exchange {
            world: RwLock::new(Arc::new(world)),
            refusals: Refusals::default(),
            subscriptions: Arc::new(Subscriptions::new()),
            graph: GraphState::default(),
            recorded: Mutex::default(),
            received: watch::Sender::new(0),
            connections: AtomicU64::new(0),
            admitted: AtomicUsize::new(0),
            binding,
        }
    }

    pub(crate) fn world(&self) -> Arc<World> {
        Arc::clone(&self.world.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace(&self, world: World) {
        let world = Arc::new(world);
        let mut current = self.world.write().unwrap_or_else(PoisonError::into_inner);
        self.subscriptions.publish(&current, &world);
        *current = world;
    }
}

impl Connection {
    pub(crate) fn new(exchange: &Arc<Exchange>, connection_end: ConnectionEnd, surplus: Surplus) -> Connection {
        let number = exchange.connections.fetch_add(1, Ordering::Relaxed) + 1;
        Connection { exchange: Arc::clone(exchange), number, session: Mutex::default(), connection_end, surplus }
    }

    /// Answers one request.
    ///
    /// # Errors
    /// The connection shall end without an answer.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let world = self.exchange.world();
        let (head, body) = request.into_parts();
        let Some(body) = read(body).await? else { return Ok(reply::plain(StatusCode::PAYLOAD_TOO_LARGE)) };
        if let Some(endpoint) = Endpoint::of(head.uri.path()) {
            return self.graph(&world, endpoint, &head, &body).await;
        }
        let authorization = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let login = self.login(&world, authorization);
        let text = String::from_utf8_lossy(&body);
        let envelope = Envelope::parse(&text);
        let named = envelope.as_ref().map(mailboxes_named).unwrap_or_default();
        self.record(&world, &head, &text, envelope.as_ref().ok(), named.first().cloned(), &login);

        let request_id = front_end::request_id(&head.headers);
        let (account, last_word) = match login {
            Login::Account(account, last_word) => (account, last_word),
            Login::Refused(challenges, reason) => {
                let response = self.refused_login(&world.scenario.refused_login, challenges, reason).await?;
                return Ok(identified(response, request_id));
            }
        };
        let operation = envelope.as_ref().map_or("", |envelope| operations::name(envelope.operation()));
        let plan = world.plan(operation, &named);
        let other_id = plan.other_request_id.as_deref().and_then(|id| HeaderValue::try_from(id).ok());
        let request_id = request_id.map(|id| other_id.unwrap_or(id));
        let response = match front_end::turn_away(&world, &head, envelope.as_ref().ok()) {
            Some(response) => response,
            None => {
                let any = self.exchange.admitted.fetch_add(1, Ordering::Relaxed);
                let routed = affinity::route(&world, &head.headers, any);
                let caller = (account, routed.back_end);
                let mut response = self.soap(&world, caller, envelope, plan, request_id.as_ref()).await?;
                response.headers_mut().extend(routed.set_cookie.map(|cookie| (SET_COOKIE, cookie)));
                response
            }
        };
        let mut response = identified(response, request_id);
        if let Some(value) = last_word.and_then(|word| HeaderValue::try_from(word).ok())
            && response.status() != StatusCode::UNAUTHORIZED
        {
            response.headers_mut().insert(WWW_AUTHENTICATE, value);
        }
        Ok(response)
    }

    /// 401, or what the scenario answers in its place to credentials that were found wrong.
    async fn refused_login(
        &self,
        refusal: &LoginRefusal,
        challenges: Vec<String>,
        reason: Denial,
    ) -> io::Result<Response<Body>> {
        if reason.is_verdict() {
            match refusal {
                LoginRefusal::Unauthorized => {}
                LoginRefusal::Late(delay) => tokio::time::sleep(*delay).await,
                LoginRefusal::Reset => return Err(self.reset()),
                LoginRefusal::Close => return Err(closed()),
                LoginRefusal::Hang => std::future::pending().await,
                LoginRefusal::Answer(answer) => return Ok(reply::http(answer)),
            }
        }
        Ok(reply::unauthorized(challenges))
    }

    pub(crate) fn reset(&self) -> io::Error {
        self.connection_end.reset();
        io::ErrorKind::ConnectionReset.into()
    }

    /// Answers a request for EWS with what the operation says, or with what the plan puts in its place.
    async fn soap(
        &self,
        world: &World,
        (account, back_end): (usize, usize),
        envelope: Result<Envelope, Refusal>,
        plan: Plan,
        request_id: Option<&HeaderValue>,
    ) -> io::Result<Response<Body>> {
        let admitted = world.usage.admit(&world.scenario.throttling);
        if !plan.delay.is_zero() {
            tokio::time::sleep(plan.delay).await;
        }
        let foreign = plan.manner.foreign;
        let answered = match (&plan.instead, admitted) {
            (Some(Instead::Hang), _) => std::future::pending().await,
            (Some(Instead::Reset), _) => return Err(self.reset()),
            (Some(Instead::Close), _) => return Err(closed()),
            (Some(Instead::Http(answer)), _) => return Ok(reply::http(answer)),
            (Some(Instead::Unauthorized), _) => return Ok(reply::unauthorized(auth::offers(&world.scenario))),
            (Some(Instead::Throttled(shape, back_off)), _) => busy(*shape, *back_off, envelope),
            (Some(Instead::Message { code, back_off }), _) => {
                let refusal = Refusal::new(code.clone(), REFUSED).with_back_off(back_off.as_deref());
                envelope.map(|envelope| operations::refused(envelope.operation(), &refusal)).map_err(Refused::fault)
            }
            (Some(Instead::Fault(fault)), _) => Err(Refused::chosen(fault)),
            (Some(Instead::Graph { code, .. }), _) => Err(Refused::chosen(&SoapFault::new(code.clone()))),
            (Some(Instead::Aadsts(number)), _) => Err(Refused::chosen(&SoapFault::new(format!("AADSTS{number}")))),
            (None, None) => busy(world.scenario.throttling.shape, world.scenario.throttling.back_off, envelope),
            (None, Some(_in_flight)) => {
                match envelope.and_then(|envelope| self.operate(world, (account, back_end), &envelope, &plan.manner)) {
                    Ok(operations::Answer::Content(content)) => Ok(content),
                    Ok(operations::Answer::Stream(body)) => return Ok(reply::xml(StatusCode::OK, "utf-8", body)),
                    Err(refusal) if foreign => Err(Refused::bare(refusal)),
                    Err(refusal) => Err(Refused::fault(refusal)),
                }
            }
        };
        let (status, text) = match answered {
            Ok(content) => {
                let status = plan.success_status.map_or(StatusCode::OK, reply::status);
                (status, soap::envelope(&content, !foreign))
            }
            Err(Refused::Fault(status, text)) => (status, text),
            Err(Refused::Unavailable(status, back_off)) => {
                let mut response = reply::plain(status);
                if let Some(back_off) = back_off {
                    let seconds = back_off.as_millis().div_ceil(1000).to_string();
                    response.headers_mut().extend(HeaderValue::try_from(seconds).map(|seconds| (RETRY_AFTER, seconds)));
                }
                return Ok(response);
            }
        };
        let content_type = format!("text/xml; charset={}", plan.encoding.charset());
        self.ended(status, &content_type, plan.damage(text), &plan, request_id)
    }

    fn operate(
        &self,
        world: &World,
        (account, back_end): (usize, usize),
        envelope: &Envelope,
        manner: &Manner,
    ) -> Result<operations::Answer, Refusal> {
        operations::check_version(envelope.header("RequestServerVersion"))?;
        let caller = Caller::new(world, account, envelope.header("ExchangeImpersonation"))?;
        let zone = operations::zone_context(envelope.header("TimeZoneContext"))?;
        let (body, subscriptions) = (envelope.operation(), &self.exchange.subscriptions);
        operations::answer(&operations::Request { world, caller, body, zone, manner, subscriptions, back_end })
    }

    fn login(&self, world: &World, authorization: Option<&str>) -> Login {
        let judge =
            Judge { scenario: &world.scenario, refusals: &self.exchange.refusals, binding: self.exchange.binding };
        judge.login(&mut self.session.lock().unwrap_or_else(PoisonError::into_inner), authorization)
    }

    fn record(
        &self,
        world: &World,
        head: &http::request::Parts,
        body: &str,
        envelope: Option<&Envelope>,
        mailbox: Option<String>,
        login: &Login,
    ) {
        let mut record = self.recorded(head);
        record.operation = envelope.map(|envelope| operations::name(envelope.operation()).to_owned());
        record.mailbox = mailbox;
        match login {
            Login::Account(account, _) => record.account = Some(world.account(*account).name.clone()),
            Login::Refused(_, reason) => record.refusal = Some(reason.text()),
        }
        body.clone_into(&mut record.body);
        self.keep(record);
    }

    /// A request's head, without secrets.
    pub(crate) fn recorded(&self, head: &http::request::Parts) -> RecordedRequest {
        let headers = head.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            let secret = name == AUTHORIZATION || name == PROXY_AUTHORIZATION;
            let scheme = value.split_once(' ').map_or("", |(scheme, _)| scheme);
            let shown = if secret { scheme } else { &value };
            (name.to_string(), shown.to_owned())
        });
        RecordedRequest {
            connection: self.number,
            headers: headers.collect(),
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            ..RecordedRequest::default()
        }
    }

    pub(crate) fn keep(&self, record: RecordedRequest) {
        let mut all = self.exchange.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(record);
        self.exchange.received.send_replace(all.len());
    }
}

/// A request that gets no answer from its operation.
enum Refused {
    /// A SOAP fault.
    Fault(StatusCode, String),
    Unavailable(StatusCode, Option<Duration>),
}

impl Refused {
    /// A fault as Exchange writes it.
    fn fault(refusal: Refusal) -> Refused {
        Refused::Fault(StatusCode::INTERNAL_SERVER_ERROR, refusal.fault(None))
    }

    /// A fault as servers other than Exchange write it.
    fn bare(refusal: Refusal) -> Refused {
        Refused::Fault(StatusCode::OK, refusal.bare_fault(None))
    }

    /// A fault that the scenario describes.
    fn chosen(fault: &SoapFault) -> Refused {
        let refusal = Refusal::new(fault.code.clone(), REFUSED).with_back_off(fault.back_off.as_deref());
        let code = fault.fault_code.as_deref();
        Refused::Fault(
            reply::status(fault.status),
            if fault.bare { refusal.bare_fault(code) } else { refusal.fault(code) },
        )
    }
}

fn busy(shape: Shape, back_off: Option<Duration>, envelope: Result<Envelope, Refusal>) -> Result<String, Refused> {
    let refusal = throttle::refusal(shape, back_off);
    match (shape, envelope) {
        (Shape::Status, _) => Err(Refused::Unavailable(StatusCode::SERVICE_UNAVAILABLE, back_off)),
        (Shape::TooManyRequests | Shape::ApplicationThrottled, _) => {
            Err(Refused::Unavailable(StatusCode::TOO_MANY_REQUESTS, back_off))
        }
        (Shape::Wrapped | Shape::Message, Ok(envelope)) => Ok(operations::refused(envelope.operation(), &refusal)),
        (Shape::Fault | Shape::Wrapped | Shape::Message, _) => Err(Refused::fault(refusal)),
    }
}

/// The error that makes hyper close the connection without an answer.
pub(crate) fn closed() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

/// Adds the header `client-request-id`, if there is an id to return.
fn identified(mut response: Response<Body>, request_id: Option<HeaderValue>) -> Response<Body> {
    response.headers_mut().extend(request_id.map(|id| (reply::CLIENT_REQUEST_ID, id)));
    response
}

/// Reads a request's body. `None` where it is too large; it is read to its end all the same, so that a client that is still
/// writing sees the answer and no broken connection.
async fn read(mut body: Incoming) -> io::Result<Option<Bytes>> {
    let mut read = BytesMut::new();
    let mut is_too_large = false;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(io::Error::other)?.into_data() else { continue };
        is_too_large |= read.len() + data.len() > LARGEST_REQUEST;
        if !is_too_large {
            read.extend_from_slice(&data);
        }
    }
    Ok((!is_too_large).then(|| read.freeze()))
}

/// The impersonated mailbox, then those named in the body, in order.
fn mailboxes_named(envelope: &Envelope) -> Vec<String> {
    fn add_addresses(element: &Element, found: &mut Vec<String>) {
        let is_address =
            element.is(Ns::Types, "EmailAddress") || (element.is(Ns::Types, "Address") && element.text().contains('@'));
        if is_address {
            found.push(element.text().to_owned());
        }
        element.children.iter().for_each(|child| add_addresses(child, found));
    }
    let sid = envelope.header("ExchangeImpersonation").and_then(|header| header.types(&["ConnectingSID"]));
    let mut found: Vec<_> =
        sid.and_then(|sid| sid.children.first()).map(|id| id.text().to_owned()).into_iter().collect();
    add_addresses(envelope.operation(), &mut found);
    found
}
