//! Mailboxes that are kept fresh: watched, read again when something changes, and let go.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use optigov_calendar::{Change, Mailbox, ReadErrorKind, RoutedSource};
use optigov_calendar_cache::{CalendarReader, FreshKeeper, KeptMailbox, MemoryCache, ReadTarget, ReaderSettings};
use tokio::time::{Instant, sleep};

use crate::support::{Mood, SECOND, Server, clock, day, error, hours, list, reader, targets};

const MINUTE: Duration = Duration::from_secs(60);

fn kept(targets: &[ReadTarget]) -> Vec<KeptMailbox> {
    targets.iter().map(|target| KeptMailbox::new(target.clone(), day())).collect()
}

fn keep(reader: &Arc<CalendarReader>, targets: &[ReadTarget]) -> FreshKeeper {
    reader.keep_fresh("test", kept(targets))
}

/// How many seconds after the window's beginning the entry of a listed calendar begins: the edition of the server that was read.
async fn edition(reader: &Arc<CalendarReader>, target: &ReadTarget) -> i64 {
    let (fetched, _) = list(reader, std::slice::from_ref(target)).await;
    let reading = fetched[0].reading.as_ref().expect("it was read");
    let entry = reading.entries().next().expect("each calendar has one");
    let optigov_calendar::EntryTime::Timed(entry) = entry.time() else { panic!("a timed entry") };
    entry.start_unix() - reading.window().start_unix()
}

async fn whole(keeper: &mut FreshKeeper) {
    while !keeper.state().is_whole() || keeper.state().mailboxes == 0 {
        keeper.changed().await.expect("it lives");
    }
}

#[tokio::test(start_paused = true)]
async fn a_watched_mailbox_serves_for_a_quarter_of_an_hour_without_a_request() {
    let (server, town) = (Arc::new(Server::new()), targets(3));
    let reader = reader(&server, |_| {});
    let mut keeper = keep(&reader, &town);
    whole(&mut keeper).await;
    let before = server.requests();
    assert_eq!(before, 3, "subscribed first, read then, and once");
    let began = Instant::now();
    while began.elapsed() < 13 * MINUTE {
        assert!(list(&reader, &town).await.1.is_zero());
        sleep(SECOND).await;
    }
    assert_eq!(server.requests(), before);
    while began.elapsed() < 15 * MINUTE {
        assert!(list(&reader, &town).await.1.is_zero(), "nobody waits for the next reading, either");
        sleep(SECOND).await;
    }
    assert_eq!(server.requests(), before + 3, "then it is read again behind an answer");
    let live = reader.health().live.expect("it is kept fresh");
    assert_eq!((live.mailboxes, live.live, live.warm, live.failing, live.leads), (3, 3, 3, 0, true));
}

#[tokio::test(start_paused = true)]
async fn a_change_ends_the_reading_at_once_and_is_read_behind_everybodys_back() {
    let (server, town) = (Arc::new(Server::new()), targets(2));
    let reader = reader(&server, |_| {});
    let mut keeper = keep(&reader, &town);
    whole(&mut keeper).await;
    let before = server.requests();
    sleep(5 * MINUTE).await;
    server.touch(&town[..1]);
    sleep(Duration::from_millis(500)).await;
    assert_eq!(server.requests(), before + 1, "the touched one alone");
    let listed = Instant::now();
    assert_eq!(edition(&reader, &town[0]).await, 1);
    assert!(listed.elapsed().is_zero(), "it was read already");
    assert_eq!(edition(&reader, &town[1]).await, 0, "of the other nothing was said");
    assert_eq!(server.requests(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_read_before_it_was_watched_serves_for_the_ordinary_time_alone() {
    let (server, town) = (Arc::new(Server::new()), targets(1));
    let reader = reader(&server, |_| {});
    list(&reader, &town).await;
    server.is(Mood::Fails(ReadErrorKind::Refused));
    let keeper = keep(&reader, &town);
    sleep(61 * SECOND).await;
    assert_eq!(keeper.state().live, 1);
    let (fetched, _) = list(&reader, &town).await;
    assert!(fetched[0].reading.is_err(), "it is watched, but nothing was read since");
}

#[tokio::test(start_paused = true)]
async fn where_watching_is_lost_the_ordinary_time_to_live_applies_from_that_moment() {
    let (server, town) = (Arc::new(Server::new()), targets(2));
    let reader = reader(&server, |_| {});
    let mut keeper = keep(&reader, &town);
    whole(&mut keeper).await;
    sleep(2 * MINUTE).await;
    let lost = vec![town[0].mailbox.clone()];
    server.tell(&Change::Lost { mailboxes: lost.clone(), error: error(ReadErrorKind::Timeout) });
    while keeper.state().live == 2 {
        keeper.changed().await.expect("it lives");
    }
    server.edition.fetch_add(1, Ordering::SeqCst);
    assert_eq!(edition(&reader, &town[0]).await, 1, "it was read two minutes ago, so it is read again");
    assert_eq!(edition(&reader, &town[1]).await, 0, "this one is watched still");
    let live = keeper.state();
    assert_eq!((live.live, live.lost.map(|error| error.kind())), (1, Some(ReadErrorKind::Timeout)));

    server.edition.fetch_add(1, Ordering::SeqCst);
    server.tell(&Change::Watching(lost));
    sleep(SECOND).await;
    assert_eq!(edition(&reader, &town[0]).await, 2, "watched anew, it is read anew: changes may have been missed");
    assert_eq!((keeper.state().live, keeper.state().lost), (2, None));
}

#[tokio::test(start_paused = true)]
async fn a_slow_reading_from_before_a_change_never_counts() {
    let (server, town) = (Arc::new(Server::new()), targets(1));
    let reader = reader(&server, |_| {});
    let mut keeper = keep(&reader, &town);
    whole(&mut keeper).await;
    server.is(Mood::Answers(3 * SECOND));
    server.touch(&town);
    sleep(SECOND).await;
    // The reading that this has caused has begun. Now something changes once more.
    server.touch(&town);
    sleep(SECOND).await;
    assert_eq!(edition(&reader, &town[0]).await, 2);
    sleep(10 * SECOND).await;
    assert_eq!(edition(&reader, &town[0]).await, 2);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_watched_is_read_once_and_then_on_demand() {
    let mut server = Server::new();
    server.notifies = false;
    let (server, town) = (Arc::new(server), targets(10));
    let reader = reader(&server, |_| {});
    let keeper = keep(&reader, &town);
    sleep(60 * MINUTE).await;
    let live = keeper.state();
    assert_eq!((live.live, live.failing, live.leads), (0, 0, true));
    assert_eq!(live.lost.map(|error| error.kind()), Some(ReadErrorKind::NotWatchable));
    assert_eq!(server.requests(), 10);
    list(&reader, &town).await;
    assert_eq!(server.requests(), 20);
    sleep(61 * SECOND).await;
    list(&reader, &town).await;
    assert_eq!(server.requests(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_changes_all_the_time_is_read_once_a_minute_in_the_background() {
    let (server, town) = (Arc::new(Server::new()), targets(2));
    let reader = reader(&server, |_| {});
    let mut keeper = keep(&reader, &town);
    whole(&mut keeper).await;
    for _ in 0..6_000 {
        server.touch(&town[..1]);
        sleep(Duration::from_millis(100)).await;
    }
    let requests = server.requests();
    println!("a change every 100 ms for ten minutes: {requests} requests");
    assert!(requests <= 20, "{requests}");
    sleep(61 * SECOND).await;
    assert!(keeper.state().is_whole());
    assert_eq!(edition(&reader, &town[0]).await, 6_000, "and what it settled on is known");
}

#[tokio::test(start_paused = true)]
async fn readings_in_the_background_leave_half_of_the_places_to_lists() {
    let (server, town) = (Arc::new(Server::new()), targets(200));
    let reader = reader(&server, |_| {});
    server.is(Mood::Answers(SECOND));
    let mut keeper = keep(&reader, &town[..199]);
    sleep(SECOND / 2).await;
    let (fetched, took) = list(&reader, &town[199..]).await;
    assert!(fetched[0].reading.is_ok() && took <= SECOND, "a list beside a warm-up of 199 mailboxes: {took:?}");
    whole(&mut keeper).await;
    assert_eq!(server.requests(), 200);
    assert_eq!(server.most_under_way.load(Ordering::SeqCst), 3, "two for the warm-up, one for the list");
}

#[tokio::test(start_paused = true)]
async fn mailboxes_are_read_in_batches_where_the_source_takes_them() {
    let mut server = Server::new();
    server.batch = 100;
    let (server, town) = (Arc::new(server), targets(1_000));
    let reader = reader(&server, |_| {});
    let mut keeper = keep(&reader, &town);
    whole(&mut keeper).await;
    assert_eq!((server.requests(), server.mailboxes_read.load(Ordering::SeqCst)), (10, 1_000));
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_fails_is_tried_less_and_less_and_comes_back() {
    let (server, town) = (Arc::new(Server::new()), targets(3));
    let reader = reader(&server, |_| {});
    server.single.lock().expect("lock").insert(town[0].mailbox.clone(), ReadErrorKind::MailboxNotFound);
    let keeper = keep(&reader, &town);
    sleep(60 * MINUTE).await;
    let live = keeper.state();
    assert_eq!((live.live, live.warm, live.failing), (3, 2, 1));
    assert!(server.requests() < 20, "{} requests in an hour", server.requests());
    server.single.lock().expect("lock").clear();
    sleep(20 * MINUTE).await;
    assert!(keeper.state().is_whole() && keeper.state().failing == 0);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_borne_with_single_tries_and_its_end_is_noticed() {
    let (server, town) = (Arc::new(Server::new()), targets(20));
    let reader = reader(&server, |_| {});
    let mut keeper = keep(&reader, &town);
    whole(&mut keeper).await;
    let before = server.requests();
    server.is(Mood::Silent);
    server.tell(&Change::Lost {
        mailboxes: town.iter().map(|target| target.mailbox.clone()).collect(),
        error: error(ReadErrorKind::Timeout),
    });
    let outage = Instant::now();
    while outage.elapsed() < 10 * MINUTE {
        server.touch(&town);
        list(&reader, &town).await;
        sleep(5 * SECOND).await;
    }
    let requests = server.requests() - before;
    println!("ten minutes of silence with 20 mailboxes kept fresh: {requests} requests");
    assert!(requests <= 30, "{requests} requests");
    assert_eq!(keeper.state().live, 0);
    server.is(Mood::Answers(Duration::from_millis(100)));
    server.tell(&Change::Watching(town.iter().map(|target| target.mailbox.clone()).collect()));
    let returned = Instant::now();
    whole(&mut keeper).await;
    assert!(returned.elapsed() <= 5 * SECOND, "{:?}", returned.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_is_opened_again_after_a_pause_that_grows() {
    let (server, town) = (Arc::new(Server::new()), targets(5));
    let reader = reader(&server, |_| {});
    let mut keeper = keep(&reader, &town);
    whole(&mut keeper).await;
    server.hang_up();
    keeper.changed().await;
    assert_eq!(keeper.state().live, 0);
    sleep(2 * SECOND).await;
    assert_eq!((keeper.state().live, server.streams()), (5, 1));
    for _ in 0..600 {
        server.hang_up();
        sleep(SECOND).await;
    }
    let opened = server.opened.load(Ordering::SeqCst);
    assert!(opened < 25, "{opened} streams in ten minutes of hanging up");
}

#[tokio::test(start_paused = true)]
async fn what_is_added_is_watched_and_what_is_removed_is_not() {
    let (server, town) = (Arc::new(Server::new()), targets(60));
    let reader = reader(&server, |_| {});
    let mut keeper = keep(&reader, &town[..2]);
    whole(&mut keeper).await;
    keeper.set(kept(&town[1..3]));
    keeper.changed().await;
    whole(&mut keeper).await;
    sleep(SECOND).await;
    assert_eq!((keeper.state().mailboxes, server.requests(), server.streams()), (2, 3, 2));
    // Of the one removed, nothing is promised any more.
    sleep(2 * MINUTE).await;
    server.edition.fetch_add(1, Ordering::SeqCst);
    assert_eq!(edition(&reader, &town[0]).await, 1);
    assert_eq!(edition(&reader, &town[1]).await, 0);
    // However often something is added, there are few streams.
    for n in 4..60 {
        keeper.set(kept(&town[1..n]));
        sleep(SECOND).await;
        assert!(server.streams() <= 32);
    }
    sleep(2 * MINUTE).await;
    assert_eq!((keeper.state().live, keeper.state().mailboxes), (58, 58));
}

#[tokio::test(start_paused = true)]
async fn dropping_it_ends_every_task_and_every_promise() {
    let (server, town) = (Arc::new(Server::new()), targets(50));
    let reader = reader(&server, |_| {});
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let mut keeper = keep(&reader, &town);
    whole(&mut keeper).await;
    assert!(tasks() > before && server.streams() == 1);
    sleep(2 * MINUTE).await;
    drop(keeper);
    sleep(Duration::from_millis(1)).await;
    assert_eq!((tasks(), server.streams()), (before, 0));
    assert!(reader.health().live.is_none());
    server.edition.fetch_add(1, Ordering::SeqCst);
    assert_eq!(edition(&reader, &town[0]).await, 1, "what was read two minutes ago has expired");

    // Also in the midst of its work.
    server.is(Mood::Answers(SECOND));
    let keeper = keep(&reader, &town);
    sleep(2 * SECOND + SECOND / 2).await;
    let requests = server.requests();
    drop(keeper);
    sleep(5 * SECOND).await;
    assert_eq!((tasks(), server.streams()), (before, 0));
    assert_eq!(server.requests(), requests, "what has begun ends, and nothing else begins");
}

#[tokio::test(start_paused = true)]
async fn a_save_is_read_again_in_the_background() {
    let (server, town) = (Arc::new(Server::new()), targets(2));
    let reader = reader(&server, |_| {});
    let mut keeper = keep(&reader, &town);
    whole(&mut keeper).await;
    reader.invalidate(&[town[0].key], Instant::now() + SECOND).await.expect("the cache can be told");
    sleep(31 * SECOND).await;
    assert_eq!(server.requests(), 3);
    assert!(list(&reader, &town).await.1.is_zero() && keeper.state().is_whole());
}

#[tokio::test(start_paused = true)]
async fn a_window_that_moves_on_is_read_before_anybody_asks() {
    let (server, town) = (Arc::new(Server::new()), targets(2));
    let reader = reader(&server, |_| {});
    let mut keeper = keep(&reader, &town);
    whole(&mut keeper).await;
    let later = optigov_calendar_cache::ReadWindow::exactly(hours(12, 36));
    keeper.set(town.iter().map(|target| KeptMailbox::new(target.clone(), later)).collect());
    sleep(SECOND).await;
    assert_eq!(server.requests(), 4);
    let fetched = reader.fetch(&town, later, optigov_calendar_cache::Freshness::Cached, Instant::now() + SECOND).await;
    assert!(fetched.iter().all(|fetched| fetched.reading.is_ok()));
    assert_eq!(server.requests(), 4);
}

/// The figures of `docs/operations.md`.
#[tokio::test(start_paused = true)]
async fn a_thousand_quiet_mailboxes_cost_a_twentieth_of_what_polling_costs() {
    let hour = async |watched: bool, asks: bool| {
        let mut server = Server::new();
        server.notifies = watched;
        let (server, town) = (Arc::new(server), targets(1_000));
        let reader = reader(&server, |_| {});
        let mut keeper = keep(&reader, &town);
        if watched {
            whole(&mut keeper).await;
        } else {
            list(&reader, &town).await;
        }
        let (before, began) = (server.requests(), Instant::now());
        while began.elapsed() < 60 * MINUTE {
            if asks {
                list(&reader, &town).await;
            }
            sleep(25 * SECOND).await;
        }
        server.requests() - before
    };
    let (polled, watched, quiet) = (hour(false, true).await, hour(true, true).await, hour(true, false).await);
    println!(
        "1,000 quiet mailboxes, requests an hour: {polled} polled, {watched} watched and listed all the time, {quiet} watched"
    );
    assert!(polled >= 50_000 && watched <= 4_300 && quiet == 0);
}

#[tokio::test(start_paused = true)]
async fn a_part_of_a_source_that_stops_to_watch_is_watched_anew_after_seconds_and_then_less_and_less() {
    let (here, there, town) = (Arc::new(Server::new()), Arc::new(Server::new()), targets(4));
    let lies_there = |mailbox: &Mailbox| mailbox.as_str().starts_with("postfach1@");
    let source = RoutedSource::new(Arc::clone(&here)).rule(lies_there, Arc::clone(&there));
    let cache = Arc::new(MemoryCache::new(1 << 24, Duration::from_secs(86_400)));
    let reader = CalendarReader::new(Arc::new(source), cache, clock(), ReaderSettings::default());
    let mut keeper = keep(&reader, &town);
    whole(&mut keeper).await;
    let opened = || (here.opened.load(Ordering::SeqCst), there.opened.load(Ordering::SeqCst));
    sleep(2 * MINUTE).await;
    there.hang_up();
    keeper.changed().await.expect("it lives");
    assert_eq!(keeper.state().live, 3, "the others are watched still");
    sleep(2 * SECOND).await;
    assert!(keeper.state().is_whole());
    assert_eq!(opened(), (1, 2));
    for _ in 0..600 {
        there.hang_up();
        sleep(SECOND).await;
        assert!(keeper.state().live >= 3);
    }
    assert!(opened().1 < 25, "{} streams in ten minutes of hanging up", opened().1);
    sleep(2 * MINUTE).await;
    assert!(keeper.state().is_whole());
}
