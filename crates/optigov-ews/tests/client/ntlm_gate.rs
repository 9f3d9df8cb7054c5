//! NTLM against an acceptor that is not ours: a TLS proxy in front of the simulator, which authenticates the connection as IIS does.
//!
//! `OPTIGOV_NTLM_GATE` names the acceptor's script and `OPTIGOV_PYTHON` an interpreter that has `pyspnego` and `cryptography`. Without
//! them these tests say that they skip.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
};

use optigov_calendar::ReadErrorKind;
use optigov_ews::{Credentials, EwsClient};
use optigov_exchange_simulator::{Account, Entry, Mailbox, Scenario, Simulator};

use crate::support::{Setup, anna, read as read_calendar, utc};

const PASSWORD: &str = "geheim-4711";

/// Makes a CA and a certificate for `localhost` that it signed with the hash named by the second argument.
const MAKE_CERTIFICATE: &str = r#"
import datetime, pathlib, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
folder, digest = pathlib.Path(sys.argv[1]), getattr(hashes, sys.argv[2])()
name = lambda text: x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
keys = [rsa.generate_private_key(65537, 2048) for _ in range(2)]
now = datetime.datetime.now(datetime.timezone.utc)
def certificate(subject, key, extension):
    return (x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name("gate CA")).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1)).add_extension(extension, True).sign(keys[0], digest))
pem = serialization.Encoding.PEM
(folder / "ca.pem").write_bytes(certificate("gate CA", keys[0], x509.BasicConstraints(True, None)).public_bytes(pem))
(folder / "leaf.pem").write_bytes(certificate("localhost", keys[1], x509.SubjectAlternativeName([x509.DNSName("localhost")])).public_bytes(pem))
(folder / "leaf.key").write_bytes(keys[1].private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
"#;

/// The acceptor's process, and what it has decided so far.
struct Gate {
    url: String,
    ca_pem: Vec<u8>,
    process: Child,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
    _files: tempfile::TempDir,
    _simulator: Simulator,
}

impl Gate {
    /// `None`, and a line that says so, when the environment names no acceptor.
    fn start(binding: &str, digest: &str) -> Option<Gate> {
        let (Some(script), Some(python)) = (env::var_os("OPTIGOV_NTLM_GATE"), env::var_os("OPTIGOV_PYTHON")) else {
            writeln!(io::stdout(), "skipped: OPTIGOV_NTLM_GATE and OPTIGOV_PYTHON are not set").ok();
            return None;
        };
        let (script, python) = (PathBuf::from(script), PathBuf::from(python));
        let (start, end) = (utc("2026-11-24T09:00:00Z"), utc("2026-11-24T10:00:00Z"));
        let simulator = Simulator::start(
            Scenario::new()
                .plain_http()
                .account(Account::new("svc-optigov").password(PASSWORD).impersonates(["anna@musterstadt.example"]))
                .mailbox(
                    Mailbox::new("anna@musterstadt.example").entry(Entry::timed(start, end).subject("Streng geheim")),
                ),
        )
        .expect("a simulator");
        let files = tempfile::tempdir().expect("a folder");
        let made = Command::new(&python)
            .arg("-c")
            .arg(MAKE_CERTIFICATE)
            .arg(files.path())
            .arg(digest)
            .status()
            .expect("the interpreter");
        assert!(made.success(), "no certificate");

        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
        let mut process = Command::new(&python)
            .arg(&script)
            .args(["--listen", &port.to_string(), "--upstream", &format!("http://{}", simulator.address())])
            .args(["--user", "STADT\\svc-optigov", "--password", PASSWORD, "--channel-binding", binding])
            .args(["--upstream-basic", &format!("svc-optigov:{PASSWORD}")])
            .args(["--cert".as_ref(), files.path().join("leaf.pem").as_os_str()])
            .args(["--key".as_ref(), files.path().join("leaf.key").as_os_str()])
            .stderr(Stdio::piped())
            .spawn()
            .expect("the gate");
        let mut lines = BufReader::new(process.stderr.take().expect("its log")).lines();
        let first = lines.next().expect("a first line").expect("text");
        assert!(first.starts_with("gate on"), "{first}");
        let log = Arc::new(Mutex::new(Vec::new()));
        let kept = log.clone();
        let reader = std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| kept.lock().expect("the log").push(line))
        });
        Some(Gate {
            url: format!("https://localhost:{port}/EWS/Exchange.asmx"),
            ca_pem: read(&files.path().join("ca.pem")),
            process,
            log,
            reader: Some(reader),
            _files: files,
            _simulator: simulator,
        })
    }

    fn client(&self, credentials: Credentials) -> EwsClient {
        Setup::new(&self.url).trusting(&self.ca_pem).credentials(credentials).build()
    }

    /// Ends the gate and gives its decisions.
    fn decisions(mut self) -> Vec<String> {
        self.process.kill().expect("the gate ends");
        self.process.wait().expect("the gate ends");
        self.reader.take().expect("once").join().expect("the log's reader");
        std::mem::take(&mut *self.log.lock().expect("the log"))
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).expect("a file")
}

/// Reads the calendar several times; gives the gate's decisions.
async fn read_thrice(binding: &str, digest: &str, credentials: Credentials) -> Option<Vec<String>> {
    let gate = Gate::start(binding, digest)?;
    let client = gate.client(credentials);
    for _ in 0..3 {
        let view = read_calendar(&client, &anna()).await;
        assert_eq!(view.expect("a view").len(), 1, "{binding} {digest}");
    }
    Some(gate.decisions())
}

fn count(decisions: &[String], start: &str) -> usize {
    decisions.iter().filter(|line| line.starts_with(start)).count()
}

/// Each certificate's signature hash, held against each way of looking at the binding.
async fn accepted_with(digest: &str) {
    for binding in ["none", "allow", "require"] {
        let credentials = Credentials::ntlm("STADT\\svc-optigov", PASSWORD);
        let Some(decisions) = read_thrice(binding, digest, credentials).await else { return };
        assert_eq!(count(&decisions, "ok"), 1, "one handshake for three requests: {decisions:?}");
        assert_eq!(count(&decisions, "leg 1"), 1, "{decisions:?}");
        assert_eq!(count(&decisions, "leg 3"), 1, "{decisions:?}");
    }
}

#[tokio::test]
async fn ntlm_is_accepted_with_a_certificate_signed_with_sha_256() {
    accepted_with("SHA256").await;
}

#[tokio::test]
async fn ntlm_is_accepted_with_a_certificate_signed_with_sha_384() {
    accepted_with("SHA384").await;
}

#[tokio::test]
async fn ntlm_is_accepted_with_a_certificate_signed_with_sha_512() {
    accepted_with("SHA512").await;
}

#[tokio::test]
async fn negotiate_carries_ntlm_with_its_binding() {
    let credentials = Credentials::negotiate("STADT\\svc-optigov", PASSWORD);
    if let Some(decisions) = read_thrice("require", "SHA256", credentials).await {
        assert_eq!(count(&decisions, "ok"), 1, "{decisions:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_proved_once_however_many_tasks_wait() {
    let Some(gate) = Gate::start("require", "SHA256") else { return };
    let client = gate.client(Credentials::ntlm("STADT\\svc-optigov", "falsch"));
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.impersonate(&anna()).calendar_folder().await })
        })
        .collect();
    let mut kinds = Vec::new();
    for task in tasks {
        kinds.push(task.await.expect("the task").expect_err("refused").kind());
    }
    assert_eq!(kinds.iter().filter(|kind| **kind == ReadErrorKind::CredentialsRefused).count(), 1, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| **kind == ReadErrorKind::CredentialsLocked).count(), 7, "{kinds:?}");
    client.set_credentials(Credentials::ntlm("STADT\\svc-optigov", PASSWORD));
    client.impersonate(&anna()).calendar_folder().await.expect("a folder with the right password");
    let decisions = gate.decisions();
    assert_eq!(count(&decisions, "leg 3"), 2, "{decisions:?}");
}
