//! The server's own version.

use std::fmt;

use optigov_calendar::ReadError;

use crate::xml::Tag;

/// The server's own version, from the header of its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerVersion {
    major: u16,
    minor: u16,
    build: u16,
    revision: u16,
}

impl ServerVersion {
    pub(crate) fn read(tag: &Tag<'_>) -> Result<Option<ServerVersion>, ReadError> {
        let number = |name| Ok::<_, ReadError>(tag.attribute(name)?.and_then(|text| text.trim().parse().ok()));
        let Some(major) = number("MajorVersion")? else { return Ok(None) };
        Ok(Some(ServerVersion {
            major,
            minor: number("MinorVersion")?.unwrap_or(0),
            build: number("MajorBuildNumber")?.unwrap_or(0),
            revision: number("MinorBuildNumber")?.unwrap_or(0),
        }))
    }

    /// The product with this version, as administrators call it.
    pub fn product(self) -> &'static str {
        match (self.major, self.minor, self.build) {
            (15, 2, 2562..) => "Exchange Server Subscription Edition",
            (15, 2, _) => "Exchange Server 2019",
            (15, 1, _) => "Exchange Server 2016",
            (15, 0, _) => "Exchange Server 2013",
            (14, ..) => "Exchange Server 2010",
            (15, 20, _) => "Exchange Online",
            _ => "Exchange Server",
        }
    }

    /// Whether it is older than Exchange Server 2016, the oldest one that this library is made for.
    pub(crate) fn is_older_than_2016(self) -> bool {
        (self.major, self.minor) < (15, 1)
    }
}

impl fmt::Display for ServerVersion {
    /// As in `15.2.1544.9`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.{}", self.major, self.minor, self.build, self.revision)
    }
}
