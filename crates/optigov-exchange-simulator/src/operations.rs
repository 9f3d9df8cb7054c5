//! One file per operation; what they share is here.

mod convert_id;
mod find_item;
mod folder;
mod get_folder;
mod get_item;
mod get_server_time_zones;
mod get_streaming_events;
mod get_user_availability;
mod item;
mod item_id;
mod recurrence;
mod subscribe;
mod unsubscribe;

use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use chrono_tz::Tz;

use crate::identity::Caller;
use crate::misbehaviour::Manner;
use crate::soap::Refusal;
use crate::subscriptions::Subscriptions;
use crate::wire::Body;
use crate::world::World;
use crate::xml::{Element, Ns};
use crate::zones;

/// A request that has got past authentication and impersonation.
pub(crate) struct Request<'a> {
    pub(crate) world: &'a World,
    pub(crate) caller: Caller,
    /// The element in `soap:Body`.
    pub(crate) body: &'a Element,
    /// The zone that the `TimeZoneContext` header asks answers in.
    pub(crate) zone: Tz,
    pub(crate) manner: &'a Manner,
    pub(crate) subscriptions: &'a Arc<Subscriptions>,
    /// Which of the servers behind the front end answers.
    pub(crate) back_end: usize,
}

/// What an operation answers.
pub(crate) enum Answer {
    /// The content of `soap:Body`.
    Content(String),
    /// A body that stays open, with its own envelopes.
    Stream(Body),
}

/// Answers a request.
///
/// # Errors
/// What Exchange would say in a SOAP fault; refusals of single items are part of the answer.
pub(crate) fn answer(request: &Request<'_>) -> Result<Answer, Refusal> {
    let content = match (request.body.ns, request.body.name.as_str()) {
        (Ns::Messages, "ConvertId") => convert_id::answer(request)?,
        (Ns::Messages, "FindItem") => find_item::answer(request)?,
        (Ns::Messages, "GetFolder") => get_folder::answer(request)?,
        (Ns::Messages, "GetItem") => get_item::answer(request)?,
        (Ns::Messages, "GetServerTimeZones") => get_server_time_zones::answer(request),
        (Ns::Messages, "GetStreamingEvents") => return get_streaming_events::answer(request),
        (Ns::Messages, "GetUserAvailabilityRequest") => get_user_availability::answer(request)?,
        (Ns::Messages, "Subscribe") => subscribe::answer(request),
        (Ns::Messages, "Unsubscribe") => unsubscribe::answer(request)?,
        _ => return Err(Refusal::new("ErrorInvalidRequest", "The request is invalid.")),
    };
    Ok(Answer::Content(content))
}

/// Answers an operation with one refused response message, whatever was asked.
pub(crate) fn refused(body: &Element, refusal: &Refusal) -> String {
    if body.name != "GetUserAvailabilityRequest" {
        return messages(&body.name, [Err(refusal.clone())]);
    }
    let mailboxes = body.child(Ns::Messages, "MailboxDataArray").map_or(1, |mailboxes| mailboxes.children.len());
    let mut out = "<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>".to_owned();
    for _ in 0..mailboxes {
        out.push_str("<m:FreeBusyResponse>");
        refusal.write_message(&mut out, "ResponseMessage", "");
        out.push_str("</m:FreeBusyResponse>");
    }
    out.push_str("</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>");
    out
}

/// The operation's name; the element of GetUserAvailability alone is called differently.
pub(crate) fn name(body: &Element) -> &str {
    match body.name.as_str() {
        "GetUserAvailabilityRequest" => "GetUserAvailability",
        name => name,
    }
}

/// Whether the schema has the version that the request was written for; without the header, any is meant.
pub(crate) fn check_version(header: Option<&Element>) -> Result<(), Refusal> {
    const EXCHANGE: [&str; 11] =
        ["2007", "2007_SP1", "2009", "2010", "2010_SP1", "2010_SP2", "2012", "2013", "2013_SP1", "2015", "2016"];
    let Some(version) = header.and_then(|header| header.attribute("Version")) else { return Ok(()) };
    let known = match version.strip_prefix("Exchange") {
        Some(year) => EXCHANGE.contains(&year),
        None => version.starts_with("V201"),
    };
    if known { Ok(()) } else { Err(Refusal::new("ErrorInvalidServerVersion", "The server version is invalid.")) }
}

/// The zone of the `TimeZoneContext` header; UTC without one.
pub(crate) fn zone_context(header: Option<&Element>) -> Result<Tz, Refusal> {
    let Some(definition) = header.and_then(|header| header.types(&["TimeZoneDefinition"])) else {
        return Ok(Tz::UTC);
    };
    let unknown = || Refusal::new("ErrorTimeZone", "The time zone is not known to the server.");
    definition.attribute("Id").and_then(zones::from_windows_name).ok_or_else(unknown)
}

impl Request<'_> {
    /// `true` or `false` in the server's manner.
    fn boolean(&self, value: bool) -> &'static str {
        match (self.manner.numeric_booleans, value) {
            (false, false) => "false",
            (false, true) => "true",
            (true, false) => "0",
            (true, true) => "1",
        }
    }

    fn leaves_out_false(&self) -> bool {
        self.manner.missing_optional || self.manner.foreign
    }

    /// An instant as this request wants it: `Z`, or the offset of the zone that it named.
    fn time(&self, at: DateTime<Utc>) -> String {
        if self.manner.foreign {
            return at.format("%Y-%m-%dT%H:%M:%S+00:00").to_string();
        }
        if self.zone == Tz::UTC {
            return at.to_rfc3339_opts(SecondsFormat::Secs, true);
        }
        at.with_timezone(&self.zone).to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}

/// Reads an `xs:dateTime`; what `civil` makes an instant of has no offset.
fn instant(text: &str, civil: impl FnOnce(NaiveDateTime) -> DateTime<Utc>) -> Option<DateTime<Utc>> {
    let at = match DateTime::parse_from_rfc3339(text) {
        Ok(at) => at.to_utc(),
        Err(_) => civil(text.parse().ok().filter(zones::is_in_range)?),
    };
    Some(at).filter(zones::is_in_range)
}

/// One `…ResponseMessage` per answer, in order.
fn messages(operation: &str, answers: impl IntoIterator<Item = Result<String, Refusal>>) -> String {
    // For items and folders that it does not find, Exchange still sends the empty container.
    let empty = match operation {
        "GetItem" => "<m:Items/>",
        "GetFolder" => "<m:Folders/>",
        _ => "",
    };
    let mut out = String::new();
    push!(out, "<m:{operation}Response><m:ResponseMessages>");
    for answer in answers {
        match answer {
            Ok(content) => push!(
                out,
                r#"<m:{operation}ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>{content}</m:{operation}ResponseMessage>"#
            ),
            Err(refusal) => refusal.write_message(&mut out, &format!("{operation}ResponseMessage"), empty),
        }
    }
    push!(out, "</m:ResponseMessages></m:{operation}Response>");
    out
}

/// A required child; without it, the request would not pass Exchange's schema check.
fn required<'e>(parent: &'e Element, ns: Ns, name: &str) -> Result<&'e Element, Refusal> {
    let missing = || schema(format!("the required element '{name}' is missing in '{}'", parent.name));
    parent.child(ns, name).ok_or_else(missing)
}

/// A required attribute.
fn required_attribute<'e>(element: &'e Element, name: &str) -> Result<&'e str, Refusal> {
    let missing = || schema(format!("the required attribute '{name}' is missing in '{}'", element.name));
    element.attribute(name).ok_or_else(missing)
}

fn schema(what: String) -> Refusal {
    Refusal::new("ErrorSchemaValidation", format!("The request failed schema validation: {what}."))
        .with("LineNumber", 0)
        .with("LinePosition", 0)
        .with("Violation", what)
}
