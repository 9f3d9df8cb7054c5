use std::fmt;

use crate::{Error, xml::Tag};

/// The schema version that a request names; the server answers in its terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestVersion {
    /// Exchange 2010.
    Exchange2010,
    /// Exchange 2010 SP1.
    Exchange2010Sp1,
    /// Exchange 2010 SP2.
    Exchange2010Sp2,
    /// Exchange 2013, the default: every server still in use knows it.
    #[default]
    Exchange2013,
    /// Exchange 2013 SP1.
    Exchange2013Sp1,
    /// Exchange 2016 and later.
    Exchange2016,
}

impl RequestVersion {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            RequestVersion::Exchange2010 => "Exchange2010",
            RequestVersion::Exchange2010Sp1 => "Exchange2010_SP1",
            RequestVersion::Exchange2010Sp2 => "Exchange2010_SP2",
            RequestVersion::Exchange2013 => "Exchange2013",
            RequestVersion::Exchange2013Sp1 => "Exchange2013_SP1",
            RequestVersion::Exchange2016 => "Exchange2016",
        }
    }
}

/// The server's own version, from the header of its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerVersion {
    major: u16,
    minor: u16,
    build: u16,
    revision: u16,
}

impl ServerVersion {
    pub(crate) fn read(tag: &Tag<'_>) -> Result<Option<ServerVersion>, Error> {
        let number = |name| Ok::<_, Error>(tag.attribute(name)?.and_then(|text| text.trim().parse().ok()));
        let Some(major) = number("MajorVersion")? else { return Ok(None) };
        Ok(Some(ServerVersion {
            major,
            minor: number("MinorVersion")?.unwrap_or(0),
            build: number("MajorBuildNumber")?.unwrap_or(0),
            revision: number("MinorBuildNumber")?.unwrap_or(0),
        }))
    }

    /// The product with this version, as administrators call it.
    pub fn product(&self) -> &'static str {
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
}

impl fmt::Display for ServerVersion {
    /// As in `15.2.1544.9`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.{}", self.major, self.minor, self.build, self.revision)
    }
}
