//! What is asked for: an appointment, and where and when.

use std::num::NonZeroU32;

use optigov_slots::Interval;
use serde::{Deserialize, Serialize};

/// The appointment that is wanted at one counter: its template, its concerns, and what is booked there already. Every setter has a default.
///
/// ```
/// use optigov_availability::Wanted;
///
/// let wanted = Wanted::new().template("personalausweis").concerns(2.try_into()?);
/// # Ok::<(), std::num::TryFromIntError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    #[serde(default)]
    pub(crate) template: Option<String>,
    #[serde(default = "one")]
    pub(crate) concerns: NonZeroU32,
    #[serde(default)]
    pub(crate) bookings: Vec<Interval>,
}

impl Default for Wanted {
    fn default() -> Wanted {
        Wanted::new()
    }
}

impl Wanted {
    /// The counter's first template, one concern, nothing booked.
    pub fn new() -> Wanted {
        Wanted { template: None, concerns: one(), bookings: Vec::new() }
    }

    /// The appointment template to be booked. Default: the counter's first.
    pub fn template(self, id: impl Into<String>) -> Wanted {
        Wanted { template: Some(id.into()), ..self }
    }

    /// How many concerns the appointment bears; they lengthen it. Default: 1.
    pub fn concerns(self, concerns: NonZeroU32) -> Wanted {
        Wanted { concerns, ..self }
    }

    /// The appointments that are booked at the counter already and that Exchange need not know of, from start to end, without buffers: the
    /// counter's rules add them. Default: none.
    ///
    /// Give all that touch the window and its days: day limits and capacity count them.
    pub fn bookings(self, bookings: impl IntoIterator<Item = Interval>) -> Wanted {
        Wanted { bookings: bookings.into_iter().collect(), ..self }
    }
}

/// Which counters, which template, how many concerns, and when. Made by [`SlotsRequest::new`]; every setter has a default.
///
/// ```
/// use chrono_tz::Europe::Berlin;
/// use optigov_availability::{Interval, SlotsRequest};
///
/// let monday_to_friday = Interval::of_dates("2026-11-23".parse()?, "2026-11-27".parse()?, Berlin)?;
/// let request = SlotsRequest::new(monday_to_friday).counters(["buergerbuero-1"]).template("personalausweis");
///
/// // It is read from JSON, too; what is left out has its default.
/// let window = r#"{ "start": "2026-11-22T23:00:00Z", "end": "2026-11-27T23:00:00Z" }"#;
/// let text = format!(r#"{{ "window": {window}, "counters": ["buergerbuero-1"], "template": "personalausweis" }}"#);
/// assert_eq!(serde_json::from_str::<SlotsRequest>(&text)?, request);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
///
/// ```
/// use optigov_availability::{Booking, Interval, SlotsRequest};
///
/// let day = Interval::new("2026-11-24T05:00:00Z".parse()?, "2026-11-24T17:00:00Z".parse()?)?;
/// let nine_to_half_past = Interval::new("2026-11-24T08:00:00Z".parse()?, "2026-11-24T08:30:00Z".parse()?)?;
/// let request = SlotsRequest::new(day).bookings([Booking::new("buergerbuero-1", nine_to_half_past)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Booking {
    /// The counter's id.
    pub counter: String,
    /// From start to end, without buffers: the counter's rules add them.
    pub interval: Interval,
}

impl Booking {
    /// An appointment at the counter with this id.
    pub fn new(counter: impl Into<String>, interval: Interval) -> Booking {
        Booking { counter: counter.into(), interval }
    }
}

impl SlotsRequest {
    /// All counters, each with its first template, one concern, no bookings: the slots that lie within `window`.
    ///
    /// For civil days, use `Interval::of_dates(first, last, zone)`.
    pub fn new(window: Interval) -> SlotsRequest {
        SlotsRequest { window, counters: None, template: None, concerns: one(), bookings: Vec::new() }
    }

    /// Only these counters, in this order. Default: all of the municipality (with a template: all that serve it).
    pub fn counters<I: IntoIterator<Item = S>, S: Into<String>>(self, ids: I) -> SlotsRequest {
        SlotsRequest { counters: Some(ids.into_iter().map(Into::into).collect()), ..self }
    }

    /// The appointment template to be booked. Default: each counter's first.
    pub fn template(self, id: impl Into<String>) -> SlotsRequest {
        SlotsRequest { template: Some(id.into()), ..self }
    }

    /// How many concerns one appointment bears; they lengthen it. Default: 1.
    pub fn concerns(self, concerns: NonZeroU32) -> SlotsRequest {
        SlotsRequest { concerns, ..self }
    }

    /// Appointments already booked at the counters; bookings of counters not asked for are passed over. Default: none.
    ///
    /// Give all that touch the window and its days: day limits and capacity count them.
    pub fn bookings(self, bookings: impl IntoIterator<Item = Booking>) -> SlotsRequest {
        SlotsRequest { bookings: bookings.into_iter().collect(), ..self }
    }
}

fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}
