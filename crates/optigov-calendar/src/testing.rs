//! Conformance tests: what every [`CalendarSource`] must hold, whoever writes it.
//!
//! One call runs them all. It takes a function that sets the source up with the calendars that the tests want, and panics, as tests do, with the
//! name of the rule that is broken. `docs/embedding.md` shows how a source of your own is held by them.

use std::{future::Future, pin::pin, task::Poll};

use chrono::{DateTime, NaiveDate, Utc};
use optigov_slots::Interval;

use crate::{AllDayFlag, CalendarEntry, CalendarSource, EntryStatus, EntryTime, Language, Mailbox, Step};

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
}
