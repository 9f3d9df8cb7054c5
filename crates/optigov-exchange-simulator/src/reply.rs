//! HTTP answers, before anything odd is done to them.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, SERVER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};

use crate::encoding::Encoding;
use crate::scenario::HttpAnswer;
use crate::wire::{self, Body};

pub(crate) const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");

/// A status without a body.
pub(crate) fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(wire::whole(""));
    *response.status_mut() = status;
    response.headers_mut().insert(SERVER, HeaderValue::from_static("Microsoft-IIS/10.0"));
    response
}

/// 401 with these values of `WWW-Authenticate`.
pub(crate) fn unauthorized(challenges: Vec<String>) -> Response<Body> {
    let mut response = plain(StatusCode::UNAUTHORIZED);
    for challenge in challenges {
        if let Ok(value) = HeaderValue::try_from(challenge) {
            response.headers_mut().append(WWW_AUTHENTICATE, value);
        }
    }
    response
}

/// An answer as the scenario has it.
pub(crate) fn http(answer: &HttpAnswer) -> Response<Body> {
    let mut response = plain(status(answer.status));
    if !answer.content_type.is_empty() {
        response.headers_mut().extend(HeaderValue::try_from(&answer.content_type).map(|value| (CONTENT_TYPE, value)));
    }
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    *response.body_mut() = wire::whole(answer.body.clone());
    response
}

/// XML in a charset.
pub(crate) fn xml(status: StatusCode, charset: &str, body: Body) -> Response<Body> {
    typed(status, &format!("text/xml; charset={charset}"), body)
}

/// A body of any type.
pub(crate) fn typed(status: StatusCode, content_type: &str, body: Body) -> Response<Body> {
    let mut response = plain(status);
    let content_type = HeaderValue::try_from(content_type);
    response.headers_mut().extend(content_type.map(|value| (CONTENT_TYPE, value)));
    *response.body_mut() = body;
    response
}

/// A status that the scenario's check let through.
pub(crate) fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A whole answer as it looks on the wire.
pub(crate) fn as_bytes(
    status: StatusCode,
    content_type: &str,
    encoding: Encoding,
    request_id: Option<&HeaderValue>,
    content: &[u8],
) -> Bytes {
    let mut head = String::new();
    push!(head, "HTTP/1.1 {status}\r\nServer: Microsoft-IIS/10.0\r\n");
    push!(head, "Content-Type: {content_type}\r\nContent-Length: {}\r\n", content.len());
    if encoding.gzip {
        head.push_str("Content-Encoding: gzip\r\n");
    }
    if let Some(id) = request_id.and_then(|id| id.to_str().ok()) {
        push!(head, "{CLIENT_REQUEST_ID}: {id}\r\n");
    }
    head.push_str("\r\n");
    Bytes::from([head.as_bytes(), content].concat())
}
