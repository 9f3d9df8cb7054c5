//! An answer of `getSchedule`, as it is read: free/busy times of several mailboxes.

use optigov_calendar::{Calendar, CalendarEntry, EntryStatus, EntryTime, Mailbox, ReadError};
use optigov_http::{
    error::{malformed, too_many_entries},
    window,
};
use optigov_slots::Interval;
use serde::Deserialize;

use crate::{
    codes,
    page::{RawTime, Word, status, unreadable},
};

/// The length of a slot of `availabilityView`, in minutes.
pub(crate) const INTERVAL_MINUTES: i64 = 30;

/// What was asked.
pub(crate) struct Asked<'a> {
    pub(crate) mailboxes: &'a [Mailbox],
    pub(crate) window: Interval,
    /// The most entries of one mailbox.
    pub(crate) most_entries: u32,
}

/// Reads the schedules, one result per mailbox in the order asked. What the server sends of titles is passed over where it lies.
///
/// # Errors
/// [`ReadErrorKind::Malformed`](optigov_calendar::ReadErrorKind::Malformed) where it is no answer to this question.
pub(crate) fn read(body: &[u8], asked: &Asked<'_>) -> Result<Vec<Result<Calendar, ReadError>>, ReadError> {
    let raw: RawAnswer<'_> = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    if raw.value.len() > asked.mailboxes.len() {
        return Err(malformed(
            "die Antwort enthält mehr Kalender, als erfragt wurden",
            "the answer holds more schedules than were asked for",
        ));
    }
    let mut results: Vec<Option<Result<Calendar, ReadError>>> = vec![None; asked.mailboxes.len()];
    for (position, schedule) in raw.value.iter().enumerate() {
        // Usually the schedules come in the order asked; the name decides.
        let is_for = |index: &usize| schedule.is_of(&asked.mailboxes[*index]) && results[*index].is_none();
        let here = Some(position).filter(is_for);
        let index = here.or_else(|| (0..asked.mailboxes.len()).find(is_for)).ok_or_else(|| {
            malformed(
                "ein Kalender der Antwort gehört zu keinem der erfragten Postfächer",
                "a schedule of the answer belongs to none of the mailboxes asked for",
            )
        })?;
        results[index] = Some(schedule.read(asked));
    }
    let missing =
        || Err(malformed("die Antwort enthält diesen Kalender nicht", "the answer does not hold this schedule"));
    Ok(results.into_iter().map(|result| result.unwrap_or_else(missing)).collect())
}

#[derive(Deserialize)]
struct RawAnswer<'a> {
    #[serde(borrow)]
    value: Vec<RawSchedule<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSchedule<'a> {
    #[serde(borrow)]
    schedule_id: Word<'a>,
    #[serde(borrow, default)]
    availability_view: Option<Word<'a>>,
    #[serde(borrow, default)]
    schedule_items: Option<Vec<RawItem<'a>>>,
    #[serde(borrow, default)]
    error: Option<RawError<'a>>,
}

/// One time. It may come with `subject`, `location` and `isPrivate`, for which there is no place here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawItem<'a> {
    #[serde(borrow, default)]
    status: Option<Word<'a>>,
    #[serde(borrow, default)]
    start: Option<RawTime<'a>>,
    #[serde(borrow, default)]
    end: Option<RawTime<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawError<'a> {
    #[serde(borrow, default)]
    response_code: Option<Word<'a>>,
}

impl RawSchedule<'_> {
    fn is_of(&self, mailbox: &Mailbox) -> bool {
        self.schedule_id.0.trim().eq_ignore_ascii_case(mailbox.as_str())
    }

    fn read(&self, asked: &Asked<'_>) -> Result<Calendar, ReadError> {
        if let Some(error) = &self.error {
            return Err(codes::of_a_schedule(error.response_code.as_ref().map_or("", |code| &code.0)));
        }
        let Some(items) = &self.schedule_items else {
            return Err(malformed(
                "der Kalender enthält keine einzelnen Zeiten (scheduleItems)",
                "the schedule holds no single times (scheduleItems)",
            ));
        };
        if items.len() > asked.most_entries as usize {
            return Err(too_many_entries(asked.most_entries));
        }
        let mut entries = Vec::with_capacity(items.len());
        for (position, item) in (1..).zip(items) {
            entries.extend(item.read(position)?);
        }
        let view = self.availability_view.as_ref().map_or("", |view| &view.0);
        match says_more_than(view, &entries, asked.window) {
            true => Err(malformed(
                "die zusammengefasste Ansicht (availabilityView) nennt mehr belegte Zeiten als die einzelnen Zeiten",
                "the merged view (availabilityView) says more busy times than the single times do",
            )),
            false => Ok(Calendar::without_all_day_flag(entries)),
        }
    }
}

impl RawItem<'_> {
    /// `None` for a time without length.
    fn read(&self, position: usize) -> Result<Option<CalendarEntry>, ReadError> {
        let time = |time: &Option<RawTime<'_>>| time.as_ref().and_then(RawTime::utc);
        let status = self.status.as_ref().map_or(EntryStatus::Unknown, |text| status(&text.0));
        match (time(&self.start), time(&self.end)) {
            (Some(start), Some(end)) if start <= end => {
                let interval = Interval::new(start.and_utc(), end.and_utc()).ok();
                Ok(interval.map(|interval| CalendarEntry::timed(interval, status)))
            }
            _ => Err(malformed(
                format!("Zeit {position} des Kalenders hat keinen lesbaren Beginn oder kein lesbares Ende in UTC"),
                format!("time {position} of the schedule has no start or end in UTC that can be read"),
            )),
        }
    }
}

/// Whether a digit of the merged view says anything but free where no time does. Each digit stands for one interval from the window's start on.
fn says_more_than(view: &str, entries: &[CalendarEntry], asked: Interval) -> bool {
    let step = 60 * INTERVAL_MINUTES;
    // How many more times lie over this digit than over the one before.
    let mut more = vec![0_i64; view.len() + 1];
    let index = |at: i64| usize::try_from(at.max(0)).unwrap_or(usize::MAX).min(view.len());
    for entry in entries.iter().filter(|entry| entry.status() != EntryStatus::Free) {
        let EntryTime::Timed(time) = entry.time() else { continue };
        let since = |at: i64| at.saturating_sub(asked.start_unix());
        let first = index(since(time.start_unix()).div_euclid(step));
        let after = index((since(time.end_unix()).saturating_add(step - 1)).div_euclid(step));
        more[first] += 1;
        more[after] -= 1;
    }
    let mut over = 0;
    // A view of another length may have other intervals: then no digit says for sure which time it means.
    let fits = i64::try_from(view.len()).is_ok_and(|digits| digits == (window::length(asked) + step - 1) / step);
    let busy = |digit: u8| digit != b'0';
    if !fits {
        return view.bytes().any(busy) && entries.is_empty();
    }
    view.bytes().zip(more).any(|(digit, more)| {
        over += more;
        busy(digit) && over == 0
    })
}

#[cfg(test)]
mod tests {
    use optigov_calendar::ReadErrorKind;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn mailbox(name: &str) -> Mailbox {
        Mailbox::parse(&format!("{name}@musterstadt.example")).expect("an address")
    }

    fn window() -> Interval {
        let instant = |text: &str| text.parse().expect("an instant");
        Interval::new(instant("2026-11-24T08:00:00Z"), instant("2026-11-24T12:00:00Z")).expect("not empty")
    }

    fn asked(mailboxes: &[Mailbox]) -> Asked<'_> {
        Asked { mailboxes, window: window(), most_entries: 10 }
    }

    fn item(from: &str, to: &str) -> Value {
        let time = |text: &str| json!({"dateTime": format!("2026-11-24T{text}:00.0000000"), "timeZone": "UTC"});
        json!({"status": "busy", "start": time(from), "end": time(to), "subject": "geheim", "location": "", "isPrivate": false})
    }

    fn schedule(name: &str, view: &str, items: &[Value]) -> Value {
        json!({"scheduleId": format!("{name}@musterstadt.example"), "availabilityView": view, "scheduleItems": items})
    }

    fn results(schedules: &[Value], mailboxes: &[Mailbox]) -> Vec<Option<usize>> {
        let body = json!({"value": schedules}).to_string();
        let read = read(body.as_bytes(), &asked(mailboxes)).expect("an answer");
        read.into_iter().map(|result| result.ok().map(|calendar| calendar.entries().len())).collect()
    }

    #[test]
    fn each_mailbox_has_its_schedule_in_whatever_order_they_come() {
        let mailboxes = [mailbox("anna"), mailbox("berta")];
        let anna = schedule("Anna", "00220000", &[item("09:00", "10:00")]);
        let berta = schedule("berta", "00000000", &[]);
        assert_eq!(results(&[anna.clone(), berta.clone()], &mailboxes), [Some(1), Some(0)]);
        assert_eq!(results(&[berta, anna.clone()], &mailboxes), [Some(1), Some(0)]);
        assert_eq!(results(std::slice::from_ref(&anna), &mailboxes), [Some(1), None], "a missing one is an error");
        let twice = [mailboxes[0].clone(), mailboxes[0].clone()];
        assert_eq!(results(&[anna.clone(), anna], &twice), [Some(1), Some(1)]);
    }

    #[test]
    fn a_schedule_of_somebody_else_is_an_error() {
        let mailboxes = [mailbox("anna")];
        let berta = json!({"value": [schedule("berta", "00000000", &[])]}).to_string();
        assert!(read(berta.as_bytes(), &asked(&mailboxes)).is_err());
        let two = json!({"value": [schedule("anna", "0", &[]), schedule("anna", "0", &[])]}).to_string();
        assert!(read(two.as_bytes(), &asked(&mailboxes)).is_err());
    }

    #[test]
    fn a_merged_view_that_says_more_than_the_times_is_an_error() {
        let mailboxes = [mailbox("anna")];
        for (view, items, good) in [
            ("00220000", vec![item("09:00", "10:00")], true),
            ("00222000", vec![item("09:00", "10:00")], false),
            ("02220000", vec![item("09:00", "10:00")], false),
            ("", vec![item("09:00", "10:00")], true),
            ("22222222", vec![], false),
            ("2", vec![], false),
            ("0", vec![], true),
            ("00x00000", vec![], false),
        ] {
            assert_eq!(results(&[schedule("anna", view, &items)], &mailboxes)[0].is_some(), good, "{view}");
        }
        let none = json!({"scheduleId": "anna@musterstadt.example", "availabilityView": "00000000"});
        assert_eq!(results(&[none], &mailboxes), [None], "without single times nothing is known");
    }

    #[test]
    fn a_time_that_cannot_be_read_or_is_of_another_zone_is_an_error() {
        let mailboxes = [mailbox("anna")];
        let mut other_zone = item("09:00", "10:00");
        other_zone["start"]["timeZone"] = "W. Europe Standard Time".into();
        let mut missing = item("09:00", "10:00");
        missing["end"] = Value::Null;
        for wrong in [other_zone, missing, item("10:00", "09:00"), item("25:00", "26:00")] {
            assert_eq!(results(&[schedule("anna", "", &[wrong])], &mailboxes), [None]);
        }
    }

    #[test]
    fn a_bound_on_entries_holds() {
        let mailboxes = [mailbox("anna")];
        let many = vec![item("09:00", "10:00"); 11];
        let body = json!({"value": [schedule("anna", "", &many)]}).to_string();
        let error = read(body.as_bytes(), &asked(&mailboxes)).expect("an answer").remove(0).expect_err("too many");
        assert_eq!(error.kind(), ReadErrorKind::LimitReached);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_an_answer_or_an_error(text in "\\PC{0,80}", start in prop::sample::select(vec!["", "{\"value\":[{\"scheduleId\":"])) {
            let mailboxes = [mailbox("anna")];
            let _read = read(format!("{start}{text}").as_bytes(), &asked(&mailboxes));
        }
    }
}
