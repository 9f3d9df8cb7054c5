//! A mailbox's calendar made ready to answer: entries with ids, series with their exceptions, expansions kept.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use rrule::RRule;

use crate::recurrence::Rule;
use crate::scenario::{Entry, Exception, Mailbox, Span};
use crate::zones;

/// Expansions reach this far beyond what was asked for, so that the next window needs no new one.
const EXPAND_AHEAD: TimeDelta = TimeDelta::days(400);

#[derive(Debug)]
pub(crate) struct Calendar {
    items: Vec<Item>,
    expanded: Mutex<Option<Expanded>>,
}

/// An entry with its identity.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) uid: String,
    /// Changes whenever the content does.
    pub(crate) change_key: u64,
    pub(crate) itself: Occurrence,
    pub(crate) series: Option<Series>,
}

#[derive(Debug)]
pub(crate) struct Series {
    rule: Rule,
    first: NaiveDateTime,
    length: TimeDelta,
    zone: Tz,
    exceptions: BTreeMap<NaiveDate, Option<Occurrence>>,
}

/// One appointment at one time.
#[derive(Clone, Debug)]
pub(crate) struct Occurrence {
    /// Index of the item it belongs to.
    pub(crate) item: usize,
    pub(crate) kind: Kind,
    pub(crate) start: DateTime<Utc>,
    pub(crate) end: DateTime<Utc>,
    /// Where the rule had put it; its identity within the series.
    pub(crate) original: DateTime<Utc>,
    pub(crate) all_day: bool,
    pub(crate) zone: Tz,
    pub(crate) entry: Arc<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Single,
    Occurrence,
    Exception,
    Master,
}

#[derive(Debug)]
struct Expanded {
    until: DateTime<Utc>,
    occurrences: Arc<[Occurrence]>,
}

impl Calendar {
    pub(crate) fn new(mailbox: &Mailbox) -> Result<Calendar, crate::Error> {
        let mut items = Vec::with_capacity(mailbox.entries.len());
        let mut seen = HashMap::new();
        for (at, entry) in mailbox.entries.iter().enumerate() {
            let item = Item::new(at, entry, mailbox, &mut seen)
                .map_err(|error| error.at(format!("mailbox {}, entry {}", mailbox.address, at + 1)))?;
            items.push(item);
        }
        Ok(Calendar { items, expanded: Mutex::new(None) })
    }

    pub(crate) fn items(&self) -> &[Item] {
        &self.items
    }

    /// All appointments that share time with `start..end`, series expanded, by start; with `touching`, also those that only
    /// meet an edge.
    pub(crate) fn view(&self, start: DateTime<Utc>, end: DateTime<Utc>, touching: bool) -> Vec<Occurrence> {
        let all = self.expanded(end);
        let head = all.partition_point(|occurrence| occurrence.start <= end);
        all[..head].iter().filter(|occurrence| occurrence.shares(start, end, touching)).cloned().collect()
    }

    /// The same of a server that does not expand series: single appointments and masters, each where its own span lies.
    pub(crate) fn unexpanded_view(&self, start: DateTime<Utc>, end: DateTime<Utc>, touching: bool) -> Vec<Occurrence> {
        let items = self.items.iter().map(|item| &item.itself);
        let mut found: Vec<_> = items.filter(|itself| itself.shares(start, end, touching)).cloned().collect();
        found.sort_by_key(|itself| (itself.start, itself.end, itself.item));
        found
    }

    /// The appointment of `uid` whose original start is `original`, or the item itself.
    pub(crate) fn find(&self, uid: &str, original: Option<DateTime<Utc>>) -> Option<Occurrence> {
        let (at, item) = self.items.iter().enumerate().find(|(_, item)| item.uid == uid)?;
        let Some(original) = original else { return Some(item.itself.clone()) };
        let all = self.expanded(original + TimeDelta::days(1));
        all.iter().find(|occurrence| occurrence.item == at && occurrence.original == original).cloned()
    }

    fn expanded(&self, end: DateTime<Utc>) -> Arc<[Occurrence]> {
        let mut kept = self.expanded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(expanded) = kept.as_ref().filter(|expanded| end < expanded.until) {
            return Arc::clone(&expanded.occurrences);
        }
        let until = end.checked_add_signed(EXPAND_AHEAD).unwrap_or(end);
        let mut occurrences: Vec<Occurrence> = Vec::new();
        for item in &self.items {
            match &item.series {
                None => occurrences.push(item.itself.clone()),
                Some(series) => series.expand(&item.itself, until, &mut occurrences),
            }
        }
        occurrences.sort_by_key(|occurrence| (occurrence.start, occurrence.end, occurrence.item));
        let occurrences: Arc<[Occurrence]> = occurrences.into();
        *kept = Some(Expanded { until, occurrences: Arc::clone(&occurrences) });
        occurrences
    }
}

impl Item {
    fn new(
        at: usize,
        entry: &Entry,
        mailbox: &Mailbox,
        seen: &mut HashMap<String, usize>,
    ) -> Result<Item, crate::Error> {
        let mut entry = entry.clone();
        if mailbox.room {
            entry.subject.clear();
            entry.private = false;
        }
        let mut hasher = DefaultHasher::new();
        entry.hash(&mut hasher);
        let change_key = hasher.finish();
        let uid = entry.uid.clone().unwrap_or_else(|| format!("{change_key:016X}"));
        let count = seen.entry(uid.clone()).and_modify(|count| *count += 1).or_insert(0);
        let uid = if *count == 0 { uid } else { format!("{uid}#{count}") };

        let zone = entry.zone.unwrap_or(mailbox.zone);
        let kind = if entry.is_recurring() { Kind::Master } else { Kind::Single };
        let exceptions = std::mem::take(&mut entry.exceptions);
        let itself = Occurrence::new(at, kind, entry.span, zone, Arc::new(entry));
        let series = match &itself.entry.rule {
            Some(rule) => Some(Series::new(rule, &itself, exceptions, mailbox.room)?),
            None => None,
        };
        Ok(Item { uid, change_key, itself, series })
    }
}

impl Series {
    fn new(
        rule: &str,
        master: &Occurrence,
        exceptions: BTreeMap<NaiveDate, Exception>,
        room: bool,
    ) -> Result<Series, crate::Error> {
        let zone = master.zone;
        let first = zones::local(master.start, zone);
        let length = zones::local(master.end, zone) - first;
        let rule = Rule::new(rule, first, zone)?;
        let mut compiled = BTreeMap::new();
        for (date, exception) in exceptions {
            let (span, entry) = match exception {
                Exception::Deleted => {
                    compiled.insert(date, None);
                    continue;
                }
                Exception::Moved(span) => (span, Arc::clone(&master.entry)),
                Exception::Changed(mut entry) => {
                    if room {
                        entry.subject.clear();
                        entry.private = false;
                    }
                    (entry.span, Arc::from(entry))
                }
            };
            let zone = entry.zone.unwrap_or(zone);
            compiled.insert(date, Some(Occurrence::new(master.item, Kind::Exception, span, zone, entry)));
        }
        Ok(Series { rule, first, length, zone, exceptions: compiled })
    }

    fn expand(&self, master: &Occurrence, until: DateTime<Utc>, into: &mut Vec<Occurrence>) {
        for start in self.rule.starts(self.horizon(until)) {
            let original = zones::instant(start, self.zone);
            match self.exceptions.get(&start.date()) {
                Some(None) => {}
                Some(Some(exception)) => into.push(Occurrence { original, ..exception.clone() }),
                None => into.push(Occurrence {
                    kind: Kind::Occurrence,
                    start: original,
                    end: zones::instant(start + self.length, self.zone),
                    original,
                    ..master.clone()
                }),
            }
        }
    }

    /// Far enough for `until` and for every exception, which may have moved from later to earlier.
    fn horizon(&self, until: DateTime<Utc>) -> NaiveDateTime {
        let until = zones::local(until, self.zone);
        let last = self.exceptions.keys().next_back().and_then(|date| date.checked_add_days(Days::new(1)));
        last.map_or(until, |last| until.max(last.and_time(NaiveTime::MIN)))
    }

    pub(crate) fn definition(&self) -> &RRule {
        self.rule.definition()
    }

    /// The first occurrence, be it moved or not; none where the rule never comes true.
    pub(crate) fn first_occurrence(&self, master: &Occurrence) -> Option<Occurrence> {
        let mut all = Vec::new();
        self.expand(master, master.start + EXPAND_AHEAD, &mut all);
        all.into_iter().next()
    }

    /// The civil start of the first occurrence.
    pub(crate) fn first(&self) -> NaiveDateTime {
        self.first
    }

    /// Occurrences that were moved or changed, and the original starts of those that were deleted.
    pub(crate) fn exceptions(&self) -> (Vec<Occurrence>, Vec<DateTime<Utc>>) {
        let (mut changed, mut deleted) = (Vec::new(), Vec::new());
        for start in self.rule.starts(self.horizon(DateTime::UNIX_EPOCH)) {
            let original = zones::instant(start, self.zone);
            match self.exceptions.get(&start.date()) {
                Some(None) => deleted.push(original),
                Some(Some(exception)) => changed.push(Occurrence { original, ..exception.clone() }),
                None => {}
            }
        }
        (changed, deleted)
    }
}

impl Occurrence {
    /// Whether it shares time with `start..end`, or, with `touching`, meets an edge of it.
    fn shares(&self, start: DateTime<Utc>, end: DateTime<Utc>, touching: bool) -> bool {
        let inside = self.start < end && (self.end > start || (self.start == self.end && self.start == start));
        inside || (touching && self.start <= end && self.end >= start)
    }

    fn new(item: usize, kind: Kind, span: Span, zone: Tz, entry: Arc<Entry>) -> Occurrence {
        let midnight = |date: NaiveDate| zones::instant(date.and_time(NaiveTime::MIN), zone);
        let (start, end, all_day) = match span {
            Span::Instants { start, end } => (start, end, false),
            Span::Local { start, end } => (zones::instant(start, zone), zones::instant(end, zone), false),
            Span::Days { first, last } => (midnight(first), midnight(last.succ_opt().unwrap_or(last)), true),
        };
        Occurrence { item, kind, start, end, original: start, all_day, zone, entry }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        text.parse().expect("a civil time")
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn view(entry: Entry, start: &str, end: &str) -> Vec<String> {
        let mailbox = Mailbox::new("anna@musterstadt.example").entry(entry);
        let calendar = Calendar::new(&mailbox).expect("a calendar");
        let found = calendar.view(instant(start), instant(end), false);
        found.iter().map(|o| format!("{:?} {}–{}", o.kind, o.start.format("%dT%R"), o.end.format("%dT%R"))).collect()
    }

    #[test]
    fn a_series_has_its_moved_and_deleted_occurrences() {
        let series = Entry::local(at("2026-11-02T09:00:00"), at("2026-11-02T10:00:00"))
            .recurs("FREQ=WEEKLY;BYDAY=MO;COUNT=4")
            .moved(day("2026-11-09"), at("2026-11-11T13:00:00"), at("2026-11-11T14:30:00"))
            .deleted(day("2026-11-16"));
        assert_eq!(
            view(series, "2026-11-01T00:00:00Z", "2026-12-31T00:00:00Z"),
            ["Occurrence 02T08:00–02T09:00", "Exception 11T12:00–11T13:30", "Occurrence 23T08:00–23T09:00"]
        );
    }

    #[test]
    fn an_occurrence_moved_from_far_ahead_is_found() {
        let series = Entry::local(at("2026-11-02T09:00:00"), at("2026-11-02T10:00:00")).recurs("FREQ=YEARLY").moved(
            day("2036-11-02"),
            at("2026-11-20T09:00:00"),
            at("2026-11-20T10:00:00"),
        );
        assert_eq!(view(series, "2026-11-19T00:00:00Z", "2026-11-21T00:00:00Z"), ["Exception 20T08:00–20T09:00"]);
    }

    #[test]
    fn all_day_series_follow_the_civil_day_over_a_clock_change() {
        let days = Entry::all_day(day("2026-10-24"), day("2026-10-24")).recurs("FREQ=DAILY;COUNT=3");
        assert_eq!(
            view(days, "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"),
            ["Occurrence 23T22:00–24T22:00", "Occurrence 24T22:00–25T23:00", "Occurrence 25T23:00–26T23:00"]
        );
    }

    #[test]
    fn edges_count_only_when_touching_is_asked_for() {
        let entry = Entry::timed(instant("2026-11-02T09:00:00Z"), instant("2026-11-02T10:00:00Z"));
        let calendar = Calendar::new(&Mailbox::new("a@b").entry(entry)).expect("a calendar");
        for (start, end) in
            [("2026-11-02T10:00:00Z", "2026-11-02T11:00:00Z"), ("2026-11-02T08:00:00Z", "2026-11-02T09:00:00Z")]
        {
            assert_eq!(calendar.view(instant(start), instant(end), false).len(), 0);
            assert_eq!(calendar.view(instant(start), instant(end), true).len(), 1);
        }
        assert_eq!(calendar.view(instant("2026-11-02T09:30:00Z"), instant("2026-11-02T09:31:00Z"), false).len(), 1);
    }

    #[test]
    fn the_same_uid_twice_stays_two_items() {
        let entry = Entry::local(at("2026-11-02T09:00:00"), at("2026-11-02T10:00:00"));
        let mailbox = Mailbox::new("a@b").entry(entry.clone()).entry(entry);
        let calendar = Calendar::new(&mailbox).expect("a calendar");
        assert_ne!(calendar.items()[0].uid, calendar.items()[1].uid);
    }

    /// Minutes from the start of a fortnight.
    fn after(minutes: i64) -> DateTime<Utc> {
        instant("2026-10-19T00:00:00Z") + TimeDelta::minutes(minutes)
    }

    fn calendar() -> impl Strategy<Value = Calendar> {
        let rule = prop_oneof![
            Just(None),
            Just(Some("FREQ=DAILY;COUNT=5")),
            Just(Some("FREQ=WEEKLY;BYDAY=MO,TH")),
            Just(Some("FREQ=DAILY;INTERVAL=2")),
        ];
        let entry = (0..14 * 24 * 60_i64, 0..600_i64, rule).prop_map(|(start, length, rule)| {
            let entry = Entry::timed(after(start), after(start + length));
            rule.map_or(entry.clone(), |rule| entry.recurs(rule))
        });
        prop::collection::vec(entry, 0..8)
            .prop_map(|entries| Calendar::new(&Mailbox::new("a@b").entries(entries)).expect("a calendar"))
    }

    proptest! {
        /// A client may split a window anywhere: the parts hold what the whole holds, and nothing else.
        #[test]
        fn parts_of_a_window_hold_the_whole(
            calendar in calendar(),
            start in 0..10_000_i64,
            first in 1..6_000_i64,
            second in 1..6_000_i64,
        ) {
            let key = |o: &Occurrence| (o.start, o.end, o.item);
            let (start, middle, end) = (after(start), after(start + first), after(start + first + second));
            let whole: Vec<_> = calendar.view(start, end, false).iter().map(key).collect();
            let mut parts: Vec<_> = calendar.view(start, middle, false).iter().map(key).collect();
            parts.extend(calendar.view(middle, end, false).iter().map(key));
            parts.sort_unstable();
            parts.dedup();
            prop_assert_eq!(&whole, &parts);
            prop_assert!(whole.iter().all(|(from, to, _)| *from < end && (*to > start || from == to)));
            prop_assert!(whole.is_sorted_by_key(|(from, _, _)| *from));
        }

        /// What was expanded for one window serves the next, in whatever order they are asked for.
        #[test]
        fn expansion_does_not_depend_on_what_was_asked_before(calendar in calendar(), far in 0..900_i64) {
            let key = |o: &Occurrence| (o.start, o.end, o.item);
            let ask = || calendar.view(after(0), after(20_000), true).iter().map(key).collect::<Vec<_>>();
            let before = ask();
            calendar.view(after(far * 1440), after((far + 1) * 1440), false);
            prop_assert_eq!(before, ask());
        }
    }
}
