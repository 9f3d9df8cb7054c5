//! A reading past its time serves while the new one is made, where the operator allows it; and never one that must not.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use optigov_calendar_cache::{Freshness, ReadWindow};
use tokio::time::{Instant, sleep};

use crate::support::{Mood, SECOND, Server, hours, list, reader, targets};

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test(start_paused = true)]
async fn a_slow_server_keeps_a_list_waiting_for_the_patience_only_and_fills_the_cache_behind_it() {
    let (server, town) = (Arc::new(Server::new()), targets(3));
    let reader = reader(&server, |settings| settings.serve_stale = Some(HOUR));
    list(&reader, &town).await;
    sleep(61 * SECOND).await;
    server.is(Mood::Answers(5 * SECOND));
    let (fetched, took) = list(&reader, &town).await;
    assert_eq!(took, SECOND);
    assert!(fetched.iter().all(|fetched| fetched.being_read && fetched.older.is_some()));
    let (_, took) = list(&reader, &town).await;
    assert_eq!(took, Duration::ZERO, "the patience counts from when the reading was first asked for");
    sleep(5 * SECOND).await;
    let (fetched, took) = list(&reader, &town).await;
    assert!(fetched.iter().all(|fetched| fetched.reading.is_ok()) && took.is_zero());
    assert_eq!(server.requests(), 6);
}

#[tokio::test(start_paused = true)]
async fn the_patience_can_be_set() {
    let (server, town) = (Arc::new(Server::new()), targets(1));
    let reader = reader(&server, |settings| {
        settings.serve_stale = Some(HOUR);
        settings.patience = Duration::from_millis(20);
    });
    list(&reader, &town).await;
    sleep(61 * SECOND).await;
    let (fetched, took) = list(&reader, &town).await;
    assert!(fetched[0].being_read && took == Duration::from_millis(20), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn where_nothing_may_serve_stale_everybody_waits() {
    let (server, town) = (Arc::new(Server::new()), targets(1));
    let reader = reader(&server, |_| {});
    list(&reader, &town).await;
    sleep(61 * SECOND).await;
    server.is(Mood::Answers(5 * SECOND));
    let (fetched, took) = list(&reader, &town).await;
    assert!(fetched[0].reading.is_ok() && took == 5 * SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_older_than_allowed_does_not_cut_the_wait_short() {
    let (server, town) = (Arc::new(Server::new()), targets(1));
    let reader = reader(&server, |settings| settings.serve_stale = Some(HOUR));
    list(&reader, &town).await;
    sleep(HOUR + SECOND).await;
    server.is(Mood::Answers(5 * SECOND));
    let (fetched, took) = list(&reader, &town).await;
    assert!(fetched[0].reading.is_ok() && took == 5 * SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reading_that_a_list_joins_is_never_older_than_the_time_to_live_when_it_lands() {
    let (server, town) = (Arc::new(Server::new()), targets(1));
    let reader = reader(&server, |settings| settings.time_to_live = 10 * SECOND);
    server.is(Mood::Answers(15 * SECOND));
    let first = tokio::spawn({
        let (reader, town) = (Arc::clone(&reader), town.clone());
        async move { list(&reader, &town).await }
    });
    sleep(SECOND).await;
    server.edition.store(1, Ordering::SeqCst);
    let (fetched, took) = list(&reader, &town).await;
    let reading = fetched[0].reading.as_ref().expect("it was read");
    assert!(took >= 14 * SECOND + 15 * SECOND, "it waits for the next one: {took:?}");
    assert!(format!("{:?}", reading.entries().next()).contains(":01Z"), "which shows what is there now: {reading:?}");
    assert!(first.await.expect("it ends").0[0].reading.is_ok(), "the one that caused it is served by it");
    assert_eq!(server.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_from_before_an_invalidation_is_served_after_it_not_even_stale() {
    let (server, town) = (Arc::new(Server::new()), targets(1));
    let reader = reader(&server, |settings| settings.serve_stale = Some(HOUR));
    list(&reader, &town).await;
    server.is(Mood::Silent);
    sleep(61 * SECOND).await;
    let (fetched, _) = list(&reader, &town).await;
    assert!(fetched[0].older.is_some());
    server.edition.store(1, Ordering::SeqCst);
    reader.invalidate(&[town[0].key], Instant::now() + SECOND).await.expect("the cache can be told");
    let after = tokio::spawn({
        let (reader, town) = (Arc::clone(&reader), town.clone());
        async move { list(&reader, &town).await }
    });
    sleep(SECOND).await;
    server.is(Mood::Answers(Duration::ZERO));
    let (fetched, _) = after.await.expect("it ends");
    assert!(fetched[0].older.is_none());
    let reading = fetched[0].reading.as_ref().expect("it was read");
    assert!(format!("{:?}", reading.entries().next()).contains(":01Z"), "{reading:?}");
    let (fetched, _) = list(&reader, &town).await;
    assert!(format!("{:?}", fetched[0].reading).contains(":01Z"), "the late reading was not stored over it");
}

#[tokio::test(start_paused = true)]
async fn paging_through_a_horizon_costs_one_reading() {
    let (server, town) = (Arc::new(Server::new()), targets(5));
    let reader = reader(&server, |_| {});
    let horizon = hours(0, 90 * 24);
    let deadline = Instant::now() + 30 * SECOND;
    for month in 0..3 {
        let window = ReadWindow::within(hours(month * 720, (month + 1) * 720), horizon);
        let fetched = reader.fetch(&town, window, Freshness::Cached, deadline).await;
        assert!(fetched.iter().all(|fetched| fetched.reading.is_ok()));
    }
    for hour in 0..600 {
        let window = ReadWindow::within(hours(hour, hour + 24), horizon);
        reader.fetch(&town, window, Freshness::Cached, deadline).await;
    }
    assert_eq!(server.requests(), 5);
    // Booking checks of single days do not drive the long reading out.
    for hour in 0..20 {
        reader.fetch(&town, ReadWindow::exactly(hours(hour, hour + 1)), Freshness::Now, deadline).await;
    }
    let before = server.requests();
    reader.fetch(&town, ReadWindow::within(hours(0, 720), horizon), Freshness::Cached, deadline).await;
    assert_eq!(server.requests(), before);
}

/// What the latency of warm lists owes to expiring readings, in time that stands while nobody waits: the share of lists that wait at all. Where none
/// does, their 99th percentile is that of lists without expiry; `warm_lists` of the facade's ignored tests measures the ratio.
#[tokio::test(start_paused = true)]
async fn no_list_waits_for_readings_that_expire_where_they_are_read_ahead() {
    let (server, town) = (Arc::new(Server::new()), targets(100));
    let reader = reader(&server, |settings| settings.read_ahead = 20 * SECOND);
    list(&reader, &town).await;
    let mut waited = 0;
    for _ in 0..3_000 {
        sleep(SECOND / 5).await;
        let (fetched, took) = list(&reader, &town).await;
        assert!(fetched.iter().all(|fetched| fetched.reading.is_ok()));
        waited += usize::from(!took.is_zero());
    }
    assert!(server.requests() > 1_000, "they did expire");
    assert_eq!(waited, 0, "of 3,000 lists");
}
