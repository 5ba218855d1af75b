//! The same load on files of very different sizes: the rates should stay flat.

use std::time::Duration;

use crate::{
    generator::{self, Kind, Measurement, Target},
    rounds::Rounds,
    servers::{Database, RunningServer},
};

const SIZES: [u64; 5] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];
const CONNECTIONS: usize = 64;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(1);

pub fn run() {
    measure(&SIZES);
}

pub fn smallest_and_largest() {
    measure(&[SIZES[0], SIZES[SIZES.len() - 1]]);
}

fn measure(sizes: &[u64]) {
    let databases: Vec<_> = sizes.iter().copied().map(Database::new).collect();
    let servers: Vec<_> = databases.iter().map(|database| RunningServer::surveyd(&database.path())).collect();
    let mut rounds = Rounds::default();
    for _ in 0..ROUNDS {
        for ((database, server), &clients) in databases.iter().zip(&servers).zip(sizes) {
            let target = Target { address: server.address, token: database.token.clone(), clients };
            for kind in [Kind::Refusal, Kind::Send] {
                let measured = generator::round(&target, &[kind; CONNECTIONS], ROUND);
                rounds.add(format!("{clients} {kind:?}"), measured(kind).expect("answers"));
            }
        }
    }
    println!("median of {ROUNDS} alternating rounds of {ROUND:?}, {CONNECTIONS} connections, random clients\n");
    println!("| threads | refusals a second | of 1,000's | sends a second | of 1,000's |");
    println!("|---|---|---|---|---|");
    for size in sizes {
        let figures = [Kind::Refusal, Kind::Send].map(|kind| {
            let (this, smallest) = (format!("{size} {kind:?}"), format!("{} {kind:?}", sizes[0]));
            format!(
                "{:.0} | {}",
                rounds.median(&this, Measurement::RATE),
                rounds.ratio(&this, &smallest, Measurement::RATE)
            )
        });
        println!("| {size} | {} |", figures.join(" | "));
    }
}
