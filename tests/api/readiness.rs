//! `GET /readyz`: ready is who can answer a send.

use rusqlite::Connection;

use crate::harness::{Home, Server, envelope, eventually};

const READY: &str = r#"200 {"schema":"current","writer":"answers","stopping":false}"#;

#[test]
fn a_server_that_can_send_is_ready() {
    let server = Home::with_sample().serve();
    let answer = server.stranger().call("GET", "/readyz", None);
    assert_eq!((answer.short().as_str(), answer.header("cache-control")), (READY, Some("no-store")));
    assert_eq!(Server::fake().stranger().call("GET", "/readyz", None).short(), READY);
}

/// A writer that waits for a lock is none that answers; requests that need none go on, and `/livez` says so.
#[test]
fn a_stuck_writer_is_told() {
    let home = Home::with_sample();
    let server = home.serve();
    let mut probe = server.stranger();
    assert_eq!(probe.call("GET", "/readyz", None).short(), READY);
    let other = Connection::open(home.path("surveyd.db")).unwrap();
    other.execute_batch("begin immediate").unwrap();
    let answer = probe.call("GET", "/readyz", None);
    let expected = envelope("GET", "/readyz", "Not ready: the writer has not answered within 1 s");
    assert_eq!(
        (answer.status, answer.body, answer.headers.iter().any(|(name, _)| name == "Retry-After")),
        (503, expected, true)
    );
    assert_eq!(server.stranger().call("GET", "/livez", None).status, 200);
    other.execute_batch("commit").unwrap();
    assert_eq!(probe.call("GET", "/readyz", None).short(), READY);
}

/// However many ask, there is room for sends in the writer's queue; here it has eight places.
#[test]
fn those_who_ask_do_not_fill_the_queue() {
    let home = Home::with_sample();
    let token = home.token("crm", "integrator");
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("SURVEYD__LIMITS__QUEUE", "8");
    let server = Server::start(command);
    let other = Connection::open(home.path("surveyd.db")).unwrap();
    other.execute_batch("begin immediate").unwrap();
    let mut probes: Vec<_> = (0..100).map(|_| server.stranger()).collect();
    for probe in &mut probes {
        probe.begin_call("GET", "/readyz", "", b"").unwrap();
    }
    server.let_pass();
    std::thread::scope(|scope| {
        let send = scope.spawn(|| server.client(&token).send(1, 1));
        server.let_pass();
        other.execute_batch("commit").unwrap();
        assert_eq!(send.join().unwrap().short(), "200 ");
    });
    for mut probe in probes {
        assert!([200, 503].contains(&probe.pull().status));
    }
}

/// A newer surveyd beside this one has brought the file to its own schema.
#[test]
fn a_schema_of_another_version_is_told() {
    let home = Home::with_sample();
    let server = home.serve();
    let other = Connection::open(home.path("surveyd.db")).unwrap();
    other.execute_batch("pragma user_version = 99").unwrap();
    let answer = server.stranger().call("GET", "/readyz", None);
    assert_eq!(answer.short(), "503 Not ready: the schema of the database is not this program's");
}

/// Whoever asked before the signal, and is answered after it, is not sent to a server that ends. Nobody who asks later is
/// answered at all: connections are refused, and idle ones closed.
#[test]
fn a_server_that_stops_is_not_ready() {
    let home = Home::with_sample();
    let server = home.serve();
    let other = Connection::open(home.path("surveyd.db")).unwrap();
    other.execute_batch("begin immediate").unwrap();
    let mut probe = server.stranger();
    probe.begin_call("GET", "/readyz", "", b"").unwrap();
    server.let_pass();
    server.signal("-TERM");
    eventually("the server stops accepting", || std::net::TcpStream::connect(server.address).is_err());
    other.execute_batch("commit").unwrap();
    let answer = probe.pull();
    assert_eq!(
        (answer.short().as_str(), answer.header("connection")),
        ("503 Not ready: the server is stopping", Some("close"))
    );
    assert_eq!(server.wait().0, Some(0));
}
