//! The HTTP client of `surveyd verify`: one request at a time, each on a connection of its own.

use std::{
    io::{ErrorKind, Read},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use ureq::{
    Agent, Error, SendBody,
    http::{Request as HttpRequest, Response},
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
    unversioned::transport::DefaultConnector,
};

use super::{
    probes::OtherTokens,
    request::{Authorization, Request},
    secrets::{Secrets, without_scheme},
};
use crate::{answers::headers::COMPARED, delivery::resolver::ThreadResolver, http::api::LOGIN};

/// The status that says nothing of the case, but that the server was asked too often.
const TOO_MANY_REQUESTS: u16 = 429;

/// How much of a body is read.
const MAX_BODY: u64 = 64 * 1024;

/// How the server is asked.
pub(crate) struct ClientConfig {
    /// Where it is, as [`super::address::check_url`] returns it.
    pub(crate) url: String,
    pub(crate) timeout: Duration,
    /// Requests a second; 0 for no limit.
    pub(crate) rate: u32,
    /// The certificates that are trusted, as PEM, in place of the machine's.
    pub(crate) ca: Option<Vec<u8>>,
}

/// An answer, without secrets.
#[derive(Clone, Debug)]
pub(super) struct ServerAnswer {
    pub(super) status: u16,
    /// The lines of the headers that are compared.
    pub(super) headers: Vec<(&'static str, Vec<String>)>,
    pub(super) location: Option<String>,
    pub(super) body: String,
}

/// A server, and how it is asked.
pub(crate) struct Client {
    agent: Agent,
    url: String,
    timeout: Duration,
    pause: Duration,
    /// When the next request may start.
    next: Option<Instant>,
    secrets: Secrets,
    /// The value of `Authorization` that a login gave.
    session: Option<String>,
}

impl Client {
    /// Errors: one sentence about the certificates.
    pub(crate) fn new(config: ClientConfig, secrets: Secrets) -> Result<Self, String> {
        let roots = match config.ca {
            None => RootCerts::PlatformVerifier,
            Some(pem) => roots(&pem)?,
        };
        let agent = Agent::config_builder()
            .timeout_global(Some(config.timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // A server that closes after an error must not cost the next request its answer.
            .max_idle_connections(0)
            .user_agent(concat!("surveyd-verify/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .build();
        let agent = Agent::with_parts(agent, DefaultConnector::default(), ThreadResolver);
        let pause = if config.rate == 0 { Duration::ZERO } else { Duration::from_secs(1) / config.rate };
        Ok(Self { agent, url: config.url, timeout: config.timeout, pause, next: None, secrets, session: None })
    }

    /// The address of the server, without a slash at the end.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn other_tokens(&self) -> OtherTokens {
        OtherTokens { wrong_role: self.secrets.wrong_role.is_some(), expired: self.secrets.expired.is_some() }
    }

    /// Asks the server. A login that has ended is done again, once.
    ///
    /// Errors: one sentence that says why there is no answer.
    pub(super) fn ask(&mut self, request: &Request) -> Result<ServerAnswer, String> {
        let is_ours = matches!(
            request.authorization,
            Authorization::Token | Authorization::DoubledBearer | Authorization::LowerCase
        );
        if is_ours && self.session.is_none() {
            self.log_in()?;
        }
        let answer = self.send(request)?;
        if answer.status == 401 && is_ours && self.secrets.login.is_some() {
            self.log_in()?;
            return self.send(request);
        }
        Ok(answer)
    }

    /// Logs in as the vendor documents it, if the caller has a login.
    fn log_in(&mut self) -> Result<(), String> {
        let Some((name, password)) = self.secrets.login.clone() else { return Ok(()) };
        let request = Request {
            target: LOGIN,
            authorization: Authorization::None,
            ..Request::send(json!({ "login": name, "password": password }).to_string())
        };
        let (status, header, body) = {
            let response = self.call(&request)?;
            let status = response.status().as_u16();
            let header =
                response.headers().get("authorization").and_then(|value| value.to_str().ok()).map(str::to_owned);
            (status, header, read_body(response)?)
        };
        if status != 200 {
            return Err(format!("the login answered {status}; check --login and --password-file"));
        }
        let token =
            serde_json::from_str::<Value>(&body).ok().and_then(|body| Some(body.get("token")?.as_str()?.to_owned()));
        let value = header.or_else(|| token.map(|token| format!("Bearer {token}")));
        let value =
            value.ok_or("the login answered 200 without a token: neither a header Authorization nor a field token")?;
        self.session = Some(value);
        Ok(())
    }

    fn hide(&self, text: &str) -> String {
        self.secrets.hide(self.session.as_deref(), text)
    }

    fn send(&mut self, request: &Request) -> Result<ServerAnswer, String> {
        let response = self.call(request)?;
        let lines = |name: &str| {
            response
                .headers()
                .get_all(name)
                .iter()
                .map(|line| self.hide(&String::from_utf8_lossy(line.as_bytes())))
                .collect()
        };
        let headers: Vec<(_, Vec<String>)> = COMPARED.into_iter().map(|name| (name, lines(name))).collect();
        let location =
            response.headers().get("location").map(|value| self.hide(&String::from_utf8_lossy(value.as_bytes())));
        let status = response.status().as_u16();
        if status == TOO_MANY_REQUESTS {
            return Err(
                "the server limits the rate (429); wait a minute, and ask fewer a second with --rate".to_owned()
            );
        }
        let body = read_body(response).map_err(|error| self.hide(&error))?;
        Ok(ServerAnswer { status, headers, location, body: self.hide(&body) })
    }

    fn call(&mut self, request: &Request) -> Result<Response<ureq::Body>, String> {
        self.keep_rate();
        let mut built = HttpRequest::builder().method(request.method).uri(format!("{}{}", self.url, request.target));
        if let Some(value) = self.authorization(request.authorization) {
            built = built.header("Authorization", value);
        }
        if let Some(media_type) = request.content_type {
            built = built.header("Content-Type", media_type);
        }
        for (name, value) in request.headers {
            built = built.header(*name, *value);
        }
        let invalid = |error: ureq::http::Error| format!("the request cannot be written: {error}");
        let sent = match &request.body {
            None => self.agent.run(built.body(()).map_err(invalid)?),
            Some(body) if request.is_chunked => {
                let mut body = body.as_slice();
                self.agent.run(built.body(SendBody::from_reader(&mut body)).map_err(invalid)?)
            }
            Some(body) => self.agent.run(built.body(body.as_slice()).map_err(invalid)?),
        };
        sent.map_err(|error| self.hide(&self.reason(&error)))
    }

    /// Waits until the next request may start.
    fn keep_rate(&mut self) {
        let now = Instant::now();
        let start = self.next.map_or(now, |next| next.max(now));
        thread::sleep(start - now);
        self.next = Some(start + self.pause);
    }

    fn authorization(&self, kind: Authorization) -> Option<String> {
        let bearer = |token: &Option<String>| token.as_ref().map(|token| format!("Bearer {token}"));
        let own = || self.session.clone().or_else(|| bearer(&self.secrets.token));
        match kind {
            Authorization::None => None,
            Authorization::Token => own(),
            Authorization::DoubledBearer => own().map(|value| format!("Bearer Bearer {}", without_scheme(&value))),
            Authorization::LowerCase => own().map(|value| value.replacen("Bearer", "bearer", 1)),
            Authorization::Literal(value) => Some(value.to_owned()),
            Authorization::WrongRole => bearer(&self.secrets.wrong_role),
            Authorization::Expired => bearer(&self.secrets.expired),
        }
    }

    /// Why there is no answer, and what to do.
    fn reason(&self, error: &Error) -> String {
        let url = &self.url;
        match error {
            Error::HostNotFound => format!("the name in {url} is not known; check the address"),
            Error::Io(error) if error.to_string().contains("lookup address") => {
                format!("the name in {url} cannot be looked up ({error}); check the address, and the network")
            }
            Error::Timeout(_) => {
                format!("no answer within {} s; give it more time with --timeout", self.timeout.as_secs_f64())
            }
            Error::ConnectionFailed => format!("nothing accepts connections at {url}; check the address and the port"),
            Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
                format!("nothing accepts connections at {url}; check the address and the port")
            }
            error if error.to_string().contains("InvalidContentType") => {
                format!("{url} does not speak TLS; if it has none, write http:// in front of the address")
            }
            Error::Io(error) if is_disconnection(error.kind()) => {
                format!(
                    "{url} closed the connection without an answer; check that it speaks HTTP, and what is in front of it"
                )
            }
            error if is_about_trust(error) => {
                format!("the certificate of {url} is not trusted ({error}); name its authority with --ca FILE")
            }
            error => format!("the connection to {url} failed: {error}"),
        }
    }
}

fn read_body(mut response: Response<ureq::Body>) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = response.body_mut().as_reader().take(MAX_BODY).read_to_end(&mut bytes);
    read.map_err(|error| format!("the answer was cut off: {error}"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn is_disconnection(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe
    )
}

fn is_about_trust(error: &Error) -> bool {
    matches!(error, Error::Tls(_) | Error::Rustls(_)) || error.to_string().contains("certificate")
}

fn roots(pem: &[u8]) -> Result<RootCerts, String> {
    let certificates: Vec<_> = parse_pem(pem)
        .filter_map(|item| if let Ok(PemItem::Certificate(one)) = item { Some(one) } else { None })
        .collect();
    if certificates.is_empty() {
        return Err("--ca: the file has no certificate; it must have BEGIN CERTIFICATE".to_owned());
    }
    Ok(RootCerts::new_with_certs(&certificates))
}
