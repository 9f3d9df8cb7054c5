//! Which of the servers behind the front end answers: the subscriptions of a group are known to one of them only.

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::{HeaderMap, HeaderValue, header};
use optigov_calendar::Mailbox;

const COOKIE: &str = "X-BackEndOverrideCookie";
/// A longer cookie is none of Exchange's.
const LONGEST_COOKIE: usize = 1_024;

/// What leads all requests of a group to one server: its first mailbox, and the cookie that the first answer has set.
pub(crate) struct Affinity {
    anchor: Mailbox,
    /// Name and value.
    cookie: Mutex<Option<HeaderValue>>,
}

impl Affinity {
    pub(crate) fn new(anchor: Mailbox) -> Affinity {
        Affinity { anchor, cookie: Mutex::new(None) }
    }

    pub(crate) fn anchor(&self) -> &Mailbox {
        &self.anchor
    }

    /// Adds the wish for affinity to a request, and the cookie, if there is one. The anchor is in every request's headers.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap) {
        headers.insert("x-preferserveraffinity", HeaderValue::from_static("true"));
        if let Some(cookie) = self.cookie().clone() {
            headers.insert(header::COOKIE, cookie);
        }
    }

    /// Keeps the cookie that an answer sets.
    pub(crate) fn learn(&self, headers: &HeaderMap) {
        let lines = headers.get_all(header::SET_COOKIE).into_iter().filter_map(|line| line.to_str().ok());
        let mut cookies = lines.filter_map(|line| line.split(';').next()).map(str::trim);
        let ours = |cookie: &&str| cookie.split_once('=').is_some_and(|(name, _)| name.eq_ignore_ascii_case(COOKIE));
        let found = cookies.find(|cookie| ours(cookie) && cookie.len() <= LONGEST_COOKIE);
        if let Some(mut cookie) = found.and_then(|cookie| HeaderValue::from_str(cookie).ok()) {
            cookie.set_sensitive(true);
            *self.cookie() = Some(cookie);
        }
    }

    fn cookie(&self) -> MutexGuard<'_, Option<HeaderValue>> {
        self.cookie.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent_after(set: &[&str]) -> Option<String> {
        let affinity = Affinity::new(Mailbox::parse("anna@musterstadt.example").expect("an address"));
        for line in set {
            let mut answer = HeaderMap::new();
            answer.append(header::SET_COOKIE, HeaderValue::from_str(line).expect("a value"));
            affinity.learn(&answer);
        }
        let mut headers = HeaderMap::new();
        affinity.add_to(&mut headers);
        assert_eq!(headers["x-preferserveraffinity"], "true");
        headers.get(header::COOKIE).map(|cookie| cookie.to_str().expect("text").to_owned())
    }

    #[test]
    fn the_cookie_of_the_back_end_is_sent_again_and_no_other_one() {
        assert_eq!(sent_after(&[]), None);
        assert_eq!(sent_after(&["exchangecookie=1; path=/", "X-BackEndCookie=a=b"]), None);
        let set = "X-BackEndOverrideCookie=ex1.stadt~1942; path=/; secure; HttpOnly";
        let sent = Some("X-BackEndOverrideCookie=ex1.stadt~1942".to_owned());
        assert_eq!(sent_after(&["exchangecookie=1", set]), sent);
        assert_eq!(sent_after(&[set, "X-BackEndOverrideCookie=ex2"]).as_deref(), Some("X-BackEndOverrideCookie=ex2"));
        assert_eq!(sent_after(&[&format!("X-BackEndOverrideCookie={}", "x".repeat(2_000))]), None);
    }
}
