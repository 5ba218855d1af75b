//! The same load on files of very different sizes: the rates should stay flat.

use std::time::Duration;

use crate::{
    generator::{self, Kind, Target},
    median,
    servers::{Database, RunningServer},
};

const SIZES: [u64; 5] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];
const CONNECTIONS: usize = 64;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(1);

pub fn run() {
    let databases = SIZES.map(Database::new);
    let servers = databases.each_ref().map(|database| RunningServer::surveyd(&database.path()));
    let target =
        |at: usize| Target { address: servers[at].address, token: databases[at].token.clone(), clients: SIZES[at] };
    let mut rates = vec![Vec::new(); SIZES.len() * 2];
    for _ in 0..ROUNDS {
        for at in 0..SIZES.len() {
            for (offset, kind) in [Kind::Refusal, Kind::Send].into_iter().enumerate() {
                let measured = generator::round(&target(at), &[kind; CONNECTIONS], ROUND);
                rates[at * 2 + offset].extend(measured(kind).map(|measured| measured.rate));
            }
        }
    }
    let rates: Vec<f64> = rates.into_iter().map(median).collect();
    println!("median of {ROUNDS} alternating rounds of {ROUND:?}, {CONNECTIONS} connections, random clients\n");
    println!("| threads | refusals a second | of 1,000's | sends a second | of 1,000's |");
    println!("|---|---|---|---|---|");
    for (at, size) in SIZES.iter().enumerate() {
        let (refusals, sends) = (rates[at * 2], rates[at * 2 + 1]);
        println!("| {size} | {refusals:.0} | {:.2} | {sends:.0} | {:.2} |", refusals / rates[0], sends / rates[1]);
    }
}
