//! Validates JSON against the schemas of the document.

use std::{collections::HashMap, sync::Arc};

use jsonschema::Validator;
use parking_lot::Mutex;
use serde_json::{Value, json};

/// The schemas under `components`, and a validator for each schema that was asked for.
///
/// Compiling takes much longer than validating, and the tests check thousands of answers.
pub struct Schemas {
    components: Value,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Schemas {
    pub fn new(schemas: &Value) -> Self {
        Self { components: json!({ "schemas": schemas }), compiled: Mutex::default() }
    }

    /// Checks a value against a schema, which may refer to `#/components/schemas/…`.
    ///
    /// Errors: a line for each mismatch, with its position as a JSON pointer.
    pub fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let validator = self.validator(schema);
        let errors: Vec<_> =
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        if errors.is_empty() { Ok(()) } else { Err(errors.join("\n")) }
    }

    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut compiled = self.compiled.lock();
        let compile = || {
            let mut root = schema.clone();
            root["components"] = self.components.clone();
            Arc::new(jsonschema::options().should_validate_formats(true).build(&root).unwrap())
        };
        Arc::clone(compiled.entry(schema.to_string()).or_insert_with(compile))
    }
}

#[test]
fn an_error_names_the_position_of_the_wrong_value() {
    let schemas = Schemas::new(&json!({
        "Row": { "type": "object", "additionalProperties": false, "required": ["id"],
                 "properties": { "id": { "type": "integer" }, "name": { "type": ["string", "null"] } } }
    }));
    let list = json!({ "type": "array", "items": { "$ref": "#/components/schemas/Row" } });
    let check = |value: Value| schemas.check(&list, &value);
    assert_eq!(check(json!([{ "id": 1 }, { "id": 2, "name": null }])), Ok(()));
    for (value, expected) in [
        (json!({}), ": {} is not of type \"array\""),
        (json!([{ "id": 1 }, {}]), "/1: \"id\" is a required property"),
        (json!([{ "id": "1" }]), "/0/id: \"1\" is not of type \"integer\""),
        (json!([{ "id": 1, "age": 2 }]), "/0: Additional properties are not allowed ('age' was unexpected)"),
    ] {
        assert_eq!(check(value), Err(expected.to_owned()));
    }
}
