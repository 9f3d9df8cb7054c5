use std::time::Duration;

use serde::Deserialize;

use super::milliseconds;

/// How the server treats streaming notifications. Defaults: a heartbeat every 30 s, minutes of 60 s, ten connections and 5,000
/// subscriptions for each account.
///
/// In a scenario file: `[streaming]` with `heartbeat` and `minute` (milliseconds), `connections`, `subscriptions`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Streaming {
    #[serde(deserialize_with = "milliseconds::duration")]
    pub(crate) heartbeat: Duration,
    #[serde(deserialize_with = "milliseconds::duration")]
    pub(crate) minute: Duration,
    pub(crate) connections: usize,
    pub(crate) subscriptions: usize,
}

impl Streaming {
    /// The most subscriptions that one connection carries.
    pub const MOST_FOR_A_CONNECTION: usize = 200;

    /// The defaults.
    pub fn new() -> Self {
        Streaming {
            heartbeat: Duration::from_secs(30),
            minute: Duration::from_secs(60),
            connections: 10,
            subscriptions: 5_000,
        }
    }

    /// Without news, each stream shows this often that it is still there. Default: 30 s.
    pub fn heartbeat(mut self, heartbeat: Duration) -> Self {
        self.heartbeat = heartbeat;
        self
    }

    /// How long one minute of a request's `ConnectionTimeout` takes. Default: 60 s.
    pub fn minute(mut self, minute: Duration) -> Self {
        self.minute = minute;
        self
    }

    /// How many streams an account may have open at a time (`HangingConnectionLimit`); a further one is refused with
    /// `ErrorExceededConnectionCount`. Default: 10.
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most;
        self
    }

    /// How many subscriptions an account may have (`EwsMaxSubscriptions`); a further one is refused with
    /// `ErrorExceededSubscriptionCount`. Default: 5,000.
    pub fn subscriptions(mut self, most: usize) -> Self {
        self.subscriptions = most;
        self
    }

    pub(crate) fn check(&self) -> Result<(), crate::Error> {
        if self.heartbeat.is_zero() || self.minute.is_zero() {
            return Err(crate::Error::scenario("a heartbeat and a minute take time").at("streaming"));
        }
        Ok(())
    }
}

impl Default for Streaming {
    fn default() -> Self {
        Streaming::new()
    }
}
