use serde::Deserialize;

/// What happens to a stream of notifications, after it has sent so many whole envelopes. The first envelope is the one that
/// says that the stream is open.
///
/// In a scenario file: `effect = { stream = { cut = { after = 3 } } }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StreamDefect {
    /// The connection ends in the middle of the next envelope.
    Cut {
        /// Envelopes before it.
        after: u64,
    },
    /// Nothing comes any more, neither heartbeats nor events, and the connection stays open.
    Silent {
        /// Envelopes before it.
        after: u64,
    },
    /// An error with this response code comes for all subscriptions of the stream. They end, and so does the stream.
    Error {
        /// Envelopes before it.
        after: u64,
        /// The code, known to the schema or not.
        code: String,
    },
}

impl StreamDefect {
    /// How many envelopes come before it.
    pub(crate) fn after(&self) -> u64 {
        match self {
            StreamDefect::Cut { after } | StreamDefect::Silent { after } | StreamDefect::Error { after, .. } => *after,
        }
    }
}
