//! Another implementation of the Chat Center, in the test: it answers as the test says, and counts what it would have sent. It
//! shares no code with `src`, so that `surveyd verify` is tested against something that was not written with it.

mod answer;
mod contract;
mod decide;
mod request;
mod send_body;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
    thread,
};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring::default_provider,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

pub use answer::{Answer, Reply, Text};
pub use contract::{ACCEPTED, CONTRACT, OFTEN_ACCEPTED};
pub use decide::{ClientState, Rows};
pub use request::Request;

/// The token that every stand-in takes, and one with another role, and one that has expired. They are those of a fake, too, so
/// that one command line asks both.
pub const TOKEN: &str = "test-crm";
const WRONG_ROLE: &str = "test-wrongrole";
const EXPIRED: &str = "test-expired";

/// What a stand-in does. The default is the contract, with rows that nobody has.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    /// Whether the envelope has no spaces and no line ends.
    pub compact: bool,
    /// The lines of a header on every answer, in place of the contract's. Without lines, no answer has the header.
    pub headers: Vec<(&'static str, Vec<String>)>,
    /// The cases that the contract refuses, and this server does not.
    pub accepted: BTreeSet<&'static str>,
    /// What differs from the contract, by the name of the case.
    pub replies: BTreeMap<&'static str, Reply>,
    /// The answer to every request, whatever it is.
    pub everything: Option<Reply>,
    pub rows: Rows,
    /// After so many calls, a token from a login has expired.
    pub login_lasts: Option<usize>,
}

impl Behaviour {
    /// Answers a case in another way.
    #[must_use]
    pub fn with(mut self, case: &'static str, reply: impl Into<Reply>) -> Self {
        assert!(contract::is_case(case), "{case}");
        self.replies.insert(case, reply.into());
        self
    }

    /// Accepts a case that the contract refuses.
    #[must_use]
    pub fn accepting(mut self, cases: &[&'static str]) -> Self {
        assert!(cases.iter().all(|case| OFTEN_ACCEPTED.contains(case)), "{cases:?}");
        self.accepted.extend(cases);
        self
    }

    /// Sets the lines of a header on every answer.
    #[must_use]
    pub fn header(mut self, name: &'static str, lines: &[&str]) -> Self {
        self.headers.push((name, lines.iter().map(|&line| line.to_owned()).collect()));
        self
    }

    #[must_use]
    pub fn rows(self, rows: Rows) -> Self {
        Self { rows, ..self }
    }
}

/// A request that came, and what was made of it.
#[derive(Clone, Debug)]
pub struct Call {
    pub request: Request,
    /// The name of the case; `login` for a login.
    pub case: &'static str,
}

/// A server; it runs until the test program ends.
pub struct StandIn {
    pub address: SocketAddr,
    pub url: String,
    /// Its certificate, if it speaks TLS.
    pub certificate: String,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    behaviour: Behaviour,
    calls: Mutex<Vec<Call>>,
    logins: Mutex<Logins>,
}

/// The tokens that were handed out by logins.
#[derive(Debug, Default)]
struct Logins {
    number: usize,
    calls_of_last: usize,
}

impl StandIn {
    pub fn start(behaviour: Behaviour) -> Self {
        Self::start_with(behaviour, None)
    }

    /// A server with a certificate of its own, which nobody trusts.
    pub fn start_with_tls(behaviour: Behaviour) -> Self {
        Self::start_with(behaviour, Some(generate_simple_self_signed(["localhost".to_owned()]).unwrap()))
    }

    fn start_with(behaviour: Behaviour, key: Option<CertifiedKey<rcgen::KeyPair>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let url = match key {
            Some(_) => format!("https://localhost:{}", address.port()),
            None => format!("http://{address}"),
        };
        let certificate = key.as_ref().map_or(String::new(), |key| key.cert.pem());
        let tls = key.map(|key| Arc::new(tls_config(&key)));
        let shared = Arc::new(Shared { behaviour, calls: Mutex::default(), logins: Mutex::default() });
        let of_threads = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, tls) = (Arc::clone(&of_threads), tls.clone());
                thread::spawn(move || match tls {
                    Some(tls) => {
                        let mut stream = StreamOwned::new(ServerConnection::new(tls).unwrap(), stream);
                        shared.answer(&mut stream);
                        stream.conn.send_close_notify();
                        // The caller may have gone.
                        let _ = stream.flush();
                    }
                    None => shared.answer(&mut { stream }),
                });
            }
        });
        Self { address, url, certificate, shared }
    }

    /// The calls so far, in their order.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// How many surveys it would have sent.
    pub fn sends(&self) -> usize {
        self.calls().iter().filter(|call| call.case == "sent").count()
    }
}

impl Shared {
    /// Answers the requests of a connection. A caller that ends during a request has sent none.
    fn answer(&self, stream: &mut (impl Read + Write)) {
        let Some(request) = request::read(stream) else { return };
        let decision = self.decide(&request);
        self.calls.lock().unwrap().push(Call { request: request.clone(), case: decision.case });
        match self.behaviour.reply(&request, &decision) {
            Some(bytes) => _ = stream.write_all(&bytes),
            None if self.behaviour.is_silent(&decision) => _ = stream.read(&mut [0]),
            None => {}
        }
    }
}

fn tls_config(key: &CertifiedKey<rcgen::KeyPair>) -> ServerConfig {
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()));
    let config =
        ServerConfig::builder_with_provider(Arc::new(default_provider())).with_safe_default_protocol_versions();
    config.unwrap().with_no_client_auth().with_single_cert(vec![key.cert.der().clone()], private).unwrap()
}
