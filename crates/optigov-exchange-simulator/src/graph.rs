//! Exchange Online by Microsoft Graph: the second face of the same scenario.

mod access;
mod assertion;
mod batch;
mod calendar;
mod calendar_view;
mod call;
mod concurrency;
mod discovery;
mod error;
mod event;
mod get_schedule;
mod perform;
mod preferences;
mod sts_error;
mod target;
mod token;
mod tokens;

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, HeaderMap, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode, request};

pub(crate) use assertion::check_certificate;
pub(crate) use tokens::Tokens;

use crate::exchange::Connection;
use crate::record::RecordedRequest;
use crate::reply::{self, CLIENT_REQUEST_ID};
use crate::wire::Body;
use crate::world::World;
use call::Call;
use concurrency::Concurrency;
use error::GraphError;
use perform::Performed;
use target::Target;

/// The value of `Content-Type`, as Graph sends it.
const JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// What all connections to Graph and to the token endpoint share.
#[derive(Debug, Default)]
pub(crate) struct GraphState {
    pub(crate) tokens: Tokens,
    pub(crate) concurrency: Concurrency,
    requests: AtomicU64,
}

/// The part of the second face that a path belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint<'a> {
    /// `/{tenant}/oauth2/v2.0/token`
    Token(&'a str),
    /// `/{tenant}/v2.0/.well-known/openid-configuration`
    OpenIdConfiguration(&'a str),
    /// `/common/discovery/instance`
    InstanceDiscovery,
    /// `/v1.0/…`
    Graph,
}

/// The ids of one request, which errors repeat.
#[derive(Clone, Debug)]
struct Ids {
    request: String,
    client: String,
}

impl<'a> Endpoint<'a> {
    /// `None`: the path belongs to EWS.
    pub(crate) fn of(path: &'a str) -> Option<Endpoint<'a>> {
        let bare = path.strip_prefix('/')?;
        if path == "/v1.0" || path.starts_with("/v1.0/") {
            return Some(Endpoint::Graph);
        }
        if path == "/common/discovery/instance" {
            return Some(Endpoint::InstanceDiscovery);
        }
        let tenant = |end| bare.strip_suffix(end).filter(|tenant| !tenant.is_empty() && !tenant.contains('/'));
        tenant("/oauth2/v2.0/token")
            .map(Endpoint::Token)
            .or_else(|| tenant("/v2.0/.well-known/openid-configuration").map(Endpoint::OpenIdConfiguration))
    }
}

impl GraphState {
    /// The ids of a request with these headers.
    fn ids(&self, headers: &HeaderMap) -> Ids {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let request = format!("{number:08x}-6a7b-4c8d-9e0f-{number:012x}");
        let client = text(headers, CLIENT_REQUEST_ID.as_str()).trim();
        let client = if client.is_empty() { request.clone() } else { client.to_owned() };
        Ids { request, client }
    }
}

impl Connection {
    /// Answers a request for the second face.
    ///
    /// # Errors
    /// The connection shall end without an answer.
    pub(crate) async fn graph(
        &self,
        world: &World,
        endpoint: Endpoint<'_>,
        head: &request::Parts,
        body: &Bytes,
    ) -> io::Result<Response<Body>> {
        let ids = self.exchange.graph.ids(&head.headers);
        let base = base(world, &head.headers);
        let mut response = match endpoint {
            Endpoint::Token(tenant) => self.token(world, tenant, &base, head, body, &ids).await?,
            Endpoint::OpenIdConfiguration(tenant) => {
                self.discovery(world, head, &ids, discovery::openid_configuration(world, tenant, &base)).await?
            }
            Endpoint::InstanceDiscovery => {
                self.discovery(world, head, &ids, Ok(discovery::instance(world, &base))).await?
            }
            Endpoint::Graph => self.graph_call(world, &base, head, body, &ids).await?,
        };
        let headers = response.headers_mut();
        for (name, value) in [(REQUEST_ID, &ids.request), (CLIENT_REQUEST_ID, &ids.client)] {
            headers.extend(HeaderValue::try_from(value).map(|value| (name, value)));
        }
        Ok(response)
    }

    async fn graph_call(
        &self,
        world: &World,
        base: &str,
        head: &request::Parts,
        body: &Bytes,
        ids: &Ids,
    ) -> io::Result<Response<Body>> {
        let call = Call::new(head, body);
        let authorization = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let application = self.exchange.graph.tokens.application(world, authorization);
        let batch = batch::is_batch(call.target.path());
        let parts = if batch { batch::parts(&call) } else { Ok(Vec::new()) };
        let mut record = self.recorded(head);
        record.body = String::from_utf8_lossy(body).into_owned();
        describe(world, &call, &mut record);
        record.parts = parts.iter().flatten().map(|part| part.record(world, &record)).collect();
        match application {
            Ok(at) => record.account = Some(world.scenario.applications[at].client_id.clone()),
            Err(ref refusal) => record.refusal = Some(refusal.reason()),
        }
        self.keep(record);
        let application = match application {
            Ok(application) => application,
            Err(refusal) => {
                let mut response = self.written(GraphError::from(refusal).performed(ids))?;
                let challenge = format!(r#"Bearer realm="", authorization_uri="{base}/common/oauth2/authorize""#);
                response.headers_mut().extend(HeaderValue::try_from(challenge).map(|value| (WWW_AUTHENTICATE, value)));
                return Ok(response);
            }
        };
        let performed = match batch {
            true => self.batch(world, application, base, parts, ids).await?,
            false => self.perform(world, application, base, &call, ids).await?,
        };
        self.written(performed)
    }

    /// An answer of Graph as it leaves.
    fn written(&self, performed: Performed) -> io::Result<Response<Body>> {
        let (mut response, headers) = match performed {
            Performed::Http(answer) => return Ok(reply::http(&answer)),
            Performed::Answer { status, headers, text, plan } => {
                (self.ended(status, JSON, plan.damage(text), &plan, None)?, headers)
            }
        };
        for (name, value) in headers {
            response.headers_mut().extend(HeaderValue::try_from(value).map(|value| (name, value)));
        }
        Ok(response)
    }
}

/// Notes what a call asks for.
fn describe(world: &World, call: &Call, record: &mut RecordedRequest) {
    record.asks_for_titles = call.asks_for_titles();
    match Target::parse(call) {
        Ok(target) => {
            record.operation = Some(target.operation().to_owned());
            record.mailbox = Some(target.mailbox(world));
        }
        Err(_) if batch::is_batch(call.target.path()) => record.operation = Some(batch::OPERATION.to_owned()),
        Err(_) => {}
    }
}

/// The address under which the request reached the simulator.
fn base(world: &World, headers: &HeaderMap) -> String {
    let scheme = if world.scenario.plain { "http" } else { "https" };
    format!("{scheme}://{}", text(headers, HOST.as_str()))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// A hint when to come back, in whole seconds.
fn retry_after(seconds: Option<String>) -> Vec<(HeaderName, String)> {
    seconds.map(|seconds| (RETRY_AFTER, seconds)).into_iter().collect()
}

/// A status that a scenario may have chosen.
fn status(code: u16) -> StatusCode {
    reply::status(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_belong_to_one_face() {
        assert_eq!(Endpoint::of("/v1.0/users/a@b/calendarView"), Some(Endpoint::Graph));
        assert_eq!(Endpoint::of("/town.example/oauth2/v2.0/token"), Some(Endpoint::Token("town.example")));
        let configuration = "/town.example/v2.0/.well-known/openid-configuration";
        assert_eq!(Endpoint::of(configuration), Some(Endpoint::OpenIdConfiguration("town.example")));
        assert_eq!(Endpoint::of("/common/discovery/instance"), Some(Endpoint::InstanceDiscovery));
        for path in ["/EWS/Exchange.asmx", "/v1.00", "/oauth2/v2.0/token", "/a/b/oauth2/v2.0/token", "*"] {
            assert_eq!(Endpoint::of(path), None, "{path}");
        }
    }
}
