use serde::Deserialize;

/// In which way an answer contradicts itself or the request. What is true stands first, so that a reader that takes the last
/// of two sees less than there is.
///
/// In a scenario file: `effect = { contradiction = "two_messages" }`, `effect = { contradiction = { missing_items = 1 } }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Contradiction {
    /// After each response message (of free/busy: after each `FreeBusyResponse`) comes another one that is empty.
    TwoMessages,
    /// After each `RootFolder` comes another one that is empty.
    TwoFolders,
    /// A successful response message has two response codes: `ErrorInternalServerError`, then `NoError`.
    TwoResponseCodes,
    /// After each `FreeBusyView` comes another one that is empty.
    TwoViews,
    /// After each `Start` or `StartTime` comes another one that says the year 2001.
    TwoStarts,
    /// After each `End` or `EndTime` comes another one that says the year 2001.
    TwoEnds,
    /// `IncludesLastItemInRange` is no boolean: `perhaps`.
    UnreadableIncludesLast,
    /// FindItem sends one item more than `MaxEntriesReturned` allows. Where the calendar holds fewer, it repeats them.
    MoreThanAsked,
    /// This many items at the end of the answer are missing, while `TotalItemsInView` counts them and
    /// `IncludesLastItemInRange` is true.
    MissingItems(usize),
    /// `RootFolder` holds `Groups`, as for a grouped FindItem, in place of `Items`.
    Groups,
    /// `RootFolder` holds no `Items` at all.
    NoItems,
    /// The answer is a success, but comes with this HTTP status.
    Status(u16),
}
