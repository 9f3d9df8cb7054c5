//! What a path and a query name.

use std::borrow::Cow;

use http::Method;
use percent_encoding::percent_decode_str;

use super::access;
use super::call::Call;
use super::error::GraphError;
use crate::world::World;

/// Path and query of a request, as they were sent.
#[derive(Clone, Debug)]
pub(super) struct Address {
    path: String,
    query: String,
}

/// What a request names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The user, by whatever name.
    pub(super) user: String,
    pub(super) resource: Resource,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    User,
    Calendars,
    /// A calendar by its id; `None`: the primary one.
    Calendar(Option<String>),
    CalendarView(Option<String>),
    GetSchedule(Option<String>),
}

/// Members of an event that hold what people wrote, or about whom.
const PRIVATE: [&str; 7] = ["subject", "body", "bodyPreview", "location", "locations", "attendees", "organizer"];

pub(super) fn is_private(member: &str) -> bool {
    let member = member.split('/').next().unwrap_or_default();
    PRIVATE.iter().any(|private| private.eq_ignore_ascii_case(member))
}

impl Address {
    pub(super) fn parse(text: &str) -> Address {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        Address { path: path.to_owned(), query: query.to_owned() }
    }

    /// The path, still encoded.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The query, still encoded.
    pub(super) fn query(&self) -> &str {
        &self.query
    }

    /// An option of the query, decoded; names are compared without regard to case.
    pub(super) fn option(&self, name: &str) -> Option<String> {
        self.pairs().find(|(key, _)| decoded(key).eq_ignore_ascii_case(name)).map(|(_, value)| decoded(value))
    }

    /// The names of all options, decoded.
    pub(super) fn options(&self) -> impl Iterator<Item = String> {
        self.pairs().map(|(name, _)| decoded(name))
    }

    /// The same address with `$skip`, all else as it was sent.
    pub(super) fn with_skip(&self, skip: usize) -> String {
        let kept = self.query.split('&').filter(|pair| {
            let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
            !pair.is_empty() && !decoded(name).eq_ignore_ascii_case("$skip")
        });
        let query: Vec<_> = kept.map(Cow::Borrowed).chain([Cow::Owned(format!("$skip={skip}"))]).collect();
        format!("{}?{}", self.path, query.join("&"))
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }
}

impl Target {
    /// Reads the path of a call.
    ///
    /// # Errors
    /// It names nothing that the simulator has, or by another method than reading needs.
    pub(super) fn parse(call: &Call) -> Result<Target, GraphError> {
        let segments: Vec<String> = call.target.path().split('/').skip(2).map(decoded_path).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let [root, rest @ ..] = segments.as_slice() else { return Err(GraphError::unknown_segment("")) };
        if root.eq_ignore_ascii_case("me") {
            return Err(GraphError::new(
                400,
                "BadRequest",
                "/me request is only valid with delegated authentication flow.",
            ));
        }
        let ("users", [user, rest @ ..]) = (root.to_ascii_lowercase().as_str(), rest) else {
            return Err(GraphError::unknown_segment(root));
        };
        let lower: Vec<String> = rest.iter().map(|segment| segment.to_ascii_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        let by_id = || rest.get(1).map(|id| (*id).to_owned());
        let resource = match lower.as_slice() {
            [] => Resource::User,
            ["calendars"] => Resource::Calendars,
            ["calendar"] => Resource::Calendar(None),
            ["calendars", _] => Resource::Calendar(by_id()),
            ["calendarview"] | ["calendar", "calendarview"] => Resource::CalendarView(None),
            ["calendars", _, "calendarview"] => Resource::CalendarView(by_id()),
            ["calendar", "getschedule" | "microsoft.graph.getschedule"] => Resource::GetSchedule(None),
            ["calendars", _, "getschedule" | "microsoft.graph.getschedule"] => Resource::GetSchedule(by_id()),
            _ => return Err(GraphError::unknown_segment(rest.last().unwrap_or(&""))),
        };
        let method = if matches!(resource, Resource::GetSchedule(_)) { Method::POST } else { Method::GET };
        if call.method != method {
            let text = "The simulator reads only: the HTTP method is not supported for this resource.";
            return Err(GraphError::new(405, "Request_BadRequest", text));
        }
        Ok(Target { user: (*user).to_owned(), resource })
    }

    /// The name of the operation in rules and records.
    pub(super) fn operation(&self) -> &'static str {
        match self.resource {
            Resource::User => "user",
            Resource::Calendars => "calendars",
            Resource::Calendar(_) => "calendar",
            Resource::CalendarView(_) => "calendarView",
            Resource::GetSchedule(_) => "getSchedule",
        }
    }

    /// The primary address of the mailbox, or the name by which an unknown one was asked for.
    pub(super) fn mailbox(&self, world: &World) -> String {
        match access::find(world, &self.user) {
            Some(at) => world.mailbox(at).address.clone(),
            None => self.user.clone(),
        }
    }
}

/// A value of a query or a form, in which `+` is a blank.
pub(super) fn decoded(text: &str) -> String {
    decoded_path(&text.replace('+', " "))
}

fn decoded_path(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    fn target(method: Method, path: &str) -> Result<Target, GraphError> {
        let target = Address::parse(path);
        Target::parse(&Call { method, target, headers: HeaderMap::new(), body: Bytes::new() })
    }

    #[test]
    fn calendars_are_named_in_several_ways() {
        let view = |path| target(Method::GET, path).map(|target| (target.user, target.resource));
        let primary = ("anna@stadt.example".to_owned(), Resource::CalendarView(None));
        for path in [
            "/v1.0/users/anna%40stadt.example/calendarView",
            "/v1.0/Users/anna@stadt.example/calendar/calendarview?a=b",
        ] {
            assert_eq!(view(path).expect(path), primary);
        }
        let by_id = view("/v1.0/users/a%23b@c/calendars/x%2Fy/calendarView").expect("a view");
        assert_eq!(by_id, ("a#b@c".to_owned(), Resource::CalendarView(Some("x/y".to_owned()))));
    }

    #[test]
    fn what_is_not_there_is_refused() {
        for (method, path, status) in [
            (Method::GET, "/v1.0/me/calendarView", 400),
            (Method::GET, "/v1.0/users/a@b/messages", 400),
            (Method::DELETE, "/v1.0/users/a@b/calendar", 405),
            (Method::GET, "/v1.0/users/a@b/calendar/getSchedule", 405),
            (Method::GET, "/v1.0", 400),
        ] {
            assert_eq!(target(method, path).expect_err(path).status(), status, "{path}");
        }
    }

    #[test]
    fn the_next_page_repeats_the_query_as_it_was_sent() {
        let address = Address::parse("/v1.0/users/a@b/calendarView?startDateTime=x%3Ay&%24skip=2&%24top=2");
        assert_eq!(address.with_skip(4), "/v1.0/users/a@b/calendarView?startDateTime=x%3Ay&%24top=2&$skip=4");
        assert_eq!(address.option("STARTdatetime").as_deref(), Some("x:y"));
        assert_eq!(
            Address::parse("/x?d=2026-11-24T08:00:00+01:00").option("d").as_deref(),
            Some("2026-11-24T08:00:00 01:00")
        );
    }
}
