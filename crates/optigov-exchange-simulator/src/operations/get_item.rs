//! [GetItem](https://learn.microsoft.com/exchange/client-developer/web-service-reference/getitem-operation), for calendar
//! items.

use super::item::{self, Shape};
use super::item_id;
use super::{Request, messages, required, required_attribute, schema};
use crate::soap::Refusal;
use crate::xml::{Element, Ns};

pub(super) fn answer(request: &Request<'_>) -> Result<String, Refusal> {
    let shape = Shape::parse(request, required(request.body, Ns::Messages, "ItemShape")?)?;
    let ids = required(request.body, Ns::Messages, "ItemIds")?;
    Ok(messages("GetItem", ids.children.iter().map(|id| one(request, &shape, id))))
}

fn one(request: &Request<'_>, shape: &Shape, id: &Element) -> Result<String, Refusal> {
    let (folder, occurrence) = match (id.ns, id.name.as_str()) {
        (Ns::Types, "ItemId") => item_id::find(request, required_attribute(id, "Id")?)?,
        (Ns::Types, "RecurringMasterItemId") => item_id::find_master(request, required_attribute(id, "OccurrenceId")?)?,
        _ => return Err(schema(format!("the element '{}' names no item", id.name))),
    };
    let mut out = "<m:Items>".to_owned();
    item::write(&mut out, request, shape, folder, &occurrence);
    out.push_str("</m:Items>");
    Ok(out)
}
