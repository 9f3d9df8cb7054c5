//! The Exchange sync of a counter: the switch, and the mailboxes beside it.

use optigov_calendar::{InvalidMailbox, Mailbox, Text};
use optigov_slots::Needed;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::{
    blocking::BlockingPolicy,
    fault::{Code, Fault},
    location::MailboxLocation,
    text::{
        forms::{deserialize_by_reading, is_default, number, table},
        reader::{Read, Reader, text, word_value},
        value::Value,
    },
};

/// Whether and how Exchange calendars count at a counter (*Exchange-Abgleich*). Off by default; when it is on there is at least one mailbox, and none twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(
    deny_unknown_fields,
    extend(
        "if" = { "properties": { "on": { "const": true } }, "required": ["on"] },
        "then" = { "required": ["mailboxes"], "properties": { "mailboxes": { "minItems": 1 } } },
    )
)]
pub struct ExchangeSync {
    /// Whether the calendars count. Off, the mailboxes are kept and no calendar is read.
    #[serde(default)]
    on: bool,
    /// The mailboxes whose calendars count; at most 100.
    #[serde(default, skip_serializing_if = "is_default")]
    mailboxes: SyncMailboxes,
    /// How many of the mailboxes must be free: "all" (default), "any", or { at_least = 2 }.
    #[serde(default, skip_serializing_if = "is_default")]
    needed: MailboxesNeeded,
    /// Which entries block.
    #[serde(default, skip_serializing_if = "is_default")]
    blocking: BlockingPolicy,
}

impl ExchangeSync {
    /// Whether the calendars count. When off, nothing may be asked of Exchange.
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// The mailboxes that were entered, also while the sync is off.
    pub fn mailboxes(&self) -> &[Mailbox] {
        &self.mailboxes.addresses
    }

    /// Where the mailbox at this position of [`mailboxes`](Self::mailboxes) lies, where the counter's entry says so.
    pub fn location(&self, position: usize) -> Option<MailboxLocation> {
        self.mailboxes.locations.get(position).copied().flatten()
    }

    /// The mailboxes of which the counter's entry says where they lie, each with its position.
    pub(crate) fn located(&self) -> impl Iterator<Item = (usize, &Mailbox, MailboxLocation)> {
        let located = self.mailboxes.addresses.iter().zip(&self.mailboxes.locations).enumerate();
        located.filter_map(|(position, (mailbox, location))| Some((position, mailbox, (*location)?)))
    }

    /// How many of the mailboxes must be free at the same time for something to be bookable. Default: all.
    pub fn needed(&self) -> Needed {
        self.needed.0
    }

    /// Which entries block.
    pub fn blocking(&self) -> &BlockingPolicy {
        &self.blocking
    }
}

table!(ExchangeSync { on: or_default, mailboxes: or_default, needed: or_default, blocking: or_default } checked);

deserialize_by_reading!(ExchangeSync);

/// Mailboxes, each of which is written as its address, or as a table with its address and where it lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct SyncMailboxes {
    addresses: Vec<Mailbox>,
    /// As many as there are addresses, or none.
    locations: Vec<Option<MailboxLocation>>,
}

/// One of them.
struct SyncMailbox {
    address: Mailbox,
    location: Option<MailboxLocation>,
}

impl Read for SyncMailbox {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        let Value::Table(_) = value else {
            return Mailbox::read(value, reader).map(|address| SyncMailbox { address, location: None });
        };
        let [address, location] = reader.table(value, &["address", "location"])?;
        let address = reader.required("address", address);
        let location = reader.optional("location", location);
        Some(SyncMailbox { address: address?, location: location? })
    }
}

impl Read for SyncMailboxes {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        let all = Vec::<SyncMailbox>::read(value, reader)?;
        let is_located = all.iter().any(|mailbox| mailbox.location.is_some());
        let locations = if is_located { all.iter().map(|mailbox| mailbox.location).collect() } else { Vec::new() };
        Some(SyncMailboxes { addresses: all.into_iter().map(|mailbox| mailbox.address).collect(), locations })
    }
}

impl Serialize for SyncMailboxes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Located<'m> {
            address: &'m Mailbox,
            location: MailboxLocation,
        }
        let mut list = serializer.serialize_seq(Some(self.addresses.len()))?;
        for (position, address) in self.addresses.iter().enumerate() {
            match self.locations.get(position).copied().flatten() {
                Some(location) => list.serialize_element(&Located { address, location })?,
                None => list.serialize_element(address)?,
            }
        }
        list.end()
    }
}

impl schemars::JsonSchema for SyncMailboxes {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SyncMailboxes".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let (address, location) = (generator.subschema_for::<Mailbox>(), generator.subschema_for::<MailboxLocation>());
        schemars::json_schema!({
            "type": "array",
            "maxItems": MOST,
            "uniqueItems": true,
            "items": {
                "oneOf": [
                    address,
                    {
                        "type": "object",
                        "properties": { "address": address, "location": location },
                        "required": ["address"],
                        "additionalProperties": false,
                    },
                ],
            },
        })
    }
}

/// The most mailboxes of one counter.
const MOST: usize = 100;

/// What counters share of their Exchange sync: any part of it. What goes together is checked at each counter.
#[derive(schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "it is read for its faults, and counters have it written out")]
pub(crate) struct SharedSync {
    /// Whether the calendars count.
    #[serde(default)]
    on: bool,
    /// The mailboxes whose calendars count; at most 100.
    #[serde(default)]
    mailboxes: SyncMailboxes,
    /// How many of the mailboxes must be free.
    #[serde(default)]
    needed: MailboxesNeeded,
    /// Which entries block.
    #[serde(default)]
    blocking: BlockingPolicy,
}

table!(SharedSync { on: or_default, mailboxes: or_default, needed: or_default, blocking: or_default });

impl Read for Mailbox {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        let text = text(value, reader)?;
        let refused =
            |invalid: InvalidMailbox| Fault::new(Code::Malformed, invalid.message().clone(), invalid.remedy());
        Mailbox::parse(text).map_err(|invalid| reader.fault(refused(invalid))).ok()
    }
}

/// The engine's [`Needed`] in the form of the format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct MailboxesNeeded(Needed);

impl Read for MailboxesNeeded {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        match value {
            Value::Table(_) => {
                let [at_least] = reader.table(value, &["at_least"])?;
                reader
                    .required::<MailboxCount>("at_least", at_least)
                    .map(|count| MailboxesNeeded(Needed::AtLeast(count.0)))
            }
            _ => word_value(value, reader, &[("all", Needed::All), ("any", Needed::Any)]).map(MailboxesNeeded),
        }
    }
}

impl Serialize for MailboxesNeeded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Needed::Any => serializer.serialize_str("any"),
            Needed::AtLeast(count) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("at_least", &count)?;
                map.end()
            }
            _ => serializer.serialize_str("all"),
        }
    }
}

impl schemars::JsonSchema for MailboxesNeeded {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MailboxesNeeded".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "How many of the mailboxes must be free at the same time.",
            "oneOf": [
                { "enum": ["all", "any"] },
                {
                    "type": "object",
                    "properties": { "at_least": { "type": "integer", "minimum": 1, "maximum": 100 } },
                    "required": ["at_least"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}

number!(MailboxCount, 1..=100);

fn checked(sync: ExchangeSync, reader: &mut Reader) -> Option<ExchangeSync> {
    let mailboxes = sync.mailboxes();
    let there = mailboxes.len();
    if there > MOST {
        let fault = Fault::new(
            Code::OutOfRange,
            Text::new(format!("Es sind {there} Postfächer eingetragen."), format!("{there} mailboxes are entered.")),
            Text::new(format!("Bitte höchstens {MOST} eintragen."), format!("Enter at most {MOST}.")),
        );
        return reader.below("mailboxes", |reader| reader.refuse(fault));
    }
    for (index, mailbox) in mailboxes.iter().enumerate() {
        if let Some(first) = mailboxes[..index].iter().position(|earlier| earlier == mailbox) {
            let fault = Fault::new(
                Code::DuplicateMailbox,
                Text::new(
                    format!("Dieses Postfach kommt zweimal vor, zuerst als Nr. {}.", first + 1),
                    format!("This mailbox appears twice, first as number {}.", first + 1),
                ),
                Text::new("Bitte einen der beiden Einträge entfernen.", "Remove one of the two."),
            );
            reader.below("mailboxes", |reader| reader.element(index, |reader| reader.fault(fault)));
        }
    }
    if sync.on && mailboxes.is_empty() {
        let fault = Fault::new(
            Code::SyncWithoutMailbox,
            Text::new(
                "Der Exchange-Abgleich ist eingeschaltet, aber es ist kein Postfach eingetragen.",
                "The Exchange sync is on, but no mailbox is entered.",
            ),
            Text::new(
                "Bitte ein Postfach eintragen oder den Abgleich ausschalten.",
                "Enter a mailbox, or switch the sync off.",
            ),
        );
        reader.below("mailboxes", |reader| reader.fault(fault));
    }
    if let Needed::AtLeast(count) = sync.needed.0
        && count as usize > there
        && (sync.on || there > 0)
    {
        let fault = Fault::new(
            Code::TooFewMailboxes,
            Text::new(
                format!("Es sollen {count} Postfächer frei sein, aber es sind nur {there} eingetragen."),
                format!("{count} mailboxes must be free, but only {there} are entered."),
            ),
            Text::new(
                "Bitte Postfächer ergänzen oder die Zahl verringern.",
                "Enter more mailboxes, or lower the number.",
            ),
        );
        reader.below("needed", |reader| reader.fault(fault));
    }
    Some(sync)
}
