//! The stretches of time that Exchange can be asked about, by whichever protocol.

use optigov_slots::Interval;

/// 0001-01-01T00:00:00Z, the first instant that the services can express.
const EARLIEST: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z, the last one.
const LATEST: i64 = 253_402_300_799;

/// The part of a window that the services can express. Of a window that lies beyond it, the nearest second: the server then still says
/// whether the mailbox can be read at all.
pub fn expressible(window: Interval) -> Interval {
    let start = window.start_unix().clamp(EARLIEST, LATEST - 1);
    let end = window.end_unix().clamp(start + 1, LATEST);
    Interval::from_unix(start, end).unwrap_or(window)
}

/// Both halves, or `None` when the window is a second long.
pub fn halves(window: Interval) -> Option<(Interval, Interval)> {
    let middle = window.start_unix() + length(window) / 2;
    let first = Interval::from_unix(window.start_unix(), middle).ok()?;
    Some((first, Interval::from_unix(middle, window.end_unix()).ok()?))
}

/// The window, or one around it that is this many seconds long, which is never more than a day.
pub fn at_least(window: Interval, seconds: i64) -> Interval {
    if length(window) >= seconds {
        return window;
    }
    let start = window.start_unix().min(LATEST - seconds);
    Interval::from_unix(start, start + seconds).unwrap_or(window)
}

/// The first of as few pieces as there can be of at most so many seconds, all about equally long. So no piece is a small remainder.
pub fn first_even_piece(window: Interval, longest: i64) -> Interval {
    let pieces = length(window).div_euclid(longest) + i64::from(length(window) % longest > 0);
    let even = length(window).div_euclid(pieces) + i64::from(length(window) % pieces > 0);
    let whole_minutes = (even + 59) / 60 * 60;
    let end = window.start_unix() + whole_minutes.min(longest).min(length(window));
    Interval::from_unix(window.start_unix(), end).unwrap_or(window)
}

/// The window in pieces of at most so many seconds, the earliest first.
pub fn pieces(window: Interval, seconds: i64) -> impl Iterator<Item = Interval> {
    let mut start = window.start_unix();
    std::iter::from_fn(move || {
        let end = start.saturating_add(seconds).min(window.end_unix());
        let piece = Interval::from_unix(start, end).ok();
        start = end;
        piece
    })
}

/// The window's length in seconds.
pub fn length(window: Interval) -> i64 {
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
        assert_eq!(all.start().to_rfc3339_opts(chrono::SecondsFormat::Secs, true), "0001-01-01T00:00:00Z");
        assert_eq!(all.end().to_rfc3339_opts(chrono::SecondsFormat::Secs, true), "9999-12-31T23:59:59Z");
        let usual = seconds(1_800_000_000, 1_800_086_400);
        assert_eq!(expressible(usual), usual);
        assert_eq!(expressible(seconds(LATEST + 1, LATEST + 2)), seconds(LATEST - 1, LATEST));
        assert_eq!(expressible(seconds(i64::MIN, EARLIEST - 1)), seconds(EARLIEST, EARLIEST + 1));
    }

    #[test]
    fn a_short_window_is_widened_and_a_long_one_falls_into_even_pieces() {
        assert_eq!(at_least(seconds(7, 8), 300), seconds(7, 307));
        assert_eq!(at_least(seconds(7, 400), 300), seconds(7, 400));
        assert_eq!(at_least(seconds(LATEST - 1, LATEST), 300), seconds(LATEST - 300, LATEST));
        let day = 86_400;
        assert_eq!(first_even_piece(seconds(0, 42 * day), 42 * day), seconds(0, 42 * day));
        assert_eq!(first_even_piece(seconds(0, 42 * day + 1_800), 42 * day), seconds(0, 21 * day + 900));
        assert_eq!(first_even_piece(seconds(0, 84 * day + 1), 42 * day), seconds(0, 28 * day + 60));
        assert_eq!(first_even_piece(seconds(5, 305), 42 * day), seconds(5, 305));
    }

    #[test]
    fn pieces_and_halves_make_up_the_window() {
        let window = seconds(0, 25);
        assert_eq!(pieces(window, 10).collect::<Vec<_>>(), [seconds(0, 10), seconds(10, 20), seconds(20, 25)]);
        assert_eq!(halves(window), Some((seconds(0, 12), seconds(12, 25))));
        assert_eq!(halves(seconds(7, 8)), None);
    }
}
