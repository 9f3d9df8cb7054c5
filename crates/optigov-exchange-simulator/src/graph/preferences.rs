//! The header `Prefer`.

use chrono_tz::Tz;
use http::header::HeaderMap;

use super::error::GraphError;
use crate::zones;

/// What a request prefers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Preferences {
    /// The zone of times in the answer.
    pub(super) zone: Tz,
    /// Its name as the request wrote it.
    pub(super) zone_name: String,
    pub(super) immutable_ids: bool,
    pub(super) page_size: Option<usize>,
}

impl Preferences {
    pub(super) fn parse(headers: &HeaderMap) -> Result<Preferences, GraphError> {
        let mut found =
            Preferences { zone: Tz::UTC, zone_name: "UTC".to_owned(), immutable_ids: false, page_size: None };
        let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        for preference in values.flat_map(split) {
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "outlook.timezone" => {
                    found.zone = zone(value)?;
                    value.clone_into(&mut found.zone_name);
                }
                "idtype" => found.immutable_ids = value.eq_ignore_ascii_case("ImmutableId"),
                "odata.maxpagesize" => found.page_size = value.parse().ok().filter(|size| *size > 0),
                _ => {}
            }
        }
        Ok(found)
    }
}

/// The zone of a Windows or IANA name.
pub(super) fn zone(name: &str) -> Result<Tz, GraphError> {
    let unknown = || {
        let text = format!(
            "A valid TimeZone value must be specified. The following TimeZone value is not supported: '{name}'."
        );
        GraphError::new(400, "TimeZoneNotSupportedException", text)
    };
    zones::from_windows_name(name).or_else(|| name.parse().ok()).ok_or_else(unknown)
}

/// Preferences are parted by commas or semicolons outside of quotes.
fn split(text: &str) -> Vec<&str> {
    let mut quoted = false;
    let separates = move |c: char| {
        quoted ^= c == '"';
        !quoted && (c == ',' || c == ';')
    };
    text.split(separates).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Preferences, GraphError> {
        let mut headers = HeaderMap::new();
        headers.insert("prefer", text.parse().expect("a value"));
        Preferences::parse(&headers)
    }

    #[test]
    fn several_preferences_share_a_header() {
        let found = parsed(r#"outlook.timezone="W. Europe Standard Time", IdType="ImmutableId"; odata.maxpagesize=3"#);
        let found = found.expect("preferences");
        assert_eq!((found.zone, found.zone_name.as_str()), (Tz::Europe__Berlin, "W. Europe Standard Time"));
        assert_eq!((found.immutable_ids, found.page_size), (true, Some(3)));
        assert_eq!(parsed("respond-async").expect("nothing").zone, Tz::UTC);
    }

    #[test]
    fn an_unknown_zone_is_refused() {
        assert_eq!(parsed(r#"outlook.timezone="Mars""#).expect_err("refused").code(), "TimeZoneNotSupportedException");
        assert_eq!(zone("Europe/Berlin").expect("a zone"), Tz::Europe__Berlin);
        assert_eq!(zone("UTC").expect("a zone").name().replace("Etc/", ""), "UTC");
    }
}
