//! Measures how deliveries slow down sends, and how fast a backlog is delivered while sends go on.

use std::{
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use crate::{
    generator::{self, Kind, Measurement, Target},
    rounds::Rounds,
    servers::{Database, RunningServer},
};

const CLIENTS: u64 = 1000;
const CONNECTIONS: usize = 64;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(1);
const BACKLOG: i64 = 1_000_000;

/// A server with its own database, whose channel is delivered to `url`.
struct Case {
    name: &'static str,
    database: Database,
    server: RunningServer,
}

impl Case {
    fn new(name: &'static str, url: Option<&str>, backlog: i64) -> Self {
        let database = Database::new(CLIENTS);
        if let Some(url) = url {
            database.execute(&format!(
                "update channel set delivery_url = '{url}', delivery_secret = randomblob(32);
                 with recursive n (i) as (select 1 union all select i + 1 from n where i < {backlog})
                 insert into delivery (sending_id, channel_id, webhook_id, body, state, due_at)
                 select i, 1, 'msg_' || lower(hex(randomblob(16))), '{}', 'pending', 1772360100000 + i from n where {backlog} > 0;
                 insert into send select sending_id, 1, 1, 1, due_at, 'bench' from delivery;",
                "x".repeat(600)
            ));
        }
        let server = RunningServer::surveyd(&database.path());
        Self { name, database, server }
    }

    fn round(&self) -> Measurement {
        let target = Target { address: self.server.address, token: self.database.token.clone(), clients: CLIENTS };
        generator::round(&target, &[Kind::Send; CONNECTIONS], ROUND)(Kind::Send).expect("answers")
    }
}

/// Measures the cases in turns, and compares each with the first.
fn compare(cases: &[Case]) {
    let mut measured = Rounds::default();
    for _ in 0..ROUNDS {
        for case in cases {
            measured.add(case.name, case.round());
        }
    }
    println!("| deliveries | sends a second | of those without | p50 us | p99 us | of that without |");
    println!("|---|---|---|---|---|---|");
    for Case { name, .. } in cases {
        println!(
            "| {name} | {:.0} | {} | {:.0} | {:.0} | {} |",
            measured.median(name, Measurement::RATE),
            measured.ratio(name, cases[0].name, Measurement::RATE),
            measured.median(name, Measurement::P50_US),
            measured.median(name, Measurement::P99_US),
            measured.ratio(name, cases[0].name, Measurement::P99_US),
        );
    }
}

/// One gateway of ten never answers: measures how long the deliveries to the others wait.
fn one_dead_gateway(accepting: &str) {
    const CHANNELS: i64 = 10;
    // The system accepts connections to it, but no program answers.
    let dead = TcpListener::bind("127.0.0.1:0").expect("a port");
    let dead = format!("http://{}/", dead.local_addr().expect("an address"));
    let database = Database::new(CLIENTS);
    database.execute(&format!(
        "with recursive n (i) as (select 2 union all select i + 1 from n where i < {CHANNELS})
         insert into channel (id, name, type) select i, 'Channel ' || i, 'WEB' from n;
         insert into form_channel select 1, id from channel where id > 1;
         update thread set channel_id = 1 + id % {CHANNELS};
         update channel set delivery_secret = randomblob(32), delivery_url = iif(id = 1, '{dead}', '{accepting}');"
    ));
    let server = RunningServer::surveyd(&database.path());
    let target = Target { address: server.address, token: database.token.clone(), clients: CLIENTS };
    // Nine gateways can keep up with the sends of one connection.
    let measured = generator::round(&target, &[Kind::Send], ROUND * 10)(Kind::Send).expect("sends");
    thread::sleep(ROUND);
    let [count, p50, p99] = database.waits_ms();
    println!(
        "\none dead gateway of {CHANNELS}, {:.0} sends a second: {count} delivered, ms from send to delivery: p50 {p50}, p99 {p99}",
        measured.rate
    );
}

pub fn run() {
    let gateway = RunningServer::gateway();
    let (accepting, refusing) = (format!("http://{}/", gateway.address), "http://127.0.0.1:1/");
    println!("median of {ROUNDS} alternating rounds of {ROUND:?}, {CONNECTIONS} connections that send\n");
    let cases = [
        Case::new("none: recorded", None, 0),
        Case::new("to a gateway that is down", Some(refusing), 0),
        Case::new("to a gateway that accepts", Some(&accepting), 0),
    ];
    compare(&cases);
    drop(cases);

    one_dead_gateway(&accepting);
    println!("\nthe same with a backlog of {BACKLOG}\n");
    let cases =
        [Case::new("none: recorded", None, 0), Case::new("a backlog that is delivered", Some(&accepting), BACKLOG)];
    let before = cases[1].server.resident_mib();
    compare(&cases);
    let during = cases[1].server.resident_mib();
    let (began, pending) = (Instant::now(), cases[1].database.pending());
    let mut most = during;
    while cases[1].database.pending() > 0 {
        most = most.max(cases[1].server.resident_mib());
        thread::sleep(Duration::from_millis(500));
    }
    let rate = pending as f64 / began.elapsed().as_secs_f64();
    println!(
        "\nafter the sends {pending} were pending and delivered at {rate:.0} a second; resident: {before:.1} MiB at first, {during:.1} MiB during the sends, {most:.1} MiB at the most"
    );
}
