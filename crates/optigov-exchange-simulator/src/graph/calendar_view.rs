//! `calendarView`: the appointments of a period, series expanded, page by page.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::calendar;
use super::error::GraphError;
use super::event::{Select, View};
use super::perform::Request;
use super::target::Address;
use crate::calendar::Occurrence;
use crate::scenario::GraphDefect;
use crate::zones;

/// The widest period.
const WIDEST: TimeDelta = TimeDelta::days(1_825);

/// Events of a page where the request says nothing.
const PAGE: usize = 10;

/// What is to be read, and how much of it at a time.
struct Asked {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    size: usize,
    skip: usize,
    descending: bool,
}

pub(super) fn answer(request: &Request<'_>, mailbox: usize, id: Option<&str>) -> Result<Value, GraphError> {
    calendar::check(request, mailbox, id)?;
    let asked = Asked::parse(request)?;
    let select = Select::parse(request.call.target.option("$select").as_deref())?;
    let other = request.manner.other_mailbox.as_deref().and_then(|other| request.world.mailbox_of(other));
    let mailbox = other.unwrap_or(mailbox);
    let view = View::new(request, mailbox, select)?;
    let found = found(request, mailbox, &asked);

    let page = page(request, &asked, &found);
    let events: Vec<Value> = page.iter().map(|occurrence| view.event(occurrence)).collect();
    let mut answer = Map::new();
    let context = calendar::context(request, "calendar/calendarView");
    answer.insert("@odata.context".to_owned(), context.into());
    if request.call.target.option("$count").as_deref() == Some("true") {
        answer.insert("@odata.count".to_owned(), found.len().into());
    }
    if let Some(link) = next_link(request, &asked, found.len()) {
        answer.insert("@odata.nextLink".to_owned(), link.into());
    }
    answer.insert("value".to_owned(), events.into());
    Ok(answer.into())
}

fn found(request: &Request<'_>, mailbox: usize, asked: &Asked) -> Vec<Occurrence> {
    let (calendar, manner) = (request.world.calendar(mailbox), request.manner);
    let mut found = match manner.masters {
        true => calendar.unexpanded_view(asked.start, asked.end, manner.touching),
        false => calendar.view(asked.start, asked.end, manner.touching),
    };
    if manner.unsorted != asked.descending {
        found.reverse();
    }
    found
}

/// The events of the page.
fn page(request: &Request<'_>, asked: &Asked, found: &[Occurrence]) -> Vec<Occurrence> {
    let has = |defect| request.manner.graph.contains(&defect);
    let is_last = asked.skip + asked.size >= found.len();
    if has(GraphDefect::EmptyPages) && !is_last {
        return Vec::new();
    }
    let overlap = usize::from(has(GraphDefect::OverlappingPages) && asked.skip > 0);
    let rest = found.get(asked.skip.saturating_sub(overlap)..).unwrap_or_default();
    if request.manner.more_than_asked && !rest.is_empty() {
        return rest.iter().cycle().take(asked.size + 1).cloned().collect();
    }
    rest.iter().take(asked.size + overlap).cloned().collect()
}

fn next_link(request: &Request<'_>, asked: &Asked, count: usize) -> Option<String> {
    let next = asked.skip + asked.size;
    let link = |skip| format!("{}{}", request.base, request.call.target.with_skip(skip));
    for defect in &request.manner.graph {
        match defect {
            GraphDefect::NextLink(text) => return Some(text.clone()),
            GraphDefect::NextLinkHost(host) => {
                return Some(format!("https://{host}{}", request.call.target.with_skip(next)));
            }
            GraphDefect::RepeatedPage => return Some(link(asked.skip)),
            GraphDefect::NoNextLink => return None,
            _ => {}
        }
    }
    (next < count).then(|| link(next))
}

impl Asked {
    fn parse(request: &Request<'_>) -> Result<Asked, GraphError> {
        let target = &request.call.target;
        for option in target.options() {
            let option = option.to_ascii_lowercase();
            if ["$filter", "$expand", "$search", "$skiptoken"].contains(&option.as_str()) {
                let text = format!("The simulator has no {option} for calendarView.");
                return Err(GraphError::new(400, "ErrorInvalidUrlQuery", text));
            }
        }
        let (start, end) = (time(target, "startDateTime")?, time(target, "endDateTime")?);
        if end < start {
            let text = "The end of the period lies before its start.";
            return Err(GraphError::new(400, "ErrorCalendarEndDateIsEarlierThanStartDate", text));
        }
        if end - start > WIDEST {
            let text = "Your request can't be completed. The range between the start and end dates is greater than the allowed \
                        range. Maximum number of days: 1825";
            return Err(GraphError::new(400, "ErrorCalendarViewRangeTooBig", text));
        }
        let number = |option, within: std::ops::RangeInclusive<usize>| {
            let Some(text) = target.option(option) else { return Ok(None) };
            let number = text.parse().ok().filter(|number| within.contains(number));
            let refused =
                || GraphError::new(400, "ErrorInvalidUrlQuery", format!("Invalid value '{text}' for {option}."));
            number.map(Some).ok_or_else(refused)
        };
        let top = number("$top", 1..=1_000)?;
        let skip = number("$skip", 0..=1_000_000)?.unwrap_or(0);
        let descending = match target.option("$orderby").as_deref().map(str::trim) {
            None | Some("start/dateTime" | "start/dateTime asc") => false,
            Some("start/dateTime desc") => true,
            Some(other) => {
                let text = format!("The simulator orders by start/dateTime only, and not by '{other}'.");
                return Err(GraphError::new(400, "ErrorInvalidUrlQuery", text));
            }
        };
        let size = top.or(request.preferences.page_size).unwrap_or(PAGE).min(1_000);
        Ok(Asked { start, end, size, skip, descending })
    }
}

/// Without an offset, a time is UTC.
fn time(target: &Address, name: &str) -> Result<DateTime<Utc>, GraphError> {
    let Some(text) = target.option(name) else {
        let text = "This request requires a time window specified by the query string parameters StartDateTime and EndDateTime.";
        return Err(GraphError::invalid_parameter(text));
    };
    let refused = || GraphError::invalid_parameter(format!("The value '{text}' of parameter '{name}' is invalid."));
    instant(&text).ok_or_else(refused)
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    let with_offset = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc());
    let civil = || {
        let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
        formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
    };
    let date = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|date| date.and_time(NaiveTime::MIN));
    let at = with_offset.ok().or_else(|| civil().or_else(date).map(|at| at.and_utc()))?;
    Some(at).filter(zones::is_in_range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_without_offset_are_utc() {
        for text in
            ["2026-11-24T08:00:00Z", "2026-11-24T09:00:00+01:00", "2026-11-24T08:00", "2026-11-24T08:00:00.0000000"]
        {
            assert_eq!(instant(text).map(|at| at.to_rfc3339()).as_deref(), Some("2026-11-24T08:00:00+00:00"), "{text}");
        }
        assert!(instant("2026-11-24").is_some());
        for text in ["2026-11-24T09:00:00 01:00", "tomorrow", "", "9999-01-01T00:00:00Z"] {
            assert!(instant(text).is_none(), "{text}");
        }
    }
}
