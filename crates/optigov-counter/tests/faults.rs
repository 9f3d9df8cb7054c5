//! Everything that is wrong is said at once: where, what, and how to mend it.

use std::collections::BTreeSet;

use optigov_counter::{Code, Counter, FORMAT_VERSION, Fault, Language, Municipality, Severity};

/// A municipality with several faults in both notations; each line that is wrong names the code and the path that are expected.
const WRONG_TOML: &str = r#"
name = "Musterstadt"
time_zone = "Europe/Berln"
stat = "BY"

[exchange]
url = "http://mail.musterstadt.example/EWS/Exchange.asmx"
authentication = "ntml"
secret = "Geheim-4711"

[[templates]]
id = "pass"
label = "Reisepass"
length = 20

[[templates]]
id = "ausweis"
label = "Ausweis"
length = "20min"

[[templates]]
id = "ausweis"
label = "Noch einmal"
length = "20min"

[[counters]]
id = "eins"
name = "Schalter 1"
templates = ["pas"]

[counters.booking]
horizon = "5d"
lead_time = "10d"

[counters.exchange_sync]
on = true
mailboxes = []

[[counters.opening]]
days = "Mo-Fr"
hours = ["08:00-12:00", "11:00-13:00"]

[[counters]]
id = "zwei"
name = "Schalter 2"

[counters.exchange_sync]
on = true
mailboxes = ["anna@musterstadt.example", "anna.musterstadt.example"]
"#;

fn faults_of_json(text: &str) -> Vec<Fault> {
    Municipality::from_json(text).expect_err("a faulty configuration").into_iter().collect()
}

fn faults_of_toml(text: &str) -> Vec<Fault> {
    Municipality::from_toml(text).expect_err("a faulty configuration").into_iter().collect()
}

fn seen(faults: &[Fault]) -> Vec<(String, &'static str)> {
    faults.iter().map(|fault| (fault.path(), fault.code().as_str())).collect()
}

#[test]
fn a_text_with_many_faults_is_told_them_all_with_line_and_column() {
    let faults = faults_of_toml(WRONG_TOML);
    let expected = [
        ("stat", "unknown_key", "stat = "),
        ("time_zone", "unknown_word", "\"Europe/Berln\""),
        ("exchange.url", "malformed", "\"http://mail"),
        ("exchange.authentication", "unknown_word", "\"ntml\""),
        ("exchange.secret", "inline_secret", "\"Geheim"),
        ("templates[0].length", "wrong_type", "20\n"),
        ("templates[2].id", "duplicate_id", "\"ausweis\"\nlabel = \"Noch"),
        ("counters[0].booking.horizon", "horizon_before_lead_time", "\"5d\""),
        ("counters[0].exchange_sync.mailboxes", "sync_without_mailbox", "[]"),
        ("counters[0].opening[0].hours[1]", "overlapping_hours", "\"11:00-13:00\""),
        ("counters[1].exchange_sync.mailboxes[1]", "malformed", "\"anna.muster"),
    ];
    let mut seen = seen(&faults);
    seen.sort();
    let mut wanted: Vec<(String, &str)> = expected.iter().map(|(path, code, _)| ((*path).to_owned(), *code)).collect();
    wanted.sort();
    assert_eq!(seen, wanted);
    for (path, _, at) in expected {
        let fault = faults.iter().find(|fault| fault.path() == path).expect(path);
        let byte = WRONG_TOML.find(at).expect(at);
        assert_eq!(fault.line(), Some(WRONG_TOML[..byte].matches('\n').count() as u32 + 1), "{fault}");
        let line_start = WRONG_TOML[..byte].rfind('\n').map_or(0, |newline| newline + 1);
        assert_eq!(fault.column(), Some(WRONG_TOML[line_start..byte].chars().count() as u32 + 1), "{fault}");
    }
}

#[test]
fn json_has_the_same_faults_with_places_of_its_own() {
    let json = r#"{
  "name": "Müllheim", "time_zone": "Europe/Berln",
  "ünbekannt": 1,
  "templates": [{ "id": "a", "label": "A", "length": "20min" }, { "id": "b", "label": "B", "lenght": "20min" }],
  "counters": [
    { "id": "eins", "name": "Eins", "exchange_sync": { "on": true,
        "mailboxes": ["anna@musterstadt.example", "ANNA@musterstadt.example"] } }
  ]
}"#;
    let faults: Vec<Fault> = Municipality::from_json(json).expect_err("a faulty configuration").into_iter().collect();
    let places: Vec<(String, &str, Option<u32>, Option<u32>)> =
        faults.iter().map(|fault| (fault.path(), fault.code().as_str(), fault.line(), fault.column())).collect();
    assert_eq!(
        places,
        [
            ("ünbekannt".to_owned(), "unknown_key", Some(3), Some(3)),
            ("time_zone".to_owned(), "unknown_word", Some(2), Some(36)),
            ("templates[1].lenght".to_owned(), "unknown_key", Some(4), Some(92)),
            // That "length" is missing follows from it, and is not told beside it.
            ("counters[0].exchange_sync.mailboxes[1]".to_owned(), "duplicate_mailbox", Some(7), Some(51)),
        ]
    );
}

#[test]
fn did_you_mean_is_asked_for_keys_words_templates_and_zones() {
    let toml =
        WRONG_TOML.replace("length = 20\n", "length = \"20min\"\n").replace("lead_time = \"10d\"", "lead_tme = \"1d\"");
    let remedies: String =
        faults_of_toml(&toml).iter().map(|fault| fault.remedy(Language::German).to_owned() + "\n").collect();
    for meant in
        ["Ist „state“ gemeint?", "Ist „Europe/Berlin“ gemeint?", "Ist „ntlm“ gemeint?", "Ist „lead_time“ gemeint?"]
    {
        assert!(remedies.contains(meant), "{meant} is not in\n{remedies}");
    }
    let municipality = minimal(r#"templates = ["pas"]"#, "");
    let fault = &faults_of_toml(&municipality)[0];
    assert_eq!((fault.code(), fault.remedy(Language::English)), (Code::UnknownTemplate, "Did you mean \"pass\"?"));
}

#[test]
fn secrets_and_addresses_are_never_repeated() {
    let mut texts = vec![WRONG_TOML.to_owned()];
    for exchange in [
        r#"url = "https://svc:Geheim-4711@mail.musterstadt.example/EWS""#,
        r#"proxy = "http://user:Geheim-4711@proxy.musterstadt.example""#,
        r#"password = "Geheim-4711""#,
        r#"secret = { env = "Geheim-4711" }"#,
        r#"secret = { password = "Geheim-4711" }"#,
        r#"secret = { file = "Geheim-4711\n" }"#,
        r#"secret = ["Geheim-4711"]"#,
        r#"account = "svc:Geheim-4711""#,
    ] {
        texts.push(format!("name = \"M\"\n[exchange]\n{exchange}\n"));
    }
    for text in texts {
        let faults = Municipality::from_toml(&text).expect_err("a faulty configuration");
        let json = serde_json::to_string(&faults).expect("faults as JSON");
        for said in [faults.describe(Language::German), faults.describe(Language::English), format!("{faults:?}"), json]
        {
            assert!(!said.contains("4711"), "a secret was repeated: {said}");
            assert!(!said.contains("anna"), "an address was repeated: {said}");
        }
    }
}

#[test]
fn an_inline_secret_is_refused_with_the_remedy() {
    let fault =
        faults_of_toml(WRONG_TOML).into_iter().find(|fault| fault.code() == Code::InlineSecret).expect("a fault");
    assert_eq!(fault.path(), "exchange.secret");
    assert!(fault.remedy(Language::German).contains("secret = { env = "), "{fault}");
}

#[test]
fn a_fault_serialises_for_a_form() {
    let fault = &faults_of_toml("name = 7")[0];
    let json = serde_json::to_value(fault).expect("a fault as JSON");
    assert_eq!(
        json,
        serde_json::json!({
            "path": "name", "place": { "de": "name", "en": "name" }, "code": "wrong_type", "severity": "error", "line": 1, "column": 8,
            "message": { "de": "Hier steht eine ganze Zahl.", "en": "There is a whole number here." },
            "remedy": { "de": "Bitte einen Text wie „Bürgerbüro, Schalter 1“ angeben.", "en": "Give a text such as \"Bürgerbüro, Schalter 1\"." },
        })
    );
}

#[test]
fn a_newer_format_is_refused_with_that_alone() {
    let text = format!("format = {}\nsomething_new = true\n", FORMAT_VERSION + 1);
    assert_eq!(seen(&faults_of_toml(&text)), [("format".to_owned(), "format_too_new")]);
    assert_eq!(faults_of_toml(&text)[0].line(), Some(1));
    let counter = Counter::from_json("{\"format\": 99, \"id\": 1}").expect_err("a newer format");
    assert_eq!(counter.iter().map(Fault::code).collect::<Vec<_>>(), [Code::FormatTooNew]);
}

#[test]
fn a_text_without_a_version_and_one_that_comes_through_serde_are_read_alike() {
    let text = minimal("", "");
    let municipality = Municipality::from_toml(&text).expect("without a version");
    assert_eq!(Municipality::from_toml(&format!("format = 1\n{text}")).expect("with a version"), municipality);
    let through_serde: Municipality = serde_json::from_str(&municipality.to_json()).expect("through serde");
    assert_eq!(through_serde, municipality);
    let error = serde_json::from_str::<Municipality>("{\"name\": 7, \"stat\": 1}").expect_err("a faulty configuration");
    assert!(error.to_string().contains("stat") && error.to_string().contains("name"), "{error}");
}

#[test]
fn tomls_own_dates_and_times_are_read_like_their_texts() {
    let text = |date: &str, time: &str| {
        minimal(
            &format!("booking = {{ release_at = {time} }}\nexceptions = [{{ on = {date}, closed = true }}]"),
            "[[counters.opening]]\ndays = [\"Sa\", \"So\"]\nhours = \"9-12\"",
        )
        .replace("opening = [{ days = \"Mo-Fr\", hours = \"08:00-12:00\" }]", "")
    };
    let own = Municipality::from_toml(&text("2026-12-24", "07:00:00")).expect("TOML's own date and time");
    assert_eq!(Municipality::from_toml(&text("\"24.12.2026\"", "\"7 Uhr\"")).expect("texts"), own);
    assert!(own.to_toml().contains("on = \"2026-12-24\"") && own.to_toml().contains("release_at = \"07:00\""));
    let offset = faults_of_toml(&text("2026-12-24T10:00:00Z", "\"7 Uhr\""));
    assert_eq!(seen(&offset), [("counters[0].exceptions[0].on".to_owned(), "malformed")]);
}

/// A municipality of one template and one counter, with further lines.
fn minimal(counter: &str, rest: &str) -> String {
    let templates = if counter.contains("templates") { "" } else { "templates = [\"pass\"]" };
    format!(
        "name = \"Musterstadt\"\n[[templates]]\nid = \"pass\"\nlabel = \"Reisepass\"\nlength = \"20min\"\n\
         [[counters]]\nid = \"eins\"\nname = \"Schalter 1\"\n{templates}\n{counter}\n\
         opening = [{{ days = \"Mo-Fr\", hours = \"08:00-12:00\" }}]\n{rest}\n"
    )
}

/// One text for each code; the fault is at the path beside it.
fn examples() -> Vec<(Code, &'static str, String)> {
    let with_exchange = |lines: &str| {
        format!(
            "name = \"M\"\n[exchange]\nurl = \"https://m.example/\"\nauthentication = \"basic\"\nsecret = \"provided\"\n{lines}\n"
        )
    };
    let counter = |lines: &str| minimal(lines, "");
    vec![
        (Code::Syntax, "", "name = \n".to_owned()),
        (Code::FormatTooNew, "format", "format = 2\n".to_owned()),
        (Code::UnknownKey, "counters[0].plac", counter("plac = \"Zimmer 1\"")),
        (Code::MissingKey, "name", String::new()),
        (Code::MissingKey, "exchange.account", with_exchange("")),
        (Code::WrongType, "counters[0].place", counter("place = true")),
        (Code::UnknownWord, "exchange.access", with_exchange("account = \"a\"\naccess = \"graph\"")),
        (Code::Malformed, "exchange.resolve_to", with_exchange("account = \"a\"\nresolve_to = \"mail\"")),
        (Code::OutOfRange, "counters[0].capacity", counter("capacity = 0")),
        (Code::OutOfRange, "counters[0].booking.step", counter("booking = { step = \"0min\" }")),
        (
            Code::Conflict,
            "exchange.secret",
            with_exchange("").replace("\"provided\"", "{ env = \"A\", file = \"/b\" }"),
        ),
        (Code::Conflict, "counters[0].exceptions[0]", counter("exceptions = [{ on = \"12-24\" }]")),
        (Code::InlineSecret, "exchange.password", with_exchange("account = \"a\"\npassword = \"x\"")),
        (Code::DuplicateId, "counters[0].templates[1]", counter("templates = [\"pass\", \"pass\"]")),
        (
            Code::DuplicateId,
            "templates[1].id",
            minimal("", "[[templates]]\nid = \"pass\"\nlabel = \"B\"\nlength = \"5min\""),
        ),
        (
            Code::DuplicateMailbox,
            "counters[0].exchange_sync.mailboxes[1]",
            counter("exchange_sync = { mailboxes = [\"a@müllheim.example\", \"A@xn--mllheim-n2a.example\"] }"),
        ),
        (Code::UnknownTemplate, "counters[0].templates[0]", counter("templates = [\"wedding\"]")),
        (
            Code::UnknownTemplate,
            "counters[0].exceptions[0].for_templates[0]",
            counter("exceptions = [{ on = \"12-24\", closed = true, for_templates = [\"x\"] }]"),
        ),
        (Code::SyncWithoutMailbox, "counters[0].exchange_sync.mailboxes", counter("exchange_sync = { on = true }")),
        (
            Code::TooFewMailboxes,
            "counters[0].exchange_sync.needed",
            counter("exchange_sync = { on = true, mailboxes = [\"a@b.example\"], needed = { at_least = 2 } }"),
        ),
        (
            Code::OverlappingHours,
            "counters[0].exceptions[0].extra[1]",
            counter("exceptions = [{ on = \"12-24\", extra = [\"8-10\", \"9-11\"] }]"),
        ),
        (
            Code::InvertedDates,
            "counters[0].exceptions[0].until",
            counter("exceptions = [{ from = \"2027-02-02\", until = \"2027-02-01\", closed = true }]"),
        ),
        (
            Code::HorizonBeforeLeadTime,
            "counters[0].booking.horizon",
            counter("booking = { horizon = \"1d\", lead_time = \"48h\" }"),
        ),
        (
            Code::ConflictingExceptions,
            "counters[0].exceptions[1]",
            counter(
                "exceptions = [{ from = \"2027-02-01\", until = \"2027-02-07\", closed = true }, \
                 { on = \"2027-02-03\", hours = \"8-9\" }]",
            ),
        ),
        (
            Code::OverlappingRules,
            "counters[0].opening[1]",
            minimal("", "[[counters]]\nid = \"x\"\nname = \"X\"").replace(
                "hours = \"08:00-12:00\" }",
                "hours = \"08:00-12:00\" }, { days = \"Fr\", hours = \"11:00-13:00\" }",
            ),
        ),
        (Code::TemplateNeverFits, "counters[0].templates[0]", counter("").replace("20min", "5h")),
        (Code::NothingBookable, "counters[0]", counter("").replace("20min", "5h")),
        (
            Code::SyncWithoutConnection,
            "counters[0].exchange_sync",
            counter("exchange_sync = { on = true, mailboxes = [\"a@b.example\"] }"),
        ),
        (
            Code::LocationWithoutConnection,
            "mailbox_locations.online[0]",
            counter("") + "\n[mailbox_locations]\nonline = [\"musterstadt.example\"]\n",
        ),
        (
            Code::ConflictingLocations,
            "counters[1].exchange_sync.mailboxes[0].location",
            counter("exchange_sync = { mailboxes = [{ address = \"a@b.example\", location = \"auto\" }] }")
                + "\n[[counters]]\nid = \"z\"\nname = \"Z\"\n"
                + "exchange_sync = { mailboxes = [{ address = \"a@b.example\", location = \"online\" }] }\n",
        ),
        (
            Code::LocationNotTold,
            "exchange.access",
            counter("")
                + "\n[exchange]\nurl = \"https://mail.musterstadt.example/EWS/Exchange.asmx\"\nauthentication = \"bearer\"\n"
                + "secret = \"provided\"\naccess = \"free_busy\"\n[exchange_online]\ntenant = \"musterstadt.example\"\n"
                + "client_id = \"11111111-2222-4333-8444-555555555555\"\nsecret = \"provided\"\n",
        ),
        (
            Code::BusyDoesNotBlock,
            "counters[0].exchange_sync.blocking.busy",
            counter("exchange_sync = { blocking = { busy = \"ignore\" } }"),
        ),
        (Code::UnknownName, "counters[0].hours", counter("hours = \"nachmittags\"")),
        (Code::Unused, "hours.nachmittags", counter("").replacen('\n', "\nhours.nachmittags.opening = []\n", 1)),
        (
            Code::RemovesNothing,
            "holidays.remove[0]",
            counter("").replacen('\n', "\nholidays = { remove = [\"12-24\"] }\n", 1),
        ),
    ]
}

#[test]
fn every_code_is_given_at_its_place_and_says_what_to_do_in_both_languages() {
    let mut given = BTreeSet::new();
    for (code, path, text) in examples() {
        let faults = match Municipality::from_toml(&text) {
            Ok(municipality) => municipality.warnings(),
            Err(faults) => faults.into_iter().collect(),
        };
        let fault = faults.iter().find(|fault| fault.code() == code && fault.path() == path);
        let fault = fault.unwrap_or_else(|| panic!("no {code} at {path}; there is {:?} in\n{text}", seen(&faults)));
        assert!(fault.line().is_some() && fault.column().is_some());
        let (de, en) = (fault.describe(Language::German), fault.describe(Language::English));
        assert_ne!(fault.message(Language::German), fault.message(Language::English));
        for sentence in
            [fault.message(Language::German), fault.remedy(Language::German), fault.message(Language::English)]
        {
            assert!(sentence.ends_with(['.', '?']), "{sentence:?}");
        }
        assert!(de.starts_with(&fault.place(Language::German)) && en.starts_with(&fault.place(Language::English)));
        assert!(path.is_empty() || !fault.place(Language::German).is_empty());
        given.insert(code.as_str());
    }
    // TOML itself refuses a key that is there twice; JSON does not.
    let twice = Municipality::from_json("{\"name\": \"A\",\n \"name\": \"B\"}").expect_err("a duplicate key");
    let twice = twice.errors().next().expect("a fault");
    assert_eq!(
        (twice.code(), twice.path().as_str(), twice.line(), twice.column()),
        (Code::DuplicateKey, "name", Some(2), Some(2))
    );
    given.insert(twice.code().as_str());
    // Have no place in a text; `a_text_beyond_the_limit_is_one_fault_that_names_it`, and the tests of `decoded`.
    given.extend([Code::TooLarge.as_str(), Code::Encoding.as_str()]);
    let all: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(given, all, "a code without an example");
}

#[test]
fn warnings_do_not_refuse_and_errors_come_first() {
    let text = examples().into_iter().find(|(code, ..)| *code == Code::BusyDoesNotBlock).expect("an example").2;
    let municipality = Municipality::from_toml(&text).expect("a warning refuses nothing");
    assert_eq!(municipality.warnings().iter().map(Fault::severity).collect::<Vec<_>>(), [Severity::Warning]);
    let faults = faults_of_toml(&text.replace("name = \"Schalter 1\"", "name = 1"));
    assert_eq!(faults[0].severity(), Severity::Error);
}

#[test]
fn a_text_that_is_wrong_everywhere_does_not_fill_the_memory() {
    let many = format!("{{\"counters\": [{}1]}}", "1,".repeat(100_000));
    let faults = Municipality::from_json(&many).expect_err("no counters");
    assert_eq!(faults.iter().count(), 200);
    let deep = "[".repeat(100_000);
    assert!(Municipality::from_json(&deep).is_err());
    assert!(Municipality::from_toml(&format!("a = {deep}")).is_err());
}

/// 1.9 MB of unknown keys, in both notations and in one line and many. Looking each place up from the start took 20 s.
#[test]
fn the_places_of_all_faults_are_found_in_one_pass() {
    let key = |n: usize| format!("schluessel_der_nirgends_steht_und_fuer_den_namen_zu_lang_ist_{n:06}");
    let keys: Vec<String> = (0..25_000).map(key).collect();
    let toml: String = keys.iter().map(|key| format!("{key} = 1\n")).collect();
    let toml = format!("name = \"Musterstadt\"\n{toml}");
    let json_of = |end: &str| {
        let entries: Vec<String> = keys.iter().map(|key| format!("\"{key}\":1")).collect();
        format!("{{\"name\":\"Musterstadt\",{end}{}}}", entries.join(&format!(",{end}")))
    };
    assert!(toml.len() > 1_600_000 && json_of("\n").len() > 1_600_000);
    let began = std::time::Instant::now();
    let told = [faults_of_toml(&toml), faults_of_json(&json_of("\n")), faults_of_json(&json_of(""))];
    assert!(began.elapsed() < std::time::Duration::from_secs(10), "{:?}", began.elapsed());
    for faults in told {
        assert_eq!(faults.len(), 200);
        assert!(faults.iter().all(|fault| fault.code() == Code::UnknownKey && fault.line().is_some()));
    }
}

#[test]
fn a_text_beyond_the_limit_is_one_fault_that_names_it() {
    let long = " ".repeat(optigov_counter::MOST_BYTES + 1);
    let counter: Vec<Fault> = Counter::from_json(&long).expect_err("too large").into_iter().collect();
    for faults in [faults_of_toml(&long), faults_of_json(&long), counter] {
        assert_eq!(faults.iter().map(Fault::code).collect::<Vec<_>>(), [Code::TooLarge]);
        for language in Language::ALL {
            let text = faults[0].describe(language);
            assert!(text.contains("16 MiB") && text.contains("16777217"), "{text}");
        }
    }
    let name = format!("name = \"Musterstadt\"{}", " ".repeat(optigov_counter::MOST_BYTES - 20));
    assert_eq!(name.len(), optigov_counter::MOST_BYTES);
    Municipality::from_toml(&name).expect("at the limit");
}
