//! The three processes, their store and their Exchange.

use std::collections::HashSet;
use std::fs;
use std::process::Stdio;

use anyhow::{Context as _, bail};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::try_join_all;
use optigov_calendar_cache::testing::RedisServer;
use optigov_examples::demo::Demo;
use optigov_exchange_simulator::Entry;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// Three instances of the service, a store that they share, and an Exchange.
pub(crate) struct Cluster {
    /// The store.
    pub(crate) store: RedisServer,
    demo: Demo,
    client: reqwest::Client,
    instances: Vec<Instance>,
    /// Where the configuration is kept, for all instances; a service would have a data base.
    _kept_in: TempDir,
}

/// A process, which is killed when this is dropped.
struct Instance {
    process: Child,
    url: String,
}

impl Cluster {
    /// Starts everything.
    pub(crate) async fn start(store: RedisServer) -> anyhow::Result<Cluster> {
        let demo = Demo::start(Utc::now(), &[])?;
        let kept_in = tempfile::tempdir()?;
        fs::write(kept_in.path().join(crate::instance::MUNICIPALITY), demo.municipality().to_json())?;
        let program = std::env::current_exe()?;
        let started = (0..3).map(|_| async {
            let mut command = Command::new(&program);
            command.arg("instance").arg("--kept-in").arg(kept_in.path()).arg("--store").arg(store.url());
            // An instance ends when its standard input does: so none is left behind, however this process ends.
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
            let mut process = command.spawn()?;
            let lines = process.stdout.take().context("an instance has a standard output")?;
            let url = BufReader::new(lines).lines().next_line().await?.context("an instance did not start")?;
            anyhow::Ok(Instance { process, url })
        });
        let instances = try_join_all(started).await?;
        // reqwest wants a provider even where nothing is encrypted; it may have one already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Cluster { store, demo, client, instances, _kept_in: kept_in })
    }

    /// How many mailboxes the counters have.
    pub(crate) fn mailboxes(&self) -> usize {
        let counters = self.demo.municipality().counters();
        counters.flat_map(|counter| counter.exchange_sync().mailboxes()).collect::<HashSet<_>>().len()
    }

    /// How often Exchange was asked for a calendar.
    pub(crate) fn readings(&self) -> usize {
        let requests = self.demo.simulator.requests().into_iter();
        requests.filter(|request| request.operation() == Some("FindItem")).count()
    }

    /// What each living instance lists for each counter, all at the same time.
    pub(crate) async fn lists(&self) -> anyhow::Result<Vec<Vec<Value>>> {
        try_join_all(self.instances.iter().map(|instance| async move {
            let counters = self.demo.municipality().counters().map(|counter| async move {
                let list = self.get(instance, &format!("/counters/{}/slots?days=14", counter.id())).await?;
                anyhow::Ok(list["counters"][0].clone())
            });
            try_join_all(counters).await
        }))
        .await
    }

    /// For each living instance, whether it watches all calendars and has read them, for all instances.
    pub(crate) async fn leaders(&self) -> anyhow::Result<Vec<bool>> {
        let mailboxes = self.mailboxes();
        try_join_all(self.instances.iter().map(|instance| async move {
            let live = self.get(instance, "/health").await?["calendars"]["live"].clone();
            Ok(live["leads"] == json!(true) && live["live"] == json!(mailboxes) && live["warm"] == json!(mailboxes))
        }))
        .await
    }

    /// Enters an appointment in Exchange over the first free slot of the first counter, and says when that begins.
    pub(crate) async fn enter_over_the_first_slot(&self) -> anyhow::Result<String> {
        let lists = self.lists().await?;
        let start = lists[0][0]["slots"][0]["start"].as_str().context("a slot is free")?.to_owned();
        let from: DateTime<Utc> = start.parse()?;
        let counter = self.demo.municipality().counters().next().context("there is a counter")?;
        let mailbox = counter.exchange_sync().mailboxes().first().context("it has a mailbox")?.as_str().to_owned();
        self.demo.simulator.update(|scenario| {
            let entries = scenario.mailbox_mut(&mailbox).map(|mailbox| mailbox.entries_mut());
            entries.into_iter().for_each(|entries| entries.push(Entry::timed(from, from + TimeDelta::minutes(10))));
        })?;
        Ok(start)
    }

    /// A counter's entry at each living instance.
    pub(crate) async fn entries(&self, counter: &str) -> anyhow::Result<Vec<Value>> {
        let path = format!("/counters/{counter}");
        try_join_all(self.instances.iter().map(|instance| self.get(instance, &path))).await
    }

    /// Saves a counter with this mailbox at one of the living instances; whether that was possible.
    pub(crate) async fn save(&self, at: usize, counter: &str, mailbox: &str) -> anyhow::Result<bool> {
        let instance = self.instances.get(at).or(self.instances.first()).context("an instance lives")?;
        let path = format!("/counters/{counter}");
        let mut entry = self.get(instance, &path).await?;
        entry["exchange_sync"]["mailboxes"] = json!([mailbox]);
        let request = self.client.put(format!("{}{path}", instance.url)).header("Content-Type", "application/json");
        Ok(request.body(entry.to_string()).send().await?.status().is_success())
    }

    /// Kills one of the living instances.
    pub(crate) async fn kill(&mut self, at: usize) -> anyhow::Result<()> {
        Ok(self.instances.remove(at).process.kill().await?)
    }

    async fn get(&self, instance: &Instance, path: &str) -> anyhow::Result<Value> {
        let response = self.client.get(format!("{}{path}", instance.url)).send().await?;
        let (status, text) = (response.status(), response.text().await?);
        if !status.is_success() {
            bail!("an instance answers {status}: {text}");
        }
        Ok(serde_json::from_str(&text)?)
    }
}
