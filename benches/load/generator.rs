//! The load generator: keep-alive connections, each of which sends its next request after the answer to the last one.

use std::{
    io::ErrorKind,
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{net::TcpStream, runtime, task};

/// The requests of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A send that the rules allow.
    Send,
    /// A form that is enabled in no channel: the last rule refuses it, after all facts were read.
    Refusal,
}

/// The server to load, and the token to use.
#[derive(Clone)]
pub struct Target {
    pub address: SocketAddr,
    pub token: String,
    /// Requests are about clients 1 to this number, in random order.
    pub clients: u64,
}

/// The results of one round for one kind of request.
pub struct Measurement {
    /// Answers per second.
    pub rate: f64,
    /// The median time to an answer, in microseconds.
    pub p50_us: f64,
    /// The 99th percentile, in microseconds.
    pub p99_us: f64,
}

impl Measurement {
    pub const RATE: fn(&Self) -> f64 = |measured| measured.rate;
    pub const P50_US: fn(&Self) -> f64 = |measured| measured.p50_us;
    pub const P99_US: fn(&Self) -> f64 = |measured| measured.p99_us;
}

/// Loads the target for `time`, with one connection for each of `kinds`. Returns a function that gives the results of a
/// kind.
pub fn round(target: &Target, kinds: &[Kind], time: Duration) -> impl Fn(Kind) -> Option<Measurement> + use<> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let began = Instant::now();
    let end = began + time;
    let latencies: Vec<(Kind, Vec<u32>)> = task::LocalSet::new().block_on(&runtime, async {
        let tasks: Vec<_> = (1..)
            .zip(kinds)
            .map(|(seed, &kind)| (kind, task::spawn_local(connection(target.clone(), kind, seed, end))))
            .collect();
        let mut latencies = Vec::new();
        for (kind, task) in tasks {
            latencies.push((kind, task.await.expect("a connection that is answered")));
        }
        latencies
    });
    let seconds = began.elapsed().as_secs_f64();
    move |kind| {
        let mut all: Vec<u32> =
            latencies.iter().filter(|(of, _)| *of == kind).flat_map(|(_, latencies)| latencies).copied().collect();
        all.sort_unstable();
        let at = |share: f64| f64::from(all[((all.len() - 1) as f64 * share) as usize]);
        (!all.is_empty()).then(|| Measurement { rate: all.len() as f64 / seconds, p50_us: at(0.5), p99_us: at(0.99) })
    }
}

/// Runs one connection. Returns the time that each answer took, in microseconds.
async fn connection(target: Target, kind: Kind, seed: u64, end: Instant) -> Vec<u32> {
    let stream = TcpStream::connect(target.address).await.expect("a server that listens");
    stream.set_nodelay(true).expect("a socket");
    let (form, expected) = match kind {
        Kind::Send => (1, "HTTP/1.1 200"),
        Kind::Refusal => (9, "HTTP/1.1 409"),
    };
    let (mut latencies, mut buffer) = (Vec::new(), [0; 2048]);
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    while Instant::now() < end {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let client = 1 + (random >> 33) % target.clients;
        let request = request(&target.token, client, form);
        let sent = Instant::now();
        write(&stream, request.as_bytes()).await;
        let answer = read(&stream, &mut buffer).await;
        assert!(answer.starts_with(expected), "{expected} was expected: {answer}");
        latencies.push(sent.elapsed().as_micros() as u32);
    }
    latencies
}

/// A request to send a form to a client.
pub fn request(token: &str, client: u64, form: u64) -> String {
    let body = format!(r#"{{"clientId":{{"type":"internalClientId","id":{client}}},"qualityFormId":{form}}}"#);
    format!(
        "POST /api/v1/quality/send HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => stream.writable().await.expect("a socket"),
            Err(error) => panic!("the server hung up: {error}"),
        }
    }
}

/// Reads one answer, its body included.
async fn read<'a>(stream: &TcpStream, buffer: &'a mut [u8]) -> &'a str {
    let mut length = 0;
    loop {
        stream.readable().await.expect("a socket");
        match stream.try_read(&mut buffer[length..]) {
            Ok(0) => panic!("the server hung up"),
            Ok(read) => length += read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => panic!("the server hung up: {error}"),
        }
        let text = std::str::from_utf8(&buffer[..length]).expect("text");
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len() >= content_length(head)
        {
            break;
        }
    }
    std::str::from_utf8(&buffer[..length]).expect("text")
}

fn content_length(head: &str) -> usize {
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    };
    head.lines().find_map(header).unwrap_or(0)
}
