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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Busy {
    intervals: Arc<[Interval]>,
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
    pub fn as_slice(&self) -> &[Interval] {
        &self.intervals
    }
}

impl From<Vec<Interval>> for Busy {
    fn from(intervals: Vec<Interval>) -> Busy {
        Busy { intervals: intervals.into() }
    }
}

impl From<Arc<[Interval]>> for Busy {
    fn from(intervals: Arc<[Interval]>) -> Busy {
        Busy { intervals }
    }
}

impl From<&[Interval]> for Busy {
    fn from(intervals: &[Interval]) -> Busy {
        Busy { intervals: intervals.into() }
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
        Busy { intervals: intervals.into_iter().collect() }
    }
}
