//! Envelopes, faults and the part of an answer that every operation shares.

use std::time::Duration;

use optigov_calendar::{ConnectingId, Mailbox, ReadError, ReadErrorKind, RequestVersion, Text};
use quick_xml::escape::escape;

use crate::{
    codes,
    error::malformed,
    interpret::milliseconds,
    ops::{set_once, twice},
    version::ServerVersion,
    xml::{Reader, Tag},
};

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";
const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";

/// For whom a request acts, and by which name the account says so.
#[derive(Clone, Copy)]
pub(crate) struct ActingFor<'a> {
    pub(crate) id: ConnectingId,
    pub(crate) mailbox: &'a Mailbox,
}

/// A whole request around the operation's own element. Times in its answer are in UTC. Without `acting_for`, the account acts for itself.
pub(crate) fn envelope(version: RequestVersion, acting_for: Option<ActingFor<'_>>, operation: &str) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<soap:Envelope xmlns:soap=\"{SOAP}\" xmlns:t=\"{TYPES}\" xmlns:m=\"{MESSAGES}\">\n\
         <soap:Header>\n<t:RequestServerVersion Version=\"{}\"/>\n",
        version.as_str()
    );
    if let Some(ActingFor { id, mailbox }) = acting_for {
        let element = match id {
            ConnectingId::SmtpAddress => "SmtpAddress",
            _ => "PrimarySmtpAddress",
        };
        text += &format!(
            "<t:ExchangeImpersonation><t:ConnectingSID><t:{element}>{}</t:{element}></t:ConnectingSID></t:ExchangeImpersonation>\n",
            escape(mailbox.as_str())
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
    pub(crate) content: Result<T, ReadError>,
}

impl<T> Answer<T> {
    pub(crate) fn map<U>(self, content: impl FnOnce(T) -> Result<U, ReadError>) -> Answer<U> {
        Answer { server: self.server, content: self.content.and_then(content) }
    }
}

/// Reads an envelope; `body` is called for the element named `response` inside the body.
///
/// # Errors
/// [`ReadErrorKind::NotTheService`] when it is no SOAP envelope, [`ReadErrorKind::Malformed`] when it cannot be read. A SOAP fault is the answer's `content`.
pub(crate) fn read<'a, T>(
    bytes: &'a [u8],
    response: &str,
    body: impl FnOnce(&mut Reader<'a>) -> Result<T, ReadError>,
) -> Result<Answer<T>, ReadError> {
    let mut reader = Reader::new(bytes);
    let no_envelope = || {
        let fact = Text::fixed("die Antwort ist kein SOAP-Umschlag", "the answer is not a SOAP envelope");
        ReadError::new(ReadErrorKind::NotTheService, fact)
    };
    let root = reader.child().map_err(|error| no_envelope().with_source(error))?;
    if root.is_none_or(|root| root.name() != "Envelope") {
        return Err(no_envelope());
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
                        name if name == response => content = Some(Err(twice("Response"))),
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
        None => Err(malformed(
            format!("die Antwort enthält weder {response} noch einen SOAP-Fehler"),
            format!("the answer holds neither {response} nor a SOAP fault"),
        )),
    }
}

/// As [`read`], for a response that holds `ResponseMessages`; `message` is called for each of them.
pub(crate) fn read_messages<'a>(
    bytes: &'a [u8],
    response: &str,
    mut message: impl FnMut(&mut Reader<'a>) -> Result<(), ReadError>,
) -> Result<Answer<()>, ReadError> {
    read(bytes, response, |reader| {
        while let Some(tag) = reader.child()? {
            if tag.name() != "ResponseMessages" {
                reader.skip()?;
                continue;
            }
            while let Some(_message) = reader.child()? {
                message(reader)?;
            }
        }
        Ok(())
    })
}

/// As [`read_messages`], for a response that must hold exactly one of them.
pub(crate) fn read_message<'a, T>(
    bytes: &'a [u8],
    response: &str,
    mut message: impl FnMut(&mut Reader<'a>) -> Result<T, ReadError>,
) -> Result<Answer<T>, ReadError> {
    let mut content = None;
    let answer = read_messages(bytes, response, |reader| set_once(&mut content, message(reader)?, "ResponseMessage"))?;
    Ok(answer.map(|()| {
        content.ok_or_else(|| {
            malformed(
                format!("{response} enthält keine Antwortnachricht"),
                format!("{response} holds no response message"),
            )
        })
    }))
}

fn read_header(reader: &mut Reader<'_>) -> Result<Option<ServerVersion>, ReadError> {
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
    pub(crate) fn take(&mut self, tag: &Tag<'_>, reader: &mut Reader<'_>) -> Result<bool, ReadError> {
        match tag.name() {
            "ResponseCode" => set_once(&mut self.code, reader.text()?.trim().to_owned(), "ResponseCode")?,
            "MessageXml" => self.details = Details::read(reader)?,
            "MessageText" | "DescriptiveLinkKey" => reader.skip()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// # Errors
    /// The error that the code stands for, unless it is `NoError`.
    pub(crate) fn check(self) -> Result<(), ReadError> {
        match self.code.as_deref() {
            Some("NoError") => Ok(()),
            Some(code) => Err(from_code(code, self.details)),
            None => Err(malformed(
                "der Antwortnachricht fehlt der ResponseCode",
                "the response message has no ResponseCode",
            )),
        }
    }
}

impl Details {
    fn read(reader: &mut Reader<'_>) -> Result<Details, ReadError> {
        let mut details = Details::default();
        while let Some(tag) = reader.child()? {
            let name = tag.attribute("Name")?.unwrap_or_default().into_owned();
            match name.as_str() {
                "BackOffMilliseconds" => details.back_off = milliseconds(&reader.text()?),
                "InnerErrorResponseCode" => details.inner = Some(reader.text()?.trim().to_owned()),
                "Primary" => details.primary = Mailbox::parse(&reader.text()?).ok(),
                _ => reader.skip()?,
            }
        }
        Ok(details)
    }
}

/// A SOAP fault, whichever way the server spells it: with or without `detail`, with or without a prefix in `faultcode`.
fn read_fault(reader: &mut Reader<'_>) -> Result<ReadError, ReadError> {
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
    // Where the two differ, a code of Exchange's is worth more than a text of whoever passed it on.
    let codes = [code.as_deref(), fault_code];
    let exchange = codes.into_iter().flatten().find(|code| code.starts_with("Error"));
    Ok(match exchange.or_else(|| codes.into_iter().flatten().next()) {
        Some(code) if exchange.is_some() => from_code(code, details),
        Some(code) => {
            let fact = Text::fixed("die Antwort ist ein SOAP-Fehler", "the answer is a SOAP fault");
            ReadError::new(ReadErrorKind::Server, fact).with_code(code)
        }
        None => {
            let fact =
                Text::fixed("die Antwort ist ein SOAP-Fehler ohne Code", "the answer is a SOAP fault without a code");
            ReadError::new(ReadErrorKind::Server, fact)
        }
    })
}

/// What a response code means for the caller. The list of codes is open: one that no table has is the server's own error.
fn from_code(code: &str, details: Details) -> ReadError {
    let code = match &details.inner {
        Some(inner) if code == "ErrorInternalServerError" && inner.starts_with("Error") => inner.as_str(),
        _ => code,
    };
    let meaning = codes::meaning(code);
    let error = ReadError::new(meaning.kind, fact(code, meaning.kind)).with_origin(meaning.origin);
    error.with_code(code).with_retry_after(details.back_off).with_primary_address(details.primary)
}

/// What the server says by a code.
fn fact(code: &str, kind: ReadErrorKind) -> Text {
    use ReadErrorKind as Kind;
    let (german, english) = match (kind, code) {
        (_, "ErrorAccountDisabled") => ("das Konto des Postfachs ist deaktiviert", "the mailbox's account is disabled"),
        (_, "ErrorMailboxMoveInProgress") => ("das Postfach wird verschoben", "the mailbox is being moved"),
        (_, "ErrorMailboxFailover") => {
            ("die Datenbank des Postfachs wechselt den Server", "the mailbox's database is changing servers")
        }
        (_, "ErrorItemNotFound" | "ErrorFolderNotFound") => (
            "der Server findet keinen Kalender, den das Konto öffnen darf",
            "the server finds no calendar that the account may open",
        ),
        (Kind::Throttled, _) => ("der Server ist ausgelastet", "the server is busy"),
        (Kind::Transient, _) => ("der Server kommt vorübergehend nicht weiter", "the server cannot go on for now"),
        (Kind::ImpersonationDenied, _) => (
            "der Server verweigert dem Konto den Identitätswechsel für dieses Postfach",
            "the server denies the account impersonation of this mailbox",
        ),
        (Kind::MailboxNotFound, _) => {
            ("der Server kennt kein Postfach mit dieser Adresse", "the server knows no mailbox with this address")
        }
        (Kind::NotPrimaryAddress, _) => {
            ("die Adresse ist nicht die primäre des Postfachs", "the address is not the mailbox's primary one")
        }
        (Kind::MailboxUnavailable, _) => {
            ("der Server kommt zurzeit nicht an das Postfach", "the server does not get at the mailbox at the moment")
        }
        (Kind::MailboxDefective, _) => (
            "der Server kann mit dem Postfach nicht umgehen, wie es ist",
            "the server cannot deal with the mailbox as it is",
        ),
        (Kind::LimitReached, _) => {
            ("die Anfrage übersteigt eine Grenze des Servers", "the request exceeds a limit of the server")
        }
        (Kind::AccessDenied, _) => {
            ("der Server verweigert dem Konto den Kalender", "the server denies the account the calendar")
        }
        (Kind::PasswordExpired, _) => ("der Server verlangt ein neues Kennwort", "the server asks for a new password"),
        (Kind::RequestRejected, _) => {
            ("der Server lehnt die Anfrage als ungültig ab", "the server rejects the request as invalid")
        }
        _ => ("der Server antwortet mit einem Fehler", "the server answers with an error"),
    };
    Text::fixed(german, english)
}

#[cfg(test)]
mod tests {
    use optigov_calendar::ResponseCode;

    use super::*;

    fn fault(text: &str) -> ReadError {
        let answer = read(text.as_bytes(), "FindItemResponse", |_| Ok(())).expect("an envelope");
        answer.content.expect_err("a fault")
    }

    #[test]
    fn a_fault_is_read_with_and_without_its_detail() {
        let busy = fault(include_str!("../tests/goldens/fault_busy.response.xml"));
        assert_eq!(busy.kind(), ReadErrorKind::Throttled);
        assert_eq!(busy.retry_after(), Some(Duration::from_secs(25)));
        let plain = fault(include_str!("../tests/goldens/fault_plain.response.xml"));
        assert_eq!(plain.kind(), ReadErrorKind::AccessDenied);
    }

    #[test]
    fn the_inner_code_of_an_internal_error_is_the_one_that_counts() {
        let details = Details { inner: Some("ErrorServerBusy".into()), ..Details::default() };
        let error = from_code("ErrorInternalServerError", details);
        assert_eq!(
            (error.kind(), error.code().map(ResponseCode::as_str)),
            (ReadErrorKind::Throttled, Some("ErrorServerBusy"))
        );
    }

    #[test]
    fn a_code_that_no_list_has_is_kept() {
        let error = from_code("ErrorOfTheFuture", Details::default());
        assert_eq!(
            (error.kind(), error.code().map(ResponseCode::as_str)),
            (ReadErrorKind::Server, Some("ErrorOfTheFuture"))
        );
        let error = from_code("anna@musterstadt.example", Details::default());
        assert_eq!(error.code().map(ResponseCode::as_str), Some("unreadable"));
    }

    #[test]
    fn what_is_not_an_envelope_is_not_ews() {
        for text in ["", "<html><body>Wartung</body></html>", "Wartung", "{\"error\": 1}"] {
            let error = read(text.as_bytes(), "FindItemResponse", |_| Ok(())).err().expect("no envelope");
            assert_eq!(error.kind(), ReadErrorKind::NotTheService, "{text:?}");
        }
    }
}
