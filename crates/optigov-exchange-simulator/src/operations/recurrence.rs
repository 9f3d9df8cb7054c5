//! The pattern and the exceptions of a series' master. Rules that Exchange's patterns cannot say are left out.

use rrule::{Frequency, NWeekday, RRule};

use super::Request;
use super::folder::Folder;
use super::item_id;
use crate::calendar::{Occurrence, Series};
use crate::zones;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Appends `t:Recurrence`, if the rule can be said in it.
pub(super) fn write(out: &mut String, series: &Series) {
    let rule = series.definition();
    if let Some(pattern) = pattern(rule) {
        push!(out, "<t:Recurrence>{pattern}{}</t:Recurrence>", range(rule, series));
    }
}

/// Appends `t:ModifiedOccurrences`, if there are any.
pub(super) fn write_modified(out: &mut String, request: &Request<'_>, folder: Folder, modified: &[Occurrence]) {
    if modified.is_empty() {
        return;
    }
    out.push_str("<t:ModifiedOccurrences>");
    for occurrence in modified {
        out.push_str("<t:Occurrence>");
        item_id::write(out, request, folder, occurrence);
        push!(out, "<t:Start>{}</t:Start>", request.time(occurrence.start));
        push!(out, "<t:End>{}</t:End>", request.time(occurrence.end));
        push!(out, "<t:OriginalStart>{}</t:OriginalStart></t:Occurrence>", request.time(occurrence.original));
    }
    out.push_str("</t:ModifiedOccurrences>");
}

/// Appends `t:DeletedOccurrences`, if there are any.
pub(super) fn write_deleted(out: &mut String, request: &Request<'_>, series: &Series) {
    let (_, deleted) = series.exceptions();
    if deleted.is_empty() {
        return;
    }
    out.push_str("<t:DeletedOccurrences>");
    for start in deleted {
        push!(out, "<t:DeletedOccurrence><t:Start>{}</t:Start></t:DeletedOccurrence>", request.time(start));
    }
    out.push_str("</t:DeletedOccurrences>");
}

fn pattern(rule: &RRule) -> Option<String> {
    let interval = rule.get_interval();
    let days = || {
        let names = rule.get_by_weekday().iter().map(|day| zones::weekday_name(weekday(day)));
        names.collect::<Vec<_>>().join(" ")
    };
    let day_of_month = || match rule.get_by_month_day() {
        [day] if *day > 0 => Some(*day),
        // 31 is the last day of every month.
        [-1] => Some(31),
        _ => None,
    };
    let month = || match rule.get_by_month() {
        [month] => MONTHS.get(usize::from(*month) - 1).copied(),
        _ => None,
    };
    Some(match (rule.get_freq(), rule.get_by_weekday(), rule.get_by_set_pos()) {
        (Frequency::Daily, [], []) => {
            format!("<t:DailyRecurrence><t:Interval>{interval}</t:Interval></t:DailyRecurrence>")
        }
        (Frequency::Weekly, [_, ..], []) => format!(
            "<t:WeeklyRecurrence><t:Interval>{interval}</t:Interval><t:DaysOfWeek>{}</t:DaysOfWeek>\
             <t:FirstDayOfWeek>{}</t:FirstDayOfWeek></t:WeeklyRecurrence>",
            days(),
            zones::weekday_name(rule.get_week_start())
        ),
        (Frequency::Monthly, [], []) => format!(
            "<t:AbsoluteMonthlyRecurrence><t:Interval>{interval}</t:Interval><t:DayOfMonth>{}</t:DayOfMonth>\
             </t:AbsoluteMonthlyRecurrence>",
            day_of_month()?
        ),
        (Frequency::Monthly, [day], position) => format!(
            "<t:RelativeMonthlyRecurrence><t:Interval>{interval}</t:Interval><t:DaysOfWeek>{}</t:DaysOfWeek>\
             <t:DayOfWeekIndex>{}</t:DayOfWeekIndex></t:RelativeMonthlyRecurrence>",
            days(),
            index(day, position)?
        ),
        (Frequency::Yearly, [], []) if interval == 1 => format!(
            "<t:AbsoluteYearlyRecurrence><t:DayOfMonth>{}</t:DayOfMonth><t:Month>{}</t:Month>\
             </t:AbsoluteYearlyRecurrence>",
            day_of_month()?,
            month()?
        ),
        (Frequency::Yearly, [day], position) if interval == 1 => format!(
            "<t:RelativeYearlyRecurrence><t:DaysOfWeek>{}</t:DaysOfWeek><t:DayOfWeekIndex>{}</t:DayOfWeekIndex>\
             <t:Month>{}</t:Month></t:RelativeYearlyRecurrence>",
            days(),
            index(day, position)?,
            month()?
        ),
        _ => return None,
    })
}

fn range(rule: &RRule, series: &Series) -> String {
    let start = series.first().date();
    match (rule.get_count(), rule.get_until()) {
        (Some(count), _) => format!(
            "<t:NumberedRecurrence><t:StartDate>{start}</t:StartDate><t:NumberOfOccurrences>{count}\
             </t:NumberOfOccurrences></t:NumberedRecurrence>"
        ),
        (None, Some(until)) => format!(
            "<t:EndDateRecurrence><t:StartDate>{start}</t:StartDate><t:EndDate>{}</t:EndDate></t:EndDateRecurrence>",
            until.date_naive()
        ),
        (None, None) => {
            format!("<t:NoEndRecurrence><t:StartDate>{start}</t:StartDate></t:NoEndRecurrence>")
        }
    }
}

fn weekday(day: &NWeekday) -> chrono::Weekday {
    match day {
        NWeekday::Every(day) | NWeekday::Nth(_, day) => *day,
    }
}

fn index(day: &NWeekday, position: &[i32]) -> Option<&'static str> {
    let n = match (day, position) {
        (NWeekday::Nth(n, _), []) => i32::from(*n),
        (NWeekday::Every(_), [n]) => *n,
        _ => return None,
    };
    Some(match n {
        1 => "First",
        2 => "Second",
        3 => "Third",
        4 => "Fourth",
        -1 | 5 => "Last",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;
    use crate::recurrence::Rule;

    #[test]
    fn rules_are_said_as_patterns_where_exchange_has_one() {
        let said = |text: &str| {
            let first = "2026-11-02T09:00:00".parse().expect("a civil time");
            pattern(Rule::new(text, first, Tz::Europe__Berlin).expect("a rule").definition())
        };
        for (rule, part) in [
            ("FREQ=DAILY;INTERVAL=3", "<t:DailyRecurrence><t:Interval>3<"),
            ("FREQ=WEEKLY;BYDAY=MO,TH", "<t:DaysOfWeek>Monday Thursday<"),
            ("FREQ=WEEKLY", "<t:DaysOfWeek>Monday<"),
            ("FREQ=MONTHLY;BYMONTHDAY=15", "<t:DayOfMonth>15<"),
            ("FREQ=MONTHLY;BYDAY=1MO", "<t:DayOfWeekIndex>First<"),
            ("FREQ=MONTHLY;BYDAY=FR;BYSETPOS=-1", "<t:DayOfWeekIndex>Last<"),
            ("FREQ=YEARLY", "<t:DayOfMonth>2</t:DayOfMonth><t:Month>November<"),
            ("FREQ=YEARLY;BYMONTH=3;BYDAY=2TU", "<t:DayOfWeekIndex>Second</t:DayOfWeekIndex><t:Month>March<"),
        ] {
            let said = said(rule).expect(rule);
            assert!(said.contains(part), "{rule}: {said}");
        }
        for rule in
            ["FREQ=HOURLY", "FREQ=YEARLY;INTERVAL=2", "FREQ=MONTHLY;BYMONTHDAY=1,15", "FREQ=YEARLY;BYYEARDAY=100"]
        {
            assert_eq!(said(rule), None, "{rule}");
        }
    }
}
