//! The kernel for starts that lie on a common grid: each possible start is one bit, and busy time clears bits without being sorted.
//!
//! # An example
//!
//! A counter is open from 08:00 to 10:00. Appointments take 20 minutes, start every 10 minutes, and need 5 free minutes after them. A
//! calendar is busy from 08:30 to 08:50 and from 09:25 to 09:30.
//!
//! ```text
//!              08:00             08:30             09:00             09:30             10:00
//!  open        ├───────────────────────────────────────────────────────────────────────┤
//!  busy                          ████████████                     ███
//!  bit         0     1     2     3     4     5     6     7     8     9     10
//!  possible    1     1     1     1     1     1     1     1     1     1     1
//!  forbidden       ├────────────────────────┤       ├───────────────┤
//!  bookable    1     0     0     0     0     1     1     0     0     1     1
//! ```
//!
//! 1. **Lay out.** Bit `i` stands for the start at 08:00 plus `i` times 10 minutes. A bit is set where the opening hours leave room for the
//!    whole appointment: the last one is 09:40. This depends on hours and rules only, so it is kept for the next query with the same ones.
//! 2. **Limit.** The bits before the earliest start that may be booked, after the last one, and on days whose limit is reached are cleared.
//!    The example has no such limits.
//! 3. **Clear.** Each busy interval forbids the starts whose appointment, buffers included, would overlap it. An appointment and its buffer
//!    take 25 minutes here, so what is busy from 08:30 to 08:50 forbids all starts after 08:05 and before 08:50: bits 1 to 4. A stretch of
//!    bits is cleared 64 at a time, and the order in which this happens does not matter.
//! 4. **Read.** The bits that are left are the answer. Counting them counts the slots; the lowest one is the first slot.
//!
//! Bits stand for starts and not for stretches of time, and the edges of what is forbidden are known to the second, so nothing is rounded.
//! Bit 6 stays: an appointment at 09:00 and its buffer end at 09:25, exactly where busy time begins.
//!
//! # Cells
//!
//! The distance from one bit to the next is called a cell. It is the step of the rules if all opening hours begin on one grid, and the
//! greatest common divisor of step and beginnings if not: with steps of 20 minutes from 08:00 and from 13:30, cells are 10 minutes, and
//! every second bit of a window is set. Where this would need many more bits than there are starts, and where the grid follows busy time
//! (back to back), the kernel declines, and the one in the module `sweep` answers. Both give the same answer, which a test holds.
//!
//! # Bit planes
//!
//! If any one or at least k of several calendars must be free, the kernel has to know how many are free at each start. It counts in binary,
//! for 64 starts at once: plane 0 holds the ones of each number, plane 1 the twos, plane 2 the fours. Three calendars and four starts:
//!
//! ```text
//!  Anna is free          1   0   1   0
//!  Ben is free           1   1   1   0
//!  Cem is free           1   0   0   0
//!  plane 0, the ones     1   1   0   0
//!  plane 1, the twos     1   0   1   0
//!  how many are free     3   1   2   0
//!  at least 2 are free   1   0   1   0
//! ```
//!
//! Adding a calendar to the planes is the addition that one does on paper: a plane and the carry give the new plane by `xor`, and the next
//! carry by `and`. Comparing with a bound goes through the planes once, from the lowest to the highest.

use crate::answer::{Answer, Form};
use crate::cells::Cells;
use crate::index::{index, number};
use crate::query::{Query, next_on_grid};
use crate::time::Seconds;
use crate::workspace::{Layout, Workspace};
use crate::{Anchor, Busy, Interval};

/// Answers the query if its starts are dense enough to be worth a bit each. Otherwise returns `false` and leaves the answer empty.
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
    clear(bits, cells.at_or_after(query.until), cells.count());
    for day in query.full_days(&mut workspace.full_days) {
        let (from, until) = cells.within(day.start_second(), day.end_second());
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
        let (first, end) = (next_on_grid(first, query.rules.step, asked.start_second()), end.min(asked.end_second()));
        grids.extend(Interval::between(first, end));
    });
    *cells = shared_cells(grids, query.rules.step);
    bits.clear();
    let Some(cells) = *cells else { return };
    bits.resize(cells.count() / 64 + 2, 0); // one word more than needed: the last bits are cleared as a pair of words
    let stride = index(query.rules.step / cells.cell());
    for grid in grids {
        let (from, until) = cells.within(grid.start_second(), grid.end_second());
        if stride == 1 {
            set(bits, from, until);
        } else {
            (from..until).step_by(stride).for_each(|bit| bits[bit / 64] |= 1 << (bit % 64));
        }
    }
}

/// The cells that the starts of all grids fall on, unless they were too many.
fn shared_cells(grids: &[Interval], step: Seconds) -> Option<Cells> {
    let (base, end) = (grids.first()?.start_second(), grids.last()?.end_second());
    let (mut cell, mut open) = (u32::try_from(step.count()).ok()?, Seconds::ZERO);
    for grid in grids {
        open = open + (grid.end_second() - grid.start_second());
        let offset = u32::try_from((grid.start_second() - base).count()).ok()?;
        if !offset.is_multiple_of(cell) {
            cell = greatest_common_divisor(cell, offset);
        }
    }
    // Each cell costs time, also one at which nothing ever starts.
    let starts = open / step + number(grids.len());
    let count = (end - base) / Seconds::from(cell);
    (count <= 32 * starts + 4_096).then(|| Cells::new(base, end, cell)).flatten()
}

/// Clears the bits at which calendars and bookings leave no place.
fn take_away(query: &Query<'_>, cells: Cells, workspace: &mut Workspace, bits: &mut [u64]) {
    let calendars = query.resources.calendars();
    let most = query.resources.places(calendars.len(), query.rules.capacity());
    if most == 1 {
        // Each booking takes the only place, so they need not be put in order.
        let (reach, between) = (query.rules.total + query.rules.between() - Seconds::ONE, query.rules.between());
        clear_all(bits, cells, query.bookings, reach, between);
    } else {
        for booked in query.booked_starts(most, &mut workspace.meeting) {
            let (from, until) = cells.within(booked.start_second(), booked.end_second());
            clear(bits, from, until);
        }
    }
    let (reach, before) = (query.rules.total + query.rules.after - Seconds::ONE, query.rules.before);
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
    planes.resize((index(calendars.len().ilog2()) + 1) * words, 0);
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
    // Where `taken` bookings meet, one more can take place if as many resources are free as these and the new one take.
    for taken in 0..most {
        met.clear();
        met.resize(words, if taken == 0 { u64::MAX } else { 0 });
        if taken > 0 {
            for booked in query.booked_starts(taken, meeting) {
                let (from, until) = cells.within(booked.start_second(), booked.end_second());
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
fn clear_all(bits: &mut [u64], cells: Cells, busy: &Busy, reach: Seconds, before: Seconds) {
    // The first bit that is forbidden depends on the start's distance from one instant, the first that is not on the end's from another.
    let (from_base, until_base) = (cells.base() + reach, cells.base() - before);
    for busy in busy.parts().flatten() {
        clear(bits, cells.bit(busy.start_second() - from_base), cells.bit(busy.end_second() - until_base));
    }
}

/// Sets the bits `from..until`.
#[inline]
fn set(bits: &mut [u64], from: usize, until: usize) {
    for_words(bits, from, until, |word, mask| *word |= mask);
}

/// Clears the bits `from..until`.
#[inline]
fn clear(bits: &mut [u64], from: usize, until: usize) {
    for_words(bits, from, until, |word, mask| *word &= !mask);
}

/// Changes the bits `from..until`, word by word. Few stretches have 64 bits or more; a shorter one touches two words at most, and both are
/// changed without asking which.
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
    use crate::time::UtcSecond;
    use crate::{Interval, IntervalSet, Needed, OpenWindows, Resources, SlotRules};

    fn at(second: i64) -> UtcSecond {
        UtcSecond::from_unix(second)
    }

    fn interval(start: i64, end: i64) -> Interval {
        Interval::raw(at(start), at(end))
    }

    fn intervals(range: i64, longest: i64, count: usize) -> impl Strategy<Value = Vec<Interval>> {
        let interval = (0..range, 1..longest).prop_map(|(from, length)| interval(from, from + length));
        prop::collection::vec(interval, 0..count)
    }

    fn needed() -> impl Strategy<Value = Needed> {
        prop_oneof![Just(Needed::All), Just(Needed::Any), (2..5_u32).prop_map(Needed::AtLeast)]
    }

    #[test]
    fn the_bits_are_those_of_the_drawn_example() {
        let minutes = |from: i64, until: i64| interval(from * 60, until * 60);
        let eight = 8 * 60;
        let open = OpenWindows::new(Tz::UTC, minutes(0, 1_440), &minutes(eight, eight + 120).into());
        let rules = SlotRules::builder(Duration::from_mins(20)).step(Duration::from_mins(10));
        let rules = rules.buffer_after(Duration::from_mins(5)).build().expect("valid");
        let busy = vec![minutes(eight + 30, eight + 50), minutes(eight + 85, eight + 90)];
        let slots = open.slots(&rules, &Resources::one(busy), &Busy::default(), at(0).instant());
        let (mut answer, mut workspace) = (Answer::default(), Workspace::default());
        assert!(bitmap(&slots.query(), &mut workspace, &mut answer));
        assert_eq!(workspace.layout.bits[0], 0b111_1111_1111);
        assert_eq!(answer.bits[0], 0b110_0110_0001);
    }

    #[test]
    fn numbers_in_planes_are_compared_as_in_the_drawn_example() {
        // Bit 0 of a word is the first start, which is on the left of the drawing.
        let planes = [0b0011, 0b0101];
        let at_least = |bound| !below(planes.iter(), bound) & 0b1111;
        assert_eq!([1, 2, 3].map(at_least), [0b0111, 0b0101, 0b0001]);
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
                open.iter().map(|i| interval(i.start_unix() * unit, i.end_unix() * unit)).collect();
            let window = interval(from * unit, (from + ticks) * unit);
            let open = OpenWindows::new(Tz::Europe__Berlin, window, &open);
            let seconds = |ticks: i64| Seconds::new(ticks * unit).duration();
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
            let slots = open.slots(&rules, &resources, &Busy::from(bookings), at(0).instant());
            let (mut one, mut other) = (Answer::default(), Answer::default());
            let mut workspace = Workspace::default();
            // A query without any start in its window is answered by neither; few are.
            prop_assume!(bitmap(&slots.query(), &mut workspace, &mut one));
            sweep(&slots.query(), &mut workspace, &mut other);
            let forms = (one.form, other.form);
            prop_assert!(matches!(forms, (Form::Bits(_), Form::Runs { .. })), "{:?}", forms);
            let all = one.starts_from(UtcSecond::MIN).collect::<Vec<_>>();
            prop_assert_eq!(&all, &other.starts_from(UtcSecond::MIN).collect::<Vec<_>>());
            prop_assert_eq!(one.len(), all.len());
            prop_assert_eq!(other.len(), all.len());
            let edges: Vec<UtcSecond> = (0..300).map(|index| at(index * 2_000 + 500)).collect();
            let counts = one.counts(&edges).collect::<Vec<_>>();
            prop_assert_eq!(&counts, &other.counts(&edges).collect::<Vec<_>>());
            let counted = |edges: &[UtcSecond]| all.iter().filter(|start| (edges[0]..edges[1]).contains(start)).count();
            prop_assert_eq!(counts, edges.windows(2).map(counted).collect::<Vec<_>>());
            for second in [0, 1, from * unit + 1, (from + ticks / 2) * unit, i64::MAX].map(at) {
                let (before, rest) = all.split_at(all.partition_point(|&start| start < second));
                for answer in [&one, &other] {
                    prop_assert_eq!(answer.starts_from(second).collect::<Vec<_>>(), rest);
                    prop_assert_eq!(answer.last_before(second), before.last().copied());
                    let folded = answer.starts_from(second).fold(Vec::new(), |mut all, start| {
                        all.push(start);
                        all
                    });
                    prop_assert_eq!(folded, rest);
                }
            }
        }
    }
}
