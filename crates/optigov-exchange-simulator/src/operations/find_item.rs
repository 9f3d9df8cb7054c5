//! [FindItem](https://learn.microsoft.com/exchange/client-developer/web-service-reference/finditem-operation) with a
//! `CalendarView`.

use chrono::TimeDelta;

use super::folder::{Folder, Kind};
use super::item::{self, Shape};
use super::{Request, instant, messages, required, required_attribute, schema};
use crate::soap::Refusal;
use crate::xml::{Element, Ns};
use crate::zones;

/// A view may span two years.
const WIDEST: TimeDelta = TimeDelta::days(2 * 366);

/// Items at most, whatever the request allows (Exchange's `EwsFindCountLimit`).
const MOST_ITEMS: usize = 1_000;

pub(super) fn answer(request: &Request<'_>) -> Result<String, Refusal> {
    required_attribute(request.body, "Traversal")?;
    let shape = Shape::parse(request, required(request.body, Ns::Messages, "ItemShape")?)?;
    let folders = required(request.body, Ns::Messages, "ParentFolderIds")?;
    let Some(view) = request.body.child(Ns::Messages, "CalendarView") else {
        let text = "The simulator finds calendar items by CalendarView only.";
        return Err(Refusal::new("ErrorUnsupportedQueryFilter", text));
    };
    Ok(messages("FindItem", folders.children.iter().map(|id| found(request, &shape, view, id))))
}

fn found(request: &Request<'_>, shape: &Shape, view: &Element, id: &Element) -> Result<String, Refusal> {
    let time = |name| {
        let text = required_attribute(view, name)?;
        let civil = |at| zones::instant(at, request.zone);
        instant(text, civil).ok_or_else(|| schema(format!("the attribute '{name}' is no dateTime")))
    };
    let (start, end) = (time("StartDate")?, time("EndDate")?);
    if end < start {
        let text = "The end of the view lies before its start.";
        return Err(Refusal::new("ErrorCalendarEndDateIsEarlierThanStartDate", text));
    }
    if end - start > WIDEST {
        let text = "The view is wider than two years.";
        return Err(Refusal::new("ErrorCalendarViewRangeTooBig", text));
    }
    let limit = match view.attribute("MaxEntriesReturned") {
        Some(text) => match text.parse() {
            Ok(limit) if limit > 0 => MOST_ITEMS.min(limit),
            _ => return Err(schema("the attribute 'MaxEntriesReturned' is no positive number".to_owned())),
        },
        None => MOST_ITEMS,
    };
    let folder = Folder::named(request, id)?;
    if folder.kind != Kind::Calendar {
        let text = "A calendar view is possible in calendar folders only.";
        return Err(Refusal::new("ErrorCalendarFolderIsInvalidForCalendarView", text));
    }
    let folder = match request.manner.other_mailbox.as_deref().and_then(|other| request.world.mailbox_of(other)) {
        Some(mailbox) => Folder { mailbox, ..folder },
        None => folder,
    };
    let calendar = request.world.calendar(folder.mailbox);
    let manner = request.manner;
    let mut found = match manner.masters {
        true => calendar.unexpanded_view(start, end, manner.touching),
        false => calendar.view(start, end, manner.touching),
    };
    if manner.unsorted {
        found.reverse();
    }
    if manner.more_than_asked && !found.is_empty() {
        found = found.iter().cycle().take(limit + 1).cloned().collect();
    }
    let shown = if manner.more_than_asked { found.len() } else { found.len().min(limit) };
    let mut out = String::with_capacity(400 * shown);
    push!(
        out,
        r#"<m:RootFolder TotalItemsInView="{shown}" IncludesLastItemInRange="{}"><t:Items>"#,
        request.boolean(shown == found.len())
    );
    for occurrence in &found[..shown] {
        item::write(&mut out, request, shape, folder, occurrence);
    }
    out.push_str("</t:Items></m:RootFolder>");
    Ok(out)
}
