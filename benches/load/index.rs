//! Measures how filling the index of the sends slows down sends. Both servers begin with as many sends. One has to index them
//! and is busy with it in every round. The file of the other says that all segments are indexed, also those to come.

use std::time::Duration;

use crate::{
    generator::{self, Kind, Measurement, Target},
    rounds::Rounds,
    servers::{Database, RunningServer},
};

const CLIENTS: u64 = 1000;
const CONNECTIONS: usize = 64;
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_secs(1);
const SENDS: i64 = 3_000_000;

pub fn run() {
    let databases = [false, true].map(|is_indexed| {
        let database = Database::new(CLIENTS);
        let segments = if is_indexed { 1_000_000 } else { 0 };
        database.execute(&format!(
            "with recursive n (i) as (select 1 union all select i + 1 from n where i < {SENDS})
             insert into send select i, 1, 1 + i % {CLIENTS}, 1 + i % {CLIENTS}, 1772360100000 + i, 'bench' from n;
             with recursive n (i) as (select 0 union all select i + 1 from n where i < {segments})
             insert into send_segment select i from n where {segments} > 0;"
        ));
        database
    });
    let servers = databases.each_ref().map(|database| RunningServer::surveyd(&database.path()));
    let names = ["is being filled", "has nothing to fill"];
    let mut measured = Rounds::default();
    for _ in 0..ROUNDS {
        for at in [0, 1] {
            let target = Target { address: servers[at].address, token: databases[at].token.clone(), clients: CLIENTS };
            let sends = generator::round(&target, &[Kind::Send; CONNECTIONS], ROUND)(Kind::Send);
            measured.add(names[at], sends.expect("answers"));
        }
    }
    println!("median of {ROUNDS} alternating rounds of {ROUND:?}, {CONNECTIONS} connections\n");
    println!("| the index | sends a second | p50 us | p99 us |");
    println!("|---|---|---|---|");
    for name in names {
        let [rate, p50, p99] =
            [Measurement::RATE, Measurement::P50_US, Measurement::P99_US].map(|figure| measured.median(name, figure));
        println!("| {name} | {rate:.0} | {p50:.0} | {p99:.0} |");
    }
    let [rate, p99] = [Measurement::RATE, Measurement::P99_US].map(|figure| measured.ratio(names[0], names[1], figure));
    println!("\nsends while it is filled, of those otherwise: {rate}; their p99: {p99}");
}
