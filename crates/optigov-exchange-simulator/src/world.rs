//! A checked scenario with its calendars expanded and its addresses indexed.

use std::collections::HashMap;
use std::sync::Arc;

use crate::calendar::Calendar;
use crate::misbehaviour::{Counts, Instead, Plan};
use crate::scenario::{Account, Mailbox, MailboxState, Scenario};
use crate::throttle::Usage;

/// The mailbox that an address belongs to, as its primary address or as an alias.
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
    counts: Arc<Counts>,
    pub(crate) usage: Arc<Usage>,
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
        let counts = match before.filter(|before| before.scenario.faults == scenario.faults) {
            Some(before) => Arc::clone(&before.counts),
            None => Arc::new(Counts::new(&scenario.faults)),
        };
        let usage = match before.filter(|before| before.scenario.throttling == scenario.throttling) {
            Some(before) => Arc::clone(&before.usage),
            None => Arc::default(),
        };
        Ok(World { scenario, calendars, addresses, counts, usage })
    }

    fn unchanged(&self, mailbox: &Mailbox) -> Option<Arc<Calendar>> {
        let at = self.scenario.mailboxes.iter().position(|before| before == mailbox)?;
        self.calendars.get(at).map(Arc::clone)
    }

    /// What will go wrong with a request that names these mailboxes, first the one that it means.
    pub(crate) fn plan(&self, operation: &str, mailboxes: &[String]) -> Plan {
        let mut plan = Plan::new(&self.scenario, &self.counts, operation, mailboxes);
        if mailboxes.iter().any(|address| self.is_hung(address)) {
            plan.instead.get_or_insert(Instead::Hang);
        }
        plan
    }

    fn is_hung(&self, address: &str) -> bool {
        self.mailbox_of(address).is_some_and(|at| self.mailbox(at).state == MailboxState::Hung)
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

    /// The calendar; as long as it is the same, nothing in it has changed.
    pub(crate) fn shared_calendar(&self, at: usize) -> Arc<Calendar> {
        Arc::clone(&self.calendars[at])
    }

    pub(crate) fn account(&self, at: usize) -> &Account {
        &self.scenario.accounts[at]
    }
}
