//! Measures the cost of HTTPS: answers on a kept connection, and the first answer on a new one, compared with HTTP.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use rcgen::{CertificateParams, KeyPair};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, client::Resumption, crypto::ring::default_provider,
};

use crate::{
    generator, median,
    rounds::Ratio,
    servers::{Database, RunningServer},
};

const ROUNDS: usize = 15;
const KEPT: usize = 4000;
const NEW: usize = 200;

pub fn run() {
    let (plain, encrypted) = (Database::new(1), Database::new(1));
    let parameters = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let key = KeyPair::generate().expect("a key");
    let certificate = parameters.self_signed(&key).expect("a certificate");
    let files = ["cert.pem", "key.pem"].map(|name| encrypted.path().with_file_name(name));
    fs::write(&files[0], certificate.pem()).expect("a file");
    fs::write(&files[1], key.serialize_pem()).expect("a file");
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).expect("a certificate");
    let trust = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let trust = trust.with_safe_default_protocol_versions().expect("versions").with_root_certificates(roots);
    let mut trust = trust.with_no_client_auth();
    // Every connection makes a full handshake.
    trust.resumption = Resumption::disabled();
    let trust = Arc::new(trust);

    let (http, https) =
        (RunningServer::surveyd(&plain.path()), RunningServer::surveyd_with_tls(&encrypted.path(), &files));
    let servers =
        [("HTTP", http.address, &plain.token, None), ("HTTPS", https.address, &encrypted.token, Some(&trust))];
    let mut measured: [Vec<[f64; 3]>; 2] = Default::default();
    for _ in 0..ROUNDS {
        for (rounds, (_, address, token, trust)) in measured.iter_mut().zip(servers) {
            let open = || open(address, trust);
            rounds.push(round(&open, token));
        }
    }
    println!("One connection, refusals; median of {ROUNDS} alternating rounds, in microseconds\n");
    println!("| | kept: p50 | p99 | new, with its first answer: p50 |");
    println!("|---|---|---|---|");
    let medians =
        |rounds: &[[f64; 3]]| [0, 1, 2].map(|figure| median(rounds.iter().map(|round| round[figure]).collect()));
    for ((name, ..), rounds) in servers.iter().zip(&measured) {
        let [p50, p99, new] = medians(rounds);
        println!("| {name} | {p50:.0} | {p99:.0} | {new:.0} |");
    }
    let [of_http, of_https] = &measured;
    let [p50, p99, new] = [0, 1, 2].map(|figure| {
        Ratio::of(of_https.iter().zip(of_http).map(|(https, http)| https[figure] / http[figure]).collect())
    });
    println!("| HTTPS of HTTP | {p50} | {p99} | {new} |");
}

trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

fn open(address: SocketAddr, trust: Option<&Arc<ClientConfig>>) -> Box<dyn Stream> {
    let tcp = TcpStream::connect(address).expect("a server that listens");
    tcp.set_nodelay(true).expect("a socket");
    let Some(trust) = trust else { return Box::new(tcp) };
    let name = "localhost".try_into().expect("a name");
    Box::new(StreamOwned::new(ClientConnection::new(Arc::clone(trust), name).expect("a client"), tcp))
}

/// Returns three times in microseconds: the median and the 99th percentile of answers on one connection, and the median
/// of the first answers on new connections.
fn round(open: &dyn Fn() -> Box<dyn Stream>, token: &str) -> [f64; 3] {
    let request = generator::request(token, 1, 9);
    let mut kept = open();
    let request_once = |stream: &mut dyn Stream| {
        stream.write_all(request.as_bytes()).expect("a connection");
        let (mut answer, mut length) = ([0; 1024], 0);
        while !answer[..length].ends_with(b"\r\n}") {
            let read = stream.read(&mut answer[length..]).expect("an answer");
            assert_ne!(read, 0, "the server hung up");
            length += read;
        }
        assert!(answer.starts_with(b"HTTP/1.1 409"), "{}", String::from_utf8_lossy(&answer[..length]));
    };
    request_once(&mut kept);
    let times = |count: usize, act: &mut dyn FnMut()| {
        let mut took: Vec<Duration> = Vec::new();
        for _ in 0..count {
            let began = Instant::now();
            act();
            took.push(began.elapsed());
        }
        took.sort_unstable();
        [count / 2, count * 99 / 100].map(|index| took[index].as_secs_f64() * 1e6)
    };
    let [p50, p99] = times(KEPT, &mut || request_once(&mut kept));
    let [new, _] = times(NEW, &mut || request_once(&mut open()));
    [p50, p99, new]
}
