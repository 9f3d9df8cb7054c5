//! A server on a thread of its own, so that its time on the processor can be told apart.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use cpu_time::ThreadTime;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle};

/// A server that listens on loopback until the process ends. All that it does is done on one thread.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    runtime: Handle,
}

impl Server {
    /// Starts `serve` with a listener on a free port.
    pub(crate) fn start<F>(serve: impl FnOnce(TcpListener) -> F + Send + 'static) -> Server
    where
        F: Future<Output = ()>,
    {
        let (started, has_started) = mpsc::channel();
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                let address = listener.local_addr().expect("an address");
                started.send(Server { address, runtime: Handle::current() }).expect("somebody waits for it");
                serve(listener).await;
            });
        });
        has_started.recv().expect("the server starts")
    }

    /// For how long its thread has been on a processor.
    pub(crate) async fn processor_time(&self) -> Duration {
        self.runtime.spawn(async { ThreadTime::now().as_duration() }).await.expect("the server lives")
    }
}
