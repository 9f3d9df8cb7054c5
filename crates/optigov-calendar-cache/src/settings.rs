//! How long readings serve and may take, and how many are made at once.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{CacheKey, Reading};

/// How long readings serve, how long one may take, how failures are remembered, and how many readings are made at once.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ReaderSettings {
    /// A reading younger than this serves without asking again. Default: 60 s.
    pub time_to_live: Duration,
    /// While a mailbox is proven to be watched ([`CalendarReader::keep_fresh`](crate::CalendarReader::keep_fresh)), a reading that was made since then
    /// serves until it is this old, unless something changes. One that is asked for when less than a thirtieth of that is left is read again in the
    /// background. Default: 15 min; at least the time to live.
    pub live_time_to_live: Duration,
    /// Readings expire up to this much before the time to live, each mailbox by its own fixed share, so that mailboxes that were read together do
    /// not expire together. Default: 6 s; at most a tenth of the time to live. Those of watched mailboxes are spread over a twentieth of theirs.
    pub expiry_spread: Duration,
    /// A reading that will expire within this time is read again in the background; at most half the time to live. Default: 0, no reading
    /// ahead.
    pub read_ahead: Duration,
    /// Up to this age an expired reading may serve where the mailbox is not read in time: as [`Fetched::older`](crate::Fetched::older), after
    /// [`patience`](Self::patience). Default: none, every caller waits for the new reading.
    pub serve_stale: Option<Duration>,
    /// How long a list waits for a reading before an older one serves in its place, counted from the moment at which anybody first asked for the
    /// reading. A booking check that tries a failing server waits as long. Default: 1 s.
    pub patience: Duration,
    /// The longest that one reading may take, whoever waits for it. Default: 120 s.
    pub reading: Duration,
    /// The longest that a probe of a failing server or mailbox may take. Default: 30 s.
    pub probe: Duration,
    /// For so long after a first failure nothing is asked; then each further failure doubles the pause. 0: failures are not remembered.
    /// Default: 1 s.
    pub first_pause: Duration,
    /// The longest pause. Default: 60 s.
    pub longest_pause: Duration,
    /// The longest that the cache is waited for. Default: 2 s.
    pub cache: Duration,
    /// Where instances share the cache: the longest that one of them may read a mailbox for all. One that dies is followed after this time.
    /// Default: 10 s.
    pub lease: Duration,
    /// Where instances share the cache: how long to wait for a reading that another instance is making, before this one reads as well.
    /// Default: 3 s.
    pub lease_patience: Duration,
    /// How many readings for lists are made at once; at least 1. With batches, one reading is of many mailboxes. Default: 5.
    pub list_places: usize,
    /// How many readings for booking checks are made at once, besides those for lists; at least 1. Default: 3.
    pub confirm_places: usize,
}

impl Default for ReaderSettings {
    fn default() -> ReaderSettings {
        ReaderSettings {
            time_to_live: Duration::from_secs(60),
            live_time_to_live: Duration::from_secs(15 * 60),
            expiry_spread: Duration::from_secs(6),
            read_ahead: Duration::ZERO,
            serve_stale: None,
            patience: Duration::from_secs(1),
            reading: Duration::from_secs(120),
            probe: Duration::from_secs(30),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            cache: Duration::from_secs(2),
            lease: Duration::from_secs(10),
            lease_patience: Duration::from_secs(3),
            list_places: 5,
            confirm_places: 3,
        }
    }
}

impl ReaderSettings {
    /// The same with each value within its bounds.
    pub(crate) fn bounded(self) -> ReaderSettings {
        ReaderSettings {
            live_time_to_live: self.live_time_to_live.max(self.time_to_live),
            expiry_spread: self.expiry_spread.min(self.time_to_live / 10),
            read_ahead: self.read_ahead.min(self.time_to_live / 2),
            longest_pause: self.longest_pause.max(self.first_pause),
            list_places: self.list_places.clamp(1, MOST_PLACES),
            confirm_places: self.confirm_places.clamp(1, MOST_PLACES),
            ..self
        }
    }

    /// For how much longer a reading serves; `None` once it has expired. This is the one place that decides it.
    ///
    /// `is_live` says that the mailbox has been watched without a gap since before the reading began
    /// ([`CachedReadings::is_live`](crate::CachedReadings::is_live)).
    pub(crate) fn remaining(
        &self,
        key: CacheKey,
        reading: &Reading,
        now: DateTime<Utc>,
        is_live: bool,
    ) -> Option<Duration> {
        let (longest, spread) = match is_live {
            true => (self.live_time_to_live, (self.live_time_to_live / 20).max(self.expiry_spread)),
            false => (self.time_to_live, self.expiry_spread),
        };
        let serves = longest - spread.mul_f64(key.share());
        serves.checked_sub(age(reading, now)?).filter(|left| !left.is_zero())
    }

    /// A reading that serves and has less than this left is read again behind the answer.
    pub(crate) fn reads_ahead(&self, is_live: bool) -> Duration {
        if is_live { self.read_ahead.max(self.live_time_to_live / 30) } else { self.read_ahead }
    }

    /// Whether an expired reading may serve while the new one is read.
    pub(crate) fn serves_stale(&self, reading: &Reading, now: DateTime<Utc>) -> bool {
        self.serve_stale.zip(age(reading, now)).is_some_and(|(up_to, age)| age <= up_to)
    }
}

const MOST_PLACES: usize = 10_000;

/// `None` where the clock was set back since.
fn age(reading: &Reading, now: DateTime<Utc>) -> Option<Duration> {
    now.signed_duration_since(reading.read_at()).to_std().ok()
}

#[cfg(test)]
mod tests {
    use optigov_calendar::Calendar;
    use optigov_slots::Interval;

    use super::*;

    #[test]
    fn a_thousand_readings_made_together_expire_spread_over_a_tenth_of_the_time_to_live() {
        let read_at = DateTime::<Utc>::from_timestamp(1_800_000_000, 0).expect("an instant");
        let window = Interval::from_unix(1_800_000_000, 1_800_086_400).expect("not empty");
        let reading = Reading::new(window, read_at, Calendar::default());
        let settings = ReaderSettings::default().bounded();
        let expired = |seconds: i64| {
            let now = read_at + chrono::TimeDelta::seconds(seconds);
            let keys =
                (0..1_000).map(|n| CacheKey::new("", &format!("m{n}@stadt.example").parse().expect("an address")));
            keys.filter(|key| settings.remaining(*key, &reading, now, false).is_none()).count()
        };
        assert_eq!((expired(54), expired(60)), (0, 1_000));
        for second in 55..60 {
            let more = expired(second) - expired(second - 1);
            assert!((100..250).contains(&more), "{more} in second {second}");
        }
    }
}
