//! A source that picks a source: some mailboxes here, others there.

use std::{num::NonZeroUsize, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::future;
use optigov_slots::Interval;

use crate::{Calendar, CalendarSource, ConnectionReport, Mailbox, ReadError, ServerId};

/// Sends each mailbox to the first source whose rule takes it, else to the default.
///
/// The rule must give the same answer for the same mailbox as long as the source lives, since readings are cached by mailbox.
pub struct RoutedSource {
    default: Arc<dyn CalendarSource>,
    rules: Vec<Rule>,
}

struct Rule {
    takes: Box<dyn Fn(&Mailbox) -> bool + Send + Sync>,
    source: Arc<dyn CalendarSource>,
}

impl RoutedSource {
    /// Everything goes to `default`, until a [`rule`](Self::rule) takes it.
    pub fn new(default: impl CalendarSource + 'static) -> RoutedSource {
        RoutedSource { default: Arc::new(default), rules: Vec::new() }
    }

    /// Mailboxes that `takes` and no earlier rule took go to `source`.
    pub fn rule(
        mut self,
        takes: impl Fn(&Mailbox) -> bool + Send + Sync + 'static,
        source: impl CalendarSource + 'static,
    ) -> RoutedSource {
        self.rules.push(Rule { takes: Box::new(takes), source: Arc::new(source) });
        self
    }

    /// The index of the source for `mailbox`; the default is the last.
    fn pick(&self, mailbox: &Mailbox) -> usize {
        self.rules.iter().position(|rule| (rule.takes)(mailbox)).unwrap_or(self.rules.len())
    }

    fn source(&self, index: usize) -> &dyn CalendarSource {
        self.rules.get(index).map_or(&*self.default, |rule| &*rule.source)
    }
}

impl std::fmt::Debug for RoutedSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RoutedSource").field("rules", &self.rules.len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl CalendarSource for RoutedSource {
    async fn read(&self, mailboxes: &[Mailbox], window: Interval) -> Vec<Result<Calendar, ReadError>> {
        let mut groups: Vec<Vec<usize>> = vec![Vec::new(); self.rules.len() + 1];
        for (at, mailbox) in mailboxes.iter().enumerate() {
            groups[self.pick(mailbox)].push(at);
        }
        let mut reads = Vec::new();
        for (source, places) in groups.iter().enumerate() {
            let source = self.source(source);
            for places in places.chunks(source.batch().get()) {
                let group: Vec<Mailbox> = places.iter().map(|at| mailboxes[*at].clone()).collect();
                reads.push(async move { (places, source.read(&group, window).await) });
            }
        }
        let mut answers: Vec<_> = mailboxes.iter().map(|_| Err(ReadError::internal())).collect();
        for (places, results) in future::join_all(reads).await {
            // An answer of the wrong number cannot be matched to its mailboxes, so all of them stay unread.
            if results.len() == places.len() {
                for (at, result) in places.iter().zip(results) {
                    answers[*at] = result;
                }
            }
        }
        answers
    }

    fn batch(&self) -> NonZeroUsize {
        let routed = self.rules.iter().map(|rule| rule.source.batch());
        routed.fold(self.default.batch(), NonZeroUsize::max)
    }

    /// The number of the rule that takes the mailbox; the default's is the last.
    fn server_of(&self, mailbox: &Mailbox) -> ServerId {
        ServerId::new(self.pick(mailbox))
    }

    async fn check(&self, mailbox: &Mailbox, now: DateTime<Utc>) -> ConnectionReport {
        self.source(self.pick(mailbox)).check(mailbox, now).await
    }
}
