//! Which of several back ends answers a request. A subscription is known only to the back end that took it.

use http::header::{COOKIE, HeaderMap, HeaderValue};

use crate::world::World;

const COOKIE_NAME: &str = "X-BackEndOverrideCookie";

/// The back end that a request goes to, and the cookie by which the answer names it.
pub(crate) struct Routed {
    pub(crate) back_end: usize,
    pub(crate) set_cookie: Option<HeaderValue>,
}

/// Finds the back end as Exchange does since 2013: where the client prefers affinity, by its cookie; else by the anchor mailbox;
/// else it is any. A cookie that names no back end is worth nothing, and is not replaced: only who sends none gets one.
pub(crate) fn route(world: &World, headers: &HeaderMap, any: usize) -> Routed {
    let back_ends = world.scenario.back_ends;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map_or("", str::trim);
    let prefers_affinity = text("x-preferserveraffinity").eq_ignore_ascii_case("true");
    let cookie = cookie(headers).filter(|_| prefers_affinity);
    let named = cookie.and_then(|value| (0..back_ends).find(|back_end| cookie_of(*back_end) == value));
    let anchor = world.mailbox_of(text("x-anchormailbox")).map(|at| world.mailbox(at).back_end % back_ends);
    let back_end = named.or(anchor).unwrap_or(any % back_ends);
    let value = format!("{COOKIE_NAME}={}; path=/; HttpOnly", cookie_of(back_end));
    let set_cookie = (prefers_affinity && cookie.is_none()).then(|| HeaderValue::try_from(value).ok()).flatten();
    Routed { back_end, set_cookie }
}

/// The cookie's value among all cookies of the request.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == COOKIE_NAME).then_some(value))
}

/// Name and version of a back end.
fn cookie_of(back_end: usize) -> String {
    format!("ex{}.musterstadt.example~1943094280", back_end + 1)
}
