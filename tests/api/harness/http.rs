//! HTTP/1.1 as bytes.

use std::{
    fmt::Write as _,
    io::{self, Read, Write},
    net::{IpAddr, SocketAddr, TcpStream},
};

use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use super::DEADLINE;
use crate::openapi::listed;

/// A kept connection with a token.
pub struct Client {
    address: SocketAddr,
    /// The address to call from, where it matters.
    source: Option<IpAddr>,
    token: Option<String>,
    /// None once the server has closed it; the next call makes another.
    stream: Option<TcpStream>,
    /// Bytes that arrived after the last response.
    ahead: Vec<u8>,
}

impl Client {
    pub fn new(address: SocketAddr, source: Option<IpAddr>, token: Option<&str>) -> Self {
        let stream = Some(connect(address, source).unwrap());
        Self { address, source, token: token.map(str::to_owned), stream, ahead: Vec::new() }
    }

    /// Sends a request, with a JSON body if there is one.
    pub fn call(&mut self, method: &str, target: &str, body: Option<&Value>) -> Response {
        let body = body.map(Value::to_string).unwrap_or_default();
        let media_type = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        self.call_with(method, target, media_type, body.as_bytes())
    }

    /// Sends a request with these header lines, each ending with CRLF, besides `Host`, `Authorization` and `Content-Length`.
    pub fn call_with(&mut self, method: &str, target: &str, lines: &str, body: &[u8]) -> Response {
        self.try_call_with(method, target, lines, body).unwrap()
    }

    /// The same for a server that may end meanwhile.
    pub fn try_call_with(&mut self, method: &str, target: &str, lines: &str, body: &[u8]) -> io::Result<Response> {
        self.begin_call(method, target, lines, body)?;
        let answer = self.read(method == "HEAD")?;
        listed::check(method, target, &answer);
        if answer.header("connection") == Some("close") {
            self.stream = None;
        }
        Ok(answer)
    }

    /// Sends a request without reading the response, which is left for [`Client::read_response`] or is never read.
    pub fn begin_call(&mut self, method: &str, target: &str, lines: &str, body: &[u8]) -> io::Result<()> {
        let authorization = self.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n"));
        let authorization = authorization.unwrap_or_default();
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{authorization}{lines}{length}\r\n");
        self.stream()?.write_all(&[head.as_bytes(), body].concat())
    }

    /// Sends a survey to an internal client id.
    pub fn send(&mut self, client: i64, form: i64) -> Response {
        self.send_to(&json!({ "type": "internalClientId", "id": client }), form)
    }

    /// The request of [`Client::send`] without reading the response.
    pub fn begin_send(&mut self, client: i64, form: i64) {
        let body = send_body(&json!({ "type": "internalClientId", "id": client }), form).to_string();
        self.begin_call("POST", SEND, "Content-Type: application/json\r\n", body.as_bytes()).unwrap();
    }

    /// Sends a survey to an internal client id, to a server that may end meanwhile.
    pub fn try_send(&mut self, client: i64, form: i64) -> io::Result<Response> {
        let body = send_body(&json!({ "type": "internalClientId", "id": client }), form).to_string();
        self.try_call_with("POST", SEND, "Content-Type: application/json\r\n", body.as_bytes())
    }

    /// Sends a survey to a thread.
    pub fn send_to_thread(&mut self, thread: i64, form: i64) -> Response {
        self.send_to(&json!({ "type": "threadId", "id": thread }), form)
    }

    /// Sends a survey to a `clientId` of any type.
    pub fn send_to(&mut self, target: &Value, form: i64) -> Response {
        self.call("POST", SEND, Some(&send_body(target, form)))
    }

    /// All recorded sends, the oldest first.
    pub fn all_sends(&mut self) -> Vec<Value> {
        let mut sends: Vec<Value> = Vec::new();
        loop {
            let after = sends.last().map_or(0, |send| send["sendingId"].as_i64().unwrap());
            let page = self.call("GET", &format!("/admin/sends?limit=1000&after={after}"), None).json();
            match page.as_array().unwrap().as_slice() {
                [] => return sends,
                more => sends.extend_from_slice(more),
            }
        }
    }

    /// Writes raw bytes, and reads one response.
    pub fn raw(&mut self, bytes: &[u8]) -> Response {
        self.write_raw(bytes);
        self.read_response()
    }

    /// Writes raw bytes.
    pub fn write_raw(&mut self, bytes: &[u8]) {
        self.stream().unwrap().write_all(bytes).unwrap();
    }

    /// Reads one response.
    pub fn read_response(&mut self) -> Response {
        self.read(false).unwrap()
    }

    /// Reads from a response that does not end, up to and including this text. Returns what it has read.
    pub fn read_until(&mut self, text: &str) -> String {
        let mut buffer = [0; 8192];
        loop {
            let come = String::from_utf8_lossy(&self.ahead).into_owned();
            if let Some(at) = come.find(text) {
                self.ahead.drain(..at + text.len());
                return come[..at + text.len()].to_owned();
            }
            let read = self
                .stream()
                .unwrap()
                .read(&mut buffer)
                .unwrap_or_else(|error| panic!("{text} has not come: {error}, {come}"));
            assert!(read > 0, "{text} has not come: {come}");
            self.ahead.extend_from_slice(&buffer[..read]);
        }
    }

    /// Reads such a response to its end.
    pub fn read_to_end_of_chunks(&mut self) -> String {
        self.read_until("\r\n0\r\n\r\n")
    }

    fn stream(&mut self) -> io::Result<&mut TcpStream> {
        if self.stream.is_none() {
            self.stream = Some(connect(self.address, self.source)?);
        }
        Ok(self.stream.as_mut().unwrap())
    }

    fn read(&mut self, is_head: bool) -> io::Result<Response> {
        let mut buffer = [0; 8192];
        loop {
            if let Some((answer, length)) = Response::parse(&self.ahead, is_head) {
                self.ahead.drain(..length);
                return Ok(answer);
            }
            match self.stream()?.read(&mut buffer) {
                Ok(0) => {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        format!("{:?}", String::from_utf8_lossy(&self.ahead)),
                    ));
                }
                Ok(read) => self.ahead.extend_from_slice(&buffer[..read]),
                // A machine that was suspended interrupts reads with a time limit.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the server has closed the connection. Waits for it.
    pub fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        matches!(self.stream().unwrap().read(&mut byte), Ok(0) | Err(_))
    }
}

/// The path of Send Survey.
const SEND: &str = "/api/v1/quality/send";

fn send_body(target: &Value, form: i64) -> Value {
    json!({ "clientId": target, "qualityFormId": form })
}

/// The head and the body of a send by `test-crm` to client 1, for tests that write them in parts. The head has these lines, too.
pub fn send_in_parts(lines: &str) -> [String; 2] {
    let body = send_body(&json!({ "type": "internalClientId", "id": 1 }), 1).to_string();
    let length = body.len();
    let head = format!(
        "POST {SEND} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer test-crm\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n{lines}\r\n"
    );
    [head, body]
}

fn connect(address: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    if let Some(source) = source {
        socket.bind(&SocketAddr::new(source, 0).into()).unwrap();
    }
    socket.connect(&address.into())?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_nodelay(true).unwrap();
    Ok(stream)
}

/// A whole response.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    /// In the order of the wire.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Response {
    /// The first response of the bytes and its length, if it is complete.
    fn parse(bytes: &[u8], is_head: bool) -> Option<(Self, usize)> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
        let headers = lines.map(|line| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())));
        let mut answer = Self { status, headers: headers.collect::<Option<_>>()?, body: String::new() };
        let length = answer.header("content-length").filter(|_| !is_head).map_or(0, |length| length.parse().unwrap());
        body.get(..length)?.clone_into(&mut answer.body);
        Some((answer, head.len() + 4 + length))
    }

    /// The first value of a header; the name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The message of the envelope.
    pub fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_else(|| panic!("no envelope: {self:?}")).to_owned()
    }

    /// Status and body; of an error, status and message.
    pub fn short(&self) -> String {
        if self.status < 400 {
            format!("{} {}", self.status, self.body)
        } else {
            format!("{} {}", self.status, self.message())
        }
    }

    /// The whole response as text, without the headers that differ from call to call or are about the connection. Header
    /// names are sorted; lines with the same name keep their order.
    pub fn whole(&self) -> String {
        let mut headers = self.headers.clone();
        headers.retain(|(name, _)| !["Connection", "Date", "Keep-Alive", "X-Request-Id"].contains(&name.as_str()));
        headers.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut text = format!("{}\n", self.status);
        for (name, value) in headers {
            writeln!(text, "{name}: {value}").unwrap();
        }
        text + "\n" + &self.body
    }
}

/// The body of an error, as the contract has it.
pub fn envelope(method: &str, uri: &str, message: &str) -> String {
    let message = Value::from(message);
    format!(
        "{{\r\n  \"method\" : \"{method}\",\r\n  \"uri\" : \"{uri}\",\r\n  \"code\" : null,\r\n  \"message\" : {message}\r\n}}"
    )
}
