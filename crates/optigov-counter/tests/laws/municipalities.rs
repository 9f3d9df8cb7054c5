//! Municipalities as JSON texts, valid by construction.

use optigov_counter::testing::table;
use proptest::prelude::*;
use serde_json::{Value, json};

fn id() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9][a-z0-9._-]{0,8}"
}

fn line() -> impl Strategy<Value = String> {
    // Quotation marks, backslashes and umlauts must survive both notations.
    "[A-Za-zÄÖÜäöüß\"'\\\\#=\\[\\]{}][A-Za-z0-9ÄÖÜäöüß ,.\"'\\\\/#=-]{0,20}[A-Za-z0-9.]"
}

fn span() -> impl Strategy<Value = String> {
    prop_oneof![
        (1..180_u32).prop_map(|minutes| format!("{minutes}min")),
        (1..12_u32).prop_map(|hours| format!("{hours} h")),
        (0..3_u32, 1..60_u32, 1..60_u32).prop_map(|(h, m, s)| format!("{h}h{m}min{s}s")),
    ]
}

fn lead_time() -> impl Strategy<Value = String> {
    prop_oneof![span(), (0..10_u32).prop_map(|days| format!("{days} Tage"))]
}

fn time_of_day() -> impl Strategy<Value = String> {
    (0..24_u32, 0..60_u32).prop_map(|(hour, minute)| format!("{hour}:{minute:02}"))
}

fn date() -> impl Strategy<Value = String> {
    prop_oneof![
        (2020..2040_u32, 1..13_u32, 1..29_u32).prop_map(|(year, month, day)| format!("{year}-{month:02}-{day:02}")),
        (2020..2040_u32, 1..13_u32, 1..29_u32).prop_map(|(year, month, day)| format!("{day}.{month}.{year}")),
    ]
}

/// Hours without overlaps: pairs of neighbouring edges.
fn hours() -> impl Strategy<Value = Value> {
    proptest::collection::btree_set(0..1441_u32, 2..9).prop_map(|edges| {
        let edges: Vec<u32> = edges.into_iter().collect();
        let clock = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
        let hours: Vec<String> =
            edges.chunks_exact(2).map(|pair| format!("{}-{}", clock(pair[0]), clock(pair[1]))).collect();
        if hours.len() == 1 { json!(hours[0]) } else { json!(hours) }
    })
}

fn weekdays() -> impl Strategy<Value = String> {
    let day =
        prop_oneof![Just("Mo"), Just("Tue"), Just("Mittwoch"), Just("Do"), Just("Fri"), Just("samstags"), Just("So")];
    prop_oneof![
        Just("daily".to_owned()),
        (day.clone(), day.clone()).prop_map(|(first, last)| format!("{first}-{last}")),
        proptest::collection::vec(day, 1..4).prop_map(|days| days.join(", ")),
    ]
}

fn holiday_rule() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("augsburger_friedensfest".to_owned()),
        Just("mariae_himmelfahrt".to_owned()),
        Just("heiligabend".to_owned()),
        (1..13_u32, 1..29_u32).prop_map(|(month, day)| format!("{month:02}-{day:02}")),
        (-60..60_i32).prop_map(|days| format!("easter{days:+}")),
        date(),
    ]
}

fn mailbox() -> impl Strategy<Value = String> {
    let local = "[a-zA-Z]{1,3}([.!+_-][a-z0-9]{1,3}){0,2}";
    let domain = prop_oneof![Just("musterstadt.example"), Just("Müllheim.example"), Just("a-b.c.example")];
    (local, domain).prop_map(|(local, domain)| format!("{local}@{domain}"))
}

fn with(table: BoxedStrategy<Value>, more: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    (table, more)
        .prop_map(|(mut table, more)| {
            if let (Value::Object(table), Value::Object(more)) = (&mut table, more) {
                table.extend(more);
            }
            table
        })
        .boxed()
}

fn text(strategy: impl Strategy<Value = String> + 'static) -> BoxedStrategy<Value> {
    strategy.prop_map(Value::String).boxed()
}

fn one_of(words: &'static [&'static str]) -> BoxedStrategy<Value> {
    proptest::sample::select(words).prop_map(|word| json!(word)).boxed()
}

fn blocking() -> BoxedStrategy<Value> {
    let effect = || one_of(&["block", "ignore"]);
    table(vec![
        ("free", effect()),
        ("tentative", effect()),
        ("busy", effect()),
        ("out_of_office", effect()),
        ("working_elsewhere", effect()),
        ("no_data", effect()),
        ("unknown", effect()),
        ("all_day", one_of(&["ignore", "block", "block-unless-free"])),
        ("midnight_to_midnight", one_of(&["all_day", "timed"])),
    ])
}

fn sync() -> BoxedStrategy<Value> {
    (
        any::<bool>(),
        proptest::collection::btree_map(mailbox().prop_map(|m| m.to_lowercase()), Just(()), 1..4),
        0..3_usize,
        blocking(),
    )
        .prop_map(|(on, mailboxes, needed, blocking)| {
            let mailboxes: Vec<String> = mailboxes.into_keys().collect();
            let needed = [json!("all"), json!("any"), json!({ "at_least": mailboxes.len() })][needed].clone();
            json!({ "on": on, "mailboxes": mailboxes, "needed": needed, "blocking": blocking })
        })
        .boxed()
}

fn opening(templates: Vec<String>) -> BoxedStrategy<Value> {
    let repeat = prop_oneof![
        (1..53_u32, date()).prop_map(|(weeks, from)| json!({ "weeks": weeks, "from": from })),
        one_of(&["first", "third", "last"]).prop_map(|in_month| json!({ "in_month": in_month })),
    ];
    let some = proptest::sample::subsequence(templates.clone(), 0..=templates.len()).prop_map(|ids| json!(ids));
    with(
        table(vec![
            ("until", text(Just("2039-12-31".to_owned()))),
            ("repeat", repeat.boxed()),
            ("for_templates", some.boxed()),
        ]),
        (weekdays(), hours()).prop_map(|(days, hours)| json!({ "days": days, "hours": hours })).boxed(),
    )
}

fn exception() -> BoxedStrategy<Value> {
    let effect = prop_oneof![
        Just(json!({ "closed": true })),
        hours().prop_map(|hours| json!({ "hours": hours })),
        hours().prop_map(|hours| json!({ "extra": hours })),
    ];
    let when = prop_oneof![
        holiday_rule().prop_map(|rule| json!({ "on": rule })),
        (1..28_u32, weekdays()).prop_map(
            |(day, days)| json!({ "from": format!("2027-05-{day:02}"), "until": "28.05.2027", "days": days })
        ),
    ];
    with(table(vec![("reason", text(line()))]), with(effect.boxed(), when.boxed()))
}

fn booking() -> BoxedStrategy<Value> {
    table(vec![
        ("step", text(span())),
        ("anchor", one_of(&["window_start", "midnight", "back-to-back"])),
        ("lead_time", text(lead_time())),
        ("horizon", text((20..400_u32).prop_map(|days| format!("{days} days")))),
        ("release_at", text(time_of_day())),
        ("buffer_before", text(span())),
        ("buffer_after", text(span())),
        ("day_limit", (1..100_u32).prop_map(|limit| json!(limit)).boxed()),
    ])
}

fn counter(templates: Vec<String>) -> BoxedStrategy<Value> {
    let served = templates.clone();
    with(
        table(vec![
            ("place", text(line())),
            ("time_zone", one_of(&["Europe/Berlin", "Europe/London", "UTC"])),
            ("capacity", (1..1000_u32).prop_map(|capacity| json!(capacity)).boxed()),
            ("observes_holidays", any::<bool>().prop_map(|yes| json!(yes)).boxed()),
            ("clock_changes", one_of(&["widest", "rfc5545"])),
            ("booking", booking()),
            ("exchange_sync", sync()),
            ("opening", proptest::collection::vec(opening(templates), 0..4).prop_map(|rules| json!(rules)).boxed()),
            // One exception, so that none contradicts another.
            ("exceptions", exception().prop_map(|one| json!([one])).boxed()),
        ]),
        (id(), line()).prop_map(move |(id, name)| json!({ "id": id, "name": name, "templates": served })).boxed(),
    )
}

fn exchange() -> BoxedStrategy<Value> {
    let folder = std::path::Path::new("C:\\optigov für alle");
    optigov_counter::testing::connections(folder)
        .prop_map(|text| serde_json::from_str(&text).expect("a table as JSON"))
        .boxed()
}

fn template(id: String) -> BoxedStrategy<Value> {
    with(
        table(vec![
            ("service", text(line())),
            ("max_concerns", (1..3_u32).prop_map(|most| json!(most)).boxed()),
            ("mode", one_of(&["on_site", "online"])),
            ("lead_time", text(lead_time())),
            ("buffer_before", text(span())),
            ("buffer_after", text(span())),
        ]),
        (line(), span()).prop_map(move |(label, length)| json!({ "id": id, "label": label, "length": length })).boxed(),
    )
}

fn distinct_ids(most: usize) -> BoxedStrategy<Vec<String>> {
    proptest::collection::btree_set(id(), 0..=most).prop_map(|ids| ids.into_iter().collect()).boxed()
}

/// A municipality as JSON text, valid by construction.
pub(crate) fn municipality() -> BoxedStrategy<String> {
    distinct_ids(4)
        .prop_flat_map(|ids| {
            let templates: Vec<_> = ids.iter().cloned().map(template).collect();
            let counters = proptest::collection::vec(counter(ids), 0..4);
            let holidays = proptest::collection::vec(
                prop_oneof![
                    text(holiday_rule()),
                    (holiday_rule(), line(), time_of_day())
                        .prop_map(|(on, name, from)| json!({ "on": on, "name": name, "closed_from": from }))
                ],
                0..3,
            );
            let holidays = (holidays, proptest::collection::vec(holiday_rule(), 0..2))
                .prop_map(|(add, remove)| json!({ "add": add, "remove": remove }));
            with(
                table(vec![
                    ("time_zone", one_of(&["Europe/Berlin", "Europe/Vienna"])),
                    ("state", one_of(&["BY", "nw", "Thüringen", "Mecklenburg-Vorpommern"])),
                    ("holidays", holidays.boxed()),
                    ("exchange", exchange()),
                ]),
                (line(), templates, counters)
                    .prop_map(|(name, templates, mut counters)| {
                        for (index, counter) in counters.iter_mut().enumerate() {
                            counter["id"] = json!(format!("{}{index}", counter["id"].as_str().unwrap_or_default()));
                        }
                        json!({ "name": name, "templates": templates, "counters": counters })
                    })
                    .boxed(),
            )
        })
        .prop_map(|municipality| municipality.to_string())
        .boxed()
}
