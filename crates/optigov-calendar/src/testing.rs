//! Conformance tests: what every [`CalendarSource`] must hold, whoever writes it.
//!
//! One call runs them all, [`source_conforms`]; what a source that can [watch](CalendarSource::watch) must hold besides is in [`watching_conforms`]. Each takes a function that sets the source up with the calendars that the tests want, and panics, as tests do, with the
//! name of the rule that is broken. A [`Log`] shows what a source logs meanwhile. `docs/embedding.md` shows how a source of your own is held by them.

mod log;

use std::{collections::HashSet, future::Future, pin::pin, task::Poll};

use chrono::{DateTime, NaiveDate, Utc};
use futures_util::StreamExt as _;
use optigov_slots::Interval;

pub use self::log::Log;
use crate::{
    AllDayFlag, CalendarEntry, CalendarSource, Change, Changes, EntryStatus, EntryTime, Language, Mailbox, Step,
};

/// The calendars that a source under test is to hold. The tests read only what is here.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Calendars {
    /// Each mailbox with its entries.
    pub mailboxes: Vec<(Mailbox, Vec<CalendarEntry>)>,
    /// An instant shortly before all entries but one, from which `check` counts as now.
    pub now: DateTime<Utc>,
}

/// Holds a source to the contract of [`CalendarSource`]. `make` sets one up with the calendars given; it is called once.
///
/// Held are: one result per mailbox, in the order asked, also where a mailbox is asked for twice; every entry that overlaps the window is in the
/// answer, also where it only reaches into the window or spans it, and all-day entries are, too; a mailbox that the source does not know is an error and never an empty
/// calendar; one error does not touch the others' calendars; a reading that is dropped leaves the source usable; many readings at once
/// answer as one alone does; the answers of `check` agree with those of `read`.
///
/// # Panics
/// Where a rule is broken, with its name.
pub async fn source_conforms<S, F>(make: impl FnOnce(Calendars) -> F)
where
    S: CalendarSource,
    F: Future<Output = S>,
{
    let calendars = calendars();
    let source = make(calendars.clone()).await;
    answers_in_order(&source, &calendars).await;
    window_edges(&source, &calendars).await;
    all_day_entries_come_too(&source, &calendars).await;
    unknown_is_an_error(&source, &calendars).await;
    survives_cancellation(&source, &calendars).await;
    answers_many_at_once(&source, &calendars).await;
    check_agrees_with_read(&source, &calendars).await;
}

/// Holds a source to the contract of [`CalendarSource::watch`]. `make` sets one up with the calendars given; `change` enters an appointment into a
/// mailbox's calendar, as its owner does. Both are called by turns, and a source that never reports what it should makes the test wait for ever: give it
/// a deadline.
///
/// Held are: the first report about each mailbox is [`Change::Watching`] or [`Change::Lost`], and is about no other mailbox; a change that follows
/// `Watching` is reported, as [`Change::Touched`] or, where it may have been missed, as `Lost`; a reading after the report shows the change; those who watch the
/// same mailbox do not take each other's reports; a stream that is dropped, early or late, leaves the source usable; a mailbox that the source does not
/// know does not keep the others from being watched; where a stream ends, nothing of it is watched, and it can be watched anew.
///
/// A source without notifications passes: it loses all mailboxes at once, which is what is asked of it.
///
/// # Panics
/// Where a rule is broken, with its name.
pub async fn watching_conforms<S, F, G>(make: impl FnOnce(Calendars) -> F, change: impl Fn(Mailbox) -> G)
where
    S: CalendarSource,
    F: Future<Output = S>,
    G: Future<Output = ()>,
{
    let calendars = calendars();
    let source = make(calendars.clone()).await;
    let all = mailboxes(&calendars);
    // As early as a caller can go away, and after the first report.
    drop(source.watch(all.clone()));
    drop(source.watch(all.clone()).next().await);
    changes_are_reported(&source, &all, &change).await;
    watchers_are_apart(&source, &all, &change).await;
    the_unknown_does_not_keep_others_from_being_watched(&source, &all, &change).await;
    assert_eq!(read(&source, &all, hours(0, 48)).await.len(), all.len(), "a source that was watched can be read");
}

const HOUR: i64 = 3_600;
/// Monday, 2027-03-01, 08:00 UTC.
const MORNING: i64 = 1_803_888_000;

fn calendars() -> Calendars {
    let mailbox = |name: &str| Mailbox::parse(&format!("{name}@musterstadt.example")).expect("an address");
    let timed = |from: i64, to: i64, status| CalendarEntry::timed(hours(from, to), status);
    let date = |day| NaiveDate::from_ymd_opt(2027, 3, day).expect("a date");
    let anna = vec![
        timed(-20, -1, EntryStatus::OutOfOffice),
        timed(1, 2, EntryStatus::Busy),
        timed(2, 4, EntryStatus::Tentative),
        timed(30, 31, EntryStatus::Busy),
    ];
    let berta = vec![timed(1, 3, EntryStatus::Busy), CalendarEntry::all_day(date(3), date(4), EntryStatus::Busy)];
    Calendars {
        mailboxes: vec![(mailbox("anna"), anna), (mailbox("berta"), berta), (mailbox("clara"), Vec::new())],
        now: hours(0, 1).start(),
    }
}

fn hours(from: i64, to: i64) -> Interval {
    Interval::from_unix(MORNING + from * HOUR, MORNING + to * HOUR).expect("not empty")
}

/// The timed entries that overlap the window, in a stable order, read one group at a time as a caller does.
async fn read(
    source: &impl CalendarSource,
    mailboxes: &[Mailbox],
    window: Interval,
) -> Vec<Option<Vec<CalendarEntry>>> {
    let mut answers = Vec::new();
    for group in mailboxes.chunks(source.batch().get()) {
        let results = source.read(group, window).await;
        assert_eq!(results.len(), group.len(), "one result per mailbox");
        answers.extend(results.into_iter().map(|result| {
            let calendar = result.ok()?;
            let guessed = calendar.all_day_flag() == AllDayFlag::Guessed;
            let timed = |entry: &CalendarEntry| !(guessed && is_made_of_days(*entry));
            let entries = calendar.into_entries().into_iter().filter(timed);
            let mut within: Vec<_> = entries.filter(|entry| overlaps(*entry, window)).collect();
            within.sort_unstable();
            Some(within)
        }));
    }
    answers
}

fn overlaps(entry: CalendarEntry, window: Interval) -> bool {
    matches!(entry.time(), EntryTime::Timed(interval) if interval.overlaps(window))
}

/// Whether an entry without the all-day flag may be an all-day one: it is as long as one or several days.
fn is_made_of_days(entry: CalendarEntry) -> bool {
    matches!(entry.time(), EntryTime::Timed(interval) if interval.duration().as_secs().is_multiple_of(86_400))
}

fn expected(calendars: &Calendars, window: Interval) -> Vec<Option<Vec<CalendarEntry>>> {
    let within = |entries: &[CalendarEntry]| {
        let mut within: Vec<_> = entries.iter().copied().filter(|entry| overlaps(*entry, window)).collect();
        within.sort_unstable();
        within
    };
    calendars.mailboxes.iter().map(|(_, entries)| Some(within(entries))).collect()
}

fn mailboxes(calendars: &Calendars) -> Vec<Mailbox> {
    calendars.mailboxes.iter().map(|(mailbox, _)| mailbox.clone()).collect()
}

async fn answers_in_order(source: &impl CalendarSource, calendars: &Calendars) {
    let (window, asked) = (hours(0, 48), mailboxes(calendars));
    let wanted = expected(calendars, window);
    assert_eq!(read(source, &asked, window).await, wanted, "answers are in the order asked");
    let backwards: Vec<_> = asked.iter().rev().cloned().collect();
    let mut answers = read(source, &backwards, window).await;
    answers.reverse();
    assert_eq!(answers, wanted, "answers are in the order asked, whichever it is");
    let twice = [asked[0].clone(), asked[1].clone(), asked[0].clone()];
    let answers = read(source, &twice, window).await;
    assert_eq!(answers, [wanted[0].clone(), wanted[1].clone(), wanted[0].clone()], "a mailbox asked for twice");
}

async fn window_edges(source: &impl CalendarSource, calendars: &Calendars) {
    let asked = mailboxes(calendars);
    // Inside an entry, across its start, across its end, between two, before all, up to a start and from an end.
    for (from, to) in [(2, 3), (0, 2), (3, 5), (4, 30), (-10, 0), (0, 1), (-1, 1), (-48, 48)] {
        let window = hours(from, to);
        let answers = read(source, &asked, window).await;
        assert_eq!(
            answers,
            expected(calendars, window),
            "every entry that overlaps the window from {from} h to {to} h"
        );
    }
}

async fn all_day_entries_come_too(source: &impl CalendarSource, calendars: &Calendars) {
    let (berta, entries) = &calendars.mailboxes[1];
    let calendar = source.read(std::slice::from_ref(berta), hours(0, 96)).await.remove(0).expect("a calendar");
    let all_day = |entry: &CalendarEntry| match calendar.all_day_flag() {
        AllDayFlag::Known => entries.contains(entry) && matches!(entry.time(), EntryTime::AllDay { .. }),
        AllDayFlag::Guessed => is_made_of_days(*entry),
    };
    assert_eq!(calendar.entries().iter().filter(|entry| all_day(entry)).count(), 1, "the all-day entry is there");
}

async fn unknown_is_an_error(source: &impl CalendarSource, calendars: &Calendars) {
    let nobody = Mailbox::parse("niemand@musterstadt.example").expect("an address");
    let window = hours(0, 48);
    assert_eq!(read(source, std::slice::from_ref(&nobody), window).await, [None], "an unknown mailbox is an error");
    let error = source.read(std::slice::from_ref(&nobody), window).await.remove(0).expect_err("an error");
    for language in Language::ALL {
        let text = error.describe(language);
        assert!(!text.contains("niemand"), "an error shows no address: {text}");
    }
    let asked = [calendars.mailboxes[0].0.clone(), nobody, calendars.mailboxes[1].0.clone()];
    let wanted = expected(calendars, window);
    let answers = read(source, &asked, window).await;
    assert_eq!(answers, [wanted[0].clone(), None, wanted[1].clone()], "one error leaves the others alone");
}

async fn survives_cancellation(source: &impl CalendarSource, calendars: &Calendars) {
    let (window, asked) = (hours(0, 48), mailboxes(calendars));
    for group in asked.chunks(source.batch().get()) {
        // Polled once, then dropped: as early as a caller can go away.
        let mut reading = pin!(source.read(group, window));
        futures_util::future::poll_fn(|context| Poll::Ready(reading.as_mut().poll(context).is_ready())).await;
    }
    assert_eq!(read(source, &asked, window).await, expected(calendars, window), "a dropped reading leaves no trace");
}

async fn answers_many_at_once(source: &impl CalendarSource, calendars: &Calendars) {
    let (window, asked) = (hours(0, 48), mailboxes(calendars));
    let readings = (0..8).map(|_| read(source, &asked, window));
    for answers in futures_util::future::join_all(readings).await {
        assert_eq!(answers, expected(calendars, window), "many readings at once answer as one alone");
    }
}

async fn check_agrees_with_read(source: &impl CalendarSource, calendars: &Calendars) {
    let report = source.check(&calendars.mailboxes[0].0, calendars.now).await;
    assert!(
        report.is_good(),
        "the check of a mailbox that can be read is good:\n{}",
        report.to_text(Language::English)
    );
    assert!(report.step(Step::Calendar).is_some(), "the check reports on the calendar");
    let nobody = Mailbox::parse("niemand@musterstadt.example").expect("an address");
    let report = source.check(&nobody, calendars.now).await;
    assert!(!report.is_good(), "the check of a mailbox that cannot be read is not good");
    let text = report.to_text(Language::German);
    assert!(!text.contains("niemand"), "a report shows no address: {text}");
}

/// What a stream has told so far.
struct Watch {
    reports: Changes,
    watched: HashSet<Mailbox>,
    reported: HashSet<Mailbox>,
    touched: HashSet<Mailbox>,
    asked: HashSet<Mailbox>,
    ended: bool,
}

impl Watch {
    /// Watches until there is a first report about each mailbox.
    async fn begin(source: &impl CalendarSource, mailboxes: &[Mailbox]) -> Watch {
        let asked: HashSet<Mailbox> = mailboxes.iter().cloned().collect();
        let reports = source.watch(mailboxes.to_vec());
        let (watched, reported, touched) = (HashSet::new(), HashSet::new(), HashSet::new());
        let mut watch = Watch { reports, watched, reported, touched, asked, ended: false };
        while watch.reported.len() < watch.asked.len() {
            watch.go_on().await;
            assert!(!watch.ended || watch.reported == watch.asked, "each mailbox is reported before the stream ends");
        }
        watch
    }

    async fn go_on(&mut self) {
        let Some(change) = self.reports.next().await else {
            self.ended = true;
            // When the stream ends, nothing is watched any more.
            self.watched.clear();
            return;
        };
        let about: Vec<Mailbox> = match change {
            Change::Watching(mailboxes) => {
                self.watched.extend(mailboxes.iter().cloned());
                self.reported.extend(mailboxes.iter().cloned());
                mailboxes
            }
            Change::Lost { mailboxes, error } => {
                for language in Language::ALL {
                    let text = error.describe(language);
                    assert!(!text.contains("musterstadt"), "an error shows no address: {text}");
                }
                for mailbox in &mailboxes {
                    self.watched.remove(mailbox);
                }
                self.reported.extend(mailboxes.iter().cloned());
                mailboxes
            }
            Change::Touched(mailbox) => {
                assert!(
                    self.reported.contains(&mailbox),
                    "the first report about a mailbox is not that it was touched"
                );
                self.touched.insert(mailbox.clone());
                vec![mailbox]
            }
        };
        assert!(about.iter().all(|mailbox| self.asked.contains(mailbox)), "only what was asked for is reported");
    }

    /// Waits until the mailbox is reported to have changed, or not to be watched.
    async fn sees(&mut self, mailbox: &Mailbox) {
        while self.watched.contains(mailbox) && !self.touched.contains(mailbox) {
            self.go_on().await;
        }
        self.touched.remove(mailbox);
    }
}

async fn changes_are_reported<G: Future<Output = ()>>(
    source: &impl CalendarSource,
    all: &[Mailbox],
    change: &impl Fn(Mailbox) -> G,
) {
    let mut watch = Watch::begin(source, all).await;
    for mailbox in all {
        let before = read(source, std::slice::from_ref(mailbox), hours(-48, 96)).await;
        change(mailbox.clone()).await;
        watch.sees(mailbox).await;
        let after = read(source, std::slice::from_ref(mailbox), hours(-48, 96)).await;
        assert_ne!(before, after, "what was reported can be read");
    }
}

async fn watchers_are_apart<G: Future<Output = ()>>(
    source: &impl CalendarSource,
    all: &[Mailbox],
    change: &impl Fn(Mailbox) -> G,
) {
    let mut first = Watch::begin(source, all).await;
    let mut second = Watch::begin(source, &all[..1]).await;
    let third = Watch::begin(source, &all[..1]).await;
    drop(third);
    change(all[0].clone()).await;
    second.sees(&all[0]).await;
    first.sees(&all[0]).await;
    drop(first);
    change(all[0].clone()).await;
    second.sees(&all[0]).await;
}

async fn the_unknown_does_not_keep_others_from_being_watched<G: Future<Output = ()>>(
    source: &impl CalendarSource,
    all: &[Mailbox],
    change: &impl Fn(Mailbox) -> G,
) {
    let could = !Watch::begin(source, &all[..1]).await.watched.is_empty();
    let nobody = Mailbox::parse("niemand@musterstadt.example").expect("an address");
    let mut watch = Watch::begin(source, &[nobody, all[0].clone()]).await;
    assert!(!could || watch.watched.contains(&all[0]), "an unknown mailbox is lost by itself");
    change(all[0].clone()).await;
    watch.sees(&all[0]).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FindingSource, MemorySource, RoutedSource, Text};

    fn memory(calendars: Calendars) -> MemorySource {
        let source = MemorySource::new();
        calendars.mailboxes.into_iter().for_each(|(mailbox, entries)| source.set(mailbox, entries));
        source
    }

    #[tokio::test]
    async fn the_sources_of_this_crate_conform() {
        source_conforms(|calendars| async { memory(calendars) }).await;
        source_conforms(|calendars| async {
            let all = memory(calendars);
            RoutedSource::new(all.clone()).rule(|mailbox| mailbox.as_str().starts_with("berta"), all)
        })
        .await;
        source_conforms(|calendars| async move {
            let (berta, others) =
                calendars.mailboxes.iter().cloned().partition(|(mailbox, _)| mailbox.as_str().starts_with("berta"));
            let place = |mailboxes| memory(Calendars { mailboxes, now: calendars.now });
            let source = FindingSource::new().place(Text::fixed("Hier", "Here"), place(others));
            source.place(Text::fixed("Dort", "There"), place(berta))
        })
        .await;
        source_conforms(|calendars| async { Box::new(memory(calendars)) as Box<dyn CalendarSource> }).await;
    }

    #[tokio::test]
    async fn the_sources_of_this_crate_watch_as_they_must() {
        let set = MemorySource::new();
        let make = async |calendars: Calendars| {
            calendars.mailboxes.into_iter().for_each(|(mailbox, entries)| set.set(mailbox, entries));
            set.clone()
        };
        let more = std::cell::Cell::new(0);
        let change = async |mailbox: Mailbox| {
            more.set(more.get() + 1);
            set.set(mailbox, vec![CalendarEntry::timed(hours(0, more.get()), EntryStatus::Busy)]);
        };
        watching_conforms(make, change).await;
        let routed = async |calendars| {
            let all = make(calendars).await;
            RoutedSource::new(all.clone()).rule(|mailbox| mailbox.as_str().starts_with("berta"), all)
        };
        watching_conforms(routed, change).await;
        watching_conforms(async |calendars| Unwatched(make(calendars).await), change).await;
    }

    /// A source without notifications.
    struct Unwatched(MemorySource);

    #[async_trait::async_trait]
    impl CalendarSource for Unwatched {
        async fn read(
            &self,
            mailboxes: &[Mailbox],
            window: Interval,
        ) -> Vec<Result<crate::Calendar, crate::ReadError>> {
            self.0.read(mailboxes, window).await
        }
    }
}
