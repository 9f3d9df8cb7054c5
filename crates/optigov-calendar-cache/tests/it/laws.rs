//! What must hold whatever happens in whatever order: random schedules of lists, booking checks, saves, outages and slow answers.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use optigov_calendar::ReadErrorKind;
use optigov_calendar_cache::{Fetched, Freshness, ReadWindow, Reading};
use tokio::time::{Instant, sleep};

use crate::support::{Mood, SECOND, Server, clock, day, hours, reader, targets};

/// How often the calendars had changed when a reading began.
fn edition_of(reading: &Reading) -> usize {
    let entry = serde_json::to_value(reading.entries().next()).expect("it serialises");
    let start = entry[0].as_i64().expect("a start");
    usize::try_from(start - reading.window().start_unix()).expect("not before")
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_older_than_it_may_be_nor_from_before_a_save() {
    let mut random = fastrand::Rng::with_seed(12);
    let (mut read, mut stale, mut refused) = (0, 0, 0);
    for schedule in 0..300 {
        let (server, town, clock) = (Arc::new(Server::new()), targets(3), clock());
        let serve_stale = Duration::from_secs(120);
        let may_be_stale = random.bool();
        let reader = reader(&server, |settings| {
            settings.time_to_live = 20 * SECOND;
            settings.serve_stale = may_be_stale.then_some(serve_stale);
            settings.read_ahead = if schedule % 3 == 0 { 5 * SECOND } else { Duration::ZERO };
        });
        let steps: Vec<(u64, u8, u64)> =
            (0..60).map(|_| (random.u64(0..100_000), random.u8(0..20), random.u64(1..30_000))).collect();
        let play = steps.into_iter().map(|(at, what, length)| {
            let (server, town, clock, reader) = (&server, &town, &clock, &reader);
            async move {
                sleep(Duration::from_millis(at)).await;
                // Every change is saved at once, so what was read before it must not be served after it.
                let (saved, asked) = (server.edition.load(Ordering::SeqCst), clock.now());
                let check = |fetched: &Fetched, freshness: Freshness| {
                    let told = match &fetched.reading {
                        Ok(reading) => Some(reading),
                        Err(_) => fetched.older.as_ref(),
                    };
                    if let Some(reading) = told {
                        let edition = edition_of(reading);
                        assert!(
                            edition >= saved,
                            "schedule {schedule}: edition {edition}, though {saved} was saved before"
                        );
                    }
                    if let Ok(reading) = &fetched.reading {
                        let oldest = match freshness {
                            Freshness::Cached => asked - chrono::TimeDelta::seconds(20),
                            _ => asked,
                        };
                        assert!(reading.read_at() >= oldest, "schedule {schedule}: older than it may be");
                    }
                    (fetched.reading.is_ok(), fetched.being_read, fetched.reading.is_err())
                };
                match what {
                    0..10 => {
                        let deadline = Instant::now() + 30 * SECOND;
                        let fetched = reader.fetch(town, day(), Freshness::Cached, deadline).await;
                        fetched.iter().map(|fetched| check(fetched, Freshness::Cached)).collect()
                    }
                    10..15 => {
                        let one = &town[usize::from(what) % 3..][..1];
                        let window = ReadWindow::exactly(hours(0, 24));
                        let deadline = Instant::now() + 30 * SECOND;
                        let fetched = reader.fetch(one, window, Freshness::Now, deadline).await;
                        fetched.iter().map(|fetched| check(fetched, Freshness::Now)).collect()
                    }
                    15..17 => {
                        let keys: Vec<_> = town.iter().map(|target| target.key).collect();
                        // Nobody is told of the new edition before the save has returned.
                        let next = server.edition.load(Ordering::SeqCst) + 1;
                        reader.invalidate(&keys, Instant::now() + SECOND).await.expect("the cache can be told");
                        server.edition.fetch_max(next, Ordering::SeqCst);
                        reader.invalidate(&keys, Instant::now() + SECOND).await.expect("the cache can be told");
                        Vec::new()
                    }
                    _ => {
                        server.is(match what {
                            17 => Mood::Silent,
                            18 => Mood::Fails(ReadErrorKind::Refused),
                            _ => Mood::Answers(Duration::from_millis(length)),
                        });
                        Vec::new()
                    }
                }
            }
        });
        for (ok, behind, failed) in join_all(play).await.into_iter().flatten() {
            read += usize::from(ok);
            stale += usize::from(behind);
            refused += usize::from(failed);
        }
    }
    println!("{read} answers with a reading, {stale} while it was being read, {refused} without one");
    assert!(read > 10_000 && stale > 500 && refused > 5_000, "the schedules show all kinds of answers");
}
