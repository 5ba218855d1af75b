//! Compares surveyd with a handler that returns a constant and with the usual design, in alternating rounds on one
//! machine. On another machine only the ratios are comparable.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    generator::{self, Kind, Measurement, Target},
    median,
    servers::{Database, RunningServer},
};

const CLIENTS: u64 = 1000;
const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(1);

pub fn run() {
    let (ours, theirs) = (Database::new(CLIENTS), Database::new(CLIENTS));
    let surveyd = RunningServer::surveyd(&ours.path());
    let idle_mib = surveyd.resident_mib();
    let constant = RunningServer::constant();
    let usual = RunningServer::usual(&theirs.path());
    let target = |server: &RunningServer, token: &str| Target {
        address: server.address,
        token: token.to_owned(),
        clients: CLIENTS,
    };
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
                    let measured = generator::round(target, &vec![kind; connections], ROUND);
                    table.add(name, kind, measured(kind));
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

/// Refusals while as many connections send: refusals must not wait for commits.
fn mixed(surveyd: &Target) {
    let both: Vec<_> = [Kind::Send, Kind::Refusal].repeat(32);
    let mut table = Table::default();
    for _ in 0..ROUNDS {
        let measured = generator::round(surveyd, &both, ROUND);
        table.add("mixed", Kind::Send, measured(Kind::Send));
        table.add("mixed", Kind::Refusal, measured(Kind::Refusal));
        let alone = generator::round(surveyd, &[Kind::Refusal; 64], ROUND);
        table.add("alone", Kind::Refusal, alone(Kind::Refusal));
    }
    println!("| 32 + 32 connections on surveyd | rate | p50 | p99 |");
    println!("|---|---|---|---|");
    for (what, name, kind) in [
        ("sends", "mixed", Kind::Send),
        ("refusals at the same time", "mixed", Kind::Refusal),
        ("only refusals, on 64 connections", "alone", Kind::Refusal),
    ] {
        let measured = table.median(name, kind);
        println!("| {what} | {:.0} | {:.0} | {:.0} |", measured.rate, measured.p50_us, measured.p99_us);
    }
}

/// The measurements of all rounds.
#[derive(Default)]
struct Table(BTreeMap<String, Vec<Measurement>>);

impl Table {
    fn add(&mut self, name: &str, kind: Kind, measured: Option<Measurement>) {
        self.0.entry(format!("{name} {kind:?}")).or_default().extend(measured);
    }

    fn median(&self, name: &str, kind: Kind) -> Measurement {
        let rounds = &self.0[&format!("{name} {kind:?}")];
        let of = |figure: fn(&Measurement) -> f64| median(rounds.iter().map(figure).collect());
        Measurement {
            rate: of(|measured| measured.rate),
            p50_us: of(|measured| measured.p50_us),
            p99_us: of(|measured| measured.p99_us),
        }
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
