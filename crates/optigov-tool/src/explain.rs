//! `optigov config explain`: what a configuration means, in sentences.

use std::time::Duration;

use chrono::{Datelike as _, Days, NaiveDate, NaiveTime, Timelike as _, Utc, Weekday};
use optigov_availability::{Interval, Language};
use optigov_counter::{Counter, Lead, Municipality, Needed, WhenUnavailable};
use optigov_tool::{counted, terminal_width, wrapped};

use crate::failure::Failure;

pub(crate) fn text(
    municipality: &Municipality,
    wanted: &[String],
    from: Option<NaiveDate>,
    days: u16,
    language: Language,
) -> Result<String, Failure> {
    if let Some(unknown) = wanted.iter().find(|id| municipality.counter(id).is_none()) {
        let known: Vec<&str> = municipality.counters().map(|counter| counter.id().as_str()).collect();
        let known = known.join(", ");
        return Err(Failure::unusable(
            format!("Den Schalter „{unknown}“ gibt es nicht; es gibt: {known}"),
            format!("There is no counter \"{unknown}\"; there are: {known}"),
        ));
    }
    let words = Words { german: language != Language::English };
    let today = Utc::now().with_timezone(&municipality.time_zone()).date_naive();
    let from = from.unwrap_or(today);
    let mut out = words.municipality(municipality);
    let counters = municipality.counters();
    for counter in counters.filter(|counter| wanted.is_empty() || wanted.iter().any(|id| id == counter.id().as_str())) {
        out += "\n";
        out += &words.counter(municipality, counter);
        out += &words.days(municipality, counter, from, days);
    }
    Ok(wrapped(&out, terminal_width()))
}

struct Words {
    german: bool,
}

impl Words {
    fn say(&self, german: String, english: String) -> String {
        if self.german { german } else { english }
    }

    fn municipality(&self, municipality: &Municipality) -> String {
        let zone = municipality.time_zone();
        let state = municipality.state().map_or_else(
            || self.say("keine Feiertage eines Bundeslands".into(), "no state's holidays".into()),
            |state| self.say(format!("Feiertage: {}", state.code()), format!("holidays: {}", state.code())),
        );
        let mut out = format!("{} ({zone}, {state})\n", municipality.name());
        let connected = municipality.exchange().is_some() || municipality.exchange_online().is_some();
        let policy = municipality
            .exchange()
            .map(|exchange| exchange.when_unavailable())
            .or_else(|| municipality.exchange_online().map(|online| online.when_unavailable()));
        out += &match policy {
            None if !connected => {
                self.say("Es gibt keine Verbindung zu Exchange.".into(), "There is no connection to Exchange.".into())
            }
            Some(WhenUnavailable::ServeStale { up_to }) => self.say(
                format!("Antwortet Exchange nicht, gilt der letzte Stand bis zu {} lang.", self.span(up_to)),
                format!("While Exchange does not answer, the last state holds for up to {}.", self.span(up_to)),
            ),
            Some(WhenUnavailable::Ignore) => self.say(
                "Antwortet Exchange nicht, gelten allein die Öffnungszeiten: Doppelbuchungen sind möglich.".into(),
                "While Exchange does not answer, the opening hours alone count: double bookings are possible.".into(),
            ),
            _ => self.say(
                "Antwortet Exchange nicht, wird an den betroffenen Schaltern nichts angeboten.".into(),
                "While Exchange does not answer, nothing is offered at the counters concerned.".into(),
            ),
        };
        out + "\n"
    }

    fn counter(&self, municipality: &Municipality, counter: &Counter) -> String {
        let place = counter.place().map(|place| format!(", {place}")).unwrap_or_default();
        let mut out = format!("{} [{}]{place}\n", counter.name(), counter.id());
        let mut line = |german: String, english: String| {
            out += "  ";
            out += &self.say(german, english);
            out += "\n";
        };
        let templates: Vec<String> = counter
            .templates()
            .iter()
            .filter_map(|id| municipality.template(id.as_str()))
            .map(|template| format!("{} ({})", template.label(), self.span(template.length())))
            .collect();
        match templates.is_empty() {
            true => line("Hier kann nichts gebucht werden.".into(), "Nothing can be booked here.".into()),
            false => line(
                format!("Gebucht werden kann: {}.", templates.join(", ")),
                format!("What can be booked: {}.", templates.join(", ")),
            ),
        }
        let booking = counter.booking();
        let lead = match booking.lead_time() {
            Lead::Days(0) => None,
            Lead::Days(days) => Some(self.say(
                format!("bis {} vorher", counted(days as usize, "Tag", "Tage")),
                format!("until {} before", counted(days as usize, "day", "days")),
            )),
            Lead::Time(time) if !time.is_zero() => {
                Some(self.say(format!("bis {} vorher", self.span(time)), format!("until {} before", self.span(time))))
            }
            _ => None,
        };
        let lead = lead.unwrap_or_else(|| self.say("bis zum Beginn".into(), "until the start".into()));
        let horizon = booking.horizon_days() as usize;
        line(
            format!("Gebucht wird {lead} und höchstens {} im Voraus.", counted(horizon, "Tag", "Tage")),
            format!("Bookings are taken {lead}, at most {} ahead.", counted(horizon, "day", "days")),
        );
        let capacity = counter.capacity() as usize;
        if capacity > 1 {
            line(
                format!("{capacity} Termine können gleichzeitig stattfinden."),
                format!("{capacity} appointments can take place at the same time."),
            );
        }
        if let Some(limit) = booking.day_limit() {
            let limit = limit as usize;
            line(
                format!("Am Tag gibt es höchstens {}.", counted(limit, "Termin", "Termine")),
                format!("There are at most {} on a day.", counted(limit, "appointment", "appointments")),
            );
        }
        let buffers = (booking.buffer_before(), booking.buffer_after());
        if buffers != (Duration::ZERO, Duration::ZERO) {
            let (before, after) = (self.span(buffers.0), self.span(buffers.1));
            line(
                format!("Frei bleiben davor {before} und danach {after}."),
                format!("{before} before and {after} after are kept free."),
            );
        }
        let sync = counter.exchange_sync();
        let count = sync.mailboxes().len();
        let needed = match sync.needed() {
            _ if count <= 1 => String::new(),
            Needed::Any => self.say(", eines muss frei sein".into(), ", one must be free".into()),
            Needed::AtLeast(least) => {
                self.say(format!(", {least} müssen frei sein"), format!(", {least} must be free"))
            }
            _ => self.say(", alle müssen frei sein".into(), ", all must be free".into()),
        };
        match sync.is_on() {
            true => line(
                format!("Exchange-Abgleich: ein, {}{needed}.", counted(count, "Postfach", "Postfächer")),
                format!("Exchange sync: on, {}{needed}.", counted(count, "mailbox", "mailboxes")),
            ),
            false => line(
                "Exchange-Abgleich: aus; es zählen nur Öffnungszeiten und Buchungen.".into(),
                "Exchange sync: off; only opening hours and bookings count.".into(),
            ),
        }
        for warning in municipality.counter_warnings(counter.id().as_str()) {
            let (german, english) = (warning.message(Language::German), warning.message(Language::English));
            line(format!("Warnung: {german}"), format!("Warning: {english}"));
        }
        out
    }

    /// The opening hours of the coming days, with what is special about them.
    fn days(&self, municipality: &Municipality, counter: &Counter, from: NaiveDate, days: u16) -> String {
        let template = counter.templates().iter().find_map(|id| municipality.template(id.as_str()));
        let Some(template) = template else { return String::new() };
        let zone = counter.time_zone().unwrap_or(municipality.time_zone());
        let last = from.checked_add_days(Days::new(u64::from(days) - 1)).unwrap_or(from);
        let Ok(window) = Interval::of_dates(from, last, zone) else { return String::new() };
        let open = counter.open_windows(municipality, template, window);
        let holidays: Vec<_> = (from.year()..=last.year()).flat_map(|year| municipality.holidays(year)).collect();
        let mut out = String::new();
        for date in from.iter_days().take(usize::from(days)) {
            let hours: Vec<String> = open
                .windows()
                .iter()
                .map(|open| (open.start().with_timezone(&zone), open.end().with_timezone(&zone)))
                .filter(|(start, _)| start.date_naive() == date)
                .map(|(start, end)| format!("{}–{}", start.format("%H:%M"), self.end(end.time())))
                .collect();
            let holiday = holidays.iter().find(|holiday| counter.observes_holidays() && holiday.date() == date);
            let holiday = holiday.and_then(|holiday| holiday.name());
            let reasons = counter.exceptions().iter().filter(|exception| !exception.dates(date, date).is_empty());
            let exception = self.say("Ausnahme".into(), "exception".into());
            let reasons: Vec<&str> =
                holiday.into_iter().chain(reasons.map(|one| one.reason().unwrap_or(&exception))).collect();
            let closed = self.say("geschlossen".into(), "closed".into());
            let hours = if hours.is_empty() { closed } else { hours.join(", ") };
            let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join("; ")) };
            out += &format!("  {} {}  {hours}{reasons}\n", self.weekday(date.weekday()), self.date(date));
        }
        out
    }

    fn end(&self, time: NaiveTime) -> String {
        if time == NaiveTime::MIN { "24:00".to_owned() } else { format!("{:02}:{:02}", time.hour(), time.minute()) }
    }

    fn date(&self, date: NaiveDate) -> String {
        date.format(if self.german { "%d.%m.%Y" } else { "%Y-%m-%d" }).to_string()
    }

    fn weekday(&self, day: Weekday) -> &'static str {
        let at = day.num_days_from_monday() as usize;
        match self.german {
            true => ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"][at],
            false => ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][at],
        }
    }

    /// A length of time in words: whole hours as hours, else minutes, else seconds.
    fn span(&self, span: Duration) -> String {
        let seconds = span.as_secs() as usize;
        let (count, german, english) = match seconds {
            0 => (0, ("Minute", "Minuten"), ("minute", "minutes")),
            _ if seconds.is_multiple_of(3600) => (seconds / 3600, ("Stunde", "Stunden"), ("hour", "hours")),
            _ if seconds.is_multiple_of(60) => (seconds / 60, ("Minute", "Minuten"), ("minute", "minutes")),
            _ => (seconds, ("Sekunde", "Sekunden"), ("second", "seconds")),
        };
        let (one, many) = if self.german { german } else { english };
        counted(count, one, many)
    }
}
