//! The JSON of an event.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, NaiveDateTime, NaiveTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::error::GraphError;
use super::perform::Request;
use crate::calendar::{Kind, Occurrence};
use crate::encoding::INVALID_BYTE;
use crate::scenario::{GraphDefect, Status};
use crate::zones;

/// What an event has, in the metadata's words. Two of them cannot be selected.
const MEMBERS: [&str; 41] = [
    "createdDateTime",
    "lastModifiedDateTime",
    "changeKey",
    "categories",
    "transactionId",
    "originalStartTimeZone",
    "originalEndTimeZone",
    "iCalUId",
    "reminderMinutesBeforeStart",
    "isReminderOn",
    "hasAttachments",
    "subject",
    "bodyPreview",
    "importance",
    "sensitivity",
    "isAllDay",
    "isCancelled",
    "isOrganizer",
    "responseRequested",
    "seriesMasterId",
    "showAs",
    "type",
    "webLink",
    "onlineMeetingUrl",
    "isOnlineMeeting",
    "onlineMeetingProvider",
    "allowNewTimeProposals",
    "isDraft",
    "hideAttendees",
    "originalStart",
    "responseStatus",
    "body",
    "start",
    "end",
    "location",
    "locations",
    "recurrence",
    "attendees",
    "organizer",
    "onlineMeeting",
    "cancelledOccurrences",
];

/// Texts that a defect sends whether they were asked for or not.
const TITLES: [&str; 4] = ["subject", "bodyPreview", "body", "location"];

/// What a server may leave out that has its reasons.
const OPTIONAL: [&str; 4] = ["isAllDay", "isCancelled", "showAs", "originalStartTimeZone"];

/// The members that are asked for.
#[derive(Debug)]
pub(super) struct Select(Vec<&'static str>);

impl Select {
    /// Reads `$select`; without it, everything is asked for.
    pub(super) fn parse(text: Option<&str>) -> Result<Select, GraphError> {
        let Some(text) = text else { return Ok(Select(MEMBERS.to_vec())) };
        let mut wanted = Vec::new();
        for name in text.split(',').map(|name| name.trim().split('/').next().unwrap_or_default()) {
            if name.eq_ignore_ascii_case("id") {
                continue;
            }
            let known = MEMBERS[2..].iter().find(|known| known.eq_ignore_ascii_case(name));
            wanted.push(*known.ok_or_else(|| {
                let text =
                    format!("Could not find a property named '{name}' on type 'Microsoft.OutlookServices.Event'.");
                GraphError::new(400, "RequestBroker--ParseUri", text)
            })?);
        }
        Ok(Select(wanted))
    }
}

/// How events are written for one request.
pub(super) struct View<'a> {
    request: &'a Request<'a>,
    mailbox: usize,
    select: Select,
    zone: Tz,
    zone_name: String,
}

impl<'a> View<'a> {
    pub(super) fn new(request: &'a Request<'a>, mailbox: usize, mut select: Select) -> Result<View<'a>, GraphError> {
        let (mut zone, mut zone_name) = (request.preferences.zone, request.preferences.zone_name.clone());
        for defect in &request.manner.graph {
            match defect {
                GraphDefect::OtherZone(name) => {
                    (zone, zone_name) = (super::preferences::zone(name)?, name.clone());
                }
                GraphDefect::ZoneLabel(name) => name.clone_into(&mut zone_name),
                GraphDefect::Titles => select.0.extend(TITLES),
                _ => {}
            }
        }
        if request.manner.invalid_subject {
            select.0.push("subject");
        }
        if request.manner.missing_optional {
            select.0.retain(|name| !OPTIONAL.contains(name));
        }
        Ok(View { request, mailbox, select, zone, zone_name })
    }

    pub(super) fn event(&self, occurrence: &Occurrence) -> Value {
        let item = &self.request.world.calendar(self.mailbox).items()[occurrence.item];
        let change_key = STANDARD.encode(item.change_key.to_be_bytes());
        let mut event = Map::new();
        event.insert("@odata.etag".to_owned(), format!("W/\"{change_key}\"").into());
        event.insert("id".to_owned(), self.id(occurrence, false).into());
        for name in &self.select.0 {
            event.insert((*name).to_owned(), self.member(name, occurrence));
        }
        for defect in &self.request.manner.graph {
            match defect {
                GraphDefect::ShowAs(text) if event.contains_key("showAs") => {
                    event.insert("showAs".to_owned(), text.clone().into());
                }
                GraphDefect::Type(text) if event.contains_key("type") => {
                    event.insert("type".to_owned(), text.clone().into());
                }
                GraphDefect::NoStart => drop(event.remove("start")),
                GraphDefect::NoEnd => drop(event.remove("end")),
                GraphDefect::NullTimes => {
                    event.insert("start".to_owned(), Value::Null);
                    event.insert("end".to_owned(), Value::Null);
                }
                _ => {}
            }
        }
        if self.request.manner.numeric_booleans {
            for value in event.values_mut() {
                if let Some(boolean) = value.as_bool() {
                    *value = u8::from(boolean).into();
                }
            }
        }
        event.into()
    }

    fn member(&self, name: &str, occurrence: &Occurrence) -> Value {
        let entry = &occurrence.entry;
        let item = &self.request.world.calendar(self.mailbox).items()[occurrence.item];
        let address = &self.request.world.mailbox(self.mailbox).address;
        let of_series = matches!(occurrence.kind, Kind::Occurrence | Kind::Exception);
        let location =
            || json!({"displayName": entry.location.as_deref().unwrap_or_default(), "locationType": "default"});
        let now = "2026-01-01T00:00:00Z";
        match name {
            "createdDateTime" | "lastModifiedDateTime" => now.into(),
            "changeKey" => STANDARD.encode(item.change_key.to_be_bytes()).into(),
            "categories" | "attendees" | "cancelledOccurrences" => json!([]),
            "originalStartTimeZone" | "originalEndTimeZone" => match entry.zone_name {
                Some(_) => "tzone://Microsoft/Custom".into(),
                None => zones::windows_name(occurrence.zone).0.into(),
            },
            "iCalUId" => item.uid.clone().into(),
            "reminderMinutesBeforeStart" => 15.into(),
            "isReminderOn" | "hasAttachments" | "isOnlineMeeting" | "isDraft" | "hideAttendees" => false.into(),
            "allowNewTimeProposals" | "isOrganizer" => true.into(),
            "subject" if self.request.manner.invalid_subject => format!("{INVALID_BYTE}{}", entry.subject).into(),
            "subject" => entry.subject.clone().into(),
            "bodyPreview" => "".into(),
            "importance" => "normal".into(),
            "sensitivity" => if entry.private { "private" } else { "normal" }.into(),
            "isAllDay" => occurrence.all_day.into(),
            "isCancelled" => entry.cancelled.into(),
            "responseRequested" => entry.meeting.into(),
            "seriesMasterId" if of_series => self.id(occurrence, true).into(),
            "showAs" => show_as(entry.status).into(),
            "type" => match occurrence.kind {
                Kind::Single => "singleInstance",
                Kind::Occurrence => "occurrence",
                Kind::Exception => "exception",
                Kind::Master => "seriesMaster",
            }
            .into(),
            "webLink" => format!("https://outlook.office365.com/owa/?itemid={}", self.id(occurrence, false)).into(),
            "onlineMeetingProvider" => "unknown".into(),
            "originalStart" if of_series => occurrence.original.to_rfc3339_opts(SecondsFormat::Secs, true).into(),
            "responseStatus" => json!({"response": "organizer", "time": "0001-01-01T00:00:00Z"}),
            "body" => json!({"contentType": "text", "content": ""}),
            "start" => self.time(occurrence, occurrence.start),
            "end" => self.time(occurrence, occurrence.end),
            "location" => location(),
            "locations" => json!([location()]),
            "organizer" => json!({"emailAddress": {"name": address, "address": address}}),
            _ => Value::Null,
        }
    }

    /// All-day events run from midnight to midnight of the zone that was asked for, on the dates of their own zone.
    fn time(&self, occurrence: &Occurrence, at: DateTime<Utc>) -> Value {
        let as_instants = self.request.manner.graph.contains(&GraphDefect::AllDayAsInstants);
        let civil = match occurrence.all_day && !as_instants {
            true => zones::local(at, occurrence.zone).date().and_time(NaiveTime::MIN),
            false => zones::local(at, self.zone),
        };
        date_time_time_zone(civil, &self.zone_name)
    }

    /// An opaque id, of the occurrence or of its series.
    fn id(&self, occurrence: &Occurrence, of_series: bool) -> String {
        let item = &self.request.world.calendar(self.mailbox).items()[occurrence.item];
        let address = &self.request.world.mailbox(self.mailbox).address;
        let kind = if self.request.preferences.immutable_ids { "immutable" } else { "changing" };
        let own = match occurrence.kind {
            Kind::Occurrence | Kind::Exception if !of_series => format!("\n{}", occurrence.original.timestamp()),
            _ => String::new(),
        };
        URL_SAFE_NO_PAD.encode(format!("{kind}\n{address}\n{}{own}", item.uid))
    }
}

pub(super) fn date_time_time_zone(civil: NaiveDateTime, zone_name: &str) -> Value {
    json!({"dateTime": civil.format("%FT%T.0000000").to_string(), "timeZone": zone_name})
}

pub(super) fn show_as(status: Status) -> &'static str {
    match status {
        Status::Free => "free",
        Status::Tentative => "tentative",
        Status::Busy => "busy",
        Status::OutOfOffice => "oof",
        Status::WorkingElsewhere => "workingElsewhere",
        Status::NoData => "unknown",
    }
}
