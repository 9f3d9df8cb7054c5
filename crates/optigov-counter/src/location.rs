//! Where mailboxes lie: on the municipality's own server, or in Exchange Online.

use std::{collections::HashMap, fmt};

use optigov_calendar::{Mailbox, Text};

use crate::{
    fault::{Code, Fault},
    text::{
        forms::{deserialize_by_reading, table, text_value, words},
        reader::{Read, Reader},
        value::Value,
    },
};

words! {
    /// Where a mailbox lies.
    #[non_exhaustive]
    pub enum MailboxLocation {
        /// On the municipality's own server, read by `exchange`.
        OnPremises = "on_premises",
        /// In Exchange Online, read by `exchange_online`.
        Online = "online",
        /// The servers' answers show where it lies, also when it moves.
        Auto = "auto",
    }
}

impl MailboxLocation {
    /// Every location.
    pub const ALL: [MailboxLocation; 3] = [MailboxLocation::OnPremises, MailboxLocation::Online, MailboxLocation::Auto];

    /// The word for it in a configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            MailboxLocation::OnPremises => "on_premises",
            MailboxLocation::Online => "online",
            MailboxLocation::Auto => "auto",
        }
    }
}

/// Rules for where mailboxes lie, by address and by domain. An address comes before its domain, a domain before the default. What a counter says of its own
/// mailbox comes before all of them.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, schemars::JsonSchema)]
#[serde(into = "LocationsForm")]
#[schemars(
    from = "LocationsForm",
    description = "Where mailboxes lie, by address or domain, where the municipality has an own server and Exchange Online."
)]
pub struct MailboxLocations {
    default: Option<MailboxLocation>,
    /// In the order of the text.
    rules: Vec<(Place, MailboxLocation)>,
    by_place: HashMap<Place, MailboxLocation>,
}

impl MailboxLocations {
    /// The location of mailboxes that no rule names; `None` where nothing is said.
    pub fn default_location(&self) -> Option<MailboxLocation> {
        self.default
    }

    /// What the rules say of a mailbox; the default where they say nothing.
    pub fn of(&self, mailbox: &Mailbox) -> Option<MailboxLocation> {
        if self.by_place.is_empty() {
            return self.default;
        }
        let rule = |place: &str| self.by_place.get(place).copied();
        rule(mailbox.as_str()).or_else(|| rule(mailbox.domain())).or(self.default)
    }

    /// Notes each rule that names a place to which there is no connection.
    pub(crate) fn check(&self, connections: Connections, reader: &mut Reader) {
        let default = self.default.and_then(|location| Some((location, connections.missing(location)?)));
        if let Some((_, missing)) = default {
            reader.below("default", |reader| reader.fault(missing));
        }
        for location in MailboxLocation::ALL {
            let named = self.rules.iter().filter(|(_, named)| *named == location).enumerate();
            for (index, missing) in named.filter_map(|(index, _)| Some((index, connections.missing(location)?))) {
                reader.below(location.as_str(), |reader| reader.element(index, |reader| reader.fault(missing)));
            }
        }
    }
}

/// Which connections a municipality has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connections {
    pub(crate) on_premises: bool,
    pub(crate) online: bool,
}

impl Connections {
    /// Where mailboxes lie of which nothing is said.
    pub(crate) fn default_location(self) -> MailboxLocation {
        match (self.on_premises, self.online) {
            (true, true) => MailboxLocation::Auto,
            (false, true) => MailboxLocation::Online,
            _ => MailboxLocation::OnPremises,
        }
    }

    pub(crate) fn any(self) -> bool {
        self.on_premises || self.online
    }

    /// The fault of naming this location, where there is no connection to it.
    pub(crate) fn missing(self, location: MailboxLocation) -> Option<Fault> {
        let missing = match location {
            MailboxLocation::OnPremises if !self.on_premises => "exchange",
            MailboxLocation::Online if !self.online => "exchange_online",
            _ => return None,
        };
        Some(Fault::new(
            Code::LocationWithoutConnection,
            Text::new(
                format!("Zu diesem Ort gibt es keine Verbindung: „{missing}“ fehlt."),
                format!("There is no connection to this place: \"{missing}\" is missing."),
            ),
            Text::new(
                format!("Bitte „{missing}“ eintragen oder den Ort entfernen."),
                format!("Enter \"{missing}\", or remove the location."),
            ),
        ))
    }
}

/// An address or a domain.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Place(String);

impl std::borrow::Borrow<str> for Place {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Place {
    fn parse(text: &str) -> Result<Place, Fault> {
        let text = text.trim();
        let read = match text.contains('@') {
            true => Mailbox::parse(text).map(|mailbox| mailbox.as_str().to_owned()),
            false => Mailbox::parse(&format!("x@{text}")).map(|mailbox| mailbox.domain().to_owned()),
        };
        // The text is not repeated: it may be an address.
        read.map(Place).map_err(|_| {
            Fault::new(
                Code::Malformed,
                Text::fixed("Das ist weder eine Adresse noch eine Domäne.", "This is neither an address nor a domain."),
                Text::fixed(
                    "Bitte ein Postfach wie „amt@musterstadt.example“ oder eine Domäne wie „musterstadt.example“ angeben.",
                    "Give a mailbox such as \"amt@musterstadt.example\" or a domain such as \"musterstadt.example\".",
                ),
            )
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place(..)")
    }
}

text_value!(
    Place,
    "The address of a mailbox, or a domain.",
    ["buergerbuero@musterstadt.example", "musterstadt.example"],
    r"^\s*([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@)?[^\s@]+\.[^\s@]+\s*$"
);

/// The rules as they are written.
#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
struct LocationsForm {
    /// Where mailboxes lie that no list names. Default: "auto" where there are both connections, else where the one connection leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<MailboxLocation>,
    /// Addresses and domains of mailboxes on the municipality's own server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    on_premises: Vec<Place>,
    /// Addresses and domains of mailboxes in Exchange Online.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    online: Vec<Place>,
    /// Addresses and domains of mailboxes whose place the servers' answers show.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    auto: Vec<Place>,
}

table!(LocationsForm { default: optional, on_premises: or_default, online: or_default, auto: or_default });

impl Read for MailboxLocations {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        let LocationsForm { default, on_premises, online, auto } = LocationsForm::read(value, reader)?;
        let mut locations = MailboxLocations { default, ..MailboxLocations::default() };
        let lists = [on_premises, online, auto];
        for (location, places) in MailboxLocation::ALL.into_iter().zip(lists) {
            for (index, place) in places.into_iter().enumerate() {
                if locations.by_place.insert(place.clone(), location).is_some() {
                    let fault = named_twice();
                    reader.below(location.as_str(), |reader| reader.element(index, |reader| reader.fault(fault)));
                }
                locations.rules.push((place, location));
            }
        }
        Some(locations)
    }
}

deserialize_by_reading!(MailboxLocations);

impl From<MailboxLocations> for LocationsForm {
    fn from(locations: MailboxLocations) -> LocationsForm {
        let places = |wanted| {
            let of_one = locations.rules.iter().filter(|(_, location)| *location == wanted);
            of_one.map(|(place, _)| place.clone()).collect()
        };
        LocationsForm {
            default: locations.default,
            on_premises: places(MailboxLocation::OnPremises),
            online: places(MailboxLocation::Online),
            auto: places(MailboxLocation::Auto),
        }
    }
}

fn named_twice() -> Fault {
    Fault::new(
        Code::Conflict,
        Text::fixed(
            "Diese Adresse oder Domäne steht schon in einer der Listen.",
            "This address or domain is in one of the lists already.",
        ),
        Text::fixed("Bitte einen der beiden Einträge entfernen.", "Remove one of the two."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::examples_hold;

    #[test]
    fn examples_in_the_schema_are_read_and_their_canonical_form_is_stable() {
        examples_hold::<Place>(Place::EXAMPLES);
    }

    #[test]
    fn an_address_comes_before_its_domain_and_a_domain_before_the_default() {
        let text =
            r#"{ "default": "auto", "online": ["Musterstadt.example"], "on_premises": ["Amt@musterstadt.example"] }"#;
        let locations: MailboxLocations = serde_json::from_str(text).expect("rules");
        let of = |address: &str| locations.of(&Mailbox::parse(address).expect("an address"));
        assert_eq!(of("amt@musterstadt.example"), Some(MailboxLocation::OnPremises));
        assert_eq!(of("anna@musterstadt.example"), Some(MailboxLocation::Online));
        assert_eq!(of("anna@amt.musterstadt.example"), Some(MailboxLocation::Auto));
        assert_eq!(MailboxLocations::default().of(&Mailbox::parse("a@b.example").expect("an address")), None);
        assert!(!format!("{locations:?}").contains("musterstadt"));
    }
}
