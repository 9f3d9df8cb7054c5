//! How much an outage logs. A test binary of its own, since what is logged is decided for a whole process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use optigov_calendar::ReadErrorKind;
use tokio::time::sleep;
use tracing_subscriber::layer::SubscriberExt as _;

#[allow(dead_code, reason = "shared with the other tests")]
#[path = "it/support.rs"]
mod support;
use support::{Mood, SECOND, Server, list, reader, targets};

#[tokio::test(start_paused = true)]
async fn an_outage_of_two_thousand_mailboxes_is_a_few_lines_in_the_log() {
    let (lines, _guard) = count_lines();
    let (server, town) = (Arc::new(Server::new()), targets(2_000));
    let reader = reader(&server, |settings| settings.time_to_live = 10 * SECOND);
    list(&reader, &town[..100]).await;
    server.is(Mood::Fails(ReadErrorKind::Refused));
    for _ in 0..60 {
        sleep(SECOND).await;
        list(&reader, &town).await;
    }
    let during = lines.load(Ordering::SeqCst);
    assert!((1..=5).contains(&during), "{during} lines: the first mailboxes, then the circuit");
    server.is(Mood::Answers(Duration::ZERO));
    sleep(61 * SECOND).await;
    list(&reader, &town[..100]).await;
    assert_eq!(lines.load(Ordering::SeqCst), during + 1, "and one when the server is back");
}

/// Counts the events of level INFO and above on this thread.
fn count_lines() -> (Arc<AtomicUsize>, tracing::subscriber::DefaultGuard) {
    struct Count(Arc<AtomicUsize>);
    impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Count {
        fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
            let ours = event.metadata().target().starts_with("optigov");
            if ours && *event.metadata().level() <= tracing::Level::INFO {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
    let lines = Arc::new(AtomicUsize::default());
    let subscriber = tracing_subscriber::registry().with(Count(Arc::clone(&lines)));
    (lines, tracing::subscriber::set_default(subscriber))
}
