//! Calendars by `calendarView`: page by page, of several mailboxes in one batch, each whole or an error.

use std::{collections::HashSet, mem};

use futures_util::future;
use optigov_calendar::{Calendar, CalendarEntry, EntryTime, Mailbox, ReadError, ReadErrorKind, Step, Text};
use optigov_http::{
    error::{malformed, too_many_entries, too_many_requests},
    window,
};
use optigov_slots::Interval;
use tokio::time::{Instant, sleep_until};

use crate::{
    answer::Refusal,
    batch, link,
    page::{self, Page, SELECT},
    session::{self, Call, Content, Session},
    texts, time,
};

/// All-day events are matched by the instants of their own zone, and shown by their dates. No two zones are farther apart than 26 hours, so a view that
/// is so much wider at both ends misses none whose dates touch the window anywhere.
const WIDER: i64 = 26 * 3_600;

/// The most events that Graph puts on a page.
const MOST_PER_PAGE: usize = 1_000;

/// The longest window of one view in seconds. Graph allows 1,825 days.
const LONGEST_VIEW: i64 = 1_800 * 86_400;

/// Reads every mailbox. One result per mailbox, in the order asked.
pub(crate) async fn read(
    session: &Session,
    mailboxes: &[Mailbox],
    window: Interval,
    deadline: Instant,
) -> Vec<Result<Calendar, ReadError>> {
    // Owned groups: a future over borrowed ones is not `Send` for every lifetime, and callers spawn it.
    let groups = mailboxes.chunks(batch::MOST_PARTS).map(<[Mailbox]>::to_vec);
    let reads = groups.map(|group| read_group(session, group, window, deadline));
    future::join_all(reads).await.concat()
}

/// Reads up to as many mailboxes as a batch may have parts.
async fn read_group(
    session: &Session,
    group: Vec<Mailbox>,
    window: Interval,
    deadline: Instant,
) -> Vec<Result<Calendar, ReadError>> {
    let mut readings: Vec<Reading> =
        group.into_iter().map(|mailbox| Reading::new(mailbox, window, &session.settings)).collect();
    loop {
        let now = Instant::now();
        let mut permits = Vec::new();
        let mut due = Vec::new();
        let mut next: Option<Instant> = None;
        for reading in readings.iter_mut().filter(|reading| reading.done.is_none()) {
            let wait = reading.wake.filter(|wake| *wake > now);
            let wait = wait.or_else(|| match session.limits.try_admit(Some(&reading.mailbox)) {
                Ok(permit) => {
                    permits.push(permit);
                    None
                }
                Err(until) => Some(until),
            });
            match wait {
                None => due.push(reading),
                Some(until) if until >= deadline => reading.done = Some(Err(held_back(until))),
                Some(until) => next = Some(next.map_or(until, |next| next.min(until))),
            }
        }
        match (due.is_empty(), next) {
            (false, _) => ask(session, due, deadline).await,
            (true, Some(next)) => sleep_until(next).await,
            (true, None) => break,
        }
    }
    let ended = readings.into_iter().map(|reading| reading.done.unwrap_or_else(|| Err(ReadError::internal())));
    ended.map(|result| result.map_err(|error| session.told(error))).collect()
}

/// Sends what is due, alone or as one batch, and lets each reading take its answer.
async fn ask(session: &Session, due: Vec<&mut Reading>, deadline: Instant) {
    match <[&mut Reading; 1]>::try_from(due) {
        Ok([reading]) => {
            let call = Call { operation: "calendarView", target: reading.target(), body: None, parts: 1 };
            let answer = session.send(&call, deadline).await;
            reading.take(session, answer.as_ref().map(Answered::alone).map_err(Clone::clone), deadline);
        }
        Err(due) => {
            let body = batch::request(due.iter().map(|reading| reading.target()));
            let call = Call { operation: "$batch", target: "/$batch", body: Some(body), parts: due.len() };
            let content = session.send(&call, deadline).await;
            let parts = content.as_ref().map_err(Clone::clone).and_then(|content| {
                let parts = batch::read(&content.body, due.len());
                Ok((parts.map_err(|error| error.with_request_id(&content.request_id))?, &content.request_id))
            });
            match parts {
                Ok((parts, batch_id)) => {
                    // Whether another token may be asked for, where a part says that this one is refused.
                    let mut may_try_another = None;
                    for (reading, part) in due.into_iter().zip(parts) {
                        let part = part.map_err(|error| error.with_request_id(batch_id));
                        let answer = part.and_then(|part| Answered::part(part, session.user_agent(), batch_id));
                        let refused = |error: &ReadError| session::is_about_the_token(error);
                        let answer = match answer {
                            Err(error) if refused(&error) => {
                                let token = content.as_ref().ok().map(|content| &content.token);
                                let may = || token.is_some_and(|token| session.tokens.refused(token));
                                match *may_try_another.get_or_insert_with(may) {
                                    // It stays due, and goes with the next token.
                                    true => continue,
                                    false => Err(session::refused_anew(&error)),
                                }
                            }
                            answer => answer,
                        };
                        reading.take(session, answer, deadline);
                    }
                }
                Err(error) => due.into_iter().for_each(|reading| reading.take(session, Err(error.clone()), deadline)),
            }
        }
    }
}

/// A page as it came, and the id of its request.
struct Answered<'a> {
    body: &'a [u8],
    request_id: String,
}

impl<'a> Answered<'a> {
    fn alone(content: &'a Content) -> Answered<'a> {
        Answered { body: &content.body, request_id: content.request_id.clone() }
    }

    fn part(part: batch::Part<'a>, user_agent: &str, batch_id: &str) -> Result<Answered<'a>, ReadError> {
        let request_id = part.request_id.unwrap_or_else(|| batch_id.to_owned());
        if (200..=299).contains(&part.status) {
            return Ok(Answered { body: part.body, request_id });
        }
        let refusal =
            Refusal { status: part.status, body: part.body, asked_wait: part.asked_wait, request_id: Some(request_id) };
        let error = refusal.error(user_agent);
        tracing::debug!(
            operation = "calendarView",
            request = error.request_id(),
            kind = error.kind().as_str(),
            fact = %error,
            status = error.http_status(),
            code = error.code().map(|code| code.as_str()),
            "part of a batch failed"
        );
        Err(error)
    }
}

/// The calendar of one mailbox on its way.
struct Reading {
    mailbox: Mailbox,
    window: Interval,
    /// The pieces of the widened window that have not been begun, the next one last.
    open: Vec<Interval>,
    /// The piece that is being read.
    piece: Interval,
    /// The path and query of the next request.
    target: String,
    /// The pages of this piece that were asked for: none is asked for twice.
    visited: HashSet<String>,
    /// What the pages of this piece held.
    piece_entries: Vec<(u64, CalendarEntry)>,
    found: HashSet<(u64, CalendarEntry)>,
    entries: Vec<CalendarEntry>,
    per_page: usize,
    most_entries: u32,
    most_requests: u32,
    /// Pages that came.
    requests: u32,
    /// How often the next request has been sent.
    sent: u32,
    /// Not before this time.
    wake: Option<Instant>,
    done: Option<Result<Calendar, ReadError>>,
}

impl Reading {
    fn new(mailbox: Mailbox, window: Interval, settings: &optigov_calendar::GraphSettings) -> Reading {
        let start = window.start_unix().saturating_sub(WIDER);
        let end = window.end_unix().saturating_add(WIDER);
        let wide = window::expressible(Interval::from_unix(start, end).unwrap_or(window));
        let mut open: Vec<Interval> = window::pieces(wide, LONGEST_VIEW).collect();
        open.reverse();
        let piece = open.pop().unwrap_or(wide);
        let per_page = settings.entries_per_page().get();
        let mut reading = Reading {
            mailbox,
            window,
            open,
            piece,
            target: String::new(),
            visited: HashSet::new(),
            piece_entries: Vec::new(),
            found: HashSet::new(),
            entries: Vec::new(),
            per_page: usize::try_from(per_page).unwrap_or(usize::MAX),
            most_entries: settings.entries_per_call().get(),
            most_requests: settings.requests_per_call().get(),
            requests: 0,
            sent: 0,
            wake: None,
            done: None,
        };
        reading.begin(piece);
        reading
    }

    fn target(&self) -> &str {
        &self.target
    }

    /// Turns to a piece of the window.
    fn begin(&mut self, piece: Interval) {
        self.piece = piece;
        self.piece_entries.clear();
        self.visited.clear();
        let target = format!(
            "{}/calendar/calendarView?startDateTime={}&endDateTime={}&$select={SELECT}&$top={}",
            link::user(&self.mailbox),
            time::format(piece.start()),
            time::format(piece.end()),
            self.per_page,
        );
        self.go_to(target);
    }

    fn go_to(&mut self, target: String) {
        self.visited.insert(target.clone());
        self.target = target;
        self.sent = 0;
        self.wake = None;
    }

    /// Takes the answer to the request for the target, and says what comes next.
    fn take(&mut self, session: &Session, answer: Result<Answered<'_>, ReadError>, deadline: Instant) {
        self.sent += 1;
        let answered = answer.and_then(|answered| {
            session.limits.answered(Some(&self.mailbox));
            session.granted();
            let page = page::read(answered.body);
            page.and_then(|page| self.advance(page, session))
                .map_err(|error| error.with_request_id(&answered.request_id))
        });
        match answered {
            Ok(false) => {}
            Ok(true) => self.done = Some(Ok(Calendar::new(mem::take(&mut self.entries)))),
            Err(error) => match session.again_at(Some(&self.mailbox), &error, self.sent, deadline) {
                Some(at) => self.wake = Some(at),
                None => self.done = Some(Err(of_a_calendar(error))),
            },
        }
    }

    /// Keeps a page. Gives whether it was the last one.
    fn advance(&mut self, page: Page, session: &Session) -> Result<bool, ReadError> {
        self.requests += 1;
        if page.user.as_ref().is_some_and(|user| !user.eq_ignore_ascii_case(self.mailbox.as_str())) {
            return Err(malformed(
                "die Seite gehört zu einem anderen Postfach als dem, nach dem gefragt wurde",
                "the page belongs to another mailbox than the one that was asked for",
            ));
        }
        self.piece_entries.extend(page.events.iter().map(|event| (event.id, event.entry)));
        if self.entries.len() + self.piece_entries.len() > self.most_entries as usize {
            return Err(too_many_entries(self.most_entries));
        }
        let next = match &page.next {
            Some(link) => {
                let next = link::next(link, session.route().url(), &self.mailbox)?;
                if self.visited.contains(&next) {
                    return Err(malformed(
                        "der Verweis auf die nächste Seite (@odata.nextLink) führt im Kreis",
                        "the link to the next page (@odata.nextLink) leads in a circle",
                    ));
                }
                Some(next)
            }
            None => None,
        };
        match next {
            Some(next) => self.go_to(next),
            // A first page that is full and names no next one may be all there is, or the server does not tell that it cut.
            None if page.sent >= self.per_page && self.visited.len() == 1 && self.per_page < MOST_PER_PAGE => {
                self.per_page = self.per_page.saturating_mul(2).min(MOST_PER_PAGE);
                self.begin(self.piece);
            }
            None if page.sent >= self.per_page && self.visited.len() == 1 => {
                let Some((first, second)) = window::halves(self.piece) else { return Err(too_many_at_once()) };
                self.open.push(second);
                self.begin(first);
            }
            None => {
                self.keep_piece();
                match self.open.pop() {
                    Some(piece) => self.begin(piece),
                    None => return Ok(true),
                }
            }
        }
        match self.requests >= self.most_requests {
            true => Err(too_many_requests(self.most_requests)),
            false => Ok(false),
        }
    }

    /// The events of a piece that is whole. One that two pages or two pieces hold comes once.
    fn keep_piece(&mut self) {
        for (id, entry) in self.piece_entries.drain(..) {
            if touches(entry, self.window) && self.found.insert((id, entry)) {
                self.entries.push(entry);
            }
        }
    }
}

/// Whether an entry may block any of the window, an all-day one in whatever zone its dates are laid.
fn touches(entry: CalendarEntry, window: Interval) -> bool {
    match entry.time() {
        EntryTime::Timed(time) => time.overlaps(window),
        EntryTime::AllDay { first, last } => {
            const FARTHEST: i64 = 14 * 3_600;
            let midnight = |date: chrono::NaiveDate| date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp();
            midnight(first) - FARTHEST < window.end_unix() && midnight(last) + 86_400 + FARTHEST > window.start_unix()
        }
        _ => true,
    }
}

/// What is said of one mailbox is said of its calendar, unless it is about rights or signing in.
fn of_a_calendar(error: ReadError) -> ReadError {
    match error.kind() {
        ReadErrorKind::Malformed | ReadErrorKind::LimitReached | ReadErrorKind::UnexpandedSeries => {
            texts::in_words_of_graph(error).at(Step::Calendar)
        }
        _ => error,
    }
}

fn held_back(until: Instant) -> ReadError {
    let fact = Text::fixed(
        "Microsoft Graph hat um eine Wartezeit gebeten, die länger ist als die Frist des Aufrufs",
        "Microsoft Graph asked for a wait that is longer than the call's deadline allows",
    );
    let error = texts::in_words_of_graph(ReadError::new(ReadErrorKind::Throttled, fact)).at(None);
    error.with_retry_after(Some(until.saturating_duration_since(Instant::now())))
}

fn too_many_at_once() -> ReadError {
    let fact = Text::fixed(
        "eine Seite ist voll und nennt keine nächste, obwohl sie nur eine Sekunde betrifft",
        "a page is full and names no next one, although it is about one second only",
    );
    ReadError::new(ReadErrorKind::LimitReached, fact)
}
