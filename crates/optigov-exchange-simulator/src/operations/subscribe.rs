//! [Subscribe](https://learn.microsoft.com/exchange/client-developer/web-service-reference/subscribe-operation), to streaming
//! notifications.

use super::folder::Folder;
use super::{Request, messages, required};
use crate::soap::Refusal;
use crate::subscriptions::ChangeKind;
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
    let id = request.subscriptions.add(&request.world.mailbox(folder.mailbox).address, kinds);
    Ok(format!("<m:SubscriptionId>{}</m:SubscriptionId>", Escaped(&id)))
}
