//! One HTTP request: from its head to the answer's last byte.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, PROXY_AUTHORIZATION, SERVER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;

use crate::auth::{Judge, Login, Refusals, Session};
use crate::identity::Caller;
use crate::operations;
use crate::record::RecordedRequest;
use crate::soap::{self, Envelope, Refusal};
use crate::world::World;
use crate::xml::{Element, Ns};

/// Larger requests are refused with 413.
const LARGEST_REQUEST: usize = 4 * 1024 * 1024;

/// Everything that outlives a connection.
pub(crate) struct Exchange {
    world: RwLock<Arc<World>>,
    pub(crate) refusals: Refusals,
    pub(crate) recorded: Mutex<Vec<RecordedRequest>>,
    connections: AtomicU64,
    /// The channel binding of the server's certificate.
    binding: Option<[u8; 16]>,
}

/// What the simulator remembers of one connection.
pub(crate) struct Connection {
    exchange: Arc<Exchange>,
    number: u64,
    session: Mutex<Session>,
}

impl Exchange {
    pub(crate) fn new(world: World, binding: Option<[u8; 16]>) -> Exchange {
        Exchange {
            world: RwLock::new(Arc::new(world)),
            refusals: Refusals::default(),
            recorded: Mutex::default(),
            connections: AtomicU64::new(0),
            binding,
        }
    }

    pub(crate) fn world(&self) -> Arc<World> {
        Arc::clone(&self.world.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace(&self, world: World) {
        *self.world.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(world);
    }
}

impl Connection {
    pub(crate) fn new(exchange: &Arc<Exchange>) -> Connection {
        let number = exchange.connections.fetch_add(1, Ordering::Relaxed) + 1;
        Connection { exchange: Arc::clone(exchange), number, session: Mutex::default() }
    }

    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let world = self.exchange.world();
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, LARGEST_REQUEST).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => return plain(StatusCode::PAYLOAD_TOO_LARGE),
        };
        let authorization = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let login = self.login(&world, authorization);
        let text = String::from_utf8_lossy(&body);
        let envelope = Envelope::parse(&text);
        self.record(&world, &head, &text, envelope.as_ref().ok(), &login);

        let (account, last_word) = match login {
            Login::Account(account, last_word) => (account, last_word),
            Login::Refused(challenges, _) => {
                let mut response = plain(StatusCode::UNAUTHORIZED);
                for challenge in challenges {
                    if let Ok(value) = HeaderValue::try_from(challenge) {
                        response.headers_mut().append(WWW_AUTHENTICATE, value);
                    }
                }
                return response;
            }
        };
        if !head.uri.path().eq_ignore_ascii_case("/EWS/Exchange.asmx") {
            return plain(StatusCode::NOT_FOUND);
        }
        if head.method != Method::POST {
            return plain(StatusCode::METHOD_NOT_ALLOWED);
        }
        let kind = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !kind.trim_start().to_ascii_lowercase().starts_with("text/xml") {
            return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        let mut response = match envelope.and_then(|envelope| answer(&world, account, &envelope)) {
            Ok(content) => xml(StatusCode::OK, soap::envelope(&content)),
            Err(refusal) => xml(StatusCode::INTERNAL_SERVER_ERROR, refusal.fault()),
        };
        if let Some(value) = last_word.and_then(|word| HeaderValue::try_from(word).ok()) {
            response.headers_mut().insert(WWW_AUTHENTICATE, value);
        }
        response
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
        login: &Login,
    ) {
        let headers = head.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            let secret = name == AUTHORIZATION || name == PROXY_AUTHORIZATION;
            let shown = if secret { value.split(' ').next().unwrap_or_default() } else { &value };
            (name.to_string(), shown.to_owned())
        });
        let recorded = RecordedRequest {
            connection: self.number,
            operation: envelope.map(|envelope| operations::name(envelope.operation()).to_owned()),
            mailbox: envelope.and_then(mailbox_meant),
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
        self.exchange.recorded.lock().unwrap_or_else(PoisonError::into_inner).push(recorded);
    }
}

fn answer(world: &World, account: usize, envelope: &Envelope) -> Result<String, Refusal> {
    let caller = Caller::new(world, account, envelope.header("ExchangeImpersonation"))?;
    let zone = operations::zone_context(envelope.header("TimeZoneContext"))?;
    operations::answer(&operations::Request { world, caller, body: envelope.operation(), zone })
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

fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response.headers_mut().insert(SERVER, HeaderValue::from_static("Microsoft-IIS/10.0"));
    response
}

fn xml(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(SERVER, HeaderValue::from_static("Microsoft-IIS/10.0"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
    response
}
