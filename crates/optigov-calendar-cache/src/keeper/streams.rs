//! The streams of a source's reports, each in a task of its own that ends with it.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use futures_util::StreamExt as _;
use optigov_calendar::{CalendarSource, Change, Mailbox};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, Id, JoinSet},
    time::Instant,
};

/// So many reports may wait to be looked at; then the streams wait.
const WAITING: usize = 256;

/// The streams that are read.
pub(super) struct Streams {
    source: Arc<dyn CalendarSource>,
    tasks: JoinSet<()>,
    open: HashMap<Id, OpenStream>,
    sender: mpsc::Sender<(Id, Change)>,
    receiver: mpsc::Receiver<(Id, Change)>,
    /// What is to be handed on before anything else.
    backlog: VecDeque<Report>,
}

struct OpenStream {
    mailboxes: HashSet<Mailbox>,
    since: Instant,
    task: AbortHandle,
}

/// What the streams tell.
pub(super) enum Report {
    Change(Change),
    /// A stream of these mailboxes has ended, which was open since then.
    Ended {
        mailboxes: HashSet<Mailbox>,
        since: Instant,
    },
}

impl Streams {
    pub(super) fn new(source: Arc<dyn CalendarSource>) -> Streams {
        let (sender, receiver) = mpsc::channel(WAITING);
        let (tasks, open, backlog) = (JoinSet::new(), HashMap::new(), VecDeque::new());
        Streams { source, tasks, open, sender, receiver, backlog }
    }

    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Watches these mailboxes as well.
    pub(super) fn open(&mut self, mailboxes: Vec<Mailbox>) {
        let (sender, source) = (self.sender.clone(), Arc::clone(&self.source));
        let watched = mailboxes.iter().cloned().collect();
        let task = self.tasks.spawn(async move {
            let mut reports = source.watch(mailboxes);
            let id = tokio::task::id();
            while let Some(change) = reports.next().await {
                if sender.send((id, change)).await.is_err() {
                    return;
                }
            }
        });
        self.open.insert(task.id(), OpenStream { mailboxes: watched, since: Instant::now(), task });
    }

    /// Ends all streams, also those whose reports are not looked at yet.
    pub(super) fn close(&mut self) {
        for (_, stream) in self.open.drain() {
            stream.task.abort();
        }
        self.backlog.clear();
    }

    /// The next report. It can be dropped at any time without losing one.
    pub(super) async fn next(&mut self) -> Report {
        loop {
            if let Some(report) = self.backlog.pop_front() {
                return report;
            }
            tokio::select! {
                biased;
                Some((id, change)) = self.receiver.recv() => {
                    if self.open.contains_key(&id) {
                        return Report::Change(change);
                    }
                }
                Some(ended) = self.tasks.join_next_with_id() => {
                    // A source that panics has ended, too.
                    let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                    while let Ok((id, change)) = self.receiver.try_recv() {
                        if self.open.contains_key(&id) {
                            self.backlog.push_back(Report::Change(change));
                        }
                    }
                    if let Some(OpenStream { mailboxes, since, .. }) = self.open.remove(&id) {
                        self.backlog.push_back(Report::Ended { mailboxes, since });
                    }
                }
            }
        }
    }
}
