//! Envelopes, faults and the part of an answer that every operation shares.

use std::time::Duration;

use quick_xml::escape::escape;

use crate::{
    ConnectingId, Error, Kind, Mailbox, ResponseCode, Step,
    version::{RequestVersion, ServerVersion},
    xml::{Reader, Tag},
};

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";
const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";

/// For whom a request acts, if not for the account itself.
pub(crate) type Impersonation<'a> = Option<(&'a ConnectingId, &'a Mailbox)>;

/// A whole request around the operation's own element. Times in its answer are in UTC.
pub(crate) fn envelope(version: RequestVersion, acting_for: Impersonation<'_>, operation: &str) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<soap:Envelope xmlns:soap=\"{SOAP}\" xmlns:t=\"{TYPES}\" xmlns:m=\"{MESSAGES}\">\n\
         <soap:Header>\n<t:RequestServerVersion Version=\"{}\"/>\n",
        version.as_str()
    );
    if let Some((id, mailbox)) = acting_for {
        let (element, name) = id.element(mailbox);
        text += &format!(
            "<t:ExchangeImpersonation><t:ConnectingSID><t:{element}>{}</t:{element}></t:ConnectingSID></t:ExchangeImpersonation>\n",
            escape(name)
        );
    }
    text += "<t:TimeZoneContext><t:TimeZoneDefinition Id=\"UTC\"/></t:TimeZoneContext>\n</soap:Header>\n<soap:Body>\n";
    text += operation;
    text += "\n</soap:Body>\n</soap:Envelope>\n";
    text
}

/// The calendar folder of a mailbox by its distinguished name: a server that lost the impersonation header refuses it rather than
/// answer with the account's own calendar.
pub(crate) fn calendar_of(mailbox: &Mailbox) -> String {
    format!(
        "<t:DistinguishedFolderId Id=\"calendar\"><t:Mailbox><t:EmailAddress>{}</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>",
        escape(mailbox.as_str())
    )
}

/// What an answer's envelope holds: the server's version, and what `body` made of the response element.
pub(crate) struct Answer<T> {
    pub(crate) server: Option<ServerVersion>,
    pub(crate) content: Result<T, Error>,
}

impl<T> Answer<T> {
    pub(crate) fn map<U>(self, content: impl FnOnce(T) -> Result<U, Error>) -> Answer<U> {
        Answer { server: self.server, content: self.content.and_then(content) }
    }
}

/// Reads an envelope; `body` is called for the element named `response` inside the body.
///
/// # Errors
/// [`Kind::NotEws`] when it is no SOAP envelope, [`Kind::Malformed`] when it cannot be read. A SOAP fault is the answer's `content`.
pub(crate) fn read<'a, T>(
    bytes: &'a [u8],
    response: &str,
    body: impl FnOnce(&mut Reader<'a>) -> Result<T, Error>,
) -> Result<Answer<T>, Error> {
    let mut reader = Reader::new(bytes);
    let root = reader
        .child()
        .map_err(|error| Error::new(Kind::NotEws, "the answer is not a SOAP envelope").with_source(error))?;
    if root.is_none_or(|root| root.name() != "Envelope") {
        return Err(Error::new(Kind::NotEws, "the answer is not a SOAP envelope"));
    }
    let (mut body, mut server, mut content) = (Some(body), None, None);
    while let Some(part) = reader.child()? {
        match part.name() {
            "Header" => server = read_header(&mut reader)?,
            "Body" => {
                while let Some(element) = reader.child()? {
                    match element.name() {
                        "Fault" => content = Some(Err(read_fault(&mut reader)?)),
                        name if name == response && body.is_some() => {
                            content = body.take().map(|body| body(&mut reader))
                        }
                        _ => reader.skip()?,
                    }
                    if let Some(Err(_)) = content {
                        break; // The reader may stand anywhere inside the element.
                    }
                }
            }
            _ => reader.skip()?,
        }
        if let Some(Err(_)) = content {
            break;
        }
    }
    match content {
        Some(content) => Ok(Answer { server, content }),
        None => Err(Error::malformed(format!("the answer holds neither {response} nor a fault"))),
    }
}

fn read_header(reader: &mut Reader<'_>) -> Result<Option<ServerVersion>, Error> {
    let mut server = None;
    while let Some(tag) = reader.child()? {
        if tag.name() == "ServerVersionInfo" {
            server = ServerVersion::read(&tag)?;
        }
        reader.skip()?;
    }
    Ok(server)
}

/// The head of a response message: what every one of them says before its own content.
#[derive(Default)]
pub(crate) struct Status {
    code: Option<String>,
    details: Details,
}

/// What `MessageXml` adds to a code.
#[derive(Default)]
struct Details {
    back_off: Option<Duration>,
    inner: Option<String>,
    primary: Option<Mailbox>,
}

impl Status {
    /// Takes a child of the response message if it belongs to the head. Its text is for people and may name addresses: it is not kept.
    pub(crate) fn take(&mut self, tag: &Tag<'_>, reader: &mut Reader<'_>) -> Result<bool, Error> {
        match tag.name() {
            "ResponseCode" => self.code = Some(reader.text()?.trim().to_owned()),
            "MessageXml" => self.details = Details::read(reader)?,
            "MessageText" | "DescriptiveLinkKey" => reader.skip()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// # Errors
    /// The error that the code stands for, unless it is `NoError`.
    pub(crate) fn check(self) -> Result<(), Error> {
        match self.code.as_deref() {
            Some("NoError") => Ok(()),
            Some(code) => Err(from_code(code, self.details)),
            None => Err(Error::malformed("the answer's response message has no ResponseCode")),
        }
    }
}

impl Details {
    fn read(reader: &mut Reader<'_>) -> Result<Details, Error> {
        let mut details = Details::default();
        while let Some(tag) = reader.child()? {
            let name = tag.attribute("Name")?.unwrap_or_default().into_owned();
            let text = reader.text()?;
            match name.as_str() {
                "BackOffMilliseconds" => details.back_off = text.trim().parse().ok().map(Duration::from_millis),
                "InnerErrorResponseCode" => details.inner = Some(text.trim().to_owned()),
                "Primary" => details.primary = Mailbox::parse(&text).ok(),
                _ => {}
            }
        }
        Ok(details)
    }
}

/// A SOAP fault, whichever way the server spells it: with or without `detail`, with or without a prefix in `faultcode`.
fn read_fault(reader: &mut Reader<'_>) -> Result<Error, Error> {
    let (mut fault_code, mut code, mut details) = (None, None, Details::default());
    while let Some(tag) = reader.child()? {
        match tag.name() {
            "faultcode" => fault_code = Some(reader.text()?.trim().to_owned()),
            "detail" => {
                while let Some(tag) = reader.child()? {
                    match tag.name() {
                        "ResponseCode" => code = Some(reader.text()?.trim().to_owned()),
                        "MessageXml" => details = Details::read(reader)?,
                        _ => reader.skip()?,
                    }
                }
            }
            _ => reader.skip()?,
        }
    }
    let fault_code = fault_code.as_deref().map(|code| code.rsplit(':').next().unwrap_or(code));
    Ok(match code.as_deref().or(fault_code) {
        Some(code) if code.starts_with("Error") => from_code(code, details),
        Some(code) => {
            Error::new(Kind::Server, "the server answers with a SOAP fault").with_code(ResponseCode::new(code))
        }
        None => Error::new(Kind::Server, "the server answers with a SOAP fault that has no code"),
    })
}

/// What a response code means for the caller. The list of codes is open: one that is not here is the server's own error.
fn from_code(code: &str, details: Details) -> Error {
    let code = match &details.inner {
        Some(inner) if code == "ErrorInternalServerError" && inner.starts_with("Error") => inner.as_str(),
        _ => code,
    };
    let (kind, fact) = match code {
        "ErrorServerBusy"
        | "ErrorTooManyObjectsOpened"
        | "ErrorExceededConnectionCount"
        | "ErrorMailboxStoreUnavailable"
        | "ErrorTimeoutExpired" => (Kind::Throttled, "the server is busy"),
        "ErrorImpersonateUserDenied" | "ErrorImpersonationDenied" | "ErrorImpersonationFailed" => {
            (Kind::ImpersonationDenied, "the account may not act for the mailbox")
        }
        "ErrorNonExistentMailbox"
        | "ErrorCannotFindUser"
        | "ErrorMailRecipientNotFound"
        | "ErrorInvalidSmtpAddress" => (Kind::MailboxNotFound, "the server knows no mailbox with this address"),
        "ErrorNonPrimarySmtpAddress" => (Kind::NotPrimaryAddress, "the address is not the mailbox's primary one"),
        "ErrorAccountDisabled"
        | "ErrorMailboxMoveInProgress"
        | "ErrorMailboxFailover"
        | "ErrorUserWithoutFederatedProxyAddress" => (Kind::MailboxUnavailable, "the mailbox is not available"),
        "ErrorAccessDenied" | "ErrorItemNotFound" | "ErrorFolderNotFound" | "ErrorNoFreeBusyAccess" => {
            (Kind::AccessDenied, "the account may not read the calendar")
        }
        "ErrorInvalidRequest"
        | "ErrorSchemaValidation"
        | "ErrorInvalidServerVersion"
        | "ErrorIncorrectSchemaVersion" => (Kind::RequestRejected, "the server holds the request to be invalid"),
        _ => (Kind::Server, "the server reports an error"),
    };
    let error = Error::new(kind, fact);
    let error = if code == "ErrorNoFreeBusyAccess" { error.at(Step::Read) } else { error };
    error.with_code(ResponseCode::new(code)).with_retry_after(details.back_off).with_primary(details.primary)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Error {
        let answer = read(text.as_bytes(), "FindItemResponse", |_| Ok(())).expect("an envelope");
        answer.content.expect_err("a fault")
    }

    #[test]
    fn a_fault_is_read_with_and_without_its_detail() {
        let busy = fault(include_str!("../tests/goldens/fault_busy.response.xml"));
        assert_eq!(busy.kind(), Kind::Throttled);
        assert_eq!(busy.retry_after(), Some(Duration::from_secs(25)));
        let plain = fault(include_str!("../tests/goldens/fault_plain.response.xml"));
        assert_eq!(plain.kind(), Kind::AccessDenied);
    }

    #[test]
    fn the_inner_code_of_an_internal_error_is_the_one_that_counts() {
        let details = Details { inner: Some("ErrorServerBusy".into()), ..Details::default() };
        let error = from_code("ErrorInternalServerError", details);
        assert_eq!((error.kind(), error.code().map(ResponseCode::as_str)), (Kind::Throttled, Some("ErrorServerBusy")));
    }

    #[test]
    fn a_code_that_no_list_has_is_kept() {
        let error = from_code("ErrorOfTheFuture", Details::default());
        assert_eq!((error.kind(), error.code().map(ResponseCode::as_str)), (Kind::Server, Some("ErrorOfTheFuture")));
        let error = from_code("anna@musterstadt.example", Details::default());
        assert_eq!(error.code().map(ResponseCode::as_str), Some("unreadable"));
    }

    #[test]
    fn what_is_not_an_envelope_is_not_ews() {
        for text in ["", "<html><body>Wartung</body></html>", "Wartung", "{\"error\": 1}"] {
            let error = read(text.as_bytes(), "FindItemResponse", |_| Ok(())).err().expect("no envelope");
            assert_eq!(error.kind(), Kind::NotEws, "{text:?}");
        }
    }
}
