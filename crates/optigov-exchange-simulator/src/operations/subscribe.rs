//! [Subscribe](https://learn.microsoft.com/exchange/client-developer/web-service-reference/subscribe-operation), to streaming
//! notifications.

use super::folder::Folder;
use super::{Request, messages, required};
use crate::soap::Refusal;
use crate::subscriptions::{ChangeKind, Subscriber};
use crate::xml::{Escaped, Ns};

pub(super) fn answer(request: &Request<'_>) -> String {
    messages("Subscribe", [subscribed(request)])
}

fn subscribed(request: &Request<'_>) -> Result<String, Refusal> {
    let invalid = |text| Refusal::new("ErrorInvalidSubscriptionRequest", text);
    let streaming = request.body.child(Ns::Messages, "StreamingSubscriptionRequest");
    let streaming = streaming.ok_or_else(|| invalid("The simulator has streaming subscriptions only."))?;
    let folders = required(streaming, Ns::Types, "FolderIds")?;
    let kinds = required(streaming, Ns::Types, "EventTypes")?;
    let [folder] = folders.children.as_slice() else {
        return Err(invalid("The simulator subscribes to exactly one folder at a time."));
    };
    let folder = Folder::named(request, folder)?;
    let kinds = kinds.children.iter().filter_map(|kind| ChangeKind::named(kind.text())).collect();
    let (world, back_end) = (request.world, request.back_end);
    let mailbox = world.mailbox(folder.mailbox);
    if world.scenario.separate_sites && mailbox.back_end % world.scenario.back_ends != back_end {
        let text = "The mailbox is in another site, and the request cannot be passed on.";
        return Err(Refusal::new("ErrorProxyRequestNotAllowed", text));
    }
    let subscriber = Subscriber { mailbox: mailbox.address.clone(), account: request.caller.account, back_end, kinds };
    let id = request.subscriptions.add(subscriber, world.scenario.streaming.subscriptions);
    let too_many = || Refusal::new("ErrorExceededSubscriptionCount", "The account has too many subscriptions.");
    Ok(format!("<m:SubscriptionId>{}</m:SubscriptionId>", Escaped(&id.ok_or_else(too_many)?)))
}
