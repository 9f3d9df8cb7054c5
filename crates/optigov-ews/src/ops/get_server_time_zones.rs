//! `GetServerTimeZones`: the request that proves a credential. It only reads, is answered to every account, and concerns no mailbox, so it
//! is answered also while mailboxes are not.

use optigov_calendar::ReadError;

use crate::soap;

/// The definition of UTC, without its rules.
pub(crate) const REQUEST: &str =
    "<m:GetServerTimeZones ReturnFullTimeZoneData=\"false\"><m:Ids><t:Id>UTC</t:Id></m:Ids></m:GetServerTimeZones>";

/// What is in the answer does not matter.
pub(crate) fn read(answer: &[u8]) -> Result<soap::Answer<()>, ReadError> {
    soap::read(answer, "GetServerTimeZonesResponse", |reader| reader.skip())
}

#[cfg(test)]
mod tests {
    use optigov_calendar::RequestVersion;

    use super::*;
    use crate::ops::golden;

    #[test]
    fn the_request_is_the_golden_one() {
        let request = soap::envelope(RequestVersion::default(), None, REQUEST);
        golden("get_server_time_zones.request.xml", &request);
    }

    #[test]
    fn an_answer_and_a_fault_are_read() {
        let answer =
            read(include_bytes!("../../tests/goldens/get_server_time_zones.response.xml")).expect("an envelope");
        assert!(answer.content.is_ok() && answer.server.is_some());
        let fault = read(include_bytes!("../../tests/goldens/fault_busy.response.xml")).expect("an envelope");
        assert!(fault.content.is_err());
    }
}
