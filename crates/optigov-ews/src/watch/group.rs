//! The task of one group of mailboxes: subscribes to them, keeps one stream open for all of them, and makes good what fails.
//!
//! The subscriptions stay at the server for a while when a stream ends, but what happens in between is lost. So a stream is replaced before its time is over by
//! another one that takes its subscriptions over, and is read on for a moment. Wherever no stream took over, the mailboxes are reported
//! lost, and as watched anew once another stream is open.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, stream};
use optigov_calendar::{Mailbox, ReadError};
use optigov_http::growing_pause;
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, sleep_until, timeout, timeout_at},
};

use super::{
    hanging::Place,
    opened::{Message, News, Opened, Subscriptions},
    reasons::{closed, denied, no_overlap, no_place, not_asked, unanswered},
    subscribing::{AT_ONCE, MANY, Verdict, ask, end_subscriptions, verdict},
};
use crate::{
    affinity::Affinity,
    ops::{
        get_streaming_events::{self, MINUTES, StreamFailure},
        subscribe::SubscriptionId,
    },
    session::Session,
};

/// A stream is replaced after three quarters of its time, and no two at once.
const LONGEST_LIFE: Duration = Duration::from_secs(MINUTES as u64 * 60 * 3 / 4);
/// A stream that is replaced is read on for so long, unless the server ends it.
const READ_ON: Duration = Duration::from_secs(10);
/// Two streams that end on their own after times this close show that something between here and the server ends them.
const SAME_AGE: f64 = 0.2;
/// A stream that was open for so long was no failure.
const PROVEN: Duration = Duration::from_secs(60);
/// No stream is replaced sooner only to carry more mailboxes.
const SETTLING: Duration = Duration::from_secs(2);
/// The first pause before a mailbox that fails on its own is subscribed to again; it doubles each time.
const MAILBOX_PAUSE: Duration = Duration::from_secs(60);
/// The longest pause before a mailbox or a group is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// The pause before a mailbox is tried again to which the account may not subscribe.
const DENIED_PAUSE: Duration = Duration::from_secs(60 * 60);
/// Ending subscriptions takes no longer.
const UNSUBSCRIBING: Duration = Duration::from_secs(30);
/// The server needs so long to see that a connection has been closed.
const CLOSING: Duration = Duration::from_millis(250);

/// Works until nothing is wanted any more.
pub(super) async fn run(session: Arc<Session>, number: u64, changed: Arc<Notify>) {
    let _ending = Ending { session: session.clone(), number };
    Group::new(session, number, changed).work().await;
}

/// Tells whoever listens, should the task end before its time.
struct Ending {
    session: Arc<Session>,
    number: u64,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.session.hub.abandon(self.number);
    }
}

struct Group {
    session: Arc<Session>,
    number: u64,
    changed: Arc<Notify>,
    affinity: Option<Arc<Affinity>>,
    subscriptions: Arc<Subscriptions>,
    /// The right to a connection, until a stream has it.
    place: Option<Place>,
    current: Option<Opened>,
    /// The stream that the current one has replaced, and until when it is read.
    replaced: Option<(Opened, Instant)>,
    opening: Option<Opening>,
    /// Mailboxes that are reported as watched.
    live: BTreeSet<Mailbox>,
    /// Mailboxes that have failed, and when they are tried again.
    failed: BTreeMap<Mailbox, Failed>,
    messages: mpsc::Receiver<Message>,
    sender: mpsc::Sender<Message>,
    streams: u64,
    /// Failures of the group as a whole in a row.
    failures: u32,
    not_before: Instant,
    /// After this time a stream is replaced.
    life: Duration,
    /// When the last stream that was not replaced ended.
    last_age: Option<Duration>,
    /// The server does not take the group as it is.
    misfits: u32,
    /// How often everything was to be tried again.
    retries: u64,
}

#[derive(Clone, Copy)]
struct Failed {
    times: u32,
    last: Instant,
    again: Instant,
}

/// A stream from the request until it is known to be open.
struct Opening {
    stream: u64,
    is_open: bool,
    /// Subscriptions have failed on it.
    has_failures: bool,
    /// It has ended; inside, why.
    ended: Option<Option<ReadError>>,
    /// The server has told the current stream that it is replaced.
    took_over: bool,
}

impl Group {
    fn new(session: Arc<Session>, number: u64, changed: Arc<Notify>) -> Group {
        let (sender, messages) = mpsc::channel(64);
        let retries = session.hub.retries.load(Ordering::Relaxed);
        Group {
            session,
            number,
            changed,
            affinity: None,
            subscriptions: Arc::default(),
            place: None,
            current: None,
            replaced: None,
            opening: None,
            live: BTreeSet::new(),
            failed: BTreeMap::new(),
            messages,
            sender,
            streams: 0,
            failures: 0,
            not_before: Instant::now(),
            life: jittered(LONGEST_LIFE),
            last_age: None,
            misfits: 0,
            retries,
        }
    }

    async fn work(&mut self) {
        while let Some(wanted) = self.session.hub.wanted(self.number) {
            self.give_up_unwanted(&wanted);
            self.forget_failures_if_told();
            if Instant::now() >= self.not_before {
                if !self.has_place().await {
                    continue;
                }
                self.subscribe(&wanted).await;
                if Instant::now() >= self.not_before {
                    self.connect().await;
                }
            }
            self.wait().await;
        }
        self.give_up_unwanted(&BTreeSet::new());
    }

    /// Forgets what has failed, once everything is to be tried again.
    fn forget_failures_if_told(&mut self) {
        let retries = self.session.hub.retries.load(Ordering::Relaxed);
        if std::mem::replace(&mut self.retries, retries) != retries {
            self.failed.clear();
            self.failures = 0;
            self.not_before = Instant::now();
        }
    }

    /// Ends the subscriptions of mailboxes that nobody watches any more.
    fn give_up_unwanted(&mut self, wanted: &BTreeSet<Mailbox>) {
        self.failed.retain(|mailbox, _| wanted.contains(mailbox));
        self.live.retain(|mailbox| wanted.contains(mailbox));
        let subscribed = self.subscriptions.all().into_keys();
        let unwanted: Vec<_> = subscribed.filter(|mailbox| !wanted.contains(mailbox)).collect();
        self.unsubscribe(&unwanted);
    }

    /// Ends subscriptions, as far as that works, in a task of its own.
    fn unsubscribe(&self, mailboxes: &[Mailbox]) {
        let Some(affinity) = self.affinity.clone() else { return };
        let given_up =
            mailboxes.iter().filter_map(|mailbox| Some((mailbox.clone(), self.subscriptions.remove(mailbox)?)));
        let given_up: Vec<_> = given_up.collect();
        if !given_up.is_empty() {
            tokio::spawn(timeout(UNSUBSCRIBING, end_subscriptions(self.session.clone(), affinity, given_up)));
        }
    }

    /// Whether the group has the right to a connection, or one. Otherwise it waits for it, or until something else is wanted.
    async fn has_place(&mut self) -> bool {
        if self.current.is_some() || self.place.is_some() {
            return true;
        }
        let hub = &self.session.hub;
        self.place = hub.hanging.try_take();
        if self.place.is_none() {
            if let Some(wanted) = hub.wanted(self.number) {
                hub.lost(self.number, &wanted, &no_place(hub.hanging.allowed_now()));
            }
            tokio::select! {
                place = hub.hanging.take() => self.place = Some(place),
                () = self.changed.notified() => {}
            }
        }
        self.place.is_some()
    }

    /// Subscribes to what is wanted and due.
    async fn subscribe(&mut self, wanted: &BTreeSet<Mailbox>) {
        let (now, subscribed) = (Instant::now(), self.subscriptions.all());
        let is_due = |mailbox: &&Mailbox| {
            !subscribed.contains_key(*mailbox) && self.failed.get(*mailbox).is_none_or(|failed| failed.again <= now)
        };
        let mut due: Vec<_> = wanted.iter().filter(is_due).cloned().collect();
        due.reverse();
        let in_a_row = Arc::new(AtomicUsize::new(0));
        // The first one leads the others to its server.
        let affinity = loop {
            if let Some(affinity) = &self.affinity {
                break affinity.clone();
            }
            let Some(first) = due.pop() else { return };
            let affinity = Arc::new(Affinity::new(first.clone()));
            let asked = ask(self.session.clone(), affinity.clone(), self.number, first, in_a_row.clone());
            let (first, subscribed) = self.meanwhile(asked).await;
            if subscribed.as_ref().is_some_and(Result::is_ok) {
                self.affinity = Some(affinity);
            }
            if !self.take_answer(first, subscribed, &in_a_row) {
                return self.leave(due);
            }
        };
        let (session, number) = (self.session.clone(), self.number);
        let asked = due.into_iter().rev().map({
            let in_a_row = in_a_row.clone();
            move |mailbox| ask(session.clone(), affinity.clone(), number, mailbox, in_a_row.clone())
        });
        let mut asked = Box::pin(stream::iter(asked).buffer_unordered(AT_ONCE));
        let mut left = Vec::new();
        while let Some((mailbox, subscribed)) = self.meanwhile(asked.next()).await {
            if subscribed.is_none() {
                left.push(mailbox);
            } else if !self.take_answer(mailbox, subscribed, &in_a_row) {
                in_a_row.store(MANY, Ordering::Relaxed);
            }
        }
        self.leave(left);
    }

    /// Takes note of the answer about one mailbox. `false`: no other one would fare better.
    fn take_answer(
        &mut self,
        mailbox: Mailbox,
        subscribed: Option<Result<SubscriptionId, ReadError>>,
        in_a_row: &AtomicUsize,
    ) -> bool {
        let error = match subscribed {
            None => return true,
            Some(Ok(id)) => {
                in_a_row.store(0, Ordering::Relaxed);
                self.subscriptions.insert(mailbox, id);
                return true;
            }
            Some(Err(error)) => error,
        };
        let verdict = match verdict(&error) {
            Verdict::Unclear if in_a_row.fetch_add(1, Ordering::Relaxed) + 1 >= MANY => Verdict::Server,
            // It was the first of its group: no other group would lead it elsewhere.
            Verdict::Elsewhere if self.affinity.is_none() => Verdict::Mailbox,
            verdict => verdict,
        };
        let (hub, number) = (&self.session.hub, self.number);
        let times = self.failed.get(&mailbox).map_or(0, |failed| failed.times);
        let (error, pause) = match verdict {
            Verdict::Denied => (denied(&error), jittered(DENIED_PAUSE)),
            Verdict::TooMany => (error, jittered(LONGEST_PAUSE)),
            Verdict::Mailbox | Verdict::Unclear => (error, doubled(MAILBOX_PAUSE, times)),
            Verdict::Elsewhere => {
                hub.lost(number, [&mailbox], &error);
                hub.regroup(&self.session, number, [&mailbox]);
                return true;
            }
            Verdict::Server => {
                hub.lost(number, [&mailbox], &error);
                self.fail(&error);
                return false;
            }
        };
        hub.lost(number, [&mailbox], &error);
        self.put_off(mailbox, pause);
        verdict != Verdict::TooMany
    }

    /// Mailboxes that were not asked for since it would have been in vain.
    fn leave(&mut self, mailboxes: Vec<Mailbox>) {
        if !mailboxes.is_empty() {
            self.session.hub.lost(self.number, &mailboxes, &not_asked());
        }
        if Instant::now() >= self.not_before {
            // The account has too many subscriptions already.
            mailboxes.into_iter().for_each(|mailbox| self.put_off(mailbox, jittered(LONGEST_PAUSE)));
        }
    }

    fn put_off(&mut self, mailbox: Mailbox, pause: Duration) {
        let now = Instant::now();
        let before = self.failed.get(&mailbox).filter(|failed| now < failed.last + LONGEST_PAUSE * 2);
        let times = before.map_or(1, |failed| failed.times.saturating_add(1));
        self.failed.insert(mailbox, Failed { times, last: now, again: now + pause });
    }

    /// Opens a stream, where there is none, or where the current one has become old or carries too few mailboxes.
    async fn connect(&mut self) {
        let mailboxes = self.subscriptions.all();
        if mailboxes.is_empty() {
            (self.current, self.replaced, self.place) = (None, None, None);
            return;
        }
        let now = Instant::now();
        if self.current.is_some() && now < self.next_stream(&mailboxes) {
            return;
        }
        let Some(affinity) = self.affinity.clone() else { return };
        let (place, reuses) = match self.place_for_stream().await {
            Some(found) => found,
            None => return,
        };
        let session = self.session.clone();
        let minutes = NonZeroU32::new(MINUTES).unwrap_or(NonZeroU32::MIN);
        let body = get_streaming_events::request(mailboxes.values(), minutes);
        self.streams += 1;
        let (number, deadline) = (self.streams, session.deadline());
        self.opening =
            Some(Opening { stream: number, is_open: false, has_failures: false, ended: None, took_over: false });
        let asked = self.meanwhile(async move {
            let call = session.impersonating(affinity.anchor(), get_streaming_events::NAME, &body, deadline);
            session.listen(call.with_affinity(&affinity)).await
        });
        let body = match asked.await {
            Ok(body) => body,
            Err(error) => return self.not_opened(Some(error), place, reuses),
        };
        let shared = (self.subscriptions.clone(), mailboxes);
        let sender = self.sender.clone();
        let mut opened = Opened::new(self.session.clone(), self.number, number, (place, body), shared, sender);
        while self.opening.as_ref().is_some_and(|opening| !opening.is_open && opening.ended.is_none()) {
            match timeout_at(deadline, self.messages.recv()).await {
                Ok(Some(message)) => self.hear(message),
                Ok(None) => break,
                Err(_) => {
                    if let Some(opening) = &mut self.opening {
                        opening.ended = Some(Some(unanswered()));
                    }
                }
            }
        }
        match self.opening.as_mut() {
            Some(opening) if opening.is_open => self.has_opened(opened),
            opening => {
                let error = opening.and_then(|opening| opening.ended.take()).flatten();
                if let Some(place) = opened.place.take() {
                    drop(opened);
                    self.not_opened(error, place, reuses);
                }
            }
        }
    }

    /// The place of the next stream, and whether the current one had to be closed for it.
    async fn place_for_stream(&mut self) -> Option<(Place, bool)> {
        if self.current.is_some() {
            let hanging = self.session.hub.hanging.clone();
            if let Some(place) = self.meanwhile(async move { hanging.take_beside().await }).await {
                return Some((place, false));
            }
        }
        let Some(mut current) = self.current.take() else { return Some((self.place.take()?, false)) };
        // The server allows no connection beside this one. What happens in between is lost.
        self.lose(&no_overlap());
        let place = current.place.take();
        current.close().await;
        tokio::time::sleep(CLOSING).await;
        Some((place?, true))
    }

    /// Whatever happened before: from now on the stream tells of every change.
    fn has_opened(&mut self, opened: Opened) {
        let took_over = self.opening.take().is_some_and(|opening| opening.took_over);
        self.misfits = 0;
        if took_over || self.current.is_some() {
            self.last_age = None;
        }
        let new: Vec<_> = opened.mailboxes.keys().filter(|mailbox| !self.live.contains(*mailbox)).cloned().collect();
        // Those that have failed since the request are not on it.
        let subscribed = self.subscriptions.all();
        let new: Vec<_> = new.into_iter().filter(|mailbox| subscribed.contains_key(mailbox)).collect();
        self.session.hub.watching(self.number, &new);
        self.live.extend(new);
        let before = self.current.replace(opened);
        self.replaced = before.map(|before| (before, Instant::now() + READ_ON));
        if self.replaced.is_none() {
            self.settle();
        }
    }

    /// A stream that was asked for did not come about. The current one, if there is one, goes on.
    fn not_opened(&mut self, error: Option<ReadError>, place: Place, reuses: bool) {
        let opening = self.opening.take();
        let error = error.unwrap_or_else(closed);
        if opening.as_ref().is_some_and(|opening| opening.took_over) {
            // It has been told that it carries nothing any more.
            (self.current, self.replaced) = (None, None);
        }
        let is_replacing = self.current.is_some();
        if !is_replacing {
            self.lose(&error);
        }
        if opening.is_some_and(|opening| opening.has_failures) {
            // They are subscribed to anew, each in its time.
            if self.subscriptions.all().is_empty() {
                self.affinity = None;
            }
            return;
        }
        match error.code().map(|code| code.as_str()) {
            Some("ErrorExceededConnectionCount") if is_replacing => return place.refused(),
            // The server may not have seen yet that the one before was closed.
            Some("ErrorExceededConnectionCount") if reuses && self.failures < 2 => {}
            Some("ErrorExceededConnectionCount") => place.refused(),
            Some("ErrorProxyRequestNotAllowed") => {
                self.misfits += 1;
                if self.misfits > 1 {
                    let all: Vec<_> = self.subscriptions.all().into_keys().collect();
                    let half = &all[all.len().div_ceil(2)..];
                    self.session.hub.regroup(&self.session, self.number, half);
                }
                self.start_anew(&error);
            }
            Some(code) if ends_subscriptions(code) => self.start_anew(&error),
            _ if self.failures > 0 && !is_replacing => self.start_anew(&error),
            _ => {}
        }
        self.fail(&error);
    }

    /// Forgets the subscriptions and the way to their server. A stream that carries them is of no more use.
    fn start_anew(&mut self, error: &ReadError) {
        if self.current.take().is_some() {
            self.replaced = None;
            self.lose(error);
        }
        let all: Vec<_> = self.subscriptions.all().into_keys().collect();
        self.unsubscribe(&all);
        self.affinity = None;
    }

    /// The group as a whole has failed: it pauses, longer each time, and leaves its place to others.
    fn fail(&mut self, error: &ReadError) {
        let asked = error.retry_after().unwrap_or_default().min(LONGEST_PAUSE);
        let pause = match self.failures {
            0..7 => growing_pause(self.failures),
            more => doubled(Duration::from_secs(60), more - 6),
        };
        self.failures = self.failures.saturating_add(1);
        self.not_before = Instant::now() + pause.max(asked);
        self.place = None;
        tracing::debug!(
            group = self.number,
            kind = error.kind().as_str(),
            code = error.code().map(|code| code.as_str()),
            fact = %error,
            failures = self.failures,
            "notifications fail"
        );
    }

    /// Every mailbox that counted as watched is lost.
    fn lose(&mut self, error: &ReadError) {
        let lost = std::mem::take(&mut self.live);
        let subscribed = self.subscriptions.all().into_keys().collect::<BTreeSet<_>>();
        self.session.hub.lost(self.number, lost.union(&subscribed), error);
    }

    /// Does something, and hears what the streams have to tell meanwhile.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                Some(message) = self.messages.recv() => self.hear(message),
            }
        }
    }

    fn hear(&mut self, Message { stream, news }: Message) {
        let is_current = self.current.as_ref().is_some_and(|current| current.number == stream);
        let is_opening = self.opening.as_ref().is_some_and(|opening| opening.stream == stream);
        match news {
            News::Open => {
                if let Some(opening) = self.opening.as_mut().filter(|_| is_opening) {
                    opening.is_open = true;
                }
            }
            News::Failed(failure) if is_takeover(&failure.error) && !is_opening => {
                // Another stream of this group has taken over.
                if let Some(opening) = &mut self.opening {
                    opening.took_over |= is_current;
                } else if is_current {
                    self.subscriptions_failed(&failure);
                }
            }
            News::Failed(failure) => {
                if let Some(opening) = self.opening.as_mut().filter(|_| is_opening) {
                    opening.has_failures = true;
                }
                self.subscriptions_failed(&failure);
            }
            News::Ended(error) if is_opening => {
                if let Some(opening) = self.opening.as_mut() {
                    opening.ended = Some(error);
                }
            }
            News::Ended(error) if is_current => self.stream_ended(error),
            News::Ended(_) => {
                if self.replaced.as_ref().is_some_and(|(replaced, _)| replaced.number == stream) {
                    self.settle();
                }
            }
        }
    }

    /// The current stream has ended, and not because it was replaced after its successor had opened.
    fn stream_ended(&mut self, error: Option<ReadError>) {
        let Some(ended) = self.current.take() else { return };
        self.replaced = None;
        if self.opening.as_ref().is_some_and(|opening| opening.took_over) {
            // Its successor has the subscriptions. Should it not open after all, they are lost then.
            return;
        }
        let age = ended.since.elapsed();
        let error_told = error.clone().unwrap_or_else(closed);
        drop(ended);
        self.lose(&error_told);
        if age >= PROVEN {
            self.failures = 0;
            let close = |before: Duration| (age.as_secs_f64() / before.as_secs_f64() - 1.0).abs() <= SAME_AGE;
            if self.last_age.is_some_and(close) {
                self.life = self.life.min((age * 3 / 4).max(PROVEN));
            }
            self.last_age = Some(age);
        }
        match error {
            // In order, and for the first time: at once.
            None if self.failures == 0 && age >= PROVEN => self.not_before = Instant::now(),
            error => {
                if error.as_ref().and_then(ReadError::code).is_some_and(|code| ends_subscriptions(code.as_str())) {
                    self.start_anew(&error_told);
                }
                self.fail(&error_told);
            }
        }
    }

    /// Some subscriptions are of no use any more. Their mailboxes are lost, and subscribed to anew.
    fn subscriptions_failed(&mut self, failure: &StreamFailure) {
        let mailboxes = self.subscriptions.mailboxes_of(&failure.subscriptions);
        self.session.hub.lost(self.number, &mailboxes, &failure.error);
        let is_known_no_more = failure.error.code().is_some_and(|code| code.as_str() == "ErrorSubscriptionNotFound");
        if is_known_no_more {
            mailboxes.iter().for_each(|mailbox| drop(self.subscriptions.remove(mailbox)));
        } else {
            self.unsubscribe(&mailboxes);
        }
        for mailbox in mailboxes {
            self.live.remove(&mailbox);
            self.subscriptions.remove(&mailbox);
            let pause = match self.failed.get(&mailbox) {
                Some(failed) if Instant::now() < failed.last + LONGEST_PAUSE => {
                    doubled(Duration::from_secs(1), failed.times)
                }
                _ => Duration::ZERO,
            };
            self.put_off(mailbox, pause);
        }
    }

    /// The stream that was replaced is over.
    fn settle(&mut self) {
        self.replaced = None;
        if let Some(place) = self.current.as_mut().and_then(|current| current.place.as_mut()) {
            place.settle();
        }
    }

    /// When the current stream is to be replaced.
    fn next_stream(&self, mailboxes: &BTreeMap<Mailbox, SubscriptionId>) -> Instant {
        let Some(current) = &self.current else { return self.not_before };
        let carries_all = mailboxes.iter().all(|(mailbox, id)| current.mailboxes.get(mailbox) == Some(id));
        current.since + if carries_all { self.life } else { SETTLING }
    }

    /// Until something is to be done.
    async fn wait(&mut self) {
        let mailboxes = self.subscriptions.all();
        let mut next =
            self.failed.iter().filter(|(mailbox, _)| !mailboxes.contains_key(*mailbox)).map(|(_, it)| it.again).min();
        if !mailboxes.is_empty() {
            let stream = self.next_stream(&mailboxes);
            next = Some(next.map_or(stream, |next| next.min(stream)));
        }
        if Instant::now() < self.not_before {
            next = Some(next.map_or(self.not_before, |next| next.min(self.not_before)));
        }
        let next = next.map(|next| next.max(self.not_before));
        let read_until = self.replaced.as_ref().map(|(_, until)| *until);
        let until = [next, read_until].into_iter().flatten().min();
        let pause = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(message) = self.messages.recv() => self.hear(message),
            () = self.changed.notified() => {}
            () = pause => {}
        }
        if self.current.as_ref().is_some_and(|current| current.since.elapsed() >= PROVEN) {
            self.failures = 0;
        }
        if read_until.is_some_and(|until| until <= Instant::now()) {
            self.settle();
        }
    }
}

/// Whether a subscription that ends with this code is of no use any more.
fn ends_subscriptions(code: &str) -> bool {
    matches!(
        code,
        "ErrorMissedNotificationEvents"
            | "ErrorReadEventsFailed"
            | "ErrorSubscriptionNotFound"
            | "ErrorInvalidSubscription"
            | "ErrorExpiredSubscription"
            | "ErrorEventNotFound"
            | "ErrorSubscriptionUnsubscribed"
            | "ErrorProxiedSubscriptionCallFailure"
    )
}

/// Whether a stream has ended for a subscription because another one has begun.
fn is_takeover(error: &ReadError) -> bool {
    error.code().is_some_and(|code| code.as_str() == "ErrorNewEventStreamConnectionOpened")
}

/// Something between three quarters of this time and all of it, so that groups do not act together.
fn jittered(time: Duration) -> Duration {
    time.mul_f64(0.75 + fastrand::f64() / 4.0)
}

/// This pause, doubled so many times, up to the longest one, and jittered.
fn doubled(pause: Duration, times: u32) -> Duration {
    jittered(pause.saturating_mul(1 << times.min(20)).min(LONGEST_PAUSE))
}
