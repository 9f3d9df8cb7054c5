//! The kinds of values that the format has, each by one macro: words, texts, whole numbers and tables.
//!
//! A macro gives a type everything that its kind needs: how it is read with faults, how it is written, and its JSON Schema.

/// Words: an enum each of whose values is one word.
///
/// The first form defines the enum. The second, for an enum of a crate below, defines a wrapper that reads and writes it. The third
/// teaches the reader enums that know their words themselves.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $visibility:vis enum $type:ident { $($(#[$doc:meta])* $name:ident = $word:literal),+ $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, schemars::JsonSchema)]
        $visibility enum $type {
            $($(#[$doc])* #[serde(rename = $word)] $name,)+
        }

        impl $crate::text::reader::Read for $type {
            fn read(
                value: &$crate::text::value::Value<'_>,
                reader: &mut $crate::text::reader::Reader,
            ) -> Option<Self> {
                $crate::text::reader::word_value(value, reader, &[$(($word, $type::$name)),+])
            }
        }
    };
    (
        $(#[$meta:meta])*
        struct $type:ident($inner:ty), $description:literal, { $($value:expr => $word:literal),+ $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) struct $type(pub(crate) $inner);

        impl $type {
            const WORDS: &[(&'static str, $inner)] = &[$(($word, $value)),+];
        }

        impl $crate::text::reader::Read for $type {
            fn read(
                value: &$crate::text::value::Value<'_>,
                reader: &mut $crate::text::reader::Reader,
            ) -> Option<Self> {
                $crate::text::reader::word_value(value, reader, Self::WORDS).map($type)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let word = Self::WORDS.iter().find(|(_, value)| *value == self.0).map(|(word, _)| *word);
                serializer.serialize_str(word.ok_or_else(|| serde::ser::Error::custom("it has no word"))?)
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "description": $description, "enum": [$($word),+] })
            }
        }
    };
    ($($type:ty),+ $(,)?) => {
        $(impl $crate::text::reader::Read for $type {
            fn read(
                value: &$crate::text::value::Value<'_>,
                reader: &mut $crate::text::reader::Reader,
            ) -> Option<Self> {
                $crate::text::reader::word_value(value, reader, &<$type>::ALL.map(|value| (value.as_str(), value)))
            }
        })+
    };
}
pub(crate) use words;

/// Texts: a type with `parse`, which gives a fault, `Display`, which writes its one canonical form, and a regular expression (ECMA 262) for the schema, which matches
/// what `parse` reads, as far as such an expression can say it.
///
/// With `read by hand`, the type implements `Read` and `JsonSchema` itself, because it is also read from something else than a text.
macro_rules! text_value {
    ($type:ident, $description:literal, [$first:literal $(, $example:literal)* $(,)?], $pattern:expr $(,)?) => {
        $crate::text::forms::text_value!($type, read by hand, [$first $(, $example)*]);

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
                stringify!($type).trim_end_matches("Text").into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "description": $description,
                    "pattern": $pattern,
                    "examples": [$first $(, $example)*],
                })
            }
        }
    };
    ($type:ident, read by hand, [$($example:literal),+ $(,)?]) => {
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

        $crate::text::forms::deserialize_by_reading!($type);

        #[cfg(test)]
        impl $type {
            /// The examples of the schema, which a test parses.
            pub(crate) const EXAMPLES: &[&str] = &[$($example),+];
        }
    };
}
pub(crate) use text_value;

/// Whole numbers within limits.
macro_rules! number {
    ($type:ident, $least:literal..=$most:literal) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
        #[serde(transparent)]
        pub(crate) struct $type(#[schemars(range(min = $least, max = $most))] pub(crate) u32);

        impl $crate::text::reader::Read for $type {
            fn read(value: &$crate::text::value::Value<'_>, reader: &mut $crate::text::reader::Reader) -> Option<Self> {
                $crate::text::reader::whole_number(value, $least..=$most, reader).map($type)
            }
        }
    };
}
pub(crate) use number;

/// Tables: a struct, each field of which is a key of the same name, `required`, `optional` or `or_default`. `check` sees the finished
/// value, may refuse it or make another of it, and is told where it stands.
macro_rules! table {
    ($type:ident { $($field:ident: $how:ident),+ $(,)? } $($check:path)?) => {
        impl $crate::text::reader::Read for $type {
            fn read(
                value: &$crate::text::value::Value<'_>,
                reader: &mut $crate::text::reader::Reader,
            ) -> Option<Self> {
                let [$($field),+] = reader.table(value, &[$(stringify!($field)),+])?;
                $(let $field = reader.$how(stringify!($field), $field);)+
                let read = $type { $($field: $field?,)+ };
                $(let read = $check(read, reader)?;)?
                Some(read)
            }
        }
    };
}
pub(crate) use table;

/// Implements serde's `Deserialize` for a type that implements `Read`. The message of serde's one error then holds all faults.
macro_rules! deserialize_by_reading {
    ($($type:ty),+ $(,)?) => {
        $(impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let arena = $crate::text::value::Arena::default();
                let value = arena.deserialize(deserializer)?;
                $crate::text::reader::read_whole(&value).map(|(read, _)| read).map_err(serde::de::Error::custom)
            }
        })+
    };
}
pub(crate) use deserialize_by_reading;

/// Keeps a value that has its default out of what is written.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
