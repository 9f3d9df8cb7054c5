//! Free/busy of any number of mailboxes over any window, in requests that the server takes.

use std::sync::atomic::Ordering;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use crate::{
    CalendarItem, Error, EwsClient, FreeBusyEvent, Kind, Mailbox,
    calendar::Window,
    client::Call,
    ops::get_user_availability::{self as operation, Events},
    soap,
};

/// The longest window that a server takes unless it was set up otherwise, in seconds.
const USUAL_WINDOW: i64 = 42 * 86_400;
const SHORTEST_WINDOW: i64 = 86_400;

pub(crate) async fn read(
    client: &EwsClient,
    mailboxes: &[Mailbox],
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    deadline: Instant,
) -> Result<Vec<(Mailbox, Events)>, Error> {
    let window = Window::new(start, end)?;
    // Owned groups: a future over borrowed ones is not `Send` for every lifetime, and callers spawn it.
    let groups = mailboxes.chunks(client.settings().mailboxes_per_request).map(<[Mailbox]>::to_vec);
    let reads = groups.map(|group| async move {
        let answer = read_group(client, &group, window, deadline).await;
        (group, answer)
    });
    let mut answers = stream::iter(reads).buffered(client.route().max_in_flight);
    let mut results = Vec::with_capacity(mailboxes.len());
    let (mut answered, mut failure) = (mailboxes.is_empty(), None);
    while let Some((group, answer)) = answers.next().await {
        match answer {
            Ok(events) => {
                answered = true;
                results.extend(group.iter().cloned().zip(events));
            }
            Err(error) => {
                results.extend(group.iter().map(|mailbox| (mailbox.clone(), Err(error.repeated()))));
                failure.get_or_insert(error);
            }
        }
    }
    match failure {
        Some(error) if !answered => Err(error),
        _ => Ok(results),
    }
}

/// One mailbox's free/busy in the form of a calendar view.
pub(crate) async fn read_as_items(
    client: &EwsClient,
    mailbox: &Mailbox,
    window: Window,
    deadline: Instant,
) -> Result<Vec<CalendarItem>, Error> {
    let mut results = read_group(client, std::slice::from_ref(mailbox), window, deadline).await?;
    let events = results.pop().unwrap_or_else(|| Err(Error::malformed("the answer holds no free/busy result")))?;
    let item = |event: FreeBusyEvent| CalendarItem {
        start: event.start,
        end: event.end,
        status: event.status,
        all_day: None,
        cancelled: false,
    };
    Ok(events.into_iter().map(item).collect())
}

async fn read_group(
    client: &EwsClient,
    mailboxes: &[Mailbox],
    window: Window,
    deadline: Instant,
) -> Result<Vec<Events>, Error> {
    let settings = client.settings();
    let longest = &client.learned().free_busy_window;
    let mut results: Vec<Events> = mailboxes.iter().map(|_| Ok(Vec::new())).collect();
    let mut rest = Some(window);
    let mut requests = 0;
    while let Some(window) = rest {
        requests += 1;
        if requests > settings.requests_per_call {
            let fact = format!("the free/busy window cannot be read with {} requests", settings.requests_per_call);
            return Err(Error::new(Kind::LimitReached, fact));
        }
        let length = match longest.load(Ordering::Relaxed) {
            0 => USUAL_WINDOW,
            seconds => seconds,
        };
        let Some(piece) = window.pieces(TimeDelta::seconds(length)).next() else { break };
        let body = soap::envelope(settings.version, None, &operation::request(piece, mailboxes));
        let call = Call { operation: operation::NAME, body, anchor: mailboxes.first(), charged: None, deadline };
        let answer = client.call(call, |bytes| operation::read(bytes, mailboxes.len())).await;
        let answer = match answer {
            Err(error) if operation::is_window_too_long(&error) && length > SHORTEST_WINDOW => {
                let asked = (piece.end - piece.start).num_seconds();
                longest.store((asked / 2).max(SHORTEST_WINDOW), Ordering::Relaxed);
                continue;
            }
            answer => answer?,
        };
        for (result, events) in results.iter_mut().zip(answer) {
            match (result.as_mut(), events) {
                (Ok(all), Ok(events)) => {
                    all.extend(events.into_iter().filter(|event| window.overlaps(event.start, event.end)))
                }
                (Ok(_), Err(error)) => *result = Err(error),
                (Err(_), _) => {}
            }
        }
        rest = (piece.end < window.end).then_some(Window { start: piece.end, ..window });
    }
    for events in results.iter_mut().flatten() {
        // What lies across the end of a piece came twice.
        events.sort_unstable_by_key(|event| (event.start, event.end, event.status as u8));
        events.dedup();
    }
    Ok(results)
}
