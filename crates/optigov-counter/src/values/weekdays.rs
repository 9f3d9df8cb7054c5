//! Sets of weekdays as people write them.

use std::borrow::Cow;
use std::fmt;

use chrono::Weekday;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::Fault;
use crate::text::forms::text_value;
use crate::text::reader::{Read, Reader, text};
use crate::text::value::Value;
use crate::values::malformed;

/// One or more weekdays: `Mon-Fri`, `Mo-Fr`, `Di, Do`, `daily`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Weekdays(u8);

impl Weekdays {
    /// Reads weekdays and ranges of them in German or English, abbreviated or not, separated by commas. `Fr-Mo` goes across the week's end.
    ///
    /// # Errors
    ///
    /// A fault if a word is no weekday, or there is none.
    pub fn parse(text: &str) -> Result<Weekdays, Fault> {
        let unclear =
            || malformed(text, "Wochentage wie „Mo-Fr“ oder „Di, Do“", "weekdays such as \"Mon-Fri\" or \"Tue, Thu\"");
        let plain = text.trim().to_lowercase();
        if ["daily", "täglich", "taeglich"].contains(&plain.as_str()) {
            return Ok(Weekdays(ALL));
        }
        let mut days = 0;
        for part in plain.split(',') {
            let (first, last) = part.split_once(['-', '–']).unwrap_or((part, part));
            let (first, last) = (number(first).ok_or_else(unclear)?, number(last).ok_or_else(unclear)?);
            let length = (last + 7 - first) % 7;
            (0..=length).for_each(|step| days |= 1 << ((first + step) % 7));
        }
        Ok(Weekdays(days))
    }

    /// The days, from Monday on.
    pub fn iter(self) -> impl Iterator<Item = Weekday> {
        DAYS.iter().enumerate().filter(move |(index, _)| self.0 & (1 << index) != 0).map(|(_, (day, _))| *day)
    }

    /// Whether a day is among them.
    pub fn contains(self, day: Weekday) -> bool {
        self.0 & (1 << day.num_days_from_monday()) != 0
    }

    /// Whether some day is among both.
    pub(crate) fn overlap(self, other: Weekdays) -> bool {
        self.0 & other.0 != 0
    }

    /// The days after these.
    pub(crate) fn next_days(self) -> Weekdays {
        Weekdays((self.0 << 1 | self.0 >> 6) & ALL)
    }
}

impl fmt::Display for Weekdays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut day = 0;
        let mut first_part = true;
        while day < 7 {
            if self.0 & (1 << day) == 0 {
                day += 1;
                continue;
            }
            let last = (day..7).take_while(|next| self.0 & (1 << next) != 0).last().unwrap_or(day);
            if !first_part {
                f.write_str(", ")?;
            }
            first_part = false;
            f.write_str(DAYS[day].1[0])?;
            match last - day {
                0 => {}
                1 => write!(f, ", {}", DAYS[last].1[0])?,
                _ => write!(f, "-{}", DAYS[last].1[0])?,
            }
            day = last + 1;
        }
        Ok(())
    }
}

text_value!(Weekdays, read by hand, ["Mon-Fri", "Mo-Fr", "Tue, Thu", "Sat", "daily"]);

/// Read from one text, or from a list of such texts, as forms have it.
impl Read for Weekdays {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        let Value::List(list) = value else {
            let text = text(value, reader)?;
            return Weekdays::parse(text).map_err(|fault| reader.fault(fault)).ok();
        };
        if list.is_empty() {
            return reader.refuse(malformed("[]", "mindestens ein Wochentag", "at least one weekday"));
        }
        let days: Vec<Weekdays> = Vec::read(value, reader)?;
        Some(Weekdays(days.into_iter().fold(0, |all, days| all | days.0)))
    }
}

impl JsonSchema for Weekdays {
    fn schema_name() -> Cow<'static, str> {
        "Weekdays".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = json_schema!({ "type": "string", "examples": ["Mon-Fri", "Mo-Fr", "Tue, Thu", "Sat", "daily"] });
        json_schema!({
            "description": "Weekdays and ranges of them, in English or German, separated by commas or as a list; 'daily' for all.",
            "anyOf": [text, { "type": "array", "items": text, "minItems": 1 }],
        })
    }
}

const ALL: u8 = 0b111_1111;

/// The canonical abbreviation first.
const DAYS: [(Weekday, [&str; 6]); 7] = [
    (Weekday::Mon, ["Mon", "mo", "monday", "montag", "montags", "mon."]),
    (Weekday::Tue, ["Tue", "di", "tuesday", "dienstag", "dienstags", "tu"]),
    (Weekday::Wed, ["Wed", "mi", "wednesday", "mittwoch", "mittwochs", "we"]),
    (Weekday::Thu, ["Thu", "do", "thursday", "donnerstag", "donnerstags", "th"]),
    (Weekday::Fri, ["Fri", "fr", "friday", "freitag", "freitags", "fri."]),
    (Weekday::Sat, ["Sat", "sa", "saturday", "samstag", "samstags", "sonnabend"]),
    (Weekday::Sun, ["Sun", "so", "sunday", "sonntag", "sonntags", "su"]),
];

fn number(word: &str) -> Option<usize> {
    let word = word.trim();
    DAYS.iter().position(|(_, names)| names.iter().any(|name| name.eq_ignore_ascii_case(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_that_people_write_have_one_canonical_form() {
        for (written, canonical) in [
            ("Mo-Fr", "Mon-Fri"),
            ("Mon-Fri", "Mon-Fri"),
            ("Montag–Freitag", "Mon-Fri"),
            ("Di, Do", "Tue, Thu"),
            ("do,di", "Tue, Thu"),
            ("Fr-Mo", "Mon, Fri-Sun"),
            ("täglich", "Mon-Sun"),
            ("Sa, So", "Sat, Sun"),
            ("Mo, Di", "Mon, Tue"),
        ] {
            assert_eq!(Weekdays::parse(written).expect(written).to_string(), canonical);
        }
    }

    #[test]
    fn every_set_of_days_survives_its_text() {
        for bits in 1..=ALL {
            let days = Weekdays(bits);
            assert_eq!(Weekdays::parse(&days.to_string()).expect("canonical"), days);
        }
    }

    #[test]
    fn what_is_no_weekday_is_refused() {
        for text in ["", ",", "Mo-", "Mo-Xx", "Mond", "1-5", "Mo Di"] {
            assert!(Weekdays::parse(text).is_err(), "{text}");
        }
    }
}
