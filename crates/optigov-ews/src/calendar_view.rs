//! The calendar of one mailbox by impersonation, over any window, in views that the server takes.

use optigov_calendar::{Calendar, Mailbox, ReadError, ReadErrorKind, Text, UnexpandedSeries};
use optigov_slots::Interval;
use tokio::time::Instant;

use crate::{
    error::{malformed, too_many_entries, too_many_requests},
    free_busy,
    learned::expansion::{Expansion, LearnedExpansion, lacks_an_event},
    ops::find_item::{self, Item},
    session::Session,
    window,
};

/// The longest window of one `CalendarView` in seconds; the server allows two years.
const LONGEST_VIEW: i64 = 730 * 86_400;

/// When a view is compared with free/busy of the same mailbox and window.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compare {
    /// As long as nothing has shown whether the server expands series, and where it counts more items than it sent.
    WhereInDoubt,
    /// Whatever is known.
    Always,
}

/// A calendar, and how sure it is that it is whole.
pub(crate) struct Reading {
    pub(crate) calendar: Calendar,
    pub(crate) completeness: Completeness,
}

/// What shows that no appointment is missing.
pub(crate) enum Completeness {
    /// Enough.
    Shown,
    /// Nothing: free/busy, by which it could be seen, is refused.
    InDoubt(ReadError),
    /// The server does not expand series, and the calendar was read by free/busy.
    ReadByFreeBusy,
}

/// Reads a window whole, or says why not.
pub(crate) async fn read(
    session: &Session,
    mailbox: &Mailbox,
    window: Interval,
    deadline: Instant,
) -> Result<Calendar, ReadError> {
    let view = Views { session, mailbox, window, deadline };
    view.read(Compare::WhereInDoubt).await.map(|reading| reading.calendar)
}

/// The calendar of one mailbox over one window.
pub(crate) struct Views<'a> {
    pub(crate) session: &'a Session,
    pub(crate) mailbox: &'a Mailbox,
    pub(crate) window: Interval,
    pub(crate) deadline: Instant,
}

/// What views show of the window.
enum Seen {
    Whole(Whole),
    /// The server does not expand series. The request that showed it, if it was one of this call, has this id.
    Unexpanded {
        id: Option<String>,
    },
}

/// All items of the window, as far as views show them.
struct Whole {
    items: Vec<Item>,
    /// Whether the server counts more than it sent.
    short: bool,
    /// The id of the last request.
    id: String,
}

impl Views<'_> {
    pub(crate) async fn read(&self, compare: Compare) -> Result<Reading, ReadError> {
        let whole = match self.items().await? {
            Seen::Whole(whole) => whole,
            Seen::Unexpanded { id } => return self.without_views(id).await,
        };
        let proven = self.expansion().known() == Expansion::Expands;
        if proven && !whole.short && compare == Compare::WhereInDoubt {
            return Ok(whole.into_reading(Completeness::Shown));
        }
        let free_busy = match self.free_busy().await {
            Ok(calendar) => calendar.into_entries(),
            Err(error) if is_not_allowed(&error) => {
                return match whole.short {
                    true => Err(more_counted_than_sent().with_request_id(&whole.id)),
                    false => Ok(whole.into_reading(Completeness::InDoubt(error))),
                };
            }
            Err(error) => return Err(error),
        };
        if !lacks_an_event(&whole.items, &free_busy, self.window) {
            return Ok(whole.into_reading(Completeness::Shown));
        }
        // It may have been entered between the two answers. Then a second view holds it.
        let whole = match self.items().await? {
            Seen::Whole(whole) => whole,
            Seen::Unexpanded { id } => return self.without_views(id).await,
        };
        if !lacks_an_event(&whole.items, &free_busy, self.window) {
            return Ok(whole.into_reading(Completeness::Shown));
        }
        if whole.short {
            return Err(more_counted_than_sent().with_request_id(&whole.id));
        }
        self.expansion().learn(Expansion::DoesNot);
        self.without_views(Some(whole.id)).await
    }

    /// The items by views: a view that is too long for the server, or that it cuts, is split until every part is complete. Once the
    /// server is known not to expand series, nothing is asked any more.
    async fn items(&self) -> Result<Seen, ReadError> {
        let Views { session, mailbox, window, deadline } = *self;
        let settings = &session.settings;
        let entries_per_answer = settings.entries_per_answer.get();
        let mut open: Vec<Interval> = window::pieces(window::expressible(window), LONGEST_VIEW).collect();
        open.reverse();
        let mut found = Found::new(settings.entries_per_call.get());
        let (mut requests, mut short, mut last_id) = (0, false, None);
        while let Some(piece) = open.pop() {
            if self.expansion().known() == Expansion::DoesNot {
                return Ok(Seen::Unexpanded { id: last_id });
            }
            requests += 1;
            if requests > settings.requests_per_call.get() {
                return Err(too_many_requests(settings.requests_per_call.get()));
            }
            let body = find_item::request(piece, mailbox, entries_per_answer);
            let call = session.impersonating(mailbox, find_item::NAME, &body, deadline);
            let id = call.id.to_string();
            let view = session.call(call, |bytes| find_item::read(bytes, entries_per_answer)).await?;
            self.expansion().learn(view.expansion);
            if view.complete {
                short |= view.short;
                found.add(view.items.into_iter().filter(|item| item.interval.overlaps(window)))?;
            } else {
                let Some((first, second)) = window::halves(piece) else {
                    return Err(too_many_at_once().with_request_id(&id));
                };
                open.extend([second, first]);
            }
            last_id = Some(id);
        }
        // Another call, or the last view of this one, may have shown it.
        match self.expansion().known() {
            Expansion::DoesNot => Ok(Seen::Unexpanded { id: last_id }),
            _ => Ok(Seen::Whole(Whole { items: found.into_items(), short, id: last_id.unwrap_or_default() })),
        }
    }

    /// The calendar from a server that does not expand series, in the way that the settings name.
    async fn without_views(&self, id: Option<String>) -> Result<Reading, ReadError> {
        match self.session.settings.unexpanded_series {
            UnexpandedSeries::ReadFreeBusy => {
                let calendar = self.free_busy().await?;
                Ok(Reading { calendar, completeness: Completeness::ReadByFreeBusy })
            }
            _ => Err(id.iter().fold(series(), |error, id| error.with_request_id(id))),
        }
    }

    async fn free_busy(&self) -> Result<Calendar, ReadError> {
        free_busy::read_as_owner(self.session, self.mailbox, self.window, self.deadline).await
    }

    fn expansion(&self) -> &LearnedExpansion {
        &self.session.learned.expansion
    }
}

/// Whether free/busy cannot be had, now or later, so that a view cannot be compared with it. Everything else passes, and the calendar counts as
/// not read until then.
fn is_not_allowed(error: &ReadError) -> bool {
    use ReadErrorKind::{AccessDenied, ImpersonationDenied, MailboxNotFound, NotPrimaryAddress, RequestRejected};
    matches!(error.kind(), AccessDenied | ImpersonationDenied | MailboxNotFound | NotPrimaryAddress | RequestRejected)
}

impl Whole {
    fn into_reading(self, completeness: Completeness) -> Reading {
        Reading { calendar: Calendar::new(self.items.into_iter().map(|item| item.entry).collect()), completeness }
    }
}

/// The items found so far. What lies across two views comes twice, and some servers repeat an item within one.
struct Found {
    items: Vec<Item>,
    most: u32,
}

impl Found {
    fn new(most: u32) -> Found {
        Found { items: Vec::new(), most }
    }

    /// # Errors
    /// [`ReadErrorKind::LimitReached`] when there are more than may be.
    fn add(&mut self, items: impl Iterator<Item = Item>) -> Result<(), ReadError> {
        self.items.extend(items);
        let most = usize::try_from(self.most).unwrap_or(usize::MAX);
        if self.items.len() > most {
            self.tidy();
        }
        match self.items.len() > most {
            true => Err(too_many_entries(self.most)),
            false => Ok(()),
        }
    }

    fn tidy(&mut self) {
        self.items.sort_unstable();
        self.items.dedup();
    }

    /// The items, sorted by time.
    fn into_items(mut self) -> Vec<Item> {
        self.tidy();
        self.items
    }
}

fn too_many_at_once() -> ReadError {
    let fact = Text::fixed(
        "in eine einzelne Sekunde fallen mehr Einträge, als der Server in einer Antwort liefert",
        "more entries overlap a single second than the server returns in one answer",
    );
    ReadError::new(ReadErrorKind::LimitReached, fact)
}

fn series() -> ReadError {
    let fact = Text::fixed(
        "der Server löst Terminserien nicht in einzelne Termine auf: Er schickt sie selbst, oder Termine fehlen in der Ansicht",
        "the server does not expand series into occurrences: it sends the series itself, or appointments are missing from the view",
    );
    ReadError::new(ReadErrorKind::UnexpandedSeries, fact)
}

fn more_counted_than_sent() -> ReadError {
    malformed(
        "der Server zählt mehr Einträge, als er geschickt hat, obwohl es alle sein sollen",
        "the server counts more items than it sent, although these are said to be all",
    )
}
