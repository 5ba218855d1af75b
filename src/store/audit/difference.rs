//! What a change did, in one line for people.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, value::RawValue};

/// How many characters of a value are shown of a row that was created or deleted. A difference shows whole values: they may
/// differ only at the end.
const MAX_VALUE_CHARS: usize = 60;

/// What changed between two states of an object: `surveysViaExternalApi: true → false`. Of a row that was created or deleted,
/// its values without its id, which the object has: `name: "Web widget", type: "WEB"`. Empty if nothing is recorded.
pub(super) fn difference(before: Option<&RawValue>, after: Option<&RawValue>) -> String {
    let row = |json: &RawValue| serde_json::from_str::<Map<String, Value>>(json.get()).ok().map(flat);
    match (before, after) {
        (None, None) => String::new(),
        (None, Some(json)) | (Some(json), None) => row(json).map_or_else(|| json.get().to_owned(), values),
        (Some(before), Some(after)) => match (row(before), row(after)) {
            (Some(before), Some(after)) => differences(&before, &after),
            // Not rows: "erased", or a number that only SQLite can read.
            _ if before.get() == after.get() => before.get().to_owned(),
            _ => format!("{} → {}", before.get(), after.get()),
        },
    }
}

/// The values of a row, each short.
fn values(mut row: BTreeMap<String, Value>) -> String {
    row.remove("id");
    row.into_iter().map(|(path, value)| format!("{path}: {}", shortened(&value))).collect::<Vec<_>>().join(", ")
}

fn differences(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> String {
    let text = |value: Option<&Value>| value.map_or("none".to_owned(), Value::to_string);
    let paths: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let states = paths.into_iter().map(|path| (path, before.get(path), after.get(path)));
    let changes = states.filter(|(_, before, after)| before != after);
    changes
        .map(|(path, before, after)| format!("{path}: {} → {}", text(before), text(after)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A row by the paths of its values: `question.text`. Null is no value.
fn flat(row: Map<String, Value>) -> BTreeMap<String, Value> {
    let mut values = BTreeMap::new();
    for (key, value) in row {
        match value {
            Value::Null => {}
            Value::Object(inner) => {
                values.extend(flat(inner).into_iter().map(|(path, value)| (format!("{key}.{path}"), value)));
            }
            value => _ = values.insert(key, value),
        }
    }
    values
}

/// A value as JSON; a long one ends with `…`.
fn shortened(value: &Value) -> String {
    let json = value.to_string();
    match json.char_indices().nth(MAX_VALUE_CHARS) {
        Some((end, _)) => format!("{}…", &json[..end]),
        None => json,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::one_value(
        json!({"surveysViaExternalApi": true}), json!({"surveysViaExternalApi": false}),
        "surveysViaExternalApi: true → false"
    )]
    #[case::several_values(
        json!({"id": 2, "name": "A", "channels": [2]}), json!({"id": 2, "name": "B", "channels": [1, 2]}),
        r#"channels: [2] → [1,2], name: "A" → "B""#
    )]
    #[case::a_value_that_comes(json!({"id": 1}), json!({"id": 1, "name": "A"}), r#"name: none → "A""#)]
    #[case::null_is_no_value(
        json!({"revokedAt": null, "expiresAt": null}), json!({"revokedAt": "T", "expiresAt": null}),
        r#"revokedAt: none → "T""#
    )]
    #[case::an_object_within(
        json!({"question": {"text": "A?", "kpi": 4.5}}), json!({"question": {"text": "B?", "kpi": 4.5}}),
        r#"question.text: "A?" → "B?""#
    )]
    #[case::an_object_that_goes(json!({"question": {"text": "A?"}}), json!({}), r#"question.text: "A?" → none"#)]
    #[case::a_row_created(
        Value::Null, json!({"id": 7, "name": "Телеграм", "type": "TELEGRAM", "deliveryOff": null}),
        r#"name: "Телеграм", type: "TELEGRAM""#
    )]
    #[case::a_row_deleted(json!({"id": 7, "name": "A\nB"}), Value::Null, r#"name: "A\nB""#)]
    #[case::a_row_with_only_an_id(Value::Null, json!({"id": 7}), "")]
    #[case::counts(Value::Null, json!({"channels": 2, "clients": 4}), "channels: 2, clients: 4")]
    #[case::a_great_number(json!({"id": 9_007_199_254_740_993_i64}), json!({"id": 9_007_199_254_740_992_i64}),
        "id: 9007199254740993 → 9007199254740992")]
    #[case::erased(json!("erased"), json!("erased"), r#""erased""#)]
    #[case::erased_and_created(Value::Null, json!("erased"), r#""erased""#)]
    #[case::nothing_recorded(Value::Null, Value::Null, "")]
    fn a_difference_is_a_line(#[case] before: Value, #[case] after: Value, #[case] expected: &str) {
        assert_eq!(of(&before, &after), expected);
    }

    fn of(before: &Value, after: &Value) -> String {
        let raw = |value: &Value| (!value.is_null()).then(|| RawValue::from_string(value.to_string()).expect("JSON"));
        difference(raw(before).as_deref(), raw(after).as_deref())
    }

    #[test]
    fn only_a_whole_row_is_shortened() {
        let (long, longer) = ("я".repeat(80), "я".repeat(80) + "!");
        assert_eq!(of(&Value::Null, &json!({"name": long})), format!("name: \"{}…", "я".repeat(59)));
        let whole = format!("name: \"{long}\" → \"{longer}\"");
        assert_eq!(of(&json!({"name": long}), &json!({"name": longer})), whole);
    }

    #[test]
    fn json_that_serde_cannot_read_is_shown_as_it_is() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).expect("JSON");
        let (before, after) = (raw(r#"{"n":1e999}"#), raw(r#"{"n":1}"#));
        assert_eq!(difference(Some(&before), Some(&after)), r#"{"n":1e999} → {"n":1}"#);
        assert_eq!(difference(Some(&before), None), r#"{"n":1e999}"#);
    }
}
