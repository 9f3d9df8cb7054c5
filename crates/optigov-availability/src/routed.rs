//! A source that picks a source: some mailboxes here, others there.

use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future;
use optigov_counter::Mailbox;
use optigov_ews::CheckReport;
use optigov_slots::Interval;

use crate::source::{Calendar, CalendarSource, ReadError};

/// Sends each mailbox to the first source whose rule takes it, else to the default.
///
/// The rule must give the same answer for the same mailbox as long as the source lives, since readings are cached by mailbox.
pub struct RoutedSource {
    default: Arc<dyn CalendarSource>,
    routes: Vec<Route>,
}

struct Route {
    takes: Box<dyn Fn(&Mailbox) -> bool + Send + Sync>,
    source: Arc<dyn CalendarSource>,
}

impl RoutedSource {
    /// Everything goes to `default`, until a [`route`](Self::route) takes it.
    pub fn new(default: impl CalendarSource) -> Self {
        RoutedSource { default: Arc::new(default), routes: Vec::new() }
    }

    /// Mailboxes that `takes` and no earlier route took go to `source`.
    pub fn route(
        mut self,
        takes: impl Fn(&Mailbox) -> bool + Send + Sync + 'static,
        source: impl CalendarSource,
    ) -> Self {
        self.routes.push(Route { takes: Box::new(takes), source: Arc::new(source) });
        self
    }

    /// The index of the source for `mailbox`; the default is the last.
    fn pick(&self, mailbox: &Mailbox) -> usize {
        self.routes.iter().position(|route| (route.takes)(mailbox)).unwrap_or(self.routes.len())
    }

    fn source(&self, index: usize) -> &dyn CalendarSource {
        self.routes.get(index).map_or(&*self.default, |route| &*route.source)
    }
}

#[async_trait]
impl CalendarSource for RoutedSource {
    async fn read(&self, mailboxes: &[Mailbox], window: Interval) -> Vec<Result<Calendar, ReadError>> {
        let mut groups: Vec<Vec<usize>> = vec![Vec::new(); self.routes.len() + 1];
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
            for (at, result) in places.iter().zip(results) {
                answers[*at] = result;
            }
        }
        answers
    }

    fn batch(&self) -> NonZeroUsize {
        let routed = self.routes.iter().map(|route| route.source.batch());
        routed.fold(self.default.batch(), NonZeroUsize::max)
    }

    async fn check(&self, mailbox: &Mailbox) -> Option<CheckReport> {
        self.source(self.pick(mailbox)).check(mailbox).await
    }
}
