use std::borrow::Cow;

/// Why a timetable, slot rules or resources were refused.
///
/// Its `Display` names the place, what is wrong there, and what to do about it. [`place`](Error::place) gives the place alone, for a caller
/// that knows the field by another name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {fact}")]
pub struct Error {
    place: Cow<'static, str>,
    fact: Cow<'static, str>,
}

impl Error {
    pub(crate) fn new(place: impl Into<Cow<'static, str>>, fact: impl Into<Cow<'static, str>>) -> Error {
        Error { place: place.into(), fact: fact.into() }
    }

    /// The part that is at fault, such as `rules[2].hours` or `step`. Indices count from 0, in the order of the builder's calls.
    pub fn place(&self) -> &str {
        &self.place
    }
}
