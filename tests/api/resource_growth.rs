//! Half of what it could do, for a while: memory, descriptors and the log stay within bounds.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use crate::harness::{Home, Server};

const CLIENTS: i64 = 4;

/// What a server holds: MiB of memory, open descriptors, MiB of the log.
#[derive(Debug)]
struct Held {
    memory_mib: u64,
    descriptors: usize,
    log_mib: u64,
}

impl Held {
    fn by(server: &Server, home: &Home) -> Self {
        let process = format!("/proc/{}", server.process.id());
        let status = fs::read_to_string(format!("{process}/status")).unwrap();
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kib: u64 = kib.trim().trim_end_matches(" kB").parse().unwrap();
        Self {
            memory_mib: kib / 1024,
            descriptors: fs::read_dir(format!("{process}/fd")).unwrap().count(),
            log_mib: fs::metadata(home.path("surveyd.db-wal")).unwrap().len() / (1024 * 1024),
        }
    }
}

/// Sends, refusals, lists, bad tokens and new connections, with a pause as long as each answer took.
fn nothing_grows(time: Duration) {
    let home = Home::with_sample();
    let (token, ops) = (home.token("crm", "integrator"), home.token("ops", "admin"));
    let server = home.serve();
    let load = |time: Duration| {
        let end = Instant::now() + time;
        thread::scope(|scope| {
            for number in 0..CLIENTS {
                let (server, token, ops) = (&server, &token, &ops);
                scope.spawn(move || {
                    let (mut crm, mut admin) = (server.client(token), server.client(ops));
                    for round in number.. {
                        let began = Instant::now();
                        match round % 8 {
                            0 => drop(admin.call("GET", "/admin/sends?limit=100", None)),
                            1 => drop(server.client(&format!("surveyd_{round}")).send(1, 1)),
                            2 => crm = server.client(token),
                            3 => assert_eq!(crm.send(2, 1).status, 409),
                            _ => assert_eq!(crm.send(1, 1).status, 200),
                        }
                        if began >= end {
                            return;
                        }
                        thread::sleep(began.elapsed());
                    }
                });
            }
        });
        Held::by(&server, &home)
    };
    // Until caches are filled and every thread has been there.
    let before = load(Duration::from_secs(2));
    let after = load(time);
    println!("{before:?}, {time:?} later {after:?}");
    assert!(after.memory_mib <= before.memory_mib + 16, "memory: {before:?}, {after:?}");
    assert!(after.descriptors <= before.descriptors + 8, "descriptors: {before:?}, {after:?}");
    // SQLite takes it back to the beginning at 1,000 pages; a reader at the wrong moment lets it grow by some more.
    assert!(after.log_mib <= 64, "the log: {before:?}, {after:?}");
}

#[test]
fn nothing_grows_in_a_few_seconds() {
    nothing_grows(Duration::from_secs(4));
}

/// `cargo test --release --test api -- --ignored --nocapture nothing_grows`: half an hour.
#[test]
#[ignore = "takes half an hour"]
fn nothing_grows_in_half_an_hour() {
    nothing_grows(Duration::from_mins(30));
}
