//! Against requests that a browser sends without its user's will: `Host` and `Origin` are checked, and every form carries a token.
//!
//! `Host` is checked since a foreign name can be made to point to this machine (DNS rebinding). A token is the seal of the visitor's cookie under a key
//! that lives as long as the process; a foreign page can make a browser send the cookie, but can read neither it nor the token.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::RequestExt as _;
use axum::extract::{Form, FromRequest, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use optigov_availability::Text;
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};

use super::Service;
use super::problem::Problem;

/// The names under which the service may be asked.
#[derive(Clone, Debug)]
pub struct Hosts(Arc<Vec<String>>);

/// Seals visitors' cookies.
#[derive(Clone)]
pub(super) struct Seal(Arc<hmac::Key>);

/// Who is asking, as a random number in a cookie: nothing is known of them but that they come back.
#[derive(Clone)]
pub(super) struct Visitor {
    pub(super) id: String,
    /// What each form on a page for this visitor carries.
    pub(super) token: String,
}

/// A form that was sent from a page that this service made for this visitor.
pub(super) struct OwnForm {
    pub(super) visitor: Visitor,
    fields: Vec<(String, String)>,
}

const COOKIE: &str = "visitor=";
/// The page loads nothing but its style and runs nothing; its forms lead back to the service.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

impl Hosts {
    /// The loopback names with the port of `address`, and `address` itself.
    pub fn at(address: SocketAddr) -> Hosts {
        let names = ["localhost", "127.0.0.1", "[::1]"].map(|name| format!("{name}:{}", address.port()));
        Hosts(Arc::new(names.into_iter().chain([address.to_string()]).collect()))
    }

    /// And this name, with its port unless it is the usual one: `termine.musterstadt.example`.
    pub fn and(self, name: impl Into<String>) -> Hosts {
        Hosts(Arc::new(self.0.iter().cloned().chain([name.into().to_ascii_lowercase()]).collect()))
    }

    fn has(&self, name: &[u8]) -> bool {
        self.0.iter().any(|host| host.as_bytes().eq_ignore_ascii_case(name))
    }

    /// Whether a request that changes something comes from a page of ours, as far as its sender says. Programs say nothing.
    fn are_origin_of(&self, headers: &HeaderMap) -> bool {
        match (headers.get(header::ORIGIN), headers.get("sec-fetch-site")) {
            (Some(origin), _) => {
                let origin = origin.as_bytes();
                let name = origin.strip_prefix(b"http://").or_else(|| origin.strip_prefix(b"https://"));
                name.is_some_and(|name| self.has(name))
            }
            (None, Some(site)) => !matches!(site.as_bytes(), b"cross-site" | b"same-site"),
            (None, None) => true,
        }
    }
}

/// Refuses requests under foreign names and changes on behalf of foreign pages, and tells browsers what no answer of ours may do.
pub(super) async fn own_pages_only(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).map(HeaderValue::as_bytes).unwrap_or_default();
    let mut response = if !hosts.has(host) {
        let text = Text::fixed("Unter diesem Namen gibt es diesen Dienst nicht.", "This service has another name.");
        Problem::new(StatusCode::MISDIRECTED_REQUEST, "unknown_host", text).into_response()
    } else if !request.method().is_safe() && !hosts.are_origin_of(request.headers()) {
        let text = Text::fixed("Die Anfrage kommt von einer fremden Seite.", "The request comes from a foreign page.");
        Problem::new(StatusCode::FORBIDDEN, "foreign_origin", text).into_response()
    } else {
        next.run(request).await
    };
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        // `no-referrer` would make browsers send `Origin: null` with our own forms.
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("vary", "accept"),
    ] {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Knows the visitor by the cookie, or gives out a new one.
pub(super) async fn know_visitor(State(service): State<Service>, mut request: Request, next: Next) -> Response {
    let sent = request.headers().get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let sent = sent.flat_map(|cookies| cookies.split("; ")).find_map(|cookie| cookie.strip_prefix(COOKIE));
    let known = sent.filter(|id| id.len() == 22).map(str::to_owned);
    let is_new = known.is_none();
    let Some(id) = known.or_else(random) else {
        let text = Text::fixed("Der Dienst kann gerade nicht antworten.", "The service cannot answer now.");
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", text).into_response();
    };
    let token = service.seal.token(&id);
    request.extensions_mut().insert(Visitor { id: id.clone(), token });
    let mut response = next.run(request).await;
    if is_new && let Ok(cookie) = format!("{COOKIE}{id}; Path=/; HttpOnly; SameSite=Lax").parse() {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

impl Seal {
    /// A new key: forms from before the start of the process are refused.
    pub(super) fn new() -> Option<Seal> {
        hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok().map(|key| Seal(Arc::new(key)))
    }

    fn token(&self, visitor: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, visitor.as_bytes()))
    }

    fn is_of(&self, visitor: &str, token: &str) -> bool {
        let token = BASE64_URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
        hmac::verify(&self.0, visitor.as_bytes(), &token).is_ok()
    }
}

impl OwnForm {
    /// The values of all fields of this name, trimmed.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.trim())
    }

    /// The value of the first field of this name, unless it is empty.
    pub(super) fn one<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next().filter(|value| !value.is_empty())
    }
}

/// Nothing of a form is seen by a handler before its token was checked.
impl FromRequest<Service> for OwnForm {
    type Rejection = Problem;

    async fn from_request(request: Request, service: &Service) -> Result<OwnForm, Problem> {
        let visitor = request.extensions().get::<Visitor>().cloned();
        let Form(fields) = request.extract::<Form<Vec<(String, String)>>, _>().await?;
        let token = fields.iter().find(|(name, _)| name == "token").map(|(_, token)| token.as_str());
        match (visitor, token) {
            (Some(visitor), Some(token)) if service.seal.is_of(&visitor.id, token) => Ok(OwnForm { visitor, fields }),
            _ => {
                let text = Text::fixed(
                    "Das Formular ist nicht mehr gültig. Bitte gehen Sie zurück, laden Sie die Seite neu und senden Sie es noch einmal. Ihr Browser muss dafür Cookies dieser Seite zulassen.",
                    "The form is no longer valid. Go back, load the page again and send it once more. Your browser must allow this site's cookies.",
                );
                Err(Problem::new(StatusCode::FORBIDDEN, "invalid_form", text))
            }
        }
    }
}

/// 128 random bits as text.
fn random() -> Option<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).ok().map(|()| BASE64_URL_SAFE_NO_PAD.encode(bytes))
}
