//! What a document marks as documented, though the vendor has not published it.

use serde_json::Value;

use super::{
    difference::Difference,
    facts::{Call, Facts, Response},
    samples::{self, CHOSEN},
};

/// Statuses and examples that are not marked as chosen.
pub(super) fn differences(facts: &Facts, document: &Value) -> Vec<Difference> {
    let mut differences = Vec::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let method = method.to_uppercase();
            let call = facts.calls.iter().find(|call| call.path == *path && call.method == method);
            for (status, response) in operation["responses"].as_object().into_iter().flatten() {
                let location = format!("{method} {path}: response {status}");
                let published = call.and_then(|call| call.responses.get(status));
                differences.extend(match published {
                    Some(published) => of_examples(&location, call, published, response),
                    None => of_status(location, call, response).into_iter().collect(),
                });
            }
        }
    }
    differences
}

fn of_status(location: String, call: Option<&Call>, response: &Value) -> Option<Difference> {
    let document = "a status that is marked as documented".to_owned();
    (response["x-edna-documented"] == true).then(|| difference(location, call, document))
}

/// Where samples are published, every other example must say that it is ours.
fn of_examples(location: &str, call: Option<&Call>, published: &Response, response: &Value) -> Vec<Difference> {
    if published.samples.is_empty() {
        return Vec::new();
    }
    let examples = samples::examples(&response["content"]["application/json"]);
    let unpublished = samples::pair(&published.samples, &examples).unpublished.into_iter();
    let of_example = |example: samples::Example<'_>| {
        let document = format!("{} without {CHOSEN} in its summary", example.body);
        difference(format!("{location}, example {}", example.name), call, document)
    };
    unpublished.map(of_example).collect()
}

fn difference(location: String, call: Option<&Call>, document: String) -> Difference {
    let source = call.map_or("no page of the vendor", |call| &call.source).to_owned();
    Difference { location, published: "nothing".to_owned(), document, source }
}
