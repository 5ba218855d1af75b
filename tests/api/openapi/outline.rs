//! What is written by hand of the document: `outline.json`, and what every operation of a kind answers.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The texts, the shapes, and the operations.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outline {
    pub info: Map<String, Value>,
    pub tags: Value,
    pub schemas: Value,
    pub parameters: BTreeMap<String, Map<String, Value>>,
    pub operations: Vec<Operation>,
}

/// A method of a path.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Such as `GET /admin/clients/{id}`.
    pub route: String,
    pub id: String,
    pub tag: String,
    pub summary: String,
    pub description: Option<String>,
    /// Who may: `admin`, `sender`, `integrator`; nobody is asked where nothing is said.
    pub who: Option<String>,
    /// `fake` or `serve`, where only one of them has it.
    pub only: Option<String>,
    #[serde(default)]
    pub query: Vec<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, Value>,
    /// The shape of its body.
    pub body: Option<String>,
    pub answers: Vec<Answer>,
}

/// An answer, and the call that gets it from a fresh sample world.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    pub status: u16,
    pub what: String,
    /// Whether it is the vendor's word; the first of a status says it for all.
    pub documented: bool,
    /// The shape of its body, or in an array that of its rows.
    pub schema: Value,
    /// A media type that is not JSON, or whose example would be of no use.
    pub media: Option<String>,
    /// The headers that it has.
    pub headers: Vec<String>,
    pub links: Value,
    /// Calls before it, which succeed or are refused by a rule.
    pub before: Vec<(String, String, Option<Value>)>,
    /// Path and query; else those of the first answer, else the route.
    pub call: Option<String>,
    /// Else that of the first answer.
    pub body: Option<Value>,
    /// The body as bytes, with header lines of its own instead of a media type.
    pub raw: Option<String>,
    pub lines: String,
    /// Else the one who may; none where this is empty.
    pub token: Option<String>,
    /// The message, where the call would take too long: those of a server that is slow, full or broken.
    pub message: Option<String>,
    /// Asked of the program that does not have the operation.
    pub elsewhere: bool,
}

impl Outline {
    /// Reads it, and adds to each operation what all of its kind answer.
    pub fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/openapi/outline.json");
        let mut outline: Self = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        for operation in &mut outline.operations {
            let common = operation.common();
            // A kind of answer that an operation tells in its own words is not told twice.
            let own: Vec<u16> = operation.answers.iter().map(|answer| answer.status).collect();
            operation.answers.extend(common.into_iter().filter(|answer| {
                let is_told_besides = [400, 404].contains(&answer.status) && answer.what != "In a fake: no such world";
                is_told_besides || !own.contains(&answer.status)
            }));
        }
        outline
    }
}

impl Operation {
    pub fn method(&self) -> &str {
        self.route.split_once(' ').unwrap().0
    }

    pub fn path(&self) -> &str {
        self.route.split_once(' ').unwrap().1
    }

    /// Path and query of the first example.
    pub fn first_call(&self) -> &str {
        self.answers[0].call.as_deref().unwrap_or(self.path())
    }

    /// The body of the first example.
    pub fn first_body(&self) -> Option<&Value> {
        self.answers[0].body.as_ref()
    }

    fn common(&self) -> Vec<Answer> {
        let mut answers = Vec::new();
        let path = self.first_call().split('?').next().unwrap().to_owned();
        let mut add = |status, what: &str, answer: Answer| {
            answers.push(Answer { status, what: what.to_owned(), ..answer });
        };
        let lines = |lines: &str| Answer { lines: lines.to_owned(), ..Answer::default() };
        let call = |call: String| Answer { call: Some(call), ..Answer::default() };
        let message = |text: &str| Answer { message: Some(text.to_owned()), ..Answer::default() };
        if self.body.is_some() {
            let json = "Content-Type: application/json\r\n";
            // An explanation tells even of this what a send would be answered.
            if self.id != "explain" {
                add(400, "The body is not JSON", Answer { raw: Some("{".to_owned()), ..lines(json) });
            }
            add(408, "The body does not arrive in time", message("The body did not arrive within 10000 ms"));
            let announced = format!("{json}Content-Length: 9000000\r\n");
            add(413, "The body is too large", Answer { raw: Some(String::new()), ..lines(&announced) });
            add(415, "The body is not application/json", Answer { raw: Some("{}".to_owned()), ..lines("") });
        }
        if !self.query.is_empty() {
            add(400, "The query has an unknown parameter", call(format!("{path}?page=2")));
        }
        if self.path().contains("{id}") {
            let with = |id: &str| call(self.path().replace("{id}", id).replace("{channelId}", "1"));
            add(400, "The id is no 64-bit integer", with("x"));
            add(404, "The path has an escape", with("%31"));
        }
        if let Some(who) = &self.who {
            let token = |token: &str| Answer { token: Some(token.to_owned()), ..Answer::default() };
            let challenged = |answer| Answer { headers: vec!["WWW-Authenticate".to_owned()], ..answer };
            let documented = |answer| Answer { documented: self.path().starts_with("/api/"), ..challenged(answer) };
            if self.only.as_deref() != Some("serve") {
                add(
                    400,
                    "In a fake: no such world",
                    token(if who == "admin" { "test-admin@a/b" } else { "test-crm@a/b" }),
                );
            }
            add(401, "No token", documented(token("")));
            add(401, "The token is unknown or revoked", challenged(token("nobody")));
            add(401, "The token is expired", challenged(token("test-expired")));
            add(403, "The role of the token may not do this", challenged(token("test-wrongrole")));
            let too_many = message("Too many failed tokens from this address; try again in 60 s");
            let later = vec!["Retry-After".to_owned()];
            let what = "Too many bad tokens from this address, or, in a fake, too many worlds";
            add(429, what, Answer { headers: later, ..too_many });
        }
        if self.only.is_some() {
            let program = if self.only.as_deref() == Some("fake") { "surveyd serve" } else { "surveyd fake" };
            add(404, &format!("`{program}` does not have it"), Answer { elsewhere: true, ..Answer::default() });
        }
        if self.who.is_some() || self.body.is_some() {
            add(500, "An error of the inside", message("Internal error; the log says more under this X-Request-Id"));
            let busy = message("The server is busy; nothing was done, try again");
            let what = "The server is full, its disk fails, or it is about to stop";
            add(503, what, Answer { headers: vec!["Retry-After".to_owned()], ..busy });
        }
        answers
    }
}

/// The headers that answers can have besides those that every one has.
pub fn headers() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "WWW-Authenticate": { "description": "How to come again: RFC 6750.", "schema": text },
        "Retry-After": { "description": "Seconds.", "schema": { "type": "integer", "minimum": 0 } },
        "Authorization": { "description": "The token once more; `Bearer` stands there twice, as documented.", "schema": text },
        "Idempotent-Replayed": { "description": "true where the answer is told again.", "schema": { "const": "true" } },
    })
}
