//! A store for tests, benchmarks and examples: the machine's `redis-server` or `valkey-server`.

use std::{
    fs,
    io::{self, ErrorKind},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use crate::random::random_number;

/// What is looked for, in this order. Debian's packages are called the same.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];
/// How long it may take to come up.
const COMES_UP_WITHIN: Duration = Duration::from_secs(20);

/// A Redis or Valkey server on a free port of the loopback interface. It is stopped by its process id when this is dropped.
#[derive(Debug)]
pub struct RedisServer {
    child: Child,
    port: u16,
    program: &'static str,
    arguments: Vec<String>,
    directory: PathBuf,
}

impl RedisServer {
    /// Starts a server with these arguments besides its port and directory; without any, it keeps nothing on disk. `None` where this machine
    /// has no such program.
    ///
    /// # Errors
    /// Where it cannot be started, or does not answer within 20 s.
    pub async fn start(arguments: &[&str]) -> io::Result<Option<RedisServer>> {
        let arguments = if arguments.is_empty() { &["--save", "", "--appendonly", "no"] } else { arguments };
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let directory = std::env::temp_dir().join(format!("optigov-store-{:016x}", random_number()));
        fs::create_dir(&directory)?;
        let began = Instant::now();
        while began.elapsed() < COMES_UP_WITHIN {
            let port = RedisServer::free_port()?;
            let launched = PROGRAMS.iter().find_map(|program| match launch(program, port, &arguments, &directory) {
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                launched => Some((*program, launched)),
            });
            let Some((program, child)) = launched else {
                fs::remove_dir_all(&directory)?;
                return Ok(None);
            };
            let mut server = RedisServer {
                child: child?,
                port,
                program,
                arguments: arguments.clone(),
                directory: directory.clone(),
            };
            if server.comes_up().await {
                return Ok(Some(server));
            }
            // Another process has taken the port meanwhile. The directory goes with the server that was not.
            fs::create_dir_all(&directory)?;
        }
        Err(ErrorKind::TimedOut.into())
    }

    /// What to say where there is none, and what to do.
    pub const MISSING: &str =
        "there is no `redis-server` and no `valkey-server` on this machine (Debian: apt-get install redis-server)";

    /// A port of the loopback interface that nobody listens on at the moment.
    ///
    /// # Errors
    /// Where the system has none.
    pub fn free_port() -> io::Result<u16> {
        Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address, as [`SharedCache::connect`](crate::SharedCache::connect) takes it.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it, as a machine that loses its power does.
    pub fn kill(&mut self) {
        // One that has ended already cannot be killed.
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Starts it again at the same port, with what it has on disk.
    ///
    /// # Errors
    /// Where it does not come up.
    pub async fn restart(&mut self) -> io::Result<()> {
        self.child = launch(self.program, self.port, &self.arguments, &self.directory)?;
        if self.comes_up().await { Ok(()) } else { Err(ErrorKind::TimedOut.into()) }
    }

    /// Lets it hang: its connections stay open, and it answers nothing.
    ///
    /// # Errors
    /// Where the system has no signals.
    pub fn pause(&self) -> io::Result<()> {
        self.signal("-STOP")
    }

    /// Lets it go on. It then answers what it was asked meanwhile.
    ///
    /// # Errors
    /// Where the system has no signals.
    pub fn resume(&self) -> io::Result<()> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> io::Result<()> {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status()?;
        if sent.success() { Ok(()) } else { Err(ErrorKind::Other.into()) }
    }

    async fn comes_up(&mut self) -> bool {
        let began = Instant::now();
        while began.elapsed() < COMES_UP_WITHIN {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return false;
            }
            if matches!(timeout(Duration::from_millis(500), self.answers()).await, Ok(Ok(true))) {
                return true;
            }
            sleep(Duration::from_millis(10)).await;
        }
        false
    }

    async fn answers(&self) -> io::Result<bool> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        stream.write_all(b"PING\r\n").await?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await?;
        Ok(answer == *b"+PONG")
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        // What is left in the directory for temporary files harms nobody.
        drop(fs::remove_dir_all(&self.directory));
    }
}

fn launch(program: &str, port: u16, arguments: &[String], directory: &Path) -> io::Result<Child> {
    let mut command = Command::new(program);
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"]).arg(directory).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}
