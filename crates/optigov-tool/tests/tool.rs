//! The tool as an administrator runs it: what it prints, in both languages, and its exit status.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use optigov_exchange_simulator::{Account, Entry, Mailbox, Scenario, Simulator};

const ADDRESS: &str = "demo@musterstadt.example";
const PASSWORD: &str = "Musterstadt-2026";

struct Run {
    status: Option<i32>,
    out: String,
    err: String,
}

fn run(words: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_optigov"));
    command.env_remove("LC_ALL").env_remove("LC_MESSAGES").env_remove("LANG").env("OPTIGOV_TEST", PASSWORD);
    let Output { status, stdout, stderr } = command.args(words).output().expect("the tool starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Run { status: status.code(), out: text(stdout), err: text(stderr) }
}

fn sample(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/samples").join(name).display().to_string()
}

/// A simulated Exchange, and the options by which it is reached.
struct Server {
    _simulator: Simulator,
    folder: tempfile::TempDir,
    url: String,
}

impl Server {
    fn start() -> Server {
        let tomorrow = chrono::Utc::now().date_naive() + chrono::Days::new(1);
        let at = |hour| tomorrow.and_hms_opt(hour, 0, 0).expect("a time");
        let account = Account::new("svc-optigov").password(PASSWORD).impersonates([ADDRESS]);
        let entry = Entry::local(at(9), at(10)).subject("Vertraulich");
        let scenario = Scenario::new().account(account).mailbox(Mailbox::new(ADDRESS).entry(entry));
        let simulator = Simulator::start(scenario).expect("a simulator");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("ca.pem"), simulator.ca_pem()).expect("a certificate");
        Server { url: simulator.url(), _simulator: simulator, folder }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        std::fs::write(&file, text).expect("a file");
        file
    }

    fn check(&self, more: &[&str]) -> Run {
        let ca = self.folder.path().join("ca.pem").display().to_string();
        let base =
            ["check", "--url", &self.url, "--account", "svc-optigov", "--authentication", "basic", "--ca-file", &ca];
        run(&[&base[..], &["--mailbox", ADDRESS], more].concat())
    }
}

#[test]
fn the_check_takes_everything_from_the_command_line_and_speaks_both_languages() {
    let server = Server::start();
    let german = server.check(&["--password-env", "OPTIGOV_TEST"]);
    assert_eq!(german.status, Some(0), "{}{}", german.out, german.err);
    for line in [
        "1. Namensauflösung: in Ordnung",
        "4. Anmeldung: in Ordnung",
        "6. Identitätswechsel (Impersonation): in Ordnung",
        "8. Sichtbarkeit der Titel",
        "Der Kalender ist lesbar",
    ] {
        assert!(german.out.contains(line), "{line} is not in\n{}", german.out);
    }
    let english = server.check(&["--password-env", "OPTIGOV_TEST", "--lang", "en"]);
    assert!(english.out.contains("7. Calendar: passed (1 entry in the next 14 days)"), "{}", english.out);
    let json = server.check(&["--password-env", "OPTIGOV_TEST", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!((report["good"].as_bool(), report["steps"][0]["step"].as_str()), (Some(true), Some("resolve")));
    for text in [german.out, english.out, json.out] {
        assert!(!text.contains("Vertraulich") && !text.contains(PASSWORD) && !text.contains(ADDRESS), "{text}");
    }
}

#[test]
fn a_wrong_password_is_one_try_and_status_3_and_the_counters_are_named() {
    let server = Server::start();
    let wrong = server.file("password.txt", "falsch\n").display().to_string();
    let refused = server.check(&["--password-file", &wrong]);
    assert_eq!(refused.status, Some(3), "{}", refused.out);
    assert!(
        refused.out.contains("4. Anmeldung: fehlgeschlagen")
            && refused.out.contains("Die Prüfung endete bei Schritt 4 (Anmeldung)."),
        "{}",
        refused.out
    );
    assert!(!refused.out.contains("falsch\n"));

    let ca = server.folder.path().join("ca.pem").display().to_string();
    let config = server.file(
        "stadt.toml",
        &format!(
            "name = \"Musterstadt\"\n[exchange]\nurl = \"{}\"\nca_file = '{ca}'\nauthentication = \"basic\"\naccount = \"svc-optigov\"\n\
             secret = {{ env = \"OPTIGOV_TEST\" }}\ntest_mailbox = \"{ADDRESS}\"\n[[templates]]\nid = \"pass\"\nlabel = \"Pass\"\nlength = \"20min\"\n\
             [[counters]]\nid = \"eins\"\nname = \"Schalter 1\"\ntemplates = [\"pass\"]\nexchange_sync = {{ on = true, mailboxes = [\"{ADDRESS}\"] }}\n\
             opening = [{{ days = \"daily\", hours = \"00:00-24:00\" }}]\n",
            server.url
        ),
    );
    let config = config.display().to_string();
    let good = run(&["check", "--config", &config, "--lang", "en"]);
    assert_eq!(good.status, Some(0), "{}{}", good.out, good.err);
    assert!(good.out.contains("Counters that use this mailbox: eins"), "{}", good.out);

    let slots = run(&["slots", &config, "--days", "2"]);
    assert_eq!(slots.status, Some(0), "{}{}", slots.out, slots.err);
    assert!(
        slots.out.contains("Schalter 1") && slots.out.lines().all(|line| line.chars().count() <= 112),
        "{}",
        slots.out
    );
    let json = run(&["slots", &config, "--days", "2", "--format", "json", "--now", "23.11.2026 08:00"]);
    assert!(serde_json::from_str::<serde_json::Value>(&json.out).is_ok(), "{}{}", json.out, json.err);
    let closed = run(&["slots", &config.replace("stadt.toml", "fehlt.toml")]);
    assert_eq!(closed.status, Some(2));
    assert!(closed.err.starts_with("Fehler:") && closed.err.contains("Die Datei gibt es nicht."), "{}", closed.err);
}

#[test]
fn what_cannot_be_used_is_said_with_its_option_in_the_language_asked_for() {
    for (words, german, english) in [
        (
            &["check", "--url", "http://mail.example/", "--account", "a", "--mailbox", ADDRESS][..],
            "--url: Die Adresse",
            "--url: The address",
        ),
        (
            &["check", "--url", "https://mail.example/", "--account", "a:b", "--mailbox", ADDRESS],
            "--account: Das Konto",
            "--account: The account",
        ),
        (
            &["check", "--url", "https://mail.example/", "--account", "a", "--mailbox", "a"],
            "Der Adresse fehlt",
            "The address has no",
        ),
        (
            &["check", "--url", "https://m.example/", "--account", "a", "--mailbox", ADDRESS, "--set", "in_flight=0"],
            "--in-flight: Die Zahl 0",
            "--in-flight: The number 0",
        ),
        (&["config", "check"], "Es fehlt", "required"),
        (&["slots", "a.toml", "--from", "morgen"], "Bitte ein Datum", "Give a date"),
        (&["config", "convert", "fehlt.toml"], "kann nicht gelesen werden", "cannot be read"),
    ] {
        for (language, said) in [("de", german), ("en", english)] {
            let run = run(&[words, &["--lang", language]].concat());
            assert_eq!(run.status, Some(2), "{words:?}");
            assert!(run.err.contains(said) && run.out.is_empty(), "{words:?} {language}: {}", run.err);
        }
    }
}

#[test]
fn configurations_are_checked_converted_and_explained() {
    let (town, sites) = (sample("rathaus.toml"), sample("standorte.toml"));
    let good = run(&["config", "check", &town, &sites]);
    assert_eq!(good.status, Some(0), "{}", good.out);
    assert!(good.out.contains("standorte.toml: in Ordnung, 5 Schalter, 0 Warnungen"), "{}", good.out);

    let folder = tempfile::tempdir().expect("a folder");
    let bad = folder.path().join("stadt.toml");
    std::fs::write(&bad, "name = \"M\"\n[exchange]\naccount = \"STADT\\svc\"\n").expect("a file");
    let refused = run(&["config", "check", &bad.display().to_string()]);
    assert_eq!(refused.status, Some(2));
    assert!(
        refused.out.contains("Rückstrich") && refused.out.contains("3 | account = \"•••••\\•••\""),
        "{}",
        refused.out
    );
    assert!(refused.out.contains("stadt.toml: abgelehnt, "), "{}", refused.out);
    let json = run(&["config", "check", &bad.display().to_string(), "--format", "json"]);
    let faults: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!((faults[0]["good"].as_bool(), faults[0]["faults"][0]["code"].as_str()), (Some(false), Some("syntax")));

    let json = run(&["config", "convert", &sites]).out;
    let file = folder.path().join("stadt.json");
    std::fs::write(&file, &json).expect("a file");
    let toml = run(&["config", "convert", &file.display().to_string()]).out;
    assert!(toml.contains("place = \"Rathaus, Marktplatz 1, Zimmer 12\""), "{toml}");
    assert_eq!(run(&["config", "convert", &file.display().to_string(), "--to", "json"]).out, json);

    let explained = run(&[
        "config",
        "explain",
        &sites,
        "--counter",
        "rathaus-1",
        "--from",
        "2026-12-24",
        "--days",
        "2",
        "--lang",
        "en",
    ]);
    assert!(explained.out.contains("Thu 2026-12-24  closed (Heiligabend)"), "{}", explained.out);
    assert!(explained.out.contains("Exchange sync: on, 2 mailboxes, one must be free."), "{}", explained.out);
    assert_eq!(run(&["config", "explain", &sites, "--counter", "fehlt"]).status, Some(2));
    for document in ["municipality", "counter"] {
        assert!(serde_json::from_str::<serde_json::Value>(&run(&["config", "schema", document]).out).is_ok());
    }
}
