//! The states, and rules that say on which dates a holiday falls.

use std::fmt;

use chrono::{Datelike, NaiveDate};
use holiday_de::{GermanHoliday, GermanRegion};
use optigov_calendar::Text;

use super::{Date, date::date_pattern};
use crate::{
    Fault,
    fault::Code,
    text::{
        forms::text_value,
        reader::{malformed, suggestion, word},
    },
};

/// A German state (Bundesland), whose public holidays a municipality has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State(GermanRegion);

impl State {
    /// Reads the usual two letters (`BY`) or the name (`Bayern`).
    ///
    /// # Errors
    ///
    /// A fault with the nearest known state.
    pub fn parse(text: &str) -> Result<State, Fault> {
        let wanted = text.trim().to_lowercase().replace('ü', "ue").replace([' ', '_'], "-");
        let found = STATES.iter().find(|(code, name, _)| code.eq_ignore_ascii_case(&wanted) || *name == wanted);
        if let Some((_, _, region)) = found {
            return Ok(State(*region));
        }
        let words: Vec<(&'static str, GermanRegion)> =
            STATES.iter().map(|(code, _, region)| (*code, *region)).collect();
        let shown = crate::fault::shortened(text);
        let codes = words.iter().map(|(code, _)| *code).collect::<Vec<_>>().join(", ");
        Err(Fault::new(
            Code::UnknownWord,
            Text::new(
                format!("Das Bundesland „{shown}“ ist unbekannt."),
                format!("The state \"{shown}\" is not known."),
            ),
            suggestion(&wanted, STATES.iter().map(|(_, name, _)| *name)).unwrap_or_else(|| {
                Text::new(
                    format!("Bitte eines dieser Kürzel angeben: {codes}."),
                    format!("Give one of these codes: {codes}."),
                )
            }),
        ))
    }

    /// The two letters of the state, as in `BY`.
    pub fn code(self) -> &'static str {
        STATES.iter().find(|(_, _, region)| *region == self.0).map_or("", |(code, _, _)| code)
    }

    /// The state's public holidays in a year, in the order of their dates. Where they differ within the state, `holiday_de` counts Mariä Himmelfahrt in
    /// Bavaria and Saarland in, and the Augsburg peace festival and Fronleichnam in Saxony and Thuringia out.
    pub(crate) fn holidays(self, year: i32) -> Vec<(NaiveDate, &'static str)> {
        // Earlier and later years have no defined set; chrono and computus may fail on them.
        if !(1995..=2999).contains(&year) {
            return Vec::new();
        }
        self.0.holiday_dates_in_year(year).into_iter().map(|(date, holiday)| (date, holiday.description())).collect()
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

text_value!(
    State,
    "A German state by its two letters or its name.",
    ["BY", "NW", "Bayern", "Thüringen"],
    concat!(
        r"^\s*(BW|BY|BE|BB|HB|HH|HE|MV|NI|NW|RP|SL|SN|ST|SH|TH|bw|by|be|bb|hb|hh|he|mv|ni|nw|rp|sl|sn|st|sh|th|Baden[- ]W(ü|ue)rttemberg|Bayern|Berlin|Brandenburg|Bremen|Hamburg|Hessen",
        r"|Mecklenburg[- ]Vorpommern|Niedersachsen|Nordrhein[- ]Westfalen|Rheinland[- ]Pfalz|Saarland|Sachsen|Sachsen[- ]Anhalt",
        r"|Schleswig[- ]Holstein|Th(ü|ue)ringen)\s*$"
    )
);

/// On which dates a holiday falls: by name, on the same date every year, once, or by its distance from Easter Sunday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HolidayRule(Rule);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Named(GermanHoliday),
    Yearly { month: u8, day: u8 },
    Once(Date),
    Easter(i16),
}

impl HolidayRule {
    /// Reads a name (`augsburger_friedensfest`), a date of every year (`12-24`), one date (`2027-05-10`), or days from Easter Sunday (`easter+39`,
    /// `easter-47`).
    ///
    /// # Errors
    ///
    /// A fault with the forms there are, or the nearest known name.
    pub fn parse(text: &str) -> Result<HolidayRule, Fault> {
        let trimmed = text.trim();
        let expected = || {
            malformed(
                text,
                "einen Feiertag wie „mariae_himmelfahrt“, einen Tag jedes Jahres wie „12-24“, ein Datum oder „easter+39“",
                "a holiday such as \"mariae_himmelfahrt\", a day of every year such as \"12-24\", a date, or \"easter+39\"",
            )
        };
        if let Some(offset) = trimmed.strip_prefix("easter") {
            let days: i16 = if offset.is_empty() { 0 } else { offset.parse().map_err(|_| expected())? };
            let explicit = offset.is_empty() || offset.starts_with(['+', '-']);
            return if explicit && (-100..=200).contains(&days) {
                Ok(HolidayRule(Rule::Easter(days)))
            } else {
                Err(expected())
            };
        }
        if !trimmed.starts_with(|c: char| c.is_ascii_digit()) {
            return word(trimmed, &HOLIDAYS).map(|holiday| HolidayRule(Rule::Named(holiday)));
        }
        if let Some((month, day)) = yearly(trimmed) {
            return Ok(HolidayRule(Rule::Yearly { month, day }));
        }
        Date::parse(trimmed).map(|date| HolidayRule(Rule::Once(date))).map_err(|_| expected())
    }

    /// The date in a year, if it has one there.
    pub fn date_in(self, year: i32) -> Option<NaiveDate> {
        // Outside these years computus and chrono may not be able to answer.
        if !(1900..=2999).contains(&year) {
            return None;
        }
        match self.0 {
            Rule::Named(holiday) => holiday.date(year),
            Rule::Yearly { month, day } => NaiveDate::from_ymd_opt(year, u32::from(month), u32::from(day)),
            Rule::Once(date) => Some(date.date()).filter(|date| date.year() == year),
            Rule::Easter(days) => {
                GermanHoliday::Ostersonntag.date(year)?.checked_add_signed(chrono::TimeDelta::days(i64::from(days)))
            }
        }
    }

    /// The holiday's German name, for a rule by name.
    pub fn name(self) -> Option<&'static str> {
        match self.0 {
            Rule::Named(holiday) => Some(holiday.description()),
            _ => None,
        }
    }

    /// The single date of a rule that holds once.
    pub(crate) fn only_date(self) -> Option<NaiveDate> {
        match self.0 {
            Rule::Once(date) => Some(date.date()),
            _ => None,
        }
    }
}

impl fmt::Display for HolidayRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Rule::Named(wanted) => {
                let word = HOLIDAYS.iter().find(|(_, holiday)| *holiday == wanted).map_or("", |(word, _)| word);
                f.write_str(word)
            }
            Rule::Yearly { month, day } => write!(f, "{month:02}-{day:02}"),
            Rule::Once(date) => date.fmt(f),
            Rule::Easter(0) => f.write_str("easter"),
            Rule::Easter(days) => write!(f, "easter{days:+}"),
        }
    }
}

text_value!(
    HolidayRule,
    "A holiday by name, a day of every year (MM-DD), one date (YYYY-MM-DD), or days from Easter Sunday (easter+39).",
    ["augsburger_friedensfest", "mariae_himmelfahrt", "12-24", "2027-05-10", "easter+39", "easter-47"],
    format!(
        r"^\s*({}|easter([+-][0-9]{{1,3}})?|{}|(0?[1-9]|1[0-2])-(0?[1-9]|[12][0-9]|3[01])|(0?[1-9]|[12][0-9]|3[01])\.(0?[1-9]|1[0-2])\.)\s*$",
        HOLIDAYS.map(|(word, _)| word).join("|"),
        date_pattern!()
    )
);

/// `12-24` or `24.12.`: a day that some year has.
fn yearly(text: &str) -> Option<(u8, u8)> {
    let (month, day) = match text.strip_suffix('.') {
        Some(german) => german.split_once('.').map(|(day, month)| (month, day))?,
        None => text.split_once('-')?,
    };
    let number = |digits: &str| -> Option<u8> {
        let fits = (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if fits { digits.parse().ok() } else { None }
    };
    let (month, day) = (number(month)?, number(day)?);
    // A leap year has every day there is.
    NaiveDate::from_ymd_opt(2028, u32::from(month), u32::from(day))?;
    Some((month, day))
}

const STATES: [(&str, &str, GermanRegion); 16] = [
    ("BW", "baden-wuerttemberg", GermanRegion::BadenWuerttemberg),
    ("BY", "bayern", GermanRegion::Bayern),
    ("BE", "berlin", GermanRegion::Berlin),
    ("BB", "brandenburg", GermanRegion::Brandenburg),
    ("HB", "bremen", GermanRegion::Bremen),
    ("HH", "hamburg", GermanRegion::Hamburg),
    ("HE", "hessen", GermanRegion::Hessen),
    ("MV", "mecklenburg-vorpommern", GermanRegion::MechlenburgVorpommern),
    ("NI", "niedersachsen", GermanRegion::Niedersachsen),
    ("NW", "nordrhein-westfalen", GermanRegion::NordrheinWestfalen),
    ("RP", "rheinland-pfalz", GermanRegion::RheinlandPfalz),
    ("SL", "saarland", GermanRegion::Saarland),
    ("SN", "sachsen", GermanRegion::Sachsen),
    ("ST", "sachsen-anhalt", GermanRegion::SachsenAnhalt),
    ("SH", "schleswig-holstein", GermanRegion::SchleswigHolstein),
    ("TH", "thueringen", GermanRegion::Thueringen),
];

const HOLIDAYS: [(&str, GermanHoliday); 27] = [
    ("neujahr", GermanHoliday::Neujahr),
    ("heilige_drei_koenige", GermanHoliday::HeiligeDreiKoenige),
    ("frauentag", GermanHoliday::Frauentag),
    ("faschingsdienstag", GermanHoliday::Faschingsdienstag),
    ("aschermittwoch", GermanHoliday::Aschermittwoch),
    ("gruendonnerstag", GermanHoliday::Gruendonnerstag),
    ("karfreitag", GermanHoliday::Karfreitag),
    ("ostersonntag", GermanHoliday::Ostersonntag),
    ("ostermontag", GermanHoliday::Ostermontag),
    ("erster_mai", GermanHoliday::ErsterMai),
    ("tag_der_befreiung", GermanHoliday::TagDerBefreiung),
    ("christi_himmelfahrt", GermanHoliday::ChristiHimmelfahrt),
    ("pfingstsonntag", GermanHoliday::Pfingstsonntag),
    ("pfingstmontag", GermanHoliday::Pfingstmontag),
    ("siebzehnter_juni", GermanHoliday::SiebzehnterJuni),
    ("fronleichnam", GermanHoliday::Fronleichnam),
    ("augsburger_friedensfest", GermanHoliday::AugsburgerFriedensfest),
    ("mariae_himmelfahrt", GermanHoliday::MariaeHimmelfahrt),
    ("weltkindertag", GermanHoliday::Weltkindertag),
    ("tag_der_deutschen_einheit", GermanHoliday::TagDerDeutschenEinheit),
    ("reformationstag", GermanHoliday::Reformationstag),
    ("allerheiligen", GermanHoliday::Allerheiligen),
    ("buss_und_bettag", GermanHoliday::BussUndBettag),
    ("heiligabend", GermanHoliday::Heiligabend),
    ("erster_weihnachtsfeiertag", GermanHoliday::ErsterWeihnachtsfeiertag),
    ("zweiter_weihnachtsfeiertag", GermanHoliday::ZweiterWeihnachtsfeiertag),
    ("silvester", GermanHoliday::Silvester),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).expect("a date")
    }

    #[test]
    fn rules_fall_on_the_dates_of_the_calendar() {
        for (rule, date) in [
            ("augsburger_friedensfest", day(2027, 8, 8)),
            ("mariae-himmelfahrt", day(2027, 8, 15)),
            ("12-24", day(2027, 12, 24)),
            ("24.12.", day(2027, 12, 24)),
            ("easter+39", day(2027, 5, 6)),
            ("easter-48", day(2027, 2, 8)),
            ("2027-05-10", day(2027, 5, 10)),
        ] {
            assert_eq!(HolidayRule::parse(rule).expect(rule).date_in(2027), Some(date), "{rule}");
        }
        assert_eq!(HolidayRule::parse("02-29").expect("leap day").date_in(2027), None);
        assert_eq!(HolidayRule::parse("2027-05-10").expect("once").date_in(2028), None);
    }

    #[test]
    fn every_name_and_state_survives_its_text() {
        for (word, _) in HOLIDAYS {
            assert_eq!(HolidayRule::parse(word).expect(word).to_string(), word);
        }
        for (code, name, _) in STATES {
            assert_eq!(State::parse(name).expect(name).to_string(), code);
        }
    }

    #[test]
    fn what_is_no_rule_is_refused_and_the_nearest_name_is_told() {
        for text in ["", "easter39", "easter+999", "13-01", "02-30", "2027", "12-24-", "12-+4", "+1-4"] {
            assert!(HolidayRule::parse(text).is_err(), "{text}");
        }
        let fault = HolidayRule::parse("mariä_himmelfahrt").expect_err("an umlaut");
        assert!(fault.remedy(crate::Language::German).contains("mariae_himmelfahrt"), "{fault}");
    }
}
