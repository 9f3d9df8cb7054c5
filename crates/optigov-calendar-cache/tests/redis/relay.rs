//! What stands between an instance and the store: it counts round trips, is slow, holds everything up, or leads to another store.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    time::{sleep, timeout},
};

/// For so long a client must be silent before what it has sent is handed on while round trips are counted.
const SILENCE: Duration = Duration::from_millis(40);

/// How what an instance sends is handed on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    /// At once.
    Open,
    /// After the instance has sent all that it sends without an answer; that counts as one round trip.
    Counted,
    /// Later by this.
    Slow(Duration),
    /// Not until the way is open again.
    Held,
}

/// A way to a store, at a port of its own.
pub(crate) struct Relay {
    port: u16,
    shared: Arc<Shared>,
    accepting: tokio::task::JoinHandle<()>,
}

struct Shared {
    store: AtomicU16,
    round_trips: AtomicUsize,
    way: watch::Sender<Way>,
    /// Changed to cut all connections.
    generation: watch::Sender<usize>,
}

impl Relay {
    pub(crate) async fn to(store: u16) -> Relay {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            store: AtomicU16::new(store),
            round_trips: AtomicUsize::new(0),
            way: watch::Sender::new(Way::Open),
            generation: watch::Sender::new(0),
        });
        let accepting = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(relay(client, Arc::clone(&shared)));
                }
            }
        });
        Relay { port, shared, accepting }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn is(&self, way: Way) {
        self.shared.way.send_replace(way);
    }

    pub(crate) fn round_trips(&self) -> usize {
        self.shared.round_trips.load(Ordering::SeqCst)
    }

    /// Leads to another store from now on, and cuts what leads to the old one.
    pub(crate) fn leads_to(&self, store: u16) {
        self.shared.store.store(store, Ordering::SeqCst);
        self.shared.generation.send_modify(|generation| *generation += 1);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn relay(client: TcpStream, shared: Arc<Shared>) {
    let mut generation = shared.generation.subscribe();
    let port = shared.store.load(Ordering::SeqCst);
    let Ok(store) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else { return };
    let ((from_client, to_client), (from_store, to_store)) = (client.into_split(), store.into_split());
    tokio::select! {
        () = hand_on(from_client, to_store, &shared) => {}
        () = hand_back(from_store, to_client) => {}
        _ = generation.changed() => {}
    }
}

async fn hand_on(mut client: OwnedReadHalf, mut store: OwnedWriteHalf, shared: &Shared) {
    let (mut way, mut sent, mut buffer) = (shared.way.subscribe(), Vec::new(), vec![0; 1 << 16]);
    loop {
        let Ok(length @ 1..) = client.read(&mut buffer).await else { return };
        sent.extend_from_slice(&buffer[..length]);
        let now = *way.borrow_and_update();
        match now {
            Way::Open => {}
            Way::Counted => {
                while let Ok(Ok(length @ 1..)) = timeout(SILENCE, client.read(&mut buffer)).await {
                    sent.extend_from_slice(&buffer[..length]);
                }
                shared.round_trips.fetch_add(1, Ordering::SeqCst);
            }
            Way::Slow(by) => sleep(by).await,
            Way::Held => drop(way.wait_for(|way| *way != Way::Held).await),
        }
        if store.write_all(&sent).await.is_err() {
            return;
        }
        sent.clear();
    }
}

async fn hand_back(mut store: OwnedReadHalf, mut client: OwnedWriteHalf) {
    // An error ends the connection, as the end does.
    drop(tokio::io::copy(&mut store, &mut client).await);
}
