//! [GetServerTimeZones](https://learn.microsoft.com/exchange/client-developer/web-service-reference/getservertimezones-operation).

use chrono::Timelike;
use chrono_tz::Tz;

use super::{Request, messages};
use crate::xml::{Escaped, Ns};
use crate::zones::{self, Change, Clock};

/// Definitions hold for this year; rules hardly change.
const YEAR: i32 = 2026;

pub(super) fn answer(request: &Request<'_>) -> String {
    let full = matches!(request.body.attribute("ReturnFullTimeZoneData"), None | Some("true" | "1"));
    let mut out = "<m:TimeZoneDefinitions>".to_owned();
    match request.body.child(Ns::Messages, "Ids") {
        // Exchange leaves out names that it does not know.
        Some(ids) => {
            for name in ids.children.iter().map(|id| id.text()) {
                if let Some(zone) = zones::from_windows_name(name) {
                    write(&mut out, name, zone, full);
                }
            }
        }
        None => {
            let mut names: Vec<_> = chrono_tz::TZ_VARIANTS.iter().map(|zone| zones::windows_name(*zone).0).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                if let Some(zone) = zones::from_windows_name(name) {
                    write(&mut out, name, zone, full);
                }
            }
        }
    }
    out.push_str("</m:TimeZoneDefinitions>");
    messages("GetServerTimeZones", [Ok(out)])
}

fn write(out: &mut String, name: &str, zone: Tz, full: bool) {
    let (id, display) = (Escaped(name), Escaped(zones::windows_name(zone).1));
    push!(out, r#"<t:TimeZoneDefinition Id="{id}" Name="{display}">"#);
    if full {
        let clock = Clock::of(zone, YEAR);
        push!(out, "<t:Periods>");
        push!(out, r#"<t:Period Bias="{}" Name="Standard" Id="{id}/Standard"/>"#, bias(clock.standard));
        if let Some(summer) = clock.summer {
            push!(out, r#"<t:Period Bias="{}" Name="Daylight" Id="{id}/Daylight"/>"#, bias(summer.offset));
        }
        push!(out, r#"</t:Periods><t:TransitionsGroups><t:TransitionsGroup Id="0">"#);
        match clock.summer {
            Some(summer) => {
                write_change(out, &format!("{name}/Daylight"), summer.begins);
                write_change(out, &format!("{name}/Standard"), summer.ends);
            }
            None => push!(out, r#"<t:Transition><t:To Kind="Period">{id}/Standard</t:To></t:Transition>"#),
        }
        push!(out, "</t:TransitionsGroup></t:TransitionsGroups><t:Transitions><t:Transition>");
        push!(out, r#"<t:To Kind="Group">0</t:To></t:Transition></t:Transitions>"#);
    }
    push!(out, "</t:TimeZoneDefinition>");
}

fn write_change(out: &mut String, period: &str, change: Change) {
    let (hours, minutes) = (change.time.hour(), change.time.minute());
    let occurrence = if change.occurrence == 5 { -1 } else { i64::from(change.occurrence) };
    let day = zones::weekday_name(change.weekday);
    push!(out, r#"<t:RecurringDayTransition><t:To Kind="Period">{}</t:To>"#, Escaped(period));
    push!(out, "<t:TimeOffset>PT{hours}H{minutes}M0S</t:TimeOffset><t:Month>{}</t:Month>", change.month);
    push!(out, "<t:DayOfWeek>{day}</t:DayOfWeek><t:Occurrence>{occurrence}</t:Occurrence></t:RecurringDayTransition>");
}

/// What must be added to civil time to get UTC, as an `xs:duration`.
fn bias(offset: i32) -> String {
    format!("{}PT{}H{}M0S", if offset > 0 { "-" } else { "" }, offset.abs() / 60, offset.abs() % 60)
}
