//! Requests as fast as answers come: 16 connections, each of which asks again as soon as it has been answered.

use std::io;
use std::time::{Duration, Instant};

use optigov_examples::print;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::{Client, Server};

const CONNECTIONS: usize = 16;
const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(700);

/// What one round showed of a server.
struct Round {
    /// Answers a second.
    rate: f64,
    /// Microseconds of its thread on a processor for each answer.
    cost: f64,
}

pub(crate) fn run(client: &Runtime, service: &Server, bare: &Server, bytes: usize) -> io::Result<()> {
    let (mut of_bare, mut of_service) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // In turn, so that what else the machine does meets both.
        of_bare.push(client.block_on(round(bare))?);
        of_service.push(client.block_on(round(service))?);
    }
    let least = |rounds: &[Round]| rounds.iter().map(|round| round.cost).fold(f64::INFINITY, f64::min);
    let most = |rounds: &[Round]| rounds.iter().map(|round| round.rate).fold(0.0, f64::max);
    let mut ratios: Vec<f64> =
        of_bare.iter().zip(&of_service).map(|(bare, service)| service.rate / bare.rate).collect();
    ratios.sort_by(f64::total_cmp);
    let line = |name: &str, rounds: &[Round]| format!("{name:<20}{:>12.0}{:>26.1}\n", most(rounds), least(rounds));
    print(&format!(
        "one counter, 14 days, warm: {bytes} bytes of JSON over {CONNECTIONS} connections, the best of {ROUNDS} rounds\n\
         {:<20}{:>12}{:>26}\n{}{}{:<20}{:>12.2}{:>26.2}\n\
         requests a second, the ratio in the median round: {:.2}\n",
        "",
        "requests/s",
        "µs of its thread/request",
        line("bare axum handler", &of_bare),
        line("service", &of_service),
        "service / bare",
        most(&of_service) / most(&of_bare),
        least(&of_service) / least(&of_bare),
        ratios[ratios.len() / 2],
    ))
}

async fn round(server: &Server) -> io::Result<Round> {
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut client = Client::connect(server.address).await?;
        client.ask().await?;
        clients.push(client);
    }
    let (processor, began) = (server.processor_time().await, Instant::now());
    let mut tasks = JoinSet::new();
    for mut client in clients {
        tasks.spawn(async move {
            let mut answers = 0_u32;
            while began.elapsed() < ROUND {
                client.ask().await?;
                answers += 1;
            }
            io::Result::Ok(answers)
        });
    }
    let mut answers = 0;
    while let Some(done) = tasks.join_next().await {
        answers += done.expect("it did not panic")?;
    }
    let (passed, processor) = (began.elapsed(), server.processor_time().await.saturating_sub(processor));
    let answers = f64::from(answers);
    Ok(Round { rate: answers / passed.as_secs_f64(), cost: processor.as_secs_f64() * 1e6 / answers })
}
