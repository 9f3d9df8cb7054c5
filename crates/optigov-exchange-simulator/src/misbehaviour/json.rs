//! What is done to the JSON of a finished answer.

use serde_json::Value;

use crate::scenario::Contradiction;

const OTHER_TIME: &str = r#"{"dateTime":"2001-01-01T00:00:00.0000000","timeZone":"UTC"}"#;

/// Whether the text is a JSON object, and no XML.
pub(super) fn is(text: &str) -> bool {
    text.starts_with('{')
}

/// Closes the object as if it were an array.
pub(super) fn wrong_end(mut text: String) -> String {
    if let Some(at) = text.rfind('}') {
        text.replace_range(at.., "]");
    }
    text
}

/// Puts another text in the place of the four digits of every year.
pub(super) fn with_year(text: String, year: &str) -> String {
    const MEMBER: &str = "\"dateTime\":\"";
    let mut parts = text.split(MEMBER);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        push!(out, "{MEMBER}{year}{}", part.get(4..).unwrap_or_default());
    }
    out
}

pub(super) fn contradict(text: String, contradiction: &Contradiction) -> String {
    match contradiction {
        Contradiction::TwoMessages | Contradiction::TwoFolders | Contradiction::TwoViews => with_second_value(text),
        Contradiction::TwoStarts => twice(&text, "start"),
        Contradiction::TwoEnds => twice(&text, "end"),
        Contradiction::MissingItems(count) => {
            with_value(text, |items| items.truncate(items.len().saturating_sub(*count)))
        }
        Contradiction::Groups => text.replacen("\"value\":", "\"groups\":", 1),
        Contradiction::NoItems => match serde_json::from_str::<Value>(&text) {
            Ok(Value::Object(mut members)) => {
                members.remove("value");
                Value::Object(members).to_string()
            }
            _ => text,
        },
        // These have no counterpart in JSON, or are no matter of the text.
        Contradiction::TwoResponseCodes
        | Contradiction::UnreadableIncludesLast
        | Contradiction::MoreThanAsked
        | Contradiction::Status(_) => text,
    }
}

/// After the true `value` comes another one that is empty.
fn with_second_value(mut text: String) -> String {
    if text.contains("\"value\":[")
        && let Some(end) = text.rfind('}')
    {
        text.insert_str(end, ",\"value\":[]");
    }
    text
}

fn twice(text: &str, member: &str) -> String {
    let start = format!("\"{member}\":{{\"dateTime\":");
    let mut parts = text.split(&start);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find('}').map_or(part.len(), |at| at + 1);
        push!(out, "{start}{},\"{member}\":{OTHER_TIME}{}", &part[..end], &part[end..]);
    }
    out
}

fn with_value(text: String, change: impl FnOnce(&mut Vec<Value>)) -> String {
    match serde_json::from_str::<Value>(&text) {
        Ok(mut answer) if answer["value"].is_array() => {
            answer["value"].as_array_mut().map(change);
            answer.to_string()
        }
        _ => text,
    }
}

/// Where the last event of an answer stands.
pub(super) fn last_item(text: &str) -> Option<std::ops::Range<usize>> {
    let start = text.rfind("{\"@odata.etag\"")?;
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate().skip(start) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some(start..at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{"@odata.context":"x","value":[{"@odata.etag":"1","id":"a"},{"@odata.etag":"2","id":"}\"","start":{"dateTime":"2026-11-24T08:00:00.0000000","timeZone":"UTC"}}]}"#;

    fn contradicted(contradiction: Contradiction) -> String {
        contradict(ANSWER.to_owned(), &contradiction)
    }

    #[test]
    fn what_is_true_stands_before_what_is_empty() {
        assert!(contradicted(Contradiction::TwoMessages).ends_with(r#"}}],"value":[]}"#));
        let starts = contradicted(Contradiction::TwoStarts);
        assert!(starts.contains(r#""timeZone":"UTC"},"start":{"dateTime":"2001"#), "{starts}");
        assert!(with_year(ANSWER.to_owned(), "+12026").contains("\"+12026-11-24"));
    }

    #[test]
    fn events_go_missing() {
        assert!(!contradicted(Contradiction::MissingItems(1)).contains("dateTime"));
        assert!(!contradicted(Contradiction::NoItems).contains("value"));
    }

    #[test]
    fn the_last_event_is_found_whatever_it_holds() {
        let range = last_item(ANSWER).expect("an event");
        assert!(ANSWER[range.clone()].starts_with(r#"{"@odata.etag":"2""#) && &ANSWER[range.end..] == "]}");
        assert_eq!(last_item("{}"), None);
        assert!(wrong_end(ANSWER.to_owned()).ends_with("]]"));
    }
}
