//! Builds the document from the outline and from the answers of a new server.

use std::fmt::Write as _;

use serde_json::{Map, Value, json, map::Entry};

use super::{
    outline::{Answer, Operation, Outline, VARY, headers},
    schema::Schemas,
};
use crate::harness::{Server, TestFolder, envelope};

/// The time in the examples.
const NOW: &str = "2100-01-01T00:00:00.000Z";

/// Fails if an answer differs from the outline.
pub fn document(outline: &Outline) -> String {
    let mut recorder = Recorder::start(&outline.schemas);
    let mut paths = Map::new();
    for operation in &outline.operations {
        let responses = recorder.responses(operation);
        let path = paths.entry(operation.path()).or_insert_with(|| json!({}));
        path[operation.method().to_lowercase()] = operation.describe(outline, &recorder.schemas, responses);
    }
    let mut info = outline.info.clone();
    info.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
    let bearer = |description: &str| json!({ "type": "http", "scheme": "bearer", "description": description });
    let parameters: Map<_, _> = outline
        .parameters
        .iter()
        .map(|(name, parameter)| {
            let mut parameter = parameter.clone();
            parameter.extend([("name".to_owned(), json!(name)), ("in".to_owned(), json!("query"))]);
            (name.clone(), Value::Object(parameter))
        })
        .collect();
    let document = json!({
        "openapi": "3.1.0",
        "info": info,
        "servers": [{ "url": "./" }],
        "tags": outline.tags,
        "paths": paths,
        "components": {
            "schemas": outline.schemas,
            "parameters": parameters,
            "headers": headers(),
            "securitySchemes": {
                "sender": bearer("A token of role INTEGRATOR, OPERATOR or SUPERVISOR. To create a form: INTEGRATOR."),
                "admin": bearer("A token of role ADMIN."),
                "adminOfWorld": bearer("A token of role ADMIN. The part of the token after `@` names the world that the call applies to."),
            },
        },
    });
    let mut text = String::new();
    lay_out(&document, 0, &mut text);
    text.push('\n');
    // Examples are inserted as text, because parsing would lose the line ends that were sent.
    recorder.examples.iter().enumerate().fold(text, |text, (number, example)| text.replacen(&mark(number), example, 1))
}

/// The placeholder of an example until the document is laid out.
fn mark(number: usize) -> String {
    format!("\"the example {number}\"")
}

/// Writes JSON with a line for each response and each schema, so that a diff shows which one changed.
fn lay_out(value: &Value, depth: usize, text: &mut String) {
    const DEEPEST: usize = 6;
    let Value::Object(entries) = value else { return text.push_str(&value.to_string()) };
    if depth == DEEPEST || value.to_string().len() < 100 {
        return text.push_str(&value.to_string());
    }
    for (index, (key, value)) in entries.iter().enumerate() {
        let before = if index == 0 { "{" } else { "," };
        write!(text, "{before}\n{:1$}{2}: ", "", depth + 1, json!(key)).unwrap();
        let is_deep_enough = depth > 0 && matches!(key.as_str(), "schemas" | "responses") || depth < 4;
        lay_out(value, if is_deep_enough { depth + 1 } else { DEEPEST }, text);
    }
    write!(text, "\n{:depth$}}}", "").unwrap();
}

/// A fake and a server, and the bodies that they have answered.
struct Recorder {
    fake: Server,
    server: Server,
    admin: String,
    integrator: String,
    expired: String,
    schemas: Schemas,
    examples: Vec<String>,
    _home: TestFolder,
}

impl Recorder {
    fn start(schemas: &Value) -> Self {
        let home = TestFolder::with_sample();
        let (admin, integrator) = (home.token("ops", "admin"), home.token("crm", "integrator"));
        let output = home.run(&["token", "create", "--name", "brief", "--role", "admin", "--expires", "1ms"]);
        let expired = String::from_utf8(output.stdout).unwrap().trim_end().to_owned();
        let (fake, server) = (Server::fake(), home.serve());
        let schemas = Schemas::new(schemas);
        Self { fake, server, admin, integrator, expired, schemas, examples: Vec::new(), _home: home }
    }

    fn responses(&mut self, operation: &Operation) -> Value {
        let mut responses = Map::new();
        for answer in &operation.answers {
            let body = self.body(operation, answer);
            let response = match responses.entry(answer.status.to_string()) {
                Entry::Vacant(vacant) => vacant.insert(answer.describe(operation)),
                Entry::Occupied(occupied) => {
                    let response = occupied.into_mut();
                    let before = response["description"].as_str().unwrap();
                    response["description"] = json!(format!("{before}. {}", answer.description));
                    response
                }
            };
            if body.is_empty() && answer.media.is_none() {
                continue;
            }
            let schema =
                if answer.status < 400 { answer.schema() } else { json!({ "$ref": "#/components/schemas/Error" }) };
            let media_type = answer.media.as_deref().unwrap_or("application/json");
            let media = &mut response["content"][media_type];
            media["schema"] = schema.clone();
            if answer.media.is_none() {
                let value = serde_json::from_str(&body).unwrap();
                assert_eq!(self.schemas.check(&schema, &value), Ok(()), "{} {}", operation.route, answer.status);
                let name = (media["examples"].as_object().map_or(0, Map::len) + 1).to_string();
                let value = format!("the example {}", self.examples.len());
                media["examples"][name] = json!({ "summary": answer.description, "value": value });
                self.examples.push(body);
            }
        }
        Value::Object(responses)
    }

    /// Makes the call, checks the answer, and returns its body without random values.
    fn body(&self, operation: &Operation, answer: &Answer) -> String {
        let (method, path) = (operation.method(), answer.call.as_deref().unwrap_or(operation.first_call()));
        if let Some(message) = &answer.message {
            return envelope(method, path.split('?').next().unwrap(), message);
        }
        let on_server = (operation.program.as_deref() == Some("serve")) != answer.other_program;
        if !on_server {
            self.reset(&answer.setup);
        }
        let allowed = if operation.role.as_deref() == Some("admin") { "test-admin" } else { "test-crm" };
        let token = answer.token.as_deref().unwrap_or(allowed);
        let mut client = match (on_server, token) {
            (false, "") => self.fake.anonymous(),
            (false, token) => self.fake.client(token),
            (true, "") => self.server.anonymous(),
            (true, "test-admin") => self.server.client(&self.admin),
            (true, "test-wrongrole") => self.server.client(&self.integrator),
            (true, "test-expired") => self.server.client(&self.expired),
            (true, other) => self.server.client(other),
        };
        let answered = if let Some(raw) = &answer.raw {
            client.call_with(method, path, &answer.lines, raw.as_bytes())
        } else {
            let body = answer.body.as_ref().or(operation.first_body()).map(Value::to_string).unwrap_or_default();
            let media_type = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
            client.call_with(method, path, &format!("{media_type}{}", answer.lines), body.as_bytes())
        };
        assert_eq!(answered.status, answer.status, "{} {}: {answered:?}", operation.route, answer.description);
        // An event stream has a media type, but no body yet.
        let has_body = answer.media.is_some() || !answered.body.is_empty();
        let media_type = Some(answer.media.as_deref().unwrap_or("application/json")).filter(|_| has_body);
        assert_eq!(answered.header("content-type"), media_type, "{} {}", operation.route, answer.description);
        let is_rare = |name: &str| ["Idempotent-Replayed", "Link"].contains(&name);
        for name in answer.headers.iter().filter(|name| !is_rare(name)) {
            let Some(value) = answered.header(name) else {
                panic!("{} {} has no {name}", operation.route, answer.description)
            };
            let schema = &headers()[name.as_str()]["schema"];
            if schema["type"] == "string" {
                assert_eq!(self.schemas.check(schema, &json!(value)), Ok(()), "{} {name}", operation.route);
            }
        }
        if operation.is_of_vendor() {
            let vary: Vec<_> =
                answered.headers.iter().filter(|(name, _)| name == "Vary").map(|(_, line)| line).collect();
            assert_eq!(vary, VARY, "{} {}", operation.route, answer.description);
        }
        if let (403, Some((last, others))) = (answer.status, operation.roles().split_last()) {
            let roles = if others.is_empty() { (*last).to_owned() } else { format!("{} or {last}", others.join(", ")) };
            assert!(answered.message().ends_with(&format!("it takes {roles}")), "{} {answered:?}", operation.route);
        }
        if operation.method() == "GET" && answer.media.is_some() {
            String::new()
        } else {
            without_secrets(answered.body)
        }
    }

    /// Resets the fake to the sample world, stops its clock, and makes the calls of a setup.
    fn reset(&self, setup: &[(String, String, Option<Value>)]) {
        let (mut admin, mut crm) = (self.fake.client("test-admin"), self.fake.client("test-crm"));
        assert_eq!(admin.call("POST", "/admin/reset", None).status, 204);
        assert_eq!(admin.call("PUT", "/admin/clock", Some(&json!({ "now": NOW }))).status, 200);
        for (method, path, body) in setup {
            let client = if path.starts_with("/admin") { &mut admin } else { &mut crm };
            let body = body.as_ref().map(Value::to_string).unwrap_or_default();
            // Some examples show the request id of an attempt, or the repeated use of a key.
            let lines = "Content-Type: application/json\r\nX-Request-Id: 4f0e2b7c9d1a6e35-1a\r\nIdempotency-Key: 1\r\n";
            let answered = client.call_with(method, path, lines, body.as_bytes());
            assert!(answered.status < 300 || answered.status == 409, "{method} {path}: {answered:?}");
        }
    }
}

/// Replaces random values by zeros: the secrets of tokens and channels, and the ids of messages; and what differs on each
/// machine.
fn without_secrets(mut body: String) -> String {
    for prefix in ["\"surveyd_", "\"whsec_", "\"msg_"] {
        let starts: Vec<usize> = body.match_indices(prefix).map(|(start, _)| start + prefix.len()).collect();
        for start in starts {
            let length = body[start..].find('"').unwrap();
            body.replace_range(start..start + length, &"0".repeat(length));
        }
    }
    // Of the machine and the release.
    for key in ["\"bytes\":", "\"logBytes\":", "\"freeBytes\":"] {
        if let Some(start) = body.find(key).map(|start| start + key.len()) {
            let digits = body[start..].bytes().take_while(u8::is_ascii_digit).count();
            body.replace_range(start..start + digits, "262144");
        }
    }
    body.replace(&format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION")), "\"version\":\"0.1.0\"")
}

impl Answer {
    /// The schema of its body.
    fn schema(&self) -> Value {
        let reference = |name: &Value| json!({ "$ref": format!("#/components/schemas/{}", name.as_str().unwrap()) });
        match &self.schema {
            Value::Array(row) => json!({ "type": "array", "items": reference(&row[0]) }),
            name => reference(name),
        }
    }

    fn describe(&self, operation: &Operation) -> Value {
        let mut response = json!({ "description": self.description, "x-edna-documented": self.documented });
        let vary = operation.is_of_vendor().then(|| "Vary".to_owned());
        for name in self.headers.iter().chain(&vary) {
            response["headers"][name] = json!({ "$ref": format!("#/components/headers/{name}") });
        }
        if !self.links.is_null() {
            response["links"] = self.links.clone();
        }
        response
    }
}

impl Operation {
    fn describe(&self, outline: &Outline, schemas: &Schemas, mut responses: Value) -> Value {
        let mut parameters = Vec::new();
        let pattern = self.path().split('/').zip(self.first_call().split(['/', '?']));
        for (name, example) in pattern.filter(|(name, _)| name.starts_with('{')) {
            let name = name.trim_matches(['{', '}']);
            let (schema, example) = match example.parse::<i64>() {
                Ok(id) => (json!({ "$ref": "#/components/schemas/Id" }), json!(id)),
                Err(_) => (json!({ "type": "string" }), json!(example)),
            };
            parameters
                .push(json!({ "name": name, "in": "path", "required": true, "schema": schema, "example": example }));
        }
        parameters.extend(self.query.iter().map(|name| {
            assert!(outline.parameters.contains_key(name), "{name}");
            json!({ "$ref": format!("#/components/parameters/{name}") })
        }));
        parameters.extend(
            self.headers.iter().map(|(name, schema)| json!({ "name": name, "in": "header", "schema": schema })),
        );
        if self.method() == "PUT" && self.path().ends_with("{id}") {
            // Links from a new row to its other operations.
            for status in ["200", "201"] {
                for id in ["get", "delete"].map(|verb| self.id.replacen("put", verb, 1)) {
                    let parameters = json!({ "id": "$request.path.id" });
                    responses[status]["links"][&id] = json!({ "operationId": id, "parameters": parameters });
                }
            }
        }
        let mut described = json!({
            "operationId": self.id, "tags": [self.tag], "summary": self.summary, "responses": responses,
        });
        if !parameters.is_empty() {
            described["parameters"] = parameters.into();
        }
        if let Some(description) = &self.description {
            described["description"] = json!(description);
        }
        if let Some(role) = &self.role {
            let scheme = match (role.as_str(), self.program.as_deref()) {
                ("admin", Some("fake")) => "adminOfWorld",
                ("admin", _) => "admin",
                _ => "sender",
            };
            described["security"] = json!([{ scheme: [] }]);
            described["x-roles"] = json!(self.roles());
        }
        if let Some(name) = &self.body {
            let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
            let example = self.first_body().unwrap();
            assert_eq!(schemas.check(&schema, example), Ok(()), "{}", self.route);
            let examples = json!({ "1": { "value": example } });
            let content = json!({ "application/json": { "schema": schema, "examples": examples } });
            described["requestBody"] = json!({ "required": true, "content": content });
        }
        described
    }
}
