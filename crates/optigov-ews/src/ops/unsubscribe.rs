//! `Unsubscribe`, which ends a subscription and changes nothing in the mailbox:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/unsubscribe-operation>.

use optigov_calendar::ReadError;
use quick_xml::escape::escape;

use crate::{
    ops::subscribe::SubscriptionId,
    soap::{self, Answer, Status},
};

pub(crate) const NAME: &str = "Unsubscribe";

pub(crate) fn request(id: &SubscriptionId) -> String {
    format!("<m:Unsubscribe><m:SubscriptionId>{}</m:SubscriptionId></m:Unsubscribe>", escape(id.as_str()))
}

pub(crate) fn read(bytes: &[u8]) -> Result<Answer<()>, ReadError> {
    soap::read_messages(bytes, "UnsubscribeResponse", |reader| {
        let mut status = Status::default();
        while let Some(tag) = reader.child()? {
            if !status.take(&tag, reader)? {
                reader.skip()?;
            }
        }
        status.check()
    })
}

#[cfg(test)]
mod tests {
    use optigov_calendar::{RequestVersion, ResponseCode};

    use super::*;
    use crate::ops::golden;

    #[test]
    fn the_request_names_the_subscription() {
        let id = SubscriptionId::new("JwBleDEubXVzdGVyc3RhZHQuZXhhbXBsZRAAAAA=").expect("an id");
        golden("unsubscribe.request.xml", &soap::envelope(RequestVersion::default(), None, &request(&id)));
        assert!(request(&SubscriptionId::new("<&>").expect("an id")).contains("&lt;&amp;&gt;"));
    }

    #[test]
    fn the_answer_is_a_success_or_an_error() {
        let ended = read(include_bytes!("../../tests/goldens/unsubscribe.response.xml")).expect("an envelope");
        assert!(ended.content.is_ok());
        let unknown = include_str!("../../tests/goldens/unsubscribe.response.xml")
            .replace("NoError", "ErrorSubscriptionNotFound")
            .into_bytes();
        let error = read(&unknown).expect("an envelope").content.expect_err("an error");
        assert_eq!(error.code().map(ResponseCode::as_str), Some("ErrorSubscriptionNotFound"));
    }
}
