//! `optigov simulate`: an Exchange for programs in any language.

use std::{fs, io, process::ExitCode, time::Duration};

use optigov_availability::Language;
use optigov_exchange_simulator::{Scenario, Simulator};
use serde_json::json;

use crate::{cli::Simulate, failure::Failure, print};

/// How often it is looked whether the program that started this one is still there.
const LOOK: Duration = Duration::from_millis(500);

pub(crate) async fn run(arguments: &Simulate, _: Language) -> Result<ExitCode, Failure> {
    let (name, text) = match &arguments.file {
        None => ("musterstadt.toml".to_owned(), Scenario::MUSTERSTADT.to_owned()),
        Some(file) => {
            let name = file.display().to_string();
            let text = fs::read_to_string(file).map_err(|cause| unusable(&name).caused_by(cause))?;
            (name, text)
        }
    };
    let scenario = Scenario::from_toml(&text).map_err(|cause| unusable(&name).caused_by(cause))?;
    let simulator = Simulator::start(scenario).map_err(|cause| unusable(&name).caused_by(cause))?;
    let folder = tempfile::tempdir().map_err(Failure::unforeseen)?;
    let ca_file = arguments.ca_file.clone().unwrap_or_else(|| folder.path().join("ca.pem"));
    let certificate = simulator.ca_pem();
    if !certificate.is_empty() {
        fs::write(&ca_file, certificate).map_err(|cause| {
            let shown = ca_file.display();
            let german = format!("{shown} kann nicht geschrieben werden.");
            Failure::unusable(german, format!("{shown} cannot be written.")).caused_by(cause)
        })?;
    }
    let parent = parent_id();
    let addresses = json!({
        "ews": simulator.url(),
        "base": simulator.base_url(),
        "port": simulator.address().port(),
        "ca_file": if certificate.is_empty() { None } else { Some(&ca_file) },
        "process": std::process::id(),
    });
    print(&format!("{addresses}\n"))?;
    let parent_gone = async {
        while arguments.stay || parent_id() == parent {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::select! {
        () = parent_gone => {}
        () = stopped() => {}
    }
    drop(simulator);
    Ok(ExitCode::SUCCESS)
}

fn unusable(name: &str) -> Failure {
    Failure::unusable(
        format!("Das Szenario {name} ist nicht verwendbar."),
        format!("The scenario {name} cannot be used."),
    )
}

/// The process that started this one; when it ends, another one takes its place.
#[cfg(unix)]
fn parent_id() -> u32 {
    std::os::unix::process::parent_id()
}

#[cfg(not(unix))]
fn parent_id() -> u32 {
    0
}

/// Ends when the user or the system asks the tool to stop.
async fn stopped() {
    let interrupted = async {
        let _: io::Result<()> = tokio::signal::ctrl_c().await;
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                () = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    interrupted.await;
}
