//! `GET /readyz`: a server is ready if it can answer a send.

use crate::harness::{Server, Signal, TestFolder, WriteLock, envelope, eventually};

const READY: &str = r#"200 {"schema":"current","writer":"answers","stopping":false}"#;

#[test]
fn a_server_that_can_send_is_ready() {
    let server = TestFolder::with_sample().serve();
    let answer = server.anonymous().call("GET", "/readyz", None);
    assert_eq!((answer.short().as_str(), answer.header("cache-control")), (READY, Some("no-store")));
    assert_eq!(Server::fake().anonymous().call("GET", "/readyz", None).short(), READY);
}

/// A writer that waits for a lock is none that answers; requests that need none go on, and `/livez` says so.
#[test]
fn a_server_whose_writer_is_stuck_is_not_ready() {
    let folder = TestFolder::with_sample();
    let server = folder.serve();
    let mut probe = server.anonymous();
    assert_eq!(probe.call("GET", "/readyz", None).short(), READY);
    let other = folder.database();
    other.execute_batch("begin immediate").unwrap();
    let answer = probe.call("GET", "/readyz", None);
    let expected = envelope("GET", "/readyz", "Not ready: the writer has not answered within 1 s");
    assert_eq!(
        (answer.status, answer.body, answer.headers.iter().any(|(name, _)| name == "Retry-After")),
        (503, expected, true)
    );
    assert_eq!(server.anonymous().call("GET", "/livez", None).status, 200);
    other.execute_batch("commit").unwrap();
    assert_eq!(probe.call("GET", "/readyz", None).short(), READY);
}

/// Any number of readiness requests leaves room for sends in the writer's queue, which takes eight jobs here.
#[test]
fn readiness_requests_do_not_fill_the_queue() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let (server, lock) = WriteLock::of(&folder, &[("LIMITS__QUEUE", "8")], &[&token]);
    let mut probes: Vec<_> = (0..100).map(|_| server.anonymous()).collect();
    for probe in &mut probes {
        probe.begin_call("GET", "/readyz", "", b"").unwrap();
    }
    server.wait_until_all_is_read();
    let waiting = lock.waiting_jobs();
    assert!(waiting < 8, "each HTTP worker submits one job for all that ask: {waiting}");
    std::thread::scope(|scope| {
        let send = scope.spawn(|| server.client(&token).send(1, 1));
        eventually("the send waits, too", || lock.waiting_jobs() > waiting);
        lock.release();
        assert_eq!(send.join().unwrap().short(), "200 ");
    });
    for mut probe in probes {
        assert!([200, 503].contains(&probe.read_response().status));
    }
}

/// A newer surveyd has migrated the file while this one runs.
#[test]
fn a_server_with_a_newer_schema_is_not_ready() {
    let folder = TestFolder::with_sample();
    let server = folder.serve();
    let other = folder.database();
    other.execute_batch("pragma user_version = 99").unwrap();
    let answer = server.anonymous().call("GET", "/readyz", None);
    assert_eq!(answer.short(), "503 Not ready: the schema of the database is not this program's");
}

/// Whoever asked before the signal, and is answered after it, is not sent to a server that ends. Nobody who asks later is
/// answered at all: connections are refused, and idle ones closed.
#[test]
fn a_server_that_stops_is_not_ready() {
    let folder = TestFolder::with_sample();
    let server = folder.serve();
    let other = folder.database();
    other.execute_batch("begin immediate").unwrap();
    let mut probe = server.anonymous();
    probe.begin_call("GET", "/readyz", "", b"").unwrap();
    server.wait_until_all_is_read();
    server.signal(Signal::TERM);
    server.wait_until_closed();
    other.execute_batch("commit").unwrap();
    let answer = probe.read_response();
    assert_eq!(
        (answer.short().as_str(), answer.header("connection")),
        ("503 Not ready: the server is stopping", Some("close"))
    );
    assert_eq!(server.wait().0, Some(0));
}
