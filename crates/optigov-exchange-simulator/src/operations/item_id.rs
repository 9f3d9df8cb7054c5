//! The opaque ids of calendar items: how they are written, and what they lead back to.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;

use super::Request;
use super::folder::{Folder, Kind as FolderKind};
use crate::calendar::{Kind, Occurrence};
use crate::soap::Refusal;
use crate::zones;

/// Appends the item's id, which is part of every shape.
pub(super) fn write(out: &mut String, request: &Request<'_>, folder: Folder, occurrence: &Occurrence) {
    let item = &request.world.calendar(folder.mailbox).items()[occurrence.item];
    let change_key = STANDARD.encode(item.change_key.to_be_bytes());
    push!(out, r#"<t:ItemId Id="{}" ChangeKey="{change_key}"/>"#, id(request, folder, occurrence));
}

/// An opaque id that leads back to the occurrence.
fn id(request: &Request<'_>, folder: Folder, occurrence: &Occurrence) -> String {
    let item = &request.world.calendar(folder.mailbox).items()[occurrence.item];
    let address = &request.world.mailbox(folder.mailbox).address;
    match occurrence.kind {
        Kind::Single | Kind::Master => STANDARD.encode(format!("item\n{address}\n{}", item.uid)),
        Kind::Occurrence | Kind::Exception => {
            STANDARD.encode(format!("item\n{address}\n{}\n{}", item.uid, occurrence.original.timestamp()))
        }
    }
}

/// The occurrence or item behind an id, if the caller may read its calendar.
pub(super) fn find(request: &Request<'_>, id: &str) -> Result<(Folder, Occurrence), Refusal> {
    lookup(request, id, true)
}

/// The master of the series to which the occurrence behind an id belongs.
pub(super) fn find_master(request: &Request<'_>, id: &str) -> Result<(Folder, Occurrence), Refusal> {
    lookup(request, id, false)
}

fn lookup(request: &Request<'_>, id: &str, occurrence: bool) -> Result<(Folder, Occurrence), Refusal> {
    let malformed = || Refusal::new("ErrorInvalidIdMalformed", "The Id is invalid.");
    let text = STANDARD.decode(id).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(malformed)?;
    let mut parts = text.split('\n');
    let (Some("item"), Some(address), Some(uid)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(malformed());
    };
    let original = parts.next().and_then(|unix| DateTime::from_timestamp(unix.parse().ok()?, 0));
    if original.is_some_and(|original| !zones::is_in_range(&original)) {
        return Err(malformed());
    }
    let not_found = || Refusal::new("ErrorItemNotFound", "The object could not be found in the store.");
    let mailbox = request.world.mailbox_of(address).ok_or_else(not_found)?;
    let folder = Folder { kind: FolderKind::Calendar, mailbox };
    folder.check(request)?;
    let found = request.world.calendar(mailbox).find(uid, original.filter(|_| occurrence)).ok_or_else(not_found)?;
    Ok((folder, found))
}
