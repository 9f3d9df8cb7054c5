//! [GetStreamingEvents](https://learn.microsoft.com/exchange/client-developer/web-service-reference/getstreamingevents-operation):
//! one answer that stays open and holds an envelope after the other.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Answer, Request, required, schema};
use crate::soap::{self, Refusal};
use crate::subscriptions::{Event, Stream};
use crate::wire;
use crate::xml::{Escaped, Ns};

/// Without news, the server shows this often that it is still there.
const HEARTBEAT: Duration = Duration::from_secs(30);

pub(super) fn answer(request: &Request<'_>) -> Result<Answer, Refusal> {
    let ids = &required(request.body, Ns::Messages, "SubscriptionIds")?.children;
    let ids: Vec<String> = ids.iter().map(|id| id.text().to_owned()).collect();
    let minutes = required(request.body, Ns::Messages, "ConnectionTimeout")?.text();
    let minutes: u64 = match minutes.parse() {
        Ok(minutes @ 1..=30) => minutes,
        _ => return Err(schema("the element 'ConnectionTimeout' is no number from 1 to 30".to_owned())),
    };
    let unknown: Vec<_> = ids.iter().filter(|id| !request.subscriptions.exists(id)).collect();
    if !unknown.is_empty() {
        return Ok(Answer::Content(not_found(&unknown)));
    }
    let Some(stream) = request.subscriptions.open() else {
        let text = "The account has opened too many connections.";
        let refusal = Refusal::new("ErrorExceededConnectionCount", text);
        return Ok(Answer::Content(super::refused(request.body, &refusal)));
    };
    let published = stream.watch();
    let deadline = Instant::now() + Duration::from_secs(60 * minutes);
    let open = Open { stream, ids, published, deadline, stage: Stage::New };
    Ok(Answer::Stream(wire::streamed(stream::unfold(open, Open::next))))
}

fn not_found(ids: &[&String]) -> String {
    let refusal = Refusal::new("ErrorSubscriptionNotFound", "The subscription is not known.");
    let mut errors = "<m:ErrorSubscriptionIds>".to_owned();
    for id in ids {
        push!(errors, "<t:SubscriptionId>{}</t:SubscriptionId>", Escaped(id));
    }
    errors.push_str("</m:ErrorSubscriptionIds><m:ConnectionStatus>Closed</m:ConnectionStatus>");
    let mut message = String::new();
    refusal.write_message(&mut message, "GetStreamingEventsResponseMessage", &errors);
    wrapped(&message)
}

fn wrapped(message: &str) -> String {
    format!(
        "<m:GetStreamingEventsResponse><m:ResponseMessages>{message}</m:ResponseMessages></m:GetStreamingEventsResponse>"
    )
}

/// A stream on its way.
struct Open {
    stream: Stream,
    ids: Vec<String>,
    published: watch::Receiver<u64>,
    deadline: Instant,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Running,
    Over,
}

impl Open {
    /// The next envelope.
    async fn next(mut self) -> Option<(std::io::Result<Bytes>, Open)> {
        match self.stage {
            Stage::Over => return None,
            Stage::New => {
                self.stage = Stage::Running;
                let document = document("<m:ConnectionStatus>OK</m:ConnectionStatus>");
                return Some((Ok(document), self));
            }
            Stage::Running => {}
        }
        loop {
            self.published.mark_unchanged();
            let (news, left) = self.stream.take(&self.ids);
            if !news.is_empty() {
                return Some((Ok(document(&notifications(&news))), self));
            }
            if !left || Instant::now() >= self.deadline {
                self.stage = Stage::Over;
                return Some((Ok(document("<m:ConnectionStatus>Closed</m:ConnectionStatus>")), self));
            }
            let pause = self.deadline.min(Instant::now() + HEARTBEAT);
            tokio::select! {
                _ = self.published.changed() => {}
                () = tokio::time::sleep_until(pause) => {
                    if pause < self.deadline {
                        return Some((Ok(document("<m:ConnectionStatus>OK</m:ConnectionStatus>")), self));
                    }
                }
            }
        }
    }
}

fn document(content: &str) -> Bytes {
    let message = format!(
        r#"<m:GetStreamingEventsResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>{content}</m:GetStreamingEventsResponseMessage>"#
    );
    Bytes::from(soap::envelope(&wrapped(&message), true))
}

fn notifications(news: &[(String, Vec<Event>)]) -> String {
    let mut out = "<m:Notifications>".to_owned();
    for (id, events) in news {
        push!(out, "<m:Notification><t:SubscriptionId>{}</t:SubscriptionId>", Escaped(id));
        out.push_str("<t:MoreEvents>false</t:MoreEvents>");
        for event in events {
            write_event(&mut out, event);
        }
        out.push_str("</m:Notification>");
    }
    out.push_str("</m:Notifications>");
    out
}

fn write_event(out: &mut String, event: &Event) {
    let element = event.kind.element();
    let item = STANDARD.encode(format!("item\n{}\n{}", event.mailbox, event.uid));
    let folder = STANDARD.encode(format!("calendar\n{}", event.mailbox));
    let key = STANDARD.encode(event.change_key.to_be_bytes());
    push!(out, "<t:{element}><t:Watermark>{key}</t:Watermark>");
    push!(out, "<t:TimeStamp>{}</t:TimeStamp>", event.at.format("%FT%TZ"));
    push!(out, r#"<t:ItemId Id="{item}" ChangeKey="{key}"/>"#);
    push!(out, r#"<t:ParentFolderId Id="{folder}" ChangeKey="AgAAABYAAAA="/></t:{element}>"#);
}
