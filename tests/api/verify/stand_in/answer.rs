//! The answer to a request, to the byte.

use std::{fmt::Write, time::SystemTime};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Behaviour, Request, contract, decide::Decision};
use crate::harness::envelope;

/// How a case is answered, where it is not as the contract says.
#[derive(Clone, Debug)]
pub enum Reply {
    Answer(Answer),
    /// Not at all: the connection stays open until the caller gives up.
    Silence,
    /// Not at all: the connection is cut.
    Disconnect,
}

/// An answer. What is None is that of the contract.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub status: Option<u16>,
    pub text: Option<Text>,
    /// The lines of a header. Without lines, the answer does not have it.
    pub headers: Vec<(&'static str, Vec<String>)>,
}

/// The text of an answer. `‹id›` stands for the value of that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// The message of the envelope.
    Message(String),
    /// The whole body.
    Body(String),
}

impl Answer {
    pub fn status(status: u16) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    pub fn message(message: &str) -> Self {
        Self { text: Some(Text::Message(message.to_owned())), ..Self::default() }
    }

    pub fn body(body: &str) -> Self {
        Self { text: Some(Text::Body(body.to_owned())), ..Self::default() }
    }

    /// A page of a proxy.
    pub fn html(status: u16, title: &str) -> Self {
        let page = format!("<html>\r\n<head><title>{title}</title></head>\r\n<body>{title}</body>\r\n</html>\r\n");
        Self::body(&page).with_status(status).header("Content-Type", &["text/html"]).header("Vary", &[])
    }

    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, lines: &[&str]) -> Self {
        self.headers.push((name, lines.iter().map(|&line| line.to_owned()).collect()));
        self
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

impl Behaviour {
    /// The bytes of the answer; None for a connection that is cut, or left open.
    pub(super) fn reply(&self, request: &Request, decision: &Decision) -> Option<Vec<u8>> {
        let given = match self.planned(decision) {
            Some(Reply::Silence | Reply::Disconnect) => return None,
            Some(Reply::Answer(answer)) => answer.clone(),
            None if decision.case == "login" => login_answer(decision),
            None => Answer::default(),
        };
        let (status, message) = contract::answer(decision.case);
        let body = match given.text {
            Some(Text::Body(body)) => render(&body, request, decision, body.starts_with(['{', '['])),
            Some(Text::Message(message)) => self.envelope(request, &render(&message, request, decision, false)),
            None if message.is_empty() => String::new(),
            None => self.envelope(request, &render(message, request, decision, false)),
        };
        let mut headers = contract_headers(decision.case);
        for (name, lines) in self.headers.iter().chain(&given.headers) {
            headers.retain(|(other, _)| other != name);
            headers.extend(lines.iter().map(|line| (*name, line.clone())));
        }
        headers.retain(|(name, _)| *name != "Content-Type" || !body.is_empty());
        headers.push(("Content-Length", body.len().to_string()));
        headers.push(("Connection", "close".to_owned()));
        let mut answer = format!("HTTP/1.1 {} Whatever\r\n", given.status.unwrap_or(status));
        for (name, value) in &headers {
            write!(answer, "{name}: {value}\r\n").unwrap();
        }
        Some((answer + "\r\n" + &body).into_bytes())
    }

    /// What the test says of a case.
    pub(super) fn planned(&self, decision: &Decision) -> Option<&Reply> {
        self.everything.as_ref().or_else(|| self.replies.get(decision.case))
    }

    fn envelope(&self, request: &Request, message: &str) -> String {
        let Request { method, path, .. } = request;
        if self.compact {
            format!(r#"{{"method":{},"uri":{},"code":null,"message":{}}}"#, json!(method), json!(path), json!(message))
        } else {
            envelope(method, path, message)
        }
    }
}

/// The headers of the contract.
fn contract_headers(case: &str) -> Vec<(&'static str, String)> {
    let vary = ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"];
    let mut headers: Vec<_> = vary.into_iter().map(|line| ("Vary", line.to_owned())).collect();
    headers.push(("Content-Type", "application/json".to_owned()));
    let challenge = match case {
        "tokenMissing" | "otherScheme" => Some("Bearer"),
        "tokenInvalid" | "tokenExpired" => Some("Bearer error=\"invalid_token\""),
        "wrongRole" => Some("Bearer error=\"insufficient_scope\""),
        _ => None,
    };
    headers.extend(challenge.map(|challenge| ("WWW-Authenticate", challenge.to_owned())));
    headers.extend(["wrongMethod", "preflight"].contains(&case).then(|| ("Allow", "POST".to_owned())));
    headers
}

/// The token begins with `Bearer`, as that of the vendor does.
fn login_answer(decision: &Decision) -> Answer {
    let number = &decision.values[0].1;
    let body =
        json!({"userId": 1, "login": Value::Null, "token": format!("Bearer login-{number}"), "role": "INTEGRATOR"});
    Answer::body(&body.to_string())
}

/// A text with its values. With `is_json`, they are escaped for a JSON string.
fn render(text: &str, request: &Request, decision: &Decision, is_json: bool) -> String {
    let mut rendered = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('‹') {
        let (name, after) = after.split_once('›').unwrap();
        rendered.push_str(before);
        let value = value(name, request, decision);
        let quoted = Value::from(&*value).to_string();
        rendered.push_str(if is_json { &quoted[1..quoted.len() - 1] } else { &value });
        rest = after;
    }
    rendered + rest
}

fn value(name: &str, request: &Request, decision: &Decision) -> String {
    let now = || Timestamp::try_from(SystemTime::now()).unwrap();
    match name {
        "method" => request.method.clone(),
        "uri" => request.path.clone(),
        "time" => format!("{:.3}", now()),
        // As Spring writes it.
        "springTime" => format!("{:.3}", now()).replace('Z', "+00:00"),
        "epochMs" => now().as_millisecond().to_string(),
        "seconds" => format!("{:.0}", now()),
        "uuid" => uuid::Builder::from_random_bytes(random()).into_uuid().to_string(),
        "authorization" => request.header("Authorization").unwrap_or_default().to_owned(),
        name => {
            let found = decision.values.iter().find(|(known, _)| *known == name);
            found.map_or_else(|| panic!("{} has no {name}", decision.case), |(_, value)| value.clone())
        }
    }
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}
