//! Errors that several clients make.

use std::borrow::Cow;

use optigov_calendar::{ReadError, ReadErrorKind, Text};

/// A setting or an argument that cannot be used. Nothing was sent.
pub fn configuration(german: &'static str, english: &'static str) -> ReadError {
    ReadError::new(ReadErrorKind::Configuration, Text::fixed(german, english))
}

/// An answer that cannot be understood.
#[cold]
pub fn malformed(german: impl Into<Cow<'static, str>>, english: impl Into<Cow<'static, str>>) -> ReadError {
    ReadError::new(ReadErrorKind::Malformed, Text::new(german, english))
}

/// The error of a call that would take more requests than it may.
pub fn too_many_requests(most: u32) -> ReadError {
    let fact = Text::new(
        format!("mit {most} Anfragen lässt sich der Kalender nicht vollständig lesen"),
        format!("the calendar cannot be read whole with {most} requests"),
    );
    ReadError::new(ReadErrorKind::LimitReached, fact)
}

/// The error of a calendar that holds more entries than it may.
pub fn too_many_entries(most: u32) -> ReadError {
    let fact = Text::new(
        format!("der Kalender enthält im Zeitraum mehr als {most} Einträge"),
        format!("the calendar holds more than {most} entries in the window"),
    );
    ReadError::new(ReadErrorKind::LimitReached, fact)
}
