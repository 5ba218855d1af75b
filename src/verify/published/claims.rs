//! Each published fact as a claim about the document.
//!
//! A claim about a part of something that the document lacks says nothing: the claim about the whole reports it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    body::Message,
    claim::{Claim, Claims, existing, join, operation},
    facts::{Facts, Response},
    fields::prefix_instead,
    schema::{Schema, resolve},
};

/// All claims, in the order of the facts.
pub(super) fn list(facts: &Facts) -> Vec<Claim<'_>> {
    let of_call = |call| {
        let mut claims = Claims { facts, call, list: Vec::new() };
        claims.add_operation();
        claims.list
    };
    facts.calls.iter().flat_map(of_call).collect()
}

impl<'a> Claims<'a> {
    fn add_operation(&mut self) {
        let call = self.call;
        self.add("", "this call", |document| {
            let is_path = document["paths"][&call.path].is_object();
            let found = if is_path { "no such method" } else { "no such path" };
            operation(document, call).is_null().then(|| found.to_owned())
        });
        if let Some(roles) = &call.roles {
            self.add_roles(roles);
        }
        for name in &call.query {
            self.add(&format!("query, {name}"), "a parameter", move |document| {
                let operation = existing(operation(document, call))?;
                let mut parameters = operation["parameters"].as_array().into_iter().flatten();
                let is_it = |parameter: &Value| parameter["in"] == "query" && parameter["name"] == *name;
                let exists = parameters.any(|parameter| is_it(resolve(document, parameter)));
                (!exists).then(|| "no such parameter".to_owned())
            });
        }
        if let Some(request) = &call.request {
            let message = Message { call, status: None, is_array: false };
            self.add_body(message, request.content_type.as_deref());
            self.add_fields(message, &request.fields);
            self.add_samples(message, &request.samples);
        }
        for (status, response) in &call.responses {
            let before = self.list.len();
            self.add_response(status, response);
            if let Some(source) = &response.source {
                self.list[before..].iter_mut().for_each(|claim| claim.source = source);
            }
        }
    }

    fn add_roles(&mut self, roles: &'a [String]) {
        let call = self.call;
        let published = if roles.is_empty() { "no token".to_owned() } else { join(roles) };
        self.add("roles", published, |document| {
            let operation = existing(operation(document, call))?;
            let found = texts(&operation["x-roles"]);
            let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
            let is_same = set(&found) == roles.iter().cloned().collect();
            match (operation["security"].is_null(), found.is_empty()) {
                (is_open, _) if is_same && is_open == roles.is_empty() => None,
                (true, _) => Some("no token".to_owned()),
                (false, true) => Some("a token, but no x-roles".to_owned()),
                (false, false) => Some(join(found)),
            }
        });
    }

    fn add_response(&mut self, status: &'a str, response: &'a Response) {
        let call = self.call;
        let message = Message { call, status: Some(status), is_array: response.array };
        let part = message.name();
        self.add(&part, "this status", move |document| {
            let operation = existing(operation(document, call))?;
            match &operation["responses"][status] {
                Value::Null => Some("no such status".to_owned()),
                found if found["x-edna-documented"] == true => None,
                _ => Some("a status that is not marked as documented".to_owned()),
            }
        });
        if response.vary {
            let lines = &self.facts.vary;
            self.add(&format!("{part}, header Vary"), join(lines), move |document| {
                let found = texts(&header(document, message.find(document)?, "Vary")["x-lines"]);
                let is_same = found.iter().eq(lines);
                (!is_same).then(|| if found.is_empty() { "no x-lines".to_owned() } else { join(found) })
            });
        }
        if let Some(prefix) = &response.authorization_prefix {
            self.add(&format!("{part}, header Authorization"), format!("\"{prefix}…\""), move |document| {
                let header = header(document, message.find(document)?, "Authorization");
                prefix_instead(&Schema::new(document, &header["schema"]), prefix)
            });
        }
        if response.empty {
            self.add(&format!("{part}, body"), "no body", move |document| {
                message.find(document)?["content"].as_object().map(|content| join(content.keys()))
            });
        }
        if let Some(shape) = &response.shape {
            self.add_body(message, response.content_type.as_deref());
            // A unit test finds a shape that does not exist.
            let Some(fields) = self.facts.shapes.get(shape) else { return };
            self.add_fields(message, fields);
            self.add_no_other_fields(message, fields);
        }
        self.add_samples(message, &response.samples);
    }
}

/// A header of a response. Null if there is none.
fn header<'a>(document: &'a Value, response: &'a Value, name: &str) -> &'a Value {
    resolve(document, &response["headers"][name])
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
