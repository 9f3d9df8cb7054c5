//! `$batch`: up to twenty requests in one.

use std::time::Duration;

use bytes::Bytes;
use optigov_calendar::{ReadError, ReadErrorKind, Text};
use optigov_http::{error::malformed, retry_after};
use serde::Deserialize;
use serde_json::{json, value::RawValue};

use crate::{
    answer,
    page::{Word, unreadable},
    session::PREFER,
};

/// More parts are refused.
pub(crate) const MOST_PARTS: usize = 20;

/// The answer of a part.
pub(crate) struct Part<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
    pub(crate) asked_wait: Option<Duration>,
    pub(crate) request_id: Option<String>,
}

/// A batch of requests for these paths, which count as the parts `0`, `1` and so on.
pub(crate) fn request<'t>(targets: impl Iterator<Item = &'t str>) -> Bytes {
    let parts: Vec<_> = targets
        .enumerate()
        .map(|(id, target)| {
            json!({"id": id.to_string(), "method": "GET", "url": target, "headers": {"Prefer": PREFER, "Accept": "application/json"}})
        })
        .collect();
    Bytes::from(json!({"requests": parts}).to_string())
}

#[derive(Deserialize)]
struct RawBatch<'a> {
    #[serde(borrow)]
    responses: Vec<RawPart<'a>>,
}

#[derive(Deserialize)]
struct RawPart<'a> {
    #[serde(borrow)]
    id: Word<'a>,
    status: u16,
    #[serde(borrow, default)]
    headers: Option<RawHeaders<'a>>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawHeaders<'a> {
    #[serde(borrow, default, rename = "Retry-After", alias = "retry-after")]
    retry_after: Option<Word<'a>>,
    #[serde(borrow, default, rename = "request-id", alias = "Request-Id")]
    request_id: Option<Word<'a>>,
}

/// Reads the answers of so many parts, in the order asked, whatever the order they come in. A part without an answer, or with two, is an error of
/// its own.
///
/// # Errors
/// [`ReadErrorKind::Malformed`] where it is no answer to this batch.
pub(crate) fn read(body: &[u8], parts: usize) -> Result<Vec<Result<Part<'_>, ReadError>>, ReadError> {
    let raw: RawBatch<'_> = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    let mut found: Vec<Option<Result<Part<'_>, ReadError>>> = (0..parts).map(|_| None).collect();
    for part in raw.responses {
        let index = part.id.0.parse::<usize>().ok().filter(|index| *index < parts && part.id.0 == index.to_string());
        let Some(index) = index else {
            return Err(malformed(
                "die Antwort auf ein Bündel enthält einen Teil, nach dem nicht gefragt wurde",
                "the answer to a batch holds a part that was not asked for",
            ));
        };
        found[index] = Some(match found[index] {
            None => Ok(part.read()),
            Some(_) => Err(malformed(
                "die Antwort auf ein Bündel enthält diesen Teil zweimal",
                "the answer to a batch holds this part twice",
            )),
        });
    }
    let missing = || {
        let fact = Text::fixed(
            "die Antwort auf ein Bündel enthält diesen Teil nicht",
            "the answer to a batch does not hold this part",
        );
        Err(ReadError::new(ReadErrorKind::Malformed, fact))
    };
    Ok(found.into_iter().map(|part| part.unwrap_or_else(missing)).collect())
}

impl<'a> RawPart<'a> {
    fn read(self) -> Part<'a> {
        let (wait, id) = self.headers.map_or((None, None), |headers| (headers.retry_after, headers.request_id));
        Part {
            status: self.status,
            body: self.body.map_or(&b""[..], |body| body.get().as_bytes()),
            asked_wait: wait.and_then(|text| retry_after(&text.0)),
            request_id: answer::request_id(id.as_ref().map(|id| id.0.as_ref())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn part(id: &str, status: u16) -> Value {
        json!({"id": id, "status": status, "headers": {"Retry-After": "7", "Content-Type": "application/json"}, "body": {"value": []}})
    }

    fn statuses(responses: &[Value], parts: usize) -> Result<Vec<Option<u16>>, ReadError> {
        let body = json!({"responses": responses}).to_string();
        Ok(read(body.as_bytes(), parts)?.into_iter().map(|part| part.ok().map(|part| part.status)).collect())
    }

    #[test]
    fn parts_are_found_by_their_id_in_whatever_order_they_come() {
        let answer = statuses(&[part("1", 429), part("0", 200)], 2).expect("an answer");
        assert_eq!(answer, [Some(200), Some(429)]);
        let body = json!({"responses": [part("0", 429)]}).to_string();
        let found = read(body.as_bytes(), 1).expect("an answer").remove(0).expect("a part");
        assert_eq!((found.asked_wait, found.body), (Some(Duration::from_secs(7)), &b"{\"value\":[]}"[..]));
    }

    #[test]
    fn a_part_that_is_missing_or_comes_twice_is_an_error_of_its_own() {
        assert_eq!(statuses(&[part("0", 200)], 2).expect("an answer"), [Some(200), None]);
        assert_eq!(
            statuses(&[part("0", 200), part("1", 200), part("0", 200)], 2).expect("an answer"),
            [None, Some(200)]
        );
    }

    #[test]
    fn a_part_that_was_not_asked_for_is_an_error() {
        for id in ["2", "unknown", "", "-1", "00", "+0", " 0"] {
            assert!(statuses(&[part("0", 200), part(id, 200)], 2).is_err(), "{id:?}");
        }
        for no_batch in ["", "{}", "{\"responses\": {}}", "{\"responses\": [{\"id\": \"0\"}]}"] {
            assert!(read(no_batch.as_bytes(), 1).is_err(), "{no_batch}");
        }
    }

    #[test]
    fn a_batch_names_each_path_with_what_is_preferred() {
        let batch: Value =
            serde_json::from_slice(&request(["/users/a@b/x", "/users/c@d/y"].into_iter())).expect("JSON");
        assert_eq!(batch["requests"][1]["url"], "/users/c@d/y");
        assert_eq!(batch["requests"][1]["id"], "1");
        assert_eq!(batch["requests"][0]["headers"]["Prefer"], PREFER);
        assert_eq!(batch["requests"][0]["method"], "GET");
    }

    proptest! {
        #[test]
        fn whatever_comes_is_an_answer_or_an_error(text in "\\PC{0,80}", start in prop::sample::select(vec!["", "{\"responses\":[{\"id\":\"0\",\"status\":"])) {
            let _read = read(format!("{start}{text}").as_bytes(), 2);
        }
    }
}
