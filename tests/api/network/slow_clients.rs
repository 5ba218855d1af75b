//! Slow clients, on purpose or not: the server closes their connections in time, and serves fast clients at the same speed.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use rstest::rstest;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};

use crate::harness::{Client, DEADLINE, Server, TestFolder, eventually};

/// What a client is slow at.
#[derive(Clone, Copy, Debug)]
enum Slow {
    FirstHead,
    /// The head of a second request on a kept connection.
    SecondHead,
    Body,
    /// A body in chunks, for a route that reads no body and has answered already.
    UnreadBody,
    /// Sends requests all the time, and reads no response.
    Reader,
}

/// When the slow clients send their bytes: ten times a second.
#[derive(Clone, Copy, Debug)]
enum Rhythm {
    /// Spread over the time, as independent clients do.
    Spread,
    /// All at the same instant.
    SameInstant,
}

impl Rhythm {
    /// How many of the clients send without a pause, and how long the pause is.
    fn step(self, clients: usize) -> (usize, Duration) {
        match self {
            Self::Spread => (clients.div_ceil(100), Duration::from_millis(1)),
            Self::SameInstant => (clients, Duration::from_millis(100)),
        }
    }
}

/// Those that send slowly.
const SENDERS: [Slow; 4] = [Slow::FirstHead, Slow::SecondHead, Slow::Body, Slow::UnreadBody];

const GET: &[u8] = b"GET /api/v1/threads/1 HTTP/1.1\r\nHost: x\r\n\r\n";

/// A slow client.
struct SlowClient {
    how: Slow,
    stream: TcpStream,
    /// The request of a reader. Its response repeats the long path, so that a few responses fill all buffers.
    request: Vec<u8>,
    /// Bytes sent so far, without those of the beginning.
    sent: usize,
    is_closed: bool,
}

impl SlowClient {
    fn new(address: SocketAddr, how: Slow, token: &str) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        if let Slow::Reader = how {
            socket.set_recv_buffer_size(4096).unwrap();
        }
        socket.connect(&address.into()).unwrap();
        let mut stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let send = format!(
            "POST /api/v1/quality/send HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n"
        );
        match how {
            Slow::SecondHead => {
                stream.write_all(GET).unwrap();
                assert_ne!(stream.read(&mut [0; 4096]).unwrap(), 0);
            }
            Slow::Body => stream.write_all(send.as_bytes()).unwrap(),
            Slow::UnreadBody => {
                stream
                    .write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4000\r\n")
                    .unwrap();
            }
            Slow::FirstHead | Slow::Reader => {}
        }
        stream.set_nonblocking(true).unwrap();
        let request = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(8000)).into_bytes();
        Self { how, stream, request, sent: 0, is_closed: false }
    }

    /// Sends one more byte, or as a reader as many as the buffers take. Returns how many.
    fn send_more(&mut self) -> usize {
        let line = b"GET /livez HTTP/1.1\r\nX: ";
        let written = match self.how {
            Slow::Reader => self.stream.write(&self.request[self.sent % self.request.len()..]),
            Slow::FirstHead | Slow::SecondHead => self.stream.write(&[*line.get(self.sent).unwrap_or(&b'x')]),
            Slow::Body | Slow::UnreadBody => self.stream.write(b"x"),
        };
        let sent = *written.as_ref().unwrap_or(&0);
        self.sent += sent;
        let is_open = |error: &std::io::Error| error.kind() == ErrorKind::WouldBlock;
        let mut buffer = [0; 4096];
        let read = match self.how {
            Slow::Reader => Ok(1),
            _ => self.stream.read(&mut buffer),
        };
        self.is_closed = written.is_err_and(|error| !is_open(&error))
            || read.map_or_else(|error| !is_open(&error), |read| read == 0);
        sent
    }
}

/// Raises the limit of open files as far as it goes: each client has one.
fn raise_file_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

/// Sends that are refused, one after another. Returns how long each took, sorted.
fn refusals(client: &mut Client, is_over: impl Fn(usize) -> bool) -> Vec<Duration> {
    let mut took = Vec::new();
    while !is_over(took.len()) {
        let began = Instant::now();
        assert_eq!(client.send(2, 1).status, 409);
        took.push(began.elapsed());
    }
    took.sort_unstable();
    took
}

fn mean(took: &[Duration]) -> Duration {
    took.iter().sum::<Duration>() / u32::try_from(took.len()).unwrap()
}

fn median(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() / 2]
}

fn serve(folder: &TestFolder) -> Server {
    folder.serve_with(&[
        ("LIMITS__HEAD_TIMEOUT_MS", "1000"),
        ("LIMITS__BODY_TIMEOUT_MS", "1000"),
        ("LIMITS__ANSWER_TIMEOUT_MS", "1000"),
        ("LOG_REQUESTS", "false"),
    ])
}

/// How long the responses to a fast client took, each list sorted.
struct Times {
    /// Before the slow clients came.
    before: Vec<Duration>,
    /// While the server had slow clients.
    during: Vec<Duration>,
    /// After it had closed their connections.
    after: Vec<Duration>,
}

/// Serves a fast client while there are `of_each` slow clients of each kind, until the server has closed all of them.
fn serve_with_slow_clients(of_each: usize, rhythm: Rhythm) -> Times {
    raise_file_limit();
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let server = serve(&folder);
    let mut fast = server.client(&token);
    let before = refusals(&mut fast, |count| count >= 3000);
    let connect = |how| -> Vec<_> { (0..of_each).map(|_| SlowClient::new(server.address, how, &token)).collect() };
    let mut slow = connect(Slow::Reader);
    // The server answers a reader as long as the buffers take the responses: until they are full, the reader is not slow.
    while slow.iter_mut().map(SlowClient::send_more).fold(0, usize::max) > 0 {
        std::thread::sleep(Duration::from_millis(20));
    }
    // Only now: the server closes these a second after they have connected.
    slow.extend(SENDERS.into_iter().flat_map(connect));
    let sending = std::thread::spawn(move || {
        let end = Instant::now() + DEADLINE;
        while let Some(open) = slow.iter().find(|client| !client.is_closed) {
            assert!(Instant::now() < end, "{:?} is not closed", open.how);
            let (size, pause) = rhythm.step(slow.len());
            for some in slow.chunks_mut(size) {
                some.iter_mut().filter(|client| !client.is_closed).for_each(|client| _ = client.send_more());
                std::thread::sleep(pause);
            }
        }
        slow.iter().filter(|client| !matches!(client.how, Slow::Reader)).map(|client| client.sent).sum::<usize>()
    });
    let during = refusals(&mut fast, |_| sending.is_finished());
    let sent = sending.join().unwrap();
    assert!(sent >= 3 * of_each * SENDERS.len(), "only {sent} bytes were sent slowly");
    let after = refusals(&mut fast, |count| count >= 3000);
    Times { before, during, after }
}

/// Compared with the same client alone, before and after: other programs on the machine slow down all three. The mean and not
/// the median: while the server is blocked, few responses take most of the time.
#[test]
fn slow_clients_do_not_slow_down_a_fast_one() {
    let Times { before, during, after } = serve_with_slow_clients(100, Rhythm::Spread);
    let (alone, during) = (mean(&before).max(mean(&after)), mean(&during));
    println!("mean: alone {alone:?}, with 500 slow clients {during:?}");
    assert!(during <= alone * 4, "mean: alone {alone:?}, with 500 slow clients {during:?}");
}

/// A thousand slow clients, and what they cost the fast one. Run it by name, with `--ignored --nocapture`.
#[test]
#[ignore = "a measurement: its numbers mean something on a machine that does nothing else"]
fn slow_clients_do_not_slow_down_a_fast_one_measured() {
    let summary = |took: &[Duration]| (took.len(), median(took), took[took.len() * 99 / 100], took[took.len() - 1]);
    for rhythm in [Rhythm::Spread, Rhythm::SameInstant] {
        let mut ratios: Vec<_> = (0..9)
            .map(|_| {
                let Times { before, during, .. } = serve_with_slow_clients(200, rhythm);
                let (alone, during) = (summary(&before), summary(&during));
                println!("count, median, p99, worst: alone {alone:?}, with a thousand slow clients {during:?}");
                during.2.as_secs_f64() / alone.2.as_secs_f64()
            })
            .collect();
        ratios.sort_by(f64::total_cmp);
        println!("{rhythm:?}: p99, of that alone: {:.2} ({ratios:.2?})", ratios[ratios.len() / 2]);
    }
}

/// Each kind of slow client, and its response.
#[test]
fn a_slow_client_gets_its_status_and_a_closed_connection() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let server = serve(&folder);
    let mut first = server.anonymous();
    first.write_raw(b"GET /livez HTT");
    assert_eq!(first.read_response().status, 408);
    assert!(first.is_closed());
    let mut second = server.anonymous();
    second.write_raw(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTT");
    assert_eq!((second.read_response().status, second.read_response().status), (200, 400));
    assert!(second.is_closed());
    let mut body = server.client(&token);
    body.begin_call("POST", "/api/v1/quality/send", "Content-Type: application/json\r\nContent-Length: 9\r\n", b"")
        .unwrap();
    assert_eq!(body.read_response().short(), "408 The body did not arrive within 1000 ms");
    assert!(body.is_closed());
    let mut unread = server.anonymous();
    unread.write_raw(b"GET /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n");
    assert_eq!(unread.read_response().status, 200);
    assert!(unread.is_closed());
    // A head in pieces is served if it arrives in time.
    let mut patient = server.anonymous();
    for byte in GET {
        patient.write_raw(&[*byte]);
    }
    assert_eq!(patient.read_response().status, 401);
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let folder = TestFolder::with_sample();
    let server = folder.serve_with(&[("LIMITS__HEAD_BYTES", "2000")]);
    for (length, status) in [(1900, 200), (2000, 400)] {
        let mut client = server.anonymous();
        let lines = format!("X: {}\r\n", "x".repeat(length));
        assert_eq!(client.call_with("GET", "/livez", &lines, b"").status, status, "{length}");
    }
}

/// A connection over the limit is closed at once; when another one has ended, the next is served. The address of `/admin` has
/// one worker: such a connection waited there.
#[rstest]
#[case::several_workers(Server::anonymous, "limits.connections")]
#[case::one_worker(|server: &Server| server.client_of("/admin"), "admin.listen")]
fn a_connection_over_the_limit_is_closed(#[case] connect: impl Fn(&Server) -> Client, #[case] what: &str) {
    let folder = TestFolder::with_sample();
    let server = folder.serve_with(&[("LIMITS__CONNECTIONS", "3"), ("ADMIN__LISTEN", "127.0.0.1:0")]);
    let answers = |client: &mut Client| client.try_call_with("GET", "/admin/settings", "", b"").is_ok();
    let mut kept: Vec<_> = (0..3).map(|_| connect(&server)).collect();
    assert!(kept.iter_mut().all(answers));
    assert!(connect(&server).is_closed());
    // The line may come after the connection is closed.
    let line = format!("all 3 connections are taken ({what}); others are closed at once");
    eventually(&line, || server.log().contains(&line));
    kept.pop();
    eventually("a new connection is served", || answers(&mut connect(&server)));
}
