//! Time zones.

use std::fmt;

use chrono_tz::{TZ_VARIANTS, Tz};
use optigov_calendar::Text;

use crate::{
    Fault,
    fault::Code,
    text::{forms::text_value, reader::suggestion},
};

/// An IANA time zone; `Europe/Berlin` by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Zone(Tz);

impl Zone {
    pub(crate) fn parse(text: &str) -> Result<Zone, Fault> {
        let trimmed = text.trim();
        trimmed.parse().map(Zone).map_err(|_| {
            let shown = crate::fault::shortened(trimmed);
            Fault::new(
                Code::UnknownWord,
                Text::new(
                    format!("Die Zeitzone „{shown}“ ist unbekannt."),
                    format!("The time zone \"{shown}\" is not known."),
                ),
                suggestion(trimmed, TZ_VARIANTS.iter().map(|zone| zone.name())).unwrap_or_else(|| {
                    Text::new(
                        "Bitte einen IANA-Namen wie „Europe/Berlin“ angeben.",
                        "Give an IANA name such as \"Europe/Berlin\".",
                    )
                }),
            )
        })
    }

    pub(crate) fn zone(self) -> Tz {
        self.0
    }
}

impl Default for Zone {
    fn default() -> Zone {
        Zone(Tz::Europe__Berlin)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

text_value!(Zone, "A time zone of the IANA database.", ["Europe/Berlin"], r"^\s*[A-Za-z][A-Za-z0-9_+/-]*\s*$");
