//! The slot engine beside a bare lower bound and its peers. `docs/performance.md` has the table and the meaning of each row.
//!
//! Every contender answers the same questions; before anything is timed, their answers are compared.

mod bound;
mod peers;
mod workload;

use std::hint::black_box;
use std::time::Duration;

use chrono::{DateTime, Utc};
use criterion::measurement::WallTime;
use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use optigov_slots::{Busy, IntervalSet, Resources, Slots};

use workload::{DAYS, OPEN};

const COUNTERS: usize = 1_000;
const MILLION: usize = 1_000_000;

/// A thousand counters, in every form in which somebody wants them.
struct Counters {
    windows: Vec<(i64, i64)>,
    spans: Vec<peers::Span>,
    busy: Vec<Vec<(i64, i64)>>,
    sorted: Vec<Vec<(i64, i64)>>,
    busy_spans: Vec<Vec<peers::Span>>,
    resources: Vec<Resources>,
}

impl Counters {
    fn new(busy: impl Fn(u64) -> Vec<(i64, i64)>) -> Counters {
        let busy: Vec<_> = (0..COUNTERS as u64).map(busy).collect();
        let windows = workload::windows(DAYS);
        let counters = Counters {
            spans: peers::spans(&windows),
            sorted: busy.iter().cloned().map(workload::sorted).collect(),
            busy_spans: busy.iter().map(|pairs| peers::spans(pairs)).collect(),
            resources: busy.iter().map(|pairs| Resources::one(workload::typed(pairs))).collect(),
            windows,
            busy,
        };
        counters.check();
        counters
    }

    /// All contenders find the same starts.
    fn check(&self) {
        let (mut expected, mut found, mut instants) = (Vec::new(), Vec::new(), Vec::new());
        for index in (0..COUNTERS).step_by(50) {
            bound::starts(&self.windows, &self.sorted[index], &mut expected);
            let slots = self.ask(index);
            assert!(slots.iter().map(|slot| slot.start_unix()).eq(expected.iter().copied()));
            assert_eq!(slots.counts_per_day().map(|(_, count)| count).sum::<usize>(), expected.len());
            peers::blaze(&self.windows, &self.busy[index], &mut found);
            assert_eq!(found, expected);
            peers::rangemap(&self.windows, &self.busy[index], &mut found);
            assert_eq!(found, expected);
            peers::chrono_sorted(&self.spans, &self.busy_spans[index], &mut instants);
            assert!(instants.iter().map(DateTime::timestamp).eq(expected.iter().copied()));
            let naive = peers::chrono_naive(&self.spans, &self.busy_spans[index]);
            assert!(naive.map(|start| start.timestamp()).eq(expected.iter().copied()));
        }
    }

    fn ask(&self, index: usize) -> Slots {
        OPEN.slots(&workload::rules(), &self.resources[index], &Busy::default(), workload::now())
    }
}

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat).warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(1)).sample_size(10);
    group
}

fn w1_w2_all_slots(criterion: &mut Criterion) {
    let counters = Counters::new(|seed| workload::busy(seed, 400, DAYS));
    let (rules, none, now) = (workload::rules(), Busy::default(), workload::now());
    let (timetable, horizon) = (workload::timetable(), workload::horizon(DAYS));

    let mut one = group(criterion, "W1 one counter");
    one.bench_function("ours, once, from rules", |b| {
        b.iter(|| {
            timetable.open_windows(horizon, None).slots(&rules, &counters.resources[0], &none, now).iter().last()
        });
    });
    one.bench_function("ours, opening hours resolved", |b| b.iter(|| counters.ask(0).iter().last()));
    one.bench_function("resolving the opening hours", |b| b.iter(|| timetable.open_windows(horizon, None)));
    one.finish();

    let mut all = group(criterion, "W2 all slots");
    let mut starts = Vec::new();
    all.bench_function("bound", |b| {
        b.iter(|| {
            for busy in &counters.sorted {
                bound::starts(&counters.windows, busy, &mut starts);
                black_box(&starts);
            }
        });
    });
    let mut slots = counters.ask(0);
    all.bench_function("ours, from rules", |b| {
        b.iter(|| {
            for resources in &counters.resources {
                slots.update(&timetable.open_windows(horizon, None), &rules, resources, &none, now);
                starts.clear();
                starts.extend(slots.iter().map(|slot| slot.start_unix()));
                black_box(&starts);
            }
        });
    });
    all.bench_function("ours, opening hours resolved", |b| {
        b.iter(|| {
            for resources in &counters.resources {
                slots.update(&OPEN, &rules, resources, &none, now);
                starts.clear();
                starts.extend(slots.iter().map(|slot| slot.start_unix()));
                black_box(&starts);
            }
        });
    });
    let back_to_back = workload::back_to_back();
    all.bench_function("ours, opening hours resolved, back to back by the sweep", |b| {
        b.iter(|| {
            for resources in &counters.resources {
                slots.update(&OPEN, &back_to_back, resources, &none, now);
                starts.clear();
                starts.extend(slots.iter().map(|slot| slot.start_unix()));
                black_box(&starts);
            }
        });
    });
    let mut instants: Vec<DateTime<Utc>> = Vec::new();
    all.bench_function("ours, opening hours resolved, as DateTime", |b| {
        b.iter(|| {
            for resources in &counters.resources {
                slots.update(&OPEN, &rules, resources, &none, now);
                instants.clear();
                instants.extend(slots.starts());
                black_box(&instants);
            }
        });
    });
    all.bench_function("range-set-blaze", |b| {
        b.iter(|| {
            for busy in &counters.busy {
                peers::blaze(&counters.windows, busy, &mut starts);
                black_box(&starts);
            }
        });
    });
    all.bench_function("rangemap", |b| {
        b.iter(|| {
            for busy in &counters.busy {
                peers::rangemap(&counters.windows, busy, &mut starts);
                black_box(&starts);
            }
        });
    });
    all.bench_function("chrono, sort and merge", |b| {
        b.iter(|| {
            for busy in &counters.busy_spans {
                peers::chrono_sorted(&counters.spans, busy, &mut instants);
                black_box(&instants);
            }
        });
    });
    all.finish();
    // So slow that ten counters have to do.
    let mut naive = group(criterion, "W2 all slots, 10 counters");
    naive.bench_function("chrono, naive", |b| {
        b.iter(|| {
            for busy in &counters.busy_spans[..10] {
                instants.clear();
                instants.extend(peers::chrono_naive(&counters.spans, busy));
                black_box(&instants);
            }
        });
    });
    naive.finish();

    let mut counts = group(criterion, "W2 counts per day");
    let ours = |slots: &Slots| slots.counts_per_day().map(|(_, count)| count).max();
    counts.bench_function("ours, from rules", |b| {
        b.iter(|| {
            for resources in &counters.resources {
                slots.update(&timetable.open_windows(horizon, None), &rules, resources, &none, now);
                black_box(ours(&slots));
            }
        });
    });
    counts.bench_function("ours, opening hours resolved", |b| {
        b.iter(|| {
            for resources in &counters.resources {
                slots.update(&OPEN, &rules, resources, &none, now);
                black_box(ours(&slots));
            }
        });
    });
    counts.finish();
    first_free(criterion, "W3 first free", &counters);
}

fn w3b_first_free(criterion: &mut Criterion) {
    first_free(criterion, "W3b first free, booked out", &Counters::new(workload::fully_booked));
}

fn first_free(criterion: &mut Criterion, name: &str, counters: &Counters) {
    let (rules, none, now) = (workload::rules(), Busy::default(), workload::now());
    let mut group = group(criterion, name);
    group.bench_function("bound, a lazy sweep over sorted input", |b| {
        b.iter(|| counters.sorted.iter().filter_map(|busy| bound::first(&counters.windows, busy)).max());
    });
    let mut slots = counters.ask(0);
    group.bench_function("ours, opening hours resolved", |b| {
        b.iter(|| {
            let first = |resources| {
                slots.update(&OPEN, &rules, resources, &none, now);
                slots.first()
            };
            counters.resources.iter().filter_map(first).max()
        });
    });
    group.bench_function("range-set-blaze", |b| {
        b.iter(|| counters.busy.iter().filter_map(|busy| peers::blaze_first(&counters.windows, busy)).max());
    });
    group.bench_function("rangemap", |b| {
        b.iter(|| counters.busy.iter().filter_map(|busy| peers::rangemap_first(&counters.windows, busy)).max());
    });
    group.bench_function("chrono, sort and merge", |b| {
        b.iter(|| {
            counters.busy_spans.iter().filter_map(|busy| peers::chrono_sorted_first(&counters.spans, busy)).max()
        });
    });
    group.finish();
    let mut group = self::group(criterion, &format!("{name}, 10 counters"));
    group.bench_function("chrono, naive", |b| {
        b.iter(|| {
            counters.busy_spans[..10].iter().filter_map(|busy| peers::chrono_naive(&counters.spans, busy).next()).max()
        });
    });
    group.finish();
}

fn w4_union(criterion: &mut Criterion) {
    let unsorted = workload::intervals(4, MILLION);
    for (name, pairs) in [("W4 union, sorted", workload::sorted(unsorted.clone())), ("W4 union, unsorted", unsorted)] {
        let is_sorted = pairs.is_sorted();
        let (typed, spans) = (workload::typed(&pairs), peers::spans(&pairs));
        let expected = bound::merge(&workload::sorted(pairs.clone()));
        assert!(
            IntervalSet::from(typed.clone())
                .iter()
                .map(|i| (i.start_unix(), i.end_unix()))
                .eq(expected.iter().copied())
        );
        assert_eq!(peers::blaze_set(&pairs).ranges().count(), expected.len());
        assert_eq!(peers::chrono_merge(&spans).len(), expected.len());

        let mut group = group(criterion, name);
        group.throughput(Throughput::Elements(MILLION as u64));
        group.bench_function("bound", |b| {
            let bare = |mut pairs: Vec<(i64, i64)>| {
                if !is_sorted {
                    pairs.sort_unstable();
                }
                (bound::merge(&pairs), pairs)
            };
            b.iter_batched(|| pairs.clone(), bare, BatchSize::PerIteration);
        });
        group.bench_function("ours", |b| b.iter_batched(|| typed.clone(), IntervalSet::from, BatchSize::PerIteration));
        group.bench_function("range-set-blaze", |b| b.iter_with_large_drop(|| peers::blaze_set(&pairs)));
        group.bench_function("rangemap", |b| b.iter_with_large_drop(|| peers::rangemap_set(&pairs)));
        group.bench_function("chrono, sort and merge", |b| b.iter_with_large_drop(|| peers::chrono_merge(&spans)));
        group.finish();
    }
}

fn w5_difference(criterion: &mut Criterion) {
    let (a, b) = (workload::set(5, MILLION), workload::set(6, MILLION));
    let expected = bound::difference(&a, &b);
    let ours: [IntervalSet; 2] = [workload::typed(&a).into(), workload::typed(&b).into()];
    assert!(ours[0].difference(&ours[1]).iter().map(|i| (i.start_unix(), i.end_unix())).eq(expected.iter().copied()));
    let blaze = [peers::blaze_set(&a), peers::blaze_set(&b)];
    let rangemap = [peers::rangemap_set(&a), peers::rangemap_set(&b)];
    assert_eq!(peers::rangemap_difference(&rangemap[0], &rangemap[1]).len(), expected.len());
    let spans = [peers::spans(&a), peers::spans(&b)];
    assert_eq!(peers::chrono_difference(&spans[0], &spans[1]), peers::spans(&expected));

    let mut group = group(criterion, "W5 difference");
    group.throughput(Throughput::Elements(MILLION as u64));
    group.bench_function("bound", |bench| bench.iter_with_large_drop(|| bound::difference(&a, &b)));
    group.bench_function("ours", |bench| bench.iter_with_large_drop(|| ours[0].difference(&ours[1])));
    group.bench_function("range-set-blaze", |bench| bench.iter_with_large_drop(|| &blaze[0] - &blaze[1]));
    group.bench_function("rangemap", |bench| {
        bench.iter_with_large_drop(|| peers::rangemap_difference(&rangemap[0], &rangemap[1]));
    });
    group.bench_function("chrono, two fingers", |bench| {
        bench.iter_with_large_drop(|| peers::chrono_difference(&spans[0], &spans[1]));
    });
    group.finish();
}

/// Time for each entry, day and counter, over three orders of magnitude: the figures of a group are to stay about level.
fn linear(criterion: &mut Criterion) {
    let (rules, none, now) = (workload::rules(), Busy::default(), workload::now());
    let mut by_busy = group(criterion, "linear in busy entries");
    for count in [400, 4_000, 40_000, 400_000] {
        let resources = Resources::one(workload::typed(&workload::busy(7, count, DAYS)));
        by_busy.throughput(Throughput::Elements(count as u64));
        by_busy.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| OPEN.slots(&rules, &resources, &none, now).len())
        });
    }
    by_busy.finish();

    let mut by_days = group(criterion, "linear in days");
    for days in [30, 300, 3_000, 30_000] {
        let (timetable, horizon) = (workload::timetable(), workload::horizon(days));
        let resources = Resources::one(workload::typed(&workload::busy(8, days as usize * 4, days)));
        by_days.throughput(Throughput::Elements(days));
        by_days.bench_function(BenchmarkId::from_parameter(days), |b| {
            b.iter(|| timetable.open_windows(horizon, None).slots(&rules, &resources, &none, now).len());
        });
    }
    by_days.finish();

    let mut by_counters = group(criterion, "linear in counters, merged");
    for count in [1, 10, 100, 1_000] {
        let busy = |seed| Resources::one(workload::typed(&workload::busy(seed, 400, DAYS)));
        let resources: Vec<Resources> = (0..count).map(busy).collect();
        by_counters.throughput(Throughput::Elements(count));
        by_counters.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| {
                let slots: Vec<Slots> =
                    resources.iter().map(|resources| OPEN.slots(&rules, resources, &none, now)).collect();
                optigov_slots::merge((0..).zip(&slots)).take(100).last()
            });
        });
    }
    by_counters.finish();
}

criterion_group!(benches, w1_w2_all_slots, w3b_first_free, w4_union, w5_difference, linear);
criterion_main!(benches);
