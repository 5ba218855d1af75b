//! Parses JSON documents into types of the model, with the path of the first error.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::error::Category;
use serde_path_to_error::Track;

/// The text without a byte-order mark, which some editors and clients write before it. Source: RFC 8259, section 8.1.
pub(crate) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Parses a whole document: a world file, or one row of it.
///
/// Errors: one sentence that begins with the path, `threads[3].status: unknown variant …`.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    parse_object(text, ObjectSeed { id: None, value: PhantomData })
}

/// As [`parse`], for a row without `id`: reads it as if its first field were that `id`.
pub(crate) fn parse_with_id<T: DeserializeOwned>(text: &str, id: i64) -> Result<T, String> {
    parse_object(text, ObjectSeed { id: Some(id), value: PhantomData })
}

fn parse_object<T: DeserializeOwned>(text: &str, seed: ObjectSeed<T>) -> Result<T, String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let mut track = Track::new();
    let value = seed.deserialize(serde_path_to_error::Deserializer::new(&mut json, &mut track)).map_err(|problem| {
        match problem.classify() {
            // The path says more than the line and column that serde_json adds.
            Category::Data => {
                let path = track.path().to_string();
                let problem = problem.to_string();
                let (problem, _) = problem.rsplit_once(" at line ").unwrap_or((&problem, ""));
                if path == "." { problem.to_owned() } else { format!("{path}: {problem}") }
            }
            Category::Syntax | Category::Eof | Category::Io => format!("not JSON: {problem}"),
        }
    })?;
    json.end().map_err(|error| format!("there is more text after the document: {error}"))?;
    Ok(value)
}

/// A value that must be a JSON object. For a struct alone, serde would also accept an array of its fields.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ObjectSeed { id: None, value: PhantomData }.deserialize(deserializer).map(Self)
    }
}

/// Deserializes a JSON object, with an additional field `id` in front if there is one.
struct ObjectSeed<T> {
    id: Option<i64>,
    value: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for ObjectSeed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectSeed<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        match self.id {
            None => T::deserialize(MapAccessDeserializer::new(map)),
            Some(id) => T::deserialize(MapAccessDeserializer::new(WithId { pending: Some(id), map })),
        }
    }
}

/// A map whose first entry is `id`.
struct WithId<A> {
    /// `None` once the entry was read.
    pending: Option<i64>,
    map: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for WithId<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        match self.pending {
            Some(_) => seed.deserialize("id".into_deserializer()).map(Some),
            None => self.map.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        match self.pending.take() {
            Some(id) => seed.deserialize(id.into_deserializer()),
            None => self.map.next_value_seed(seed),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Row {
        id: i64,
        names: Vec<String>,
    }

    #[test]
    fn an_id_can_be_added() {
        let row = parse_with_id::<Row>(r#"{"names":["a"]}"#, 7);
        assert_eq!(row, Ok(Row { id: 7, names: vec!["a".to_owned()] }));
    }

    #[test]
    fn a_document_is_an_object() {
        let row = || Row { id: 7, names: vec!["a".to_owned()] };
        assert_eq!(parse(r#"{"id":7,"names":["a"]}"#), Ok(row()));
        assert_eq!(parse::<Row>(r#"[7,["a"]]"#), Err("invalid type: sequence, expected a JSON object".to_owned()));
        let Object(read) = serde_json::from_str::<Object<Row>>(r#"{"id":7,"names":["a"]}"#).expect("an object");
        assert_eq!(read, row());
        assert!(serde_json::from_str::<Object<Row>>(r#"[7,["a"]]"#).is_err());
    }

    #[rstest]
    #[case("[]", "invalid type: sequence, expected a JSON object")]
    #[case("{}", "missing field `names`")]
    #[case(r#"{"names":[1]}"#, "names[0]: invalid type: integer `1`, expected a string")]
    #[case(r#"{"name":[]}"#, "name: unknown field `name`, expected `id` or `names`")]
    #[case(r#"{"id":null}"#, "duplicate field `id`")]
    #[case(r#"{"names":[]} {}"#, "there is more text after the document: trailing characters at line 1 column 14")]
    #[case("{", "not JSON: EOF while parsing an object at line 1 column 1")]
    fn an_error_names_its_path(#[case] text: &str, #[case] error: &str) {
        assert_eq!(parse_with_id::<Row>(text, 7), Err(error.to_owned()));
    }
}
