//! Civil days and times of one zone, as arithmetic on seconds.
//!
//! Asking the zone database for every edge of every window would cost more than the whole query. So the offsets that hold in a horizon are
//! looked up once, and every conversion after that is a subtraction.

use std::borrow::Cow;

use chrono::{Offset, TimeZone};
use chrono_tz::Tz;

use crate::time::{Day, Seconds, UtcOffset, UtcSecond, WallSecond};

/// How far apart the probes for changes of offset are. No zone changes its clocks and back within it; some do within a week (Boa Vista in
/// 2000, Gaza in 2040). A test holds this against the database.
const PROBE: Seconds = Seconds::new(6 * Seconds::DAY.count());

/// How far beyond its horizon the offsets are known: no civil day is longer.
const MARGIN: Seconds = Seconds::new(3 * Seconds::DAY.count());

/// A longer horizon is cut to the years from 1890 to 2210. Opening hours are resolved from 1900 to 2199 only.
const LONGEST_HORIZON: Seconds = Seconds::new(300 * 366 * Seconds::DAY.count());
const YEAR_1890: UtcSecond = UtcSecond::from_unix(-2_524_521_600);
const YEAR_2210: UtcSecond = UtcSecond::from_unix(7_573_651_200);

/// The offsets of a zone in a horizon, each with the instant from which it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offsets {
    spans: Vec<Span>,
    /// The first and the last instant of the horizon, without the margin.
    first: UtcSecond,
    last: UtcSecond,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    /// The first second of the span; [`UtcSecond::MIN`] for the first span.
    start: UtcSecond,
    /// The first second after it; [`UtcSecond::MAX`] for the last span.
    end: UtcSecond,
    offset: UtcOffset,
}

/// What a reading of the wall clock stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Clocks show it once.
    Once(UtcSecond),
    /// Clocks were put forward over it at `change`; by the offset that held before, it is `shifted`.
    Skipped { change: UtcSecond, shifted: UtcSecond },
    /// Clocks were put back over it, and show it two times.
    Twice { first: UtcSecond, second: UtcSecond },
}

impl Offsets {
    /// The offsets that hold from three days before `start` to three days after `end`.
    pub(crate) fn covering(zone: Tz, start: UtcSecond, end: UtcSecond) -> Offsets {
        let (mut from, mut until) = (start.saturating_sub(MARGIN), end.saturating_add(MARGIN));
        if until.saturating_since(from) > LONGEST_HORIZON {
            from = from.clamp(YEAR_1890, YEAR_2210);
            until = until.clamp(YEAR_1890, YEAR_2210);
        }
        let mut offset = offset_at(zone, from);
        let mut spans = vec![Span { start: UtcSecond::MIN, end: UtcSecond::MAX, offset }];
        let mut probe = from;
        while probe < until {
            let next = probe.saturating_add(PROBE).min(until);
            while offset_at(zone, next) != offset {
                let changed = first_change(zone, offset, probe, next);
                offset = offset_at(zone, changed);
                if let Some(last) = spans.last_mut() {
                    last.end = changed;
                }
                spans.push(Span { start: changed, end: UtcSecond::MAX, offset });
                probe = changed;
            }
            probe = next;
        }
        Offsets { spans, first: from.saturating_add(MARGIN), last: until.saturating_sub(MARGIN) }
    }

    /// The offsets around one instant.
    pub(crate) fn around(zone: Tz, instant: UtcSecond) -> Offsets {
        Offsets::covering(zone, instant, instant)
    }

    /// These offsets where the instant lies in their horizon, and else those around it.
    pub(crate) fn near(&self, zone: Tz, instant: UtcSecond) -> Cow<'_, Offsets> {
        if self.first <= instant && instant <= self.last {
            Cow::Borrowed(self)
        } else {
            Cow::Owned(Offsets::around(zone, instant))
        }
    }

    /// The offset that holds at an instant.
    pub(crate) fn at(&self, instant: UtcSecond) -> UtcOffset {
        self.span_at(instant).offset
    }

    /// What the wall clock shows at an instant.
    pub(crate) fn shown_at(&self, instant: UtcSecond) -> WallSecond {
        self.at(instant).shown_at(instant)
    }

    /// The first change of offset after an instant; [`UtcSecond::MAX`] if there is none in the horizon.
    pub(crate) fn next_change(&self, instant: UtcSecond) -> UtcSecond {
        self.span_at(instant).end
    }

    /// When the wall clock shows `wall`.
    pub(crate) fn read(&self, wall: WallSecond) -> Reading {
        self.reader().read(wall)
    }

    /// For many readings, most of them near each other.
    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader { spans: &self.spans, from: WallSecond::MAX, until: WallSecond::MIN, offset: UtcOffset::default() }
    }

    /// The first instant of a civil day: the first at which a clock shows its date, or a later one.
    pub(crate) fn day_start(&self, day: Day) -> UtcSecond {
        self.read(day.midnight()).earliest()
    }

    /// The first instants of days that follow each other, from `first` to `last`, which is included.
    pub(crate) fn day_starts(&self, first: Day, last: Day) -> Vec<UtcSecond> {
        let mut reader = self.reader();
        first.through(last).map(|day| reader.read(day.midnight()).earliest()).collect()
    }

    /// The civil day of an instant. Days do not run backwards: where clocks are put back over midnight, the later day has begun.
    pub(crate) fn day_of(&self, instant: UtcSecond) -> Day {
        let shown = self.shown_at(instant).day();
        if self.day_start(shown.next()) <= instant { shown.next() } else { shown }
    }

    /// The offset at an instant, and the stretch around it in which it is known to hold; `None` beyond the margin.
    pub(crate) fn known_span(&self, instant: UtcSecond) -> Option<(UtcSecond, UtcSecond, UtcOffset)> {
        let Span { start, end, offset } = self.span_at(instant);
        let (start, end) = (start.max(self.first.saturating_sub(MARGIN)), end.min(self.last.saturating_add(MARGIN)));
        (start <= instant && instant < end).then_some((start, end, offset))
    }

    fn span_at(&self, instant: UtcSecond) -> Span {
        let index = self.spans.partition_point(|span| span.end <= instant);
        self.spans[index.min(self.spans.len() - 1)]
    }
}

/// Reads the wall clock; see [`Offsets::read`].
pub(crate) struct Reader<'a> {
    spans: &'a [Span],
    /// The readings, from one until another, that are known to be shown once, and by which offset.
    from: WallSecond,
    until: WallSecond,
    offset: UtcOffset,
}

impl Reader<'_> {
    #[inline]
    pub(crate) fn read(&mut self, wall: WallSecond) -> Reading {
        if self.from <= wall && wall < self.until {
            Reading::Once(self.offset.instant_of(wall))
        } else {
            self.look_up(wall)
        }
    }

    fn look_up(&mut self, wall: WallSecond) -> Reading {
        let spans = self.spans;
        let index = spans.partition_point(|span| span.offset.shown_at(span.end) <= wall).min(spans.len() - 1);
        let (span, next) = (spans[index], spans.get(index + 1));
        let before = index.checked_sub(1).map(|before| spans[before]);
        let first = span.offset.instant_of(wall);
        if let Some(before) = before
            && first < span.start
        {
            return Reading::Skipped { change: span.start, shifted: before.offset.instant_of(wall) };
        }
        if let Some(next) = next
            && next.offset.instant_of(wall) >= next.start
        {
            return Reading::Twice { first, second: next.offset.instant_of(wall) };
        }
        // Clocks show it once. So they do all readings from where the span before is shown no more until the next one is shown.
        let earliest = before.map_or(WallSecond::MIN, |before| span.offset.max(before.offset).shown_at(span.start));
        let latest = next.map_or(WallSecond::MAX, |next| span.offset.min(next.offset).shown_at(next.start));
        if earliest <= wall && wall < latest {
            (self.from, self.until, self.offset) = (earliest, latest, span.offset);
        }
        Reading::Once(first)
    }
}

impl Reading {
    /// The first instant at which clocks show the reading, or a later one.
    pub(crate) fn earliest(self) -> UtcSecond {
        match self {
            Reading::Once(at) | Reading::Skipped { change: at, .. } | Reading::Twice { first: at, .. } => at,
        }
    }

    /// The last instant at which clocks show the reading; where it was skipped, the change.
    pub(crate) fn latest(self) -> UtcSecond {
        match self {
            Reading::Once(at) | Reading::Skipped { change: at, .. } | Reading::Twice { second: at, .. } => at,
        }
    }

    /// As RFC 5545 has it: a skipped reading by the offset that held before, a repeated one the first time.
    pub(crate) fn by_rfc_5545(self) -> UtcSecond {
        match self {
            Reading::Once(at) | Reading::Skipped { shifted: at, .. } | Reading::Twice { first: at, .. } => at,
        }
    }
}

/// Where `offset`, which holds at `same`, ends; it does not hold at `changed`.
fn first_change(zone: Tz, offset: UtcOffset, mut same: UtcSecond, mut changed: UtcSecond) -> UtcSecond {
    // Nearly all changes are at a quarter of an hour: by these first, then by the second.
    for grain in [Seconds::new(900), Seconds::ONE] {
        while changed - same > grain {
            let middle = (same + Seconds::new((changed - same).count() / 2)).floor_to(grain);
            let middle = if middle > same { middle } else { middle + grain };
            *if offset_at(zone, middle) == offset { &mut same } else { &mut changed } = middle;
        }
        if grain > Seconds::ONE && offset_at(zone, changed - Seconds::ONE) == offset {
            return changed;
        }
    }
    changed
}

/// The first instant of a civil day in `zone`, for a single question; [`Offsets::day_start`] for many.
pub(crate) fn day_start(zone: Tz, day: Day) -> UtcSecond {
    Offsets::around(zone, UtcOffset::default().instant_of(day.midnight())).day_start(day)
}

fn offset_at(zone: Tz, instant: UtcSecond) -> UtcOffset {
    let offset = zone.offset_from_utc_datetime(&instant.instant().naive_utc());
    UtcOffset::from_seconds_east(offset.fix().local_minus_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> UtcSecond {
        UtcSecond::from_unix(second)
    }

    #[test]
    fn no_change_of_any_zone_is_missed_between_two_probes() {
        let years = 0..4_133_980_800; // 1970 to 2100
        for zone in chrono_tz::TZ_VARIANTS {
            let offsets = Offsets::covering(zone, at(years.start), at(years.end));
            for second in years.clone().step_by(3 * 86_400) {
                assert_eq!(offsets.at(at(second)), offset_at(zone, at(second)), "{zone} at {second}");
            }
        }
    }

    #[test]
    fn a_change_is_found_to_the_second() {
        // Monrovia was 44 minutes and 30 seconds behind until 7 January 1972.
        let offsets = Offsets::covering(Tz::Africa__Monrovia, at(63_000_000), at(64_000_000));
        let change = offsets.next_change(at(63_000_000));
        assert_eq!(change, at(63_593_070));
        assert_eq!(offsets.at(change - Seconds::ONE), UtcOffset::from_seconds_east(-2_670));
        assert_eq!(offsets.at(change), UtcOffset::default());
    }

    #[test]
    fn a_reader_that_remembers_reads_as_one_that_does_not() {
        for zone in [Tz::Europe__Berlin, Tz::Australia__Lord_Howe, Tz::Pacific__Apia, Tz::America__St_Johns] {
            let offsets = Offsets::covering(zone, at(1_280_000_000), at(1_340_000_000));
            let mut reader = offsets.reader();
            for second in (1_280_000_000..1_340_000_000).step_by(901) {
                let wall = UtcOffset::default().shown_at(at(second));
                assert_eq!(reader.read(wall), offsets.read(wall), "{zone} at {second}");
            }
        }
    }
}
