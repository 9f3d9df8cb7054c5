//! Sets of weekdays as people write them.

use std::{borrow::Cow, fmt};

use chrono::Weekday;
use optigov_slots::Weekdays;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{
    Fault,
    text::{
        forms::text_value,
        reader::{Read, Reader, malformed, text},
        value::Value,
    },
};

/// One or more weekdays: `Mon-Fri`, `Mo-Fr`, `Di, Do`, `daily`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WeekdaysText(pub(crate) Weekdays);

impl WeekdaysText {
    /// Weekdays and ranges of them in German or English, abbreviated or not, separated by commas. `Fr-Mo` goes across the week's end.
    fn parse(text: &str) -> Result<WeekdaysText, Fault> {
        let unclear =
            || malformed(text, "Wochentage wie „Mo-Fr“ oder „Di, Do“", "weekdays such as \"Mon-Fri\" or \"Tue, Thu\"");
        let plain = without_words(text.trim());
        if ["daily", "täglich", "tÄglich", "taeglich"].iter().any(|daily| daily.eq_ignore_ascii_case(&plain)) {
            return Ok(WeekdaysText(Weekdays::ALL));
        }
        let mut days = Weekdays::default();
        for part in plain.split(',') {
            let (first, last) = part.split_once(['-', '–', '—']).unwrap_or((part, part));
            let (mut day, last) = (weekday(first).ok_or_else(unclear)?, weekday(last).ok_or_else(unclear)?);
            days = days | Weekdays::from(day);
            while day != last {
                day = day.succ();
                days = days | Weekdays::from(day);
            }
        }
        Ok(WeekdaysText(days))
    }
}

impl fmt::Display for WeekdaysText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

text_value!(WeekdaysText, read by hand, ["Mon-Fri", "Mo-Fr", "Tue, Thu", "Sat", "daily"]);

/// Read from one text, or from a list of such texts, as forms have it.
impl Read for WeekdaysText {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        let Value::List(list) = value else {
            let text = text(value, reader)?;
            return WeekdaysText::parse(text).map_err(|fault| reader.fault(fault)).ok();
        };
        if list.is_empty() {
            return reader.refuse(malformed("[]", "mindestens einen Wochentag", "at least one weekday"));
        }
        let days: Vec<WeekdaysText> = Vec::read(value, reader)?;
        Some(WeekdaysText(days.into_iter().fold(Weekdays::default(), |all, days| all | days.0)))
    }
}

impl JsonSchema for WeekdaysText {
    fn schema_name() -> Cow<'static, str> {
        "Weekdays".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<String> = WORDS.iter().flat_map(|(_, names)| names).map(|name| either_case(name)).collect();
        let day = format!(r"\s*({})\s*", names.join("|"));
        let days = format!(r"{day}((-|–|—| bis ){day})?");
        let pattern = format!(r"^(\s*([Dd]aily|[Tt]äglich|[Tt]aeglich)\s*|{days}((,| und ){days})*)$");
        let examples = ["Mon-Fri", "Mo-Fr", "Tue, Thu", "Sat", "daily"];
        let text = json_schema!({ "type": "string", "pattern": pattern, "examples": examples });
        json_schema!({
            "description": "Weekdays and ranges of them, in English or German, separated by commas or as a list; 'daily' for all.",
            "anyOf": [text, { "type": "array", "items": text, "minItems": 1 }],
        })
    }
}

const WORDS: [(Weekday, [&str; 6]); 7] = [
    (Weekday::Mon, ["mon", "mo", "monday", "montag", "montags", "mon."]),
    (Weekday::Tue, ["tue", "di", "tuesday", "dienstag", "dienstags", "tu"]),
    (Weekday::Wed, ["wed", "mi", "wednesday", "mittwoch", "mittwochs", "we"]),
    (Weekday::Thu, ["thu", "do", "thursday", "donnerstag", "donnerstags", "th"]),
    (Weekday::Fri, ["fri", "fr", "friday", "freitag", "freitags", "fri."]),
    (Weekday::Sat, ["sat", "sa", "saturday", "samstag", "samstags", "sonnabend"]),
    (Weekday::Sun, ["sun", "so", "sunday", "sonntag", "sonntags", "su"]),
];

/// A name that begins with a capital or not, as a regular expression.
fn either_case(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|first| format!("[{}{first}]", first.to_ascii_uppercase())).unwrap_or_default();
    first + &letters.as_str().replace('.', r"\.")
}

fn weekday(word: &str) -> Option<Weekday> {
    let word = word.trim();
    let is = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(word));
    WORDS.iter().find(|(_, names)| is(names)).map(|(day, _)| *day)
}

/// With `-` for „bis“ and `,` for „und“.
fn without_words(text: &str) -> Cow<'_, str> {
    // Most texts have neither, and are not copied.
    let may_have_one = text.as_bytes().windows(2).any(|pair| matches!(pair, [b' ', b'b' | b'B' | b'u' | b'U']));
    match may_have_one {
        true => Cow::Owned(text.to_lowercase().replace(" bis ", "-").replace(" und ", ",")),
        false => Cow::Borrowed(text),
    }
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
            ("TÄGLICH", "Mon-Sun"),
            ("MO BIS FR", "Mon-Fri"),
            ("Sa, So", "Sat, Sun"),
            ("Mo, Di", "Mon, Tue"),
            ("Mo bis Fr", "Mon-Fri"),
            ("Di und Do", "Tue, Thu"),
        ] {
            assert_eq!(WeekdaysText::parse(written).expect(written).to_string(), canonical);
        }
    }

    #[test]
    fn every_set_of_days_survives_its_text() {
        for bits in 1..1_u8 << 7 {
            let in_set = |day: &Weekday| bits & 1 << day.num_days_from_monday() != 0;
            let days = WeekdaysText(Weekdays::ALL.iter().filter(in_set).collect());
            assert_eq!(WeekdaysText::parse(&days.to_string()).expect("canonical"), days);
        }
    }

    #[test]
    fn what_is_no_weekday_is_refused() {
        for text in ["", ",", "Mo-", "Mo-Xx", "Mond", "1-5", "Mo Di"] {
            assert!(WeekdaysText::parse(text).is_err(), "{text}");
        }
    }
}
