//! A client that acts for one mailbox.

use std::fmt;

use optigov_calendar::{Calendar, Mailbox, ReadError};
use optigov_slots::Interval;

use crate::{
    calendar_view,
    ops::get_folder::{self, CalendarFolder},
    session::Session,
};

/// A client that acts for one mailbox. A value: two tasks may act for two people with one client.
#[derive(Clone, Copy)]
pub struct Impersonated<'a> {
    pub(crate) session: &'a Session,
    pub(crate) mailbox: &'a Mailbox,
}

impl Impersonated<'_> {
    /// Every appointment that overlaps the window, series expanded into their occurrences, sorted by time.
    ///
    /// The answer is whole or an error: a view that is too long for the server, or that it cuts, is split until every part is complete.
    /// An item that covers no time (its end is its start) is left out. Where a window reaches beyond the years 1 to 9999, which is all that
    /// Exchange can express, the part within them is read.
    ///
    /// # Errors
    /// [`ReadError::is_mailbox`] for what concerns this mailbox; [`LimitReached`](optigov_calendar::ReadErrorKind::LimitReached) when the
    /// view cannot be had whole; [`Malformed`](optigov_calendar::ReadErrorKind::Malformed) when an item's start or end is missing or no
    /// time; and everything that can happen on the way ([`ReadError::is_unreachable`], [`ReadError::is_credentials`],
    /// [`ReadError::is_throttled`]).
    pub async fn calendar_view(&self, window: Interval) -> Result<Calendar, ReadError> {
        calendar_view::read(self.session, self.mailbox, window, self.session.deadline()).await
    }

    /// Opens the mailbox's calendar folder, as proof that it can be read.
    ///
    /// # Errors
    /// As for [`calendar_view`](Self::calendar_view).
    pub async fn calendar_folder(&self) -> Result<CalendarFolder, ReadError> {
        let (session, body) = (self.session, get_folder::request(self.mailbox));
        let call = session.impersonating(self.mailbox, get_folder::NAME, &body, session.deadline());
        session.call(call, get_folder::read).await
    }
}

impl fmt::Debug for Impersonated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Impersonated").field("mailbox", self.mailbox).finish_non_exhaustive()
    }
}
