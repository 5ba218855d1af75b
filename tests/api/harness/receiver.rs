//! The gateway of a channel: it keeps the requests that it receives, and answers as the test says.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::Value;
use standardwebhooks::Webhook;
use ureq::http::HeaderMap;

/// A request that was received.
#[derive(Clone, Debug)]
pub struct Received {
    /// Method and target.
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Received {
    /// The first value of a header; the name in any case.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map_or_else(|| panic!("no {name} in {self:?}"), |(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Whether the signature is valid, by a verifier of others.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let mut headers = HeaderMap::new();
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            headers.insert(name, self.header(name).parse().unwrap());
        }
        Webhook::new(secret).unwrap().verify(self.body.as_bytes(), &headers).is_ok()
    }
}

/// How a request is answered.
pub enum Reply {
    /// With these bytes; then the gateway disconnects.
    Bytes(String),
    /// Not at all: the gateway disconnects.
    Disconnect,
    /// Not at all: the connection is left open until the caller gives up.
    Silence,
}

impl Reply {
    /// A status, and header lines that end with CRLF.
    pub fn status(status: u16, lines: &str) -> Self {
        Self::Bytes(format!("HTTP/1.1 {status} Whatever\r\n{lines}Content-Length: 0\r\n\r\n"))
    }
}

/// A gateway; it runs until the test program ends.
#[derive(Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    /// Answers each request with `reply`, which gets the number of earlier requests.
    pub fn start(reply: impl Fn(&Received, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let receiver = Self { address: listener.local_addr().unwrap(), requests: Arc::default() };
        let (requests, reply) = (Arc::clone(&receiver.requests), Arc::new(reply));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (requests, reply) = (Arc::clone(&requests), Arc::clone(&reply));
                // A caller that ends during a request has sent none.
                thread::spawn(move || {
                    if let Some(request) = read(&stream) {
                        let before = {
                            let mut requests = requests.lock().unwrap();
                            requests.push(request.clone());
                            requests.len() - 1
                        };
                        answer(stream, reply(&request, before));
                    }
                });
            }
        });
        receiver
    }

    /// Accepts everything.
    pub fn accepting() -> Self {
        Self::answering(200)
    }

    /// Always answers with that status.
    pub fn answering(status: u16) -> Self {
        Self::start(move |_, _| Reply::status(status, ""))
    }

    pub fn url(&self) -> String {
        format!("http://{}/surveys?channel=1", self.address)
    }

    /// The requests so far, in their order.
    pub fn received(&self) -> Vec<Received> {
        self.requests.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut text = String::new();
        reader.read_line(&mut text).ok().filter(|read| *read > 0).map(|_| text.trim_end().to_owned())
    };
    let first = line()?;
    let mut headers = Vec::new();
    loop {
        let header = line()?;
        let Some((name, value)) = header.split_once(": ") else { break };
        headers.push((name.to_owned(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?.1.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Received { line: first.replace(" HTTP/1.1", ""), headers, body: String::from_utf8(body).ok()? })
}

fn answer(mut stream: TcpStream, reply: Reply) {
    match reply {
        Reply::Bytes(text) => _ = stream.write_all(text.as_bytes()),
        Reply::Disconnect => {}
        Reply::Silence => _ = stream.read(&mut [0]),
    }
}
