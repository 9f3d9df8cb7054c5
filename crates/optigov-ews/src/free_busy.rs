//! Free/busy times of any number of mailboxes over any window, in requests that the server takes.

use std::ops::Range;

use futures_util::{StreamExt, stream};
use optigov_calendar::{Calendar, CalendarEntry, EntryTime, Mailbox, ReadError, ReadErrorKind, Step, Text};
use optigov_slots::Interval;
use tokio::time::Instant;

use crate::{
    error::{too_many_entries, too_many_requests},
    learned::free_busy_window,
    ops::get_user_availability::{self as operation, Asked},
    session::Session,
    window,
};

/// Mailboxes in one request, the most that a server takes.
pub(crate) const MAILBOXES_PER_REQUEST: usize = 100;
/// After so many requests for parts of a group that all failed, the fault is not taken for that of a single mailbox any more.
const MOST_FRUITLESS: u32 = 8;

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

/// One mailbox's free/busy times as its owner sees them, by impersonation.
pub(crate) async fn read_as_owner(
    session: &Session,
    mailbox: &Mailbox,
    window: Interval,
    deadline: Instant,
) -> Result<Calendar, ReadError> {
    let asking = Asking { session, as_owner: true, window, deadline };
    let mut results = asking.read_part(std::slice::from_ref(mailbox), &mut 0).await?;
    results.pop().unwrap_or_else(|| Err(ReadError::internal()))
}

/// What the server says of each mailbox, asked by the account itself.
///
/// A front end that cannot find the mailbox in `X-AnchorMailbox`, the first of a request, refuses the whole request. So where the answer
/// may mean one mailbox, the group is asked again in halves.
///
/// # Errors
/// What concerns the whole group. What concerns one mailbox is its result.
pub(crate) async fn read_group(
    session: &Session,
    mailboxes: &[Mailbox],
    window: Interval,
    deadline: Instant,
) -> Result<Vec<Result<Calendar, ReadError>>, ReadError> {
    let asking = Asking { session, as_owner: false, window, deadline };
    let mut results: Vec<Result<Calendar, ReadError>> = vec![Err(ReadError::internal()); mailboxes.len()];
    let mut open: Vec<Range<usize>> = std::iter::once(0..mailboxes.len()).collect();
    let (mut requests, mut fruitless, mut answered) = (0, 0, false);
    while let Some(part) = open.pop() {
        match asking.read_part(&mailboxes[part.clone()], &mut requests).await {
            Ok(read) => {
                answered = true;
                results[part].clone_from_slice(&read);
            }
            Err(error)
                if part.len() > 1 && may_mean_one_mailbox(&error) && (answered || fruitless < MOST_FRUITLESS) =>
            {
                fruitless += 1;
                let Range { start, end } = part;
                let middle = start + (end - start) / 2;
                // The second half has another anchor, so it is the likelier one to be answered: it comes first.
                open.extend([start..middle, middle..end]);
            }
            Err(error) if part.len() == mailboxes.len() => return Err(error),
            // Nobody is impersonated here: whatever is said of a mailbox is said of its calendar.
            Err(error) if error.is_mailbox() => results[part].fill(Err(error.at(Step::Calendar))),
            Err(error) => results[part].fill(Err(error)),
        }
    }
    if answered {
        // Others were answered under the same address: it is the mailbox that the front end does not find.
        results.iter_mut().for_each(|result| match result {
            Err(error) if error.http_status() == Some(404) => *error = unknown_to_the_front_end(error),
            _ => {}
        });
    }
    Ok(results)
}

fn may_mean_one_mailbox(error: &ReadError) -> bool {
    error.is_mailbox() || error.http_status() == Some(404)
}

fn unknown_to_the_front_end(error: &ReadError) -> ReadError {
    let fact = Text::fixed(
        "der Server antwortet für andere Postfächer, aber findet keinen Dienst für dieses",
        "the server answers for other mailboxes, but finds no service for this one",
    );
    let unknown = ReadError::new(ReadErrorKind::MailboxNotFound, fact).with_http_status(404).at(Step::Calendar);
    match error.request_id() {
        Some(id) => unknown.with_request_id(id),
        None => unknown,
    }
}

/// A question about a window, and who asks it.
struct Asking<'a> {
    session: &'a Session,
    /// Whether it is asked on behalf of the mailbox, not by the account itself.
    as_owner: bool,
    window: Interval,
    deadline: Instant,
}

impl Asking<'_> {
    /// Asks about these mailboxes in one request for each piece of the window. `requests` counts them.
    async fn read_part(
        &self,
        mailboxes: &[Mailbox],
        requests: &mut u32,
    ) -> Result<Vec<Result<Calendar, ReadError>>, ReadError> {
        let settings = &self.session.settings;
        let most_entries = settings.entries_per_call.get();
        let learned = &self.session.learned.free_busy_window;
        let mut results: Vec<Result<Vec<CalendarEntry>, ReadError>> =
            mailboxes.iter().map(|_| Ok(Vec::new())).collect();
        let (mut longest, mut refused) = (learned.to_ask(), false);
        let mut rest = Some(window::at_least(window::expressible(self.window), operation::SHORTEST_WINDOW));
        while let Some(open) = rest {
            *requests += 1;
            if *requests > settings.requests_per_call.get() {
                return Err(too_many_requests(settings.requests_per_call.get()));
            }
            let piece = window::first_even_piece(open, longest);
            let (answer, id) = self.ask(mailboxes, piece, most_entries).await;
            let answer = match answer {
                Err(error)
                    if operation::is_window_too_long(&error) && window::length(piece) > free_busy_window::SHORTEST =>
                {
                    longest = (window::length(piece) / 2).max(free_busy_window::SHORTEST);
                    refused = true;
                    continue;
                }
                answer => answer?,
            };
            learned.answered(if refused { longest } else { window::length(piece) }, refused);
            refused = false;
            for (result, answered) in results.iter_mut().zip(answer) {
                let Ok(entries) = result else { continue };
                match answered {
                    Ok(more) => {
                        entries.extend(more.into_entries().into_iter().filter(|entry| overlaps(*entry, self.window)));
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

    /// Sends one request; with its answer comes its id.
    async fn ask(
        &self,
        mailboxes: &[Mailbox],
        piece: Interval,
        most_entries: u32,
    ) -> (Result<Vec<Result<Calendar, ReadError>>, ReadError>, String) {
        let body = operation::request(piece, mailboxes);
        let call = match mailboxes {
            [owner] if self.as_owner => self.session.impersonating(owner, operation::NAME, &body, self.deadline),
            _ => self.session.as_itself(mailboxes.first(), operation::NAME, &body, self.deadline),
        };
        let id = call.id.to_string();
        let asked = Asked { mailboxes: mailboxes.len(), window: piece, most_entries };
        (self.session.call(call, |bytes| operation::read(bytes, asked)).await, id)
    }
}

/// Sorts by time, and drops what came twice because it lies across the end of a piece.
fn tidy(entries: &mut Vec<CalendarEntry>) {
    entries.sort_unstable();
    entries.dedup();
}

fn overlaps(entry: CalendarEntry, window: Interval) -> bool {
    match entry.time() {
        EntryTime::Timed(interval) => interval.overlaps(window),
        _ => true,
    }
}
