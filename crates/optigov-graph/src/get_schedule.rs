//! Free/busy times by `getSchedule`, of any number of mailboxes over any window.

use bytes::Bytes;
use futures_util::future;
use optigov_calendar::{Calendar, CalendarEntry, EntryTime, Mailbox, ReadError, Text};
use optigov_http::{
    error::{too_many_entries, too_many_requests},
    window,
};
use optigov_slots::Interval;
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use crate::{
    link,
    schedules::{self, Asked, INTERVAL_MINUTES},
    session::{Call, Session},
    texts, time,
};

/// Mailboxes in one request, the most that Graph takes.
pub(crate) const MOST_MAILBOXES: usize = 20;
/// The longest window of one request in seconds; Graph takes less than 62 days.
const LONGEST_WINDOW: i64 = 61 * 86_400;

/// One result per mailbox, in the order asked.
pub(crate) async fn read(
    session: &Session,
    mailboxes: &[Mailbox],
    window: Interval,
    deadline: Instant,
) -> Vec<Result<Calendar, ReadError>> {
    // Owned groups: a future over borrowed ones is not `Send` for every lifetime, and callers spawn it.
    let groups = mailboxes.chunks(MOST_MAILBOXES).map(<[Mailbox]>::to_vec);
    let reads = groups.map(|group| async move {
        let results = read_group(session, &group, window, deadline).await;
        results.into_iter().map(|result| result.map_err(|error| session.told(error))).collect::<Vec<_>>()
    });
    future::join_all(reads).await.concat()
}

async fn read_group(
    session: &Session,
    group: &[Mailbox],
    window: Interval,
    deadline: Instant,
) -> Vec<Result<Calendar, ReadError>> {
    let asked = window::at_least(window::expressible(window), 60 * INTERVAL_MINUTES);
    let most_entries = session.settings.entries_per_call().get();
    let most_requests = session.settings.requests_per_call().get();
    let mut results: Vec<Result<Vec<CalendarEntry>, ReadError>> = vec![Ok(Vec::new()); group.len()];
    let mut rest = Some(asked);
    let mut requests = 0_u32;
    while let Some(part) = rest {
        let piece = window::first_even_piece(part, LONGEST_WINDOW);
        rest = Interval::from_unix(piece.end_unix(), part.end_unix()).ok();
        if requests >= most_requests {
            let error = too_many_requests(most_requests);
            results.iter_mut().filter(|result| result.is_ok()).for_each(|result| *result = Err(error.clone()));
            break;
        }
        requests += 1;
        // Who has failed in one piece is not asked about the next.
        let open: Vec<usize> = (0..group.len()).filter(|index| results[*index].is_ok()).collect();
        let wanted: Vec<Mailbox> = open.iter().map(|index| group[*index].clone()).collect();
        if wanted.is_empty() {
            break;
        }
        let found = read_piece(session, &wanted, piece, deadline).await;
        for (index, found) in open.into_iter().zip(found) {
            match (&mut results[index], found) {
                (Ok(entries), Ok(calendar)) => {
                    let overlapping = calendar.into_entries().into_iter().filter(|entry| overlaps(*entry, window));
                    entries.extend(overlapping);
                    if entries.len() > most_entries as usize {
                        results[index] = Err(too_many_entries(most_entries));
                    }
                }
                (result, Err(error)) => *result = Err(error),
                (Err(_), Ok(_)) => {}
            }
        }
    }
    let whole = |mut entries: Vec<CalendarEntry>| {
        if requests > 1 {
            // A time that lies across two pieces came with both.
            entries.sort_unstable();
            entries.dedup();
        }
        Calendar::without_all_day_flag(entries)
    };
    results.into_iter().map(|result| result.map(whole)).collect()
}

fn overlaps(entry: CalendarEntry, window: Interval) -> bool {
    matches!(entry.time(), EntryTime::Timed(time) if time.overlaps(window))
}

/// What Graph says of each mailbox in one piece of the window. The request goes by way of one of them, the anchor; where Graph refuses that one, it is
/// told so, and another is the anchor of the rest.
async fn read_piece(
    session: &Session,
    mailboxes: &[Mailbox],
    piece: Interval,
    deadline: Instant,
) -> Vec<Result<Calendar, ReadError>> {
    let mut refused = Vec::new();
    loop {
        let rest = &mailboxes[refused.len()..];
        let Some(anchor) = rest.first() else { return refused };
        match ask(session, anchor, rest, piece, deadline).await {
            Ok(results) => {
                refused.extend(results);
                return refused;
            }
            Err(error) if error.is_mailbox() && !error.is_throttled() => refused.push(Err(error)),
            Err(error) => {
                refused.extend(rest.iter().map(|_| Err(error.clone())));
                return refused;
            }
        }
    }
}

async fn ask(
    session: &Session,
    anchor: &Mailbox,
    mailboxes: &[Mailbox],
    piece: Interval,
    deadline: Instant,
) -> Result<Vec<Result<Calendar, ReadError>>, ReadError> {
    let target = format!("{}/calendar/getSchedule", link::user(anchor));
    let names: Vec<&str> = mailboxes.iter().map(Mailbox::as_str).collect();
    let instant = |at| json!({"dateTime": time::format_bare(at), "timeZone": "UTC"});
    let body = json!({
        "schedules": names,
        "startTime": instant(piece.start()),
        "endTime": instant(piece.end()),
        "availabilityViewInterval": INTERVAL_MINUTES,
    });
    let body = Bytes::from(body.to_string());
    let mut sent = 0;
    loop {
        let call = Call { operation: "getSchedule", target: &target, body: Some(body.clone()), parts: mailboxes.len() };
        let _permit = match session.limits.try_admit(Some(anchor)) {
            Ok(permit) => permit,
            Err(until) if until >= deadline => return Err(held_back(until)),
            Err(until) => {
                sleep_until(until).await;
                continue;
            }
        };
        let answer = session.send(&call, deadline).await;
        sent += 1;
        let most_entries = session.settings.entries_per_call().get();
        let asked = Asked { mailboxes, window: piece, most_entries };
        let read = answer.and_then(|content| {
            session.limits.answered(Some(anchor));
            let id = content.request_id;
            let results = schedules::read(&content.body, &asked).map_err(|error| error.with_request_id(&id))?;
            Ok(results.into_iter().map(|result| result.map_err(|error| error.with_request_id(&id))).collect::<Vec<_>>())
        });
        match read {
            Ok(results) => {
                if results.iter().any(Result::is_ok) {
                    session.granted();
                }
                return Ok(results);
            }
            Err(error) => match session.again_at(Some(anchor), &error, sent, deadline) {
                Some(at) => sleep_until(at).await,
                None => return Err(error),
            },
        }
    }
}

fn held_back(until: Instant) -> ReadError {
    let fact = Text::fixed(
        "Microsoft Graph hat um eine Wartezeit gebeten, die länger ist als die Frist des Aufrufs",
        "Microsoft Graph asked for a wait that is longer than the call's deadline allows",
    );
    let error = texts::in_words_of_graph(ReadError::new(optigov_calendar::ReadErrorKind::Throttled, fact)).at(None);
    error.with_retry_after(Some(until.saturating_duration_since(Instant::now())))
}
