//! What a machine must do at least: bare loops over pairs of `i64` that are in order already, with the open windows known.

use crate::workload::{LENGTH, STEP};

/// Calls `found` with each start, until it says no.
#[inline(always)]
fn sweep(windows: &[(i64, i64)], busy: &[(i64, i64)], mut found: impl FnMut(i64) -> bool) {
    let (mut next, mut blocked) = (0, i64::MIN);
    for &(open, close) in windows {
        let mut start = open;
        while start + LENGTH <= close {
            while let Some(&(from, until)) = busy.get(next)
                && from < start + LENGTH
            {
                blocked = blocked.max(until);
                next += 1;
            }
            if blocked <= start && !found(start) {
                return;
            }
            start += STEP;
        }
    }
}

pub(crate) fn starts(windows: &[(i64, i64)], busy: &[(i64, i64)], starts: &mut Vec<i64>) {
    starts.clear();
    sweep(windows, busy, |start| {
        starts.push(start);
        true
    });
}

pub(crate) fn first(windows: &[(i64, i64)], busy: &[(i64, i64)]) -> Option<i64> {
    let mut first = None;
    sweep(windows, busy, |start| {
        first = Some(start);
        false
    });
    first
}

/// Merges pairs that are in order.
pub(crate) fn merge(pairs: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut merged = Vec::with_capacity(pairs.len());
    let Some((&first, rest)) = pairs.split_first() else { return merged };
    let (mut start, mut end) = first;
    for &(from, until) in rest {
        if from <= end {
            end = end.max(until);
        } else {
            merged.push((start, end));
            (start, end) = (from, until);
        }
    }
    merged.push((start, end));
    merged
}

pub(crate) fn difference(a: &[(i64, i64)], b: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut left = Vec::with_capacity(a.len() + b.len());
    let mut next = 0;
    for &(mut start, end) in a {
        while let Some(&(from, until)) = b.get(next)
            && from < end
        {
            if start < from {
                left.push((start, from));
            }
            start = start.max(until);
            if until > end {
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
