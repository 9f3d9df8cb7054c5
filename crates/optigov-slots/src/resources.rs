use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::index::index;
use crate::{Error, Interval, IntervalSet};

/// Whose calendars count, and how many of them must be free.
///
/// ```
/// use optigov_slots::{Busy, Interval, Needed, Resources};
///
/// let anna = Busy::from(vec![Interval::from_unix(0, 60)?]);
/// let ben = Busy::default();
/// let either = Resources::new([anna, ben], Needed::Any)?;
/// assert_eq!(either.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resources {
    calendars: Arc<[Busy]>,
    needed: Needed,
}

/// How many of several resources must be free for an appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Needed {
    /// All of them, for any appointment. How many appointments can then take place at once is the capacity of the rules.
    #[default]
    All,
    /// One, whichever. Each appointment takes one, so two at once need two that are free.
    Any,
    /// This many. Each appointment takes as many, so two at once need twice as many that are free.
    AtLeast(u32),
}

/// When one resource is not free: intervals in any order, which may overlap. Cheap to clone.
///
/// It may be put together from [parts](BusyPart) of slices that others share, so that nothing is copied:
///
/// ```
/// use std::sync::Arc;
///
/// use optigov_slots::{Busy, BusyPart, Interval};
///
/// let year: Arc<[Interval]> = Arc::new([Interval::from_unix(0, 60)?, Interval::from_unix(90, 120)?]);
/// let later = BusyPart::new(Arc::clone(&year), 1..2);
/// let more = BusyPart::from(vec![Interval::from_unix(300, 360)?]);
/// assert_eq!(Busy::from_iter([later, more]).iter().count(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Busy {
    parts: Arc<[BusyPart]>,
}

/// A part of a shared slice of intervals, of which [`Busy`] time can be put together.
#[derive(Debug, Clone)]
pub struct BusyPart {
    intervals: Arc<[Interval]>,
    range: Range<usize>,
}

impl Resources {
    /// Several resources, each with its busy time. Answers name a resource by its index in this order.
    ///
    /// # Errors
    /// With the place `needed`, if more are needed than there are, or none.
    pub fn new(calendars: impl IntoIterator<Item = impl Into<Busy>>, needed: Needed) -> Result<Resources, Error> {
        let calendars: Arc<[Busy]> = calendars.into_iter().map(Into::into).collect();
        match needed {
            Needed::Any if calendars.is_empty() => {
                Err(Error::new("needed", "there is no resource of which one could be free: add resources"))
            }
            Needed::AtLeast(0) => Err(Error::new("needed", "it is at least 0: need 1 or more")),
            Needed::AtLeast(count) if index(count) > calendars.len() => {
                let there = calendars.len();
                Err(Error::new(
                    "needed",
                    format!("{count} of {there} resources can never be free: need fewer, or add resources"),
                ))
            }
            _ => Ok(Resources { calendars, needed }),
        }
    }

    /// No calendar counts: only hours and bookings do.
    pub fn none() -> Resources {
        Resources::default()
    }

    /// One resource, which must be free.
    pub fn one(busy: impl Into<Busy>) -> Resources {
        Resources { calendars: Arc::new([busy.into()]), needed: Needed::All }
    }

    /// How many resources there are.
    pub fn len(&self) -> usize {
        self.calendars.len()
    }

    /// Whether there is no resource.
    pub fn is_empty(&self) -> bool {
        self.calendars.is_empty()
    }

    /// How many must be free.
    pub fn needed(&self) -> Needed {
        self.needed
    }

    /// The busy time of each resource.
    pub fn calendars(&self) -> &[Busy] {
        &self.calendars
    }

    /// How many of the free resources one appointment takes; `None` where all must be free and none is taken.
    pub(crate) fn group(&self) -> Option<usize> {
        match self.needed {
            Needed::All => None,
            Needed::Any => Some(1),
            Needed::AtLeast(count) => Some(index(count)),
        }
    }

    /// How many appointments take place at once, at most, while `free` of the resources are free.
    pub(crate) fn places(&self, free: usize, capacity: u32) -> usize {
        match self.group() {
            None if free == self.len() => index(capacity),
            None => 0,
            Some(group) => (free / group).min(index(capacity)),
        }
    }
}

impl Busy {
    /// The intervals as they were given.
    pub fn iter(&self) -> impl Iterator<Item = Interval> + '_ {
        self.parts().flatten().copied()
    }

    /// The same, part by part.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &[Interval]> {
        self.parts.iter().map(BusyPart::as_slice)
    }
}

impl BusyPart {
    /// The intervals at these indices; indices beyond the last are passed over.
    pub fn new(intervals: Arc<[Interval]>, range: Range<usize>) -> BusyPart {
        BusyPart { intervals, range }
    }

    /// The intervals of the part.
    pub fn as_slice(&self) -> &[Interval] {
        let end = self.range.end.min(self.intervals.len());
        self.intervals.get(self.range.start..end).unwrap_or_default()
    }
}

impl fmt::Debug for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The same intervals in the same order, in whatever parts.
impl PartialEq for Busy {
    fn eq(&self, other: &Busy) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Busy {}

impl From<Arc<[Interval]>> for BusyPart {
    fn from(intervals: Arc<[Interval]>) -> BusyPart {
        let range = 0..intervals.len();
        BusyPart { intervals, range }
    }
}

impl From<Vec<Interval>> for BusyPart {
    fn from(intervals: Vec<Interval>) -> BusyPart {
        BusyPart::from(Arc::<[Interval]>::from(intervals))
    }
}

impl FromIterator<BusyPart> for Busy {
    fn from_iter<I: IntoIterator<Item = BusyPart>>(parts: I) -> Busy {
        Busy { parts: parts.into_iter().collect() }
    }
}

impl From<Vec<Interval>> for Busy {
    fn from(intervals: Vec<Interval>) -> Busy {
        Busy::from(Arc::<[Interval]>::from(intervals))
    }
}

impl From<Arc<[Interval]>> for Busy {
    fn from(intervals: Arc<[Interval]>) -> Busy {
        Busy { parts: Arc::new([BusyPart::from(intervals)]) }
    }
}

impl From<&[Interval]> for Busy {
    fn from(intervals: &[Interval]) -> Busy {
        Busy::from(Arc::<[Interval]>::from(intervals))
    }
}

impl From<&IntervalSet> for Busy {
    fn from(set: &IntervalSet) -> Busy {
        Busy::from(set.as_slice())
    }
}

impl From<IntervalSet> for Busy {
    fn from(set: IntervalSet) -> Busy {
        Busy::from(Vec::from(set))
    }
}

impl From<&Busy> for Busy {
    fn from(busy: &Busy) -> Busy {
        busy.clone()
    }
}

impl FromIterator<Interval> for Busy {
    fn from_iter<I: IntoIterator<Item = Interval>>(intervals: I) -> Busy {
        Busy::from(intervals.into_iter().collect::<Arc<[Interval]>>())
    }
}
