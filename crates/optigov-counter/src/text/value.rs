//! The tree that both notations are read into before the model sees them.

use std::{cell::RefCell, fmt};

use bumpalo::Bump;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// A value as it stands in a text. Tables keep their order, and duplicates, for the reader to judge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    /// Any other number; the format has no key that takes one.
    Fraction,
    Text(&'a str),
    List(&'a [Value<'a>]),
    Table(&'a [(&'a str, Value<'a>)]),
}

/// Where the values of one text live: ten thousand counters are a million values, which come and go together.
#[derive(Default)]
pub(crate) struct Arena(Bump);

impl Arena {
    pub(crate) fn text(&self, text: &str) -> &str {
        self.0.alloc_str(text)
    }

    pub(crate) fn value<'a>(&'a self, value: Value<'a>) -> &'a Value<'a> {
        self.0.alloc(value)
    }

    pub(crate) fn list<'a>(&'a self, values: impl ExactSizeIterator<Item = Value<'a>>) -> Value<'a> {
        Value::List(self.0.alloc_slice_fill_iter(values))
    }

    pub(crate) fn table<'a>(&'a self, entries: impl ExactSizeIterator<Item = (&'a str, Value<'a>)>) -> Value<'a> {
        Value::Table(self.0.alloc_slice_fill_iter(entries))
    }

    pub(crate) fn deserialize<'de: 'a, 'a, D: Deserializer<'de>>(
        &'a self,
        deserializer: D,
    ) -> Result<Value<'a>, D::Error> {
        let unfinished = RefCell::new(Vec::new());
        Growing { arena: self, unfinished: &unfinished }.deserialize(deserializer)
    }
}

/// Grows a tree in an arena. What belongs to lists and tables that are not at their end yet is on a stack.
#[derive(Clone, Copy)]
struct Growing<'a, 's> {
    arena: &'a Arena,
    unfinished: &'s RefCell<Vec<(&'a str, Value<'a>)>>,
}

impl<'de: 'a, 'a> DeserializeSeed<'de> for Growing<'a, '_> {
    type Value = Value<'a>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'a>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Growing<'a, '_> {
    type Value = Value<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a configuration value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'a>, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'a>, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value<'a>, E> {
        Ok(i64::try_from(value).map_or(Value::Fraction, Value::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value<'a>, E> {
        Ok(Value::Fraction)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'a>, E> {
        Ok(Value::Text(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'a>, E> {
        Ok(Value::Text(self.arena.text(text)))
    }

    fn visit_unit<E>(self) -> Result<Value<'a>, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value<'a>, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'a>, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'a>, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value<'a>, A::Error> {
        let start = self.unfinished.borrow().len();
        while let Some(value) = access.next_element_seed(self)? {
            self.unfinished.borrow_mut().push(("", value));
        }
        let mut unfinished = self.unfinished.borrow_mut();
        Ok(self.arena.list(unfinished.drain(start..).map(|(_, value)| value)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value<'a>, A::Error> {
        let start = self.unfinished.borrow().len();
        while let Some(key) = access.next_key_seed(Key(self.arena))? {
            let value = access.next_value_seed(self)?;
            self.unfinished.borrow_mut().push((key, value));
        }
        let mut unfinished = self.unfinished.borrow_mut();
        Ok(self.arena.table(unfinished.drain(start..)))
    }
}

/// A key, borrowed from the text where it can be.
struct Key<'a>(&'a Arena);

impl<'de: 'a, 'a> DeserializeSeed<'de> for Key<'a> {
    type Value = &'a str;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<&'a str, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Key<'a> {
    type Value = &'a str;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<&'a str, E> {
        Ok(key)
    }

    fn visit_str<E>(self, key: &str) -> Result<&'a str, E> {
        Ok(self.0.text(key))
    }
}
