//! surveyd beside a handler that returns a constant and beside the usual design, in alternating rounds on one machine.
//! Only the ratios mean something elsewhere.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    generator::{self, Kind, Seen, Target},
    median,
    servers::{Database, Running},
};

const CLIENTS: u64 = 1000;
const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(1);

pub fn run() {
    let (ours, theirs) = (Database::new(CLIENTS), Database::new(CLIENTS));
    let surveyd = Running::surveyd(&ours.path());
    let idle_mib = surveyd.resident_mib();
    let constant = Running::constant();
    let usual = Running::usual(&theirs.path());
    let target =
        |server: &Running, token: &str| Target { address: server.address, token: token.to_owned(), clients: CLIENTS };
    let targets = [
        ("constant", target(&constant, "none")),
        ("surveyd", target(&surveyd, &ours.token)),
        ("usual", target(&usual, &theirs.token)),
    ];
    println!("median of {ROUNDS} alternating rounds of {ROUND:?}; rates in answers a second, times in microseconds\n");
    println!(
        "| connections | what | constant | surveyd | of constant | usual | over usual | p50 | p99 | p99 constant | p99 usual | of it |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    for connections in CONNECTIONS {
        let mut table = Table::default();
        for _ in 0..ROUNDS {
            for kind in [Kind::Send, Kind::Refusal] {
                for (name, target) in &targets {
                    let seen = generator::round(target, &vec![kind; connections], ROUND);
                    table.add(name, kind, seen(kind));
                }
            }
        }
        for kind in [Kind::Send, Kind::Refusal] {
            table.print(connections, kind);
        }
    }
    println!(
        "\nresident: {idle_mib:.1} MiB when idle, {:.1} MiB after {} connections\n",
        surveyd.resident_mib(),
        CONNECTIONS[3]
    );
    mixed(&targets[1].1);
}

/// Refusals beside as many sends: they must not wait for the commits.
fn mixed(surveyd: &Target) {
    let both: Vec<_> = [Kind::Send, Kind::Refusal].repeat(32);
    let mut table = Table::default();
    for _ in 0..ROUNDS {
        let seen = generator::round(surveyd, &both, ROUND);
        table.add("mixed", Kind::Send, seen(Kind::Send));
        table.add("mixed", Kind::Refusal, seen(Kind::Refusal));
        let alone = generator::round(surveyd, &[Kind::Refusal; 64], ROUND);
        table.add("alone", Kind::Refusal, alone(Kind::Refusal));
    }
    println!("| 32 + 32 connections on surveyd | rate | p50 | p99 |");
    println!("|---|---|---|---|");
    for (what, name, kind) in [
        ("sends", "mixed", Kind::Send),
        ("refusals beside them", "mixed", Kind::Refusal),
        ("refusals alone, on 64", "alone", Kind::Refusal),
    ] {
        let seen = table.median(name, kind);
        println!("| {what} | {:.0} | {:.0} | {:.0} |", seen.rate, seen.p50_us, seen.p99_us);
    }
}

/// What was seen in every round.
#[derive(Default)]
struct Table(BTreeMap<String, Vec<Seen>>);

impl Table {
    fn add(&mut self, name: &str, kind: Kind, seen: Option<Seen>) {
        self.0.entry(format!("{name} {kind:?}")).or_default().extend(seen);
    }

    fn median(&self, name: &str, kind: Kind) -> Seen {
        let rounds = &self.0[&format!("{name} {kind:?}")];
        let of = |figure: fn(&Seen) -> f64| median(rounds.iter().map(figure).collect());
        Seen { rate: of(|seen| seen.rate), p50_us: of(|seen| seen.p50_us), p99_us: of(|seen| seen.p99_us) }
    }

    fn print(&self, connections: usize, kind: Kind) {
        let [constant, ours, usual] = ["constant", "surveyd", "usual"].map(|name| self.median(name, kind));
        println!(
            "| {connections} | {} | {:.0} | {:.0} | {:.2} | {:.0} | {:.1} | {:.0} | {:.0} | {:.0} | {:.0} | {:.2} |",
            if kind == Kind::Send { "sends" } else { "refusals" },
            constant.rate,
            ours.rate,
            ours.rate / constant.rate,
            usual.rate,
            ours.rate / usual.rate,
            ours.p50_us,
            ours.p99_us,
            constant.p99_us,
            usual.p99_us,
            ours.p99_us / usual.p99_us,
        );
    }
}
