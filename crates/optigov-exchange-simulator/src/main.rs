//! Serves a scenario file until stopped: `optigov-exchange-simulator SCENARIO.toml`.

use std::io::{self, Write};
use std::process::ExitCode;

use optigov_exchange_simulator::{Scenario, Simulator};

const USAGE: &str = "usage: optigov-exchange-simulator SCENARIO.toml

Serves the scenario on a free port of 127.0.0.1 until it is stopped. The first line on standard output is the URL, then
comes the certificate of the simulator's authority in PEM (nothing over plain HTTP), then an empty line. With every line on
standard input it reads the file again, and says `reloaded`, or what is wrong.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file] = arguments.as_slice() else {
        io::stderr().write_all(USAGE.as_bytes()).ok();
        return ExitCode::from(2);
    };
    match serve(file) {
        Ok(never) => match never {},
        Err(error) => {
            let mut text = format!("{file}: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                text.push_str(&format!("\n  because: {error}"));
                cause = error.source();
            }
            writeln!(io::stderr(), "{text}").ok();
            ExitCode::from(2)
        }
    }
}

fn serve(file: &str) -> Result<std::convert::Infallible, Box<dyn std::error::Error>> {
    let scenario = Scenario::from_toml(&std::fs::read_to_string(file)?)?;
    let simulator = Simulator::start(scenario)?;
    let mut out = io::stdout();
    writeln!(out, "{}\n{}", simulator.url(), simulator.ca_pem())?;
    out.flush()?;
    for line in io::stdin().lines() {
        line?;
        match reload(file, &simulator) {
            Ok(()) => writeln!(out, "reloaded")?,
            Err(error) => writeln!(out, "{error}")?,
        }
        out.flush()?;
    }
    loop {
        std::thread::park();
    }
}

fn reload(file: &str, simulator: &Simulator) -> Result<(), Box<dyn std::error::Error>> {
    let scenario = Scenario::from_toml(&std::fs::read_to_string(file)?)?;
    simulator.update(|current| *current = scenario)?;
    Ok(())
}
