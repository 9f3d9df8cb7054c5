//! Watching mailboxes wherever they lie.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    task::Poll,
};

use futures_util::{
    StreamExt as _,
    future::{self, Either},
    stream::{self, BoxStream, SelectAll},
};
use optigov_slots::Interval;

use super::{FindingSource, known::Watcher};
use crate::{CalendarSource as _, Change, Changes, Mailbox, ReadError, ReadErrorKind, Text};

/// The state of a stream of reports.
struct Watching {
    finder: FindingSource,
    watcher: Arc<Watcher>,
    /// Those that have not been looked for yet.
    new: Vec<Mailbox>,
    /// Where each mailbox is watched now.
    at: HashMap<Mailbox, usize>,
    /// What the places report, each with its index. The last report of a place's stream is `None`, with the mailboxes that it was about.
    reports: SelectAll<BoxStream<'static, Report>>,
    untold: VecDeque<Change>,
}

struct Report {
    place: usize,
    change: Result<Change, Vec<Mailbox>>,
}

/// The reports about these mailboxes.
pub(super) fn changes(finder: FindingSource, mailboxes: Vec<Mailbox>) -> Changes {
    let watcher = finder.known.watch(mailboxes.iter().cloned().collect::<HashSet<_>>());
    let (at, reports, untold) = (HashMap::new(), SelectAll::new(), VecDeque::new());
    let state = Watching { finder, watcher, new: mailboxes, at, reports, untold };
    Changes::new(stream::unfold(state, |mut state| async move {
        let change = state.next().await;
        Some((change, state))
    }))
}

impl Watching {
    async fn next(&mut self) -> Change {
        if !self.new.is_empty() {
            let new = std::mem::take(&mut self.new);
            find(&self.finder, &new).await;
            self.watch_where_they_lie(&new);
        }
        loop {
            if let Some(change) = self.untold.pop_front() {
                return change;
            }
            let watcher = Arc::clone(&self.watcher);
            let moved = future::poll_fn(|context| watcher.poll_moved(context));
            let reports = &mut self.reports;
            let report = future::poll_fn(|context| match reports.poll_next_unpin(context) {
                Poll::Ready(Some(report)) => Poll::Ready(report),
                // As long as nothing is watched anywhere, there is nothing to wait for but moves.
                Poll::Ready(None) | Poll::Pending => Poll::Pending,
            });
            match future::select(moved, report).await {
                Either::Left((moved, _)) => self.watch_where_they_lie(&moved),
                Either::Right((report, _)) => self.take(report),
            }
        }
    }

    /// Watches each of these mailboxes where it lies now, in one stream for each place. One that was watched elsewhere is lost there, and one that lies nowhere is lost.
    fn watch_where_they_lie(&mut self, mailboxes: &[Mailbox]) {
        let mut groups: Vec<Vec<Mailbox>> = vec![Vec::new(); self.finder.places.len()];
        let mut lost = Vec::new();
        for mailbox in mailboxes {
            let now = self.finder.place_index(mailbox);
            let before = self.at.get(mailbox).copied();
            if before.is_some() && before == now {
                continue;
            }
            match now {
                Some(place) => drop(self.at.insert(mailbox.clone(), place).map(|_| lost.push(mailbox.clone()))),
                None => {
                    self.at.remove(mailbox);
                    lost.push(mailbox.clone());
                }
            }
            now.into_iter().for_each(|place| groups[place].push(mailbox.clone()));
        }
        if !lost.is_empty() {
            self.untold.push_back(Change::Lost { mailboxes: lost, error: moved() });
        }
        for (place, group) in groups.into_iter().enumerate().filter(|(_, group)| !group.is_empty()) {
            let changes = self.finder.places[place].source.watch(group.clone());
            let reports = changes.map(Ok).chain(stream::iter([Err(group)]));
            self.reports.push(reports.map(move |change| Report { place, change }).boxed());
        }
    }

    /// Tells a report on, as far as it is about mailboxes that lie where it comes from.
    fn take(&mut self, report: Report) {
        let place = report.place;
        let here = |mailboxes: Vec<Mailbox>| {
            let here = mailboxes.into_iter().filter(|mailbox| self.at.get(mailbox) == Some(&place));
            Some(here.collect::<Vec<_>>()).filter(|here| !here.is_empty())
        };
        let told = match report.change {
            Ok(Change::Watching(mailboxes)) => here(mailboxes).map(Change::Watching),
            Ok(Change::Touched(mailbox)) => here(vec![mailbox]).map(|mut here| Change::Touched(here.remove(0))),
            Ok(Change::Lost { mailboxes, error }) => here(mailboxes).map(|mailboxes| Change::Lost { mailboxes, error }),
            Err(mailboxes) => here(mailboxes).map(|mailboxes| Change::Lost { mailboxes, error: ended() }),
        };
        self.untold.extend(told);
    }
}

/// Looks for those mailboxes of which it is not known where they lie, by reading a day of long ago.
async fn find(finder: &FindingSource, mailboxes: &[Mailbox]) {
    let Ok(day) = Interval::from_unix(86_400, 2 * 86_400) else { return };
    let unknown = mailboxes.iter().filter(|mailbox| finder.known_of(mailbox).is_none());
    let unknown: Vec<Mailbox> = unknown.cloned().collect();
    for group in unknown.chunks(MOST_AT_ONCE) {
        finder.read(group, day).await;
    }
}

/// So many mailboxes are looked for at once.
const MOST_AT_ONCE: usize = 100;

fn moved() -> ReadError {
    let fact = Text::fixed(
        "das Postfach hat den Ort gewechselt, oder es ist nicht bekannt, wo es liegt",
        "the mailbox has changed its place, or it is not known where it lies",
    );
    ReadError::new(ReadErrorKind::MailboxUnavailable, fact)
}

fn ended() -> ReadError {
    let fact = Text::fixed("die Meldungen über Änderungen sind abgebrochen", "the reports of changes have ended");
    ReadError::new(ReadErrorKind::NotWatchable, fact)
}
