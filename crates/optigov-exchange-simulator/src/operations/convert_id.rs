//! [ConvertId](https://learn.microsoft.com/exchange/client-developer/web-service-reference/convertid-operation), of which only
//! the refusal is simulated: clients send it with a made-up id to learn the server's version from the answer's header.

use super::{Request, messages, required};
use crate::soap::Refusal;
use crate::xml::Ns;

pub(super) fn answer(request: &Request<'_>) -> Result<String, Refusal> {
    let ids = required(request.body, Ns::Messages, "SourceIds")?;
    let refusal = || Err(Refusal::new("ErrorInvalidIdMalformed", "The Id is invalid."));
    Ok(messages("ConvertId", ids.children.iter().map(|_| refusal())))
}
