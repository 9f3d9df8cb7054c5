//! What instances tell each other by publish and subscribe. Nothing that must hold depends on it: it only makes them hear of each other sooner.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::{Stream, StreamExt as _, stream};
use redis::{Client, Pipeline};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{sleep, timeout},
};

use super::front::Front;
use crate::CacheKey;

/// How many notices a stream may lag behind before it is told that it missed some.
const BACKLOG: usize = 1_024;
/// How long to wait before subscribing anew.
const PAUSE: Duration = Duration::from_secs(1);

/// What another instance has told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SavedElsewhere {
    /// This counter was saved there, by its id as given to [`SharedCache::announce`](super::SharedCache::announce): load it and put it into force
    /// here.
    Counter(String),
    /// What was read of these mailboxes is void. The cache knows already; a service need not do anything.
    Mailboxes(Vec<CacheKey>),
    /// Notices may have been lost, since the connection to the store was: load all counters that may have changed.
    Missed,
}

/// Sends notices, and hands on those of others.
pub(crate) struct Notices {
    /// Tells this instance's own notices from others'.
    instance: String,
    channel: String,
    sender: broadcast::Sender<SavedElsewhere>,
    listener: tokio::task::JoinHandle<()>,
}

impl Notices {
    /// Subscribes in the background, again and again, until this is dropped.
    pub(crate) fn new(client: Client, channel: String, instance: String, front: &Arc<Front>) -> Notices {
        let (sender, _) = broadcast::channel(BACKLOG);
        let listening = listen(client, channel.clone(), instance.clone(), sender.clone(), Arc::downgrade(front));
        Notices { instance, channel, sender, listener: tokio::spawn(listening) }
    }

    pub(crate) fn stream(&self) -> impl Stream<Item = SavedElsewhere> + Send + use<> {
        stream::unfold(self.sender.subscribe(), |mut receiver| async move {
            match receiver.recv().await {
                Ok(notice) => Some((notice, receiver)),
                Err(RecvError::Lagged(_)) => Some((SavedElsewhere::Missed, receiver)),
                Err(RecvError::Closed) => None,
            }
        })
    }

    /// Adds the sending of a message to a pipeline.
    pub(crate) fn publish(&self, pipe: &mut Pipeline, message: &str) {
        pipe.cmd("PUBLISH").arg(&self.channel).arg(message);
    }

    /// The message that tells of void mailboxes.
    pub(crate) fn of_mailboxes(&self, keys: &[CacheKey]) -> String {
        let keys: Vec<String> = keys.iter().map(CacheKey::to_string).collect();
        format!("{} mailboxes {}", self.instance, keys.join(","))
    }

    /// The message that tells of a counter.
    pub(crate) fn of_counter(&self, counter: &str) -> String {
        format!("{} counter {counter}", self.instance)
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn listen(
    client: Client,
    channel: String,
    instance: String,
    sender: broadcast::Sender<SavedElsewhere>,
    front: Weak<Front>,
) {
    let mut subscribed_before = false;
    loop {
        let subscribing = async {
            let mut subscription = client.get_async_pubsub().await?;
            subscription.subscribe(&channel).await?;
            redis::RedisResult::Ok(subscription)
        };
        if let Ok(Ok(subscription)) = timeout(PAUSE * 5, subscribing).await {
            if subscribed_before {
                drop(sender.send(SavedElsewhere::Missed));
            }
            subscribed_before = true;
            let mut messages = subscription.into_on_message();
            while let Some(message) = messages.next().await {
                let Some(notice) = parse(message.get_payload_bytes(), &instance) else { continue };
                let Some(front) = front.upgrade() else { return };
                if let SavedElsewhere::Mailboxes(keys) = &notice {
                    front.forget(keys);
                }
                drop(sender.send(notice));
            }
        }
        sleep(PAUSE).await;
    }
}

/// Another instance's notice; `None` for this instance's own, and for what is none.
fn parse(message: &[u8], instance: &str) -> Option<SavedElsewhere> {
    let message = std::str::from_utf8(message).ok()?;
    let (from, rest) = message.split_once(' ')?;
    match rest.split_once(' ')? {
        _ if from == instance => None,
        ("counter", counter) => Some(SavedElsewhere::Counter(counter.to_owned())),
        ("mailboxes", keys) => {
            let keys = keys.split(',').map(|key| key.to_owned().try_into());
            keys.collect::<Result<_, _>>().ok().map(SavedElsewhere::Mailboxes)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_notices_of_others_are_heard_and_garbage_is_none() {
        let counter = SavedElsewhere::Counter("schalter 1".into());
        assert_eq!(parse(b"a counter schalter 1", "b"), Some(counter));
        assert_eq!(parse(b"b counter schalter 1", "b"), None);
        for garbage in [&b""[..], b"a", b"a counter", b"a mailboxes xyz", b"a other 1", b"\xff\xfe a b"] {
            assert_eq!(parse(garbage, "b"), None);
        }
        let key = CacheKey::new("", &"anna@stadt.example".parse().expect("an address"));
        let message = format!("a mailboxes {key},{key}");
        assert_eq!(parse(message.as_bytes(), "b"), Some(SavedElsewhere::Mailboxes(vec![key, key])));
    }
}
