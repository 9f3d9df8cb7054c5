//! Failures are remembered: per mailbox for a moment, per server as a circuit breaker.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use optigov_calendar::{Mailbox, ReadErrorKind, RoutedSource};
use optigov_calendar_cache::{CalendarReader, CircuitState, MemoryCache, ReaderSettings};
use tokio::time::{Instant, sleep};

use crate::support::{Mood, SECOND, Server, clock, confirm, kind, list, reader, targets};

const MILLISECONDS: Duration = Duration::from_millis(50);

/// Ten minutes of a silent server, 20 mailboxes, 50 callers; then it returns. `checks` of each ten calls are booking checks.
async fn silent_for_ten_minutes(checks: usize) {
    let (server, town) = (Arc::new(Server::new()), targets(20));
    let reader = reader(&server, |settings| settings.serve_stale = Some(Duration::from_secs(4 * 3_600)));
    list(&reader, &town).await;
    sleep(61 * SECOND).await;
    server.is(Mood::Silent);
    let (before, outage) = (server.requests(), Instant::now());

    let first = join_all((0..50).map(|_| list(&reader, &town))).await;
    for (fetched, took) in first {
        assert!(took >= SECOND && took < SECOND + MILLISECONDS, "the first answers come after the patience: {took:?}");
        assert!(
            fetched.iter().all(|fetched| fetched.reading.is_err() && fetched.older.is_some() && fetched.being_read)
        );
        let error = fetched[0].reading.as_ref().expect_err("an error");
        assert!(error.to_string().contains("being read"), "{error}");
    }
    let mut calls = 0;
    while outage.elapsed() < Duration::from_secs(600) {
        let caller = async |n: usize| {
            sleep(Duration::from_millis(7 * n as u64)).await;
            if n % 10 < checks {
                // A check may try by itself, and then waits for as long as the patience. Before the circuit opens it waits for its reading.
                let (_, took) = confirm(&reader, &town[n % 20]).await;
                let opened = outage.elapsed() > Duration::from_secs(65);
                assert!(!opened || took <= SECOND, "a check is answered at once or after the patience: {took:?}");
            } else {
                let (fetched, took) = list(&reader, &town).await;
                assert!(took < MILLISECONDS, "all later answers come at once: {took:?}");
                assert!(fetched.iter().all(|fetched| fetched.older.is_some()), "from what was read before");
                if outage.elapsed() > Duration::from_secs(31) {
                    assert!(
                        fetched.iter().all(|fetched| kind(fetched) == Some(ReadErrorKind::Timeout)),
                        "with the last failure"
                    );
                    let waits = fetched.iter().filter_map(|fetched| fetched.reading.as_ref().err()?.retry_after());
                    assert_eq!(waits.filter(|wait| *wait <= 60 * SECOND).count(), 20, "and when it is tried again");
                }
            }
        };
        join_all((0..50).map(caller)).await;
        calls += 50;
        sleep(SECOND / 2).await;
    }
    let requests = server.requests() - before;
    println!("{calls} calls ({checks}/10 booking checks) in ten minutes of silence: {requests} requests");
    assert!(requests <= 30, "{requests} requests during ten minutes of outage");
    assert_ne!(reader.health().circuit.state, CircuitState::Closed);

    server.is(Mood::Answers(Duration::from_millis(100)));
    let returned = Instant::now();
    while !list(&reader, &town).await.0.iter().all(|fetched| fetched.reading.is_ok()) {
        sleep(SECOND / 10).await;
        assert!(returned.elapsed() < 5 * SECOND, "within 5 s of the server's return all is read again");
    }
    println!("all 20 mailboxes read again {:?} after the return", returned.elapsed());
    assert_eq!(reader.health().circuit.state, CircuitState::Closed);
    assert!(reader.health().is_good() && reader.health().failing.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_asked_thirty_times_in_ten_minutes_and_answers_come_at_once() {
    silent_for_ten_minutes(0).await;
}

#[tokio::test(start_paused = true)]
async fn booking_checks_among_the_calls_cost_no_more_than_that() {
    silent_for_ten_minutes(2).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_has_lost_what_it_was_asked_is_read_again_when_the_last_try_has_given_up() {
    let (server, town) = (Arc::new(Server::new()), targets(20));
    let reader = reader(&server, |_| {});
    server.is(Mood::Lost);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(605) {
        list(&reader, &town).await;
        sleep(SECOND).await;
    }
    server.is(Mood::Answers(Duration::from_millis(100)));
    let returned = Instant::now();
    while !list(&reader, &town).await.0.iter().all(|fetched| fetched.reading.is_ok()) {
        sleep(SECOND / 10).await;
        assert!(returned.elapsed() < 36 * SECOND, "a try may take 30 s, the pause after it 4 s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_is_asked_less_and_less() {
    let (server, town) = (Arc::new(Server::new()), targets(20));
    let reader = reader(&server, |_| {});
    server.is(Mood::Fails(ReadErrorKind::Refused));
    let outage = Instant::now();
    while outage.elapsed() < Duration::from_secs(600) {
        let (fetched, took) = list(&reader, &town).await;
        assert!(took < MILLISECONDS);
        assert!(fetched.iter().all(|fetched| kind(fetched) == Some(ReadErrorKind::Refused) && !fetched.being_read));
        sleep(SECOND).await;
    }
    let requests = server.requests();
    println!("{requests} requests in ten minutes of refused connections");
    // Five at the beginning, then at 1, 2, 4, 8, 16, 32 and 60 s or up to a quarter less.
    assert!((18..=30).contains(&requests), "{requests}");
    let health = reader.health();
    assert_eq!((health.circuit.state, health.failing.len()), (CircuitState::Open, 0));
    assert!(health.circuit.error.and_then(|error| error.retry_after()).is_some_and(|wait| wait <= 60 * SECOND));
    server.is(Mood::Answers(Duration::ZERO));
    sleep(60 * SECOND).await;
    assert!(list(&reader, &town[..1]).await.0[0].reading.is_ok(), "a list that finds a quick server back is served");
    assert!(list(&reader, &town).await.0.iter().all(|fetched| fetched.reading.is_ok()));
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_of_its_own_fault_never_opens_the_circuit() {
    let (server, town) = (Arc::new(Server::new()), targets(20));
    let reader = reader(&server, |settings| settings.time_to_live = SECOND);
    let own = [ReadErrorKind::MailboxNotFound, ReadErrorKind::ImpersonationDenied, ReadErrorKind::Malformed];
    for (n, target) in town[..19].iter().enumerate() {
        server.single.lock().expect("lock").insert(target.mailbox.clone(), own[n % own.len()]);
    }
    for _ in 0..600 {
        let (fetched, _) = list(&reader, &town).await;
        assert!(fetched[19].reading.is_ok(), "the one that can be read is read");
        assert_eq!(reader.health().circuit.state, CircuitState::Closed);
        sleep(SECOND).await;
    }
    assert_eq!(reader.health().failing.len(), 19);
    let asked_again = server.requests() - 600;
    assert!(asked_again < 19 * 20, "each is asked less and less: {asked_again}");
    server.single.lock().expect("lock").clear();
    sleep(61 * SECOND).await;
    assert!(list(&reader, &town).await.0.iter().all(|fetched| fetched.reading.is_ok()), "and recovers within a minute");
    assert!(reader.health().failing.is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_mailbox_that_is_too_slow_is_no_outage() {
    let (server, town) = (Arc::new(Server::new()), targets(3));
    let reader = reader(&server, |settings| settings.time_to_live = Duration::from_secs(3_600));
    server.slow.lock().expect("lock").insert(town[0].mailbox.clone());
    for _ in 0..20 {
        list(&reader, &town).await;
        assert_eq!(reader.health().circuit.state, CircuitState::Closed);
        sleep(61 * SECOND).await;
    }
    assert_eq!(reader.health().failing.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_finds_a_mailbox_of_its_own_fault_closes_the_circuit() {
    let (server, town) = (Arc::new(Server::new()), targets(6));
    let reader = reader(&server, |_| {});
    server.is(Mood::Fails(ReadErrorKind::Gateway));
    list(&reader, &town).await;
    assert_eq!(reader.health().circuit.state, CircuitState::Open);
    server.is(Mood::Answers(Duration::ZERO));
    server.single.lock().expect("lock").insert(town[0].mailbox.clone(), ReadErrorKind::MailboxNotFound);
    sleep(2 * SECOND).await;
    list(&reader, &town[..1]).await;
    assert_eq!(reader.health().circuit.state, CircuitState::Closed, "the server has answered");
}

#[tokio::test(start_paused = true)]
async fn a_check_tries_by_itself_once_per_pause_and_is_served_by_a_server_that_is_back() {
    let (server, town) = (Arc::new(Server::new()), targets(6));
    let reader = reader(&server, |_| {});
    server.is(Mood::Fails(ReadErrorKind::Gateway));
    list(&reader, &town).await;
    let before = server.requests();
    let refused = join_all((0..100).map(|n| confirm(&reader, &town[n % 6]))).await;
    assert_eq!(server.requests(), before, "during the pause nobody asks");
    assert!(
        refused.iter().all(|(fetched, took)| *took < MILLISECONDS && kind(fetched) == Some(ReadErrorKind::Gateway))
    );
    sleep(2 * SECOND).await;
    join_all((0..100).map(|n| confirm(&reader, &town[n % 6]))).await;
    assert_eq!(server.requests(), before + 1, "after it one check does");
    list(&reader, &town).await;
    assert_eq!(server.requests(), before + 1, "from which lists learn as well");
    sleep(4 * SECOND).await;
    list(&reader, &town).await;
    join_all((0..100).map(|n| confirm(&reader, &town[n % 6]))).await;
    assert_eq!(server.requests(), before + 3, "a list that tries takes nothing from the checks");
    server.is(Mood::Answers(Duration::from_millis(100)));
    sleep(8 * SECOND).await;
    let (fetched, took) = confirm(&reader, &town[0]).await;
    assert!(fetched.reading.is_ok() && took < SECOND, "the check that finds the server back is served");
}

#[tokio::test(start_paused = true)]
async fn an_invalidation_forgets_the_failures_of_its_mailboxes() {
    let (server, town) = (Arc::new(Server::new()), targets(1));
    let reader = reader(&server, |_| {});
    server.single.lock().expect("lock").insert(town[0].mailbox.clone(), ReadErrorKind::MailboxNotFound);
    assert_eq!(kind(&list(&reader, &town).await.0[0]), Some(ReadErrorKind::MailboxNotFound));
    server.single.lock().expect("lock").clear();
    assert!(list(&reader, &town).await.0[0].reading.is_err(), "it is remembered for a moment");
    reader.invalidate(&[town[0].key], Instant::now() + SECOND).await.expect("the cache can be told");
    assert!(list(&reader, &town).await.0[0].reading.is_ok(), "a counter saved is read at once");
}

#[tokio::test(start_paused = true)]
async fn failures_need_not_be_remembered() {
    let (server, town) = (Arc::new(Server::new()), targets(5));
    let reader = reader(&server, |settings| settings.first_pause = Duration::ZERO);
    server.is(Mood::Fails(ReadErrorKind::Refused));
    for round in 1..=5 {
        list(&reader, &town).await;
        assert_eq!(server.requests(), 5 * round);
    }
    assert!(reader.health().is_good());
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_was_never_asked_is_well() {
    let reader = reader(&Arc::new(Server::new()), |_| {});
    let health = serde_json::to_value(reader.health()).expect("it serialises");
    assert_eq!(health["circuit"]["state"], "closed");
    assert_eq!(health["store"]["state"], "answering");
}

#[tokio::test(start_paused = true)]
async fn where_one_of_two_servers_fails_the_mailboxes_of_the_other_are_read_as_ever() {
    let (here, there) = (Arc::new(Server::new()), Arc::new(Server::new()));
    let town = targets(20);
    let lies_there = |mailbox: &Mailbox| mailbox.as_str().contains('1');
    let source = RoutedSource::new(Arc::clone(&here)).rule(lies_there, Arc::clone(&there));
    let cache = Arc::new(MemoryCache::new(64 << 20, Duration::from_secs(3600)));
    let reader = CalendarReader::new(Arc::new(source), cache, clock(), ReaderSettings::default());
    list(&reader, &town).await;
    there.is(Mood::Fails(ReadErrorKind::Refused));
    for _ in 0..5 {
        sleep(61 * SECOND).await;
        let (fetched, _) = list(&reader, &town).await;
        for (target, fetched) in town.iter().zip(fetched) {
            assert_eq!(fetched.reading.is_err(), lies_there(&target.mailbox));
        }
    }
    let health = reader.health();
    assert_eq!(health.circuit.state, CircuitState::Open, "the worst of both");
    let states: Vec<CircuitState> = health.circuits.iter().map(|circuit| circuit.state).collect();
    assert_eq!(states, [CircuitState::Open, CircuitState::Closed]);
    there.is(Mood::Answers(SECOND / 10));
    sleep(61 * SECOND).await;
    list(&reader, &town).await;
    sleep(2 * SECOND).await;
    assert!(list(&reader, &town).await.0.iter().all(|fetched| fetched.reading.is_ok()));
    assert!(reader.health().is_good());
}
