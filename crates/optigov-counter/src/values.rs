//! The small values of the format. Each has one canonical text, and can only be made by a constructor that checks it.

mod clock;
mod date;
mod holiday;
mod name;
mod span;
mod weekdays;
mod zone;

pub(crate) use clock::{HoursText, TimeText};
pub(crate) use date::Date;
pub use holiday::{HolidayRule, State};
pub use name::{CounterId, TemplateId};
pub(crate) use name::{ID_PATTERN, Line};
pub(crate) use span::{Days, LeadText, Span, at_least, span_within_a_day};
pub(crate) use weekdays::WeekdaysText;
pub(crate) use zone::Zone;

#[cfg(test)]
pub(crate) fn examples_hold<T: std::str::FromStr<Err = crate::Fault> + ToString + PartialEq + std::fmt::Debug>(
    examples: &[&str],
) {
    for example in examples {
        let value: T = example.parse().expect("an example of the schema");
        let again: T = value.to_string().parse().expect("the canonical form");
        assert_eq!(value, again, "{example}");
        assert_eq!(again.to_string(), value.to_string(), "the canonical form of {example} is not stable");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_in_the_schema_are_read_and_their_canonical_form_is_stable() {
        examples_hold::<CounterId>(CounterId::EXAMPLES);
        examples_hold::<TemplateId>(TemplateId::EXAMPLES);
        examples_hold::<Line>(Line::EXAMPLES);
        examples_hold::<Span>(Span::EXAMPLES);
        examples_hold::<Days>(Days::EXAMPLES);
        examples_hold::<LeadText>(LeadText::EXAMPLES);
        examples_hold::<TimeText>(TimeText::EXAMPLES);
        examples_hold::<HoursText>(HoursText::EXAMPLES);
        examples_hold::<WeekdaysText>(WeekdaysText::EXAMPLES);
        examples_hold::<Date>(Date::EXAMPLES);
        examples_hold::<Zone>(Zone::EXAMPLES);
        examples_hold::<State>(State::EXAMPLES);
        examples_hold::<HolidayRule>(HolidayRule::EXAMPLES);
    }
}
