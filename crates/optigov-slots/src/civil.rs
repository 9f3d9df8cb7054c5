//! Civil days and times of one zone, as arithmetic on seconds.
//!
//! Asking the zone database for every edge of every window would cost more than the whole query. So the offsets that hold in a horizon are
//! looked up once, and every conversion after that is a subtraction.

use chrono::{DateTime, NaiveDate, Offset, TimeZone, Utc};
use chrono_tz::Tz;

pub(crate) const DAY: i64 = 86_400;

/// How far apart the probes for changes of offset are. No zone has changed its clocks twice within it since 1970; a test holds this
/// against the database.
const PROBE: i64 = 7 * DAY;

/// The offsets of a zone in a horizon, each with the instant from which it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offsets {
    spans: Vec<Span>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    /// The first second of the span; `i64::MIN` for the first span.
    start: i64,
    /// The first second after it; `i64::MAX` for the last span.
    end: i64,
    /// Seconds east of UTC.
    offset: i64,
}

/// What a reading of the wall clock stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    Once(i64),
    /// Clocks were put forward over it at `change`; by the offset that held before, it is `shifted`.
    Skipped {
        change: i64,
        shifted: i64,
    },
    Twice {
        first: i64,
        second: i64,
    },
}

impl Offsets {
    /// The offsets that hold from three days before `start` to three days after `end`.
    pub(crate) fn covering(zone: Tz, start: i64, end: i64) -> Offsets {
        let (mut from, mut until) = (start.saturating_sub(3 * DAY), end.saturating_add(3 * DAY));
        if until.saturating_sub(from) > 300 * 366 * DAY {
            // An enormous horizon: changes are looked for from 1890 to 2210, where windows are resolved.
            from = from.clamp(-2_524_521_600, 7_573_651_200);
            until = until.clamp(-2_524_521_600, 7_573_651_200);
        }
        let mut offset = offset_at(zone, from);
        let mut spans = vec![Span { start: i64::MIN, end: i64::MAX, offset }];
        let mut probe = from;
        while probe < until {
            let next = probe.saturating_add(PROBE).min(until);
            while offset_at(zone, next) != offset {
                // Between `same`, where the old offset holds, and `changed`, where it does not, lies the change.
                let (mut same, mut changed) = (probe, next);
                while changed - same > 1 {
                    let middle = same + (changed - same) / 2;
                    *if offset_at(zone, middle) == offset { &mut same } else { &mut changed } = middle;
                }
                offset = offset_at(zone, changed);
                if let Some(last) = spans.last_mut() {
                    last.end = changed;
                }
                spans.push(Span { start: changed, end: i64::MAX, offset });
                probe = changed;
            }
            probe = next;
        }
        Offsets { spans }
    }

    /// Seconds east of UTC at an instant.
    pub(crate) fn at(&self, second: i64) -> i64 {
        self.span_at(second).offset
    }

    /// The first change of offset after an instant; `i64::MAX` if there is none in the horizon.
    pub(crate) fn next_change(&self, second: i64) -> i64 {
        self.span_at(second).end
    }

    /// The instants at which the wall clock shows `wall`: seconds since 1970-01-01T00:00:00, local time.
    pub(crate) fn read(&self, wall: i64) -> Reading {
        let index = self.spans.partition_point(|span| span.end.saturating_add(span.offset) <= wall);
        let Some(span) = self.spans.get(index) else {
            return Reading::Once(wall); // unreachable: the last span never ends
        };
        let first = wall - span.offset;
        if first < span.start {
            let before = self.spans[index - 1].offset;
            return Reading::Skipped { change: span.start, shifted: wall - before };
        }
        match self.spans.get(index + 1) {
            Some(next) if wall - next.offset >= next.start => Reading::Twice { first, second: wall - next.offset },
            _ => Reading::Once(first),
        }
    }

    /// The first instant of a civil day: the first at which a clock shows its date, or a later one. Days are counted from 1970-01-01.
    pub(crate) fn day_start(&self, day: i32) -> i64 {
        match self.read(i64::from(day) * DAY) {
            Reading::Once(at) | Reading::Twice { first: at, .. } | Reading::Skipped { change: at, .. } => at,
        }
    }

    /// The civil day of an instant. Days do not run backwards: where clocks are put back over midnight, the later day has begun.
    pub(crate) fn day_of(&self, second: i64) -> i32 {
        let shown = (second + self.at(second)).div_euclid(DAY) as i32;
        if self.day_start(shown + 1) <= second { shown + 1 } else { shown }
    }

    fn span_at(&self, second: i64) -> Span {
        let index = self.spans.partition_point(|span| span.end <= second);
        self.spans[index.min(self.spans.len() - 1)]
    }
}

/// The first instant of a civil day in `zone`, for a single question; [`Offsets::day_start`] for many.
pub(crate) fn day_start(zone: Tz, day: i32) -> i64 {
    let midnight = i64::from(day) * DAY;
    Offsets::covering(zone, midnight, midnight).day_start(day)
}

/// The date of a day counted from 1970-01-01, or the nearest that chrono can name.
pub(crate) fn date(day: i32) -> NaiveDate {
    NaiveDate::from_epoch_days(day).unwrap_or(if day < 0 { NaiveDate::MIN } else { NaiveDate::MAX })
}

/// The instant of a second counted from 1970-01-01T00:00:00Z, or the nearest that chrono can name.
pub(crate) fn instant(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap_or(if second < 0 {
        DateTime::<Utc>::MIN_UTC
    } else {
        DateTime::<Utc>::MAX_UTC
    })
}

fn offset_at(zone: Tz, second: i64) -> i64 {
    i64::from(zone.offset_from_utc_datetime(&instant(second).naive_utc()).fix().local_minus_utc())
}
