use serde::Deserialize;

/// In which way the answer of GetUserAvailability, or of Graph's `getSchedule`, for a mailbox is odd.
///
/// In a scenario file: `effect = { free_busy = "none" }`, `effect = { free_busy = { unknown_view_type = "Everything" } }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FreeBusyDefect {
    /// The view type is `None`, with no events, although the response code is `NoError`.
    None,
    /// The view type is `MergedOnly`: a string with the right digits and no events.
    MergedOnly,
    /// The view is merged (`FreeBusyMerged` where `FreeBusy` was asked for), its string has the right digits, and the events
    /// are missing.
    MergedWithoutEvents,
    /// The view is merged, its events are right, and its string says busy for the whole window.
    BusyMerged,
    /// The view type is this text, which the schema does not know; the rest is right.
    UnknownViewType(String),
    /// Occurrences of series come for a week past the window's end, too.
    LeakingSeries,
    /// The mailbox is refused with this response code, while the others are answered.
    ResponseCode(String),
}

impl FreeBusyDefect {
    pub(crate) fn view_type(&self) -> Option<&str> {
        match self {
            FreeBusyDefect::UnknownViewType(name) => Some(name),
            _ => None,
        }
    }

    pub(crate) fn response_code(&self) -> Option<&str> {
        match self {
            FreeBusyDefect::ResponseCode(code) => Some(code),
            _ => None,
        }
    }
}
