//! A scenario made ready to answer from.

use std::collections::HashMap;
use std::sync::Arc;

use crate::calendar::Calendar;
use crate::scenario::{Account, Mailbox, Scenario};

/// Whom an address names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Primary(usize),
    Alias(usize),
}

/// A checked scenario with its calendars.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) scenario: Scenario,
    calendars: Vec<Arc<Calendar>>,
    addresses: HashMap<String, Named>,
}

impl World {
    /// Checks the scenario; calendars of mailboxes that `before` holds unchanged are kept.
    pub(crate) fn new(scenario: Scenario, before: Option<&World>) -> Result<World, crate::Error> {
        scenario.check()?;
        let mut addresses = HashMap::new();
        let mut calendars = Vec::with_capacity(scenario.mailboxes.len());
        for (at, mailbox) in scenario.mailboxes.iter().enumerate() {
            addresses.insert(mailbox.address.to_lowercase(), Named::Primary(at));
            addresses.extend(mailbox.aliases.iter().map(|alias| (alias.to_lowercase(), Named::Alias(at))));
            let kept = before.and_then(|before| before.unchanged(mailbox));
            calendars.push(match kept {
                Some(calendar) => calendar,
                None => Arc::new(Calendar::new(mailbox)?),
            });
        }
        Ok(World { scenario, calendars, addresses })
    }

    fn unchanged(&self, mailbox: &Mailbox) -> Option<Arc<Calendar>> {
        let at = self.scenario.mailboxes.iter().position(|before| before == mailbox)?;
        self.calendars.get(at).map(Arc::clone)
    }

    pub(crate) fn by_address(&self, address: &str) -> Option<Named> {
        self.addresses.get(&address.to_lowercase()).copied()
    }

    /// The mailbox that an address names, be it primary or not.
    pub(crate) fn mailbox_of(&self, address: &str) -> Option<usize> {
        self.by_address(address).map(|(Named::Primary(at) | Named::Alias(at))| at)
    }

    pub(crate) fn mailbox(&self, at: usize) -> &Mailbox {
        &self.scenario.mailboxes[at]
    }

    pub(crate) fn calendar(&self, at: usize) -> &Calendar {
        &self.calendars[at]
    }

    pub(crate) fn account(&self, at: usize) -> &Account {
        &self.scenario.accounts[at]
    }
}
