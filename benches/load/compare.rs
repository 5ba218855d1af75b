//! Compares surveyd with a handler that returns a constant, with the usual design, and with SQLite alone, in alternating
//! rounds on one machine. On another machine only the ratios are comparable.

use std::time::{Duration, Instant};

use crate::{
    generator::{self, Kind, Measurement, Target},
    rounds::Rounds,
    servers::{self, Database, RunningServer},
};

const CLIENTS: u64 = 1000;
const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(600);

/// The programs that are compared. `unlogged` is surveyd with `log_requests` off.
pub struct Programs([Program; 4]);

struct Program {
    name: &'static str,
    server: RunningServer,
    database: Database,
}

impl Programs {
    pub fn start() -> Self {
        let program = |name, start: fn(&Database) -> RunningServer| {
            let database = Database::new(CLIENTS);
            Program { name, server: start(&database), database }
        };
        Self([
            program("constant", |_| RunningServer::constant()),
            program("surveyd", |database| RunningServer::surveyd_with_request_log(&database.path())),
            program("unlogged", |database| RunningServer::surveyd(&database.path())),
            program("usual", |database| RunningServer::usual(&database.path())),
        ])
    }

    /// Loads one after another, in each round and with each kind of request.
    pub fn load(&self, connections: usize, rounds: usize, round: Duration) -> Rounds {
        let mut measured = Rounds::default();
        for _ in 0..rounds {
            for kind in [Kind::Send, Kind::Refusal] {
                for program in &self.0 {
                    let answers = generator::round(&program.target(), &vec![kind; connections], round);
                    measured.add(key(program.name, kind), answers(kind).expect("answers"));
                }
            }
        }
        measured
    }

    fn surveyd(&self) -> &Program {
        &self.0[1]
    }
}

impl Program {
    fn target(&self) -> Target {
        Target { address: self.server.address, token: self.database.token.clone(), clients: CLIENTS }
    }
}

/// What a program's measurements are added under.
pub fn key(program: &str, kind: Kind) -> String {
    format!("{program} {kind:?}")
}

pub fn run() {
    let programs = Programs::start();
    let idle_mib = programs.surveyd().server.resident_mib();
    println!("answers a second and p99, medians of {ROUNDS} alternating rounds of {ROUND:?}; ratios with the spread\n");
    println!(
        "| connections | what | constant | surveyd | of constant | of usual design | p99 ms | p99, of usual | with the log of requests, of without |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for connections in CONNECTIONS {
        let measured = programs.load(connections, ROUNDS, ROUND);
        for kind in [Kind::Send, Kind::Refusal] {
            print_row(&measured, connections, kind);
        }
    }
    let busy_mib = programs.surveyd().server.resident_mib();
    println!("\nresident: {idle_mib:.1} MiB when idle, {busy_mib:.1} MiB after {} connections\n", CONNECTIONS[3]);
    mixed(&programs.surveyd().target());
    alone(&programs.surveyd().target());
}

fn print_row(measured: &Rounds, connections: usize, kind: Kind) {
    let [constant, surveyd, unlogged, usual] = ["constant", "surveyd", "unlogged", "usual"].map(|name| key(name, kind));
    println!(
        "| {connections} | {} | {:.0} | {:.0} | {} | {} | {:.1} | {} | {} |",
        if kind == Kind::Send { "durable sends" } else { "refusals" },
        measured.median(&constant, Measurement::RATE),
        measured.median(&surveyd, Measurement::RATE),
        measured.ratio(&surveyd, &constant, Measurement::RATE),
        measured.ratio(&surveyd, &usual, Measurement::RATE),
        measured.median(&surveyd, Measurement::P99_US) / 1e3,
        measured.ratio(&surveyd, &usual, Measurement::P99_US),
        measured.ratio(&surveyd, &unlogged, Measurement::RATE),
    );
}

/// Refusals while as many connections send: refusals must not wait for commits.
fn mixed(surveyd: &Target) {
    let mut measured = Rounds::default();
    for _ in 0..ROUNDS {
        let both = generator::round(surveyd, &[Kind::Send, Kind::Refusal].repeat(32), ROUND);
        measured.add("sends", both(Kind::Send).expect("answers"));
        measured.add("refusals at the same time", both(Kind::Refusal).expect("answers"));
        let alone = generator::round(surveyd, &[Kind::Refusal; 64], ROUND);
        measured.add("only refusals, on 64 connections", alone(Kind::Refusal).expect("answers"));
    }
    println!("| 32 + 32 connections on surveyd | answers a second | p50 ms | p99 ms |");
    println!("|---|---|---|---|");
    for what in ["sends", "refusals at the same time", "only refusals, on 64 connections"] {
        let [rate, p50, p99] =
            [Measurement::RATE, Measurement::P50_US, Measurement::P99_US].map(|figure| measured.median(what, figure));
        println!("| {what} | {rate:.0} | {:.2} | {:.2} |", p50 / 1e3, p99 / 1e3);
    }
}

/// The limit: the same statements in one thread without a server, so many to a commit that more gain nothing.
fn alone(surveyd: &Target) {
    const COMMIT: u64 = 32;
    let database = Database::new(CLIENTS);
    let mut measured = Rounds::default();
    for _ in 0..ROUNDS {
        let served = generator::round(surveyd, &[Kind::Send; 64], ROUND);
        measured.add("surveyd", served(Kind::Send).expect("answers"));
        let began = Instant::now();
        let sends = servers::send_without_server(&database, CLIENTS, COMMIT, began + ROUND);
        let rate = sends as f64 / began.elapsed().as_secs_f64();
        measured.add("SQLite", Measurement { rate, p50_us: 0.0, p99_us: 0.0 });
    }
    println!(
        "\nSQLite alone, {COMMIT} sends to a commit: {:.0} sends a second; surveyd on 64 connections: {} of it\n",
        measured.median("SQLite", Measurement::RATE),
        measured.ratio("surveyd", "SQLite", Measurement::RATE)
    );
}
