//! A handle on one counter: what a call takes, it uses.

use std::fmt;

use chrono::{DateTime, Utc};
use optigov_calendar_cache::Freshness;
use optigov_counter::Counter;
use optigov_slots::Interval;

use crate::{
    Availability, CounterAnswer, Error, FirstFree, SlotsRequest, Verdict, Wanted, availability::Question,
    wanted::Booking,
};

/// One counter of an [`Availability`]; made by [`Availability::counter`]. It sees every change that is saved.
///
/// ```no_run
/// # async fn demo(availability: optigov_availability::Availability, start: chrono::DateTime<chrono::Utc>)
/// # -> Result<(), optigov_availability::Error> {
/// use optigov_availability::Wanted;
///
/// let counter = availability.counter("buergerbuero-1")?;
/// let verdict = counter.confirm(&Wanted::new().template("personalausweis"), start).await?;
/// if verdict.is_bookable() {
///     // Book it.
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CounterHandle {
    availability: Availability,
    id: String,
}

impl CounterHandle {
    pub(crate) fn new(availability: Availability, id: &str) -> CounterHandle {
        CounterHandle { availability, id: id.to_owned() }
    }

    /// The counter's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The bookable slots that lie within `window`. See [`Availability::free_slots`].
    ///
    /// # Errors
    /// [`is_unknown_counter`](Error::is_unknown_counter) where the counter has been removed,
    /// [`is_unknown_template`](Error::is_unknown_template), [`is_not_offered`](Error::is_not_offered).
    pub async fn free_slots(&self, wanted: &Wanted, window: Interval) -> Result<CounterAnswer, Error> {
        let answer = self.availability.free_slots(&self.request(wanted, window)).await?;
        answer.counters.into_iter().next().ok_or_else(|| Error::unknown_counter(&self.id))
    }

    /// The first bookable slot within `window`.
    ///
    /// # Errors
    /// As [`free_slots`](Self::free_slots).
    pub async fn first_free(&self, wanted: &Wanted, window: Interval) -> Result<FirstFree, Error> {
        self.availability.first_free(&self.request(wanted, window)).await
    }

    /// Decides on one appointment at the moment of booking: reads the counter's mailboxes afresh, for that day only, and asks the same function
    /// that makes the list.
    ///
    /// When Exchange does not answer, the operator's choice applies as it does to the list, and the verdict's status says so.
    ///
    /// # Errors
    /// As [`free_slots`](Self::free_slots).
    #[tracing::instrument(skip_all, fields(counter = self.id))]
    pub async fn confirm(&self, wanted: &Wanted, start: DateTime<Utc>) -> Result<Verdict, Error> {
        self.verdict(wanted, start, Freshness::Now).await
    }

    /// Why an appointment cannot be booked at an instant, from what a list made now would be made from.
    ///
    /// # Errors
    /// As [`free_slots`](Self::free_slots).
    pub async fn why(&self, wanted: &Wanted, start: DateTime<Utc>) -> Result<Verdict, Error> {
        self.verdict(wanted, start, Freshness::Cached).await
    }

    /// Puts this counter's new entry into force. See [`Availability::counter_saved`].
    ///
    /// # Errors
    /// As [`Availability::counter_saved`]; also [`is_setup`](Error::is_setup) where the entry is another counter's.
    pub async fn save(&self, counter: Counter) -> Result<(), Error> {
        if counter.id().as_str() != self.id {
            return Err(Error::setup("der Eintrag gehört zu einem anderen Schalter", "the entry is another counter's"));
        }
        self.availability.counter_saved(counter).await
    }

    fn request(&self, wanted: &Wanted, window: Interval) -> SlotsRequest {
        let Wanted { template, concerns, bookings } = wanted.clone();
        let bookings = bookings.into_iter().map(|interval| Booking::new(&self.id, interval)).collect();
        SlotsRequest { window, counters: Some(vec![self.id.clone()]), template, concerns, bookings }
    }

    async fn verdict(&self, wanted: &Wanted, start: DateTime<Utc>, freshness: Freshness) -> Result<Verdict, Error> {
        let zone = self.availability.zone_of(&self.id)?;
        // The engine's own civil day: where clocks go back over midnight, a date is not one stretch of time.
        let request = self.request(wanted, Interval::of_civil_day(start, zone));
        let answer = self.availability.answer(&request, Question::of_one_day(freshness)).await?;
        let answer = answer.counters.into_iter().next().ok_or_else(|| Error::unknown_counter(&self.id))?;
        let CounterAnswer { status, slots, language, zone, .. } = answer;
        let slot = slots.iter_from(start).next().filter(|slot| slot.start() == start);
        let reasons = if slot.is_some() || status.is_unknown() { Vec::new() } else { slots.why(start) };
        Ok(Verdict { start, zone, status, slot, reasons, language })
    }
}

impl fmt::Debug for CounterHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CounterHandle").field("id", &self.id).finish_non_exhaustive()
    }
}
