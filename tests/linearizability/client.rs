//! Clients that speak to the server over sockets.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use crate::call::{Action, Answer, Target};

/// A client over HTTP, on a kept connection.
pub struct Client {
    address: SocketAddr,
    source: Ipv4Addr,
    stream: Option<BufReader<TcpStream>>,
    /// The last token and the last send from before the history.
    after: (i64, i64),
}

impl Client {
    pub fn new(address: SocketAddr, source: Ipv4Addr, after: (i64, i64)) -> Self {
        Self { address, source, stream: None, after }
    }

    /// Calls. With a pause, the body comes so much later than the head. Returns the answer, and the secret in it.
    pub fn call(&mut self, secret: &str, action: &Action, pause: Option<Duration>) -> (Answer, Option<String>) {
        let (method, path, body) = self.request(action);
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let key = match action {
            Action::Send { key: Some(key), .. } => format!("Idempotency-Key: {key}\r\n"),
            _ => String::new(),
        };
        let media_type = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\n{key}{media_type}Content-Length: {}\r\n\r\n",
            body.len()
        );
        let (address, source) = (self.address, self.source);
        let stream = self.stream.get_or_insert_with(|| connect(address, source));
        match pause.filter(|_| !body.is_empty()) {
            None => stream.get_mut().write_all((head + &body).as_bytes()).unwrap(),
            Some(pause) => {
                stream.get_mut().write_all(head.as_bytes()).unwrap();
                std::thread::sleep(pause);
                stream.get_mut().write_all(body.as_bytes()).unwrap();
            }
        }
        let (status, head, body) = read_answer(stream);
        if head.contains("connection: close") {
            self.stream = None;
        }
        let json: Value = if body.is_empty() { Value::Null } else { serde_json::from_str(&body).unwrap() };
        let issued = json["secret"].as_str().map(str::to_owned);
        let compared = if status < 400 { compared(action, &head, json) } else { message(action, &json) };
        (Answer::new(status, compared), issued)
    }

    fn request(&self, action: &Action) -> (&'static str, String, Option<Value>) {
        let row = |list: &str, id: &i64| format!("/admin/{list}/{id}");
        match action {
            Action::Send { target, form, .. } => ("POST", "/api/v1/quality/send".to_owned(), Some(send(target, *form))),
            Action::Explain { target, form } => ("POST", "/admin/explain".to_owned(), Some(send(target, *form))),
            Action::Settings => ("GET", "/admin/settings".to_owned(), None),
            Action::SetFlag(on) => ("PATCH", "/admin/settings".to_owned(), Some(json!({"surveysViaExternalApi": on}))),
            Action::Threads => ("GET", "/admin/threads?limit=1000".to_owned(), None),
            Action::Thread(id) => ("GET", row("threads", id), None),
            Action::PutThread(id, thread) => ("PUT", row("threads", id), Some(thread.row(*id))),
            Action::DeleteThread(id) => ("DELETE", row("threads", id), None),
            Action::Forms => ("GET", "/admin/forms?limit=1000".to_owned(), None),
            Action::PutForm(id, channels) => {
                ("PUT", row("forms", id), Some(json!({"name": "Put", "channels": channels})))
            }
            Action::DeleteForm(id) => ("DELETE", row("forms", id), None),
            Action::Enable(form, channel) => ("PUT", format!("/admin/forms/{form}/channels/{channel}"), None),
            Action::Disable(form, channel) => ("DELETE", format!("/admin/forms/{form}/channels/{channel}"), None),
            Action::VendorForm(Some(id)) => ("POST", "/api/v1/quality".to_owned(), Some(json!({"id": id}))),
            Action::VendorForm(None) => ("POST", "/api/v1/quality".to_owned(), Some(json!({}))),
            Action::PutClient(id, external_id) => ("PUT", row("clients", id), Some(json!({"externalId": external_id}))),
            Action::DeleteClient(id) => ("DELETE", row("clients", id), None),
            Action::EraseClient(id) => ("DELETE", format!("/admin/clients/{id}?erase=true"), None),
            Action::ShortInfo(external_id) => {
                let body = json!({"externalIds": [external_id]});
                ("POST", "/api/v1/clients/short-info".to_owned(), Some(body))
            }
            Action::Tokens => ("GET", format!("/admin/tokens?limit=1000&after={}", self.after.0), None),
            Action::CreateToken(name, role) => {
                ("POST", "/admin/tokens".to_owned(), Some(json!({"name": name, "role": role})))
            }
            Action::RotateToken(id, overlap) => {
                let body = if *overlap { json!({"overlap": "24h"}) } else { json!({}) };
                ("POST", format!("/admin/tokens/{id}/rotate"), Some(body))
            }
            Action::RevokeToken(id) => ("DELETE", format!("/admin/tokens/{id}"), None),
            Action::Sends => ("GET", format!("/admin/sends?limit=1000&after={}", self.after.1), None),
            Action::WaitForSends(count) => {
                let after = self.after.1;
                ("GET", format!("/admin/sends?limit=1000&after={after}&wait=20ms&count={count}"), None)
            }
        }
    }
}

fn send(target: &Target, form: i64) -> Value {
    let target = match target {
        Target::Client(id) => json!({"type": "internalClientId", "id": id}),
        Target::External(id) => json!({"type": "externalClientId", "id": id}),
        Target::Thread(id) => json!({"type": "threadId", "id": id}),
    };
    json!({"clientId": target, "qualityFormId": form})
}

/// What is compared of a body: without times, which the model does not know.
fn compared(action: &Action, head: &str, json: Value) -> Value {
    let token = |token: &Value| json!([token["id"], token["name"], token["role"], !token["revokedAt"].is_null()]);
    let list = |row: &dyn Fn(&Value) -> Value| json.as_array().unwrap().iter().map(row).collect::<Vec<_>>().into();
    match action {
        Action::Send { .. } if head.contains("idempotent-replayed: true") => "replayed".into(),
        Action::Send { .. } => "sent".into(),
        Action::Explain { .. } => json!([json["status"], json["message"]]),
        Action::CreateToken(..) | Action::RotateToken(..) => token(&json),
        Action::Tokens => list(&token),
        Action::Sends | Action::WaitForSends(_) => list(&|send| {
            json!([send["sendingId"], send["qualityFormId"], send["threadId"], send["clientId"], send["token"]])
        }),
        Action::ShortInfo(_) => list(
            &|info| json!({"id": info["id"], "externalId": info["externalId"], "hasActiveThread": info["hasActiveThread"]}),
        ),
        // Whether a read of somebody else kept the log from being emptied says nothing of the order.
        Action::EraseClient(_) => json!({"threads": json["threads"], "sends": json["sends"], "audit": json["audit"]}),
        _ => json,
    }
}

fn message(action: &Action, json: &Value) -> Value {
    let message = json["message"].as_str().unwrap();
    match (action, message.split_once(" thread ")) {
        (Action::DeleteClient(_), Some((before, _))) => format!("{before} thread").into(),
        _ => message.into(),
    }
}

fn connect(address: SocketAddr, source: Ipv4Addr) -> BufReader<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(source.into(), 0).into()).unwrap();
    socket.connect(&address.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.set_nodelay(true).unwrap();
    BufReader::new(stream)
}

/// Reads one answer: the status, the head in lower case, and the body.
fn read_answer(stream: &mut BufReader<TcpStream>) -> (u16, String, String) {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        assert!(stream.read_line(&mut line).unwrap() > 0, "the connection was closed after {head:?}");
        let line = line.to_ascii_lowercase();
        if let Some(text) = line.strip_prefix("content-length: ") {
            length = text.trim_end().parse().unwrap();
        }
        head.push_str(&line);
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    (head[9..12].parse().unwrap(), head, String::from_utf8(body).unwrap())
}
