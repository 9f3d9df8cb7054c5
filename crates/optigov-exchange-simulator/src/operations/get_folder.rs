//! [GetFolder](https://learn.microsoft.com/exchange/client-developer/web-service-reference/getfolder-operation).

use super::folder::{Folder, Kind};
use super::{Request, messages, required};
use crate::soap::Refusal;
use crate::xml::{Element, Ns};

pub(super) fn answer(request: &Request<'_>) -> Result<String, Refusal> {
    let shape = required(request.body, Ns::Messages, "FolderShape")?;
    let ids = required(request.body, Ns::Messages, "FolderIds")?;
    let answers =
        ids.children.iter().map(|id| Folder::named(request, id).map(|folder| written(request, folder, shape)));
    Ok(messages("GetFolder", answers))
}

fn written(request: &Request<'_>, folder: Folder, shape: &Element) -> String {
    let base = shape.types(&["BaseShape"]).map_or("IdOnly", Element::text);
    let further: Vec<&str> = shape
        .types(&["AdditionalProperties"])
        .map_or(&[][..], |properties| &properties.children)
        .iter()
        .filter_map(|property| property.attribute("FieldURI"))
        .collect();
    let wanted = |uri: &str, by_default: bool| {
        further.contains(&uri) || base == "AllProperties" || (base == "Default" && by_default)
    };
    let calendar = folder.kind == Kind::Calendar;
    let element = if calendar { "CalendarFolder" } else { "Folder" };
    let id = folder.id(request);
    let (name, class, children) = match folder.kind {
        Kind::Root => ("", "IPF", 1),
        Kind::MessageRoot => ("Oberste Ebene des Informationsspeichers", "IPF.Note", 1),
        Kind::Calendar => ("Kalender", "IPF.Appointment", 0),
    };
    let mut out = String::new();
    push!(out, r#"<m:Folders><t:{element}><t:FolderId Id="{id}" ChangeKey="AgAAABYAAAA="/>"#);
    if wanted("folder:ParentFolderId", false) && folder.kind != Kind::Root {
        let parent = Folder { kind: if calendar { Kind::MessageRoot } else { Kind::Root }, ..folder };
        push!(out, r#"<t:ParentFolderId Id="{}" ChangeKey="AQAAAA=="/>"#, parent.id(request));
    }
    if wanted("folder:FolderClass", false) {
        push!(out, "<t:FolderClass>{class}</t:FolderClass>");
    }
    if wanted("folder:DisplayName", true) {
        push!(out, "<t:DisplayName>{name}</t:DisplayName>");
    }
    if wanted("folder:TotalCount", true) {
        let count = if calendar { request.world.calendar(folder.mailbox).items().len() } else { 0 };
        push!(out, "<t:TotalCount>{count}</t:TotalCount>");
    }
    if wanted("folder:ChildFolderCount", true) {
        push!(out, "<t:ChildFolderCount>{children}</t:ChildFolderCount>");
    }
    if wanted("folder:EffectiveRights", false) {
        out.push_str(
            "<t:EffectiveRights><t:CreateAssociated>false</t:CreateAssociated><t:CreateContents>false</t:CreateContents>\
             <t:CreateHierarchy>false</t:CreateHierarchy><t:Delete>false</t:Delete><t:Modify>false</t:Modify>\
             <t:Read>true</t:Read></t:EffectiveRights>",
        );
    }
    if wanted("folder:DistinguishedFolderId", false) {
        push!(out, "<t:DistinguishedFolderId>{}</t:DistinguishedFolderId>", folder.kind.name());
    }
    if wanted("folder:UnreadCount", true) && !calendar {
        out.push_str("<t:UnreadCount>0</t:UnreadCount>");
    }
    push!(out, "</t:{element}></m:Folders>");
    out
}
