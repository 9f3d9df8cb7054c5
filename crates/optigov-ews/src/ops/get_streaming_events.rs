//! `GetStreamingEvents`, whose answer stays open and holds one envelope after the other:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getstreamingevents-operation>.
//!
//! Of an event only its kind is read: that something in the calendar was touched is all that a cache needs to know.

use std::{collections::BTreeSet, num::NonZeroU32};

use optigov_calendar::ReadError;
use quick_xml::escape::escape;

use crate::{
    ops::subscribe::SubscriptionId,
    soap::{self, Answer, Status},
    xml::Reader,
};

pub(crate) const NAME: &str = "GetStreamingEvents";

/// The most subscriptions that one request names.
pub(crate) const MOST_SUBSCRIPTIONS: usize = 200;

/// For so many minutes a connection may stay open, which is the most that Exchange takes.
pub(crate) const MINUTES: u32 = 30;

/// What one envelope of a stream says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamNews {
    /// Subscriptions in whose calendar something was created, changed, moved, copied or deleted.
    pub(crate) touched: BTreeSet<SubscriptionId>,
    /// What went wrong, and with which subscriptions.
    pub(crate) failures: Vec<StreamFailure>,
    /// The server has closed the stream in order.
    pub(crate) closed: bool,
}

/// An error in a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamFailure {
    /// The subscriptions that it concerns; where none are named, all of the stream.
    pub(crate) subscriptions: Vec<SubscriptionId>,
    pub(crate) error: ReadError,
}

pub(crate) fn request<'a>(ids: impl IntoIterator<Item = &'a SubscriptionId>, minutes: NonZeroU32) -> String {
    let mut text = "<m:GetStreamingEvents>\n<m:SubscriptionIds>".to_owned();
    for id in ids {
        text += "<t:SubscriptionId>";
        text += &escape(id.as_str());
        text += "</t:SubscriptionId>";
    }
    text += &format!("</m:SubscriptionIds>\n<m:ConnectionTimeout>{minutes}</m:ConnectionTimeout>\n");
    text += "</m:GetStreamingEvents>";
    text
}

/// Reads one envelope of the stream.
pub(crate) fn read(bytes: &[u8]) -> Result<Answer<StreamNews>, ReadError> {
    let mut news = StreamNews::default();
    let answer = soap::read_messages(bytes, "GetStreamingEventsResponse", |reader| read_message(reader, &mut news))?;
    Ok(answer.map(|()| Ok(news)))
}

fn read_message(reader: &mut Reader<'_>, news: &mut StreamNews) -> Result<(), ReadError> {
    let (mut status, mut subscriptions) = (Status::default(), Vec::new());
    while let Some(tag) = reader.child()? {
        if status.take(&tag, reader)? {
            continue;
        }
        match tag.name() {
            "Notifications" => {
                while let Some(_notification) = reader.child()? {
                    read_notification(reader, news)?;
                }
            }
            // Exchange itself has spelled the element in both ways.
            "ErrorSubscriptionIds" | "ErrorSubscriptions" => {
                while let Some(_id) = reader.child()? {
                    subscriptions.push(SubscriptionId::new(&reader.text()?)?);
                }
            }
            "ConnectionStatus" => news.closed |= reader.text()?.trim() == "Closed",
            _ => reader.skip()?,
        }
    }
    if let Err(error) = status.check() {
        news.failures.push(StreamFailure { subscriptions, error });
    }
    Ok(())
}

fn read_notification(reader: &mut Reader<'_>, news: &mut StreamNews) -> Result<(), ReadError> {
    let (mut id, mut is_touched) = (None, false);
    while let Some(tag) = reader.child()? {
        match tag.name() {
            "SubscriptionId" => {
                id = Some(SubscriptionId::new(&reader.text()?)?);
                continue;
            }
            // Nothing has happened; the server shows that the subscription is alive.
            "StatusEvent" => {}
            name => is_touched |= name.ends_with("Event"),
        }
        reader.skip()?;
    }
    news.touched.extend(id.filter(|_| is_touched));
    Ok(())
}

#[cfg(test)]
mod tests {
    use optigov_calendar::{Mailbox, ReadErrorKind, RequestVersion, ResponseCode};

    use super::*;
    use crate::{ops::golden, soap::ActingFor};

    fn id(text: &str) -> SubscriptionId {
        SubscriptionId::new(text).expect("an id")
    }

    fn news(bytes: &[u8]) -> StreamNews {
        read(bytes).expect("an envelope").content.expect("news")
    }

    #[test]
    fn the_request_names_every_subscription_and_acts_for_the_first_mailbox_of_the_group() {
        let anchor = Mailbox::parse("anna@musterstadt.example").expect("an address");
        let acting_for = Some(ActingFor { id: Default::default(), mailbox: &anchor });
        let ids = [id("JwBleDEubXVzdGVyc3RhZHQuZXhhbXBsZRAAAAA="), id("JwBleDEubXVzdGVyc3RhZHQuZXhhbXBsZRAAAAB=")];
        let minutes = NonZeroU32::new(MINUTES).expect("some");
        let request = soap::envelope(RequestVersion::default(), acting_for, &request(&ids, minutes));
        golden("get_streaming_events.request.xml", &request);
    }

    #[test]
    fn events_touch_their_calendar_once_and_a_sign_of_life_touches_none() {
        let golden = include_str!("../../tests/goldens/get_streaming_events.response.xml");
        // The schema has the one, Exchange sends the other.
        for text in [golden.to_owned(), golden.replace("t:Notification>", "m:Notification>")] {
            let news = news(text.as_bytes());
            assert_eq!(news.touched, BTreeSet::from([id("one"), id("two")]), "created, moved and deleted; modified");
            assert!(news.failures.is_empty() && !news.closed);
        }
    }

    #[test]
    fn a_heartbeat_says_nothing_and_the_end_is_told() {
        let heartbeat = include_str!("../../tests/goldens/get_streaming_events_heartbeat.response.xml");
        assert_eq!(news(heartbeat.as_bytes()), StreamNews::default());
        assert!(news(heartbeat.replace(">OK<", ">Closed<").as_bytes()).closed);
    }

    #[test]
    fn an_error_names_the_subscriptions_that_it_concerns() {
        let news = news(include_bytes!("../../tests/goldens/get_streaming_events_missed.response.xml"));
        let [failure] = news.failures.as_slice() else { panic!("{news:?}") };
        assert_eq!(failure.subscriptions, [id("one")]);
        assert_eq!(failure.error.code().map(ResponseCode::as_str), Some("ErrorMissedNotificationEvents"));
        assert_eq!(failure.error.kind(), ReadErrorKind::Server);
        assert!(news.closed);
    }

    #[test]
    fn what_is_no_envelope_of_a_stream_is_an_error() {
        assert!(read(b"<html/>").is_err());
        let other = include_bytes!("../../tests/goldens/get_folder.response.xml");
        assert!(read(other).is_err());
        let fault = read(include_bytes!("../../tests/goldens/fault_busy.response.xml")).expect("an envelope");
        assert!(fault.content.is_err_and(|error| error.is_throttled()));
    }
}
