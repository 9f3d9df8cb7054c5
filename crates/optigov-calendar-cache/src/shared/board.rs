//! What instances tell each other by publish and subscribe. Nothing that must hold depends on it: it only makes them hear of each other sooner.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use redis::{Client, Pipeline, Value};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{sleep, timeout},
};

use super::front::Front;
use crate::{CacheKey, Notice, Notices, Saved};

/// How many notices a stream may lag behind before it is told that it missed some.
const BACKLOG: usize = 1_024;
/// How long to wait before subscribing anew.
const PAUSE: Duration = Duration::from_secs(1);
/// How often the subscription is asked whether it lives, and how long it may take to say so. A connection that hangs says nothing, for ever.
const ASKED_EVERY: Duration = Duration::from_secs(2);
/// How many mailboxes one message names.
const KEYS_PER_MESSAGE: usize = 1_000;

/// Sends notices, and hands on those of others.
pub(crate) struct NoticeBoard {
    /// Tells this instance's own notices from others'.
    instance: String,
    channel: String,
    sender: broadcast::Sender<Notice>,
    listener: tokio::task::JoinHandle<()>,
}

impl NoticeBoard {
    /// Subscribes in the background, again and again, until this is dropped.
    pub(crate) fn new(client: Client, channel: String, front: &Arc<Front>) -> NoticeBoard {
        let (sender, _) = broadcast::channel(BACKLOG);
        let instance = format!("{:016x}", crate::random::random_number());
        let listening = listen(client, channel.clone(), instance.clone(), sender.clone(), Arc::downgrade(front));
        NoticeBoard { instance, channel, sender, listener: tokio::spawn(listening) }
    }

    pub(crate) fn notices(&self) -> Notices {
        Notices::new(stream::unfold(self.sender.subscribe(), |mut receiver| async move {
            match receiver.recv().await {
                Ok(notice) => Some((notice, receiver)),
                Err(RecvError::Lagged(_)) => Some((Notice::Missed, receiver)),
                Err(RecvError::Closed) => None,
            }
        }))
    }

    /// Adds the sending of a notice to a pipeline.
    pub(crate) fn publish(&self, pipe: &mut Pipeline, notice: &Notice) {
        for message in written(notice) {
            pipe.cmd("PUBLISH").arg(&self.channel).arg(format!("{} {message}", self.instance));
        }
    }
}

impl Drop for NoticeBoard {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn listen(
    client: Client,
    channel: String,
    instance: String,
    sender: broadcast::Sender<Notice>,
    front: Weak<Front>,
) {
    loop {
        let subscribing = async {
            let mut subscription = client.get_async_pubsub().await?;
            subscription.subscribe(&channel).await?;
            redis::RedisResult::Ok(subscription)
        };
        if let Ok(Ok(subscription)) = timeout(PAUSE * 5, subscribing).await {
            // Also the first time: something may have been said between the service's start and this.
            drop(sender.send(Notice::Missed));
            let (mut sink, mut messages) = subscription.split();
            loop {
                let message = match timeout(ASKED_EVERY, messages.next()).await {
                    Ok(Some(message)) => message,
                    Ok(None) => break,
                    Err(_) => match timeout(ASKED_EVERY, sink.ping::<Value>()).await {
                        Ok(Ok(_)) => continue,
                        Ok(Err(_)) | Err(_) => break,
                    },
                };
                let Some(notice) = read(message.get_payload_bytes(), &instance) else { continue };
                let Some(front) = front.upgrade() else { return };
                if let Notice::Touched(keys) = &notice {
                    front.forget(keys);
                }
                drop(sender.send(notice));
            }
        }
        sleep(PAUSE).await;
    }
}

/// The messages that say it, without their sender.
fn written(notice: &Notice) -> Vec<String> {
    let about = |what: &str, keys: &[CacheKey]| {
        let listed = |keys: &[CacheKey]| keys.iter().map(CacheKey::to_string).collect::<Vec<_>>().join(",");
        keys.chunks(KEYS_PER_MESSAGE).map(|keys| format!("{what} {}", listed(keys))).collect()
    };
    match notice {
        Notice::Watching(keys) => about("watching", keys),
        Notice::Touched(keys) => about("touched", keys),
        Notice::Lost(keys) => about("lost", keys),
        Notice::Saved(Saved::Counter(counter)) => vec![format!("counter {counter}")],
        Notice::Saved(Saved::Everything) => vec!["everything ".to_owned()],
        Notice::Missed => Vec::new(),
    }
}

/// Another instance's notice; `None` for this instance's own, and for what is none.
fn read(message: &[u8], instance: &str) -> Option<Notice> {
    let message = std::str::from_utf8(message).ok()?;
    let (from, rest) = message.split_once(' ')?;
    let (what, rest) = rest.split_once(' ')?;
    if from == instance {
        return None;
    }
    match what {
        "counter" => return Some(Notice::Saved(Saved::Counter(rest.to_owned()))),
        "everything" => return Some(Notice::Saved(Saved::Everything)),
        _ => {}
    }
    let keys = rest.split(',').map(|key| key.to_owned().try_into()).collect::<Result<_, _>>().ok()?;
    match what {
        "watching" => Some(Notice::Watching(keys)),
        "touched" => Some(Notice::Touched(keys)),
        "lost" => Some(Notice::Lost(keys)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_by_others_and_by_them_alone() {
        let key = CacheKey::new("", &"anna@stadt.example".parse().expect("an address"));
        let keys = vec![key, key];
        for notice in [
            Notice::Saved(Saved::Counter("schalter 1".into())),
            Notice::Saved(Saved::Everything),
            Notice::Watching(keys.clone()),
            Notice::Touched(keys.clone()),
            Notice::Lost(keys),
        ] {
            let [message] = &written(&notice)[..] else { panic!("one message") };
            let message = format!("a {message}");
            assert_eq!(read(message.as_bytes(), "b"), Some(notice));
            assert_eq!(read(message.as_bytes(), "a"), None);
        }
        assert_eq!(written(&Notice::Touched(vec![key; 2_500])).len(), 3, "no message is long");
    }

    #[test]
    fn garbage_is_no_notice() {
        for garbage in [&b""[..], b"a", b"a counter", b"a touched xyz", b"a other 1", b"a lost ", b"\xff\xfe a b"] {
            assert_eq!(read(garbage, "b"), None);
        }
    }
}
