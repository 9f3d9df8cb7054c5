//! What is decided before a request reaches EWS: its path and form, access policies, the anchor mailbox.

use http::header::{CONTENT_TYPE, HeaderMap, USER_AGENT};
use http::{HeaderValue, Method, Response, StatusCode, request};

use crate::reply;
use crate::scenario::{AnchorLookup, HttpAnswer, Location, MailboxState};
use crate::soap::{Envelope, Refusal};
use crate::wire::{self, Body};
use crate::world::World;

const ERROR_PAGE: &str = "/ews/genericerrorpage.htm";

/// The answer to a request that does not reach EWS. `None`: it does.
pub(crate) fn turn_away(world: &World, head: &request::Parts, envelope: Option<&Envelope>) -> Option<Response<Body>> {
    if head.method == Method::GET && head.uri.path().eq_ignore_ascii_case(ERROR_PAGE) {
        let page = "<html><body><h1>Something went wrong.</h1></body></html>";
        return Some(reply::http(&HttpAnswer::new(200).body(page)));
    }
    if let Err(status) = acceptable(head) {
        return Some(reply::plain(status));
    }
    forbidden(world, head, envelope).or_else(|| unknown_anchor(world, &head.headers))
}

/// The value to return as `client-request-id`, if the request asks for it.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let asks = text(headers, "return-client-request-id").trim().eq_ignore_ascii_case("true");
    headers.get("client-request-id").filter(|_| asks).cloned()
}

/// Whether the request is for EWS at all.
fn acceptable(head: &request::Parts) -> Result<(), StatusCode> {
    if !head.uri.path().eq_ignore_ascii_case("/EWS/Exchange.asmx") {
        return Err(StatusCode::NOT_FOUND);
    }
    if head.method != Method::POST {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    if !text(&head.headers, CONTENT_TYPE.as_str()).trim_start().to_ascii_lowercase().starts_with("text/xml") {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    Ok(())
}

fn forbidden(world: &World, head: &request::Parts, envelope: Option<&Envelope>) -> Option<Response<Body>> {
    let policy = &world.scenario.access_policy;
    let impersonates = envelope.is_some_and(|envelope| envelope.header("ExchangeImpersonation").is_some());
    let is_spared = policy.spares_impersonation && impersonates;
    if is_spared || policy.permits(text(&head.headers, USER_AGENT.as_str())) {
        return None;
    }
    let answer = HttpAnswer::forbidden();
    Some(reply::http(&match &policy.reason {
        Some(reason) => answer.header("X-EWS-Policy-Reason", reason.clone()),
        None => answer,
    }))
}

fn unknown_anchor(world: &World, headers: &HeaderMap) -> Option<Response<Body>> {
    let anchor = headers.get("x-anchormailbox").and_then(|value| value.to_str().ok())?.trim();
    let is_lost = |at| {
        let mailbox = world.mailbox(at);
        let is_away = matches!(mailbox.state, MailboxState::Unavailable | MailboxState::Moving);
        is_away || mailbox.location == Location::Online
    };
    if !world.mailbox_of(anchor).is_none_or(is_lost) {
        return None;
    }
    match &world.scenario.anchor_lookup {
        AnchorLookup::Ignore => None,
        AnchorLookup::Status(code) => Some(reply::plain(reply::status(*code))),
        AnchorLookup::Fault(code) => {
            let refusal = Refusal::new(code.clone(), "The anchor mailbox could not be found.");
            Some(reply::xml(StatusCode::INTERNAL_SERVER_ERROR, "utf-8", wire::whole(refusal.fault(None))))
        }
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
