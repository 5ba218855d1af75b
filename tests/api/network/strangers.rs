//! What one connection without a token may cost: memory, and the time of others.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use rstest::rstest;
use socket2::{Domain, Socket, Type};

use crate::harness::{DEADLINE, Server, TestFolder, eventually, send_in_parts};

/// A connection whose buffers in this process are small.
pub fn connect(address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.set_send_buffer_size(16 * 1024).unwrap();
    socket.connect(&address.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

pub fn memory_kib(server: &Server) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.process.id())).unwrap();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    kib.trim().trim_end_matches(" kB").parse().unwrap()
}

/// All were taken, and their answers were kept in memory.
#[test]
fn requests_are_not_taken_while_answers_wait() {
    const REQUEST: &[u8] = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const TOO_MANY: usize = 16 * 1024 * 1024;
    let server = Server::fake();
    let mut stream = connect(server.address);
    stream.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
    let many = REQUEST.repeat(1000);
    let mut sent = 0;
    loop {
        match stream.write(&many[sent % REQUEST.len()..]) {
            Ok(written) => sent += written,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
        assert!(sent < TOO_MANY, "the server takes requests whose answers nobody reads");
    }
    // Once the client reads, all that it has sent is answered.
    let (whole, mut count, mut buffer, mut tail) = (sent / REQUEST.len(), 0, [0; 8 * 1024], Vec::new());
    while count < whole {
        let read = stream.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "closed after {count} of {whole} answers");
        tail.extend_from_slice(&buffer[..read]);
        count += tail.windows(12).filter(|window| window == b"HTTP/1.1 200").count();
        tail.drain(..tail.len().saturating_sub(11));
    }
    assert_eq!(count, whole);
}

/// A page is 300 KB. Each connection held a copy, which was longer still with a long `Host`.
#[rstest]
#[case("/docs", "x")]
#[case("/docs", "x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x")]
#[case("/openapi.json", "x")]
fn a_page_that_nobody_reads_costs_a_buffer(#[case] path: &str, #[case] host: &str) {
    const COUNT: usize = 150;
    let server = Server::fake();
    let before = memory_kib(&server);
    let connect = |_| {
        let mut stream = connect(server.address);
        // Twice: the answer to the first fills the buffers of the system.
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").repeat(2);
        stream.write_all(request.as_bytes()).unwrap();
        stream
    };
    let streams: Vec<_> = (0..COUNT).map(connect).collect();
    for stream in &streams {
        assert_eq!(stream.peek(&mut [0]).unwrap(), 1);
    }
    let of_each = memory_kib(&server).saturating_sub(before) / COUNT;
    assert!(of_each < 128, "{of_each} KiB for each connection");
}

#[test]
fn a_host_of_more_than_255_bytes_is_refused() {
    let server = Server::fake();
    for (length, status) in [(255, 200), (256, 400)] {
        let request = format!("GET /livez HTTP/1.1\r\nHost: {}\r\n\r\n", "x".repeat(length));
        assert_eq!(server.anonymous().raw(request.as_bytes()).status, status, "{length}");
    }
}

/// Source: RFC 9112, section 9.6; for HTTP/1.0 section 9.3.
#[rstest]
#[case("HTTP/1.1", "Connection: close\r\n", true)]
#[case("HTTP/1.1", "Connection: keep-alive, Close\r\n", true)]
#[case("HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n", true)]
#[case("HTTP/1.1", "Connection: upgrade\r\nUpgrade: h2c\r\n", true)]
#[case("HTTP/1.0", "", true)]
#[case("HTTP/1.0", "Connection: keep-alive\r\n", false)]
#[case("HTTP/1.1", "", false)]
fn nothing_after_the_last_request_is_executed(#[case] version: &str, #[case] lines: &str, #[case] closes: bool) {
    const COUNT: usize = 8;
    let server = Server::fake();
    let body = r#"{"clientId":{"type":"internalClientId","id":1},"qualityFormId":1}"#;
    let send = format!(
        "POST /api/v1/quality/send {version}\r\nHost: localhost\r\nAuthorization: Bearer test-crm\r\n{lines}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut client = server.anonymous();
    client.write_raw(send.repeat(COUNT).as_bytes());
    let count = if closes { 1 } else { COUNT };
    for _ in 0..count {
        assert_eq!(client.read_response().status, 200);
    }
    assert!(!closes || client.is_closed());
    assert_eq!(server.client("test-admin").all_sends().len(), count);
}

/// A client without a token sends chunks of one byte without end. A turn of it was 128 KiB: some 20,000 chunks.
#[test]
fn chunks_of_one_byte_leave_others_their_turn() {
    const TOTAL: usize = 4 * 1024 * 1024;
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let server = folder.serve_with(&[("LOG_REQUESTS", "false")]);
    let (sent, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let mut answers = 0;
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let chunks = b"1\r\nx\r\n".repeat(1000);
                while !is_over.load(Ordering::Relaxed) {
                    let mut stream = connect(server.address);
                    let mut written = stream
                        .write_all(b"POST /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
                    // Until the time for a body is over.
                    while written.is_ok() && !is_over.load(Ordering::Relaxed) {
                        written = stream.write_all(&chunks);
                        sent.fetch_add(chunks.len(), Ordering::Relaxed);
                    }
                }
            });
        }
        let mut fast = server.client(&token);
        eventually("they send", || sent.load(Ordering::Relaxed) > TOTAL / 4);
        let begin = sent.load(Ordering::Relaxed);
        while sent.load(Ordering::Relaxed) < begin + TOTAL {
            assert_eq!(fast.send(2, 1).status, 409);
            answers += 1;
        }
        is_over.store(true, Ordering::Relaxed);
    });
    println!("{answers} answers");
    assert!(answers >= TOTAL / (32 * 1024), "{answers} answers while others sent {TOTAL} bytes");
}

/// The public address is full: administrators and the monitoring are served all the same.
#[test]
fn a_flood_of_the_public_address_leaves_administration_and_metrics() {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let server = folder.serve_with(&[
        ("LIMITS__CONNECTIONS", "3"),
        ("ADMIN__LISTEN", "127.0.0.1:0"),
        ("METRICS__LISTEN", "127.0.0.1:0"),
    ]);
    let mut flood: Vec<_> = (0..3).map(|_| server.anonymous()).collect();
    assert!(flood.iter_mut().all(|client| client.call("GET", "/livez", None).status == 200));
    assert!(server.anonymous().is_closed());
    let bearer = format!("Authorization: Bearer {ops}\r\n");
    assert_eq!(server.client_of("/admin").call_with("GET", "/admin/settings", &bearer, b"").status, 200);
    assert_eq!(server.client_of("/metrics").call("GET", "/metrics", None).status, 200);
}

/// A connection waits in the queue when its body comes, is authenticated from then on, and sends nothing more: it must not keep
/// the others waiting.
#[test]
fn idle_connections_delay_no_other() {
    let server = Server::fake();
    let idle: Vec<_> = (0..16).map(|_| connect(server.address)).collect();
    for part in send_in_parts("") {
        for mut stream in &idle {
            stream.write_all(part.as_bytes()).unwrap();
        }
    }
    for mut stream in &idle {
        let mut answer = [0; 15];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
    }
    for _ in 0..16 {
        assert_eq!(server.anonymous().call("GET", "/livez", None).status, 200);
    }
}
