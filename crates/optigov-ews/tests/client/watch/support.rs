//! A town of any size, a stream of reports that is easily asked, and a clock that stands still.

use std::{collections::BTreeSet, sync::mpsc, time::Duration};

use futures_util::StreamExt;
use optigov_calendar::{CalendarSource, Change, Changes, Mailbox, ReadError};
use optigov_ews::EwsClient;
use optigov_exchange_simulator::{Account, Entry, Mailbox as SimulatedMailbox, Scenario, Simulator};

use crate::support::{PASSWORD, Setup};

pub(crate) fn address(at: usize) -> String {
    format!("amt{at:04}@musterstadt.example")
}

pub(crate) fn mailbox(at: usize) -> Mailbox {
    Mailbox::parse(&address(at)).expect("an address")
}

/// An Exchange with so many mailboxes, and the account of all tests.
pub(crate) fn town(mailboxes: usize) -> Scenario {
    let account = Account::new("svc-optigov").password(PASSWORD).domain("STADT").bearer("gut").impersonates_everybody();
    let scenario = Scenario::new().account(account).schemes([optigov_exchange_simulator::Scheme::Basic]);
    (0..mailboxes).fold(scenario, |scenario, at| scenario.mailbox(SimulatedMailbox::new(address(at))))
}

/// A client in the making for it, whether it has a certificate or not.
pub(crate) fn setup(simulator: &Simulator) -> Setup {
    match simulator.ca_pem() {
        "" => Setup::new(&simulator.url()),
        pem => Setup::new(&simulator.url()).trusting(pem),
    }
}

/// Changes a mailbox's entries.
pub(crate) fn change(simulator: &Simulator, at: usize, change: impl FnOnce(&mut Vec<Entry>)) {
    let update =
        simulator.update(|scenario| change(scenario.mailbox_mut(&address(at)).expect("a mailbox").entries_mut()));
    update.expect("a scenario");
}

/// Adds an entry, or removes the one that is there.
pub(crate) fn touch(simulator: &Simulator, at: usize) {
    change(simulator, at, |entries| match entries.pop() {
        Some(_) => {}
        None => entries.push(super::entry(9)),
    });
}

/// Watches the first mailboxes of the town.
pub(crate) fn watch(client: &EwsClient, mailboxes: usize) -> Watching {
    watch_these(client, 0..mailboxes)
}

pub(crate) fn watch_these(client: &EwsClient, mailboxes: impl IntoIterator<Item = usize>) -> Watching {
    let wanted: BTreeSet<_> = mailboxes.into_iter().map(mailbox).collect();
    Watching { changes: client.watch(wanted.iter().cloned().collect()), wanted }
}

/// A stream of reports.
pub(crate) struct Watching {
    changes: Changes,
    wanted: BTreeSet<Mailbox>,
}

impl Watching {
    pub(crate) async fn told(&mut self) -> Option<Change> {
        self.changes.next().await
    }

    pub(crate) async fn next(&mut self) -> Change {
        self.told().await.expect("the stream goes on")
    }

    /// Waits until all mailboxes are reported as watched, and nothing else.
    pub(crate) async fn all_are_live(&mut self) {
        let wanted = self.wanted.clone();
        self.are_live(wanted).await;
    }

    /// Waits until these mailboxes are reported as watched, and nothing else.
    pub(crate) async fn are_live(&mut self, wanted: impl IntoIterator<Item = Mailbox>) {
        let mut wanted: BTreeSet<_> = wanted.into_iter().collect();
        while !wanted.is_empty() {
            match self.next().await {
                Change::Watching(mailboxes) => {
                    mailboxes.iter().for_each(|mailbox| assert!(wanted.remove(mailbox), "told twice or unasked"));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Waits until so many mailboxes are reported as lost for the same kind of reason, and nothing else; gives them and the reason.
    pub(crate) async fn lost(&mut self, count: usize) -> (BTreeSet<Mailbox>, ReadError) {
        let mut lost = BTreeSet::new();
        loop {
            match self.next().await {
                Change::Lost { mailboxes, error } => {
                    lost.extend(mailboxes);
                    assert!(lost.len() <= count, "{lost:?}");
                    if lost.len() == count {
                        return (lost, error);
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Tokio's clock, standing still until it is moved. It is not moved by itself either, as it would be in a runtime that has nothing to do but to wait for
/// a socket.
pub(crate) struct StoppedClock {
    _until_dropped: mpsc::Sender<()>,
}

impl StoppedClock {
    pub(crate) fn new() -> StoppedClock {
        tokio::time::pause();
        let (sender, receiver) = mpsc::channel::<()>();
        // Tokio moves a paused clock only when no blocking work is under way.
        tokio::task::spawn_blocking(move || receiver.recv().is_err());
        StoppedClock { _until_dropped: sender }
    }

    pub(crate) async fn advance(&self, time: Duration) {
        tokio::time::advance(time).await;
    }

    /// Moves on step by step until something has happened.
    pub(crate) async fn advance_until<T>(&self, step: Duration, event: impl Future<Output = T>) -> T {
        let mut event = std::pin::pin!(event);
        loop {
            tokio::select! {
                biased;
                done = &mut event => return done,
                () = self.advance_slowly(step) => {}
            }
        }
    }

    /// Gives what is under way on sockets a chance before the clock is moved.
    async fn advance_slowly(&self, step: Duration) {
        let breath = tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(2)));
        breath.await.ok();
        self.advance(step).await;
    }
}
