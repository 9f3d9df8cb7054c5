//! [GetStreamingEvents](https://learn.microsoft.com/exchange/client-developer/web-service-reference/getstreamingevents-operation):
//! one answer that stays open and holds an envelope after the other.

use std::io;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Answer, Request, required, schema};
use crate::scenario::{StreamDefect, Streaming};
use crate::soap::{self, Refusal};
use crate::subscriptions::{ChangeKind, Event, Stream};
use crate::wire;
use crate::xml::{Escaped, Ns};

pub(super) fn answer(request: &Request<'_>) -> Result<Answer, Refusal> {
    let ids = &required(request.body, Ns::Messages, "SubscriptionIds")?.children;
    let ids: Vec<String> = ids.iter().map(|id| id.text().to_owned()).collect();
    let minutes = required(request.body, Ns::Messages, "ConnectionTimeout")?.text();
    let minutes: u32 = match minutes.parse() {
        Ok(minutes @ 1..=30) => minutes,
        _ => return Err(schema("the element 'ConnectionTimeout' is no number from 1 to 30".to_owned())),
    };
    let refused = |code: &'static str, text: &'static str| {
        Ok(Answer::Content(super::refused(request.body, &Refusal::new(code, text))))
    };
    if ids.len() > Streaming::MOST_FOR_A_CONNECTION {
        return refused("ErrorInvalidArgument", "A connection has at most 200 subscriptions.");
    }
    let is_unknown = |id: &&String| !request.subscriptions.exists(id, request.back_end);
    let unknown: Vec<_> = ids.iter().filter(is_unknown).cloned().collect();
    if !unknown.is_empty() {
        let closed = "<m:ConnectionStatus>Closed</m:ConnectionStatus>";
        return Ok(Answer::Content(wrapped(&failed("ErrorSubscriptionNotFound", &unknown, closed))));
    }
    let policy = &request.world.scenario.streaming;
    let stream = request.subscriptions.open(&ids, request.caller.account, request.back_end, policy.connections);
    let Some(stream) = stream else {
        return refused("ErrorExceededConnectionCount", "The account has opened too many connections.");
    };
    let open = Open {
        changed: stream.watch(),
        stream,
        ids,
        deadline: Instant::now() + policy.minute.saturating_mul(minutes),
        heartbeat: policy.heartbeat,
        defect: request.manner.stream.clone(),
        envelopes: 0,
        stage: Stage::New,
    };
    Ok(Answer::Stream(wire::streamed(stream::unfold(open, Open::next))))
}

fn wrapped(message: &str) -> String {
    format!(
        "<m:GetStreamingEventsResponse><m:ResponseMessages>{message}</m:ResponseMessages></m:GetStreamingEventsResponse>"
    )
}

/// A response message that names the subscriptions that it concerns.
fn failed(code: &str, ids: &[String], status: &str) -> String {
    let refusal = Refusal::new(code.to_owned(), "The events of a subscription cannot be sent.");
    let mut content = "<m:ErrorSubscriptionIds>".to_owned();
    for id in ids {
        push!(content, "<t:SubscriptionId>{}</t:SubscriptionId>", Escaped(id));
    }
    push!(content, "</m:ErrorSubscriptionIds>{status}");
    let mut message = String::new();
    refusal.write_message(&mut message, "GetStreamingEventsResponseMessage", &content);
    message
}

/// A stream on its way.
struct Open {
    stream: Stream,
    /// The subscriptions that it carries.
    ids: Vec<String>,
    changed: watch::Receiver<u64>,
    deadline: Instant,
    heartbeat: Duration,
    defect: Option<StreamDefect>,
    /// How many envelopes were sent.
    envelopes: u64,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Running,
    /// Half an envelope was sent, and no more will be.
    Broken,
    Over,
}

const ALIVE: &str = "<m:ConnectionStatus>OK</m:ConnectionStatus>";
const CLOSED: &str = "<m:ConnectionStatus>Closed</m:ConnectionStatus>";

impl Open {
    /// The next envelope, or the end.
    async fn next(mut self) -> Option<(io::Result<Bytes>, Open)> {
        match self.stage {
            Stage::Over => return None,
            Stage::Broken => {
                self.stage = Stage::Over;
                // Gives the connection a chance to write what came before.
                tokio::task::yield_now().await;
                return Some((Err(io::ErrorKind::ConnectionReset.into()), self));
            }
            Stage::New | Stage::Running => {}
        }
        let content = self.content().await;
        if let Content::Half = content {
            self.stage = Stage::Broken;
            let whole = document(&succeeded(ALIVE));
            return Some((Ok(whole.slice(..whole.len() / 2)), self));
        }
        self.envelopes += 1;
        let (Content::Message(message) | Content::LastMessage(message)) = &content else { return None };
        self.stage = if let Content::LastMessage(_) = content { Stage::Over } else { Stage::Running };
        Some((Ok(document(message)), self))
    }

    async fn content(&mut self) -> Content {
        let pause = self.deadline.min(Instant::now() + self.heartbeat);
        if self.stage == Stage::New && self.defect.as_ref().is_none_or(|defect| defect.after() > 0) {
            return Content::Message(succeeded(ALIVE));
        }
        loop {
            self.changed.mark_unchanged();
            let turn = self.stream.turn(&mut self.ids);
            let defect = self.defect.as_ref().filter(|defect| self.envelopes >= defect.after());
            match defect {
                _ if turn.cut => return Content::Half,
                Some(StreamDefect::Cut { .. }) => return Content::Half,
                Some(StreamDefect::Error { code, .. }) => {
                    self.stream.end(&self.ids);
                    return Content::LastMessage(failed(code, &self.ids, CLOSED));
                }
                _ => {}
            }
            if turn.silent || defect.is_some() {
                // Only a cut is noticed. The sender lives as long as the stream.
                self.changed.changed().await.ok();
                continue;
            }
            for (code, ids) in [
                ("ErrorMissedNotificationEvents", &turn.missed),
                ("ErrorNewEventStreamConnectionOpened", &turn.taken_over),
            ] {
                if !ids.is_empty() {
                    return match turn.is_needed {
                        true => Content::Message(failed(code, ids, "")),
                        false => Content::LastMessage(failed(code, ids, CLOSED)),
                    };
                }
            }
            if !turn.news.is_empty() {
                return Content::Message(succeeded(&notifications(&turn.news)));
            }
            if !turn.is_needed || Instant::now() >= self.deadline {
                return Content::LastMessage(succeeded(CLOSED));
            }
            if turn.beat || Instant::now() >= pause {
                return Content::Message(succeeded(ALIVE));
            }
            tokio::select! {
                _ = self.changed.changed() => {}
                () = tokio::time::sleep_until(pause) => {}
            }
        }
    }
}

/// What a stream sends next.
enum Content {
    Message(String),
    /// The same, and nothing after it.
    LastMessage(String),
    /// Half an envelope.
    Half,
}

fn succeeded(content: &str) -> String {
    format!(
        r#"<m:GetStreamingEventsResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>{content}</m:GetStreamingEventsResponseMessage>"#
    )
}

fn document(message: &str) -> Bytes {
    Bytes::from(soap::envelope(&wrapped(message), true))
}

/// Exchange writes `m:Notification`, and clients look for it, although its schema has `t:Notification`.
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
    let id = |what: &str, name: &str| STANDARD.encode(format!("{what}\n{}\n{name}", event.mailbox));
    let folder = STANDARD.encode(format!("calendar\n{}", event.mailbox));
    let item = id("item", &event.uid);
    let key = STANDARD.encode(event.change_key.to_be_bytes());
    push!(out, "<t:{element}><t:Watermark>{key}</t:Watermark>");
    push!(out, "<t:TimeStamp>{}</t:TimeStamp>", event.at.format("%FT%TZ"));
    if event.kind == ChangeKind::Moved {
        let (moved, deleted_items) = (id("deleted item", &event.uid), id("deleted items", ""));
        push!(out, r#"<t:ItemId Id="{moved}" ChangeKey="{key}"/>"#);
        push!(out, r#"<t:ParentFolderId Id="{deleted_items}" ChangeKey="AQAAABYAAAA="/>"#);
        push!(out, r#"<t:OldItemId Id="{item}" ChangeKey="{key}"/>"#);
        push!(out, r#"<t:OldParentFolderId Id="{folder}" ChangeKey="AgAAABYAAAA="/></t:{element}>"#);
        return;
    }
    push!(out, r#"<t:ItemId Id="{item}" ChangeKey="{key}"/>"#);
    push!(out, r#"<t:ParentFolderId Id="{folder}" ChangeKey="AgAAABYAAAA="/></t:{element}>"#);
}
