//! Memory, open files and the write-ahead log of a server that goes on and on: none of them grows with the number of requests.

use std::{fs, thread};

use crate::harness::{Server, TestFolder, eventually};

const CLIENTS: usize = 4;

/// What a server uses.
#[derive(Debug)]
struct Usage {
    memory_kib: usize,
    open_files: usize,
    wal_kib: usize,
}

impl Usage {
    fn of(server: &Server, folder: &TestFolder) -> Self {
        let process = format!("/proc/{}", server.process.id());
        let status = fs::read_to_string(format!("{process}/status")).unwrap();
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        Self {
            memory_kib: kib.trim().trim_end_matches(" kB").parse().unwrap(),
            open_files: fs::read_dir(format!("{process}/fd")).unwrap().count(),
            wal_kib: usize::try_from(fs::metadata(folder.path("surveyd.db-wal")).unwrap().len()).unwrap() / 1024,
        }
    }
}

/// Sends, refusals, lists, bad tokens and new connections: `rounds` requests from each client.
fn load(server: &Server, token: &str, ops: &str, rounds: usize) {
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            scope.spawn(move || {
                let (mut crm, mut admin) = (server.client(token), server.client(ops));
                for round in number..number + rounds {
                    match round % 8 {
                        0 => assert_eq!(admin.call("GET", "/admin/sends?limit=100", None).status, 200),
                        // A bad token: throttled after some.
                        1 => {
                            assert!([401, 429].contains(&server.client(&format!("surveyd_{round}")).send(1, 1).status));
                        }
                        2 => {
                            crm = server.client(token);
                            assert_eq!(crm.call("GET", "/api/v1/threads/1", None).status, 200);
                        }
                        3 => assert_eq!(crm.send(2, 1).status, 409),
                        _ => assert_eq!(crm.send(1, 1).status, 200),
                    }
                }
            });
        }
    });
}

/// Compares the server after `rounds` and after three times as many.
fn nothing_grows(rounds: usize) {
    let folder = TestFolder::with_sample();
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    let server = folder.serve();
    // Caches are filled and each thread has worked by then.
    load(&server, &token, &ops, rounds);
    let before = Usage::of(&server, &folder);
    load(&server, &token, &ops, 2 * rounds);
    eventually("closed connections are closed by the server, too", || {
        Usage::of(&server, &folder).open_files <= before.open_files + 2 * CLIENTS
    });
    let after = Usage::of(&server, &folder);
    let requests = 2 * rounds * CLIENTS;
    println!("{requests} requests: {before:?}, {after:?}");
    let bytes = after.memory_kib.saturating_sub(before.memory_kib) * 1024 / requests;
    assert!(bytes < 256, "{bytes} bytes of memory remain of each request: {before:?}, {after:?}");
    // Half of the requests are sends, and a commit writes more than a page of 4 KiB. SQLite goes back to the start of the log
    // at 1,000 pages; a reader at the wrong moment lets it grow further.
    let written = requests / 2 / CLIENTS * 4;
    assert!(after.wal_kib < before.wal_kib + written / 2, "the log is not checkpointed: {before:?}, {after:?}");
}

#[test]
fn nothing_grows_with_the_number_of_requests() {
    nothing_grows(1000);
}

/// `cargo test --release --test api -- --ignored --nocapture nothing_grows`: some minutes.
#[test]
#[ignore = "takes minutes"]
fn nothing_grows_with_a_million_requests() {
    nothing_grows(100_000);
}
