//! `$batch`: up to 20 requests in one.

use std::collections::{BTreeMap, HashSet};
use std::io;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};

use super::call::Call;
use super::error::GraphError;
use super::perform::Performed;
use super::target::Address;
use super::{Ids, JSON};
use crate::exchange::{Connection, closed};
use crate::misbehaviour::{Ending, Instead, Plan};
use crate::record::RecordedRequest;
use crate::scenario::GraphDefect;
use crate::world::World;

/// The name of the operation in rules and records.
pub(super) const OPERATION: &str = "$batch";

/// More parts are refused.
const MOST_PARTS: usize = 20;

/// So many parts are answered at a time.
const AT_A_TIME: usize = 4;

/// One request of a batch.
#[derive(Clone, Debug)]
pub(super) struct Part {
    id: String,
    call: Call,
    depends_on: Vec<String>,
}

/// The answer of a part.
struct Answered {
    id: String,
    status: u16,
    headers: Map<String, Value>,
    /// JSON text, be it sound or not.
    body: String,
}

pub(super) fn is_batch(path: &str) -> bool {
    path.eq_ignore_ascii_case("/v1.0/$batch") || path.eq_ignore_ascii_case("/v1.0/%24batch")
}

/// Reads the parts of a batch.
pub(super) fn parts(call: &Call) -> Result<Vec<Part>, GraphError> {
    let refused = |text: String| GraphError::new(400, "BadRequest", text);
    if call.method != Method::POST {
        return Err(GraphError::new(405, "Request_BadRequest", "A batch is sent by POST."));
    }
    let body: Value = serde_json::from_slice(&call.body).map_err(|_| {
        refused("Unable to read JSON request payload. Please ensure Content-Type header is set.".to_owned())
    })?;
    let Some(requests) = body["requests"].as_array().filter(|requests| !requests.is_empty()) else {
        return Err(refused("The batch request has no 'requests'.".to_owned()));
    };
    if requests.len() > MOST_PARTS {
        return Err(refused(format!("Number of batch request steps exceeds the maximum value of {MOST_PARTS}.")));
    }
    let parts: Vec<Part> = requests.iter().map(part).collect::<Result<_, _>>()?;
    let mut seen = HashSet::new();
    for part in &parts {
        if !seen.insert(part.id.to_lowercase()) {
            return Err(refused(format!("The request id '{}' occurs twice.", part.id)));
        }
    }
    for part in &parts {
        if part.depends_on.iter().any(|id| !seen.contains(&id.to_lowercase())) {
            return Err(refused(format!("The request '{}' depends on one that is not there.", part.id)));
        }
    }
    Ok(parts)
}

fn part(request: &Value) -> Result<Part, GraphError> {
    let refused = |text: String| GraphError::new(400, "BadRequest", text);
    let text = |name: &str| request[name].as_str().filter(|text| !text.is_empty());
    let id = text("id").ok_or_else(|| refused("A request of the batch has no id.".to_owned()))?.to_owned();
    let (Some(method), Some(url)) = (text("method"), text("url")) else {
        return Err(refused(format!("The request '{id}' has no method or no url.")));
    };
    if url.contains("://") {
        return Err(refused(format!("The url of the request '{id}' is not relative.")));
    }
    let method = Method::try_from(method.to_ascii_uppercase().as_str());
    let method = method.map_err(|_| refused(format!("The request '{id}' has an unknown method.")))?;
    let mut headers = HeaderMap::new();
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        let pair = (HeaderName::try_from(name), HeaderValue::try_from(value.as_str().unwrap_or_default()));
        if let (Ok(name), Ok(value)) = pair {
            headers.insert(name, value);
        }
    }
    let body = match &request["body"] {
        Value::Null => Bytes::new(),
        body if headers.contains_key(CONTENT_TYPE) => Bytes::from(body.to_string()),
        _ => return Err(refused(format!("Write request id : {id} does not contain Content-Type header or body."))),
    };
    let ids = request["dependsOn"].as_array().into_iter().flatten();
    let depends_on = ids.filter_map(Value::as_str).map(str::to_owned).collect();
    let target = Address::parse(&format!("/v1.0/{}", url.trim_start_matches('/')));
    Ok(Part { id, call: Call { method, target, headers, body }, depends_on })
}

impl Part {
    /// The part as a request of its own.
    pub(super) fn record(&self, world: &World, batch: &RecordedRequest) -> RecordedRequest {
        let mut record = RecordedRequest {
            connection: batch.connection,
            method: self.call.method.to_string(),
            path: self.call.target.path().to_owned(),
            headers: Vec::new(),
            body: String::from_utf8_lossy(&self.call.body).into_owned(),
            ..RecordedRequest::default()
        };
        let headers = self.call.headers.iter();
        record.headers = headers
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        record.query = self.call.target.query().to_owned();
        super::describe(world, &self.call, &mut record);
        record
    }
}

impl Connection {
    pub(super) async fn batch(
        &self,
        world: &World,
        application: usize,
        base: &str,
        parts: Result<Vec<Part>, GraphError>,
        ids: &Ids,
    ) -> io::Result<Performed> {
        let mut plan = world.plan(OPERATION, &[]);
        if !plan.delay.is_zero() {
            tokio::time::sleep(plan.delay).await;
        }
        let refused = match plan.instead.take() {
            Some(Instead::Hang) => std::future::pending().await,
            Some(Instead::Reset) => return Err(self.reset()),
            Some(Instead::Close) => return Err(closed()),
            Some(Instead::Http(answer)) => return Ok(Performed::Http(answer)),
            instead => instead.and_then(Instead::graph_error),
        };
        let parts = match (refused, parts) {
            (Some(error), _) | (None, Err(error)) => return Ok(error.performed_with(ids, plan)),
            (None, Ok(parts)) => parts,
        };
        let mut answers = self.answers(world, application, base, &parts, ids, &mut plan).await?;
        // Graph answers in any order.
        answers.reverse();
        distort(&mut answers, &plan.manner.graph);
        let written: Vec<String> = answers.iter().map(Answered::json).collect();
        let text = format!(r#"{{"responses":[{}]}}"#, written.join(","));
        let status = super::status(plan.success_status.unwrap_or(200));
        Ok(Performed::Answer { status, headers: Vec::new(), text, plan: Box::new(plan) })
    }

    /// The answers of all parts, in their order. A part waits for those that it depends on.
    async fn answers(
        &self,
        world: &World,
        application: usize,
        base: &str,
        parts: &[Part],
        ids: &Ids,
        plan: &mut Plan,
    ) -> io::Result<Vec<Answered>> {
        let mut answered: BTreeMap<usize, Answered> = BTreeMap::new();
        while answered.len() < parts.len() {
            let state = |id: &str| answered.values().find(|one| one.id.eq_ignore_ascii_case(id)).map(|one| one.status);
            let waiting = parts.iter().enumerate().filter(|(at, _)| !answered.contains_key(at));
            let (mut ready, mut failed) = (Vec::new(), Vec::new());
            for (at, part) in waiting {
                let states: Vec<_> = part.depends_on.iter().map(|id| state(id)).collect();
                match states.iter().any(|state| state.is_some_and(|status| status >= 400)) {
                    true => failed.push(at),
                    false if states.iter().all(Option::is_some) => ready.push((at, part)),
                    false => {}
                }
            }
            if ready.is_empty() && failed.is_empty() {
                // What is left depends on itself.
                failed = (0..parts.len()).filter(|at| !answered.contains_key(at)).collect();
            }
            for at in failed {
                let error = GraphError::new(424, "FailedDependency", "A request that this one depends on has failed.");
                answered.insert(at, Answered::new(&parts[at].id, error.performed(ids), plan));
            }
            let mut asked = Vec::new();
            for (at, part) in ready {
                asked.push(async move { (at, self.perform(world, application, base, &part.call, ids).await) });
            }
            let mut running = stream::iter(asked).buffer_unordered(AT_A_TIME);
            while let Some((at, performed)) = running.next().await {
                answered.insert(at, Answered::new(&parts[at].id, performed?, plan));
            }
        }
        Ok(answered.into_values().collect())
    }
}

impl Answered {
    /// What a part's plan does to the bytes, it does to those of the batch.
    fn new(id: &str, performed: Performed, batch: &mut Plan) -> Answered {
        let mut headers = Map::new();
        let (status, body) = match performed {
            Performed::Http(answer) => {
                headers.extend(answer.headers.into_iter().map(|(name, value)| (name, value.into())));
                headers.insert("Content-Type".to_owned(), answer.content_type.into());
                (super::status(answer.status), Value::from(answer.body).to_string())
            }
            Performed::Answer { status, headers: own, text, plan } => {
                headers.insert("Content-Type".to_owned(), JSON.into());
                headers.extend(own.into_iter().map(|(name, value)| (canonical(&name), value.into())));
                batch.manner.graph.extend(plan.manner.graph.iter().cloned());
                if batch.ending == Ending::Whole {
                    batch.ending = plan.ending;
                }
                batch.encoding.gzip |= plan.encoding.gzip;
                batch.encoding.utf16 |= plan.encoding.utf16;
                (status, plan.damage(text))
            }
        };
        Answered { id: id.to_owned(), status: StatusCode::as_u16(&status), headers, body }
    }

    fn json(&self) -> String {
        let (id, headers) = (Value::from(self.id.as_str()), Value::from(self.headers.clone()));
        format!(r#"{{"id":{id},"status":{},"headers":{headers},"body":{}}}"#, self.status, self.body)
    }
}

/// `Retry-After`, as Graph writes the names of headers in a batch.
fn canonical(name: &HeaderName) -> String {
    let words = name.as_str().split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        format!("{}{rest}", first.to_ascii_uppercase())
    });
    words.collect::<Vec<_>>().join("-")
}

fn distort(answers: &mut Vec<Answered>, defects: &[GraphDefect]) {
    let nothing = || json!({"value": []}).to_string();
    let further = |id: &str| Answered { id: id.to_owned(), status: 200, headers: Map::new(), body: nothing() };
    let has = |defect| defects.contains(&defect);
    if has(GraphDefect::MissingPart) {
        // They are in reverse order by now.
        answers.drain(..answers.len().min(1));
    }
    if has(GraphDefect::ExchangedParts)
        && let [first, second, ..] = answers.as_mut_slice()
    {
        std::mem::swap(&mut first.id, &mut second.id);
    }
    if has(GraphDefect::TwoParts) {
        let twice: Vec<_> = answers.iter().map(|answer| further(&answer.id)).collect();
        answers.extend(twice);
    }
    if has(GraphDefect::UnknownPart) {
        answers.push(further("unknown"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::target::Target;
    use super::*;

    fn read(body: Value) -> Result<Vec<Part>, GraphError> {
        let target = Address::parse("/v1.0/$batch");
        parts(&Call { method: Method::POST, target, headers: HeaderMap::new(), body: Bytes::from(body.to_string()) })
    }

    fn get(id: &str) -> Value {
        json!({"id": id, "method": "GET", "url": "/users/a@b/calendarView?startDateTime=x", "headers": {"Prefer": "a"}})
    }

    #[test]
    fn parts_are_requests_of_their_own() {
        let parts = read(json!({"requests": [get("1"), get("2")]})).expect("two parts");
        assert_eq!(Target::parse(&parts[0].call).expect("a target").operation(), "calendarView");
        assert_eq!(parts[1].call.headers["prefer"], "a");
    }

    #[test]
    fn what_a_batch_must_not_be() {
        let many: Vec<_> = (0..21).map(|n| get(&n.to_string())).collect();
        let absolute = json!({"id": "1", "method": "GET", "url": "https://graph.microsoft.com/v1.0/users"});
        let untyped = json!({"id": "1", "method": "POST", "url": "/users/a@b/calendar/getSchedule", "body": {}});
        let lost = json!({"id": "1", "method": "GET", "url": "/users", "dependsOn": ["2"]});
        for requests in
            [json!([]), json!(many), json!([get("a"), get("A")]), json!([absolute]), json!([untyped]), json!([lost])]
        {
            assert_eq!(read(json!({"requests": requests})).expect_err("refused").status(), 400);
        }
    }

    #[test]
    fn names_of_headers_are_written_as_graph_does() {
        assert_eq!(canonical(&HeaderName::from_static("retry-after")), "Retry-After");
    }
}
