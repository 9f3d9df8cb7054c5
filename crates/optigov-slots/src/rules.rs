use std::time::Duration;

use chrono::{DateTime, NaiveTime, Utc};

use crate::time::{Day, Seconds, UtcSecond};
use crate::{Error, Interval, OpenWindows};

/// How appointments are cut from free time: length, grid, buffers, and how early, how late and how many may be booked.
///
/// ```
/// use std::time::Duration;
///
/// use optigov_slots::{Anchor, Lead, SlotRules};
///
/// let rules = SlotRules::builder(Duration::from_mins(20))
///     .step(Duration::from_mins(10))
///     .anchor(Anchor::WindowStart)
///     .buffer_after(Duration::from_mins(5))
///     .lead(Lead::Time(Duration::from_hours(24)))
///     .horizon_days(60)
///     .build()?;
/// assert_eq!(rules.length(), Duration::from_mins(20));
/// # Ok::<(), optigov_slots::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SlotRules {
    builder: SlotRulesBuilder,
    /// What one appointment takes: the length times the concerns.
    pub(crate) total: Seconds,
    pub(crate) step: Seconds,
    /// The buffer before an appointment.
    pub(crate) before: Seconds,
    /// The buffer after an appointment.
    pub(crate) after: Seconds,
}

/// What the grid of possible starts is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Anchor {
    /// The start of each opening window: the grid begins anew after lunch, and with the hours of a new day. Where hours overlap, the
    /// grid of those that began last is taken.
    #[default]
    WindowStart,
    /// Midnight, as the wall clock shows it: with a step of 15 minutes, starts show :00, :15, :30 and :45, whenever the doors open and
    /// also after the clocks have changed.
    LocalMidnight,
    /// Back to back: the start of each stretch of free time, be that an opening or the end of what is busy.
    BackToBack,
}

/// How long before its start an appointment must be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lead {
    /// At least this long before its start; exactly this long before is early enough.
    Time(Duration),
    /// So many civil days before its day: with 1, tomorrow is the first day that can be booked; with 0, what is left of today can be, too.
    Days(u32),
}

/// The longest appointment, step and buffer.
const LONGEST: Seconds = Seconds::DAY;
/// The longest lead time and horizon: ten years.
const LONGEST_DAYS: u32 = 3_660;

impl SlotRules {
    /// Rules for appointments of a length.
    pub const fn builder(length: Duration) -> SlotRulesBuilder {
        SlotRulesBuilder {
            length,
            concerns: 1,
            step: None,
            anchor: Anchor::WindowStart,
            buffer_before: Duration::ZERO,
            buffer_after: Duration::ZERO,
            lead: Lead::Time(Duration::ZERO),
            horizon_days: None,
            release: NaiveTime::MIN,
            day_limit: None,
            capacity: 1,
        }
    }

    /// The time that one appointment takes: the length times the concerns.
    pub const fn length(&self) -> Duration {
        self.total.duration()
    }

    /// From one start to the next.
    pub const fn step(&self) -> Duration {
        self.step.duration()
    }

    /// What the steps are counted from.
    pub const fn anchor(&self) -> Anchor {
        self.builder.anchor
    }

    /// Free time needed before an appointment.
    pub const fn buffer_before(&self) -> Duration {
        self.builder.buffer_before
    }

    /// Free time needed after an appointment.
    pub const fn buffer_after(&self) -> Duration {
        self.builder.buffer_after
    }

    /// How long ahead must be booked.
    pub const fn lead(&self) -> Lead {
        self.builder.lead
    }

    /// How many days ahead can be booked, if that is limited.
    pub const fn horizon_days(&self) -> Option<u32> {
        self.builder.horizon_days
    }

    /// How many appointments may begin on a local day, if that is limited.
    pub const fn day_limit(&self) -> Option<u32> {
        self.builder.day_limit
    }

    /// How many appointments may take place at the same time.
    pub const fn capacity(&self) -> u32 {
        self.builder.capacity
    }

    /// The part of the window in which an appointment that is booked at `now` may start, by lead time and horizon alone; `None` where there is none.
    pub fn bookable_within(&self, open: &OpenWindows, now: DateTime<Utc>) -> Option<Interval> {
        let (from, until) = self.range_within(open, now);
        Interval::between(from, until)
    }

    /// The first second of the window at which an appointment that is booked at `now` may start, and the first after it at which none may.
    pub(crate) fn range_within(&self, open: &OpenWindows, now: DateTime<Utc>) -> (UtcSecond, UtcSecond) {
        let (start, end) = (open.window().start_second(), open.window().end_second());
        // The horizon ends with a day, so it is looked up only where it may end within the window.
        let may_end_within = |days: u32| UtcSecond::floor(now) + Seconds::DAY * (i64::from(days) - 3) < end;
        let horizon = match self.builder.horizon_days {
            Some(days) if may_end_within(days) => self.horizon(open, now),
            _ => None,
        };
        (start.max(self.earliest(open, now)), horizon.map_or(end, |horizon| end.min(horizon.end)))
    }

    /// The buffer that keeps two appointments of the same kind apart: not the sum of the two buffers that meet, but the longer.
    pub(crate) const fn between(&self) -> Seconds {
        self.before.longer(self.after)
    }

    /// The first second at which an appointment that is booked at `now` may start.
    pub(crate) fn earliest(&self, open: &OpenWindows, now: DateTime<Utc>) -> UtcSecond {
        let now = UtcSecond::ceil(now);
        match self.builder.lead {
            Lead::Time(time) => now + Seconds::floor(time),
            Lead::Days(0) => now,
            Lead::Days(days) => open.read_clock(open.civil_day_of(now).plus(whole_days(days)).midnight()).earliest(),
        }
    }

    /// How far ahead may be booked at `now`.
    pub(crate) fn horizon(&self, open: &OpenWindows, now: DateTime<Utc>) -> Option<Horizon> {
        let (days, now) = (self.builder.horizon_days?, UtcSecond::floor(now));
        let today = open.civil_day_of(now);
        let is_released = self.release(open, today) <= now;
        let last = today.plus(whole_days(days) - i32::from(!is_released));
        Some(Horizon { last, end: open.read_clock(last.next().midnight()).earliest() })
    }

    /// The instant from which the horizon includes the local day of `start`.
    pub(crate) fn bookable_from(&self, open: &OpenWindows, start: UtcSecond) -> Option<UtcSecond> {
        let days = self.builder.horizon_days?;
        Some(self.release(open, open.civil_day_of(start).plus(-whole_days(days))))
    }

    /// When the horizon moves on, on a day.
    fn release(&self, open: &OpenWindows, day: Day) -> UtcSecond {
        open.read_clock(day.midnight() + Seconds::from_midnight(self.builder.release)).earliest()
    }
}

/// How far ahead may be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Horizon {
    /// The last local day that may be booked.
    pub(crate) last: Day,
    /// The first second after it.
    pub(crate) end: UtcSecond,
}

fn whole_days(days: u32) -> i32 {
    i32::try_from(days).unwrap_or(i32::MAX)
}

/// Collects [`SlotRules`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub struct SlotRulesBuilder {
    length: Duration,
    concerns: u32,
    step: Option<Duration>,
    anchor: Anchor,
    buffer_before: Duration,
    buffer_after: Duration,
    lead: Lead,
    horizon_days: Option<u32>,
    release: NaiveTime,
    day_limit: Option<u32>,
    capacity: u32,
}

impl SlotRulesBuilder {
    /// How many concerns share the appointment. Each takes the length, one after the other. Default: 1.
    pub const fn concerns(mut self, concerns: u32) -> Self {
        self.concerns = concerns;
        self
    }

    /// From one possible start to the next. Default: the length of one concern; with [`Anchor::BackToBack`] that of the whole appointment
    /// and the longer of its buffers.
    pub const fn step(mut self, step: Duration) -> Self {
        self.step = Some(step);
        self
    }

    /// What the steps are counted from. Default: [`Anchor::WindowStart`].
    pub const fn anchor(mut self, anchor: Anchor) -> Self {
        self.anchor = anchor;
        self
    }

    /// Time before an appointment in which nothing else may be: no busy time and no booking. It may lie before the doors open. Between an
    /// appointment and a booking the longer of the two buffers that meet is kept, not their sum. Default: none.
    pub const fn buffer_before(mut self, buffer: Duration) -> Self {
        self.buffer_before = buffer;
        self
    }

    /// Time after an appointment in which nothing else may be. It may lie after the doors close. Default: none.
    pub const fn buffer_after(mut self, buffer: Duration) -> Self {
        self.buffer_after = buffer;
        self
    }

    /// How long ahead must be booked. Default: an appointment may start at `now`.
    pub const fn lead(mut self, lead: Lead) -> Self {
        self.lead = lead;
        self
    }

    /// The last local day that can be booked is this many days after today: with 0, today alone. Default: no limit.
    pub const fn horizon_days(mut self, days: u32) -> Self {
        self.horizon_days = Some(days);
        self
    }

    /// The time of day at which the horizon moves on by a day; until then, the last day of yesterday's horizon is the last. Parts of a
    /// second are dropped. Default: midnight.
    pub const fn release_at(mut self, time: NaiveTime) -> Self {
        self.release = time;
        self
    }

    /// How many appointments may begin on one local day. The bookings already made on a day count; once there are as many, no slot of
    /// that day can be booked. Default: no limit.
    pub const fn day_limit(mut self, limit: u32) -> Self {
        self.day_limit = Some(limit);
        self
    }

    /// How many appointments may take place at the same time. Bookings already made take their places. Default: 1.
    pub const fn capacity(mut self, capacity: u32) -> Self {
        self.capacity = capacity;
        self
    }

    /// Checks the rules.
    ///
    /// # Errors
    /// Names what is at fault (`length`, `step`, …): a duration that is not whole seconds, a length or a step of zero or of more than 24
    /// hours (all concerns together), no concern, no capacity, a day limit of 0, a buffer of more than 24 hours, a lead or a horizon of more
    /// than 3,660 days.
    pub fn build(self) -> Result<SlotRules, Error> {
        let seconds = |place: &'static str, duration: Duration, longest: Seconds| {
            if duration.subsec_nanos() > 0 {
                return Err(Error::new(place, "it has a fraction of a second: use whole seconds"));
            }
            let seconds = Seconds::floor(duration);
            if seconds > longest {
                let hours = longest / Seconds::from(3_600);
                return Err(Error::new(place, format!("it is longer than {hours} h: use less")));
            }
            Ok(seconds)
        };
        let positive = |place: &'static str, count: i64| match count {
            ..=0 => Err(Error::new(place, "it is 0: use more, or leave it out for the default")),
            _ => Ok(()),
        };
        let length = seconds("length", self.length, LONGEST)?;
        positive("length", length.count())?;
        positive("concerns", i64::from(self.concerns))?;
        positive("capacity", i64::from(self.capacity))?;
        positive("day_limit", self.day_limit.map_or(1, i64::from))?;
        let total = length * i64::from(self.concerns);
        if total > LONGEST {
            return Err(Error::new("concerns", "together they take more than 24 h: allow fewer, or make them shorter"));
        }
        let before = seconds("buffer_before", self.buffer_before, LONGEST)?;
        let after = seconds("buffer_after", self.buffer_after, LONGEST)?;
        let step = match (self.step, self.anchor) {
            (Some(step), _) => seconds("step", step, LONGEST)?,
            (None, Anchor::BackToBack) => total + before.longer(after),
            (None, _) => length,
        };
        positive("step", step.count())?;
        match self.lead {
            Lead::Time(time) => drop(seconds("lead", time, Seconds::DAY * i64::from(LONGEST_DAYS))?),
            Lead::Days(days) if days > LONGEST_DAYS => {
                return Err(Error::new("lead", "it is longer than 3,660 days: use less"));
            }
            Lead::Days(_) => {}
        }
        if self.horizon_days.is_some_and(|days| days > LONGEST_DAYS) {
            return Err(Error::new(
                "horizon_days",
                "it is longer than 3,660 days: use less, or leave it out for no limit",
            ));
        }
        Ok(SlotRules { builder: self, total, step, before, after })
    }
}
