//! One instance watches the calendars for all: what is entered is out of the lists of all of them, and a leader that is killed is followed.

use std::time::Duration;

use optigov_availability::{Availability, KeepFresh};
use optigov_exchange_simulator::Mailbox;
use tokio::{runtime::Runtime, time::Instant};

use crate::{
    instances::{Cluster, soon},
    support::{COUNTER, MAILBOX, all_starts, days, entry, starts},
};

const TUESDAY: &str = "2026-11-24";
const QUARTER: Duration = Duration::from_secs(90 * 86_400);
/// How soon an appointment that was entered must be out of every list while its calendar is watched.
const SOON: Duration = Duration::from_secs(2);
/// How long what a dead leader has watched may count as watched, and a little for a busy machine.
const TERM: Duration = Duration::from_secs(15 + 3);
/// Far longer than any test: without being watched, a reading would serve all the while.
const LONG: Duration = Duration::from_secs(3_600);

/// An instance that keeps its calendars fresh, with a runtime of its own: with that it is killed, without a goodbye.
struct Kept {
    availability: Availability,
    keeper: Option<KeepFresh>,
    runtime: Option<Runtime>,
}

impl Kept {
    fn start(availability: &Availability) -> Kept {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let keeper = {
            let _inside = runtime.enter();
            availability.keep_fresh(QUARTER)
        };
        Kept { availability: availability.clone(), keeper: Some(keeper), runtime: Some(runtime) }
    }

    fn leads(&self) -> bool {
        self.keeper.as_ref().is_some_and(|keeper| keeper.state().leads && keeper.state().is_whole())
    }

    /// The starts of the first counter's slots on Tuesday.
    async fn tuesday(&self) -> Vec<String> {
        let answer = self.availability.free_slots(&days(TUESDAY, TUESDAY)).await.expect("the request holds");
        starts(&answer.counters[0])
    }

    fn kill(mut self) {
        // The tasks end first: what drops the keeper can tell nobody any more.
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.keeper.take();
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

fn enter(cluster: &Cluster, hour: &str) {
    let appointment = entry(&format!("{TUESDAY} {hour}:00"), &format!("{TUESDAY} {hour}:30"));
    let entered = cluster.simulator.update(|scenario| {
        scenario.mailbox_mut(MAILBOX).expect("it is there").entries_mut().push(appointment);
    });
    entered.expect("the scenario holds");
}

/// Waits until no list has the hour, and says how long that took.
async fn gone(kept: &[Kept], hour: &str) -> Duration {
    soon("it is out of every list", async || {
        for instance in kept {
            if instance.tuesday().await.contains(&format!("{hour}:00")) {
                return false;
            }
        }
        true
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_stream_serves_all_instances_and_a_killed_leader_is_followed() {
    let set = |builder: optigov_availability::AvailabilityBuilder| builder.time_to_live(LONG).live_time_to_live(LONG);
    let Some(cluster) = Cluster::start(COUNTER, [Mailbox::new(MAILBOX)], set).await else { return };
    let mut kept: Vec<Kept> = cluster.alive().map(Kept::start).collect();
    soon("one instance watches", async || kept.iter().filter(|kept| kept.leads()).count() == 1).await;
    for instance in &kept {
        assert_eq!(instance.tuesday().await, all_starts());
    }
    let asked = |operation: &str| {
        cluster.simulator.requests().iter().filter(|request| request.operation() == Some(operation)).count()
    };
    assert_eq!(asked("Subscribe"), 1, "one subscription serves all three");

    enter(&cluster, "09");
    let took = gone(&kept, "09").await;
    println!("out of the lists of three instances after {took:?}");
    assert!(took < SOON, "{took:?}");

    let leader = kept.iter().position(Kept::leads).expect("one leads");
    kept.remove(leader).kill();
    enter(&cluster, "10");
    let killed = Instant::now();
    let took = gone(&kept, "10").await;
    println!("the leader was killed: out of the lists of the others after {took:?}");
    assert!(took < TERM, "{took:?}");
    soon("another instance watches", async || kept.iter().any(Kept::leads)).await;
    println!("another instance watches after {:?}", killed.elapsed());
    enter(&cluster, "11");
    let took = gone(&kept, "11").await;
    println!("out of the lists of both after {took:?}");
    assert!(took < SOON, "{took:?}");
}
