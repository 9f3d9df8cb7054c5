//! Watching calendars with a Kerberos account.

use futures_util::StreamExt;
use optigov_calendar::{CalendarSource, Change, ReadErrorKind};

use super::gate::{Gate, count};
use crate::support::{anna, envelope};

/// An answer to a subscription and, at the same time, the first envelope of a stream.
fn both_answers() -> String {
    let (messages, types) =
        ["messages", "types"].map(|part| format!("http://schemas.microsoft.com/exchange/services/2006/{part}")).into();
    let message = |operation: &str, content: &str| {
        format!(
            "<m:{operation}Response xmlns:m=\"{messages}\" xmlns:t=\"{types}\"><m:ResponseMessages><m:{operation}ResponseMessage \
             ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode>{content}</m:{operation}ResponseMessage>\
             </m:ResponseMessages></m:{operation}Response>"
        )
    };
    envelope(&format!(
        "{}{}",
        message("Subscribe", "<m:SubscriptionId>one</m:SubscriptionId>"),
        message("GetStreamingEvents", "<m:ConnectionStatus>OK</m:ConnectionStatus>")
    ))
}

#[tokio::test]
async fn a_stream_is_believed_once_the_server_has_proved_itself_also_with_a_token_for_each_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let answer = folder.path().join("answer.xml");
    std::fs::write(&answer, both_answers()).expect("written");
    for options in [&["--binding", "require"][..], &["--per-request"]] {
        let Some(gate) = Gate::start_answering(&answer, options) else { return };
        let mut changes = gate.client(gate.kerberos()).watch(vec![anna()]);
        // The gate ends every answer, so that what was watched is lost at once.
        let error = loop {
            match changes.next().await {
                Some(Change::Watching(mailboxes)) => assert_eq!(mailboxes, [anna()]),
                Some(Change::Lost { error, .. }) => break error,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(error.kind(), ReadErrorKind::Interrupted, "{options:?}");
        assert!(error.to_string().contains("the stream of notifications ends"), "its envelope was read: {error}");
        drop(changes);
        assert_eq!(count(&gate.decisions(), "refused"), 0);
    }
}
