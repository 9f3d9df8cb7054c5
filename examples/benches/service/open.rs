//! Requests at a constant rate, whatever becomes of the answers, as many people make them who know nothing of each other.
//!
//! Each latency counts from the instant at which the request was due, not from when a connection was free to send it: a server that pauses is
//! charged with all the requests that came in the meantime (there is no coordinated omission).

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use optigov_examples::print;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::{LocalSet, spawn_local, yield_now};

use super::{Client, Server};

const CONNECTIONS: usize = 64;
/// How long a rate is tried.
const TRIAL: Duration = Duration::from_secs(1);
/// How long latencies are kept count of.
const RUN: Duration = Duration::from_secs(6);
/// A rate is sustained if all is answered so soon after the last request of a trial.
const BACKLOG: Duration = Duration::from_millis(50);

/// What was seen of requests at a rate.
struct Seen {
    /// In nanoseconds.
    latencies: Histogram<u64>,
    /// From when the last request was due until all were answered.
    backlog: Duration,
}

/// Requests that become due one after the other, and the connections that take them.
struct Pace {
    began: Instant,
    every: Duration,
    count: u32,
    /// How many are due and not yet taken.
    due: Semaphore,
    taken: Cell<u32>,
    latencies: RefCell<Histogram<u64>>,
}

pub(crate) fn run(client: &Runtime, service: &Server, bare: &Server, bytes: usize) -> io::Result<()> {
    let at_rate =
        |server: &Server, rate: f64, time: Duration| LocalSet::new().block_on(client, seen(server, rate, time));
    let (highest, of_bare) = (highest(&at_rate, service)?, highest(&at_rate, bare)?);
    let half = highest / 2.0;
    print(&format!(
        "one counter, 14 days, warm: {bytes} bytes of JSON over {CONNECTIONS} connections, one thread for the server\n\
         highest rate sustained: {highest:.0} requests/s, {:.2} of the bare handler's {of_bare:.0}\n\
         at half of the service's, {half:.0} requests/s for {} s, from when each was due:\n\
         {:<20}{:>9}{:>9}{:>9}{:>12}\n",
        highest / of_bare,
        RUN.as_secs(),
        "",
        "p50 µs",
        "p99 µs",
        "p99.9 µs",
        "p99 / p50",
    ))?;
    for (name, server) in [("bare axum handler", bare), ("service", service)] {
        let Seen { latencies, .. } = at_rate(server, half, RUN)?;
        let [half, most, nearly_all] = [0.5, 0.99, 0.999].map(|part| latencies.value_at_quantile(part) as f64 / 1e3);
        print(&format!("{name:<20}{half:>9.0}{most:>9.0}{nearly_all:>9.0}{:>12.1}\n", most / half))?;
    }
    Ok(())
}

/// The highest rate that the server sustains: each is tried twice before it counts as too much, since the machine may be busy for a moment.
fn highest(at_rate: &impl Fn(&Server, f64, Duration) -> io::Result<Seen>, server: &Server) -> io::Result<f64> {
    // Far too much: then the server answers as fast as it can, and the backlog tells how fast that is.
    let flood = 100_000.0;
    let Seen { backlog, .. } = at_rate(server, flood, TRIAL / 4)?;
    let least = flood * 0.25 / (0.25 + backlog.as_secs_f64());
    let mut highest = 0.0;
    for step in 1..=14 {
        let rate = least * 0.08 * f64::from(step);
        let is_sustained = || at_rate(server, rate, TRIAL / 2).map(|seen| seen.backlog <= BACKLOG);
        if !is_sustained()? && !is_sustained()? {
            break;
        }
        highest = rate;
    }
    match highest {
        0.0 => Err(io::Error::other("the machine is too busy for a load run")),
        _ => Ok(highest),
    }
}

async fn seen(server: &Server, rate: f64, time: Duration) -> io::Result<Seen> {
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut client = Client::connect(server.address).await?;
        client.ask().await?;
        clients.push(client);
    }
    let pace = Rc::new(Pace {
        began: Instant::now(),
        every: Duration::from_secs_f64(1.0 / rate),
        count: (rate * time.as_secs_f64()) as u32,
        due: Semaphore::new(0),
        taken: Cell::new(0),
        latencies: RefCell::new(Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("bounds that hold")),
    });
    let clients: Vec<_> = clients.into_iter().map(|client| spawn_local(Rc::clone(&pace).take_part(client))).collect();
    let last = pace.make_due().await;
    for client in clients {
        client.await.expect("it did not panic")?;
    }
    let backlog = last.elapsed();
    let latencies = pace.latencies.borrow().clone();
    Ok(Seen { latencies, backlog })
}

impl Pace {
    /// Lets requests become due, each at its time, and says when the last one was. A timer is too coarse for that, so this looks at the clock again
    /// and again.
    async fn make_due(&self) -> Instant {
        let mut made = 0;
        while made < self.count {
            let due = self.count.min((self.began.elapsed().as_nanos() / self.every.as_nanos()) as u32 + 1);
            self.due.add_permits((due - made) as usize);
            made = due;
            yield_now().await;
        }
        // Who waits for a further one waits in vain.
        self.due.add_permits(CONNECTIONS);
        self.began + self.every * (self.count - 1)
    }

    /// Takes requests that are due, until there are no more.
    async fn take_part(self: Rc<Self>, mut client: Client) -> io::Result<()> {
        loop {
            self.due.acquire().await.expect("it is not closed").forget();
            let nth = self.taken.get();
            if nth == self.count {
                return Ok(());
            }
            self.taken.set(nth + 1);
            client.ask().await?;
            let latency = (self.began + self.every * nth).elapsed();
            self.latencies.borrow_mut().saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
        }
    }
}
