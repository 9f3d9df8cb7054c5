//! One HTTP request: from its head to the answer's last byte.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use http::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, PROXY_AUTHORIZATION, RETRY_AFTER, SERVER, WWW_AUTHENTICATE,
};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::sync::watch;

use crate::auth::{Judge, Login, Refusals, Session};
use crate::identity::Caller;
use crate::misbehaviour::{Ending, Instead, Manner, Plan};
use crate::operations;
use crate::record::RecordedRequest;
use crate::scenario::Shape;
use crate::soap::{self, Envelope, Refusal};
use crate::subscriptions::Subscriptions;
use crate::throttle;
use crate::wire::{self, Body, Fate};
use crate::world::World;
use crate::xml::{Element, Ns};

/// Larger requests are refused with 413.
const LARGEST_REQUEST: usize = 4 * 1024 * 1024;

/// Everything that outlives a connection.
pub(crate) struct Exchange {
    world: RwLock<Arc<World>>,
    pub(crate) refusals: Refusals,
    subscriptions: Arc<Subscriptions>,
    pub(crate) recorded: Mutex<Vec<RecordedRequest>>,
    /// How many requests were recorded.
    pub(crate) received: watch::Sender<usize>,
    connections: AtomicU64,
    /// The channel binding of the server's certificate.
    binding: Option<[u8; 16]>,
}

/// What the simulator remembers of one connection.
pub(crate) struct Connection {
    exchange: Arc<Exchange>,
    number: u64,
    session: Mutex<Session>,
    fate: Fate,
}

impl Exchange {
    pub(crate) fn new(world: World, binding: Option<[u8; 16]>) -> Exchange {
        Exchange {
            world: RwLock::new(Arc::new(world)),
            refusals: Refusals::default(),
            subscriptions: Arc::new(Subscriptions::new()),
            recorded: Mutex::default(),
            received: watch::Sender::new(0),
            connections: AtomicU64::new(0),
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
    pub(crate) fn new(exchange: &Arc<Exchange>, fate: Fate) -> Connection {
        let number = exchange.connections.fetch_add(1, Ordering::Relaxed) + 1;
        Connection { exchange: Arc::clone(exchange), number, session: Mutex::default(), fate }
    }

    /// # Errors
    /// When the connection shall end without an answer.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let world = self.exchange.world();
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, LARGEST_REQUEST).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE)),
        };
        let authorization = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let login = self.login(&world, authorization);
        let text = String::from_utf8_lossy(&body);
        let envelope = Envelope::parse(&text);
        let meant = envelope.as_ref().ok().and_then(mailbox_meant);
        self.record(&world, &head, &text, envelope.as_ref().ok(), meant.clone(), &login);

        let (account, last_word) = match login {
            Login::Account(account, last_word) => (account, last_word),
            Login::Refused(challenges, _) => {
                let mut response = plain(StatusCode::UNAUTHORIZED);
                for challenge in challenges {
                    if let Ok(value) = HeaderValue::try_from(challenge) {
                        response.headers_mut().append(WWW_AUTHENTICATE, value);
                    }
                }
                return Ok(response);
            }
        };
        let operation = envelope.as_ref().map_or("", |envelope| operations::name(envelope.operation()));
        let plan = world.plan(operation, meant.as_deref());
        let mut response = match acceptable(&head) {
            Err(status) => plain(status),
            Ok(()) => self.soap(&world, account, envelope, plan).await?,
        };
        if let Some(value) = last_word.and_then(|word| HeaderValue::try_from(word).ok()) {
            response.headers_mut().insert(WWW_AUTHENTICATE, value);
        }
        Ok(response)
    }

    /// The answer to a request that may be SOAP, as the plan has it.
    async fn soap(
        &self,
        world: &World,
        account: usize,
        envelope: Result<Envelope, Refusal>,
        plan: Plan,
    ) -> io::Result<Response<Body>> {
        let admitted = world.usage.admit(&world.scenario.throttling);
        if !plan.delay.is_zero() {
            tokio::time::sleep(plan.delay).await;
        }
        let foreign = plan.manner.foreign;
        let answered = match (&plan.instead, admitted) {
            (Some(Instead::Hang), _) => std::future::pending().await,
            (Some(Instead::Reset), _) => {
                self.fate.reset();
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            (Some(Instead::Status { code, content_type, body }), _) => {
                return Ok(any_status(*code, content_type, body.clone()));
            }
            (Some(Instead::Throttled(shape, back_off)), _) => busy(*shape, *back_off, envelope),
            (Some(Instead::Message(code)), _) => {
                let refusal = Refusal::new(code.clone(), "The scenario refuses this request.");
                envelope.map(|envelope| operations::refused(envelope.operation(), &refusal)).map_err(Refused::Fault)
            }
            (Some(Instead::Fault(code)), _) => {
                Err(Refused::Fault(Refusal::new(code.clone(), "The scenario refuses this request.")))
            }
            (Some(Instead::BareFault(code)), _) => {
                Err(Refused::BareFault(Refusal::new(code.clone(), "The scenario refuses this request.")))
            }
            (None, None) => busy(world.scenario.throttling.shape, world.scenario.throttling.back_off, envelope),
            (None, Some(_in_flight)) => {
                match envelope.and_then(|envelope| self.operate(world, account, &envelope, &plan.manner)) {
                    Ok(operations::Answer::Content(content)) => Ok(content),
                    Ok(operations::Answer::Stream(body)) => return Ok(xml(StatusCode::OK, body)),
                    Err(refusal) if foreign => Err(Refused::BareFault(refusal)),
                    Err(refusal) => Err(Refused::Fault(refusal)),
                }
            }
        };
        let (status, text) = match answered {
            Ok(content) => (StatusCode::OK, soap::envelope(&content, !foreign)),
            Err(Refused::Fault(refusal)) => (StatusCode::INTERNAL_SERVER_ERROR, refusal.fault()),
            Err(Refused::BareFault(refusal)) => (StatusCode::OK, refusal.bare_fault()),
            Err(Refused::Unavailable(back_off)) => {
                let mut response = plain(StatusCode::SERVICE_UNAVAILABLE);
                if let Some(back_off) = back_off {
                    let seconds = back_off.as_millis().div_ceil(1000).to_string();
                    response.headers_mut().extend(HeaderValue::try_from(seconds).map(|seconds| (RETRY_AFTER, seconds)));
                }
                return Ok(response);
            }
        };
        Ok(self.ended(status, plan.damage(text), plan.ending))
    }

    fn ended(&self, status: StatusCode, text: String, ending: Ending) -> Response<Body> {
        let length = text.len();
        let body = match ending {
            Ending::Whole => wire::whole(text),
            Ending::Padded(bytes) => wire::padded(&text, bytes),
            Ending::ResetWithin => wire::broken(text, self.fate.clone()),
            Ending::ResetAfter => wire::last(text, self.fate.clone()),
        };
        let mut response = xml(status, body);
        if ending == Ending::ResetWithin {
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        response
    }

    fn operate(
        &self,
        world: &World,
        account: usize,
        envelope: &Envelope,
        manner: &Manner,
    ) -> Result<operations::Answer, Refusal> {
        operations::check_version(envelope.header("RequestServerVersion"))?;
        let caller = Caller::new(world, account, envelope.header("ExchangeImpersonation"))?;
        let zone = operations::zone_context(envelope.header("TimeZoneContext"))?;
        let (body, subscriptions) = (envelope.operation(), &self.exchange.subscriptions);
        operations::answer(&operations::Request { world, caller, body, zone, manner, subscriptions })
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
        let headers = head.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            let secret = name == AUTHORIZATION || name == PROXY_AUTHORIZATION;
            let scheme = value.split_once(' ').map_or("", |(scheme, _)| scheme);
            let shown = if secret { scheme } else { &value };
            (name.to_string(), shown.to_owned())
        });
        let recorded = RecordedRequest {
            connection: self.number,
            operation: envelope.map(|envelope| operations::name(envelope.operation()).to_owned()),
            mailbox,
            account: match login {
                Login::Account(account, _) => Some(world.account(*account).name.clone()),
                Login::Refused(..) => None,
            },
            refusal: match login {
                Login::Account(..) => None,
                Login::Refused(_, reason) => Some(reason),
            },
            headers: headers.collect(),
            body: body.to_owned(),
        };
        let mut all = self.exchange.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(recorded);
        self.exchange.received.send_replace(all.len());
    }
}

/// An answer that is not the operation's.
enum Refused {
    Fault(Refusal),
    BareFault(Refusal),
    Unavailable(Option<Duration>),
}

fn busy(shape: Shape, back_off: Option<Duration>, envelope: Result<Envelope, Refusal>) -> Result<String, Refused> {
    let refusal = throttle::refusal(shape, back_off);
    match (shape, envelope) {
        (Shape::Status, _) => Err(Refused::Unavailable(back_off)),
        (Shape::Wrapped | Shape::Message, Ok(envelope)) => Ok(operations::refused(envelope.operation(), &refusal)),
        (Shape::Fault | Shape::Wrapped | Shape::Message, _) => Err(Refused::Fault(refusal)),
    }
}

/// Whether the request is for EWS at all.
fn acceptable(head: &http::request::Parts) -> Result<(), StatusCode> {
    if !head.uri.path().eq_ignore_ascii_case("/EWS/Exchange.asmx") {
        return Err(StatusCode::NOT_FOUND);
    }
    if head.method != Method::POST {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    let kind = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.trim_start().to_ascii_lowercase().starts_with("text/xml") {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    Ok(())
}

/// The impersonated mailbox, else the first one named in the body.
fn mailbox_meant(envelope: &Envelope) -> Option<String> {
    let sid = envelope.header("ExchangeImpersonation").and_then(|header| header.types(&["ConnectingSID"]));
    if let Some(id) = sid.and_then(|sid| sid.children.first()) {
        return Some(id.text().to_owned());
    }
    fn first_address(element: &Element) -> Option<&Element> {
        let is_address =
            element.is(Ns::Types, "EmailAddress") || (element.is(Ns::Types, "Address") && element.text().contains('@'));
        if is_address { Some(element) } else { element.children.iter().find_map(first_address) }
    }
    first_address(envelope.operation()).map(|address| address.text().to_owned())
}

fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(wire::whole(""));
    *response.status_mut() = status;
    response.headers_mut().insert(SERVER, HeaderValue::from_static("Microsoft-IIS/10.0"));
    response
}

fn any_status(code: u16, content_type: &str, body: String) -> Response<Body> {
    let mut response = plain(StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    response.headers_mut().extend(HeaderValue::try_from(content_type).map(|value| (CONTENT_TYPE, value)));
    *response.body_mut() = wire::whole(body);
    response
}

fn xml(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = plain(status);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
    *response.body_mut() = body;
    response
}
