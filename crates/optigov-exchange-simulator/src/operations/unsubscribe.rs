//! [Unsubscribe](https://learn.microsoft.com/exchange/client-developer/web-service-reference/unsubscribe-operation).

use super::{Request, messages, required};
use crate::soap::Refusal;
use crate::xml::Ns;

pub(super) fn answer(request: &Request<'_>) -> Result<String, Refusal> {
    let id = required(request.body, Ns::Messages, "SubscriptionId")?.text();
    let answer = if request.subscriptions.remove(id, request.back_end) {
        Ok(String::new())
    } else {
        Err(Refusal::new("ErrorSubscriptionNotFound", "The subscription is not known."))
    };
    Ok(messages("Unsubscribe", [answer]))
}
