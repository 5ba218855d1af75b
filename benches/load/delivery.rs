//! What deliveries cost the sends, and how a backlog is worked off beside them.

use std::{
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use crate::{
    generator::{self, Kind, Seen, Target},
    median,
    servers::{Database, Running},
};

const CLIENTS: u64 = 1000;
const CONNECTIONS: usize = 64;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(1);
const BACKLOG: i64 = 1_000_000;

/// A server with a database of its own, and where its channel is delivered to.
struct Case {
    name: &'static str,
    database: Database,
    server: Running,
    seen: Vec<Seen>,
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
        let server = Running::surveyd(&database.path());
        Self { name, database, server, seen: Vec::new() }
    }

    fn round(&mut self) {
        let target = Target { address: self.server.address, token: self.database.token.clone(), clients: CLIENTS };
        self.seen.extend(generator::round(&target, &[Kind::Send; CONNECTIONS], ROUND)(Kind::Send));
    }

    fn median(&self, figure: fn(&Seen) -> f64) -> f64 {
        median(self.seen.iter().map(figure).collect())
    }
}

fn print(cases: &[Case]) {
    println!("| deliveries | sends a second | of those without | p50 us | p99 us | of that without |");
    println!("|---|---|---|---|---|---|");
    let (rate, p99) = (cases[0].median(|seen| seen.rate), cases[0].median(|seen| seen.p99_us));
    for case in cases {
        let (own, own_p99) = (case.median(|seen| seen.rate), case.median(|seen| seen.p99_us));
        let p50 = case.median(|seen| seen.p50_us);
        println!("| {} | {own:.0} | {:.2} | {p50:.0} | {own_p99:.0} | {:.2} |", case.name, own / rate, own_p99 / p99);
    }
}

/// One dead gateway of ten: how long the others wait for theirs.
fn lanes(accepting: &str) {
    const CHANNELS: i64 = 10;
    // The system takes connections in for it, and nobody ever answers.
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
    let server = Running::surveyd(&database.path());
    let target = Target { address: server.address, token: database.token.clone(), clients: CLIENTS };
    // One connection sends what nine gateways can keep up with.
    let seen = generator::round(&target, &[Kind::Send], ROUND * 10)(Kind::Send).expect("sends");
    thread::sleep(ROUND);
    let [count, p50, p99] = database.waits_ms();
    println!(
        "\none dead gateway of {CHANNELS}, {:.0} sends a second: {count} delivered, ms from send to delivery: p50 {p50}, p99 {p99}",
        seen.rate
    );
}

pub fn run() {
    let gateway = Running::gateway();
    let (accepting, refusing) = (format!("http://{}/", gateway.address), "http://127.0.0.1:1/");
    println!("median of {ROUNDS} alternating rounds of {ROUND:?}, {CONNECTIONS} connections that send\n");
    let mut cases = [
        Case::new("none: recorded", None, 0),
        Case::new("to a gateway that is down", Some(refusing), 0),
        Case::new("to a gateway that accepts", Some(&accepting), 0),
    ];
    for _ in 0..ROUNDS {
        cases.iter_mut().for_each(Case::round);
    }
    print(&cases);
    drop(cases);

    lanes(&accepting);
    println!("\nthe same beside a backlog of {BACKLOG}\n");
    let mut cases =
        [Case::new("none: recorded", None, 0), Case::new("a backlog that is worked off", Some(&accepting), BACKLOG)];
    let before = cases[1].server.resident_mib();
    for _ in 0..ROUNDS {
        cases.iter_mut().for_each(Case::round);
    }
    print(&cases);
    let during = cases[1].server.resident_mib();
    let (began, pending) = (Instant::now(), cases[1].database.pending());
    let mut most = during;
    while cases[1].database.pending() > 0 {
        most = most.max(cases[1].server.resident_mib());
        thread::sleep(Duration::from_millis(500));
    }
    let rate = pending as f64 / began.elapsed().as_secs_f64();
    println!(
        "\nafter the sends {pending} were pending and delivered at {rate:.0} a second; resident: {before:.1} MiB at first, {during:.1} MiB beside the sends, {most:.1} MiB at the most"
    );
}
