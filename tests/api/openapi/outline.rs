//! The part of the document that is written by hand, and the answers that many operations share.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use serde_json::{Map, Value, json};

const NO_SUCH_WORLD: &str = "In a fake: the name of the world is invalid";

/// `outline.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outline {
    pub info: Map<String, Value>,
    pub tags: Value,
    pub schemas: Value,
    pub parameters: BTreeMap<String, Map<String, Value>>,
    pub operations: Vec<Operation>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Method and path, such as `GET /admin/clients/{id}`.
    pub route: String,
    pub id: String,
    pub tag: String,
    pub summary: String,
    pub description: Option<String>,
    /// `admin`, `sender` or `integrator`. An operation without a role needs no token.
    pub role: Option<String>,
    /// `fake` or `serve`, if only one of them has the operation.
    pub program: Option<String>,
    #[serde(default)]
    pub query: Vec<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, Value>,
    /// The name of the schema of its body.
    pub body: Option<String>,
    pub answers: Vec<Answer>,
}

/// An answer, and the call that receives it in a new sample world.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    pub status: u16,
    pub description: String,
    /// Whether the vendor documents the status. The first answer with a status decides for all of them.
    pub documented: bool,
    /// The name of the schema of its body; for a list, an array with the name of the schema of its rows.
    pub schema: Value,
    /// A media type other than JSON, or one that needs no example.
    pub media: Option<String>,
    pub headers: Vec<String>,
    pub links: Value,
    /// Calls to make first. They must succeed or answer 409.
    pub setup: Vec<(String, String, Option<Value>)>,
    /// Path and query. Default: those of the first answer, or the route.
    pub call: Option<String>,
    /// Default: the body of the first answer.
    pub body: Option<Value>,
    /// The body as text, sent with `lines` and without a `Content-Type`.
    pub raw: Option<String>,
    /// More header lines.
    pub lines: String,
    /// Default: a token that has the role. If empty, the call has no token.
    pub token: Option<String>,
    /// The message of an answer that is not recorded, because it needs a slow, full or broken server.
    pub message: Option<String>,
    /// Calls the program that does not have the operation.
    pub other_program: bool,
}

impl Outline {
    /// Reads the file and adds the common answers to each operation.
    pub fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/openapi/outline.json");
        let mut outline: Self = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        for operation in &mut outline.operations {
            let common = operation.common();
            // An operation may describe a status itself. Only 400 and 404 have several causes, so these are listed together.
            if operation.query.iter().any(|name| name == "limit") {
                operation.answers[0].headers.push("Link".to_owned());
            }
            let own: Vec<u16> = operation.answers.iter().map(|answer| answer.status).collect();
            operation.answers.extend(common.into_iter().filter(|answer| {
                let is_another_cause = [400, 404].contains(&answer.status) && answer.description != NO_SUCH_WORLD;
                is_another_cause || !own.contains(&answer.status)
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

    /// Whether it is a call of the vendor, and not one of ours.
    pub fn is_of_vendor(&self) -> bool {
        self.path().starts_with("/api/")
    }

    /// The roles of tokens that may call. Empty if the call takes no token.
    pub fn roles(&self) -> &'static [&'static str] {
        match self.role.as_deref() {
            None => &[],
            Some("admin") => &["ADMIN"],
            Some("integrator") => &["INTEGRATOR"],
            Some(_) => &["INTEGRATOR", "OPERATOR", "SUPERVISOR"],
        }
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
        let mut add = |status, description: &str, answer: Answer| {
            answers.push(Answer { status, description: description.to_owned(), ..answer });
        };
        let lines = |lines: &str| Answer { lines: lines.to_owned(), ..Answer::default() };
        let call = |call: String| Answer { call: Some(call), ..Answer::default() };
        let message = |text: &str| Answer { message: Some(text.to_owned()), ..Answer::default() };
        if self.body.is_some() {
            let json = "Content-Type: application/json\r\n";
            // POST /admin/explain explains this body, too.
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
            add(400, "The id is not a 64-bit integer", with("x"));
            add(404, "The path contains a percent-encoded character", with("%31"));
        }
        if let Some(role) = &self.role {
            let token = |token: &str| Answer { token: Some(token.to_owned()), ..Answer::default() };
            let challenged = |answer| Answer { headers: vec!["WWW-Authenticate".to_owned()], ..answer };
            let documented = |answer| Answer { documented: self.is_of_vendor(), ..challenged(answer) };
            if self.program.as_deref() != Some("serve") {
                add(400, NO_SUCH_WORLD, token(if role == "admin" { "test-admin@a/b" } else { "test-crm@a/b" }));
            }
            add(401, "No token", documented(token("")));
            add(401, "The token is unknown or revoked", challenged(token("nobody")));
            add(401, "The token is expired", challenged(token("test-expired")));
            add(403, "The role of the token is not allowed", challenged(token("test-wrongrole")));
            let too_many = message("Too many failed tokens from this address; try again in 60 s");
            let later = vec!["Retry-After".to_owned()];
            let description = "Too many bad tokens from this address. In a fake: too many worlds";
            add(429, description, Answer { headers: later, ..too_many });
        }
        if self.program.is_some() {
            let program = if self.program.as_deref() == Some("fake") { "surveyd serve" } else { "surveyd fake" };
            add(
                404,
                &format!("`{program}` does not have this operation"),
                Answer { other_program: true, ..Answer::default() },
            );
        }
        if self.role.is_some() || self.body.is_some() {
            add(500, "An internal error", message("Internal error; the log says more under this X-Request-Id"));
            let busy = message("The server is busy; nothing was done, try again");
            let description = "The server is full, cannot write to its disk, or is stopping";
            add(503, description, Answer { headers: vec!["Retry-After".to_owned()], ..busy });
        }
        answers
    }
}

/// The lines of `Vary` on each answer of the vendor's calls.
pub const VARY: [&str; 3] = ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"];

/// Headers that only some answers have.
pub fn headers() -> Value {
    let text = json!({ "type": "string" });
    let doubled = json!({ "type": "string", "pattern": "^Bearer Bearer " });
    json!({
        "WWW-Authenticate": { "description": "The challenge of RFC 6750.", "schema": text },
        "Retry-After": { "description": "Seconds.", "schema": { "type": "integer", "minimum": 0 } },
        "Authorization": { "description": "The token again. `Bearer` appears twice, as the vendor documents.", "schema": doubled },
        "Vary": { "description": "Three separate lines, in the order of `x-lines`.", "schema": text, "x-lines": VARY },
        "Link": { "description": "The next page, if there are more rows than `limit`: `<?limit=100&after=100>; rel=\"next\"`. Relative to the address of this page.", "schema": text },
        "Idempotent-Replayed": { "description": "`true` if this is the stored answer of an earlier request.", "schema": { "const": "true" } },
    })
}
