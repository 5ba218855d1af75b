//! Those who are slow, on purpose or not: they are let go in time, and who is fast does not notice them.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};

use crate::harness::{Client, DEADLINE, Home, Server, eventually};

/// In which way.
#[derive(Clone, Copy, Debug)]
enum Slow {
    FirstHead,
    /// The head of a second request on a kept connection.
    SecondHead,
    Body,
    /// A body in chunks, for a route that reads none and has answered already.
    UnreadBody,
    /// Asks again and again, and takes no answer.
    Reader,
}

const ALL: [Slow; 5] = [Slow::FirstHead, Slow::SecondHead, Slow::Body, Slow::UnreadBody, Slow::Reader];

const GET: &[u8] = b"GET /api/v1/threads/1 HTTP/1.1\r\nHost: x\r\n\r\n";

/// A slow client.
struct Drip {
    how: Slow,
    stream: TcpStream,
    /// What a reader asks, over and over: an answer repeats the path, so that few of them are more than there is room for.
    asks: Vec<u8>,
    /// How many bytes it has sent of its drops.
    sent: usize,
    is_gone: bool,
}

impl Drip {
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
        let asks = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(8000)).into_bytes();
        Self { how, stream, asks, sent: 0, is_gone: false }
    }

    /// Sends a byte more, or for a reader as much as there is room for; yields how much that was.
    fn drop(&mut self) -> usize {
        let line = b"GET /livez HTTP/1.1\r\nX: ";
        let written = match self.how {
            Slow::Reader => self.stream.write(&self.asks[self.sent % self.asks.len()..]),
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
        self.is_gone = written.is_err_and(|error| !is_open(&error))
            || read.map_or_else(|error| !is_open(&error), |read| read == 0);
        sent
    }
}

/// As many open files as the system gives: each client has one.
fn raise_file_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

/// Refusals one after another: how long each took, in order of length.
fn refusals(client: &mut Client, until: impl Fn(usize) -> bool) -> Vec<Duration> {
    let mut took = Vec::new();
    while !until(took.len()) {
        let began = Instant::now();
        assert_eq!(client.send(2, 1).status, 409);
        took.push(began.elapsed());
        assert!(took[took.len() - 1] < DEADLINE, "{took:?}");
    }
    took.sort_unstable();
    took
}

fn serve(home: &Home) -> Server {
    home.serve_with(&[
        ("LIMITS__HEAD_TIMEOUT_MS", "1000"),
        ("LIMITS__BODY_TIMEOUT_MS", "1000"),
        ("LIMITS__ANSWER_TIMEOUT_MS", "1000"),
        ("LOG_REQUESTS", "false"),
    ])
}

/// So many of each kind; a fast one is served until all of them are gone. Yields how long its answers took before, in order
/// of length, and meanwhile.
fn swarm(of_each: usize) -> (Vec<Duration>, Vec<Duration>) {
    raise_file_limit();
    let home = Home::with_sample();
    let token = home.token("crm", "integrator");
    let server = serve(&home);
    let mut fast = server.client(&token);
    let alone = refusals(&mut fast, |asked| asked >= 5000);
    let mut slow: Vec<_> =
        ALL.iter().cycle().take(of_each * ALL.len()).map(|how| Drip::new(server.address, *how, &token)).collect();
    // Whoever asks is answered, as long as there is room for the answers: until then a reader is not slow.
    let mut fills =
        || slow.iter_mut().filter(|drip| matches!(drip.how, Slow::Reader)).map(Drip::drop).fold(0, usize::max);
    while fills() > 0 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let (gone, told) = std::sync::mpsc::channel::<()>();
    let dripping = std::thread::spawn(move || {
        let end = Instant::now() + DEADLINE;
        while let Some(one) = slow.iter().find(|drip| !drip.is_gone) {
            assert!(Instant::now() < end, "{:?} goes on", one.how);
            // Ten bytes a second from each, one after another and not all at once: they know nothing of each other.
            let size = slow.len().div_ceil(100);
            for some in slow.chunks_mut(size) {
                some.iter_mut().filter(|drip| !drip.is_gone).for_each(|drip| _ = drip.drop());
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        drop(gone);
    });
    let is_over = |_| told.try_recv() == Err(std::sync::mpsc::TryRecvError::Disconnected);
    let beside = refusals(&mut fast, is_over);
    dripping.join().unwrap();
    (alone, beside)
}

#[test]
fn the_slow_do_not_stop_the_fast() {
    let (_, beside) = swarm(100);
    assert!(beside.len() > 50, "{beside:?}");
}

/// The long form: a thousand, and what it costs the fast one. Run it by name, with `--ignored --nocapture`.
#[test]
#[ignore = "a measurement: its numbers mean something on a machine that does nothing else"]
fn the_slow_do_not_stop_the_fast_long() {
    let tell =
        |took: &[Duration]| (took.len(), took[took.len() / 2], took[took.len() * 99 / 100], took[took.len() - 1]);
    let mut ratios: Vec<_> = (0..9)
        .map(|_| {
            let (alone, beside) = swarm(200);
            let (alone, beside) = (tell(&alone), tell(&beside));
            println!("count, median, p99, worst: alone {alone:?}, beside a thousand slow ones {beside:?}");
            beside.2.as_secs_f64() / alone.2.as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    println!("p99, of that alone: {:.2} ({ratios:.2?})", ratios[ratios.len() / 2]);
}

/// Each kind, and what it is told.
#[test]
fn the_slow_are_told_and_let_go() {
    let home = Home::with_sample();
    let token = home.token("crm", "integrator");
    let server = serve(&home);
    let mut first = server.stranger();
    first.push(b"GET /livez HTT");
    assert_eq!(first.pull().status, 408);
    assert!(first.is_closed());
    let mut second = server.stranger();
    second.push(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTT");
    assert_eq!((second.pull().status, second.pull().status), (200, 400));
    assert!(second.is_closed());
    let mut body = server.client(&token);
    body.begin_call("POST", "/api/v1/quality/send", "Content-Type: application/json\r\nContent-Length: 9\r\n", b"")
        .unwrap();
    assert_eq!(body.pull().short(), "408 The body did not arrive within 1000 ms");
    assert!(body.is_closed());
    let mut unread = server.stranger();
    unread.push(b"GET /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n");
    assert_eq!(unread.pull().status, 200);
    assert!(unread.is_closed());
    // A head that comes piece by piece, but in time, is a head.
    let mut patient = server.stranger();
    for byte in GET {
        patient.push(&[*byte]);
    }
    assert_eq!(patient.pull().status, 401);
}

#[test]
fn a_head_has_its_limit() {
    let home = Home::with_sample();
    let server = home.serve_with(&[("LIMITS__HEAD_BYTES", "2000")]);
    for (length, status) in [(1900, 200), (2000, 400)] {
        let mut client = server.stranger();
        let lines = format!("X: {}\r\n", "x".repeat(length));
        assert_eq!(client.call_with("GET", "/livez", &lines, b"").status, status, "{length}");
    }
}

/// Who comes when all places are taken is let go at once, and comes in when one is free.
#[test]
fn connections_have_their_limit() {
    let home = Home::with_sample();
    let server = home.serve_with(&[("LIMITS__CONNECTIONS", "3")]);
    let mut kept: Vec<_> = (0..3).map(|_| server.stranger()).collect();
    for client in &mut kept {
        assert_eq!(client.call("GET", "/livez", None).status, 200);
    }
    assert!(server.stranger().is_closed());
    // The line may come after the connection is closed.
    let line = "all 3 connections are taken (limits.connections); others are closed at once";
    eventually(line, || server.said().contains(line));
    kept.pop();
    eventually("the place is free", || server.stranger().try_call_with("GET", "/livez", "", b"").is_ok());
}
