//! The small values of the format: each has one canonical text, and its constructor is the only door.

mod date;
mod holiday;
mod name;
mod span;
mod time_of_day;
mod weekdays;
mod zone;

pub(crate) use date::Date;
pub use holiday::{HolidayRule, State};
pub(crate) use name::Line;
pub use name::{CounterId, TemplateId};
pub use span::LeadTime;
pub(crate) use span::{Days, Span};
pub use time_of_day::{Hours, TimeOfDay};
pub use weekdays::Weekdays;
pub(crate) use zone::Zone;

use crate::Fault;
use crate::fault::{Code, Texts};

/// A value whose canonical form is a text: `FromStr` and serde go through its `parse` and `Display`.
macro_rules! text_form {
    ($type:ident, [$($example:literal),+ $(,)?]) => {
        impl std::str::FromStr for $type {
            type Err = $crate::Fault;

            fn from_str(text: &str) -> Result<Self, $crate::Fault> {
                $type::parse(text)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        $crate::text::reader::deserialize_by_reading!($type);

        #[cfg(test)]
        impl $type {
            /// The examples of the schema, which a test parses.
            pub(crate) const EXAMPLES: &[&str] = &[$($example),+];
        }
    };
}
pub(crate) use text_form;

/// A value whose every form is a text.
macro_rules! text_value {
    ($type:ident, $description:literal, [$first:literal $(, $example:literal)* $(,)?]) => {
        $crate::values::text_form!($type, [$first $(, $example)*]);

        impl $crate::text::reader::Read for $type {
            fn read(
                value: &$crate::text::value::Value<'_>,
                reader: &mut $crate::text::reader::Reader,
            ) -> Option<Self> {
                let text = $crate::text::reader::text_like($first, value, reader)?;
                $type::parse(text).map_err(|fault| reader.fault(fault)).ok()
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "description": $description, "examples": [$first $(, $example)*] })
            }
        }
    };
}
pub(crate) use text_value;

/// A text that has not the form that its key takes.
pub(crate) fn malformed(text: &str, expected_de: &str, expected_en: &str) -> Fault {
    let shown = crate::fault::shortened(text);
    Fault::new(
        Code::Malformed,
        Texts::new(
            format!("„{shown}“ ist hier nicht zu verstehen."),
            format!("\"{shown}\" cannot be understood here."),
        ),
        Texts::new(format!("Erwartet wird {expected_de}."), format!("Expected is {expected_en}.")),
    )
}

#[cfg(test)]
pub(crate) fn examples_hold<T: std::str::FromStr<Err = Fault> + ToString + PartialEq + std::fmt::Debug>(
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
        examples_hold::<LeadTime>(LeadTime::EXAMPLES);
        examples_hold::<TimeOfDay>(TimeOfDay::EXAMPLES);
        examples_hold::<Hours>(Hours::EXAMPLES);
        examples_hold::<Weekdays>(Weekdays::EXAMPLES);
        examples_hold::<Date>(Date::EXAMPLES);
        examples_hold::<Zone>(Zone::EXAMPLES);
        examples_hold::<State>(State::EXAMPLES);
        examples_hold::<HolidayRule>(HolidayRule::EXAMPLES);
    }
}
