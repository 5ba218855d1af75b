//! Whatever a test calls, the document lists what it gets: each of the many calls in these tests is one more try to find it
//! wanting.

use std::sync::LazyLock;

use super::DOCUMENT;
use serde_json::Value;

use super::schema;
use crate::harness::Response;

static PARSED: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(DOCUMENT).unwrap());

/// Fails where an operation of the document has given an answer that the document does not list.
pub fn check(method: &str, target: &str, answer: &Response) {
    // What is being written need not be in what was written before.
    if super::is_to_be_written() || is_of_no_operation(answer) {
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
        let fits = schema::check(&PARSED["components"]["schemas"], &media["schema"], &answer.json(), "body");
        assert_eq!(fits, Ok(()), "{method} {target}: {answer:?}");
    }
}

/// The HTTP layer's own answer, which has no id; that of a fault, which may have any status and is listed where it is asked for;
/// and that of an address which has other paths.
fn is_of_no_operation(answer: &Response) -> bool {
    let says = |message: &str| answer.body.contains(&format!("\"message\" : \"{message}\""));
    answer.header("x-request-id").is_none() || says("Fault: asked for by POST /admin/faults") || says("No such path")
}

fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let paths = PARSED["paths"].as_object()?;
    let fits = |pattern: &str| {
        let is_as_long = pattern.split('/').count() == path.split('/').count();
        is_as_long && pattern.split('/').zip(path.split('/')).all(|(name, part)| name == part || name.starts_with('{'))
    };
    let (_, methods) = paths.iter().find(|(pattern, _)| fits(pattern))?;
    methods.get(method.to_lowercase())
}
