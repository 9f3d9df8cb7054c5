//! Recurrence rules, expanded in civil time: a weekly 09:00 stays at 09:00 when the clocks change, as in Exchange.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use rrule::{RRule, RRuleSet, Unvalidated};

use crate::zones;

/// More occurrences of one series are not expanded: a daily series reaches 54 years.
const MOST_OCCURRENCES: usize = 20_000;

/// A rule bound to the civil time of its first occurrence.
///
/// The `rrule` crate computes it on a calendar without clock changes (UTC as a stand-in); the caller turns civil times into
/// instants.
#[derive(Clone, Debug)]
pub(crate) struct Rule(RRuleSet);

impl Rule {
    pub(crate) fn new(text: &str, first: NaiveDateTime, zone: Tz) -> Result<Rule, crate::Error> {
        let refused = |cause: Option<rrule::RRuleError>| {
            let error = crate::Error::scenario(format!("{text:?} is no usable recurrence rule"));
            match cause {
                Some(cause) => error.because(cause),
                None => error,
            }
        };
        let bare = text.trim().strip_prefix("RRULE:").unwrap_or(text.trim());
        let mut parts = Vec::new();
        for part in bare.split(';').filter(|part| !part.is_empty()) {
            parts.push(match part.to_ascii_uppercase().strip_prefix("UNTIL=") {
                Some(until) => {
                    let until = civil_until(until, zone).ok_or_else(|| refused(None))?;
                    format!("UNTIL={}", until.format("%Y%m%dT%H%M%SZ"))
                }
                None => part.to_owned(),
            });
        }
        let rule: RRule<Unvalidated> = parts.join(";").parse().map_err(|cause| refused(Some(cause)))?;
        let first = first.and_utc().with_timezone(&rrule::Tz::UTC);
        rule.build(first).map(|set| Rule(set.limit())).map_err(|cause| refused(Some(cause)))
    }

    /// The rule itself, with what its text left to the first occurrence filled in.
    pub(crate) fn definition(&self) -> &RRule {
        // `new` puts exactly one rule into the set.
        &self.0.get_rrule()[0]
    }

    /// The civil starts of all occurrences before `end`, in order.
    pub(crate) fn starts(&self, end: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> {
        let starts = (&self.0).into_iter().map(|at| at.with_timezone(&Utc).naive_utc());
        starts.take_while(move |start| *start < end).take(MOST_OCCURRENCES)
    }
}

/// `UNTIL` as civil time of the series: a date means its whole day, a time with `Z` is turned into the zone.
fn civil_until(text: &str, zone: Tz) -> Option<NaiveDateTime> {
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y%m%d") {
        return Some(date.and_time(NaiveTime::MIN) + TimeDelta::seconds(86_399));
    }
    let (civil, in_utc) = match text.strip_suffix('Z') {
        Some(civil) => (civil, true),
        None => (text, false),
    };
    let at = NaiveDateTime::parse_from_str(civil, "%Y%m%dT%H%M%S").ok()?;
    Some(if in_utc { zones::local(at.and_utc(), zone) } else { at })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(rule: &str, first: &str, end: &str) -> Vec<String> {
        let first: NaiveDateTime = first.parse().expect("a civil time");
        let rule = Rule::new(rule, first, Tz::Europe__Berlin).expect("a rule");
        rule.starts(end.parse().expect("a civil time")).map(|at| at.format("%m-%d %R").to_string()).collect()
    }

    #[test]
    fn civil_time_stays_when_the_clocks_change() {
        let got = starts("FREQ=WEEKLY;BYDAY=MO", "2026-10-19T09:00:00", "2026-11-03T00:00:00");
        assert_eq!(got, ["10-19 09:00", "10-26 09:00", "11-02 09:00"]);
    }

    #[test]
    fn until_may_be_a_date_a_civil_time_or_an_instant() {
        for until in ["20261103", "20261103T090000", "20261103T080000Z"] {
            let rule = format!("RRULE:FREQ=DAILY;UNTIL={until}");
            assert_eq!(starts(&rule, "2026-11-01T09:00:00", "2027-01-01T00:00:00").len(), 3, "{until}");
        }
        assert_eq!(starts("FREQ=DAILY;UNTIL=20261103T075959Z", "2026-11-01T09:00:00", "2027-01-01T00:00:00").len(), 2);
    }

    #[test]
    fn a_rule_that_never_comes_true_ends() {
        assert!(starts("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "2026-01-01T09:00:00", "2050-01-01T00:00:00").is_empty());
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        let first = NaiveDateTime::default();
        for text in ["", "FREQ=SOMETIMES", "FREQ=DAILY;UNTIL=tomorrow", "FREQ=DAILY;BYMONTH=13"] {
            let error = Rule::new(text, first, Tz::UTC).expect_err(text);
            assert!(error.is_scenario() && error.to_string().contains("recurrence rule"), "{error}");
        }
    }
}
