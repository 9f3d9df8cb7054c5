//! `Subscribe` to streaming notifications about a calendar; it changes nothing in the mailbox:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/subscribe-operation>.

use optigov_calendar::{Mailbox, ReadError};

use crate::{
    error::malformed,
    ops::set_once,
    soap::{self, Answer, Status},
    xml::Reader,
};

pub(crate) const NAME: &str = "Subscribe";

/// Longer ids than Exchange has, which are some hundreds of bytes.
const LONGEST_ID: usize = 4_096;

/// By which the server knows a subscription.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SubscriptionId(Box<str>);

impl SubscriptionId {
    /// # Errors
    /// Where it is empty, or longer than any id of Exchange's.
    pub(crate) fn new(text: &str) -> Result<SubscriptionId, ReadError> {
        match text.trim() {
            id if (1..=LONGEST_ID).contains(&id.len()) => Ok(SubscriptionId(id.into())),
            _ => Err(malformed(
                "die Kennung eines Abonnements ist leer oder zu lang",
                "the id of a subscription is empty or too long",
            )),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// An id holds the server's name and, encoded, the mailbox.
impl std::fmt::Debug for SubscriptionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SubscriptionId(..)")
    }
}

pub(crate) fn request(mailbox: &Mailbox) -> String {
    let kinds = ["Created", "Deleted", "Modified", "Moved", "Copied"];
    let kinds = kinds.map(|kind| format!("<t:EventType>{kind}Event</t:EventType>")).concat();
    format!(
        "<m:Subscribe><m:StreamingSubscriptionRequest>\n\
         <t:FolderIds>{}</t:FolderIds>\n\
         <t:EventTypes>{kinds}</t:EventTypes>\n\
         </m:StreamingSubscriptionRequest></m:Subscribe>",
        soap::calendar_of(mailbox)
    )
}

pub(crate) fn read(bytes: &[u8]) -> Result<Answer<SubscriptionId>, ReadError> {
    soap::read_message(bytes, "SubscribeResponse", read_subscription)
}

fn read_subscription(reader: &mut Reader<'_>) -> Result<SubscriptionId, ReadError> {
    let (mut status, mut id) = (Status::default(), None);
    while let Some(tag) = reader.child()? {
        if status.take(&tag, reader)? {
            continue;
        }
        match tag.name() {
            "SubscriptionId" => set_once(&mut id, SubscriptionId::new(&reader.text()?)?, "SubscriptionId")?,
            _ => reader.skip()?,
        }
    }
    status.check()?;
    id.ok_or_else(|| malformed("SubscribeResponse enthält kein Abonnement", "SubscribeResponse holds no subscription"))
}

#[cfg(test)]
mod tests {
    use optigov_calendar::{ConnectingId, ReadErrorKind, RequestVersion, ResponseCode};

    use super::*;
    use crate::{ops::golden, soap::ActingFor};

    #[test]
    fn the_request_names_the_mailbox_in_the_folder_too() {
        let mailbox = Mailbox::parse("anna@musterstadt.example").expect("an address");
        let acting_for = Some(ActingFor { id: ConnectingId::PrimarySmtpAddress, mailbox: &mailbox });
        let request = soap::envelope(RequestVersion::default(), acting_for, &request(&mailbox));
        assert_eq!(request.matches(mailbox.as_str()).count(), 2);
        golden("subscribe.request.xml", &request);
    }

    #[test]
    fn the_answer_is_an_id_or_an_error() {
        let answer = read(include_bytes!("../../tests/goldens/subscribe.response.xml")).expect("an envelope");
        let id = answer.content.expect("a subscription");
        assert!(id.as_str().starts_with("JwBleDEubXVzdGVyc3RhZHQu"));
        assert_eq!(format!("{id:?}"), "SubscriptionId(..)");
        let refused = read(include_bytes!("../../tests/goldens/subscribe_refused.response.xml")).expect("an envelope");
        let error = refused.content.expect_err("a refusal");
        assert_eq!(error.code().map(ResponseCode::as_str), Some("ErrorExceededSubscriptionCount"));
        assert_eq!(error.kind(), ReadErrorKind::Throttled);
    }

    #[test]
    fn an_id_has_a_length() {
        assert!(SubscriptionId::new(" \n").is_err() && SubscriptionId::new(&"x".repeat(LONGEST_ID + 1)).is_err());
        assert_eq!(SubscriptionId::new(" x ").expect("an id").as_str(), "x");
    }
}
