//! Three instances of the example service, each a process of its own, with one store that they share and one simulated Exchange. It shows that each mailbox
//! is watched and read once for all of them, that what is entered in Exchange is out of all lists within seconds, that a counter saved at one is in force at all, and that one that is killed, or the store, keeps nobody
//! from an answer. It ends by itself: with status 0 where all of it holds, 1 where something does not, 2 where there is no store.

mod cluster;
mod instance;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand};
use optigov_calendar_cache::testing::RedisServer;
use optigov_examples::{failure, print};
use serde_json::{Value, json};

use cluster::Cluster;

/// Starts three instances of the service and shows what they share.
#[derive(Parser)]
#[command(name = "cluster")]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Subcommand)]
enum Role {
    /// One instance of the service; started by the program itself. It prints its address and ends with its standard input.
    #[command(hide = true)]
    Instance {
        /// Where the configuration is kept, for all instances.
        #[arg(long)]
        kept_in: PathBuf,
        /// The address of the store.
        #[arg(long)]
        store: String,
    },
}

/// How long the instances may take to begin.
const STARTED: Duration = Duration::from_secs(20);
/// How soon what was saved at one instance, or entered in Exchange, must be in force at all.
const SOON: Duration = Duration::from_secs(5);
/// The longest that anybody waits for an answer while an instance or the store is dead.
const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    optigov_examples::log_to_stderr();
    let done = match Arguments::parse().role {
        Some(Role::Instance { kept_in, store }) => instance::serve(&kept_in, &store).await.map(|()| true),
        None => show().await,
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => failure::report(&error),
    }
}

/// Whether everything holds.
async fn show() -> anyhow::Result<bool> {
    let Some(store) = RedisServer::start(&[]).await.context("the store does not come up")? else {
        bail!("{}", RedisServer::MISSING);
    };
    let mut cluster = Cluster::start(store).await?;
    print("Three instances of the service, a store that they share, and one Exchange; all on this machine.\n")?;
    let mut all = true;
    all &= one_watches_for_all(&cluster).await?;
    all &= one_reading_for_all(&cluster).await?;
    all &= entered_here_out_of_all_lists(&cluster).await?;
    all &= saved_here_in_force_there(&cluster).await?;
    all &= an_instance_is_killed(&mut cluster).await?;
    all &= the_store_is_killed(&mut cluster).await?;
    Ok(all)
}

async fn one_watches_for_all(cluster: &Cluster) -> anyhow::Result<bool> {
    print("\n1. The instances keep the calendars fresh.\n")?;
    let began = Instant::now();
    let mut leaders = 0;
    while leaders != 1 && began.elapsed() < STARTED {
        leaders = cluster.leaders().await?.into_iter().filter(|leads| *leads).count();
    }
    holds("One of them watches all calendars, and has read them for all.", leaders == 1)
}

async fn one_reading_for_all(cluster: &Cluster) -> anyhow::Result<bool> {
    print("\n2. Each instance lists the free slots of all five counters, at the same time.\n")?;
    let lists = cluster.lists().await?;
    let mailboxes = cluster.mailboxes();
    let same = lists.windows(2).all(|pair| pair[0] == pair[1]) && lists[0].iter().all(is_known);
    Ok(holds("All three answer, and answer the same.", same)?
        & holds(
            &format!("The counters have {mailboxes} mailboxes; Exchange was asked {mailboxes} times."),
            cluster.readings() == mailboxes,
        )?)
}

async fn entered_here_out_of_all_lists(cluster: &Cluster) -> anyhow::Result<bool> {
    print("\n3. In Exchange, an appointment is entered over the first free slot of Bürgerbüro 1.\n")?;
    let start = cluster.enter_over_the_first_slot().await?;
    let began = Instant::now();
    let mut out = false;
    while !out && began.elapsed() < SOON {
        out = cluster.lists().await?.iter().all(|list| !list[0]["slots"].to_string().contains(&start));
    }
    holds("It is out of all three lists within 5 seconds.", out)
}

async fn saved_here_in_force_there(cluster: &Cluster) -> anyhow::Result<bool> {
    print("\n4. At the first instance, Bürgerbüro 1 is saved with another mailbox.\n")?;
    let saved = cluster.save(0, "buergerbuero-1", "schalter2@musterstadt.example").await?;
    let began = Instant::now();
    let mut in_force = false;
    while !in_force && began.elapsed() < SOON {
        let lists = cluster.lists().await?;
        let entries = cluster.entries("buergerbuero-1").await?;
        let have_it =
            entries.iter().all(|entry| entry["exchange_sync"]["mailboxes"][0] == "schalter2@musterstadt.example");
        in_force = have_it && lists.windows(2).all(|pair| pair[0] == pair[1]);
    }
    Ok(holds("It is saved.", saved)?
        & holds("The others have loaded the entry and answer by it, within 5 seconds.", in_force)?)
}

async fn an_instance_is_killed(cluster: &mut Cluster) -> anyhow::Result<bool> {
    print("\n5. The first instance is killed.\n")?;
    let before = cluster.lists().await?;
    cluster.kill(0).await?;
    let began = Instant::now();
    let after = cluster.lists().await?;
    let took = began.elapsed();
    let same = after.iter().all(|list| *list == before[1]);
    let saved = cluster.save(1, "buergerbuero-1", "schalter1@musterstadt.example").await?;
    Ok(holds("The others answer as before.", same && took < PATIENCE)?
        & holds("A counter can be saved as before.", saved)?)
}

async fn the_store_is_killed(cluster: &mut Cluster) -> anyhow::Result<bool> {
    print("\n6. The store is killed, and started again.\n")?;
    cluster.store.kill();
    let began = Instant::now();
    let lists = cluster.lists().await?;
    let answered = lists.iter().flatten().all(is_known) && began.elapsed() < PATIENCE;
    let refused = !cluster.save(1, "standesamt", "standesamt@musterstadt.example").await?;
    cluster.store.restart().await.context("the store does not come up again")?;
    let began = Instant::now();
    let mut saved = false;
    while !saved && began.elapsed() < PATIENCE * 2 {
        saved = cluster.save(1, "standesamt", "standesamt@musterstadt.example").await?;
    }
    Ok(holds("Without it the instances answer from memory and from Exchange.", answered)?
        & holds("A counter is not saved meanwhile, since the others would not hear of it.", refused)?
        & holds("With it, a counter can be saved again.", saved)?)
}

/// Whether all calendars of a counter are known.
fn is_known(counter: &Value) -> bool {
    counter["status"]["state"] == json!("known") || counter["status"] == json!("known")
}

/// Says what should hold, and whether it does.
fn holds(what: &str, does: bool) -> anyhow::Result<bool> {
    print(&format!("   {} {what}\n", if does { "yes" } else { "NO " }))?;
    Ok(does)
}
