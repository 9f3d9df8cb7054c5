//! What operators see: the metrics that docs/operations.md lists, with these names and labels and no others.

use std::collections::BTreeMap;
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use optigov_availability::ReadErrorKind;
use optigov_counter::WhenUnavailable;

use crate::probe::{Probe, TestClock, counter, over};
use crate::support::days;

const ANNA: &str = "anna@musterstadt.example";
const BEN: &str = "ben@musterstadt.example";

#[test]
fn metrics_are_those_of_the_operations_guide_and_name_nobody() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let (source, clock) = (Probe::new(), TestClock::at("2026-11-23 07:00"));
            source.set(ANNA, &[]);
            source.fail(BEN, ReadErrorKind::MailboxNotFound);
            let counters = [counter("s1", &[ANNA], "all"), counter("s2", &[BEN], "all")].concat();
            let stale = WhenUnavailable::ServeStale { up_to: Duration::from_secs(3600) };
            let availability = over(source.clone(), &counters, &clock, |builder| builder.when_unavailable(stale));
            for _ in 0..2 {
                availability.free_slots(&days("2026-11-24", "2026-11-24")).await.expect("the request holds");
            }
            source.fail(ANNA, ReadErrorKind::Refused);
            clock.advance(Duration::from_secs(600));
            availability.free_slots(&days("2026-11-24", "2026-11-24")).await.expect("the request holds");
        });
    });
    let mut seen = BTreeMap::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let labels: Vec<String> =
            key.key().labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let count = match value {
            DebugValue::Counter(count) => count,
            DebugValue::Histogram(values) => values.len() as u64,
            // Gauges say how things stand: the facade is gone.
            DebugValue::Gauge(value) => value.into_inner() as u64,
        };
        seen.insert(format!("{} {}", key.key().name(), labels.join(" ")), count);
    }
    let expected = [
        ("optigov_answers_total status=known", 2),
        ("optigov_answers_total status=stale", 1),
        ("optigov_answers_total status=unknown", 3),
        ("optigov_calendar_cache_total result=hit", 1),
        ("optigov_calendar_cache_total result=miss", 5),
        ("optigov_calendar_mailboxes_failing ", 0),
        ("optigov_calendar_read_seconds ", 3),
        ("optigov_calendar_reads_total result=mailbox", 1),
        ("optigov_calendar_reads_total result=network", 1),
        ("optigov_calendar_reads_total result=ok", 1),
        ("optigov_calendar_refused_total ", 2),
        ("optigov_calendar_stale_seconds ", 1),
        ("optigov_calendar_stale_total reason=failing", 1),
    ];
    let expected: BTreeMap<String, u64> = expected.map(|(name, count)| (name.to_owned(), count)).into();
    assert_eq!(seen, expected);
    let guide = include_str!("../../../../docs/operations.md");
    for name in expected.keys() {
        let (name, label) = name.split_once(' ').expect("a name, then labels");
        assert!(guide.contains(&format!("`{name}`")), "{name} is not in the guide");
        let value = label.rsplit('=').next().unwrap_or_default();
        assert!(guide.contains(&format!("`{value}`")) || value.is_empty(), "{name}: {value} is not in the guide");
    }
}
