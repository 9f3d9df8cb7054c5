use std::{
    collections::BTreeSet,
    num::NonZeroUsize,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use futures_util::{FutureExt as _, StreamExt as _};
use proptest::prelude::*;

use super::*;
use crate::{CalendarEntry, Change, EntryStatus, Language};

const DAY: i64 = 86_400;

/// A server that counts the mailboxes it is asked for, and may be silent.
#[derive(Clone, Default)]
struct Server(Arc<Inner>);

#[derive(Default)]
struct Inner {
    calendars: Mutex<std::collections::HashMap<Mailbox, Vec<CalendarEntry>>>,
    denied: AtomicBool,
    silent: AtomicBool,
    asked: AtomicUsize,
    watched: Mutex<BTreeSet<Mailbox>>,
}

impl Server {
    fn set(&self, mailbox: &Mailbox, entries: Vec<CalendarEntry>) {
        self.0.calendars.lock().expect("lock").insert(mailbox.clone(), entries);
    }

    fn remove(&self, mailbox: &Mailbox) {
        self.0.calendars.lock().expect("lock").remove(mailbox);
    }

    fn silent(&self, silent: bool) {
        self.0.silent.store(silent, Ordering::SeqCst);
    }

    fn asked(&self) -> usize {
        self.0.asked.swap(0, Ordering::SeqCst)
    }
}

#[async_trait]
impl CalendarSource for Server {
    async fn read(&self, mailboxes: &[Mailbox], _: Interval) -> Vec<Result<Calendar, ReadError>> {
        assert!(mailboxes.len() <= self.batch().get(), "no more than it takes at once");
        self.0.asked.fetch_add(mailboxes.len(), Ordering::SeqCst);
        let calendars = self.0.calendars.lock().expect("lock");
        let fact = Text::fixed("so ist es", "so it is");
        let error = |kind| ReadError::new(kind, fact.clone()).with_code("ErrorOfTheTest");
        let read = |mailbox: &Mailbox| match calendars.get(mailbox) {
            _ if self.0.silent.load(Ordering::SeqCst) => Err(error(ReadErrorKind::Refused)),
            Some(entries) => Ok(Calendar::new(entries.clone())),
            None if self.0.denied.load(Ordering::SeqCst) => Err(error(ReadErrorKind::AccessDenied)),
            None => Err(error(ReadErrorKind::MailboxElsewhere)),
        };
        mailboxes.iter().map(read).collect()
    }

    fn batch(&self) -> NonZeroUsize {
        NonZeroUsize::new(3).expect("not zero")
    }

    fn watch(&self, mailboxes: Vec<Mailbox>) -> Changes {
        self.0.watched.lock().expect("lock").extend(mailboxes.iter().cloned());
        Changes::new(futures_util::stream::iter([Change::Watching(mailboxes)]).chain(futures_util::stream::pending()))
    }
}

/// Two servers and a source that finds mailboxes on them.
struct Town {
    here: Server,
    there: Server,
    source: FindingSource,
    moved: Arc<AtomicUsize>,
}

fn town() -> Town {
    let (here, there, moved) = (Server::default(), Server::default(), Arc::new(AtomicUsize::new(0)));
    let told = Arc::clone(&moved);
    let source = FindingSource::new()
        .place(Text::fixed("Eigener Server", "Own server"), here.clone())
        .place(Text::fixed("Exchange Online", "Exchange Online"), there.clone())
        .on_move(move |_| {
            told.fetch_add(1, Ordering::SeqCst);
        });
    Town { here, there, source, moved }
}

fn mailbox(name: &str) -> Mailbox {
    Mailbox::parse(&format!("{name}@musterstadt.example")).expect("an address")
}

fn day() -> Interval {
    Interval::from_unix(20_000 * DAY, 20_001 * DAY).expect("a day")
}

fn busy(hour: i64) -> Vec<CalendarEntry> {
    let at = 20_000 * DAY + hour * 3_600;
    vec![CalendarEntry::timed(Interval::from_unix(at, at + 3_600).expect("an hour"), EntryStatus::Busy)]
}

impl Town {
    async fn read(&self, mailbox: &Mailbox) -> Result<Vec<CalendarEntry>, ReadError> {
        let read = self.source.read(std::slice::from_ref(mailbox), day()).await.pop().expect("an answer");
        read.map(Calendar::into_entries)
    }

    /// Mailboxes asked for since the last time, at both servers.
    fn asked(&self) -> usize {
        self.here.asked() + self.there.asked()
    }
}

#[tokio::test]
async fn a_mailbox_is_looked_for_once_and_then_read_where_it_lies() {
    let (town, anna) = (town(), mailbox("anna"));
    town.there.set(&anna, busy(9));
    assert_eq!(town.read(&anna).await, Ok(busy(9)));
    assert_eq!((town.here.asked(), town.there.asked()), (1, 1));
    for _ in 0..5 {
        assert_eq!(town.read(&anna).await, Ok(busy(9)));
    }
    assert_eq!((town.here.asked(), town.there.asked()), (0, 5));
}

#[tokio::test]
async fn a_mailbox_that_moves_is_unknown_meanwhile_and_served_again_afterwards() {
    let (town, anna) = (town(), mailbox("anna"));
    town.here.set(&anna, busy(9));
    assert_eq!(town.read(&anna).await, Ok(busy(9)));
    town.here.remove(&anna);
    assert!(town.read(&anna).await.is_err());
    assert_eq!(town.moved.load(Ordering::SeqCst), 1, "what was read before says nothing any more");
    town.there.set(&anna, busy(11));
    // The servers take turns, so the new place is asked by the second reading at the latest.
    let again = [town.read(&anna).await, town.read(&anna).await];
    assert_eq!(again[1], Ok(busy(11)));
    // A move without a gap between two readings is not noticed at all.
    town.there.remove(&anna);
    town.here.set(&anna, busy(12));
    assert_eq!(town.read(&anna).await, Ok(busy(12)));
    assert_eq!(town.moved.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_mailbox_that_neither_has_is_an_error_of_both_and_costs_one_request_for_each_reading() {
    let (town, nobody) = (town(), mailbox("niemand"));
    let error = town.read(&nobody).await.expect_err("nobody has it");
    assert_eq!((error.kind(), error.origin()), (ReadErrorKind::MailboxNotFound, Origin::Mailbox));
    for language in Language::ALL {
        let text = error.describe(language);
        for part in ["Exchange Online: ", "ErrorOfTheTest"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(text.contains("Eigener Server: ") || text.contains("Own server: "), "{text}");
        assert!(!text.contains("niemand"), "{text}");
    }
    assert_eq!(town.asked(), 2);
    for _ in 0..20 {
        assert_eq!(town.read(&nobody).await.expect_err("still nobody").kind(), error.kind());
    }
    assert_eq!(town.asked(), 20);
}

#[tokio::test]
async fn a_mailbox_that_both_have_is_unknown_until_one_of_them_has_it() {
    let (town, anna) = (town(), mailbox("anna"));
    town.here.set(&anna, busy(9));
    town.there.set(&anna, Vec::new());
    for _ in 0..4 {
        let error = town.read(&anna).await.expect_err("two calendars");
        assert_eq!((error.kind(), error.origin()), (ReadErrorKind::MailboxDefective, Origin::Mailbox));
    }
    assert_eq!(town.asked(), 5);
    town.there.remove(&anna);
    let again = [town.read(&anna).await, town.read(&anna).await];
    assert_eq!(again[1], Ok(busy(9)));
}

#[tokio::test]
async fn a_place_that_was_never_heard_of_a_mailbox_keeps_it_unknown_and_later_silence_does_not() {
    let (town, anna) = (town(), mailbox("anna"));
    town.here.set(&anna, busy(9));
    town.there.silent(true);
    for _ in 0..10 {
        assert_eq!(town.read(&anna).await.expect_err("it may lie there").kind(), ReadErrorKind::Refused);
    }
    assert_eq!(town.asked(), 11, "the silent one alone is asked again");
    town.there.silent(false);
    assert_eq!(town.read(&anna).await, Ok(busy(9)));
    town.there.silent(true);
    assert_eq!(town.read(&anna).await, Ok(busy(9)));
    town.here.silent(true);
    assert_eq!(town.read(&anna).await.expect_err("its server is silent").kind(), ReadErrorKind::Refused);
    town.here.silent(false);
    assert_eq!(town.read(&anna).await, Ok(busy(9)));
    assert_eq!(town.moved.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn where_we_have_no_rights_a_mailbox_is_not_looked_for() {
    let (town, anna) = (town(), mailbox("anna"));
    town.there.0.denied.store(true, Ordering::SeqCst);
    town.here.set(&anna, busy(9));
    assert_eq!(town.read(&anna).await, Ok(busy(9)));
    town.here.remove(&anna);
    let error = town.read(&anna).await.expect_err("gone");
    assert_eq!(error.kind(), ReadErrorKind::AccessDenied, "a refusal says more than that there is nothing");
}

#[tokio::test]
async fn mailboxes_of_many_places_are_read_together_in_groups_that_each_place_takes() {
    let town = town();
    let names: Vec<Mailbox> = (0..10).map(|number| mailbox(&format!("m{number}"))).collect();
    for (number, name) in names.iter().enumerate() {
        let server = [&town.here, &town.there][number % 2];
        server.set(name, busy(i64::try_from(number).expect("a small number")));
    }
    for asked in [20, 10] {
        let read = town.source.read(&names, day()).await;
        for (number, calendar) in read.into_iter().enumerate() {
            assert_eq!(calendar.map(Calendar::into_entries), Ok(busy(i64::try_from(number).expect("a small number"))));
        }
        assert_eq!(town.asked(), asked);
    }
}

#[tokio::test]
async fn the_check_is_of_the_place_where_the_mailbox_lies_and_names_it() {
    let (town, anna) = (town(), mailbox("anna"));
    town.there.set(&anna, busy(9));
    let now = day().start();
    let report = town.source.check(&anna, now).await;
    assert!(report.is_good());
    assert_eq!(report.to_text(Language::English).lines().next(), Some("The mailbox lies in: Exchange Online"));
    town.there.remove(&anna);
    town.here.set(&anna, busy(9));
    let report = town.source.check(&anna, now).await;
    assert_eq!(report.place().map(|place| place.in_language(Language::English)), Some("Own server"));
    town.there.set(&anna, busy(9));
    let both = FindingSource::new()
        .place(Text::fixed("A", "A"), town.here.clone())
        .place(Text::fixed("B", "B"), town.there.clone());
    assert!(!both.check(&anna, now).await.is_good(), "which of two calendars is used cannot be told");
}

#[tokio::test]
async fn a_mailbox_is_watched_where_it_lies_and_lost_when_it_moves() {
    let (town, anna, ben) = (town(), mailbox("anna"), mailbox("ben"));
    town.here.set(&anna, busy(9));
    let mut changes = town.source.watch(vec![anna.clone(), ben.clone()]);
    let Some(Change::Lost { mailboxes, .. }) = changes.next().await else { panic!("nobody has Ben's mailbox") };
    assert_eq!(mailboxes, std::slice::from_ref(&ben));
    assert_eq!(changes.next().await, Some(Change::Watching(vec![anna.clone()])));
    assert!(town.there.0.watched.lock().expect("lock").is_empty());
    assert!(changes.next().now_or_never().is_none());
    town.here.remove(&anna);
    town.there.set(&anna, busy(9));
    town.there.set(&ben, Vec::new());
    assert!(town.read(&anna).await.is_ok());
    let Some(Change::Lost { mailboxes, .. }) = changes.next().await else { panic!("it has moved") };
    assert_eq!(mailboxes, std::slice::from_ref(&anna));
    assert_eq!(changes.next().await, Some(Change::Watching(vec![anna])));
    let _ = (town.read(&ben).await, town.read(&ben).await);
    assert!(matches!(changes.next().await, Some(Change::Lost { .. } | Change::Watching(_))));
}

#[tokio::test]
async fn a_mailbox_that_a_rule_puts_somewhere_is_asked_for_there_only() {
    let town = town();
    let (here, there) = (town.here.clone(), town.there.clone());
    let source = FindingSource::new()
        .place(Text::fixed("Hier", "Here"), here.clone())
        .place(Text::fixed("Dort", "There"), there.clone())
        .rule(|mailbox| mailbox.as_str().starts_with("anna").then_some(1));
    let (anna, ben) = (mailbox("anna"), mailbox("ben"));
    town.here.set(&anna, busy(9));
    town.here.set(&ben, busy(10));
    for _ in 0..3 {
        let read = source.read(&[anna.clone(), ben.clone()], day()).await;
        assert_eq!(read[0].as_ref().expect_err("the rule says where").kind(), ReadErrorKind::MailboxElsewhere);
        assert!(read[1].is_ok());
    }
    assert_eq!((here.asked(), there.asked()), (3, 4));
    assert_eq!((source.server_of(&anna), source.server_of(&ben)), (ServerId::new(1), ServerId::new(0)));
    assert_eq!(source.server_of(&mailbox("clara")), ServerId::new(2), "nobody has looked for her yet");
    assert_eq!(source.server_name(ServerId::new(1)), Some(Text::fixed("Dort", "There")));
    let mut changes = source.watch(vec![anna.clone()]);
    assert_eq!(changes.next().await, Some(Change::Watching(vec![anna])));
}

#[tokio::test]
async fn what_is_known_is_bounded() {
    let town = town();
    for number in 0..100_050 {
        let name = mailbox(&format!("m{number}"));
        town.source.known.learn(&name, Some(Known::At(0)));
    }
    assert_eq!(town.source.known.count(), 100_000);
}

/// What happens between two readings.
#[derive(Clone, Copy, Debug)]
enum Event {
    Here(bool),
    There(bool),
    SilentHere(bool),
    SilentThere(bool),
    Nothing,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        any::<bool>().prop_map(Event::Here),
        any::<bool>().prop_map(Event::There),
        any::<bool>().prop_map(Event::SilentHere),
        any::<bool>().prop_map(Event::SilentThere),
        Just(Event::Nothing),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_moves_and_fails_an_answer_is_of_a_place_that_has_the_mailbox_now(events in proptest::collection::vec(event(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let (town, anna) = (town(), mailbox("anna"));
            let (mut has, mut silent) = ([false, false], [false, false]);
            for event in events {
                match event {
                    Event::Here(there) => has[0] = there,
                    Event::There(there) => has[1] = there,
                    Event::SilentHere(is) => silent[0] = is,
                    Event::SilentThere(is) => silent[1] = is,
                    Event::Nothing => {}
                }
                for (index, server) in [&town.here, &town.there].into_iter().enumerate() {
                    server.silent(silent[index]);
                    if has[index] { server.set(&anna, busy(index as i64)) } else { server.remove(&anna) }
                }
                town.asked();
                let read = town.read(&anna).await;
                prop_assert!(town.asked() <= 2, "at most one request for each place");
                if let Ok(entries) = &read {
                    let of = [0, 1].into_iter().find(|index| *entries == busy(*index as i64)).expect("of one of them");
                    prop_assert!(has[of] && !silent[of], "an answer is of a place that has the mailbox now");
                }
                // Two readings more find a mailbox that exactly one place has, where both answer.
                if silent == [false, false] && has[0] != has[1] {
                    let _ = (town.read(&anna).await, town.read(&anna).await);
                    town.asked();
                    prop_assert!(town.read(&anna).await.is_ok());
                    prop_assert_eq!(town.asked(), 1);
                }
            }
            Ok(())
        })?;
    }
}
