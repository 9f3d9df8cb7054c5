//! From the text of an answer to a response whose bytes end as the plan has it.

use std::io;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderValue, Response, StatusCode};

use super::Connection;
use crate::encoding;
use crate::misbehaviour::{Ending, Plan};
use crate::reply;
use crate::wire::{self, Body, Repeated};

impl Connection {
    /// Turns the answer's text into the body that the plan asks for: encoded, repeated, or cut off.
    pub(crate) fn ended(
        &self,
        status: StatusCode,
        content_type: &str,
        text: String,
        plan: &Plan,
        request_id: Option<&HeaderValue>,
    ) -> io::Result<Response<Body>> {
        let typed = |body| reply::typed(status, content_type, body);
        let repeated = match plan.ending {
            Ending::Padded(bytes) => Some(Repeated::blanks(&text, bytes)),
            Ending::ManyItems(bytes) => Some(Repeated::items(&text, bytes)),
            _ => None,
        };
        let content = match repeated {
            Some(repeated) if plan.encoding.gzip && !repeated.is_endless() => encoding::gzip(repeated.pieces())?,
            Some(repeated) => return Ok(typed(wire::long(repeated))),
            None => {
                let bytes = Bytes::from(plan.encoding.bytes(text));
                if plan.encoding.gzip { encoding::gzip([bytes])? } else { bytes }
            }
        };
        let length = content.len();
        let mut response = typed(match plan.ending {
            Ending::ResetWithin => wire::broken(content, self.connection_end.clone()),
            Ending::ResetAfter => wire::last(content, self.connection_end.clone()),
            Ending::Surplus(after) => {
                let next = reply::as_bytes(status, content_type, plan.encoding, request_id, &content);
                wire::followed(content, self.surplus.clone(), next, after)
            }
            Ending::Whole | Ending::Padded(_) | Ending::ManyItems(_) => wire::whole(content),
        });
        if matches!(plan.ending, Ending::ResetWithin | Ending::Surplus(_)) {
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        if plan.encoding.gzip {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(response)
    }
}
