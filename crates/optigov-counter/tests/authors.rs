//! What the author of a configuration reads: the commonest mistakes have the best messages, and each is told once, where it is, in words.

use optigov_counter::{Code, Fault, Language, Municipality, decoded};

fn faults(text: &str) -> Vec<Fault> {
    Municipality::from_toml(text).expect_err("a faulty configuration").into_iter().collect()
}

fn seen(faults: &[Fault]) -> Vec<(String, &'static str, Option<u32>)> {
    faults.iter().map(|fault| (fault.path(), fault.code().as_str(), fault.line())).collect()
}

const EXCHANGE: &str = r#"name = "Musterstadt"
[exchange]
url = "https://mail.musterstadt.example/EWS/Exchange.asmx"
authentication = "ntml"
account = ACCOUNT
secret = "provided"
[[counters]]
id = "eins"
name = "Schalter 1"
exchange_sync = { on = true }
"#;

#[test]
fn a_backslash_in_double_quotes_is_told_in_both_languages_and_hides_nothing() {
    let elsewhere = [
        ("exchange.authentication".to_owned(), "unknown_word", Some(4)),
        ("counters[0].exchange_sync.mailboxes".to_owned(), "sync_without_mailbox", Some(10)),
    ];
    for account in [
        r#""STADT\svc""#,
        r#""STADT\user""#,
        r#""STADT\xaver""#,
        r#""STADT\Ute""#,
        r#""STADT\svc\""#,
        r#""STADT\uDFFF""#,
        r#""\\STADT\svc""#,
    ] {
        let faults = faults(&EXCHANGE.replace("ACCOUNT", account));
        let (syntax, rest) = faults.split_first().expect("a fault");
        assert_eq!((syntax.code(), syntax.line()), (Code::Syntax, Some(5)), "{account}");
        assert!(syntax.message(Language::German).contains("Rückstrich"), "{account}: {syntax}");
        assert!(syntax.remedy(Language::German).contains("einfache Anführungszeichen"), "{syntax}");
        assert!(syntax.remedy(Language::English).contains("single quotes"), "{syntax}");
        let rest: Vec<_> = rest.iter().filter(|fault| fault.code() != Code::NothingBookable).cloned().collect();
        assert_eq!(seen(&rest), elsewhere, "{account}");
    }
}

#[test]
fn a_backslash_that_toml_takes_for_a_line_break_is_told_alike() {
    let exchange = EXCHANGE.replace("ntml", "ntlm");
    for account in [r#""STADT\neumann""#, r#""STADT\tina""#, r#""STADT\eva""#] {
        let faults = faults(&exchange.replace("ACCOUNT", account));
        let fault = faults.iter().find(|fault| fault.path() == "exchange.account");
        let fault = fault.unwrap_or_else(|| panic!("{account}: {faults:?}"));
        assert!(fault.remedy(Language::German).contains("einfache Anführungszeichen"), "{fault}");
    }
    let path =
        exchange.replace("ACCOUNT", r"'STADT\svc'").replace("secret =", "ca_file = \"C:\\temp\\new.pem\"\nsecret =");
    let fault = faults(&path).into_iter().find(|fault| fault.path() == "exchange.ca_file").expect("a fault");
    assert!(fault.remedy(Language::English).contains("single quotes"), "{fault}");
}

#[test]
fn other_slips_of_syntax_are_told_in_the_readers_words() {
    for (text, german) in [
        ("name = Musterstadt", "steht nicht in Anführungszeichen"),
        ("name = \"Musterstadt\nstate = \"BY\"", "hat kein Ende"),
        ("name = \"A\"\nname = \"B\"", "gibt es hier schon"),
        ("name =", "fehlt der Wert"),
        ("name", "fehlt der Wert"),
        ("name = \"A\"\ncounters = [{ id = \"a\" name = \"b\" }]", "fehlt ein Komma"),
        ("name = \"A\"\n[holidays", "eckigen Klammern"),
        ("name = \"A\"\nlength = 8:00", "keine vollständige Uhrzeit"),
        ("name = \"A\" state = \"BY\"", "Zeile noch nicht zu Ende"),
    ] {
        let faults = faults(text);
        let told: Vec<&str> = faults.iter().map(|fault| fault.message(Language::German)).collect();
        assert!(told.iter().any(|message| message.contains(german)), "{text}: {told:?}");
        for fault in &faults {
            assert_ne!(fault.message(Language::German), fault.message(Language::English));
        }
    }
}

#[test]
fn the_place_names_counters_by_their_ids_and_counts_from_one() {
    let text = r#"
name = "Musterstadt"
templates = [{ id = "pass", label = "Reisepass", length = 20 }]
[[counters]]
id = "buergerbuero-1"
name = "Schalter 1"
exchange_sync = { mailboxes = ["anna@musterstadt.example", "anna.musterstadt.example"] }
[[counters]]
name = "Ohne Bezeichner"
capacity = 0
"#;
    let faults = faults(text);
    let places: Vec<(String, String)> =
        faults.iter().map(|fault| (fault.place(Language::German), fault.place(Language::English))).collect();
    let wanted = [
        ("Vorlage „pass“: length", "template \"pass\": length"),
        (
            "Schalter „buergerbuero-1“: exchange_sync.mailboxes, 2. Eintrag",
            "counter \"buergerbuero-1\": exchange_sync.mailboxes, entry 2",
        ),
        ("counters, 2. Eintrag: id", "counters, entry 2: id"),
        ("counters, 2. Eintrag: capacity", "counters, entry 2: capacity"),
    ];
    for (german, english) in wanted {
        assert!(places.contains(&(german.to_owned(), english.to_owned())), "{german} is not in {places:?}");
    }
    assert_eq!(places.len(), wanted.len());
    // Programs go by the path, which stays.
    assert_eq!(faults[1].path(), "counters[0].exchange_sync.mailboxes[1]");
    let warning = &Municipality::from_toml("name = \"A\"\n[[counters]]\nid = \"eins\"\nname = \"Eins\"\n")
        .expect("fine")
        .warnings()[0];
    assert_eq!(warning.place(Language::German), "Schalter „eins“");
}

#[test]
fn the_report_shows_the_file_the_line_and_a_caret_within_eighty_columns() {
    let text = "name = \"Musterstadt\"\nstat = \"BY\"\n";
    let report = Municipality::from_toml(text).expect_err("faulty").report("stadt.toml", text, Language::German);
    let wanted = "stadt.toml, Zeile 2, Spalte 1: Fehler\n  stat [unknown_key]\n  2 | stat = \"BY\"\n    | ^\n  \
                  Den Schlüssel „stat“ gibt es hier nicht.\n  Ist „state“ gemeint?\n";
    assert_eq!(report, wanted);
    let english = Municipality::from_toml(text).expect_err("faulty").report("town.toml", text, Language::English);
    assert!(english.starts_with("town.toml, line 2, column 1: error\n"), "{english}");

    let long = format!("name = \"Musterstadt\"\nholidays = {{ add = [{} \"nonsense\"] }}\n", "\"12-24\", ".repeat(30));
    let faults = Municipality::from_toml(&long).expect_err("faulty");
    for language in Language::ALL {
        let report = faults.report("stadt.toml", &long, language);
        assert!(report.lines().all(|line| line.chars().count() <= 80), "{report}");
        let lines: Vec<&str> = report.lines().collect();
        let caret = lines.iter().position(|line| line.ends_with('^')).expect("a caret");
        let column = lines[caret].chars().count() - 1;
        let below: String = lines[caret - 1].chars().skip(column).take(9).collect();
        assert_eq!(below, "\"nonsense", "{report}");
    }
}

#[test]
fn the_report_repeats_no_secret_no_account_and_no_address() {
    let secret = "Geheim4711";
    for line in [
        format!("secret = \"{secret}\""),
        format!("secret = \"{secret}\\s\""),
        format!("password = \"{secret}\""),
        format!("account = \"svc:{secret}\""),
        format!("url = \"https://svc:{secret}@mail.example/\""),
        format!("proxy = \"http://svc:{secret}@proxy.example\""),
        format!("proxy = \"http://svc:{secret}\\s@proxy.example\""),
        format!("secret = {{ env = \"{secret} \" }}"),
        format!("secret = {secret}"),
        format!("test_mailbox = \"{secret}\""),
        format!("secret = [\n\"{secret}\"\n]"),
        format!("secret = [\n\"{secret}\\s\"\n]"),
    ] {
        let text = format!("name = \"M\"\n[exchange]\n{line}\n");
        let report = Municipality::from_toml(&text).expect_err("faulty").report("m.toml", &text, Language::German);
        assert!(!report.contains(secret), "{line}:\n{report}");
    }
    let text = "name = \"M\"\n[[counters]]\nid = \"a\"\nname = \"A\"\nexchange_sync.mailboxes = [\n  \"anna.muster.example\",\n]\n";
    let report = Municipality::from_toml(text).expect_err("faulty").report("m.toml", text, Language::German);
    assert!(!report.contains("anna") && report.contains("••••.••••••.•••••••"), "{report}");
}

#[test]
fn a_misspelt_key_is_told_once() {
    let counter = |lines: &str| {
        format!(
            "name = \"M\"\n[[templates]]\nid = \"pass\"\nlabel = \"Pass\"\nlength = \"20min\"\n[[counters]]\nid = \"a\"\nname = \"A\"\n\
             templates = [\"pass\"]\nopening = [{{ days = \"Mo\", hours = \"8-12\" }}]\n{lines}\n"
        )
    };
    for (text, path) in [
        (counter("").replace("length", "lenght"), "templates[0].lenght"),
        (counter("").replace("opening", "openning"), "counters[0].openning"),
        (counter("").replace("[[templates]]", "[[tempaltes]]"), "tempaltes"),
        (
            counter("exchange_sync = { on = true, mailbox = [\"a@b.example\"] }").replacen(
                "\n",
                "\nexchange = { url = \"https://a.example/\", authentication = \"bearer\", secret = \"provided\" }\n",
                1,
            ),
            "counters[0].exchange_sync.mailbox",
        ),
        (counter("exceptions = [{ on = \"12-24\", hour = \"8-9\" }]"), "counters[0].exceptions[0].hour"),
        (counter("exceptions = [{ onn = \"12-24\", hours = \"8-9\" }]"), "counters[0].exceptions[0].onn"),
        (counter("exchange_sync = { on = true, mailboxes = [\"a@b.example\"] }\n[exchnge]\nurl = \"x\""), "exchnge"),
        (
            counter("").replace("opening = [{ days", "hours = \"x\"\nopening = [{ days").replacen(
                '\n',
                "\nhours.x = { openings = [] }\n",
                1,
            ),
            "hours.x.openings",
        ),
    ] {
        assert_eq!(
            seen(&faults(&text)).iter().map(|(path, code, _)| (path.as_str(), *code)).collect::<Vec<_>>(),
            [(path, "unknown_key")],
            "{text}"
        );
    }
    // What is missing besides is told.
    let both = faults("name = \"M\"\n[[templates]]\nid = \"pass\"\nlenght = \"20min\"\n");
    assert_eq!(both.iter().map(Fault::path).collect::<Vec<_>>(), ["templates[0].lenght", "templates[0].label"]);
}

#[test]
fn files_in_other_encodings_are_named_and_a_byte_order_mark_is_no_fault() {
    let text = "name = \"Müllheim\"\n";
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, named) in [(wide, "UTF-16"), (b"name = \"M\xFCllheim\"\n".to_vec(), "Latin-1")] {
        let faults = decoded(&bytes).expect_err("not UTF-8");
        for language in Language::ALL {
            assert!(faults.describe(language).contains(named) && faults.describe(language).contains("UTF-8"));
            let report = faults.report("town.toml", "", language);
            assert!(report.starts_with("town.toml, ") && !report.contains('|'), "no line can be shown: {report}");
        }
    }
    for read in [Municipality::from_toml("\u{feff}name = \"M\""), Municipality::from_json("\u{feff}{\"name\": \"M\"}")]
    {
        assert_eq!(read.expect("a municipality").name(), "M");
    }
}

#[test]
fn what_people_write_for_dates_and_hours_is_read_or_refused_with_the_right_form() {
    let counter = |opening: &str, exception: &str| {
        format!(
            "name = \"M\"\n[[counters]]\nid = \"a\"\nname = \"A\"\nopening = [{opening}]\nexceptions = [{exception}]\n"
        )
    };
    let read = |hours: &str, on: &str| {
        let text = counter(
            &format!("{{ days = \"Mo bis Fr\", hours = \"{hours}\" }}"),
            &format!("{{ on = \"{on}\", closed = true }}"),
        );
        Municipality::from_toml(&text).expect("a municipality").to_toml()
    };
    let canonical = read("08:00-12:00", "12-24");
    assert_eq!(read("08.00-12.00", "24.12."), canonical);
    assert_eq!(read("08:00 bis 12:00", "24.12."), canonical);
    let fault = &faults(&counter("", "{ from = \"24.12.\", until = \"2026-12-26\", closed = true }"))[0];
    assert!(fault.remedy(Language::German).contains("„24.12.2026“"), "{fault}");
    let fault = &faults(&counter("{ days = \"Mo\", hours = \"von 8 an\" }", ""))[0];
    assert!(fault.remedy(Language::German).contains("„08:00-12:00“"), "{fault}");
}

#[test]
fn the_address_of_the_schema_is_allowed_in_both_notations() {
    let toml = "\"$schema\" = \"https://example.org/municipality.schema.json\"\nformat = 1\nname = \"M\"\n";
    let json = r#"{ "$schema": "./municipality.schema.json", "name": "M" }"#;
    assert_eq!(Municipality::from_toml(toml).expect("TOML"), Municipality::from_json(json).expect("JSON"));
    optigov_counter::Counter::from_json(r#"{ "$schema": "./counter.schema.json", "id": "a", "name": "A" }"#)
        .expect("a counter");
    let faults = faults("\"$schema\" = 1\nname = \"M\"\n");
    assert_eq!(seen(&faults), [("$schema".to_owned(), "wrong_type", Some(1))]);
}
