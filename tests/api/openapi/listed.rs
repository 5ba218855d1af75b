//! Every answer that any test receives is checked against the document.

use std::sync::LazyLock;

use serde_json::Value;

use super::{DOCUMENT, schema::Schemas};
use crate::harness::Response;

static PARSED: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(DOCUMENT).unwrap());

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| Schemas::new(&PARSED["components"]["schemas"]));

/// Fails if an operation of the document gave an answer that the document does not list.
pub fn check(method: &str, target: &str, answer: &Response) {
    // A recording may contain answers that the old document does not list.
    if super::is_recording() || is_of_no_operation(answer) {
        return;
    }
    let Some(operation) = operation(method, target.split('?').next().unwrap()) else { return };
    let response = &operation["responses"][answer.status.to_string()];
    assert!(response.is_object(), "{method} {target} does not list {answer:?}");
    let Some(media_type) = answer.header("content-type") else {
        return assert!(response["content"].is_null() && answer.body.is_empty(), "{method} {target}: {answer:?}");
    };
    let media = &response["content"][media_type];
    assert!(media.is_object(), "{method} {target} does not list {media_type}: {answer:?}");
    if media_type == "application/json" {
        assert_eq!(SCHEMAS.check(&media["schema"], &answer.json()), Ok(()), "{method} {target}: {answer:?}");
    }
}

/// Three kinds of answers belong to no operation:
/// an answer of the HTTP layer, which has no request id;
/// an answer of a fault, which may have any status;
/// and a 404 from a listener that does not have the path.
fn is_of_no_operation(answer: &Response) -> bool {
    let says = |message: &str| answer.body.contains(&format!("\"message\" : \"{message}\""));
    answer.header("x-request-id").is_none() || says("Fault: asked for by POST /admin/faults") || says("No such path")
}

fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let paths = PARSED["paths"].as_object()?;
    let matches = |pattern: &str| {
        let is_as_long = pattern.split('/').count() == path.split('/').count();
        is_as_long && pattern.split('/').zip(path.split('/')).all(|(name, part)| name == part || name.starts_with('{'))
    };
    let (_, methods) = paths.iter().find(|(pattern, _)| matches(pattern))?;
    methods.get(method.to_lowercase())
}
