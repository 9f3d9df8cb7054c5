//! A source that picks a source: some mailboxes here, others there.

use std::{collections::BTreeSet, num::NonZeroUsize, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, future, stream};
use optigov_slots::Interval;

use crate::{
    Calendar, CalendarSource, Change, Changes, ConnectionReport, Mailbox, ReadError, ReadErrorKind, ServerId, Text,
};

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

    fn watch(&self, mailboxes: Vec<Mailbox>) -> Changes {
        let mut groups: Vec<Vec<Mailbox>> = vec![Vec::new(); self.rules.len() + 1];
        for mailbox in mailboxes {
            groups[self.pick(&mailbox)].push(mailbox);
        }
        let groups = groups.into_iter().enumerate().filter(|(_, group)| !group.is_empty());
        let reports = groups.map(|(at, group)| until_lost(self.source(at).watch(group.clone()), group).boxed());
        Changes::new(stream::select_all(reports.collect::<Vec<_>>()))
    }

    async fn check(&self, mailbox: &Mailbox, now: DateTime<Utc>) -> ConnectionReport {
        self.source(self.pick(mailbox)).check(mailbox, now).await
    }
}

/// The reports of one source among several. When they end, the mailboxes that they had not yet reported as lost are reported as lost, since the others'
/// reports go on.
fn until_lost(reports: Changes, mailboxes: Vec<Mailbox>) -> impl stream::Stream<Item = Change> {
    let watched: BTreeSet<Mailbox> = mailboxes.into_iter().collect();
    stream::unfold(Some((reports, watched)), async |state| {
        let (mut reports, mut watched) = state?;
        match reports.next().await {
            Some(change) => {
                match &change {
                    Change::Watching(mailboxes) => watched.extend(mailboxes.iter().cloned()),
                    Change::Lost { mailboxes, .. } => {
                        for mailbox in mailboxes {
                            watched.remove(mailbox);
                        }
                    }

                    Change::Touched(_) => {}
                }
                Some((change, Some((reports, watched))))
            }
            None if watched.is_empty() => None,
            None => Some((Change::Lost { mailboxes: watched.into_iter().collect(), error: ended() }, None)),
        }
    })
}

fn ended() -> ReadError {
    let fact = Text::fixed("die Meldungen über Änderungen sind abgebrochen", "the reports of changes have ended");
    ReadError::new(ReadErrorKind::NotWatchable, fact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemorySource;

    /// Says that it watches, and then nothing more.
    struct Forgetful;

    #[async_trait]
    impl CalendarSource for Forgetful {
        async fn read(&self, mailboxes: &[Mailbox], _window: Interval) -> Vec<Result<Calendar, ReadError>> {
            mailboxes.iter().map(|_| Err(ReadError::internal())).collect()
        }

        fn watch(&self, mailboxes: Vec<Mailbox>) -> Changes {
            Changes::new(stream::iter([Change::Watching(mailboxes)]))
        }
    }

    fn mailbox(name: &str) -> Mailbox {
        Mailbox::parse(&format!("{name}@musterstadt.example")).expect("an address")
    }

    #[tokio::test]
    async fn where_one_source_stops_to_watch_its_mailboxes_are_lost_and_the_others_are_watched() {
        let memory = MemorySource::new();
        let routed = RoutedSource::new(memory.clone()).rule(|mailbox| mailbox.as_str().starts_with("raum"), Forgetful);
        let mut reports = routed.watch(vec![mailbox("anna"), mailbox("raum"), mailbox("berta")]);
        let (mut watching, mut lost) = (Vec::new(), Vec::new());
        while lost.is_empty() || watching.len() < 3 {
            match reports.next().await.expect("one is still watched") {
                Change::Watching(mailboxes) => watching.extend(mailboxes),
                Change::Lost { mailboxes, .. } => lost.extend(mailboxes),
                Change::Touched(mailbox) => panic!("nobody touched {}", mailbox.as_str()),
            }
        }
        assert_eq!(lost, [mailbox("raum")]);
        memory.set(mailbox("berta"), Vec::new());
        assert_eq!(reports.next().await, Some(Change::Touched(mailbox("berta"))));
    }

    #[tokio::test]
    async fn the_reports_end_when_those_of_all_sources_have() {
        let reports = RoutedSource::new(Forgetful).watch(vec![mailbox("raum")]);
        let reports: Vec<Change> = reports.collect().await;
        assert!(matches!(&reports[..], [Change::Watching(_), Change::Lost { mailboxes, .. }] if mailboxes.len() == 1));
    }
}
