//! The gate's process, what it decides, and what its KDC logs.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
};

use optigov_calendar::KerberosSettings;
use optigov_ews::{Credentials, EwsClient, Kerberos};
use serde_json::Value;

use crate::support::Setup;

/// A gate with a realm of its own.
pub(super) struct Gate {
    ready: Value,
    process: Child,
    log: Arc<Mutex<Vec<Value>>>,
    reader: Option<JoinHandle<()>>,
}

impl Gate {
    /// `None`, and a line that says so, when the environment names no gate.
    pub(super) fn start(options: &[&str]) -> Option<Gate> {
        let answer = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/get_folder.response.xml");
        Gate::start_answering(&answer, options)
    }

    /// The same with another answer to everything.
    pub(super) fn start_answering(answer: &Path, options: &[&str]) -> Option<Gate> {
        let Some(script) = env::var_os("OPTIGOV_KERBEROS_GATE") else {
            writeln!(io::stdout(), "SKIPPED: OPTIGOV_KERBEROS_GATE is not set, so Kerberos is not held against MIT's")
                .ok();
            return None;
        };
        // Debian's own interpreter: it has the package python3-gssapi.
        let mut process = Command::new("/usr/bin/python3")
            .arg(script)
            .args(["--seconds", "300", "--answer"])
            .arg(answer)
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the gate");
        let lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let mut lines = lines.map_while(Result::ok).filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        let ready = lines.next().expect("the gate is ready; otherwise its standard error says what is missing");
        assert_eq!(ready["event"], "ready", "{ready}");
        let log = Arc::new(Mutex::new(Vec::new()));
        let kept = log.clone();
        let reader = std::thread::spawn(move || lines.for_each(|line| kept.lock().expect("the log").push(line)));
        Some(Gate { ready, process, log, reader: Some(reader) })
    }

    /// What the gate said of itself.
    pub(super) fn text(&self, key: &str) -> &str {
        self.ready[key].as_str().expect("a text")
    }

    pub(super) fn read(&self, key: &str) -> Vec<u8> {
        fs::read(self.text(key)).expect("a file of the gate's")
    }

    /// The right account, at the gate's KDC.
    pub(super) fn kerberos(&self) -> Kerberos {
        self.kerberos_with(|settings| settings)
    }

    /// The same with something else set.
    pub(super) fn kerberos_with(&self, change: impl FnOnce(KerberosSettings) -> KerberosSettings) -> Kerberos {
        Kerberos::with_password(change(self.settings(self.text("principal"))), self.text("password"))
    }

    /// The same for a service of this name.
    pub(super) fn kerberos_for(&self, service: &str) -> Kerberos {
        self.kerberos_with(|settings| settings.with_service_name(service).expect("a name"))
    }

    pub(super) fn account(&self, account: &str, password: &str) -> Kerberos {
        Kerberos::with_password(self.settings(account), password)
    }

    /// An account at the gate's KDC.
    pub(super) fn settings(&self, account: &str) -> KerberosSettings {
        KerberosSettings::new(account).and_then(|it| it.with_kdc(self.text("kdc"))).expect("an account")
    }

    /// The right account without a KDC.
    pub(super) fn without_kdc(&self) -> KerberosSettings {
        KerberosSettings::new(self.text("principal")).expect("an account")
    }

    pub(super) fn setup(&self, credentials: impl Into<Credentials>) -> Setup {
        Setup::new(self.text("url")).trusting(self.read("ca")).credentials(credentials.into())
    }

    pub(super) fn client(&self, credentials: impl Into<Credentials>) -> EwsClient {
        self.setup(credentials).build()
    }

    /// How often the KDC logged a line with all of these words.
    pub(super) fn kdc_log(&self, words: &[&str]) -> usize {
        let log = PathBuf::from(self.text("krb5_conf")).with_file_name("kdc.log");
        let log = fs::read_to_string(log).unwrap_or_default();
        log.lines().filter(|line| words.iter().all(|word| line.contains(word))).count()
    }

    /// How many granting tickets and service tickets the KDC issued.
    pub(super) fn issued(&self) -> (usize, usize) {
        (self.kdc_log(&["AS_REQ", "ISSUE"]), self.kdc_log(&["TGS_REQ", "ISSUE"]))
    }

    /// Ends the gate and gives its decisions on requests.
    pub(super) fn decisions(mut self) -> Vec<Value> {
        self.end();
        self.reader.take().expect("once").join().expect("the log's reader");
        let log = std::mem::take(&mut *self.log.lock().expect("the log"));
        log.into_iter().filter(|line| line["event"] == "request").collect()
    }

    /// Asks the gate to end, so that it stops its KDC and removes its folder.
    fn end(&mut self) {
        Command::new("kill").arg(self.process.id().to_string()).status().ok();
        self.process.wait().ok();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if self.reader.is_some() {
            self.end();
        }
    }
}

/// How many decisions have this result.
pub(super) fn count(decisions: &[Value], result: &str) -> usize {
    decisions.iter().filter(|line| line["result"] == result).count()
}

impl Gate {
    /// The right account, by a `krb5.conf`.
    pub(super) fn kerberos_by_conf(&self, text: &str) -> Kerberos {
        Kerberos::with_password(self.without_kdc(), self.text("password")).with_krb5_conf(text)
    }

    /// Waits until the gate has said that its KDC is up again, or down.
    pub(super) async fn wait_for_kdc(&self, up: bool) {
        let said = |line: &Value| line["event"] == "kdc" && line["up"] == up;
        while !self.log.lock().expect("the log").iter().any(said) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}
