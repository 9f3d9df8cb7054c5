//! `getSchedule`: free/busy of several mailboxes, each with an answer of its own.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::call::Call;
use super::error::GraphError;
use super::event::{date_time_time_zone, show_as};
use super::perform::Request;
use super::{access, calendar, preferences};
use crate::calendar::{Kind, Occurrence};
use crate::encoding::INVALID_BYTE;
use crate::scenario::{FreeBusyDefect, GraphDefect, Location, Mailbox, MailboxState, Permission, Status};
use crate::zones;

/// More mailboxes in one request are refused.
const MOST_SCHEDULES: usize = 20;

/// The period must be shorter.
const WIDEST: TimeDelta = TimeDelta::days(62);

struct Asked {
    schedules: Vec<String>,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    interval: TimeDelta,
}

/// A mailbox that cannot be shown: the code and what it means.
type Refused = (String, &'static str);

/// The mailboxes that a call names in its body, as far as that can be read.
pub(super) fn schedules(call: &Call) -> Vec<String> {
    match serde_json::from_slice(&call.body) {
        Ok(body) => member(&body, "schedules").map(texts).unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}

pub(super) fn answer(request: &Request<'_>, mailbox: usize, id: Option<&str>) -> Result<Value, GraphError> {
    calendar::check(request, mailbox, id)?;
    let asked = Asked::parse(&request.call.body)?;
    let mut schedules: Vec<Value> = asked.schedules.iter().map(|name| schedule(request, &asked, name)).collect();
    for defect in &request.manner.graph {
        match defect {
            GraphDefect::MissingSchedule => drop(schedules.pop()),
            GraphDefect::ScheduleId(text) => {
                schedules.iter_mut().for_each(|one| one["scheduleId"] = text.clone().into())
            }
            GraphDefect::AvailabilityView(text) => {
                schedules.iter_mut().for_each(|one| one["availabilityView"] = text.clone().into());
            }
            _ => {}
        }
    }
    let context = format!("{}/v1.0/$metadata#Collection(microsoft.graph.scheduleInformation)", request.base);
    Ok(json!({"@odata.context": context, "value": schedules}))
}

fn schedule(request: &Request<'_>, asked: &Asked, name: &str) -> Value {
    let defects: Vec<_> = request.manner.free_busy_defects(name).collect();
    let code = defects.iter().find_map(|defect| defect.response_code());
    let shown = match code {
        Some(code) => Err((code.to_owned(), "The scenario refuses this mailbox.")),
        None => visible(request, name),
    };
    match shown {
        Err((code, message)) => {
            json!({"scheduleId": name, "error": {"responseCode": code, "message": message}})
        }
        Ok((at, permission)) => information(request, asked, name, at, permission, &defects),
    }
}

/// The mailbox and what the caller may see of it.
fn visible(request: &Request<'_>, name: &str) -> Result<(usize, Permission), Refused> {
    let refused = |code: &str, text| Err((code.to_owned(), text));
    let Some(at) = access::find(request.world, name) else {
        return refused("ErrorMailRecipientNotFound", "The address could not be resolved in the directory.");
    };
    let mailbox = request.world.mailbox(at);
    if mailbox.location == Location::OnPremises && !request.world.scenario.hybrid_free_busy {
        let text = "The request could not be passed on to the organization of the mailbox.";
        return refused("ErrorProxyRequestProcessingFailed", text);
    }
    match mailbox.state {
        MailboxState::Enabled => {}
        MailboxState::Disabled => return refused("ErrorAccountDisabled", "The account is disabled."),
        MailboxState::Moving => return refused("ErrorMailboxMoveInProgress", "The mailbox is being moved."),
        MailboxState::Unavailable | MailboxState::Hung => {
            return refused("ErrorMailboxStoreUnavailable", "The mailbox database is temporarily unavailable.");
        }
    }
    match mailbox.default_permission {
        Permission::None => refused("ErrorNoFreeBusyAccess", "The caller has no access to free/busy data."),
        permission => Ok((at, permission)),
    }
}

fn information(
    request: &Request<'_>,
    asked: &Asked,
    name: &str,
    at: usize,
    permission: Permission,
    defects: &[&FreeBusyDefect],
) -> Value {
    let has = |defect: FreeBusyDefect| defects.contains(&&defect);
    let leak = if has(FreeBusyDefect::LeakingSeries) { TimeDelta::days(7) } else { TimeDelta::zero() };
    let mut found = request.world.calendar(at).view(asked.start, asked.end + leak, request.manner.touching);
    found
        .retain(|o| o.start < asked.end || (request.manner.touching && o.start == asked.end) || o.kind != Kind::Single);
    if request.manner.unsorted {
        found.reverse();
    }
    let mut schedule = Map::new();
    schedule.insert("scheduleId".to_owned(), name.into());
    if !has(FreeBusyDefect::None) {
        let digits = digits(asked, &found);
        let digits = if has(FreeBusyDefect::BusyMerged) { "2".repeat(digits.len()) } else { digits };
        schedule.insert("availabilityView".to_owned(), digits.into());
        if !has(FreeBusyDefect::MergedOnly) {
            let shown = if has(FreeBusyDefect::MergedWithoutEvents) { &[][..] } else { &found };
            let items: Vec<Value> = shown.iter().map(|occurrence| item(request, occurrence, permission)).collect();
            schedule.insert("scheduleItems".to_owned(), items.into());
        }
    }
    schedule.insert("workingHours".to_owned(), working_hours(request.world.mailbox(at)));
    schedule.into()
}

/// All-day appointments come as true instants here, not as midnights of the zone that was asked for.
fn item(request: &Request<'_>, occurrence: &Occurrence, permission: Permission) -> Value {
    let (entry, preferences) = (&occurrence.entry, &request.preferences);
    let time = |at| date_time_time_zone(zones::local(at, preferences.zone), &preferences.zone_name);
    let mut item = Map::new();
    item.insert("status".to_owned(), show_as(entry.status).into());
    item.insert("start".to_owned(), time(occurrence.start));
    item.insert("end".to_owned(), time(occurrence.end));
    let asks = |defect| request.manner.graph.contains(&defect);
    if permission >= Permission::LimitedDetails || asks(GraphDefect::Titles) || request.manner.invalid_subject {
        item.insert("isPrivate".to_owned(), entry.private.into());
        if !entry.private {
            let odd = if request.manner.invalid_subject { INVALID_BYTE.to_string() } else { String::new() };
            item.insert("subject".to_owned(), format!("{odd}{}", entry.subject).into());
            item.insert("location".to_owned(), entry.location.clone().unwrap_or_default().into());
        }
    }
    for defect in &request.manner.graph {
        match defect {
            GraphDefect::ShowAs(text) => drop(item.insert("status".to_owned(), text.clone().into())),
            GraphDefect::NoStart => drop(item.remove("start")),
            GraphDefect::NoEnd => drop(item.remove("end")),
            GraphDefect::NullTimes => {
                item.insert("start".to_owned(), Value::Null);
                item.insert("end".to_owned(), Value::Null);
            }
            GraphDefect::ZoneLabel(name) => {
                for end in ["start", "end"] {
                    if let Some(time) = item.get_mut(end).filter(|time| time.is_object()) {
                        time["timeZone"] = name.clone().into();
                    }
                }
            }
            _ => {}
        }
    }
    item.into()
}

/// A digit per interval: that of the weightiest appointment in it.
fn digits(asked: &Asked, found: &[Occurrence]) -> String {
    let mut digits = String::new();
    let mut at = asked.start;
    while at < asked.end {
        let inside = found.iter().filter(|o| o.start < at + asked.interval && o.end > at);
        digits.push(inside.map(|o| weight(o.entry.status)).max().map_or('0', |(_, digit)| digit));
        at += asked.interval;
    }
    digits
}

/// How much a status weighs, and its digit. What is unknown has no digit; it is shown as busy.
fn weight(status: Status) -> (u8, char) {
    match status {
        Status::Free => (0, '0'),
        Status::WorkingElsewhere => (1, '4'),
        Status::Tentative => (2, '1'),
        Status::NoData | Status::Busy => (3, '2'),
        Status::OutOfOffice => (4, '3'),
    }
}

fn working_hours(mailbox: &Mailbox) -> Value {
    let hours = &mailbox.working_hours;
    let days: Vec<_> = hours.days.iter().map(|day| zones::weekday_name(*day).to_lowercase()).collect();
    json!({
        "daysOfWeek": days,
        "startTime": hours.start.format("%T.0000000").to_string(),
        "endTime": hours.end.format("%T.0000000").to_string(),
        "timeZone": {"name": zones::windows_name(mailbox.zone).0},
    })
}

impl Asked {
    fn parse(body: &[u8]) -> Result<Asked, GraphError> {
        let body: Value = serde_json::from_slice(body)
            .map_err(|_| GraphError::new(400, "BadRequest", "Unable to read JSON request payload."))?;
        let schedules = member(&body, "schedules").map(texts).unwrap_or_default();
        if schedules.is_empty() || schedules.len() > MOST_SCHEDULES {
            let text = format!("The request names {} schedules; 1 to {MOST_SCHEDULES} are allowed.", schedules.len());
            return Err(GraphError::invalid_parameter(text));
        }
        let (start, end) = (time(&body, "startTime")?, time(&body, "endTime")?);
        if end <= start {
            return Err(GraphError::new(
                400,
                "ErrorInvalidTimeInterval",
                "The end of the period is not after its start.",
            ));
        }
        if end - start >= WIDEST {
            let text = format!(
                "The requested time duration specified for FreeBusyViewOptions.TimeWindow is too long. The allowed limit = 62 \
                 days; the actual limit = {} days.",
                (end - start).num_days()
            );
            return Err(GraphError::new(400, "ErrorTimeIntervalTooBig", text));
        }
        let interval = match member(&body, "availabilityViewInterval") {
            None | Some(Value::Null) => Some(30),
            Some(minutes) => minutes.as_i64().filter(|minutes| (5..=1440).contains(minutes)),
        };
        let interval = interval.filter(|minutes| TimeDelta::minutes(*minutes) <= end - start).ok_or_else(|| {
            let text = "The interval must be from 5 to 1440 minutes, and not longer than the period.";
            GraphError::new(400, "ErrorInvalidMergedFreeBusyInterval", text)
        })?;
        Ok(Asked { schedules, start, end, interval: TimeDelta::minutes(interval) })
    }
}

fn time(body: &Value, name: &str) -> Result<DateTime<Utc>, GraphError> {
    let refused = || GraphError::invalid_parameter(format!("The value of parameter '{name}' is invalid."));
    let value = member(body, name).ok_or_else(refused)?;
    let text = value["dateTime"].as_str().ok_or_else(refused)?;
    let civil = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text.trim_end_matches('Z'), format).ok())
        .filter(zones::is_in_range)
        .ok_or_else(refused)?;
    let zone = preferences::zone(value["timeZone"].as_str().unwrap_or("UTC"))?;
    Ok(zones::instant(civil, zone))
}

/// A member whose name is spelt in either way.
fn member<'v>(body: &'v Value, name: &str) -> Option<&'v Value> {
    body.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().map_or(Vec::new(), |all| all.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}
