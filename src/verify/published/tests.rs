//! The comparison, run over the real document and over documents in which something was changed on purpose.

mod drifts;

use std::{collections::BTreeSet, fmt::Write as _};

use serde_json::{Value, json};

use super::{
    Difference, claims, differences,
    facts::{Call, Facts},
    number_of_facts, samples,
    schema::resolve,
};
use crate::http::pages::openapi::DOCUMENT;

fn document() -> Value {
    serde_json::from_str(DOCUMENT).expect("JSON")
}

/// A copy in which each reference is replaced by what it names, so that a change of it concerns one call.
fn inline(document: &Value, value: &Value) -> Value {
    match resolve(document, value) {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), inline(document, value))).collect::<Value>()
        }
        Value::Array(items) => items.iter().map(|item| inline(document, item)).collect(),
        other => other.clone(),
    }
}

/// The calls of the facts, and one of ours.
fn inlined() -> Value {
    let mut document = document();
    let paths = document["paths"].as_object_mut().expect("paths");
    paths.retain(|path, _| path.starts_with("/api/") || path == "/admin/settings");
    json!({ "paths": inline(&document, &document["paths"]) })
}

/// Removes what a pointer names.
fn remove(document: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let name = name.replace("~1", "/").replace("~0", "~");
    let removed = match document.pointer_mut(parent).expect(pointer) {
        Value::Object(fields) => fields.remove(&name),
        Value::Array(items) => Some(items.remove(name.parse().expect("an index"))),
        _ => None,
    };
    assert!(removed.is_some(), "{pointer}");
}

fn in_words(differences: &[Difference]) -> Vec<String> {
    differences.iter().map(ToString::to_string).collect()
}

#[test]
fn the_document_has_every_published_fact_and_claims_no_other() {
    assert_eq!(in_words(&differences(&document())), [""; 0]);
    assert_eq!(in_words(&differences(&inlined())), [""; 0]);
    assert!(number_of_facts() > 100, "{}", number_of_facts());
}

#[test]
fn a_document_without_calls_lacks_each_of_them() {
    let calls = Facts::read().expect("the facts").calls;
    let expected: Vec<_> = calls.iter().map(Call::name).collect();
    for empty in [json!({}), json!({ "paths": {} }), json!([]), json!(null)] {
        let locations: Vec<_> = differences(&empty).into_iter().map(|difference| difference.location).collect();
        assert_eq!(locations, expected);
    }
}

/// Lengths, shapes and pages of the facts. A misspelled key is an error of the parser.
#[test]
fn the_facts_agree_with_themselves() {
    let facts = Facts::read().expect("the facts");
    let fidelity = include_str!("../../../docs/fidelity.md");
    for call in &facts.calls {
        assert!(fidelity.contains(&format!("({})", call.source)), "{} is on no page of fidelity.md", call.name());
        let of_request = call.request.iter().flat_map(|request| &request.samples);
        for sample in call.responses.values().flat_map(|response| &response.samples).chain(of_request) {
            assert_eq!(samples::length(&sample.body), sample.content_length, "{}", sample.name);
        }
        for response in call.responses.values() {
            assert!(response.shape.iter().all(|shape| facts.shapes.contains_key(shape)), "{}", call.name());
            assert!(response.source.iter().all(|source| fidelity.contains(source)), "{}", call.name());
        }
    }
}

/// Each line of the snapshot is one change, and the one difference that is reported of it.
#[test]
fn each_drift_is_found_and_nothing_else_is_reported() {
    let mut lines = String::new();
    for (change, changed) in drifts::all() {
        let found = in_words(&differences(&changed));
        assert_eq!(found.len(), 1, "{change}: {found:#?}");
        writeln!(lines, "{change}\n    {}", found[0]).expect("a text");
    }
    insta::assert_snapshot!(lines);
}

/// Each published fact is missed at least once if a call loses one thing after the other.
#[test]
fn no_fact_is_taken_for_granted() {
    let facts = Facts::read().expect("the facts");
    let mut missed = BTreeSet::new();
    for (path, call) in inlined()["paths"].as_object().expect("paths") {
        // A document of one call is faster to copy and to compare.
        let document = json!({ "paths": { path: call } });
        for pointer in pointers(&document, "") {
            let mut changed = document.clone();
            remove(&mut changed, &pointer);
            missed.extend(
                differences(&changed).into_iter().map(|difference| (difference.location, difference.published)),
            );
        }
    }
    let never: Vec<_> = claims::list(&facts)
        .into_iter()
        .map(|claim| (claim.location, claim.published))
        .filter(|claim| !missed.contains(claim))
        .collect();
    // These are missed if the document has more, or lacks two things at once. `drifts` has the first.
    let by_one_loss = |(location, published): &(String, String)| {
        let has_more = location.ends_with(", fields") || published == "no body" || published == "no token";
        !has_more && location != "POST /api/v1/clients/short-info: request, field phones"
    };
    assert!(!never.iter().any(by_one_loss), "{never:#?}");
}

/// Every object field and array element that a comparison may look at.
fn pointers(value: &Value, pointer: &str) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    let is_read =
        |name: &str| !["description", "summary", "tags", "400", "403", "404", "408", "500", "503"].contains(&name);
    let mut found = Vec::new();
    for (name, value) in children.into_iter().filter(|(name, _)| is_read(name)) {
        let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
        found.extend(pointers(value, &pointer));
        found.push(pointer);
    }
    found
}
