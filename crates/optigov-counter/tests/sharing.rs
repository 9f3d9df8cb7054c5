//! What counters share is said once, and means what it would mean at each of them.

use optigov_counter::{Code, Fault, Language, Municipality};

const SHARED: &str = r#"
name = "Musterstadt"

[exchange]
url = "https://mail.m.example/EWS/Exchange.asmx"
authentication = "bearer"
secret = "provided"

[[templates]]
id = "pass"
label = "Reisepass"
length = "20min"

[hours.buergerbuero]
opening = [{ days = "Mo-Fr", hours = "08:00-12:00" }]
exceptions = [{ on = "12-24", closed = true }]

[hours.nachmittags]
opening = [{ days = "Do", hours = "13:00-18:00" }]

[booking.ueblich]
step = "10min"
lead_time = "24h"

[sites.rathaus]
name = "Rathaus, Marktplatz 1"
hours = "buergerbuero"
booking = "ueblich"

[groups.meldewesen]
site = "rathaus"
templates = ["pass"]
hours = ["buergerbuero", "nachmittags"]
capacity = 2
booking = { use = "ueblich", step = "20min" }
exchange_sync = { on = true, needed = "any" }
exceptions = [{ on = "12-31", closed = true }]

[[counters]]
id = "eins"
name = "Schalter 1"
place = "Zimmer 12"
group = "meldewesen"
exchange_sync = { mailboxes = ["a@m.example", "b@m.example"] }

[[counters]]
id = "zwei"
name = "Schalter 2"
group = "meldewesen"
capacity = 1
booking = { buffer_after = "5min" }
exchange_sync = { on = false }
opening = [{ days = "Sa", hours = "09:00-12:00" }]

[[counters]]
id = "drei"
name = "Schalter 3"
site = "rathaus"
templates = ["pass"]
booking = "ueblich"
"#;

/// The same, written out.
const WRITTEN_OUT: &str = r#"
name = "Musterstadt"
templates = [{ id = "pass", label = "Reisepass", length = "20min" }]
exchange = { url = "https://mail.m.example/EWS/Exchange.asmx", authentication = "bearer", secret = "provided" }

[[counters]]
id = "eins"
name = "Schalter 1"
place = "Rathaus, Marktplatz 1, Zimmer 12"
templates = ["pass"]
capacity = 2
booking = { step = "20min", lead_time = "24h" }
exchange_sync = { on = true, needed = "any", mailboxes = ["a@m.example", "b@m.example"] }
opening = [{ days = "Mo-Fr", hours = "08:00-12:00" }, { days = "Do", hours = "13:00-18:00" }]
exceptions = [{ on = "12-24", closed = true }, { on = "12-31", closed = true }]

[[counters]]
id = "zwei"
name = "Schalter 2"
place = "Rathaus, Marktplatz 1"
templates = ["pass"]
capacity = 1
booking = { step = "20min", lead_time = "24h", buffer_after = "5min" }
exchange_sync = { on = false, needed = "any" }
opening = [{ days = "Sa", hours = "09:00-12:00" }, { days = "Mo-Fr", hours = "08:00-12:00" }, { days = "Do", hours = "13:00-18:00" }]
exceptions = [{ on = "12-24", closed = true }, { on = "12-31", closed = true }]

[[counters]]
id = "drei"
name = "Schalter 3"
place = "Rathaus, Marktplatz 1"
templates = ["pass"]
booking = { step = "10min", lead_time = "24h" }
opening = [{ days = "Mo-Fr", hours = "08:00-12:00" }]
exceptions = [{ on = "12-24", closed = true }]
"#;

fn faults(text: &str) -> Vec<Fault> {
    match Municipality::from_toml(text) {
        Ok(municipality) => municipality.warnings(),
        Err(faults) => faults.into_iter().collect(),
    }
}

fn seen(faults: &[Fault]) -> Vec<(String, &'static str)> {
    faults.iter().map(|fault| (fault.path(), fault.code().as_str())).collect()
}

/// The line in which a fault stands, as text.
fn line<'t>(text: &'t str, fault: &Fault) -> &'t str {
    text.lines().nth(fault.line().map_or(0, |line| line as usize - 1)).unwrap_or_default()
}

#[test]
fn what_is_shared_means_what_it_means_written_out_in_both_notations() {
    let shared = Municipality::from_toml(SHARED).unwrap_or_else(|faults| panic!("{faults}"));
    let written_out = Municipality::from_toml(WRITTEN_OUT).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(shared.to_toml(), written_out.to_toml());
    assert_eq!(shared, written_out);
    let value: toml::Value = toml::from_str(SHARED).expect("TOML");
    let json = serde_json::to_string(&value).expect("JSON");
    assert_eq!(Municipality::from_json(&json).unwrap_or_else(|faults| panic!("{faults}")), shared);
    let through_serde: Municipality = serde_json::from_str(&json).expect("through serde");
    assert_eq!(through_serde, shared);
}

#[test]
fn a_fault_in_a_shared_part_is_told_once_where_it_stands() {
    for (right, wrong, path, code) in [
        (
            "hours = \"08:00-12:00\" }]\nexceptions",
            "hours = \"8-x\" }]\nexceptions",
            "hours.buergerbuero.opening[0].hours",
            "malformed",
        ),
        ("[{ on = \"12-24\", closed = true }]", "[{ on = \"12-24\" }]", "hours.buergerbuero.exceptions[0]", "conflict"),
        ("lead_time = \"24h\"", "lead_tme = \"24h\"", "booking.ueblich.lead_tme", "unknown_key"),
        ("step = \"20min\"", "step = \"25h\"", "groups.meldewesen.booking.step", "out_of_range"),
        ("capacity = 2", "capacity = 0", "groups.meldewesen.capacity", "out_of_range"),
        ("needed = \"any\"", "needed = \"some\"", "groups.meldewesen.exchange_sync.needed", "unknown_word"),
        ("site = \"rathaus\"\ntemplates", "site = \"rathuas\"\ntemplates", "groups.meldewesen.site", "unknown_name"),
        ("name = \"Rathaus, Marktplatz 1\"", "nam = \"Rathaus\"", "sites.rathaus.nam", "unknown_key"),
    ] {
        let text = SHARED.replacen(right, wrong, 1);
        assert_ne!(text, SHARED, "{right}");
        let faults = faults(&text);
        assert_eq!(seen(&faults), [(path.to_owned(), code)], "{wrong}");
        let key = wrong.split([' ', '=']).next().unwrap_or_default();
        assert!(
            line(&text, &faults[0]).contains(key) || code == "conflict" || code == "malformed",
            "{wrong}: {:?}",
            line(&text, &faults[0])
        );
    }
}

#[test]
fn what_is_wrong_only_at_one_counter_is_told_there() {
    let text = SHARED.replacen("capacity = 1", "capacity = 1\nexceptions = [{ on = \"12-24\", hours = \"9-10\" }]", 1);
    let faults_of = faults(&text);
    assert_eq!(seen(&faults_of), [("counters[1].group".to_owned(), "conflicting_exceptions")]);
    assert_eq!(faults_of[0].place(Language::German), "Schalter „zwei“: group");
    assert_eq!(line(&text, &faults_of[0]), "group = \"meldewesen\"");

    let without_mailbox = SHARED.replacen("exchange_sync = { on = false }\n", "", 1);
    assert_eq!(seen(&faults(&without_mailbox)), [("counters[1].group".to_owned(), "sync_without_mailbox")]);
}

#[test]
fn names_that_do_not_exist_are_told_with_the_nearest_and_unused_ones_are_a_warning() {
    let text = SHARED.replacen("booking = \"ueblich\"\n", "booking = \"üblich\"\n", 2);
    let told = faults(&text);
    let places = ["sites.rathaus.booking", "counters[2].booking"].map(|path| (path.to_owned(), "unknown_name"));
    assert_eq!(seen(&told), places);
    assert!(told.iter().all(|fault| fault.remedy(Language::German) == "Ist „ueblich“ gemeint?"), "{told:?}");

    let unused =
        format!("{SHARED}\n[hours.abends]\nopening = [{{ days = \"Mo\", hours = \"18-20\" }}]\n[groups.leer]\n");
    assert_eq!(seen(&faults(&unused)), [("hours.abends".to_owned(), "unused"), ("groups.leer".to_owned(), "unused")]);
}

#[test]
fn a_counters_own_document_shares_nothing() {
    let refused =
        optigov_counter::Counter::from_json(r#"{ "id": "a", "name": "A", "group": "b" }"#).expect_err("alone");
    assert_eq!(refused.iter().map(Fault::code).collect::<Vec<_>>(), [Code::UnknownKey]);
}
