//! What one stream of reports has still to tell.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::{Stream, StreamExt, stream};
use optigov_calendar::{Change, Mailbox, ReadError};
use tokio::sync::Notify;

/// Holds reports until they are fetched. However slowly that happens, there is at most one entry for each mailbox: what follows upon each other
/// is told as one. A calendar that was lost and is watched again has been lost all the same, and one that was touched before it was lost has been
/// touched.
#[derive(Default)]
pub(super) struct Outbox {
    pending: Mutex<Pending>,
    changed: Notify,
}

#[derive(Default)]
struct Pending {
    reports: BTreeMap<Mailbox, Report>,
    has_ended: bool,
}

/// What is to be told of one mailbox, in this order.
#[derive(Clone, Default)]
struct Report {
    lost: Option<ReadError>,
    watching: bool,
    touched: bool,
}

impl Outbox {
    pub(super) fn watching(&self, mailbox: &Mailbox) {
        self.report(mailbox, |report| report.watching = true);
    }

    pub(super) fn touched(&self, mailbox: &Mailbox) {
        self.report(mailbox, |report| report.touched = true);
    }

    pub(super) fn lost(&self, mailbox: &Mailbox, error: &ReadError) {
        self.report(mailbox, |report| {
            report.lost = Some(error.clone());
            report.watching = false;
        });
    }

    /// Nothing more will be told.
    pub(super) fn end(&self) {
        self.pending().has_ended = true;
        self.changed.notify_one();
    }

    /// The reports as they come. `owner` is kept as long as the stream is.
    pub(super) fn stream<T: Send + 'static>(self: Arc<Self>, owner: T) -> impl Stream<Item = Change> + Send + 'static {
        let batches = stream::unfold((self, owner), |(outbox, owner)| async move {
            let changes = outbox.fetched().await?;
            Some((stream::iter(changes), (outbox, owner)))
        });
        batches.flatten()
    }

    async fn fetched(&self) -> Option<Vec<Change>> {
        loop {
            let (reports, has_ended) = {
                let mut pending = self.pending();
                (std::mem::take(&mut pending.reports), pending.has_ended)
            };
            match (reports.is_empty(), has_ended) {
                (false, _) => return Some(changes(reports)),
                (true, true) => return None,
                (true, false) => self.changed.notified().await,
            }
        }
    }

    fn report(&self, mailbox: &Mailbox, change: impl FnOnce(&mut Report)) {
        let mut pending = self.pending();
        change(pending.reports.entry(mailbox.clone()).or_default());
        drop(pending);
        self.changed.notify_one();
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Mailboxes that share an error, and those that are watched, are told in one.
fn changes(reports: BTreeMap<Mailbox, Report>) -> Vec<Change> {
    let mut lost: Vec<(ReadError, Vec<Mailbox>)> = Vec::new();
    let (mut watching, mut touched) = (Vec::new(), Vec::new());
    for (mailbox, report) in reports {
        if let Some(error) = report.lost {
            match lost.last_mut() {
                Some((same, mailboxes)) if *same == error => mailboxes.push(mailbox.clone()),
                _ => lost.push((error, vec![mailbox.clone()])),
            }
        }
        if report.watching {
            watching.push(mailbox.clone());
        }
        if report.touched {
            touched.push(Change::Touched(mailbox));
        }
    }
    let mut changes: Vec<_> = lost.into_iter().map(|(error, mailboxes)| Change::Lost { mailboxes, error }).collect();
    if !watching.is_empty() {
        changes.push(Change::Watching(watching));
    }
    changes.append(&mut touched);
    changes
}

#[cfg(test)]
mod tests {
    use optigov_calendar::{ReadErrorKind, Text};

    use super::*;

    fn mailbox(name: &str) -> Mailbox {
        Mailbox::parse(&format!("{name}@musterstadt.example")).expect("an address")
    }

    fn error(kind: ReadErrorKind) -> ReadError {
        ReadError::new(kind, Text::fixed("verloren", "lost"))
    }

    #[tokio::test]
    async fn what_follows_upon_each_other_is_told_as_one_and_nothing_is_forgotten() {
        let outbox = Arc::new(Outbox::default());
        let (anna, berta) = (mailbox("anna"), mailbox("berta"));
        let (cut, silent) = (error(ReadErrorKind::Interrupted), error(ReadErrorKind::Timeout));
        outbox.watching(&anna);
        outbox.touched(&anna);
        for _ in 0..1_000 {
            outbox.touched(&berta);
            outbox.lost(&anna, &cut);
            outbox.lost(&berta, &cut);
            outbox.watching(&anna);
        }
        outbox.end();
        let told: Vec<_> = outbox.stream(()).collect().await;
        let both = vec![anna.clone(), berta.clone()];
        let expected = [
            Change::Lost { mailboxes: both, error: cut.clone() },
            Change::Watching(vec![anna.clone()]),
            Change::Touched(anna.clone()),
            Change::Touched(berta.clone()),
        ];
        assert_eq!(told, expected);

        let outbox = Arc::new(Outbox::default());
        outbox.lost(&anna, &cut);
        outbox.lost(&berta, &silent);
        outbox.end();
        let told: Vec<_> = outbox.stream(()).collect().await;
        let lost = |mailbox: &Mailbox, error| Change::Lost { mailboxes: vec![mailbox.clone()], error };
        assert_eq!(told, [lost(&anna, cut), lost(&berta, silent)]);
    }

    #[tokio::test]
    async fn a_report_wakes_whoever_waits() {
        let outbox = Arc::new(Outbox::default());
        let mut stream = std::pin::pin!(outbox.clone().stream(()));
        let (told, ()) = tokio::join!(stream.next(), async {
            tokio::task::yield_now().await;
            outbox.touched(&mailbox("anna"));
        });
        assert_eq!(told, Some(Change::Touched(mailbox("anna"))));
    }
}
