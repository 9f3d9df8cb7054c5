//! The kernel for grids that share one cell: each possible start is one bit, and nothing is sorted.
//!
//! A cell is the step where all openings lie on one grid, and their greatest common measure where not. Bits stand for starts, not for
//! time: whatever is busy forbids a stretch of starts that is known to the second, so nothing is rounded here, either.

use crate::answer::{Answer, Cells, Form};
use crate::query::{Query, next_on_grid};
use crate::workspace::{Layout, Workspace};
use crate::{Anchor, Busy};

/// Answers the query if its starts are dense enough to be worth a bit each; otherwise says no and leaves the answer empty.
pub(crate) fn bitmap(query: &Query<'_>, workspace: &mut Workspace, answer: &mut Answer) -> bool {
    if query.rules.anchor() == Anchor::BackToBack {
        return false; // its grid moves with what is busy
    }
    let layout = &mut workspace.layout;
    if !layout.made_for.as_ref().is_some_and(|(open, rules)| open.is_same(query.open) && rules == query.rules) {
        lay_out(query, layout);
    }
    let Some(cells) = layout.cells else { return false };
    let bits = &mut answer.bits;
    bits.clear();
    bits.extend_from_slice(&layout.bits);
    clear(bits, 0, cells.at_or_after(query.from));
    clear(bits, cells.at_or_after(query.until), cells.count as usize);
    for day in query.full_days(&mut workspace.full_days) {
        let (from, until) = cells.within(day.start_unix(), day.end_unix());
        clear(bits, from, until);
    }
    take_away(query, cells, workspace, bits);
    answer.form = Form::Bits(cells);
    true
}

/// Finds the cells that all grids share, and sets the bit of each possible start.
fn lay_out(query: &Query<'_>, layout: &mut Layout) {
    let Layout { made_for, grids, cells, bits } = layout;
    *made_for = Some((query.open.clone(), *query.rules));
    grids.clear();
    let asked = query.open.window();
    query.for_each_grid(|first, end| {
        let (first, end) = (next_on_grid(first, query.rules.step, asked.start_unix()), end.min(asked.end_unix()));
        if first < end {
            grids.push((first, end));
        }
    });
    *cells = shared_cells(grids, query.rules.step);
    bits.clear();
    let Some(cells) = *cells else { return };
    bits.resize(cells.count as usize / 64 + 2, 0); // one to spare: ranges are cleared by pairs of words
    let stride = (query.rules.step / cells.cell()) as usize;
    for &mut (first, end) in grids {
        let (from, until) = cells.within(first, end);
        if stride == 1 {
            set(bits, from, until);
        } else {
            (from..until).step_by(stride).for_each(|bit| bits[bit / 64] |= 1 << (bit % 64));
        }
    }
}

fn shared_cells(grids: &[(i64, i64)], step: i64) -> Option<Cells> {
    let (&(base, _), &(_, end)) = (grids.first()?, grids.last()?);
    let (mut cell, mut open) = (step as u32, 0);
    for &(first, end) in grids {
        open += end - first;
        let offset = u32::try_from(first - base).ok()?;
        if !offset.is_multiple_of(cell) {
            cell = greatest_common_divisor(cell, offset);
        }
    }
    // Cells cost time, also those at which nothing ever starts.
    let starts = open / step + grids.len() as i64;
    let count = (end - base) / i64::from(cell);
    (count <= 32 * starts + 4_096).then(|| Cells::new(base, end, cell)).flatten()
}

/// Clears the bits at which calendars and bookings leave no place.
fn take_away(query: &Query<'_>, cells: Cells, workspace: &mut Workspace, bits: &mut [u64]) {
    let calendars = query.resources.calendars();
    let most = query.resources.places(calendars.len(), query.rules.capacity());
    if most == 1 {
        // One booking is enough, so they need not be put in order.
        let (reach, between) = (query.rules.total + query.rules.between() - 1, query.rules.between());
        clear_all(bits, cells, query.bookings, reach, between);
    } else {
        for booked in query.booked_starts(most, &mut workspace.meeting) {
            let (from, until) = cells.within(booked.start_unix(), booked.end_unix());
            clear(bits, from, until);
        }
    }
    let (reach, before) = (query.rules.total + query.rules.after - 1, query.rules.before);
    let Some(group) = query.resources.group() else {
        for busy in calendars {
            clear_all(bits, cells, busy, reach, before);
        }
        return;
    };
    // How many are free, for each start: plane p holds bit p of the number.
    let words = bits.len();
    let Workspace { planes, free, met, meeting, .. } = workspace;
    planes.clear();
    planes.resize((calendars.len().ilog2() as usize + 1) * words, 0);
    for busy in calendars {
        free.clear();
        free.resize(words, u64::MAX);
        clear_all(free, cells, busy, reach, before);
        for plane in planes.chunks_exact_mut(words) {
            for (sum, carry) in plane.iter_mut().zip(free.iter_mut()) {
                (*sum, *carry) = (*sum ^ *carry, *sum & *carry);
            }
        }
    }
    // Where `taken` bookings meet, so many must be free that one more finds a group.
    for taken in 0..most {
        met.clear();
        met.resize(words, if taken == 0 { u64::MAX } else { 0 });
        if taken > 0 {
            for booked in query.booked_starts(taken, meeting) {
                let (from, until) = cells.within(booked.start_unix(), booked.end_unix());
                set(met, from, until);
            }
        }
        for (index, (bits, met)) in bits.iter_mut().zip(met.iter()).enumerate() {
            *bits &= !(met & below(planes.iter().skip(index).step_by(words), group * (taken + 1)));
        }
    }
}

/// The bits at which a number, given by its planes from the lowest on, is below `bound`.
fn below<'a>(planes: impl Iterator<Item = &'a u64>, bound: usize) -> u64 {
    let by_place = |below: u64, (place, plane): (usize, &u64)| match bound >> place & 1 {
        1 => below | !plane,
        _ => below & !plane,
    };
    planes.enumerate().fold(0, by_place)
}

/// Clears the starts that busy time forbids: from less than `reach` seconds before it until `before` seconds after it.
fn clear_all(bits: &mut [u64], cells: Cells, busy: &Busy, reach: i64, before: i64) {
    let (reach, before) = (reach + cells.base, before - cells.base);
    for busy in busy.as_slice() {
        clear(bits, cells.bit(busy.start_unix() - reach), cells.bit(busy.end_unix() + before));
    }
}

/// Sets the bits `from..until`. The last word is never reached: it is to spare.
#[inline]
fn set(bits: &mut [u64], from: usize, until: usize) {
    for_words(bits, from, until, |word, mask| *word |= mask);
}

/// Clears the bits `from..until`, likewise.
#[inline]
fn clear(bits: &mut [u64], from: usize, until: usize) {
    for_words(bits, from, until, |word, mask| *word &= !mask);
}

/// A stretch of fewer than 64 bits touches at most two words, and is done without asking which: few entries are longer.
#[inline]
fn for_words(bits: &mut [u64], mut from: usize, until: usize, change: impl Fn(&mut u64, u64)) {
    let mut length = until.saturating_sub(from);
    while length >= 64 {
        let next = (from / 64 + 1) * 64;
        if let Some(word) = bits.get_mut(from / 64) {
            change(word, u64::MAX << (from % 64));
        }
        length -= next - from;
        from = next;
    }
    let (word, shift) = (from / 64, from % 64);
    let mask = (1_u64 << length) - 1;
    if let Some([first, second]) = bits.get_mut(word..word + 2) {
        change(first, mask << shift);
        change(second, mask >> 1 >> (63 - shift));
    }
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono_tz::Tz;
    use proptest::prelude::*;

    use super::*;
    use crate::sweep::sweep;
    use crate::{Interval, IntervalSet, Needed, OpenWindows, Resources, SlotRules, civil};

    fn intervals(range: i64, longest: i64, count: usize) -> impl Strategy<Value = Vec<Interval>> {
        let interval = (0..range, 1..longest).prop_map(|(from, length)| Interval::raw(from, from + length));
        prop::collection::vec(interval, 0..count)
    }

    fn needed() -> impl Strategy<Value = Needed> {
        prop_oneof![Just(Needed::All), Just(Needed::Any), (2..5_u32).prop_map(Needed::AtLeast)]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_000, max_global_rejects: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn both_kernels_find_the_same_starts(
            unit in prop_oneof![Just(1_i64), Just(60), Just(300)],
            open in intervals(2_000, 400, 8).prop_filter("open", |open| !open.is_empty()),
            calendars in prop::collection::vec(intervals(200_000, 9_000, 12), 4..9),
            bookings in intervals(200_000, 4_000, 12),
            needed in needed(),
            (length, step) in (1..40_i64, 1..60_i64),
            (before, after) in (0..1_200_u64, 0..1_200_u64),
            (capacity, limit) in (1..6_u32, prop::option::of(1..5_u32)),
            local_midnight in any::<bool>(),
            (from, ticks) in (0..1_500_i64, 1..2_000_i64),
        ) {
            let open: IntervalSet =
                open.iter().map(|i| Interval::raw(i.start_unix() * unit, i.end_unix() * unit)).collect();
            let window = Interval::raw(from * unit, (from + ticks) * unit);
            let open = OpenWindows::new(Tz::Europe__Berlin, window, &open);
            let seconds = |ticks: i64| Duration::from_secs((ticks * unit) as u64);
            let mut rules = SlotRules::builder(seconds(length))
                .step(seconds(step))
                .anchor(if local_midnight { Anchor::LocalMidnight } else { Anchor::WindowStart })
                .buffer_before(Duration::from_secs(before))
                .buffer_after(Duration::from_secs(after))
                .capacity(capacity);
            if let Some(limit) = limit {
                rules = rules.day_limit(limit);
            }
            let rules = rules.build().expect("valid");
            let resources = Resources::new(calendars, needed).expect("valid");
            let slots = open.slots(&rules, &resources, &Busy::from(bookings), civil::instant(0));
            let (mut one, mut other) = (Answer::default(), Answer::default());
            let mut workspace = Workspace::default();
            // A query without any start in its window is answered by neither; few are.
            prop_assume!(bitmap(&slots.query(), &mut workspace, &mut one));
            sweep(&slots.query(), &mut workspace, &mut other);
            let forms = (one.form, other.form);
            prop_assert!(matches!(forms, (Form::Bits(_), Form::Runs { .. })), "{:?}", forms);
            let all = one.starts_from(i64::MIN).collect::<Vec<_>>();
            prop_assert_eq!(&all, &other.starts_from(i64::MIN).collect::<Vec<_>>());
            prop_assert_eq!(one.len(), all.len());
            prop_assert_eq!(other.len(), all.len());
            let edges: Vec<i64> = (0..300).map(|index| index * 2_000 + 500).collect();
            let counts = one.counts(&edges).collect::<Vec<_>>();
            prop_assert_eq!(&counts, &other.counts(&edges).collect::<Vec<_>>());
            let counted = |edges: &[i64]| all.iter().filter(|start| (edges[0]..edges[1]).contains(start)).count();
            prop_assert_eq!(counts, edges.windows(2).map(counted).collect::<Vec<_>>());
            for second in [0, 1, from * unit + 1, (from + ticks / 2) * unit, i64::MAX] {
                let rest = all[all.partition_point(|&start| start < second)..].to_vec();
                for answer in [&one, &other] {
                    prop_assert_eq!(&answer.starts_from(second).collect::<Vec<_>>(), &rest);
                    let folded = answer.starts_from(second).fold(Vec::new(), |mut all, start| {
                        all.push(start);
                        all
                    });
                    prop_assert_eq!(&folded, &rest);
                }
            }
        }
    }
}
