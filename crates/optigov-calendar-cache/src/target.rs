//! What a call asks the reader for, and what it gets.

use std::sync::Arc;

use optigov_calendar::{Mailbox, ReadError};
use optigov_slots::Interval;

use crate::{CacheKey, Reading};

/// A mailbox and the name under which it is cached and logged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadTarget {
    /// Its name in the cache and in logs.
    pub key: CacheKey,
    /// The mailbox.
    pub mailbox: Mailbox,
}

impl ReadTarget {
    /// A mailbox as read through the connection that `namespace` tells apart from others.
    pub fn new(namespace: &str, mailbox: Mailbox) -> ReadTarget {
        ReadTarget { key: CacheKey::new(namespace, &mailbox), mailbox }
    }
}

/// What a call got for one mailbox.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fetched {
    /// A reading of the whole window, or why there is none.
    pub reading: Result<Arc<Reading>, ReadError>,
    /// Where there is none, the newest older reading of the whole window.
    pub older: Option<Arc<Reading>>,
    /// Whether the mailbox is being read behind this answer, so that asking again soon makes sense.
    pub being_read: bool,
}

impl Fetched {
    /// Nothing was got, for this reason.
    pub fn failed(error: ReadError) -> Fetched {
        Fetched { reading: Err(error), older: None, being_read: false }
    }

    /// This reading was got.
    pub(crate) fn read(reading: Arc<Reading>) -> Fetched {
        Fetched { reading: Ok(reading), older: None, being_read: false }
    }
}

/// Whether a reading from before the call may serve it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Freshness {
    /// One younger than the time to live may, as for a list.
    Cached,
    /// None may: the mailbox is read after the call began, as for a booking check.
    Now,
}

/// The window that an answer needs, and the one to read where something is read: at least as long, so that the reading serves longer.
///
/// A reading serves every call whose `needed` it covers. Calls that name the same `read` for different `needed` therefore cost one reading per
/// mailbox between them: so paging through the months inside a booking horizon asks Exchange nothing after the first page.
///
/// ```
/// use optigov_calendar_cache::ReadWindow;
/// use optigov_slots::Interval;
///
/// let day = |from: i64, to: i64| Interval::from_unix(from * 86_400, to * 86_400);
/// let horizon = day(20_000, 20_090)?;
/// let march = ReadWindow::within(day(20_010, 20_041)?, horizon);
/// let april = ReadWindow::within(day(20_041, 20_071)?, horizon);
/// assert_eq!((march.read, april.read), (horizon, horizon));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadWindow {
    /// What the answer needs.
    pub needed: Interval,
    /// What is read; covers `needed`.
    pub read: Interval,
}

/// A horizon up to this length is read whole. Beyond it, reading all of it for one page would cost more than it saves.
const READ_WHOLE: i64 = 186 * DAY;
/// A longer horizon is read in pages of this length, aligned for everybody alike.
const PAGE: i64 = 91 * DAY;
const DAY: i64 = 86_400;

impl ReadWindow {
    /// Exactly what is needed is read.
    pub fn exactly(needed: Interval) -> ReadWindow {
        ReadWindow { needed, read: needed }
    }

    /// What is needed is a part of `horizon`, for which other calls will ask as well: what is read is shared with them.
    ///
    /// A horizon of up to 186 days is read whole. Of a longer one, those pages of 91 days are read that `needed` touches; the pages begin at the
    /// same instants for every call, so that a long horizon costs a few readings per mailbox however it is paged through. What
    /// `needed` has outside `horizon` is read as well.
    pub fn within(needed: Interval, horizon: Interval) -> ReadWindow {
        let read = match horizon.end_unix().saturating_sub(horizon.start_unix()) {
            length if length <= READ_WHOLE => horizon,
            _ => pages(needed).intersection(horizon).unwrap_or(needed),
        };
        ReadWindow { needed, read: read.hull(needed) }
    }

    /// `needed` for the answer, and `read` in order that the reading serves longer; what is read covers what is needed.
    pub fn new(needed: Interval, read: Interval) -> ReadWindow {
        ReadWindow { needed, read: read.hull(needed) }
    }

    /// What both of two answers need, and a reading that serves both.
    pub fn and(self, other: ReadWindow) -> ReadWindow {
        ReadWindow { needed: self.needed.hull(other.needed), read: self.read.hull(other.read) }
    }
}

/// The whole pages that a stretch of time touches.
fn pages(needed: Interval) -> Interval {
    let start = needed.start_unix().div_euclid(PAGE).saturating_mul(PAGE);
    let end = needed.end_unix().saturating_add(PAGE - 1).div_euclid(PAGE).saturating_mul(PAGE);
    Interval::from_unix(start, end).unwrap_or(needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(from: i64, to: i64) -> Interval {
        Interval::from_unix(from * DAY, to * DAY).expect("not empty")
    }

    #[test]
    fn a_year_is_read_in_at_most_five_pages_however_it_is_paged_through() {
        let horizon = days(20_000, 20_365);
        let windows: std::collections::HashSet<_> = (0..365)
            .map(|day| ReadWindow::within(days(20_000 + day, 20_001 + day), horizon))
            .inspect(|window| assert_eq!(window.read.hull(window.needed), window.read))
            .map(|window| (window.read.start_unix(), window.read.end_unix()))
            .collect();
        assert!(windows.len() <= 5, "{windows:?}");
    }

    #[test]
    fn what_is_needed_beyond_the_horizon_is_read_as_well() {
        let window = ReadWindow::within(days(19_990, 20_010), days(20_000, 20_030));
        assert_eq!(window.read, days(19_990, 20_030));
    }
}
