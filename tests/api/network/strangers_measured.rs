//! What a thousand connections without a token cost: the server's memory, and the time of others.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::strangers::{connect, memory_kib};
use crate::harness::{Server, SetOnDrop, TestFolder};

const CONNECTIONS: usize = 1000;

/// How long each of the two phases takes.
const PHASE: Duration = Duration::from_secs(10);

/// The times of sends, sorted.
fn sends(server: &Server, token: &str) -> Vec<Duration> {
    let (mut crm, began, mut took) = (server.client(token), Instant::now(), Vec::new());
    while began.elapsed() < PHASE {
        let before = Instant::now();
        assert_eq!(crm.send(1, 1).status, 200);
        took.push(before.elapsed());
    }
    took.sort();
    took
}

/// Each connection writes as much of the endless text as the server takes, and reads nothing, or reads all.
fn flood(mut streams: Vec<TcpStream>, head: &[u8], again: &[u8], reads: bool, is_over: &AtomicBool) {
    let (head, again) = (head.to_vec(), again.repeat(100));
    let mut written = vec![0; streams.len()];
    let mut buffer = vec![0; 64 * 1024];
    while !is_over.load(Ordering::Relaxed) {
        for (stream, written) in streams.iter_mut().zip(&mut written) {
            let rest = if *written < head.len() {
                &head[*written..]
            } else {
                &again[(*written - head.len()) % (again.len() / 100)..]
            };
            *written += stream.write(rest).unwrap_or(0);
            if reads {
                let _ = stream.read(&mut buffer);
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Run it by name on an idle machine, with `--release`, `--ignored` and `--nocapture`.
#[test]
#[ignore = "a measurement: its numbers mean something on a machine that does nothing else"]
fn a_thousand_strangers_measured() {
    let livez = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let long_host = format!("GET /docs HTTP/1.1\r\nHost: {}\r\n\r\n", "h".repeat(250));
    let chunks = b"POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let cases: [(&str, &[u8], &[u8], bool); 4] = [
        ("requests without reading", b"", livez, false),
        ("pages without reading", b"", long_host.as_bytes(), false),
        ("requests with reading", b"", livez, true),
        ("bodies in one-byte chunks", chunks, b"1\r\n \r\n", true),
    ];
    for (name, head, again, reads) in cases {
        let folder = TestFolder::with_sample();
        let token = folder.token("crm", "integrator");
        let server = folder.serve_with(&[("LOG_REQUESTS", "false")]);
        let alone = sends(&server, &token);
        let idle = memory_kib(&server);
        let streams: Vec<_> = (0..CONNECTIONS).map(|_| connect(server.address)).collect();
        for stream in &streams {
            stream.set_nonblocking(true).unwrap();
        }
        let is_over = AtomicBool::new(false);
        let (during, memory) = thread::scope(|scope| {
            let _over = SetOnDrop(&is_over);
            scope.spawn(|| flood(streams, head, again, reads, &is_over));
            (sends(&server, &token), memory_kib(&server))
        });
        let p99 = |times: &[Duration]| times[times.len() * 99 / 100].as_secs_f64();
        println!(
            "{name}: {} KiB above idle; p99 of sends {:.2} times that alone, {} sends of {} alone",
            memory.saturating_sub(idle),
            p99(&during) / p99(&alone),
            during.len(),
            alone.len()
        );
    }
}
