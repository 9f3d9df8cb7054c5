//! How a booking at one instant stands, and why it cannot be made, in words.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use optigov_calendar::{Language, Text};
use optigov_slots::{Interval, Reason, Slot};
use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use crate::answer::{Status, local};

/// How a booking at one instant stands: the answer of [`CounterHandle::confirm`](crate::CounterHandle::confirm) and
/// [`CounterHandle::why`](crate::CounterHandle::why).
///
/// It serialises as it is: `start` (local time), `bookable`, `slot`, `status` (`known`, `stale` or `unknown`), `reason` (why calendars could not
/// be read) and `reasons` (why the start cannot be booked), each of these with its `code`, its data and its `message`. Texts are in the language
/// of [`in_language`](Self::in_language), German by default.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verdict {
    /// The instant that was asked about.
    pub start: DateTime<Utc>,
    /// The counter's zone, in which times are written.
    pub zone: Tz,
    /// How well the calendars behind the counter are known.
    pub status: Status,
    /// The slot that begins at the instant, where it can be booked.
    pub slot: Option<Slot>,
    /// Why it cannot be booked, as the engine sees it; empty where it can, or where the calendars are unknown (then the status says why).
    pub reasons: Vec<Reason>,
    /// The language of the texts when the verdict is serialised.
    pub(crate) language: Language,
}

impl Verdict {
    /// Whether an appointment can be booked at the instant.
    pub fn is_bookable(&self) -> bool {
        self.slot.is_some()
    }

    /// The same verdict with its texts in `language` when it is serialised.
    pub fn in_language(self, language: Language) -> Verdict {
        Verdict { language, ..self }
    }

    /// Why it cannot be booked, one sentence for each reason, with times as the counter's clock shows them.
    pub fn explain(&self, language: Language) -> Vec<String> {
        self.reasons.iter().map(|reason| reason_text(reason, self.zone).in_language(language).to_owned()).collect()
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let slot = self
            .slot
            .map(|slot| WrittenSlot { start: local(slot.start(), self.zone), end: local(slot.end(), self.zone) });
        let reasons: Vec<_> = self.reasons.iter().zip(self.explain(self.language)).collect();
        let reasons: Vec<_> = reasons.into_iter().map(|(reason, message)| WrittenReason { reason, message }).collect();
        let mut fields = serializer.serialize_struct("Verdict", 6)?;
        fields.serialize_field("start", &local(self.start, self.zone))?;
        fields.serialize_field("bookable", &self.is_bookable())?;
        fields.serialize_field("slot", &slot)?;
        fields.serialize_field("status", self.status.as_str())?;
        fields.serialize_field("reason", &self.status.reason(self.language))?;
        fields.serialize_field("reasons", &reasons)?;
        fields.end()
    }
}

#[derive(serde::Serialize)]
struct WrittenSlot {
    start: DateTime<chrono::FixedOffset>,
    end: DateTime<chrono::FixedOffset>,
}

#[derive(serde::Serialize)]
struct WrittenReason<'a> {
    #[serde(flatten)]
    reason: &'a Reason,
    message: String,
}

/// A reason as one sentence in both languages, with times as the clock in `zone` shows them.
pub fn reason_text(reason: &Reason, zone: Tz) -> Text {
    let de = |instant| at(instant, zone, "%d.%m.%Y, %H:%M");
    let en = |instant| at(instant, zone, "%Y-%m-%d %H:%M");
    match *reason {
        Reason::OutsideWindow { window } => Text::new(
            format!("Gefragt wurde nur nach der Zeit vom {} bis {} Uhr.", de(window.start()), de(window.end())),
            format!("Only the time from {} to {} was asked for.", en(window.start()), en(window.end())),
        ),
        Reason::Closed { at: closed, until, .. } => {
            let next_de = until.map_or(String::new(), |until| format!(" Er öffnet wieder am {} Uhr.", de(until)));
            let next_en = until.map_or(String::new(), |until| format!(" It opens again at {}.", en(until)));
            Text::new(
                format!("Der Schalter ist am {} Uhr geschlossen.{next_de}", de(closed)),
                format!("The counter is closed at {}.{next_en}", en(closed)),
            )
        }
        Reason::Holiday { date } => {
            Text::new(format!("Der {} ist ein Feiertag.", day_de(date)), format!("{date} is a holiday."))
        }
        Reason::OutsideHorizon { last, bookable_from } => Text::new(
            format!(
                "Der Tag liegt zu weit in der Zukunft: Buchbar ist bis zum {}. Dieser Tag ist ab dem {} Uhr buchbar.",
                day_de(last),
                de(bookable_from)
            ),
            format!(
                "The day is too far ahead: the last day that can be booked is {last}. This day can be booked from {} on.",
                en(bookable_from)
            ),
        ),
        Reason::LeadTime { earliest, .. } => Text::new(
            format!("Dafür ist es zu spät: Der früheste buchbare Beginn ist am {} Uhr.", de(earliest)),
            format!("It is too late for this: the earliest start that can be booked is {}.", en(earliest)),
        ),
        Reason::NotOnGrid { previous, next } => {
            let (before, after) = (previous.map(de), next.map(de));
            let german = match (before, after) {
                (Some(before), Some(after)) => format!(" Davor ist es am {before} Uhr möglich, danach am {after} Uhr."),
                (Some(before), None) => format!(" Davor ist es am {before} Uhr möglich."),
                (None, Some(after)) => format!(" Danach ist es am {after} Uhr möglich."),
                (None, None) => String::new(),
            };
            let english = match (previous.map(en), next.map(en)) {
                (Some(before), Some(after)) => format!(" One can start at {before} before, or at {after} after."),
                (Some(before), None) => format!(" One can start at {before} before."),
                (None, Some(after)) => format!(" One can start at {after} after."),
                (None, None) => String::new(),
            };
            Text::new(
                format!("Zu dieser Zeit beginnt kein Termin.{german}"),
                format!("No appointment starts at this time.{english}"),
            )
        }
        Reason::Busy { resource, interval } => Text::new(
            format!("Postfach {} ist {} belegt.", resource + 1, stretch_de(interval, zone)),
            format!("Mailbox {} is busy {}.", resource + 1, stretch_en(interval, zone)),
        ),
        Reason::Buffer { resource: Some(resource), interval, .. } => Text::new(
            format!("Der Puffer reicht nicht: Postfach {} ist {} belegt.", resource + 1, stretch_de(interval, zone)),
            format!("The buffer is too short: mailbox {} is busy {}.", resource + 1, stretch_en(interval, zone)),
        ),
        Reason::Buffer { resource: None, interval, .. } => Text::new(
            format!("Der Puffer reicht nicht: {} ist schon ein Termin gebucht.", stretch_de(interval, zone)),
            format!("The buffer is too short: an appointment is booked {}.", stretch_en(interval, zone)),
        ),
        Reason::Capacity { places, taken } => Text::new(
            format!("Alle Plätze sind vergeben: {taken} gebuchte Termine bei {places} gleichzeitig möglichen."),
            format!("All places are taken: {taken} appointments are booked, and {places} are possible at a time."),
        ),
        Reason::DayLimit { date, limit } => Text::new(
            format!("Am {} sind schon alle {limit} Termine vergeben.", day_de(date)),
            format!("All {limit} appointments on {date} are taken."),
        ),
        ref other => {
            Text::new(format!("Nicht buchbar ({}).", other.code()), format!("Not bookable ({}).", other.code()))
        }
    }
}

/// The instant as the zone's clock shows it.
fn at(instant: DateTime<Utc>, zone: Tz, format: &str) -> String {
    local(instant, zone).format(format).to_string()
}

fn day_de(date: NaiveDate) -> String {
    date.format("%d.%m.%Y").to_string()
}

fn stretch_de(interval: Interval, zone: Tz) -> String {
    let (start, end) = (at(interval.start(), zone, "%d.%m.%Y, %H:%M"), at(interval.end(), zone, "%d.%m.%Y, %H:%M"));
    format!("vom {start} Uhr bis {end} Uhr")
}

fn stretch_en(interval: Interval, zone: Tz) -> String {
    let (start, end) = (at(interval.start(), zone, "%Y-%m-%d %H:%M"), at(interval.end(), zone, "%Y-%m-%d %H:%M"));
    format!("from {start} to {end}")
}
