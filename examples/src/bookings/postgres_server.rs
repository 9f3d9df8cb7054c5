//! A PostgreSQL server for the example and its tests: the machine's own programs, with all files in a temporary folder.

use std::env;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgSslMode};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Where Debian's package keeps its programs, in a folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// Whom the server runs as where we are root, which PostgreSQL refuses to be. Debian's package makes this user.
const SERVER_USER: &str = "postgres";
/// How long the server may take to come up.
const COMES_UP_WITHIN: Duration = Duration::from_secs(60);
/// Starts the server, says so, and stops it when its standard input ends: so none is left behind, however this process ends.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
cd "$1" || exit 1
initdb --pgdata=data --username=optigov --auth=trust --encoding=UTF8 --no-locale --no-sync >log 2>&1 </dev/null || exit 1
pg_ctl start --pgdata=data --log=log --silent --wait --options="-k $1 -c listen_addresses='' -c fsync=off" >/dev/null </dev/null || exit 1
echo up
read -r _
pg_ctl stop --pgdata=data --mode=immediate --silent --wait >/dev/null 2>&1
rm -rf data log
cd / && rmdir "$1"
"#;

/// A server that listens on a Unix socket in its own folder only, which no other user may enter. It stops when this is dropped.
#[derive(Debug)]
pub struct PostgresServer {
    process: Option<Child>,
    folder: TempDir,
}

impl PostgresServer {
    /// What to say where there is none, and what to do.
    pub const MISSING: &str = "there is no PostgreSQL server on this machine (Debian: apt-get install postgresql)";

    /// Starts a server with an empty database; `None` where this machine has no such program.
    ///
    /// # Errors
    /// Where it cannot be started, or does not come up within 60 s.
    pub async fn start() -> anyhow::Result<Option<PostgresServer>> {
        let Some(programs) = programs() else { return Ok(None) };
        let folder = tempfile::Builder::new().prefix("optigov-pg-").tempdir()?;
        // A folder that we have made shows who we are.
        let is_root = fs::metadata(folder.path())?.uid() == 0;
        let mut command = match is_root {
            true => {
                let owner = id_of(SERVER_USER).await?;
                chown(folder.path(), Some(owner), None).context("the server's folder cannot be handed to its user")?;
                let mut command = Command::new("runuser");
                command.args(["-u", SERVER_USER, "--", "sh", "-c"]);
                command
            }
            false => {
                let mut command = Command::new("sh");
                command.arg("-c");
                command
            }
        };
        let mut path = programs.into_os_string();
        path.push(":");
        path.push(env::var_os("PATH").unwrap_or_default());
        command.args([SCRIPT, "sh"]).arg(folder.path()).env("PATH", path).env("LC_ALL", "C").current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().context("the server's programs cannot be started")?;
        let lines = process.stdout.take().context("the server has a standard output")?;
        let server = PostgresServer { process: Some(process), folder };
        let mut lines = BufReader::new(lines).lines();
        match timeout(COMES_UP_WITHIN, lines.next_line()).await {
            Ok(Ok(Some(_))) => Ok(Some(server)),
            _ => bail!("PostgreSQL does not come up: {}", server.last_words()),
        }
    }

    /// Connections to its database, eight at most.
    ///
    /// # Errors
    /// Where the server does not answer.
    pub async fn connect(&self) -> anyhow::Result<PgPool> {
        let options = PgConnectOptions::new_without_pgpass().socket(self.folder.path()).username("optigov");
        let options = options.database("postgres").ssl_mode(PgSslMode::Disable);
        Ok(PgPoolOptions::new().max_connections(8).connect_with(options).await?)
    }

    /// The end of what the server has logged.
    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        log.lines().rev().take(3).collect::<Vec<_>>().join(" | ")
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        // The end of its standard input stops the server. The folder is removed after that.
        drop(process.stdin.take());
        while matches!(process.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The folder with the server's programs: on the path, or the newest of Debian's.
fn programs() -> Option<PathBuf> {
    let has_them = |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file();
    let on_path = env::var_os("PATH").and_then(|path| env::split_paths(&path).find(has_them));
    on_path.or_else(|| {
        let versions = fs::read_dir(Path::new(DEBIAN)).ok()?.flatten().map(|version| version.path().join("bin"));
        versions.filter(has_them).max_by_key(|folder| version_of(folder))
    })
}

/// `17` of `/usr/lib/postgresql/17/bin`.
fn version_of(folder: &Path) -> Option<u32> {
    folder.parent()?.file_name()?.to_str()?.parse().ok()
}

async fn id_of(user: &str) -> anyhow::Result<u32> {
    let output = Command::new("id").args(["-u", user]).output().await?;
    let id = String::from_utf8_lossy(&output.stdout).trim().parse();
    id.with_context(|| {
        format!("there is no user `{user}`, and PostgreSQL does not run as root; run this as somebody else")
    })
}
