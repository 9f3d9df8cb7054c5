//! The TOML form of a scenario.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc, Weekday};
use chrono_tz::Tz;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::{
    AccessPolicy, Account, AnchorLookup, Application, Certificate, ChannelBinding, Entry, Fault, Location,
    LoginRefusal, Mailbox, MailboxState, Permission, Scenario, Scheme, Status, Streaming, Throttling, Tls,
};

pub(super) fn scenario(text: &str) -> Result<Scenario, crate::Error> {
    let file: File = toml::from_str(text).map_err(|cause| {
        let at = cause.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        crate::Error::scenario(format!("line {at}: {}", cause.message())).because(cause)
    })?;
    let mut scenario = Scenario::new();
    scenario.accounts = file.accounts;
    scenario.applications = file.applications;
    if let Some(tenant) = file.tenant {
        scenario.tenant = tenant;
    }
    scenario.hybrid_free_busy = file.hybrid_free_busy;
    if let Some(most) = file.mailbox_concurrency {
        scenario.mailbox_concurrency = most;
    }
    if let Some(schemes) = file.schemes {
        scenario.schemes = schemes;
    }
    scenario.channel_binding = file.channel_binding;
    scenario.certificate = file.certificate;
    scenario.tls = file.tls;
    scenario.faults = file.faults;
    scenario.throttling = file.throttling;
    scenario.streaming = file.streaming;
    if let Some(count) = file.back_ends {
        scenario.back_ends = count;
    }
    scenario.separate_sites = file.separate_sites;
    scenario.foreign = file.foreign_server;
    scenario.plain = file.plain_http;
    scenario.unexpanded_series = file.unexpanded_series;
    scenario.anchor_lookup = file.anchor_lookup;
    scenario.access_policy = file.access_policy;
    scenario.refused_login = file.refused_login;
    scenario.challenges_in_one_line = file.challenges_in_one_line;
    scenario.ntlm_without_target_info = file.ntlm_without_target_info;
    if let Some(days) = file.free_busy_days {
        scenario.free_busy_days = days;
    }
    for mailbox in file.mailboxes {
        scenario.mailboxes.push(mailbox.build()?);
    }
    scenario.check()?;
    Ok(scenario)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schemes: Option<Vec<Scheme>>,
    #[serde(default)]
    channel_binding: ChannelBinding,
    #[serde(default)]
    plain_http: bool,
    #[serde(default)]
    certificate: Certificate,
    #[serde(default)]
    tls: Tls,
    #[serde(default)]
    throttling: Throttling,
    #[serde(default)]
    streaming: Streaming,
    back_ends: Option<usize>,
    #[serde(default)]
    separate_sites: bool,
    #[serde(default)]
    foreign_server: bool,
    #[serde(default)]
    unexpanded_series: bool,
    #[serde(default)]
    anchor_lookup: AnchorLookup,
    #[serde(default)]
    access_policy: AccessPolicy,
    #[serde(default)]
    refused_login: LoginRefusal,
    #[serde(default)]
    challenges_in_one_line: bool,
    #[serde(default)]
    ntlm_without_target_info: bool,
    #[serde(default, rename = "fault")]
    faults: Vec<Fault>,
    free_busy_days: Option<u32>,
    tenant: Option<String>,
    #[serde(default)]
    hybrid_free_busy: bool,
    mailbox_concurrency: Option<usize>,
    #[serde(default, rename = "application")]
    applications: Vec<Application>,
    #[serde(default, rename = "account")]
    accounts: Vec<Account>,
    #[serde(default, rename = "mailbox")]
    mailboxes: Vec<RawMailbox>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMailbox {
    address: String,
    #[serde(default)]
    aliases: Vec<String>,
    principal_name: Option<String>,
    sid: Option<String>,
    #[serde(default, deserialize_with = "zone")]
    zone: Option<Tz>,
    working_hours: Option<RawWorkingHours>,
    #[serde(default)]
    state: MailboxState,
    #[serde(default)]
    location: Location,
    #[serde(default)]
    back_end: usize,
    #[serde(default)]
    keeps_deleted: bool,
    #[serde(default)]
    room: bool,
    #[serde(default)]
    default_permission: Permission,
    #[serde(default)]
    permissions: std::collections::BTreeMap<String, Permission>,
    /// iCalendar text.
    ics: Option<String>,
    #[serde(default, rename = "entry")]
    entries: Vec<RawEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWorkingHours {
    days: Vec<Weekday>,
    start: NaiveTime,
    end: NaiveTime,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    start: Option<When>,
    end: Option<When>,
    all_day: Option<AllDay>,
    #[serde(default, deserialize_with = "zone")]
    zone: Option<Tz>,
    zone_name: Option<String>,
    #[serde(default)]
    subject: String,
    location: Option<String>,
    #[serde(default)]
    status: Status,
    #[serde(default)]
    private: bool,
    #[serde(default)]
    cancelled: bool,
    #[serde(default)]
    meeting: bool,
    uid: Option<String>,
    recurs: Option<String>,
    #[serde(default)]
    deleted: Vec<Date>,
    #[serde(default)]
    moved: Vec<RawMove>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMove {
    date: Date,
    start: When,
    end: When,
}

/// One date, or the first and the last.
#[derive(Deserialize)]
#[serde(untagged)]
enum AllDay {
    One(Date),
    Span([Date; 2]),
}

/// A date, as TOML's own or as text.
#[derive(Clone, Copy)]
struct Date(NaiveDate);

/// A time with offset, or a civil one; as TOML's own or as text.
#[derive(Clone, Copy)]
enum When {
    Instant(DateTime<Utc>),
    Civil(NaiveDateTime),
}

impl RawMailbox {
    fn build(self) -> Result<Mailbox, crate::Error> {
        let mut mailbox = Mailbox::new(self.address);
        mailbox.aliases = self.aliases;
        mailbox.principal_name = self.principal_name;
        mailbox.sid = self.sid;
        mailbox.state = self.state;
        mailbox.location = self.location;
        mailbox.room = self.room;
        mailbox.back_end = self.back_end;
        mailbox.keeps_deleted = self.keeps_deleted;
        mailbox.default_permission = self.default_permission;
        if let Some(zone) = self.zone {
            mailbox.zone = zone;
        }
        if let Some(hours) = self.working_hours {
            mailbox = mailbox.working_hours(hours.days, hours.start, hours.end);
        }
        for (who, permission) in self.permissions {
            mailbox = mailbox.permission(who, permission);
        }
        for (at, entry) in self.entries.into_iter().enumerate() {
            let place = format!("mailbox {}, entry {}", mailbox.address, at + 1);
            let entry = entry.build(mailbox.zone).map_err(|error| error.at(place))?;
            mailbox.entries.push(entry);
        }
        match self.ics {
            Some(text) => mailbox.ics(&text),
            None => Ok(mailbox),
        }
    }
}

impl RawEntry {
    fn build(self, mailbox_zone: Tz) -> Result<Entry, crate::Error> {
        let zone = self.zone.unwrap_or(mailbox_zone);
        let mut entry = match (self.all_day, self.start, self.end) {
            (Some(AllDay::One(day)), None, None) => Entry::all_day(day.0, day.0),
            (Some(AllDay::Span([first, last])), None, None) => Entry::all_day(first.0, last.0),
            (None, Some(When::Civil(start)), Some(When::Civil(end))) => Entry::local(start, end),
            (None, Some(start), Some(end)) => Entry::timed(start.instant(zone), end.instant(zone)),
            _ => return Err(crate::Error::scenario("give either `start` and `end`, or `all_day`")),
        };
        entry.zone = self.zone;
        entry.zone_name = self.zone_name;
        entry.subject = self.subject;
        entry.location = self.location;
        entry.status = self.status;
        entry.private = self.private;
        entry.cancelled = self.cancelled;
        entry.meeting = self.meeting || self.cancelled;
        entry.uid = self.uid;
        entry.rule = self.recurs;
        for date in self.deleted {
            entry = entry.deleted(date.0);
        }
        for moved in self.moved {
            entry = entry.moved(moved.date.0, moved.start.civil(zone), moved.end.civil(zone));
        }
        Ok(entry)
    }
}

impl When {
    fn instant(self, zone: Tz) -> DateTime<Utc> {
        match self {
            When::Instant(at) => at,
            When::Civil(at) => crate::zones::instant(at, zone),
        }
    }

    fn civil(self, zone: Tz) -> NaiveDateTime {
        match self {
            When::Instant(at) => crate::zones::local(at, zone),
            When::Civil(at) => at,
        }
    }
}

/// TOML's own date or time, or a text, as text.
fn native_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match toml::Value::deserialize(deserializer)? {
        toml::Value::Datetime(native) => Ok(native.to_string()),
        toml::Value::String(text) => Ok(text),
        other => Err(D::Error::custom(format!("expected a date or time, not {}", other.type_str()))),
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = native_or_text(deserializer)?;
        text.parse().map(Date).map_err(|_| D::Error::custom(format!("{text:?} is no date such as 2026-11-24")))
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = native_or_text(deserializer)?;
        if let Ok(at) = DateTime::parse_from_rfc3339(&text) {
            return Ok(When::Instant(at.to_utc()));
        }
        let civil = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"];
        let civil = civil.iter().find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok());
        civil.map(When::Civil).ok_or_else(|| {
            D::Error::custom(format!("{text:?} is no time such as 2026-11-24T09:00 or 2026-11-24T09:00:00+01:00"))
        })
    }
}

fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Tz>, D::Error> {
    let name = String::deserialize(deserializer)?;
    name.parse().map(Some).map_err(|_| D::Error::custom(format!("{name:?} is no IANA time zone such as Europe/Berlin")))
}
