//! The same questions put to other crates, and to what one writes with chrono alone. All get the open windows resolved.

use chrono::{DateTime, TimeDelta, Utc};
use range_set_blaze::RangeSetBlaze;
use rangemap::RangeSet;

use crate::workload::{LENGTH, STEP};

pub(crate) type Span = (DateTime<Utc>, DateTime<Utc>);

pub(crate) fn blaze_set(pairs: &[(i64, i64)]) -> RangeSetBlaze<i64> {
    pairs.iter().map(|&(start, end)| start..=end - 1).collect()
}

fn blaze_starts(windows: &[(i64, i64)], busy: &[(i64, i64)]) -> impl Iterator<Item = i64> {
    // In the space of starts, as our own engine does it.
    let possible: RangeSetBlaze<i64> = windows.iter().map(|&(open, close)| open..=close - LENGTH).collect();
    let forbidden: RangeSetBlaze<i64> = busy.iter().map(|&(start, end)| start - LENGTH + 1..=end - 1).collect();
    let free = possible - forbidden;
    free.into_ranges().flat_map(|range| {
        let first = (*range.start() + STEP - 1).div_euclid(STEP) * STEP;
        (first..=*range.end()).step_by(STEP as usize)
    })
}

pub(crate) fn blaze(windows: &[(i64, i64)], busy: &[(i64, i64)], starts: &mut Vec<i64>) {
    starts.clear();
    starts.extend(blaze_starts(windows, busy));
}

pub(crate) fn blaze_first(windows: &[(i64, i64)], busy: &[(i64, i64)]) -> Option<i64> {
    blaze_starts(windows, busy).next()
}

pub(crate) fn rangemap_set(pairs: &[(i64, i64)]) -> RangeSet<i64> {
    pairs.iter().map(|&(start, end)| start..end).collect()
}

fn rangemap_each(windows: &[(i64, i64)], busy: &[(i64, i64)], mut found: impl FnMut(i64) -> bool) {
    let forbidden: RangeSet<i64> = busy.iter().map(|&(start, end)| start - LENGTH + 1..end).collect();
    for &(open, close) in windows {
        for gap in forbidden.gaps(&(open..close - LENGTH + 1)) {
            let mut start = (gap.start + STEP - 1).div_euclid(STEP) * STEP;
            while start < gap.end {
                if !found(start) {
                    return;
                }
                start += STEP;
            }
        }
    }
}

pub(crate) fn rangemap(windows: &[(i64, i64)], busy: &[(i64, i64)], starts: &mut Vec<i64>) {
    starts.clear();
    rangemap_each(windows, busy, |start| {
        starts.push(start);
        true
    });
}

pub(crate) fn rangemap_first(windows: &[(i64, i64)], busy: &[(i64, i64)]) -> Option<i64> {
    let mut first = None;
    rangemap_each(windows, busy, |start| {
        first = Some(start);
        false
    });
    first
}

pub(crate) fn rangemap_difference(a: &RangeSet<i64>, b: &RangeSet<i64>) -> RangeSet<i64> {
    a.iter().flat_map(|range| b.gaps(range)).collect()
}

pub(crate) fn spans(pairs: &[(i64, i64)]) -> Vec<Span> {
    let instant = |second| DateTime::from_timestamp(second, 0).expect("in range");
    pairs.iter().map(|&(start, end)| (instant(start), instant(end))).collect()
}

pub(crate) fn chrono_merge(busy: &[Span]) -> Vec<Span> {
    let mut busy = busy.to_vec();
    busy.sort();
    let mut merged: Vec<Span> = Vec::new();
    for (start, end) in busy {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

pub(crate) fn chrono_difference(a: &[Span], b: &[Span]) -> Vec<Span> {
    let (mut next, mut left) = (0, Vec::new());
    for &(mut start, end) in a {
        while next < b.len() && b[next].0 < end {
            if start < b[next].0 {
                left.push((start, b[next].0));
            }
            start = start.max(b[next].1);
            if b[next].1 > end {
                break;
            }
            next += 1;
        }
        if start < end {
            left.push((start, end));
        }
    }
    left
}

fn chrono_each(windows: &[Span], busy: &[Span], mut found: impl FnMut(DateTime<Utc>) -> bool) {
    let busy = chrono_merge(busy);
    let (length, step) = (TimeDelta::seconds(LENGTH), TimeDelta::seconds(STEP));
    let mut next = 0;
    for &(open, close) in windows {
        let mut start = open;
        while start + length <= close {
            while next < busy.len() && busy[next].1 <= start {
                next += 1;
            }
            if (next == busy.len() || start + length <= busy[next].0) && !found(start) {
                return;
            }
            start += step;
        }
    }
}

pub(crate) fn chrono_sorted(windows: &[Span], busy: &[Span], starts: &mut Vec<DateTime<Utc>>) {
    starts.clear();
    chrono_each(windows, busy, |start| {
        starts.push(start);
        true
    });
}

pub(crate) fn chrono_sorted_first(windows: &[Span], busy: &[Span]) -> Option<DateTime<Utc>> {
    let mut first = None;
    chrono_each(windows, busy, |start| {
        first = Some(start);
        false
    });
    first
}

/// Every possible slot against every entry.
pub(crate) fn chrono_naive<'a>(windows: &'a [Span], busy: &'a [Span]) -> impl Iterator<Item = DateTime<Utc>> + 'a {
    let (length, step) = (TimeDelta::seconds(LENGTH), TimeDelta::seconds(STEP));
    let grid = move |&(open, close): &Span| {
        std::iter::successors(Some(open), move |&start| Some(start + step))
            .take_while(move |&start| start + length <= close)
    };
    windows
        .iter()
        .flat_map(grid)
        .filter(move |&start| !busy.iter().any(|&(from, until)| from < start + length && start < until))
}
