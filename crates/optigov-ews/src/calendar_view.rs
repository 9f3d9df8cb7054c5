//! The calendar of one mailbox by impersonation, over any window, in views that the server takes.

use optigov_calendar::{Calendar, Mailbox, ReadError, ReadErrorKind, Text, UnexpandedSeries};
use optigov_slots::Interval;
use tokio::time::Instant;

use crate::{
    error::{too_many_entries, too_many_requests},
    free_busy,
    ops::find_item::{self, Item},
    session::Session,
    window,
};

/// The longest window of one `CalendarView` in seconds; the server allows two years.
const LONGEST_VIEW: i64 = 730 * 86_400;

/// Reads a window whole: a view that is too long for the server, or that it cuts, is split until every part is complete.
pub(crate) async fn read(
    session: &Session,
    mailbox: &Mailbox,
    window: Interval,
    deadline: Instant,
) -> Result<Calendar, ReadError> {
    let settings = &session.settings;
    let entries_per_answer = settings.entries_per_answer.get();
    let mut open: Vec<Interval> = window::pieces(window::expressible(window), LONGEST_VIEW).collect();
    open.reverse();
    let mut found = Found::new(settings.entries_per_call.get());
    let mut requests = 0;
    while let Some(piece) = open.pop() {
        requests += 1;
        if requests > settings.requests_per_call.get() {
            return Err(too_many_requests(settings.requests_per_call.get()));
        }
        let body = find_item::request(piece, mailbox, entries_per_answer);
        let call = session.impersonating(mailbox, find_item::NAME, &body, deadline);
        let id = call.id.to_string();
        let view = session.call(call, |bytes| find_item::read(bytes, entries_per_answer)).await?;
        if view.unexpanded {
            return match settings.unexpanded_series {
                UnexpandedSeries::ReadFreeBusy => free_busy::read_one(session, mailbox, window, deadline).await,
                _ => Err(series().with_request_id(&id)),
            };
        }
        if view.complete {
            found.add(view.items.into_iter().filter(|item| item.interval.overlaps(window)))?;
            continue;
        }
        let Some((first, second)) = window::halves(piece) else {
            return Err(too_many_at_once().with_request_id(&id));
        };
        open.extend([second, first]);
    }
    Ok(found.into_calendar())
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

    /// The entries, sorted by time.
    fn into_calendar(mut self) -> Calendar {
        self.tidy();
        Calendar::new(self.items.into_iter().map(|item| item.entry).collect())
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
        "der Server hat eine Terminserie geschickt, ohne sie in einzelne Termine aufzulösen",
        "the server sent a series of appointments without expanding it into occurrences",
    );
    ReadError::new(ReadErrorKind::UnexpandedSeries, fact)
}
