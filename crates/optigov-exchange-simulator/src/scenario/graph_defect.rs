use serde::Deserialize;

/// In which way an answer of Microsoft Graph is odd.
///
/// In a scenario file: `effect = { graph = "repeated_page" }`, `effect = { graph = { show_as = "everywhere" } }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GraphDefect {
    /// `showAs` of every event, and `status` of every schedule item, is this text, known to the metadata or not.
    ShowAs(String),
    /// Events and schedule items have no `start`.
    NoStart,
    /// Events and schedule items have no `end`.
    NoEnd,
    /// `start` and `end` are `null`.
    NullTimes,
    /// `timeZone` of `start` and `end` is this name, whatever was asked for; the times stay as they are.
    ZoneLabel(String),
    /// `Prefer: outlook.timezone` is not heeded: times come in this zone (an IANA name), and say so.
    OtherZone(String),
    /// All-day events come with the instants of their own zone's midnights, and not with midnights of the zone asked for.
    AllDayAsInstants,
    /// `type` of every event is this text.
    Type(String),
    /// The mailbox has no primary calendar: `ErrorItemNotFound`.
    NoCalendar,
    /// Events come with subject, place and body, whatever `$select` says. So do schedule items.
    Titles,
    /// `@odata.nextLink` leads to this host (`evil.example`), also where there is no next page.
    NextLinkHost(String),
    /// `@odata.nextLink` is this text, also where there is no next page.
    NextLink(String),
    /// `@odata.nextLink` leads to the same page for ever.
    RepeatedPage,
    /// `@odata.nextLink` is missing although there are more pages.
    NoNextLink,
    /// Every page but the last holds no events; the last page holds only its own.
    EmptyPages,
    /// Each page begins with the last event of the page before.
    OverlappingPages,
    /// A batch answers without its last part.
    MissingPart,
    /// A batch answers every part twice, the second time with 200 and no events.
    TwoParts,
    /// A batch has a further answer with an id that was not asked for.
    UnknownPart,
    /// The ids of two parts of a batch are exchanged.
    ExchangedParts,
    /// `getSchedule` answers without the last mailbox.
    MissingSchedule,
    /// `scheduleId` of every schedule is this text.
    ScheduleId(String),
    /// `availabilityView` of every schedule is this text.
    AvailabilityView(String),
}
