//! What is asked for.

use std::collections::HashMap;
use std::num::NonZeroU32;

use optigov_slots::Interval;
use serde::{Deserialize, Serialize};

/// Which counters, which template, how many concerns, and when. Made by [`SlotsRequest::new`]; every setter has a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotsRequest {
    pub(crate) window: Interval,
    #[serde(default)]
    pub(crate) counters: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) template: Option<String>,
    #[serde(default = "one")]
    pub(crate) concerns: NonZeroU32,
    #[serde(default)]
    pub(crate) bookings: Vec<Booking>,
}

/// An appointment that is already booked at a counter, and that Exchange need not know of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Booking {
    /// The counter's id.
    pub counter: String,
    /// From start to end, without buffers: the counter's rules add them.
    pub interval: Interval,
}

impl SlotsRequest {
    /// All counters, each with its first template, one concern, no bookings: the slots that lie within `window`.
    ///
    /// For civil days, use `Interval::of_dates(first, last, zone)`.
    pub fn new(window: Interval) -> Self {
        SlotsRequest { window, counters: None, template: None, concerns: NonZeroU32::MIN, bookings: Vec::new() }
    }

    /// Only these counters, in this order. Default: all of the municipality (with a template: all that serve it).
    pub fn counters<I: IntoIterator<Item = S>, S: Into<String>>(self, ids: I) -> Self {
        SlotsRequest { counters: Some(ids.into_iter().map(Into::into).collect()), ..self }
    }

    /// The appointment template to be booked. Default: each counter's first.
    pub fn template(self, id: impl Into<String>) -> Self {
        SlotsRequest { template: Some(id.into()), ..self }
    }

    /// How many concerns one appointment bears; they lengthen it. Default: 1.
    pub fn concerns(self, concerns: NonZeroU32) -> Self {
        SlotsRequest { concerns, ..self }
    }

    /// Appointments already booked at the counters; bookings of counters not asked for are passed over. Default: none.
    ///
    /// Give all that touch the window and its days: day limits and capacity count them.
    pub fn bookings(self, bookings: impl IntoIterator<Item = Booking>) -> Self {
        SlotsRequest { bookings: bookings.into_iter().collect(), ..self }
    }

    pub(crate) fn bookings_by_counter(&self) -> HashMap<&str, Vec<Interval>> {
        let mut by_counter: HashMap<&str, Vec<Interval>> = HashMap::new();
        for booking in &self.bookings {
            by_counter.entry(&booking.counter).or_default().push(booking.interval);
        }
        by_counter
    }
}

fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}
