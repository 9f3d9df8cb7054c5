//! The stretches of time that Exchange Web Services can be asked about.

use optigov_slots::Interval;

/// 0001-01-01T00:00:00Z, the first instant that the services can express.
const EARLIEST: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z, the last one.
const LATEST: i64 = 253_402_300_799;

/// The part of a window that the services can express. Of a window that lies beyond it, the nearest second: the server then still says
/// whether the mailbox can be read at all.
pub(crate) fn expressible(window: Interval) -> Interval {
    let start = window.start_unix().clamp(EARLIEST, LATEST - 1);
    let end = window.end_unix().clamp(start + 1, LATEST);
    Interval::from_unix(start, end).unwrap_or(window)
}

/// Both halves, or `None` when the window is a second long.
pub(crate) fn halves(window: Interval) -> Option<(Interval, Interval)> {
    let middle = window.start_unix() + length(window) / 2;
    let first = Interval::from_unix(window.start_unix(), middle).ok()?;
    Some((first, Interval::from_unix(middle, window.end_unix()).ok()?))
}

/// The window in pieces of at most so many seconds, the earliest first.
pub(crate) fn pieces(window: Interval, seconds: i64) -> impl Iterator<Item = Interval> {
    let mut start = window.start_unix();
    std::iter::from_fn(move || {
        let end = start.saturating_add(seconds).min(window.end_unix());
        let piece = Interval::from_unix(start, end).ok();
        start = end;
        piece
    })
}

/// The window's length in seconds.
pub(crate) fn length(window: Interval) -> i64 {
    window.end_unix() - window.start_unix()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(start: i64, end: i64) -> Interval {
        Interval::from_unix(start, end).expect("not empty")
    }

    #[test]
    fn a_window_that_reaches_beyond_what_the_services_can_express_is_clamped() {
        let all = expressible(seconds(i64::MIN, i64::MAX));
        assert_eq!(crate::time::format(all.start()), "0001-01-01T00:00:00Z");
        assert_eq!(crate::time::format(all.end()), "9999-12-31T23:59:59Z");
        let usual = seconds(1_800_000_000, 1_800_086_400);
        assert_eq!(expressible(usual), usual);
        assert_eq!(expressible(seconds(LATEST + 1, LATEST + 2)), seconds(LATEST - 1, LATEST));
        assert_eq!(expressible(seconds(i64::MIN, EARLIEST - 1)), seconds(EARLIEST, EARLIEST + 1));
    }

    #[test]
    fn pieces_and_halves_make_up_the_window() {
        let window = seconds(0, 25);
        assert_eq!(pieces(window, 10).collect::<Vec<_>>(), [seconds(0, 10), seconds(10, 20), seconds(20, 25)]);
        assert_eq!(halves(window), Some((seconds(0, 12), seconds(12, 25))));
        assert_eq!(halves(seconds(7, 8)), None);
    }
}
