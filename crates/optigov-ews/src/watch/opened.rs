//! One answer that stays open, read in a task of its own.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use optigov_calendar::{Mailbox, ReadError};
use optigov_http::OpenBody;
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use super::{
    hanging::Place,
    reasons::{ended_early, silent},
};
use crate::{
    envelopes::Envelopes,
    ops::{
        get_streaming_events::{self, StreamFailure},
        subscribe::SubscriptionId,
    },
    session::Session,
};

/// A larger envelope than 200 busy calendars fill.
const LARGEST_ENVELOPE: usize = 4 << 20;
/// So many heartbeats show their interval.
const HEARTBEATS_TO_LEARN: usize = 3;

/// The subscriptions of a group. Those that have been given up are not in it.
#[derive(Default)]
pub(super) struct Subscriptions(Mutex<Both>);

#[derive(Default)]
struct Both {
    by_mailbox: BTreeMap<Mailbox, SubscriptionId>,
    by_id: HashMap<SubscriptionId, Mailbox>,
}

/// What a stream tells its group, apart from events, which it reports itself.
pub(super) struct Message {
    /// The number of the stream.
    pub(super) stream: u64,
    pub(super) news: News,
}

pub(super) enum News {
    /// The server has begun to send.
    Open,
    /// Some subscriptions have failed, and the stream goes on.
    Failed(StreamFailure),
    /// The stream has ended; `None`: in order.
    Ended(Option<ReadError>),
}

/// An open stream. Dropping it closes its connection.
pub(super) struct Opened {
    pub(super) number: u64,
    pub(super) since: Instant,
    /// Its right to a connection, until somebody else takes it.
    pub(super) place: Option<Place>,
    /// The mailboxes whose events it carries.
    pub(super) mailboxes: BTreeMap<Mailbox, SubscriptionId>,
    task: JoinHandle<()>,
}

impl Subscriptions {
    pub(super) fn insert(&self, mailbox: Mailbox, id: SubscriptionId) {
        let mut both = self.both();
        both.by_id.insert(id.clone(), mailbox.clone());
        if let Some(before) = both.by_mailbox.insert(mailbox, id) {
            both.by_id.remove(&before);
        }
    }

    pub(super) fn remove(&self, mailbox: &Mailbox) -> Option<SubscriptionId> {
        let mut both = self.both();
        let id = both.by_mailbox.remove(mailbox)?;
        both.by_id.remove(&id);
        Some(id)
    }

    /// The mailboxes to which these belong.
    pub(super) fn mailboxes_of<'a>(&self, ids: impl IntoIterator<Item = &'a SubscriptionId>) -> Vec<Mailbox> {
        let both = self.both();
        ids.into_iter().filter_map(|id| both.by_id.get(id).cloned()).collect()
    }

    pub(super) fn all(&self) -> BTreeMap<Mailbox, SubscriptionId> {
        self.both().by_mailbox.clone()
    }

    fn both(&self) -> MutexGuard<'_, Both> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Opened {
    pub(super) fn new(
        session: Arc<Session>,
        group: u64,
        number: u64,
        (place, body): (Place, OpenBody),
        (subscriptions, mailboxes): (Arc<Subscriptions>, BTreeMap<Mailbox, SubscriptionId>),
        messages: mpsc::Sender<Message>,
    ) -> Opened {
        let reading = Reading { session, group, number, subscriptions, messages };
        let task = tokio::spawn(reading.run(body));
        Opened { number, since: Instant::now(), place: Some(place), mailboxes, task }
    }

    /// Closes the connection, and waits until that is done.
    pub(super) async fn close(mut self) {
        self.task.abort();
        (&mut self.task).await.ok();
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Reading {
    session: Arc<Session>,
    group: u64,
    number: u64,
    subscriptions: Arc<Subscriptions>,
    messages: mpsc::Sender<Message>,
}

impl Reading {
    async fn run(self, body: OpenBody) {
        let ended = self.read(body).await;
        self.send(News::Ended(ended.err())).await;
    }

    /// Reads to the end of the stream.
    ///
    /// # Errors
    /// Where it does not end in order.
    async fn read(&self, mut body: OpenBody) -> Result<(), ReadError> {
        let hub = &self.session.hub;
        let mut envelopes = Envelopes::new(LARGEST_ENVELOPE);
        let mut heard = Instant::now();
        let mut is_open = false;
        let mut heartbeats = Vec::new();
        loop {
            let patience = hub.heartbeat() * 2;
            let piece = match timeout_at(heard + patience, body.next()).await {
                Ok(piece) => piece?,
                Err(_) => {
                    if heartbeats.is_empty() {
                        // Perhaps this server's heartbeats are slower than those of others.
                        hub.learn_heartbeat(patience);
                    }
                    return Err(silent(patience));
                }
            };
            let Some(piece) = piece else {
                return Err(ended_early(envelopes.is_within()));
            };
            envelopes.push(&piece);
            while let Some(envelope) = envelopes.next()? {
                let quiet = heard.elapsed();
                heard = Instant::now();
                let envelope = String::from_utf8_lossy(&envelope);
                let news = get_streaming_events::read(envelope.as_bytes())?.content?;
                let is_heartbeat = news.touched.is_empty() && news.failures.is_empty() && !news.closed;
                if is_heartbeat && is_open {
                    learn(&mut heartbeats, quiet, |interval| hub.learn_heartbeat(interval));
                }
                if !is_open && news.failures.is_empty() && !news.closed {
                    is_open = true;
                    self.send(News::Open).await;
                }
                hub.touched(self.group, &self.subscriptions.mailboxes_of(&news.touched));
                for failure in news.failures {
                    if failure.subscriptions.is_empty() {
                        return Err(failure.error);
                    }
                    self.send(News::Failed(failure)).await;
                }
                if news.closed {
                    return Ok(());
                }
            }
        }
    }

    async fn send(&self, news: News) {
        // Where the group is gone, nobody wants to know.
        self.messages.send(Message { stream: self.number, news }).await.ok();
    }
}

/// Takes the longest of the last few quiet times for the interval of heartbeats.
fn learn(heartbeats: &mut Vec<Duration>, quiet: Duration, learned: impl FnOnce(Duration)) {
    if heartbeats.len() == HEARTBEATS_TO_LEARN {
        heartbeats.remove(0);
    }
    heartbeats.push(quiet);
    if let (HEARTBEATS_TO_LEARN, Some(longest)) = (heartbeats.len(), heartbeats.iter().max()) {
        learned(*longest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_of_three_heartbeats_is_their_interval() {
        let (mut heartbeats, mut learned) = (Vec::new(), Vec::new());
        for seconds in [30, 10, 29, 31, 20, 20, 20] {
            learn(&mut heartbeats, Duration::from_secs(seconds), |interval| learned.push(interval.as_secs()));
        }
        assert_eq!(learned, [30, 31, 31, 31, 20]);
    }
}
