//! How long a server asks to wait.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

/// A longer wait that a server asks for counts as this one, 366 days. It is far beyond every deadline, and no sum with it overflows.
pub const LONGEST_WAIT: Duration = Duration::from_secs(366 * 86_400);

/// How long an answer's headers ask to wait. What is no number and no date asks for nothing.
pub fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?))
}

/// A number of any length; one that is too large for its type is the largest. `None` where the text is no number, or has a sign.
pub fn whole_number(text: &str) -> Option<u64> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// `Retry-After` in seconds or as a date ([RFC 9110, 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)).
pub fn retry_after(text: &str) -> Option<Duration> {
    let wait = match whole_number(text) {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None => httpdate::parse_http_date(text.trim()).ok()?.duration_since(SystemTime::now()).ok(),
    };
    wait.map(|wait| wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_in_seconds_and_as_a_date() {
        assert_eq!(retry_after(" 25 "), Some(Duration::from_secs(25)));
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3_600));
        let wait = retry_after(&date).expect("a wait");
        assert!((3_500..=3_600).contains(&wait.as_secs()), "{wait:?}");
        assert_eq!(retry_after("Mon, 01 Jan 2024 00:00:00 GMT"), None, "a date that has passed asks for no wait");
        assert_eq!(retry_after("bald"), None);
    }

    #[test]
    fn a_wait_of_any_size_is_read_and_bounded() {
        for endless in ["9223372036854775808", "99999999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            assert_eq!(retry_after(endless), Some(LONGEST_WAIT), "{endless}");
        }
        for nothing in ["", "-1", "-9223372036854775808", "1.5", "bald", "0x10"] {
            assert_eq!(retry_after(nothing), None, "{nothing}");
        }
    }
}
