//! The check of answers that the harness makes, against the recorded document.

#[path = "../api/openapi/listed.rs"]
pub mod listed;
#[path = "../api/openapi/schema.rs"]
mod schema;

const DOCUMENT: &str = include_str!("../../src/http/pages/openapi/openapi.json");

fn is_recording() -> bool {
    false
}
