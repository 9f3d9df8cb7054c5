use std::collections::BTreeMap;

use chrono::{NaiveTime, Weekday};
use chrono_tz::Tz;
use serde::Deserialize;

use super::entry::Entry;
use super::ics;
use super::location::Location;

/// A mailbox with one calendar.
///
/// Defaults: on premises, zone `Europe/Berlin`, working hours Monday to Friday 08:00–17:00, enabled, a user's mailbox, `AvailabilityOnly`
/// for everybody (as Exchange sets it for *Default*).
#[derive(Clone, Debug, PartialEq)]
pub struct Mailbox {
    pub(crate) address: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) principal_name: Option<String>,
    pub(crate) sid: Option<String>,
    pub(crate) zone: Tz,
    pub(crate) working_hours: WorkingHours,
    pub(crate) state: MailboxState,
    pub(crate) location: Location,
    pub(crate) back_end: usize,
    pub(crate) keeps_deleted: bool,
    pub(crate) room: bool,
    pub(crate) default_permission: Permission,
    pub(crate) permissions: BTreeMap<String, Permission>,
    pub(crate) entries: Vec<Entry>,
}

/// What an account may see in somebody's calendar without impersonation, as `Set-MailboxFolderPermission` names it. In a
/// scenario file: `none`, `availability_only`, `limited_details`, `reviewer`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Permission {
    /// Nothing: free/busy answers `ErrorNoFreeBusyAccess`.
    None,
    /// Times and status, through free/busy only.
    #[default]
    AvailabilityOnly,
    /// Also subject and place, through free/busy only.
    LimitedDetails,
    /// Reads the folder itself.
    Reviewer,
}

/// The state of a mailbox; the codes are those of EWS. Graph answers `MailboxNotEnabledForRESTAPI` for a disabled one, 503 with
/// the same codes for one that moves to another database or is unavailable.
///
/// In a scenario file: `enabled`, `disabled`, `moving`, `unavailable`, `hung`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MailboxState {
    /// Works. The default.
    #[default]
    Enabled,
    /// The account behind it is disabled: `ErrorAccountDisabled`.
    Disabled,
    /// It is being moved to another database: `ErrorMailboxMoveInProgress`.
    Moving,
    /// Its database is not mounted: `ErrorMailboxStoreUnavailable`.
    Unavailable,
    /// Its database does not answer: every request that impersonates or names it, alone or among others, is accepted and never
    /// answered.
    Hung,
}

/// The working hours that free/busy reports.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WorkingHours {
    pub(crate) days: Vec<Weekday>,
    pub(crate) start: NaiveTime,
    pub(crate) end: NaiveTime,
}

impl Mailbox {
    /// A mailbox with this primary SMTP address and an empty calendar.
    pub fn new(address: impl Into<String>) -> Self {
        Mailbox {
            address: address.into(),
            aliases: Vec::new(),
            principal_name: None,
            sid: None,
            zone: Tz::Europe__Berlin,
            working_hours: WorkingHours::default(),
            state: MailboxState::default(),
            location: Location::default(),
            back_end: 0,
            keeps_deleted: false,
            room: false,
            default_permission: Permission::default(),
            permissions: BTreeMap::new(),
            entries: Vec::new(),
        }
    }

    /// Adds an entry to the calendar.
    pub fn entry(mut self, entry: Entry) -> Self {
        self.entries.push(entry);
        self
    }

    /// Adds entries to the calendar.
    pub fn entries(mut self, entries: impl IntoIterator<Item = Entry>) -> Self {
        self.entries.extend(entries);
        self
    }

    /// Adds the events of an iCalendar text, as Outlook or Google export it: series with their exceptions, all-day events,
    /// `TZID`s with IANA or Windows names, `X-MICROSOFT-CDO-BUSYSTATUS`, `TRANSP`, `CLASS`, `STATUS`. Of several calendars in one text,
    /// every one counts.
    ///
    /// # Errors
    /// [`is_scenario`](crate::Error::is_scenario): the text is no iCalendar object, or an event in it has no usable times.
    pub fn ics(mut self, text: &str) -> Result<Self, crate::Error> {
        let entries = ics::entries(text, self.zone).map_err(|error| error.at(format!("mailbox {}", self.address)))?;
        self.entries.extend(entries);
        Ok(self)
    }

    /// Adds the events of an iCalendar file, as [`ics`](Self::ics) does. A long line of a file may be folded within a character, so take this for bytes.
    ///
    /// # Errors
    /// [`is_scenario`](crate::Error::is_scenario): the file is not UTF-8, no iCalendar object, or an event in it has no usable times.
    pub fn ics_file(self, bytes: &[u8]) -> Result<Self, crate::Error> {
        let text = ics::unfolded(bytes).map_err(|error| error.at(format!("mailbox {}", self.address)))?;
        self.ics(&text)
    }

    /// A further (proxy) address. Naming the mailbox by it as *primary* address gives `ErrorNonPrimarySmtpAddress`.
    pub fn alias(mut self, address: impl Into<String>) -> Self {
        self.aliases.push(address.into());
        self
    }

    /// The user principal name. Default: the primary address.
    pub fn principal_name(mut self, name: impl Into<String>) -> Self {
        self.principal_name = Some(name.into());
        self
    }

    /// The security identifier (`S-1-5-21-…`). Default: none.
    pub fn sid(mut self, sid: impl Into<String>) -> Self {
        self.sid = Some(sid.into());
        self
    }

    /// The zone of entries that state none, and of the working hours.
    pub fn zone(mut self, zone: Tz) -> Self {
        self.zone = zone;
        self
    }

    /// The working hours that free/busy reports, in the mailbox's zone.
    pub fn working_hours(mut self, days: impl IntoIterator<Item = Weekday>, start: NaiveTime, end: NaiveTime) -> Self {
        self.working_hours = WorkingHours { days: days.into_iter().collect(), start, end };
        self
    }

    /// Makes it a room: new entries lose subject and private flag, as Exchange's defaults for rooms have it.
    pub fn room(mut self) -> Self {
        self.room = true;
        self
    }

    /// Sets the state.
    pub fn state(mut self, state: MailboxState) -> Self {
        self.state = state;
        self
    }

    /// Puts it into Exchange Online; the same as [`Location::Online`].
    pub fn online(mut self) -> Self {
        self.location = Location::Online;
        self
    }

    /// Sets the side of the hybrid organisation on which it lies. Default: [`Location::OnPremises`].
    pub fn location(mut self, location: Location) -> Self {
        self.location = location;
        self
    }

    /// On which of the servers behind the front end it lies, counted from 0; see [`Scenario::back_ends`](crate::Scenario::back_ends).
    /// Default: 0.
    pub fn back_end(mut self, number: usize) -> Self {
        self.back_end = number;
        self
    }

    /// Its owner's program moves what is deleted to *Deleted Items*, as Outlook does: subscribers are told of a `MovedEvent` for an
    /// entry that is removed. Default: of a `DeletedEvent`.
    pub fn keeps_deleted(mut self) -> Self {
        self.keeps_deleted = true;
        self
    }

    /// Moves it to this side; for [`Simulator::update`](crate::Simulator::update).
    pub fn move_to(&mut self, location: Location) {
        self.location = location;
    }

    /// Changes its state; for [`Simulator::update`](crate::Simulator::update).
    pub fn set_state(&mut self, state: MailboxState) {
        self.state = state;
    }

    /// What everybody may see who is not named by [`permission`](Mailbox::permission).
    pub fn default_permission(mut self, permission: Permission) -> Self {
        self.default_permission = permission;
        self
    }

    /// What one account (by its name) or mailbox (by its address) may see.
    pub fn permission(mut self, who: impl Into<String>, permission: Permission) -> Self {
        self.permissions.insert(who.into().to_lowercase(), permission);
        self
    }

    /// The primary SMTP address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The entries of the calendar, to change them in [`Simulator::update`](crate::Simulator::update).
    pub fn entries_mut(&mut self) -> &mut Vec<Entry> {
        &mut self.entries
    }
}

impl Default for WorkingHours {
    fn default() -> Self {
        WorkingHours {
            days: vec![Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri],
            start: NaiveTime::MIN + chrono::TimeDelta::hours(8),
            end: NaiveTime::MIN + chrono::TimeDelta::hours(17),
        }
    }
}
