//! A service that embeds the facade: counters, slots, bookings and connection check over HTTP, and pages in German for citizens and clerks.
//!
//! Without `--config` it serves the demo municipality *Musterstadt*, read from a simulated Exchange. The address is printed on standard output.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chrono::Utc;
use clap::Parser;
use optigov_availability::{Availability, Language, SystemClock};
use optigov_examples::service::{self, Hosts, Limits};
use optigov_examples::{demo, failure, print, town};
use tokio::net::TcpListener;

/// Serves counters and their free slots over HTTP until it is interrupted.
#[derive(Parser)]
#[command(name = "service")]
struct Arguments {
    /// A municipality's configuration in TOML; without it, the demo municipality in a simulated Exchange.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one. There is no login: another address than loopback is for networks that you trust.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// A further name under which the service may be asked, such as that of a reverse proxy; loopback names always work. May be repeated.
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    optigov_examples::log_to_stderr();
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}

async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    // The simulator serves as long as `demo` lives.
    let (_demo, builder) = match &arguments.config {
        Some(file) => (None, Availability::for_municipality(town::load(file, Language::German)?)),
        None => {
            let demo = demo::Demo::start(Utc::now(), &[])?;
            let builder = demo.availability();
            (Some(demo), builder)
        }
    };
    let listener = TcpListener::bind(arguments.listen).await?;
    let hosts = arguments.host.iter().fold(Hosts::at(listener.local_addr()?), Hosts::and);
    let availability = builder.build()?;
    // As long as this lives, changes are noticed within seconds, and no list waits for what is quiet. The pages look 90 days ahead at most.
    let _fresh = availability.keep_fresh(Duration::from_secs(90 * 86_400));
    let app = service::router(availability, SystemClock, hosts)?;
    print(&format!("http://{}/\n", listener.local_addr()?))?;
    let interrupted = async {
        // Where the signal cannot be waited for, the service runs until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    Ok(service::serve(listener, app, Limits::default(), interrupted).await?)
}
