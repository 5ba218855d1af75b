//! Whether a value fits a schema, as far as the document uses JSON Schema. Schemathesis asks a whole one the same.

use serde_json::{Map, Value};

/// Words that say nothing of whether a value fits, or that are left to Schemathesis.
const PASSED_OVER: [&str; 5] = ["description", "format", "pattern", "default", "example"];

/// Checks a value against a schema that may name those of the document.
///
/// Errors: the place, and what is wrong there.
pub fn check(schemas: &Value, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
    let keywords: &Map<String, Value> = schema.as_object().unwrap();
    keywords.iter().try_for_each(|(keyword, wanted)| {
        if fits(schemas, keyword, wanted, keywords, value, place)? {
            Ok(())
        } else {
            Err(format!("{place}: {value} does not fit {keyword}: {wanted}"))
        }
    })
}

fn fits(
    schemas: &Value,
    keyword: &str,
    wanted: &Value,
    keywords: &Map<String, Value>,
    value: &Value,
    place: &str,
) -> Result<bool, String> {
    let matching = |schemas_of: &Value| {
        let of = schemas_of.as_array().unwrap();
        of.iter().filter(|schema| check(schemas, schema, value, place).is_ok()).count()
    };
    let length = value.as_str().map(|text| text.chars().count() as u64);
    let number = value.as_i64();
    Ok(match keyword {
        "$ref" => {
            let name = wanted.as_str().unwrap().rsplit('/').next().unwrap();
            check(schemas, schemas.get(name).unwrap_or_else(|| panic!("no schema {name}")), value, place)?;
            true
        }
        "type" => match wanted {
            Value::Array(names) => names.iter().any(|name| is_a(value, name)),
            name => is_a(value, name),
        },
        "enum" => wanted.as_array().unwrap().contains(value),
        "const" => wanted == value,
        "minLength" => length.is_none_or(|length| length >= wanted.as_u64().unwrap()),
        "maxLength" => length.is_none_or(|length| length <= wanted.as_u64().unwrap()),
        "minimum" => number.is_none_or(|number| number >= wanted.as_i64().unwrap()),
        "maximum" => number.is_none_or(|number| number <= wanted.as_i64().unwrap()),
        "anyOf" => matching(wanted) > 0,
        "oneOf" => matching(wanted) == 1,
        "required" => value.as_object().is_none_or(|object| {
            let mut names = wanted.as_array().unwrap().iter();
            names.all(|name| object.contains_key(name.as_str().unwrap()))
        }),
        "items" => {
            let items = value.as_array().into_iter().flatten().enumerate();
            items
                .into_iter()
                .try_for_each(|(index, item)| check(schemas, wanted, item, &format!("{place}[{index}]")))?;
            true
        }
        "properties" => {
            for (name, schema) in wanted.as_object().unwrap() {
                if let Some(value) = value.get(name) {
                    check(schemas, schema, value, &format!("{place}.{name}"))?;
                }
            }
            true
        }
        "additionalProperties" => {
            let known = keywords.get("properties").and_then(Value::as_object);
            let mut names = value.as_object().into_iter().flat_map(Map::keys);
            names.all(|name| known.is_some_and(|known| known.contains_key(name)))
        }
        other => PASSED_OVER.contains(&other) || panic!("{place}: nobody checks {other}"),
    })
}

fn is_a(value: &Value, name: &Value) -> bool {
    match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("no type {other}"),
    }
}

#[test]
fn what_does_not_fit_is_told_its_place() {
    let schemas = serde_json::json!({
        "Row": { "type": "object", "additionalProperties": false, "required": ["id"],
                 "properties": { "id": { "type": "integer" }, "name": { "type": ["string", "null"] } } }
    });
    let list = serde_json::json!({ "type": "array", "items": { "$ref": "#/components/schemas/Row" } });
    let told = |value: Value| check(&schemas, &list, &value, "body");
    assert_eq!(told(serde_json::json!([{ "id": 1 }, { "id": 2, "name": null }])), Ok(()));
    for (value, expected) in [
        (serde_json::json!({}), "body: {} does not fit type: \"array\""),
        (serde_json::json!([{ "id": 1 }, {}]), "body[1]: {} does not fit required: [\"id\"]"),
        (serde_json::json!([{ "id": "1" }]), "body[0].id: \"1\" does not fit type: \"integer\""),
        (
            serde_json::json!([{ "id": 1, "age": 2 }]),
            "body[0]: {\"age\":2,\"id\":1} does not fit additionalProperties: false",
        ),
    ] {
        assert_eq!(told(value), Err(expected.to_owned()));
    }
}
