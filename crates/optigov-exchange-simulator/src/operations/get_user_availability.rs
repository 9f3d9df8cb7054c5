//! [GetUserAvailability](https://learn.microsoft.com/exchange/client-developer/web-service-reference/getuseravailability-operation):
//! free/busy of many mailboxes, each with a response of its own, as far as the caller's permission goes.

use chrono::{DateTime, Datelike, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc, Weekday};

use super::folder::available;
use super::{Request, instant, required, schema};
use crate::calendar::{Kind, Occurrence};
use crate::encoding::INVALID_BYTE;
use crate::scenario::{FreeBusyDefect, Location, Mailbox, Permission, Status};
use crate::soap::Refusal;
use crate::xml::{Element, Escaped, Ns};
use crate::zones::{self, Change, Clock, Summer};

/// More mailboxes in one request are refused.
const MOST_MAILBOXES: usize = 100;

/// What the caller wants to see. Ordered: a caller with fewer rights gets less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Depth {
    MergedOnly,
    FreeBusy,
    Detailed,
}

#[derive(Clone, Copy, Debug)]
struct View {
    depth: Depth,
    merged: bool,
    interval: i64,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    clock: Clock,
}

pub(super) fn answer(request: &Request<'_>) -> Result<String, Refusal> {
    let mailboxes = &required(request.body, Ns::Messages, "MailboxDataArray")?.children;
    if mailboxes.is_empty() {
        return Err(Refusal::new("ErrorMailboxDataArrayEmpty", "The request names no mailbox."));
    }
    if mailboxes.len() > MOST_MAILBOXES {
        let text = format!("The request names {} mailboxes; {MOST_MAILBOXES} are allowed.", mailboxes.len());
        return Err(Refusal::new("ErrorMailboxDataArrayTooBig", text));
    }
    let view = View::parse(request)?;
    let mut out = "<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>".to_owned();
    for data in mailboxes {
        out.push_str("<m:FreeBusyResponse>");
        match one(request, data) {
            Ok(asked) => {
                out.push_str(r#"<m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>"#);
                out.push_str("</m:ResponseMessage>");
                write_view(&mut out, request, view.within(asked.permission), &asked);
            }
            Err(refusal) => {
                refusal.write_message(&mut out, "ResponseMessage", "");
                out.push_str("<m:FreeBusyView><t:FreeBusyViewType>None</t:FreeBusyViewType></m:FreeBusyView>");
            }
        }
        out.push_str("</m:FreeBusyResponse>");
    }
    out.push_str("</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>");
    Ok(out)
}

/// A mailbox that is asked for by one of its addresses, what the caller may see of it, and what is odd about the answer.
struct Asked<'a> {
    mailbox: usize,
    permission: Permission,
    defects: Vec<&'a FreeBusyDefect>,
}

fn one<'a>(request: &Request<'a>, data: &Element) -> Result<Asked<'a>, Refusal> {
    let email = required(data, Ns::Types, "Email")?;
    required(data, Ns::Types, "AttendeeType")?;
    let address = required(email, Ns::Types, "Address")?.text();
    if !address.contains('@') {
        return Err(Refusal::new("ErrorInvalidSmtpAddress", "The SMTP address format is not valid."));
    }
    let defects: Vec<_> = request.manner.free_busy_defects(address).collect();
    if let Some(code) = defects.iter().find_map(|defect| defect.response_code()) {
        return Err(Refusal::new(code.to_owned(), "The scenario refuses this mailbox."));
    }
    let unknown = || Refusal::new("ErrorMailRecipientNotFound", "The address could not be resolved in the directory.");
    let mailbox = request.world.mailbox_of(address).ok_or_else(unknown)?;
    if request.world.mailbox(mailbox).location == Location::Online && !request.world.scenario.hybrid_free_busy {
        let text = "The request could not be passed on to the organization of the mailbox.";
        return Err(Refusal::new("ErrorProxyRequestProcessingFailed", text));
    }
    available(request, mailbox)?;
    match request.caller.permission(request.world, mailbox) {
        Permission::None => {
            let text = "The caller has no access to free/busy data.";
            Err(Refusal::new("ErrorNoFreeBusyAccess", text))
        }
        permission => Ok(Asked { mailbox, permission, defects }),
    }
}

impl View {
    fn parse(request: &Request<'_>) -> Result<View, Refusal> {
        let clock = match request.body.child(Ns::Types, "TimeZone") {
            Some(zone) => clock(zone).ok_or_else(|| schema("the element 'TimeZone' cannot be read".to_owned()))?,
            None => {
                let text = "The request names no time zone.";
                return Err(Refusal::new("ErrorTimeZone", text));
            }
        };
        let Some(options) = request.body.child(Ns::Types, "FreeBusyViewOptions") else {
            let text = "The request asks for neither free/busy data nor suggestions.";
            return Err(Refusal::new("ErrorInvalidFreeBusyViewType", text));
        };
        let window = required(options, Ns::Types, "TimeWindow")?;
        let time = |name| {
            let text = required(window, Ns::Types, name)?.text();
            instant(text, |civil| clock.instant(civil))
                .ok_or_else(|| schema(format!("the element '{name}' is no dateTime")))
        };
        let (start, end) = (time("StartTime")?, time("EndTime")?);
        if end <= start {
            let text = "The end of the time window is not after its start.";
            return Err(Refusal::new("ErrorInvalidTimeInterval", text));
        }
        let allowed = request.world.scenario.free_busy_days;
        if end - start > TimeDelta::days(allowed.into()) {
            let text = format!("The time window is longer than the allowed {allowed} days.");
            return Err(Refusal::new("ErrorTimeIntervalTooBig", text));
        }
        let interval = match options.types(&["MergedFreeBusyIntervalInMinutes"]).map(|minutes| minutes.text().parse()) {
            None => Some(30),
            Some(Ok(minutes @ 5..=1440)) => Some(minutes),
            Some(_) => None,
        };
        // Exchange checks the interval for every view, also for those that are not merged.
        let Some(interval) = interval.filter(|minutes| TimeDelta::minutes(*minutes) <= end - start) else {
            let text =
                "The interval of merged free/busy data must be from 5 to 1440 minutes, and not longer than the window.";
            return Err(Refusal::new("ErrorInvalidMergedFreeBusyInterval", text));
        };
        let (depth, merged) = match options.types(&["RequestedView"]).map_or("FreeBusy", Element::text) {
            "MergedOnly" => (Depth::MergedOnly, true),
            "FreeBusy" => (Depth::FreeBusy, false),
            "FreeBusyMerged" => (Depth::FreeBusy, true),
            "Detailed" => (Depth::Detailed, false),
            "DetailedMerged" => (Depth::Detailed, true),
            _ => {
                let text = "The requested view of free/busy data is not valid.";
                return Err(Refusal::new("ErrorInvalidFreeBusyViewType", text));
            }
        };
        Ok(View { depth, merged, interval, start, end, clock })
    }

    fn within(self, permission: Permission) -> View {
        let most = if permission >= Permission::LimitedDetails { Depth::Detailed } else { Depth::FreeBusy };
        View { depth: self.depth.min(most), ..self }
    }

    fn name(&self) -> &'static str {
        match (self.depth, self.merged) {
            (Depth::MergedOnly, _) => "MergedOnly",
            (Depth::FreeBusy, false) => "FreeBusy",
            (Depth::FreeBusy, true) => "FreeBusyMerged",
            (Depth::Detailed, false) => "Detailed",
            (Depth::Detailed, true) => "DetailedMerged",
        }
    }

    /// Without offset: in the zone that the request named.
    fn time(&self, at: DateTime<Utc>) -> NaiveDateTime {
        self.clock.local(at)
    }
}

fn write_view(out: &mut String, request: &Request<'_>, view: View, asked: &Asked<'_>) {
    let has = |defect: FreeBusyDefect| asked.defects.contains(&&defect);
    if has(FreeBusyDefect::None) {
        return out.push_str("<m:FreeBusyView><t:FreeBusyViewType>None</t:FreeBusyViewType></m:FreeBusyView>");
    }
    let view = View {
        depth: if has(FreeBusyDefect::MergedOnly) { Depth::MergedOnly } else { view.depth },
        merged: view.merged || has(FreeBusyDefect::MergedWithoutEvents) || has(FreeBusyDefect::BusyMerged),
        ..view
    };
    let manner = request.manner;
    let leaks = manner.foreign || has(FreeBusyDefect::LeakingSeries);
    let leak = if leaks { TimeDelta::days(7) } else { TimeDelta::zero() };
    let mut found = request.world.calendar(asked.mailbox).view(view.start, view.end + leak, manner.touching);
    found.retain(|o| o.start < view.end || (manner.touching && o.start == view.end) || o.kind != Kind::Single);
    if manner.unsorted {
        found.reverse();
    }
    let view_type = asked.defects.iter().find_map(|defect| defect.view_type()).unwrap_or_else(|| view.name());
    push!(out, "<m:FreeBusyView><t:FreeBusyViewType>{}</t:FreeBusyViewType>", Escaped(view_type));
    if view.merged || view.depth == Depth::MergedOnly {
        let digits = merged(&view, &found);
        let digits = if has(FreeBusyDefect::BusyMerged) { "2".repeat(digits.len()) } else { digits };
        push!(out, "<t:MergedFreeBusy>{digits}</t:MergedFreeBusy>");
    }
    if view.depth > Depth::MergedOnly {
        if !found.is_empty() && !has(FreeBusyDefect::MergedWithoutEvents) {
            out.push_str("<t:CalendarEventArray>");
            for occurrence in &found {
                write_event(out, request, &view, occurrence, asked.permission);
            }
            out.push_str("</t:CalendarEventArray>");
        }
        write_working_hours(out, request.world.mailbox(asked.mailbox), view.start.year());
    }
    out.push_str("</m:FreeBusyView>");
}

fn write_event(out: &mut String, request: &Request<'_>, view: &View, occurrence: &Occurrence, permission: Permission) {
    let entry = &occurrence.entry;
    let (start, end) = (view.time(occurrence.start), view.time(occurrence.end));
    push!(out, "<t:CalendarEvent><t:StartTime>{}</t:StartTime>", start.format("%FT%T"));
    push!(out, "<t:EndTime>{}</t:EndTime>", end.format("%FT%T"));
    push!(out, "<t:BusyType>{}</t:BusyType>", entry.status.wire());
    let invalid_subject = request.manner.invalid_subject;
    if view.depth == Depth::Detailed || invalid_subject {
        out.push_str("<t:CalendarEventDetails>");
        if invalid_subject {
            push!(out, "<t:Subject>{INVALID_BYTE}</t:Subject>");
        } else if !entry.private || permission == Permission::Reviewer {
            push!(out, "<t:Subject>{}</t:Subject>", Escaped(&entry.subject));
            push!(out, "<t:Location>{}</t:Location>", Escaped(entry.location.as_deref().unwrap_or_default()));
        }
        let of_series = matches!(occurrence.kind, Kind::Occurrence | Kind::Exception);
        push!(out, "<t:IsMeeting>{}</t:IsMeeting>", request.boolean(entry.meeting));
        push!(out, "<t:IsRecurring>{}</t:IsRecurring>", request.boolean(of_series));
        push!(out, "<t:IsException>{}</t:IsException>", request.boolean(occurrence.kind == Kind::Exception));
        push!(out, "<t:IsReminderSet>false</t:IsReminderSet>");
        push!(out, "<t:IsPrivate>{}</t:IsPrivate></t:CalendarEventDetails>", request.boolean(entry.private));
    }
    out.push_str("</t:CalendarEvent>");
}

/// A digit per interval: that of the weightiest entry in it.
fn merged(view: &View, found: &[Occurrence]) -> String {
    let interval = TimeDelta::minutes(view.interval);
    let mut digits = String::new();
    let mut at = view.start;
    while at < view.end {
        let inside = found.iter().filter(|o| o.start < at + interval && o.end > at);
        let weightiest = inside.map(|o| o.entry.status).max_by_key(|status| weight(*status));
        digits.push(weightiest.map_or('0', digit));
        at += interval;
    }
    digits
}

fn weight(status: Status) -> u8 {
    match status {
        Status::Free => 0,
        Status::NoData => 1,
        Status::WorkingElsewhere => 2,
        Status::Tentative => 3,
        Status::Busy => 4,
        Status::OutOfOffice => 5,
    }
}

fn digit(status: Status) -> char {
    match status {
        Status::Free => '0',
        Status::Tentative => '1',
        Status::Busy => '2',
        Status::OutOfOffice => '3',
        Status::WorkingElsewhere => '4',
        Status::NoData => '5',
    }
}

fn write_working_hours(out: &mut String, mailbox: &Mailbox, year: i32) {
    let clock = Clock::of(mailbox.zone, year);
    push!(out, "<t:WorkingHours><t:TimeZone><t:Bias>{}</t:Bias>", -clock.standard);
    match clock.summer {
        Some(summer) => {
            write_change(out, "StandardTime", 0, summer.ends);
            write_change(out, "DaylightTime", clock.standard - summer.offset, summer.begins);
        }
        // A zone without summer time says so with months of zero.
        None => {
            for element in ["StandardTime", "DaylightTime"] {
                push!(out, "<t:{element}><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder>");
                push!(out, "<t:Month>0</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:{element}>");
            }
        }
    }
    out.push_str("</t:TimeZone><t:WorkingPeriodArray><t:WorkingPeriod><t:DayOfWeek>");
    let hours = &mailbox.working_hours;
    let days: Vec<_> = hours.days.iter().map(|day| zones::weekday_name(*day)).collect();
    let minutes = |time: NaiveTime| time.hour() * 60 + time.minute();
    push!(out, "{}</t:DayOfWeek><t:StartTimeInMinutes>{}", days.join(" "), minutes(hours.start));
    push!(out, "</t:StartTimeInMinutes><t:EndTimeInMinutes>{}</t:EndTimeInMinutes>", minutes(hours.end));
    out.push_str("</t:WorkingPeriod></t:WorkingPeriodArray></t:WorkingHours>");
}

fn write_change(out: &mut String, element: &str, bias: i32, change: Change) {
    let day = zones::weekday_name(change.weekday);
    push!(out, "<t:{element}><t:Bias>{bias}</t:Bias><t:Time>{}</t:Time>", change.time.format("%T"));
    push!(out, "<t:DayOrder>{}</t:DayOrder><t:Month>{}</t:Month>", change.occurrence, change.month);
    push!(out, "<t:DayOfWeek>{day}</t:DayOfWeek></t:{element}>");
}

/// Reads a `t:TimeZone`: a bias in minutes to UTC, and two days of change, equal or of month zero where there is none.
fn clock(zone: &Element) -> Option<Clock> {
    let bias: i32 = zone.types(&["Bias"])?.text().parse().ok()?;
    let (ends, standard) = change(zone.types(&["StandardTime"])?)?;
    let (begins, summer) = change(zone.types(&["DaylightTime"])?)?;
    let standard = -(bias.checked_add(standard)?);
    let offset = -(bias.checked_add(summer)?);
    let changes = begins.zip(ends).filter(|_| standard != offset);
    Some(Clock { standard, summer: changes.map(|(begins, ends)| Summer { offset, begins, ends }) })
}

fn change(element: &Element) -> Option<(Option<Change>, i32)> {
    let text = |name| element.types(&[name]).map(Element::text);
    let bias = text("Bias")?.parse().ok().filter(|bias: &i32| bias.abs() <= 24 * 60)?;
    let month = text("Month")?.parse().ok()?;
    let occurrence = text("DayOrder")?.parse().ok()?;
    let time = text("Time")?.get(..8)?.parse().ok()?;
    let weekday = match text("DayOfWeek")? {
        "Monday" => Weekday::Mon,
        "Tuesday" => Weekday::Tue,
        "Wednesday" => Weekday::Wed,
        "Thursday" => Weekday::Thu,
        "Friday" => Weekday::Fri,
        "Saturday" => Weekday::Sat,
        "Sunday" => Weekday::Sun,
        _ => return None,
    };
    let change = Change { month, weekday, occurrence, time };
    Some(((1..=12).contains(&month).then_some(change).filter(|_| (1..=5).contains(&occurrence)), bias))
}
