//! From what was read to a counter's answer: each mailbox becomes a resource, the failure policy decides on those unread.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use optigov_calendar::{Language, ReadError};
use optigov_calendar_cache::{Fetched, Reading};
use optigov_counter::WhenUnavailable;
use optigov_slots::{Busy, Interval, Needed, OpenWindows, Resources};

use crate::{
    answer::{CounterAnswer, Status, Unread, Warning, WarningCode},
    blocking::Blocked,
    setup::Asked,
};

/// What a call to [`counter_answer`] shares among its counters.
pub(crate) struct Moment<'a> {
    pub(crate) window: Interval,
    /// The appointments already booked, by their counter's id.
    pub(crate) bookings: HashMap<&'a str, Vec<Interval>>,
    /// The part of time for which calendars were read.
    pub(crate) read: Interval,
    pub(crate) when_unavailable: WhenUnavailable,
    pub(crate) now: DateTime<Utc>,
}

/// What is known of one mailbox.
enum Known {
    /// Read, or an older reading that the operator lets serve, with its age and why it could not be read anew.
    Reading(Arc<Reading>, Option<(Duration, ReadError)>),
    /// Not read, and to be left out of account, as the operator chose in words.
    Ignored(ReadError),
    /// Not read.
    Nothing(ReadError),
}

/// The answer for one counter from what was fetched for its mailboxes, in their order; `None` where nothing had to be fetched, since nothing
/// could be booked when the call began.
pub(crate) fn counter_answer<'f>(
    asked: &Asked<'_>,
    open: &OpenWindows,
    fetched: Option<impl Iterator<Item = &'f Fetched>>,
    moment: &Moment<'_>,
) -> CounterAnswer {
    let sync = asked.counter.exchange_sync();
    let mut tally = Tally::default();
    let mut busy = Vec::with_capacity(asked.targets.len());
    if let Some(fetched) = fetched {
        for (mailbox, fetched) in fetched.enumerate() {
            match known(fetched, moment) {
                Known::Reading(reading, stale) => {
                    let mut blocked = Blocked::of(&reading, sync.blocking(), open.zone(), moment.window, moment.read);
                    tally.all_day_ignored += blocked.all_day_ignored;
                    tally.guessed += blocked.guessed_all_day_ignored;
                    tally.read_at = tally.read_at.into_iter().chain([reading.read_at()]).min();
                    if let Some((age, error)) = stale {
                        tally.age = tally.age.max(age);
                        tally.stale.push(Unread { mailbox, error });
                    }
                    blocked.more.extend(asked.parts_not_read(open, moment.read, moment.now));
                    busy.push(blocked.into());
                }
                Known::Ignored(error) => {
                    tally.ignored.push(Unread { mailbox, error });
                    busy.push(Busy::default());
                }
                Known::Nothing(error) => {
                    tally.nothing.push(Unread { mailbox, error });
                    busy.push(Busy::from(vec![moment.throughout()]));
                }
            }
        }
    } else {
        // What may have become bookable since the call began is not known to be free.
        busy.extend(asked.targets.iter().map(|_| Busy::from(vec![moment.throughout()])));
    }
    // An unread calendar counts as busy throughout. Where that leaves enough others, they decide; else nothing is known.
    let readable = busy.len() - tally.nothing.len();
    let enough = match sync.needed() {
        _ if tally.nothing.is_empty() => true,
        Needed::Any => readable >= 1,
        Needed::AtLeast(least) => readable >= least as usize,
        _ => false,
    };
    let bookings = moment.bookings.get(asked.counter.id().as_str()).cloned().unwrap_or_default();
    let resources = match busy.is_empty() {
        true => Resources::none(),
        // The configuration refuses to need more mailboxes than there are; should it ever not, then nothing is free.
        false => Resources::new(busy, sync.needed()).unwrap_or_else(|_| Resources::one(vec![moment.throughout()])),
    };
    let slots = open.slots(&asked.rules, &resources, &Busy::from(bookings), moment.now);
    let (warnings, read_at) = (tally.warnings(enough), tally.read_at);
    CounterAnswer {
        id: asked.counter.id().as_str().to_owned(),
        name: asked.counter.name().to_owned(),
        zone: open.zone(),
        template: asked.template.id().as_str().to_owned(),
        status: tally.status(enough),
        slots,
        warnings,
        read_at,
        language: Language::default(),
    }
}

impl Moment<'_> {
    /// More than any slot of the answer needs: an appointment and a buffer are a day long at most.
    fn throughout(&self) -> Interval {
        const BEYOND: Duration = Duration::from_secs(3 * 86_400);
        self.read.hull(self.window).widened(BEYOND, BEYOND)
    }
}

fn known(fetched: &Fetched, moment: &Moment<'_>) -> Known {
    let error = match &fetched.reading {
        Ok(reading) => return Known::Reading(Arc::clone(reading), None),
        Err(error) => error.clone(),
    };
    match moment.when_unavailable {
        WhenUnavailable::Ignore => Known::Ignored(error),
        // Where the server says that it does not have the mailbox, an older reading may be one from before a move.
        WhenUnavailable::ServeStale { .. } if error.is_not_here() => Known::Nothing(error),
        WhenUnavailable::ServeStale { up_to } => {
            let older = fetched.older.as_ref().and_then(|older| {
                let age = moment.now.signed_duration_since(older.read_at()).to_std().ok()?;
                (age <= up_to).then(|| (Arc::clone(older), age))
            });
            match older {
                Some((reading, age)) => Known::Reading(reading, Some((age, error))),
                None => Known::Nothing(error),
            }
        }
        _ => Known::Nothing(error),
    }
}

/// What was found while going through a counter's mailboxes.
#[derive(Default)]
struct Tally {
    all_day_ignored: u32,
    guessed: u32,
    read_at: Option<DateTime<Utc>>,
    age: Duration,
    stale: Vec<Unread>,
    ignored: Vec<Unread>,
    nothing: Vec<Unread>,
}

impl Tally {
    fn warnings(&self, enough: bool) -> Vec<Warning> {
        let count = |unread: &[Unread]| u32::try_from(unread.len()).unwrap_or(u32::MAX);
        let busy = if enough { count(&self.nothing) } else { 0 };
        let warnings = [
            Warning::counted(WarningCode::AllDayIgnored, self.all_day_ignored),
            Warning::counted(WarningCode::GuessedAllDayIgnored, self.guessed),
            Warning::counted(WarningCode::CalendarCountedBusy, busy),
            Warning::counted(WarningCode::CalendarIgnored, count(&self.ignored)),
        ];
        warnings.into_iter().flatten().collect()
    }

    fn status(self, enough: bool) -> Status {
        if !enough {
            return Status::Unknown { unread: self.nothing };
        }
        if !self.ignored.is_empty() {
            return Status::Unknown { unread: self.ignored };
        }
        if !self.stale.is_empty() {
            return Status::Stale { age: self.age, unread: self.stale };
        }
        Status::Known
    }
}
