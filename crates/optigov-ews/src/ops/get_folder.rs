//! `GetFolder` for the calendar:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getfolder-operation>.

use crate::{
    CalendarFolder, Error, Mailbox,
    soap::{self, Answer, Status},
    xml::Reader,
};

pub(crate) const NAME: &str = "GetFolder";

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

pub(crate) fn read(bytes: &[u8]) -> Result<Answer<CalendarFolder>, Error> {
    soap::read(bytes, "GetFolderResponse", |reader| {
        let mut folder = None;
        while let Some(tag) = reader.child()? {
            match tag.name() {
                "ResponseMessages" => {
                    while let Some(_message) = reader.child()? {
                        folder = Some(read_message(reader)?);
                    }
                }
                _ => reader.skip()?,
            }
        }
        folder.ok_or_else(|| Error::malformed("GetFolderResponse holds no response message"))
    })
}

fn read_message(reader: &mut Reader<'_>) -> Result<CalendarFolder, Error> {
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
            folder = Some(read_folder(reader)?);
        }
    }
    status.check()?;
    folder.ok_or_else(|| Error::malformed("GetFolderResponse holds no folder"))
}

fn read_folder(reader: &mut Reader<'_>) -> Result<CalendarFolder, Error> {
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
    use super::*;
    use crate::{ConnectingId, RequestVersion, ops::golden};

    #[test]
    fn the_request_names_the_mailbox_in_the_folder_too() {
        let mailbox = Mailbox::parse("anna@musterstadt.example").expect("an address");
        let acting_for = Some((&ConnectingId::PrimarySmtpAddress, &mailbox));
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
