//! Free/busy times of any number of mailboxes over any window, in requests that the server takes.

use std::sync::atomic::Ordering;

use futures_util::{StreamExt, stream};
use optigov_calendar::{Calendar, CalendarEntry, EntryTime, Mailbox, ReadError};
use optigov_slots::Interval;
use tokio::time::Instant;

use crate::{
    error::{too_many_entries, too_many_requests},
    ops::get_user_availability as operation,
    session::Session,
    window,
};

/// Mailboxes in one request, the most that a server takes.
pub(crate) const MAILBOXES_PER_REQUEST: usize = 100;
/// The longest window that a server takes unless it was set up otherwise, in seconds.
const USUAL_WINDOW: i64 = 42 * 86_400;
const SHORTEST_WINDOW: i64 = 86_400;

/// One result per mailbox, in the order asked. An error of a whole request is the result of every mailbox in it.
pub(crate) async fn read(
    session: &Session,
    mailboxes: &[Mailbox],
    window: Interval,
    deadline: Instant,
) -> Vec<Result<Calendar, ReadError>> {
    // Owned groups: a future over borrowed ones is not `Send` for every lifetime, and callers spawn it.
    let groups = mailboxes.chunks(MAILBOXES_PER_REQUEST).map(<[Mailbox]>::to_vec);
    let reads = groups.map(|group| async move {
        match read_group(session, &group, window, deadline).await {
            Ok(results) => results,
            Err(error) => vec![Err(error); group.len()],
        }
    });
    let answers = stream::iter(reads).buffered(session.route().in_flight().get());
    answers.concat().await
}

/// One mailbox's free/busy times.
pub(crate) async fn read_one(
    session: &Session,
    mailbox: &Mailbox,
    window: Interval,
    deadline: Instant,
) -> Result<Calendar, ReadError> {
    let mut results = read_group(session, std::slice::from_ref(mailbox), window, deadline).await?;
    results.pop().unwrap_or_else(|| Err(ReadError::internal()))
}

/// What the server says of each mailbox.
///
/// # Errors
/// What concerns the whole request. What concerns one mailbox is its result.
pub(crate) async fn read_group(
    session: &Session,
    mailboxes: &[Mailbox],
    window: Interval,
    deadline: Instant,
) -> Result<Vec<Result<Calendar, ReadError>>, ReadError> {
    let settings = &session.settings;
    let most_entries = settings.entries_per_call.get();
    let asked = window::expressible(window);
    let mut results: Vec<Result<Vec<CalendarEntry>, ReadError>> = mailboxes.iter().map(|_| Ok(Vec::new())).collect();
    let mut rest = Some(asked);
    let mut requests = 0;
    while let Some(open) = rest {
        requests += 1;
        if requests > settings.requests_per_call.get() {
            return Err(too_many_requests(settings.requests_per_call.get()));
        }
        let piece = piece(session, open);
        let body = operation::request(piece, mailboxes);
        let call = session.as_itself(mailboxes.first(), operation::NAME, &body, deadline);
        let id = call.id.to_string();
        let answer = match session.call(call, |bytes| operation::read(bytes, mailboxes.len())).await {
            Err(error) if operation::is_window_too_long(&error) && window::length(piece) > SHORTEST_WINDOW => {
                session.longest_free_busy.store((window::length(piece) / 2).max(SHORTEST_WINDOW), Ordering::Relaxed);
                continue;
            }
            answer => answer?,
        };
        for (result, answered) in results.iter_mut().zip(answer) {
            let Ok(entries) = result else { continue };
            match answered {
                Ok(more) => {
                    entries.extend(more.into_entries().into_iter().filter(|entry| overlaps(*entry, window)));
                    tidy(entries);
                    if u32::try_from(entries.len()).map_or(true, |count| count > most_entries) {
                        *result = Err(too_many_entries(most_entries).with_request_id(&id));
                    }
                }
                Err(error) => *result = Err(error.with_request_id(&id)),
            }
        }
        rest = Interval::from_unix(piece.end_unix(), open.end_unix()).ok();
    }
    Ok(results.into_iter().map(|result| result.map(Calendar::without_all_day_flag)).collect())
}

/// Sorts by time, and drops what came twice because it lies across the end of a piece.
fn tidy(entries: &mut Vec<CalendarEntry>) {
    entries.sort_unstable();
    entries.dedup();
}

/// The first part of a window that is not longer than the server takes, as far as its answers have shown that.
pub(crate) fn piece(session: &Session, window: Interval) -> Interval {
    let longest = match session.longest_free_busy.load(Ordering::Relaxed) {
        0 => USUAL_WINDOW,
        seconds => seconds,
    };
    window::pieces(window, longest).next().unwrap_or(window)
}

fn overlaps(entry: CalendarEntry, window: Interval) -> bool {
    match entry.time() {
        EntryTime::Timed(interval) => interval.overlaps(window),
        _ => true,
    }
}
