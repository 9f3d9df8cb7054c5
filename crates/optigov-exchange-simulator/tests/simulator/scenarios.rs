//! Scenario files and iCalendar exports: what they mean, and what is said about a wrong one.

use crate::common::{Answer, MAILBOX, envelope, find_item, post};
use chrono_tz::Tz;
use optigov_exchange_simulator::{Account, Entry, Mailbox, Scenario, Simulator};

const FIELDS: [&str; 5] =
    ["item:Subject", "calendar:Start", "calendar:End", "calendar:IsAllDayEvent", "calendar:LegacyFreeBusyStatus"];

async fn view(mailbox: Mailbox, from: &str, to: &str) -> Answer {
    let account = Account::new("svc-optigov").password("geheim").impersonates_everybody();
    let simulator = Simulator::start(Scenario::new().account(account).mailbox(mailbox)).expect("a simulator");
    post(&simulator, "geheim", envelope(Some(MAILBOX), &find_item(None, (from, to), None, &FIELDS))).await
}

async fn ics(text: &str, from: &str, to: &str) -> Vec<String> {
    let mailbox = Mailbox::new(MAILBOX).zone(Tz::Europe__Berlin).ics(text).expect("a calendar");
    let answer = view(mailbox, from, to).await;
    let times = answer.texts("Start").into_iter().zip(answer.texts("End"));
    let details = answer.texts("Subject").into_iter().zip(answer.texts("LegacyFreeBusyStatus"));
    times.zip(details).map(|((start, end), (subject, status))| format!("{start} {end} {subject} {status}")).collect()
}

/// As classic Outlook exports: Windows zone names, a VTIMEZONE, its own properties, folded lines, CRLF.
const OUTLOOK: &str = "BEGIN:VCALENDAR\r
PRODID:-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN\r
VERSION:2.0\r
METHOD:PUBLISH\r
X-MS-OLK-FORCEINSPECTOROPEN:TRUE\r
BEGIN:VTIMEZONE\r
TZID:W. Europe Standard Time\r
BEGIN:STANDARD\r
DTSTART:16011028T030000\r
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r
TZOFFSETFROM:+0200\r
TZOFFSETTO:+0100\r
END:STANDARD\r
BEGIN:DAYLIGHT\r
DTSTART:16010325T020000\r
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r
TZOFFSETFROM:+0100\r
TZOFFSETTO:+0200\r
END:DAYLIGHT\r
END:VTIMEZONE\r
BEGIN:VTIMEZONE\r
TZID:Eigene Zeitzone\r
BEGIN:STANDARD\r
DTSTART:16011028T020000\r
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r
TZOFFSETFROM:+0100\r
TZOFFSETTO:+0000\r
END:STANDARD\r
BEGIN:DAYLIGHT\r
DTSTART:16010325T010000\r
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r
TZOFFSETFROM:+0000\r
TZOFFSETTO:+0100\r
END:DAYLIGHT\r
END:VTIMEZONE\r
BEGIN:VEVENT\r
CLASS:PRIVATE\r
DTSTART;TZID=\"W. Europe Standard Time\":20261019T090000\r
DTEND;TZID=\"W. Europe Standard Time\":20261019T100000\r
RRULE:FREQ=WEEKLY;COUNT=4;BYDAY=MO\r
EXDATE;TZID=\"W. Europe Standard Time\":20261026T090000\r
SUMMARY;LANGUAGE=de:Dienst\r
 besprechung\r
TRANSP:OPAQUE\r
UID:040000008200E00074C5B7101A82E008\r
X-MICROSOFT-CDO-BUSYSTATUS:BUSY\r
END:VEVENT\r
BEGIN:VEVENT\r
DTSTART;TZID=\"W. Europe Standard Time\":20261103T150000\r
DTEND;TZID=\"W. Europe Standard Time\":20261103T160000\r
RECURRENCE-ID;TZID=\"W. Europe Standard Time\":20261102T090000\r
SUMMARY;LANGUAGE=de:Dienstbesprechung\r
UID:040000008200E00074C5B7101A82E008\r
X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE\r
END:VEVENT\r
BEGIN:VEVENT\r
DTSTART;VALUE=DATE:20261110\r
DTEND;VALUE=DATE:20261112\r
SUMMARY:Urlaub\r
TRANSP:OPAQUE\r
UID:urlaub\r
X-MICROSOFT-CDO-BUSYSTATUS:OOF\r
X-MICROSOFT-CDO-ALLDAYEVENT:TRUE\r
END:VEVENT\r
BEGIN:VEVENT\r
DTSTART;TZID=Eigene Zeitzone:20261113T090000\r
DTEND;TZID=Eigene Zeitzone:20261113T093000\r
SUMMARY:London\r
UID:london\r
X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE\r
END:VEVENT\r
END:VCALENDAR\r
";

#[tokio::test]
async fn an_outlook_export_keeps_zones_series_and_status() {
    assert_eq!(
        ics(OUTLOOK, "2026-10-01T00:00:00Z", "2026-12-01T00:00:00Z").await,
        [
            "2026-10-19T07:00:00Z 2026-10-19T08:00:00Z Dienstbesprechung Busy",
            "2026-11-03T14:00:00Z 2026-11-03T15:00:00Z Dienstbesprechung Tentative",
            "2026-11-09T08:00:00Z 2026-11-09T09:00:00Z Dienstbesprechung Busy",
            "2026-11-09T23:00:00Z 2026-11-11T23:00:00Z Urlaub OOF",
            "2026-11-13T09:00:00Z 2026-11-13T09:30:00Z London WorkingElsewhere",
        ]
    );
}

/// As Google exports: IANA names, UTC times, UNTIL in UTC, DURATION, transparent entries, floating times.
const GOOGLE: &str = "BEGIN:VCALENDAR
PRODID:-//Google Inc//Google Calendar 70.9054//EN
VERSION:2.0
CALSCALE:GREGORIAN
X-WR-TIMEZONE:Europe/Berlin
BEGIN:VEVENT
DTSTART;TZID=Europe/Berlin:20261023T083000
DTEND;TZID=Europe/Berlin:20261023T091500
RRULE:FREQ=DAILY;UNTIL=20261026T073000Z
UID:daily@google.com
STATUS:CONFIRMED
SUMMARY:Täglich
TRANSP:OPAQUE
END:VEVENT
BEGIN:VEVENT
DTSTART:20261027T100000Z
DURATION:PT1H30M
UID:utc@google.com
STATUS:TENTATIVE
SUMMARY:In UTC
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20261028
DTEND;VALUE=DATE:20261029
UID:day@google.com
SUMMARY:Geburtstag
TRANSP:TRANSPARENT
END:VEVENT
BEGIN:VEVENT
DTSTART:20261029T090000
DTEND:20261029T100000
RDATE:20261030T110000
UID:floating@google.com
SUMMARY:Ohne Zone
END:VEVENT
END:VCALENDAR
";

#[tokio::test]
async fn a_google_export_keeps_its_times_over_the_clock_change() {
    assert_eq!(
        ics(GOOGLE, "2026-10-20T00:00:00Z", "2026-11-01T00:00:00Z").await,
        [
            "2026-10-23T06:30:00Z 2026-10-23T07:15:00Z Täglich Busy",
            "2026-10-24T06:30:00Z 2026-10-24T07:15:00Z Täglich Busy",
            "2026-10-25T07:30:00Z 2026-10-25T08:15:00Z Täglich Busy",
            "2026-10-26T07:30:00Z 2026-10-26T08:15:00Z Täglich Busy",
            "2026-10-27T10:00:00Z 2026-10-27T11:30:00Z In UTC Tentative",
            "2026-10-27T23:00:00Z 2026-10-28T23:00:00Z Geburtstag Free",
            "2026-10-29T08:00:00Z 2026-10-29T09:00:00Z Ohne Zone Busy",
            "2026-10-30T10:00:00Z 2026-10-30T11:00:00Z Ohne Zone Busy",
        ]
    );
}

#[test]
fn a_wrong_calendar_is_refused_by_its_event() {
    let event = |lines: &str| {
        format!("BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:x\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n")
    };
    for (text, part) in [
        ("Guten Tag".to_owned(), "no iCalendar object"),
        (event("SUMMARY:ohne Zeit"), "no DTSTART"),
        (event("DTSTART;TZID=Mars/Nord:20261123T090000"), "\"Mars/Nord\" is not known"),
        (event("DTSTART:20261123T090000Z\nDTEND:20261123T100000Z\nRDATE;VALUE=DATE:20261124"), "its RDATE"),
        (event("DTSTART:20261123T090000Z\nRRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY"), "more than one RRULE"),
    ] {
        let error = Mailbox::new(MAILBOX).ics(&text).expect_err(part);
        assert!(error.is_scenario());
        assert!(error.to_string().contains(part) && error.to_string().contains(MAILBOX), "{error}");
    }
}

#[tokio::test]
async fn entries_of_other_zones_keep_their_civil_days() {
    let day = chrono::NaiveDate::from_ymd_opt(2026, 11, 25).expect("a date");
    let mailbox =
        Mailbox::new(MAILBOX).entry(Entry::all_day(day, day).zone(Tz::Europe__London).subject("Bank holiday"));
    let answer = view(mailbox, "2026-11-20T00:00:00Z", "2026-11-30T00:00:00Z").await;
    assert_eq!(answer.texts("Start"), ["2026-11-25T00:00:00Z"]);
    assert_eq!(answer.texts("End"), ["2026-11-26T00:00:00Z"]);
    assert_eq!(answer.texts("IsAllDayEvent"), ["true"]);
}

#[test]
fn every_scenario_file_starts() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
    let files: Vec<_> =
        std::fs::read_dir(folder).expect("the folder").map(|file| file.expect("a file").path()).collect();
    assert!(files.len() >= 3);
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a text");
        let scenario = Scenario::from_toml(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Simulator::start(scenario).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
}

#[test]
fn a_wrong_file_is_refused_by_line_and_place() {
    let mailbox = "[[mailbox]]\naddress = \"anna@musterstadt.example\"\n";
    let entry = "[[mailbox.entry]]\nstart = \"2026-11-24T09:00\"\nend = \"2026-11-24T10:00\"\n";
    for (text, part) in [
        ("schemes = [\"kerberos\"]".to_owned(), "line 1: unknown variant `kerberos`"),
        (format!("{mailbox}colour = 1"), "line 3: unknown field `colour`"),
        (format!("{mailbox}zone = \"Mars\""), "\"Mars\" is no IANA time zone"),
        (format!("{mailbox}[[mailbox.entry]]\nstart = \"soon\""), "\"soon\" is no time such as"),
        (
            format!("{mailbox}[[mailbox.entry]]\nsubject = \"x\""),
            "entry 1: give either `start` and `end`, or `all_day`",
        ),
        (format!("{mailbox}{entry}deleted = [2026-11-24]"), "it has exceptions but no recurrence"),
        (format!("{mailbox}{mailbox}"), "occurs twice"),
        ("[[mailbox]]\naddress = \"anna\"".to_owned(), "is no SMTP address"),
        ("[[account]]\nname = \"a\"\nmailbox = \"b@c\"".to_owned(), "account a: its own mailbox b@c"),
        ("[[account]]\nname = \"a\"\nimpersonates = \"some\"".to_owned(), "line 3"),
        ("[[fault]]\neffect = \"explode\"".to_owned(), "line 2"),
        ("[[fault]]\neffect = \"hang\"\nprobability = 2.0".to_owned(), "fault 1: its probability is not from 0 to 1"),
    ] {
        let error = Scenario::from_toml(&text).expect_err(part);
        assert!(error.is_scenario() && error.to_string().contains(part), "{error}");
    }
    let text = format!("{mailbox}{entry}recurs = \"FREQ=SOMETIMES\"");
    let error = Simulator::start(Scenario::from_toml(&text).expect("a file")).expect_err("the rule");
    assert_eq!(
        error.to_string(),
        "mailbox anna@musterstadt.example, entry 1: \"FREQ=SOMETIMES\" is no usable recurrence rule"
    );
}

#[test]
fn every_effect_has_a_name_in_files() {
    for effect in [
        "{ delay = 100 }",
        "\"hang\"",
        "\"reset_before\"",
        "\"reset_within\"",
        "\"reset_after\"",
        "{ status = { code = 502, body = \"Bad gateway\", content_type = \"text/plain\" } }",
        "{ status = { code = 429 } }",
        "\"truncated\"",
        "\"malformed\"",
        "\"forbidden_characters\"",
        "{ huge = 1000000 }",
        "\"endless\"",
        "{ replace = { text = \"Busy\", with = \"Dreaming\" } }",
        "{ other_mailbox = \"anna@musterstadt.example\" }",
        "\"missing_optional\"",
        "\"numeric_booleans\"",
        "\"unsorted\"",
        "\"touching\"",
        "\"masters\"",
        "{ response_code = \"ErrorOfTomorrow\" }",
        "{ fault = \"ErrorTimeoutExpired\" }",
        "{ bare_fault = \"Client\" }",
        "{ throttled = { shape = \"wrapped\", back_off = 1500 } }",
        "\"close_before\"",
        "{ http = { status = 503, headers = { \"Retry-After\" = \"-1\" } } }",
        "\"unauthorized\"",
        "\"invalid_utf8\"",
        "\"gzip\"",
        "\"utf16\"",
        "{ many_items = 64000000 }",
        "{ surplus = {} }",
        "{ surplus = { after = 200 } }",
        "{ other_request_id = \"somebody-else\" }",
        "{ contradiction = \"two_messages\" }",
        "{ contradiction = { missing_items = 2 } }",
        "{ contradiction = { status = 500 } }",
        "{ year = \"+12026\" }",
        "{ free_busy = \"none\" }",
        "{ free_busy = { unknown_view_type = \"Everything\" } }",
        "{ response_code_with_back_off = { code = \"ErrorServerBusy\", back_off = \"-5\" } }",
        "{ soap_fault = { code = \"ErrorServerBusy\", status = 403, fault_code = \"x\", back_off = \"-5\", bare = true } }",
    ] {
        let text = format!("[[fault]]\neffect = {effect}\n");
        Scenario::from_toml(&text).unwrap_or_else(|error| panic!("{effect}: {error}"));
    }
    let status = Scenario::from_toml("[[fault]]\neffect = { status = { code = 99 } }\n").expect_err("no status");
    assert_eq!(status.to_string(), "fault 1: 99 is no status of a final answer");
}

#[test]
fn a_refused_update_changes_nothing() {
    let simulator = Simulator::start(Scenario::new().mailbox(Mailbox::new(MAILBOX))).expect("a simulator");
    let broken = simulator.update(|scenario| *scenario = scenario.clone().mailbox(Mailbox::new(MAILBOX)));
    assert!(broken.expect_err("twice").is_scenario());
    simulator.update(|scenario| assert!(scenario.mailbox_mut(MAILBOX).is_some())).expect("the old one");
}

#[test]
fn many_run_at_once_in_one_process() {
    let all: Vec<_> = (0..20).map(|_| Simulator::start(Scenario::new()).expect("a simulator")).collect();
    let ports: std::collections::HashSet<_> = all.iter().map(|simulator| simulator.address().port()).collect();
    assert_eq!(ports.len(), all.len());
    let address = all[0].address();
    drop(all);
    assert!(std::net::TcpStream::connect(address).is_err(), "dropped means stopped");
}
