//! Civil days and times of one zone, as arithmetic on seconds.
//!
//! Asking the zone database for every edge of every window would cost more than the whole query. So the offsets that hold in a horizon are
//! looked up once, and every conversion after that is a subtraction.

use chrono::{DateTime, NaiveDate, Offset, TimeZone, Utc};
use chrono_tz::Tz;

pub(crate) const DAY: i64 = 86_400;

/// How far apart the probes for changes of offset are. No zone changes its clocks and back within it; some do within a week (Boa Vista in
/// 2000, Gaza in 2040). A test holds this against the database.
const PROBE: i64 = 6 * DAY;

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
                let changed = first_change(zone, offset, probe, next);
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
        self.reader().read(wall)
    }

    /// For many readings, most of them near each other.
    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader { spans: &self.spans, from: 0, until: 0, offset: 0 }
    }

    /// The first instant of a civil day: the first at which a clock shows its date, or a later one. Days are counted from 1970-01-01.
    pub(crate) fn day_start(&self, day: i32) -> i64 {
        earliest(self.read(i64::from(day) * DAY))
    }

    /// The first instants of days that follow each other.
    pub(crate) fn day_starts(&self, days: std::ops::RangeInclusive<i32>) -> Vec<i64> {
        let mut reader = self.reader();
        days.map(|day| earliest(reader.read(i64::from(day) * DAY))).collect()
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

/// Reads the wall clock; see [`Offsets::read`].
pub(crate) struct Reader<'a> {
    spans: &'a [Span],
    /// The readings, from one until another, that are known to be shown once, and by which offset.
    from: i64,
    until: i64,
    offset: i64,
}

impl Reader<'_> {
    #[inline]
    pub(crate) fn read(&mut self, wall: i64) -> Reading {
        if self.from <= wall && wall < self.until { Reading::Once(wall - self.offset) } else { self.look_up(wall) }
    }

    fn look_up(&mut self, wall: i64) -> Reading {
        let spans = self.spans;
        let index = spans.partition_point(|span| span.end.saturating_add(span.offset) <= wall).min(spans.len() - 1);
        let (span, next) = (spans[index], spans.get(index + 1));
        let before = index.checked_sub(1).map(|before| spans[before]);
        let first = wall - span.offset;
        if let Some(before) = before
            && first < span.start
        {
            return Reading::Skipped { change: span.start, shifted: wall - before.offset };
        }
        if let Some(next) = next
            && wall - next.offset >= next.start
        {
            return Reading::Twice { first, second: wall - next.offset };
        }
        // Once; and so is all until the next span is shown, too, from where the one before is shown no more.
        let earliest = before.map_or(i64::MIN, |before| span.start + span.offset.max(before.offset));
        let latest = next.map_or(i64::MAX, |next| next.start + span.offset.min(next.offset));
        if earliest <= wall && wall < latest {
            (self.from, self.until, self.offset) = (earliest, latest, span.offset);
        }
        Reading::Once(first)
    }
}

/// The first instant at which the clock shows a reading, or a later one.
pub(crate) fn earliest(reading: Reading) -> i64 {
    match reading {
        Reading::Once(at) | Reading::Skipped { change: at, .. } | Reading::Twice { first: at, .. } => at,
    }
}

/// Where `offset`, which holds at `same`, ends; it does not hold at `changed`.
fn first_change(zone: Tz, offset: i64, mut same: i64, mut changed: i64) -> i64 {
    // Nearly all changes are at a quarter of an hour: by these first, then by the second.
    for grain in [900, 1] {
        while changed - same > grain {
            let middle = (same + (changed - same) / 2).div_euclid(grain) * grain;
            let middle = if middle > same { middle } else { middle + grain };
            *if offset_at(zone, middle) == offset { &mut same } else { &mut changed } = middle;
        }
        if grain > 1 && offset_at(zone, changed - 1) == offset {
            return changed;
        }
    }
    changed
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_change_of_any_zone_is_missed_between_two_probes() {
        let years = 0..4_133_980_800; // 1970 to 2100
        for zone in chrono_tz::TZ_VARIANTS {
            let offsets = Offsets::covering(zone, years.start, years.end);
            for second in years.clone().step_by(3 * DAY as usize) {
                assert_eq!(offsets.at(second), offset_at(zone, second), "{zone} at {second}");
            }
        }
    }

    #[test]
    fn a_change_is_found_to_the_second() {
        // Monrovia was 44 minutes and 30 seconds behind until 7 January 1972.
        let offsets = Offsets::covering(Tz::Africa__Monrovia, 63_000_000, 64_000_000);
        let change = offsets.next_change(63_000_000);
        assert_eq!(change, 63_593_070);
        assert_eq!((offsets.at(change - 1), offsets.at(change)), (-2_670, 0));
    }

    #[test]
    fn a_reader_that_remembers_reads_as_one_that_does_not() {
        for zone in [Tz::Europe__Berlin, Tz::Australia__Lord_Howe, Tz::Pacific__Apia, Tz::America__St_Johns] {
            let offsets = Offsets::covering(zone, 1_280_000_000, 1_340_000_000);
            let mut reader = offsets.reader();
            for wall in (1_280_000_000..1_340_000_000).step_by(901) {
                assert_eq!(reader.read(wall), offsets.read(wall), "{zone} at {wall}");
            }
        }
    }
}
