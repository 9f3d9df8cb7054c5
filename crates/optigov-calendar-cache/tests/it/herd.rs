//! Many callers at once cause few readings, and none of them a reading that must not serve them.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use optigov_calendar_cache::Freshness;
use tokio::time::{Instant, sleep};

use crate::support::{Mood, SECOND, Server, clock, confirm, day, list, reader, targets};

#[tokio::test(start_paused = true)]
async fn a_thousand_checks_of_one_slot_at_once_cost_a_handful_of_readings() {
    let (server, town) = (Arc::new(Server::new()), targets(1));
    let reader = reader(&server, |_| {});
    let confirmed = join_all((0..1_000).map(|_| confirm(&reader, &town[0]))).await;
    assert!(confirmed.iter().all(|(fetched, took)| fetched.reading.is_ok() && *took < SECOND));
    println!("1,000 checks at once: {} readings", server.requests());
    assert!(server.requests() <= 5, "{}", server.requests());
}

#[tokio::test(start_paused = true)]
async fn checks_that_trickle_in_share_the_next_reading_and_never_one_from_before_they_asked() {
    let (server, town) = (Arc::new(Server::new()), targets(1));
    let (reader, clock) = (reader(&server, |_| {}), clock());
    server.is(Mood::Answers(Duration::from_millis(500)));
    let checks = (0..1_000).map(|n| {
        let (reader, clock, town) = (&reader, &clock, &town);
        async move {
            sleep(Duration::from_millis(3 * n)).await;
            let asked = clock.now();
            let (fetched, took) = confirm(reader, &town[0]).await;
            let reading = fetched.reading.expect("it was read");
            assert!(reading.read_at() >= asked, "a reading from before the question");
            assert!(took <= Duration::from_millis(1_001), "{took:?}");
        }
    });
    join_all(checks).await;
    println!("1,000 checks in 3 s of a server that takes 0.5 s: {} readings", server.requests());
    assert!(server.requests() <= 8, "{}", server.requests());
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_holds_up_the_next_for_a_second_only() {
    let (server, town) = (Arc::new(Server::new()), targets(1));
    let reader = reader(&server, |_| {});
    server.is(Mood::Answers(20 * SECOND));
    let hanging = tokio::spawn({
        let (reader, town) = (Arc::clone(&reader), town.clone());
        async move { confirm(&reader, &town[0]).await }
    });
    sleep(Duration::from_millis(10)).await;
    server.is(Mood::Answers(Duration::ZERO));
    let (fetched, took) = confirm(&reader, &town[0]).await;
    assert!(fetched.reading.is_ok() && took <= SECOND, "{took:?}");
    assert!(hanging.await.expect("it ends").0.reading.is_ok());
}

#[tokio::test(start_paused = true)]
async fn lists_do_not_keep_checks_waiting_nor_checks_lists() {
    let (server, town) = (Arc::new(Server::new()), targets(400));
    let reader = reader(&server, |_| {});
    server.is(Mood::Answers(SECOND));
    let lists = list(&reader, &town[..100]);
    let check = async {
        sleep(Duration::from_millis(10)).await;
        confirm(&reader, &town[399]).await
    };
    let ((_, list_took), (checked, took)) = tokio::join!(lists, check);
    assert!(checked.reading.is_ok() && took <= 2 * SECOND, "a check beside a list of 100 mailboxes: {took:?}");
    assert!(list_took <= 20 * SECOND);
    assert!(server.most_under_way.load(Ordering::SeqCst) <= 8, "five places for lists, three for checks");

    let checks = join_all(town[200..300].iter().map(|target| confirm(&reader, target)));
    let list = async {
        sleep(Duration::from_millis(10)).await;
        list(&reader, &town[300..305]).await
    };
    let (_, (fetched, took)) = tokio::join!(checks, list);
    assert!(fetched.iter().all(|fetched| fetched.reading.is_ok()));
    assert_eq!(took, SECOND, "a list beside a hundred checks");
}

#[tokio::test(start_paused = true)]
async fn lists_of_all_lengths_share_one_reading_and_batches_stay_whole() {
    let mut server = Server::new();
    server.batch = 100;
    let (server, town) = (Arc::new(server), targets(1_000));
    let reader = reader(&server, |_| {});
    let lists = join_all((0..300).map(|_| list(&reader, &town))).await;
    assert!(lists.iter().flat_map(|(fetched, _)| fetched).all(|fetched| fetched.reading.is_ok()));
    assert_eq!((server.requests(), server.mailboxes_read.load(Ordering::SeqCst)), (10, 1_000));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_reads_afresh_and_takes_the_places_of_lists() {
    let (server, town) = (Arc::new(Server::new()), targets(20));
    let reader = reader(&server, |_| {});
    list(&reader, &town).await;
    let fetched = reader.refresh(&town, day()).await;
    assert!(fetched.iter().all(|fetched| fetched.reading.is_ok()));
    assert_eq!(server.requests(), 40);
    assert!(server.most_under_way.load(Ordering::SeqCst) <= 5);
}

#[tokio::test(start_paused = true)]
async fn what_was_read_together_does_not_expire_together() {
    let (server, town) = (Arc::new(Server::new()), targets(100));
    let reader = reader(&server, |settings| settings.list_places = 100);
    list(&reader, &town).await;
    let mut before = server.requests();
    sleep(53 * SECOND).await;
    for second in 54..=60 {
        list(&reader, &town).await;
        let more = server.requests() - before;
        assert!(more <= 35, "{more} in second {second}");
        before = server.requests();
        sleep(Duration::from_millis(900)).await;
    }
    sleep(SECOND / 2).await;
    list(&reader, &town).await;
    assert_eq!(server.requests(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_ends_no_reading() {
    let (server, town) = (Arc::new(Server::new()), targets(1));
    let reader = reader(&server, |_| {});
    let deadline = Instant::now() + 30 * SECOND;
    let call = reader.fetch(&town, day(), Freshness::Cached, deadline);
    drop(tokio::time::timeout(Duration::from_millis(10), call).await);
    sleep(SECOND).await;
    assert!(list(&reader, &town).await.1.is_zero());
    assert_eq!(server.requests(), 1);
}
