use std::{collections::HashSet, fmt};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    CalendarFolder, CalendarItem, ConnectingId, Error, EwsClient, Kind, Mailbox, UnexpandedSeries,
    calendar::Window,
    client::Call,
    free_busy,
    ops::{find_item, get_folder},
    soap,
};

/// The longest window of one `CalendarView`; the server allows two years.
const LONGEST_VIEW: TimeDelta = TimeDelta::days(730);

/// A client that acts for one mailbox. A value: two tasks may act for two people with one client.
#[derive(Clone)]
pub struct Impersonated<'a> {
    pub(crate) client: &'a EwsClient,
    pub(crate) mailbox: &'a Mailbox,
    pub(crate) id: ConnectingId,
}

impl Impersonated<'_> {
    /// Names the person acted for in another way than by the mailbox's primary address.
    #[must_use]
    pub fn connecting_as(mut self, id: ConnectingId) -> Self {
        self.id = id;
        self
    }

    /// Every appointment that overlaps `start..end`, series expanded into their occurrences, sorted by start.
    ///
    /// The answer is whole or an error: a view that is too long for the server, or that it cuts, is split until every part is complete.
    /// An item that covers no time (its end is its start) is left out.
    ///
    /// # Errors
    /// [`Error::is_configuration`] for an empty window; [`Error::is_mailbox`] for what concerns this mailbox; [`Kind::LimitReached`] when
    /// the view cannot be had whole; [`Kind::Malformed`] when an item's start or end is missing or no time; and everything that can
    /// happen on the way ([`Error::is_unreachable`], [`Error::is_credentials`], [`Error::is_throttled`]).
    pub async fn calendar_view(&self, start: DateTime<Utc>, end: DateTime<Utc>) -> Result<Vec<CalendarItem>, Error> {
        let window = Window::new(start, end)?;
        let (settings, deadline) = (self.client.settings(), self.client.deadline());
        let mut open: Vec<Window> = window.pieces(LONGEST_VIEW).collect();
        open.reverse();
        let mut found = HashSet::new();
        let mut requests = 0;
        while let Some(piece) = open.pop() {
            requests += 1;
            if requests > settings.requests_per_call {
                let fact = format!("the calendar cannot be read whole with {} requests", settings.requests_per_call);
                return Err(Error::new(Kind::LimitReached, fact));
            }
            let body = find_item::request(piece, self.mailbox, settings.entries_per_answer);
            let call = self.call(find_item::NAME, &body, deadline);
            let view = self.client.call(call, |bytes| find_item::read(bytes, settings.entries_per_answer)).await?;
            if view.unexpanded {
                return match settings.series {
                    UnexpandedSeries::Refuse => {
                        let fact = "the server sent a series of appointments without expanding it into occurrences";
                        Err(Error::new(Kind::UnexpandedSeries, fact))
                    }
                    UnexpandedSeries::ReadFreeBusy => {
                        free_busy::read_as_items(self.client, self.mailbox, window, deadline).await
                    }
                };
            }
            if view.complete {
                found.extend(view.items.into_iter().filter(|found| window.overlaps(found.item.start, found.item.end)));
                continue;
            }
            let Some((first, second)) = piece.halves() else {
                return Err(Error::new(
                    Kind::LimitReached,
                    "more entries overlap a single second than the server returns in one answer",
                ));
            };
            open.extend([second, first]);
        }
        let mut items: Vec<CalendarItem> = found.into_iter().map(|found| found.item).collect();
        items.sort_unstable_by_key(|item| (item.start, item.end, item.status as u8, item.cancelled, item.all_day));
        Ok(items)
    }

    /// Opens the mailbox's calendar folder, as proof that it can be read.
    ///
    /// # Errors
    /// As for [`calendar_view`](Self::calendar_view).
    pub async fn calendar_folder(&self) -> Result<CalendarFolder, Error> {
        let call = self.call(get_folder::NAME, &get_folder::request(self.mailbox), self.client.deadline());
        self.client.call(call, get_folder::read).await
    }

    pub(crate) fn call(&self, operation: &'static str, body: &str, deadline: tokio::time::Instant) -> Call<'_> {
        let body = soap::envelope(self.client.settings().version, Some((&self.id, self.mailbox)), body);
        Call { operation, body, anchor: Some(self.mailbox), charged: Some(self.mailbox), deadline }
    }
}

impl fmt::Debug for Impersonated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Impersonated").field("mailbox", self.mailbox).field("id", &self.id).finish_non_exhaustive()
    }
}
