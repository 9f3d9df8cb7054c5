//! From a counter to the slot engine's inputs. This is the only place where the two meet.

use chrono::{Datelike, NaiveDate, NaiveTime, TimeDelta};
use chrono_tz::Tz;
use optigov_slots::{Exception, ExceptionEffect, Hours, Interval, OpenWindows, SlotRules, Timetable, TimetableBuilder};

use crate::{
    counter::Counter, error::Error, municipality::Municipality, template::AppointmentTemplate, values::TemplateId,
};

impl Counter {
    /// The engine's timetable for questions about `window`: rules, exceptions and the municipality's holidays, in the counter's zone.
    ///
    /// What returns every year is worked out for the window and some days around it, so the timetable is right for slots that start in the window and for no
    /// others. On a half day, the usual hours end when it begins; hours that an exception gives stay.
    pub fn timetable(&self, municipality: &Municipality, window: Interval) -> Timetable {
        let zone = self.time_zone().unwrap_or(municipality.time_zone());
        let (first, last) = dates_around(window, zone);
        let mut builder = Timetable::builder(zone).clock_change(self.clock_change());
        for rule in self.opening() {
            builder = builder.rule(rule.clone());
        }
        for exception in self.exceptions() {
            builder = exception.between(first, last).into_iter().fold(builder, TimetableBuilder::exception);
        }
        let mut usual = None;
        if self.observes_holidays() {
            for holiday in (first.year()..=last.year()).flat_map(|year| municipality.holidays(year)) {
                match holiday.closed_from() {
                    _ if !(first..=last).contains(&holiday.date()) => {}
                    None => builder = builder.holiday(holiday.date()),
                    Some(closed_from) => {
                        let usual = usual.get_or_insert_with(|| self.rules_alone(zone));
                        for exception in self.half_day(holiday.date(), closed_from, usual) {
                            builder = builder.exception(exception);
                        }
                    }
                }
            }
        }
        built(builder, zone)
    }

    /// The counter's open hours for a template in a window, worked out anew. [`ResolvedHours`](crate::ResolvedHours) keeps them.
    pub fn open_windows(
        &self,
        municipality: &Municipality,
        template: &AppointmentTemplate,
        window: Interval,
    ) -> OpenWindows {
        self.timetable(municipality, window).open_windows(window, self.audience(template).map(TemplateId::as_str))
    }

    /// The template's id, if anything special holds for it. All other templates have the same open hours.
    pub(crate) fn audience<'t>(&self, template: &'t AppointmentTemplate) -> Option<&'t TemplateId> {
        let id = template.id().as_str();
        let in_rules = self.opening().iter().any(|rule| rule.audience().iter().any(|named| named == id));
        let named = in_rules || self.exceptions().iter().any(|one| one.for_templates().contains(template.id()));
        named.then(|| template.id())
    }

    /// The engine's rules for appointments of a template with so many concerns. The template's own lead time and buffers stand for the counter's.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_served`] if the counter does not serve the template, [`Error::is_concerns`] if the concerns are none or more than the template allows.
    pub fn slot_rules(&self, template: &AppointmentTemplate, concerns: u32) -> Result<SlotRules, Error> {
        if !self.serves(template.id()) {
            return Err(Error::not_served(self.id(), template.id()));
        }
        if concerns == 0 || concerns > template.max_concerns() {
            return Err(Error::concerns(concerns, template.max_concerns()));
        }
        let booking = self.booking();
        let mut rules = SlotRules::builder(template.length())
            .concerns(concerns)
            .anchor(booking.anchor())
            .buffer_before(template.buffer_before().unwrap_or(booking.buffer_before()))
            .buffer_after(template.buffer_after().unwrap_or(booking.buffer_after()))
            .lead(template.lead_time().unwrap_or(booking.lead_time()))
            .horizon_days(booking.horizon_days())
            .release_at(booking.release_at())
            .capacity(self.capacity());
        if let Some(step) = booking.step() {
            rules = rules.step(step);
        }
        if let Some(limit) = booking.day_limit() {
            rules = rules.day_limit(limit);
        }
        rules.build().map_err(Error::engine)
    }

    fn rules_alone(&self, zone: Tz) -> Timetable {
        let builder = Timetable::builder(zone).clock_change(self.clock_change());
        built(self.opening().iter().cloned().fold(builder, TimetableBuilder::rule), zone)
    }

    /// What stands for the usual hours on a half day: those of them before it begins, for all and for each template that has hours of its own. A date that an
    /// exception closes or gives other hours stays as it is.
    fn half_day(&self, date: NaiveDate, closed_from: NaiveTime, usual: &Timetable) -> Vec<Exception> {
        let zone = usual.zone();
        let Ok(day) = Interval::of_dates(date, date, zone) else { return Vec::new() };
        let has_exception = |concerns: &dyn Fn(&[TemplateId]) -> bool| {
            self.exceptions().iter().any(|exception| {
                let replaces = !matches!(exception.effect(), ExceptionEffect::ExtraHours(_));
                replaces && concerns(exception.for_templates()) && !exception.dates(date, date).is_empty()
            })
        };
        let hours_before = |audience: Option<&str>| -> Vec<Hours> {
            let windows = usual.open_windows(day, audience);
            let local = windows
                .windows()
                .iter()
                .map(|open| (open.start().with_timezone(&zone), open.end().with_timezone(&zone)));
            local
                .filter(|(start, _)| start.date_naive() == date && start.time() < closed_from)
                .map(|(start, end)| {
                    let end = if end.date_naive() == date { end.time().min(closed_from) } else { closed_from };
                    Hours::new(start.time(), end)
                })
                .collect()
        };
        let mut exceptions = Vec::new();
        if has_exception(&<[TemplateId]>::is_empty) {
            return exceptions;
        }
        let hours = hours_before(None);
        exceptions.push(if hours.is_empty() { Exception::closed(date) } else { Exception::other_hours(date, hours) });
        for id in self
            .templates()
            .iter()
            .filter(|id| self.opening().iter().any(|rule| rule.audience().iter().any(|named| named == id.as_str())))
        {
            let hours = hours_before(Some(id.as_str()));
            if !hours.is_empty() && !has_exception(&|named| named.contains(id)) {
                exceptions.push(Exception::other_hours(date, hours).only_for(id.as_str()));
            }
        }
        exceptions
    }
}

/// The civil dates that can matter to slots that start in a window: appointments and hours across midnight take a day at most.
fn dates_around(window: Interval, zone: Tz) -> (NaiveDate, NaiveDate) {
    const MARGIN: TimeDelta = TimeDelta::days(3);
    // The engine opens no date outside these years.
    let (earliest, latest) = (NaiveDate::from_ymd_opt(1900, 1, 1), NaiveDate::from_ymd_opt(2200, 12, 31));
    let (earliest, latest) = (earliest.unwrap_or(NaiveDate::MIN), latest.unwrap_or(NaiveDate::MAX));
    let local = |instant: chrono::DateTime<chrono::Utc>| {
        // The clamp keeps the conversion within what chrono can name.
        let date = instant.date_naive().clamp(earliest, latest);
        if date == instant.date_naive() { instant.with_timezone(&zone).date_naive() } else { date }
    };
    let (first, last) = (local(window.start()), local(window.end()));
    (first.checked_sub_signed(MARGIN).unwrap_or(earliest), last.checked_add_signed(MARGIN).unwrap_or(latest))
}

/// A counter's rules and exceptions were checked for all that the engine refuses. Should it refuse still, a counter is closed rather than open by mistake.
fn built(builder: TimetableBuilder, zone: Tz) -> Timetable {
    let closed = || Timetable::builder(zone).build();
    builder
        .build()
        .or_else(|_| closed())
        .unwrap_or_else(|_| unreachable!("a timetable without rules is always possible"))
}
