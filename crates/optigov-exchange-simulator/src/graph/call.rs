//! A request to Graph, be it on its own or a part of a batch.

use bytes::Bytes;
use http::header::HeaderMap;
use http::{Method, request};

use super::target::{self, Address};

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) target: Address,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Call {
    pub(super) fn new(head: &request::Parts, body: &Bytes) -> Call {
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        Call {
            method: head.method.clone(),
            target: Address::parse(target),
            headers: head.headers.clone(),
            body: body.clone(),
        }
    }

    /// Whether it asks for titles or other texts of events: by naming them, or by leaving out `$select` where whole events
    /// come then.
    pub(super) fn asks_for_titles(&self) -> bool {
        let path = self.target.path().to_ascii_lowercase();
        let last = path.rsplit('/').next().unwrap_or_default();
        if !["calendarview", "events", "instances", "delta"].contains(&last) {
            return false;
        }
        let selects = match self.target.option("$select") {
            Some(select) => select.split(',').any(|name| target::is_private(name.trim())),
            None => true,
        };
        let words = |text: &str| text.split(|c: char| !c.is_ascii_alphanumeric()).any(target::is_private);
        selects
            || ["$filter", "$orderby", "$expand", "$search"]
                .iter()
                .any(|o| self.target.option(o).is_some_and(|text| words(&text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(query: &str) -> bool {
        let target = Address::parse(&format!("/v1.0/users/a@b/calendar/calendarView?{query}"));
        Call { method: Method::GET, target, headers: HeaderMap::new(), body: Bytes::new() }.asks_for_titles()
    }

    #[test]
    fn titles_are_asked_for_by_name_or_by_silence() {
        assert!(!asks("$select=start,end"));
        assert!(!asks("%24select=start%2Cend&$orderby=start/dateTime"));
        for query in
            ["", "$select=start,subject", "$select=location/displayName", "$select=start&$filter=subject eq 'x'"]
        {
            assert!(asks(query), "{query}");
        }
    }
}
