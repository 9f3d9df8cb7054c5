//! From a counter to the slot engine's inputs. This is the only place where the two meet.

use chrono::{Datelike, NaiveDate, NaiveTime, TimeDelta};
use chrono_tz::Tz;
use optigov_slots::{self as slots, Interval, Lead, OpenWindows, SlotRules, Timetable};

use crate::{
    counter::Counter,
    error::Error,
    exception::{Exception, ExceptionEffect},
    municipality::Municipality,
    opening::{OpeningRule, Repeat},
    template::AppointmentTemplate,
    values::{Hours, LeadTime, TemplateId},
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
            builder = builder.rule(engine_rule(rule));
        }
        for exception in self.exceptions() {
            for engine_exception in engine_exceptions(exception, first, last) {
                builder = builder.exception(engine_exception);
            }
        }
        let mut usual = None;
        if self.observes_holidays() {
            for holiday in (first.year()..=last.year()).flat_map(|year| municipality.holidays(year)) {
                match holiday.closed_from() {
                    _ if !(first..=last).contains(&holiday.date()) => {}
                    None => builder = builder.holiday(holiday.date()),
                    Some(closed_from) => {
                        let usual = usual.get_or_insert_with(|| self.rules_alone(zone));
                        for exception in self.half_day(holiday.date(), closed_from.time(), usual) {
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
    pub(crate) fn audience(&self, template: &AppointmentTemplate) -> Option<&TemplateId> {
        let named = self.opening().iter().map(OpeningRule::for_templates);
        let mut named = named.chain(self.exceptions().iter().map(Exception::for_templates)).flatten();
        named.find(|id| *id == template.id())
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
        let lead = match template.lead_time().unwrap_or(booking.lead_time()) {
            LeadTime::Exact(length) => Lead::Time(length),
            LeadTime::Days(days) => Lead::Days(u32::from(days)),
        };
        let mut rules = SlotRules::builder(template.length())
            .concerns(concerns)
            .anchor(booking.anchor())
            .buffer_before(template.buffer_before().unwrap_or(booking.buffer_before()))
            .buffer_after(template.buffer_after().unwrap_or(booking.buffer_after()))
            .lead(lead)
            .horizon_days(u32::from(booking.horizon_days()))
            .release_at(booking.release_at().time())
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
        built(self.opening().iter().map(engine_rule).fold(builder, slots::TimetableBuilder::rule), zone)
    }

    /// What stands for the usual hours on a half day: those of them before it begins, for all and for each template that has hours of its own. A date that an
    /// exception closes or gives other hours stays as it is.
    fn half_day(&self, date: NaiveDate, closed_from: NaiveTime, usual: &Timetable) -> Vec<slots::Exception> {
        let zone = usual.zone();
        let Ok(day) = Interval::of_dates(date, date, zone) else { return Vec::new() };
        let has_exception = |concerns: &dyn Fn(&[TemplateId]) -> bool| {
            self.exceptions().iter().any(|exception| {
                let replaces = !matches!(exception.effect(), ExceptionEffect::ExtraHours(_));
                replaces && concerns(exception.for_templates()) && !exception.dates(date, date).is_empty()
            })
        };
        let hours_before = |audience: Option<&str>| -> Vec<slots::Hours> {
            let windows = usual.open_windows(day, audience);
            let local = windows
                .windows()
                .iter()
                .map(|open| (open.start().with_timezone(&zone), open.end().with_timezone(&zone)));
            local
                .filter(|(start, _)| start.date_naive() == date && start.time() < closed_from)
                .map(|(start, end)| {
                    let end = if end.date_naive() == date { end.time().min(closed_from) } else { closed_from };
                    slots::Hours::new(start.time(), end)
                })
                .collect()
        };
        let mut exceptions = Vec::new();
        if has_exception(&<[TemplateId]>::is_empty) {
            return exceptions;
        }
        let hours = hours_before(None);
        exceptions.push(if hours.is_empty() {
            slots::Exception::closed(date)
        } else {
            slots::Exception::other_hours(date, hours)
        });
        for id in
            self.templates().iter().filter(|id| self.opening().iter().any(|rule| rule.for_templates().contains(id)))
        {
            let hours = hours_before(Some(id.as_str()));
            if !hours.is_empty() && !has_exception(&|named| named.contains(id)) {
                exceptions.push(slots::Exception::other_hours(date, hours).only_for(id.as_str()));
            }
        }
        exceptions
    }
}

fn engine_rule(rule: &OpeningRule) -> slots::Rule {
    let weekdays: slots::Weekdays = rule.days().iter().collect();
    let mut engine_rule = slots::Rule::weekly(weekdays);
    for hours in rule.hours() {
        engine_rule = engine_rule.hours(engine_hours(*hours));
    }
    if let Some(from) = rule.from() {
        engine_rule = engine_rule.valid_from(from);
    }
    if let Some(until) = rule.until() {
        engine_rule = engine_rule.valid_until(until);
    }
    engine_rule = match rule.repeat() {
        None => engine_rule,
        Some(Repeat::EveryWeeks { weeks, from }) => engine_rule.every_weeks(weeks, from),
        Some(Repeat::NthOfMonth(n)) => engine_rule.nth_of_month(n),
        Some(Repeat::LastOfMonth) => engine_rule.last_of_month(),
    };
    rule.for_templates().iter().fold(engine_rule, |rule, id| rule.only_for(id.as_str()))
}

fn engine_exceptions(exception: &Exception, first: NaiveDate, last: NaiveDate) -> Vec<slots::Exception> {
    let on_date = |date: NaiveDate| {
        let engine_exception = match exception.effect() {
            ExceptionEffect::Closed => slots::Exception::closed(date),
            ExceptionEffect::OtherHours(hours) => {
                slots::Exception::other_hours(date, hours.iter().copied().map(engine_hours))
            }
            ExceptionEffect::ExtraHours(hours) => {
                slots::Exception::extra_hours(date, hours.iter().copied().map(engine_hours))
            }
        };
        exception.for_templates().iter().fold(engine_exception, |exception, id| exception.only_for(id.as_str()))
    };
    exception.dates(first, last).into_iter().map(on_date).collect()
}

fn engine_hours(hours: Hours) -> slots::Hours {
    let clock = |minute: u16| {
        NaiveTime::from_hms_opt(u32::from(minute / 60 % 24), u32::from(minute % 60), 0).unwrap_or_default()
    };
    slots::Hours::new(clock(hours.start_minute()), clock(hours.end_minute()))
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
fn built(builder: slots::TimetableBuilder, zone: Tz) -> Timetable {
    let closed = || Timetable::builder(zone).build();
    builder
        .build()
        .or_else(|_| closed())
        .unwrap_or_else(|_| unreachable!("a timetable without rules is always possible"))
}
