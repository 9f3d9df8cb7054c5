//! `GetFolder` for the calendar:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getfolder-operation>.

use optigov_calendar::{Mailbox, ReadError};

use crate::{
    error::malformed,
    ops::set_once,
    soap::{self, Answer, Status},
    xml::Reader,
};

pub(crate) const NAME: &str = "GetFolder";

/// The calendar folder of a mailbox: the proof that it can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarFolder {
    name: Option<String>,
    items: Option<u32>,
}

impl CalendarFolder {
    /// The folder's name in the mailbox's language ("Kalender"), which Exchange's own commands need.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// How many items the folder holds; a series counts once.
    pub fn items(&self) -> Option<u32> {
        self.items
    }
}

pub(crate) fn request(mailbox: &Mailbox) -> String {
    format!(
        "<m:GetFolder>\n\
         <m:FolderShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>\
         <t:FieldURI FieldURI=\"folder:DisplayName\"/><t:FieldURI FieldURI=\"folder:TotalCount\"/>\
         </t:AdditionalProperties></m:FolderShape>\n\
         <m:FolderIds>{}</m:FolderIds>\n\
         </m:GetFolder>",
        soap::calendar_of(mailbox)
    )
}

pub(crate) fn read(bytes: &[u8]) -> Result<Answer<CalendarFolder>, ReadError> {
    soap::read_message(bytes, "GetFolderResponse", read_folders)
}

fn read_folders(reader: &mut Reader<'_>) -> Result<CalendarFolder, ReadError> {
    let (mut status, mut folder) = (Status::default(), None);
    while let Some(tag) = reader.child()? {
        if status.take(&tag, reader)? {
            continue;
        }
        if tag.name() != "Folders" {
            reader.skip()?;
            continue;
        }
        while let Some(_folder) = reader.child()? {
            set_once(&mut folder, read_folder(reader)?, "Folder")?;
        }
    }
    status.check()?;
    folder.ok_or_else(|| malformed("GetFolderResponse enthält keinen Ordner", "GetFolderResponse holds no folder"))
}

fn read_folder(reader: &mut Reader<'_>) -> Result<CalendarFolder, ReadError> {
    let mut folder = CalendarFolder { name: None, items: None };
    while let Some(tag) = reader.child()? {
        match tag.name() {
            "DisplayName" => folder.name = Some(reader.text()?.into_owned()),
            "TotalCount" => folder.items = reader.text()?.trim().parse().ok(),
            _ => reader.skip()?,
        }
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use optigov_calendar::{ConnectingId, RequestVersion};

    use super::*;
    use crate::{ops::golden, soap::ActingFor};

    #[test]
    fn the_request_names_the_mailbox_in_the_folder_too() {
        let mailbox = Mailbox::parse("anna@musterstadt.example").expect("an address");
        let acting_for = Some(ActingFor { id: ConnectingId::PrimarySmtpAddress, mailbox: &mailbox });
        let request = soap::envelope(RequestVersion::default(), acting_for, &request(&mailbox));
        assert_eq!(request.matches(mailbox.as_str()).count(), 2);
        golden("get_folder.request.xml", &request);
    }

    #[test]
    fn the_folder_has_a_name_and_a_count() {
        let answer = read(include_bytes!("../../tests/goldens/get_folder.response.xml")).expect("an envelope");
        assert_eq!(
            answer.content.expect("a folder"),
            CalendarFolder { name: Some("Kalender".into()), items: Some(42) }
        );
    }
}
