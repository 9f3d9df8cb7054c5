//! `/users/{id}/calendars`, and the one calendar that a mailbox has.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::error::GraphError;
use super::perform::Request;
use crate::scenario::GraphDefect;

/// Whether the id names the mailbox's calendar; `None` does.
///
/// # Errors
/// There is no such calendar.
pub(super) fn check(request: &Request<'_>, mailbox: usize, id: Option<&str>) -> Result<(), GraphError> {
    let has_calendar = !request.manner.graph.contains(&GraphDefect::NoCalendar);
    if has_calendar && id.is_none_or(|wanted| wanted == self::id(request, mailbox)) {
        return Ok(());
    }
    let text = match id {
        Some(_) => "The specified object was not found in the store.",
        None => "The specified object was not found in the store., Default folder Calendar not found.",
    };
    Err(GraphError::new(404, "ErrorItemNotFound", text))
}

pub(super) fn all(request: &Request<'_>, mailbox: usize) -> Result<Value, GraphError> {
    let calendars = match check(request, mailbox, None) {
        Ok(()) => vec![calendar(request, mailbox)],
        Err(_) => Vec::new(),
    };
    Ok(json!({"@odata.context": context(request, "calendars"), "value": calendars}))
}

pub(super) fn one(request: &Request<'_>, mailbox: usize, id: Option<&str>) -> Result<Value, GraphError> {
    check(request, mailbox, id)?;
    let mut calendar = calendar(request, mailbox);
    calendar["@odata.context"] = context(request, "calendar/$entity").into();
    Ok(calendar)
}

/// The value of `@odata.context` for a part of a user.
pub(super) fn context(request: &Request<'_>, part: &str) -> String {
    let path = request.call.target.path();
    let user = path.split('/').nth(3).unwrap_or_default();
    format!("{}/v1.0/$metadata#users('{user}')/{part}", request.base)
}

fn id(request: &Request<'_>, mailbox: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("calendar\n{}", request.world.mailbox(mailbox).address))
}

fn calendar(request: &Request<'_>, mailbox: usize) -> Value {
    let address = &request.world.mailbox(mailbox).address;
    let mut calendar = json!({
        "id": id(request, mailbox),
        "name": "Kalender",
        "color": "auto",
        "hexColor": "",
        "changeKey": "AgAAABYAAAA=",
        "isDefaultCalendar": true,
        "canShare": false,
        "canViewPrivateItems": true,
        "canEdit": false,
        "allowedOnlineMeetingProviders": [],
        "defaultOnlineMeetingProvider": "unknown",
        "isTallyingResponses": true,
        "isRemovable": false,
        "owner": {"name": address, "address": address},
    });
    if let (Some(select), Some(members)) = (request.call.target.option("$select"), calendar.as_object_mut()) {
        let wanted: Vec<&str> = select.split(',').map(str::trim).collect();
        members.retain(|name, _| name == "id" || wanted.iter().any(|one| one.eq_ignore_ascii_case(name)));
    }
    calendar
}
